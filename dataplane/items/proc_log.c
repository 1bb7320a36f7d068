/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/items/proc_log.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/cleanup.h"

struct proc_log {
	struct event *readable;
	proc_said_fn *said;
	void *arg;
	int fd;
	size_t len; /* of the line being read */
	char line[256], last[256];
};

static void take_line(struct proc_log *log)
{
	if (log->len == 0)
		return; /* keep the line before an empty one */
	memcpy(log->last, log->line, log->len);
	log->last[log->len] = '\0';
	log->len = 0;
	log->said(log->last, log->arg);
}

static void take(struct proc_log *log, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			take_line(log);
		else if (log->len < sizeof(log->line) - 1)
			log->line[log->len++] = text[i];
	}
}

static void drain(evutil_socket_t fd, short what, void *arg)
{
	struct proc_log *log = arg;
	char buf[4096];
	ssize_t n;

	(void)what;
	/* Bounded: a program that never stops talking must not keep the loop. */
	for (int i = 0; i < 16 && (n = read(fd, buf, sizeof(buf))) > 0; i++)
		take(log, buf, (size_t)n);
}

int proc_log_open(struct event_base *base, const char *path, proc_said_fn *said, void *arg,
		  struct proc_log **ret)
{
	struct proc_log *log;
	int fd;

	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -errno;
	/* Read and write: there is a writer always, so no end of file when the program ends. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	log = xcalloc(1, sizeof(*log));
	log->fd = fd;
	log->said = said;
	log->arg = arg;
	log->readable = event_new(base, fd, EV_READ | EV_PERSIST, drain, log);
	event_add(log->readable, NULL);
	*ret = log;
	return 0;
}

struct proc_log *proc_log_free(struct proc_log *log)
{
	if (!log)
		return NULL;
	event_free(log->readable);
	close(log->fd);
	free(log);
	return NULL;
}

int proc_log_fd(const struct proc_log *log)
{
	return log->fd;
}

const char *proc_log_last(struct proc_log *log)
{
	drain(log->fd, 0, log);
	take_line(log);
	return log->last;
}
