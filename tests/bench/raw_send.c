/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw_send FILE NETNS…: sends the batches of netlink messages and writes the settings of FILE, one
 * after the other, and prints how many milliseconds that took: all, in user space, in the kernel.
 * It is the limit for those who have to find out what to send. objects.py makes the files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "base/cleanup.h"
#include "dataplane/nl/nlsock.h"
#include "tests/bench/bench.h"

#define NETNS_FD 100 /* the messages name namespaces by these */
#define NETNS_MAX 512
#define SYSCTL 0xffff

struct record { /* in the file, followed by size bytes */
	uint16_t protocol; /* of netlink; or a struct setting */
	uint16_t netns;
	uint32_t size;
};

struct setting {
	char path[64], value[64];
};

static void write_setting(const struct setting *s)
{
	_cleanup_(closep) int fd = open(s->path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(s->value);

	if (fd < 0 || write(fd, s->value, len) != (ssize_t)len)
		bench_die(s->path);
}

/* Until the answer to the last message of the batch, the only one that asks for it. */
static void wait_done(int fd, const void *batch, size_t size)
{
	char reply[8192] __attribute__((__aligned__(NLMSG_ALIGNTO)));
	struct nlsock_ack ack;
	int left = (int)size, asked = 0;

	for (const struct nlmsghdr *msg = batch; mnl_nlmsg_ok(msg, left);
	     msg = mnl_nlmsg_next(msg, &left))
		asked += !!(msg->nlmsg_flags & NLM_F_ACK);
	while (asked) {
		const struct nlmsghdr *msg = (const struct nlmsghdr *)reply;
		int n = (int)recv(fd, reply, sizeof(reply), 0);

		if (n < 0)
			bench_die("answers");
		for (; mnl_nlmsg_ok(msg, n); msg = mnl_nlmsg_next(msg, &n), asked--) {
			if (!nlsock_parse_ack(msg, &ack) || ack.err) {
				errno = -ack.err;
				bench_die(ack.why ? ack.why : "refused");
			}
		}
	}
}

static int socket_of(uint16_t netns, int protocol)
{
	static int open_ones[2][NETNS_MAX]; /* + 1 */
	int *fd = &open_ones[protocol != NETLINK_ROUTE][netns];

	if (!*fd)
		*fd = nlsock_open(NETNS_FD + netns, protocol, 1 << 20) + 1;
	if (*fd <= 0)
		bench_die("socket");
	return *fd - 1;
}

static void play(const char *data, size_t size)
{
	struct record record;

	for (size_t at = 0; at < size; at += record.size) {
		memcpy(&record, data + at, sizeof(record));
		at += sizeof(record);
		if (record.protocol == SYSCTL) {
			write_setting((const struct setting *)(data + at));
			continue;
		}
		if (nlsock_send(socket_of(record.netns, record.protocol), data + at, record.size) <
		    0)
			bench_die("send");
		wait_done(socket_of(record.netns, record.protocol), data + at, record.size);
	}
}

static double ms_of(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static void open_namespaces(int n, char **paths)
{
	for (int i = 0; i < n; i++) {
		int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || dup3(fd, NETNS_FD + i, O_CLOEXEC) < 0)
			bench_die(paths[i]);
		close(fd);
	}
	if (setns(NETNS_FD, CLONE_NEWNET) < 0)
		bench_die("setns");
}

int main(int argc, char *argv[])
{
	int fd = argc > 2 && argc - 2 <= NETNS_MAX ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	struct rusage begin, end;
	struct stat st;
	uint64_t ns;
	char *data;

	if (fd < 0 || fstat(fd, &st) < 0)
		bench_die("raw_send FILE NETNS…");
	data = malloc((size_t)st.st_size);
	if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
		bench_die(argv[1]);
	ns = bench_ns();
	getrusage(RUSAGE_SELF, &begin);
	open_namespaces(argc - 2, argv + 2);
	play(data, (size_t)st.st_size);
	ns = bench_ns() - ns;
	getrusage(RUSAGE_SELF, &end);
	printf("%.3f %.3f %.3f\n", (double)ns / 1e6, ms_of(end.ru_utime) - ms_of(begin.ru_utime),
	       ms_of(end.ru_stime) - ms_of(begin.ru_stime));
	free(data);
	return 0;
}
