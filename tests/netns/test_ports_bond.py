# SPDX-License-Identifier: Apache-2.0
"""Bonds and the VLANs on them while they change under traffic. One start of the node for all of it.

     node --eth0,1(,2)-- LACP ------- peer   lag: 10.9.0.0/24 untagged, v10: 10.10.0.0/24 in VLAN 10
          --eth3,4------ a switch --- peer   ab: 10.20.0.0/24, active-backup, monitored by ARP
          --x1 … x7----- peer                one bond of each mode
"""

import pytest

import packets
import topology
from config import Config
from waiting import SLOW, wait_for

pytestmark = pytest.mark.lab

MODES = ("BALANCE_RR", "ACTIVE_BACKUP", "BALANCE_XOR", "BROADCAST", "802_3AD", "BALANCE_TLB", "BALANCE_ALB")


def wired():
    net = topology.Topology()
    net.host("node")
    peer = net.host("peer")
    peer.sysctl(net__ipv4__conf__all__arp_ignore=1)  # an end that is taken off its switch is mute
    for n in range(5):
        net.cable(f"node:eth{n}", f"peer:p{n}")
    for n in range(1, 8):
        net.cable(f"node:x{n}", f"peer:y{n}")
    peer.configure(
        "link add plag type bond mode 802.3ad miimon 50 lacp_rate fast",
        *(f"link set p{n} down mtu 4000" for n in range(3)), *(f"link set p{n} master plag" for n in range(3)),
        "link set plag up mtu 4000", "addr add 10.9.0.1/24 dev plag",
        "link add link plag name plag.10 up type vlan id 10", "addr add 10.10.0.1/24 dev plag.10",
        "link add sw up type bridge forward_delay 0", "addr add 10.20.0.1/24 dev sw",
        "link set p3 master sw", "link set p4 master sw")
    return net


class Bonds:
    """The node, and what its configuration is now."""

    def __init__(self, net, node):
        self.net, self.node, self.version = net, node, 0
        self.members, self.fast, self.mtu, self.arp_ms = ["eth0", "eth1"], True, 0, 400
        self.singles = [f"x{n}" for n in range(1, 8)]  # members of m1, m2 …

    def config(self):
        self.version += 1
        config = Config(version=self.version)
        for name in ("eth0", "eth1", "eth2", "eth3", "eth4"):
            config.physical(name)
        config.bond("lag", self.members, "BOND_MODE_802_3AD", miimon_ms=50, lacp_fast=self.fast)
        config.vlan("v10", "lag", 10)
        config.port("lag", lower="lag", kind="V4Only", address="10.9.0.2/24")
        config.port("v10", lower="v10", kind="V4Only", address="10.10.0.2/24", mtu=self.mtu)
        config.bond("ab", ["eth3", "eth4"], arp=(self.arp_ms, ["10.20.0.1"]))
        config.port("ab", lower="ab", kind="V4Only", address="10.20.0.2/24")
        for n, mode in enumerate(MODES, 1):
            config.physical(f"x{n}")
            config.bond(f"m{n}", [self.singles[n - 1]], f"BOND_MODE_{mode}", miimon_ms=None)
            config.port(f"m{n}", lower=f"m{n}", kind="V4Only", address=f"10.30.{n}.2/24")
        return config

    def apply(self):
        self.node.configure(self.config())

    def wait(self, label, accept, what, timeout=10):
        """The bond of a port, once accept(bond) holds."""
        def find(table):
            return [p["bond"] for p in table.get("global", {}).get("ports", [])
                    if p["logicallabel"] == label and "bond" in p and accept(p["bond"])]
        return find(self.node.wait("DeviceNetworkStatus", find, f"{label}: {what}", timeout))[0]

    def wait_ports(self, count):
        return self.wait("lag", lambda b: b["lacp"].get("ports") == count and sum(
            bool(m.get("active") and m.get("miiUp")) for m in b["members"]) == count,
            f"{count} ports carry traffic", 15)

    def link(self, name):
        return self.node.host.run("ip", "-o", "-d", "link", "show", "dev", name).stdout

    def indexes(self):
        return [self.link(name).split(":")[0] for name in ("lag", "v10", "ab")]


def each_mode_is_there_and_told(b):
    for n, mode in enumerate(MODES, 1):
        bond = b.wait(f"m{n}", lambda s: s.get("members") and s["members"][0].get("miiUp"), "its member is up")
        assert bond["mode"] == f"BOND_{mode}"
        assert bool(bond.get("miimonMs")) == (n in (2, 5, 6, 7)), bond
        assert f"bond mode {mode.lower().replace('_', '-').replace('802-3ad', '802.3ad')} " in b.link(f"m{n}")


def bonds_swap_their_members(b):
    b.singles[0], b.singles[1] = "x2", "x1"
    b.apply()
    for label, member in (("m1", "x2"), ("m2", "x1")):
        b.wait(label, lambda s: [(m["logicallabel"], m.get("miiUp")) for m in s["members"]] == [(member, True)],
               f"{member} is its member")


def a_lost_member_costs_the_vlan_little(b):
    """EVE: LACPBond, VLAN over LAG."""
    before = b.node.log_mark()
    with packets.Ping(b.node.host, "10.10.0.1") as ping:
        ping.wait_answers(10)
        b.net.pull("node:eth0")
        lost = b.wait_ports(1)
        ping.wait_answers(20)
        b.net.plug("node:eth0")
        b.wait_ports(2)
        ping.wait_answers(10)
    assert ping.result.gap_ms <= 400 * SLOW, ping.result  # monitored every 50 ms at both ends
    member = next(m for m in lost["members"] if m["logicallabel"] == "eth0")
    assert not member.get("miiUp") and member["linkFailures"] == 1
    log = "\n".join(b.node.log_since(before))
    assert "event=bond_member bond=lag member=eth0 from=up to=down failures=1" in log
    assert "event=bond_lacp bond=lag" in log


def members_and_mtu_change_without_loss(b):
    indexes = b.indexes()
    with packets.Ping(b.node.host, "10.10.0.1") as tagged, packets.Ping(b.node.host, "10.9.0.1") as plain:
        tagged.wait_answers(5)
        b.members, b.mtu = ["eth0", "eth1", "eth2"], 3000
        b.apply()
        b.wait_ports(3)
        b.members = ["eth1", "eth2"]
        wait_for(lambda: all("mtu 3000" in b.link(dev) for dev in ("v10", "lag", "eth0")), "it grew")
        packet = b.node.host.run("ping", "-c1", "-W5", "-Mdo", "-s2900", "10.10.0.1", check=False)
        assert packet.returncode == 0, packet.stdout
        b.apply()
        b.wait_ports(2)
        b.mtu = 0
        b.apply()
        wait_for(lambda: all("mtu 1500" in b.link(dev) for dev in ("v10", "lag", "eth1")), "it shrank")
        tagged.wait_answers(10)
    assert b.indexes() == indexes
    # The frames that are in the queue of a member when it leaves go with it.
    assert len(tagged.result.lost) <= 1 and len(plain.result.lost) <= 1, (tagged.result, plain.result)
    assert "master" not in b.link("eth0")


def the_lacp_rate_is_changed_in_place(b):
    """EVE: LACPBond."""
    indexes = b.indexes()
    b.fast = False
    b.apply()
    b.wait("lag", lambda s: not s["lacp"].get("fast"), "slow")
    assert b.indexes() == indexes and "lacp_rate slow" in b.link("lag")
    b.wait_ports(2)


def active_backup_by_arp_fails_over(b):
    """EVE: ActiveBackupBond. The link of the dead member stays up: only ARP can tell. EVE: PR 5809, PR 5939."""
    first = b.wait("ab", lambda s: s.get("activeMember") and sum(
        bool(m.get("miiUp")) for m in s["members"]) == 2, "both members are up", 15)
    indexes = b.indexes()
    with packets.Ping(b.node.host, "10.20.0.1") as ping:
        ping.wait_answers(5)
        b.arp_ms = 200
        b.apply()
        b.wait("ab", lambda s: s["arpIntervalMs"] == 200, "the interval")
        ping.wait_answers(20)
    ping.result.assert_nothing_lost(1000)
    assert b.indexes() == indexes and "arp_validate active" in b.link("ab")
    dead = first["activeMember"]
    with packets.Ping(b.node.host, "10.20.0.1") as ping:
        ping.wait_answers(5)
        b.net["peer"].configure(f"link set p{dead[-1]} nomaster")
        told = b.wait("ab", lambda s: s.get("activeMember") not in (None, "", dead), "the other one")
        ping.wait_answers(10)
    member = next(m for m in told["members"] if m["logicallabel"] == dead)
    assert member["linkFailures"] >= 1 and not member.get("active")
    assert f"event=bond_active bond=ab member={told['activeMember']}" in b.node.log()
    text = b.node.edgeway("ports", "ab")
    assert "active-backup, ARP every 200 ms" in text and told["activeMember"] in text, text


def a_kill_leaves_all_as_it_is(b):
    b.node.wait_settled()
    indexes = b.indexes()
    with packets.Ping(b.node.host, "10.10.0.1") as ping:
        ping.wait_answers(5)
        b.node.kill("nim")
        b.node.wait_daemons(20)
        b.wait_ports(2)
        ping.wait_answers(10)
    ping.result.assert_nothing_lost(1000)
    b.node.wait_settled()
    assert b.indexes() == indexes


def nothing_is_left(b):
    b.node.configure(Config(version=b.version + 1))
    wait_for(lambda: not any(name in b.node.host.run("ip", "-br", "link").stdout
                             for name in ("lag", "v10", "ab ", "m1 ")), "all layers are removed")
    b.node.wait_settled()
    assert "master" not in b.node.host.run("ip", "-o", "link").stdout


def test_VlansAndBonds_change_under_traffic(make_net, make_node):
    """EVE: Bootstrap: LACP. The node has such ports from the start. EVE's dpcreconciler: VLAN and bond ordering."""
    net = make_net(wired)
    b = Bonds(net, make_node(net["node"]))
    b.node.start(b.config())
    lacp = b.wait_ports(2)["lacp"]
    assert f"link/ether {lacp['partnerMac']} " in net["peer"].run("ip", "-o", "link", "show", "plag").stdout
    assert lacp["fast"]
    for step in (each_mode_is_there_and_told, bonds_swap_their_members, a_lost_member_costs_the_vlan_little,
                 members_and_mtu_change_without_loss, the_lacp_rate_is_changed_in_place,
                 active_backup_by_arp_fails_over, a_kill_leaves_all_as_it_is, nothing_is_left):
        step(b)
