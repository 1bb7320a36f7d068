# SPDX-License-Identifier: Apache-2.0
"""How far each port gets, told per port and stage.

     node --eth0-- isp-a --.
          --eth1-- isp-b --+-- internet: web.example, the controller
          --eth2-- isp-c --|
          --eth3-- isp-d --'
"""

import json
import os
import signal
import socket
import time

import pytest

import packets
import sandbox
import topology
from config import Config
from pki import Pki
from services import SecureWeb, mute, names, swallow
from stalls import Stalls
from topology import WEB4
from waiting import SLOW, wait_for

NAME = "web.example"


# ---- The node ----

def results(node):
    """{label: PortTest} as the bus tells it."""
    ports = node.table("DeviceNetworkStatus").get("global", {}).get("ports", [])
    return {p["logicallabel"]: p["test"] for p in ports if p.get("test")}


def wait_test(node, label, accept, what, timeout=15):
    def accepted(table):
        for port in table.get("global", {}).get("ports", []):
            if port["logicallabel"] == label and port.get("test"):
                return accept(port["test"]) and port["test"]
        return None
    return accepted(node.wait("DeviceNetworkStatus", accepted, what, timeout))


def passed(test):
    return test["outcome"] == "TEST_OK"


def static_config(letters="ab", version=1, timeout=None, urls=None, kind="V4Only", dns=None):
    config = Config(version)
    for letter in letters:
        n = ord(letter) - ord("a") + 1
        config.port(f"uplink-{letter}", f"eth{n - 1}", cost=10 * (n - 1), kind=kind, address=f"192.168.{n}.2/24",
                    gateway=f"192.168.{n}.1", dns=dns or [f"192.168.{n}.1"])
    if timeout:
        config.item("timer.port.timeout", timeout)
    if urls:
        config.item("edgeway.probe.urls", urls)
    return config


class World:
    def __init__(self, net, node, tmp_path):
        self.net, self.node, self.far = net, node, net["internet"]
        self.pki = Pki(tmp_path)
        self.folder = node.folder / "given"
        self.folder.mkdir()
        (self.folder / "root-certificate.pem").write_bytes(self.pki.root.cert.read_bytes())
        node.run_options = ("--config-dir", str(self.folder))

    def controller(self, server):
        temporary = self.folder / "new"
        temporary.write_text(server + "\n")
        temporary.rename(self.folder / "server")

    def test(self, label="uplink-a"):
        """What a round that begins now says of that port."""
        ports = json.loads(self.node.edgeway("ports", "--test", "--json", timeout=40))
        return next(p["status"]["test"] for p in ports if p["status"]["logicallabel"] == label)


@pytest.fixture
def make_world(make_net, make_node, tmp_path):
    def make(letters="ab", dhcp=False):
        net = make_net(topology.standard, letters, dhcp=dhcp)
        return World(net, make_node(net["node"]), tmp_path)
    return make


@pytest.fixture
def world(make_world):
    return make_world("a")


# ---- Local stages ----

def test_pulled_cable_is_a_failed_link_and_the_other_port_passes(make_world):
    world = make_world()
    world.node.start(static_config())
    wait_test(world.node, "uplink-b", passed, "b passes")
    world.net.pull("node:eth1")
    test = wait_test(world.node, "uplink-b", lambda t: t["outcome"] == "TEST_FAILED", "b fails")
    assert (test["stage"], test["error"]) == ("TEST_STAGE_LINK", "no carrier")
    assert test["successes"] and int(test["failureMs"]) >= int(test["successMs"]) > 0
    assert passed(results(world.node)["uplink-a"])
    world.net.plug("node:eth1")
    wait_test(world.node, "uplink-b", passed, "b passes again")


def test_without_a_target_a_round_on_demand_sends_nothing(world):
    world.node.start(static_config("a"))
    before = int(wait_test(world.node, "uplink-a", passed, "it passes")["successes"])
    with packets.Sniffer(world.net["isp-a"], "lan") as sniffer:
        test = world.test()
        assert int(test["successes"]) > before and test["target"] == ""
        with world.net["node"].inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"marker", ("192.168.1.1", 9))
        ipv4 = sniffer.find(lambda f: f[12:14] == b"\x08\x00" and f[26:30] == socket.inet_aton("192.168.1.2"), 5)
    assert ipv4.endswith(b"marker"), "nothing but ARP came before it"
    assert "passed: link, address and gateway" in world.node.edgeway("ports", "uplink-a")


# ---- The controller ----

def test_controller_is_asked_as_EVE_asks_it(world):
    device = world.pki.sign("device", ["device.example"])
    far = SecureWeb(world.far, 443, world.pki.sign("good", [NAME]), client_root=world.pki.root)
    names(world.net["isp-a"], NAME, WEB4)
    for suffix, path in (("cert", device.cert), ("key", device.key)):
        (world.folder / f"device.{suffix}.pem").write_bytes(path.read_bytes())
        (world.folder / f"device.{suffix}.pem").chmod(0o600)
    (world.folder / "soft_serial").write_text("4711\n")
    world.controller(NAME)
    world.node.start(static_config("a"))
    test = wait_test(world.node, "uplink-a", lambda t: passed(t) and t["target"], "the controller answers")
    assert test["target"] == f"https://{NAME}/api/v2/edgedevice/ping"
    source, path, headers, peer = far.seen[0]
    assert (source, path) == ("192.168.1.2", "/api/v2/edgedevice/ping")
    assert headers["Host"] == NAME and headers["X-Soft-Serial"] == "4711" and len(headers["X-Request-Id"]) == 36
    assert peer["subject"] == ((("commonName", "device"),),)
    assert f"passed in {test['latencyMs']} ms" in world.node.edgeway("ports", "uplink-a")
    line = next(line for line in world.node.edgeway("ports").splitlines() if line.startswith("uplink-a"))
    assert " ok " in line


def test_what_is_wrong_is_told_with_stage_and_whether_it_is_the_far_ends_fault(world):
    """EVE: an expired certificate counts as a failure. EVE: issue 2205."""
    pki, far, node = world.pki, world.far, world.node
    cases = [  # port, certificate or status, outcome, stage, words
        (8200, 200, "OK", "DONE", ""), (8201, 201, "OK", "DONE", ""), (8204, 204, "OK", "DONE", ""),
        (8304, 304, "OK", "DONE", ""), (8000, "endless", "OK", "DONE", ""),
        (8503, 503, "REMOTE", "HTTP", "HTTP 503"), (8511, 511, "REMOTE", "HTTP", "HTTP 511"),
        (8512, 512, "FAILED", "HTTP", "HTTP 512"), (8404, 404, "FAILED", "HTTP", "HTTP 404"),
        (8302, 302, "FAILED", "HTTP", "log-in page"),
        (9001, pki.sign("expired", [NAME], days=(-9, -2)), "REMOTE", "TLS", "has expired"),
        (9002, pki.sign("early", [NAME], days=(2, 9)), "REMOTE", "TLS", "not yet valid"),
        (9003, pki.sign("unknown", [NAME], root=pki.stranger), "FAILED", "TLS", "issuer"),
        (9004, pki.sign("others", ["other.example"]), "FAILED", "TLS", "mismatch"),
        (9005, pki.sign("both", ["other.example"], days=(-9, -2)), "FAILED", "TLS", "mismatch"),
        (9006, pki.sign("old-unknown", [NAME], root=pki.stranger, days=(-9, -2)), "FAILED", "TLS", "issuer"),
        (9999, None, "REMOTE", "TCP", "refused"),
    ]
    good = pki.sign("good", [NAME])
    for port, what, *_ in cases:
        if what and port != 8000:
            SecureWeb(far, port, good if isinstance(what, int) else what, what if isinstance(what, int) else 200)
    SecureWeb(far, 8000, good, endless=True)
    names(world.net["isp-a"], NAME, WEB4)
    node.start(static_config("a"))
    wait_test(node, "uplink-a", passed, "the port is up")
    for port, _, outcome, stage, words in cases:
        world.controller(f"{NAME}:{port}")
        test = world.test()
        assert (port, test["outcome"], test["stage"]) == (port, f"TEST_{outcome}", f"TEST_STAGE_{stage}"), test
        assert words in test["error"], port
    assert int(test["successes"]) >= 4 and int(test["failures"]) >= 12
    assert " remote:tcp" in node.edgeway("status", check=False)


def test_one_who_takes_the_connection_and_is_silent_fails_at_the_deadline(world):
    mute(world.far, 443)
    names(world.net["isp-a"], NAME, WEB4)
    world.controller(f"{NAME}")
    world.node.start(static_config("a", timeout=1))
    test = wait_test(world.node, "uplink-a", lambda t: t["stage"] == "TEST_STAGE_TLS", "TLS hangs")
    assert test["outcome"] == "TEST_FAILED" and "no answer to TLS" in test["error"]


# ---- One port is not the other ----

def test_three_black_holes_do_not_delay_the_fourth_port(make_world):
    """EVE: one budget of time for all ports."""
    world = make_world("abcd")
    for letter in "abcd":
        names(world.net[f"isp-{letter}"], NAME, WEB4)
    SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    world.net["isp-a"].configure("link set dev lan arp off")  # the router itself is dead
    swallow(world.net["isp-b"], "tcp dport 443")
    swallow(world.net["isp-c"], "udp dport 53")
    world.node.start(static_config("abcd", timeout=4))
    wait_test(world.node, "uplink-d", passed, "d is up")
    world.node.edgeway("ports", "--test", timeout=40)
    world.controller(NAME)
    with Stalls() as stalls:
        begin = time.monotonic()
        test = wait_test(world.node, "uplink-d", lambda t: passed(t) and t["target"], "d passes")
        took = time.monotonic() - begin
    print(f"d verified after {took * 1000:.0f} ms, {test['latencyMs']} ms of them the test's")
    assert took < 3 * SLOW + stalls.ms / 1000 and test["latencyMs"] < 3000 * SLOW + stalls.ms
    seen = {label: wait_test(world.node, label, lambda t: not passed(t), f"{label} fails") for label in
            ("uplink-a", "uplink-b", "uplink-c")}
    assert {label: (t["outcome"], t["stage"]) for label, t in seen.items()} == {
        "uplink-a": ("TEST_FAILED", "TEST_STAGE_GATEWAY"), "uplink-b": ("TEST_FAILED", "TEST_STAGE_TCP"),
        "uplink-c": ("TEST_FAILED", "TEST_STAGE_DNS")}
    assert "192.168.1.1" in seen["uplink-a"]["error"] and "192.168.3.1" in seen["uplink-c"]["error"]
    assert int(test["successMs"]) < min(int(t["failureMs"]) for t in seen.values())


def two_that_pass(world, config):
    """Both ports reach the controller."""
    SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    for isp in "isp-a", "isp-b":
        names(world.net[isp], NAME, WEB4)
    world.controller(NAME)
    world.node.start(config)
    for label in ("uplink-a", "uplink-b"):
        wait_test(world.node, label, lambda t: passed(t) and t["target"], f"{label} passes")
    return [world.net["isp-a"], world.net["isp-b"]]


@pytest.mark.lab
def test_late_and_narrow_networks_are_borne(make_world):
    """EVE: IntermittentConnectivity. Answers come 200 to 800 ms late, in any order, and at 64 KB/s."""
    world = make_world()
    isps = two_that_pass(world, static_config(timeout=10))
    mark = world.node.log_mark()
    for isp in isps:
        isp.run("tc", "qdisc", "add", "dev", "lan", "root", "netem", "delay", "500ms", "300ms", "rate", "512kbit")
    for label in ("uplink-a", "uplink-b"):
        test = world.test(label)
        assert passed(test) and test["latencyMs"] > 800, test
    log = world.node.log_since(mark)
    assert not any("event=dpc_state " in line for line in log), log
    # Where nothing came for 600 ms the heartbeat has seen a gateway die: each port is left once, and preferred again.
    assert sum("event=default_port " in line for line in log) <= 4, log


def test_lossy_networks_are_borne_and_an_outage_changes_no_configuration(make_world):
    """EVE: IntermittentConnectivity. One packet in five is lost, either way and on both ports; then all are."""
    world = make_world()

    def config(version, timeout):
        made = static_config(version=version, timeout=timeout)
        made.item("timer.port.testduration", 1)
        return made

    isps = two_that_pass(world, config(1, timeout=10))
    mark = world.node.log_mark()
    for isp in isps:
        swallow(isp, "numgen inc mod 5 == 0")
    for label in ("uplink-a", "uplink-b"):
        test = world.test(label)
        assert passed(test), test
    assert "event=dpc_state " not in "\n".join(world.node.log_since(mark))
    world.node.configure(config(2, timeout=1))  # it does not take long to see that there is nothing
    for isp in isps:
        swallow(isp, "meta l4proto { tcp, udp }")
    assert world.test()["stage"] == "TEST_STAGE_DNS"
    wait_for(lambda: "event=dpc_state" in "\n".join(world.node.log_since(mark)), "the outage is noticed", 30)
    for isp in isps:
        isp.run("nft", "delete", "table", "inet", "hole")
    world.node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcState") == "DPC_STATE_SUCCESS"
                    and passed(results(world.node)["uplink-a"]), "all is well again", 30)
    log = "\n".join(world.node.log_since(mark))
    assert "event=dpc_in_force " not in log and "event=gateway_" not in log, log


def test_each_port_asks_its_own_servers_from_its_own_address(make_world):
    """EVE's controllerconn: per-port send."""
    world = make_world()
    far = SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    names(world.net["isp-a"], NAME, WEB4)
    world.controller(NAME)
    world.node.start(static_config())
    wait_test(world.node, "uplink-a", lambda t: passed(t) and t["target"], "a passes")
    test = wait_test(world.node, "uplink-b", lambda t: not passed(t), "b has nobody who knows the name")
    assert (test["outcome"], test["stage"]) == ("TEST_NOT_READY", "TEST_STAGE_DNS")
    assert "192.168.2.1" in test["error"]
    assert {source for source, *_ in far.seen} == {"192.168.1.2"}
    names(world.net["isp-b"], NAME, WEB4)
    assert passed(world.test("uplink-b"))
    assert {source for source, *_ in far.seen} == {"192.168.1.2", "192.168.2.2"}


def test_dead_ipv6_of_a_port_is_warned_of_and_ipv4_carries_the_test(make_world):
    world = make_world("a", dhcp=True)
    SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    swallow(world.net["isp-a"], "meta nfproto ipv6 tcp dport 443")
    config = Config()
    config.port("uplink-a", "eth0")
    config.item("timer.port.timeout", 2)
    world.node.start(config)
    world.node.wait("DeviceNetworkStatus", lambda t: [p for p in t.get("global", {}).get("ports", []) if
                    p["usable4"] and p["usable6"] and len(p["addresses"]) == 3], "both families are up", 20)
    world.controller(NAME)
    wait_test(world.node, "uplink-a", lambda t: passed(t) and "IPv6 does not work" in t["warning"],
              "it passes by IPv4 and says that IPv6 does not")
    assert " ok " in next(line for line in world.node.edgeway("ports").splitlines() if line.startswith("uplink-a"))
    assert "IPv6 does not work" in world.node.edgeway("ports", "uplink-a")
    world.net["isp-a"].run("nft", "delete table inet hole")
    world.test()
    wait_test(world.node, "uplink-a", lambda t: passed(t) and not t["warning"], "all works again")


def test_every_address_is_tried_and_one_that_reaches_nothing_is_named(make_world):
    world = make_world("a", dhcp=True)
    far = SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    config = Config()
    config.port("uplink-a", "eth0")
    world.node.start(config)
    port = world.node.wait("DeviceNetworkStatus", lambda t: [p for p in t.get("global", {}).get("ports", []) if
                           p["usable4"] and p["usable6"] and len(p["addresses"]) == 3], "both families are up", 20)
    own = {address.partition("/")[0] for address in port["global"]["ports"][0]["addresses"]}
    by_dhcp6 = next(address for address in own if address.startswith("2001:db8:1::1"))
    swallow(world.net["isp-a"], f"ip6 saddr {by_dhcp6} tcp dport 443")
    world.controller(NAME)
    wait_test(world.node, "uplink-a", lambda t: passed(t) and f"{by_dhcp6} to" in t["warning"], "it is named")
    wait_for(lambda: {source for source, *_ in far.seen} == own - {by_dhcp6}, "all others reach the controller")


def test_dns_server_with_a_link_local_address_is_asked(make_world):
    world = make_world("a", dhcp=True)
    SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    links = json.loads(world.net["isp-a"].run("ip", "-j", "-6", "addr", "show", "dev", "lan", "scope", "link").stdout)
    server = next(addr["local"] for link in links for addr in link.get("addr_info", ()) if "local" in addr)
    world.node.start(static_config("a"))
    wait_test(world.node, "uplink-a", passed, "the port is up")
    world.node.override("local.json", {"Version": 1, "TimePriority": "2099-01-01T00:00:00Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 4,
         "DNSServers": [server], "IgnoreDhcpDNSConfig": True}]})
    world.node.wait("DeviceNetworkStatus", lambda t: [p for p in t.get("global", {}).get("ports", []) if
                    p["dnsServers"] == [server] and p["usable6"]], "the link-local server is the only one", 20)
    world.node.wait_settled()
    world.controller(NAME)
    test = wait_test(world.node, "uplink-a", lambda t: passed(t) and t["target"], "the name is found", 30)
    assert server not in test["warning"]


def test_silent_dns_server_beside_a_good_one_costs_nothing_and_is_named(world):
    """EVE: issue 6483."""
    SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    names(world.net["isp-a"], NAME, WEB4)
    world.net["isp-a"].configure("addr add 192.168.1.53/24 dev lan")
    swallow(world.net["isp-a"], "ip daddr 192.168.1.53")
    world.controller(NAME)
    world.node.start(static_config("a", dns=["192.168.1.53", "192.168.1.1"]))
    test = wait_test(world.node, "uplink-a", lambda t: passed(t) and t["target"], "it passes")
    assert test["latencyMs"] < 1000 * SLOW
    wait_test(world.node, "uplink-a", lambda t: t["warning"] == "no answer from DNS 192.168.1.53", "the silent one")
    assert "no answer from DNS 192.168.1.53" in world.node.edgeway("ports", "uplink-a")


# ---- The helper ----

def helpers(world):
    return [pid for pid in sandbox.processes_in(world.net["node"].path)
            if os.path.basename(sandbox.command_of(pid)[0]) == "conn-test"]


@pytest.fixture
def hanging(world):
    """A node in the middle of a round that takes long."""
    mute(world.far, 443)
    names(world.net["isp-a"], NAME, WEB4)
    world.controller(NAME)
    world.node.start(static_config("a", timeout=60))
    wait_for(lambda: helpers(world), "a round is under way", 15)
    return world


def test_round_that_hangs_holds_nothing_up(hanging):
    """EVE: tests block the loop."""
    def wait_carrier(there):
        hanging.node.wait("DeviceNetworkStatus",
                          lambda t: "global" in t and t["global"]["ports"][0]["carrier"] == there, "it is told", 2)
    wait_carrier(True)
    hanging.net.pull("node:eth0")
    wait_carrier(False)
    hanging.node.edgeway("plan", "nim", timeout=2 * SLOW)
    assert helpers(hanging), "while the round is under way"


def test_killed_helper_is_a_failed_round_and_nothing_else(hanging):
    world = hanging
    for pid in helpers(world):
        os.kill(pid, signal.SIGKILL)
    test = wait_test(world.node, "uplink-a", lambda t: "crashed" in t["error"], "the round failed")
    assert (test["outcome"], int(test["failures"])) == ("TEST_UNTESTED", 0)
    wait_for(lambda: any(f"event={event} " in world.node.log() for event in ("port_test_round", "dpc_round")),
             "it is logged, by who wanted the round")
    assert "nim" in world.node.daemons()


def test_helper_is_nobody_and_dies_with_nim(hanging):
    world = hanging
    pid = helpers(world)[0]

    def is_nobody():
        text = open(f"/proc/{pid}/status").read()
        status = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
        return status["Uid"].split() == 4 * ["65534"] and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2" and \
            {int(status[cap], 16) for cap in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}
    wait_for(is_nobody, "it has no rights any more")
    limits = open(f"/proc/{pid}/limits").read()
    assert SLOW > 1 or f" {256 << 20} " in next(line for line in limits.splitlines() if "data size" in line)
    world.node.kill("nim")
    wait_for(lambda: pid not in helpers(world), "the old round is gone")
    wait_for(lambda: helpers(world), "the new nim begins another", 15)


def test_damaged_certificate_file_is_named_as_the_reason(world):
    names(world.net["isp-a"], NAME, WEB4)
    (world.folder / "root-certificate.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense\n")
    world.controller(NAME)
    world.node.start(static_config("a"))
    test = wait_test(world.node, "uplink-a", lambda t: "root-certificate.pem" in t["error"], "it is named")
    assert test["outcome"] == "TEST_UNTESTED"
    assert " untested " in next(line for line in world.node.edgeway("ports").splitlines() if line.startswith("uplink-a"))


# ---- URLs of one's own ----

def test_probe_urls_of_the_configuration_one_is_enough(world):
    names(world.net["isp-a"], NAME, WEB4)
    world.node.start(static_config("a", urls=f"http://{WEB4}:81/no, http://{NAME}/yes"))
    test = wait_test(world.node, "uplink-a", lambda t: passed(t) and t["target"], "one answers")
    assert test["target"] == f"http://{NAME}/yes"


def test_wrong_probe_url_is_refused_with_its_place(world):
    world.node.start(static_config("a"))
    wait_test(world.node, "uplink-a", passed, "it passes")
    world.node.configure(static_config("a", version=2, urls="http://ok.example ftp://no.example"))
    status = world.node.wait("ConfigStatus", lambda t: t.get("global", {}).get("error"), "it is refused")["global"]
    assert status["errorPointer"] == "/configItems/0/value" and "http" in status["error"]
