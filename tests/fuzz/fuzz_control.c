/* SPDX-License-Identifier: Apache-2.0 */
/* The side door of a daemon, by its socket: any request gets an answer or a closed door. */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sockaddr_un sun = { .sun_family = AF_UNIX };
static struct event_base *base;

static int echo(const char *args, FILE *out, void *arg)
{
	(void)arg;
	fputs(args, out);
	return *args == '-' ? -EINVAL : 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct control *control;

	(void)argc, (void)argv;
	scratch_make();
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/door", scratch);
	base = event_base_new();
	assert(base && control_new(base, sun.sun_path, &control) == 0);
	control_add(control, "echo", "says it again", echo, NULL);
	control_add(control, "echo twice", "a command of two words", echo, NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char answer[4096];

	assert(fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0);
	for (size_t at = 0, n; at < size; at += n) {
		n = size - at < 64 ? size - at : 64;
		if (send(fd, data + at, n, MSG_NOSIGNAL) < 0)
			break;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	shutdown(fd, SHUT_WR);
	event_base_loop(base, EVLOOP_NONBLOCK);
	while (recv(fd, answer, sizeof(answer), 0) > 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
	return 0;
}
