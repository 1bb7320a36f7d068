/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named network namespaces: bind mounts under /run/netns as `ip netns` keeps them. A namespace
 * bears no mark, so ours has a record <run_dir>/<owner>/netns/NAME, written before it is made.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/items/rundir.h"
#include "dataplane/items/watch.h"

#define RECORDS "netns"

/* ---- The system's side: paths ---- */

static bool is_namespace(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && st.f_type == NSFS_MAGIC;
}

/* The folder must be a shared mount of its own, so that namespaces made here are seen in every
 * mount namespace: what `ip netns add` does, too. */
static int share_folder(void)
{
	int r;

	r = dir_make(NETNS_DIR, 0755);
	if (r < 0)
		return r;
	if (mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(NETNS_DIR, NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0 ||
	    mount("", NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* ip link set lo up */
static int loopback_up(void)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

/*
 * unshare, mount, setns back: in this process (one thread) and not in a forked child, because it
 * takes 0.3 ms, less than a fork and waiting for it, and no child can die half-way.
 */
static int make_namespace(const char *path)
{
	_cleanup_(closep) int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (home < 0 || unshare(CLONE_NEWNET) < 0)
		return -errno;
	r = loopback_up();
	if (r == 0 && mount("/proc/self/ns/net", path, "none", MS_BIND, NULL) < 0)
		r = -errno;
	/* To go on in the wrong namespace would configure the wrong machine. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return r;
}

static int unmake_namespace(const char *path)
{
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT)
		return -errno;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- The item type ---- */

static void netns_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_netns *)spec)->name);
}

static enum dp_change netns_diff(const void *have, const void *want)
{
	(void)have;
	(void)want;
	return DP_SAME; /* the name is the key, and all there is */
}

static void netns_print(const void *spec, struct strbuf *out)
{
	strbuf_addf(out, "path=" NETNS_DIR "/%s", ((const struct dp_netns *)spec)->name);
}

static int netns_create(struct dp_op *op, const void *want)
{
	const struct dp_netns *netns = want;
	_cleanup_(freep) char *path = NULL, *record = NULL;
	_cleanup_(closep) int fd = -1;
	int r;

	if (!rundir_is_name(netns->name))
		return -EINVAL;
	path = xasprintf(NETNS_DIR "/%s", netns->name);
	record = rundir_path(dp_op_dp(op), RECORDS, netns->name);
	if (is_namespace(path))
		return 0;
	r = file_replace_volatile(record, "", 0, 0644);
	if (r == 0)
		r = share_folder();
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	if (fd < 0)
		return -errno;
	r = make_namespace(path);
	if (r < 0) {
		unlink(path);
		unlink(record);
	}
	return r;
}

static int netns_remove(struct dp_op *op, const void *have)
{
	const struct dp_netns *netns = have;
	_cleanup_(freep) char *path = xasprintf(NETNS_DIR "/%s", netns->name);
	_cleanup_(freep) char *record = rundir_path(dp_op_dp(op), RECORDS, netns->name);
	int r;

	r = unmake_namespace(path);
	if (r == 0 && unlink(record) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

/* A record whose namespace was never finished: nothing can be in it, so it is cleared away. */
static void drop_unfinished(struct dp *dp, const char *name, void *arg)
{
	_cleanup_(freep) char *path = xasprintf(NETNS_DIR "/%s", name);
	_cleanup_(freep) char *record = rundir_path(dp, RECORDS, name);

	(void)arg;
	if (is_namespace(path))
		return;
	unlink(path);
	unlink(record);
}

bool dp_netns_appeared(struct dp *dp, const char *name)
{
	_cleanup_(freep) char *path = xasprintf(NETNS_DIR "/%s", name);
	_cleanup_(freep) char *record = rundir_path(dp, RECORDS, name);
	struct dp_netns netns = { 0 };

	if (strlen(name) >= sizeof(netns.name) || !is_namespace(path))
		return false;
	strcpy(netns.name, name);
	dp_observed(dp, &dp_netns_type, &netns, access(record, F_OK) == 0);
	return true;
}

static int netns_observe(struct dp *dp)
{
	struct dirent *entry;
	DIR *dir;

	rundir_each(dp, RECORDS, drop_unfinished, NULL);
	dp_host_watch_netns(dp); /* first: what comes meanwhile is seen twice, not never */
	dir = opendir(NETNS_DIR);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			dp_netns_appeared(dp, entry->d_name);
	if (dir)
		closedir(dir);
	return 0;
}

const struct dp_type dp_netns_type = {
	.name = "netns",
	.size = sizeof(struct dp_netns),
	.key = netns_key,
	.diff = netns_diff,
	.print = netns_print,
	.create = netns_create,
	.remove = netns_remove,
	.observe = netns_observe,
};
