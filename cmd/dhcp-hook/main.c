/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run by dhcpcd (--script) at each event, instead of its shell scripts: records the lease for the
 * daemon and touches nothing else. No arguments; all comes by the environment, with
 * EDGEWAY_LEASE_DIR naming the folder.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "dataplane/lease.h"

static const char *from_environ(const char *name, void *arg)
{
	(void)arg;
	return getenv(name);
}

static int drop(const char *dir, const char *ifname, const char *part)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s.%s", dir, ifname, part);

	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int drop_all(const char *dir, const char *ifname)
{
	int r = drop(dir, ifname, "4"), r6 = drop(dir, ifname, "6"), ra = drop(dir, ifname, "ra");

	return r < 0 ? r : r6 < 0 ? r6 : ra;
}

static int store(const char *dir, const char *ifname, const char *part,
		 const struct dp_lease *lease)
{
	_cleanup_(freep) char *path = xasprintf("%s/%s.%s", dir, ifname, part);
	_cleanup_(strbuf_fini) struct strbuf text = STRBUF_INIT;

	dp_lease_format(lease, &text);
	return file_replace_volatile(path, strbuf_str(&text), text.len, 0644);
}

int main(void)
{
	const char *dir = getenv("EDGEWAY_LEASE_DIR"), *name = getenv("interface"), *part = NULL;
	struct dp_lease lease;
	struct ifname ifname;
	int r = 0;

	if (!dir || !name || ifname_parse(name, &ifname) < 0) {
		fprintf(stderr, "dhcp-hook: to be run by dhcpcd with EDGEWAY_LEASE_DIR set\n");
		return EXIT_FAILURE;
	}
	switch (dp_lease_from_env(from_environ, NULL, dp_lease_clock(), &part, &lease)) {
	case DP_LEASE_KEEP:
		break;
	case DP_LEASE_STORE:
		r = store(dir, name, part, &lease);
		break;
	case DP_LEASE_DROP:
		r = *part == '*' ? drop_all(dir, name) : drop(dir, name, part);
		break;
	}
	if (r < 0)
		fprintf(stderr, "dhcp-hook: %s: %s\n", name, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
