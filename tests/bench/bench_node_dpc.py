#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""dpc.fallback: how long the node is away because of a new configuration without DHCP server that has to take the
place of the working one to be tested. dpc.candidate: packets that are lost when it can be tried beside it."""

import statistics

from nodebench import ROUNDS, bench, measure, new_node

import packets
import topology
from config import Config

DURATION_S = 1  # timer.port.testduration


class Edge:
    """A node with two static uplinks in a world without DHCP."""

    def __init__(self):
        self.net = topology.standard(dhcp=False)
        self.node = new_node(self.net)
        self.version = 0

    def config(self, static, mtu=0):
        self.version += 1
        config = Config(self.version)
        for key, value in {"testduration": DURATION_S, "testinterval": 600, "testbetterinterval": 0}.items():
            config.item(f"timer.port.{key}", value)
        for n, letter in enumerate("ab", 1):
            address = {"address": f"192.168.{n}.2/24", "gateway": f"192.168.{n}.1"} if static else {}
            config.port(f"uplink-{letter}", f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only", **address)
            if mtu:
                config.root["networks"][-1]["mtu"] = mtu
        return config

    def wait(self, accept, what):
        self.node.wait("DeviceNetworkStatus", lambda t: "global" in t and accept(t["global"]), what, 30)

    def work(self):
        self.node.configure(self.config(static=True))
        self.wait(lambda s: s["dpcKey"] == "zedagent" and s["dpcState"] == "DPC_STATE_SUCCESS"
                  and not s["dpcTesting"] and s["ports"][0]["dhcp"] == "DHCP_STATIC", "it works")
        self.node.wait_settled()

    def try_bad(self, mtu=0):
        """What pings by uplink-a saw of a bad configuration, until it was given up."""
        self.work()
        with packets.Ping(self.net["node"], topology.WEB4) as ping:
            ping.wait_answers(20)
            self.node.configure(self.config(static=False, mtu=mtu))
            self.wait(lambda s: s["dpcTesting"], "it is tested")
            self.wait(lambda s: s["dpcKey"].startswith("zedagent@") and not s["dpcTesting"], "it is given up")
            self.node.wait_settled()
            ping.wait_answers(20)
        return ping.result


def dpc():
    edge = Edge()
    edge.node.start(edge.config(static=True))
    gaps = [edge.try_bad(mtu=1400).gap_ms for _ in range(ROUNDS)]
    print(f"dpc.fallback: worst {max(gaps):.0f} ms", flush=True)
    bench("dpc.fallback", statistics.median(gaps), "ms", 2000 * DURATION_S, 1)
    beside = [edge.try_bad() for _ in range(max(5, ROUNDS // 4))]
    print(f"dpc.candidate: {sum(r.sent for r in beside)} packets", flush=True)
    bench("dpc.candidate.lost", sum(len(r.lost) for r in beside), "packets", 1, 0)
    edge.net.close()


if __name__ == "__main__":
    measure(dpc)
