/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/ntp/chrony.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/daemon.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/hmap.h"
#include "base/log.h"
#include "dataplane/dp.h"
#include "dataplane/items/host.h"
#include "dataplane/report.h"
#include "nim/ntp/ntp.h"

#define SOCKET "/run/chrony/chronyd.sock" /* chronyd's, there while it runs */
#define RELOAD_MS 10000 /* chronyc asks for 7 s */
#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 300000

struct nim_chrony {
	struct event_base *base;
	char *folder, *file;
	struct file_watch *watch;
	void (*changed)(void *arg);
	void *arg;
	bool runs, wanted;
	struct child *reload; /* NULL: none is under way */
	struct event *deadline;
	uint32_t told; /* hash of what it has read or is reading; 0: nothing */
	bool again; /* there is more to be told than when it started */
	struct event *retry; /* it could not be told … */
	unsigned int retry_ms; /* … for so long now */
	char problem[80]; /* … because; "" = it knows all */
};

static bool chronyd_runs(void)
{
	struct stat st;

	return lstat(SOCKET, &st) == 0 && S_ISSOCK(st.st_mode);
}

static void look(void *arg)
{
	struct nim_chrony *c = arg;
	bool runs = chronyd_runs();

	if (runs == c->runs)
		return;
	c->runs = runs;
	log_info("ntp_chrony", "runs=%d", runs);
	evtimer_del(c->retry); /* one that starts reads the file itself */
	c->retry_ms = 0;
	c->problem[0] = '\0';
	c->changed(c->arg);
}

/* ---- Telling it ---- */

static void reload(struct nim_chrony *c);

/* Logged once; the status has it while it lasts. */
static void failed(struct nim_chrony *c, int status, int err, const char *why)
{
	bool news = !c->problem[0];

	if (!c->runs)
		return;
	c->retry_ms = c->retry_ms ? c->retry_ms * 2 : RETRY_FIRST_MS;
	if (c->retry_ms > RETRY_MAX_MS)
		c->retry_ms = RETRY_MAX_MS;
	evtimer_add(c->retry, &(struct timeval){ .tv_sec = c->retry_ms / 1000 });
	if (!news)
		return;
	snprintf(c->problem, sizeof(c->problem), "chronyc reload sources: %s", why);
	log_warning("ntp_reload", "status=%d err=%d why=\"%s\"", status, err, c->problem);
	c->changed(c->arg);
}

static void succeeded(struct nim_chrony *c)
{
	bool news = c->problem[0];

	c->retry_ms = 0;
	c->problem[0] = '\0';
	log_info("ntp_sources", "file=\"%s\"", c->file);
	if (news)
		c->changed(c->arg);
}

static void reloaded(struct child *child, int status, void *arg)
{
	struct nim_chrony *c = arg;
	bool again = c->again;

	(void)child;
	c->reload = child_free(c->reload);
	evtimer_del(c->deadline);
	c->again = false;
	if (status == 0)
		succeeded(c);
	else
		failed(c, status, 0, "chronyd does not answer or refuses");
	if (again)
		reload(c);
}

static void retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	reload(arg);
}

static void took_too_long(evutil_socket_t fd, short what, void *arg)
{
	struct nim_chrony *c = arg;

	(void)fd, (void)what;
	if (c->reload)
		child_stop(c->reload, 1000);
}

/* chronyc reload sources */
static void reload(struct nim_chrony *c)
{
	static const struct child_ops ops = { .exited = reloaded };
	static const char *const argv[] = { "chronyc", "-n", "reload", "sources", NULL };
	_cleanup_(closep) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const struct child_conf conf = { .argv = argv, .netns_fd = -1, .log_fd = null_fd };
	int r;

	if (c->reload) {
		c->again = true;
		return;
	}
	evtimer_del(c->retry);
	r = child_start(c->base, &conf, &ops, c, &c->reload);
	if (r < 0)
		failed(c, 0, -r, strerror(-r));
	else
		evtimer_add(c->deadline, &(struct timeval){ .tv_sec = RELOAD_MS / 1000 });
}

/* Engine's reports would not do: there is none for a change that is done within a turn. */
void nim_chrony_look(struct nim_chrony *c, const struct dp *dp)
{
	const struct dp_placed *have = c && c->runs ? dp_have(dp, &dp_placed_type, c->file) : NULL;
	uint32_t hash = have ? hash_string(have->content) : 0;

	if (!c || hash == c->told)
		return;
	c->told = hash;
	if (c->runs)
		reload(c);
}

/* ---- What it is to have ---- */

void nim_chrony_apply(struct nim_chrony *c, struct dp *dp, const struct nim_config *config,
		      const struct nim_facts *facts)
{
	int r = 0;

	if (!c->runs && !c->wanted)
		return;
	c->wanted = c->runs;
	if (c->runs)
		r = dir_make(c->folder, 0755);
	if (r == 0)
		r = dp_submit(dp, nim_intent_ntp(c->runs ? c->folder : NULL, config, facts));
	if (r < 0)
		log_warning("ntp_reload", "err=%d why=\"%s: %s\"", -r, c->folder, strerror(-r));
}

struct Ew__NtpStatus *nim_chrony_status(const struct nim_chrony *c, const struct dp *dp,
					const struct nim_config *config,
					const struct nim_facts *facts, struct arena *arena)
{
	struct dp_report report;
	char problem[200] = "";

	if (dp_scope_problem(dp, NIM_NTP_SCOPE, &report))
		dp_report_str(&report, problem, sizeof(problem));
	else
		memcpy(problem, c->problem, sizeof(c->problem));
	return nim_ntp_status(c->runs ? c->folder : NULL, problem, config, facts, arena);
}

int nim_chrony_new(const struct daemon *d, const char *folder, void (*changed)(void *arg),
		   void *arg, struct nim_chrony **ret)
{
	struct nim_chrony *c;
	int r;

	folder = folder ? folder : NIM_CHRONY_SOURCES;
	if (folder[0] != '/')
		return -EINVAL;
	if (strlen(folder) + sizeof("/" NIM_NTP_FILE) > sizeof(((struct dp_placed *)NULL)->path))
		return -ENAMETOOLONG;
	c = xcalloc(1, sizeof(*c));
	c->base = daemon_base(d);
	c->folder = xstrdup(folder);
	c->file = xasprintf("%s/" NIM_NTP_FILE, folder);
	c->changed = changed;
	c->arg = arg;
	c->deadline = evtimer_new(c->base, took_too_long, c);
	c->retry = evtimer_new(c->base, retry, c);
	r = file_watch_new(c->base, SOCKET, look, c, &c->watch);
	if (r < 0) {
		nim_chrony_free(c);
		return r;
	}
	c->runs = chronyd_runs();
	*ret = c;
	return 0;
}

struct nim_chrony *nim_chrony_free(struct nim_chrony *c)
{
	if (!c)
		return NULL;
	child_free(c->reload);
	event_free(c->deadline);
	event_free(c->retry);
	file_watch_free(c->watch);
	free(c->folder);
	free(c->file);
	free(c);
	return NULL;
}
