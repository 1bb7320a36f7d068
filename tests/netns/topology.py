# SPDX-License-Identifier: Apache-2.0
"""Hosts in network namespaces, joined by cables.

    net = Topology()
    node, isp = net.host("node"), net.host("isp", forward=True)
    net.cable("node:eth0", "isp:lan")
    isp.configure("addr add 192.0.2.1/24 dev lan", "addr add 2001:db8::1/64 dev lan nodad")
    net.pull("node:eth0")       # the far end goes down: eth0 loses its carrier
    net.close()

standard() is the picture most tests use.
"""

import contextlib
import fcntl
import hashlib
import itertools
import os
import signal
import socket
import struct
import subprocess

import sandbox
import services
from waiting import wait_for

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

_runs = itertools.count(1)
_card_indexes = itertools.count(10001)


class Host:
    """One network namespace. Its name in /run/netns is unique in the test run."""

    def __init__(self, name, netns):
        self.name = name
        self.netns = netns
        self.path = sandbox.make_netns(netns)
        self.closers = []  # called at the end of the topology
        self.started = []

    def inside(self):
        return sandbox.inside(self.path)

    def run(self, *command, check=True, **options):
        """Runs a program to its end; its output is in the result."""
        with self.inside():
            return subprocess.run(command, check=check, stdin=options.pop("stdin", None),
                                  capture_output=True, text=True, **options)

    def start(self, *command, **options):
        with self.inside():
            self.started.append(subprocess.Popen(command, **options))
        return self.started[-1]

    def configure(self, *lines, force=False):
        """Lines as `ip -batch` takes them."""
        command = ["ip", *(["-force"] if force else []), "-batch", "-"]
        with self.inside():
            done = subprocess.run(command, input="\n".join(lines) + "\n", text=True,
                                  capture_output=True)
        if done.returncode != 0 and not force:
            raise AssertionError(f"{self.name}: {done.stderr.strip()}\n" + "\n".join(lines))

    def switch(self, dev, up):
        """ip link set dev DEV up|down, without starting a program: 30 ms each in the lab."""
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            flags = struct.unpack_from("H", fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16s16x", dev.encode())), 16)[0]
            flags = flags | IFF_UP if up else flags & ~IFF_UP
            fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14x", dev.encode(), flags))

    def devices(self):
        with self.inside():
            return [name for _, name in socket.if_nameindex()]

    def sysctl(self, **values):
        """sysctl(net__ipv4__ip_forward=1)"""
        with self.inside():
            for key, value in values.items():
                with open("/proc/sys/" + key.replace("__", "/"), "w") as file:
                    file.write(str(value))

    def kill_all(self):
        """SIGKILL to every process of this host."""
        pids = sandbox.processes_in(self.path)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return pids

    def __repr__(self):
        return f"<{self.name}>"


def mac_of(end):
    """Each end of a cable has the same MAC in every topology, and so the same SLAAC addresses."""
    return "02" + "".join(f":{byte:02x}" for byte in hashlib.md5(end.encode()).digest()[:5])


class Topology:
    open_ones = []

    def __init__(self):
        Topology.open_ones.append(self)
        self.number = next(_runs)
        self.hosts = {}
        self.peers = {}  # "host:ifname" -> (Host, ifname) of the far end

    def __getitem__(self, name):
        return self.hosts[name]

    def netns_name(self, name):
        """The name in /run/netns of a host, existing or to come."""
        return f"t{self.number}-{name}"

    def host(self, name, forward=False):
        """Its addresses work at once: duplicate address detection would cost each test seconds."""
        host = self.hosts[name] = Host(name, self.netns_name(name))
        host.switch("lo", True)
        host.sysctl(net__ipv6__conf__default__accept_dad=0)
        if forward:
            host.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
        return host

    def cable(self, one, other, cards=False):
        """A cable between "host:ifname" and "host:ifname", plugged in at both ends. cards: a lost
        carrier may be held back up to a second, as that of a network card. Of a veth end the kernel
        tells at once, but not when both have one index: linkwatch_urgent_event()."""
        (name1, dev1), (name2, dev2) = one.split(":"), other.split(":")
        host1, host2 = self.hosts[name1], self.hosts[name2]
        self.peers[one], self.peers[other] = (host2, dev2), (host1, dev1)
        index = f"index {next(_card_indexes)}" if cards else ""
        host1.configure(f"link add {dev1} {index} address {mac_of(one)} up type veth peer name {dev2} "
                        f"{index} address {mac_of(other)} netns {host2.netns}")
        host2.switch(dev2, True)

    def pull(self, end):
        host, dev = self.peers[end]
        host.switch(dev, False)

    def plug(self, end):
        host, dev = self.peers[end]
        host.switch(dev, True)

    def close(self):
        """Ends all processes, takes the names away. The namespaces themselves stay until the test
        run ends: taking them down now would slow the kernel down for the test that follows."""
        if self in Topology.open_ones:
            Topology.open_ones.remove(self)
        for host in self.hosts.values():
            for closer in reversed(host.closers):
                closer()
            host.closers.clear()
        for host in self.hosts.values():
            wait_for(lambda h=host: not h.kill_all(), f"processes of {host.name} are gone", 30)
            for process in host.started:
                process.poll()  # nobody else may ever reap it
            for dev in host.devices():
                with contextlib.suppress(OSError):  # it went with its other end
                    host.switch(dev, False)
            sandbox.retire_netns(host.path)


WEB4, WEB6 = "198.51.100.80", "2001:db8:80::80"  # the web server of the internet
OTHER4, OTHER6 = "198.51.100.81", "2001:db8:80::81"  # another server there


def other(web):
    """The other server, by the same version of IP."""
    return OTHER4 if web == WEB4 else OTHER6


def uplink(net, letter, node="node", port=None, dhcp=True, cards=False):
    """An access network: the node's port, a switch, a router with DHCP, DNS and router
    advertisements, and its line to the internet. Letter a is 192.168.1.0/24 and
    2001:db8:1::/64 by eth0, b is .2. by eth1, and so on."""
    n = ord(letter) - ord("a") + 1
    isp = net.host(f"isp-{letter}", forward=True)
    isp.configure("link add lan up type bridge forward_delay 0")
    port = port or f"eth{n - 1}"
    net.cable(f"{node}:{port}", f"isp-{letter}:p1", cards)
    # Or the kernel itself would make addresses beside the daemons', sooner or later.
    net[node].sysctl(**{f"net__ipv6__conf__{port}__accept_ra": 0})
    net.cable(f"isp-{letter}:wan", f"internet:{letter}")
    isp.configure(
        "link set p1 master lan",
        f"addr add 192.168.{n}.1/24 dev lan", f"addr add 2001:db8:{n}::1/64 dev lan nodad",
        f"addr add 203.0.113.{4 * n + 1}/30 dev wan",
        f"addr add 2001:db8:ff:{n}::1/64 dev wan nodad",
        f"route add default via 203.0.113.{4 * n + 2}",
        f"route add default via 2001:db8:ff:{n}::2")
    net["internet"].configure(
        f"addr add 203.0.113.{4 * n + 2}/30 dev {letter}",
        f"addr add 2001:db8:ff:{n}::2/64 dev {letter} nodad",
        f"route add 192.168.{n}.0/24 via 203.0.113.{4 * n + 1}",
        f"route add 2001:db8:{n}::/64 via 2001:db8:ff:{n}::1")
    if dhcp:
        services.dnsmasq(isp, "lan", f"192.168.{n}", f"2001:db8:{n}", names={"web.example": (WEB4, WEB6)})
    return isp


def standard(uplinks="ab", dhcp=True, cards=False):
    """                       .-- isp-a --.
         apps --- node --eth0-'            +-- internet: web.example, echo on port 7
                       --eth1---- isp-b ---'
    """
    net = Topology()
    net.host("node")
    internet = net.host("internet", forward=True)
    internet.configure(*(f"addr add {addr}/32 dev lo" for addr in (WEB4, OTHER4)),
                       *(f"addr add {addr}/128 dev lo" for addr in (WEB6, OTHER6)))
    for letter in uplinks:
        uplink(net, letter, dhcp=dhcp, cards=cards)
    services.Web(internet, port=80)
    services.Echo(internet, port=7)
    return net
