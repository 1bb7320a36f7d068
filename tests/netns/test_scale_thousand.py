# SPDX-License-Identifier: Apache-2.0
"""1,000 network instances: applied, changed one by one, removed."""

import random
import re

import pytest

import packets
import scenario
import snapshot
import topology
from config import Config, allow
from waiting import Stopwatch, wait_for

pytestmark = pytest.mark.quiet

COUNT, PER_APP = 1000, 25


def subnet(n):
    return f"10.{n // 250 + 10}.{n % 250}.0/24"


def thousand(net, changed=(), version=1):
    """Instances ni-0 … and apps with an adapter in each of 25 of them. Those in changed
    have another ACL."""
    config = Config(version, dnsmasq=False)
    config.port("uplink-a", "eth0", kind="V4Only", address="192.168.1.2/24", gateway="192.168.1.1")
    apps = [config.app(f"app-{n}", net.netns_name(f"app-{n}")) for n in range(COUNT // PER_APP)]
    for n in range(COUNT):
        instance = config.instance(f"ni-{n}", subnet(n))
        acl = [allow("198.51.100.0/24")] if n in changed else [allow("0.0.0.0/0")]
        apps[n // PER_APP].adapter(instance, acl=acl)
    return config


def indexes(host):
    """{ifname: ifindex}"""
    return {line.split()[0]: line.split()[1] for line in snapshot.take(host)["links"]}


def conntrack(host, address):
    """Ids of the flows of an app's address: an entry made again has another one."""
    done = host.run("conntrack", "-L", "-p", "udp", "--orig-src", address, "-o", "id")
    return set(re.findall(r" dport=9999 .* id=(\d+)", done.stdout))


def received(host):
    """{ifname: received packets}, as the kernel counts them."""
    rows = [line.split() for line in host.run("cat", "/proc/net/dev").stdout.splitlines()[2:]]
    return {row[0].rstrip(":"): int(row[2]) for row in rows}


def test_thousand_instances_come_change_and_go(make_net, make_node):
    net = make_net(topology.standard, "a")
    node = make_node(net["node"])
    edge = scenario.Edge(net, node)
    for n in range(COUNT // PER_APP):
        net.host(f"app-{n}")
    node.start(Config(dnsmasq=False))
    node.wait_daemons()
    node.wait_settled()
    before = snapshot.take(node.host)

    with Stopwatch() as took:
        node.configure(thousand(net))
        edge.wait_applied(thousand(net))
    print(f"applied in {took.seconds:.1f} s")
    app = net["app-0"]
    node.host.sysctl(net__netfilter__nf_conntrack_udp_timeout=600)  # no flow ends by its age
    wait_for(lambda: packets.udp_arrives(app, topology.WEB4, 9999, net["internet"]), "traffic flows", 60)
    at_first, flows, counted = indexes(node.host), conntrack(node.host, "10.10.0.0/16"), received(node.host)
    assert flows

    changed = set()
    for version, n in enumerate(random.sample(range(1, COUNT), 5), 2):
        changed.add(n)
        node.configure(thousand(net, changed, version))
        wait_for(lambda v=version: node.row("ConfigStatus").get("version") == str(v),
                 "the change is read")
        node.wait_settled()
    assert indexes(node.host) == at_first, "nothing was made again"
    assert flows <= conntrack(node.host, "10.10.0.0/16"), "no flow was forgotten"
    now = received(node.host)
    assert all(now[name] >= count for name, count in counted.items()), "no counter started again"

    with Stopwatch() as took:
        node.configure(Config(version=100, dnsmasq=False))
        # The kernel waits some 20 ms for an RCU grace period with each: looking on would only add.
        wait_for(lambda: len(received(node.host)) <= 2, "all links are gone", 120, every=0.5)
        wait_for(lambda: not snapshot.diff(before, snapshot.take(node.host)), "all else is gone", 5,
                 told=lambda: snapshot.diff(before, snapshot.take(node.host))[:2000])
    print(f"removed in {took.seconds:.1f} s")
