/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mono.h"
#include "dataplane/items/host.h"
#include "tests/item/conformance.h"
#include "tests/item/space.h"

#define KEY "sleeper"

static const struct dp_process sleeper = { .name = KEY,
					   .argv = (char *)"sleep\0"
							   "1000\0" };

static void process_conforms(void **state)
{
	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_process_type,
		.a = &sleeper,
		.b = &(struct dp_process){ .name = KEY,
					   .argv = (char *)"sleep\0"
							   "1001\0",
					   .stamp = "2" },
	});
}

static void process_with_reload_conforms(void **state)
{
	/* "-c" "trap : HUP; …": survives SIGHUP, ends by SIGTERM */
	static const char argv[] = "sh\0-c\0trap : HUP; while :; do sleep 1000 & wait $!; done\0";

	(void)state;
	item_conformance(&(struct item_story){
		.type = &dp_process_type,
		.a = &(struct dp_process){ .name = KEY, .argv = (char *)argv, .reload_stamp = "1" },
		.b = &(struct dp_process){ .name = KEY, .argv = (char *)argv, .reload_stamp = "2" },
	});
}

/* ---- Helpers ---- */

#define HELPER "process." KEY

static bool is_started_anew(struct node *n, void *arg)
{
	int pid = helper_pid(HELPER);

	return pid && pid != *(int *)arg && helper_runs(pid) &&
	       dp_state(node_dp(n), &dp_process_type, KEY, NULL) == DP_CREATED;
}

static void want(struct node *n, const struct dp_process *spec)
{
	struct dp_graph *g = dp_graph_new("item");

	dp_want(g, &dp_process_type, spec);
	require(dp_submit(node_dp(n), g) == 0, "submit");
}

/* ---- Ends ---- */

static void killed(const void *arg)
{
	struct node *n = node_new();
	int pid;

	(void)arg;
	node_apply(n, &dp_process_type, &sleeper);
	pid = helper_kill(HELPER);
	node_wait(n, 5000, is_started_anew, &pid, "a new process");
	node_apply(n, &dp_process_type, NULL);
	sh("test -z \"$(find /run/edgeway/test/pids /run/edgeway/test/log -mindepth 1)\"");
	node_free(n);
}

static void killed_process_is_started_again(void **state)
{
	(void)state;
	in_space(killed, NULL);
}

static void adopted(const void *arg)
{
	struct node *n = node_new();
	int pid, same;

	(void)arg;
	node_apply(n, &dp_process_type, &sleeper);
	pid = helper_pid(HELPER);
	node_free(n);
	require(helper_runs(pid), "it died with its daemon");
	n = node_new();
	node_apply(n, &dp_process_type, &sleeper);
	same = helper_pid(HELPER);
	require(same == pid, "%d instead of %d", same, pid);
	helper_kill(HELPER); /* noticed of an adopted one too */
	node_wait(n, 5000, is_started_anew, &pid, "a new process");
	node_apply(n, &dp_process_type, NULL);
	node_free(n);
}

static void process_outlives_its_daemon_and_is_adopted(void **state)
{
	(void)state;
	in_space(adopted, NULL);
}

static void other_stamp(const void *arg)
{
	struct dp_process spec = sleeper;
	struct node *n = node_new();
	int pid;

	(void)arg;
	node_apply(n, &dp_process_type, &spec);
	pid = helper_pid(HELPER);
	node_free(n);
	n = node_new();
	strcpy(spec.stamp, "2"); /* its configuration changed while no daemon ran */
	node_apply(n, &dp_process_type, &spec);
	require(helper_pid(HELPER) != pid, "not restarted");
	require(!helper_runs(pid), "the old one still runs");
	node_free(n);
}

static void adopted_process_of_another_stamp_is_restarted(void **state)
{
	(void)state;
	in_space(other_stamp, NULL);
}

static void unreadable(const void *arg)
{
	struct node *n = node_new();
	int pid;

	(void)arg;
	node_apply(n, &dp_process_type, &sleeper);
	pid = helper_pid(HELPER);
	node_free(n);
	sh("echo nonsense > /run/edgeway/test/pids/process." KEY ".state");
	n = node_new();
	node_apply(n, &dp_process_type, &sleeper);
	require(helper_pid(HELPER) != pid && !helper_runs(pid), "the unknown one was kept");
	node_free(n);
}

static void process_with_a_broken_record_is_replaced(void **state)
{
	(void)state;
	in_space(unreadable, NULL);
}

/* ---- Failures ---- */

static bool has_failed(struct node *n, void *arg)
{
	const char *why = "";

	return dp_state(node_dp(n), &dp_process_type, KEY, &why) == DP_FAILED && why &&
	       strstr(why, arg);
}

static unsigned int lines(const char *path)
{
	_cleanup_(freep) char *text = NULL;
	unsigned int n = 0;

	if (file_read(path, 1 << 20, &text, NULL) < 0)
		return 0;
	for (const char *c = text; *c; c++)
		n += *c == '\n';
	return n;
}

static void crashes(const void *arg)
{
	static const char argv[] = "sh\0-c\0echo start >> /run/starts; echo no such thing >&2; "
				   "exit 3\0";
	struct node *n = node_new();

	(void)arg;
	want(n, &(struct dp_process){ .name = KEY, .argv = (char *)argv });
	node_wait(n, 5000, has_failed, (char *)"ended with status 3: no such thing",
		  "its last words");
	node_turn(n, 1000);
	require(lines("/run/starts") <= 6, "a storm of %u starts", lines("/run/starts"));
	node_free(n);
}

static void crash_loop_fails_with_its_last_words_and_without_a_storm(void **state)
{
	(void)state;
	in_space(crashes, NULL);
}

static void missing(const void *arg)
{
	struct node *n = node_new();

	(void)arg;
	want(n, &(struct dp_process){ .name = KEY, .argv = (char *)"/run/nonexistent\0" });
	node_wait(n, 5000, has_failed, (char *)"No such file", "the failure of exec");
	sh("test -z \"$(find /run/edgeway/test/pids -mindepth 1)\"");
	node_free(n);
}

static void missing_program_is_a_failure(void **state)
{
	(void)state;
	in_space(missing, NULL);
}

static void stubborn(const void *arg)
{
	static const char argv[] = "sh\0-c\0trap '' TERM; touch /run/deaf; "
				   "while :; do sleep 1; done\0";
	const struct dp_process spec = { .name = KEY, .argv = (char *)argv, .stop_ms = 200 };
	struct node *n = node_new();
	struct mono begin;
	int pid;

	(void)arg;
	node_apply(n, &dp_process_type, &spec);
	pid = helper_pid(HELPER);
	node_wait_sh(n, 5000, "test -e /run/deaf");
	begin = mono_now();
	node_apply(n, &dp_process_type, NULL);
	require(!helper_runs(pid), "it still runs");
	require(mono_diff_ms(mono_now(), begin) >= 150, "it was not given its time");
	node_free(n);
}

static void process_that_ignores_sigterm_is_killed_in_time(void **state)
{
	(void)state;
	in_space(stubborn, NULL);
}

static void talks(const void *arg)
{
	static const char argv[] = "sh\0-c\0while :; do echo '0123456789 0123456789 0123456789'; "
				   "done\0";
	struct node *n = node_new();
	int pid;

	(void)arg;
	node_apply(n, &dp_process_type, &(struct dp_process){ .name = KEY, .argv = (char *)argv });
	pid = helper_pid(HELPER);
	node_turn(n, 200);
	node_free(n); /* nobody reads any more: it goes on */
	n = node_new();
	node_turn(n, 200);
	require(helper_runs(pid) && helper_pid(HELPER) == pid, "it ended");
	sh("test $(du -k /run/edgeway/test/log | cut -f1) -le 4");
	node_free(n);
}

static void talkative_process_takes_no_space(void **state)
{
	(void)state;
	in_space(talks, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_conforms),
		cmocka_unit_test(process_with_reload_conforms),
		cmocka_unit_test(killed_process_is_started_again),
		cmocka_unit_test(process_outlives_its_daemon_and_is_adopted),
		cmocka_unit_test(adopted_process_of_another_stamp_is_restarted),
		cmocka_unit_test(process_with_a_broken_record_is_replaced),
		cmocka_unit_test(crash_loop_fails_with_its_last_words_and_without_a_storm),
		cmocka_unit_test(missing_program_is_a_failure),
		cmocka_unit_test(process_that_ignores_sigterm_is_killed_in_time),
		cmocka_unit_test(talkative_process_takes_no_space),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
