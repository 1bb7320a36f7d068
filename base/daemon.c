/* SPDX-License-Identifier: Apache-2.0 */
#include "base/daemon.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon_options.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/privileges.h"

struct daemon {
	const struct daemon_conf *conf;
	struct daemon_options options;
	struct event_base *base;
	struct control *control;
	struct notify notify;
	struct event *term_ev, *int_ev, *debug_ev;
	struct event *watchdog_ev; /* NULL: nobody watches, nothing wakes us */
	int lock_fd;
};

/* ---- Steps of the start ---- */

static int daemon_make_dirs(const struct daemon *d)
{
	const char *const dirs[] = { d->options.run_dir, d->options.state_dir };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		int r = dir_make(dirs[i], 0755);

		if (r < 0) {
			log_error("folder_failed", "path=%s why=\"%s\"", dirs[i], strerror(-r));
			return r;
		}
	}
	return 0;
}

/* The kernel drops the lock with the process, however it ends. The pid inside is for people. */
static int daemon_lock(struct daemon *d)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s.lock", d->options.run_dir, d->conf->name);
	_cleanup_(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char pid[16] = "";
	int r;

	if (fd < 0) {
		r = -errno;
		log_error("lock_failed", "path=%s why=\"%s\"", path, strerror(-r));
		return r;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = read(fd, pid, sizeof(pid) - 1);

		pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
		log_error("already_running", "lock=%s pid=%s", path, pid);
		return -EBUSY;
	}
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || write(fd, pid, strlen(pid)) < 0)
		return -errno;
	d->lock_fd = take_fd(&fd);
	return 0;
}

static int daemon_drop_privileges(const struct daemon *d)
{
	uint64_t missing;
	int r;

	r = privileges_keep(d->conf->caps, &missing);
	if (r < 0) {
		log_error("capabilities_failed", "why=\"%s\"", strerror(-r));
		return r;
	}
	for (int cap = 0; cap < 64; cap++)
		if (missing >> cap & 1)
			log_warning("capability_missing", "capability=%s",
				    capng_capability_to_name((unsigned int)cap));
	return 0;
}

static void daemon_end(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	log_info("daemon_stop", "signal=%s", sigabbrev_np((int)sig));
	notify_send(&d->notify, "STOPPING=1");
	event_base_loopbreak(d->base);
}

static void daemon_toggle_debug(evutil_socket_t sig, short what, void *arg)
{
	const struct daemon *d = arg;

	(void)sig;
	(void)what;
	log_set_level(log_enabled(LOG_LEVEL_DEBUG) ? d->options.log_level : LOG_LEVEL_DEBUG);
}

static struct event *daemon_on_signal(struct daemon *d, int sig, event_callback_fn fn)
{
	struct event *ev = evsignal_new(d->base, sig, fn, d);

	if (!ev || event_add(ev, NULL) < 0)
		abort();
	return ev;
}

static int daemon_events(const char *args, FILE *out, void *arg)
{
	(void)args, (void)arg;
	log_print_recent(out);
	return 0;
}

static int daemon_open_loop(struct daemon *d)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s.control", d->options.run_dir, d->conf->name);
	struct event_config *config = event_config_new();
	int r;

	if (!config)
		return -ENOMEM;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK); /* no threads */
	d->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!d->base)
		return -ENOMEM;
	signal(SIGPIPE, SIG_IGN);
	d->term_ev = daemon_on_signal(d, SIGTERM, daemon_end);
	d->int_ev = daemon_on_signal(d, SIGINT, daemon_end);
	d->debug_ev = daemon_on_signal(d, SIGUSR1, daemon_toggle_debug);
	r = control_new(d->base, path, &d->control);
	if (r < 0)
		log_error("control_failed", "path=%s why=\"%s\"", path, strerror(-r));
	else
		control_add(d->control, "events", "what was logged last", daemon_events, d);
	return r;
}

static int daemon_start(struct daemon *d)
{
	int r;

	r = daemon_make_dirs(d);
	if (r == 0)
		r = daemon_lock(d);
	if (r == 0)
		r = daemon_drop_privileges(d);
	if (r == 0)
		r = daemon_open_loop(d);
	return r;
}

int daemon_new(const struct daemon_conf *conf, int argc, char *argv[], struct daemon **ret)
{
	_cleanup_(daemon_freep) struct daemon *d = xcalloc(1, sizeof(*d));
	int r;

	d->conf = conf;
	d->lock_fd = -1;
	r = daemon_options_parse(conf, argc, argv, &d->options);
	if (r)
		return r;
	log_open(&(struct log_conf){
		.name = conf->name, .level = d->options.log_level, .json = d->options.log_json });
	notify_init(&d->notify);
	r = daemon_start(d);
	if (r < 0)
		return r;
	log_info("daemon_start", "version=%s pid=%d", EDGEWAY_VERSION, (int)getpid());
	*ret = take_ptr(d);
	return 0;
}

static void event_free_if(struct event *ev)
{
	if (ev)
		event_free(ev);
}

struct daemon *daemon_free(struct daemon *d)
{
	if (!d)
		return NULL;
	control_free(d->control);
	event_free_if(d->term_ev);
	event_free_if(d->int_ev);
	event_free_if(d->debug_ev);
	event_free_if(d->watchdog_ev);
	if (d->base)
		event_base_free(d->base);
	notify_fini(&d->notify);
	closep(&d->lock_fd);
	free(d);
	return NULL;
}

struct event_base *daemon_base(const struct daemon *d)
{
	return d->base;
}

const char *daemon_name(const struct daemon *d)
{
	return d->conf->name;
}

const char *daemon_run_dir(const struct daemon *d)
{
	return d->options.run_dir;
}

const char *daemon_state_dir(const struct daemon *d)
{
	return d->options.state_dir;
}

struct control *daemon_control(const struct daemon *d)
{
	return d->control;
}

/* ---- Running ---- */

static void daemon_feed_watchdog(evutil_socket_t fd, short what, void *arg)
{
	const struct daemon *d = arg;

	(void)fd;
	(void)what;
	notify_send(&d->notify, "WATCHDOG=1");
}

void daemon_ready(struct daemon *d, const char *status)
{
	_cleanup_(freep) char *state = xasprintf("READY=1\nSTATUS=%s", status ? status : "");
	uint64_t half_us = d->notify.watchdog_us / 2;
	int r;

	r = notify_send(&d->notify, state);
	if (r < 0)
		log_warning("notify_failed", "why=\"%s\"", strerror(-r));
	if (!half_us || d->watchdog_ev)
		return;
	d->watchdog_ev = event_new(d->base, -1, EV_PERSIST, daemon_feed_watchdog, d);
	if (!d->watchdog_ev)
		abort();
	event_add(d->watchdog_ev, &(struct timeval){ .tv_sec = (time_t)(half_us / 1000000),
						     .tv_usec = (suseconds_t)(half_us % 1000000) });
}

int daemon_run(struct daemon *d)
{
	if (event_base_dispatch(d->base) < 0) {
		log_error("loop_failed", "why=\"%s\"", strerror(errno));
		return -EIO;
	}
	return 0;
}
