/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values below /proc/sys of the engine's network namespace. They bear no mark, so what a value
 * was before our first write is on record: a symbolic link whose text is "IFINDEX VALUE",
 * <run_dir>/<owner>/prior/sysctl/INTERFACE/NAME ("-" when it is of no interface). One system call
 * makes it whole or not at all, where a file needs three, and each setting of each interface has
 * one. It follows its interface to the name that this has now.
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

/* Bytes before the interface's name; 0: there is none. */
static size_t name_skip(const char *name)
{
	static const char *const folders[] = { "net/ipv4/conf/", "net/ipv6/conf/",
					       "net/ipv4/neigh/", "net/ipv6/neigh/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (strncmp(name, folders[i], strlen(folders[i])) == 0)
			return strlen(folders[i]);
	return 0;
}

/* net/ipv4/conf/IF/forwarding is of IF; …/all/… and …/default/… are of none. */
static bool name_ifname(const char *name, struct ifname *ret)
{
	size_t skip = name_skip(name);
	_cleanup_(freep) char *rest = skip ? xstrdup(name + skip) : NULL;

	if (!rest)
		return false;
	rest[strcspn(rest, "/")] = '\0';
	if (strcmp(rest, "all") == 0 || strcmp(rest, "default") == 0)
		return false;
	return ifname_parse(rest, ret) == 0;
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

static int folder_make(const char *path)
{
	_cleanup_(freep) char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));

	return dir_make(dir, 0755);
}

static int record_write(const char *path, const struct prior *prior)
{
	_cleanup_(freep) char *text = xasprintf("%u %s", prior->ifindex, prior->value);
	int r;

	if (symlink(text, path) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	r = folder_make(path);
	if (r < 0)
		return r;
	return symlink(text, path) < 0 ? -errno : 0;
}

/* To where it belongs. Who has the place may have taken this one's name in turn, and changes with it;
 * if it is of the same interface it was made later, of a value of ours. */
static void record_move(const char *path, const char *to, uint32_t ifindex)
{
	struct prior other = { 0 };

	if (folder_make(to) < 0)
		return;
	if (renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_EXCHANGE) < 0)
		(void)rename(path, to);
	else if (record_read(path, &other) == 0 && other.ifindex == ifindex)
		unlink(path);
}

/* The interface of this record has another name now, or is gone. */
static void record_follow(struct dp *dp, const char *path, const char *name, uint32_t ifindex)
{
	const size_t skip = name_skip(name);
	struct dp_sysctl now = { 0 };
	_cleanup_(freep) char *to = NULL;
	struct ifname ifname;

	if (skip && ifindex && rtnl_ifname(dp, ifindex, &ifname)) {
		snprintf(now.name, sizeof(now.name), "%.*s%s%s", (int)skip, name, ifname.str,
			 name + skip + strcspn(name + skip, "/"));
		to = record_path(dp, now.name);
	}
	if (!to || strcmp(path, to) == 0) {
		unlink(path);
		return;
	}
	record_move(path, to, ifindex);
	if (value_read(dp, now.name, now.value) == 0)
		dp_observed(dp, &dp_sysctl_type, &now, true);
}

/* Each turn brings one record to its place, so there is an end. */
static bool record_of(struct dp *dp, const char *path, const char *name, struct prior *ret)
{
	uint32_t ifindex = name_ifindex(dp, name), last = 0;

	while (record_read(path, ret) == 0 && ret->ifindex != ifindex) {
		if (ret->ifindex == last)
			return false; /* it could not be moved */
		last = ret->ifindex;
		record_follow(dp, path, name, last);
	}
	return record_read(path, ret) == 0 && ret->ifindex == ifindex;
}

/* The record of this very interface is there, or is made with the value as it is now. */
static int record_ensure(struct dp *dp, const char *path, const char *name, const char *now)
{
	struct prior prior = { .ifindex = name_ifindex(dp, name) }, old = { 0 };
	int r;

	strcpy(prior.value, now);
	r = record_write(path, &prior);
	if (r != -EEXIST || record_of(dp, path, name, &old))
		return r == -EEXIST ? 0 : r;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
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

static int restore(const struct dp *dp, const char *path, const char *name)
{
	struct prior prior = { 0 };
	char now[VALUE_MAX];
	int r;

	if (record_read(path, &prior) < 0 || prior.ifindex != name_ifindex(dp, name))
		return 0;
	r = value_read(dp, name, now);
	if (r == 0 && strcmp(now, prior.value) != 0 && !record_hand_over(dp, path, &prior, now))
		r = value_write(dp, name, prior.value);
	return r;
}

static int sysctl_remove(struct dp_op *op, const void *have)
{
	const struct dp_sysctl *sysctl = have;
	struct dp *dp = dp_op_dp(op);
	_cleanup_(freep) char *path = record_path(dp, sysctl->name);
	struct ifname ifname;
	int r = restore(dp, path, sysctl->name);

	if (r == -ENOENT && name_ifname(sysctl->name, &ifname))
		return 0; /* news of the interface will come: dp_sysctl_link_gone() */
	if (r < 0 && r != -ENOENT)
		return r;
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
	if (name_is_safe(sysctl.name) && record_of(dp, path, sysctl.name, &prior) &&
	    value_read(dp, sysctl.name, sysctl.value) == 0)
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

/* ---- The interface fell, and its settings with it; or it has another name ---- */

static void leave_one(struct dp *dp, const char *escaped, void *arg)
{
	_cleanup_(freep) char *path = rundir_path(dp, arg, escaped);
	char name[sizeof(((struct dp_sysctl *)NULL)->name)];
	struct prior prior = { 0 };

	/* One of that name may be here again already, and have records of its own. */
	if (rundir_unescape(escaped, name, sizeof(name)))
		(void)record_of(dp, path, name, &prior);
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
	rundir_each(dp, strbuf_str(&folder), leave_one, (void *)strbuf_str(&folder));
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
