# SPDX-License-Identifier: Apache-2.0
"""A modem and the daemons of radios, which are to come: wwan and wlan as bus peers of a test.

     node --wwan0 ~~~~ air--- lte ---wan-- internet

The modem's interface is a TUN device: raw IP, point to point, no ARP, no MAC address, as those of
modems are. What it sends comes out of another one, in the operator's network.
"""

import contextlib
import fcntl
import os
import selectors
import socket
import struct
import threading

import topology
from buspeer import Publisher, field
from node import Watch
from waiting import wait_for

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CONNECTED = 2  # ew.ModemMode
OWN4, OWN6, PEER4, PEER6 = "10.64.3.6", "2001:db8:64::6", "10.64.3.5", "2001:db8:64::5"


class Tun:
    def __init__(self, host, name):
        with host.inside():
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))


class Air:
    """What the modem and its base station are to one another. sent: packets of the node, each."""

    def __init__(self, net, node="node", ifname="wwan0"):
        host, self.sent = net[node], []
        lte = self.lte = net.host("lte", forward=True)
        self.modem, self.station = Tun(host, ifname), Tun(lte, "air")
        net.cable("lte:wan", "internet:l")
        lte.configure(
            "link set air up", f"addr add {PEER4}/30 dev air", f"addr add {PEER6}/64 dev air nodad",
            "addr add 203.0.113.129/30 dev wan", "addr add 2001:db8:ff:64::1/64 dev wan nodad",
            "route add default via 203.0.113.130", "route add default via 2001:db8:ff:64::2")
        net["internet"].configure(
            "addr add 203.0.113.130/30 dev l", "addr add 2001:db8:ff:64::2/64 dev l nodad",
            "route add 10.64.3.4/30 via 203.0.113.129", "route add 2001:db8:64::/64 via 2001:db8:ff:64::1")
        self.selector = selectors.DefaultSelector()
        self.wake, waker = socket.socketpair()
        self.selector.register(self.modem.fd, selectors.EVENT_READ, self.station.fd)
        self.selector.register(self.station.fd, selectors.EVENT_READ, self.modem.fd)
        self.selector.register(waker, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()
        host.closers.append(self.close)

    def carry(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                packet = os.read(key.fd, 65536)
                if key.fd == self.modem.fd:
                    self.sent.append(packet)
                with contextlib.suppress(OSError):  # the other one is down
                    os.write(key.data, packet)

    def close(self):
        """The devices go with their last descriptors."""
        self.wake.close()
        self.thread.join()
        for tun in (self.modem, self.station):
            os.close(tun.fd)

    def unicast(self):
        """Packets of the node to somebody: neither link-local nor multicast."""
        return [p for p in self.sent if p[0] >> 4 == 4 and p[16] < 224
                or p[0] >> 4 == 6 and p[24] != 0xff and p[8:10] != b"\xfe\x80"]


class Daemon:
    """wwan or wlan. told: the last configuration; answer(daemon, told) is called with each."""

    def __init__(self, node, agent, answer=None):
        self.node, self.agent, self.answer = node, agent, answer
        self.topic = f"{agent.capitalize()}Status"
        self.publisher = Publisher(node.run_dir, agent, self.topic)
        self.told, self.history, self.over = {}, [], False
        self.watch = Watch(node, f"{agent.capitalize()}Config")
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()
        node.host.closers.append(self.close)

    def follow(self):
        while not self.over:
            with self.watch.changed:
                told = self.watch.table.get("global", {})
                if told == self.told or not told:
                    self.watch.changed.wait(0.2)
                    continue
            self.told = told
            self.history.append(told)
            if self.answer:
                self.answer(self, told)

    def wait_told(self, accept, what):
        return wait_for(lambda: self.told and accept(self.told) and self.told, what, 30)

    def say(self, body=b"", echo=True):
        """Its status; echo: of what it was told last, else of nothing."""
        head = b""
        if echo:
            head = (field(1, self.told.get("dpcKey", "")) + field(2, int(self.told.get("dpcTimeMs", 0)))
                    + field(3, int(self.told.get("revision", 0)))
                    + field(5, int(self.told.get("radioRequestedMs", 0))))
        self.publisher.publish("global", head + body)

    def close(self):
        if self.over:
            return
        self.over = True
        self.thread.join()
        self.watch.close()
        self.publisher.close()


def modem(label="lte", ifname="wwan0", connected=True, error="", addresses=(f"{OWN4}/30", f"{OWN6}/64"),
          gateways=(PEER4, PEER6), dns=(PEER4,), mtu=1430, probe_error=""):
    """WwanStatus.networks, one entry."""
    module = field(1, "0") + field(2, "352099001761481") + field(3, "EM7565") + field(4, "Sierra") \
        + field(6, "qmi") + field(7, CONNECTED if connected else 1)
    sim = field(1, 1) + field(2, True) + field(3, "8949000000000000001") + field(6, "present")
    body = field(1, label) + field(2, ifname) + field(5, module) + field(6, sim) + field(7, error) \
        + field(8, probe_error)
    body += field(9, field(1, "310-260") + field(2, "Example Telecom") + field(3, True)) + field(11, 3)
    if connected:
        ip = b"".join(field(1, a) for a in addresses) + field(2, gateways[0]) + field(3, gateways[1]) \
            + b"".join(field(4, d) for d in dns) + field(5, mtu)
        body += field(12, 1795219200000) + field(13, ip)
    return field(6, body)


def wifi(label="wifi", ifname="wlan0", state=5, ssid="shop", error=""):
    """WlanStatus.ports, one entry."""
    return field(6, field(1, label) + field(2, ifname) + field(3, state) + field(4, ssid)
                 + field(5, "02:00:00:00:00:01") + field(6, 2412) + field(8, error))


def cellular_net(uplinks="a"):
    """topology.standard(), with the operator's network; net.air is what lies between."""
    net = topology.standard(uplinks=uplinks)
    net.air = Air(net)
    return net


def add_cellular(config, label="lte", cost=10, ifname="wwan0", apn="iot.example", **more):
    """A cellular port of a Config; more: of its access point."""
    config.port(label, ifname, cost=cost)
    config.root["deviceIoList"][-1]["ptype"] = "PhyIoNetWWAN"
    if ifname is None:
        config.root["deviceIoList"][-1]["phyaddrs"] = {}
    config.root["networks"][-1]["wireless"] = {
        "type": "Cellular", "cellularCfg": [{"accessPoints": [{"apn": apn, **more}]}]}


def add_wifi(config, label="wifi", cost=5, ifname="wlan0", password="correct horse battery"):
    config.port(label, ifname, cost=cost)
    config.root["deviceIoList"][-1]["ptype"] = "PhyIoNetWLAN"
    config.root["networks"][-1]["wireless"] = {
        "type": "WiFi", "wifiCfg": [{"wifiSSID": "shop", "keyScheme": "WPAPSK", "password": password}]}
