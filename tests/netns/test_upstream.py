# SPDX-License-Identifier: Apache-2.0
"""Somebody far, the controller, is not reached by one port although its gateway answers: the port comes
behind the others within ten seconds, and within five when a request by it is under way.

     app-a -- node --eth0-- isp-a --.
                   --eth1-- isp-b --+-- internet: the web server stands for the controller
"""

import re
import time

import pytest

import packets
import scenario
import topology
from buspeer import Publisher, field
from portstatus import device, port, wait_default, wait_port
from stalls import Stalls
from waiting import SLOW, pause, wait_for

pytestmark = pytest.mark.quiet

APPS_S, REQUEST_S, HOLD_S = 10, 5, 3
QUICK = (("edgeway.upstream.interval.ms", "500"),)


def hole(isp):
    """What the router is to pass on vanishes. It answers for itself."""
    isp.run("nft", "add table inet hole; add chain inet hole way { type filter hook forward priority 0 ; policy drop ; }")


def mend(isp):
    isp.run("nft", "delete table inet hole")


def state(status, family=4):
    return (status.get(f"upstream{family}") or {}).get("state", "")


def wait_state(edge, label, wanted, timeout=10):
    return wait_port(edge, label, lambda p: state(p) == wanted, f"{label} is {wanted}", timeout)


def start(net, node, *items, costs=(0, 0)):
    edge = scenario.Edge(net, node)
    config = edge.standard_config(static=True)
    for adapter, cost in zip(config.root["systemAdapterList"], costs):
        adapter["cost"] = cost
    for key, value in (("edgeway.probe.urls", f"http://{topology.WEB4}/"), *items):
        config.item(key, value)
    return edge.start(config)


def switches(edge, mark):
    """What a switch leaves in the log."""
    return [line for line in edge.node.log_since(mark)
            if re.search(r"event=(default_port|port_behind|flows_flushed)\b", line)]


def test_apps_and_management_leave_a_port_that_reaches_nobody(net, make_node):
    """Both versions of IP, all by default. Then it heals, and is used again without loss."""
    edge = scenario.Edge(net, make_node(net["node"]))
    config = edge.standard_config()
    config.item("edgeway.probe.urls", f"http://{topology.WEB4}/ http://[{topology.WEB6}]/")
    edge.start(config)
    for family in (4, 6):
        wait_port(edge, "uplink-a", lambda p, f=family: state(p, f) == "UPSTREAM_ANSWERS", "it is asked and answers", 20)
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as four, \
            packets.Ping(edge.app("app-a"), topology.WEB6, rate=50) as six, Stalls() as stalls:
        four.wait_answers(20)
        six.wait_answers(20)
        hole(net["isp-a"])
        four.wait_answers(20, timeout=APPS_S + 5)
        six.wait_answers(20, timeout=APPS_S + 5)
        results = four.stop(), six.stop()
    print("gaps %.0f and %.0f ms" % tuple(result.gap_ms for result in results))
    assert max(result.gap_ms - stalls.within_ms(*result.gap) for result in results) <= APPS_S * 1000 * SLOW
    status = wait_port(edge, "uplink-a", lambda p: p.get("behind4") and p.get("behind6"), "it is behind by both", 5)
    assert status["gatewayState4"] == "GATEWAY_ANSWERS" and status["usable4"], "others may use it still"
    assert "does not answer, and the gateway does" in status["error"]
    assert status["turn"] == 1 and not port(edge, "uplink-b").get("turn")
    page = edge.node.edgeway("ports", "uplink-a", check=False)
    assert "is not reached by it" in page and "to do" in page, page
    assert "uplink-a" in edge.node.edgeway("diag", check=False)
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        ping.wait_answers(20)
        mend(net["isp-a"])
        wait_port(edge, "uplink-a", lambda p: state(p) == "UPSTREAM_ANSWERS" and p.get("behind4"),
                  "it answers, and is held", 10)
        wait_default(edge, "uplink-a", HOLD_S + 5)
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    log = edge.node.log()
    for event in ("upstream_silent port=uplink-a", "port_behind port=uplink-a family=4", "upstream_answers port=uplink-a",
                  "port_not_behind port=uplink-a family=4"):
        assert f"event={event}" in log, event


@pytest.fixture
def requests(make_net, make_node):
    """An edge, and a publisher of outcomes of requests, in the place of who makes them."""
    net = make_net(topology.standard, dhcp=False)
    edge = start(net, make_node(net["node"]), ("edgeway.upstream", "off"), costs=(0, 10))
    with Outcomes(edge) as outcomes:
        yield edge, outcomes


class Outcomes:
    def __init__(self, edge):
        self.publisher = Publisher(edge.node.run_dir, "client", "RequestOutcome")

    def failed(self, label, failed=True):
        self.publisher.publish(label, field(1, failed) + field(2, 4) + field(3, "no answer")
                               + field(4, int(time.time() * 1000)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.publisher.close()


def test_a_request_that_fails_moves_the_next_ones_within_five_seconds(requests):
    """Even where nobody asks by himself: the port's state is found out then."""
    edge, outcomes = requests
    wait_port(edge, "uplink-a", lambda p: state(p) == "UPSTREAM_NOT_ASKED", "nobody asks", 20)
    before = int(port(edge, "uplink-a")["upstream4"].get("answers", 0))  # connectivity tests count, too
    outcomes.failed("uplink-a")
    wait_for(lambda: "event=request_failed port=uplink-a stage=tcp" in edge.node.log(), "the report is heard", 10)
    wait_port(edge, "uplink-a", lambda p: int(p["upstream4"].get("answers", 0)) > before
              and state(p) == "UPSTREAM_NOT_ASKED", "it answers a question, and is asked no more", 5)
    assert not port(edge, "uplink-a").get("behind4"), "a request alone proves nothing"
    hole(edge.net["isp-a"])
    with Stalls() as stalls:
        begin = time.monotonic()
        outcomes.failed("uplink-a")
        status = wait_port(edge, "uplink-a", lambda p: p.get("turn") == 1, "requests go by uplink-b", 2 * REQUEST_S)
        took = time.monotonic() - begin
    print(f"{took:.2f} s")
    assert took <= REQUEST_S * SLOW + stalls.ms / 1000 and state(status) == "UPSTREAM_FAILED"
    assert device(edge)["defaultPort4"] == "uplink-b"
    mend(edge.net["isp-a"])
    outcomes.failed("uplink-a", failed=False)
    wait_default(edge, "uplink-a", HOLD_S + 5)


@pytest.mark.parametrize("where", ["both ways", "the far end"])
def test_nothing_moves_when_nobody_is_reached_by_any_port(make_net, make_node, where):
    """EVE's portprober: none working. The far end is down, or all ways to it are; and then all come back at once."""
    net = make_net(topology.standard, dhcp=False)
    edge = start(net, make_node(net["node"]), *QUICK)
    down = [net["isp-a"], net["isp-b"]]
    for label in ("uplink-a", "uplink-b"):
        wait_state(edge, label, "UPSTREAM_ANSWERS", 20)
    mark = edge.node.log_mark()
    if where == "both ways":
        for isp in down:
            hole(isp)
    else:
        net["internet"].run("nft", "add table inet hole; add chain inet hole in { type filter hook input priority 0 ; }; "
                            "add rule inet hole in tcp dport 80 drop")
    for label in ("uplink-a", "uplink-b"):
        wait_state(edge, label, "UPSTREAM_SILENT")
    pause(2.5)  # each is asked five times more
    assert not switches(edge, mark)
    if where == "both ways":
        mend(net["isp-b"])
        wait_default(edge, "uplink-b")  # now there is a better one
        mend(net["isp-a"])
    else:
        net["internet"].run("nft", "delete table inet hole")
    for label in ("uplink-a", "uplink-b"):
        wait_state(edge, label, "UPSTREAM_ANSWERS")
    wait_default(edge, "uplink-a", HOLD_S + 5)
    assert where == "both ways" or not switches(edge, mark)


class Questions:
    """Counts connections that a port begins to the web server."""

    def __init__(self, edge, letter):
        self.sniffer = packets.Sniffer(edge.net[f"isp-{letter}"], "p1")

    def look(self, seconds):
        self.sniffer.find(lambda frame: False, 0.01)
        count = 0
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            count += self.sniffer.find(self.is_question, left) is not None
        return count

    def wait(self, count, timeout):
        """Traffic of a test's start may stand in for the first ones."""
        wait_for(lambda: sum(self.sniffer.find(self.is_question, 1) is not None for _ in range(count)) == count,
                 f"{count} questions, one after the other", timeout)

    @staticmethod
    def is_question(frame):
        return (frame[12:14] == b"\x08\x00" and frame[23] == 6 and frame[30:34] == packets.packed(topology.WEB4)
                and frame[36:38] == b"\x00\x50" and frame[47] & 0x12 == 0x02)


def test_traffic_stands_in_for_questions_and_metered_ports_are_not_asked(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    edge = start(net, make_node(net["node"]), *QUICK, ("edgeway.port.uplink-b.metering", "on"))
    wait_state(edge, "uplink-a", "UPSTREAM_ANSWERS", 20)
    assert state(port(edge, "uplink-b")) == "UPSTREAM_NOT_ASKED"
    dear, free = Questions(edge, "b"), Questions(edge, "a")
    free.wait(2, 15)
    assert dear.look(2.2) == 0
    with packets.TcpStream(edge.app("app-a"), topology.WEB4, rate=20) as stream:
        stream.wait_flowing()
        pause(0.6)
        assert free.look(2.2) == 0
    config = edge.standard_config(2, static=True)
    config.item("edgeway.probe.urls", f"http://{topology.WEB4}/")
    config.item("edgeway.upstream", "off")
    config.item("edgeway.port.uplink-b.upstream", "on")
    edge.node.configure(config)
    wait_state(edge, "uplink-b", "UPSTREAM_ANSWERS")
    wait_state(edge, "uplink-a", "UPSTREAM_NOT_ASKED")


def test_questions_never_reach_the_far_ends_program(make_net, make_node):
    """The web server hears of no connection but those of tests."""
    net = make_net(topology.standard, dhcp=False)
    edge = start(net, make_node(net["node"]), *QUICK)
    wait_state(edge, "uplink-a", "UPSTREAM_ANSWERS", 20)
    counter = "nft list chain inet half in"
    net["internet"].run("nft", "add table inet half; add chain inet half in { type filter hook input priority 0 ; }; "
                        "add rule inet half in tcp dport 80 tcp flags & (syn|ack|rst) == ack counter comment accepted; "
                        "add rule inet half in tcp dport 80 tcp flags & (syn|ack) == syn counter comment asked")

    def packets_of(name):
        text = net["internet"].run(*counter.split()).stdout
        return int(re.search(rf"packets (\d+) .*comment \"{name}\"", text).group(1))

    wait_for(lambda: packets_of("asked") >= 3, "three questions", 10)
    assert packets_of("accepted") == 0


def test_kill_turns_nothing_back_to_a_port_that_reaches_nobody(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    edge = start(net, make_node(net["node"]), *QUICK)
    wait_state(edge, "uplink-a", "UPSTREAM_ANSWERS", 20)
    hole(net["isp-a"])
    wait_default(edge, "uplink-b")
    edge.wait_internet("app-a", topology.WEB4)  # zedrouter has followed
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        ping.wait_answers(20)
        for _ in range(2):  # the second run has hardly begun when it is killed
            edge.node.kill("nim")
            edge.node.wait_daemons()
        wait_state(edge, "uplink-a", "UPSTREAM_FAILED")
        assert device(edge)["defaultPort4"] == "uplink-b"
        mend(net["isp-a"])
        wait_port(edge, "uplink-a", lambda p: state(p) == "UPSTREAM_ANSWERS" and p.get("behind4"), "it is held", 10)
        wait_default(edge, "uplink-a", HOLD_S + 5)
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()


def test_counters_tell_of_a_metered_port_where_nobody_asks(make_net, make_node):
    """Whenever they are read: traffic goes out and none comes back, and the router is there."""
    net = make_net(topology.standard, dhcp=False)
    edge = start(net, make_node(net["node"]), ("edgeway.port.uplink-a.metering", "on"), ("edgeway.heartbeat", "off"),
                 costs=(0, 10))
    wait_state(edge, "uplink-a", "UPSTREAM_NOT_ASKED", 20)
    with packets.Ping(edge.app("app-a"), topology.WEB4, rate=50) as ping:
        ping.wait_answers(20)
        hole(net["isp-a"])

        def read_counters():
            edge.node.edgeway("metering")
            return state(port(edge, "uplink-a")) == "UPSTREAM_FAILED"

        wait_for(read_counters, "nobody is reached by it", 20, every=1.1)
        ping.wait_answers(20)
