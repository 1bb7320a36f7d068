# SPDX-License-Identifier: Apache-2.0
"""What `edgeway ports` tells of each port, and of what is wrong with it."""

import json
import re
import subprocess
import time

from config import Config, uuid_of
from node import BIN
from waiting import wait_for


def mixed():
    """One port by DHCP, one static, one whose interface is missing, one that nobody answers."""
    config = Config()
    config.port("uplink-a", "eth0")
    config.port("uplink-b", "eth1", cost=10, kind="V4Only", address="192.168.2.2/24", gateway="192.168.2.1",
                dns=["192.168.2.1"])
    config.port("uplink-c", "eth7", cost=20, kind="V4Only")
    config.port("uplink-d", "eth2", cost=30, kind="V4Only")
    config.instance("shop", "10.1.0.0/24")
    return config


def start(net, node):
    """eth2 has a cable to a silent host."""
    net.host("silent")
    net.cable("node:eth2", "silent:lan")
    node.start(mixed())
    node.instances_online(1)
    node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if len(p["addresses"]) == 3 and p["usable6"]],
        "uplink-a has all its addresses", 20)
    wait_for(lambda: page(node, "uplink-a").get("instances") == ["shop"], "the instance uses it")


def run(node, *args):
    return node.host.run(str(BIN / "edgeway"), "--run-dir", str(node.run_dir), "ports", *args, check=False)


def page(node, port):
    """{name of the line: [values]}"""
    lines, name = {}, ""
    for line in run(node, port).stdout.splitlines():
        name = line[:13].strip() or name
        lines.setdefault(name, []).append(line[13:])
    return lines


def of_port(node, label):
    return json.loads(run(node, label, "--json").stdout)[0]


def test_table_has_what_is_known_of_each_port(net, node):
    start(net, node)
    done = run(node)
    rows = done.stdout.splitlines()
    assert done.returncode == 1  # two ports have an error
    # There is a column TEST once a test has something to tell: of uplink-a, if it began before its lease.
    assert [name for name in rows[0].split() if name != "TEST"] == [
        "PORT", "IF", "COST", "USE", "LINK", "BY", "DEFAULT", "ADDRESSES", "GATEWAY", "DNS", "LEASE", "UNTIL", "ERROR"]
    one = {line.split()[0]: line for line in rows[1:] if not line.startswith(" ")}
    assert re.match(r"uplink-a eth0 0 +mgmt carrier dhcp +v4 v6 +(waits:gateway +)?\S+/\d+ +192\.168\.1\.1 ", one["uplink-a"])
    assert re.match(r"uplink-b eth1 10 +mgmt carrier static +192\.168\.2\.2/24 +192\.168\.2\.1 +192\.168\.2\.1$",
                    one["uplink-b"])
    assert re.match(r"uplink-c eth7 20 +mgmt missing dhcp +(failed:link +)?interface not found$", one["uplink-c"])
    assert re.match(r"uplink-d eth2 30 +mgmt carrier dhcp +(waits:address +)?no address$", one["uplink-d"])
    assert re.search(r"192\.168\.1\.\d+/24 .*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done.stdout)


def test_page_tells_where_addresses_come_from_and_until_when(net, node):
    start(net, node)
    told = of_port(node, "uplink-a")
    sources = {a["source"]: a for a in told["addresses"]}
    assert set(sources) == {"DHCP", "DHCPv6", "router advertisement"}
    assert sources["DHCP"]["address"].startswith("192.168.1.")
    assert 0 < sources["DHCP"]["until"] - time.time() <= 86400 * 7
    assert told["default4"] and told["default6"] and told["hints"] == [] and told["items"] == []
    assert told["instances"] == [{"uuid": uuid_of("instance", "shop"), "displayname": "shop", "uses": True}]
    lines = page(node, "eth0")  # by interface it is the same
    assert lines["port"] == ["uplink-a"] and lines["firewall"] == ["in place"]
    assert lines["MAC"] == [told["status"]["mac"]] and "error" not in lines and "to do" not in lines
    assert run(node, "uplink-a").returncode == 0
    assert [a["source"] for a in of_port(node, "uplink-b")["addresses"]] == ["static"]
    assert page(node, "uplink-b")["instances"] == ["shop (may use it)"]


def test_page_tells_what_to_do_about_the_commonest_faults(net, node):
    start(net, node)
    assert run(node, "uplink-c").returncode == 1
    assert page(node, "uplink-c")["to do"][0].startswith("there is no interface eth7:")
    assert page(node, "uplink-c")["item"]  # what waits for it, and why
    assert all("eth7" in item for item in page(node, "uplink-c")["item"])
    assert page(node, "uplink-d")["to do"][0].startswith("no DHCP answer:")
    net.pull("node:eth1")
    wait_for(lambda: "to do" in page(node, "uplink-b"), "the pulled cable shows")
    assert page(node, "uplink-b")["to do"][0].startswith("no carrier:")
    net.plug("node:eth1")
    wait_for(lambda: "to do" not in page(node, "uplink-b"), "it is plugged in again")


def test_page_tells_of_an_address_that_another_host_has(net, node):
    """The kernel finds the duplicate itself (RFC 4862): what a router advertisement told is refused."""
    net["node"].sysctl(net__ipv6__conf__default__accept_dad=1)
    net.host("silent")
    net.cable("node:eth2", "silent:lan")
    net["silent"].configure("addr add 2001:db8:9::2/64 dev lan nodad")
    config = Config()
    config.port("uplink-a", "eth0")
    config.port("twin", "eth2", kind="V6Only", address="2001:db8:9::2/64", gateway="2001:db8:9::1")
    node.start(config)
    wait_for(lambda: [hint for hint in page(node, "twin").get("to do", [])
                      if hint.startswith("another host has the address 2001:db8:9::2, too")],
             "the duplicate shows", 20)


def test_a_port_that_is_not_there_and_a_nim_that_is_not_there_are_told_of(net, node):
    node.start(mixed())
    node.instances_online(1)
    done = run(node, "nonsense")
    assert (done.returncode, done.stderr) == (1, "edgeway: there is no port nonsense; see edgeway ports\n")
    for wrong in (["--nonsense"], ["eth0", "eth1"]):
        done = run(node, *wrong)
        assert done.returncode == 2 and "usage: edgeway ports " in done.stderr and not done.stdout
    done = subprocess.run([str(BIN / "edgeway"), "--run-dir", "/run/nobody", "ports"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("edgeway: nim does not run")
