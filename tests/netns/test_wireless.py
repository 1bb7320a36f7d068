# SPDX-License-Identifier: Apache-2.0
"""Wi-Fi and cellular ports, with the daemons of radios as bus peers of this test.

     app-a --- node --eth0-----------.
                    --wwan0 ~~ lte --+-- internet
                    --wlan0---- isp-b'
"""

import json

import pytest

import packets
import radios
import topology
from buspeer import RadioDaemon, field
from config import Config
from radios import OWN4, OWN6, Daemon, add_cellular, add_wifi, modem, wifi
from waiting import SLOW, wait_for


def port(node, label):
    return next((p for p in node.row("DeviceNetworkStatus").get("ports", []) if p["logicallabel"] == label), {})


def wait_port(node, label, accept, what, timeout=30):
    def find(table):
        return next((p for p in table.get("global", {}).get("ports", [])
                     if p["logicallabel"] == label and accept(p)), None)
    return find(node.wait("DeviceNetworkStatus", find, what, timeout))


def dpc_state(node):
    return node.row("DeviceNetworkStatus").get("dpcState")


def usable(p):
    return p.get("usable4", False) and p.get("usable6", False)


@pytest.fixture
def cellular(make_net, make_node):
    """(net, node): eth0 with DHCP, and wwan0."""
    net = make_net(radios.cellular_net)
    return net, make_node(net["node"])


def connected(node):
    """wwan, whose modem is connected whenever it is told to."""
    def answer(daemon, told):
        silent = told.get("radioSilence", False)
        daemon.say(b"".join(modem(n["logicallabel"], connected=not silent) for n in told.get("networks", [])))
    return Daemon(node, "wwan", answer)


def both_ports(version=1, app=None, **more):
    config = Config(version)
    config.port("uplink-a", "eth0")
    add_cellular(config, **more)
    if app:
        config.app("app-a", app).adapter(config.instance("ni4", "10.1.0.0/24"))
    return config


def test_a_modem_is_an_uplink_like_any_other(cellular):
    """EVE: Wireless, dpcreconciler wireless."""
    net, node = cellular
    config = Config()
    add_cellular(config, cost=0)
    node.start(config)
    wait_for(lambda: dpc_state(node) == "DPC_STATE_WWAN_WAIT", "it is waited for the modem", 30)
    assert "has not answered yet" in port(node, "lte")["error"]
    daemon = Daemon(node, "wwan")
    told = daemon.wait_told(lambda t: t.get("networks"), "wwan is told")
    assert told["dpcKey"] == "zedagent" and told["networks"][0]["accessPoint"]["apn"] == "iot.example"
    assert told["networks"][0]["ifname"] == "wwan0"
    daemon.say(modem(), echo=False)  # the modem is connected as somebody else wanted it
    wait_port(node, "lte", lambda p: p["addresses"] == [f"{OWN4}/30", f"{OWN6}/64"], "it has its addresses")
    daemon.say(modem())
    p = wait_port(node, "lte", lambda p: usable(p) and not p["error"], "it carries")
    assert p["mtu"] == 1430 and p["gateway4"] == radios.PEER4 and p["dnsServers"] == [radios.PEER4]
    wait_for(lambda: dpc_state(node) == "DPC_STATE_SUCCESS", "it works")
    node.wait_settled()
    for web in (topology.WEB4, topology.WEB6):
        packets.assert_reaches(net["node"], web, 80, net["internet"])
    assert OWN4 in packets.http_get(net["node"], topology.WEB4)
    page = node.edgeway("ports", "lte", check=False)
    for word in ("EM7565", "Example Telecom", "310-260", "LTE", "slot 1 in use", f"{OWN4}/30 by the network"):
        assert word in page, page
    assert "dhcp access point iot.example" in node.edgeway("dpc", "show", "zedagent")
    assert not net["node"].run("pgrep", "-f", "dhcpcd.*wwan0", check=False).stdout


def test_traffic_goes_by_the_modem_when_the_cable_is_pulled_and_back(cellular):
    """EVE: Wireless. Nothing is sent by a modem before it is needed: it costs."""
    net, node = cellular
    net.host("app-a")
    node.start(both_ports(app=net.netns_name("app-a")))
    connected(node)
    wait_port(node, "lte", usable, "the modem is connected", 30)
    wait_port(node, "uplink-a", usable, "so is the cable", 30)
    node.apps_running(1)
    node.wait_settled()

    def seen():
        return (packets.http_get(net["app-a"], topology.WEB4) or "").removeprefix("hello ").strip()

    wait_for(lambda: seen().startswith("192.168.1."), "traffic goes by the cable", 30)
    assert port(node, "lte").get("gatewayState4", "") in ("GATEWAY_NOT_ASKED", "GATEWAY_NONE", "")
    assert net.air.unicast() == []
    net.pull("node:eth0")
    wait_for(lambda: seen() == OWN4, "traffic goes by the modem", 30)
    packets.assert_reaches(net["node"], topology.WEB4, 80, net["internet"])
    net.plug("node:eth0")
    wait_for(lambda: seen().startswith("192.168.1."), "and back", 30)


def test_a_connection_outlives_kill_9_restarts_and_its_daemon(cellular):
    net, node = cellular
    config = Config()
    add_cellular(config, cost=0)
    node.start(config)
    daemon = connected(node)
    wait_port(node, "lte", usable, "the modem is connected", 30)
    node.wait_settled()
    revision = node.row("WwanConfig")["revision"]
    with packets.Ping(net["node"], topology.WEB4) as ping:
        ping.wait_answers(10)
        for _ in range(2):
            pid = node.daemons()["nim"]
            node.kill("nim")
            wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again", 30)
            wait_port(node, "lte", usable, "it is usable again")
            assert node.row("WwanConfig")["revision"] == revision, "the modem is not to be connected anew"
            ping.wait_answers(10)
            daemon.close()  # the second time there is nobody to ask
        wait_port(node, "lte", lambda p: p["wireless"].get("stale"), "its daemon has left")
        node.stop()
        node.start()
        wait_port(node, "lte", usable, "it is usable after a restart")
        node.wait_settled()
        ping.wait_answers(10)
        ping.stop().assert_nothing_lost()
    assert "wwan has left" in node.edgeway("ports", "lte", check=False)
    # Back again, it says something else.
    again = Daemon(node, "wwan")
    again.wait_told(lambda t: t.get("networks"), "wwan is told again")
    again.say(modem(addresses=("10.64.3.6/30",), gateways=("", "")))
    wait_port(node, "lte", lambda p: p["addresses"] == ["10.64.3.6/30"] and p.get("usable4"), "IPv4 only")
    assert port(node, "lte")["gateway4"] == radios.PEER4  # the other end, whoever it is
    node.wait_settled()
    packets.assert_reaches(net["node"], topology.WEB4, 80, net["internet"])
    again.say(modem(addresses=(f"{OWN6}/64",), gateways=("", radios.PEER6)))
    wait_port(node, "lte", lambda p: p["addresses"] == [f"{OWN6}/64"] and p.get("usable6"), "IPv6 only")
    node.wait_settled()
    packets.assert_reaches(net["node"], topology.WEB6, 80, net["internet"])
    again.say(modem(connected=False, error="registration denied"))
    p = wait_port(node, "lte", lambda p: not p.get("addresses"), "disconnected")
    assert p["error"] == "cellular: registration denied"
    assert "10.64." not in net["node"].run("ip", "addr").stdout + net["node"].run("ip", "rule").stdout
    assert "lte" in node.edgeway("diag", check=False) and "access point right" in node.edgeway("diag", check=False)


def test_what_is_too_long_is_not_taken(cellular):
    """It would go on in the status of all ports, and a restart could not read it back."""
    net, node = cellular
    node.start(both_ports())
    daemon = connected(node)
    wait_port(node, "lte", usable, "the modem is connected", 30)
    node.wait_settled()
    daemon.say(modem() + field(30, "long " * 60000))
    wait_for(lambda: "event=radio_status_refused daemon=wwan" in node.log(), "it is refused", 30)
    daemon.close()
    pid = node.daemons()["nim"]
    node.kill("nim")
    wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again", 30)
    wait_port(node, "lte", usable, "what was said before counts")
    assert usable(port(node, "lte")) and not port(node, "uplink-a")["error"]


def test_a_modem_that_is_absent_is_the_error_of_its_port_alone(cellular):
    net, node = cellular
    config = both_ports(ifname=None)
    node.start(config)
    wait_for(lambda: dpc_state(node) == "DPC_STATE_SUCCESS", "the other port is enough", 30)
    daemon = Daemon(node, "wwan")
    daemon.wait_told(lambda t: t.get("networks"), "wwan is told")
    daemon.say(modem(ifname="", connected=False, error="modem not found"))
    wait_port(node, "lte", lambda p: p["error"] == "cellular: modem not found", "it is told")
    assert dpc_state(node) == "DPC_STATE_SUCCESS" and not port(node, "uplink-a")["error"]
    assert "is it plugged in" in node.edgeway("ports", "lte", check=False)
    # It comes, and its daemon tells where.
    daemon.say(modem())
    p = wait_port(node, "lte", usable, "it is there")
    assert p["ifname"] == "wwan0"


def test_silence_disconnects_and_its_end_connects(cellular):
    """EVE: Wireless, radio silence on and off."""
    net, node = cellular
    node.start(both_ports())
    daemon = connected(node)
    acks = RadioDaemon(node, "wwan", {"lte": ""})
    wait_port(node, "lte", usable, "the modem is connected", 30)
    node.edgeway("radio", "silence", "on")
    wait_port(node, "lte", lambda p: p["error"] == "radio silence" and not p.get("addresses"), "it is silent")
    assert daemon.told["radioSilence"] and not daemon.history[0].get("radioSilence")
    assert "edgeway radio silence off" in node.edgeway("ports", "lte", check=False)
    node.edgeway("radio", "silence", "off")
    wait_port(node, "lte", usable, "it is back")
    assert len(acks.requests) == 3


def test_wifi_gets_its_addresses_once_it_is_in_a_network(make_net, make_node):
    """EVE: Wireless. Keys are seen by nobody but its daemon."""
    net = make_net(topology.standard, uplinks="a")
    topology.uplink(net, "b", port="wlan0")
    net.pull("node:wlan0")
    node = make_node(net["node"])
    config = Config()
    config.port("uplink-a", "eth0", cost=20)
    add_wifi(config)
    node.start(config)
    daemon = Daemon(node, "wlan")
    told = daemon.wait_told(lambda t: t.get("ports"), "wlan is told")
    assert told["ports"][0]["networks"][0]["ssid"] == "shop"
    daemon.say(wifi(state=4, error="wrong key"))
    wait_port(node, "wifi", lambda p: p["error"] == "Wi-Fi: wrong key", "it is told")
    assert "key the right one" in node.edgeway("ports", "wifi", check=False)
    wait_for(lambda: dpc_state(node) == "DPC_STATE_SUCCESS", "the other port is enough", 30)
    daemon.say(wifi())
    net.plug("node:wlan0")  # in a network: the interface gets its carrier
    wait_port(node, "wifi", lambda p: usable(p) and not p["error"], "it has addresses", 30)
    node.wait_settled()
    assert "shop" in node.edgeway("ports", "wifi", check=False)
    assert "dhcp Wi-Fi shop" in node.edgeway("dpc", "show", "zedagent")
    wait_for(lambda: (packets.http_get(net["node"], topology.WEB4) or "").startswith("hello 192.168.2."),
             "the cheaper port carries", 30)
    net.pull("node:wlan0")
    wait_for(lambda: (packets.http_get(net["node"], topology.WEB4) or "").startswith("hello 192.168.1."),
             "fail-over to the cable", 30)
    for text in (node.log(), node.edgeway("status", check=False), node.edgeway("dpc", "show", check=False),
                 json.dumps(node.table("WlanConfig")), json.dumps(node.table("DevicePortConfigList")),
                 json.dumps(node.row("DeviceNetworkStatus"))):
        assert "correct horse" not in text
    archive = str(node.folder / "dump.tar.gz")
    node.edgeway("netdump", archive, timeout=60)
    text = net["node"].run("tar", "-xzOf", archive, timeout=10 * SLOW).stdout
    assert "shop" in text and "correct horse" not in text


def test_nothing_is_left_of_a_modem_that_is_no_port_any_more(cellular):
    net, node = cellular
    node.start(both_ports())
    daemon = connected(node)
    wait_port(node, "lte", usable, "the modem is connected", 30)
    config = Config(2)
    config.port("uplink-a", "eth0")
    node.configure(config)
    daemon.wait_told(lambda t: not t.get("networks"), "the modem is to be off")
    wait_for(lambda: not port(node, "lte"), "the port is gone")
    node.wait_settled()
    left = "".join(net["node"].run("ip", *words).stdout for words in (
        ("addr", "show", "dev", "wwan0"), ("rule",), ("-6", "rule"), ("route", "show", "table", "all")))
    assert OWN4 not in left and OWN6 not in left and "default via 10.64" not in left
    node.stop()
    node.start()
    node.wait_settled()


def test_periodic_tests_spare_the_modem_while_another_port_passes(cellular):
    """It is tested when it comes up, when something happens, and when by the others nobody answers."""
    net, node = cellular
    config = both_ports()
    config.item("edgeway.probe.urls", f"http://{topology.WEB4}/")
    config.item("timer.port.testinterval", 1)
    node.start(config)
    connected(node)

    def passed(label):
        return int(port(node, label).get("test", {}).get("successes", 0))

    wait_for(lambda: passed("lte") and passed("uplink-a"), "both are tested", 30)
    wait_port(node, "uplink-a", usable, "all that happens has happened")
    node.wait_settled()

    def periodic():
        """Whether three rounds passed by the cable, and none by the modem."""
        sent, before = len(net.air.unicast()), (passed("uplink-a"), passed("lte"))
        wait_for(lambda: passed("uplink-a") >= before[0] + 3, "time passes", 30)
        return (passed("lte"), len(net.air.unicast())) == (before[1], sent)

    wait_for(periodic, "the modem is left alone", 60)
    before = passed("lte")
    node.edgeway("ports", "--test", check=False, timeout=60)
    assert passed("lte") > before
    # The line behind the gateway dies for TCP only: pings, and so gateways, are as they were.
    net["isp-a"].run("nft", "add table ip t; add chain ip t f { type filter hook forward priority 0; }; "
                     "add rule ip t f tcp dport 80 reject with tcp reset")
    before = passed("lte")
    wait_for(lambda: passed("lte") > before, "the modem is asked when nobody answers by the cable", 120)


def test_new_addresses_and_kill_9_at_the_same_moment_leave_nothing_behind(cellular):
    net, node = cellular
    config = Config()
    add_cellular(config, cost=0)
    node.start(config)
    daemon = Daemon(node, "wwan")
    daemon.wait_told(lambda t: t.get("networks"), "wwan is told")
    for n in range(6):
        daemon.say(modem(addresses=(f"10.64.3.{6 + 8 * (n % 2)}/30",), gateways=("", "")))
        pid = node.daemons()["nim"]
        node.kill("nim")
        wait_for(lambda old=pid: node.daemons().get("nim", old) != old, "nim runs again", 30)
    wait_port(node, "lte", lambda p: p["addresses"] == ["10.64.3.14/30"] and p.get("usable4"), "what was said last")
    node.wait_settled()
    left = net["node"].run("ip", "-4", "addr", "show", "dev", "wwan0").stdout + net["node"].run("ip", "rule").stdout
    assert left.count("10.64.3.14") == 2 and "10.64.3.6" not in left


def test_a_configuration_with_the_same_modem_is_tried_beside_and_taken_without_a_loss(cellular):
    net, node = cellular
    config = both_ports()
    config.item("edgeway.probe.urls", f"http://{topology.WEB4}/")
    node.start(config)
    daemon = connected(node)
    wait_port(node, "lte", usable, "the modem is connected")
    wait_port(node, "uplink-a", usable, "so is the cable")
    wait_for(lambda: dpc_state(node) == "DPC_STATE_SUCCESS", "it works", 30)
    node.wait_settled()
    with packets.Ping(net["lte"], OWN4) as ping:
        ping.wait_answers(10)
        node.override("field.json", {"Version": 1, "TimePriority": "2036-03-04T05:06:07Z", "Ports": [
            {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 1,
             "AddrSubnet": "192.168.1.77/24", "Gateway": "192.168.1.1", "DNSServers": ["192.168.1.1"]},
            {"IfName": "wwan0", "Logicallabel": "lte", "IsMgmt": True, "IsL3Port": True, "Cost": 10, "Dhcp": 4,
             "WirelessCfg": {"WType": 1, "CellularV2": {"AccessPoints": [
                 {"Activated": True, "APN": "iot.example"}]}}}]})
        node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcKey") == "field"
                  and t["global"].get("dpcState") == "DPC_STATE_SUCCESS", "the file's is in force", 60)
        daemon.wait_told(lambda t: t["dpcKey"] == "field", "wwan is told whose it is")
        wait_port(node, "lte", lambda p: usable(p) and not p["wireless"].get("pending"), "it is applied")
        node.wait_settled()
        ping.wait_answers(10)
        ping.stop().assert_nothing_lost()
    assert 'event=dpc_trial key="field" beside="zedagent"' in node.log()
