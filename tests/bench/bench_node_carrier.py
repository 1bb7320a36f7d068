#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""failover.carrier: the longest time without a packet after a cable is pulled; 2 network instances follow, and 500, which
may not take twice as long."""

import subprocess

from nodebench import LINK_WINDOW_S, PORT, ROUNDS, TOOLS, Stream, bench, measure, new_node, quantile

import packets
import scenario
import topology
from waiting import pause, wait_for

FAILOVER_MS = 5


def noise(host):
    """A link event, which opens the window."""
    host.configure("link add noise type bridge", "link set noise up", "link del noise")


class OurFailover:
    def __init__(self, cards, instances=2):
        self.net = topology.standard(cards=cards)
        self.edge = scenario.Edge(self.net, new_node(self.net))
        config = self.edge.standard_config()
        config.item("edgeway.recovery.hold.ms", 0)  # each round begins on uplink a
        for n in range(2, instances):  # the standard node has two
            config.instance(f"more-{n}", f"10.{100 + n // 250}.{n % 250}.0/24")
        if instances > 2:
            config.item("edgeway.dnsmasq", "off")
        self.edge.start(config)
        self.app = self.edge.app("app-a")

    def prepare(self):
        wait_for(lambda: (packets.http_get(self.app, topology.WEB4) or "").startswith("hello 192.168.1."),
                 "new flows go by uplink a", 10)

    def armed(self):
        pass

    def after(self):
        self.net.plug("node:eth0")
        self.edge.node.wait_settled()


class RawFailover:
    """Static routes and a program that waits for nothing else."""

    def __init__(self, cards):
        self.net = net = topology.standard(dhcp=False, cards=cards)
        net.host("app")
        net.cable("app:eth0", "node:app")
        net["app"].configure("addr add 10.1.0.2/24 dev eth0", "route add default via 10.1.0.1")
        net["node"].sysctl(net__ipv4__ip_forward=1)
        net["node"].configure("addr add 10.1.0.1/24 dev app", "addr add 192.168.1.2/24 dev eth0",
                              "addr add 192.168.2.2/24 dev eth1")
        self.app, self.process = net["app"], None

    def prepare(self):
        self.net["node"].configure("route replace default via 192.168.1.1 dev eth0")

    def armed(self):
        self.process = subprocess.Popen(
            [TOOLS / "raw_failover", self.net["node"].path, "eth0", "eth1", "192.168.2.1"],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def after(self):
        assert self.process.wait() == 0
        self.net.plug("node:eth0")


def failover_round(side, port, in_window):
    side.prepare()
    side.armed()
    pause(LINK_WINDOW_S)
    stream = Stream(side.app, side.net, port)
    pause(0.2)
    if in_window:
        noise(side.net["node"])
        pause(0.05)
    side.net.pull("node:eth0")
    hole = stream.hole_ms()
    side.after()
    return hole


def failover():
    """The goal is in milliseconds: how many times the raw program's it may be follows from that."""
    middle = {}
    for name, in_window, instances in (("quiet", False, 2), ("window", True, 2),
                                       ("quiet.500", False, 500), ("window.500", True, 500)):
        ours, raw = OurFailover(in_window, instances), RawFailover(in_window)
        ours_ms, raw_ms = [], []
        for n in range(ROUNDS):
            ours_ms.append(failover_round(ours, PORT + n, in_window))
            raw_ms.append(failover_round(raw, PORT + n, in_window))
        middle[name] = quantile(ours_ms, 0.5)
        print(f"failover.carrier.{name}: p50 {middle[name]:.2f} ms, raw "
              f"{quantile(raw_ms, .5):.2f} ms", flush=True)
        limit = quantile(raw_ms, 0.99)
        bench(f"failover.carrier.{name}", quantile(ours_ms, 0.99), "ms", limit, FAILOVER_MS / limit)
        ours.net.close()
        raw.net.close()
    for name in ("quiet", "window"):
        bench(f"failover.carrier.{name}.500to2", middle[name + ".500"], "ms", middle[name], 2)


if __name__ == "__main__":
    measure(failover)
