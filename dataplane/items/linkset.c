/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a link somebody else made: it bears no mark of ours, so what it was before our
 * first write stands in <run_dir>/<owner>/prior/link.<ifindex>, for names move from link to link.
 * That file is also how the next run knows what it holds.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/nl/link_hardware.h"
#include "dataplane/nl/link_msg.h"

#define PRIOR "link."

struct prior {
	uint32_t mtu_bytes; /* 0: we did not touch it */
	unsigned int up;
};

static char *prior_dir(const struct dp *dp)
{
	return xasprintf("%s/%s/prior", dp_conf(dp)->run_dir, dp_conf(dp)->owner);
}

static char *prior_path(const struct dp *dp, uint32_t ifindex)
{
	_cleanup_(freep) char *dir = prior_dir(dp);

	return xasprintf("%s/" PRIOR "%u", dir, ifindex);
}

static int prior_read(const struct dp *dp, const struct dp_link *link, struct prior *ret)
{
	_cleanup_(freep) char *path = prior_path(dp, link->ifindex), *text = NULL;
	struct prior prior;
	int r;

	r = file_read(path, 256, &text, NULL);
	if (r < 0)
		return r;
	if (sscanf(text, "mtu=%u up=%u", &prior.mtu_bytes, &prior.up) != 2)
		return -ENOENT;
	*ret = prior;
	return 0;
}

static int prior_write(const struct dp *dp, const struct dp_link *link, const struct prior *prior)
{
	_cleanup_(freep) char *path = prior_path(dp, link->ifindex), *text = NULL;

	text = xasprintf("mtu=%u up=%u\n", prior->mtu_bytes, prior->up);
	return file_replace_volatile(path, text, strlen(text), 0644);
}

/* The link that a record is about, whatever it is called now; NULL: it is gone. */
static const struct dp_link *prior_link(struct dp *dp, const char *name)
{
	struct ifname ifname;
	unsigned int ifindex;

	if (sscanf(name, PRIOR "%u", &ifindex) != 1 || !rtnl_ifname(dp, ifindex, &ifname))
		return NULL;
	return dp_have(dp, &dp_link_type, ifname.str);
}

/* Drops those whose link is gone. */
static int prior_each(struct dp *dp, void (*fn)(struct dp *dp, const struct dp_link *link))
{
	_cleanup_(freep) char *path = prior_dir(dp);
	const struct dirent *entry;
	DIR *dir;

	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		const struct dp_link *link;

		if (strncmp(entry->d_name, PRIOR, strlen(PRIOR)) != 0)
			continue;
		link = prior_link(dp, entry->d_name);
		if (!link)
			unlinkat(dirfd(dir), entry->d_name, 0);
		else if (fn)
			fn(dp, link);
	}
	closedir(dir);
	return 0;
}

/* Before the first write of each setting its value is on record. */
static int prior_ensure(struct dp *dp, const struct dp_link *link, const struct dp_linkset *want)
{
	struct prior prior;
	int r;

	r = prior_read(dp, link, &prior);
	if (r == 0 && (prior.mtu_bytes || !want->mtu_bytes))
		return 0;
	if (r < 0) {
		prior_each(dp, NULL);
		prior = (struct prior){ .up = link->up };
	}
	if (want->mtu_bytes)
		prior.mtu_bytes = link->mtu_bytes;
	return prior_write(dp, link, &prior);
}

static void prior_remove(const struct dp *dp, uint32_t ifindex)
{
	_cleanup_(freep) char *path = prior_path(dp, ifindex);

	unlink(path);
}

void dp_linkset_follow(struct dp *dp, const struct link_info *link)
{
	const struct dp_linkset spec = {
		.ifname = link->ifname,
		.mtu_bytes = link->mtu_bytes,
		.max_mtu_bytes = link->max_mtu_bytes,
		.up = link->flags & IFF_UP,
	};

	if (dp_have(dp, &dp_linkset_type, link->ifname.str))
		dp_observed(dp, &dp_linkset_type, &spec, true);
}

static uint32_t ask_max_mtu(struct dp *dp, const struct dp_link *link)
{
	struct link_hardware hardware;

	return link_hardware_read(dp, link->ifindex, &hardware) < 0 ? 0 : hardware.max_mtu_bytes;
}

static void tell(struct dp *dp, const struct dp_link *link)
{
	const struct dp_linkset spec = {
		.ifname = link->ifname,
		.mtu_bytes = link->mtu_bytes,
		.max_mtu_bytes = ask_max_mtu(dp, link),
		.up = link->up,
	};

	dp_observed(dp, &dp_linkset_type, &spec, true);
}

static int linkset_observe(struct dp *dp)
{
	return prior_each(dp, tell);
}

static uint32_t at_most(uint32_t mtu_bytes, uint32_t max_bytes) /* max 0: any */
{
	return max_bytes && mtu_bytes > max_bytes ? max_bytes : mtu_bytes;
}

static enum dp_change linkset_diff(const void *have, const void *want)
{
	const struct dp_linkset *h = have, *w = want;

	uint32_t mtu_bytes = at_most(w->mtu_bytes, h->max_mtu_bytes);

	return h->up != w->up || link_mtu_differs(h->mtu_bytes, mtu_bytes) ? DP_MODIFY : DP_SAME;
}

static void linkset_needs(const void *want, struct dp_deps *deps)
{
	const struct dp_linkset *set = want;

	dp_need(deps, &dp_link_type, set->ifname.str, DP_FALLS_WITH, NULL);
}

static void linkset_print(const void *spec, struct strbuf *out)
{
	const struct dp_linkset *set = spec;

	strbuf_add(out, set->up ? "up" : "down");
	if (set->mtu_bytes)
		strbuf_addf(out, " mtu=%u", set->mtu_bytes);
}

/* ip link set NAME up mtu MTU */
static int put_settings(struct dp_op *op, const struct ifname *ifname, uint32_t mtu_bytes, bool up,
			unsigned int accept)
{
	struct nlmsghdr *msg = link_begin_set(op, ifname, up ? LINK_UP : LINK_DOWN);

	link_put_mtu(msg, mtu_bytes);
	return rtnl_end(op, msg, accept);
}

static int linkset_create(struct dp_op *op, const void *want)
{
	const struct dp_linkset *set = want;
	const struct dp_link *link = dp_have(dp_op_dp(op), &dp_link_type, set->ifname.str);
	uint32_t mtu_bytes = set->mtu_bytes;
	int r;

	if (!link)
		return -ENODEV;
	r = prior_ensure(dp_op_dp(op), link, set);
	if (r < 0)
		return r;
	if (mtu_bytes > link->mtu_bytes)
		mtu_bytes = at_most(mtu_bytes, ask_max_mtu(dp_op_dp(op), link));
	if (link->up == set->up && !link_mtu_differs(link->mtu_bytes, mtu_bytes))
		return 0;
	return put_settings(op, &set->ifname, mtu_bytes, set->up, 0);
}

static int linkset_modify(struct dp_op *op, const void *have, const void *want)
{
	(void)have;
	return linkset_create(op, want);
}

static void linkset_removed(struct dp_op *op, int err)
{
	if (err == 0)
		prior_remove(dp_op_dp(op), (uint32_t)(uintptr_t)*dp_op_data(op));
	dp_op_done(op, err);
}

static int linkset_remove(struct dp_op *op, const void *have)
{
	const struct dp_linkset *set = have;
	const struct dp_link *link = dp_have(dp_op_dp(op), &dp_link_type, set->ifname.str);
	struct prior prior;

	if (!link || prior_read(dp_op_dp(op), link, &prior) < 0)
		return 0;
	*dp_op_data(op) = (void *)(uintptr_t)link->ifindex;
	put_settings(op, &set->ifname, prior.mtu_bytes, prior.up, RTNL_ABSENT_OK);
	rtnl_then(op, linkset_removed);
	return -EINPROGRESS;
}

const struct dp_type dp_linkset_type = {
	.name = "linkset",
	.size = sizeof(struct dp_linkset),
	.key = link_key,
	.diff = linkset_diff,
	.needs = linkset_needs,
	.print = linkset_print,
	.create = linkset_create,
	.modify = linkset_modify,
	.remove = linkset_remove,
	.observe = linkset_observe,
};
