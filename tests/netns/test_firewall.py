# SPDX-License-Identifier: Apache-2.0
"""The node's own firewall: what its ports let in, and that nothing gets by.

    isp-a (192.168.1.1) -- eth0 node eth1 -- isp-b (192.168.2.1)
"""

import contextlib
import json
import select
import socket
import struct
import threading

import pytest

import packets
import scenario
import services
import snapshot
import topology
from config import Config, allow_all, port_map
from waiting import SLOW, Stopwatch, pause, wait_for

TABLE = ("inet", "edgeway-nim")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDm4pGcJZ2uXqT9n0m5JY1fVxkqk8yP2wQ3l7c0r9d1s tech@example"


def two_ports(version=1, **items):
    config = Config(version)
    config.port("uplink-a", "eth0", cost=0)
    config.port("uplink-b", "eth1", cost=10)
    for key, value in items.items():
        config.item(key.replace("_", "."), value)
    return config


@pytest.fixture
def ports(net, node):
    """The node with two ports and nothing else, and a service on each port people care about."""
    for port in (22, 80, 5901, 8080):
        services.Echo(net["node"], port)
    node.start(two_ports())
    edge = scenario.Edge(net, node)
    for label in ("uplink-a", "uplink-b"):
        edge.wait_leases(label)
    node.wait_settled()
    return net


def addresses(node, label="uplink-a"):
    """The port's addresses: the IPv4 one, then the IPv6 ones."""
    listed = node.row("DeviceNetworkStatus")["ports"]
    port = next(port for port in listed if port["logicallabel"] == label)
    return sorted((address.partition("/")[0] for address in port["addresses"]), key=lambda a: ":" in a)


def address_of_kernel(net, version="-4", scope="global"):
    """Of eth0, when nobody is there to ask."""
    listed = json.loads(net["node"].run("ip", version, "-j", "addr", "show", "eth0", "scope", scope).stdout)
    return next(a["local"] for a in listed[0]["addr_info"] if "local" in a)


def tcp(source, address, port, expect="silence"):
    """"open", "reset" or "silence", as whoever connects sees it."""
    with source.inside():
        sock = socket.socket(packets.family_of(address), socket.SOCK_STREAM)
    with sock:
        sock.settimeout(0.4 if expect == "silence" else 5 * SLOW)
        try:
            sock.connect((address, port))
        except ConnectionRefusedError:
            return "reset"
        except TimeoutError:
            return "silence"
        return "open"


def assert_tcp(source, address, port, expect):
    assert tcp(source, address, port, expect) == expect, f"{source} to {address} port {port}"


def answered(source, address, timeout=5):
    with packets.Ping(source, address) as ping:
        ping.wait_answers(1, timeout)


def echoes(source, address, port, timeout):
    """Whether a datagram to an echo service comes back."""
    with source.inside():
        sock = socket.socket(packets.family_of(address), socket.SOCK_DGRAM)
    with sock:
        sock.connect((address, port))
        sock.send(b"anybody")
        return bool(select.select([sock], [], [], timeout)[0])


def counts(node):
    """{rule: packets}"""
    return {row["rule"]: row["packets"] for row in json.loads(node.edgeway("firewall", "--json"))}


def switch(node, version, **items):
    node.configure(two_ports(version, **items))
    wait_for(lambda: node.row("ConfigStatus").get("version") == str(version),
             "the configuration is read")


def rules(net):
    return snapshot.take(net["node"])["nft"]


def test_ports_let_in_ping_and_answers_and_nothing_else(ports, node):
    isp = ports["isp-a"]
    before = counts(node)
    for address in addresses(node):
        answered(isp, address)
        for port, expect in ((22, "reset"), (5901, "reset"), (8080, "reset"), (80, "silence")):
            assert_tcp(isp, address, port, expect)
        assert not echoes(isp, address, 80, 0.4), address
    address = f"{address_of_kernel(ports, '-6', 'link')}%lan"
    with isp.inside():
        sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        target = socket.getaddrinfo(address, 80)[0][4]
    with sock:
        sock.settimeout(0.4)
        with pytest.raises(TimeoutError):
            sock.connect(target)
    after = counts(node)
    for rule in ("ping", "ssh", "vnc", "8080", "other"):
        assert after[rule] > before[rule], rule
    assert ("BAD", "firewall") not in [tuple(line.split()[:2]) for line in
                                       node.edgeway("status", check=False).splitlines()]


def test_counters_are_a_table_for_people(ports, node):
    answered(ports["isp-a"], addresses(node)[0])
    head, *rows = [line.split() for line in node.edgeway("firewall").splitlines()]
    assert head == ["rule", "verdict", "packets", "bytes"]
    assert [row[:2] for row in rows] == [
        ["established", "accept"], ["dhcp", "accept"], ["ping", "accept"], ["icmpv6", "accept"],
        ["ssh", "reset"], ["vnc", "reset"], ["8080", "reset"], ["other", "drop"],
        ["between-ports", "drop"], ["output", "accept"]]
    rows = {row[0]: (int(row[2]), int(row[3])) for row in rows}
    assert rows["ping"][0] >= 1 and rows["ping"][1] >= 28 * rows["ping"][0]
    node.configure(Config(version=2))
    wait_for(lambda: not node.edgeway("firewall"), "without ports there is none")
    assert json.loads(node.edgeway("firewall", "--json")) == []


def test_what_the_node_begins_is_free(ports, node):
    assert packets.http_get(ports["node"], topology.WEB4).startswith("hello")
    assert packets.http_get(ports["node"], topology.WEB6).startswith("hello")
    assert packets.resolve(ports["node"], "192.168.1.1", "web.example") == [topology.WEB4]
    assert tcp(ports["node"], addresses(node)[0], 80, "open") == "open", "to itself"
    # Errors come back: from here on to nowhere.
    with ports["node"].inside():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.connect(("192.168.1.1", 1))
        sock.settimeout(5 * SLOW)
        sock.send(b"x")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(1)


def test_nothing_goes_from_port_to_port(ports, node):
    four, six, _ = addresses(node)
    assert ports["node"].run("cat", "/proc/sys/net/ipv4/ip_forward").stdout.strip() == "1"
    ports["isp-a"].configure(f"route add 192.168.2.0/24 via {four}",
                             f"route add 2001:db8:2::/64 via {six}")
    before = counts(node)["between-ports"]
    for address in ("192.168.2.1", "2001:db8:2::1"):
        packets.assert_blocked(ports["isp-a"], address, 9999, ports["isp-b"], attempts=2)
    assert counts(node)["between-ports"] >= before + 4


def test_switches_open_ssh_and_vnc_and_close_them_again(ports, node):
    isp, every = ports["isp-a"], addresses(node)
    switch(node, 2, debug_enable_ssh=KEY, app_allow_vnc="true")
    for address in every:
        wait_for(lambda: tcp(isp, address, 22, "open") == "open", "SSH is open")
        wait_for(lambda: tcp(isp, address, 5901, "open") == "open", "VNC is open")
        assert_tcp(isp, address, 8080, "reset")
        assert_tcp(isp, address, 80, "silence")
    assert (node.run_dir / "nim/files/authorized_keys").read_text() == f"{KEY}\n"
    with packets.TcpStream(isp, every[0], 22) as stream:
        stream.wait_flowing()
        switch(node, 3, debug_enable_ssh="none", app_allow_vnc="false")
        wait_for(lambda: tcp(isp, every[0], 22, "reset") == "reset", "SSH is closed")
        wait_for(lambda: tcp(isp, every[0], 5901, "reset") == "reset", "VNC is closed")
        stream.wait_flowing()
    node.wait_settled()
    assert not (node.run_dir / "nim/files/authorized_keys").exists()


def test_bad_switches_are_refused_with_their_place(ports, node):
    config = two_ports(2, app_allow_vnc="true")
    for key, bad, place in (("debug.enable.ssh", "yes", 1), ("app.allow.vnc", "maybe", 0)):
        items = {"app.allow.vnc": "true", "debug.enable.ssh": KEY, key: bad}
        config.root["configItems"] = [{"key": k, "value": v} for k, v in items.items()]
        node.configure(config)
        wait_for(lambda: node.row("ConfigStatus").get("errorPointer") ==
                 f"/configItems/{place}/value", f"{key} is refused")
        for port in (22, 5901):
            assert_tcp(ports["isp-a"], addresses(node)[0], port, "reset")
    config.root["configItems"] = [{"key": "debug.enable.shh", "value": "x"}]
    node.configure(config)
    wait_for(lambda: "config_ignored" in node.log(), "the unknown item is noted")
    assert "configItems.debug.enable.shh" in node.log()
    assert_tcp(ports["isp-a"], addresses(node)[0], 22, "reset")


def test_flows_bear_the_port_and_their_kind(ports, node):
    """As flow logging will read them: port << 24 | kind."""
    host = ports["node"]
    host.run("nft", """table inet watch {
        counter ssh { }
        counter ping { }
        counter output { }
        chain in {
            type filter hook input priority 10
            ct mark 0x01000001 counter name ssh
            ct mark 0x01000009 counter name ping
        }
        chain out {
            type filter hook output priority 10
            ct mark 0x01000005 counter name output
        }
    }""")
    switch(node, 2, debug_enable_ssh=KEY)
    address = addresses(node)[0]
    wait_for(lambda: tcp(ports["isp-a"], address, 22, "open") == "open", "SSH is open")
    answered(ports["isp-a"], address)
    assert packets.http_get(host, topology.WEB4).startswith("hello")
    seen = json.loads(host.run("nft", "-j", "list", "counters", "table", "inet", "watch").stdout)
    for entry in seen["nftables"]:
        if "counter" in entry:
            assert entry["counter"]["packets"] > 0, entry["counter"]["name"]


def test_killed_nim_leaves_the_rules_and_mends_them_when_it_is_back(ports, node):
    isp, before = ports["isp-a"], rules(ports)
    pid = node.daemons()["nim"]
    node.kill("nim")
    assert_tcp(isp, address_of_kernel(ports), 80, "silence")
    wait_for(lambda: node.daemons().get("nim", pid) != pid, "nim runs again")
    node.wait_settled()
    assert rules(ports) == before
    counted = counts(node)["other"]
    assert counted > 0, "the counters went on"

    node.kill()
    wait_for(lambda: not node.daemons(), "all are dead")
    ports["node"].run("nft", "delete", "table", *TABLE)
    carrier = snapshot.take(ports["node"])["links"]
    node.start()
    node.wait_daemons()
    wait_for(lambda: rules(ports) == before, "the rules are back")
    node.wait_settled()
    assert snapshot.take(ports["node"])["links"] == carrier
    assert_tcp(isp, address_of_kernel(ports), 80, "silence")


@pytest.mark.parametrize("damage", [
    ("delete", "table", *TABLE), ("flush", "table", *TABLE), ("flush", "set", *TABLE, "ports"),
    ("flush", "chain", *TABLE, "ssh"), ("insert", "rule", *TABLE, "input", "accept")],
    ids=lambda damage: "-".join(damage[:2]) + (f"-{damage[4]}" if len(damage) > 4 else ""))
def test_damage_is_mended_and_takes_no_link_down(ports, node, damage):
    before, mark = rules(ports), node.log_mark()
    with Stopwatch() as took:
        ports["node"].run("nft", *damage)
        wait_for(lambda: rules(ports) == before, "mended", 1)
    print(f"{' '.join(damage)}: mended in {took.seconds:.3f} s")
    node.wait_settled()
    told = "\n".join(node.log_since(mark))
    assert "port_carrier" not in told and "type=linkset" not in told, told
    assert_tcp(ports["isp-a"], addresses(node)[0], 80, "silence")


def test_no_moment_is_open_when_a_port_is_set_up(net, node):
    """EVE's dpcreconciler: port blocking. A neighbour tries all the time, from before the link comes up."""
    host, isp = net["node"], net["isp-a"]
    host.configure("link set eth0 down", "link set eth1 down")
    with host.inside():
        victim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with isp.inside():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stopping = threading.Event()

    def knock():
        while not stopping.is_set():
            with contextlib.suppress(OSError):
                sender.sendto(b"let me in", ("192.168.1.2", 9999))
            pause(0.0005)

    config = Config()
    config.port("uplink-a", "eth0", address="192.168.1.2/24", gateway="192.168.1.1", kind="V4Only")
    with victim, sender:
        victim.bind(("", 9999))
        thread = threading.Thread(target=knock, daemon=True)
        thread.start()
        try:
            node.start(config)
            node.wait("DeviceNetworkStatus", lambda t: any(
                port.get("usable4") for port in t.get("global", {}).get("ports", [])), "the port works")
            wait_for(lambda: counts(node)["other"] >= 100, "knocks were turned away")
        finally:
            stopping.set()
            thread.join()
        assert not select.select([victim], [], [], 0)[0], "a datagram got in"


def nft_message(kind, flags, body=b"", resource=0):
    payload = struct.pack("!BBH", 1, 0, resource) + body  # NFPROTO_INET
    return struct.pack("=IHHII", 16 + len(payload), kind, flags, 1, 0) + payload


def owned_table(host, name):
    """The table with that name in the hands of a socket: nobody else may write to it, and it goes
    with the socket (NFT_TABLE_F_OWNER)."""
    name = name.encode() + b"\0"
    attributes = struct.pack("=HH", 4 + len(name), 1) + name + b"\0" * (-len(name) % 4) \
        + struct.pack("=HH", 8, 2) + struct.pack("!I", 2)
    with host.inside():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    sock.bind((0, 0))
    sock.send(nft_message(16, 1, resource=10) + nft_message(10 << 8, 0x401, attributes)
              + nft_message(17, 1, resource=10))  # begin, NFT_MSG_NEWTABLE, end
    return sock


def test_port_that_cannot_be_guarded_stays_down_and_says_why(net, node):
    """EVE's dpcreconciler: port blocking."""
    host = net["node"]
    host.configure("link set eth0 down", "link set eth1 down")
    with owned_table(host, TABLE[1]):
        assert TABLE[1] in host.run("nft", "list", "tables").stdout
        node.start(two_ports())
        wait_for(lambda: {"firewall", "port"} <= {
            line.split()[1] for line in node.edgeway("status", check=False).splitlines()
            if line.startswith("BAD")}, "the status shows it")
        assert "Operation not permitted" in node.edgeway("status", check=False)
        assert "linkset eth0" in node.edgeway("plan", "nim")
        assert "UP" not in json.loads(host.run("ip", "-j", "link", "show", "eth0").stdout)[0]["flags"]
    wait_for(lambda: "BAD  firewall" not in node.edgeway("status", check=False), "it is mended", 40)
    scenario.Edge(net, node).wait_leases("uplink-a")
    assert_tcp(net["isp-a"], addresses(node)[0], 80, "silence")


@pytest.mark.everywhere
def test_apps_keep_their_port_maps_and_services(edge):
    """What goes on to an app is not for the node to judge, port 22 included."""
    config = edge.standard_config(version=2)
    config.root["apps"][0]["interfaces"][0]["acls"] = [
        {**entry, "id": n} for n, entry in enumerate([*allow_all(), port_map("tcp", 22, 80)], 1)]
    services.Web(edge.app("app-a"), 80)
    edge.node.configure(config)
    outside = addresses(edge.node)[0]
    wait_for(lambda: (packets.http_get(edge.net["internet"], outside, 22, 1) or "").startswith("hello"),
             "the port map works", 20)
    assert tcp(edge.net["isp-a"], addresses(edge.node)[1], 22, "reset") == "reset"
    assert packets.resolve(edge.app("app-a"), edge.gateway(), "web.example") == [topology.WEB4]
    assert packets.http_get(edge.app("app-b"), topology.WEB4).startswith("hello")
