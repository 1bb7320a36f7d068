/* SPDX-License-Identifier: Apache-2.0 */
/* The client of a control socket, against one of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "nim/pnac/wpa_ctrl.h"

struct world {
	char dir[64], path[96];
	struct event_base *base;
	struct wpa_ctrl *ctrl;
	unsigned int attached, lost, events, answers;
	enum wpa_command answered;
	char last[64];
};

static void on_attached(void *arg)
{
	struct world *w = arg;

	w->attached++;
	wpa_ctrl_ask(w->ctrl, WPA_STATUS);
}

static void on_event(const char *text, size_t len, void *arg)
{
	struct world *w = arg;

	w->events++;
	snprintf(w->last, sizeof(w->last), "%.*s", (int)len, text);
}

static void on_answer(enum wpa_command command, const char *text, size_t len, void *arg)
{
	struct world *w = arg;

	(void)text, (void)len;
	w->answers++;
	w->answered = command;
}

static void on_lost(void *arg)
{
	((struct world *)arg)->lost++;
}

static const struct wpa_ctrl_ops ops = {
	.attached = on_attached,
	.event = on_event,
	.answer = on_answer,
	.lost = on_lost,
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/test_wpa_ctrl.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/eth0", w->dir);
	w->base = event_base_new();
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	wpa_ctrl_free(w->ctrl);
	event_base_free(w->base);
	unlink(w->path);
	rmdir(w->dir);
	free(w);
	return 0;
}

static int bound(const struct world *w)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w->path);
	unlink(w->path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	*(short *)arg = what;
}

/* Turns the loop until something can be read, and answers it. */
static void serve(struct world *w, int fd, const char *expected, const char *answer,
		  struct sockaddr_un *peer, socklen_t *peer_len)
{
	const struct timeval limit = { .tv_sec = 10 };
	char text[64];
	short came = 0;
	ssize_t n;

	assert_int_equal(event_base_once(w->base, fd, EV_READ, on_readable, &came, &limit), 0);
	while (!came)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(came, EV_READ);
	*peer_len = sizeof(*peer);
	n = recvfrom(fd, text, sizeof(text) - 1, MSG_DONTWAIT, (struct sockaddr *)peer, peer_len);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
	if (answer)
		assert_true(sendto(fd, answer, strlen(answer), 0, (struct sockaddr *)peer,
				   *peer_len) > 0);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static void connects_when_the_socket_appears_and_asks_one_thing_at_a_time(void **state)
{
	struct world *w = *state;
	struct sockaddr_un peer;
	socklen_t len;
	int fd;

	assert_int_equal(wpa_ctrl_new(w->base, w->path, &ops, w, &w->ctrl), 0);
	wpa_ctrl_ask(w->ctrl, WPA_MIB); /* nobody is there: nothing happens */
	fd = bound(w);
	serve(w, fd, "ATTACH", "OK\n", &peer, &len);
	assert_int_equal(w->attached, 1);
	wpa_ctrl_ask(w->ctrl, WPA_REAUTHENTICATE);
	wpa_ctrl_ask(w->ctrl, WPA_REAUTHENTICATE);
	/* An event is no answer, whatever is asked. */
	assert_true(sendto(fd, "<3>X", 4, 0, (struct sockaddr *)&peer, len) > 0);
	serve(w, fd, "STATUS", "a=b\n", &peer, &len);
	assert_true(w->events == 1 && w->answers == 1 && w->answered == WPA_STATUS);
	serve(w, fd, "REAUTHENTICATE", "OK\n", &peer, &len);
	assert_int_equal(w->answers, 2);
	assert_true(recv(fd, w->last, sizeof(w->last), MSG_DONTWAIT) < 0);
	close(fd);
}

static void events_before_a_new_socket_are_not_lost(void **state)
{
	struct world *w = *state;
	struct sockaddr_un peer;
	socklen_t len;
	int fd, again;

	fd = bound(w);
	assert_int_equal(wpa_ctrl_new(w->base, w->path, &ops, w, &w->ctrl), 0);
	serve(w, fd, "ATTACH", "OK\n", &peer, &len);
	assert_true(sendto(fd, "<3>LAST", 7, 0, (struct sockaddr *)&peer, len) > 0);
	again = bound(w); /* in its place */
	serve(w, again, "ATTACH", "OK\n", &peer, &len);
	assert_string_equal(w->last, "<3>LAST");
	assert_true(w->lost >= 1 && w->attached >= 2);
	close(fd);
	close(again);
}

/* The file is there before it can be connected to; a dead one looks the same. */
static void a_socket_that_refuses_is_tried_again(void **state)
{
	struct world *w = *state;
	struct sockaddr_un peer;
	socklen_t len;
	int fd = bound(w);

	close(fd);
	assert_int_equal(wpa_ctrl_new(w->base, w->path, &ops, w, &w->ctrl), 0);
	for (int i = 0; i < 5; i++)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(w->attached, 0);
	fd = bound(w);
	serve(w, fd, "ATTACH", "OK\n", &peer, &len);
	assert_int_equal(w->attached, 1);
	close(fd);
}

/* By others, or because it has much to do. */
static void a_socket_whose_queue_is_full_is_tried_again(void **state)
{
	struct world *w = *state;
	struct sockaddr_un peer, addr = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = bound(w), others = -1;
	char text[64];
	socklen_t len;

	assert_int_equal(wpa_ctrl_new(w->base, w->path, &ops, w, &w->ctrl), 0);
	serve(w, fd, "ATTACH", "OK\n", &peer, &len);
	serve(w, fd, "STATUS", "a=b\n", &peer, &len);
	others = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w->path);
	while (sendto(others, "PING", 4, 0, (const struct sockaddr *)&addr, sizeof(addr)) == 4)
		;
	wpa_ctrl_ask(w->ctrl, WPA_MIB);
	assert_int_equal(w->lost, 1);
	while (recv(fd, text, sizeof(text), MSG_DONTWAIT) > 0)
		;
	serve(w, fd, "ATTACH", "OK\n", &peer, &len);
	serve(w, fd, "STATUS", "a=b\n", &peer, &len);
	assert_int_equal(w->attached, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			connects_when_the_socket_appears_and_asks_one_thing_at_a_time, setup,
			teardown),
		cmocka_unit_test_setup_teardown(events_before_a_new_socket_are_not_lost, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_socket_that_refuses_is_tried_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_socket_whose_queue_is_full_is_tried_again, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
