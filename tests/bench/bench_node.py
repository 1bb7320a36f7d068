#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A whole node: failover.carrier (2 network instances follow, and 500), failover.gateway, flapping, dhcp.lease,
start.cold, memory.suite, idle.wakeups.

bench_node.py [PART…]: only failover, gateway, flapping, lease, apply, start, memory, idle. The world around the node is that
of tests/netns; the limits are raw programs, measured in the same run with rounds interleaved.
"""

import contextlib
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/netns"))
import sandbox  # noqa: E402

sandbox.enter()
import objects  # noqa: E402
import packets  # noqa: E402
import scenario  # noqa: E402
import topology  # noqa: E402
from config import Config  # noqa: E402
from node import BIN, Node  # noqa: E402
from waiting import pause, wait_for  # noqa: E402

TOOLS = BIN.parent / "tests/bench"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "20"))
LINK_WINDOW_S = 1.1  # the kernel holds link messages back that long after another link event
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, SO_RCVBUFFORCE = 1, 0x10, 33
PORT = 9999
FAILOVER_MS = 5
COUNT = 100  # instances at a start
BEYOND_KERNEL_MS = 250
FLAP_S = float(os.environ.get("BENCH_FLAP_S", "60"))
IDLE_S = float(os.environ.get("BENCH_IDLE_S", "60"))


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


# ---- failover.carrier ----

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
    for name, in_window, instances in (("quiet", False, 2), ("window", True, 2),
                                       ("quiet.500", False, 500), ("window.500", True, 500)):
        ours, raw = OurFailover(in_window, instances), RawFailover(in_window)
        ours_ms, raw_ms = [], []
        for n in range(ROUNDS):
            ours_ms.append(failover_round(ours, PORT + n, in_window))
            raw_ms.append(failover_round(raw, PORT + n, in_window))
        print(f"failover.carrier.{name}: p50 {quantile(ours_ms, .5):.2f} ms, raw "
              f"{quantile(raw_ms, .5):.2f} ms", flush=True)
        limit = quantile(raw_ms, 0.99)
        bench(f"failover.carrier.{name}", quantile(ours_ms, 0.99), "ms", limit, FAILOVER_MS / limit)
        ours.net.close()
        raw.net.close()


# ---- failover.gateway, flapping ----

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


# ---- dhcp.lease ----

def address_seen(host):
    """A socket that hears of addresses there."""
    with host.inside():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.bind((0, RTMGRP_IPV4_IFADDR))
    sock.settimeout(20)
    return sock


def wait_address(sock, prefix):
    while prefix not in sock.recv(65536):
        pass
    return time.monotonic()


def lease_round(ours, number):
    net = topology.standard("a")
    node = net["node"]
    config = Config()
    config.port("uplink-a", "eth0", kind="V4Only")
    edge = new_node(net)
    edge.configure(config)
    node.configure("link set eth0 up")
    dirs = ["--run-dir", str(edge.run_dir), "--state-dir", str(edge.state_dir), "--log-level", "warning"]
    log = open(edge.log_path, "wb")
    if ours:
        node.start(str(BIN / "zedagent"), *dirs, "--config", str(edge.config_path), stdout=log, stderr=log)
        wait_for(lambda: "uplink-a" in edge.edgeway("bus", "get", "DevicePortConfig", check=False),
                 "the configuration is published", 10)
        command = [str(BIN / "nim"), *dirs]
    else:
        command = ["dhcpcd", "--config=/dev/null", "--nobackground", "--quiet", "--script=/bin/true",
                   "--timeout=0", "--nodelay", "--noarp", "--noipv4ll", "--nogateway", "--nodev",
                   "--duid=ll", "--clientid=", "--ipv4only", "--option=rapid_commit", "eth0"]
    pause(LINK_WINDOW_S)
    with address_seen(node) as sock:
        begin = time.monotonic()
        node.start(*command, stdout=log, stderr=log)
        took = wait_address(sock, socket.inet_aton("192.168.1.0")[:3]) - begin
    net.close()
    return 1000 * took


def lease():
    rounds = max(7, ROUNDS // 2)
    both = [(lease_round(True, n), lease_round(False, n)) for n in range(rounds)]
    bench("dhcp.lease", statistics.median(b[0] for b in both), "ms",
          statistics.median(b[1] for b in both), 1.25)


# ---- apply.100, remove.100 ----

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


class World:
    """A node with one network instance, and namespaces for a hundred apps."""

    def __init__(self):
        self.net = net = topology.standard("a", dhcp=False)
        for n in range(COUNT):
            net.host(f"app-{n}")
        self.node = new_node(net)
        self.hosts = [net["node"], *(net[f"app-{n}"] for n in range(COUNT))]
        self.base, self.full = uplink_only(), hundred(net)
        for config in (self.base, self.full):
            config.instance("first", "10.9.0.0/24")
        self.node.start(self.base)
        self.node.instances_online(1)
        self.node.wait_settled()
        self.before = objects.take(self.hosts)


def push(world):
    """Milliseconds from the configuration's arrival until the last app runs."""
    running, node = set(), world.node
    watch = node.host.start(str(BIN / "edgeway"), "bus", "watch", "DomainStatus", "--run-dir",
                            str(node.run_dir), stdout=subprocess.PIPE)
    cpu = Cpu(node.daemons().values())
    begin = time.monotonic()
    node.configure(world.full)
    while len(running) < COUNT:
        line = watch.stdout.readline()
        if b"DOMAIN_RUNNING" in line:
            running.add(line[line.index(b'"key"'):][:60])
    took, used = 1000 * (time.monotonic() - begin), cpu.used()
    watch.kill()
    watch.wait()
    return took, used


def pull_back(world):
    """Milliseconds from the configuration's arrival until the last link is gone."""
    with world.node.host.inside():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
    sock.bind((0, RTMGRP_LINK))
    cpu = Cpu(world.node.daemons().values())
    begin, gone = time.monotonic(), 0
    world.node.configure(world.base)
    while gone < 2 * COUNT:
        gone += sum(kind == objects.RTM_DELLINK and body[0] == socket.AF_UNSPEC
                    for kind, body in objects.messages(sock.recv(1 << 17)))
    wait_for(world.node.plan_is_empty, "the plan is empty", 20, every=0.002)
    took = 1000 * (time.monotonic() - begin)
    sock.close()
    return took, cpu.used()


def raw_send(world, data):
    path = objects.write(world.node.folder / "raw", data)
    out = world.node.host.run(str(TOOLS / "raw_send"), path, *(str(h.path) for h in world.hosts))
    return [float(number) for number in out.stdout.split()]


def same_objects(world, state, what):
    differing = objects.differences(state, objects.take(world.hosts, world.before))
    assert not differing, f"{what}: {len(differing)} differ: {differing[:5]}"


def apply_round():
    """((ms of ours, cpu), raw) of making and of removing"""
    world, raw = World(), World()
    pause(LINK_WINDOW_S)
    made = push(world)
    world.node.wait_settled()
    state = objects.take(world.hosts, world.before)
    pause(2 * LINK_WINDOW_S)  # what a port carries costs at its removal: its carrier is seen late
    removed = pull_back(world)
    same_objects(world, [], "removed")
    world.net.close()
    raw.node.stop()
    raw_made = raw_send(raw, objects.making(state))
    same_objects(raw, state, "raw")
    pause(2 * LINK_WINDOW_S)
    raw_removed = raw_send(raw, objects.removing(state))
    same_objects(raw, [], "raw removed")
    raw.net.close()
    return made, raw_made, removed, raw_removed, objects.count(state)


def apply():
    rounds = [apply_round() for _ in range(max(5, ROUNDS // 4))]
    made, raw_made, removed, raw_removed = (
        statistics.median(side[0] for side in sides) for sides in list(zip(*rounds))[:4])
    everything, user_ticks, ticks = (sum(r[0][1][i] for r in rounds) / len(rounds) for i in range(3))
    user = everything * user_ticks / ticks
    print(f"apply.100: {rounds[0][4]} kernel objects from the arrival of a configuration", flush=True)
    bench("apply.100", made, "ms", raw_made, 1.15)
    bench("apply.100.user", user, "ms", everything - user, 0.05)
    bench("remove.100", removed, "ms", raw_removed, 1.2)


# ---- start.cold ----

def cpu_ms(pids):
    """(user, system) of all these processes, with their ended children."""
    user = system = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    return user * tick, system * tick


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


# ---- memory.suite, idle.wakeups ----

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


PARTS = {"failover": failover, "gateway": gateway, "flapping": flapping, "lease": lease, "apply": apply, "start": start, "memory": memory, "idle": idle}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
    sys.stdout.flush()
    os._exit(0)  # threads of servers
