# SPDX-License-Identifier: Apache-2.0
"""A daemon that does not exist yet, as its bus peer: publishes one topic (docs/bus.md has the protocol),
and hears others by `edgeway bus watch`."""

import contextlib
import os
import pathlib
import socket
import struct
import threading

from node import Watch
from waiting import wait_for

MAGIC, PROTOCOL, STATE = b"EWPS", 1, 0
HELLO, SET, DELETE, SYNCED = 1, 3, 4, 5


def frame(kind, key=b"", data=b""):
    return struct.pack("<IBBH", len(key) + len(data), kind, len(key), 0) + key + data


def varint(number):
    out = b""
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """One field of a protobuf message: an integer, a text, or a message as bytes."""
    if isinstance(value, (bool, int)):
        return varint(number << 3) + varint(int(value))
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


class Publisher:
    """hold: nobody finds it before open(), so that what was published by then is its first word."""

    def __init__(self, run_dir, agent, topic, hold=False):
        self.agent, self.topic = agent, topic
        self.path = pathlib.Path(run_dir, "bus", f"{agent}.{topic}")
        self.table, self.subscribers, self.lock = {}, [], threading.Lock()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(f"{self.path}.peer")
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        if not hold:
            self.open()

    def open(self):
        os.rename(f"{self.path}.peer", self.path)
        self.thread.start()

    def hello(self):
        names = b"".join(name.encode() + b"\0" for name in (self.topic, f"ew.{self.topic}", self.agent))
        return frame(HELLO, data=MAGIC + struct.pack("<HBBQQ", PROTOCOL, STATE, 0, 1, 0) + names)

    def accept(self):
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return
            with contextlib.suppress(OSError):
                sock.recv(512)  # its HELLO
            with self.lock:
                with contextlib.suppress(OSError):
                    sock.sendall(self.hello() + b"".join(frame(SET, k, v) for k, v in self.table.items())
                                 + frame(SYNCED))
                    self.subscribers.append(sock)

    def publish(self, key, message):
        with self.lock:
            self.table[key.encode()] = message
            for sock in self.subscribers:
                with contextlib.suppress(OSError):
                    sock.sendall(frame(SET, key.encode(), message))

    def withdraw(self, key):
        with self.lock:
            if self.table.pop(key.encode(), None) is None:
                return
            for sock in self.subscribers:
                with contextlib.suppress(OSError):
                    sock.sendall(frame(DELETE, key.encode()))

    def close(self):
        """close() alone would leave the thread in accept(): it would go on serving who comes back, and,
        when the kernel restarts the call, the next publisher's subscribers, whose listener then has
        the same number."""
        if self.listener.fileno() < 0:
            return
        self.path.unlink(missing_ok=True)
        self.listener.shutdown(socket.SHUT_RDWR)
        if self.thread.ident:
            self.thread.join()
        self.listener.close()
        for sock in self.subscribers:
            sock.close()


class RadioDaemon:
    """wwan or wlan: acknowledges what nim asks for. devices: {name: error}; None: it stays silent."""

    def __init__(self, node, agent, devices):
        self.node, self.agent, self.devices = node, agent, devices
        self.publisher = Publisher(node.run_dir, agent, f"{agent.capitalize()}Radio")
        self.requests, self.over = [], False
        self.watch = Watch(node, "RadioSilence")
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()
        node.host.closers.append(self.close)
        wait_for(lambda: self.requests, f"{agent} hears what is to be")

    def follow(self):
        while not self.over:
            with self.watch.changed:
                request = self.watch.table.get("global", {})
                if self.requests and self.requests[-1] == request or not request:
                    self.watch.changed.wait(0.2)
                    continue
            self.requests.append(request)
            self.acknowledge()

    def acknowledge(self):
        """What it says to the last request, now."""
        if self.devices is None or not self.requests:
            return
        request = self.requests[-1]
        ack = field(1, int(request.get("changeRequestedMs", 0)))
        for name, error in self.devices.items():
            off = bool(request.get("imposed")) != bool(error)
            ack += field(2, field(1, name) + field(2, off) + field(3, error))
        self.publisher.publish("global", field(1, ack))

    def close(self):
        self.over = True
        self.thread.join()
        self.watch.close()
        self.publisher.close()


class LocalProfileServer:
    """The client of a local profile server, as far as its network configuration goes. A port is a dict
    of the fields of LocalPortConfig (api/bus/lps.proto)."""

    NUMBERS = {"label": 1, "ip_versions": 2, "use_dhcp": 3, "addresses": 4, "gateways": 5, "no_default_route": 6,
               "dns_servers": 7, "domain": 8, "ntp_servers": 9, "mtu": 10, "wireless": 16}

    def __init__(self, node, *ports, version=1):
        self.publisher = Publisher(node.run_dir, "lps", "LocalNetworkConfig", hold=True)
        if ports:
            self.ask(*ports, version=version)
        self.publisher.open()
        node.host.closers.append(self.close)

    def ask(self, *ports, version=1):
        message = field(1, str(version)) + field(2, 1772600767000 + version * 1000)
        for port in ports:
            values = b""
            for name, value in port.items():
                for one in value if isinstance(value, list) else [value]:
                    values += field(self.NUMBERS[name], one)
            message += field(3, values)
        self.publisher.publish("global", message)

    def revert(self):
        self.publisher.withdraw("global")

    def close(self):
        self.publisher.close()
