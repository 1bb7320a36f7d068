/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp_stream FROM-NETNS TO-NETNS ADDRESS PORT SPACING-US MILLISECONDS: numbered datagrams from one
 * network namespace to another, one each SPACING-US. Prints "started" with the first arrival, at
 * the end "sent=N missing=N hole_us=N": the longest run of missing ones, as time.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bench.h"

static int udp_in(const char *netns)
{
	int fd = open(netns, O_RDONLY | O_CLOEXEC), sock, bytes = 64 << 20;

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		bench_die(netns);
	close(fd);
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		bench_die("socket");
	return sock;
}

struct progress { /* of the sender, shared with it */
	_Atomic uint64_t sent;
	_Atomic int ended;
};

/* Late ones are sent at once: a sender that was not on a processor leaves no hole. */
static void send_all(int sock, uint64_t spacing_ns, uint64_t until_ns, struct progress *progress)
{
	uint64_t due, number = 0;

	for (due = bench_ns(); due < until_ns; due += spacing_ns, number++) {
		while (bench_ns() < due)
			;
		/* No way at the moment (ENETUNREACH, ENOBUFS): it counts as sent, and is missing. */
		if (send(sock, &number, sizeof(number), MSG_DONTWAIT) < 0)
			continue;
	}
	progress->sent = number;
	progress->ended = 1;
}

static void receive_all(int sock, const struct progress *progress, uint64_t spacing_us)
{
	uint64_t number, next = 0, missing = 0, hole = 0, gap;
	struct timeval patience = { .tv_usec = 300000 };
	bool more = true;

	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while (more) {
		bool ended = progress->ended; /* before the last look: nothing can follow it */

		if (recv(sock, &number, sizeof(number), 0) != sizeof(number)) {
			more = !ended;
			number = progress->sent;
			if (more)
				continue;
		} else if (number == 0) {
			puts("started");
			fflush(stdout);
		}
		gap = number - next;
		missing += gap;
		hole = gap > hole ? gap : hole;
		next = number + 1;
	}
	printf("sent=%" PRIu64 " missing=%" PRIu64 " hole_us=%" PRIu64 "\n", progress->sent,
	       missing, hole * spacing_us);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct progress *progress = bench_shared(sizeof(*progress));
	uint64_t spacing_us, until;
	int from_sock, to_sock, status;
	pid_t sender;

	if (argc != 7 || inet_pton(AF_INET, argv[3], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: udp_stream FROM-NETNS TO-NETNS ADDRESS PORT US MS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[4]));
	spacing_us = strtoull(argv[5], NULL, 10);
	from_sock = udp_in(argv[1]);
	to_sock = udp_in(argv[2]);
	if (bind(to_sock, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    connect(from_sock, (const struct sockaddr *)&to, sizeof(to)) < 0)
		bench_die("address");
	until = bench_ns() + strtoull(argv[6], NULL, 10) * 1000000;
	sender = bench_fork();
	if (sender == 0) {
		send_all(from_sock, spacing_us * 1000, until, progress);
		_exit(0);
	}
	receive_all(to_sock, progress, spacing_us);
	if (waitpid(sender, &status, 0) != sender || status != 0)
		bench_die("sender");
	return 0;
}
