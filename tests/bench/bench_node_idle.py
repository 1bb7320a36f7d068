#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""memory.suite, idle.wakeups: a node at rest."""

import os
import pathlib

from nodebench import bench, measure, new_node

import sandbox
import topology
from config import Config
from waiting import pause

IDLE_S = float(os.environ.get("BENCH_IDLE_S", "60"))


def pss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def switches(pid):
    """Times it went to sleep by itself: once for each time it was woken."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (task / "status").read_text()
        total += int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


def idle_node():
    net = topology.standard("a")
    config = Config()
    config.port("uplink-a", "eth0", kind="V4Only", address="192.168.1.2/24", gateway="192.168.1.1")
    instance = config.instance("local", "10.1.0.0/24")
    for name in ("app-a", "app-b"):
        net.host(name)
        config.app(name, net.netns_name(name)).adapter(instance)
    node = new_node(net).start(config)
    node.instances_online(1)
    node.wait("DomainStatus", lambda t: len(t) == 2 and all(
        s.get("state") == "DOMAIN_RUNNING" for s in t.values()), "both apps running", 30)
    node.wait_settled()
    return net, node


def memory():
    net, node = idle_node()
    daemons = {**node.daemons(), "edgeway": node.process.pid}
    each = {name: pss_kib(pid) for name, pid in daemons.items()}
    helpers = [p for p in sandbox.processes_in(node.host.path) if p not in daemons.values()]
    print("memory.suite: " + ", ".join(f"{n} {k} KiB" for n, k in sorted(each.items())) +
          f"; helpers {sum(map(pss_kib, helpers))} KiB", flush=True)
    bench("memory.suite", sum(each.values()) / 1024, "MiB", 12, 1)
    net.close()


def idle():
    net, node = idle_node()
    pids = [*node.daemons().values(), node.process.pid]
    pause(20)  # what follows a start; the kernel tells of a bridge port once more after 15 s
    before = {pid: switches(pid) for pid in pids}
    pause(IDLE_S)
    woken = sum(switches(pid) - before[pid] for pid in pids)
    bench("idle.wakeups", woken, f"in_{IDLE_S:.0f}_s", 1, 0)
    net.close()


if __name__ == "__main__":
    measure(memory, idle)
