# SPDX-License-Identifier: Apache-2.0
"""When an access list changes, running flows that it does not allow any more end at once, in both
directions; flows that it still allows go on, and lose nothing.

On the internet WEB and OTHER echo TCP on port 7; app-a is under the list, app-b may do everything."""

import contextlib
import os
import select
import signal
import socket
import threading

import pytest

import packets
import topology
from config import allow, allow_all, drop, port_map
from packets import TcpStream
from test_isolation_acl import VERSIONS, port_address
from waiting import wait_for


class UdpPush:
    """A server that sends to whoever has spoken to it once, 100 packets a second, as long as the block
    lasts; the client only listens."""

    def __init__(self, client, server, to, port, heard_at=None):
        self.server = socket_in(server, to)
        self.server.bind((to, port) if heard_at is None else ("", heard_at))
        self.client = socket_in(client, to)
        self.client.connect((to, port))
        wait_for(self.spoken, "the server has heard the client", 5, every=0.2)
        _, self.peer = self.server.recvfrom(100)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.push, daemon=True)

    def spoken(self):
        """A first packet may be lost while neighbours are asked for; more of them are the same flow."""
        self.client.send(b"hello")
        return select.select([self.server], [], [], 0.1)[0]

    def __enter__(self):
        self.thread.start()
        assert self.hears(5)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()
        self.server.close()
        self.client.close()

    def push(self):
        with contextlib.suppress(OSError):
            while not self.stopping.wait(0.01):
                self.server.sendto(b"data", self.peer)

    def hears(self, within):
        """Something that comes from now on."""
        with contextlib.suppress(OSError):
            while select.select([self.client], [], [], 0)[0]:
                self.client.recv(100)
        return bool(select.select([self.client], [], [], within)[0])


def socket_in(host, address):
    with host.inside():
        return socket.socket(packets.family_of(address), socket.SOCK_DGRAM)


def flows(edge, *filters):
    version = "ipv6" if any(":" in text for text in filters) else "ipv4"
    listing = edge.node.host.run("conntrack", "-L", "-f", version, *filters, check=False).stdout
    return [line for line in listing.splitlines() if " src=" in line]


def assert_silent(push):
    """Without a packet on its way still."""
    wait_for(lambda: not push.hears(packets.QUIET_S), "the server is not heard any more")


def assert_stuck(stream):
    """Nothing is echoed any more, though more and more is sent."""
    wait_for(lambda: len(stream.sent) > len(stream.got) + 2000, "lines go unanswered")
    got = len(stream.got)
    sent = len(stream.sent)
    wait_for(lambda: len(stream.sent) > sent + 1000, "more lines are sent")
    assert len(stream.got) == got


class Doomed(TcpStream):
    """One that may break."""

    def __exit__(self, *_):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)  # or whoever waits for an answer does so for its time-out
        super().__exit__(BaseException)


@pytest.mark.everywhere
@VERSIONS
def test_revoked_flow_ends_and_others_lose_nothing(listed, web):
    other = topology.other(web)
    listed.apply([allow(web, "tcp", fport=7), allow(web, "udp", fport=5000), allow(other, "udp", fport=5001),
                  allow(other, "tcp", fport=7)])
    app, internet = listed.app("app-a"), listed.net["internet"]
    with TcpStream(app, other) as stays, UdpPush(app, internet, other, 5001) as heard:
        with Doomed(app, web) as ends, UdpPush(app, internet, web, 5000) as revoked:
            ends.wait_flowing()
            stays.wait_flowing()
            before = flows(listed, "-d", other)
            listed.apply([drop(web), allow(other)])
            assert_silent(revoked)
            assert_stuck(ends)
            assert not flows(listed, "-d", web, "--state", "ESTABLISHED")
        assert heard.hears(5)
        stays.wait_flowing()
        assert len(flows(listed, "-d", other)) == len(before)
    wait_for(lambda: "event=flows_ended app=app-a adapter=" in listed.node.log(), "it is told")


def test_flow_to_a_learned_address_lasts_as_long_as_its_entry(listed):
    listed.apply([allow(host="web.example"), allow(topology.OTHER4)])
    app, internet = listed.app("app-a"), listed.net["internet"]
    assert packets.resolve(app, listed.gateway(), "web.example") == [topology.WEB4]
    with UdpPush(app, internet, topology.WEB4, 5000) as push:
        listed.apply([drop(topology.OTHER4), allow(host="web.example", protocol="udp")])
        packets.assert_blocked(app, topology.OTHER4, 9999, internet, attempts=1)
        assert push.hears(5)
        listed.apply([allow(host="else.example")])
        assert_silent(push)


def test_port_mapped_flow_ends_with_its_map(listed):
    listed.apply([port_map("udp", 8080, 80), port_map("udp", 9090, 90)])
    app, internet = listed.app("app-a"), listed.net["internet"]
    uplink = port_address(listed, "uplink-a")
    with UdpPush(internet, app, uplink, 8080, heard_at=80) as moved, \
            UdpPush(internet, app, uplink, 9090, heard_at=90) as stays:
        listed.apply([port_map("udp", 9090, 90), port_map("udp", 8081, 80)])
        assert_silent(moved)
        assert stays.hears(5)


@VERSIONS
def test_flow_between_apps_ends_when_either_list_says_so(listed, web):
    version, length = (4, 32) if web == topology.WEB4 else (6, 128)
    a, b = (listed.address(name, version) for name in ("app-a", "app-b"))
    app_a, app_b = listed.app("app-a"), listed.app("app-b")
    to_b = allow(f"{b}/{length}", "udp", fport=5000, direction="EGRESS")
    from_b = allow(f"{b}/{length}", "udp", lport=5001, direction="INGRESS")
    listed.apply([to_b, from_b])
    with UdpPush(app_a, app_b, b, 5000) as asked, UdpPush(app_b, app_a, a, 5001) as asking:
        listed.apply([to_b])
        assert_silent(asking)
        assert asked.hears(5)
        listed.apply([])
        assert_silent(asked)


@pytest.mark.everywhere
def test_flow_ends_though_the_daemon_was_killed_in_between(listed):
    listed.apply(allow_all())
    node, app, internet = listed.node, listed.app("app-a"), listed.net["internet"]
    with UdpPush(app, internet, topology.WEB4, 5000) as revoked, \
            UdpPush(app, internet, topology.OTHER4, 5001) as stays:
        old = node.daemons()["zedrouter"]
        node.kill("zedrouter")
        listed.apply([allow(topology.OTHER4)])
        wait_for(lambda: node.daemons().get("zedrouter", old) != old, "zedrouter runs again")
        node.wait_settled()
        assert_silent(revoked)
        assert stays.hears(5)


def test_running_flow_meets_a_new_limit_and_is_freed_of_it(listed):
    limit = {**allow(topology.WEB4, "udp"), "actions": [
        {"limit": True, "limitrate": 1, "limitunit": "h", "limitburst": 5}]}
    listed.apply([allow(topology.WEB4)])
    app, internet = listed.app("app-a"), listed.net["internet"]
    with UdpPush(app, internet, topology.WEB4, 5000) as push:
        push.server.setblocking(False)

        def passes():
            push.client.send(b"again")
            return bool(select.select([push.server], [], [], packets.QUIET_S)[0]) and push.server.recv(100)

        listed.apply([limit])
        wait_for(lambda: not passes(), "the limit counts its packets")
        assert push.hears(5)
        listed.apply([allow(topology.WEB4)])
        assert all(passes() for _ in range(20))


def test_nobody_inherits_the_flows_of_an_app(listed):
    config = listed.standard_config(50)
    app, internet = listed.app("app-b"), listed.net["internet"]
    with UdpPush(app, internet, topology.WEB4, 5000) as push:
        config.root["apps"][1]["activate"] = False
        listed.node.configure(config)
        assert_silent(push)
        wait_for(lambda: not flows(listed, "-d", topology.WEB4, "-p", "udp", "--dport", "5000"),
                 "its flows are forgotten")


def is_between(edge, *ends):
    return bool(flows(edge, "-p", "udp", "-s", ends[0], "-d", ends[1]))


@pytest.mark.parametrize("killed", [False, True], ids=["told", "killed"])
@VERSIONS
def test_nobody_inherits_the_flows_to_an_app(listed, web, killed):
    """Neither when it goes while zedrouter is away, which then has never heard of it."""
    version = 4 if web == topology.WEB4 else 6
    a, b = (listed.address(name, version) for name in ("app-a", "app-b"))
    config = listed.standard_config(60)
    config.root["apps"][1]["activate"] = False
    listed.apply(allow_all())
    app_a, app_b, internet = listed.app("app-a"), listed.app("app-b"), listed.net["internet"]
    with UdpPush(app_a, app_b, b, 5000), UdpPush(app_b, internet, web, 5001), \
            UdpPush(app_a, internet, web, 5002) as stays:
        assert is_between(listed, a, b) and is_between(listed, b, web)
        if killed:
            os.kill(listed.node.daemons()["zedrouter"], signal.SIGSTOP)
        listed.node.configure(config)
        wait_for(lambda: listed.node.row("ConfigStatus").get("version") == "60", "the configuration is read")
        if killed:
            listed.node.kill("zedrouter")
        wait_for(lambda: not is_between(listed, a, b), "flows between the apps are forgotten")
        wait_for(lambda: not is_between(listed, b, web), "flows of the app are forgotten")
        assert stays.hears(5)


@VERSIONS
def test_nobody_inherits_the_flows_of_an_address_that_an_app_had(listed, web):
    version, other = (4, "10.1.0.77") if web == topology.WEB4 else (6, "fd00:1::77")
    a, b = (listed.address(name, version) for name in ("app-a", "app-b"))
    config = listed.standard_config(70)
    config.root["apps"][1]["interfaces"][0 if version == 4 else 1]["addr"] = other
    app_a, app_b, internet = listed.app("app-a"), listed.app("app-b"), listed.net["internet"]
    with UdpPush(app_a, app_b, b, 5000), UdpPush(app_b, internet, web, 5001):
        listed.node.configure(config)
        wait_for(lambda: listed.address("app-b", version) == other, "it has another address")
        wait_for(lambda: not is_between(listed, a, b), "flows between the apps are forgotten")
        wait_for(lambda: not is_between(listed, b, web), "flows of the old address are forgotten")
