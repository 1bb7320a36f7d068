# SPDX-License-Identifier: Apache-2.0
"""What a bootstrap-config.pb may ask for and this machine cannot do: layers, and another time of day.

     node --eth0,1-- LACP -- peer   v10: 10.10.0.0/24 in VLAN 10
"""

import copy
import time

import pytest

import packets
import topology
from config import Config
from container import Maker
from test_bootstrap import Given, static_config
from waiting import wait_for

pytestmark = pytest.mark.lab

DAY = 86400


def wired():
    net = topology.Topology()
    net.host("node")
    peer = net.host("peer")
    for n in range(2):
        net.cable(f"node:eth{n}", f"peer:p{n}")
    peer.configure(
        "link add plag type bond mode 802.3ad miimon 50 lacp_rate fast",
        *(f"link set p{n} down" for n in range(2)), *(f"link set p{n} master plag" for n in range(2)),
        "link set plag up", "link add link plag name plag.10 up type vlan id 10", "addr add 10.10.0.1/24 dev plag.10")
    return net


@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    return Maker(tmp_path_factory.mktemp("pki"))


def layers():
    config = Config("boot")
    for n in range(2):
        config.physical(f"eth{n}")
    config.bond("lag", ["eth0", "eth1"], "BOND_MODE_802_3AD", miimon_ms=50, lacp_fast=True)
    config.vlan("v10", "lag", 10)
    config.port("v10", lower="v10", kind="V4Only", address="10.10.0.2/24", gateway="10.10.0.1", dns=["10.10.0.1"])
    return config


def test_management_in_a_vlan_over_lacp(make_net, make_node, maker):
    """EVE: Bootstrap: management VLAN, Bootstrap: LACP."""
    net = make_net(wired)
    node = make_node(net["node"])
    given = Given(net, node, maker)
    given.bootstrap(maker.file(layers()))
    node.start()
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcKey") == "bootstrap" and [
        p for p in t["global"]["ports"] if p["logicallabel"] == "v10" and p["usable4"]], "the VLAN works", 20)
    with packets.Ping(node.host, "10.10.0.1") as ping:
        ping.wait_answers(5)
    status = node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p.get("bond", {}).get("lacp", {}).get("ports") == 2],
        "both cables carry traffic", 15)["global"]
    assert status["defaultPort4"] == "v10"
    net.pull("node:eth0")
    with packets.Ping(node.host, "10.10.0.1") as ping:
        ping.wait_answers(5)
    net["peer"].configure("link set p1 nomaster", "link set p1 up", "addr add 10.9.0.1/24 dev p1")
    config = Config(1)  # the controller wants one cable without a VLAN
    config.port("plain", "eth1", kind="V4Only", address="10.9.0.2/24", gateway="10.9.0.1", dns=["10.9.0.1"])
    node.configure(config)
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcKey") == "zedagent" and
              t["global"].get("defaultPort4") == "plain", "it is in force", 20)
    wait_for(lambda: "lag" not in node.host.run("ip", "-br", "link").stdout, "all layers are removed")
    node.wait_settled()


@pytest.fixture
def clock():
    """It may be set, and goes on afterwards as if it had not been."""
    begin, since = time.time(), time.monotonic()
    yield lambda seconds: time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)
    time.clock_settime(time.CLOCK_REALTIME, begin + time.monotonic() - since)


def test_clock_that_is_set_makes_a_certificate_valid(make_net, make_node, maker, clock):
    net = make_net(topology.standard, "ab", dhcp=False)
    node = make_node(net["node"])
    maker = copy.copy(maker)
    given = Given(net, node, maker)
    maker.between = maker.pki.sign("between2", ["between.example"], ca=True, days=(-1, 6))
    early = maker.pki.sign("early", ["early.example"], root=maker.between, days=(2, 6))
    given.put("root-certificate.pem", maker.between.cert.read_bytes())  # its root holds for a day
    given.bootstrap(maker.file(static_config(), signer=early, timestamp=0))
    node.start()
    given.wait_state("REFUSED", "certificate early: certificate is not yet valid")
    clock(3 * DAY)
    given.wait_state("TAKEN")
    given.wait_works()
