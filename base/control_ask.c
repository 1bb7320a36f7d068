/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side of control.c, which describes the format. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/control.h"
#include "base/mono.h"
#include "base/unix_socket.h"

struct answer {
	int fd;
	struct mono began;
	unsigned int timeout_ms; /* of the whole conversation */
	char buf[65536];
	size_t at, len;
};

/* Refills the empty buffer; -EPIPE at the end of the stream. */
static int answer_fill(struct answer *a)
{
	struct pollfd readable = { .fd = a->fd, .events = POLLIN };
	int64_t left_ms = a->timeout_ms - mono_diff_ms(mono_now(), a->began);
	ssize_t n;
	int r;

	r = poll(&readable, 1, left_ms > 0 ? (int)left_ms : 0);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	n = recv(a->fd, a->buf, sizeof(a->buf), 0);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	a->at = 0;
	a->len = (size_t)n;
	return 0;
}

static int answer_line(struct answer *a, char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int r = a->at == a->len ? answer_fill(a) : 0;

		if (r < 0)
			return r;
		line[i] = a->buf[a->at++];
		if (line[i] == '\n') {
			line[i] = '\0';
			return 0;
		}
	}
	return -EPROTO;
}

static int answer_copy(struct answer *a, size_t left, FILE *out)
{
	while (left) {
		int r = a->at == a->len ? answer_fill(a) : 0;
		size_t n = a->len - a->at < left ? a->len - a->at : left;

		if (r < 0)
			return r;
		if (fwrite(a->buf + a->at, 1, n, out) != n)
			return -EIO;
		a->at += n;
		left -= n;
	}
	return 0;
}

/* ---- Several ---- */

/* -1: it has no door, or nobody has opened it for a long time. */
static int knock(const char *path)
{
	static const char question[] = "help\n";
	int fd = path ? unix_connect(path, 0) : -1;

	if (fd < 0)
		return -1;
	if (send(fd, question, strlen(question), MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    (ssize_t)strlen(question))
		return fd;
	close(fd);
	return -1;
}

static unsigned int take_answers(struct pollfd *asked, size_t n, bool *ret)
{
	unsigned int left = 0;
	char first;

	for (size_t i = 0; i < n; i++) {
		if (asked[i].fd >= 0 && asked[i].revents) {
			ret[i] = recv(asked[i].fd, &first, 1, MSG_DONTWAIT) == 1;
			closep(&asked[i].fd);
			asked[i].fd = -1;
		}
		left += asked[i].fd >= 0;
	}
	return left;
}

void control_answers(const char *const *paths, size_t n, unsigned int timeout_ms, bool *ret)
{
	_cleanup_(freep) struct pollfd *asked = xcalloc(n + 1, sizeof(*asked));
	struct mono began = mono_now();
	int64_t left_ms;

	for (size_t i = 0; i < n; i++) {
		ret[i] = false;
		asked[i] = (struct pollfd){ .fd = knock(paths[i]), .events = POLLIN };
	}
	while (take_answers(asked, n, ret) &&
	       (left_ms = timeout_ms - mono_diff_ms(mono_now(), began)) > 0)
		poll(asked, n, (int)left_ms);
	for (size_t i = 0; i < n; i++)
		closep(&asked[i].fd);
}

/* ---- One ---- */

int control_ask(const char *path, const char *request, unsigned int timeout_ms, FILE *out)
{
	struct answer a = { .began = mono_now(), .timeout_ms = timeout_ms };
	_cleanup_(freep) char *line = xasprintf("%s\n", request);
	_cleanup_(closep) int fd = -1;
	char head[32], verdict;
	size_t len;
	int r;

	if (strchr(request, '\n'))
		return -EINVAL;
	a.fd = fd = unix_connect(path, timeout_ms);
	if (fd < 0)
		return fd;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	r = answer_line(&a, head, sizeof(head));
	if (r < 0)
		return r;
	if (sscanf(head, "%c%zu", &verdict, &len) != 2 || (verdict != '+' && verdict != '-'))
		return -EPROTO;
	r = answer_copy(&a, len, out);
	if (r < 0)
		return r;
	return verdict == '+' ? 0 : -EREMOTEIO;
}
