# SPDX-License-Identifier: Apache-2.0
"""How long the whole machine stood still.

    with Stalls() as stalls:
        …
    assert took_ms <= LIMIT_MS + stalls.ms
    assert result.gap_ms <= LIMIT_MS + stalls.within_ms(*result.gap)  # of packets.Ping

A thread that wakes up each 10 ms sees when it does so late: others had the processor. Whoever changes a link, a route or a rule takes the kernel's RTNL lock (net/core/rtnetlink.c). There is
one for all namespaces of the machine, and who tears down a thousand of them elsewhere may hold it for
seconds. A test that measures how soon something follows allows for the time that nobody could do it.

machine_is_slow() measures both once, for a wait whose limit has passed.
"""

import select
import socket
import struct
import threading
import time

NOTICED_MS = 20  # nothing of a node holds it that long
EVERY_S = 0.01
WORK_S, SAMPLE_S = 0.05, 0.3
RTM_NEWLINK, NLM_F_REQUEST, NLM_F_ACK, IFF_UP, LOOPBACK = 16, 1, 4, 1, 1


class Stalls:
    def __init__(self):
        self.seen = []  # (begin, end) by time.time()
        self.ended = threading.Event()
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        """Waits for the lock once more: a stall that goes on is part of it."""
        self.ended.set()
        self.thread.join()
        self.sock.close()

    @property
    def ms(self):
        """Of all since the beginning."""
        return sum(1000 * (end - begin) for begin, end in self.seen)

    def within_ms(self, begin, end):
        """Of them, what was between two times of time.time()."""
        return sum(1000 * max(0, min(end, e) - max(begin, b)) for b, e in self.seen)

    def take_lock(self):
        """ip link set lo up, where it is up: takes the lock and changes nothing."""
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, LOOPBACK, IFF_UP, IFF_UP)
        self.sock.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        select.select([self.sock], [], [])
        error, = struct.unpack_from("=i", self.sock.recv(4096), 16)
        assert error == 0, error

    def watch(self):
        last = False
        while not last:
            due = time.time() + EVERY_S
            last = self.ended.wait(EVERY_S)
            woken = time.time()
            self.take_lock()
            for begin, end in ((due, woken), (woken, time.time())):
                if 1000 * (end - begin) > NOTICED_MS:
                    self.seen.append((begin, end))


def machine_is_slow():
    """Work takes half as long again as it takes of the processor, or somebody holds the lock."""
    begin, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < WORK_S:
        pass
    took = time.monotonic() - begin
    with Stalls() as stalls:
        stalls.ended.wait(SAMPLE_S)
    return took > 1.5 * WORK_S or stalls.ms > 0
