# SPDX-License-Identifier: Apache-2.0
"""What somebody else damages is repaired within a second, with one line in the log."""

import os
import signal

import pytest

import packets
import sandbox
import snapshot
import topology
from waiting import Stopwatch, wait_for

pytestmark = pytest.mark.everywhere


def bridge_of(edge):
    return edge.vif("app-a")["bridge"]


def delete_address(edge):
    edge.node.host.configure(f"addr del 10.1.0.1/24 dev {bridge_of(edge)}")
    return "addr", "10.1.0.1"


def delete_address6(edge):
    bridge = edge.vif("app-a", 1)["bridge"]
    edge.node.host.configure(f"addr del fd00:1::1/64 dev {bridge}")
    return "addr", "fd00:1::1"


def delete_route(edge):
    """The default route of the instance."""
    routes = edge.node.host.run("ip", "route", "show", "table", "all").stdout.splitlines()
    route = next(line for line in routes if line.startswith("default") and " table 80" in line)
    edge.node.host.configure(f"route del {route}")
    return "route", route.split(" table ")[1].split()[0]


def delete_nexthop_group(edge):
    """… which takes along the default route of each instance that follows it."""
    groups = [line for line in edge.node.host.run("ip", "nexthop").stdout.splitlines() if " group " in line]
    number = int(groups[0].split()[1])
    edge.node.host.run("ip", "nexthop", "del", "id", str(number))
    return "nhgroup", f"{6 if number & 0x800000 else 4}/{number >> 8 & 4095}"


def delete_rule(edge):
    rules = edge.node.host.run("ip", "rule").stdout.splitlines()
    rule = next(line for line in rules if "10.1.0.0/24" in line)
    preference = rule.split(":")[0]
    edge.node.host.configure(f"rule del to 10.1.0.0/24 pref {preference}")
    return "rule", "10.1.0.0/24"


def detach_bridge_port(edge):
    port = edge.vif("app-a")["ifname"]
    edge.node.host.configure(f"link set {port} nomaster")
    return "brport", port


def set_bridge_down(edge):
    edge.node.host.configure(f"link set {bridge_of(edge)} down")
    return "bridge", bridge_of(edge)


def delete_nft_table(edge):
    edge.node.host.run("nft", "delete", "table", "inet", "edgeway-zedrouter")
    return "nft_table", "edgeway-zedrouter"


def flush_nft_chains(edge):
    edge.node.host.run("nft", "flush", "table", "inet", "edgeway-zedrouter")
    return "nft_chain", "/forward"


def delete_nft_element(edge):
    edge.node.host.run("nft", "flush", "set", "inet", "edgeway-zedrouter", "uplinks")
    return "nft_elems", f"uplinks@{bridge_of(edge)}"


def kill_dnsmasq(edge):
    pids = [pid for pid in sandbox.processes_in(edge.node.host.path)
            if "dnsmasq" in sandbox.command_of(pid)[0]]
    assert pids
    os.kill(pids[0], signal.SIGKILL)
    wait_for(lambda: not os.path.exists(f"/proc/{pids[0]}"), "who started it has noticed", 1)
    return "dnsmasq", ""


@pytest.mark.parametrize("damage", [
    delete_address, delete_address6, delete_route, delete_nexthop_group, delete_rule, detach_bridge_port, set_bridge_down,
    delete_nft_table, flush_nft_chains, delete_nft_element, kill_dnsmasq,
], ids=lambda f: f.__name__)
def test_damage_is_repaired_within_a_second(edge, damage):
    node = edge.node
    before = snapshot.take(node.host)
    mark = node.log_mark()
    with Stopwatch() as took:
        kind, key = damage(edge)
        wait_for(lambda: same(before, snapshot.take(node.host)), "repaired", 1,
                 told=lambda: snapshot.diff(before, snapshot.take(node.host)))
    print(f"{damage.__name__}: repaired in {took.seconds:.3f} s, as a whole snapshot shows")
    node.wait_settled()
    lines = repair_lines(node.log_since(mark))
    about = [line for line in lines if f"type={kind} " in line and key in line]
    assert len(about) == 1, "\n".join(lines)
    told = [line.split(" ", 1)[1] for line in lines]
    assert len(told) == len(set(told)), "nothing is told twice"
    packets.assert_reaches(edge.app("app-a"), topology.WEB4, 9999, edge.net["internet"], within=1)


def test_app_whose_namespace_was_removed_is_connected_in_the_new_one(edge):
    node, app = edge.node, edge.app("app-a")
    packets.assert_reaches(app, topology.WEB4, 9999, edge.net["internet"], within=1)
    old = os.stat(app.path).st_ino
    node.host.run("ip", "netns", "del", app.netns)
    wait_for(lambda: os.path.exists(app.path) and os.stat(app.path).st_ino not in (0, old), "another one is made")
    node.wait_settled()
    packets.assert_reaches(app, topology.WEB4, 9999, edge.net["internet"], within=1)


def same(before, after):
    return not snapshot.diff(before, after)


def repair_lines(lines):
    """What an operator sees of it: the lines above debug that speak of drift."""
    return [line for line in lines if "drift" in line and "level=debug" not in line]


def test_quiet_node_logs_no_repair(edge):
    """The node's own changes are not taken for somebody else's."""
    node = edge.node
    mark = node.log_mark()
    node.configure(edge.standard_config(version=2, acl=[]))
    packets_blocked = lambda: not packets.udp_arrives(
        edge.app("app-a"), topology.WEB4, 9999, edge.net["internet"])
    wait_for(packets_blocked, "the new ACL is in force")
    node.configure(edge.standard_config(version=3))
    wait_for(lambda: not packets_blocked(), "the old ACL is back")
    assert not repair_lines(node.log_since(mark))
