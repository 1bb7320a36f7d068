/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/daemon.h"
#include "nim/ntp/chrony.h"
#include "nim/dpc/dpc.h"
#include "nim/dpc/fallback.h"
#include "nim/nim.h"

/* NET_ADMIN programs the kernel; the rest is what dhcpcd needs to open raw sockets, to keep its
 * files in a mount namespace of its own and to drop its privileges. */
static const int caps[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_SYS_ADMIN,
			    CAP_SETUID,	   CAP_SETGID,	CAP_SYS_CHROOT,	      CAP_KILL,
			    CAP_CHOWN,	   CAP_FOWNER,	CAP_DAC_OVERRIDE,     -1 };

int main(int argc, char *argv[])
{
	static struct nim_options options;
	static const struct daemon_option own[] = {
		{ "chrony-sources", "DIR",
		  "where chrony, if it runs, finds NTP servers (" NIM_CHRONY_SOURCES ")",
		  &options.chrony_sources },
		{ "config-dir", "DIR",
		  "what the device was given: server, certificates (" NIM_CONFIG_DIR ")",
		  &options.config_dir },
		{ "dpc-dir", "DIR", "DevicePortConfig files (" NIM_DPC_DIR ")", &options.dpc_dir },
		{ "last-resort-after", "SECONDS",
		  "without any port configuration: all Ethernet ports by DHCP, then; or never "
		  "(" NIM_LAST_RESORT_AFTER ")",
		  &options.last_resort_after },
		{ "resolv-conf", "PATH", "point this file at the node's own DNS forwarder",
		  &options.resolv_conf },
		{ 0 },
	};
	static const struct daemon_conf conf = {
		.name = "nim",
		.summary = "manages the uplink ports of an edge node",
		.options = own,
		.caps = caps,
	};
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(nim_freep) struct nim *nim = NULL;
	int r;

	r = daemon_new(&conf, argc, argv, &d);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r == 0)
		r = nim_new(d, &options, &nim);
	if (r == 0)
		r = daemon_run(d);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
