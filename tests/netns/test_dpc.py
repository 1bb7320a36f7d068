# SPDX-License-Identifier: Apache-2.0
"""Port configurations from files beside the controller's.

     app-a, app-b -- node --eth0-- isp-a (192.168.1.0/24) -- internet
                          --eth1-- isp-b (192.168.2.0/24) --'
"""

import json
import pathlib
import random
import shutil
import subprocess

import packets
import snapshot
import topology
from node import BIN
from waiting import pause, wait_for

STATIC4 = "192.168.1.77"


def static_override(**more):
    """eth0 static, as a technician writes it on a node whose DHCP is broken; eth1 as it was."""
    return {"Version": 1, "TimePriority": "2099-01-02T03:04:05Z", **more, "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 1,
         "Type": 5, "AddrSubnet": f"{STATIC4}/24", "Gateway": "192.168.1.1",
         "DNSServers": ["192.168.1.1"]},
        {"IfName": "eth1", "Logicallabel": "uplink-b", "IsMgmt": True, "IsL3Port": True, "Cost": 10,
         "Dhcp": 4, "Type": 4}]}


def network(node):
    return node.table("DeviceNetworkStatus").get("global", {})


def refusals_in(table):
    return table.get("global", {}).get("dpcRefusals", [])


def nim_settles(node):
    wait_for(lambda: not node.edgeway("plan", "nim").strip(), "nim's plan is empty", 20)


def port(node, label="uplink-a"):
    return next((p for p in network(node).get("ports", []) if p["logicallabel"] == label), {})


def wait_in_force(node, key, what):
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcKey") == key, what)


def wait_usable(node, addresses):
    """Both ports work with IPv4, uplink-a with addresses for which that holds."""
    def usable(table):
        ports = {p["logicallabel"]: p for p in table.get("global", {}).get("ports", [])}
        return all(p["usable4"] for p in ports.values()) and "uplink-a" in ports and addresses(
            [a.partition("/")[0] for a in ports["uplink-a"]["addresses"] if ":" not in a])

    node.wait("DeviceNetworkStatus", usable, "both ports have their addresses", 20)
    nim_settles(node)


def wait_static(node):
    wait_in_force(node, "override", "the override is in force")
    wait_usable(node, lambda four: four == [STATIC4])



def test_static_override_beats_the_controllers_dhcp_and_goes_again(edge):
    """EVE: Bootstrap: static IP by override."""
    node = edge.node
    assert network(node)["dpcKey"] == "zedagent"
    assert network(node)["dpcSource"] == "DPC_CONTROLLER"
    before = snapshot.take(node.host)

    node.override("override.json", static_override())
    wait_static(node)
    assert network(node)["dpcSource"] == "DPC_OVERRIDE"
    assert "dhcpcd: eth0" not in "\n".join(snapshot.take(node.host)["processes"])
    edge.wait_internet("app-a", topology.WEB4)
    packets.assert_reaches(edge.app("app-a"), topology.WEB4, 80, edge.net["internet"])
    assert "override" in node.edgeway("status", check=False)
    listed = node.edgeway("dpc", "list").splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["*", "override", "override"], ["zedagent", "controller", listed[2].split()[2]]]
    assert STATIC4 in node.edgeway("dpc", "show", "override")
    shown = json.loads(node.edgeway("dpc", "show", "override", "--json"))
    assert shown["config"]["ports"][0]["addresses"] == [f"{STATIC4}/24"]

    node.override("override.json", None)
    wait_in_force(node, "zedagent", "the controller's configuration is in force again")
    wait_usable(node, lambda four: four and STATIC4 not in four)
    edge.wait_leases("uplink-a")
    node.wait_settled()
    edge.wait_internet("app-a", topology.WEB6)
    wait_for(lambda: not snapshot.diff(before, snapshot.take(node.host)), "all is as before", 10,
             told=lambda: snapshot.diff(before, snapshot.take(node.host)))


def test_changed_ports_of_the_controller_beat_an_older_override(edge):
    node = edge.node
    node.override("override.json", static_override())
    wait_static(node)
    config = edge.standard_config(version=2)
    node.configure(config)  # the same ports: the technician's word holds
    wait_for(lambda: node.row("ConfigStatus")["version"] == "2", "version 2 is read")
    node.wait_settled()
    assert network(node)["dpcKey"] == "override"

    config = edge.standard_config(version=3)
    config.root["systemAdapterList"][0]["cost"] = 5
    node.configure(config)
    wait_in_force(node, "zedagent", "the controller's new ports are in force")
    wait_usable(node, lambda four: four and STATIC4 not in four)
    assert port(node)["cost"] == 5


def test_malformed_override_changes_nothing_and_is_told(edge):
    node = edge.node
    node.override("override.json", static_override())
    wait_static(node)
    before, mark = snapshot.take(node.host), node.log_mark()

    bad = static_override()
    bad["Ports"][1]["Cost"] = 256
    node.override("override.json", bad)
    node.override("broken.json", '{"Version": 1, "Ports": [')
    refused = node.wait("DeviceNetworkStatus", lambda t: len(refusals_in(t)) == 2,
                        "both files are refused")["global"]["dpcRefusals"]
    assert refused == [
        {"file": "broken.json", "pointer": "", "why": "line 1, column 25: ']' expected near end of file"},
        {"file": "override.json", "pointer": "/Ports/1/Cost", "why": "expected 0 to 255"}]
    lines = [line for line in node.log_since(mark) if "dpc_refused" in line]
    assert len(lines) == 2 and any("/Ports/1/Cost" in line for line in lines)
    status = node.edgeway("status", check=False)
    assert 'refused at "/Ports/1/Cost": expected 0 to 255' in status
    assert "refused: override.json" in node.edgeway("dpc", "list")
    node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))
    packets.assert_reaches(edge.app("app-a"), topology.WEB4, 80, edge.net["internet"])

    node.kill("nim")  # what the file said when it was good is stored
    node.wait("DeviceNetworkStatus", lambda t: len(refusals_in(t)) == 2, "nim is back")
    node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))

    node.override("broken.json", None)
    node.override("override.json", static_override())
    node.wait("DeviceNetworkStatus", lambda t: t and not refusals_in(t), "nothing is refused")
    snapshot.assert_same(before, snapshot.take(node.host))


def test_override_without_a_usable_management_port_is_listed_and_not_used(edge):
    node = edge.node
    before = snapshot.take(node.host)
    useless = static_override()
    for one in useless["Ports"]:
        one["Type"] = 9
    node.override("useless.json", useless)
    listed = node.wait("DevicePortConfigList", lambda t: len(
        t.get("global", {}).get("entries", [])) == 2, "the file is listed")["global"]
    assert listed["current"] == "zedagent"
    assert listed["entries"][0]["error"] == \
        "no usable management port: uplink-a: Type 9 is none of 0, 4, 5, 6, 7, 8"
    node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))


def test_kill_9_of_nim_leaves_an_override_in_force_and_loses_nothing(edge):
    node = edge.node
    node.override("override.json", static_override())
    wait_static(node)
    edge.wait_internet("app-a", topology.WEB4)
    before = snapshot.take(node.host)
    with packets.Ping(edge.app("app-a"), topology.WEB4) as ping:
        ping.wait_answers(20)
        pid = node.daemons()["nim"]
        node.kill("nim")
        wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again")
        node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    snapshot.assert_same(before, snapshot.take(node.host))


def kill_all(node):
    """And wait until their locks are free, as who starts one daemon alone must."""
    pids = node.daemons().values()
    node.kill()
    wait_for(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "all are dead")


def start_nim(node, *options):
    with open(node.log_path, "ab") as log:
        return node.host.start(
            str(BIN / "nim"), "--run-dir", str(node.run_dir), "--state-dir", str(node.state_dir),
            "--dpc-dir", str(node.dpc_dir), "--log-level", "debug", *options, stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT)


def test_kill_9_at_any_time_while_overrides_come_and_go(edge):
    node, dice = edge.node, random.Random(7)
    kill_all(node)  # nim alone, or who supervises it would pause longer each time
    for turn in range(20):
        nim = start_nim(node)
        node.override("override.json", static_override() if turn % 2 == 0 else None)
        pause(dice.uniform(0, 0.1))  # any time: that is the test
        nim.kill()
        nim.wait()
    node.start()
    wait_in_force(node, "zedagent", "the controller's configuration is in force")
    wait_usable(node, lambda four: four and STATIC4 not in four)
    node.override("override.json", static_override())
    wait_static(node)
    node.wait_settled()
    edge.wait_internet("app-a", topology.WEB4)


def stored(node, suffix=""):
    path = node.state_dir / "nim" / f"dpc-list.json{suffix}"
    # a line with its checksum follows
    return json.JSONDecoder().raw_decode(path.read_text())[0] if path.exists() else {}


def reboot(node):
    """Nothing of the kernel's state and of the run folder is left."""
    kill_all(node)
    wait_for(lambda: not node.host.kill_all(), "all processes are gone")
    node.host.configure("addr flush dev eth0", "addr flush dev eth1", "link set eth0 down",
                        "link set eth1 down")
    node.host.run("nft", "flush", "ruleset")
    shutil.rmtree(node.run_dir)


def test_nim_needs_no_zedagent_to_keep_the_ports(edge):
    node = edge.node
    before = snapshot.take(node.host)
    kill_all(node)
    start_nim(node)
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcKey") == "zedagent",
              "nim has the stored configuration")
    nim_settles(node)
    packets.assert_reaches(edge.app("app-a"), topology.WEB4, 80, edge.net["internet"])
    after = snapshot.take(node.host)
    for section in ("links", "addresses", "rules", "routes"):
        assert before[section] == after[section]


def test_reboot_without_zedagent_brings_the_ports_up(edge):
    node = edge.node
    node.override("override.json", static_override())
    wait_static(node)
    wait_for(lambda: stored(node).get("current") == stored(node, ".2").get("current") == "override",
             "the list is on disk")
    reboot(node)
    start_nim(node)
    wait_usable(node, lambda four: four == [STATIC4])
    assert network(node)["dpcKey"] == "override"
    assert "drop" in node.edgeway("firewall"), "no port is up without the firewall"
    node.override("override.json", None)  # and below it, the controller's of before
    wait_in_force(node, "zedagent", "the controller's stored configuration is in force")
    wait_usable(node, lambda four: four and STATIC4 not in four)


def test_damaged_list_is_set_aside_and_its_copy_used(edge):
    node = edge.node
    wait_for(lambda: stored(node, ".2").get("current") == "zedagent", "the copy is on disk")
    reboot(node)
    (node.state_dir / "nim/dpc-list.json").write_text('{"entries": [{"key": "zedag')
    start_nim(node)
    wait_usable(node, lambda four: bool(four))
    assert (node.state_dir / "nim/dpc-list.json.bad").exists()
    assert "event=stored_bad" in node.log()


def test_node_starts_when_all_copies_of_the_list_are_damaged(edge):
    node = edge.node
    wait_for(lambda: stored(node, ".2").get("current") == "zedagent", "the copy is on disk")
    reboot(node)
    for suffix in ("", ".2"):
        (node.state_dir / f"nim/dpc-list.json{suffix}").write_bytes(b"\x00" * 512)
    node.start()
    wait_usable(node, lambda four: bool(four))
    assert network(node)["dpcKey"] == "zedagent"
