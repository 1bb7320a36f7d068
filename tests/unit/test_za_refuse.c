/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason a configuration is refused for, each by one change to the rich example. What is only
 * an error of ports: test_ports_parse.c. */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/za_change.h"

struct row {
	const char *where; /* JSON pointer of the change; "/-" at its end appends */
	const char *value; /* JSON */
	const char *pointer, *why; /* of the refusal */
};

#define ADAPTER(label) ",{\"type\":\"adapter\",\"value\":\"" label "\"}"
#define PORTMAP(protocol, lport, more)                                                             \
	"{\"matches\":[{\"type\":\"protocol\",\"value\":\"" protocol "\"},"                        \
	"{\"type\":\"lport\",\"value\":\"" lport "\"}" more                                        \
	"],\"actions\":[{\"portmap\":true,\"appPort\":1}]}"

static const struct row rows[] = {
	{ "/bonds/0/arp", "{\"interval\":100}", "/bonds/0/arp",
	  "only one of this and \"mii\" may be set" },
	{ "/id/uuid", "\"x\"", "/id/uuid", "\"x\" is no UUID" },
	{ "/configTimestamp", "\"yesterday\"", "/configTimestamp",
	  "expected a time like \"2026-03-04T05:06:07Z\"" },
	{ "/color", "1", "/color", "unknown field" },
	{ "/volumeRef", "[]", "/volumeRef", "unknown field" },
	{ "/configItems/0/key", "\"\"", "/configItems/0/key", "expected a name of 1 to 128 bytes" },
	{ "/configItems/1/key", "\"timer.port.testinterval\"", "/configItems/1/key",
	  "\"timer.port.testinterval\" is set by /configItems/0, too" },
	{ "/configItems/0/value", "\"0\"", "/configItems/0/value", "expected 1 to 3600" },
	{ "/configItems/0/value", "\"-5\"", "/configItems/0/value", "\"-5\" is no number" },
	{ "/configItems/0/value", "\"99999999999999999999\"", "/configItems/0/value",
	  "expected 1 to 3600" },
	{ "/configItems/1/value", "\"maybe\"", "/configItems/1/value", "expected true or false" },
	{ "/configItems/-", "{\"key\":\"network.download.max.cost\",\"value\":\"256\"}",
	  "/configItems/3/value", "expected 0 to 255" },
	{ "/configItems/-", "{\"key\":\"debug.enable.ssh\",\"value\":\"true\"}",
	  "/configItems/3/value", "expected SSH public keys, or none to close SSH" },
	{ "/configItems/-",
	  "{\"key\":\"debug.enable.ssh\",\"value\":\"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==\"}",
	  "/configItems/3/value", "expected SSH public keys, or none to close SSH" },
	{ "/configItems/-", "{\"key\":\"edgeway.dnsmasq\",\"value\":\"no\"}",
	  "/configItems/3/value", "expected on or off" },
	{ "/configItems/-", "{\"key\":\"airgap.mode\",\"value\":\"yes\"}", "/configItems/3/value",
	  "expected none, enabled or disabled" },
	{ "/configItems/-", "{\"key\":\"pnac.dhcp.reacquire.max.retries\",\"value\":\"9\"}",
	  "/configItems/3/value", "expected 0 to 8" },
	{ "/configItems/-", "{\"key\":\"diag.probe.remote.http.endpoint\",\"value\":\"a b\"}",
	  "/configItems/3/value", "\"a b\" is no address or host name" },
	{ "/networks/0/id", "\"5\"", "/networks/0/id", "\"5\" is no UUID" },
	{ "/networks/0/id", "\"00000000-0000-0000-0000-000000000000\"", "/networks/0/id",
	  "\"00000000-0000-0000-0000-000000000000\" is no UUID" },
	{ "/networks/1/id", "\"0b5c7d1e-8f3a-4e62-a0d9-000000000010\"", "/networks/1/id",
	  "the UUID is taken by /networks/0" },
	{ "/networks/0/type", "\"CryptoV4\"", "/networks/0/type",
	  "this network type is not supported" },
	{ "/networks/0/type", "\"V5\"", "/networks/0/type", "unknown enum value" },
	{ "/networks/0/mtu", "1279", "/networks/0/mtu", "expected 0 or 1280 to 65535" },
	{ "/networks/0/mtu", "65536", "/networks/0/mtu", "expected 0 or 1280 to 65535" },
	{ "/networks/0/ip", "null", "/networks/0/ip", "IP settings are required" },
	{ "/networks/1/ip/subnet", "\"\"", "/networks/1/ip/subnet",
	  "static addressing needs a subnet" },
	{ "/networks/1/ip/subnet", "\"192.0.2.0\"", "/networks/1/ip/subnet",
	  "\"192.0.2.0\" is no subnet like 192.0.2.0/24" },
	{ "/networks/1/ip/subnet", "\"192.0.2.0/33\"", "/networks/1/ip/subnet",
	  "\"192.0.2.0/33\" is no subnet like 192.0.2.0/24" },
	{ "/networks/1/ip/subnet", "\"2001:db8::/64\"", "/networks/1/ip/gateway",
	  "192.0.2.1 is not inside of 2001:db8::/64" },
	{ "/networks/1/type", "\"V6Only\"", "/networks/1/ip/subnet",
	  "192.0.2.0/24 does not go with the network's type" },
	{ "/networks/1/ip/gateway", "\"192.0.3.1\"", "/networks/1/ip/gateway",
	  "192.0.3.1 is not inside of 192.0.2.0/24" },
	{ "/networks/1/ip/gateway", "\"router\"", "/networks/1/ip/gateway",
	  "\"router\" is no IP address" },
	{ "/networks/1/ip/gateway", "\"192.0.2.20\"", "/systemAdapterList/1/addr",
	  "192.0.2.20 is the gateway" },
	{ "/networks/1/ip/domain", "\"-x.example\"", "/networks/1/ip/domain",
	  "\"-x.example\" is no domain name" },
	{ "/networks/1/ip/dns/1", "\"ns.example.net\"", "/networks/1/ip/dns/1",
	  "\"ns.example.net\" is no IP address" },
	{ "/networks/0/ip/ntp", "\"time server\"", "/networks/0/ip/ntp",
	  "\"time server\" is no address or host name" },
	{ "/networks/0/ip/moreNtp/0", "\"\"", "/networks/0/ip/moreNtp/0",
	  "\"\" is no address or host name" },
	{ "/networks/0/ip/dhcp", "\"DHCPNoop\"", "/systemAdapterList/0/networkUUID",
	  "the network does not say how ports get their address (ip.dhcp)" },
	{ "/networks/0/ip/dhcp", "\"DHCPNone\"", "/systemAdapterList/0/networkUUID",
	  "a management port needs a network with DHCP or static addresses" },
	{ "/networks/0/ip/dhcp", "3", "/networks/0/ip/dhcp", "unknown enum value" },
	{ "/systemAdapterList/0/name", "\"\"", "/systemAdapterList/0/name",
	  "expected a name of 1 to 128 bytes" },
	{ "/systemAdapterList/0/networkUUID", "\"\"", "/systemAdapterList/0/networkUUID",
	  "a management port needs a network with DHCP or static addresses" },
	{ "/systemAdapterList/0/networkUUID", "\"net\"", "/systemAdapterList/0/networkUUID",
	  "\"net\" is no UUID" },
	{ "/systemAdapterList/0/networkUUID", "\"0b5c7d1e-8f3a-4e62-a0d9-0000000000ff\"",
	  "/systemAdapterList/0/networkUUID",
	  "no network has the UUID 0b5c7d1e-8f3a-4e62-a0d9-0000000000ff" },
	{ "/systemAdapterList/1/addr", "\"\"", "/systemAdapterList/1/addr",
	  "static addressing needs an address" },
	{ "/systemAdapterList/1/addr", "\"192.0.2.20/24\"", "/systemAdapterList/1/addr",
	  "\"192.0.2.20/24\" is no IP address" },
	{ "/systemAdapterList/1/addr", "\"192.0.3.20\"", "/systemAdapterList/1/addr",
	  "192.0.3.20 is not inside of 192.0.2.0/24" },
	{ "/systemAdapterList/1/addr", "\"192.0.2.0\"", "/systemAdapterList/1/addr",
	  "192.0.2.0 is the network address of 192.0.2.0/24" },
	{ "/systemAdapterList/1/addr", "\"192.0.2.255\"", "/systemAdapterList/1/addr",
	  "192.0.2.255 is the broadcast address of 192.0.2.0/24" },
	{ "/systemAdapterList/0/addr", "\"192.0.2.9\"", "/systemAdapterList/0/addr",
	  "the network has no subnet for an address" },
	{ "/systemAdapterList/0/cost", "-1", "/systemAdapterList/0/cost", "number out of range" },
	{ "/networkInstances/0/uuidandversion", "null", "/networkInstances/0/uuidandversion",
	  "a UUID is required" },
	{ "/networkInstances/0/uuidandversion/uuid", "\"\"",
	  "/networkInstances/0/uuidandversion/uuid", "\"\" is no UUID" },
	{ "/networkInstances/1/uuidandversion/uuid", "\"0b5c7d1e-8f3a-4e62-a0d9-000000000020\"",
	  "/networkInstances/1/uuidandversion/uuid", "the UUID is taken by /networkInstances/0" },
	{ "/networkInstances/0/displayname", "\"a\\u0007b\"", "/networkInstances/0/displayname",
	  "expected a name of 1 to 128 bytes" },
	{ "/networkInstances/0/instType", "0", "/networkInstances/0/instType",
	  "the type of the instance is required" },
	{ "/networkInstances/0/instType", "\"Local\"", "/networkInstances/0/instType",
	  "unknown enum value" },
	{ "/networkInstances/0/mtu", "100", "/networkInstances/0/mtu",
	  "expected 0 or 1280 to 65535" },
	{ "/networkInstances/0/port/name", "\"\\n\"", "/networkInstances/0/port/name",
	  "expected a label of 1 to 128 bytes" },
	{ "/networkInstances/0/ipType", "\"First\"", "/networkInstances/0/ipType",
	  "a local instance is IPV4 or IPV6" },
	{ "/networkInstances/0/ipType", "\"IPV6\"", "/networkInstances/0/ip/subnet",
	  "10.1.0.0/24 does not go with the ipType" },
	{ "/networkInstances/0/ip", "null", "/networkInstances/0/ip",
	  "a local instance needs a subnet" },
	{ "/networkInstances/0/ip/subnet", "\"10.1.0.0\"", "/networkInstances/0/ip/subnet",
	  "\"10.1.0.0\" is no subnet like 10.1.0.0/24" },
	{ "/networkInstances/0/ip/subnet", "\"10.1.0.0/31\"", "/networkInstances/0/ip/subnet",
	  "10.1.0.0/31 has less than 4 addresses" },
	{ "/networkInstances/0/ip/subnet", "\"169.254.1.0/24\"", "/networkInstances/0/ip/subnet",
	  "169.254.1.0/24 is no range for apps" },
	{ "/networkInstances/0/ip/subnet", "\"10.2.1.0/24\"", "/networkInstances/1/ip/subnet",
	  "10.2.0.0/23 overlaps with 10.2.1.0/24 of /networkInstances/0" },
	{ "/networkInstances/0/ip/subnet", "\"10.0.0.0/8\"", "/networkInstances/1/ip/subnet",
	  "10.2.0.0/23 overlaps with 10.0.0.0/8 of /networkInstances/0" },
	{ "/networkInstances/1/ip/subnet", "\"10.1.0.0/25\"", "/networkInstances/1/ip/gateway",
	  "10.2.1.254 is not inside of the subnet" },
	{ "/networkInstances/3/ip/subnet", "\"192.0.2.128/25\"", "/networkInstances/3/ip/subnet",
	  "192.0.2.128/25 overlaps with the network of port \"mgmt30\"" },
	{ "/networkInstances/0/ip/gateway", "\"10.1.1.1\"", "/networkInstances/0/ip/gateway",
	  "10.1.1.1 is not inside of the subnet" },
	{ "/networkInstances/0/ip/gateway", "\"10.1.0.0\"", "/networkInstances/0/ip/gateway",
	  "10.1.0.0 is the network address of the subnet" },
	{ "/networkInstances/0/ip/gateway", "\"10.1.0.255\"", "/networkInstances/0/ip/gateway",
	  "10.1.0.255 is the broadcast address of the subnet" },
	{ "/networkInstances/0/ip/gateway", "\"10.1.0.200\"", "/networkInstances/0/ip/dhcpRange",
	  "the gateway is inside" },
	{ "/networkInstances/1/ip/dhcpRange/start", "\"10.9.0.1\"",
	  "/networkInstances/1/ip/dhcpRange/start", "10.9.0.1 is not inside of the subnet" },
	{ "/networkInstances/1/ip/dhcpRange/end", "\"ten\"", "/networkInstances/1/ip/dhcpRange/end",
	  "\"ten\" is no IP address" },
	{ "/networkInstances/1/ip/dhcpRange/start", "\"10.2.0.100\"",
	  "/networkInstances/1/ip/dhcpRange", "the range is empty" },
	{ "/networkInstances/0/ip/domain", "\"a..b\"", "/networkInstances/0/ip/domain",
	  "\"a..b\" is no domain name" },
	{ "/networkInstances/0/ip/dns/0", "\"x\"", "/networkInstances/0/ip/dns/0",
	  "\"x\" is no IP address" },
	{ "/networkInstances/0/ip/ntp", "\"?\"", "/networkInstances/0/ip/ntp",
	  "\"?\" is no address or host name" },
	{ "/networkInstances/0/dns/0/HostName", "\"\"", "/networkInstances/0/dns/0/HostName",
	  "\"\" is no host name" },
	{ "/networkInstances/0/dns/0/Address", "[]", "/networkInstances/0/dns/0/Address",
	  "expected 1 to 64 addresses" },
	{ "/networkInstances/0/dns/0/Address/1", "\"1.2.3\"", "/networkInstances/0/dns/0/Address/1",
	  "\"1.2.3\" is no IP address" },
	{ "/networkInstances/0/staticRoutes/0/destinationNetwork", "\"10.9.0.0\"",
	  "/networkInstances/0/staticRoutes/0/destinationNetwork",
	  "\"10.9.0.0\" is no network like 192.0.2.0/24" },
	{ "/networkInstances/0/staticRoutes/0/port", "\"\"", "/networkInstances/0/staticRoutes/0",
	  "a route needs a gateway or a port" },
	{ "/networkInstances/0/staticRoutes/1/gateway", "\"gw\"",
	  "/networkInstances/0/staticRoutes/1/gateway", "\"gw\" is no IP address" },
	{ "/networkInstances/0/staticRoutes/1/gateway", "\"0.0.0.0\"",
	  "/networkInstances/0/staticRoutes/1/gateway",
	  "0.0.0.0 is no gateway towards 203.0.113.0/24" },
	{ "/networkInstances/0/staticRoutes/1/gateway", "\"fd00::1\"",
	  "/networkInstances/0/staticRoutes/1/gateway",
	  "fd00::1 is no gateway towards 203.0.113.0/24" },
	{ "/networkInstances/4/staticRoutes",
	  "[{\"destinationNetwork\":\"10.9.0.0/24\",\"port\":\"field\"}]",
	  "/networkInstances/4/staticRoutes", "only a local instance has routes" },
	{ "/networkInstances/4/vlanAccessPorts", "[{\"vlanId\":4095}]",
	  "/networkInstances/4/vlanAccessPorts/0/vlanId", "expected 1 to 4094" },
	{ "/apps/0/uuidandversion", "null", "/apps/0/uuidandversion", "a UUID is required" },
	{ "/apps/1/uuidandversion/uuid", "\"0b5c7d1e-8f3a-4e62-a0d9-000000000030\"",
	  "/apps/1/uuidandversion/uuid", "the UUID is taken by /apps/0" },
	{ "/apps/0/displayname", "\"\"", "/apps/0/displayname",
	  "expected a name of 1 to 128 bytes" },
	{ "/apps/1/displayname", "\"camera\"", "/apps/2/displayname",
	  "\"camera\" is taken by /apps/1" },
	{ "/apps/1/displayname", "\"line-1\"", "/apps/1/displayname",
	  "network namespace \"line-1\" is taken by /apps/0" },
	{ "/apps/0/fixedresources/extraargs", "\"netns=../etc\"",
	  "/apps/0/fixedresources/extraargs", "\"../etc\" is no name of a network namespace" },
	{ "/apps/0/fixedresources/extraargs", "\"netns=\"", "/apps/0/fixedresources/extraargs",
	  "\"\" is no name of a network namespace" },
	{ "/apps/0/fixedresources/virtualizationMode", "\"XEN\"",
	  "/apps/0/fixedresources/virtualizationMode", "unknown enum value" },
	{ "/apps/0/interfaces/1/name", "\"machines\"", "/apps/0/interfaces/1/name",
	  "\"machines\" is taken by /apps/0/interfaces/0" },
	{ "/apps/0/interfaces/0/networkId", "\"x\"", "/apps/0/interfaces/0/networkId",
	  "\"x\" is no UUID" },
	{ "/apps/0/interfaces/0/networkId", "\"0b5c7d1e-8f3a-4e62-a0d9-000000000010\"",
	  "/apps/0/interfaces/0/networkId",
	  "no network instance has the UUID 0b5c7d1e-8f3a-4e62-a0d9-000000000010" },
	{ "/apps/0/interfaces/0/accessVlanId", "4095", "/apps/0/interfaces/0/accessVlanId",
	  "expected 0 to 4094" },
	{ "/apps/0/interfaces/0/macAddress", "\"01:00:5e:00:00:01\"",
	  "/apps/0/interfaces/0/macAddress",
	  "\"01:00:5e:00:00:01\" is no MAC address of one interface" },
	{ "/apps/0/interfaces/0/macAddress", "\"00:00:00:00:00:00\"",
	  "/apps/0/interfaces/0/macAddress",
	  "\"00:00:00:00:00:00\" is no MAC address of one interface" },
	{ "/apps/0/interfaces/0/macAddress", "\"02:16:3e:00:00\"",
	  "/apps/0/interfaces/0/macAddress",
	  "\"02:16:3e:00:00\" is no MAC address of one interface" },
	{ "/apps/0/interfaces/0/addr", "\"10.2.0.5\"", "/apps/0/interfaces/0/addr",
	  "10.2.0.5 is not inside of 10.1.0.0/24" },
	{ "/apps/0/interfaces/0/addr", "\"10.1.0.1\"", "/apps/0/interfaces/0/addr",
	  "10.1.0.1 is the gateway of the instance" },
	{ "/apps/0/interfaces/0/addr", "\"10.1.0.0\"", "/apps/0/interfaces/0/addr",
	  "10.1.0.0 is the network address of 10.1.0.0/24" },
	{ "/apps/0/interfaces/0/addr", "\"10.1.0.255\"", "/apps/0/interfaces/0/addr",
	  "10.1.0.255 is the broadcast address of 10.1.0.0/24" },
	{ "/apps/0/interfaces/0/addr", "\"10.1.0.128\"", "/apps/0/interfaces/0/addr",
	  "10.1.0.128 is inside of the DHCP range 10.1.0.128 to 10.1.0.254" },
	{ "/apps/0/interfaces/0/addr", "\"five\"", "/apps/0/interfaces/0/addr",
	  "\"five\" is no IP address" },
	{ "/apps/1/interfaces/-",
	  "{\"networkId\":\"0b5c7d1e-8f3a-4e62-a0d9-000000000020\",\"addr\":\"10.1.0.5\"}",
	  "/apps/1/interfaces/1/addr", "10.1.0.5 is the address of /apps/0/interfaces/0" },
	{ "/apps/1/interfaces/-",
	  "{\"networkId\":\"0b5c7d1e-8f3a-4e62-a0d9-000000000020\",\"macAddress\":\"02:16:3e:00:00:"
	  "05\"}",
	  "/apps/1/interfaces/1/macAddress",
	  "02:16:3e:00:00:05 is the address of /apps/0/interfaces/0" },
	{ "/apps/0/interfaces/0/acls/0/id", "4194304", "/apps/0/interfaces/0/acls/0/id",
	  "expected 0 to 4194303" },
	{ "/apps/0/interfaces/0/acls/0/id", "-1", "/apps/0/interfaces/0/acls/0/id",
	  "expected 0 to 4194303" },
	{ "/apps/0/interfaces/0/acls/0/dir", "\"UP\"", "/apps/0/interfaces/0/acls/0/dir",
	  "unknown enum value" },
	{ "/apps/0/interfaces/0/acls/0/name", "\"\\t\"", "/apps/0/interfaces/0/acls/0/name",
	  "expected a name of 1 to 128 bytes" },
	{ "/apps/0/interfaces/0/acls/0/matches/0/type", "\"IP\"",
	  "/apps/0/interfaces/0/acls/0/matches/0/type", "\"IP\" is no kind of match" },
	{ "/apps/0/interfaces/0/acls/0/matches/-", "{\"type\":\"eidset\"}",
	  "/apps/0/interfaces/0/acls/0/matches/1/type", "\"eidset\" is given twice" },
	{ "/apps/0/interfaces/0/acls/0/matches/-", "{\"type\":\"host\",\"value\":\"a.example\"}",
	  "/apps/0/interfaces/0/acls/0/matches", "host and eidset exclude each other" },
	{ "/apps/0/interfaces/0/acls/0/matches/-", "{\"type\":\"lport\",\"value\":\"80\"}",
	  "/apps/0/interfaces/0/acls/0/matches", "a port needs a protocol that has ports" },
	{ "/apps/0/interfaces/0/acls/0/matches/-", "{\"type\":\"adapter\",\"value\":\"uplink\"}",
	  "/apps/0/interfaces/0/acls/0/matches", "adapter is for port maps only" },
	{ "/apps/0/interfaces/0/acls/1/matches/0/value", "\"a b\"",
	  "/apps/0/interfaces/0/acls/1/matches/0/value", "\"a b\" is no host name" },
	{ "/apps/0/interfaces/0/acls/1/matches/1/value", "\"icmp\"",
	  "/apps/0/interfaces/0/acls/1/matches", "a port needs a protocol that has ports" },
	{ "/apps/0/interfaces/0/acls/1/matches/1/value", "\"256\"",
	  "/apps/0/interfaces/0/acls/1/matches/1/value", "\"256\" is no protocol" },
	{ "/apps/0/interfaces/0/acls/1/matches/1/value", "\"toast\"",
	  "/apps/0/interfaces/0/acls/1/matches/1/value", "\"toast\" is no protocol" },
	{ "/apps/0/interfaces/0/acls/1/matches/2/value", "\"0\"",
	  "/apps/0/interfaces/0/acls/1/matches/2/value", "\"0\" is no port or range of ports" },
	{ "/apps/0/interfaces/0/acls/1/matches/2/value", "\"90-80\"",
	  "/apps/0/interfaces/0/acls/1/matches/2/value", "\"90-80\" is no port or range of ports" },
	{ "/apps/0/interfaces/0/acls/1/matches/2/value", "\"1000000000000000000\"",
	  "/apps/0/interfaces/0/acls/1/matches/2/value", "expected a port or a range of ports" },
	{ "/apps/0/interfaces/0/acls/2/matches/0/value", "\"198.51.100.0/33\"",
	  "/apps/0/interfaces/0/acls/2/matches/0/value",
	  "\"198.51.100.0/33\" is no address or prefix" },
	{ "/apps/0/interfaces/0/acls/2/matches/-", "{\"type\":\"host\",\"value\":\"10.0.0.1\"}",
	  "/apps/0/interfaces/0/acls/2/matches/3/value", "the entry has an ip already" },
	{ "/apps/0/interfaces/0/acls/3/actions/-", "{}", "/apps/0/interfaces/0/acls/3/actions",
	  "an entry has one action" },
	{ "/apps/0/interfaces/0/acls/3/actions/0/drop", "true",
	  "/apps/0/interfaces/0/acls/3/actions/0", "only one of drop, limit and portmap" },
	{ "/apps/0/interfaces/0/acls/3/actions/0/appPort", "0",
	  "/apps/0/interfaces/0/acls/3/actions/0/appPort", "expected a port of the app" },
	{ "/apps/0/interfaces/0/acls/3/actions/0/appPort", "65536",
	  "/apps/0/interfaces/0/acls/3/actions/0/appPort", "expected a port of the app" },
	{ "/apps/0/interfaces/0/acls/3/matches/1/type", "\"fport\"",
	  "/apps/0/interfaces/0/acls/3/actions/0/portmap",
	  "a port map needs an lport: the port outside" },
	{ "/apps/0/interfaces/0/acls/3/matches/0/value", "\"sctp\"",
	  "/apps/0/interfaces/0/acls/3/actions/0/portmap", "a port map needs protocol tcp or udp" },
	{ "/apps/0/interfaces/0/acls/3/matches/2/value", "\"\"",
	  "/apps/0/interfaces/0/acls/3/matches/2/value", "expected a label of 1 to 128 bytes" },
	{ "/apps/0/interfaces/0/acls/4/actions/0/limitrate", "0",
	  "/apps/0/interfaces/0/acls/4/actions/0/limitrate", "a limit needs a rate" },
	{ "/apps/0/interfaces/0/acls/4/actions/0/limitunit", "\"d\"",
	  "/apps/0/interfaces/0/acls/4/actions/0/limitunit", "expected \"s\", \"m\" or \"h\"" },
	{ "/networkInstances/0/port/name", "\"\"", "/apps/0/interfaces/0/acls/3/actions/0/portmap",
	  "the instance has no port to map from" },
	/* /apps/0 maps 8443 on "uplink", internet and mgmt30; /apps/1 is on mgmt30 and cell40 */
	{ "/apps/1/interfaces/0/acls/-", PORTMAP("tcp", "8440-8450", ADAPTER("uplink")),
	  "/apps/1/interfaces/0/acls/1",
	  "port 8443 of \"mgmt30\" is mapped by /apps/0/interfaces/0/acls/3, too" },
	{ "/apps/1/interfaces/0/acls/-", PORTMAP("tcp", "8443", ADAPTER("mgmt30")),
	  "/apps/1/interfaces/0/acls/1",
	  "port 8443 of \"mgmt30\" is mapped by /apps/0/interfaces/0/acls/3, too" },
	{ "/apps/1/interfaces/0/acls/-", PORTMAP("tcp", "8000-8443", ),
	  "/apps/1/interfaces/0/acls/1",
	  "port 8443 of \"mgmt30\" is mapped by /apps/0/interfaces/0/acls/3, too" },
	{ "/apps/0/interfaces/0/acls/-", PORTMAP("tcp", "8443-8444", ADAPTER("freeuplink")),
	  "/apps/0/interfaces/0/acls/6",
	  "port 8443 of \"internet\" is mapped by /apps/0/interfaces/0/acls/3, too" },
	{ "/apps/2/interfaces/0/acls/-",
	  "{\"matches\":[{\"type\":\"host\",\"value\":\"a.example\"}]}",
	  "/apps/2/interfaces/0/acls/0/matches/0/type", "a switch has no DNS to learn hosts from" },
	{ "/apps/2/interfaces/0/acls/-", "{\"matches\":[{\"type\":\"eidset\"}]}",
	  "/apps/2/interfaces/0/acls/0/matches/0/type",
	  "a switch has no names to take the set from" },
	{ "/apps/2/interfaces/0/acls/-",
	  "{\"matches\":[{\"type\":\"protocol\",\"value\":\"tcp\"},{\"type\":\"lport\",\"value\":"
	  "\"80\"}],\"actions\":[{\"portmap\":true,\"appPort\":80}]}",
	  "/apps/2/interfaces/0/acls/0/actions/0/portmap", "only a local instance has port maps" },
	{ "/apps/0/interfaces/0/acls/1/matches",
	  "[{\"type\":\"host\",\"value\":\"10.0.0.1\"},{\"type\":\"ip\",\"value\":\"10.0.0.2\"}]",
	  "/apps/0/interfaces/0/acls/1/matches/1/value", "the entry has an ip already" },
};

static void each_wrong_thing_is_refused_with_its_place_and_reason(void **state)
{
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		json_t *root = json_loads(rich, 0, NULL);
		struct za_config *config = (struct za_config *)0x1;
		struct pbjson_error err = { "unset", "unset" };
		_cleanup_(freep) char *text = NULL;

		za_test_change(root, row->where, row->value);
		text = json_dumps(root, 0);
		json_decref(root);
		if (za_config_parse(text, strlen(text), &config, &err) != -EINVAL)
			fail_msg("%s = %s: not refused", row->where, row->value);
		if (strcmp(err.pointer, row->pointer) != 0 || strcmp(err.why, row->why) != 0)
			fail_msg("%s = %s: %s: %s", row->where, row->value, err.pointer, err.why);
		assert_ptr_equal(config, (struct za_config *)0x1);
	}
}

static void port_maps_that_share_no_port_go_together(void **state)
{
	static const char *const maps[] = {
		PORTMAP("tcp", "8443", ADAPTER("cell40")), /* another port */
		PORTMAP("tcp", "8443", ADAPTER("internet")), /* not one of the instance's */
		PORTMAP("tcp", "8443", ADAPTER("nothing")),
		PORTMAP("udp", "8443", ),
		PORTMAP("tcp", "8444-9000", ),
		PORTMAP("tcp", "8000-8442", ),
	};
	_cleanup_(freep) char *rich = za_test_read("docs/examples/rich.json");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		json_t *root = json_loads(rich, 0, NULL);
		_cleanup_(za_config_freep) struct za_config *config = NULL;
		_cleanup_(freep) char *text = NULL;
		struct pbjson_error err;

		za_test_change(root, "/apps/1/interfaces/0/acls/-", maps[i]);
		text = json_dumps(root, 0);
		json_decref(root);
		if (za_config_parse(text, strlen(text), &config, &err) < 0)
			fail_msg("%s: %s: %s", maps[i], err.pointer, err.why);
	}
}

static void refused(const void *data, size_t len, int error, const char *pointer, const char *why)
{
	struct za_config *config = (struct za_config *)0x1;
	struct pbjson_error err = { "unset", "unset" };

	assert_int_equal(za_config_parse(data, len, &config, &err), error);
	assert_string_equal(err.pointer, pointer);
	assert_string_equal(err.why, why);
}

static void what_is_no_configuration_is_refused(void **state)
{
	_cleanup_(freep) char *big = xcalloc(1, ZA_CONFIG_MAX + 1);

	(void)state;
	refused("", 0, -EINVAL, "", "the file is empty");
	refused(" \n\t\r", 4, -EINVAL, "", "the file is empty");
	refused("hello", 5, -EINVAL, "", "neither JSON nor a binary configuration");
	refused("[]", 2, -EINVAL, "", "neither JSON nor a binary configuration");
	refused("{", 1, -EINVAL, "", "line 1, column 1: string or '}' expected near end of file");
	refused("\x22\x00", 2, -EINVAL, "/id/uuid", "a binary configuration must name its device");
	refused(big, ZA_CONFIG_MAX + 1, -E2BIG, "", "larger than 16 MiB");
}

/* A message the bus would not carry must not be found out half way through publishing. */
static void an_app_larger_than_a_message_may_be_is_refused(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_add(&text, "{\"networkInstances\":[{\"uuidandversion\":{\"uuid\":"
			  "\"01234567-89ab-cdef-0123-456789abcdef\"},\"instType\":1}],"
			  "\"apps\":[{\"uuidandversion\":{\"uuid\":"
			  "\"01234567-89ab-cdef-0123-456789abcdee\"},\"displayname\":\"a\","
			  "\"interfaces\":[{\"networkId\":\"01234567-89ab-cdef-0123-456789abcdef\","
			  "\"acls\":[{}");
	for (int i = 0; i < 80000; i++)
		strbuf_add(&text, ",{\"name\":\"0123456789012345678901234567890123456789012345678"
				  "90123456789\"}");
	strbuf_add(&text, "]}]}]}");
	refused(text.str, text.len, -EINVAL, "/apps/0", "larger than 4194304 bytes");
	strbuf_fini(&text);
}

/* nim and zedrouter keep so many, and would pass over the rest without a word. */
static void more_ports_than_fit_are_refused(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	strbuf_add(&text, "{\"deviceIoList\":[");
	for (int i = 0; i < 65; i++)
		strbuf_addf(&text, "%s{\"ptype\":1,\"logicallabel\":\"e%d\"}", i ? "," : "", i);
	strbuf_add(&text, "],\"systemAdapterList\":[");
	for (int i = 0; i < 65; i++)
		strbuf_addf(&text, "%s{\"name\":\"e%d\"}", i ? "," : "", i);
	strbuf_add(&text, "]}");
	refused(text.str, text.len, -EINVAL, "/systemAdapterList",
		"more than 64 ports, with those that only carry others");
	strbuf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wrong_thing_is_refused_with_its_place_and_reason),
		cmocka_unit_test(port_maps_that_share_no_port_go_together),
		cmocka_unit_test(what_is_no_configuration_is_refused),
		cmocka_unit_test(an_app_larger_than_a_message_may_be_is_refused),
		cmocka_unit_test(more_ports_than_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
