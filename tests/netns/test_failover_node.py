# SPDX-License-Identifier: Apache-2.0
"""What becomes of the flows of the node itself when the port that carries them dies, or becomes the dearer one.

    node --eth0-- isp-a (cost 0) --+-- internet
         --eth1-- isp-b (cost 10) -'
"""

import contextlib
import re
import socket
import time

import pytest

import scenario
import topology
from portstatus import wait_default, wait_port
from services import Echo
from waiting import SLOW, wait_for

pytestmark = [pytest.mark.everywhere, pytest.mark.quiet]
PORT = {"a": 0x01000000, "b": 0x02000000}
SSH, OUTPUT = 1, 5
DRAIN_S = 10
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDm4pGcJZ2uXqT9n0m5JY1fVxkqk8yP2wQ3l7c0r9d1s tech@example"


@pytest.fixture
def edge(make_net, make_node):
    """Ports with fixed addresses; SSH is open, and an echo server is what answers there."""
    net = make_net(topology.standard, dhcp=False)
    edge = scenario.Edge(net, make_node(net["node"]))
    config = edge.standard_config(static=True)
    config.item("debug.enable.ssh", KEY)
    edge.start(config)
    Echo(net["node"], 22)
    wait_default(edge, "uplink-a")
    return edge


def ids(edge, letter, kind=OUTPUT):
    """The kernel's numbers of its flows by that port: one that is forgotten and seen again is another one."""
    out = edge.node.host.run("conntrack", "-L", "-f", "ipv4", "-m", f"{PORT[letter] | kind:#x}/0xff3fffff",
                             "-o", "id").stdout
    return re.findall(r" id=(\d+)", out)


class Tcp:
    """A connection to an echo server."""

    def __init__(self, host, to, port=7, device=None):
        with host.inside():
            self.sock = socket.socket()
        if device:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        self.sock.settimeout(20 * SLOW)
        self.sock.connect((to, port))
        self.own = self.sock.getsockname()[0]

    def works(self, text=b"hello"):
        self.sock.sendall(text)
        got = b""
        while len(got) < len(text):
            got += self.sock.recv(64)
        return got == text

    def wait_aborted(self, timeout):
        """How long it took; the program hears of it by itself."""
        begin = time.monotonic()
        self.sock.settimeout(timeout * SLOW)
        with contextlib.suppress(ConnectionError):
            self.sock.recv(64)
            raise AssertionError("the connection ended as if the far end had closed it")
        return time.monotonic() - begin

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def test_connections_of_the_node_leave_a_dead_port_at_once(edge):
    """And what knows no end is forgotten. Who is bound to the port's device stays: that is what he wants."""
    node = edge.node.host
    with Tcp(node, topology.WEB4) as tcp, Tcp(node, topology.WEB4, device="eth0") as bound, node.inside():
        assert tcp.works() and bound.works() and tcp.own == bound.own == "192.168.1.2"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"x", (topology.WEB4, 9))
        assert len(ids(edge, "a")) >= 3
        edge.net.pull("node:eth0")
        assert tcp.wait_aborted(5) < 5 * SLOW
        wait_for(lambda: not ids(edge, "a"), "no flow of the node is left on the dead port", 5)
        edge.node.wait_settled()
        with Tcp(node, topology.WEB4) as again:
            assert again.works() and again.own == "192.168.2.2"
        edge.net.plug("node:eth0")
        assert bound.works()
    assert re.search(r"event=flows_flushed port=uplink-a family=4 flows=", edge.node.log())


def test_what_came_in_by_a_port_stays_when_it_dies(edge):
    with Tcp(edge.net["internet"], "192.168.1.2", 22) as ssh, Tcp(edge.node.host, topology.WEB4) as own:
        assert ssh.works() and own.works()
        before = ids(edge, "a", SSH)
        assert len(before) == 1
        edge.net.pull("node:eth0")
        own.wait_aborted(5)
        assert ids(edge, "a", SSH) == before
        edge.net.plug("node:eth0")
        assert ssh.works() and ids(edge, "a", SSH) == before


def test_nothing_is_cut_while_there_is_no_other_port(edge):
    """It goes on when its port comes back; when another port comes, it moves there then."""
    node = edge.node.host
    edge.net.pull("node:eth1")
    wait_port(edge, "uplink-b", lambda p: not p.get("usable4"), "b is lost")
    with Tcp(node, topology.WEB4) as tcp:
        assert tcp.works()
        before = ids(edge, "a")
        edge.net.pull("node:eth0")
        wait_default(edge, "")
        edge.net.plug("node:eth0")
        wait_default(edge, "uplink-a")
        assert tcp.works() and set(before) <= set(ids(edge, "a"))
        edge.net.pull("node:eth0")
        wait_default(edge, "")
        assert set(before) <= set(ids(edge, "a"))
        edge.net.plug("node:eth1")
        wait_default(edge, "uplink-b")
        tcp.wait_aborted(5)
        wait_for(lambda: not ids(edge, "a"), "no flow of the node is left on the dead port", 5)


def test_the_dearer_port_drains_when_the_cheaper_one_is_back(edge):
    """What leads nowhere else stays: by its device, to its own subnet, what somebody outside began. nim is killed on
    the way: the time begins anew."""
    node, internet = edge.node.host, edge.net["internet"]
    edge.net.pull("node:eth0")
    wait_default(edge, "uplink-b")
    Echo(edge.net["isp-b"], 7)
    with Tcp(node, topology.WEB4) as tcp, Tcp(node, topology.WEB4, device="eth1") as bound, \
            Tcp(node, "192.168.2.1") as near, Tcp(internet, "192.168.2.2", 22) as ssh:
        stay = bound, near, ssh
        came_in = ids(edge, "b", SSH)
        assert all(t.works() for t in (tcp, *stay)) and len(came_in) == 1
        edge.net.plug("node:eth0")
        wait_default(edge, "uplink-a")
        edge.node.wait_settled()  # the status comes first, then the route
        with Tcp(node, topology.WEB4) as other:
            assert other.works() and other.own == "192.168.1.2"
        assert tcp.works(), "it has its time to end by itself"
        edge.node.kill("nim")
        edge.node.wait_daemons()
        wait_default(edge, "uplink-a")
        assert tcp.works()
        tcp.wait_aborted(DRAIN_S + 10)
        assert all(t.works() for t in stay)
        assert ids(edge, "b", SSH) == came_in
