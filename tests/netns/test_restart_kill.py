# SPDX-License-Identifier: Apache-2.0
"""kill -9 of any daemon, or of all, loses no packet and re-creates nothing."""

import contextlib

import pytest

import packets
import snapshot
import topology
from node import DAEMONS
from waiting import wait_for

pytestmark = [pytest.mark.everywhere, pytest.mark.quiet]


@contextlib.contextmanager
def traffic(edge):
    """100 pings a second by IPv4 and IPv6 and a TCP stream, app-a to the internet; all of it must
    come through."""
    app = edge.app("app-a")
    with packets.Ping(app, topology.WEB4) as four, packets.Ping(app, topology.WEB6) as six, \
            packets.TcpStream(app, topology.WEB4) as stream:
        def flowing():
            for stream_of in (four, six):
                stream_of.wait_answers(20)
            stream.wait_flowing()

        flowing()
        yield
        flowing()
    four.result.assert_nothing_lost()
    six.result.assert_nothing_lost()


@pytest.mark.parametrize("victim", DAEMONS)
def test_killed_daemon_comes_back_unnoticed(edge, victim):
    node = edge.node
    before = snapshot.take(node.host)
    with traffic(edge):
        pid = node.daemons()[victim]
        node.kill(victim)
        wait_for(lambda: node.daemons().get(victim, pid) != pid, f"{victim} runs again")
        node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))


def test_all_daemons_killed_at_once_come_back_unnoticed(edge):
    node = edge.node
    before = snapshot.take(node.host)
    with traffic(edge):
        node.kill()
        wait_for(lambda: not node.daemons(), "all are dead")
        node.start()
        node.wait_daemons()
        node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))


def test_stopped_node_keeps_forwarding(edge):
    """As when the package is upgraded: SIGTERM, later a new start."""
    node = edge.node
    before = snapshot.take(node.host)
    with traffic(edge):
        node.stop()
        assert not node.daemons()
        packets.assert_reaches(edge.app("app-b"), topology.WEB4, 9999, edge.net["internet"])
        node.start()
        node.wait_daemons()
        node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))
