# SPDX-License-Identifier: Apache-2.0
"""Nothing of one network instance reaches another; none reaches the node's own services."""

import socket

import pytest

import packets
import scenario
import topology
from config import Config, allow_all, uuid_of
from waiting import SLOW, wait_for

pytestmark = pytest.mark.everywhere
VERSIONS = pytest.mark.parametrize("version", [4, 6], ids=["v4", "v6"])


def start_two(net, node):
    edge = scenario.Edge(net, node)
    config = edge.standard_config()
    net.host("app-z")
    config.app("app-z", net.netns_name("app-z")).adapter(config.instance("z4", "10.2.0.0/24")).adapter(
        config.instance("z6", "fd00:2::/64"))
    return edge.start(config)


@pytest.fixture
def two(standing):
    """    app-a in ni4 and ni6 | app-z in z4 (10.2.0.0/24) and z6 (fd00:2::/64)"""
    return standing(start_two)


def pairs(edge, version):
    a, z = edge.address("app-a", version), edge.address("app-z", version)
    return (edge.app("app-a"), z, edge.app("app-z")), (edge.app("app-z"), a, edge.app("app-a"))


@VERSIONS
def test_instances_do_not_reach_each_other(two, version):
    for source, to, at in pairs(two, version):
        packets.assert_reaches(source, topology.WEB4 if version == 4 else topology.WEB6, 9999,
                               two.net["internet"])
        packets.assert_blocked(source, to, 9999, at)
        packets.assert_blocked(source, to, 80, at, "tcp")
        assert not packets.icmp_arrives(source, to, at)


@VERSIONS
def test_not_by_frames_to_the_others_gateway_either(two, version):
    """Addressed to the own bridge's MAC, with a route of the app's own making."""
    for (source, to, at), name in zip(pairs(two, version), ("app-a", "app-z")):
        adapter = 0 if version == 4 else 1
        vif = two.vif(name, adapter)
        bridge_mac = two.node.host.run("ip", "-br", "link", "show", vif["bridge"]).stdout.split()[2]
        token = b"sneak-" + name.encode()
        frame = packets.udp_frame(bridge_mac, vif["mac"], two.address(name, version), to, 9999, token)
        assert not packets.frame_arrives(source, f"eth{adapter}", frame, at, token)


@VERSIONS
def test_broadcast_stays_inside_the_instance(two, version):
    vif = two.vif("app-a", 0 if version == 4 else 1)
    with packets.Sniffer(two.app("app-z")) as sniffer, \
            packets.Sniffer(two.node.host, vif["ifname"]) as at_the_node:
        token = b"to-all-of-mine"
        to, mac = ("10.1.0.255", "ff:ff:ff:ff:ff:ff") if version == 4 else ("ff02::1", "33:33:00:00:00:01")
        packets.inject(two.app("app-a"), f"eth{0 if version == 4 else 1}", packets.udp_frame(
            mac, vif["mac"], two.address("app-a", version), to, 9999, token))
        assert at_the_node.find(lambda f: token in f, 2 * SLOW), "it was sent"
        assert not sniffer.find(lambda f: token in f, packets.QUIET_S)


def listener(host, port):
    """A server of the node itself, on every address."""
    with host.inside():
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def connects(host, address, port):
    try:
        with host.inside():
            socket.create_connection((address, port), packets.QUIET_S).close()
        return True
    except OSError:
        return False


def node_addresses(edge, version):
    """Every address of the node an app could think of."""
    lines = edge.node.host.run("ip", f"-{version}", "-br", "addr", "show", "up").stdout.splitlines()
    found = [word.partition("/")[0] for line in lines for word in line.split()[2:] if "/" in word]
    return [a for a in found if not a.startswith(("127.", "::1", "fe80"))]


@VERSIONS
def test_apps_do_not_reach_services_of_the_node(two, version):
    with listener(two.node.host, 22), listener(two.node.host, 8443):
        for port in (22, 8443):
            assert connects(two.node.host, "127.0.0.1" if version == 4 else "::1", port)
        addresses = node_addresses(two, version)
        assert len(addresses) >= 3  # both bridges and an uplink
        for address in addresses:
            for port in (22, 8443):
                assert not connects(two.app("app-a"), address, port), f"{address} port {port}"


@VERSIONS
def test_apps_reach_the_name_server_and_can_ping_the_gateway(two, version):
    app, gateway = two.app("app-a"), two.gateway(version)
    wait_for(lambda: topology.WEB4 in app.run("busybox", "nslookup", "web.example", gateway,
                                              check=False).stdout, "the name is resolved")
    with packets.Ping(app, gateway) as ping:
        ping.wait_answers(5)


def test_apps_get_their_address_by_dhcp(two):
    app = two.app("app-a")
    lease = app.run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", "/bin/true", "-t", "5",
                    "-T", "1", check=False).stderr
    assert f"lease of {two.address('app-a')} obtained" in lease, lease


def test_air_gapped_instance_has_no_way_out(net, node):
    edge = scenario.Edge(net, node)
    config = edge.standard_config()
    net.host("app-z")
    config.app("app-z", net.netns_name("app-z")).adapter(config.instance("dark", "10.3.0.0/24", port=""))
    edge.start(config)
    packets.assert_blocked(edge.app("app-z"), topology.WEB4, 9999, net["internet"])
    with packets.Ping(edge.app("app-z"), "10.3.0.1") as ping:
        ping.wait_answers(3)


def test_a_port_in_the_subnet_of_an_instance_goes_first(net, node):
    """Or what the node sends into that network would end at the instance."""
    def config(version, *letters):
        config = Config(version)
        for letter in letters:
            config.port(f"uplink-{letter}", f"eth{'ab'.index(letter)}", kind="V4Only")
        for name, subnet in (("apart", "10.1.0.0/24"), ("near", "192.168.2.0/25")):
            instance = config.instance(name, subnet)
            net.hosts.get(name) or net.host(name)
            config.app(name, net.netns_name(name)).adapter(instance, acl=allow_all())
        return config

    def state(name):
        row = node.row("NetworkInstanceStatus", uuid_of("instance", name))
        return row.get("state"), row.get("error", "")

    def reaches(name):
        return packets.icmp_arrives(net[name], topology.WEB4, net["internet"])

    online = ("NI_STATE_ONLINE", "")
    node.start(config(1, "a"))
    for name in ("apart", "near"):
        wait_for(lambda n=name: state(n) == online and reaches(n), f"the app of {name} reaches the internet", 20)
    node.configure(config(2, "a", "b"))
    wait_for(lambda: "overlaps that of port uplink-b: 192.168.2." in state("near")[1], "near is down", 20)
    wait_for(lambda: packets.icmp_arrives(node.host, "192.168.2.1", net["isp-b"]), "the node reaches its router")
    assert not reaches("near")
    assert reaches("apart") and state("apart") == online
    assert "192.168.2.0/25" not in node.host.run("ip", "rule").stdout
    node.configure(config(3, "a"))
    wait_for(lambda: state("near") == online and reaches("near"), "near works again", 20)
    assert node.log().count("event=ni_conflict ") == node.log().count("event=ni_conflict_over ") == 1
