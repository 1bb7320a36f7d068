/* SPDX-License-Identifier: Apache-2.0 */
#include "zedagent/bootstrap.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/backoff.h"
#include "base/child.h"
#include "base/cleanup.h"
#include "base/clock_set.h"
#include "base/file.h"
#include "base/file_watch.h"
#include "base/helper.h"
#include "base/keep.h"
#include "base/log.h"
#include "bootstrap/container.h"
#include "zedagent/bootstrap_judge.h"

#define HELPER_MS 60000 /* it takes milliseconds */
#define SAID_MAX (BOOTSTRAP_FILE_MAX + 65536) /* the payload is part of the file */
#define TRIES 4 /* within a second, before one that was good is told to be none */
#define PAUSE_MAX_MS 300000 /* before a helper that cannot be started, or crashes, is tried again */

#define STATE(name) EW__BOOTSTRAP_STATE__BOOTSTRAP_##name

struct za_bootstrap {
	struct event_base *base;
	char *file, *roots, *sha_path, *program;
	void (*changed)(void *arg);
	void *arg;
	struct file_watch *file_watch, *roots_watch;
	struct clock_set *clock; /* NULL: dates do not matter */
	struct helper *helper; /* NULL: none runs */
	struct event *verify_ev; /* to do it now, or again */
	bool stale; /* something changed while the helper ran */
	unsigned int failures; /* of the helper, in a row */
	bool has_config;
	bool has_taken;
	uint8_t taken[ZA_SHA_SIZE];
	struct keep *keep; /* of that */
	Ew__BootstrapVerdict *verdict; /* NULL: none yet */
	Ew__BootstrapStatus *status; /* likewise */
	struct za_config *config; /* NULL: nothing to publish */
};

/* ---- What was taken ---- */

static void load_taken(struct za_bootstrap *b)
{
	_cleanup_(freep) char *bytes = NULL;
	size_t len = 0;

	b->has_taken = file_read(b->sha_path, ZA_SHA_SIZE, &bytes, &len) == 0 && len == ZA_SHA_SIZE;
	if (b->has_taken)
		memcpy(b->taken, bytes, ZA_SHA_SIZE);
}

static void keep_taken(struct za_bootstrap *b)
{
	if (b->verdict->sha256.len != ZA_SHA_SIZE ||
	    (b->has_taken && memcmp(b->taken, b->verdict->sha256.data, ZA_SHA_SIZE) == 0))
		return;
	b->has_taken = true;
	memcpy(b->taken, b->verdict->sha256.data, ZA_SHA_SIZE);
	keep_store(b->keep, xmemdup(b->taken, ZA_SHA_SIZE), ZA_SHA_SIZE);
	log_info("bootstrap_taken", "file=\"%s\" version=\"%s\" ports=%zu signer=\"%s\"", b->file,
		 b->status->version, b->config->ports->n_ports, b->status->signer);
	if (b->config->ignored[0])
		log_warning("config_ignored", "file=\"%s\" parts=\"%s\"", b->file,
			    b->config->ignored);
}

static void on_not_kept(int err, void *arg)
{
	const struct za_bootstrap *b = arg;

	log_error("config_not_kept", "file=\"%s\" err=%d", b->sha_path, -err);
}

/* ---- What follows ---- */

static void again(void *arg)
{
	const struct za_bootstrap *b = arg;

	event_active(b->verify_ev, 0, 0);
}

/* A clock that is set may make certificates valid, or the next to be looked at. */
static void watch_clock(struct za_bootstrap *b)
{
	bool wanted = b->verdict->only_dates && b->status->state == STATE(REFUSED);
	int r = 0;

	if (!wanted)
		b->clock = clock_set_free(b->clock);
	else if (!b->clock)
		r = clock_set_new(b->base, again, b, &b->clock);
	if (r < 0)
		log_warning("bootstrap_clock", "err=%d why=\"not watched\"", -r);
}

static void log_news(const struct za_bootstrap *b, const Ew__BootstrapStatus *was)
{
	const Ew__BootstrapStatus *now = b->status;

	if (now->state == STATE(REFUSED) &&
	    (!was || was->state != STATE(REFUSED) || strcmp(was->error, now->error) != 0 ||
	     strcmp(was->error_pointer, now->error_pointer) != 0))
		log_error("bootstrap_refused", "file=\"%s\" pointer=\"%s\" why=\"%s\"", b->file,
			  now->error_pointer, now->error);
	if (now->state == STATE(UNUSED) && (!was || was->state != STATE(UNUSED)))
		log_info("bootstrap_unused",
			 "file=\"%s\" why=\"there is a configuration of the controller\"", b->file);
}

static void judge(struct za_bootstrap *b)
{
	const struct za_bootstrap_input in = { .file = b->file,
					       .verdict = b->verdict,
					       .has_config = b->has_config,
					       .taken = b->has_taken ? b->taken : NULL };
	Ew__BootstrapStatus *was = b->status;

	za_config_free(b->config);
	b->status = za_bootstrap_judge(&in, &b->config);
	log_news(b, was);
	if (was)
		ew__bootstrap_status__free_unpacked(was, NULL);
	if (b->config)
		keep_taken(b);
	watch_clock(b);
	b->changed(b->arg);
}

/* Takes verdict. */
static void set_verdict(struct za_bootstrap *b, Ew__BootstrapVerdict *verdict)
{
	if (b->verdict)
		ew__bootstrap_verdict__free_unpacked(b->verdict, NULL);
	b->verdict = verdict;
	judge(b);
}

static void set_absent(struct za_bootstrap *b)
{
	Ew__BootstrapVerdict *verdict = xcalloc(1, sizeof(*verdict));

	ew__bootstrap_verdict__init(verdict);
	verdict->absent = true;
	set_verdict(b, verdict);
}

/* ---- The helper ---- */

static bool was_good(const struct za_bootstrap *b)
{
	return b->status && (b->status->state == STATE(TAKEN) || b->status->state == STATE(UNUSED));
}

/* That it cannot be verified now is no reason to wait for somebody: it is tried again, and told. What
 * is in force is not taken back for the lack of a page of memory, though. */
static void failed(struct za_bootstrap *b, const char *why)
{
	unsigned int delay_ms = backoff_ms(++b->failures, PAUSE_MAX_MS);
	Ew__BootstrapVerdict *verdict;

	event_add(b->verify_ev, &(struct timeval){ .tv_sec = delay_ms / 1000,
						   .tv_usec = delay_ms % 1000 * 1000 });
	if (was_good(b) && b->failures < TRIES)
		return;
	verdict = xcalloc(1, sizeof(*verdict));
	ew__bootstrap_verdict__init(verdict);
	verdict->error = xasprintf("it cannot be verified: %s", why);
	set_verdict(b, verdict);
}

static void verified(int status, bool late, const char *said, size_t len, void *arg)
{
	struct za_bootstrap *b = arg;
	Ew__BootstrapVerdict *verdict = NULL;

	b->helper = NULL; /* it has freed itself */
	if (b->stale) {
		b->stale = false;
		again(b);
		return;
	}
	if (status == 0)
		verdict = ew__bootstrap_verdict__unpack(NULL, len, (const uint8_t *)said);
	if (verdict) {
		b->failures = 0;
		set_verdict(b, verdict);
	} else if (late) {
		failed(b, "bootstrap-config took too long");
	} else if (status < 0) {
		failed(b, strsignal(-status));
	} else {
		failed(b, "bootstrap-config failed");
	}
}

static void on_verify(evutil_socket_t fd, short what, void *arg)
{
	struct za_bootstrap *b = arg;
	const char *const argv[] = { b->program, b->file, b->roots, NULL };
	int r;

	(void)fd, (void)what;
	if (b->helper) {
		b->stale = true;
		return;
	}
	if (access(b->file, F_OK) < 0 && errno == ENOENT) {
		set_absent(b);
		return;
	}
	r = helper_start(b->base,
			 &(struct helper_conf){ .argv = argv,
						.timeout_ms = HELPER_MS,
						.said_max = SAID_MAX,
						.done = verified,
						.arg = b },
			 &b->helper);
	if (r < 0)
		failed(b, strerror(-r));
}

static void on_touched(void *arg)
{
	struct za_bootstrap *b = arg;

	b->failures = 0;
	again(b);
}

/* ---- Life ---- */

void za_bootstrap_has_config(struct za_bootstrap *b, bool has_config)
{
	if (b->has_config == has_config)
		return;
	b->has_config = has_config;
	if (b->verdict)
		judge(b);
}

const Ew__BootstrapStatus *za_bootstrap_status(const struct za_bootstrap *b)
{
	return b->status;
}

const struct za_config *za_bootstrap_config(const struct za_bootstrap *b)
{
	return b->config;
}

static int start(struct za_bootstrap *b)
{
	int r;

	b->verify_ev = evtimer_new(b->base, on_verify, b);
	b->keep = keep_new(b->base, b->sha_path, on_not_kept, b);
	if (!b->verify_ev || !b->keep || !b->program)
		return -ENOMEM;
	load_taken(b);
	r = file_watch_new(b->base, b->file, on_touched, b, &b->file_watch);
	if (r == 0)
		r = file_watch_new(b->base, b->roots, on_touched, b, &b->roots_watch);
	return r;
}

int za_bootstrap_new(const struct za_bootstrap_conf *conf, struct za_bootstrap **ret)
{
	struct za_bootstrap *b = xcalloc(1, sizeof(*b));
	int r;

	b->base = conf->base;
	b->changed = conf->changed;
	b->arg = conf->arg;
	b->has_config = conf->has_config;
	b->file = xasprintf("%s/bootstrap-config.pb", conf->config_dir);
	b->roots = xasprintf("%s/root-certificate.pem", conf->config_dir);
	b->sha_path = xasprintf("%s/ingested/bootstrap-config.sha", conf->state_dir);
	b->program = conf->program ? xstrdup(conf->program) : child_program("bootstrap-config");
	r = start(b);
	if (r < 0) {
		za_bootstrap_free(b);
		return r;
	}
	again(b);
	*ret = b;
	return 0;
}

struct za_bootstrap *za_bootstrap_free(struct za_bootstrap *b)
{
	if (!b)
		return NULL;
	helper_free(b->helper);
	clock_set_free(b->clock);
	file_watch_free(b->file_watch);
	file_watch_free(b->roots_watch);
	if (b->verify_ev)
		event_free(b->verify_ev);
	keep_free(b->keep);
	if (b->verdict)
		ew__bootstrap_verdict__free_unpacked(b->verdict, NULL);
	if (b->status)
		ew__bootstrap_status__free_unpacked(b->status, NULL);
	za_config_free(b->config);
	free(b->file);
	free(b->roots);
	free(b->sha_path);
	free(b->program);
	free(b);
	return NULL;
}
