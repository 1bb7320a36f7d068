# SPDX-License-Identifier: Apache-2.0
"""A gateway that falls silent behind a live link takes its port out of use within a second, and a
port that comes back is preferred again only when it has stayed.

The access switch lives on when its router dies (router_dies): the node's carrier stays.
"""

import os
import pathlib
import re
import time

import pytest

import packets
import scenario
import topology
from portstatus import default_port, port, wait_default, wait_port
from stalls import Stalls
from waiting import SLOW, pause, wait_for

pytestmark = pytest.mark.quiet

GAP_MS = 1000
HOLD_S = 3
FLAP_S = float(os.environ.get("EDGEWAY_FLAP_S", "5"))


def router_dies(edge, letter="a"):
    """The switch port loses the router; Linux would answer and forward by it all the same."""
    edge.net[f"isp-{letter}"].sysctl(net__ipv4__conf__p1__arp_ignore=8, net__ipv4__conf__p1__forwarding=0,
                                     net__ipv6__conf__p1__forwarding=0)
    edge.net[f"isp-{letter}"].configure("link set p1 nomaster")


def router_lives(edge, letter="a"):
    edge.net[f"isp-{letter}"].configure("link set p1 master lan")
    edge.net[f"isp-{letter}"].sysctl(net__ipv4__conf__p1__arp_ignore=0, net__ipv4__conf__p1__forwarding=1,
                                     net__ipv6__conf__p1__forwarding=1)


def wait_answers(edge, label="uplink-a"):
    wait_port(edge, label, lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS"
              and p.get("gatewayState6") == "GATEWAY_ANSWERS", f"{label}'s gateway answers by ARP and by ND")


@pytest.mark.parametrize("web", [topology.WEB4, topology.WEB6], ids=["v4", "v6"])
def test_silent_gateway_behind_a_live_link_is_left_within_a_second(edge, web):
    wait_answers(edge)
    with packets.Ping(edge.app("app-a"), web, rate=100) as ping, Stalls() as stalls:
        ping.wait_answers(40)
        router_dies(edge)
        ping.wait_answers(60, timeout=10)
        result = ping.stop()
    stood = stalls.within_ms(*result.gap)
    print(f"gap {result.gap_ms:.0f} ms; the machine stood still for {stood:.0f} ms of it")
    assert result.gap_ms <= GAP_MS * SLOW + stood
    status = port(edge, "uplink-a")
    assert status["carrier"] and "does not answer" in status["error"]
    assert not status.get("usable4" if web == topology.WEB4 else "usable6")
    wait_port(edge, "uplink-a", lambda p: not p.get("usable4") and not p.get("usable6"), "both versions are out of use")


def test_a_healed_gateway_is_preferred_again_after_the_hold_time_without_loss(edge):
    wait_answers(edge)
    router_dies(edge)
    wait_port(edge, "uplink-a", lambda p: "does not answer" in p["error"], "it is found")
    wait_default(edge, "uplink-b")
    edge.wait_internet("app-a", topology.WEB4)  # zedrouter has followed
    router_lives(edge)
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        held = wait_port(edge, "uplink-a", lambda p: p.get("held4") and p.get("usable4"), "usable again, and held")
        assert not held["error"] and held["losses"] == 1 and int(held["heldUntilMs"]) > 0
        wait_default(edge, "uplink-a", HOLD_S + 5)
        wait_port(edge, "uplink-a", lambda p: not p.get("held4"), "the hold is over")
        ping.wait_answers(50)
    ping.result.assert_nothing_lost()
    log = edge.node.log()
    assert re.search(r"event=gateway_silent port=uplink-a", log)
    # The log has the order also where this test came late: b carried until the hold was over.
    hold = re.search(r"event=port_held port=uplink-a family=4 ms=3000 (.*?)event=port_preferred port=uplink-a family=4", log, re.S)
    assert hold and "event=default_port family=4" not in hold[1]


def flap(edge, seconds, hertz=20):
    """Pulls and plugs uplink a's cable."""
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        edge.net.pull("node:eth0")
        pause(0.5 / hertz)
        edge.net.plug("node:eth0")
        pause(0.5 / hertz)
        count += 1
    return count


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_flapping_link_disturbs_no_other_port(edge):
    """20 times a second: traffic goes to b once and stays there, nim hardly works, the log stays short."""
    nim = edge.node.daemons()["nim"]
    edge.net.pull("node:eth0")
    wait_default(edge, "uplink-b")
    wait_default(edge, "uplink-b", families=(6,))
    edge.wait_internet("app-a", topology.WEB4)  # zedrouter has followed
    mark, begin, used = edge.node.log_mark(), time.monotonic(), cpu_s(nim)
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        count = flap(edge, FLAP_S)
        took, used = time.monotonic() - begin, cpu_s(nim) - used
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    lines = [line for line in edge.node.log_since(mark) if "level=debug" not in line]
    print(f"{count} flaps in {took:.1f} s, nim {100 * used / took:.1f} %, {len(lines)} lines")
    assert default_port(edge) == default_port(edge, 6) == "uplink-b"
    assert not [line for line in lines if "event=default_port" in line]
    assert len(lines) < 60, "\n".join(lines)
    assert used / took < 0.05 * SLOW


@pytest.mark.lab
def test_a_line_that_becomes_slow_looks_silent_once_at_most(make_net, make_node):
    """EVE: IntermittentConnectivity. Answers come 700 ms late from now on; nothing tells the first of these from silence."""
    net = make_net(topology.standard, dhcp=False)
    edge = start_static(net, make_node(net["node"]), ("edgeway.recovery.hold.ms", "0"))
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS"
              and p["heartbeatPatienceMs"], "the gateway of a answers")
    mark = edge.node.log_mark()
    net["isp-a"].run("tc", "qdisc", "add", "dev", "p1", "root", "netem", "delay", "700ms")
    pause(6)  # about thirty questions
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS", "it answers")
    assert sum("event=gateway_silent port=uplink-a" in line for line in edge.node.log_since(mark)) <= 1
    assert edge.node.edgeway("ports", "uplink-a").count("ms without an answer") == 1
    router_dies(edge)
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_SILENT", "it is silent")


class Questions:
    """Counts what a router is asked about itself: ARP requests and neighbour solicitations."""

    def __init__(self, edge, letter):
        self.sniffer = packets.Sniffer(edge.net[f"isp-{letter}"], "p1")
        self.count = 0

    def look(self, seconds):
        """How many come in that time, from now on."""
        self.sniffer.find(lambda frame: False, 0.01)
        self.count = 0
        self.sniffer.find(self.note, seconds)
        return self.count

    def note(self, frame):
        self.count += frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x01"
        self.count += frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 135


def start_static(net, node, *items, costs=(0, 10)):
    edge = scenario.Edge(net, node)
    config = edge.standard_config(static=True)
    for adapter, cost in zip(config.root["systemAdapterList"], costs):
        adapter["cost"] = cost
    for key, value in items:
        config.item(key, value)
    return edge.start(config)


def test_only_ports_that_cost_nothing_are_asked_and_only_with_an_alternative(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    edge = start_static(net, make_node(net["node"]))
    free, dear = Questions(edge, "a"), Questions(edge, "b")
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS" and p["heartbeatMs"] == 200,
              "the gateway of a is asked")
    assert free.look(1.0) >= 3
    assert port(edge, "uplink-b")["gatewayState4"] == "GATEWAY_NOT_ASKED"
    assert dear.look(1.0) <= 1  # the kernel may ask for itself
    edge.net.pull("node:eth1")
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_NOT_ASKED", "nothing would follow from it")
    assert free.look(1.0) <= 1


def test_items_switch_it(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    edge = start_static(net, make_node(net["node"]), ("edgeway.port.uplink-a.heartbeat", "off"),
                        ("edgeway.port.uplink-b.heartbeat", "on"), ("edgeway.heartbeat.interval.ms", "50"))
    wait_port(edge, "uplink-b", lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS" and p["heartbeatMs"] == 50,
              "the gateway of b is asked")
    assert port(edge, "uplink-a")["gatewayState4"] == "GATEWAY_NOT_ASKED"
    page = edge.node.edgeway("ports", "uplink-b")
    assert "192.168.2.1 (answers)" in page and "asked each 50 ms" in page
    config = edge.standard_config(2, static=True)
    config.item("edgeway.heartbeat", "off")
    config.item("edgeway.port.uplink-b.metering", "on")
    edge.node.configure(config)
    wait_port(edge, "uplink-b", lambda p: p.get("gatewayState4") == "GATEWAY_NOT_ASKED", "b is not asked any more")
    edge.node.wait_settled()


def test_a_gateway_that_never_answers_takes_nothing_away(make_net, make_node):
    """Some drop ARP of strangers; the node's administrator then sets the neighbour by hand."""
    net = make_net(topology.standard, dhcp=False)
    net["isp-a"].sysctl(net__ipv4__conf__lan__arp_ignore=8)
    mac = topology.mac_of("isp-a:p1")
    net["node"].configure(f"neigh add 192.168.1.1 lladdr {mac} nud permanent dev eth0")
    edge = start_static(net, make_node(net["node"]), ("edgeway.heartbeat.interval.ms", "20"))
    status = wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_ASKED", "it is asked")
    asked = Questions(edge, "a")
    assert asked.look(1.0) <= 12  # more and more rarely
    status = port(edge, "uplink-a")
    assert status["usable4"] and not status["error"] and default_port(edge) == "uplink-a"


def test_a_neighbour_that_the_kernel_gives_up_counts_where_nobody_asks(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    for name, value in (("base_reachable_time_ms", 500), ("delay_first_probe_time", 0), ("retrans_time_ms", 100)):
        net["node"].sysctl(**{f"net__ipv4__neigh__eth0__{name}": value})  # the default is half a minute
    edge = start_static(net, make_node(net["node"]), ("edgeway.recovery.hold.ms", "0"), costs=(10, 20))
    wait_default(edge, "uplink-a")
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        ping.wait_answers(20)
        router_dies(edge)
        ping.wait_answers(50, timeout=15)
    assert default_port(edge) == "uplink-b"
    assert "does not answer" in port(edge, "uplink-a")["error"]
    router_lives(edge)  # it is asked each 5 s
    wait_default(edge, "uplink-a", 15)


def test_counters_tell_of_a_metered_port_where_nobody_asks(make_net, make_node):
    """Whenever they are read: traffic goes out and none comes back."""
    net = make_net(topology.standard, dhcp=False)
    net["node"].sysctl(net__ipv4__neigh__eth0__base_reachable_time_ms=3600000)  # the kernel is not to notice
    edge = start_static(net, make_node(net["node"]), ("edgeway.port.uplink-a.metering", "on"))
    wait_default(edge, "uplink-a")
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_NOT_ASKED", "a is not asked")
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        ping.wait_answers(20)
        router_dies(edge)

        def read_counters():
            edge.node.edgeway("metering")
            return port(edge, "uplink-a")["gatewayState4"] == "GATEWAY_SILENT"

        wait_for(read_counters, "the gateway is silent", 20, every=1.1)
        wait_default(edge, "uplink-b")
        ping.wait_answers(20)


def test_nothing_is_cut_when_all_gateways_are_silent(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    edge = start_static(net, make_node(net["node"]), costs=(0, 0))
    for label in ("uplink-a", "uplink-b"):
        wait_port(edge, label, lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS", f"{label}'s gateway answers")
    router_dies(edge, "a")
    router_dies(edge, "b")
    for label in ("uplink-a", "uplink-b"):
        status = wait_port(edge, label, lambda p: p.get("gatewayState4") == "GATEWAY_SILENT", f"{label} is silent")
        assert "does not answer" in status["error"]
    assert port(edge, "uplink-a")["usable4"] and port(edge, "uplink-b")["usable4"]
    assert default_port(edge)
    router_lives(edge, "b")
    wait_default(edge, "uplink-b", 10)
    edge.wait_internet("app-a", topology.WEB4)


def test_kill_during_silence_and_hold_turns_nothing_back(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    edge = start_static(net, make_node(net["node"]))
    wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_ANSWERS", "the gateway of a answers")
    router_dies(edge)
    wait_default(edge, "uplink-b")
    edge.wait_internet("app-a", topology.WEB4)  # zedrouter has followed
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        ping.wait_answers(20)
        for _ in range(2):  # the second run has hardly begun when it is killed
            edge.node.kill("nim")
            edge.node.wait_daemons()
        wait_port(edge, "uplink-a", lambda p: p.get("gatewayState4") == "GATEWAY_SILENT", "still silent")
        router_lives(edge)
        wait_port(edge, "uplink-a", lambda p: p.get("held4"), "it answers, and is held")
        edge.node.kill("nim")
        edge.node.wait_daemons()
        wait_port(edge, "uplink-a", lambda p: p.get("held4"), "still held")
        assert default_port(edge) == "uplink-b"
        wait_default(edge, "uplink-a", HOLD_S + 5)
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
