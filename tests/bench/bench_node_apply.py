#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""apply.100, remove.100: a hundred instances with an app in each, from the arrival of a configuration through all
daemons; the limit is a program that sends what they made as ready messages."""

import os
import socket
import statistics
import subprocess
import time

from nodebench import (BIN, COUNT, LINK_WINDOW_S, ROUNDS, TOOLS, Cpu, bench, hundred, measure, new_node,
                       uplink_only)

import objects
import topology
from waiting import pause, wait_for

RTMGRP_LINK, SO_RCVBUFFORCE = 1, 33


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
    prepared = world.full.prepare(node.config_path)
    cpu = Cpu(node.daemons().values())
    begin = time.monotonic()
    os.rename(prepared, node.config_path)
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
    prepared = world.base.prepare(world.node.config_path)
    cpu = Cpu(world.node.daemons().values())
    begin, gone = time.monotonic(), 0
    os.rename(prepared, world.node.config_path)
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


if __name__ == "__main__":
    measure(apply)
