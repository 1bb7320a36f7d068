# SPDX-License-Identifier: Apache-2.0
"""The cheapest working uplink carries the traffic; when it goes, the other takes over at once."""

import pytest

import packets
import scenario
import topology
from stalls import Stalls
from waiting import SLOW, wait_for

pytestmark = [pytest.mark.everywhere, pytest.mark.quiet]
GAP_MS = 50
VERSIONS = pytest.mark.parametrize("web", [topology.WEB4, topology.WEB6], ids=["v4", "v6"])


def seen_as(edge, web):
    """The address the internet sees the app with: it tells which way a new flow went."""
    return (packets.http_get(edge.app("app-a"), web) or "").removeprefix("hello ").strip()


def wait_way(edge, web, letter):
    prefix = {"a": ("192.168.1.", "2001:db8:1:"), "b": ("192.168.2.", "2001:db8:2:")}[letter]
    wait_for(lambda: seen_as(edge, web).startswith(prefix), f"new flows go by uplink {letter}", 10)


def failover_gap(edge, web, break_it):
    """How long app traffic was away, but for what the whole machine stood still. Pings keep their flow, so
    this is an established one."""
    with packets.Ping(edge.app("app-a"), web, rate=200) as ping, Stalls() as stalls:
        ping.wait_answers(40)
        break_it()
        ping.wait_answers(100, timeout=10)
        result = ping.stop()
    stood = stalls.within_ms(*result.gap)
    print(f"gap {result.gap_ms:.1f} ms, {len(result.lost)} of {result.sent} lost, stalls {stood:.0f} ms")
    return result.gap_ms - stood


@VERSIONS
def test_traffic_flows_over_b_when_the_cable_of_a_is_pulled(edge, web):
    """EVE: PortFailover."""
    wait_way(edge, web, "a")
    assert failover_gap(edge, web, lambda: edge.net.pull("node:eth0")) <= GAP_MS * SLOW
    wait_way(edge, web, "b")
    packets.assert_reaches(edge.net["node"], web, 80, edge.net["internet"])  # management


@VERSIONS
def test_return_to_a_healed_cable_loses_nothing(edge, web):
    """EVE: PortFailover."""
    wait_way(edge, web, "a")
    edge.net.pull("node:eth0")
    wait_way(edge, web, "b")
    with packets.Ping(edge.app("app-a"), web) as ping:
        ping.wait_answers(20)
        edge.net.plug("node:eth0")
        wait_way(edge, web, "a")
        ping.wait_answers(50)
    ping.result.assert_nothing_lost()


def test_gap_is_short_inside_the_kernels_link_event_window_too(make_net, make_node):
    """Any link event holds back the next message about a network card's carrier for up to a second."""
    net = make_net(topology.standard, cards=True)
    edge = scenario.Edge(net, make_node(net["node"])).start()
    wait_way(edge, topology.WEB4, "a")

    def noise_then_pull():
        net["node"].configure("link add noise type bridge", "link set noise up")
        net.pull("node:eth0")

    assert failover_gap(edge, topology.WEB4, noise_then_pull) <= GAP_MS * SLOW


def test_tcp_stream_survives_the_return(edge):
    """A flow stays on the uplink it started on while that works."""
    wait_way(edge, topology.WEB4, "a")
    edge.net.pull("node:eth0")
    wait_way(edge, topology.WEB4, "b")
    with packets.TcpStream(edge.app("app-a"), topology.WEB4) as stream:
        stream.wait_flowing()
        edge.net.plug("node:eth0")
        wait_way(edge, topology.WEB4, "a")
        stream.wait_flowing()


def test_traffic_moves_when_the_interface_is_taken_away(edge):
    """EVE's portprober: vanished port."""
    wait_way(edge, topology.WEB4, "a")
    assert failover_gap(edge, topology.WEB4, lambda: edge.net["node"].configure(
        f"link set eth0 netns {edge.net['isp-b'].netns}")) <= 5 * GAP_MS * SLOW
    wait_way(edge, topology.WEB4, "b")


def test_traffic_moves_when_the_link_is_set_down(edge):
    wait_way(edge, topology.WEB4, "a")
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=200) as ping, Stalls() as stalls:
        ping.wait_answers(20)
        # The node sets it up again at once: a short trip to the other uplink at most.
        edge.net["node"].configure("link set eth0 down")
        ping.wait_answers(100, timeout=10)
    assert ping.result.gap_ms <= 4 * GAP_MS * SLOW + stalls.within_ms(*ping.result.gap)
    wait_way(edge, topology.WEB4, "a")


def test_flapping_cable_ends_where_it_should(edge):
    for _ in range(10):
        edge.net.pull("node:eth0")
        edge.net.plug("node:eth0")
    wait_way(edge, topology.WEB4, "a")
    for _ in range(10):
        edge.net.plug("node:eth0")
        edge.net.pull("node:eth0")
    wait_way(edge, topology.WEB4, "b")
    edge.node.wait_settled()


def test_both_cables_pulled_then_either_plugged(edge):
    edge.net.pull("node:eth0")
    edge.net.pull("node:eth1")
    packets.assert_blocked(edge.app("app-a"), topology.WEB4, 9999, edge.net["internet"])
    edge.net.plug("node:eth1")
    wait_way(edge, topology.WEB4, "b")
    edge.net.plug("node:eth0")
    wait_way(edge, topology.WEB4, "a")


def test_ports_for_downloads_are_told(edge):
    """EVE's network.download.max.cost; uplink-b costs 10."""
    def for_downloads():
        status = edge.node.row("DeviceNetworkStatus")
        return {p["logicallabel"] for p in status["ports"] if p.get("forDownloads")}

    assert for_downloads() == {"uplink-a"}
    config = edge.standard_config(version=2)
    config.item("network.download.max.cost", 10)
    edge.node.configure(config)
    wait_for(lambda: for_downloads() == {"uplink-a", "uplink-b"}, "both may be used", 10)
    edge.net.pull("node:eth0")
    wait_for(lambda: for_downloads() == {"uplink-b"}, "only the one that works", 10)
