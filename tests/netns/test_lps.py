# SPDX-License-Identifier: Apache-2.0
"""What a local profile server asks for of ports that the controller lets it change. The server's client is
still to come: this test publishes its topic as a bus peer.

     node --eth0-- isp-a (192.168.1.0/24) -- internet     no DHCP servers
          --eth1-- isp-b (192.168.2.0/24) --'
"""

import random
import socket

import pytest

import packets
import snapshot
import topology
from buspeer import LocalProfileServer
from config import Config
from stalls import Stalls
from test_dpc import kill_all, network, port, reboot, start_nim
from test_dpc_verify import entries, events, serve_dhcp, wait_state
from waiting import pause, wait_for

pytestmark = pytest.mark.quiet

STATIC = {"label": "uplink-a", "addresses": ["192.168.1.77/24"], "gateways": ["192.168.1.1"],
          "dns_servers": ["192.168.1.1"]}
DHCP = {"label": "uplink-a", "use_dhcp": 1}
SUBMITTED = 1772600767000


def controllers(version=1, address="192.168.1.2/24", local=True, b=True, **more):
    """uplink-a may be changed locally, uplink-b not."""
    config = Config(version)
    for key, value in {"testduration": 1, "testinterval": 600, "testbetterinterval": 0}.items():
        config.item(f"timer.port.{key}", value)
    config.port("uplink-a", "eth0", kind="V4Only", address=address, gateway="192.168.1.1", local=local,
                dns=["192.168.1.1"], **more)
    if b:
        config.port("uplink-b", "eth1", cost=10, kind="V4Only", address="192.168.2.2/24",
                    gateway="192.168.2.1", dns=["192.168.2.1"])
    return config


def start(make_net, make_node, **more):
    net = make_net(topology.standard, dhcp=False)
    node = make_node(net["node"])
    node.net = net
    node.start(controllers(**more))
    wait_works(node, "zedagent")
    return node


@pytest.fixture
def node(make_net, make_node):
    return start(make_net, make_node)


@pytest.fixture
def single(make_net, make_node):
    """Its only port is one that may be changed."""
    return start(make_net, make_node, b=False)


def wait_works(node, key, what=None, timeout=20):
    wait_state(node, lambda s: s["dpcKey"] == key and s["dpcState"] == "DPC_STATE_SUCCESS"
               and not s["dpcTesting"], what or f"{key} is in force", timeout)
    node.wait_settled()


def addresses(node, label="uplink-a"):
    return port(node, label)["addresses"]


def wait_address(node, address, what):
    wait_state(node, lambda s: not s["dpcTesting"]
               and s["ports"][0]["addresses"] == [f"{address}/24"], what, 20)
    node.wait_settled()


def assert_sends_from(node, address):
    """What the node sends to the internet comes from that address, as its provider sees it."""
    frame = wait_for(lambda: packets.udp_arrives(node.host, topology.WEB4, 80, node.net["isp-a"]),
                     "a datagram arrives")
    assert socket.inet_ntoa(frame[26:30]) == address
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def assert_cannot_send_from(node, address):
    with pytest.raises(OSError):
        packets.udp_arrives(node.host, topology.WEB4, 80, node.net["internet"], bind=address)


def wait_refused(node, label, what):
    return wait_state(node, lambda s: any(r["logicallabel"] == label for r in s.get("lps", {}).get("refusals", [])),
                      what)["lps"]


def test_NetworkLocalChanges(node):
    """EVE: LPS: NetworkLocalChanges. EVE: LPSConfig."""
    assert port(node)["configSource"] == "DPC_CONTROLLER" and port(node)["localChanges"]
    before = snapshot.take(node.host)
    with packets.Ping(node.host, topology.WEB4) as ping, Stalls() as stalls:
        ping.wait_answers(20)
        server = LocalProfileServer(node, STATIC)
        wait_works(node, "lps")
        wait_address(node, "192.168.1.77", "the local address is in force")
        ping.wait_answers(20)
    assert ping.result.gap_ms < 500 + stalls.within_ms(*ping.result.gap), repr(ping.result)
    assert_sends_from(node, "192.168.1.77")
    assert_cannot_send_from(node, "192.168.1.2")
    told = port(node)
    assert (told["configSource"], told["configSubmittedMs"]) == ("DPC_LPS", str(SUBMITTED + 1000))
    assert port(node, "uplink-b")["configSource"] == "DPC_CONTROLLER"
    assert network(node)["lps"]["ports"] == ["uplink-a"] and network(node)["dpcSource"] == "DPC_LPS"
    assert [e["key"] for e in entries(node)] == ["lps", "zedagent"]
    assert "local server" in node.edgeway("dpc", "list")
    assert "local server, 2026-03-04T05:06:08Z" in node.edgeway("ports", "uplink-a")
    shown = node.edgeway("dpc", "show", "lps").splitlines()
    assert shown[1].strip() == "asked for locally 2026-03-04T05:06:08Z"
    assert [line.split()[0] for line in shown[2:] if line.endswith(" local")] == ["uplink-a"]

    # What the controller says anew is changed by it again; the rest of it counts.
    config = controllers(2, address="192.168.1.3/24")
    config.root["systemAdapterList"][1]["cost"] = 20
    node.configure(config)
    wait_state(node, lambda s: s["ports"][1]["cost"] == 20, "the controller's new cost is in force")
    wait_works(node, "lps")
    assert addresses(node) == ["192.168.1.77/24"]
    assert_sends_from(node, "192.168.1.77")

    server.revert()
    wait_works(node, "zedagent")
    wait_address(node, "192.168.1.3", "the controller's address is in force")
    assert_sends_from(node, "192.168.1.3")
    assert_cannot_send_from(node, "192.168.1.77")
    assert not network(node).get("lps") and port(node)["configSource"] == "DPC_CONTROLLER"
    node.configure(controllers(3))
    wait_works(node, "zedagent")
    wait_address(node, "192.168.1.2", "all is as at first")
    wait_for(lambda: not snapshot.diff(before, snapshot.take(node.host)), "nothing is left of it", 10,
             told=lambda: snapshot.diff(before, snapshot.take(node.host)))


def test_LPSConfig_refused_ports_say_why_and_the_others_are_changed(node):
    """EVE: LPSConfig."""
    mark = node.log_mark()
    server = LocalProfileServer(node, STATIC, {"label": "uplink-b", "use_dhcp": 1}, {"label": "nobody", "use_dhcp": 1})
    wait_works(node, "lps")
    wait_address(node, "192.168.1.77", "what may be changed is")
    why = {"uplink-b": "the controller does not permit local changes of this port",
           "nobody": "the controller's configuration has no such port"}
    lps = network(node)["lps"]
    assert {r["logicallabel"]: r["why"] for r in lps["refusals"]} == why
    assert port(node, "uplink-b")["lpsConfigError"] == f"refused: {why['uplink-b']}"
    assert not port(node)["lpsConfigError"]
    assert addresses(node, "uplink-b") == ["192.168.2.2/24"]
    for page in (node.edgeway("status", check=False), node.edgeway("diag", check=False), node.edgeway("dpc", "list")):
        assert why["uplink-b"] in page and why["nobody"] in page
    assert why["uplink-b"] in node.edgeway("ports", "uplink-b")
    assert [e["port"] for e in events(node, "lps_refused", mark)] == ["uplink-b", "nobody"]
    server.publisher.publish("another", b"")
    server.ask(STATIC, {"label": "who", "use_dhcp": 1}, version=2)
    wait_for(lambda: [e["port"] for e in events(node, "lps_refused", mark)][2:] == ["who"], "nim has heard both")
    assert not events(node, "lps_reverted", mark), "a key that is not its own takes nothing back"


def test_LPSConfig_type_mismatch_and_bad_values_leave_the_port_as_it_is(node):
    """EVE: LPSConfig."""
    before = snapshot.take(node.host)
    server = LocalProfileServer(node, {**STATIC, "wireless": 2})
    wait_refused(node, "uplink-a", "a Wi-Fi port is not what it is")
    assert port(node)["lpsConfigError"] == "refused: wireless: Wi-Fi, and the port is wired"
    for version, (wish, why) in enumerate([
            ({**STATIC, "addresses": ["192.168.1.77"]}, 'addresses: "192.168.1.77" is no address with prefix length'),
            ({**STATIC, "addresses": ["192.168.2.2/24"]}, "address used twice: 192.168.2.2"),
            ({**STATIC, "mtu": 100}, "MTU is not 0 or in 1280..65535: 100")], 2):
        server.ask(wish, version=version)
        wait_state(node, lambda s, why=why: s["ports"][0]["lpsConfigError"] == f"refused: {why}", why)
    assert network(node)["dpcKey"] == "zedagent"
    node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))


def test_wish_that_does_not_work_is_left_without_a_packet_lost_and_says_so(single):
    node = single
    with packets.Ping(node.host, topology.WEB4) as ping:
        ping.wait_answers(20)
        server = LocalProfileServer(node, DHCP)  # nobody serves it
        wait_state(node, lambda s: s["dpcCandidate"] == "lps" and s["dpcKey"] == "zedagent",
                   "it is tried beside the controller's")
        wait_state(node, lambda s: s["ports"][0]["lpsConfigError"] and not s["dpcTesting"], "it is given up", 20)
        node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    assert network(node)["dpcKey"] == "zedagent" and port(node)["configSource"] == "DPC_CONTROLLER"
    error = port(node)["lpsConfigError"]
    assert error.startswith("its test failed: ") and "no address" in error
    assert error in node.edgeway("ports", "uplink-a") and error in node.edgeway("status", check=False)
    server.ask(STATIC, version=2)
    wait_works(node, "lps", "a better one is taken")
    wait_address(node, "192.168.1.77", "and in force")
    assert not port(node)["lpsConfigError"]


def test_kill_9_at_any_time_while_wishes_come_and_go(single):
    node, dice = single, random.Random(5)
    server = LocalProfileServer(node, STATIC)
    kill_all(node)  # nim alone, or who supervises it would pause longer each time
    for turn in range(12):
        nim = start_nim(node)
        server.ask({**STATIC, "addresses": [f"192.168.1.{20 + turn}/24"]}, version=turn) if turn % 3 else server.revert()
        pause(dice.uniform(0, 0.2))  # any time: that is the test
        nim.kill()
        nim.wait()
    serve_dhcp(node.net)
    server.ask({**DHCP, "ip_versions": 1, "mtu": 1400}, version=20)
    node.start()
    wait_state(node, lambda s: s["dpcKey"] == "lps" and not s["dpcTesting"] and s["ports"][0]["mtu"] == 1400
               and s["ports"][0]["usable4"], "the last wish is in force", 20)
    wait_for(lambda: [e["key"] for e in entries(node)] == ["lps", "zedagent"], "nothing else is left")
    leased = addresses(node)[0].partition("/")[0]
    assert 100 <= int(leased.rpartition(".")[2]) < 200, "an address of the DHCP server's"
    assert_sends_from(node, leased)
    server.revert()
    wait_works(node, "zedagent")
    wait_address(node, "192.168.1.2", "the controller's address is in force")
    assert port(node)["mtu"] == 1500


def test_it_outlives_kill_9_and_a_reboot_while_the_server_is_away(node):
    server = LocalProfileServer(node, STATIC)
    wait_works(node, "lps")
    wait_address(node, "192.168.1.77", "the local address is in force")
    before = snapshot.take(node.host)
    with packets.Ping(node.host, topology.WEB4) as ping:
        ping.wait_answers(20)
        pid = node.daemons()["nim"]
        node.kill("nim")
        wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again")
        wait_works(node, "lps")
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    snapshot.assert_same(before, snapshot.take(node.host))

    wait_for(lambda: all("192.168.1.77" in (node.state_dir / "nim" / f"{name}.json{end}").read_text()
                         for name in ("lps", "dpc-list") for end in ("", ".2")), "it is on disk")
    server.close()
    reboot(node)
    assert not events(node, "lps_reverted"), "a server that leaves takes nothing back"
    nim = start_nim(node)
    wait_works_alone(node)
    assert addresses(node) == ["192.168.1.77/24"] and port(node)["configSource"] == "DPC_LPS"
    assert_sends_from(node, "192.168.1.77")
    nim.kill()
    nim.wait()
    kill_all(node)

    # The controller says something newer, and still nobody knows more of the server.
    node.start(controllers(2, address="192.168.1.3/24"))
    wait_state(node, lambda s: any(e["key"] == "zedagent" and "192.168.1.3/24" in e["config"]["ports"][0]["addresses"]
                                   for e in entries(node)), "the controller's is known")
    wait_works(node, "lps")
    assert addresses(node) == ["192.168.1.77/24"]

    LocalProfileServer(node)  # it is back, and wants nothing
    wait_works(node, "zedagent")
    wait_address(node, "192.168.1.3", "the controller's address is in force")


def wait_works_alone(node):
    """nim alone: the rest of the node does not run."""
    wait_state(node, lambda s: s["dpcKey"] == "lps" and s["dpcState"] == "DPC_STATE_SUCCESS", "lps is in force", 20)


def test_permission_that_is_taken_back_ends_it(node):
    LocalProfileServer(node, STATIC)
    wait_works(node, "lps")
    node.configure(controllers(2, local=False))
    wait_works(node, "zedagent")
    wait_address(node, "192.168.1.2", "the controller's address is in force")
    assert "does not permit" in port(node)["lpsConfigError"] and not port(node)["localChanges"]
    assert_sends_from(node, "192.168.1.2")
    wait_for(lambda: [e["key"] for e in entries(node)] == ["zedagent"], "nobody will fall back on it")
