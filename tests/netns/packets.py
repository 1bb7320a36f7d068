# SPDX-License-Identifier: Apache-2.0
"""Real packets: streams that count what is lost, and probes that must, or must not, arrive."""

import contextlib
import ipaddress
import os
import select
import socket
import struct
import threading
import time

from waiting import SLOW, wait_for

PACKET_OUTGOING = 4
SO_TIMESTAMPNS = 35
ETH_P_ALL, ETH_P_IP, ETH_P_ARP, ETH_P_IPV6 = 0x0003, 0x0800, 0x0806, 0x86DD
QUIET_S = 0.15 * max(1, SLOW / 4)  # what has not come by then was dropped


def family_of(address):
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


class Ping:
    """with Ping(host, "198.51.100.80") as ping: …  ping.result.assert_nothing_lost()

    Echo requests at a steady rate. A request that cannot be sent (no route) counts as lost."""

    def __init__(self, host, to, rate=100):
        self.host, self.to, self.interval = host, to, 1 / rate
        self.v6 = family_of(to) == socket.AF_INET6
        with host.inside():
            self.sock = socket.socket(family_of(to), socket.SOCK_RAW,
                                      socket.IPPROTO_ICMPV6 if self.v6 else socket.IPPROTO_ICMP)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.ident = int.from_bytes(os.urandom(2), "big")
        # Sequence number -> when, by the kernel's clock. Stamped when the kernel has it: a sender
        # that waits for its turn on a busy machine is not a slow network.
        self.sent = {}
        self.answered = {}  # sequence number -> when the first answer came in
        self.duplicates = 0
        self.stopping = threading.Event()
        self.deadline = None  # for the last answers, once the last request is out
        self.changed = threading.Condition()
        self.sender, self.receiver = (threading.Thread(target=f, daemon=True)
                                      for f in (self.send, self.receive))

    def __enter__(self):
        self.receiver.start()
        self.sender.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def request(self, seq):
        return echo_request(self.to, self.ident, seq, struct.pack("!I", seq) + b"edgeway-ping")

    def send(self):
        due = time.monotonic()
        while not self.stopping.wait(max(0, due - time.monotonic())):
            seq = len(self.sent)
            with contextlib.suppress(OSError):
                self.sock.sendto(self.request(seq), (self.to, 0))
            self.sent[seq] = time.time()
            due += self.interval

    def receive(self):
        while not (self.deadline and len(self.answered) == len(self.sent)):
            if not select.select([self.sock], [], [], 0.05)[0]:
                if self.deadline and time.monotonic() > self.deadline:
                    return
                continue
            data, extra, _, _ = self.sock.recvmsg(2048, 64)
            if not self.v6:
                data = data[(data[0] & 15) * 4:]
            if len(data) < 12 or data[0] != (129 if self.v6 else 0) \
                    or data[4:6] != struct.pack("!H", self.ident):
                continue
            seq = struct.unpack("!I", data[8:12])[0]
            seconds, nanoseconds = struct.unpack("qq", extra[0][2])
            with self.changed:
                self.duplicates += seq in self.answered
                self.answered.setdefault(seq, seconds + nanoseconds / 1e9)
                self.changed.notify_all()

    def wait_answers(self, more, timeout=5):
        """Until that many more requests were answered."""
        target = len(self.answered) + more
        wait_for(lambda: len(self.answered) >= target, f"{more} more pings to {self.to} answered",
                 timeout, wake=self.changed)

    def stop(self):
        if not self.stopping.is_set():
            self.stopping.set()
            self.sender.join()
            self.deadline = time.monotonic() + 1 + QUIET_S
            self.receiver.join()
            self.sock.close()
            self.result = PingResult(self.sent, self.answered, self.duplicates)
        return self.result


class PingResult:
    """lost: sequence numbers. gap: the longest time without service, its begin and end: between two
    answered requests when some between them were lost, or the slowest answer (a queue may hold requests
    back while there is no way, and lose none). gap_ms: its length."""

    def __init__(self, sent, answered, duplicates):
        self.sent, self.received, self.duplicates = len(sent), len(answered), duplicates
        self.lost = sorted(set(sent) - set(answered))
        self.slowest_ms = max((1000 * (answered[s] - sent[s]) for s in answered), default=0.0)
        seqs = sorted(answered)
        spans = [(sent[s], answered[s]) for s in seqs] + [
            (sent[a], sent[b]) for a, b in zip(seqs, seqs[1:]) if b != a + 1]
        self.gap = max(spans, key=lambda span: span[1] - span[0], default=(0, float("inf")))
        self.gap_ms = 1000 * (self.gap[1] - self.gap[0])

    def assert_nothing_lost(self, within_ms=250):
        """Each request was answered once, and within that time."""
        assert self.sent > 0 and not self.lost and not self.duplicates, repr(self)
        assert self.slowest_ms < within_ms * SLOW, repr(self)

    def __repr__(self):
        return (f"<{self.sent} sent, {self.received} answered, {self.duplicates} twice, lost "
                f"{self.lost[:20]}, slowest {self.slowest_ms:.1f} ms, gap {self.gap_ms:.0f} ms>")


class TcpStream:
    """A connection to an echo server that carries numbered lines, 100 a second, for as long as the
    block lasts; then every byte must have come back in order."""

    def __init__(self, host, to, port=7, rate=100):
        self.interval = 1 / rate
        with host.inside():
            self.sock = socket.socket(family_of(to), socket.SOCK_STREAM)
        self.sock.settimeout(5 * SLOW)
        self.sock.connect((to, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent, self.got = bytearray(), bytearray()
        self.longest_silence = 0.0  # seconds between two arrivals
        self.stopping = threading.Event()
        self.trouble = None
        self.changed = threading.Condition()
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self.send, self.receive)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.sock.close()
        if kind is None:
            assert self.trouble is None, f"TCP stream broke: {self.trouble}"
            assert self.sent and self.sent == self.got, \
                f"TCP stream: {len(self.sent)} bytes sent, {len(self.got)} came back"

    def send(self):
        number = 0
        with contextlib.suppress(OSError):
            while not self.stopping.wait(self.interval):
                line = f"{number:08d} {'edgeway' * 8}\n".encode()
                self.sent += line
                self.sock.sendall(line)
                number += 1
            self.sock.shutdown(socket.SHUT_WR)

    def receive(self):
        last = time.monotonic()
        try:
            while data := self.sock.recv(65536):
                with self.changed:
                    self.got += data
                    last, before = time.monotonic(), last
                    self.longest_silence = max(self.longest_silence, last - before)
                    self.changed.notify_all()
        except OSError as error:
            self.trouble = error

    def wait_flowing(self, timeout=5):
        """Until something sent from now on has come back."""
        target = len(self.sent) + 1
        wait_for(lambda: len(self.got) >= target or self.trouble, "the TCP stream flows", timeout,
                 wake=self.changed)


class Sniffer:
    """Everything that comes in at a host, or at one interface of it, below any firewall."""

    def __init__(self, host, dev=None):
        with host.inside():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            if dev:
                self.sock.bind((dev, ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def find(self, wanted, within):
        """The first frame that came in for which wanted(frame) holds, or None after within s."""
        deadline = time.monotonic() + within
        while True:
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            frame, origin = self.sock.recvfrom(65536)
            if origin[2] != PACKET_OUTGOING and wanted(frame):
                return frame


def _token():
    return b"edgeway-" + os.urandom(12)


def udp_arrives(source, to, port, at, attempts=1, within=None, bind=None):
    """Sends datagrams with a payload of their own from source; the frame with it that came in at
    the host `at`, or None."""
    token = _token()
    with source.inside():
        sock = socket.socket(family_of(to), socket.SOCK_DGRAM)
    with sock, Sniffer(at) as sniffer:
        if bind:
            sock.bind((bind, 0))
        for _ in range(attempts):
            with contextlib.suppress(OSError):  # no route, or prohibited: not delivered
                sock.sendto(token, (to, port))
            frame = sniffer.find(lambda f: token in f, within or QUIET_S)
            if frame:
                return frame
    return None


def tcp_arrives(source, to, port, at, within=None):
    """Connects from source: True when a SYN for that port came in at the host `at`."""
    with source.inside():
        sock = socket.socket(family_of(to), socket.SOCK_STREAM)
    with sock, Sniffer(at) as sniffer:
        sock.setblocking(False)
        sock.bind(("", 0))
        port_pair = struct.pack("!HH", sock.getsockname()[1], port)
        sock.connect_ex((to, port))
        # Masquerade may have given it another source port: any SYN to the port then counts.
        def syn(frame):
            at_l4 = _transport(frame, socket.IPPROTO_TCP)
            return at_l4 is not None and (at_l4[:4] == port_pair or at_l4[2:4] == port_pair[2:]) \
                and at_l4[13] & 0x12 == 0x02
        return sniffer.find(syn, within or QUIET_S) is not None


def icmp_arrives(source, to, at, within=None):
    """One echo request with a payload of its own: True when it came in at the host `at`."""
    token = _token()
    v6 = family_of(to) == socket.AF_INET6
    with source.inside():
        sock = socket.socket(family_of(to), socket.SOCK_RAW,
                             socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    with sock, Sniffer(at) as sniffer:
        ident = int.from_bytes(os.urandom(2), "big")  # a flow of its own
        with contextlib.suppress(OSError):
            sock.sendto(echo_request(to, ident, 1, token), (to, 0))
        return sniffer.find(lambda f: token in f, within or QUIET_S) is not None


def _transport(frame, protocol):
    """The bytes from the transport header on, of a frame with that protocol, or None."""
    kind = frame[12:14]
    if kind == struct.pack("!H", ETH_P_IP) and frame[23] == protocol:
        return frame[14 + (frame[14] & 15) * 4:]
    if kind == struct.pack("!H", ETH_P_IPV6) and frame[20] == protocol:
        return frame[54:]
    return None


_PROBES = {"udp": udp_arrives, "tcp": tcp_arrives}


def assert_reaches(source, to, port, at, protocol="udp", within=2):
    """Lets the first packet be lost to address resolution and the like, not more."""
    wait_for(lambda: _PROBES[protocol](source, to, port, at),
             f"{protocol} from {source} to {to} port {port} arrives at {at}", within)


def assert_blocked(source, to, port, at, protocol="udp", attempts=3):
    for _ in range(attempts):
        assert not _PROBES[protocol](source, to, port, at), \
            f"{protocol} from {source} to {to} port {port} arrived at {at}"


def http_get(host, address, port=80, timeout=3):
    """The body that the web server at address answers host with; None when there is no answer."""
    bracketed = f"[{address}]" if ":" in address else address
    try:
        with host.inside():
            sock = socket.create_connection((address, port), timeout * SLOW)
        with sock:
            sock.sendall(f"GET / HTTP/1.0\r\nHost: {bracketed}\r\n\r\n".encode())
            answer = b""
            while data := sock.recv(4096):
                answer += data
        return answer.partition(b"\r\n\r\n")[2].decode()
    except OSError:
        return None


def resolve(host, server, name, version=4, within=5):
    """The addresses that the DNS server gives host for name; asked until it knows some."""
    return wait_for(lambda: _asked(host, server, name, version), f"{server} tells {host} addresses of {name}", within)


def _asked(host, server, name, version):
    kind = 1 if version == 4 else 28  # A, AAAA
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    ident = os.urandom(2)
    with host.inside():
        sock = socket.socket(family_of(server), socket.SOCK_DGRAM)
    with sock:
        sock.settimeout(0.3 * SLOW)
        with contextlib.suppress(OSError):  # not there yet, or lost: asked again
            sock.sendto(ident + struct.pack("!5H", 0x100, 1, 0, 0, 0) + labels
                        + struct.pack("!BHH", 0, kind, 1), (server, 53))
            return _records(sock.recv(4096), len(labels) + 17, kind)
    return None


def _records(answer, at, kind):
    """The addresses in a DNS answer whose question ends at that offset; names are pointers there."""
    found = []
    for _ in range(struct.unpack("!H", answer[6:8])[0]):
        while answer[at] and answer[at] < 0xC0:
            at += answer[at] + 1
        at += 2 if answer[at] else 1
        what, _, _, length = struct.unpack("!HHIH", answer[at:at + 10])
        at += 10
        if what == kind:
            found.append(str(ipaddress.ip_address(answer[at:at + length])))
        at += length
    return found


# ---- Frames by hand ----


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(to, ident, seq, payload):
    """ICMP or ICMPv6 from its header on; the kernel fills in the checksum of ICMPv6."""
    v6 = family_of(to) == socket.AF_INET6
    head = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, ident, seq & 0xFFFF)
    if not v6:
        head = head[:2] + struct.pack("!H", checksum(head + payload)) + head[4:]
    return head + payload


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def packed(address):
    return ipaddress.ip_address(address).packed


def ethernet(destination, source, kind, payload):
    return (mac_bytes(destination) + mac_bytes(source) + struct.pack("!H", kind) + payload).ljust(60, b"\0")


def udp_frame(mac_to, mac_from, ip_from, ip_to, port, payload):
    """UDP over IPv4 or IPv6, whatever the addresses are."""
    length = 8 + len(payload)
    udp = struct.pack("!HHHH", 4321, port, length, 0) + payload
    pseudo = packed(ip_from) + packed(ip_to) + struct.pack("!IHBB", length, 0, 0, 17)
    if family_of(ip_to) == socket.AF_INET:
        pseudo = packed(ip_from) + packed(ip_to) + struct.pack("!BBH", 0, 17, length)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xFFFF) + payload
    if family_of(ip_to) == socket.AF_INET6:
        head = struct.pack("!IHBB", 6 << 28, length, 17, 64) + packed(ip_from) + packed(ip_to)
        return ethernet(mac_to, mac_from, ETH_P_IPV6, head + udp)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, 17, 0) \
        + packed(ip_from) + packed(ip_to)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ethernet(mac_to, mac_from, ETH_P_IP, head + udp)


def arp_frame(mac_from, ip_from, ip_to, mac_to="ff:ff:ff:ff:ff:ff", operation=1, sender=None):
    """operation 1 asks, 2 answers. sender: the MAC claimed inside, when not mac_from."""
    target = b"\0" * 6 if operation == 1 else mac_bytes(mac_to)
    payload = struct.pack("!HHBBH", 1, ETH_P_IP, 6, 4, operation) + mac_bytes(sender or mac_from) \
        + packed(ip_from) + target + packed(ip_to)
    return ethernet(mac_to, mac_from, ETH_P_ARP, payload)


def neighbour_advert_frame(mac_from, ip_from, ip_to="ff02::1", mac_to="33:33:00:00:00:01", claimed=None):
    """Unsolicited, with override: "ip_from is at claimed (or mac_from)"."""
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + packed(ip_from) \
        + struct.pack("!BB", 2, 1) + mac_bytes(claimed or mac_from)
    pseudo = packed(ip_from) + packed(ip_to) + struct.pack("!IHBB", len(body), 0, 0, 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + packed(ip_from) + packed(ip_to)
    return ethernet(mac_to, mac_from, ETH_P_IPV6, head + body)


def advertisement_frame(mac, source, message):
    """A router advertisement (ICMPv6 message without checksum), to all nodes."""
    source, to = packed(source), packed("ff02::1")
    pseudo = source + to + struct.pack("!II", len(message), 58)
    check = checksum(pseudo + message)
    message = message[:2] + struct.pack("!H", check) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + source + to
    return ethernet("33:33:00:00:00:01", mac, 0x86DD, header + message)


def inject(host, dev, *frames):
    """Puts frames on the wire at dev, past the host's own stack."""
    with host.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sock:
        sock.bind((dev, 0))
        for frame in frames:
            sock.send(frame)


def frame_arrives(source, dev, frame, at, marker, within=None):
    """Injects frame at dev of source: what came in at the host `at` and holds marker, or None."""
    with Sniffer(at) as sniffer:
        inject(source, dev, frame)
        return sniffer.find(lambda f: marker in f, within or QUIET_S)


