/* SPDX-License-Identifier: Apache-2.0 */
/* An engine with its loop, for tests. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "base/child_spawn.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"
#include "base/strbuf.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

struct node {
	struct event_base *base;
	struct dp *dp;
};

struct node *node_new_as(const char *owner)
{
	const struct dp_conf conf = { .owner = owner, .run_dir = "/run/edgeway", .netns_fd = -1 };
	struct node *n = xcalloc(1, sizeof(*n));
	int r;

	n->base = event_base_new();
	require(n->base, "no event base");
	r = dp_new(n->base, &conf, &n->dp);
	require(r == 0, "dp_new: %s", strerror(-r));
	r = dp_adopt(n->dp);
	require(r == 0, "dp_adopt: %s", strerror(-r));
	return n;
}

struct node *node_new(void)
{
	return node_new_as("test");
}

struct node *node_free(struct node *n)
{
	if (!n)
		return NULL;
	dp_free(n->dp);
	event_base_free(n->base);
	free(n);
	return NULL;
}

struct dp *node_dp(const struct node *n)
{
	return n->dp;
}

struct event_base *node_base(const struct node *n)
{
	return n->base;
}

void node_dump(struct node *n, FILE *out)
{
	fprintf(out, "---- plan\n");
	dp_plan(n->dp, out);
	fprintf(out, "---- items\n");
	dp_text(n->dp, out);
	fprintf(out, "---- kernel\n");
	fflush(out);
	sh_try("ip -d link >&2; ip address >&2; ip rule >&2; ip route show table all >&2");
}

static void turn(struct node *n, unsigned int ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(n->base, &tv);
	event_base_loop(n->base, EVLOOP_ONCE);
}

void node_wait(struct node *n, unsigned int ms, bool (*check)(struct node *n, void *arg), void *arg,
	       const char *what)
{
	struct mono begin = mono_now();
	unsigned int again = 3;

	while (!check(n, arg)) {
		if (mono_diff_ms(mono_now(), begin) > patience_ms(ms)) {
			if (again && machine_is_slow()) {
				begin = mono_now();
				again--;
				continue;
			}
			node_dump(n, stderr);
			wrong(__FILE__, __LINE__, "waited %u ms for: %s", ms, what);
		}
		turn(n, 10);
	}
}

static bool is_idle(struct node *n, void *arg)
{
	(void)arg;
	return dp_idle(n->dp);
}

void node_settle(struct node *n)
{
	dp_run(n->dp);
	node_wait(n, 10000, is_idle, NULL, "the engine to become idle");
}

void node_turn(struct node *n, unsigned int ms)
{
	struct mono begin = mono_now();

	while (mono_diff_ms(mono_now(), begin) < ms)
		turn(n, 1);
}

static bool succeeds(struct node *n, void *arg)
{
	(void)n;
	return sh_try("%s", (const char *)arg) == 0;
}

void node_wait_sh(struct node *n, unsigned int ms, const char *fmt, ...)
{
	_cleanup_(freep) char *command = NULL;
	va_list ap;

	va_start(ap, fmt);
	require(vasprintf(&command, fmt, ap) >= 0, "no memory");
	va_end(ap);
	node_wait(n, ms, succeeds, command, command);
}

struct expect {
	const struct dp_type *type;
	const char *key;
	enum dp_state state;
};

static bool is_in_state(struct node *n, void *arg)
{
	const struct expect *e = arg;

	return dp_state(n->dp, e->type, e->key, NULL) == e->state;
}

void node_wait_state(struct node *n, const struct dp_type *type, const char *key,
		     enum dp_state state)
{
	struct expect e = { .type = type, .key = key, .state = state };
	_cleanup_(freep) char *what =
		xasprintf("%s %s to be %s", type->name, key, dp_state_name(state));

	node_wait(n, 5000, is_in_state, &e, what);
}

void node_apply(struct node *n, const struct dp_type *type, const void *spec)
{
	struct dp_graph *g = dp_graph_new("item");
	struct strbuf key = STRBUF_INIT;
	int r;

	if (spec)
		dp_want(g, type, spec);
	r = dp_submit(n->dp, g);
	require(r == 0, "dp_submit: %s", strerror(-r));
	node_settle(n);
	if (spec) {
		type->key(spec, &key);
		node_wait_state(n, type, strbuf_str(&key), DP_CREATED);
	}
	strbuf_fini(&key);
}

int helper_pid(const char *name)
{
	_cleanup_(freep) char *path = xasprintf("/run/edgeway/test/pids/%s.pid", name);
	_cleanup_(freep) char *text = NULL;

	return file_read(path, 64, &text, NULL) < 0 ? 0 : atoi(text);
}

bool helper_runs(int pid)
{
	unsigned long long start_time;

	return process_start_time(pid, &start_time) == 0;
}

int helper_kill(const char *name)
{
	int pid = helper_pid(name);

	require(pid > 1, "%s has no pid", name); /* 0 would be our whole process group */
	require(kill(pid, SIGKILL) == 0, "kill: %s", strerror(errno));
	return pid;
}
