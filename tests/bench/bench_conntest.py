#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""conntest.fourth: from the question until it is known that a port reaches the controller, beside three that are
black holes (router, TCP and DNS silent). The limit is curl, told the address, by the good port alone."""

import statistics
import subprocess
import tempfile
import time

from nodebench import BIN, ROUNDS, bench, measure, new_node

import topology
from config import Config
from node import Watch
from pki import Pki
from services import SecureWeb, names, swallow
from topology import WEB4
from waiting import wait_for

NAME, RATIO = "web.example", 5


def world():
    net = topology.standard("abcd", dhcp=False)
    pki, node = Pki(tempfile.mkdtemp(dir="/run")), new_node(net)
    SecureWeb(net["internet"], 443, pki.sign("good", [NAME]))
    for letter in "abcd":
        names(net[f"isp-{letter}"], NAME, WEB4)
    net["isp-a"].configure("link set dev lan arp off")
    swallow(net["isp-b"], "tcp dport 443")
    swallow(net["isp-c"], "udp dport 53")
    given = node.folder / "given"
    given.mkdir()
    (given / "root-certificate.pem").write_bytes(pki.root.cert.read_bytes())
    (given / "server").write_text(NAME)
    config = Config()
    for n in range(4):
        config.port(f"uplink-{n}", f"eth{n}", cost=n, kind="V4Only", address=f"192.168.{n + 1}.2/24",
                    gateway=f"192.168.{n + 1}.1", dns=[f"192.168.{n + 1}.1"])
    config.item("timer.port.timeout", 1)
    node.run_options = ("--config-dir", str(given))
    node.start(config)
    return net, node, pki


def successes(watch):
    for port in watch.table.get("global", {}).get("ports", []):
        if port["logicallabel"] == "uplink-3":
            return int(port.get("test", {}).get("successes", 0))
    return 0


def ours(node, watch):
    before = successes(watch)
    begin = time.monotonic()
    asked = node.host.start(str(BIN / "edgeway"), "ports", "--test", "--run-dir", str(node.run_dir),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(lambda: successes(watch) > before, "the fourth port passes", 20, wake=watch.changed, every=0.5)
    took = time.monotonic() - begin
    asked.wait()
    return 1000 * took


def raw(node, pki):
    begin = time.monotonic()
    node.host.run("curl", "-sf", "--interface", "eth3", "--cacert", str(pki.root.cert), "--connect-to", f"::{WEB4}:443",
                  f"https://{NAME}/api/v2/edgedevice/ping")
    return 1000 * (time.monotonic() - begin)


def fourth():
    net, node, pki = world()
    with Watch(node, "DeviceNetworkStatus") as watch:
        wait_for(lambda: successes(watch), "the fourth port is up", 30, wake=watch.changed, every=0.5)
        both = [(ours(node, watch), raw(node, pki)) for _ in range(ROUNDS)]
    bench("conntest.fourth", statistics.median(b[0] for b in both), "ms", statistics.median(b[1] for b in both), RATIO)
    net.close()


if __name__ == "__main__":
    measure(fourth)
