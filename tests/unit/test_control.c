/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <event2/event.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/file.h"
#include "base/mono.h"
#include "base/unix_socket.h"

/* The daemon is this process; the asker a child that exits with what control_ask() said. */
static struct event_base *base;
static struct control *control;
static char dir[64], path[96], answer_path[96];

static int say(const char *args, FILE *out, void *arg)
{
	fprintf(out, "%s(%s)\n", (const char *)arg, args);
	return 0;
}

static int fail_with_words(const char *args, FILE *out, void *arg)
{
	(void)args;
	(void)arg;
	fputs("half an answer\n", out);
	return -EBUSY;
}

static int say_much(const char *args, FILE *out, void *arg)
{
	(void)arg;
	for (int i = 0; i < atoi(args); i++)
		fprintf(out, "%099d\n", i);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_control.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/c", dir);
	snprintf(answer_path, sizeof(answer_path), "%s/answer", dir);
	base = event_base_new();
	if (control_new(base, path, &control) < 0)
		return -1;
	control_add(control, "say", "repeats", say, (void *)"say");
	control_add(control, "say loud", "repeats louder", say, (void *)"LOUD");
	control_add(control, "fail", "fails", fail_with_words, NULL);
	control_add(control, "much", "long lines", say_much, NULL);
	return 0;
}

static int teardown(void **state)
{

	(void)state;
	control = control_free(control);
	event_base_free(base);
	return dir_remove(dir);
}

static void child_died(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	event_base_loopbreak(base);
}

/* What control_ask() returned in the child; its text is in the file at answer_path. */
static int ask(const char *request)
{
	struct event *ev = evsignal_new(base, SIGCHLD, child_died, NULL);
	int status = 0;
	pid_t pid;

	event_add(ev, NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		FILE *out = fopen(answer_path, "we");

		status = -control_ask(path, request, 10000, out);
		fclose(out);
		_exit(status);
	}
	do
		event_base_dispatch(base);
	while (waitpid(pid, &status, WNOHANG) == 0);
	event_free(ev);
	return -WEXITSTATUS(status);
}

static const char *answer(void)
{
	static char text[4096];
	FILE *f = fopen(answer_path, "re");
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[n] = '\0';
	return text;
}

static void longest_command_gets_the_rest_of_the_line(void **state)
{
	(void)state;
	assert_int_equal(ask("say"), 0);
	assert_string_equal(answer(), "say()\n");
	assert_int_equal(ask("say  a b"), 0);
	assert_string_equal(answer(), "say(a b)\n");
	assert_int_equal(ask("say loud x"), 0);
	assert_string_equal(answer(), "LOUD(x)\n");
	assert_int_equal(ask("say loudly"), 0);
	assert_string_equal(answer(), "say(loudly)\n");
	assert_int_equal(ask("help"), 0);
	assert_non_null(strstr(answer(), "repeats louder"));
}

static void errors_reach_the_asker_with_their_text(void **state)
{
	(void)state;
	assert_int_equal(ask("fail"), -EREMOTEIO);
	assert_string_equal(answer(), "half an answer\nerror: Device or resource busy\n");
	assert_int_equal(ask("nonsense"), -EREMOTEIO);
	assert_non_null(strstr(answer(), "unknown command"));
	assert_int_equal(ask(""), -EREMOTEIO);
	assert_int_equal(ask("two\nlines"), -EINVAL);
}

static void long_answers_arrive_whole(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(ask("much 50000"), 0); /* far more than a socket buffer */
	assert_int_equal(stat(answer_path, &st), 0);
	assert_int_equal(st.st_size, 5000000);
}

static void a_request_may_hold_a_small_file(void **state)
{
	_cleanup_(freep) char *request = xasprintf("say %029995d", 0);
	struct stat st;

	(void)state;
	assert_int_equal(ask(request), 0);
	assert_int_equal(stat(answer_path, &st), 0);
	assert_int_equal(st.st_size, 30000 - 5 + (int)strlen("say()\n"));
}

static void endless_requests_are_refused(void **state)
{
	_cleanup_(freep) char *request = xcalloc(40000, 1);
	int r;

	(void)state;
	memset(request, 'x', 39999);
	r = ask(request);
	assert_true(r == -ECONNRESET || r == -EPIPE);
	assert_int_equal(ask("say still there"), 0);
}

static void silent_clients_do_not_keep_others_out(void **state)
{
	int fd[40];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		assert_true((fd[i] = unix_connect(path, 1000)) >= 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) /* they leave, one after the other */
		close(fd[i]);
	assert_int_equal(ask("say hello"), 0);
	assert_string_equal(answer(), "say(hello)\n");
}

static void socket_is_private_and_replaces_a_stale_one(void **state)
{
	struct control *second;
	struct stat st;

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(control_new(base, path, &second), 0); /* as after a kill -9 */
	control_free(control);
	control = second;
	assert_int_equal(access(path, F_OK), -1); /* the first took the path with it */
	assert_int_equal(ask("help"), -ENOENT);
}

static void dead_daemons_are_told_apart(void **state)
{
	_cleanup_(closep) int fd = -1;

	(void)state;
	assert_int_equal(control_ask("/nonexistent/x", "help", 100, stdout), -ENOENT);
	fd = unix_listen(path, 0600); /* listens, but nobody accepts or answers */
	assert_int_equal(control_ask(path, "help", 50, stdout), -ETIMEDOUT);
	close(take_fd(&fd));
	assert_int_equal(control_ask(path, "help", 50, stdout), -ECONNREFUSED);
}

#define test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

/* Eight that hang cost no more than one. */
static void all_are_asked_at_once(void **state)
{
	enum { SILENT = 8, OPEN = SILENT, FULL, ABSENT, NOBODY, N };
	_cleanup_(freep) char *silent = xasprintf("%s/silent", dir);
	_cleanup_(freep) char *full = xasprintf("%s/full", dir);
	_cleanup_(freep) char *absent = xasprintf("%s/absent", dir);
	const char *paths[N] = { [OPEN] = path, [FULL] = full, [ABSENT] = absent };
	int fd = unix_listen(silent, 0600), full_fd = unix_listen(full, 0600), queued;
	bool answers[N];
	struct mono began;
	pid_t pid;

	(void)state;
	for (int i = 0; i < SILENT; i++)
		paths[i] = silent;
	assert_int_equal(listen(full_fd, 0), 0);
	queued = unix_connect(full, 0); /* no room for another one */
	assert_true(fd >= 0 && queued >= 0);
	pid = fork();
	if (pid == 0) {
		event_reinit(base);
		event_base_dispatch(base);
		_exit(0);
	}
	began = mono_now();
	control_answers(paths, N, 600, answers);
	assert_in_range(mono_diff_ms(mono_now(), began), 600, 3 * 600);
	for (int i = 0; i < N; i++)
		assert_int_equal(answers[i], i == OPEN);
	began = mono_now();
	control_answers(&paths[OPEN], N - OPEN, 60000, answers); /* waits for nobody else */
	assert_true(answers[0] && mono_diff_ms(mono_now(), began) < 30000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(queued);
	close(full_fd);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(longest_command_gets_the_rest_of_the_line),
		test(errors_reach_the_asker_with_their_text),
		test(long_answers_arrive_whole),
		test(a_request_may_hold_a_small_file),
		test(endless_requests_are_refused),
		test(silent_clients_do_not_keep_others_out),
		test(socket_is_private_and_replaces_a_stale_one),
		test(dead_daemons_are_told_apart),
		test(all_are_asked_at_once),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
