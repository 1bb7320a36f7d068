/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values below /proc/sys of the engine's network namespace. They bear no mark, so what a value
 * was before our first write is on record: a symbolic link whose text is "IFINDEX VALUE",
 * <run_dir>/<owner>/prior/sysctl/INTERFACE/NAME ("-" when it is of no interface). One system call
 * makes it whole or not at all, where a file needs three, and each setting of each interface has
 * one.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/items/host.h"
#include "dataplane/items/link.h"
#include "dataplane/items/rundir.h"
#include "dataplane/items/watch.h"
#include "dataplane/nl/netns.h"
#include "dataplane/nl/rtnl.h"

#define RECORDS "prior/sysctl"
#define VALUE_MAX sizeof(((struct dp_sysctl *)NULL)->value)

/* ---- Names ---- */

/* Components that are not empty, "." or ".." and hold no blanks or controls: nothing leaves
 * /proc/sys. Interface names may hold dots, which is why names use '/'. */
static bool name_is_safe(const char *name)
{
	_cleanup_(freep) char *copy = xstrdup(name);
	char *rest = copy, *part;

	while ((part = strsep(&rest, "/"))) {
		if (*part == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
			return false;
		for (const char *c = part; *c; c++)
			if (!isgraph((unsigned char)*c))
				return false;
	}
	return true;
}

/* net/ipv4/conf/IF/forwarding is of IF; …/all/… and …/default/… are of none. */
static bool name_ifname(const char *name, struct ifname *ret)
{
	static const char *const folders[] = { "net/ipv4/conf/", "net/ipv6/conf/",
					       "net/ipv4/neigh/", "net/ipv6/neigh/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		size_t skip = strlen(folders[i]);
		_cleanup_(freep) char *rest = NULL;

		if (strncmp(name, folders[i], skip) != 0)
			continue;
		rest = xstrdup(name + skip);
		rest[strcspn(rest, "/")] = '\0';
		if (strcmp(rest, "all") == 0 || strcmp(rest, "default") == 0)
			return false;
		return ifname_parse(rest, ret) == 0;
	}
	return false;
}

/* 0: of no interface, or of one that is not there. */
static uint32_t name_ifindex(const struct dp *dp, const char *name)
{
	struct ifname ifname;

	return name_ifname(name, &ifname) ? rtnl_ifindex(dp, &ifname) : 0;
}

/* ---- Values ---- */

static int value_open(const struct dp *dp, const char *name, int flags)
{
	_cleanup_(freep) char *path = xasprintf("/proc/sys/%s", name);

	return netns_open(dp_conf(dp)->netns_fd, path, flags);
}

/* Blanks between the numbers of a value are tabs in the kernel's output. */
static void value_normalise(char *value)
{
	size_t len = strlen(value);

	while (len && isspace((unsigned char)value[len - 1]))
		value[--len] = '\0';
	for (char *c = value; *c; c++)
		if (isspace((unsigned char)*c))
			*c = ' ';
}

static int value_read(const struct dp *dp, const char *name, char ret[VALUE_MAX])
{
	_cleanup_(closep) int fd = value_open(dp, name, O_RDONLY);
	char value[VALUE_MAX];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, value, sizeof(value) - 1);
	if (n < 0)
		return -errno;
	value[n] = '\0';
	value_normalise(value);
	memcpy(ret, value, sizeof(value));
	return 0;
}

static int value_write(const struct dp *dp, const char *name, const char *value)
{
	_cleanup_(closep) int fd = value_open(dp, name, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* ---- Records ---- */

struct prior {
	uint32_t ifindex; /* a later interface of the same name has its own prior values */
	char value[VALUE_MAX];
};

/* prior/sysctl/eth0/net%2Fipv4%2Fconf%2Feth0%2Frp_filter */
static char *record_path(const struct dp *dp, const char *name)
{
	_cleanup_(strbuf_fini) struct strbuf sub = STRBUF_INIT;
	struct ifname ifname;

	if (name_ifname(name, &ifname))
		rundir_escape(ifname.str, &sub);
	else
		strbuf_addc(&sub, '-');
	strbuf_addc(&sub, '/');
	rundir_escape(name, &sub);
	return rundir_path(dp, RECORDS, strbuf_str(&sub));
}

static int record_read(const char *path, struct prior *ret)
{
	char text[sizeof(struct prior) + 16], *blank;
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	blank = strchr(text, ' ');
	if (!blank || strlen(blank + 1) >= sizeof(ret->value))
		return -EINVAL;
	ret->ifindex = (uint32_t)strtoul(text, NULL, 10);
	strcpy(ret->value, blank + 1);
	return 0;
}

static int record_write(const char *path, const struct prior *prior)
{
	_cleanup_(freep) char *text = xasprintf("%u %s", prior->ifindex, prior->value);
	_cleanup_(freep) char *dir = NULL;
	int r;

	if (symlink(text, path) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	r = dir_make(dir, 0755);
	if (r < 0)
		return r;
	return symlink(text, path) < 0 ? -errno : 0;
}

/* The record of this very interface is there, or is made with the value as it is now. */
static int record_ensure(const struct dp *dp, const char *path, const char *name, const char *now)
{
	struct prior prior = { 0 };
	int r = record_read(path, &prior);

	if (r == 0 && prior.ifindex == name_ifindex(dp, name))
		return 0;
	if (r != -ENOENT && unlink(path) < 0)
		return -errno;
	prior = (struct prior){ .ifindex = name_ifindex(dp, name) };
	strcpy(prior.value, now);
	return record_write(path, &prior);
}

/*
 * Two daemons may want one value: the later one recorded what the earlier one wrote. When the
 * earlier one lets go first, its record is handed to the later one and the value stays.
 */
static bool record_hand_over(const struct dp *dp, const char *path, const struct prior *ours,
			     const char *now)
{
	_cleanup_(freep) char *own = rundir_path(dp, RECORDS, NULL);
	_cleanup_(freep) char *pattern =
		xasprintf("%s/*/" RECORDS "%s", dp_conf(dp)->run_dir, path + strlen(own));
	bool handed = false;
	struct prior theirs = { 0 };
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc && !handed; i++) {
		if (strcmp(found.gl_pathv[i], path) == 0 ||
		    record_read(found.gl_pathv[i], &theirs) < 0 ||
		    theirs.ifindex != ours->ifindex || strcmp(theirs.value, now) != 0)
			continue;
		/* A crash between the two loses the prior value, never the wanted one. */
		handed = unlink(found.gl_pathv[i]) == 0 &&
			 record_write(found.gl_pathv[i], ours) == 0;
	}
	globfree(&found);
	return handed;
}

/* ---- The item type ---- */

static void sysctl_key(const void *spec, struct strbuf *out)
{
	strbuf_add(out, ((const struct dp_sysctl *)spec)->name);
}

static enum dp_change sysctl_diff(const void *have, const void *want)
{
	const struct dp_sysctl *h = have, *w = want;

	return strcmp(h->value, w->value) == 0 ? DP_SAME : DP_MODIFY;
}

static void sysctl_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_sysctl *sysctl = want;
	struct ifname ifname;

	if (name_ifname(sysctl->name, &ifname))
		dp_need(deps, &dp_link_type, ifname.str, DP_FALLS_WITH, NULL);
}

static void sysctl_print(const void *spec, struct strbuf *out)
{
	strbuf_addf(out, "value=\"%s\"", ((const struct dp_sysctl *)spec)->value);
}

/* sysctl -w NAME=VALUE */
static int sysctl_create(struct dp_op *op, const void *want)
{
	const struct dp_sysctl *sysctl = want;
	struct dp *dp = dp_op_dp(op);
	_cleanup_(freep) char *path = NULL;
	char now[VALUE_MAX];
	int r;

	if (!name_is_safe(sysctl->name))
		return -EINVAL;
	r = value_read(dp, sysctl->name, now);
	if (r < 0)
		return r;
	path = record_path(dp, sysctl->name);
	r = record_ensure(dp, path, sysctl->name, now);
	if (r < 0 || strcmp(now, sysctl->value) == 0)
		return r;
	return value_write(dp, sysctl->name, sysctl->value);
}

static int sysctl_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return sysctl_create(op, want);
}

static int sysctl_remove(struct dp_op *op, const void *have)
{
	const struct dp_sysctl *sysctl = have;
	struct dp *dp = dp_op_dp(op);
	_cleanup_(freep) char *path = record_path(dp, sysctl->name);
	struct prior prior = { 0 };
	char now[VALUE_MAX];
	int r;

	if (record_read(path, &prior) == 0 && prior.ifindex == name_ifindex(dp, sysctl->name) &&
	    value_read(dp, sysctl->name, now) == 0 && strcmp(now, prior.value) != 0 &&
	    !record_hand_over(dp, path, &prior, now)) {
		r = value_write(dp, sysctl->name, prior.value);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	*strrchr(path, '/') = '\0';
	rmdir(path); /* when it was the last one */
	return 0;
}

/* The records say which values are ours; those of interfaces that are gone are dropped. */
static void observe_one(struct dp *dp, const char *escaped, void *arg)
{
	_cleanup_(freep) char *folder = rundir_path(dp, arg, NULL);
	_cleanup_(freep) char *path = xasprintf("%s/%s", folder, escaped);
	struct dp_sysctl sysctl = { 0 };
	struct prior prior = { 0 };

	if (!rundir_unescape(escaped, sysctl.name, sizeof(sysctl.name)))
		return;
	if (record_read(path, &prior) == 0 && prior.ifindex == name_ifindex(dp, sysctl.name) &&
	    name_is_safe(sysctl.name) && value_read(dp, sysctl.name, sysctl.value) == 0)
		dp_observed(dp, &dp_sysctl_type, &sysctl, true);
	else
		unlink(path);
	rmdir(folder); /* its last one */
}

static void observe_folder(struct dp *dp, const char *interface, void *arg)
{
	_cleanup_(freep) char *folder = xasprintf(RECORDS "/%s", interface);

	(void)arg;
	rundir_each(dp, folder, observe_one, folder);
}

static int sysctl_observe(struct dp *dp)
{
	rundir_each(dp, RECORDS, observe_folder, NULL);
	return 0;
}

/* ---- The interface fell, and its settings with it ---- */

struct gone {
	const char *folder;
	uint32_t ifindex;
};

static void drop_one(struct dp *dp, const char *escaped, void *arg)
{
	const struct gone *gone = arg;
	_cleanup_(freep) char *path = rundir_path(dp, gone->folder, escaped);
	struct prior prior = { 0 };

	/* One of that name may be here again already, and have records of its own. */
	if (record_read(path, &prior) == 0 && prior.ifindex == gone->ifindex)
		unlink(path);
}

void dp_sysctl_link_gone(struct dp *dp, const struct dp_link *link)
{
	_cleanup_(strbuf_fini) struct strbuf folder = STRBUF_INIT;
	_cleanup_(freep) char *path = NULL;

	strbuf_add(&folder, RECORDS "/");
	rundir_escape(link->ifname.str, &folder);
	path = rundir_path(dp, strbuf_str(&folder), NULL);
	if (rmdir(path) == 0 || errno == ENOENT)
		return;
	rundir_each(dp, strbuf_str(&folder), drop_one,
		    &(struct gone){ strbuf_str(&folder), link->ifindex });
	rmdir(path);
}

void dp_want_sysctl(struct dp_graph *g, const char *dir, const char *leaf, const char *value)
{
	struct dp_sysctl sysctl = { 0 };

	snprintf(sysctl.name, sizeof(sysctl.name), "net/%s/%s", dir, leaf);
	snprintf(sysctl.value, sizeof(sysctl.value), "%s", value);
	dp_want(g, &dp_sysctl_type, &sysctl);
}

const struct dp_type dp_sysctl_type = {
	.name = "sysctl",
	.size = sizeof(struct dp_sysctl),
	.key = sysctl_key,
	.diff = sysctl_diff,
	.needs = sysctl_needs,
	.print = sysctl_print,
	.create = sysctl_create,
	.modify = sysctl_modify,
	.remove = sysctl_remove,
	.observe = sysctl_observe,
};
