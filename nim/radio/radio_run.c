/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/radio/radio_run.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/control.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/pbjson.h"
#include "base/strbuf.h"
#include "base/wall.h"
#include "nim/radio/radio.h"
#include "nim/stored.h"

struct radio_run {
	struct radio_run_conf conf;
	struct radio radio;
	unsigned int owners, timeout_s;
	bool ready; /* the configuration is known: before that nobody is waited for */
	struct ps_pub *pub;
	struct stored *stored;
	struct event *timer;
};

static Ew__RadioSilence message(const struct radio_run *run)
{
	Ew__RadioSilence msg = EW__RADIO_SILENCE__INIT;

	msg.imposed = run->radio.requested;
	msg.change_requested_ms = run->radio.requested_ms;
	return msg;
}

static void publish(const struct radio_run *run)
{
	const Ew__RadioSilence msg = message(run);
	int r = ps_publish_radio_silence(run->pub, "global", &msg);

	if (r < 0)
		log_error("publish_failed", "topic=RadioSilence err=%d", -r);
}

static void arm(struct radio_run *run)
{
	int64_t ms = radio_due_ms(&run->radio, mono_now());
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms < 0)
		evtimer_del(run->timer);
	else
		evtimer_add(run->timer, &tv);
}

/* The one door to a new state. */
static void step(struct radio_run *run)
{
	enum radio_state was = run->radio.state;

	if (!run->ready)
		return;
	if (radio_step(&run->radio, run->owners, mono_now(), run->timeout_s)) {
		if (run->radio.state == RADIO_FAILED)
			log_error("radio_silence",
				  "from=%s to=%s requested=%d imposed=%d why=\"%s\"",
				  radio_state_name(was), radio_state_name(run->radio.state),
				  run->radio.requested, run->radio.imposed, run->radio.error);
		else
			log_info("radio_silence", "from=%s to=%s requested=%d imposed=%d",
				 radio_state_name(was), radio_state_name(run->radio.state),
				 run->radio.requested, run->radio.imposed);
		run->conf.changed(run->conf.arg);
	}
	arm(run);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	step(arg);
}

/* ---- What is asked for ---- */

static int parse(const char *text, size_t len, void *arg, struct pbjson_error *err)
{
	struct radio_run *run = arg;
	const Ew__RadioSilence *silence;
	ProtobufCMessage *msg;
	int r = pbjson_parse(&ew__radio_silence__descriptor, text, len, &msg, err);

	if (r < 0)
		return r;
	silence = (const Ew__RadioSilence *)msg;
	radio_restore(&run->radio, silence->imposed, silence->change_requested_ms, mono_now(),
		      run->timeout_s);
	protobuf_c_message_free_unpacked(msg, NULL);
	return 0;
}

/* In place before anybody is told: who comes back after a kill must not take back what was said. */
static void store(const struct radio_run *run)
{
	const Ew__RadioSilence msg = message(run);
	struct strbuf text = STRBUF_INIT;

	pbjson_format(&msg.base, PBJSON_PRETTY, &text);
	stored_put(run->stored, &text);
	strbuf_fini(&text);
}

static void request(struct radio_run *run, bool silence)
{
	log_info("radio_request", "silence=%d", silence);
	radio_request(&run->radio, silence, wall_ms(), mono_now(), run->timeout_s);
	store(run);
	publish(run);
	run->conf.changed(run->conf.arg);
	step(run);
}

static void show(const struct radio_run *run, FILE *out)
{
	const struct radio *r = &run->radio;
	unsigned int missing = radio_missing(r, run->owners);

	fprintf(out, "radio silence %s", r->requested ? "on" : "off");
	if (r->state == RADIO_CHANGING) {
		fputs(": waits for", out);
		for (unsigned int i = 0; i < RADIO_OWNERS; i++)
			if (missing & 1u << i)
				fprintf(out, " %s", radio_owner_name((enum radio_owner)i));
	} else if (r->state == RADIO_FAILED) {
		fprintf(out, ": %s", r->error);
	}
	fputc('\n', out);
}

static int control_radio(const char *args, FILE *out, void *arg)
{
	struct radio_run *run = arg;
	struct arena arena = { 0 };
	struct strbuf text = STRBUF_INIT;

	if (strcmp(args, "on") == 0 || strcmp(args, "off") == 0)
		request(run, args[1] == 'n');
	else if (strcmp(args, "json") == 0)
		pbjson_format(&radio_run_status(run, &arena)->base, PBJSON_PRETTY | PBJSON_DEFAULTS,
			      &text);
	else if (*args)
		return -EINVAL;
	if (text.len)
		fprintf(out, "%s\n", strbuf_str(&text));
	else
		show(run, out);
	strbuf_fini(&text);
	arena_fini(&arena);
	return 0;
}

/* ---- What is acknowledged ---- */

static void wwan_changed(const char *key, const Ew__WwanRadio *was, const Ew__WwanRadio *now,
			 void *arg)
{
	struct radio_run *run = arg;

	(void)key, (void)was;
	radio_take_ack(&run->radio, RADIO_WWAN, now ? now->ack : NULL);
	step(run);
}

static void wlan_changed(const char *key, const Ew__WlanRadio *was, const Ew__WlanRadio *now,
			 void *arg)
{
	struct radio_run *run = arg;

	(void)key, (void)was;
	radio_take_ack(&run->radio, RADIO_WLAN, now ? now->ack : NULL);
	step(run);
}

static int subscribe(struct radio_run *run)
{
	static const struct ps_wwan_radio_ops wwan_ops = { .changed = wwan_changed };
	static const struct ps_wlan_radio_ops wlan_ops = { .changed = wlan_changed };
	struct ps_sub *sub; /* run->conf.ps frees it */
	int r = ps_subscribe_wwan_radio(run->conf.ps, &wwan_ops, run, &sub);

	return r < 0 ? r : ps_subscribe_wlan_radio(run->conf.ps, &wlan_ops, run, &sub);
}

/* ---- Life ---- */

int radio_run_new(const struct radio_run_conf *conf, struct radio_run **ret)
{
	struct event_base *base = daemon_base(conf->daemon);
	struct radio_run *run = xcalloc(1, sizeof(*run));
	int r;

	run->conf = *conf;
	run->timeout_s = RADIO_TIMEOUT_S;
	run->timer = evtimer_new(base, on_timer, run);
	r = run->timer ? stored_open(base, daemon_run_dir(conf->daemon),
				     daemon_state_dir(conf->daemon), "radio.json", &run->stored)
		       : -ENOMEM;
	if (r == 0)
		(void)stored_load(run->stored, parse, run); /* else nobody ever asked */
	if (r == 0)
		r = ps_advertise_radio_silence(conf->ps, NULL, &run->pub);
	if (r == 0)
		r = subscribe(run);
	if (r < 0) {
		radio_run_free(run);
		return r;
	}
	publish(run);
	ps_publish_synced(run->pub);
	control_add(
		daemon_control(conf->daemon), "radio",
		"[on | off | json]: radio silence, and what the daemons of the radios say to it",
		control_radio, run);
	*ret = run;
	return 0;
}

struct radio_run *radio_run_free(struct radio_run *run)
{
	if (!run)
		return NULL;
	if (run->timer)
		event_free(run->timer);
	stored_free(run->stored);
	free(run);
	return NULL;
}

void radio_run_apply(struct radio_run *run, const struct nim_config *config,
		     struct nim_facts *facts, unsigned int timeout_s)
{
	run->ready = true;
	run->timeout_s = timeout_s;
	run->owners = radio_owners(config);
	step(run);
	for (unsigned int i = 0; i < config->nports; i++)
		facts->ifaces[i].radio_silent = radio_silences(&run->radio, &config->ports[i]);
}

bool radio_run_requested(const struct radio_run *run, int64_t *ret_ms)
{
	*ret_ms = run->radio.requested_ms;
	return run->radio.requested;
}

struct Ew__RadioStatus *radio_run_status(const struct radio_run *run, struct arena *arena)
{
	return radio_status(&run->radio, run->owners, arena);
}
