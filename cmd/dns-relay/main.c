/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-relay FILE: nim's helper that passes DNS queries on (dnsrelay/relay.h). It reads FILE again
 * when that is replaced, keeps what it had when the file is wrong, and runs as nobody, without
 * capabilities. It watches the file itself: a signal may come before it can take one.
 */
#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/inotify.h"
#include "base/privileges.h"
#include "dnsrelay/relay.h"

#define FILE_MAX 65536
#define FILES 2048 /* a socket for each query at each server */

struct program {
	char *path; /* of argv */
	struct event_base *base;
	struct relay *relay;
	int watch; /* inotify */
};

/* A user namespace that maps nobody but root has no other user to become. */
static int become_nobody(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	uint64_t missing;

	if (nobody && setgroups(0, NULL) == 0 &&
	    (setresgid(nobody->pw_gid, nobody->pw_gid, nobody->pw_gid) < 0 ||
	     setresuid(nobody->pw_uid, nobody->pw_uid, nobody->pw_uid) < 0) &&
	    errno != EINVAL)
		return -errno;
	return privileges_keep(NULL, &missing);
}

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

/* Its folder, as a new file takes the old one's name. Before the first look at it. */
static int watch(struct program *program)
{
	char folder[PATH_MAX];

	if (strlen(program->path) >= sizeof(folder))
		return -ENAMETOOLONG;
	strcpy(folder, program->path);
	program->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (program->watch < 0 || inotify_add_watch(program->watch, dirname(folder),
						    IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
		return -errno;
	return 0;
}

static void on_file(evutil_socket_t fd, short what, void *arg)
{
	_cleanup_(freep) struct dns_conf *conf = xcalloc(1, sizeof(*conf));
	struct program *program = arg;
	const struct inotify_event *event;
	struct inotify_events events;
	bool ours = false;

	(void)what;
	for (event = inotify_first(&events, fd); event; event = inotify_next(&events)) {
		if (event->mask & IN_IGNORED) /* the folder is gone: nim starts us for another */
			event_base_loopbreak(program->base);
		ours |= event->mask & IN_Q_OVERFLOW ||
			(event->len && strcmp(event->name, basename(program->path)) == 0);
	}
	if (ours && load(program->path, conf) == 0)
		relay_set_conf(program->relay, conf);
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
	struct event *file = NULL;
	int r = watch(program);

	if (r < 0)
		fprintf(stderr, "%s: cannot watch it: %s\n", program->path, strerror(-r));
	if (r == 0)
		r = load(program->path, conf);
	if (r < 0)
		return r;
	r = relay_new(program->base, conf, &program->relay);
	if (r < 0) {
		fprintf(stderr, DNS_RELAY_ADDR " port %d: %s\n", DNS_RELAY_PORT, strerror(-r));
		return r;
	}
	file = event_new(program->base, program->watch, EV_READ | EV_PERSIST, on_file, program);
	if (!file || event_add(file, NULL) < 0 || event_base_dispatch(program->base) < 0)
		r = -EIO;
	if (file)
		event_free(file);
	relay_free(program->relay);
	return r;
}

int main(int argc, char *argv[])
{
	struct program program = { .path = argc == 2 ? argv[1] : NULL, .watch = -1 };
	struct event *term;
	int r;

	if (!program.path) {
		fputs("usage: dns-relay FILE\n", stderr);
		return EXIT_FAILURE;
	}
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ FILES, FILES });
	r = become_nobody();
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
	r = serve(&program);
	closep(&program.watch);
	event_free(term);
	event_base_free(program.base);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
