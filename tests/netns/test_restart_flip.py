# SPDX-License-Identifier: Apache-2.0
"""Random kills while the configuration flips: the end is exactly the last configuration."""

import collections
import os
import random
import re
import shutil
import time

import scenario
import snapshot
import topology
from config import Config, allow, drop, port_map
from waiting import SLOW, pause, wait_for

KILLS = 200


def versions(edge):
    """Two configurations that differ in everything: ports, subnets, ACLs, instances, apps."""
    one = edge.standard_config(static=True)
    one.instance("only-one", "10.11.0.0/24", port="")
    one.app("third-one", edge.net.netns_name("third-one")).adapter(one.instance("ni5", "10.5.0.0/24"))

    other = Config(version=2)
    other.port("uplink-a", "eth0", cost=20, kind="V4Only", address="192.168.1.3/24", gateway="192.168.1.1")
    other.port("uplink-b", "eth1", cost=0, kind="V4Only", address="192.168.2.2/24", gateway="192.168.2.1")
    four = other.instance("ni4", "10.1.0.0/24", port="uplink-b")
    five = other.instance("ni5", "10.55.0.0/24")
    other.instance("only-other", "fd00:22::/64", port="")
    other.app("app-a", edge.net.netns_name("app-a")).adapter(
        four, acl=[allow("198.51.100.0/24", "tcp", fport=80), drop("203.0.113.0/24"),
                   port_map("tcp", 8080, 80)]).adapter(five)
    other.app("fourth-other", edge.net.netns_name("fourth-other")).adapter(five)
    return one, other


def test_random_kills_under_flipping_configuration_leave_exactly_the_last(net, make_net, make_node):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    edge = scenario.Edge(net, make_node(net["node"]))
    one, other = versions(edge)
    edge.start(one)
    kill_and_flip(edge, random.Random(seed), one, other)
    edge.node.configure(one)
    edge.node.wait_daemons(60)
    edge.wait_applied(one)

    # A node that has never seen anything else, but calls things by the same numbers.
    fresh_net = make_net(topology.standard)
    fresh = scenario.Edge(fresh_net, make_node(fresh_net["node"]))
    shutil.copytree(edge.node.state_dir, fresh.node.state_dir)
    fresh.start(versions(fresh)[0])
    wait_for(lambda: not snapshot.diff(picture(fresh), picture(edge)),
             "the node is as after a fresh start", 5, told=lambda: snapshot.diff(picture(fresh), picture(edge)))


def kill_and_flip(edge, dice, one, other):
    kills, flips, due = 0, 0, time.monotonic()
    crashes = collections.Counter()
    while kills < KILLS:
        if time.monotonic() >= due:
            edge.node.configure((other, one)[flips % 2])
            flips, due = flips + 1, due + SLOW
        pause(dice.uniform(0, 0.15) * SLOW)  # a random point
        alive = sorted(edge.node.daemons())
        if dice.random() < 0.05 or max(crashes.values(), default=0) > 3:
            kills += len(alive)
            edge.node.kill()
            edge.node.start()
            crashes.clear()  # and with them the supervisor's patience of seconds
        elif alive:
            victim = dice.choice(alive)
            edge.node.kill(victim)
            crashes[victim] += 1
            kills += 1
    assert flips > 3


def picture(edge):
    """All state of the node and its apps, without what names this topology and these folders."""
    names = re.compile(rf"{re.escape(str(edge.node.folder))}|\bt{edge.net.number}-")
    chance = re.compile(r" mac=\S+(?= master=bn)")  # the kernel's choice, at the node's ends
    state = {}
    for host in (edge.node.host, edge.app("app-a"), edge.app("app-b")):
        taken = snapshot.take(host, folders=[edge.node.run_dir])
        for section, lines in snapshot.without_indexes(taken).items():
            state.setdefault(section, []).extend(
                f"{host.name}: {chance.sub('', names.sub('', line))}" for line in lines
                if " fe80::" not in line)
    state["links"] += [names.sub("", name) for name in sorted(os.listdir("/run/netns"))
                       if name.startswith(f"t{edge.net.number}-")]
    return {section: sorted(lines) for section, lines in state.items()}
