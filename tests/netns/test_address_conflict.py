# SPDX-License-Identifier: Apache-2.0
"""Somebody else has an address of the node: it is told who, and the node goes on.

     node --eth0-.
                  lan of isp-a (192.168.1.0/24): DHCP gives .100 -- internet
     twin --eth0-'
"""

import pytest

import dhcp
import packets
import topology
from config import Config
from dhcp import DhcpServer, ip
from topology import mac_of
from waiting import wait_for

LEASE, TWIN = "192.168.1.100", mac_of("twin:eth0")


@pytest.fixture
def net(make_net):
    net = make_net(topology.standard, "a", dhcp=False)
    net.host("twin")
    net.cable("twin:eth0", "isp-a:p2")
    net["isp-a"].configure("link set p2 master lan")
    DhcpServer(net["isp-a"], "lan", LEASE, {dhcp.ROUTER: ip("192.168.1.1")})
    return net


def started(node):
    config = Config()
    config.port("uplink-a", "eth0", kind="V4Only")
    node.start(config)
    node.wait("DeviceNetworkStatus", lambda t: [p for p in ports(t) if p["usable4"]], "the lease", 20)
    node.wait_settled()


def ports(table):
    return table.get("global", {}).get("ports", [])


def wait_conflicts(node, wanted, what, timeout=10):
    node.wait("DeviceNetworkStatus", lambda t: [
        (c["address"], c["mac"]) for p in ports(t) for c in p["conflicts"]] == wanted, what, timeout)


def test_conflict_that_was_there_first_is_told_and_the_lease_does_not_wait(net, node):
    net["twin"].configure(f"addr add {LEASE}/24 dev eth0")
    started(node)
    wait_conflicts(node, [(LEASE, TWIN)], "the probe is answered")
    assert f"event=address_conflict ifname=eth0 address={LEASE} mac={TWIN}" in node.log()
    status = node.edgeway("status", check=False)
    assert "warn port       uplink-a" in status and f"{LEASE} is also used by {TWIN}" in " ".join(status.split())
    page = " ".join(node.edgeway("ports", "uplink-a").split())
    assert f"another host, {TWIN}, has the address {LEASE}, too" in page

    # It is the technician who decides: the address stays, and the new nim finds it, too.
    assert LEASE in net["node"].run("ip", "addr", "show", "dev", "eth0").stdout
    node.kill("nim")
    node.wait_daemons()
    wait_for(lambda: node.log().count("event=address_conflict ") == 2, "the new one probes, too", 10)

    net["twin"].configure(f"addr del {LEASE}/24 dev eth0")
    wait_conflicts(node, [], "the other one has gone", 30)
    assert f"event=address_conflict_over ifname=eth0 address={LEASE}" in node.log()


def test_conflict_that_comes_later_is_told_at_once(net, node):
    started(node)
    wait_conflicts(node, [], "all is well")
    with packets.Sniffer(net["twin"], "eth0") as sniffer:
        announcement = sniffer.find(lambda f: f[12:14] == b"\x08\x06" and f[28:32] == f[38:42] == ip(LEASE), 10)
        assert announcement, "the address is announced when nobody has it"
    packets.inject(net["twin"], "eth0", packets.arp_frame(TWIN, LEASE, LEASE))
    wait_conflicts(node, [(LEASE, TWIN)], "an announcement of the same address")
    packets.assert_reaches(net["node"], topology.WEB4, 7, net["internet"])


def test_nothing_is_a_conflict_that_is_none(net, node):
    """Probes for the address, other addresses, and our own MAC coming back."""
    started(node)
    me = mac_of("node:eth0")
    packets.inject(net["twin"], "eth0", packets.arp_frame(TWIN, "0.0.0.0", LEASE),
                   packets.arp_frame(TWIN, "192.168.1.50", LEASE), packets.arp_frame(TWIN, "0.0.0.0", "0.0.0.0"),
                   packets.arp_frame(me, LEASE, LEASE), packets.arp_frame(TWIN, LEASE, LEASE)[:30])
    packets.inject(net["twin"], "eth0", packets.arp_frame(TWIN, "192.168.1.51", "192.168.1.51"))
    packets.assert_reaches(net["node"], topology.WEB4, 7, net["internet"])
    wait_conflicts(node, [], "no conflict")
    other = "02:00:00:00:00:99"
    packets.inject(net["twin"], "eth0", packets.arp_frame(other, LEASE, LEASE))
    wait_conflicts(node, [(LEASE, other)], "what is one, and came last, is told")
    told = [line for line in node.log().splitlines() if "event=address_conflict" in line]
    assert len(told) == 1 and f"mac={other}" in told[0], told


def test_two_ports_on_one_subnet_are_no_conflict_and_each_speaks_for_itself(net, node):
    """EVE: two on one subnet (static ARP entries there)."""
    net.cable("node:eth1", "isp-a:p3")
    net["isp-a"].configure("link set p3 master lan")
    addresses = {"eth0": "192.168.1.10", "eth1": "192.168.1.11"}
    config = Config()
    for n, (dev, address) in enumerate(addresses.items()):
        config.port(f"uplink-{n}", dev, cost=n, kind="V4Only", address=f"{address}/24", gateway="192.168.1.1")
    node.start(config)
    node.wait("DeviceNetworkStatus", lambda t: [p["usable4"] for p in ports(t)] == [True, True], "both work", 20)
    node.wait_settled()
    for dev, address in addresses.items():  # who asks for one is answered by that port alone
        net["twin"].configure("addr replace 192.168.1.77/24 dev eth0", "neigh flush dev eth0")
        with packets.Ping(net["twin"], address) as ping:
            ping.wait_answers(3)
        neighbour = net["twin"].run("ip", "neigh", "show", address).stdout
        assert mac_of(f"node:{dev}") in neighbour, neighbour
    for dev, address in addresses.items():  # and what leaves from one leaves by it
        out = net["node"].run("ip", "route", "get", topology.WEB4, "from", address).stdout
        assert f"dev {dev} " in out
        assert net["node"].run("ping", "-c2", "-W2", "-I", address, topology.WEB4, check=False).returncode == 0
    assert "address_conflict" not in node.log()
    assert all(not p["conflicts"] for p in ports(node.table("DeviceNetworkStatus")))
