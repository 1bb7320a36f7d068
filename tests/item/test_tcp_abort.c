/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/nl/tcp_abort.h"
#include "tests/item/space.h"

static int connection(int family, const char *address, const char *device, struct tcp_ends *ends,
		      int *ret_listener)
{
	struct sockaddr_storage here = { .ss_family = (sa_family_t)family };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&here;
	struct sockaddr_in *four = (struct sockaddr_in *)&here;
	int fd = socket(family, SOCK_STREAM, 0);
	socklen_t len = sizeof(here);
	uint16_t *port = family == AF_INET6 ? &six->sin6_port : &four->sin_port;

	*ret_listener = socket(family, SOCK_STREAM, 0);
	inet_pton(family, address,
		  family == AF_INET6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr);
	require(bind(*ret_listener, (struct sockaddr *)&here, len) == 0, "bind: %m");
	require(listen(*ret_listener, 1) == 0, "listen: %m");
	require(getsockname(*ret_listener, (struct sockaddr *)&here, &len) == 0, "%m");
	ends->there_port = ntohs(*port);
	if (device)
		require(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				   (socklen_t)strlen(device)) == 0,
			"bound: %m");
	require(connect(fd, (struct sockaddr *)&here, len) == 0, "connect: %m");
	require(getsockname(fd, (struct sockaddr *)&here, &len) == 0, "%m");
	ends->here_port = ntohs(*port);
	require(ipaddr_parse(address, &ends->here) == 0, "address");
	ends->there = ends->here;
	return fd;
}

static void connections(const void *arg)
{
	static const char *const address[] = { "127.0.0.1", "::1" };
	int diag = tcp_abort_open();

	(void)arg;
	require(diag >= 0, "socket: %d", diag);
	for (unsigned int i = 0; i < 2; i++) {
		struct tcp_ends ends, of_listener;
		int listener, fd;
		char c;

		fd = connection(i ? AF_INET6 : AF_INET, address[i], NULL, &ends, &listener);
		of_listener = ends;
		of_listener.here_port = ends.there_port;
		of_listener.there_port = 9;
		require(tcp_abort(diag, &of_listener) == 0, "who listens is nobody's connection");
		require(tcp_abort(diag, &ends) == 1, "not aborted");
		require(recv(fd, &c, 1, 0) < 0 && errno == ECONNABORTED, "recv: %m");
		require(tcp_abort(diag, &ends) == 0, "aborted twice");
		require(accept(listener, NULL, NULL) >= 0, "nobody listens any more: %m");
	}
	close(diag);
}

static void bound(const void *arg)
{
	struct tcp_ends ends;
	int listener, diag = tcp_abort_open();
	int fd = connection(AF_INET, "127.0.0.1", "lo", &ends, &listener);

	(void)arg;
	require(tcp_abort(diag, &ends) == 0, "aborted, and it is bound to a device");
	require(send(fd, "x", 1, MSG_NOSIGNAL) == 1, "send: %m");
	close(diag);
}

SPACE_TEST(a_connection_is_aborted_and_its_listener_is_not, connections)
SPACE_TEST(who_is_bound_to_a_device_is_left_alone, bound)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_is_aborted_and_its_listener_is_not),
		cmocka_unit_test(who_is_bound_to_a_device_is_left_alone),
	};

	return cmocka_run_group_tests_name("tcp_abort", tests, NULL, NULL);
}
