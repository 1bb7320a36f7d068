# SPDX-License-Identifier: Apache-2.0
"""Ports over VLANs and bonds.

     node --eth0-- switch (trunks) -- isp-a in VLAN 10
          --eth1--'               '-- isp-b in VLAN 20
"""

import pytest

import packets
import topology
from config import Config, allow_all
from scenario import Edge
from waiting import SLOW, wait_for

pytestmark = pytest.mark.lab


def trunked(make_net):
    """isp-a and isp-b, each behind a VLAN of the switch: 10 and 20."""
    net = topology.Topology()
    net.host("node")
    switch = net.host("switch", forward=True)
    net.host("internet", forward=True)
    net["internet"].configure(f"addr add {topology.WEB4}/32 dev lo", f"addr add {topology.WEB6}/128 dev lo")
    topology.services.Web(net["internet"])
    switch.configure("link add sw up type bridge forward_delay 0 vlan_filtering 1 vlan_default_pvid 0")
    for n in (0, 1):
        net.cable(f"node:eth{n}", f"switch:n{n}")
    for letter, vid in (("a", 10), ("b", 20)):
        topology.uplink(net, letter, node="switch", port=f"to-{letter}")
        switch.configure(f"link set to-{letter} master sw")
        switch.run("bridge", "vlan", "add", "dev", f"to-{letter}", "vid", str(vid), "pvid", "untagged")
    return net


def trunk(net, dev):
    net["switch"].configure(f"link set {dev} master sw")
    for vid in ("10", "20"):
        net["switch"].run("bridge", "vlan", "add", "dev", dev, "vid", vid)


def app_over(net, config):
    net.host("app-a")
    ni = config.instance("ni4", "10.1.0.0/24")
    config.app("app-a", net.netns_name("app-a")).adapter(ni, acl=allow_all())
    return config


def test_vlan_ports_carry_traffic_and_fail_over(make_net, make_node):
    """EVE: Bootstrap: management VLAN, VLANSubinterfaces."""
    net = make_net(trunked, make_net)
    config = Config()
    for parent, label, vid, cost in (("eth0", "vlan10", 10, 0), ("eth1", "vlan20", 20, 5)):
        trunk(net, parent.replace("eth", "n"))
        config.physical(parent)
        config.vlan(label, parent, vid)
        config.port(label, cost=cost, lower=label)
    app_over(net, config)
    node = make_node(net["node"]).start(config)
    Edge(net, node).wait_applied(config)
    seen = lambda: (packets.http_get(net["app-a"], topology.WEB4) or "").strip()
    wait_for(lambda: seen().startswith("hello 192.168.1."), "by VLAN 10", 15)
    node.host.configure("link set vlan10 down")
    wait_for(lambda: "UP" in node.host.run("ip", "link", "show", "vlan10").stdout, "it is set up again")
    wait_for(lambda: seen().startswith("hello 192.168.1."), "by VLAN 10 again", 15)
    net.pull("node:eth0")
    wait_for(lambda: seen().startswith("hello 192.168.2."), "by VLAN 20", 15)
    net.plug("node:eth0")
    wait_for(lambda: seen().startswith("hello 192.168.1."), "back to VLAN 10", 15)
    node.configure(Config(version=2))
    wait_for(lambda: "vlan10" not in node.host.run("ip", "link").stdout, "VLANs are removed")


def test_bond_survives_the_loss_of_one_cable(make_net, make_node):
    net = make_net(trunked, make_net)
    switch = net["switch"]
    for n in (0, 1):
        switch.configure(f"link set n{n} master sw")
        switch.run("bridge", "vlan", "add", "dev", f"n{n}", "vid", "10", "pvid", "untagged")
    config = Config()
    for n in (0, 1):
        config.physical(f"eth{n}")
    config.bond("lag", ["eth0", "eth1"])
    config.port("lag", lower="lag")
    app_over(net, config)
    node = make_node(net["node"]).start(config)
    Edge(net, node).wait_applied(config)
    wait_for(lambda: packets.http_get(net["app-a"], topology.WEB4), "the app is online", 15)
    with packets.Ping(net["app-a"], topology.WEB4) as ping:
        ping.wait_answers(20)
        net.pull("node:eth0")
        ping.wait_answers(50)
    assert ping.result.gap_ms <= 300 * SLOW  # monitored every 100 ms
    node.configure(Config(version=2))
    wait_for(lambda: "lag" not in node.host.run("ip", "link").stdout, "the bond is removed")
    wait_for(lambda: "master" not in node.host.run("ip", "link", "show", "eth1").stdout, "its members are free")
