# SPDX-License-Identifier: Apache-2.0
"""Cards that the kernel (ip=dhcp), an initramfs or a boot loader set up before nim starts.

     node --eth0-- isp-a (192.168.1.0/24) -- internet    eth0 has an address and a default route
          --eth1-- isp-b (192.168.2.0/24) --'            of metric 0, and nobody who renews them
"""

import json
import re
import socket

import pytest

import dhcp
import packets
import services
import topology
from config import Config
from dhcp import ip
from waiting import wait_for

OTHER, STATIC = "192.168.1.55", "192.168.1.10"  # outside of what the server gives


class World:
    def __init__(self, net, make_node):
        self.net, self.host, self.node = net, net["node"], make_node(net["node"])

    def boot(self, address, gateway="192.168.1.1"):
        """As net/ipv4/ipconfig.c leaves eth0, and the kernel after a router advertisement."""
        self.host.configure(f"addr add {address} brd + dev eth0", f"route add default via {gateway} dev eth0",
                            "route add ::/0 via fe80::99 dev eth0 proto ra metric 1024 expires 1800")

    def lease(self):
        """The address that the server gives eth0."""
        done = self.host.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-s", "/bin/true")
        return re.search(r"lease of (\S+) obtained", done.stdout + done.stderr)[1]

    def start(self, **more):
        """uplink-a by eth0, by DHCP if nothing else is said; uplink-b by eth1 is dearer."""
        config = Config()
        config.port("uplink-a", "eth0", **more)
        config.port("uplink-b", "eth1", cost=10)
        self.node.start(config)

    def start_without_addresses(self):
        """eth0 is a port for others, eth1 the uplink."""
        self.node.override("ports.json", {"Version": 1, "TimePriority": "2026-01-02T03:04:05Z", "Ports": [
            {"IfName": "eth0", "IsMgmt": False, "IsL3Port": False},
            {"IfName": "eth1", "IsMgmt": True, "IsL3Port": True, "Dhcp": 4, "Type": 5}]})
        self.node.start()

    def wait_ports(self, accept, what="both ports work", timeout=20):
        def ready(table):
            ports = {p["logicallabel"]: p for p in table.get("global", {}).get("ports", [])}
            return len(ports) == 2 and accept(ports["uplink-a"]) and ports["uplink-b"]["usable4"]

        self.node.wait("DeviceNetworkStatus", ready, what, timeout)
        self.node.wait_settled()

    def addresses(self):
        return sorted(f"{a['local']}/{a['prefixlen']}" for link in json.loads(
            self.host.run("ip", "-j", "-4", "addr", "show", "dev", "eth0").stdout) for a in link["addr_info"])

    def wait_addresses(self, *wanted):
        wait_for(lambda: self.addresses() == sorted(wanted), f"eth0 has {wanted}", 10, told=self.addresses)

    def defaults(self, family="-4"):
        return [(r["dev"], r.get("protocol"), r.get("metric", 0)) for r in json.loads(
            self.host.run("ip", "-j", family, "route", "show", "default").stdout)]

    def wait_defaults(self, *devs, family="-4"):
        """Those of nim, in that order, and no others."""
        def ours():
            found = self.defaults(family)
            return [dev for dev, _, _ in found] == list(devs) and all(metric >= 5000 for _, _, metric in found)

        wait_for(ours, f"default routes by {devs}, all of nim", 10, told=lambda: self.defaults(family))

    def source(self):
        """Where a new connection to the internet would come from."""
        return re.search(r" src (\S+)", self.host.run("ip", "route", "get", topology.WEB4).stdout)[1]


@pytest.fixture
def world(net, make_node):
    return World(net, make_node)


def has(*addresses):
    return lambda p: p["usable4"] and sorted(a for a in p["addresses"] if ":" not in a) == sorted(addresses)


def test_address_of_the_boot_becomes_the_lease_without_a_lost_packet(world):
    """EVE: Bootstrap: network boot."""
    leased = world.lease()
    world.boot(f"{leased}/24")
    with packets.TcpStream(world.host, topology.WEB4) as stream:
        with packets.Ping(world.host, topology.WEB4) as ping:
            stream.wait_flowing()
            world.start()
            world.wait_ports(has(f"{leased}/24"))
            world.wait_defaults("eth0", "eth1")
            world.wait_defaults("eth0", "eth1", family="-6")
            wait_for(lambda: "dynamic" in world.host.run("ip", "-4", "addr", "show", "dev", "eth0").stdout,
                     "a client keeps it")
            world.node.kill("nim")
            world.node.wait_daemons()
            world.wait_ports(has(f"{leased}/24"))
            ping.wait_answers(5)
        stream.wait_flowing()
    ping.result.assert_nothing_lost()
    assert world.addresses() == [f"{leased}/24"]
    assert "kernel" not in world.host.run("ip", "-4", "route").stdout, "the client's route to the subnet is the only one"
    world.net.pull("node:eth0")
    wait_for(lambda: world.defaults()[0][0] == "eth1", "the other port takes over")
    with packets.Ping(world.host, topology.WEB4) as ping:
        ping.wait_answers(3)


def test_another_lease_takes_the_place_and_connections_keep_the_old_address(world):
    world.boot(f"{OTHER}/24")
    with packets.Ping(world.host, topology.WEB4) as ping:
        with packets.TcpStream(world.host, topology.WEB4) as stream:
            stream.wait_flowing()
            world.start()
            world.wait_ports(lambda p: p["usable4"] and f"{OTHER}/32" in p["addresses"] and p["bootAddress"])
            leased = next(a for a in world.addresses() if not a.startswith(OTHER))
            world.wait_addresses(leased, f"{OTHER}/32")
            assert f"{leased.partition('/')[0]}" == world.source(), "new ones come from the lease"
            assert "by the boot, kept for its connections" in world.node.edgeway("ports", "uplink-a")
            world.wait_defaults("eth0", "eth1")
            world.node.kill("nim")
            world.node.wait_daemons()
            world.node.wait_settled()
            world.wait_addresses(leased, f"{OTHER}/32")
            stream.wait_flowing()
            ping.wait_answers(5)
        world.wait_addresses(leased)
        world.node.wait_settled()
    assert not ping.result.duplicates
    assert world.source() == leased.partition("/")[0]


def test_static_address_takes_the_place_at_once(world):
    world.boot(f"{OTHER}/24")
    world.start(kind="V4Only", address=f"{STATIC}/24", gateway="192.168.1.1")
    world.wait_ports(has(f"{STATIC}/24"))
    world.wait_addresses(f"{STATIC}/24")
    world.wait_defaults("eth0", "eth1")
    assert world.source() == STATIC
    lines = [line for line in world.host.run("ip", "-4", "route").stdout.splitlines() if "192.168.1.0/24" in line]
    assert len(lines) == 1 and f"src {STATIC}" in lines[0]
    world.host.configure(f"addr add {OTHER}/24 dev eth0", "route add default via 192.168.1.1 dev eth0 metric 9999")
    world.wait_ports(has(f"{STATIC}/24", f"{OTHER}/24"), "what an operator puts there later stays")
    world.node.kill("nim")
    world.node.wait_daemons()
    world.wait_ports(has(f"{STATIC}/24", f"{OTHER}/24"), "after a restart as well")
    assert ("eth0", "boot", 9999) in [(dev, protocol or "boot", metric) for dev, protocol, metric in world.defaults()]


def test_static_address_that_the_boot_had_set_is_the_ports_own(world):
    world.boot(f"{STATIC}/24")
    with packets.TcpStream(world.host, topology.WEB4) as stream:
        with packets.Ping(world.host, topology.WEB4) as ping:
            stream.wait_flowing()
            world.start(kind="V4Only", address=f"{STATIC}/24", gateway="192.168.1.1")
            world.wait_ports(has(f"{STATIC}/24"))
            world.wait_defaults("eth0", "eth1")
            ping.wait_answers(5)
    ping.result.assert_nothing_lost()
    assert not next(p for p in world.node.row("DeviceNetworkStatus")["ports"] if p["ifname"] == "eth0")["error"]
    world.node.configure(Config(2))
    wait_for(lambda: not world.addresses() and not world.defaults(), "it goes with the port", 10)


def test_wrong_address_of_the_boot_leaves_nothing_behind(world):
    world.boot("10.9.9.9/8", "10.0.0.1")
    world.start()
    world.wait_ports(lambda p: p["usable4"] and p["dhcp"] and not any(a.startswith("10.") for a in p["addresses"]))
    wait_for(lambda: " 10." not in " " + world.host.run("ip", "route", "show", "table", "all").stdout.replace("\n", " "),
             "no route is left")
    world.wait_defaults("eth0", "eth1")
    with packets.Ping(world.host, topology.WEB4) as ping:
        ping.wait_answers(3)


def test_without_a_dhcp_server_the_port_lives_on_what_the_boot_left(make_net, make_node):
    world = World(make_net(topology.standard, "b"), make_node)
    isp = topology.uplink(world.net, "a", dhcp=False)
    services.Echo(isp, port=7)
    world.boot(f"{OTHER}/24")
    # In the port's own subnet: what is beyond it would be ended when another port takes over.
    with packets.TcpStream(world.host, "192.168.1.1") as stream:
        with packets.Ping(world.host, topology.WEB4) as ping:
            stream.wait_flowing()
            world.start()
            world.wait_ports(has(f"{OTHER}/24"))
            world.wait_defaults("eth0", "eth1")
            world.node.kill("nim")
            world.node.wait_daemons()
            world.wait_ports(has(f"{OTHER}/24"))
            ping.wait_answers(5)
        ping.result.assert_nothing_lost()
        isp.configure("link set p1 down")
        wait_for(lambda: world.defaults()[0][0] == "eth1", "the other port takes over")
        dhcp.DhcpServer(isp, "lan", "192.168.1.100", options={dhcp.ROUTER: ip("192.168.1.1")})
        isp.configure("link set p1 up")
        world.wait_ports(lambda p: "192.168.1.100/24" in p["addresses"], "a server that comes later is heard")
        world.wait_addresses("192.168.1.100/24", f"{OTHER}/32")
        stream.wait_flowing()
    world.wait_addresses("192.168.1.100/24")


def test_port_that_is_to_have_no_address_gives_it_up_when_there_is_another_way(make_net, make_node):
    world = World(make_net(topology.standard, "a"), make_node)
    world.boot(f"{OTHER}/24")
    world.start_without_addresses()
    world.node.wait("DeviceNetworkStatus", lambda t: len(t.get("global", {}).get("ports", [])) == 2, "it is in force")
    with packets.Ping(world.host, topology.WEB4) as ping:
        ping.wait_answers(5)
    ping.result.assert_nothing_lost()  # there is no eth1 yet
    topology.uplink(world.net, "b")
    world.wait_addresses()
    world.wait_defaults("eth1")
    with packets.Ping(world.host, topology.WEB4) as ping:
        ping.wait_answers(5)


def test_port_without_addresses_keeps_one_as_long_as_a_connection(make_net, make_node):
    """The kernel tells nobody of its end, and nothing else happens."""
    world = World(make_net(topology.standard, "a"), make_node)
    services.Echo(world.net["isp-a"], port=7)
    world.boot(f"{OTHER}/24")
    world.start_without_addresses()
    world.node.wait("DeviceNetworkStatus", lambda t: len(t.get("global", {}).get("ports", [])) == 2, "it is in force")
    with world.host.inside():
        connection = socket.create_connection(("192.168.1.1", 7), 5)
    with connection:
        topology.uplink(world.net, "b")
        world.wait_defaults("eth1")
        world.node.wait_settled()
        assert world.addresses() == [f"{OTHER}/24"]
    world.wait_addresses()


@pytest.mark.lab
def test_card_that_becomes_the_member_of_a_bond_gives_it_up(make_net, make_node):
    world = World(make_net(topology.standard, "a"), make_node)
    world.boot(f"{OTHER}/24")
    config = Config()
    config.physical("eth0")
    config.bond("lag", ["eth0"])
    config.port("uplink-a", lower="lag", kind="V4Only", address=f"{STATIC}/24", gateway="192.168.1.1")
    services.Echo(world.net["isp-a"], port=7)
    with world.host.inside():
        connection = socket.create_connection(("192.168.1.1", 7), 5)
    with connection:
        world.node.start(config)
        world.node.wait("DeviceNetworkStatus", lambda t: [
            p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-a" and p["usable4"]],
            "the bond works", 20)
        world.wait_addresses()
    world.wait_defaults("lag")
    with packets.Ping(world.host, "192.168.1.1") as ping:
        ping.wait_answers(5)


def test_record_that_cannot_be_read_keeps_no_port_from_working(world):
    record = world.node.run_dir / "nim" / "boot"
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text("address 1 0 10.0.0.1/32\n" * 3000)
    world.start()
    world.wait_ports(lambda p: p["usable4"] and p["dhcp"])
    assert "event=boot_left count=0 err=" in world.node.log()


def test_card_that_is_no_port_keeps_what_the_boot_left(world):
    world.boot(f"{OTHER}/24")
    config = Config()
    config.port("uplink-b", "eth1")
    world.node.start(config)
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p["usable4"]], "the port works", 20)
    world.node.wait_settled()
    assert world.addresses() == [f"{OTHER}/24"] and world.defaults()[0][0] == "eth0"
