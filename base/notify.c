/* SPDX-License-Identifier: Apache-2.0 */
#include "base/notify.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

static uint64_t number_of(const char *s)
{
	return s ? strtoull(s, NULL, 10) : 0;
}

void notify_init(struct notify *n)
{
	const char *socket = getenv("NOTIFY_SOCKET"), *pid = getenv("WATCHDOG_PID");

	n->socket = socket && (*socket == '/' || *socket == '@') ? xstrdup(socket) : NULL;
	n->watchdog_us = !pid || number_of(pid) == (uint64_t)getpid()
				 ? number_of(getenv("WATCHDOG_USEC"))
				 : 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_fini(struct notify *n)
{
	free(n->socket);
	*n = (struct notify){ 0 };
}

int notify_send(const struct notify *n, const char *state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_(closep) int fd = -1;
	size_t len;

	if (!n->socket)
		return 0;
	len = strlen(n->socket);
	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, n->socket, len);
	if (addr.sun_path[0] == '@')
		addr.sun_path[0] = '\0'; /* abstract: the name ends with the address. unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&addr,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return -errno;
	return 0;
}
