/* SPDX-License-Identifier: Apache-2.0 */
#include "nim/conn_schedule.h"

#include <errno.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/log.h"
#include "base/mono.h"

struct conn_schedule {
	struct conn_schedule_conf conf;
	struct event *quiet_ev;
	struct mono changed_at; /* the first change since the last round began; 0: none */
	struct conn_round *round; /* NULL: none is under way */
	bool again; /* wanted while one was under way */
	unsigned int started, ended; /* rounds */
};

static void begin(struct conn_schedule *s);

static void port_tested(const char *label, const struct conn_result *result, void *arg)
{
	(void)label, (void)result, (void)arg; /* conntest keeps it */
}

static void round_done(const char *failure, void *arg)
{
	struct conn_schedule *s = arg;

	s->round = NULL;
	s->ended = s->started;
	if (failure)
		log_warning("port_test_round", "why=\"%s\"", failure);
	if (s->again)
		begin(s);
}

static void begin(struct conn_schedule *s)
{
	static const struct conn_round_ops ops = { .port = port_tested, .done = round_done };

	s->again = s->round != NULL;
	if (s->round)
		return;
	s->changed_at = (struct mono){ 0 };
	s->started++;
	s->round = conn_round_start(s->conf.conntest, &s->conf.ports, &ops, s);
}

static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	begin(arg);
}

void conn_schedule_changed(struct conn_schedule *s)
{
	struct mono now = mono_now();
	int64_t left_ms;
	struct timeval wait;

	if (!s->changed_at.ns)
		s->changed_at = now;
	left_ms = CONN_LATEST_MS - mono_diff_ms(now, s->changed_at);
	if (left_ms > CONN_QUIET_MS)
		left_ms = CONN_QUIET_MS;
	if (left_ms < 0)
		left_ms = 0;
	wait = (struct timeval){ .tv_usec = (suseconds_t)left_ms * 1000 };
	event_add(s->quiet_ev, &wait);
}

/* "test": begins a round and names it; "test N": whether that one has ended. */
static int control_test(const char *args, FILE *out, void *arg)
{
	struct conn_schedule *s = arg;
	char *end;
	unsigned long number;

	if (!*args) {
		begin(s);
		fprintf(out, "%u\n", s->started + s->again);
		return 0;
	}
	number = strtoul(args, &end, 10);
	if (*end || !number || number > s->started + s->again)
		return -EINVAL;
	fputs(number <= s->ended ? "done\n" : "running\n", out);
	return 0;
}

void conn_schedule_control(struct conn_schedule *s, struct control *control)
{
	control_add(control, "test",
		    "[N]: begins a round of connectivity tests and tells its number; or whether "
		    "round N has ended",
		    control_test, s);
}

int conn_schedule_new(const struct conn_schedule_conf *conf, struct conn_schedule **ret)
{
	struct conn_schedule *s = xcalloc(1, sizeof(*s));

	s->conf = *conf;
	s->quiet_ev = event_new(conf->base, -1, 0, on_quiet, s);
	if (!s->quiet_ev) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

struct conn_schedule *conn_schedule_free(struct conn_schedule *s)
{
	if (!s)
		return NULL;
	conn_round_free(s->round);
	event_free(s->quiet_ev);
	free(s);
	return NULL;
}
