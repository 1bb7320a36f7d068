/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All daemons in the foreground, for demonstrations, containers and tests; systemd does this on a
 * real node. The crashed are started again with back-off. They die with us, what they configured
 * and their helpers stay.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cmd/edgeway/commands.h"

#define RUN_DAEMONS 8
#define STOP_MS 5000
#define CALM_MS 30000 /* running for so long: earlier crashes are forgotten */

struct run;

struct supervised {
	struct run *run;
	const char *name;
	struct child *child; /* NULL: not running */
	struct event *restart;
	struct mono started;
	unsigned int crashes;
};

struct run {
	struct event_base *base;
	struct event *sigterm, *sigint;
	struct supervised daemons[RUN_DAEMONS];
	unsigned int count;
	char folder[PATH_MAX]; /* of our own executable and so of the daemons */
	const char *config, *chrony_sources, *config_dir, *dpc_dir, *last_resort_after, *log_level,
		*resolv_conf;
	bool log_json, usb, stopping;
};

static void supervised_start(struct supervised *s);

static void restart_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	supervised_start(arg);
}

static bool all_ended(const struct run *run)
{
	for (unsigned int i = 0; i < run->count; i++)
		if (run->daemons[i].child)
			return false;
	return true;
}

static void start_later(struct supervised *s)
{
	unsigned int delay_ms = restart_delay_ms(s->crashes++);
	struct timeval tv = { .tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000 };

	log_warning("daemon_restart", "daemon=%s delay_ms=%u", s->name, delay_ms);
	event_add(s->restart, &tv);
}

static void exited(struct child *c, int status, void *arg)
{
	struct supervised *s = arg;
	struct run *run = s->run;

	s->child = child_free(c);
	if (run->stopping) {
		if (all_ended(run))
			event_base_loopbreak(run->base);
		return;
	}
	log_error("daemon_exited", "daemon=%s status=%d", s->name, status);
	if (mono_diff_ms(mono_now(), s->started) > CALM_MS)
		s->crashes = 0;
	start_later(s);
}

static void supervised_start(struct supervised *s)
{
	static const struct child_ops ops = { .exited = exited };
	const struct run *run = s->run;
	_cleanup_(freep) char *path = xasprintf("%s/%s", run->folder, s->name);
	const char *argv[26] = { path, "--run-dir", cli_run_dir(), "--state-dir", cli_state_dir() };
	const struct child_conf conf = { .argv = argv, .netns_fd = -1, .log_fd = -1 };
	unsigned int n = 5;
	int r;

	if (run->log_level) {
		argv[n++] = "--log-level";
		argv[n++] = run->log_level;
	}
	if (run->log_json)
		argv[n++] = "--log-json";
	if (run->config && strcmp(s->name, "zedagent") == 0) {
		argv[n++] = "--config";
		argv[n++] = run->config;
	}
	if (run->chrony_sources && strcmp(s->name, "nim") == 0) {
		argv[n++] = "--chrony-sources";
		argv[n++] = run->chrony_sources;
	}
	if (run->resolv_conf && strcmp(s->name, "nim") == 0) {
		argv[n++] = "--resolv-conf";
		argv[n++] = run->resolv_conf;
	}
	if (strcmp(s->name, "nim") == 0) {
		argv[n++] = "--last-resort-after";
		argv[n++] = run->last_resort_after;
	}
	if (run->config_dir && (strcmp(s->name, "nim") == 0 || strcmp(s->name, "zedagent") == 0)) {
		argv[n++] = "--config-dir";
		argv[n++] = run->config_dir;
	}
	if (run->dpc_dir && strcmp(s->name, "nim") == 0) {
		argv[n++] = "--dpc-dir";
		argv[n++] = run->dpc_dir;
	}
	s->started = mono_now();
	r = child_start(run->base, &conf, &ops, s, &s->child);
	if (r < 0) {
		log_error("daemon_start", "daemon=%s err=%d why=\"%s\"", s->name, -r, strerror(-r));
		start_later(s);
	}
}

static void stop_cb(evutil_socket_t fd, short what, void *arg)
{
	struct run *run = arg;

	(void)fd, (void)what;
	run->stopping = true;
	for (unsigned int i = 0; i < run->count; i++) {
		event_del(run->daemons[i].restart);
		if (run->daemons[i].child)
			child_stop(run->daemons[i].child, STOP_MS);
	}
	if (all_ended(run))
		event_base_loopbreak(run->base);
}

static int find_folder(struct run *run)
{
	ssize_t n = readlink("/proc/self/exe", run->folder, sizeof(run->folder) - 1);
	char *slash;

	if (n < 0)
		return -errno;
	run->folder[n] = '\0';
	slash = strrchr(run->folder, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

static int parse_options(struct run *run, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "chrony-sources", required_argument, NULL, 's' },
		{ "config-dir", required_argument, NULL, 'D' },
		{ "dpc-dir", required_argument, NULL, 'd' },
		{ "last-resort-after", required_argument, NULL, 'a' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "resolv-conf", required_argument, NULL, 'r' },
		{ "log-json", no_argument, NULL, 'j' },
		{ "usb", no_argument, NULL, 'u' },
		{ 0 },
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == '?')
			return -EINVAL;
		if (option == 'c')
			run->config = optarg;
		else if (option == 's')
			run->chrony_sources = optarg;
		else if (option == 'D')
			run->config_dir = optarg;
		else if (option == 'd')
			run->dpc_dir = optarg;
		else if (option == 'a')
			run->last_resort_after = optarg;
		else if (option == 'l')
			run->log_level = optarg;
		else if (option == 'r')
			run->resolv_conf = optarg;
		else if (option == 'u')
			run->usb = true;
		else
			run->log_json = true;
	}
	return optind == argc ? 0 : -EINVAL;
}

static void run_fini(struct run *run)
{
	for (unsigned int i = 0; i < run->count; i++) {
		child_free(run->daemons[i].child);
		event_free(run->daemons[i].restart);
	}
	if (run->sigterm)
		event_free(run->sigterm);
	if (run->sigint)
		event_free(run->sigint);
	if (run->base)
		event_base_free(run->base);
}

static void supervise(struct run *run, const char *name)
{
	struct supervised *s = &run->daemons[run->count++];

	*s = (struct supervised){ .run = run, .name = name };
	s->restart = event_new(run->base, -1, 0, restart_cb, s);
	supervised_start(s);
}

static int run_all(struct run *run)
{
	for (const char *const *name = cli_daemons; *name; name++)
		supervise(run, *name);
	if (run->usb)
		supervise(run, "usb-config");
	return event_base_dispatch(run->base) < 0 ? 1 : 0;
}

int cmd_run(int argc, char *argv[])
{
	/* Not unasked: it would take over the cards of the machine it is tried on. */
	struct run run = { .last_resort_after = "never" };
	int r;

	if (parse_options(&run, argc, argv) < 0)
		return cli_usage("run");
	log_open(&(struct log_conf){
		.name = "edgeway", .level = LOG_LEVEL_INFO, .json = run.log_json });
	run.base = event_base_new();
	if (!run.base || find_folder(&run) < 0)
		return cli_fail("cannot start: %s", strerror(errno));
	run.sigterm = evsignal_new(run.base, SIGTERM, stop_cb, &run);
	run.sigint = evsignal_new(run.base, SIGINT, stop_cb, &run);
	if (!run.sigterm || !run.sigint || evsignal_add(run.sigterm, NULL) < 0 ||
	    evsignal_add(run.sigint, NULL) < 0)
		return cli_fail("cannot start: no memory for signals");
	r = run_all(&run);
	run_fini(&run);
	return r;
}
