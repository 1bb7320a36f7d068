# SPDX-License-Identifier: Apache-2.0
"""Removing the configuration removes everything."""

import os

import pytest

import scenario
import snapshot
from config import Config, port_map, allow_all
from node import DAEMONS
from waiting import wait_for

pytestmark = pytest.mark.everywhere


def state(node):
    """All but the daemons themselves and what they noted about the kernel."""
    taken = snapshot.take(node.host, folders=[node.run_dir], ignore=[f"^{node.run_dir}/caps$"])
    taken["processes"] = [line for line in taken["processes"]
                          if not any(f"/{name} " in f"{line} " for name in (*DAEMONS, "edgeway"))]
    return taken


def wait_same(before, node, what):
    wait_for(lambda: not snapshot.diff(before, state(node)), what, 10,
             told=lambda: snapshot.diff(before, state(node)))


def test_removed_configuration_leaves_nothing(net, make_node):
    node = make_node(net["node"])
    untouched = snapshot.take(node.host)
    edge = scenario.Edge(net, node)
    node.start(Config())
    node.wait_daemons()
    node.wait_settled()
    idle = state(node)
    netns = os.listdir("/run/netns")

    config = edge.standard_config()
    edge.make_apps()
    made = net.netns_name("made")  # a namespace that is not there yet
    config.app("made", made).adapter(scenario.uuid_of("instance", "ni4"),
                                     acl=allow_all() + [port_map("tcp", 8080, 80)])
    node.configure(config)
    edge.wait_applied(config)
    assert made in os.listdir("/run/netns")

    node.configure(Config(version=2))
    wait_same(idle, node, "the node is as it was before its configuration")
    node.wait_settled()
    wait_for(lambda: set(os.listdir("/run/netns")) == {
        *netns, net.netns_name("app-a"), net.netns_name("app-b")},
             "namespaces that were made are gone, others stay")
    for app in ("app-a", "app-b"):
        links = snapshot.take(net[app])["links"]
        assert [line.split()[0] for line in links] == ["lo"]

    node.stop()
    after = snapshot.take(node.host)
    snapshot.assert_same(untouched, after, "the namespace is as before the daemons came")


def add_instance(edge):
    """One more, with an app of its own."""
    config = edge.standard_config(version=2)
    more = config.instance("more", "10.99.0.0/24")
    config.app("other", edge.net.netns_name("other")).adapter(more)
    edge.node.configure(config)
    edge.wait_applied(config)


def test_one_removed_instance_takes_nothing_else_along(edge):
    node = edge.node
    before = state(node)
    add_instance(edge)
    assert snapshot.diff(before, state(node))
    node.configure(edge.standard_config(version=3))
    wait_same(before, node, "only what was added is gone")


def test_leftovers_of_a_killed_run_are_swept(edge):
    """The configuration shrinks while nobody is there to see it."""
    node = edge.node
    before = state(node)
    add_instance(edge)
    node.kill()
    node.configure(edge.standard_config(version=3))
    node.start()
    node.wait_daemons()
    wait_same(before, node, "leftovers are swept")
