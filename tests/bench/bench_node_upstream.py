#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""failover.upstream: a port reaches nobody behind a gateway that answers. The default interval; upstream.wakeups: what
it costs a node with two free uplinks at rest."""

import contextlib
import os
import socket
import statistics
import time

from bench_node_idle import switches
from nodebench import ROUNDS, bench, measure, new_node, quantile

import packets
import scenario
import topology
from buspeer import Publisher, field
from waiting import pause, wait_for

INTERVAL_S = 2
PATIENCE_S = 1  # of who waits for an answer, before he says that it does not come
WAKEUPS_S = float(os.environ.get("BENCH_WAKEUPS_S", "30"))


def hole(isp):
    isp.run("nft", "add table inet hole; add chain inet hole way { type filter hook forward priority 0 ; policy drop ; }")


def mend(isp):
    isp.run("nft", "add table inet hole; delete table inet hole")


def upstream_edge(*items, costs=(0, 10)):
    net = topology.standard(dhcp=False)
    edge = scenario.Edge(net, new_node(net))
    config = edge.standard_config(static=True)
    for adapter, cost in zip(config.root["systemAdapterList"], costs):
        adapter["cost"] = cost
    for key, value in (("edgeway.probe.urls", f"http://{topology.WEB4}/"), ("edgeway.recovery.hold.ms", 0), *items):
        config.item(key, value)
    return edge.start(config)


def wait_uplink_a(edge, accept, what, timeout):
    """accept(its status), looked at with each change."""
    edge.node.wait("DeviceNetworkStatus", lambda t: any(
        p["logicallabel"] == "uplink-a" and accept(p) for p in t.get("global", {}).get("ports", [])), what, timeout)


def wait_well(edge):
    mend(edge.net["isp-a"])
    wait_uplink_a(edge, lambda p: (p.get("upstream4") or {}).get("state") == "UPSTREAM_ANSWERS"
                  and not p.get("behind4"), "uplink a is well", 30)
    wait_for(lambda: (packets.http_get(edge.app("app-a"), topology.WEB4) or "").startswith("hello 192.168.1."),
             "new flows go by uplink a", 10)


def apps_round(edge, n):
    """With and without another app's traffic, which takes the place of questions."""
    wait_well(edge)
    with contextlib.ExitStack() as stack:
        if n % 2:
            stack.enter_context(contextlib.suppress(AssertionError))  # it is reset by the switch
            stack.enter_context(packets.TcpStream(edge.app("app-b"), topology.WEB4, rate=50)).wait_flowing()
        ping = stack.enter_context(packets.Ping(edge.app("app-a"), topology.WEB4, rate=100))
        pause(0.2 + 2 * INTERVAL_S * n / ROUNDS)  # any time between two questions
        ping.wait_answers(10)
        hole(edge.net["isp-a"])
        ping.wait_answers(10, timeout=20)
        return ping.stop().gap_ms


def apps():
    edge = upstream_edge()
    gaps = [apps_round(edge, n) for n in range(ROUNDS)]
    print(f"failover.upstream: p50 {quantile(gaps, .5):.0f} ms, worst {max(gaps):.0f} ms", flush=True)
    bench("failover.upstream", statistics.median(gaps), "ms", 10000, 1)
    edge.net.close()


def ask(edge):
    """A request by uplink a, whose answer does not come."""
    with edge.net["node"].inside():
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with sock, contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sock.settimeout(PATIENCE_S)
        sock.connect((topology.WEB4, 80))


def request_round(edge, outcomes):
    wait_well(edge)
    hole(edge.net["isp-a"])
    begin = time.monotonic()
    ask(edge)
    outcomes.publish("uplink-a", field(1, True) + field(2, 4) + field(4, int(time.time() * 1000)))
    wait_uplink_a(edge, lambda p: p.get("turn"), "requests go by uplink b", 20)
    return 1000 * (time.monotonic() - begin)


def request():
    """From the hole to the other order of ports, the request's own patience included."""
    edge = upstream_edge(("edgeway.upstream.interval.ms", 60000))
    outcomes = Publisher(edge.node.run_dir, "client", "RequestOutcome")
    wait_for(lambda: outcomes.subscribers, "nim listens", 30)
    took = []
    for _ in range(ROUNDS):
        took.append(request_round(edge, outcomes))
        mend(edge.net["isp-a"])
        outcomes.publish("uplink-a", field(1, False) + field(4, int(time.time() * 1000)))
    print(f"failover.upstream.request: p50 {quantile(took, .5):.0f} ms, worst {max(took):.0f} ms", flush=True)
    bench("failover.upstream.request", statistics.median(took), "ms", 5000, 1)
    outcomes.close()
    edge.net.close()


def wakeups():
    edge = upstream_edge(("edgeway.heartbeat", "off"), costs=(0, 0))
    wait_well(edge)
    nim = edge.node.daemons()["nim"]
    pause(20)
    before = switches(nim)
    pause(WAKEUPS_S)
    bench("upstream.wakeups", (switches(nim) - before) / WAKEUPS_S, "per_s", 1.2, 1)
    edge.net.close()


if __name__ == "__main__":
    measure(apps, request, wakeups)
