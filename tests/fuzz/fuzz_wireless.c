/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemons of radios may say → leases and errors that nim believes. None of them is out of
 * range, whatever the message holds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/lease.h"
#include "nim/addressing.h"
#include "nim/wireless/wireless.h"
#include "wireless.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static struct nim_port port_of(enum nim_wireless kind)
{
	return (struct nim_port){ .label = "lte",
				  .ifname = IFNAME("wwan0"),
				  .wireless = kind,
				  .is_l3 = true,
				  .ipv4 = true,
				  .ipv6 = true,
				  .dhcp = NIM_DHCP_CLIENT };
}

static void check_lease(const struct nim_air *air, int family)
{
	struct nim_iface iface = { .ifindex = 1 };
	struct dp_lease lease;

	if (!nim_wireless_lease(air, family, &lease))
		return;
	must(lease.addrs && lease.addrs <= NIM_BEARER_ADDRS && lease.routers == 1);
	must(lease.router[0].family == family);
	for (unsigned int i = 0; i < lease.addrs; i++)
		must(nim_prefix_is_usable(&lease.addr[i]) && lease.addr[i].addr.family == family);
	(void)nim_iface_set_lease(&iface, family, &lease);
}

static void check_wwan(const uint8_t *data, size_t size)
{
	Ew__WwanStatus *said = ew__wwan_status__unpack(NULL, size, data);
	Ew__WwanConfig told = EW__WWAN_CONFIG__INIT;
	const struct nim_port port = port_of(NIM_WIRELESS_CELLULAR);
	const struct nim_wwan wwan = { .told = &told, .said = said };
	struct nim_air air;

	if (!said)
		return;
	nim_wireless_look_wwan(&port, &wwan, &air);
	must(air.naddrs <= NIM_BEARER_ADDRS && strnlen(air.error, sizeof(air.error)) < 160);
	check_lease(&air, AF_INET);
	check_lease(&air, AF_INET6);
	ew__wwan_status__free_unpacked(said, NULL);
}

static void check_wlan(const uint8_t *data, size_t size)
{
	Ew__WlanStatus *said = ew__wlan_status__unpack(NULL, size, data);
	Ew__WlanConfig told = EW__WLAN_CONFIG__INIT;
	const struct nim_port port = port_of(NIM_WIRELESS_WIFI);
	const struct nim_wlan wlan = { .told = &told, .said = said };
	struct nim_air air;

	if (!said)
		return;
	nim_wireless_look_wlan(&port, &wlan, false, &air);
	must(air.error[0] && strnlen(air.error, sizeof(air.error)) < 160);
	ew__wlan_status__free_unpacked(said, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_wwan(data, size);
	check_wlan(data, size);
	return 0;
}
