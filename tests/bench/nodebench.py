# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of a whole node share. The world around the node is that of tests/netns; the limits are raw
programs, measured in the same run with rounds interleaved. Importing it enters the sandbox."""

import os
import pathlib
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/netns"))
import sandbox  # noqa: E402

sandbox.enter()
import topology  # noqa: E402
from config import Config  # noqa: E402
from node import BIN, Node  # noqa: E402

TOOLS = BIN.parent / "tests/bench"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
LINK_WINDOW_S = 1.1  # the kernel holds link messages back that long after another link event
PORT = 9999
COUNT = 100  # instances at a start


def bench(name, value, unit, limit, goal, op="<="):
    ratio = value / limit
    met = ratio <= goal if op == "<=" else ratio >= goal
    print(f"bench {name} {value:.4g} {unit} limit={limit:.4g} ratio={ratio:.3f} goal={op}{goal:g} "
          f"{'ok' if met else 'SHORT'}", flush=True)


def new_node(net):
    folder = pathlib.Path("/run/nodes", net["node"].netns)
    folder.mkdir(parents=True)
    return Node(net["node"], folder, log_level="info")


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


class Stream:
    """A datagram each 20 µs from a host to the internet; hole_ms: the longest loss."""

    def __init__(self, source, net, port, ms=1200):
        self.process = subprocess.Popen(
            [TOOLS / "udp_stream", source.path, net["internet"].path, topology.WEB4, str(port), "20",
             str(ms)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "started\n"

    def hole_ms(self):
        last = self.process.stdout.read()
        assert self.process.wait() == 0
        return int(last.rsplit("hole_us=", 1)[1]) / 1000


class Cpu:
    """Processor time of some processes: all of it, and of that in user mode, which the kernel
    samples at its ticks."""

    def __init__(self, pids):
        self.pids = list(pids)
        self.begin = self.read()

    def read(self):
        clocks = ((~pid << 3 | which for pid in self.pids) for which in (2, 1, 0))
        return [sum(1000 * time.clock_gettime(c) for c in group) for group in clocks]

    def used(self):
        """(all, ticks in user mode, ticks)"""
        return [now - then for now, then in zip(self.read(), self.begin)]


def uplink_only():
    config = Config(dnsmasq=False)
    config.port("uplink-a", "eth0", kind="V4Only", address="192.168.1.2/24", gateway="192.168.1.1")
    return config


def hundred(net):
    """That many instances with an app in each."""
    config = uplink_only()
    for n in range(COUNT):
        instance = config.instance(f"ni-{n}", f"10.10.{n}.0/24")
        config.app(f"app-{n}", net.netns_name(f"app-{n}")).adapter(instance)
    return config


def measure(*parts):
    """Each part in turn; the program ends with them, whatever threads servers have."""
    for part in parts:
        part()
    sys.stdout.flush()
    os._exit(0)
