# SPDX-License-Identifier: Apache-2.0
"""How far each port gets, told per port and stage.

     node --eth0-- isp-a --.
          --eth1-- isp-b --+-- internet
"""

import json

import pytest

import topology
from config import Config


def results(node):
    """{label: PortTest} as the bus tells it."""
    ports = node.table("DeviceNetworkStatus").get("global", {}).get("ports", [])
    return {p["logicallabel"]: p["test"] for p in ports if p.get("test")}


def wait_test(node, label, accept, what, timeout=15):
    def accepted(table):
        for port in table.get("global", {}).get("ports", []):
            if port["logicallabel"] == label and port.get("test"):
                return accept(port["test"])
        return False
    node.wait("DeviceNetworkStatus", accepted, what, timeout)
    return results(node)[label]


def static_config(ports=2, version=1):
    config = Config(version)
    for n in range(1, ports + 1):
        config.port(f"uplink-{'abcd'[n - 1]}", f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only",
                    address=f"192.168.{n}.2/24", gateway=f"192.168.{n}.1", dns=[f"192.168.{n}.1"])
    return config


@pytest.fixture
def static(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    return net, make_node(net["node"])


def test_pulled_cable_is_a_failed_link_and_the_other_port_passes(static):
    net, node = static
    node.start(static_config())
    wait_test(node, "uplink-b", lambda t: t["outcome"] == "TEST_OK", "b passes")
    net.pull("node:eth1")
    test = wait_test(node, "uplink-b", lambda t: t["outcome"] == "TEST_FAILED", "b fails")
    assert (test["stage"], test["error"]) == ("TEST_STAGE_LINK", "no carrier")
    assert test["successes"] and int(test["failureMs"]) >= int(test["successMs"]) > 0
    assert results(node)["uplink-a"]["outcome"] == "TEST_OK"
    net.plug("node:eth1")
    wait_test(node, "uplink-b", lambda t: t["outcome"] == "TEST_OK", "b passes again")


def test_a_round_on_demand_counts_and_is_shown(static):
    _, node = static
    node.start(static_config())
    before = int(wait_test(node, "uplink-a", lambda t: t["outcome"] == "TEST_OK", "a passes")["successes"])
    shown = json.loads(node.edgeway("ports", "--test", "--json"))
    assert int(shown[0]["status"]["test"]["successes"]) > before
    page = node.edgeway("ports", "uplink-a")
    assert "passed: link, address and gateway" in page
