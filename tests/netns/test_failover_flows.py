# SPDX-License-Identifier: Apache-2.0
"""What becomes of running flows, and of those who follow, when an uplink dies and returns.

    app-a, app-b -- ni4, ni6 --.
    app-c ------- ni-b, ni-a --+-- node -- isp-a (cost 0), isp-b (cost 10) -- internet
                 (one port each)
"""

import itertools
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import time

import pytest

import packets
import sandbox
import scenario
import topology
from config import port_map, uuid_of
from services import Echo
from waiting import SLOW, wait_for

pytestmark = [pytest.mark.everywhere, pytest.mark.quiet]
MARK = {"a": 0x01000000, "b": 0x02000000}
INSTANCE = 0x003ffc00
INBOUND = 0x00400000
WEBS = pytest.mark.parametrize("web", [topology.WEB4, topology.WEB6], ids=["v4", "v6"])


def prefix_of(web, letter):
    return {"a": ("192.168.1.", "2001:db8:1:"), "b": ("192.168.2.", "2001:db8:2:")}[letter][":" in web]


@pytest.fixture
def world(net, node):
    """The standard node, and app-c on two instances that may use one port each."""
    net.host("app-c")
    edge = scenario.Edge(net, node)
    config = edge.standard_config()
    only_b = config.instance("ni-b", "10.3.0.0/24", port="uplink-b")
    only_a = config.instance("ni-a", "10.4.0.0/24", port="uplink-a")
    config.app("app-c", net.netns_name("app-c")).adapter(only_b).adapter(only_a)
    config.item("edgeway.label.uplink.drain", 600)  # a slow machine's test is over by then
    return edge.start(config)


def seen_as(host, web):
    return (packets.http_get(host, web) or "").removeprefix("hello ").strip()


def wait_way(edge, web, letter, app="app-a"):
    wait_for(lambda: seen_as(edge.app(app), web).startswith(prefix_of(web, letter)),
             f"new flows go by uplink {letter}", 10)


def marks(edge, letter, version=4):
    """Marks of the flows bound to that port."""
    out = edge.node.host.run("conntrack", "-L", "-f", f"ipv{version}", "-m",
                             f"{MARK[letter]:#x}/0xff000000").stdout
    return [int(mark) for mark in re.findall(r"mark=(\d+)", out)]


def wait_flushed(edge, mark, kept):
    """The order for IPv4 was given, and carried out: nothing of the port is left but that."""
    wait_for(lambda: any("event=flows_flushed" in line and "port=uplink-a family=4 instances" in line
                         for line in edge.node.log_since(mark)), "zedrouter has flows forgotten", 5)
    wait_for(lambda: not [m for m in marks(edge, "a") if m & INSTANCE not in (0, kept)],
             "the flows of instances with another port are forgotten", 5)


def number_of(edge, instance):
    """The N of its bridge bnN."""
    return int(edge.node.row("NetworkInstanceStatus", uuid_of("instance", instance))["bridge"][2:])


class Udp:
    """A flow of datagrams from one socket to a server that tells whom it sees."""

    def __init__(self, host, server, web=topology.WEB4, port=9000):
        kind = packets.family_of(web)
        with server.inside():
            self.server = socket.socket(kind, socket.SOCK_DGRAM)
        self.server.bind(("", port))
        with host.inside():
            self.sock = socket.socket(kind, socket.SOCK_DGRAM)
        self.sock.connect((web, port))

    def seen(self, timeout=2):
        """The address one datagram comes in from; None: it was lost."""
        self.sock.send(os.urandom(8))
        self.server.settimeout(timeout * SLOW)
        try:
            return self.server.recvfrom(64)[1]
        except socket.timeout:
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.server.close()


@WEBS
def test_udp_flow_goes_on_with_its_first_packet_and_a_new_source(world, web):
    wait_way(world, web, "a")
    version = 6 if ":" in web else 4
    with Udp(world.app("app-a"), world.net["internet"], web) as flow:
        assert flow.seen()[0].startswith(prefix_of(web, "a"))
        world.net.pull("node:eth0")
        own = number_of(world, "ni6" if version == 6 else "ni4") << 10
        wait_for(lambda: own not in [m & INSTANCE for m in marks(world, "a", version)],
                 "no flow of the instance is left on the dead port", 5)
        first = flow.seen()
        assert first and first[0].startswith(prefix_of(web, "b")), first


def test_tcp_connection_ends_at_once_and_begins_anew(world):
    wait_way(world, topology.WEB4, "a")
    with world.app("app-a").inside():
        sock = socket.create_connection((topology.WEB4, 7))
    sock.settimeout(3 * SLOW)
    sock.sendall(b"before")
    assert sock.recv(64) == b"before"
    world.net.pull("node:eth0")
    wait_way(world, topology.WEB4, "b")
    begin = time.monotonic()
    with pytest.raises(ConnectionResetError):  # and not after minutes of silence
        while time.monotonic() - begin < 3 * SLOW:
            sock.sendall(b"after")
            sock.recv(64)
    sock.close()
    assert seen_as(world.app("app-a"), topology.WEB4).startswith("192.168.2.")


def test_flow_without_another_port_is_not_cut(world):
    """app-c's default route leads by ni-b; the stream is bound to its interface in ni-a."""
    app = world.app("app-c")
    with Udp(app, world.net["internet"]) as flow:
        flow.sock.close()
        with app.inside():
            flow.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        flow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth1")
        flow.sock.connect((topology.WEB4, 9000))
        app.run("ip", "route", "replace", "default", "via", "10.4.0.1", "dev", "eth1", "metric", "99")
        before = flow.seen()
        assert before and before[0].startswith("192.168.1."), before
        own = number_of(world, "ni-a") << 10
        assert own in [m & INSTANCE for m in marks(world, "a")]
        mark = world.node.log_mark()
        world.net.pull("node:eth0")
        wait_flushed(world, mark, kept=own)
        assert own in [m & INSTANCE for m in marks(world, "a")], "and this one is not"
        world.net.plug("node:eth0")
        wait_for(lambda: flow.seen(0.2) == before, "it goes on, from the same address and port", 10)


def left(edge, letter, own):
    """Marks of the flows that this instance, by its number in a mark, has by that port."""
    return [mark for mark in marks(edge, letter) if mark & INSTANCE == own]


def test_tcp_connection_without_another_port_is_not_cut(world):
    app = world.app("app-c")
    app.run("ip", "route", "replace", "default", "via", "10.4.0.1", "dev", "eth1", "metric", "99")
    with app.inside():
        sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth1")
    sock.settimeout(20 * SLOW)
    with sock:
        sock.connect((topology.WEB4, 7))
        sock.sendall(b"before")
        assert sock.recv(64) == b"before"
        mark = world.node.log_mark()
        world.net.pull("node:eth0")
        sock.sendall(b"on the way")
        wait_flushed(world, mark, kept=number_of(world, "ni-a") << 10)
        world.net.plug("node:eth0")
        assert sock.recv(64) == b"on the way"
        sock.sendall(b"after")
        assert sock.recv(64) == b"after"


def test_kept_flow_moves_when_another_port_comes(world):
    wait_way(world, topology.WEB4, "a")
    own = number_of(world, "ni4") << 10
    world.net.pull("node:eth1")
    world.node.wait("NetworkInstanceStatus", lambda t: not any(n.get("standby") for n in t.values()),
                    "b is lost", 10)
    with Udp(world.app("app-a"), world.net["internet"]) as flow:
        assert flow.seen()[0].startswith("192.168.1.")
        world.net.pull("node:eth0")
        world.node.wait("NetworkInstanceStatus", lambda t: not any(n.get("selectedPort") for n in t.values()),
                        "no port is left", 10)
        assert left(world, "a", own), "it is kept"
        world.net.plug("node:eth1")
        wait_for(lambda: not left(world, "a", own), "no flow of the instance is left on the dead port", 10)
        wait_way(world, topology.WEB4, "b")
        first = flow.seen()
        assert first and first[0].startswith("192.168.2."), first


def test_flow_on_a_port_that_dies_unseen_moves(world):
    """zedrouter hangs when the port dies, and is started anew."""
    wait_way(world, topology.WEB4, "a")
    own = number_of(world, "ni4") << 10
    with Udp(world.app("app-a"), world.net["internet"]) as flow:
        assert flow.seen()[0].startswith("192.168.1.")
        pid = world.node.daemons()["zedrouter"]
        os.kill(pid, signal.SIGSTOP)
        world.net.pull("node:eth0")
        world.node.wait("DeviceNetworkStatus", lambda t: [
            p["logicallabel"] for p in t.get("global", {}).get("ports", []) if p.get("usable4")] == ["uplink-b"],
            "nim knows", 10)
        assert left(world, "a", own)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not left(world, "a", own), "no flow of the instance is left on the dead port", 10)
        first = flow.seen()
        assert first and first[0].startswith("192.168.2."), first


def test_flow_leaves_a_port_that_its_instance_may_not_use_any_more(world):
    wait_way(world, topology.WEB4, "a")
    own = number_of(world, "ni4") << 10
    with Udp(world.app("app-a"), world.net["internet"]) as flow:
        assert flow.seen()[0].startswith("192.168.1.")
        config = world.config
        config.root["id"]["version"] = "2"
        ni4 = next(n for n in config.root["networkInstances"] if n["displayname"] == "ni4")
        ni4["port"]["name"] = "uplink-b"
        world.node.configure(config)
        wait_for(lambda: not left(world, "a", own), "no flow of the instance is left on the port", 10)
        wait_way(world, topology.WEB4, "b")
        first = flow.seen()
        assert first and first[0].startswith("192.168.2."), first


def test_return_of_the_cheaper_port_loses_nothing(world):
    """New flows take it; the others have their time to end where they are."""
    wait_way(world, topology.WEB4, "a")
    world.net.pull("node:eth0")
    wait_way(world, topology.WEB4, "b")
    with Udp(world.app("app-a"), world.net["internet"]) as flow:
        before = flow.seen()
        assert before[0].startswith("192.168.2.")
        with packets.TcpStream(world.app("app-b"), topology.WEB4) as stream, \
                packets.Ping(world.app("app-a"), topology.WEB4) as ping:
            stream.wait_flowing()
            ping.wait_answers(20)
            world.net.plug("node:eth0")
            wait_way(world, topology.WEB4, "a")
            ping.wait_answers(50)
            stream.wait_flowing()
            assert flow.seen() == before
        ping.result.assert_nothing_lost()


def inbound_ids(edge):
    """The kernel's numbers of the flows that came by isp-b: one that is forgotten and seen again is another one."""
    out = edge.node.host.run("conntrack", "-L", "-p", "tcp", "-m", f"{MARK['b'] | INBOUND:#x}/{0xff000000 | INBOUND:#x}",
                             "-o", "id").stdout
    return re.findall(r" id=(\d+)", out)


def test_flows_come_back_from_the_dearer_port_once_it_has_drained(net, node):
    """The next datagram goes by the cheaper port; a TCP connection ends at once and begins anew. One that came
    in by the dearer port has no other way: it stays."""
    edge = scenario.Edge(net, node)
    config = edge.standard_config()
    config.item("edgeway.label.uplink.drain", 1)
    acl = next(a for a in config.root["apps"] if a["displayname"] == "app-b")["interfaces"][0]["acls"]
    acl.append({**port_map("tcp", 7007, 7), "id": 999})
    edge.start(config)
    Echo(edge.app("app-b"))
    own = number_of(edge, "ni4") << 10
    net.pull("node:eth0")
    wait_way(edge, topology.WEB4, "b")
    dear = next(p for p in node.row("DeviceNetworkStatus")["ports"] if p["logicallabel"] == "uplink-b")
    address = next(a for a in dear["addresses"] if "." in a).partition("/")[0]
    with Udp(edge.app("app-a"), net["internet"]) as flow, edge.app("app-b").inside(), \
            packets.TcpStream(net["isp-b"], address, 7007) as inbound:
        assert flow.seen()[0].startswith("192.168.2.")
        sock = socket.create_connection((topology.WEB4, 7))
        sock.settimeout(3 * SLOW)
        inbound.wait_flowing()
        came_in = inbound_ids(edge)
        assert came_in
        net.plug("node:eth0")
        wait_way(edge, topology.WEB4, "a")
        wait_for(lambda: not [m for m in left(edge, "b", own) if not m & INBOUND],
                 "no flow of the instance is left on the dearer port", 5)
        assert inbound_ids(edge) == came_in
        inbound.wait_flowing()
        first = flow.seen()
        assert first and first[0].startswith("192.168.1."), first
        with sock, pytest.raises(ConnectionResetError):
            while True:
                sock.sendall(b"after")
                sock.recv(64)


def test_flows_of_other_ports_are_untouched(world):
    app = world.app("app-c")
    with packets.TcpStream(app, topology.WEB4) as stream:
        stream.wait_flowing()
        assert [m for m in marks(world, "b") if m & INSTANCE]
        with packets.Ping(app, topology.WEB4) as ping:
            ping.wait_answers(20)
            mark = world.node.log_mark()
            world.net.pull("node:eth0")
            wait_flushed(world, mark, kept=0)
            ping.wait_answers(50)
            world.net.plug("node:eth0")
            wait_way(world, topology.WEB4, "a")
            ping.wait_answers(50)
        ping.result.assert_nothing_lost()
        stream.wait_flowing()


class Monitor:
    """What the kernel tells of routes and next hops, from now on."""

    MARKS = ("192.0.2.1", "192.0.2.2")  # routes of our own: it listens, and all has been heard

    def __init__(self, host):
        self.host = host
        self.process = host.start("ip", "monitor", "route", "nexthop", stdout=subprocess.PIPE, text=True)
        wait_for(lambda: self.tell(self.MARKS[0]) or select.select([self.process.stdout], [], [], 0.02)[0],
                 "the monitor listens", 5)

    def tell(self, mark):
        self.host.run("ip", "route", "add", "blackhole", mark, "table", "77")
        self.host.run("ip", "route", "del", "blackhole", mark, "table", "77")

    def lines(self):
        self.tell(self.MARKS[1])
        lines = list(itertools.takewhile(lambda line: self.MARKS[1] not in line, self.process.stdout))
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        return lines


def way_of(edge, web, last):
    """How a packet of app-a to that address in isp-a's network leaves the node."""
    version, to = (6, "2001:db8:1::" + last) if ":" in web else (4, "192.168.1." + last)
    bridge = edge.vif("app-a", version == 6)["bridge"]
    out = edge.node.host.run("ip", f"-{version}", "route", "get", to, "from", edge.address("app-a", version),
                             "iif", bridge, check=False).stdout
    return " ".join(re.findall(r"via \S+|dev eth\d", out))


@WEBS
def test_network_of_the_port_in_use_is_reached_straight(world, web):
    wait_way(world, web, "a")
    assert way_of(world, web, "77") == "dev eth0"
    world.net.pull("node:eth0")
    wait_way(world, web, "b")
    wait_for(lambda: re.fullmatch("via (192.168.2.1|fe80:\\S+) dev eth1", way_of(world, web, "77")),
             "it is reached by the gateway of b", 5)
    world.net.plug("node:eth0")
    wait_for(lambda: way_of(world, web, "77") == "dev eth0", "straight again", 10)


def test_switch_touches_no_route_of_any_instance(world):
    """Groups of next hops, some for each label and IP version: their replacement is all there is."""
    wait_way(world, topology.WEB4, "a")
    wait_way(world, topology.WEB6, "a")
    world.node.wait_settled()
    monitor = Monitor(world.node.host)
    world.net.pull("node:eth0")
    wait_way(world, topology.WEB4, "b")
    wait_way(world, topology.WEB6, "b")
    world.net.plug("node:eth0")
    wait_way(world, topology.WEB4, "a")
    wait_way(world, topology.WEB6, "a")
    world.node.wait_settled()
    lines = monitor.lines()
    tables = {n["table"] for n in world.node.table("NetworkInstanceStatus").values()
              if n["portLabel"] == "uplink"}
    touched = [line for line in lines if any(re.search(rf"table {t}\b", line) for t in tables)]
    assert not touched, touched
    assert [line for line in lines if " group " in line]


def test_kernel_moves_new_flows_while_the_daemons_hang(world):
    """The standby of the group needs nobody."""
    wait_way(world, topology.WEB4, "a")
    pids = [pid for name, pid in world.node.daemons().items() if name in ("nim", "zedrouter")]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        world.net.pull("node:eth0")
        wait_way(world, topology.WEB4, "b")
        wait_way(world, topology.WEB6, "b")
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    wait_way(world, topology.WEB4, "b")
    world.net.plug("node:eth0")
    wait_way(world, topology.WEB4, "a")
    world.node.wait_settled()


def servers(edge):
    """Processes of the instances' DHCP and DNS servers."""
    pids = sandbox.processes_in(edge.node.host.path)
    return sorted(pid for pid in pids if any(
        "dnsmasq/bn" in arg for arg in pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")))


def test_switch_restarts_no_server_and_is_told_once(world):
    """Name servers, NTP servers and connected routes differ by port: the DHCP and DNS servers read them again."""
    wait_way(world, topology.WEB4, "a")
    before = servers(world)
    assert len(before) == 4
    mark = world.node.log_mark()
    world.net.pull("node:eth0")
    wait_way(world, topology.WEB4, "b")
    world.node.wait_settled()
    lines = world.node.log_since(mark)
    told = [line for line in lines if "event=ni_uplink" in line and "label=uplink " in line]
    assert len(told) == 2 and all("port=uplink-b instances=1" in line for line in told), told
    assert servers(world) == before

def dhcp_options(edge, app, folder):
    """What the DHCP server of its instance tells an app, by name."""
    script = folder / "script"
    script.write_text("#!/bin/sh\nenv\n")
    script.chmod(0o755)
    out = edge.app(app).run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", script, "-O", "ntpsrv",
                            "-O", "staticroutes", "-t", "5", "-T", "1", check=False).stdout
    return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)


def test_apps_are_told_of_time_servers_and_networks_of_the_port_in_use(net, node, tmp_path):
    edge = scenario.Edge(net, node)
    config = edge.standard_config(static=True)
    for n, network in enumerate(config.root["networks"], 1):
        network["ip"]["ntp"] = f"192.168.{n}.123"
    for instance in config.root["networkInstances"]:
        instance["propagateConnectedRoutes"] = True
    edge.start(config)
    before = servers(edge)
    for pull, number in ((None, 1), ("node:eth0", 2)):
        if pull:
            net.pull(pull)
            wait_way(edge, topology.WEB4, "b")
            node.wait_settled()
        wait_for(lambda: dhcp_options(edge, "app-a", tmp_path).get("ntpsrv") == f"192.168.{number}.123",
                 "its time server", 10)
        assert f"192.168.{number}.0/24 10.1.0.1" in dhcp_options(edge, "app-a", tmp_path)["staticroutes"]
    assert servers(edge) == before


def time_servers6(edge, app):
    """What the DHCPv6 server of its instance tells an app that asks for option 56 (RFC 8415 18.2.6, RFC 5908)."""
    ask = bytes.fromhex("0b000001" "0001000a" "00030001020000000001" "000600020038")
    with edge.app(app).inside(), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth1")
        sock.settimeout(2)
        try:
            sock.bind(("::", 546))
            sock.sendto(ask, ("ff02::1:2", 547, 0, socket.if_nametoindex("eth1")))
            rest = sock.recv(4096)[4:]
        except OSError:
            return None
    while rest:
        option, size = struct.unpack("!HH", rest[:4])
        if option == 56:
            return socket.inet_ntop(socket.AF_INET6, rest[8:24])
        rest = rest[4 + size:]
    return ""


def test_apps_are_told_of_ipv6_time_servers_of_the_port_in_use_without_a_restart(net, node):
    edge = scenario.Edge(net, node)
    config = edge.standard_config()
    for n, network in enumerate(config.root["networks"], 1):
        network["ip"]["ntp"] = f"2001:db8:{n}::123"
    edge.start(config)
    wait_for(lambda: time_servers6(edge, "app-a") == "2001:db8:1::123", "its time server", 15)
    before = servers(edge)
    net.pull("node:eth0")
    wait_for(lambda: time_servers6(edge, "app-a") == "2001:db8:2::123", "that of the other port", 15)
    for network in config.root["networks"]:
        del network["ip"]["ntp"]
    config.root["id"]["version"] = "2"
    node.configure(config)
    wait_for(lambda: time_servers6(edge, "app-a") == "", "none any more", 15)
    assert servers(edge) == before


def test_zedrouter_killed_during_the_outage_finds_its_way(world):
    wait_way(world, topology.WEB4, "a")
    world.net.pull("node:eth0")
    wait_way(world, topology.WEB4, "b")
    with packets.Ping(world.app("app-a"), topology.WEB4) as ping:
        ping.wait_answers(20)
        world.node.kill("zedrouter")
        ping.wait_answers(20)
        world.node.wait_daemons()
        world.node.wait_settled()
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    world.net.plug("node:eth0")
    wait_way(world, topology.WEB4, "a")
    world.node.wait_settled()
