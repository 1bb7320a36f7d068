# SPDX-License-Identifier: Apache-2.0
"""What nim tells of its ports, and waiting until it tells something else."""

from waiting import wait_for


def device(edge):
    return wait_for(lambda: edge.node.table("DeviceNetworkStatus").get("global"), "the ports' status", 10)


def port(edge, label):
    return next(p for p in device(edge)["ports"] if p["logicallabel"] == label)


def wait_port(edge, label, accept, what, timeout=10):
    """Its status, once accept(status)."""
    found = []

    def look(table):
        found[:] = [p for p in table.get("global", {}).get("ports", []) if p["logicallabel"] == label and accept(p)]
        return found

    edge.node.wait("DeviceNetworkStatus", look, what, timeout)
    return found[0]


def default_port(edge, family=4):
    return device(edge).get(f"defaultPort{family}", "")


def wait_default(edge, label, timeout=10, families=(4,)):
    edge.node.wait("DeviceNetworkStatus", lambda t: all(
        t.get("global", {}).get(f"defaultPort{f}", "") == label for f in families), f"{label} is the default port", timeout)
