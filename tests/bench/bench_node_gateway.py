#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""failover.gateway: a router that dies behind a live link. flapping: a port that comes and goes, 20 times a second."""

import os
import statistics
import time

from nodebench import PORT, ROUNDS, Cpu, Stream, bench, measure, new_node, quantile

import packets
import scenario
import topology
from waiting import pause, wait_for

FLAP_S = float(os.environ.get("BENCH_FLAP_S", "60"))


def set_router(net, alive):
    """The access switch loses its router: the node's link stays. (Linux would answer and forward by
    the port all the same.)"""
    net["isp-a"].sysctl(net__ipv4__conf__p1__arp_ignore=0 if alive else 8,
                        net__ipv4__conf__p1__forwarding=int(alive))
    net["isp-a"].configure("link set p1 " + ("master lan" if alive else "nomaster"))


def port_status(edge, label):
    ports = edge.node.table("DeviceNetworkStatus")["global"]["ports"]
    return next(p for p in ports if p["logicallabel"] == label)


def gateway_edge(*items):
    net = topology.standard(dhcp=False)
    edge = scenario.Edge(net, new_node(net))
    config = edge.standard_config(static=True)
    for key, value in items:
        config.item(key, value)
    return edge.start(config)


def gateway_round(edge, port, interval_ms, n):
    wait_for(lambda: (packets.http_get(edge.app("app-a"), topology.WEB4) or "").startswith("hello 192.168.1."),
             "new flows go by uplink a", 10)
    wait_for(lambda: port_status(edge, "uplink-a")["gatewayState4"] == "GATEWAY_ANSWERS", "its gateway answers")
    stream = Stream(edge.app("app-a"), edge.net, port, 200 + 7 * interval_ms)
    pause(0.1 + interval_ms / 1000 * n / ROUNDS)  # any time between two questions
    set_router(edge.net, alive=False)
    hole = stream.hole_ms()
    set_router(edge.net, alive=True)
    return hole


def gateway():
    for name, interval_ms, limit in (("default", 200, 1000), ("10ms", 10, 50)):
        edge = gateway_edge(("edgeway.heartbeat.interval.ms", interval_ms), ("edgeway.recovery.hold.ms", 0))
        holes = [gateway_round(edge, PORT + n, interval_ms, n) for n in range(ROUNDS)]
        print(f"failover.gateway.{name}: p50 {quantile(holes, .5):.1f} ms, worst {max(holes):.1f} ms", flush=True)
        bench(f"failover.gateway.{name}", statistics.median(holes), "ms", limit, 1)
        edge.net.close()


def flapping():
    """20 times a second: processor time of nim in percent, and changes of the default port."""
    edge = gateway_edge()
    edge.net.pull("node:eth0")
    pause(1)
    nim, mark = edge.node.daemons()["nim"], edge.node.log_mark()
    cpu, begin = Cpu([nim]), time.monotonic()
    while time.monotonic() - begin < FLAP_S:
        edge.net.plug("node:eth0")
        pause(0.02)
        edge.net.pull("node:eth0")
        pause(0.02)
    percent = cpu.used()[0] / (time.monotonic() - begin) / 10
    lines = edge.node.log_since(mark)
    print(f"flapping: {len(lines)} lines", flush=True)
    bench("flapping.nim", percent, "%", 5, 1)
    bench("flapping.switches", sum("event=default_port" in line for line in lines), "changes", 1, 0)
    bench("flapping.lines", len(lines) / FLAP_S, "lines/s", 10, 1)
    edge.net.close()


if __name__ == "__main__":
    measure(gateway, flapping)
