/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-relay FILE: nim's helper that passes DNS queries on (dnsrelay/relay.h). It reads FILE again
 * when that is replaced, keeps what it had when the file is wrong, and runs as nobody, without
 * capabilities. It watches the file itself: a signal may come before it can take one.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/privileges.h"
#include "dnsrelay/relay.h"

#define FILE_MAX 65536
#define FILES 2048 /* a socket for each query at each server */

struct program {
	char *path; /* of argv */
	struct event_base *base;
	struct relay *relay;
};

static int load(const char *path, struct dns_conf *ret)
{
	_cleanup_(freep) char *text = NULL;
	int r = file_read(path, FILE_MAX, &text, NULL);

	if (r == 0)
		r = dns_conf_parse(text, ret);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
	return r;
}

/* Nobody needs us without the file: nim starts us for another one. */
static void on_file(void *arg)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	struct program *program = arg;
	int r = load(program->path, conf);

	if (r == 0)
		relay_set_conf(program->relay, conf);
	else if (r == -ENOENT)
		event_base_loopbreak(program->base);
}

static void on_term(evutil_socket_t sig, short what, void *arg)
{
	struct program *program = arg;

	(void)sig, (void)what;
	event_base_loopbreak(program->base);
}

static int serve(struct program *program)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	int r = load(program->path, conf);

	if (r < 0)
		return r;
	r = relay_new(program->base, conf, &program->relay);
	if (r < 0) {
		fprintf(stderr, DNS_RELAY_ADDR " port %d: %s\n", DNS_RELAY_PORT, strerror(-r));
		return r;
	}
	if (event_base_dispatch(program->base) < 0)
		r = -EIO;
	relay_free(program->relay);
	return r;
}

int main(int argc, char *argv[])
{
	struct program program = { .path = argc == 2 ? argv[1] : NULL };
	struct file_watch *watch;
	struct event *term;
	int r;

	if (!program.path) {
		fputs("usage: dns-relay FILE\n", stderr);
		return EXIT_FAILURE;
	}
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ FILES, FILES });
	r = privileges_drop();
	if (r < 0) {
		fprintf(stderr, "cannot drop privileges: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	program.base = event_base_new();
	if (!program.base)
		abort();
	signal(SIGPIPE, SIG_IGN);
	term = evsignal_new(program.base, SIGTERM, on_term, &program);
	if (!term || event_add(term, NULL) < 0)
		abort();
	/* Before the first look at it. */
	r = file_watch_new(program.base, program.path, on_file, &program, &watch);
	if (r < 0) {
		fprintf(stderr, "%s: cannot watch it: %s\n", program.path, strerror(-r));
		return EXIT_FAILURE;
	}
	r = serve(&program);
	file_watch_free(watch);
	event_free(term);
	event_base_free(program.base);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
