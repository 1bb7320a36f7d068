# SPDX-License-Identifier: Apache-2.0
"""A DHCP server that says what a test wants, also what no good server would.

    server = DhcpServer(net["isp-a"], "lan", "192.168.1.100", options={3: ip("192.168.1.1")})
    server.asked[-1][60]        # an option of the last request
"""

import selectors
import socket
import struct
import threading

COOKIE = bytes([99, 130, 83, 99])
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
MASK, ROUTER, DNS, DOMAIN, MTU, NTP, LEASE, KIND, SERVER, VENDOR, SEARCH, CLASSLESS = (
    1, 3, 6, 15, 26, 42, 51, 53, 54, 60, 119, 121)


def ip(*addresses):
    return b"".join(socket.inet_aton(address) for address in addresses)


def names(*domains):
    """RFC 3397, without compression."""
    return b"".join(b"".join(bytes([len(label)]) + label.encode() for label in domain.split(".")) + b"\0"
                    for domain in domains)


def parse(packet):
    """{option: value} of a DHCP message."""
    options, at = {}, 240
    while at + 1 < len(packet) and packet[at] != 255:
        if packet[at] == 0:
            at += 1
            continue
        options[packet[at]] = packet[at + 2:at + 2 + packet[at + 1]]
        at += 2 + packet[at + 1]
    return options


class DhcpServer:
    """It gives address to whoever asks, with options ({number: bytes}) besides the necessary ones.
    spoil(reply), if set, has the last word on each reply; None is no reply."""

    def __init__(self, host, dev, address, options=None, me=None):
        self.address, self.options, self.spoil = address, dict(options or {}), None
        self.me = me or address.rpartition(".")[0] + ".1"
        self.asked, self.changed = [], threading.Condition()
        with host.inside():
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
            self.sock.bind(("", 67))
        self.wake, self.waker = socket.socketpair()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()
        host.closers.append(self.close)

    def reply_to(self, request):
        asked = parse(request)
        kind = {DISCOVER: OFFER, REQUEST: ACK}.get(asked.get(KIND, b"\0")[0])
        if not kind:
            return None
        options = {KIND: bytes([kind]), SERVER: ip(self.me), LEASE: struct.pack("!I", 3600),
                   MASK: ip("255.255.255.0"), **self.options}
        head = struct.pack("!BBBBIHH", 2, 1, 6, 0, *struct.unpack("!I", request[4:8]), 0, 0x8000)
        head += bytes(4) + ip(self.address) + ip(self.me) + bytes(4) + request[28:44] + bytes(192)
        body = b"".join(bytes([code, len(value)]) + value for code, value in options.items())
        return head + COOKIE + body + b"\xff"

    def loop(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            selector.register(self.wake, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self.wake:
                        return
                    self.serve(self.sock.recv(4096))

    def serve(self, request):
        if len(request) < 240 or request[0] != 1:
            return
        reply = self.reply_to(request)
        if reply and self.spoil:
            reply = self.spoil(reply)
        if reply:
            try:
                self.sock.sendto(reply, ("255.255.255.255", 68))
            except OSError:
                pass  # its cable is out
        with self.changed:
            self.asked.append(parse(request))
            self.changed.notify_all()

    def close(self):
        self.waker.send(b"x")
        self.thread.join()
        for sock in (self.sock, self.wake, self.waker):
            sock.close()
