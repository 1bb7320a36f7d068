/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the questions, a few at a time; what a program says goes to memory, never to a disk. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "cmd/edgeway/dump.h"
#include "cmd/edgeway/redact.h"

#define SLOTS 8
#define STOP_MS 500

struct run;

struct slot { /* one program that runs */
	struct run *run;
	struct dump_part *part; /* NULL: free */
	struct child *child;
	struct event *late;
	int fd; /* what it says */
};

struct run {
	struct event_base *base;
	struct dump *dump;
	struct event *sigterm, *sigint, *end;
	struct slot slots[SLOTS];
	size_t next; /* part to begin with */
	size_t total; /* bytes so far */
	bool stopped;
};

static void run_next(struct run *run);

/* Takes the place of the reason there was. */
static void say(struct dump_part *p, enum dump_end end, char *why)
{
	free(p->why);
	p->why = why;
	p->end = end;
}

/* What the part tells, if it still fits. */
static void keep(struct run *run, struct dump_part *p, const char *text, size_t len)
{
	redact(text, len, &p->text);
	if (run->total + p->text.len > DUMP_TOTAL_BYTES) {
		strbuf_fini(&p->text);
		say(p, DUMP_LEFT_OUT,
		    xasprintf("all have more than %u MiB", DUMP_TOTAL_BYTES >> 20));
	}
	run->total += p->text.len;
}

/* The first line of what a program that failed has said. */
static char *complaint(int status, const char *text, size_t len)
{
	_cleanup_(strbuf_fini) struct strbuf line = STRBUF_INIT;
	const char *end = memchr(text, '\n', len);
	size_t n = end ? (size_t)(end - text) : len;

	redact(text, n < 200 ? n : 200, &line);
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.str[i] < ' ')
			line.str[i] = '?';
	return xasprintf("%s %d%s%s", status < 0 ? "ended by signal" : "ended with status",
			 status < 0 ? -status : status, line.len ? ": " : "", strbuf_str(&line));
}

static void collect(struct slot *s, int status)
{
	off_t len = lseek(s->fd, 0, SEEK_END);
	size_t size = len < 0 ? 0 : (size_t)len;
	void *text = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, s->fd, 0) : NULL;
	struct dump_part *p = s->part;

	if (text == MAP_FAILED)
		text = NULL;
	if (!text)
		size = 0;
	if (p->end == DUMP_LATE)
		say(p, DUMP_LATE, xasprintf("stopped after %u s", DUMP_PART_MS / 1000));
	else if (size >= DUMP_PART_BYTES || status == -SIGXFSZ)
		say(p, DUMP_LARGE, xasprintf("more than %u MiB", DUMP_PART_BYTES >> 20));
	else if (status < 0 || (status && !p->any_status))
		say(p, DUMP_FAILED, complaint(status, text ? text : "", size));
	else
		say(p, DUMP_WHOLE, xstrdup(""));
	keep(s->run, p, text ? text : "", size);
	if (text)
		munmap(text, size);
}

static void slot_free(struct slot *s)
{
	s->child = child_free(s->child);
	event_del(s->late);
	closep(&s->fd);
	s->fd = -1;
	s->part = NULL;
}

static void exited(struct child *c, int status, void *arg)
{
	struct slot *s = arg;
	struct run *run = s->run;

	(void)c;
	collect(s, status);
	slot_free(s);
	run_next(run);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct slot *s = arg;

	(void)fd, (void)what;
	s->part->end = DUMP_LATE;
	child_stop(s->child, STOP_MS);
}

/* The limit is on files that a process writes, and so on what it says into one: the kernel ends it
 * with SIGXFSZ. It inherits the limit, which is none of our own again afterwards. */
static int start_limited(struct slot *s)
{
	static const struct child_ops ops = { .exited = exited };
	const struct child_conf conf = { .argv = s->part->argv, .netns_fd = -1, .log_fd = s->fd };
	struct rlimit before, limit;
	int r;

	if (getrlimit(RLIMIT_FSIZE, &before) < 0)
		return -errno;
	limit = before;
	if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > DUMP_PART_BYTES)
		limit.rlim_cur = DUMP_PART_BYTES;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return -errno;
	r = child_start(s->run->base, &conf, &ops, s, &s->child);
	setrlimit(RLIMIT_FSIZE, &before);
	return r;
}

static void start(struct slot *s, struct dump_part *p)
{
	int r;

	s->part = p;
	s->fd = memfd_create("netdump", MFD_CLOEXEC);
	r = s->fd < 0 ? -errno : start_limited(s);
	if (r < 0) {
		say(p, DUMP_FAILED,
		    xasprintf("%s: %s", p->argv[0],
			      r == -ENOENT ? "there is no such program" : strerror(-r)));
		slot_free(s);
		return;
	}
	event_add(s->late, &(struct timeval){ .tv_sec = DUMP_PART_MS / 1000,
					      .tv_usec = DUMP_PART_MS % 1000 * 1000 });
}

static void make(struct run *run, struct dump_part *p)
{
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	p->make(&text);
	if (text.len > DUMP_PART_BYTES) {
		say(p, DUMP_LARGE, xasprintf("more than %u MiB", DUMP_PART_BYTES >> 20));
		text.len = DUMP_PART_BYTES;
	} else {
		say(p, DUMP_WHOLE, xstrdup(""));
	}
	keep(run, p, strbuf_str(&text), text.len);
}

/* Begins as many as there is room for; the last one to end ends the loop. */
static void run_next(struct run *run)
{
	bool busy = false;

	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *s = &run->slots[i];

		while (!s->part && run->next < run->dump->n) {
			struct dump_part *p = &run->dump->parts[run->next++];

			if (p->argv[0])
				start(s, p);
			else if (p->make)
				make(run, p);
		}
		busy = busy || s->part;
	}
	if (!busy)
		event_base_loopbreak(run->base);
}

static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	run_next(arg);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct run *run = arg;

	(void)fd, (void)what;
	run->stopped = true;
	event_base_loopbreak(run->base);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	event_base_loopbreak(((struct run *)arg)->base);
}

static int run_open(struct run *run)
{
	run->base = event_base_new();
	if (!run->base)
		return -ENOMEM;
	run->sigterm = evsignal_new(run->base, SIGTERM, on_signal, run);
	run->sigint = evsignal_new(run->base, SIGINT, on_signal, run);
	run->end = event_new(run->base, -1, 0, on_end, run);
	if (!run->sigterm || !run->sigint || !run->end || evsignal_add(run->sigterm, NULL) < 0 ||
	    evsignal_add(run->sigint, NULL) < 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *s = &run->slots[i];

		s->run = run;
		s->fd = -1;
		s->late = event_new(run->base, -1, 0, on_late, s);
		if (!s->late)
			return -ENOMEM;
	}
	event_add(run->end, &(struct timeval){ .tv_sec = DUMP_TOTAL_MS / 1000 });
	return event_base_once(run->base, -1, EV_TIMEOUT, on_begin, run, &(struct timeval){ 0 }) < 0
		       ? -ENOMEM
		       : 0;
}

static void run_close(struct run *run)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (!run->slots[i].late)
			continue;
		slot_free(&run->slots[i]); /* one that still runs is killed */
		event_free(run->slots[i].late);
	}
	if (run->sigterm)
		event_free(run->sigterm);
	if (run->sigint)
		event_free(run->sigint);
	if (run->end)
		event_free(run->end);
	if (run->base)
		event_base_free(run->base);
}

int dump_run(struct dump *dump)
{
	struct run run = { .dump = dump };
	int r;

	for (size_t i = 0; i < dump->n; i++)
		run.total += dump->parts[i].text.len;
	r = run_open(&run);
	if (r == 0 && event_base_dispatch(run.base) < 0)
		r = -EIO;
	if (r == 0 && run.stopped)
		r = -EINTR;
	run_close(&run);
	return r;
}
