# SPDX-License-Identifier: Apache-2.0
"""Proxies of ports: who is asked for what, and what is told when it does not work.

     node --eth0-- isp-a (proxy) --.
          --eth1-- isp-b ----------+-- internet: web.example
"""

import base64
import json
import tarfile

import pytest

import topology
from config import Config
from proxies import HTTPS, NAME, World, by, failed, names_of, wait_passed
from services import Proxy, SecureWeb, Socks
from topology import WEB4


@pytest.fixture
def world(make_net, make_node, tmp_path):
    net = make_net(topology.standard, "ab", dhcp=False)
    return World(net, make_node(net["node"]), tmp_path)


def test_by_the_proxy_it_passes_and_directly_it_would_not(world):
    """EVE: Bootstrap: proxy."""
    proxy = world.proxy()
    world.start(None)
    tests = world.tests()
    assert failed(tests["uplink-a"], "TCP", "no answer") and tests["uplink-b"]["outcome"] == "TEST_OK"
    assert proxy.seen == []
    world.start(by("192.168.1.1"))
    wait_passed(world)
    assert world.tests()["uplink-a"]["target"] == HTTPS
    assert ("192.168.1.2", "CONNECT", f"{NAME}:443") in proxy.seen
    assert {client for client, *_ in proxy.seen} == {"192.168.1.2"}  # uplink-b has nothing to do with it
    assert "192.168.1.2" not in {source for source, *_ in world.web.seen}
    assert "proxies      https by 192.168.1.1:3128" in world.node.edgeway("ports", "uplink-a")


def test_proxy_has_a_name_and_plain_requests_go_to_it_as_they_are(world):
    proxy = world.proxy()
    world.start(by("http://localproxy.example/", proto=0), f"http://{NAME}/a?b")
    test = world.tests()["uplink-a"]
    assert (test["outcome"], test["stage"]) == ("TEST_NOT_READY", "TEST_STAGE_DNS")
    assert "localproxy.example" in test["error"]
    names_of(world, "localproxy.example", "192.168.1.1")
    wait_passed(world)
    assert proxy.seen[-1] == ("192.168.1.2", "GET", f"{NAME}:80")


def test_server_error_by_a_plain_proxy_is_the_far_ends_unless_the_proxy_says_it_is_its_own(world):
    proxy = world.proxy()
    world.start(by("192.168.1.1", proto=0), f"http://{NAME}/")
    proxy.says = {"Via": "1.1 plant", "Proxy-Status": 'plant; error=dns_timeout; details="no"'}
    assert failed(world.tests()["uplink-a"], "TCP", "HTTP 503, no way through")
    proxy.says = {"X-Squid-Error": "ERR_CONNECT_FAIL 113"}
    assert failed(world.tests()["uplink-a"], "TCP", "HTTP 503, no way through")
    proxy.says = {"Via": "1.1 plant"}
    test = world.tests()["uplink-a"]
    assert (test["outcome"], test["stage"]) == ("TEST_REMOTE", "TEST_STAGE_HTTP")
    assert test["error"].endswith("HTTP 503, of the proxy or the far end")


def test_user_and_password_are_shown_to_the_proxy_and_to_nobody_else(world):
    world.proxy(user="joe:s3cret")
    world.start(by("joe:wr0ng@192.168.1.1"))
    assert failed(world.tests()["uplink-a"], "TCP", "HTTP 407, it wants another user or password")
    world.start(by("joe:s3cret@192.168.1.1"))
    wait_passed(world)
    for shown in (["ports", "uplink-a"], ["ports", "--json"], ["bus", "get", "DeviceNetworkStatus"], ["diag"]):
        text = world.node.edgeway(*shown, check=False)
        assert "192.168.1.1" in text and "s3cret" not in text and "joe" not in text, shown
    # The configuration itself is shown with stars, wherever it is shown.
    dump = world.node.folder / "dump.tar.gz"
    world.node.edgeway("netdump", str(dump), timeout=60)
    with tarfile.open(dump) as archive:
        files = {m.name: archive.extractfile(m).read().decode(errors="replace") for m in archive if m.isfile()}
    shown = {name: text for name, text in files.items() if "joe" in text}
    assert any(name.endswith("bus-DevicePortConfig.json") for name in shown)
    shown["bus get"] = world.node.edgeway("bus", "get", "DevicePortConfig")
    shown["dpc show"] = world.node.edgeway("dpc", "show", "zedagent", "--json")
    for name, text in shown.items():
        assert '"password": "***"' in text, name
    assert not [name for name, text in {**files, **shown}.items() if "s3cret" in text]
    assert "s3cret" not in world.node.log() and "wr0ng" not in world.node.log()


def test_exceptions_are_asked_directly(world):
    proxy = world.proxy()
    world.start(by("192.168.1.1", exceptions=f"192.0.2.0/24, {NAME}"))
    assert failed(world.tests()["uplink-a"], "TCP", "no answer") and proxy.seen == []


def test_who_looks_into_tls_is_trusted_by_the_ports_own_certificate_only(world):
    for isp in (world.isp, world.isp_b):
        SecureWeb(isp, 8443, world.pki.sign("mitm", [NAME], root=world.pki.stranger))
        Proxy(isp, 3128, {NAME: WEB4}, to=("127.0.0.1", 8443))
    b = by("192.168.2.1")
    world.start(by("192.168.1.1"), proxies_b=b)
    tests = world.tests()
    assert failed(tests["uplink-a"], "TLS", "issuer") and failed(tests["uplink-b"], "TLS", "issuer")
    ca = base64.b64encode(world.pki.stranger.cert.read_bytes()).decode()
    world.start(by("192.168.1.1", proxyCertPEM=[ca]), proxies_b=b)
    wait_passed(world)
    assert failed(world.tests()["uplink-b"], "TLS", "issuer"), "it is not that port's certificate"


def test_dead_proxy_is_its_ports_own_trouble(world):
    """EVE: the proxy of one port fails all."""
    world.start(by("192.168.1.1", port=3129))
    tests = world.tests()
    assert failed(tests["uplink-a"], "TCP", "proxy 192.168.1.1: Connection refused")
    assert tests["uplink-b"]["outcome"] == "TEST_OK"


@pytest.mark.parametrize("scheme, version", [("", 5), ("socks4://", 4)])
def test_socks_is_asked_for_what_has_no_proxy_of_its_own(world, scheme, version):
    """EVE passes them over. The name is the proxy's to resolve."""
    proxy = Socks(world.isp, 1080, {NAME: WEB4})
    world.start(by(f"{scheme}192.168.1.1", port=1080, proto=2))
    wait_passed(world)
    assert ("192.168.1.2", version, f"{NAME}:443") in proxy.seen
    shown = f"socks{version}://192.168.1.1:1080"
    assert world.tests()["uplink-a"]["proxy"] == shown
    page = world.node.edgeway("ports", "uplink-a")
    assert f"proxies      all else by {shown}" in page and f"{HTTPS} by {shown}" in page


def test_socks_server_wants_a_user_and_says_no(world):
    Socks(world.isp, 1080, {NAME: WEB4}, user="joe:s3cret")
    world.start(by("joe:wr0ng@192.168.1.1", port=1080, proto=2))
    assert failed(world.tests()["uplink-a"], "TCP", "to proxy 192.168.1.1: User was rejected by the SOCKS5 server")
    world.start(by("joe:s3cret@192.168.1.1", port=1080, proto=2))
    wait_passed(world)
    assert "s3cret" not in world.node.log() + world.node.edgeway("bus", "get", "DeviceNetworkStatus")


@pytest.mark.parametrize("urls, proto", [(HTTPS, 1), (f"http://{NAME}/", 0)])
def test_proxy_that_is_spoken_to_by_tls_has_to_show_its_own_certificate(world, urls, proto):
    world.proxy(port=3127, certificate=world.pki.sign("other", ["q.example"]))
    proxy = world.proxy(certificate=world.pki.sign("own", ["p.example"]))
    world.start(by("https://p.example", port=3127, proto=proto), urls)
    names_of(world, "p.example", "192.168.1.1")
    assert failed(world.tests()["uplink-a"], "TCP", "proxy 192.168.1.1: hostname mismatch")
    by_name(world, by("https://p.example", proto=proto), urls)
    wait_passed(world)
    assert world.tests()["uplink-a"]["proxy"] == "https://p.example:3128"
    assert proxy.seen[-1][1:] == (("CONNECT", f"{NAME}:443") if proto else ("GET", f"{NAME}:80"))


def by_name(world, proxies, urls):
    """Other proxies, and the second DNS server stays."""
    config = json.loads(world.node.config_path.read_text())
    config["networks"][0]["entProxy"] = proxies
    world.version += 1
    config["id"]["version"] = str(world.version)
    world.node.configure(json.dumps(config))
    shown = proxies["proxies"][0]
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", [])
        if f"{shown['server']}:{shown['port']}" in (p["httpProxy"], p["httpsProxy"])], "the other proxy is known")


@pytest.mark.parametrize("server, port, why", [
    ("ftp://proxy.example", 3128, "is to be spoken to by http, https or SOCKS"),
    ("ftp://joe:s3cret@proxy.example", 3128, "is to be spoken to by http, https or SOCKS"), ("no such host", 3128, "no host with a port"),
    ("proxy.example", 0, "no host with a port")])
def test_what_is_no_proxy_is_an_error_of_its_port(world, server, port, why):
    config = Config()
    config.port("uplink-a", "eth0", kind="V4Only", address="192.168.1.2/24", gateway="192.168.1.1")
    config.port("uplink-b", "eth1", kind="V4Only", address="192.168.2.2/24", gateway="192.168.2.1")
    config.root["networks"][0]["entProxy"] = by(server, port)
    world.node.start(config)
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-b" and p["usable4"]], "b works")
    ports = world.node.row("DeviceNetworkStatus")["ports"]
    assert ports[0]["error"].startswith(f"proxy: {why}") and ports[0]["error"].endswith(f": {server.split('@')[-1]}")
    assert "s3cret" not in world.node.edgeway("bus", "get", "DevicePortConfig") + world.node.log()
    assert not ports[0]["usable4"] and ports[1]["error"] == ""
