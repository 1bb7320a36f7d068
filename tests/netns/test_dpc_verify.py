# SPDX-License-Identifier: Apache-2.0
"""Which port configuration is in force is a result of tests.

     node --eth0-- isp-a (192.168.1.0/24) -- internet     no DHCP servers at first
          --eth1-- isp-b (192.168.2.0/24) --'
"""

import json
import random
import re
import subprocess
import time

import pytest

import packets
import services
import snapshot
import topology
from config import Config, uuid_of
from node import BIN
from stalls import Stalls
from test_dpc import kill_all, network, reboot, start_nim, stored
from waiting import pause, wait_for

pytestmark = pytest.mark.quiet

DURATION_S = 1  # timer.port.testduration of these tests
FORMER = re.compile(r"zedagent@\d{4}-.*Z(#\d+)?$")


def static_config(version=1, duration=DURATION_S, **items):
    config = Config(version)
    for key, value in {"testduration": duration, "testinterval": 600, "testbetterinterval": 0,
                       **items}.items():
        config.item(f"timer.port.{key}", value)
    for n in (1, 2):
        config.port(f"uplink-{'ab'[n - 1]}", f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only",
                    address=f"192.168.{n}.2/24", gateway=f"192.168.{n}.1", dns=[f"192.168.{n}.1"])
    return config


def dhcp_config(version=2, mtu=0, **items):
    """What a controller sends that does not know its network. mtu: cannot be tried beside."""
    config = static_config(version, **items)
    config.root["networks"], config.root["systemAdapterList"] = [], []
    config.root["deviceIoList"] = []
    for n in (1, 2):
        config.port(f"uplink-{'ab'[n - 1]}", f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only")
        if mtu:
            config.root["networks"][-1]["mtu"] = mtu
    return config


@pytest.fixture
def node(make_net, make_node):
    """Up with static addresses in a world without DHCP."""
    net = make_net(topology.standard, dhcp=False)
    node = make_node(net["node"])
    node.net = net
    node.start(static_config())
    wait_state(node, lambda s: s["dpcState"] == "DPC_STATE_SUCCESS" and not s["dpcTesting"])
    node.wait_settled()
    return node


def wait_state(node, accept, what="the state is as expected", timeout=15):
    return node.wait("DeviceNetworkStatus", lambda t: "global" in t and accept(t["global"]), what,
                     timeout)["global"]


def entries(node):
    return node.table("DevicePortConfigList").get("global", {}).get("entries", [])


def is_former(status):
    return FORMER.match(status["dpcKey"]) is not None


def events(node, name, mark=0):
    """[{key: value}] of the log lines of an event."""
    return [dict(re.findall(r'(\w+)="?([^" ]*)', line)) for line in node.log_since(mark)
            if f"event={name} " in line]


def seconds(stamp):
    return time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) + float(stamp[19:-1])


def serve_dhcp(net):
    for n, letter in enumerate("ab", 1):
        services.dnsmasq(net[f"isp-{letter}"], "lan", f"192.168.{n}", f"2001:db8:{n}", names={})


def test_bad_config_without_dhcp_is_back_on_the_old_within_two_test_durations(node):
    """EVE: NetworkConfigFallback."""
    mark = node.log_mark()
    duration = 3
    node.configure(dhcp_config(mtu=1400, duration=duration))
    wait_state(node, lambda s: s["dpcKey"] == "zedagent" and s["dpcState"] == "DPC_STATE_IPDNS_WAIT",
               "the new configuration waits for addresses")
    with Stalls() as stalls:
        wait_state(node, lambda s: is_former(s) and s["dpcState"] == "DPC_STATE_SUCCESS",
                   "the former configuration is in force again")
    changes = events(node, "dpc_in_force", mark)
    assert [c["key"].partition("@")[0] for c in changes] == ["zedagent", "zedagent"]
    took = seconds(changes[1]["ts"]) - seconds(changes[0]["ts"])
    print(f"back after {took:.2f} s, {took / duration:.2f} test durations")
    assert took < 2 * duration + stalls.ms / 1000, f"back after {took:.1f} s"
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])
    listed = node.edgeway("dpc", "list")
    assert "FAIL" in listed and "no address" in listed
    assert "not the first of the list" in node.edgeway("status", check=False)


def test_repaired_config_is_tried_again_and_comes_back(node):
    """EVE: NetworkConfigFallback."""
    node.configure(dhcp_config(mtu=1400, testbetterinterval=3, testinterval=2))
    wait_state(node, lambda s: is_former(s) and not s["dpcTesting"], "it fell back")
    serve_dhcp(node.net)
    wait_state(node, lambda s: s["dpcKey"] == "zedagent" and s["dpcState"] == "DPC_STATE_SUCCESS"
               and s["dpcIndex"] == 0, "the first of the list works", 30)
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def test_kill_9_goes_on_with_what_it_fell_back_to_and_loses_nothing(node):
    node.configure(dhcp_config(mtu=1400))
    former = wait_state(node, lambda s: is_former(s) and not s["dpcTesting"], "it fell back")["dpcKey"]
    node.wait_settled()
    before = snapshot.take(node.host)
    mark = node.log_mark()
    with packets.Ping(node.host, topology.WEB4) as ping:
        ping.wait_answers(20)
        pid = node.daemons()["nim"]
        node.kill("nim")
        wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again")
        node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    snapshot.assert_same(before, snapshot.take(node.host))
    assert {e["key"] for e in events(node, "dpc_in_force", mark)} == {former}
    assert wait_state(node, lambda s: not s["dpcTesting"])["dpcKey"] == former


def test_kill_9_at_any_time_of_a_verification_ends_on_the_working_one(node):
    dice = random.Random(11)
    node.configure(dhcp_config(mtu=1400))
    wait_state(node, lambda s: s["dpcKey"] == "zedagent" and s["dpcTesting"], "it is being verified")
    kill_all(node)
    for _ in range(12):
        nim = start_nim(node)
        pause(dice.uniform(0, 0.4))  # any time: that is the test
        nim.kill()
        nim.wait()
    node.start()
    wait_state(node, lambda s: is_former(s) and s["dpcState"] == "DPC_STATE_SUCCESS",
               "the former configuration is in force again")
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def test_reboot_brings_up_what_worked_last(node):
    node.configure(dhcp_config(mtu=1400))
    former = wait_state(node, lambda s: is_former(s) and not s["dpcTesting"], "it fell back")["dpcKey"]
    wait_for(lambda: stored(node).get("current") == stored(node, ".2").get("current") == former,
             "the list is on disk")
    reboot(node)
    start_nim(node)
    wait_state(node, lambda s: s["dpcKey"] == former and s["dpcState"] == "DPC_STATE_SUCCESS",
               "what worked is in force")
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def manual(address="192.168.1.99/24", mtu=1400):
    return {"Version": 1, "TimePriority": "2026-01-02T03:04:05Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 1, "Type": 5,
         "MTU": mtu, "AddrSubnet": address, "Gateway": "192.168.1.1", "DNSServers": ["192.168.1.1"]}]}


def manual_without_dhcp():
    dpc = manual()
    dpc["Ports"][0].update({"Dhcp": 4, "AddrSubnet": "", "Gateway": ""})
    return dpc


def complaint(node, *args):
    return node.host.run(str(BIN / "edgeway"), *args, "--run-dir", str(node.run_dir), check=False).stderr


def set_manual(node, dpc):
    path = node.folder / "manual.json"
    path.write_text(json.dumps(dpc))
    node.edgeway("dpc", "set", str(path))


def test_manual_is_never_undercut_and_revert_takes_it_back(node):
    """EVE: RevertManualDPC."""
    set_manual(node, manual_without_dhcp())
    wait_state(node, lambda s: s["dpcKey"] == "manual" and s["dpcState"] == "DPC_STATE_FAIL"
               and not s["dpcTesting"], "it fails and stays")
    assert "its test failed" in node.edgeway("status", check=False)
    assert "taken back" in node.edgeway("dpc", "revert")
    wait_state(node, lambda s: s["dpcKey"] == "zedagent" and s["dpcState"] == "DPC_STATE_SUCCESS",
               "the controller's is in force")
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def test_test_and_revert_by_hand(node):
    assert "SUCCESS" in node.edgeway("dpc", "test")
    config = static_config(2)
    config.root["networks"][0]["mtu"] = 1400
    config.root["networks"][0]["ip"]["dns"] = ["192.168.1.53"]
    node.configure(config)
    wait_state(node, lambda s: s["dpcKey"] == "zedagent" and not s["dpcTesting"]
               and s["ports"][0]["dnsServers"] == ["192.168.1.53"], "the new one is in force")
    assert len(entries(node)) == 1, "nobody will fall back on the former one any more"
    assert "no other" in complaint(node, "dpc", "revert")
    node.override("spare.json", {**manual("192.168.1.98/24"), "TimePriority": "2099-01-02T03:04:05Z"})
    wait_state(node, lambda s: s["dpcKey"] == "spare" and not s["dpcTesting"], "the override is in force")
    done = node.edgeway("dpc", "test", "zedagent")
    assert "zedagent" in done and "SUCCESS" in done
    assert wait_state(node, lambda s: not s["dpcTesting"])["dpcKey"] == "zedagent"
    done = node.edgeway("dpc", "revert")
    assert "back from zedagent to spare" in done
    wait_state(node, lambda s: s["dpcKey"] == "spare" and not s["dpcTesting"], "back on the override")
    assert "remove that" in complaint(node, "dpc", "revert")
    assert "no such" in complaint(node, "dpc", "test", "nobody")


def test_pulled_cables_change_no_configuration_that_uses_the_same_ports(node):
    """An older configuration does not mend what is broken outside.

    EVE: link events start no test. EVE: fallback where the outside is at fault."""
    node.override("old.json", {**manual("192.168.1.98/24"), "TimePriority": "2000-01-02T03:04:05Z"})
    node.wait("DevicePortConfigList", lambda t: len(t.get("global", {}).get("entries", [])) == 2, "the file is listed")
    mark = node.log_mark()
    for end in ("node:eth0", "node:eth1"):
        node.net.pull(end)
    wait_state(node, lambda s: s["dpcState"] == "DPC_STATE_FAIL" and not s["dpcTesting"],
               "it is given up", 5 * DURATION_S + 15)
    assert network(node)["dpcKey"] == "zedagent"
    assert not events(node, "dpc_in_force", mark)
    for end in ("node:eth0", "node:eth1"):
        node.net.plug(end)
    wait_state(node, lambda s: s["dpcState"] == "DPC_STATE_SUCCESS", "and works as soon as it can", 5)
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def test_timers_take_effect_and_bad_ones_are_refused_with_their_place(node):
    node.configure(static_config(3, duration=0))
    refused = node.wait("ConfigStatus", lambda t: t.get("global", {}).get("error"), "it is refused")["global"]
    assert (refused["errorPointer"], refused["error"]) == ("/configItems/0/value", "expected 1 to 3600")


# ---- Beside ----

def wait_trial(node, what="the candidate is tried beside"):
    return wait_state(node, lambda s: s["dpcCandidate"] == "zedagent" and is_former(s), what)


def wait_given_up(node):
    wait_state(node, lambda s: is_former(s) and not s["dpcTesting"], "the candidate is given up",
               5 * DURATION_S + 15)
    assert entries(node)[0]["state"].startswith("DPC_STATE_FAIL")


def test_bad_candidate_beside_the_working_configuration_loses_no_packet(node):
    """EVE: NetworkConfigFallback."""
    before = snapshot.take(node.host)
    with packets.Ping(node.host, topology.WEB4) as ping:
        ping.wait_answers(20)
        node.configure(dhcp_config())
        wait_trial(node)
        assert network(node)["ports"][0]["dhcp"] == "DHCP_STATIC", "what is told is the working one"
        wait_for(lambda: "dhcpcd: eth0" in "\n".join(snapshot.take(node.host)["processes"]),
                 "the candidate asks for addresses")
        wait_given_up(node)
        node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    snapshot.assert_same(before, snapshot.take(node.host))
    listed = node.edgeway("dpc", "list")
    assert "no address" in listed


def test_good_candidate_is_tried_beside_and_committed(node):
    serve_dhcp(node.net)
    mark = node.log_mark()
    with packets.Ping(node.host, topology.WEB4) as ping, Stalls() as stalls:
        ping.wait_answers(20)
        node.configure(dhcp_config())
        wait_state(node, lambda s: s["dpcKey"] == "zedagent" and s["dpcState"] == "DPC_STATE_SUCCESS"
                   and "192.168.1.2/24" not in s["ports"][0]["addresses"], "the candidate is in force")
        node.wait_settled()
        ping.wait_answers(20)
    assert ping.result.gap_ms < 500 + stalls.within_ms(*ping.result.gap), repr(ping.result)
    assert [e["beside"] for e in events(node, "dpc_trial", mark)][0].startswith("zedagent@")
    assert len(entries(node)) == 1


def test_kill_9_while_a_candidate_is_tried_loses_nothing_and_leaves_nothing(node):
    before = snapshot.take(node.host)
    with packets.Ping(node.host, topology.WEB4) as ping:
        ping.wait_answers(20)
        node.configure(dhcp_config(duration=2))
        wait_trial(node)
        pid = node.daemons()["nim"]
        node.kill("nim")
        wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again")
        wait_trial(node, "it is tried anew")
        wait_given_up(node)
        node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    snapshot.assert_same(before, snapshot.take(node.host))


def test_app_that_takes_a_card_during_a_trial_has_the_candidate_looked_at_again(node):
    node.configure(dhcp_config(duration=4))
    wait_trial(node)
    config = dhcp_config(3, duration=4)
    config.root["apps"].append({
        "uuidandversion": {"uuid": uuid_of("app", "cam"), "version": "1"}, "displayname": "cam",
        "activate": True, "interfaces": [], "adapters": [{"type": "PhyIoNetEth", "name": "uplink-b"}]})
    node.configure(config)
    told = node.wait("DevicePortConfigList", lambda t: t.get("global", {}).get("serialWhy"),
                     "it is not tried beside any more")
    assert told["global"]["serialWhy"] == "eth1: it cannot be used in one of the two"
    status = wait_state(node, lambda s: is_former(s) and not s["dpcTesting"], "the working one is back", 20)
    assert status["ports"][1]["error"].startswith("assigned to an application: ")
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])


def probed(config):
    config.item("edgeway.probe.urls", f"http://{topology.WEB4}/")
    return config


def other_address(gateway, version):
    """The candidate has another address on eth0, and eth0 only."""
    config = probed(static_config(version, timeout=2))
    config.root["networks"][0]["ip"].update(gateway=gateway)
    config.root["systemAdapterList"][0]["addr"] = "192.168.1.77"
    del config.root["networks"][1], config.root["systemAdapterList"][1], config.root["deviceIoList"][1]
    return config


def test_candidate_is_probed_by_its_own_gateway(node):
    """It is the test that tells: the working configuration's way out would do for both."""
    node.configure(probed(static_config(2)))
    node.net["isp-b"].configure("addr add 192.168.1.254/24 dev lan")  # but not on eth0's network
    wait_state(node, lambda s: s["ports"][0].get("test", {}).get("target"), "the probe is answered")
    with packets.Ping(node.host, topology.WEB4) as ping, Stalls() as stalls:
        ping.wait_answers(20)
        node.configure(other_address("192.168.1.254", 3))
        wait_trial(node)
        wait_given_up(node)
        ping.wait_answers(20)
        assert entries(node)[0]["lastError"], "why it failed is told"
        node.configure(other_address("192.168.1.1", 4))
        wait_state(node, lambda s: s["dpcKey"] == "zedagent" and s["dpcState"] == "DPC_STATE_SUCCESS"
                   and s["ports"][0]["addresses"] == ["192.168.1.77/24"], "a good one is committed", 20)
        node.wait_settled()
        ping.wait_answers(20)
    assert ping.result.gap_ms < 500 + stalls.within_ms(*ping.result.gap), repr(ping.result)


@pytest.fixture
def broken_helper():
    """While it is mounted over the test program, that fails at once; the folder of mounts is our own."""
    def mount():
        subprocess.run(["mount", "--bind", "/bin/false", str(BIN / "conn-test")], check=True)
        mounts.append(BIN / "conn-test")

    def mend():
        subprocess.run(["umount", str(mounts.pop())], check=True)
    mounts = []
    mount.mend = mend
    yield mount
    while mounts:
        mend()


def test_test_program_that_always_fails_leaves_the_working_configuration_in_force(node, broken_helper):
    """What could not be tested has not failed, and has its chance when the program works again."""
    node.configure(probed(static_config(2)))
    wait_state(node, lambda s: s["ports"][0].get("test", {}).get("target"), "the probe is answered")
    broken_helper()
    config = probed(static_config(3))
    config.root["networks"][0]["mtu"] = 1400
    node.configure(config)
    wait_state(node, lambda s: is_former(s) and not s["dpcTesting"], "the working one is in force", 30)
    first = entries(node)[0]
    assert (first["key"], first["state"], int(first["lastFailedMs"])) == ("zedagent", "DPC_STATE_NONE", 0)
    assert first["lastError"].startswith("could not be tested: ")
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])
    done = node.host.run(str(BIN / "edgeway"), "dpc", "test", "--run-dir", str(node.run_dir), check=False)
    assert done.returncode == 1 and "could not be tested" in done.stdout
    broken_helper.mend()
    done = node.edgeway("dpc", "test")
    assert "SUCCESS" in done and "could not" not in done
    assert network(node)["dpcKey"] == "zedagent"


def test_who_waits_for_a_test_is_told_when_it_takes_too_long(node):
    node.configure(dhcp_config(duration=30))
    wait_trial(node)
    assert "zedagent is still being tested after 1 s" in complaint(node, "dpc", "test", "--timeout", "1")
    wait_trial(node, "it goes on")
    assert "usage" in complaint(node, "dpc", "test", "--timeout", "0")


def test_dns_servers_that_know_no_name_are_left_again(node):
    """EVE: DNSFunctionality (DNS failure: fallback)."""
    def resolving(version, server):
        config = static_config(version, timeout=2)
        for network in config.root["networks"]:
            network["ip"]["dns"] = [server]
        config.item("edgeway.probe.urls", "http://far.example/")
        return config
    services.names(node.net["isp-a"], "far.example", topology.WEB4)
    node.configure(resolving(2, "192.168.1.1"))
    wait_state(node, lambda s: s["ports"][0].get("test", {}).get("target"), "the name is found")
    mark = node.log_mark()
    node.configure(resolving(3, "192.168.1.253"))  # nobody
    wait_state(node, lambda s: is_former(s) and s["ports"][0]["dnsServers"] == ["192.168.1.1"]
               and not s["dpcTesting"] and events(node, "dpc_state", mark), "back on the one that resolves", 40)
    failed = entries(node)[0]
    assert failed["key"] == "zedagent" and failed["state"].startswith("DPC_STATE_FAIL")
    assert failed["lastError"] == "no answer from 192.168.1.253 for far.example"
    trace = node.edgeway("ports", "uplink-a", "--trace")
    assert "uplink-a: the last test that failed of a configuration being tried, " in trace
    assert "dns far.example A: 192.168.1.253 is asked" in trace


def vlan_config(version):
    """Management moves from eth0 itself to VLAN 77 on it."""
    config = static_config(version)
    config.root["networks"], config.root["systemAdapterList"] = [], []
    config.vlan("v77", "uplink-a", 77)
    config.port("v77", kind="V4Only", lower="v77")
    return config


@pytest.mark.lab
def test_vlan_is_tried_beside_its_working_parent(node):
    with packets.Ping(node.host, topology.WEB4) as ping:
        ping.wait_answers(20)
        node.configure(vlan_config(2))
        wait_trial(node)
        wait_given_up(node)
        node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    node.net["isp-a"].configure("link add link lan name lan77 type vlan id 77", "link set lan77 up",
                                "addr add 192.168.77.1/24 dev lan77")
    node.net["internet"].configure("route add 192.168.77.0/24 via 203.0.113.5")
    services.dnsmasq(node.net["isp-a"], "lan77", "192.168.77", "2001:db8:77", names={})
    assert "SUCCESS" in node.edgeway("dpc", "test", timeout=40)
    wait_state(node, lambda s: s["dpcKey"] == "zedagent" and not s["dpcTesting"], "it is committed")
    node.wait_settled()
    packets.assert_reaches(node.host, topology.WEB4, 80, node.net["internet"])
