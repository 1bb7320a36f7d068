# SPDX-License-Identifier: Apache-2.0
"""`edgeway diag`: one page about a real node, good days and bad ones."""

import subprocess

import topology
from config import Config
from node import BIN
from waiting import wait_for


def diag(node):
    return node.host.run(str(BIN / "edgeway"), "--run-dir", str(node.run_dir), "diag", check=False)


def lines_of(page):
    return [(line[:13].strip(), line[13:]) for line in page.splitlines()]


def config(version=1):
    config = Config(version)
    config.port("uplink-a", "eth0", kind="V4Only", address="192.168.1.2/24", gateway="192.168.1.1",
                dns=["192.168.1.1"])
    return config


def test_diag_tells_what_is_in_force_what_was_refused_and_what_to_do(make_net, make_node):
    net = make_net(topology.standard, dhcp=False)
    node = make_node(net["node"])
    node.start(config())
    wait_for(lambda: diag(node).returncode == 0, "all is well")
    lines = lines_of(diag(node).stdout)
    assert lines[0][0] == "state" and lines[0][1].startswith("2: ")  # there is no controller to ask
    assert ("ports by", "zedagent (controller)") in [(n, v.split(" of ")[0]) for n, v in lines]
    assert ("has", "192.168.1.2/24 via 192.168.1.1") in lines
    assert "to do" not in dict(lines)

    node.override("field.json", '{"Ports": [{"IfName": "eth0", "Cost": 300}]}')
    wait_for(lambda: "refused" in dict(lines_of(diag(node).stdout)), "the bad file is told of")
    done = diag(node)
    assert done.returncode == 1
    assert "/Ports/0/Cost" in dict(lines_of(done.stdout))["refused"]

    node.override("field.json", None)
    net.pull("node:eth0")
    wait_for(lambda: "no carrier" in diag(node).stdout, "the cable is missed")
    done = diag(node)
    assert done.returncode == 1
    assert "look at the cable" in dict(lines_of(done.stdout))["to do"]


def test_diag_without_nim_says_so(tmp_path):
    done = subprocess.run([BIN / "edgeway", "--run-dir", str(tmp_path), "diag"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == "" and "nim" in done.stderr
