# SPDX-License-Identifier: Apache-2.0
"""An app reaches what its access list allows, and nothing else; and is reached the same way."""

import pytest

import packets
import scenario
import topology
from config import allow, allow_all, drop, port_map
from waiting import wait_for

pytestmark = pytest.mark.everywhere
VERSIONS = pytest.mark.parametrize("web", [topology.WEB4, topology.WEB6], ids=["v4", "v6"])


def start(net, node):
    return scenario.Listed(net, node).start()


@pytest.fixture
def listed(standing):
    """listed.apply(acl) puts app-a under an ACL; to the next test it may do everything again."""
    edge = standing(start)
    yield edge
    edge.apply(allow_all())


@VERSIONS
def test_empty_list_allows_nothing(listed, web):
    listed.apply([])
    app, internet = listed.app("app-a"), listed.net["internet"]
    packets.assert_blocked(app, web, 9999, internet)
    packets.assert_blocked(app, web, 80, internet, "tcp")
    assert not packets.icmp_arrives(app, web, internet)
    packets.assert_reaches(listed.app("app-b"), web, 9999, internet)


@VERSIONS
def test_address_and_protocol_and_port_are_all_looked_at(listed, web):
    listed.apply([allow(web, "tcp", fport=80), allow(web, "udp", fport="1000-1999")])
    app, internet = listed.app("app-a"), listed.net["internet"]
    packets.assert_reaches(app, web, 80, internet, "tcp")
    packets.assert_reaches(app, web, 1000, internet)
    packets.assert_reaches(app, web, 1999, internet)
    for port, protocol in ((80, "udp"), (81, "tcp"), (999, "udp"), (2000, "udp"), (1500, "tcp")):
        packets.assert_blocked(app, web, port, internet, protocol, attempts=1)
    packets.assert_blocked(app, topology.other(web), 80, internet, "tcp")
    assert not packets.icmp_arrives(app, web, internet)


@VERSIONS
def test_earlier_entry_wins(listed, web):
    prefix = "198.51.100.0/24" if web == topology.WEB4 else "2001:db8:80::/64"
    listed.apply([drop(web), allow(prefix)])
    app, internet = listed.app("app-a"), listed.net["internet"]
    packets.assert_reaches(app, topology.other(web), 9999, internet)
    packets.assert_blocked(app, web, 9999, internet)
    listed.apply([allow(prefix), drop(web)])
    packets.assert_reaches(app, web, 9999, internet)


@VERSIONS
def test_answers_come_back_without_an_entry_of_their_own(listed, web):
    listed.apply([allow(web, "tcp", fport=80, direction="EGRESS")])
    assert packets.http_get(listed.app("app-a"), web).startswith("hello")


def test_port_map_opens_one_port_of_the_uplink(listed):
    listed.apply([port_map("tcp", 8080, 80), allow("0.0.0.0/0", "tcp", lport=80, direction="INGRESS")])
    uplink = port_address(listed, "uplink-a")
    app, internet = listed.app("app-a"), listed.net["internet"]
    packets.assert_reaches(internet, uplink, 8080, listed.net["node"], "tcp")
    wait_for(lambda: forwarded(internet, uplink, 8080, app, 80), "port 8080 leads to the app")
    assert not forwarded(internet, uplink, 8081, app, 80)
    assert not forwarded(internet, uplink, 80, app, 80)


def forwarded(source, to, port, app, app_port):
    """Connects to port; True when it comes out at the app as a connection to app_port."""
    with packets.Sniffer(app) as sniffer, source.inside():
        sock = packets.socket.socket()
        with sock:
            sock.setblocking(False)
            sock.connect_ex((to, port))
            wanted = packets.struct.pack("!H", app_port)
            return bool(sniffer.find(lambda f: f[12:14] == b"\x08\x00" and f[23] == 6
                                     and f[36:38] == wanted, packets.QUIET_S))


def port_address(edge, label):
    ports = edge.node.row("DeviceNetworkStatus")["ports"]
    port = next(p for p in ports if p["logicallabel"] == label)
    return next(a for a in port["addresses"] if "." in a).partition("/")[0]


@VERSIONS
def test_nobody_outside_reaches_an_app_uninvited(listed, web):
    """The router next door knows the way, and may still not come in."""
    version = 4 if web == topology.WEB4 else 6
    address, subnet = listed.address("app-a", version), ("10.1.0.0/24", "fd00:1::/64")[version == 6]
    uplink = "192.168.1.1" if version == 4 else "2001:db8:1::1"
    isp = listed.net["isp-a"]
    port4 = port_address(listed, "uplink-a")
    gateway = port4 if version == 4 else link_local(listed.net["node"], "eth0")
    isp.configure(f"route replace {subnet} via {gateway} dev lan")
    listed.apply([allow(f"{uplink}/{32 if version == 4 else 128}", direction="EGRESS")])
    packets.assert_blocked(isp, address, 9999, listed.app("app-a"))
    packets.assert_reaches(listed.app("app-a"), uplink, 9999, isp)


def link_local(host, dev):
    text = host.run("ip", "-6", "-br", "addr", "show", "dev", dev, "scope", "link").stdout
    return text.split()[2].partition("/")[0]


@VERSIONS
def test_apps_of_one_instance_meet_both_lists(listed, web):
    version = 4 if web == topology.WEB4 else 6
    b = listed.address("app-b", version)
    app_a, app_b = listed.app("app-a"), listed.app("app-b")
    packets.assert_reaches(app_a, b, 9999, app_b)
    packets.assert_reaches(app_a, b, 80, app_b, "tcp")
    length = 32 if version == 4 else 128
    listed.apply([allow(f"{b}/{length}", "udp", fport=5000)])
    packets.assert_reaches(app_a, b, 5000, app_b)
    packets.assert_blocked(app_a, b, 9999, app_b)
    packets.assert_blocked(app_b, listed.address("app-a", version), 9999, app_a)


def test_revoked_entry_ends_what_it_had_allowed(listed):
    listed.apply([allow(topology.WEB4)])
    app, internet = listed.app("app-a"), listed.net["internet"]
    packets.assert_reaches(app, topology.WEB4, 9999, internet)
    listed.apply([allow(topology.OTHER4)])
    packets.assert_blocked(app, topology.WEB4, 9999, internet)
    packets.assert_reaches(app, topology.OTHER4, 9999, internet)
