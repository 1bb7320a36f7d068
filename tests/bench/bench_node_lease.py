#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""dhcp.lease: from the start until the address is there, beside the bare client."""

import socket
import statistics
import time

from nodebench import BIN, LINK_WINDOW_S, ROUNDS, bench, measure, new_node

import topology
from config import Config
from waiting import pause, wait_for

RTMGRP_IPV4_IFADDR = 0x10
LEASE_MS = 100


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
    ours, bare = (statistics.median(side) for side in zip(*both))
    bench("dhcp.lease", ours, "ms", bare, 1.25)
    bench("dhcp.lease.absolute", ours, "ms", LEASE_MS, 1)


if __name__ == "__main__":
    measure(lease)
