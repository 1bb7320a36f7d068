/* SPDX-License-Identifier: Apache-2.0 */
#include "usb/uevent_watch.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "usb/uevent.h"

#define SYS_BLOCK "/sys/class/block"
#define KERNEL_GROUP 1 /* 2: what udev makes of it */

struct uevent_watch {
	int fd;
	struct event *ev;
	uevent_fn *fn;
	void *arg;
};

/* ---- The socket ---- */

static int open_socket(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	_cleanup_(closep) int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Events of network interfaces go to the sockets of their own namespace, those of block devices to
 * all: uevent_net_broadcast_untagged() in lib/kobject_uevent.c. */
static int open_quiet_socket(void)
{
	_cleanup_(closep) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd;

	if (home < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = open_socket();
	if (setns(home, CLONE_NEWNET) < 0) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	return fd;
}

/* Length; 0: none that counts; -errno. */
static ssize_t receive(int fd, char *buf, size_t size)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -errno;
	/* Anybody with CAP_NET_ADMIN may send to a group, too. */
	if (from.nl_pid != 0 || from.nl_groups != KERNEL_GROUP || msg.msg_flags & MSG_TRUNC)
		return 0;
	return n;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct uevent_watch *w = arg;
	char buf[UEVENT_MAX];
	struct uevent event;
	ssize_t n;

	(void)what;
	while ((n = receive(fd, buf, sizeof(buf))) >= 0)
		if (uevent_parse(buf, (size_t)n, '\0', &event) && event.is_partition)
			w->fn(&event, w->arg);
	if (n == -ENOBUFS) {
		w->fn(NULL, w->arg);
		uevent_watch_scan(w);
	} else if (n != -EAGAIN) {
		log_error("usb_deaf", "why=\"%s\"", strerror((int)-n));
	}
}

/* ---- What is there ---- */

static void look_at(struct uevent_watch *w, const char *name)
{
	_cleanup_(freep) char *path = xasprintf(SYS_BLOCK "/%s/uevent", name), *text = NULL;
	struct uevent event;
	size_t len;

	if (file_read(path, UEVENT_MAX, &text, &len) == 0 &&
	    uevent_parse(text, len, '\n', &event) && event.is_partition)
		w->fn(&event, w->arg);
}

void uevent_watch_scan(struct uevent_watch *w)
{
	DIR *dir = opendir(SYS_BLOCK);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			look_at(w, entry->d_name);
	if (dir)
		closedir(dir);
}

int uevent_watch_new(struct event_base *base, uevent_fn *fn, void *arg, struct uevent_watch **ret)
{
	struct uevent_watch *w;
	int fd = open_quiet_socket();

	if (fd < 0)
		return fd;
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	w->ev = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, w);
	if (!w->ev || event_add(w->ev, NULL) < 0) {
		uevent_watch_free(w);
		return -ENOMEM;
	}
	*ret = w;
	return 0;
}

struct uevent_watch *uevent_watch_free(struct uevent_watch *w)
{
	if (!w)
		return NULL;
	if (w->ev)
		event_free(w->ev);
	close(w->fd);
	free(w);
	return NULL;
}
