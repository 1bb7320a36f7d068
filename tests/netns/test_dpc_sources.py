# SPDX-License-Identifier: Apache-2.0
"""Port configurations of the other sources: a stick, the local operator, the last resort.

     app-a, app-b -- node --eth0-- isp-a (192.168.1.0/24) -- internet
                          --eth1-- isp-b (192.168.2.0/24) --'
"""

import json

import packets
import scenario
import topology
from config import Config
from node import BIN
from test_dpc import (STATIC4, network, reboot, refusals_in, start_nim, static_override, stored,
                      wait_in_force, wait_usable)
from waiting import wait_for


def stick(node, content):
    """What usb-config puts there when a stick comes, dictionary or text; None: it goes."""
    folder = node.run_dir / "usb"
    folder.mkdir(exist_ok=True)
    temporary = folder / ".usb.json.new"
    if content is None:
        (folder / "usb.json").unlink()
        return
    temporary.write_text(content if isinstance(content, str) else json.dumps(content))
    temporary.rename(folder / "usb.json")


def keys_in(table):
    return [entry["key"] for entry in table.get("global", {}).get("entries", [])]


def entries(node):
    return keys_in(node.table("DevicePortConfigList"))


def wait_entries(node, keys, what):
    node.wait("DevicePortConfigList", lambda t: keys_in(t) == keys, what)


def wait_fails(node, key, what):
    node.wait("DevicePortConfigList", lambda t: any(
        entry["key"] == key and entry["state"].startswith("DPC_STATE_FAIL")
        for entry in t.get("global", {}).get("entries", [])), what, 30)


# ---- A stick ----

def test_stick_beats_the_controller_while_it_is_plugged_in(edge):
    """EVE: issue 3140."""
    node = edge.node
    said = static_override()
    said["Ports"][0]["NTPServers"] = ["192.168.1.8"]
    stick(node, said)
    wait_in_force(node, "usb", "what the stick says is in force")
    wait_usable(node, lambda four: four == [STATIC4])
    assert network(node)["ports"][0]["ntpServers"] == ["192.168.1.8"]
    assert network(node)["dpcSource"] == "DPC_OVERRIDE"
    assert "usb/usb.json" in node.edgeway("dpc", "show", "usb")
    bad = static_override()
    bad["Ports"][1]["Cost"] = 256
    stick(node, bad)
    refused = node.wait("DeviceNetworkStatus", lambda t: refusals_in(t), "the stick is refused")
    assert refused["global"]["dpcRefusals"] == [
        {"file": "usb/usb.json", "pointer": "/Ports/1/Cost", "why": "expected 0 to 255"}]
    assert network(node)["dpcKey"] == "usb", "what it said before stays"
    stick(node, None)
    wait_in_force(node, "zedagent", "the controller's configuration is in force again")
    wait_usable(node, lambda four: four and STATIC4 not in four)
    assert not network(node).get("dpcRefusals")


def test_reboot_keeps_what_a_stick_said_until_it_is_known_to_be_gone(edge):
    node = edge.node
    stick(node, static_override())
    wait_in_force(node, "usb", "what the stick says is in force")
    wait_usable(node, lambda four: four == [STATIC4])
    wait_for(lambda: stored(node).get("current") == stored(node, ".2").get("current") == "usb",
             "the list is on disk")
    reboot(node)
    start_nim(node)
    wait_usable(node, lambda four: four == [STATIC4])
    assert network(node)["dpcKey"] == "usb", "nobody has looked for the stick yet"
    (node.run_dir / "usb").mkdir()  # somebody has, and found none
    wait_in_force(node, "zedagent", "the controller's stored configuration is in force")


# ---- By hand ----

def set_by_hand(node, content):
    """Exit status, and what it said."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    done = node.host.run(str(BIN / "edgeway"), "dpc", "set", "-", "--run-dir", str(node.run_dir),
                         check=False, stdin=None, input=text)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_what_is_set_by_hand_beats_all_until_it_is_taken_back(edge):
    node = edge.node
    by_hand = static_override()
    by_hand["TimePriority"] = "2001-01-01T00:00:00Z"
    assert set_by_hand(node, by_hand) == (0, "in force: zedagent; tried beside it: manual")
    wait_in_force(node, "manual", "it works")
    assert network(node)["dpcSource"] == "DPC_MANUAL"
    wait_usable(node, lambda four: four == [STATIC4])
    node.override("override.json", static_override(TimePriority="2099-09-09T00:00:00Z"))
    wait_for(lambda: entries(node) == ["override", "zedagent"],
             "a newer override works, and nobody will fall back on what was set by hand")
    assert set_by_hand(node, by_hand) == (0, "in force: manual")
    by_hand["Ports"][1]["Cost"] = 11
    assert set_by_hand(node, by_hand) == (0, "in force: manual")
    assert entries(node)[0] == "manual" and len(entries(node)) == 3, "there is one"

    wait_for(lambda: network(node).get("dpcState") == "DPC_STATE_SUCCESS", "its test has ended")
    before = node.table("DevicePortConfigList")
    by_hand["Ports"][1]["Cost"] = 256
    assert set_by_hand(node, by_hand) == \
        (1, 'edgeway: nim: refused at "/Ports/1/Cost": expected 0 to 255')
    for one in by_hand["Ports"]:
        one.update(Cost=0, Dhcp=0)
    assert set_by_hand(node, by_hand) == \
        (1, "edgeway: nim: refused: no management port that gets an address")
    assert set_by_hand(node, " " * 16385) == \
        (1, 'edgeway: nim: refused at "": larger than 16384 bytes')
    assert node.table("DevicePortConfigList") == before

    node.kill("nim")
    wait_in_force(node, "manual", "nim is back with it")
    node.override("override.json", None)
    assert node.edgeway("dpc", "unset").strip() == "in force: zedagent"
    wait_usable(node, lambda four: four and STATIC4 not in four)
    assert "no manual port configuration" in node.host.run(
        str(BIN / "edgeway"), "dpc", "unset", "--run-dir", str(node.run_dir), check=False).stderr


def test_controllers_new_ports_go_above_what_is_set_by_hand(edge):
    node = edge.node
    assert set_by_hand(node, static_override()) == (0, "in force: zedagent; tried beside it: manual")
    wait_in_force(node, "manual", "it works")
    config = edge.standard_config(version=2)
    config.root["systemAdapterList"][0]["cost"] = 5
    node.configure(config)
    wait_in_force(node, "zedagent", "the controller's new ports are in force")
    wait_for(lambda: entries(node) == ["zedagent"], "what was set by hand is done with")


# ---- The last resort ----

def ports_of(table):
    return {p["logicallabel"]: p for p in table.get("global", {}).get("ports", [])}


def wait_last_resort(node, *labels):
    """It is in force, and each of its ports has what DHCP gives."""
    def works(table):
        ports = ports_of(table)
        return table.get("global", {}).get("dpcKey") == "lastresort" and \
            set(ports) == set(labels) and all(p["usable4"] for p in ports.values())

    node.wait("DeviceNetworkStatus", works, "the last resort is in force and works", 20)


def test_node_without_any_configuration_comes_up_by_the_last_resort(net, node):
    """EVE: NoDPCForBootstrap, LastresortUpdate."""
    node.run_options = ("--last-resort-after", "60")  # zedagent says at once that there is none
    node.start()
    wait_last_resort(node, "eth0", "eth1")
    assert network(node)["dpcSource"] == "DPC_LAST_RESORT"
    assert network(node)["defaultPort4"] == "eth0"
    packets.assert_reaches(net["node"], topology.WEB4, 80, net["internet"])
    assert node.edgeway("dpc", "list").splitlines()[1].split()[:4] == \
        ["*", "lastresort", "last", "resort"]

    node.kill("nim")
    wait_last_resort(node, "eth0", "eth1")
    node.wait_settled()

    net.host("isp-c")  # another card: a port, too, with nobody at its other end
    net.cable("node:eth2", "isp-c:lan")
    node.wait("DeviceNetworkStatus", lambda t: set(ports_of(t)) == {"eth0", "eth1", "eth2"},
              "the new card is a port")
    net["node"].configure("link del eth2")
    node.wait("DeviceNetworkStatus", lambda t: set(ports_of(t)) == {"eth0", "eth1"},
              "the card that is gone is none any more")

    config = Config()
    config.item("timer.port.testduration", 1)
    config.port("uplink-a", "eth9")  # there is no eth9
    node.configure(config)
    wait_fails(node, "zedagent", "the controller's first one is tried and fails")
    wait_last_resort(node, "eth0", "eth1")

    node.configure(scenario.Edge(net, node).standard_config(version=2, static=True))
    wait_in_force(node, "zedagent", "the controller's configuration is in force")
    wait_entries(node, ["zedagent"], "the last resort is withdrawn when it works")


def test_last_resort_comes_when_nobody_has_said_anything_for_its_time(net, node):
    """EVE: DpcAvailTimeLimit."""
    node.dpc_dir.mkdir()
    nim = start_nim(node, "--last-resort-after", "1")
    wait_last_resort(node, "eth0", "eth1")
    nim.kill()
    nim.wait()


def test_without_being_asked_edgeway_run_takes_over_no_card(net, node):
    """EVE: Bootstrap: last resort off."""
    node.start()
    wait_for(lambda: node.table("ConfigStatus"), "zedagent has looked for a configuration")
    node.wait("DeviceNetworkStatus", lambda t: "global" in t, "nim tells its state")
    assert not network(node).get("ports") and not node.edgeway("plan", "nim").strip()
    assert "eth0" not in node.edgeway("firewall")


def test_last_resort_that_is_switched_on_stands_below_all_others(edge):
    """EVE: Bootstrap: last resort on. EVE: PR 2908."""
    node = edge.node
    config = edge.standard_config(version=2)
    config.item("network.fallback.any.eth", "enabled")
    node.configure(config)
    wait_entries(node, ["zedagent", "lastresort"], "it stands in the list")
    assert network(node)["dpcKey"] == "zedagent"
    listed = node.row("DevicePortConfigList")["entries"][1]["config"]["ports"]
    assert [p["ifname"] for p in listed] == ["eth0", "eth1"], "no interface of apps, no bridge"

    config = edge.standard_config(version=3)
    config.item("network.fallback.any.eth", "on")
    config.root["apps"][0]["adapters"] = [{"type": "PhyIoNetEth", "name": "uplink-b"}]
    node.configure(config)
    wait_for(lambda: [p["ifname"] for p in node.row("DevicePortConfigList")["entries"][-1]
                      ["config"]["ports"]] == ["eth0"], "the card of an app is left alone")

    config = edge.standard_config(version=4)
    config.item("network.fallback.any.eth", "disabled")
    node.configure(config)
    wait_entries(node, ["zedagent"], "it is gone")
    node.wait_settled()
