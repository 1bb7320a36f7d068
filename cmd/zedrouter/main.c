/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/daemon.h"
#include "zedrouter/zedrouter.h"

/* NET_ADMIN programs the kernel; the rest is what dnsmasq needs to bind its ports and to drop its
 * privileges, and what stopping it needs then. */
static const int caps[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE,
			    CAP_SETUID,	   CAP_SETGID,	CAP_KILL,
			    CAP_CHOWN,	   -1 };

int main(int argc, char *argv[])
{
	static const struct daemon_conf conf = {
		.name = "zedrouter",
		.summary = "builds the networks of applications",
		.caps = caps,
	};
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(zedrouter_freep) struct zedrouter *zr = NULL;
	int r;

	r = daemon_new(&conf, argc, argv, &d);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r == 0)
		r = zedrouter_new(d, &zr);
	if (r == 0)
		r = daemon_run(d);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
