# SPDX-License-Identifier: Apache-2.0
"""An app can be nobody but itself."""

import os

import pytest

import packets
import scenario
import topology
from waiting import wait_for

pytestmark = pytest.mark.everywhere
VERSIONS = pytest.mark.parametrize("version", [4, 6], ids=["v4", "v6"])
WEB = {4: topology.WEB4, 6: topology.WEB6}


def start(net, node):
    return scenario.Edge(net, node).start()


@pytest.fixture
def edge(standing):
    """All that happens to it here are frames that are dropped."""
    return standing(start)


class Wire:
    """What app-b puts on its wire, and what it knows of app-a."""

    def __init__(self, edge, version):
        self.edge, self.app, self.version = edge, edge.app("app-b"), version
        self.dev = f"eth{0 if version == 4 else 1}"
        adapter = 0 if version == 4 else 1
        self.own_mac, self.victim_mac = (edge.vif(name, adapter)["mac"] for name in ("app-b", "app-a"))
        self.own_ip, self.victim_ip = edge.address("app-b", version), edge.address("app-a", version)
        bridge = edge.vif("app-b", adapter)["bridge"]
        self.bridge_mac = edge.node.host.run("ip", "-br", "link", "show", bridge).stdout.split()[2]

    def udp_arrives(self, mac, address, to, at):
        token = b"spoof-" + os.urandom(8)
        frame = packets.udp_frame(self.bridge_mac, mac, address, to, 9999, token)
        return packets.frame_arrives(self.app, self.dev, frame, at, token)


@VERSIONS
def test_frames_with_ones_own_addresses_pass(edge, version):
    wire = Wire(edge, version)
    assert wire.udp_arrives(wire.own_mac, wire.own_ip, WEB[version], edge.net["internet"])
    wait_for(lambda: wire.udp_arrives(wire.own_mac, wire.own_ip, wire.victim_ip, edge.app("app-a")),
             "it reaches app-a too")


@VERSIONS
@pytest.mark.parametrize("fake", ["mac", "ip", "mac-and-ip", "free-ip", "free-mac"])
def test_frames_with_anothers_addresses_do_not_pass(edge, version, fake):
    wire = Wire(edge, version)
    free = "10.1.0.77" if version == 4 else "fd00:1::77"
    mac = {"mac": wire.victim_mac, "mac-and-ip": wire.victim_mac, "free-mac": "02:de:ad:00:00:01"}.get(
        fake, wire.own_mac)
    address = {"ip": wire.victim_ip, "mac-and-ip": wire.victim_ip, "free-ip": free}.get(fake, wire.own_ip)
    assert not wire.udp_arrives(mac, address, WEB[version], edge.net["internet"])
    assert not wire.udp_arrives(mac, address, wire.victim_ip, edge.app("app-a"))


def test_arp_cannot_take_an_address_over(edge):
    """Neither that of another app nor the gateway's: nobody believes it, nobody even hears it."""
    wire = Wire(edge, 4)
    with packets.Ping(edge.app("app-a"), topology.WEB4) as ping, \
            packets.Sniffer(edge.app("app-a"), "eth0") as sniffer:
        ping.wait_answers(10)
        for claimed in (wire.victim_ip, "10.1.0.1"):
            for sender in (wire.own_mac, wire.victim_mac):
                packets.inject(
                    wire.app, wire.dev,
                    packets.arp_frame(sender, claimed, claimed, operation=1),
                    packets.arp_frame(sender, claimed, "10.1.0.1", wire.bridge_mac, operation=2),
                    packets.arp_frame(wire.own_mac, claimed, wire.victim_ip, wire.victim_mac, operation=2,
                                      sender=sender))
        claims = lambda f: f[12:14] == b"\x08\x06" and f[28:32] in (
            packets.packed(wire.victim_ip), packets.packed("10.1.0.1")) \
            and f[22:28] in (packets.mac_bytes(wire.own_mac), packets.mac_bytes(wire.victim_mac))
        assert not sniffer.find(claims, packets.QUIET_S)
        ping.wait_answers(30)
    ping.result.assert_nothing_lost()
    entry = edge.node.host.run("ip", "neigh", "show", wire.victim_ip).stdout
    assert wire.own_mac not in entry


def test_neighbour_advertisement_cannot_take_an_address_over(edge):
    wire = Wire(edge, 6)
    with packets.Ping(edge.app("app-a"), topology.WEB6) as ping, \
            packets.Sniffer(edge.app("app-a"), "eth1") as sniffer:
        ping.wait_answers(10)
        for claimed in (wire.victim_ip, "fd00:1::1"):
            packets.inject(wire.app, wire.dev,
                           packets.neighbour_advert_frame(wire.own_mac, claimed),
                           packets.neighbour_advert_frame(wire.own_mac, claimed, "fd00:1::1",
                                                          wire.bridge_mac))
        advert = lambda f: f[12:14] == b"\x86\xdd" and f[20] == 58 and f[54] == 136 \
            and packets.mac_bytes(wire.own_mac) in f[54:] and f[62:78] in (
                packets.packed(wire.victim_ip), packets.packed("fd00:1::1"))
        assert not sniffer.find(advert, packets.QUIET_S)
        ping.wait_answers(30)
    ping.result.assert_nothing_lost()
    assert wire.own_mac not in edge.node.host.run("ip", "neigh", "show", wire.victim_ip).stdout


def test_app_cannot_be_the_router(edge):
    """A router advertisement of an app is heard by nobody."""
    wire = Wire(edge, 6)
    advert = b"\x86\x00\x00\x00\x40\x00\x07\x08" + b"\0" * 8 + b"\x01\x01" + packets.mac_bytes(wire.own_mac)
    own = link_local(wire.app, wire.dev)
    pseudo = packets.packed(own) + packets.packed("ff02::1") + packets.struct.pack("!IHBB", len(advert), 0, 0, 58)
    advert = advert[:2] + packets.struct.pack("!H", packets.checksum(pseudo + advert)) + advert[4:]
    head = packets.struct.pack("!IHBB", 6 << 28, len(advert), 58, 255) + packets.packed(own) \
        + packets.packed("ff02::1")
    frame = packets.ethernet("33:33:00:00:00:01", wire.own_mac, packets.ETH_P_IPV6, head + advert)
    assert not packets.frame_arrives(wire.app, wire.dev, frame, edge.app("app-a"), advert)
    routes = edge.node.host.run("ip", "-6", "route", "show", "table", "all").stdout
    assert own not in routes


def link_local(host, dev):
    text = host.run("ip", "-6", "-br", "addr", "show", "dev", dev, "scope", "link").stdout
    return text.split()[2].partition("/")[0]
