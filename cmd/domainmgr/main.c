/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/daemon.h"
#include "domainmgr/domainmgr.h"

/* NET_ADMIN programs the kernel, SYS_ADMIN enters and makes network namespaces. */
static const int caps[] = { CAP_NET_ADMIN, CAP_SYS_ADMIN, -1 };

int main(int argc, char *argv[])
{
	static const struct daemon_conf conf = {
		.name = "domainmgr",
		.summary = "gives applications their network namespaces and interfaces",
		.caps = caps,
	};
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(domainmgr_freep) struct domainmgr *dm = NULL;
	int r;

	r = daemon_new(&conf, argc, argv, &d);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r == 0)
		r = domainmgr_new(d, &dm);
	if (r == 0)
		r = daemon_run(d);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
