/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn/conn_schedule.h"

#include <errno.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/file_watch.h"
#include "base/log.h"
#include "base/mono.h"

#define LATER_MS 20000 /* a round takes 15 s at most, unless it is configured otherwise */

struct conn_schedule {
	struct conn_schedule_conf conf;
	struct file_watch *server_watch; /* NULL: it cannot be watched, and is read in each round */
	struct event *quiet_ev, *again_ev;
	struct mono changed_at; /* the first change since the last round began; 0: none */
	struct mono last_change;
	struct conn_round *round; /* NULL: none is under way */
	bool again; /* wanted while one was under way, or instead of one that was void */
	unsigned int started, ended; /* rounds */
};

static void begin(struct conn_schedule *s, bool spare);

/* An interval after the last round, whoever began it, and a little more: the verification, while it
 * tests, comes first. Without a target nothing is new but by an event, and there is no timer. */
static void begin_later(struct conn_schedule *s)
{
	struct mono tested = conntest_tested_at(s->conf.conntest);
	int64_t left_ms = conntest_interval_s(s->conf.conntest) * INT64_C(1000) + LATER_MS -
			  mono_diff_ms(mono_now(), tested);
	const struct timeval wait = { .tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000 };

	if (!conntest_has_target(s->conf.conntest))
		return;
	if (left_ms <= 0)
		begin(s, true);
	else
		event_add(s->again_ev, &wait);
}

static void port_tested(const char *label, const struct conn_result *result, void *arg)
{
	const struct conn_schedule *s = arg;

	if (s->conf.also)
		s->conf.also->port(label, result, s->conf.also_arg);
}

static void round_done(const char *failure, void *arg)
{
	struct conn_schedule *s = arg;

	s->round = NULL;
	s->ended = s->started;
	if (failure)
		log_warning("port_test_round", "why=\"%s\"", failure);
	if (s->conf.also)
		s->conf.also->done(failure, s->conf.also_arg);
	if (s->round)
		return; /* it wanted another one */
	if (s->again || conntest_spared_in_vain(s->conf.conntest))
		begin(s, false);
	else
		begin_later(s);
}

static void begin(struct conn_schedule *s, bool spare)
{
	static const struct conn_round_ops ops = { .port = port_tested, .done = round_done };
	struct conn_ports ports = s->conf.ports;

	s->again = s->round != NULL;
	if (s->round)
		return;
	ports.spare = spare;
	event_del(s->again_ev);
	event_del(s->quiet_ev);
	s->changed_at = (struct mono){ 0 };
	s->started++;
	s->round = conn_round_start(s->conf.conntest, &ports, &ops, s);
}

/* Of the time that a change may be kept waiting. */
static int64_t patience_ms(const struct conn_schedule *s)
{
	return CONN_LATEST_MS - mono_diff_ms(mono_now(), s->changed_at);
}

static void wait_for_quiet(struct conn_schedule *s)
{
	int64_t left_ms = patience_ms(s);
	struct timeval wait;

	if (left_ms > CONN_QUIET_MS)
		left_ms = CONN_QUIET_MS;
	wait = (struct timeval){ .tv_usec = left_ms > 0 ? (suseconds_t)left_ms * 1000 : 0 };
	event_add(s->quiet_ev, &wait);
}

void conn_schedule_now(struct conn_schedule *s, bool spare)
{
	begin(s, spare);
}

/* The verification of port configurations has rounds of its own: one is enough. */
static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct conn_schedule *s = arg;

	(void)fd, (void)what;
	if (s->conf.busy(s->conf.arg) && patience_ms(s) > 0) {
		wait_for_quiet(s);
		return;
	}
	s->changed_at = (struct mono){ 0 };
	if (s->again || conntest_tested_at(s->conf.conntest).ns < s->last_change.ns)
		begin(s, false);
	else
		begin_later(s);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	begin_later(arg);
}

void conn_schedule_changed(struct conn_schedule *s)
{
	s->last_change = mono_now();
	if (!s->changed_at.ns)
		s->changed_at = s->last_change;
	wait_for_quiet(s);
}

void conn_schedule_void(struct conn_schedule *s)
{
	s->again = s->again || s->round;
	s->round = conn_round_free(s->round);
	conn_schedule_changed(s);
}

/* "test": begins a round and names it; "test N": whether that one has ended. */
static int control_test(const char *args, FILE *out, void *arg)
{
	struct conn_schedule *s = arg;
	char *end;
	unsigned long number;

	if (!*args) {
		begin(s, false);
		fprintf(out, "%u\n", s->started + s->again);
		return 0;
	}
	number = strtoul(args, &end, 10);
	if (*end || !number || number > s->started + s->again)
		return -EINVAL;
	fputs(number <= s->ended ? "done\n" : "running\n", out);
	return 0;
}

static int control_trace(const char *args, FILE *out, void *arg)
{
	const struct conn_schedule *s = arg;

	if (!conntest_traces(s->conf.conntest, args, out))
		fputs("no test has sent anything so far\n", out);
	return 0;
}

void conn_schedule_control(struct conn_schedule *s, struct control *control)
{
	control_add(control, "test",
		    "[N]: begins a round of connectivity tests and tells its number; or whether "
		    "round N has ended",
		    control_test, s);
	control_add(control, "trace",
		    "[LABEL]: what the last tests that passed and failed did, step by step",
		    control_trace, s);
}

static void on_server(void *arg)
{
	conn_schedule_changed(arg);
}

static void watch_server(struct conn_schedule *s)
{
	_cleanup_(freep) char *path = xasprintf("%s/server", s->conf.config_dir);
	int r = file_watch_new(s->conf.base, path, on_server, s, &s->server_watch);

	if (r < 0)
		log_warning("controller_unknown", "file=\"%s\" err=%d why=\"cannot be watched\"",
			    path, -r);
}

int conn_schedule_new(const struct conn_schedule_conf *conf, struct conn_schedule **ret)
{
	struct conn_schedule *s = xcalloc(1, sizeof(*s));

	s->conf = *conf;
	s->quiet_ev = event_new(conf->base, -1, 0, on_quiet, s);
	s->again_ev = event_new(conf->base, -1, 0, on_again, s);
	if (!s->quiet_ev || !s->again_ev) {
		conn_schedule_free(s);
		return -ENOMEM;
	}
	watch_server(s);
	*ret = s;
	return 0;
}

struct conn_schedule *conn_schedule_free(struct conn_schedule *s)
{
	if (!s)
		return NULL;
	conn_round_free(s->round);
	file_watch_free(s->server_watch);
	if (s->quiet_ev)
		event_free(s->quiet_ev);
	if (s->again_ev)
		event_free(s->again_ev);
	free(s);
	return NULL;
}
