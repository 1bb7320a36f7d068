#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""start.cold: daemons start with a hundred instances, from nothing, and with everything there to be adopted."""

import contextlib
import os
import pathlib
import socket
import statistics
import time

from nodebench import COUNT, LINK_WINDOW_S, PORT, ROUNDS, bench, hundred, measure, new_node

import packets
import topology
from waiting import pause

BEYOND_KERNEL_MS = 250


def cpu_ms(pids):
    """(user, system) of all these processes, with their ended children."""
    user = system = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    return user * tick, system * tick


class Probes:
    """A datagram from each app, repeated until it has come in at the internet."""

    def __init__(self, net):
        self.sniffer = packets.Sniffer(net["internet"])
        self.missing = {}
        for n in range(COUNT):
            with net[f"app-{n}"].inside():
                self.missing[n] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self):
        for n, sock in self.missing.items():
            with contextlib.suppress(OSError):  # it has no interface yet
                sock.sendto(b"instance-%d." % n, (topology.WEB4, PORT))

    def receive(self):
        def number(frame):
            at = frame.find(b"instance-")
            if at >= 0:
                self.missing.pop(int(frame[at + 9:].split(b".")[0]), None)
        self.sniffer.find(number, 0.002)

    def wait(self, limit_s=30):
        begin = time.monotonic()
        while self.missing:
            self.send()
            self.receive()
            assert time.monotonic() - begin < limit_s, sorted(self.missing)


def start_round():
    """((wall, user, system) in ms) from nothing, and with everything there to be adopted."""
    net = topology.standard("a")
    for n in range(COUNT):
        net.host(f"app-{n}")
    node = new_node(net)
    node.configure(hundred(net))
    pause(LINK_WINDOW_S)
    probes = Probes(net)
    begin = time.monotonic()
    node.start()
    probes.wait()
    nothing = (1000 * (time.monotonic() - begin), *cpu_ms(node.daemons().values()))
    node.wait_settled()
    node.stop()
    begin = time.monotonic()
    node.start()
    node.wait("DomainStatus", lambda t: len(t) == COUNT and all(
        s.get("state") == "DOMAIN_RUNNING" for s in t.values()), "all apps running", 30)
    adopted = (1000 * (time.monotonic() - begin), *cpu_ms(node.daemons().values()))
    assert node.instances_online(COUNT)
    net.close()
    return nothing, adopted


def start():
    rounds = [start_round() for _ in range(max(5, ROUNDS // 4))]
    for which, name in enumerate(("nothing", "adoption")):
        wall, user, system = (statistics.median(r[which][i] for r in rounds) for i in range(3))
        print(f"start.cold.{name}: {user:.0f} ms user, {system:.0f} ms system", flush=True)
        bench(f"start.cold.{name}", wall, "ms", system + BEYOND_KERNEL_MS, 1)


if __name__ == "__main__":
    measure(start)
