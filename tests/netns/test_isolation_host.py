# SPDX-License-Identifier: Apache-2.0
"""Entries by host: open to an app is what its instance's own DNS server has told of the name.

The internet's DNS knows web.example, and all below it, as WEB4 and WEB6."""

import ctypes
import json
import os
import pathlib
import signal

import pytest

import packets
import sandbox
import snapshot
import topology
from config import allow, allow_all, drop
from waiting import wait_for

VERSIONS = pytest.mark.parametrize("web", [topology.WEB4, topology.WEB6], ids=["v4", "v6"])
TABLE = ("inet", "edgeway-zedrouter")


def resolve(edge, web, name="web.example", app="app-a"):
    """The app asks the server of its instance of that version of IP."""
    version = 4 if web == topology.WEB4 else 6
    assert packets.resolve(edge.app(app), edge.gateway(version), name, version) == [web]


def assert_open(edge, web, port=9999, protocol="udp"):
    packets.assert_reaches(edge.app("app-a"), web, port, edge.net["internet"], protocol)


def assert_shut(edge, web, port=9999, protocol="udp"):
    packets.assert_blocked(edge.app("app-a"), web, port, edge.net["internet"], protocol, attempts=1)


def servers(edge):
    """{bridge: pid of its DNS server}"""
    found = {}
    for pid in sandbox.processes_in(edge.node.host.path):
        program, *arguments = sandbox.command_of(pid)
        for argument in arguments if program.endswith("dnsmasq") else ():
            if argument.startswith("--conf-file=") and "/bn" in argument:
                found[pathlib.Path(argument).stem] = pid
    return found


def host_sets(edge):
    listing = edge.node.host.run("nft", "-j", "list", "sets", TABLE[0]).stdout
    names = [entry["set"]["name"] for entry in json.loads(listing)["nftables"] if "set" in entry]
    return sorted(name for name in names if name.startswith("host") and "_bn" in name)


@pytest.mark.everywhere
@VERSIONS
def test_listed_host_opens_when_the_app_has_asked_for_it(listed, web):
    listed.apply([allow(host="web.example")])
    assert_shut(listed, web)
    resolve(listed, web)
    assert_open(listed, web)
    assert packets.http_get(listed.app("app-a"), web).startswith("hello")
    assert_shut(listed, topology.other(web))
    assert_shut(listed, topology.other(web), 80, "tcp")


@VERSIONS
def test_names_below_a_listed_host_count_and_others_do_not(listed, web):
    """Of nested names each is learned, although the server looks for the longest only."""
    listed.apply([drop("0.0.0.0/0" if web == topology.WEB4 else "::/0", "udp", fport=5001),
                  drop(host="www.web.example", protocol="udp", fport=5000),
                  allow(host="example", protocol="udp")])
    resolve(listed, web, "deep.www.web.example")
    assert_open(listed, web)
    assert_shut(listed, web, 80, "tcp")
    assert_shut(listed, web, 5000)
    assert_shut(listed, web, 5001)
    listed.apply([allow(host="eb.example")])
    resolve(listed, web)
    assert_shut(listed, web)


@VERSIONS
def test_dropped_host_is_shut_once_it_has_an_address(listed, web):
    listed.apply([drop(host="web.example"), *allow_all()])
    resolve(listed, web)
    assert_shut(listed, web)
    assert_open(listed, topology.other(web))


def test_static_names_of_the_instance_count(listed):
    """Its DNS server adds to the sets only what it hears from others: own names are known anyway."""
    listed.apply([allow(host="app-b")])
    packets.assert_reaches(listed.app("app-a"), listed.address("app-b"), 9999, listed.app("app-b"))
    assert_shut(listed, topology.WEB4)


@pytest.mark.everywhere
def test_learned_addresses_survive_kills_and_reloads(listed):
    node = listed.node
    listed.apply([allow(host="web.example")])
    resolve(listed, topology.WEB4)
    resolve(listed, topology.WEB6)
    assert_open(listed, topology.WEB4)
    before = snapshot.take(node.host)
    old = node.daemons()["zedrouter"]
    node.kill("zedrouter")
    assert_open(listed, topology.WEB4)
    wait_for(lambda: node.daemons().get("zedrouter", old) != old, "zedrouter runs again")
    node.wait_settled()
    snapshot.assert_same(before, snapshot.take(node.host))

    pids = servers(listed)
    for pid in pids.values():
        os.kill(pid, signal.SIGHUP)  # its cache is empty after that: it asks again, and learns
    resolve(listed, topology.WEB4)
    for pid in pids.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: servers(listed).keys() == pids.keys()
             and not set(servers(listed).values()) & set(pids.values()), "new servers run")
    node.wait_settled()
    assert_open(listed, topology.WEB4)
    assert_open(listed, topology.WEB6)
    snapshot.assert_same(before, snapshot.take(node.host))


@VERSIONS
def test_lost_sets_are_learned_anew(listed, web):
    """Whoever removes them: the server's cache must not stand between app and set."""
    listed.apply([allow(host="web.example")])
    resolve(listed, web)
    assert_open(listed, web)
    listed.node.host.run("nft", "delete", "table", *TABLE)
    wait_for(lambda: len(host_sets(listed)) == 4, "the sets are back")
    listed.node.wait_settled()
    resolve(listed, web)
    assert_open(listed, web)
    assert_shut(listed, topology.other(web))


def test_sets_go_with_the_last_entry(listed):
    listed.apply([])
    before = snapshot.take(listed.node.host)
    listed.apply([allow(host="web.example"), allow(host="Web.Example", protocol="tcp")])
    assert host_sets(listed) == [f"host{n}_{bridge}_web.example" for n in (4, 6)
                                 for bridge in sorted(servers(listed))]
    resolve(listed, topology.WEB4)
    listed.apply([])
    assert host_sets(listed) == []
    assert_shut(listed, topology.WEB4)
    snapshot.assert_same(before, snapshot.take(listed.node.host))


def test_server_may_fill_sets_and_little_more(listed):
    listed.apply([allow(host="web.example")])
    for pid in servers(listed).values():
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert status["Uid"].split()[0] != "0"
        assert int(status["CapEff"], 16) & 1 << 12, "CAP_NET_ADMIN"
        assert not int(status["CapEff"], 16) & 1 << 21, "CAP_SYS_ADMIN"


def test_servers_complain_in_our_log(listed):
    """zedrouter is stopped meanwhile: it would put back at once what is taken away here."""
    node, (bridge, pid) = listed.node, min(servers(listed).items())
    said = f'program=dnsmasq.{bridge} line="dnsmasq[{pid}]: '
    wait_for(lambda: f"event=helper_says {said}started" in node.log(), "its start is told of")
    assert "event=helper_said" not in node.log()
    daemon = node.daemons()["zedrouter"]
    os.kill(daemon, signal.SIGSTOP)
    try:
        (node.run_dir / f"zedrouter/files/dnsmasq/{bridge}.hosts").unlink()
        os.kill(pid, signal.SIGHUP)
        pipe = os.open(node.run_dir / f"zedrouter/log/dnsmasq.{bridge}", os.O_RDONLY | os.O_NONBLOCK)
        wait_for(lambda: b"hosts" in waiting_in(pipe), "it complains")
        os.close(pipe)
    finally:
        os.kill(daemon, signal.SIGCONT)
    wait_for(lambda: f"event=helper_said {said}failed to load names from" in node.log(), "all read it")


def waiting_in(pipe):
    """What the pipe holds; it stays there."""
    end, write = os.pipe2(os.O_NONBLOCK)
    try:
        tee(pipe, write)
        return os.read(end, 65536)
    except BlockingIOError:
        return b""
    finally:
        os.close(end)
        os.close(write)


def tee(source, to):
    if ctypes.CDLL(None, use_errno=True).tee(source, to, ctypes.c_size_t(65536), os.SPLICE_F_NONBLOCK) < 0:
        raise OSError(ctypes.get_errno(), "tee")
