# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import pytest

import sandbox

sandbox.enter()

import scenario  # noqa: E402
import topology  # noqa: E402
from node import Node  # noqa: E402
from waiting import SLOW  # noqa: E402

INSIDE_LAB = "EDGEWAY_LAB" in os.environ
NETBOOTED = "EDGEWAY_NETBOOT" in os.environ


def pytest_addoption(parser):
    parser.addoption("--share", default="1/1", metavar="K/N", help="only the K-th of N shares of the tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "lab: needs what only the lab's kernel has (VLAN, bond, VRF …)")
    config.addinivalue_line("markers", "netboot: needs a machine that was booted over the network (tests/lab/run -n)")
    config.addinivalue_line("markers", "quiet: measures time, or takes much of the machine: not beside others")
    config.addinivalue_line("markers", "everywhere: worth a run in the lab too, where VRFs do the work")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """On the machine itself the tests of the lab are not asked for. A share is one of what the
    markers leave, and by test, not by file: those of one file may take most of the time. A machine that
    was booted over the network has all tests of that besides, and no other has one."""
    asked = [item for item in items if INSIDE_LAB or not item.get_closest_marker("lab")]
    netboot = [item for item in asked if item.get_closest_marker("netboot")]
    number, of = map(int, config.getoption("share").split("/"))
    asked = [item for item in asked if item not in netboot][number - 1::of] + (netboot if NETBOOTED else [])
    config.hook.pytest_deselected(items=[item for item in items if item not in asked])
    items[:] = asked


def pytest_collection_finish(session):
    """Those that measure time begin when the kernel is done with what ran before."""
    if not session.config.option.collectonly and any(item.get_closest_marker("quiet") for item in session.items):
        seconds = sandbox.await_teardown(60 * SLOW)
        session.config.get_terminal_writer().line(f"waited {seconds:.1f} s for namespaces of earlier runs to go")


@pytest.fixture
def make_net():
    """topology.Topology, or another builder of one; closed at the end, half-built ones too."""
    yield lambda builder=topology.Topology, *args, **kwargs: builder(*args, **kwargs)
    for net in list(topology.Topology.open_ones):
        net.close()


@pytest.fixture
def net(make_net):
    """The standard topology: topology.standard()."""
    return make_net(topology.standard)


class Standing:
    """Nodes that stay up from test to test; made by a function, and one for each."""

    def __init__(self):
        self.edges, self.nets = {}, []

    def edge(self, start):
        if start not in self.edges:
            net = topology.standard()
            topology.Topology.open_ones.remove(net)  # not to be closed with those of a test
            self.nets.append(net)
            self.edges[start] = start(net, node_in(net["node"]))
        return self.edges[start]

    def close(self):
        for net in self.nets:
            net.close()
        self.edges, self.nets = {}, []


@pytest.fixture(scope="module")
def standing_ones():
    standing = Standing()
    yield standing
    standing.close()


@pytest.fixture
def standing(standing_ones, request):
    """standing(start): the scenario.Edge that start(net, node) returned, the same for all tests of the
    module: they have to leave it as they found it. After a failure the next test gets a new one."""
    request.node.edge_nodes = []

    def get(start):
        edge = standing_ones.edge(start)
        request.node.edge_nodes.append(edge.node)
        return edge

    yield get
    if getattr(request.node, "has_failed", False):
        standing_ones.close()
    for edge in standing_ones.edges.values():
        edge.node.wait_settled()


def node_in(host):
    folder = pathlib.Path("/run/nodes", host.netns)
    folder.mkdir(parents=True)
    return Node(host, folder)


@pytest.fixture
def make_node(request):
    """Node in a host; on failure its log, plan and graph are shown."""
    request.node.edge_nodes = []

    def make(host):
        node = node_in(host)
        request.node.edge_nodes.append(node)
        return node

    return make


@pytest.fixture
def node(net, make_node):
    return make_node(net["node"])


@pytest.fixture
def edge(net, node):
    """scenario.Edge: the standard node, up and with two apps that reach the internet."""
    return scenario.Edge(net, node).start()


@pytest.fixture
def listed(edge):
    """scenario.Listed: the standard node; listed.apply(acl) puts app-a under an ACL, app-b may do everything."""
    return scenario.Listed(edge.net, edge.node)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    item.has_failed = getattr(item, "has_failed", False) or report.failed
    if report.failed and call.when != "teardown":
        for node in getattr(item, "edge_nodes", []):
            report.sections += node.report()
