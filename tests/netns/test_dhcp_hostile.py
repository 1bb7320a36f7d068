# SPDX-License-Identifier: Apache-2.0
"""A DHCP server and a router that say whatever they like: thousands of mutated replies and router
advertisements, on one port. Nothing crashes or hangs, the other port does not notice, and a good
server afterwards is heard.

     node --eth0-- isp-a: the hostile one
          --eth1-- isp-b: as it should be -- internet
"""

import itertools
import os
import random
import shutil
import signal
import struct

import pytest

import dhcp
import packets
import sandbox
import topology
from config import Config
from dhcp import DhcpServer, ip
from waiting import pause, wait_for

SEED = int(os.environ.get("EDGEWAY_SEED", "20261121"))
BURSTS, REPLIES, ADVERTISEMENTS = 50, 100, 5000
BATCH = 100  # packets that the sockets of a client have room for
GOOD = {dhcp.ROUTER: ip("192.168.1.1"), dhcp.DNS: ip("192.168.1.1"), dhcp.NTP: ip("192.168.1.9"),
        dhcp.DOMAIN: b"given.example", dhcp.SEARCH: dhcp.names("given.example", "lab.example"),
        dhcp.MTU: struct.pack("!H", 1400), dhcp.CLASSLESS: b"\x10\x0a\x4d" + ip("192.168.1.5") + b"\x00" +
        ip("192.168.1.1")}


def junk(dice, length):
    """Bytes with a liking for what parsers stumble over."""
    kinds = [lambda: 0, lambda: 255, lambda: 127, lambda: 128, lambda: dice.choice(b"\n\\;'\" =/.-"),
             lambda: dice.randrange(256)]
    return bytes(dice.choice(kinds)() for _ in range(length))


def hangs(message):
    """dhcpcd 9.4.1 computes without end where an option says that it is 0 long: ipv6nd_expirera()."""
    at = 16
    while at + 2 <= len(message) and message[at + 1]:
        at += 8 * message[at + 1]
    return at + 2 <= len(message)


class Mutator:
    def __init__(self, seed):
        self.dice = random.Random(seed)

    def value(self, value):
        dice = self.dice
        kind = dice.randrange(6)
        if kind == 0:
            return junk(dice, dice.choice((0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 64, 255)))
        if kind == 1 and value:
            at = dice.randrange(len(value))
            return value[:at] + junk(dice, 1) + value[at + 1:]
        if kind == 2:
            return value[:dice.randrange(len(value) + 1)]
        if kind == 3:
            return (value * dice.randrange(2, 40))[:255]
        if kind == 4:
            return ip(*(dice.choice(("0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "192.168.1.100",
                                     "169.254.1.1", "128.0.0.0", "240.0.0.1"))
                        for _ in range(dice.randrange(1, 12))))
        return value

    def reply(self, reply):
        """A reply of the server, spoiled in a few places; mostly still one for this client."""
        dice, options = self.dice, dhcp.parse(reply)
        head = bytearray(reply[:240])
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            code = dice.choice((*options, dice.randrange(1, 255)))
            if code == dhcp.KIND and dice.random() < 0.9:
                continue
            options[code] = self.value(options.get(code, b""))
        if dice.random() < 0.3:
            head[16:20] = self.value(bytes(head[16:20])).ljust(4, b"\0")[:4]  # yiaddr
        if dice.random() < 0.1:
            at = dice.randrange(44, 236)
            head[at:at + 8] = junk(dice, 8)
        packet = bytes(head) + b"".join(bytes([c, len(v)]) + v for c, v in options.items()) + b"\xff"
        if dice.random() < 0.15:
            packet = packet[:dice.randrange(len(packet) + 1)]
        if dice.random() < 0.05:
            packet += junk(dice, dice.randrange(600))
        return packet

    def advertisement(self, number):
        """A router advertisement: prefix, MTU, DNS servers and search list, each as it comes."""
        dice = self.dice
        prefix = bytes.fromhex("20010db80001") + bytes(10)
        options = [
            bytes([3, 4, dice.choice((64, 0, 1, 128, 255)), dice.choice((0xc0, 0x40, 0x80, 0))]) +
            struct.pack("!III", dice.choice((0, 1, 600, 0xffffffff)), dice.choice((0, 1, 600, 0xffffffff)), 0) +
            dice.choice((prefix, bytes(16), junk(dice, 16))),
            struct.pack("!BBHI", 5, 1, 0, dice.choice((1400, 0, 1279, 1280, 65535, 0xffffffff))),
            bytes([25, 3, 0, 0]) + struct.pack("!I", dice.choice((0, 600, 0xffffffff))) +
            dice.choice((prefix[:15] + b"\1", junk(dice, 16))),
            bytes([31, 3, 0, 0]) + struct.pack("!I", 600) +
            dice.choice((dhcp.names("lab.example"), junk(dice, 13))).ljust(16, b"\0")[:16],
            bytes([1, 1]) + junk(dice, 6),
        ]
        body = b"".join(option for option in options if dice.random() < 0.8)
        if body and dice.random() < 0.4:
            at = dice.randrange(len(body))
            body = body[:at] + junk(dice, 1) + body[at + 1:]
        if dice.random() < 0.2:
            body = body[:dice.randrange(len(body) + 1)]
        flags = dice.choice((0, 0x80, 0x40, 0xc0, 255))
        return struct.pack("!BBHBBHII", 134, 0, 0, 64, flags, dice.choice((0, 1, 1800, 65535)), 0, 0) + body


@pytest.fixture
def world(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    node = make_node(net["node"])
    config = Config()
    config.port("uplink-a", "eth0", cost=10)
    config.port("uplink-b", "eth1", address="192.168.2.2/24", gateway="192.168.2.1", kind="V4Only")
    return net, node, config


def port(table):
    return next((p for p in table.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-a"), {})


def client(node):
    return int((node.run_dir / "nim/pids/dhcpcd.eth0.pid").read_text().split()[0])


def starts_of_nim(node):
    return node.log().count("daemon=nim event=daemon_start")


def ask_again(node):
    """The client requests its address anew, as it does when the cable is back."""
    try:
        os.kill(client(node), signal.SIGHUP)
    except (OSError, ValueError, IndexError):
        pass  # it is being started anew


def client_processes(node):
    """Their states, as of ps(1): one decides, others receive for it."""
    found = []
    for pid in sandbox.processes_in(node.host.path):
        try:
            stat = open(f"/proc/{pid}/stat").read()
        except OSError:
            continue
        name, rest = stat.partition("(")[2].rpartition(")")[::2]
        if name == "dhcpcd":
            found.append(rest.split()[0])
    return found


def queued(host):
    """Bytes that raw and packet sockets of the host hold, but for those of ARP, and how many packets found no room."""
    with host.inside():
        raw = [line.split() for line in open("/proc/net/raw6").read().splitlines()[1:]]
        packet = [line.split() for line in open("/proc/net/packet").read().splitlines()[1:]]
    waiting = sum(int(line[4].partition(":")[2], 16) for line in raw) + sum(int(line[6]) for line in packet if line[3] != "0806")
    return waiting, sum(int(line[-1]) for line in raw)


def wait_read(node, timeout=20):
    """The client has read all there is, and thought about it."""
    def idle():
        processes = client_processes(node)
        return processes and queued(node.host)[0] == 0 and all(state == "S" for state in processes)
    wait_for(idle, "the client sleeps", timeout, every=0.002, told=lambda: f"{client_processes(node)} {queued(node.host)}")


def assert_unharmed(net, node, starts, what):
    assert starts_of_nim(node) == starts, f"nim died of {what}"
    node.edgeway("plan", "nim")
    node.wait("DeviceNetworkStatus", lambda t: port(t), "the status is told")
    packets.assert_reaches(net["node"], topology.WEB4, 7, net["internet"])
    routes = net["node"].run("ip", "route", "get", topology.WEB4).stdout
    assert "dev eth1" in routes, routes


def test_mutated_dhcp_replies_harm_nobody(world):
    net, node, config = world
    mutator = Mutator(SEED)
    server = DhcpServer(net["isp-a"], "lan", "192.168.1.100", GOOD)
    node.start(config)
    node.wait("DeviceNetworkStatus", lambda t: port(t).get("usable4"), "a good lease", 20)
    last, starts = [], starts_of_nim(node)

    def spoil(reply):
        last.append(reply)
        return mutator.reply(reply)

    server.spoil = spoil
    sent = 0
    with packets.Ping(net["node"], "192.168.2.1") as ping:
        for _ in range(BURSTS):  # to what it asked last, whether it waits for it or not
            with server.changed:
                asked = len(server.asked)
                ask_again(node)
                server.changed.wait_for(lambda n=asked: len(server.asked) > n, 0.2)
            for _ in range(REPLIES if last else 0):
                server.sock.sendto(mutator.reply(last[-1]), ("255.255.255.255", 68))
                sent += 1
            wait_read(node)
        server.spoil = None
    print(f"seed {SEED}: {sent} replies, {node.log().count('lease_refused')} leases refused")
    assert sent >= 0.9 * BURSTS * REPLIES
    ping.result.assert_nothing_lost()
    assert_unharmed(net, node, starts, "DHCP replies")

    turns = itertools.count(1)

    def heard():
        if next(turns) % 20 == 0:  # as when the cable is pulled: what it believes it may believe for long
            ask_again(node)
        pause(0.5)
        p = port(node.table("DeviceNetworkStatus"))
        return p.get("usable4") and "192.168.1.100/24" in p["addresses"] and not p["error"]

    wait_for(heard, "a good server is heard", 60)
    node.wait_settled(60)
    assert starts_of_nim(node) == starts


def advertise(net, *messages, routers=tuple(f"fe80::{n}" for n in range(1, 8))):
    mac = topology.mac_of("isp-a:p1")
    packets.inject(net["isp-a"], "p1", *(packets.advertisement_frame(mac, router, message)
                                         for router, message in zip(itertools.cycle(routers), messages)))


def router_says(lifetime):
    return struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, lifetime, 0, 0) + \
        struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 3600, 1800, 0) + packets.packed("2001:db8:70::")


def assert_heard(net, router):
    """A good one is, whatever else was: its gateway is in the port's table until it says that it is none any more."""
    def is_gateway():
        return f"default via {router} " in net["node"].run("ip", "-6", "route", "show", "table", "all").stdout

    def say(lifetime):  # routers repeat themselves
        advertise(net, router_says(lifetime), routers=[router])
        return is_gateway()
    wait_for(lambda: say(1800), "a good router is heard", 20, every=0.2)
    wait_for(lambda: not say(0), "its end is heard", 20, every=0.2)


def listening(world):
    """The client of the first port waits for routers."""
    net, node, config = world
    node.start(config)
    node.wait("DeviceNetworkStatus", lambda t: port(t).get("carrier"), "the port is up", 20)
    wait_for(lambda: (node.run_dir / "nim/pids/dhcpcd.eth0.pid").exists() and len(client_processes(node)) >= 4,
             "its client runs")
    assert_heard(net, "fe80::aa")
    return net, node, config


def test_mutated_router_advertisements_harm_nobody(world):
    net, node, config = listening(world)
    mutator = Mutator(SEED + 1)
    messages = [m for m in map(mutator.advertisement, range(2 * ADVERTISEMENTS)) if not hangs(m)][:ADVERTISEMENTS]
    assert len(messages) == ADVERTISEMENTS
    starts, pid = starts_of_nim(node), client(node)
    with packets.Ping(net["node"], "192.168.2.1") as ping:
        for first in range(0, ADVERTISEMENTS, BATCH):
            advertise(net, *messages[first:first + BATCH])
            wait_read(node)
    assert (client(node), queued(net["node"])[1]) == (pid, 0), "all were read, by one client"
    ping.result.assert_nothing_lost()
    assert_unharmed(net, node, starts, "router advertisements")
    assert len(port(node.table("DeviceNetworkStatus"))["addresses"]) <= 16
    six = net["node"].run("ip", "-6", "route").stdout.splitlines()
    assert not [line for line in six if "proto ra" in line and (line.startswith("default") or " via " in line)]

    # What they said lasts as long as they said; taking the port away ends it.
    config.root["systemAdapterList"].pop(0)
    config.root["id"]["version"] = "2"
    node.configure(config)
    node.wait("DeviceNetworkStatus", lambda t: t and not port(t), "the port is gone", 20)
    node.wait_settled(60)
    left = net["node"].run("ip", "-6", "addr", "show", "dev", "eth0", "scope", "global").stdout
    assert "inet6" not in left, left
    assert starts_of_nim(node) == starts


def test_advertisement_without_end_costs_its_port_a_minute_of_the_processor(world, tmp_path, monkeypatch):
    """One packet of anybody on the wire and dhcpcd computes for ever: the kernel ends it, and the next one starts."""
    wrapper = tmp_path / "dhcpcd"
    wrapper.write_text(f"#!/bin/sh\nulimit -t >>{tmp_path}/limits\nulimit -t 1\nexec {shutil.which('dhcpcd')} \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")  # the test has less time
    net, node, _ = listening(world)
    pid, starts = client(node), starts_of_nim(node)
    assert set((tmp_path / "limits").read_text().split()) == {"60"}
    with packets.Ping(net["node"], "192.168.2.1") as ping:
        advertise(net, struct.pack("!BBHBBHIIBBHI", 134, 0, 0, 64, 0, 1800, 0, 0, 25, 0, 0, 0))
        wait_for(lambda: pid not in sandbox.processes_in(net["node"].path), "it is ended", 20)
    ping.result.assert_nothing_lost()
    wait_for(lambda: len(client_processes(node)) >= 4, "another client runs")
    assert_heard(net, "fe80::bb")
    assert_unharmed(net, node, starts, "an advertisement")
    node.wait_settled(60)
