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
import signal
import struct

import pytest

import dhcp
import packets
import topology
from config import Config
from dhcp import DhcpServer, ip
from waiting import pause, wait_for

SEED = int(os.environ.get("EDGEWAY_SEED", "20261121"))
BURSTS, REPLIES, ADVERTISEMENTS = 30, 100, 2000
GOOD = {dhcp.ROUTER: ip("192.168.1.1"), dhcp.DNS: ip("192.168.1.1"), dhcp.NTP: ip("192.168.1.9"),
        dhcp.DOMAIN: b"given.example", dhcp.SEARCH: dhcp.names("given.example", "lab.example"),
        dhcp.MTU: struct.pack("!H", 1400), dhcp.CLASSLESS: b"\x10\x0a\x4d" + ip("192.168.1.5") + b"\x00" +
        ip("192.168.1.1")}


def junk(dice, length):
    """Bytes with a liking for what parsers stumble over."""
    kinds = [lambda: 0, lambda: 255, lambda: 127, lambda: 128, lambda: dice.choice(b"\n\\;'\" =/.-"),
             lambda: dice.randrange(256)]
    return bytes(dice.choice(kinds)() for _ in range(length))


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
        server.spoil = None
    print(f"seed {SEED}: {sent} replies, {node.log().count('lease_refused')} leases refused")
    assert sent >= 1000
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


def test_mutated_router_advertisements_harm_nobody(world):
    net, node, config = world
    mutator = Mutator(SEED + 1)
    node.start(config)
    node.wait("DeviceNetworkStatus", lambda t: port(t).get("carrier"), "the port is up", 20)
    wait_for(lambda: (node.run_dir / "nim/pids/dhcpcd.eth0.pid").exists(), "its client runs")
    mac, starts = topology.mac_of("isp-a:p1"), starts_of_nim(node)
    with packets.Ping(net["node"], "192.168.2.1") as ping:
        for first in range(0, ADVERTISEMENTS, 50):
            packets.inject(net["isp-a"], "p1", *(packets.advertisement_frame(
                mac, f"fe80::{1 + n % 7:x}", mutator.advertisement(n)) for n in range(first, first + 50)))
            pause(0.02)  # the client has a queue; what overflows it tests nothing
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
