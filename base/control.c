/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request: one line. Answer: "+" or "-" (it went wrong), the length of the text in decimal, a
 * newline, the text. The length lets the asker notice a daemon that died half-way.
 */
#include "base/control.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/strbuf.h"
#include "base/unix_socket.h"

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_REQUEST_MAX 32768 /* a port configuration in base64 */
#define CONTROL_ANSWER_MAX (64u << 20)
#define CONTROL_IDLE_S 10 /* a client that neither asks nor reads */

struct control_command {
	struct list link;
	const char *name, *help;
	control_fn *fn;
	void *arg;
};

struct control {
	struct event_base *base;
	char *path;
	int fd;
	struct event *accept_ev, *retry_ev;
	struct list commands, clients;
	unsigned int n_clients;
};

struct control_client {
	struct list link;
	struct control *control;
	int fd;
	struct event *ev;
	struct strbuf request;
	char *answer; /* NULL while it asks */
	size_t answer_len, sent;
};

static void client_free(struct control_client *client)
{
	struct control *c = client->control;

	list_remove(&client->link);
	c->n_clients--;
	event_add(c->accept_ev, NULL); /* there is room again */
	event_free(client->ev);
	close(client->fd);
	strbuf_fini(&client->request);
	free(client->answer);
	free(client);
}

/* ---- Answering ---- */

static const struct control_command *control_find(const struct control *c, const char *name,
						  size_t len)
{
	const struct control_command *command;

	list_for_each (command, &c->commands, link)
		if (!strncmp(command->name, name, len) && !command->name[len])
			return command;
	return NULL;
}

static int control_help(const char *args, FILE *out, void *arg)
{
	const struct control *c = arg;
	const struct control_command *command;

	(void)args;
	list_for_each (command, &c->commands, link)
		fprintf(out, "%-12s %s\n", command->name, command->help);
	return 0;
}

/* The longest command that the line begins with: "graph dot" is looked for before "graph". */
static int control_call(const struct control *c, const char *line, FILE *out)
{
	for (size_t len = strlen(line); len; len--) {
		const struct control_command *command;

		if (line[len] && line[len] != ' ')
			continue;
		command = control_find(c, line, len);
		if (command)
			return command->fn(line + len + strspn(line + len, " "), out, command->arg);
	}
	fprintf(out, "unknown command; try help\n");
	return -EOPNOTSUPP;
}

static int client_answer(struct control_client *client)
{
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;
	FILE *out;
	int r;

	out = open_memstream(&text, &len);
	if (!out)
		return -errno;
	r = control_call(client->control, strbuf_str(&client->request), out);
	if (r < 0)
		fprintf(out, "error: %s\n", strerror(-r));
	if (fclose(out) != 0 || len > CONTROL_ANSWER_MAX)
		return -E2BIG;
	client->answer = malloc(len + 32);
	if (!client->answer)
		return -ENOMEM;
	client->answer_len = (size_t)sprintf(client->answer, "%c%zu\n", r < 0 ? '-' : '+', len);
	memcpy(client->answer + client->answer_len, text, len);
	client->answer_len += len;
	return 0;
}

/* ---- The loop's side ---- */

static void client_wait(struct control_client *client, short what);

/* Returns 0 while there is more to do, -errno or 1 when the client is done with. */
static int client_send(struct control_client *client)
{
	while (client->sent < client->answer_len) {
		ssize_t n = send(client->fd, client->answer + client->sent,
				 client->answer_len - client->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			client_wait(client, EV_WRITE);
			return 0;
		}
		if (n < 0)
			return -errno;
		client->sent += (size_t)n;
	}
	return 1;
}

static int client_receive(struct control_client *client)
{
	char part[4096], *end;
	ssize_t n = recv(client->fd, part, sizeof(part), 0);
	int r;

	if (n < 0 && errno == EAGAIN) {
		client_wait(client, EV_READ);
		return 0;
	}
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	end = memchr(part, '\n', (size_t)n);
	strbuf_addmem(&client->request, part, end ? (size_t)(end - part) : (size_t)n);
	if (client->request.len > CONTROL_REQUEST_MAX)
		return -E2BIG;
	if (!end) {
		client_wait(client, EV_READ);
		return 0;
	}
	r = client_answer(client);
	return r < 0 ? r : client_send(client);
}

static void client_event(evutil_socket_t fd, short what, void *arg)
{
	struct control_client *client = arg;
	int r;

	(void)fd;
	if (what & EV_TIMEOUT)
		r = -ETIMEDOUT;
	else
		r = client->answer ? client_send(client) : client_receive(client);
	if (r)
		client_free(client);
}

static void client_wait(struct control_client *client, short what)
{
	const struct timeval idle = { .tv_sec = CONTROL_IDLE_S };

	event_assign(client->ev, client->control->base, client->fd, what, client_event, client);
	event_add(client->ev, &idle);
}

static void control_retry(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	(void)fd;
	(void)what;
	event_add(c->accept_ev, NULL);
}

static void control_accept(evutil_socket_t fd, short what, void *arg)
{
	int client_fd = accept4((int)fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct control_client *client;
	struct control *c = arg;

	(void)what;
	if (client_fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
		/* The connection stays in the queue and would wake us for ever: look again later. */
		event_del(c->accept_ev);
		event_add(c->retry_ev, &(struct timeval){ .tv_sec = 1 });
	}
	if (client_fd < 0)
		return;
	client = xcalloc(1, sizeof(*client));
	client->control = c;
	client->fd = client_fd;
	list_append(&c->clients, &client->link);
	client->ev = event_new(c->base, client_fd, EV_READ, client_event, client);
	if (!client->ev)
		abort();
	if (++c->n_clients == CONTROL_CLIENTS_MAX)
		event_del(c->accept_ev); /* the others wait in the listen queue */
	client_wait(client, EV_READ);
}

int control_new(struct event_base *base, const char *path, struct control **ret)
{
	struct control *c;
	int fd;

	fd = unix_listen(path, 0660);
	if (fd < 0)
		return fd;
	c = xcalloc(1, sizeof(*c));
	c->base = base;
	c->path = xstrdup(path);
	c->fd = fd;
	list_init(&c->commands);
	list_init(&c->clients);
	c->accept_ev = event_new(base, fd, EV_READ | EV_PERSIST, control_accept, c);
	c->retry_ev = event_new(base, -1, 0, control_retry, c);
	if (!c->accept_ev || !c->retry_ev || event_add(c->accept_ev, NULL) < 0)
		abort();
	control_add(c, "help", "this list", control_help, c);
	*ret = c;
	return 0;
}

struct control *control_free(struct control *c)
{
	struct control_command *command, *next_command;
	struct control_client *client, *next_client;

	if (!c)
		return NULL;
	list_for_each_safe (client, next_client, &c->clients, link)
		client_free(client);
	list_for_each_safe (command, next_command, &c->commands, link)
		free(command);
	event_free(c->accept_ev);
	event_free(c->retry_ev);
	unlink(c->path);
	close(c->fd);
	free(c->path);
	free(c);
	return NULL;
}

void control_add(struct control *c, const char *command, const char *help, control_fn *fn,
		 void *arg)
{
	struct control_command *added = xcalloc(1, sizeof(*added));

	*added = (struct control_command){ .name = command, .help = help, .fn = fn, .arg = arg };
	list_append(&c->commands, &added->link);
}
