# SPDX-License-Identifier: Apache-2.0
"""The tools of the other tests: they must see what happens, and what does not."""

import os
import pathlib
import signal
import socket
import subprocess
from types import SimpleNamespace

import pytest

import packets
import snapshot
import stalls
import topology
from conftest import Standing
from stalls import NOTICED_MS, Stalls
from waiting import SLOW, Stopwatch, Timeout, pause, wait_for


@pytest.fixture
def routed(net):
    """The standard topology, with static addresses on eth0 instead of a node's daemons."""
    net["node"].configure(
        "link set eth0 up", "addr add 192.168.1.2/24 dev eth0", "route add default via 192.168.1.1",
        "addr add 2001:db8:1::2/64 dev eth0 nodad", "route add default via 2001:db8:1::1 dev eth0")
    wait_for(lambda: packets.icmp_arrives(net["node"], topology.WEB6, net["internet"]), "IPv6 is up")
    return net


def test_topology_carries_traffic_to_the_internet(routed):
    node, internet = routed["node"], routed["internet"]
    packets.assert_reaches(node, topology.WEB4, 9999, internet)
    packets.assert_reaches(node, topology.WEB6, 9999, internet)
    packets.assert_reaches(node, topology.WEB4, 80, internet, protocol="tcp")
    assert packets.http_get(node, topology.WEB4) == "hello 192.168.1.2\n"
    assert packets.http_get(node, topology.WEB6) == "hello 2001:db8:1::2\n"


def test_topology_is_made_quickly(make_net):
    with Stopwatch() as took:
        make_net(topology.standard)
    assert took.seconds < 10 * SLOW  # 0.1 s of its own; what is torn down elsewhere holds it up


def test_stalls_of_the_kernels_lock_are_counted(monkeypatch):
    with Stalls() as real:
        pause(0.05)
    assert real.ms == 0 or real.ms > NOTICED_MS
    turns = [0.1, 0.2]
    monkeypatch.setattr(Stalls, "take_lock", lambda self: pause(turns.pop() if turns else 0))
    with Stalls() as made:
        wait_for(lambda: not turns, "it was held twice")
    assert made.ms >= 300


def test_processor_that_others_have_is_a_stall():
    """One for all of them, and us: those that spin have three quarters of it."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    spinning = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(3)]
    try:
        wait_for(stalls.machine_is_slow, "it is seen", 20)
    finally:
        os.sched_setaffinity(0, allowed)
        for process in spinning:
            process.kill()
            process.wait()


def test_limit_begins_anew_while_the_machine_is_slow(monkeypatch):
    slow = [True]
    monkeypatch.setattr(stalls, "machine_is_slow", lambda: slow.pop() if slow else False)
    with Stopwatch() as took, pytest.raises(Timeout):
        wait_for(lambda: False, "pigs fly", 0.2 / SLOW)
    assert took.seconds >= 0.4 and not slow


def test_isp_hands_out_addresses_and_names(net):
    node = net["node"]
    node.sysctl(net__ipv6__conf__eth0__accept_ra=1)
    node.configure("link set eth0 down", "link set eth0 up")
    lease = net["node"].run("busybox", "udhcpc", "-i", "eth0", "-n", "-q", "-f", "-s", "/bin/true",
                            "-t", "20", "-T", "1")
    assert "192.168.1.1" in lease.stderr and "obtained" in lease.stderr
    node.configure("addr add 192.168.1.2/24 dev eth0")
    answer = node.run("busybox", "nslookup", "web.example", "192.168.1.1").stdout
    assert topology.WEB4 in answer and topology.WEB6 in answer
    wait_for(lambda: "2001:db8:1:" in node.run("ip", "-6", "addr", "show", "dev", "eth0").stdout,
             "eth0 has an address by router advertisement", 10)


def test_ping_loses_nothing_on_a_good_cable(routed):
    with packets.Ping(routed["node"], topology.WEB4) as four, \
            packets.Ping(routed["node"], topology.WEB6) as six, Stalls() as standing:
        four.wait_answers(50)
        six.wait_answers(50)
    four.result.assert_nothing_lost()
    six.result.assert_nothing_lost()
    assert four.result.gap_ms < 20 * SLOW + standing.within_ms(*four.result.gap)


def pull_under_ping(routed, ping):
    node = routed["node"]
    ping.wait_answers(20)
    routed.pull("node:eth0")
    wait_for(lambda: "NO-CARRIER" in node.run("ip", "link", "show", "eth0").stdout,
             "eth0 has lost its carrier")
    before = len(ping.sent)
    wait_for(lambda: len(ping.sent) >= before + 10, "ten more pings are sent")
    routed.plug("node:eth0")
    ping.wait_answers(20)
    return ping.stop()


def test_ping_counts_exactly_what_a_pulled_cable_loses(routed):
    node = routed["node"]
    router = routed["isp-a"].run("ip", "-br", "link", "show", "lan").stdout.split()[2]
    node.configure(f"neigh replace 192.168.1.1 lladdr {router} dev eth0 nud permanent")
    with packets.Ping(node, topology.WEB4) as ping, Stalls() as standing:
        result = pull_under_ping(routed, ping)
    assert len(result.lost) >= 10
    assert result.sent == result.received + len(result.lost)
    assert result.lost == list(range(result.lost[0], result.lost[-1] + 1)), "lost in one piece"
    assert abs(result.gap_ms - 10 * len(result.lost)) < 30 * SLOW + standing.within_ms(*result.gap)
    with pytest.raises(AssertionError):
        result.assert_nothing_lost()


def test_ping_sees_a_gap_that_a_queue_bridged(routed):
    """Without a neighbour entry the kernel holds requests back until it has one: late, not lost."""
    with packets.Ping(routed["node"], topology.WEB4) as ping:
        result = pull_under_ping(routed, ping)
    assert result.gap_ms >= 90
    with pytest.raises(AssertionError):
        result.assert_nothing_lost(within_ms=50)


def test_tcp_stream_notices_a_cut_connection(routed):
    with packets.TcpStream(routed["node"], topology.WEB4) as stream:
        stream.wait_flowing()
    with pytest.raises(AssertionError, match="broke|came back"):
        with packets.TcpStream(routed["node"], topology.WEB4) as stream:
            stream.wait_flowing()
            routed["isp-a"].run("nft", "add table ip t; add chain ip t c { type filter hook forward "
                                "priority 0; }; add rule ip t c tcp dport 7 reject with tcp reset")


@pytest.mark.parametrize("to", [topology.WEB4, topology.WEB6])
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_blocked_and_delivered_can_be_told_apart(routed, to, protocol):
    node, internet = routed["node"], routed["internet"]
    packets.assert_reaches(node, to, 9999, internet, protocol)
    with pytest.raises(AssertionError):
        packets.assert_blocked(node, to, 9999, internet, protocol)
    routed["isp-a"].run("nft", "add table inet t; add chain inet t c { type filter hook forward "
                        f"priority 0; }}; add rule inet t c {protocol} dport 9999 drop")
    packets.assert_blocked(node, to, 9999, internet, protocol)
    with pytest.raises(Timeout):
        packets.assert_reaches(node, to, 9999, internet, protocol, within=0.2)


def test_crafted_frames_are_what_they_claim(routed):
    """The router's own stack believes them: it learns, and it answers."""
    node, isp = routed["node"], routed["isp-a"]
    mac = "02:00:00:00:00:99"
    lan = isp.run("cat", "/sys/class/net/lan/address", check=False).stdout.strip() or \
        isp.run("ip", "-br", "link", "show", "lan").stdout.split()[2]
    for address in ("192.168.1.77", "2001:db8:1::77"):
        to = "192.168.1.1" if "." in address else "2001:db8:1::1"
        frame = packets.udp_frame(lan, mac, address, to, 9, b"crafted-payload")
        assert packets.frame_arrives(node, "eth0", frame, isp, b"crafted-payload")
    isp.configure("neigh replace 2001:db8:1::78 lladdr 02:00:00:00:00:01 dev lan nud stale")
    packets.inject(node, "eth0", packets.arp_frame(mac, "192.168.1.78", "192.168.1.1"),
                   packets.neighbour_advert_frame(mac, "2001:db8:1::78"))
    for address in ("192.168.1.78", "2001:db8:1::78"):
        wait_for(lambda: mac in isp.run("ip", "neigh", "show", address).stdout, f"{address} is learnt")


def test_snapshot_sees_any_change_and_nothing_else(routed, tmp_path):
    node = routed["node"]
    take = lambda: snapshot.take(node, folders=[tmp_path])
    before = take()
    snapshot.assert_same(before, take())
    for do, undo, section in (
            ("ip rule add to 10.9.9.0/24 lookup 9", "ip rule del to 10.9.9.0/24 lookup 9", "rules"),
            ("ip route add blackhole 10.9.9.0/24 table 9", "ip route del blackhole 10.9.9.0/24 table 9", "routes"),
            ("ip -6 route add unreachable fd09::/64 table 9", "ip -6 route del unreachable fd09::/64 table 9", "routes"),
            ("nft add table inet stray", "nft delete table inet stray", "nft"),
            ("ip link add stray type bridge", "ip link del stray", "links"),
            ("ip addr add 10.9.9.9/32 dev lo", "ip addr del 10.9.9.9/32 dev lo", "addresses"),
            ("sysctl -q net.ipv4.ip_forward=1", "sysctl -q net.ipv4.ip_forward=0", "sysctls"),
            (f"touch {tmp_path}/stray", f"rm {tmp_path}/stray", "files")):
        node.run(*do.split())
        changes = snapshot.diff(before, take())
        assert f"{section}:" in changes, do
        node.run(*undo.split())
    stray = node.start("sleep", "1000")
    assert "processes:" in snapshot.diff(before, take())
    stray.kill()
    stray.wait()
    snapshot.assert_same(before, take())
    node.configure("link set eth0 name away", "link set away name eth0")
    index = before["links"]
    node.configure("link add twin type bridge", "link del twin")
    assert take()["links"] == index


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_closing_leaves_no_process(make_net):
    net = make_net(topology.standard)
    host = net["node"]
    host.start("sh", "-c", "(setsid sleep 1000 &) ; trap '' TERM; sleep 1000")
    wait_for(lambda: len(topology.sandbox.processes_in(host.path)) >= 2, "they run")
    net.close()
    assert not os.path.exists(host.path)
    names = {comm(pid) for pid in os.listdir("/proc") if pid.isdigit()}
    assert "sleep" not in names and "dnsmasq" not in names


def test_orphans_are_reaped():
    """As on a machine with an init: a daemon may look whether a pid is still there."""
    pid = int(topology.subprocess.run(["sh", "-c", "sleep 1000 >&- 2>&- & echo $!"], capture_output=True,
                                      text=True, check=True).stdout)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the orphan is gone")


def test_machine_is_out_of_reach():
    """A DHCP client that rewrites /etc/resolv.conf writes into a file of the test run."""
    run = os.stat("/run").st_dev
    assert run != os.stat("/").st_dev and os.stat("/etc/resolv.conf").st_dev == run
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 192.0.2.53\n")
    assert {name for _, name in socket.if_nameindex()} == {"lo"}
    assert os.getppid() == 1, "we are the child of our own init, and it has no parent to be seen"


def test_wait_for_says_what_did_not_happen():
    with pytest.raises(Timeout, match="pigs fly"):
        wait_for(lambda: False, "pigs fly", 0.05)


def test_standing_node_is_the_same_until_it_is_closed():
    def start(net, node):
        assert node.host is net["node"] and net not in topology.Topology.open_ones
        return SimpleNamespace(net=net, node=node)

    standing = Standing()
    first = standing.edge(start)
    assert standing.edge(start) is first
    standing.close()
    assert not first.net["node"].path.exists()
    second = standing.edge(start)
    standing.close()
    assert second is not first
