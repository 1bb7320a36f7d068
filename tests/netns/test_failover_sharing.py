# SPDX-License-Identifier: Apache-2.0
"""Instances of a label spread their flows over its ports of equal cost, when the configuration says so.

    app-a, app-b -- ni4, ni6 -- node -- isp-a, isp-b (both cost 0) -- internet
"""

import contextlib
import os
import socket

import pytest

import packets
import scenario
import topology
from waiting import SLOW, wait_for

pytestmark = [pytest.mark.everywhere, pytest.mark.quiet]
FLOWS = 48  # both ports get some: the odds against are one in 2^47
WEBS = pytest.mark.parametrize("web", [topology.WEB4, topology.WEB6], ids=["v4", "v6"])


def config_of(edge, version, sharing):
    config = edge.standard_config(version=version)
    for adapter in config.root["systemAdapterList"]:
        adapter["cost"] = 0
    if sharing:
        config.item("edgeway.label.uplink.sharing", sharing)
    return config


@pytest.fixture
def edge(net, node):
    edge = scenario.Edge(net, node)
    return edge.start(config_of(edge, 1, "on"))


def letter_of(address):
    return {"192.168.1.": "a", "192.168.2.": "b"}.get(address[:10]) or \
        {"2001:db8:1:": "a", "2001:db8:2:": "b"}[address[:11]]


class Flows:
    """Datagram flows of an app, and how the internet sees each."""

    def __init__(self, edge, web):
        self.stack = contextlib.ExitStack()
        family = packets.family_of(web)
        self.server = self.socket(edge.net["internet"], family)
        self.server.bind(("", 9000))
        self.server.settimeout(1 * SLOW)
        self.socks = [self.socket(edge.app("app-a"), family) for _ in range(FLOWS)]
        for sock in self.socks:
            sock.connect((web, 9000))

    def socket(self, host, family):
        with host.inside():
            return self.stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))

    def seen(self):
        """(address, port) of each flow now, by one datagram each that must arrive."""
        seen = []
        for n, sock in enumerate(self.socks):
            token = b"%d." % n + os.urandom(8)
            sock.send(token)
            data, sender = self.server.recvfrom(64)
            while data != token:  # of a flow before the switch
                data, sender = self.server.recvfrom(64)
            seen.append(sender[:2])
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


def letters(seen):
    return "".join(sorted({letter_of(address) for address, _ in seen}))


@WEBS
def test_flows_are_spread_and_each_stays(edge, web):
    with Flows(edge, web) as flows:
        first = flows.seen()
        assert letters(first) == "ab", first
        assert flows.seen() == first


@WEBS
def test_loss_of_a_port_moves_only_its_flows(edge, web):
    with Flows(edge, web) as flows:
        before = flows.seen()
        edge.net.pull("node:eth0")
        wait_for(lambda: uplinks(edge) == {("uplink-b",)}, "only b is in use", 10)
        wait_for(lambda: nothing_bound(edge, 0x01000000, web), "flows of a are forgotten", 5)
        after = flows.seen()
        assert letters(after) == "b"
        assert [a for a in after if a in before] == [b for b in before if letter_of(b[0]) == "b"]
        edge.net.plug("node:eth0")
        wait_for(lambda: uplinks(edge) == {("uplink-a", "uplink-b")} or
                 uplinks(edge) == {("uplink-b", "uplink-a")}, "both are in use", 10)
        assert flows.seen() == after, "running flows stay where they are"
    with Flows(edge, web) as flows:
        assert letters(flows.seen()) == "ab"


@pytest.mark.parametrize("sharing", ["off", None])
def test_without_the_item_one_port_has_all_flows(edge, sharing):
    edge.node.configure(config_of(edge, 2, sharing))
    wait_for(lambda: {len(u) for u in uplinks(edge)} == {1}, "one port is in use", 10)
    edge.node.wait_settled()
    with Flows(edge, topology.WEB4) as flows:
        assert len(letters(flows.seen())) == 1


def test_dearer_port_stands_by_and_has_no_flow(edge):
    config = config_of(edge, 2, "on")
    config.root["systemAdapterList"][1]["cost"] = 5
    edge.node.configure(config)
    wait_for(lambda: uplinks(edge) == {("uplink-a",)}, "the cheaper one is in use", 10)
    edge.node.wait_settled()
    with Flows(edge, topology.WEB4) as flows:
        assert letters(flows.seen()) == "a"
        assert "uplink uplink-a (uplink-b stands by)" in edge.node.edgeway("status")


def uplinks(edge):
    return {tuple(n.get("uplinks", [])) for n in edge.node.table("NetworkInstanceStatus").values()}


def nothing_bound(edge, mark, web):
    family = "ipv6" if ":" in web else "ipv4"
    out = edge.node.host.run("conntrack", "-L", "-f", family, "-p", "udp", "--dport", "9000", "-m",
                             f"{mark:#x}/0xff000000").stdout
    return not out.strip()
