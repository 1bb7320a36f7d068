# SPDX-License-Identifier: Apache-2.0
"""Where addresses, gateways and servers come from, when the configuration and DHCP both speak.

     node --eth0-- isp-a: 192.168.1.0/24, DHCP gives .100, router .1 -- internet
"""

import json
import os
import re
import signal
import struct

import pytest

import dhcp
import packets
import services
import topology
from config import Config
from dhcp import DhcpServer, ip
from waiting import wait_for

LEASE, STATIC = "192.168.1.100", "192.168.1.10"
OPTIONS = {dhcp.ROUTER: ip("192.168.1.1"), dhcp.DNS: ip("192.168.1.1"), dhcp.NTP: ip("192.168.1.9"),
           dhcp.DOMAIN: b"given.example", dhcp.SEARCH: dhcp.names("given.example", "lab.example")}
FLAGS = ("ipAddressesExclusively", "gatewaysExclusively", "dnsConfigExclusively", "ntpServerExclusively")


class World:
    def __init__(self, net, node):
        self.net, self.node, self.host, self.isp = net, node, net["node"], net["isp-a"]
        self.version = 0

    def serve(self, **more):
        self.server = DhcpServer(self.isp, "lan", LEASE, {**OPTIONS, **more.pop("options", {})}, **more)
        return self.server

    def config(self, kind="V4Only", items=(), address=None, **fields):
        """eth0 by DHCP; address and fields of its network beside it."""
        self.version += 1
        config = Config(self.version)
        config.port("uplink-a", "eth0", kind=kind)
        config.root["networks"][0]["ip"].update(fields)
        if address:
            config.root["networks"][0]["ip"]["subnet"] = "192.168.1.0/24"
            config.root["systemAdapterList"][0]["addr"] = address
        for key, value in items:
            config.item(key, value)
        return config

    def port(self, table=None):
        table = table or self.node.table("DeviceNetworkStatus")
        return next(iter(table.get("global", {}).get("ports", [])), {})

    def wait_port(self, accept, what):
        return self.port(self.node.wait(
            "DeviceNetworkStatus", lambda t: (p := self.port(t)) and accept(p), what, 20))

    def sources(self):
        """Addresses with a rule of their own, of IPv4."""
        return set(re.findall(r"15000:\s+from (\S+) lookup", self.host.run("ip", "rule").stdout))

    def addresses(self):
        return {a["local"] for link in json.loads(self.host.run("ip", "-j", "addr", "show", "dev", "eth0").stdout)
                for a in link["addr_info"] if a["family"] == "inet"}

    def client(self):
        """Process number of dhcpcd's manager."""
        return int((self.node.run_dir / "nim/pids/dhcpcd.eth0.pid").read_text().split()[0])


@pytest.fixture
def world(make_net, make_node):
    net = make_net(topology.standard, "a", dhcp=False)
    return World(net, make_node(net["node"]))


def addresses_are(*wanted):
    return lambda p: [a.partition("/")[0] for a in p["addresses"]] == list(wanted) and p["usable4"]


def test_status_follows_each_event(world):
    """EVE: SingleDPC, DNS (there: DeviceNetworkStatus). EVE: the operational state of a link is stale."""
    def wait(what, state, **fields):
        world.node.wait("DeviceNetworkStatus", lambda t: "global" in t
                        and (not state or t["global"]["dpcState"] == f"DPC_STATE_{state}")
                        and all(world.port(t)[key] == value for key, value in fields.items()), what, 20)

    world.node.start(world.config(items=[("timer.port.testduration", 1)]))
    wait("no server: it waits", "IPDNS_WAIT", carrier=True, addresses=[], gateway4="", usable4=False)
    wait("and fails", "FAIL", error="no address")
    world.serve()
    world.net.pull("node:eth0")
    world.net.plug("node:eth0")  # a client that has asked in vain asks ever more rarely
    wait("the lease", "SUCCESS", error="", addresses=[f"{LEASE}/24"], gateway4="192.168.1.1", usable4=True,
         dnsServers=["192.168.1.1"], domain="given.example", ntpServers=["192.168.1.9"])
    mac = json.loads(world.host.run("ip", "-j", "link", "show", "dev", "eth0").stdout)[0]["address"]
    assert world.port()["mac"] == mac
    world.net.pull("node:eth0")
    wait("no carrier", "SUCCESS", carrier=False, usable4=False)
    world.server.options[dhcp.DNS] = ip("192.168.1.53")
    world.net.plug("node:eth0")
    wait("the cable is back, and there is another DNS server", "SUCCESS", carrier=True, usable4=True,
         dnsServers=["192.168.1.53"])
    world.host.configure("link del eth0")
    wait("the interface is gone", None, error="interface not found", addresses=[], dnsServers=[])


def test_override_dhcp_merges_and_with_the_flags_excludes(world):
    """EVE: OverrideDhcpGateway, OverrideDhcpIPs, OverrideDhcpDNS, OverrideDhcpNTP."""
    node = world.node
    world.serve()
    more = {"dns": ["192.168.1.53"], "ntp": "time.example", "moreNtp": ["192.168.1.8"]}
    node.start(world.config(address=STATIC, **more))
    port = world.wait_port(lambda p: {a.partition("/")[0] for a in p["addresses"]} == {STATIC, LEASE}
                           and p["usable4"], "both addresses")
    node.wait_settled()
    assert world.sources() == {STATIC, LEASE} == world.addresses()
    assert port["dnsServers"] == ["192.168.1.53", "192.168.1.1"]
    assert port["ntpServers"] == ["time.example", "192.168.1.8", "192.168.1.9"]
    assert port["searchDomains"] == ["given.example", "lab.example"] and port["domain"] == "given.example"
    assert port["gateway4"] == "192.168.1.1"
    packets.assert_reaches(world.host, topology.WEB4, 7, world.net["internet"])
    client = world.client()

    # What DHCP says does not count any more; what it gave stays where it is.
    node.configure(world.config(address=STATIC, gateway="192.168.1.1", domain="plant.example",
                                dhcpOptionsIgnore={flag: True for flag in FLAGS}, **more))
    port = world.wait_port(addresses_are(STATIC), "only its own address counts")
    node.wait_settled()
    assert [a.partition("/")[0] for a in port["ignoredAddresses"]] == [LEASE]
    assert world.sources() == {STATIC} and world.addresses() == {STATIC, LEASE}
    assert port["dnsServers"] == ["192.168.1.53"] and port["ntpServers"] == ["time.example", "192.168.1.8"]
    assert port["searchDomains"] == ["plant.example"] and port["gateway4"] == "192.168.1.1"
    packets.assert_reaches(world.host, topology.WEB4, 7, world.net["internet"])
    assert world.client() == client, "flags are no reason to start the client anew"
    assert "not used     192.168.1.100/24" in node.edgeway("ports", "uplink-a")
    assert "without its addresses, gateways, DNS, NTP" in node.edgeway("dpc", "show", "zedagent")

    node.kill("nim")
    node.wait_daemons()
    world.wait_port(addresses_are(STATIC), "the same after kill -9")
    node.wait_settled()
    assert world.sources() == {STATIC} and world.client() == client

    # Exclusively nothing: no way out by this port, and that is no fault.
    node.configure(world.config(address=STATIC, dhcpOptionsIgnore={"gatewaysExclusively": True}, **more))
    port = world.wait_port(lambda p: not p["gateway4"] and len(p["addresses"]) == 2, "no gateway")
    assert port["error"] == "" and not port["usable4"]

    node.configure(Config(version=99))
    node.wait("DeviceNetworkStatus", lambda t: t and not t["global"].get("ports"), "no port is left")
    node.wait_settled()
    assert world.sources() == set() == world.addresses()


def test_dhcp_ipv4_only_asks_for_nothing_else(world):
    """EVE: DHCPIPv4Only. The router advertises itself in vain."""
    world.serve()
    world.isp.configure("addr flush dev lan", "addr add 192.168.1.1/24 dev lan",
                        "addr add 2001:db8:1::1/64 dev lan nodad")
    with packets.Sniffer(world.isp, "lan") as sniffer:
        world.node.start(world.config())
        world.wait_port(addresses_are(LEASE), "the lease")
        world.node.wait_settled()
        # Packets have passed below: what it sends before them is in the buffer.
        assert not sniffer.find(lambda f: f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 133, 0.2)
    packets.assert_reaches(world.host, topology.WEB4, 7, world.net["internet"])


def test_vendor_class_is_told_unless_an_item_forbids_it(world):
    server = world.serve()
    world.node.start(world.config())
    world.wait_port(addresses_are(LEASE), "the lease")
    assert {asked.get(dhcp.VENDOR) for asked in server.asked} == {b"LFEDGE-EVE"}
    with server.changed:
        server.asked.clear()
    world.node.configure(world.config(items=[("dhcp.enable.vendorclassid", "false")]))
    wait_for(lambda: any(asked[dhcp.KIND][0] == dhcp.REQUEST and dhcp.VENDOR not in asked
                         for asked in server.asked), "it asks without", 10, wake=server.changed, every=0.5)
    world.wait_port(addresses_are(LEASE), "the lease again")


def test_mtu_of_the_lease_is_that_of_the_port(world):
    server = world.serve(options={dhcp.MTU: struct.pack("!H", 1400)})
    world.node.start(world.config())
    world.wait_port(lambda p: p["mtu"] == 1400 and p["usable4"], "the MTU of the lease")
    tried = world.host.run("ping", "-c1", "-W1", "-Mdo", "-s1400", "192.168.1.1", check=False)
    assert "mtu=1400" in tried.stdout + tried.stderr

    del server.options[dhcp.MTU]
    world.net.pull("node:eth0")
    world.wait_port(lambda p: not p["carrier"], "no carrier")
    world.net.plug("node:eth0")  # asked for again
    world.wait_port(lambda p: p["mtu"] == 1500, "the MTU without that option")
    world.node.configure(Config(version=99))
    world.node.wait_settled()
    assert "mtu 1500" in world.host.run("ip", "link", "show", "dev", "eth0").stdout


def test_mtu_of_a_router_advertisement_is_that_of_ipv6(world):
    """EVE: DeviceIPv6Connectivity. EVE: PR 5076."""
    world.isp.start("dnsmasq", *(f"--{o}" for o in [
        "keep-in-foreground", "conf-file=/dev/null", "user=root", "port=0", "interface=lan", "enable-ra",
        f"pid-file=/run/{world.isp.netns}.pid", "leasefile-ro", "ra-param=lan,mtu:1380,10,1800",
        "dhcp-range=2001:db8:1::,ra-only"]))
    world.node.start(world.config(kind="V6Only"))
    world.wait_port(lambda p: p["usable6"] and p["mtu"] == 1500, "an IPv6 address")
    path = "/proc/sys/net/ipv6/conf/eth0/mtu"
    wait_for(lambda: world.host.run("cat", path).stdout.strip() == "1380", "the MTU of IPv6")
    packets.assert_reaches(world.host, topology.WEB6, 7, world.net["internet"])
    assert not world.addresses()  # EVE: DeviceIPv6Connectivity
    world.node.configure(Config(version=99))
    world.node.wait_settled()
    wait_for(lambda: world.host.run("cat", path).stdout.strip() == "1500", "its own MTU again")


@pytest.mark.parametrize("address, mask, why", [
    ("127.0.0.9", "255.0.0.0", "127.0.0.9/8 is no address for a port"),
    ("203.0.113.9", "128.0.0.0", "203.0.113.9/1 is no address for a port"),
    ("10.0.0.9", "0.0.0.0", "10.0.0.9/0 is no address for a port"),
])
def test_lease_that_cannot_be_is_refused_and_takes_no_traffic(world, address, mask, why):
    server = world.serve(options={dhcp.MASK: ip(mask)})
    server.address = address
    world.node.start(world.config(address=STATIC, gateway="192.168.1.1"))
    port = world.wait_port(lambda p: p["usable4"] and why in p["error"], "the lease is refused")
    world.node.wait_settled()
    assert [a.partition("/")[0] for a in port["addresses"]] == [STATIC]
    assert world.sources() == {STATIC}
    assert "event=lease_refused" in world.node.log() and why in world.node.log()
    wait_for(lambda: "via 192.168.1.1" in world.host.run("ip", "route", "get", topology.WEB4).stdout,
             "its route is removed", told=lambda: world.host.run("ip", "route").stdout)
    packets.assert_reaches(world.host, topology.WEB4, 7, world.net["internet"])


def test_gateway_beside_the_subnet_of_the_lease_works(world):
    """A /32, as clouds give it."""
    world.serve(options={dhcp.MASK: ip("255.255.255.255")})
    world.node.start(world.config())
    port = world.wait_port(addresses_are(LEASE), "the lease")
    assert port["addresses"] == [f"{LEASE}/32"] and port["gateway4"] == "192.168.1.1"
    packets.assert_reaches(world.host, topology.WEB4, 7, world.net["internet"])


def test_static_override_stays_in_force_while_the_controller_is_unreachable(world):
    """EVE issue 3990: it was given up for DHCP, in a laboratory without a way to the controller."""
    node = world.node
    world.serve()
    world.isp.configure("link set wan down")  # only the laboratory is there
    node.start(world.config())
    world.wait_port(addresses_are(LEASE), "as the controller last said")
    node.override("lab.json", {"Version": 1, "TimePriority": "2099-01-02T03:04:05Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 1, "Type": 5,
         "AddrSubnet": f"{STATIC}/24", "Gateway": "192.168.1.1", "NTPServers": ["192.168.1.8"]}]})
    world.wait_port(addresses_are(STATIC), "the override is in force, the controller's DHCP is not")
    node.wait_settled()

    def holds():
        table = node.table("DeviceNetworkStatus")
        assert table["global"]["dpcKey"] == "lab" and addresses_are(STATIC)(world.port(table)), table
        assert node.host.run("ping", "-c1", "-W2", "192.168.1.1", check=False).returncode == 0

    holds()
    world.net.pull("node:eth0")
    world.wait_port(lambda p: not p["carrier"], "no carrier")
    world.net.plug("node:eth0")
    world.wait_port(addresses_are(STATIC), "the same address when the cable is back")
    node.kill("nim")
    node.wait_daemons()
    world.wait_port(addresses_are(STATIC), "and after kill -9")
    node.kill()  # the node goes down; zedagent, and so the controller's word, is away when it is back
    wait_for(lambda: not node.daemons(), "all daemons are gone")
    node.config_path.unlink()
    node.start()
    world.wait_port(addresses_are(STATIC), "and after a restart of all")
    node.wait_settled()
    holds()


def test_several_static_addresses_of_both_versions(world):
    """EVE: DPCWithIPv6, StaticIPv4Only, DeviceIPv6Connectivity; there one address a port."""
    own4, own6 = (STATIC, "192.168.1.11"), ("2001:db8:1::10", "2001:db8:1::11")
    world.node.override("lab.json", {"Version": 1, "TimePriority": "2099-01-02T03:04:05Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 1,
         "AddrSubnet": f"{own4[0]}/24", "Gateway": "192.168.1.1", "MoreGateways": ["2001:db8:1::1"],
         "MoreAddrSubnets": [f"{own4[1]}/24", f"{own6[0]}/64", f"{own6[1]}/64"]}]})
    world.node.start(Config())
    world.wait_port(lambda p: p["usable4"] and p["usable6"] and len(p["addresses"]) == 4, "all addresses")
    world.node.wait_settled()
    assert world.sources() == set(own4)
    for source, web in [(a, topology.WEB4) for a in own4] + [(a, topology.WEB6) for a in own6]:
        assert world.host.run("ping", "-c1", "-W2", "-I", source, web, check=False).returncode == 0, source
    world.node.override("lab.json", {"Version": 1, "TimePriority": "2099-01-02T03:04:05Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 1, "Type": 5,
         "AddrSubnet": f"{own4[0]}/24", "Gateway": "192.168.1.1"}]})
    world.wait_port(lambda p: len(p["addresses"]) == 1 and not p["usable6"], "one is left")
    world.node.wait_settled()
    assert world.sources() == {own4[0]} == world.addresses()


def test_client_with_an_impossible_lease_starts_anew_and_takes_a_good_one(world):
    server = world.serve(options={dhcp.MASK: ip("255.0.0.0")})
    server.address = "127.0.0.9"
    world.node.start(world.config())
    world.wait_port(lambda p: "refused" in p["error"], "the lease is refused")
    server.address = LEASE
    del server.options[dhcp.MASK]
    world.wait_port(lambda p: addresses_are(LEASE)(p) and not p["error"], "the next one is good")
    world.node.wait_settled()
    assert world.addresses() == {LEASE}, "nothing of the first is left"


def test_routes_of_a_lease_stay_with_their_port(world):
    """Option 121, also as an attacker uses it (CVE-2024-3661): the other port keeps its traffic."""
    topology.uplink(world.net, "b", dhcp=False)
    world.serve(options={dhcp.CLASSLESS: b"\x01\x00" + ip("192.168.1.1") + b"\x01\x80" + ip("192.168.1.1") +
                         b"\x10\x0a\x4d" + ip("192.168.1.5") + b"\x00" + ip("192.168.1.1")})
    config = world.config()
    config.root["systemAdapterList"][0].update(cost=10, uplink=False)
    config.port("uplink-b", "eth1", address="192.168.2.2/24", gateway="192.168.2.1", kind="V4Only")
    world.node.start(config)
    world.wait_port(addresses_are(LEASE), "the lease")
    world.node.wait_settled()
    table = world.port()["table"]
    mine = world.host.run("ip", "route", "show", "table", str(table)).stdout
    assert "10.77.0.0/16 via 192.168.1.5" in mine and "0.0.0.0/1 via 192.168.1.1" in mine
    wait_for(lambda: "via 192.168.2.1 dev eth1" in world.host.run("ip", "route", "get", topology.WEB4).stdout,
             "the node's traffic leaves by the management port")
    main = world.host.run("ip", "-4", "route").stdout
    assert not [line for line in main.splitlines() if "via" in line and "dhcp" in line], main
    assert "192.168.1.0/24 dev eth0" in main  # the subnet's stays

    world.node.kill("nim")  # the client makes them anew when it renews; whoever comes next removes them
    world.node.wait_daemons()
    world.host.configure("route add 0.0.0.0/1 via 192.168.1.1 dev eth0 metric 1002 proto dhcp")
    wait_for(lambda: "0.0.0.0/1" not in world.host.run("ip", "-4", "route").stdout, "it is removed again", 10)
    world.host.configure("route add 2001:db8:80::/48 metric 1002 proto ra "
                         "nexthop via fe80::1 dev eth0 nexthop via fe80::2 dev eth0")
    wait_for(lambda: "2001:db8:80:" not in world.host.run("ip", "-6", "route").stdout, "by two routers neither", 10)
    world.host.configure("route add 172.30.0.0/16 via 192.168.1.1 dev eth0 proto static")
    world.node.wait_settled()
    assert "172.30.0.0/16" in world.host.run("ip", "-4", "route").stdout  # an operator's is none of ours


def test_networks_that_are_not_a_ports_own_do_not_draw_traffic_to_it(make_net, make_node):
    """As above, by routes without a router: of dnsmasq, and prefixes of a router advertisement."""
    net = make_net(topology.standard, "b")
    isp = topology.uplink(net, "a", dhcp=False)
    host, node = net["node"], make_node(net["node"])
    services.dnsmasq(isp, "lan", "192.168.1", "2001:db8:1", names={}, more=(
        "dhcp-option=121,198.51.100.0/24,0.0.0.0,198.51.100.80/32,0.0.0.0,192.168.0.0/16,0.0.0.0,0.0.0.0/0,192.168.1.1",))
    config = Config()
    config.port("uplink-a", "eth0", cost=10)
    config.port("uplink-b", "eth1")
    node.start(config)

    def ready(table):
        ports = table.get("global", {}).get("ports", [])
        return len(ports) == 2 and all(p.get("usable4") and p.get("usable6") for p in ports)

    def advertise(*prefixes):
        """On the link, and no addresses by them."""
        body = b"".join(struct.pack("!BBBBIII", 3, 4, length, 0x80, 600, 600, 0) + packets.packed(prefix)
                        for prefix, length in prefixes)
        packets.inject(isp, "p1", packets.advertisement_frame(
            topology.mac_of("isp-a:p1"), "fe80::66", struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + body))

    def main(family, what):
        return [line for line in host.run("ip", family, "route").stdout.splitlines() if what in line]

    node.wait("DeviceNetworkStatus", ready, "both ports work", 20)
    table = next(p["table"] for p in node.row("DeviceNetworkStatus")["ports"] if p["ifname"] == "eth0")
    node.wait_settled()
    advertise(("2001:db8:80::", 64), ("2001:db8::", 32), ("2001:db8:77::", 64))
    # Its own table has them, which only answers of its addresses use.
    assert "198.51.100.0/24" in host.run("ip", "route", "show", "table", str(table)).stdout
    with packets.Sniffer(isp) as sniffer:
        for web in (topology.WEB4, topology.WEB6):
            wait_for(lambda w=web: "dev eth1" in host.run("ip", "route", "get", w).stdout, f"{web} is reached by eth1", 5)
            packets.assert_reaches(host, web, 7, net["internet"])
        node.wait_settled()
        assert not sniffer.find(lambda f: packets.packed(topology.WEB4) in f or packets.packed(topology.WEB6) in f, 0)
    assert [line.split()[:3] for line in main("-4", "proto dhcp")] == [["192.168.1.0/24", "dev", "eth0"],
                                                                        ["192.168.2.0/24", "dev", "eth1"]]
    wait_for(lambda: [line.split()[0] for line in main("-6", "proto ra") if "dev eth0" in line] == ["2001:db8:1::/64"],
             "of its prefixes the one it has an address of", 5)

    # Another address: its network stays, whichever is heard of first, and goes with it.
    nim = node.daemons()["nim"]
    os.kill(nim, signal.SIGSTOP)
    host.configure("route add 192.168.9.0/24 dev eth0 proto dhcp metric 1009",
                   "addr add 192.168.9.7/24 dev eth0 noprefixroute")
    os.kill(nim, signal.SIGCONT)
    host.configure("route add 192.168.10.0/24 dev eth0 proto dhcp metric 1009")
    wait_for(lambda: not main("-4", "192.168.10.0/24"), "that of no address is removed", 10)
    assert main("-4", "192.168.9.0/24 dev eth0")
    node.kill("nim")
    node.wait_daemons()
    node.wait_settled()
    assert main("-4", "192.168.9.0/24 dev eth0")
    host.configure("addr del 192.168.9.7/24 dev eth0")
    wait_for(lambda: not main("-4", "192.168.9.0/24"), "it goes with the address", 10)


def test_addresses_without_end_are_taken_up_to_a_bound_and_others_when_there_is_room(net, node):
    """As a router would have them made that advertises prefix after prefix."""
    config = Config(1)
    config.port("uplink-a", "eth0", kind="V4Only", address=f"{STATIC}/24", gateway="192.168.1.1")
    node.start(config)
    host = net["node"]

    def addresses(table=None):
        table = table or node.table("DeviceNetworkStatus")
        return table.get("global", {}).get("ports", [{}])[0].get("addresses", [])

    node.wait("DeviceNetworkStatus", lambda t: addresses(t) == [f"{STATIC}/24"], "its own address", 10)
    host.configure(*(f"addr add 10.9.{n}.1/24 dev eth0" for n in range(20)))
    node.wait("DeviceNetworkStatus", lambda t: len(addresses(t)) == 13, "twelve more", 10)
    wait_for(lambda: "event=address_left_out port=uplink-a address=10.9.12.1" in node.log(), "and that there are others", 5)
    host.configure(*(f"addr del 10.9.{n}.1/24 dev eth0" for n in range(12)))
    node.wait("DeviceNetworkStatus", lambda t: sorted(addresses(t)) == sorted(
        [f"{STATIC}/24", *(f"10.9.{n}.1/24" for n in range(12, 20))]), "those that were left out", 10)
