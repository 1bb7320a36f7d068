# SPDX-License-Identifier: Apache-2.0
"""The node resolves names by the servers of its management ports: the cheap port's while it
answers, another's within a second when it does not, and each port's own domain by that port alone.

     node --eth0 (cost 0)--- isp-a: server 192.168.1.1
          --eth1 (cost 10)-- isp-b: server 192.168.2.1, domain plant-b.example
"""

import contextlib
import itertools
import os
import pathlib
import selectors
import shutil
import signal
import socket
import struct
import threading
import time

import pytest

import sandbox
import topology
from config import Config
from node import BIN
from stalls import Stalls
from waiting import SLOW, wait_for

pytestmark = pytest.mark.quiet

_numbers = itertools.count(1)
SERVFAIL = 2


class Server:
    """A DNS server that gives an address, its own if it can, for every name, and remembers those."""

    def __init__(self, host, address, gives=None):
        self.gives = gives or address
        self.seen, self.silent, self.rcode, self.truncate = [], False, 0, False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with host.inside():
            self.udp = socket.socket(family, socket.SOCK_DGRAM)
            self.tcp = socket.socket(family, socket.SOCK_STREAM)
        for sock in (self.udp, self.tcp):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, 53))
        self.tcp.listen()
        self.wake, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()
        host.closers.append(self.close)

    def answer(self, query, tcp=False):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question, kind = query[12:at + 5], query[at + 1:at + 3]
        self.seen.append(".".join(labels))
        if self.silent:
            return None
        cut = self.truncate and not tcp
        found = kind == b"\0\1" and not self.rcode and not cut
        reply = query[:2] + struct.pack("!HHHHH", 0x8180 | (0x200 if cut else 0) | self.rcode, 1, found, 0, 0)
        reply += question
        if found:
            reply += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(self.gives)
        return reply

    def loop(self):
        with selectors.DefaultSelector() as selector:
            for sock in (self.udp, self.tcp, self.wake):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.wake:
                        return
                    try:
                        self.serve(key.fileobj)
                    except OSError:
                        pass  # the way back is gone

    def serve(self, sock):
        if sock is self.udp:
            query, peer = sock.recvfrom(4096)
            reply = self.answer(query)
            if reply:
                sock.sendto(reply, peer)
            return
        connection, _ = sock.accept()
        with connection:
            connection.settimeout(5)
            query = connection.recv(4096)[2:]
            reply = self.answer(query, tcp=True)
            if reply:
                connection.sendall(struct.pack("!H", len(reply)) + reply)
                connection.recv(1)  # until it has read it

    def close(self):
        self.waker.send(b"x")
        self.thread.join()
        for sock in (self.udp, self.tcp, self.wake, self.waker):
            sock.close()


def query_of(name):
    return (os.urandom(2) + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) +
            b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) +
            b"\0" + struct.pack("!HH", 1, 1))


def read(reply):
    """The address in the answer, or the error's number."""
    return socket.inet_ntoa(reply[-4:]) if reply[7] else reply[3] & 15


def ask(host, name, timeout=6, to="127.0.0.1", port=53):
    """(what the forwarder says, seconds but for the machine's stalls); ("nothing", timeout). One datagram, never
    repeated."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with host.inside(), socket.socket(family, socket.SOCK_DGRAM) as sock, Stalls() as stalls:
        sock.settimeout(timeout * SLOW)
        begin = time.monotonic()
        try:
            sock.connect((to, port))
            sock.send(query_of(name))
            reply = sock.recv(4096)
        except OSError:
            return "nothing", timeout
        took = time.monotonic() - begin
    return read(reply), took - stalls.ms / 1000


def ask_by_tcp(host, name):
    with host.inside(), socket.create_connection(("127.0.0.1", 53), timeout=6 * SLOW) as sock:
        query = query_of(name)
        sock.sendall(struct.pack("!H", len(query)) + query)
        return read(sock.recv(4096)[2:])


def fresh(domain="example.org"):
    """A name nobody has in a cache."""
    return f"n{next(_numbers)}.{domain}"


class World:
    def __init__(self, net, node):
        self.net, self.node, self.host = net, node, net["node"]
        self.a = Server(net["isp-a"], "192.168.1.1")
        self.b = Server(net["isp-b"], "192.168.2.1")

    def config(self, version=1, domain="plant-b.example"):
        config = Config(version)
        for n, label in enumerate(("uplink-a", "uplink-b"), 1):
            config.port(label, f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only",
                        address=f"192.168.{n}.2/24", gateway=f"192.168.{n}.1", dns=[f"192.168.{n}.1"])
        config.root["networks"][-1]["ip"]["domain"] = domain
        return config

    def start(self, *options, config=None):
        self.node.run_options = options
        self.node.start(config or self.config())
        self.wait_servers({"192.168.1.1", "192.168.2.1"})
        return self

    def status(self):
        return self.node.table("DeviceNetworkStatus").get("global", {}).get("dns")

    def wait_servers(self, addresses):
        """Until it serves, with these servers, and has told the relay so."""
        self.node.wait("DeviceNetworkStatus", lambda t: (dns := t.get("global", {}).get("dns")) and
                       not dns["error"] and {s["address"] for s in dns["servers"]} == addresses,
                       f"the forwarder serves with {addresses}", 20)
        self.node.wait_settled()

    def helpers(self):
        """{program: pid} of the forwarder's two halves."""
        found = {}
        for pid in sandbox.processes_in(self.host.path):
            program = os.path.basename(sandbox.command_of(pid)[0])
            if program in ("dns-relay", "dnsmasq"):
                found[program] = pid
        return found


@pytest.fixture
def world(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    return World(net, make_node(net["node"]))


def test_names_resolve_by_the_cheaper_port(world):
    world.start()
    for _ in range(5):
        assert ask(world.host, fresh())[0] == "192.168.1.1"
    assert ask(world.host, fresh(), to="::1")[0] == "192.168.1.1"
    assert world.b.seen == []
    name = fresh()
    world.a.seen.clear()
    assert [ask(world.host, name)[0] for _ in range(3)] == 3 * ["192.168.1.1"]
    assert world.a.seen == [name]  # then from the cache
    line = next(line for line in world.node.edgeway("status", check=False).splitlines() if " dns " in line)
    assert line.split()[:3] == ["ok", "dns", "127.0.0.1"]


def test_silent_servers_of_the_cheap_port_cost_less_than_a_second_and_that_once(world):
    """EVE: DNSFunctionality. EVE: issue 6483."""
    world.start()
    world.a.silent = True
    answer, seconds = ask(world.host, fresh())
    print(f"first {seconds * 1000:.0f} ms")
    assert answer == "192.168.2.1" and seconds < 1 * SLOW
    for _ in range(3):
        answer, seconds = ask(world.host, fresh())
        print(f"then {seconds * 1000:.0f} ms")
        assert answer == "192.168.2.1" and seconds < 0.2 * SLOW
    world.a.silent = False
    wait_for(lambda: asks_only_a(world), "it is trusted as soon as it answers again")


def test_pulled_cable_names_resolve_by_the_other_port_and_the_dead_one_is_dropped(world):
    world.start()
    world.net.pull("node:eth0")
    answer, seconds = ask(world.host, fresh())
    print(f"answer after {seconds * 1000:.0f} ms")
    assert answer == "192.168.2.1" and seconds < 1 * SLOW
    world.wait_servers({"192.168.2.1"})
    world.net.plug("node:eth0")
    world.wait_servers({"192.168.1.1", "192.168.2.1"})
    wait_for(lambda: ask(world.host, fresh())[0] == "192.168.1.1", "the cheap port is asked again")
    wait_for(lambda: asks_only_a(world), "and trusted")


def test_no_query_is_lost_in_a_fail_over(world):
    world.start()
    answers, stop = [], threading.Event()

    def ask_on():
        while not stop.is_set():
            answers.append(ask(world.host, fresh()))

    def wait_answered_by(address):
        before = len(answers)
        wait_for(lambda: address in {answer for answer, _ in answers[before:]}, f"{address} answers")

    asking = threading.Thread(target=ask_on)
    asking.start()
    with contextlib.ExitStack() as end:
        end.callback(asking.join)
        end.callback(stop.set)
        wait_answered_by("192.168.1.1")
        world.net.pull("node:eth0")
        wait_answered_by("192.168.2.1")
        world.wait_servers({"192.168.2.1"})
        world.net.plug("node:eth0")
        world.wait_servers({"192.168.1.1", "192.168.2.1"})
        wait_answered_by("192.168.1.1")
        wait_for(lambda: len(answers) >= 100, "a hundred have been answered")
    assert {"192.168.1.1", "192.168.2.1"} == {answer for answer, _ in answers}
    worst = max(seconds for _, seconds in answers)
    print(f"{len(answers)} answers, the slowest after {worst * 1000:.0f} ms")
    assert worst < 1 * SLOW


def test_servers_may_be_of_ipv6(world):
    six = Server(world.net["isp-b"], "2001:db8:2::1", gives="192.0.2.66")
    config = world.config()
    network = config.root["networks"][-1]
    network["type"] = "V6Only"
    network["ip"] = {"dhcp": "Static", "subnet": "2001:db8:2::/64", "gateway": "2001:db8:2::1",
                     "dns": ["2001:db8:2::1"], "domain": "six.example"}
    config.root["systemAdapterList"][-1]["addr"] = "2001:db8:2::2"
    world.node.start(config)
    world.wait_servers({"192.168.1.1", "2001:db8:2::1"})
    assert ask(world.host, fresh("six.example"))[0] == "192.0.2.66"
    assert ask_by_tcp(world.host, fresh("six.example")) == "192.0.2.66"
    world.net.pull("node:eth0")
    assert ask(world.host, fresh())[0] == "192.0.2.66"
    assert all(name.startswith("n") for name in six.seen) and world.b.seen == []


def asks_only_a(world):
    world.b.seen.clear()
    return ask(world.host, fresh())[0] == "192.168.1.1" and not world.b.seen


def test_domain_of_a_port_is_asked_of_that_port_alone(world):
    world.start()
    assert ask(world.host, "plant-b.example")[0] == "192.168.2.1"
    assert ask(world.host, fresh("Plant-B.example"))[0] == "192.168.2.1"
    assert ask(world.host, fresh("myplant-b.example"))[0] == "192.168.1.1"
    world.a.seen.clear()
    world.b.silent = True
    assert ask(world.host, fresh("plant-b.example"), timeout=1)[0] in ("nothing", SERVFAIL)
    world.b.silent = False
    world.net.pull("node:eth1")  # the domain is configured: it is private even now
    world.wait_servers({"192.168.1.1"})
    assert ask(world.host, fresh("plant-b.example"))[0] == SERVFAIL
    assert world.a.seen == []
    assert ask(world.host, fresh())[0] == "192.168.1.1"


def test_domain_and_servers_may_come_by_dhcp(world):
    world.net["isp-b"].start("dnsmasq", *(f"--{o}" for o in [
        "keep-in-foreground", "conf-file=/dev/null", "user=root", "port=0", "no-ping", "interface=lan",
        f"pid-file=/run/{world.net['isp-b'].netns}.pid", "leasefile-ro", "dhcp-authoritative",
        "dhcp-range=192.168.2.100,192.168.2.199,1h", "dhcp-option=option:dns-server,192.168.2.1",
        "dhcp-option=option:domain-name,given.example"]))
    config = world.config()
    network = config.root["networks"][-1]
    network["ip"] = {"dhcp": "Client"}
    del config.root["systemAdapterList"][-1]["addr"]
    world.start(config=config)
    assert ask(world.host, fresh("given.example"))[0] == "192.168.2.1"
    assert [name for name in world.a.seen if name.endswith("given.example")] == []
    assert ask(world.host, fresh())[0] == "192.168.1.1"

    # A new nim has to know all servers before it tells the relay of any.
    mark, pid = world.node.log_mark(), world.node.daemons()["nim"]
    world.node.kill("nim")
    wait_for(lambda: world.node.daemons().get("nim", pid) != pid, "nim runs again")
    world.wait_servers({"192.168.1.1", "192.168.2.1"})
    told = [line for line in world.node.log_since(mark) if "event=dns_servers" in line]
    assert len(told) == 1 and "servers=2" in told[0]


def test_failure_told_by_all_servers_is_told_at_once(world):
    """dnsmasq's strict order says nothing then, and the client waits."""
    world.start()
    world.a.rcode = world.b.rcode = SERVFAIL
    answer, seconds = ask(world.host, fresh())
    assert answer == SERVFAIL and seconds < 1 * SLOW
    world.b.rcode = 0
    assert ask(world.host, fresh())[0] == "192.168.2.1"


def test_long_answers_come_by_tcp(world):
    world.start()
    world.a.truncate = world.b.truncate = True
    assert ask_by_tcp(world.host, fresh()) == "192.168.1.1"
    assert ask_by_tcp(world.host, fresh("plant-b.example")) == "192.168.2.1"
    assert world.a.seen == [name for name in world.a.seen if name.endswith("example.org")]
    world.a.silent = True
    assert ask_by_tcp(world.host, fresh()) == "192.168.2.1"


@pytest.mark.parametrize("victim", ["dns-relay", "dnsmasq"])
def test_killed_half_of_the_forwarder_comes_back(world, victim):
    world.start()
    pid = world.helpers()[victim]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: world.helpers().get(victim, pid) != pid, f"{victim} runs again")
    wait_for(lambda: ask(world.host, fresh(), timeout=1)[0] == "192.168.1.1", "names resolve")
    world.node.wait_settled()


def test_forwarder_survives_the_death_of_nim(world):
    world.start()
    helpers = world.helpers()
    assert set(helpers) == {"dns-relay", "dnsmasq"}
    world.node.kill("nim")
    assert ask(world.host, fresh())[0] == "192.168.1.1"
    world.net.pull("node:eth0")  # while nobody is there to see it
    world.wait_servers({"192.168.2.1"})
    assert ask(world.host, fresh())[0] == "192.168.2.1"
    assert world.helpers() == helpers


def test_both_halves_are_without_privileges_and_on_loopback_only(world):
    world.start()
    for program, pid in world.helpers().items():
        status = dict(line.split(":", 1) for line in pathlib.Path(
            f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        assert status["Uid"].split()[1] != "0", program
    caps = pathlib.Path(f"/proc/{world.helpers()['dns-relay']}/status").read_text()
    assert "CapEff:\t0000000000000000" in caps
    listening = world.host.run("ss", "-Hlnut").stdout.split("\n")
    addresses = {line.split()[4] for line in listening if line.strip()}
    assert {a for a in addresses if a.endswith((":53", ":5335"))} == {
        "127.0.0.1:53", "[::1]:53", "127.69.87.1:5335"}
    assert not [a for a in addresses if a.endswith((":67", ":547"))]


def test_there_is_no_forwarder_without_a_management_port(world):
    world.start()
    world.node.configure(Config(version=2))
    wait_for(lambda: not world.helpers(), "the forwarder is gone")
    world.node.wait_settled()
    assert world.status() is None
    assert not list((world.node.run_dir / "nim" / "files").glob("dns/*"))


def test_port_taken_by_another_server_is_told_and_tried_again(world):
    with world.host.inside():
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(("127.0.0.1", 53))
    world.node.start(world.config())
    world.node.wait("DeviceNetworkStatus", lambda t: "in use" in (
        t.get("global", {}).get("dns") or {}).get("error", ""), "the status says what is wrong", 20)
    assert world.node.log().count("event=dns_forwarder from=starting to=failed") == 1
    ports = world.node.row("DeviceNetworkStatus")["ports"]
    assert [(p["usable4"], p["error"]) for p in ports] == 2 * [(True, "")]
    assert "BAD" in next(line for line in world.node.edgeway("status", check=False).splitlines()
                         if " dns " in line)
    other.close()
    world.wait_servers({"192.168.1.1", "192.168.2.1"})
    assert ask(world.host, fresh())[0] == "192.168.1.1"


def test_resolv_conf_is_replaced_only_when_asked_for_and_put_back(world):
    path = world.node.folder / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    world.start()
    assert path.read_text() == "nameserver 192.0.2.1\n"
    world.node.stop()

    world.start("--resolv-conf", str(path))
    wait_for(lambda: "nameserver 127.0.0.1\nsearch plant-b.example\n" in path.read_text(), "it is ours")
    world.node.kill()
    assert "127.0.0.1" in path.read_text()
    world.start("--resolv-conf", str(path))
    world.node.configure(Config(version=2))
    wait_for(lambda: path.read_text() == "nameserver 192.0.2.1\n", "back without management ports")
    world.node.configure(world.config(version=3))
    wait_for(lambda: "127.0.0.1" in path.read_text(), "it is ours again")
    world.node.stop()
    world.start()  # not asked for any more
    wait_for(lambda: path.read_text() == "nameserver 192.0.2.1\n", "back when switched off")
    assert sorted(p.name for p in world.node.folder.glob("*resolv.conf*")) == ["resolv.conf"]


def test_resolv_conf_that_cannot_be_replaced_stops_nothing(world):
    world.node.run_options = ("--resolv-conf", str(world.node.folder / "no" / "such" / "folder"))
    world.node.start(world.config())
    world.node.wait("DeviceNetworkStatus", lambda t: "No such file" in (
        t.get("global", {}).get("dns") or {}).get("error", ""), "the status says what is wrong", 20)
    wait_for(lambda: ask(world.host, fresh(), timeout=1)[0] == "192.168.1.1", "names resolve all the same")
    assert "event=dns_forwarder from=starting to=failed" not in world.node.log()


def test_servers_that_change_while_the_relay_starts_are_not_missed(world):
    world.host.configure("addr add 192.168.1.2/24 dev eth0")
    path, new = world.node.folder / "relay.conf", world.node.folder / "relay.conf.new"
    for _ in range(20):
        path.write_text("")
        relay = world.host.start(str(BIN / "dns-relay"), str(path))
        new.write_text("server 192.168.1.1 eth0 0\n")
        new.rename(path)
        wait_for(lambda: ask(world.host, fresh(), timeout=0.1, to="127.69.87.1", port=5335)[0] ==
                 "192.168.1.1", "the relay asks the new server", 2)
        relay.kill()
        relay.wait()


def test_relay_whose_folder_is_taken_away_sees_the_next_one(world):
    """Or it would never see another change; nim starts one that found no file and ended."""
    world.start()
    folder = world.node.run_dir / "nim" / "files" / "dns"
    kept = {path.name: path.read_text() for path in folder.iterdir()}
    shutil.rmtree(folder)
    folder.mkdir()
    for name, text in kept.items():
        (folder / name).write_text(text)
    wait_for(lambda: ask(world.host, fresh(), timeout=1)[0] == "192.168.1.1", "names resolve")
    world.net.pull("node:eth0")
    wait_for(lambda: ask(world.host, fresh(), timeout=1)[0] == "192.168.2.1", "the other port's server is asked")
