# SPDX-License-Identifier: Apache-2.0
"""Radio silence, with the daemons of the radios as bus peers of this test.

     node: eth0, modem "lte" (wwan), adapter "wifi" (wlan)
"""

import json

import pytest

import topology
from buspeer import RadioDaemon
from config import Config
from waiting import wait_for


class Radios:
    def __init__(self, net, make_node, kinds=("WWAN", "WLAN"), timeout=None):
        self.node = make_node(net["node"])
        self.kinds, self.timeout = kinds, timeout
        self.node.start(self.config())
        self.wait(lambda _: True, "the node is there")

    def config(self, version=1):
        config = Config(version)
        config.port("uplink-a", "eth0")
        for kind in self.kinds:
            label = {"WWAN": "lte", "WLAN": "wifi"}[kind]
            config.port(label, cost=20)
            config.root["deviceIoList"][-1]["ptype"] = f"PhyIoNet{kind}"
        if self.timeout:
            config.item("edgeway.radio.timeout", self.timeout)
        return config

    def wait(self, accept, what, timeout=10):
        """RadioStatus, once accept(it) holds."""
        return self.node.wait("DeviceNetworkStatus", lambda t: "radio" in t.get("global", {}) and accept(
            t["global"]["radio"]), what, timeout)["global"]["radio"]

    def silence(self, word):
        return self.node.edgeway("radio", "silence", word).strip()

    def status(self):
        return json.loads(self.node.edgeway("radio", "silence", "status", "--json"))


@pytest.fixture
def radios(make_net, make_node):
    return lambda *args, **options: Radios(make_net(topology.standard, uplinks="a"), make_node, *args, **options)


def imposed(radio):
    return radio.get("imposed", False) and not radio.get("changeInProgress", False)


def over(radio):
    return not radio.get("imposed", False) and not radio.get("changeInProgress", False)


def port(node, label):
    return next(p for p in node.row("DeviceNetworkStatus")["ports"] if p["logicallabel"] == label)


def test_a_node_without_radios_is_silent_at_once(radios):
    r = radios(())
    assert r.status()["changeRequestedMs"] == "0"
    assert r.silence("on") == "radio silence on" and r.status()["imposed"]
    assert r.silence("off") == "radio silence off" and not r.status()["imposed"]


def test_silence_is_imposed_when_both_daemons_have_acknowledged(radios):
    """EVE: RadioSilence."""
    r = radios()
    wwan, wlan = RadioDaemon(r.node, "wwan", {"lte": ""}), RadioDaemon(r.node, "wlan", None)
    assert r.silence("on") == "radio silence on: waits for wwan wlan"
    radio = r.wait(lambda s: s.get("waitsFor") == ["wlan"], "the modem is off")
    assert radio["requested"] and radio["changeInProgress"] and not radio.get("imposed", False)
    wlan.devices = {"wlan0": "", "wlan1": ""}
    wlan.acknowledge()
    r.wait(imposed, "silence is imposed")
    assert "radio" in r.node.edgeway("status", check=False)
    assert r.node.row("DeviceNetworkStatus")["led"] == 5
    # Wireless ports are not tested meanwhile; the other one is.
    r.node.edgeway("dpc", "test", check=False, timeout=40)
    wait_for(lambda: "radio silence" in port(r.node, "lte").get("test", {}).get("error", ""), "it is not tested")
    assert port(r.node, "uplink-a").get("test", {}).get("error", "") != "radio silence"

    r.silence("off")
    r.wait(over, "silence is over")
    assert [q.get("imposed", False) for q in wwan.requests] == [False, True, False]


def test_a_radio_that_refuses_is_named_until_it_obeys(radios):
    r = radios(("WWAN",))
    wwan = RadioDaemon(r.node, "wwan", {"lte": "modem does not answer"})
    r.silence("on")
    radio = r.wait(lambda s: s["configError"], "it is refused")
    assert radio["configError"] == "wwan: lte: modem does not answer"
    assert not radio.get("imposed", False) and not radio.get("changeInProgress", False)
    assert "modem does not answer" in r.node.edgeway("status", check=False)
    wwan.devices = {"lte": ""}
    wwan.acknowledge()
    assert r.wait(imposed, "it obeys")["configError"] == ""


def test_a_silent_daemon_is_named_when_time_is_up(radios):
    r = radios(timeout=1)
    RadioDaemon(r.node, "wlan", {"wlan0": ""})
    r.silence("on")
    radio = r.wait(lambda s: s["configError"], "time is up")
    assert radio["configError"] == "wwan has not acknowledged within 1 s" and radio["waitsFor"] == ["wwan"]
    assert r.silence("status") == "radio silence on: wwan has not acknowledged within 1 s"
    RadioDaemon(r.node, "wwan", {"lte": ""})  # late, but there
    r.wait(imposed, "all are silent")


def test_a_request_outlives_kill_9_and_a_restart_of_the_node(radios):
    """EVE: RadioSilence, LPS: RadioSilence."""
    r = radios(("WWAN",))
    wwan = RadioDaemon(r.node, "wwan", None)
    r.silence("on")
    asked = r.wait(lambda s: s.get("changeInProgress"), "a change is in progress")["changeRequestedMs"]
    pid = r.node.daemons()["nim"]
    r.node.kill("nim")
    wait_for(lambda: r.node.daemons().get("nim", pid) != pid, "nim runs again")
    radio = r.wait(lambda s: s.get("changeInProgress"), "it still is")
    assert radio["changeRequestedMs"] == asked
    wwan.devices = {"lte": ""}
    wwan.acknowledge()
    r.wait(imposed, "silence is imposed")

    r.node.stop()  # a reboot: nothing is left but the state folder
    wwan.close()
    for path in (r.node.run_dir / "nim").glob("radio.json"):
        path.unlink()
    r.node.start()
    radio = r.wait(lambda s: s.get("requested"), "it is remembered")
    assert radio["changeRequestedMs"] == asked and not imposed(radio)
    RadioDaemon(r.node, "wwan", {"lte": ""})
    r.wait(imposed, "and told to the daemon that starts later")


def test_a_modem_that_is_configured_during_silence_is_waited_for(radios):
    r = radios(())
    r.silence("on")
    r.wait(imposed, "nothing can send")
    r.kinds = ("WWAN",)
    r.node.configure(r.config(2))
    assert r.wait(lambda s: s.get("changeInProgress"), "it is waited for")["waitsFor"] == ["wwan"]
    RadioDaemon(r.node, "wwan", {"lte": ""})
    r.wait(imposed, "it is silent, too")
