/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/daemon.h"
#include "usb/usb.h"

/* SYS_ADMIN is what usb-stick mounts with, and for a socket that hears of no interface; NET_ADMIN
 * is for what edgeway netdump asks the kernel. */
static const int caps[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, -1 };

int main(int argc, char *argv[])
{
	static struct usb_options options;
	static const struct daemon_option own[] = {
		{ "identity-dir", "DIR", "certificates and serial number (" USB_IDENTITY_DIR ")",
		  &options.identity_dir },
		{ 0 },
	};
	static const struct daemon_conf conf = {
		.name = "usb-config",
		.summary = "takes port configurations from USB sticks",
		.options = own,
		.caps = caps,
	};
	_cleanup_(daemon_freep) struct daemon *d = NULL;
	_cleanup_(usb_freep) struct usb *usb = NULL;
	int r;

	r = daemon_new(&conf, argc, argv, &d);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r == 0)
		r = usb_new(d, &options, &usb);
	if (r == 0)
		r = daemon_run(d);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
