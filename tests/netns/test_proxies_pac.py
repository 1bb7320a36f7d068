# SPDX-License-Identifier: Apache-2.0
"""PAC files: who decides, what a broken or hostile one brings about, and that it is its own port's trouble.

     node --eth0-- isp-a (proxies) --.
          --eth1-- isp-b ------------+-- internet: web.example
"""

import base64
import json
import os
import re

import pytest

import topology
from proxies import HTTPS, NAME, World, by, failed, wait_passed
from services import Files, Socks, Web, mute
from topology import WEB4
from waiting import wait_for


@pytest.fixture
def world(make_net, make_node, tmp_path):
    net = make_net(topology.standard, "ab", dhcp=False)
    return World(net, make_node(net["node"]), tmp_path)


def file(body):
    return f"function FindProxyForURL(url, host) {{ {body} }}"


def inline(body, **more):
    return {"pacfile": base64.b64encode(file(body).encode()).decode(), **more}


def status(world, label="uplink-a"):
    return next(p for p in world.node.row("DeviceNetworkStatus")["ports"] if p["logicallabel"] == label)


def test_inline_file_decides_and_goes_before_everything_else(world):
    """EVE: Bootstrap: proxy."""
    proxy = world.proxy()
    secret = "the file has a secret"
    body = f'/* {secret} */ if (host == "{NAME}" && url == "{HTTPS}") return "PROXY 192.168.1.1:3128"; return "DIRECT";'
    world.start(inline(body, **by("192.168.1.1", port=3129, exceptions=NAME)))
    wait_passed(world)
    assert world.tests()["uplink-a"]["proxy"] == "192.168.1.1:3128"
    assert ("192.168.1.2", "CONNECT", f"{NAME}:443") in proxy.seen
    assert status(world)["pac"] == {
        "origin": "PAC_INLINE", "url": "", "fetchedMs": "0", "bytes": len(file(body)), "error": ""}
    assert f"{HTTPS} by 192.168.1.1:3128" in world.node.edgeway("ports", "uplink-a")
    assert "PAC file     inline" in world.node.edgeway("ports", "uplink-a")
    for topic in ("DeviceNetworkStatus", "DevicePortConfig"):
        assert secret not in world.node.edgeway("bus", "get", topic)
    assert secret not in world.node.log()


def test_of_its_list_one_after_the_other_is_tried(world):
    """EVE takes the first and no other."""
    mute(world.isp, 3127)
    socks = Socks(world.isp, 1080, {NAME: WEB4})
    world.start(inline('return "PROXY 192.168.1.1:3129; PROXY 192.168.1.1:3127; SOCKS5 192.168.1.1:1080; DIRECT";'))
    wait_passed(world)
    test = world.tests()["uplink-a"]
    assert test["proxy"] == "socks5://192.168.1.1:1080" and socks.seen[-1] == ("192.168.1.2", 5, f"{NAME}:443")
    wait_for(lambda: "proxy 192.168.1.1: Connection refused" in status(world)["test"]["warning"], "the dead one is told of")


def test_direct_is_a_way_too(world):
    Web(world.far, 81)
    world.start(inline('return "PROXY 192.168.1.1:3129; DIRECT";'), f"http://{NAME}:81/")
    wait_passed(world)
    assert world.tests()["uplink-a"]["proxy"] == ""


def test_users_are_those_of_static_servers_of_the_same_name(world):
    world.proxy(user="joe:s3cret")
    world.start(inline('return "PROXY 192.168.1.1:3128";'))
    assert failed(world.tests()["uplink-a"], "TCP", "HTTP 407")
    world.start(inline('return "PROXY 192.168.1.1:3128";', **by("joe:s3cret@192.168.1.1")))
    wait_passed(world)
    assert "s3cret" not in world.node.edgeway("bus", "get", "DeviceNetworkStatus")


@pytest.mark.parametrize("body, why", [
    ("while (1);", "took more than 1 s of CPU"),
    ("return f(); function f() { return f(); }", "too much recursion"),
    ("var a = 'x'; while (1) a += a;", "out of memory"),
    ("return }", "SyntaxError"),
    ("return 'gopher'", "no proxy is in its answer 'gopher'"),
    ("return new XMLHttpRequest()", "XMLHttpRequest is not defined"),
    ("return java.lang.Runtime.getRuntime().exec('id')", "java is not defined"),
    ("return load('/etc/passwd')", "load is not defined")])
def test_hostile_file_is_its_ports_own_trouble(world, body, why):
    world.start(inline(body))
    tests = world.tests()
    assert failed(tests["uplink-a"], "TCP", "PAC file: ") and why in tests["uplink-a"]["error"]
    assert tests["uplink-b"]["outcome"] == "TEST_OK"
    page = world.node.edgeway("ports", "uplink-a")
    assert why in status(world)["pac"]["error"] and why in page and "have the network's PAC file mended" in page
    assert "event=pac_failed port=uplink-a" in world.node.log()
    assert world.node.edgeway("diag", check=False).count("PAC file: ") >= 1


def test_what_is_no_file_is_an_error_of_its_port(world):
    config = world.config({"pacfile": "no base64!"})
    world.node.start(config)
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-b" and p["usable4"]], "b works")
    assert status(world)["error"] == "proxy: the PAC file is no base64, empty, or longer than 1 MiB"


PAC_TYPE = "application/x-ns-proxy-autoconfig"
BY_PROXY = 'return "PROXY 192.168.1.1:3128";'


def at(url, **more):
    return {"networkProxyEnable": True, "networkProxyURL": url, **more}


def files(world, text, port=8080, kind=PAC_TYPE, path="/a.pac", **headers):
    return Files(world.isp, port, {path: (kind, text, {name.replace("_", "-"): value for name, value in headers.items()})})


def test_file_of_a_url_is_fetched_by_the_port_itself_and_kept(world):
    """EVE: a PAC file is fetched at each update of the status."""
    world.proxy()
    server = files(world, file(BY_PROXY))
    url = "http://192.168.1.1:8080/a.pac"
    world.start(at(url, **by("192.168.1.1", port=3129)))
    wait_passed(world)
    seen = len(server.seen)  # a round that was called off may have had one of its own
    for _ in range(3):
        assert world.tests()["uplink-a"]["proxy"] == "192.168.1.1:3128"
    assert len(server.seen) == seen and set(server.seen) == {("192.168.1.2", "192.168.1.1:8080", "/a.pac")}
    pac = status(world)["pac"]
    assert (pac["origin"], pac["url"], pac["error"]) == ("PAC_URL", url, "") and int(pac["fetchedMs"]) > 0
    assert f"PAC file     {url}, " in world.node.edgeway("ports", "uplink-a")
    assert f'event=pac_fetched port=uplink-a url="{url}"' in world.node.log()
    config = json.loads(world.node.config_path.read_text())
    config["networks"][0]["ip"]["gateway"] = "192.168.1.99"  # another network, as far as one can tell
    config["id"]["version"] = "77"
    world.node.configure(json.dumps(config))
    wait_for(lambda: world.tests() and len(server.seen) > seen, "it is fetched anew")


def test_file_that_is_too_old_is_fetched_again_and_asked_all_the_same_when_that_fails(world):
    world.proxy()
    server = files(world, file(BY_PROXY), Cache_Control="max-age=0")
    world.start(at("http://192.168.1.1:8080/a.pac"))
    wait_passed(world)
    seen = len(server.seen)
    world.tests()
    assert len(server.seen) > seen  # by that round at least: a change begins one, too
    server.files = {}
    assert world.tests()["uplink-a"]["proxy"] == "192.168.1.1:3128"
    assert status(world)["pac"]["error"].startswith("an old one is asked: PAC file http://192.168.1.1:8080/a.pac: ")
    assert "HTTP 404" in status(world)["pac"]["error"]


def test_file_is_told_the_addresses_of_the_target_by_the_ports_own_dns(world):
    """Inline as well: then nothing but the names is asked for."""
    world.proxy()
    body = f'return dnsResolve(host) == "{WEB4}" && isInNet(host, "198.51.100.0", "255.255.255.0") ? ' \
        '"PROXY 192.168.1.1:3128" : "PROXY 192.168.1.1:1";'
    files(world, file(body))
    world.start(at("http://192.168.1.1:8080/a.pac"))
    wait_passed(world)
    world.start(inline(body))
    wait_passed(world)


def test_file_may_be_elsewhere(world):
    world.proxy()
    server = files(world, 302, Location="/b.pac?x=1")
    server.files["/b.pac?x=1"] = (f"{PAC_TYPE}; charset=utf-8", file(BY_PROXY), {})
    world.start(at("http://192.168.1.1:8080/a.pac"))
    wait_passed(world)
    assert {path for *_, path in server.seen} == {"/a.pac", "/b.pac?x=1"}  # of one round, or of two


@pytest.mark.parametrize("what, why", [
    (("text/html", "<html>please log in</html>", {}), "it is of type 'text/html'"),
    ((PAC_TYPE, 404, {}), "HTTP 404"),
    ((PAC_TYPE, 500, {}), "HTTP 500"),
    ((PAC_TYPE, 204, {}), "HTTP 204, without a file"),
    ((PAC_TYPE, "", {}), "it is no text"),
    ((PAC_TYPE, "a\0b", {}), "it is no text"),
    ((PAC_TYPE, " " * ((1 << 20) + 1), {}), "longer than 1024 KiB"),
    ((PAC_TYPE, 302, {"Location": "/a.pac"}), "sent elsewhere too often"),
    ((PAC_TYPE, 302, {"Location": "file:///etc/passwd"}), "sent to where it is not asked for")])
def test_what_is_no_file_at_a_url_is_told_of_with_its_stage(world, what, why):
    Files(world.isp, 8080, {"/a.pac": what})
    world.start(at("http://192.168.1.1:8080/a.pac"))
    tests = world.tests()
    assert failed(tests["uplink-a"], "HTTP", "PAC file http://192.168.1.1:8080/a.pac: ")
    assert why in tests["uplink-a"]["error"] and tests["uplink-b"]["outcome"] == "TEST_OK"
    assert why in status(world)["pac"]["error"]


def test_server_of_the_file_that_hangs_holds_up_no_other_port(world):
    """EVE: WPAD of one port fails all."""
    mute(world.isp, 8080)
    world.start(at("http://192.168.1.1:8080/a.pac"))
    tests = world.tests()
    assert failed(tests["uplink-a"], "HTTP", "no answer to the request")
    assert tests["uplink-b"]["outcome"] == "TEST_OK"
    trace = world.node.edgeway("ports", "uplink-a", "--trace")
    assert "the last test that failed" in trace and "> GET /a.pac HTTP/1.1" in trace
    assert "#1 192.168.1.2 to 192.168.1.1 port 8080: asked for http://192.168.1.1:8080/a.pac" in trace
    lines = world.node.log().splitlines()
    told = [next(n for n, line in enumerate(lines) if f"event=port_test port=uplink-{letter} " in line and what in line)
            for letter, what in (("b", " to=ok "), ("a", "PAC file"))]
    assert told[0] < told[1], "b is told of while a still waits"


@pytest.mark.parametrize("url, told", [
    ("ftp://192.168.1.1/a.pac", "ftp://192.168.1.1/a.pac"), ("http://joe:s3cret@192.168.1.1/a.pac", "192.168.1.1/a.pac")])
def test_url_that_is_none_is_an_error_of_its_port(world, url, told):
    world.node.start(world.config(at(url)))
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-b" and p["usable4"]], "b works")
    assert status(world)["error"] == f"proxy: no URL of a PAC file: {told}"
    assert "s3cret" not in world.node.edgeway("bus", "get", "DeviceNetworkStatus") + world.node.log()


WPAD = {"networkProxyEnable": True}


@pytest.fixture
def discovering(make_net, make_node, tmp_path):
    """The same with DHCP on the side of isp-a; its options are the test's."""
    net = make_net(topology.standard, "ab", dhcp=False)
    return lambda *options: World(net, make_node(net["node"]), tmp_path, dhcp=options)


def test_wpad_finds_the_file_by_dhcp_option_252_first(discovering):
    """EVE does not ask for it."""
    world = discovering("dhcp-option=252,http://192.168.1.1:8080/a.pac", "domain=plant.example.com",
                        "address=/wpad.plant.example.com/192.168.1.1")
    world.proxy()
    by_dhcp = files(world, file(BY_PROXY), Cache_Control="no-cache")
    by_dns = files(world, file(BY_PROXY), port=80, path="/wpad.dat")
    world.start(WPAD)
    wait_passed(world)
    assert world.tests()["uplink-a"]["proxy"] == "192.168.1.1:3128"
    assert by_dhcp.seen and not by_dns.seen
    pac = status(world)["pac"]
    assert (pac["origin"], pac["url"]) == ("PAC_DHCP", "http://192.168.1.1:8080/a.pac")
    assert "PAC file     http://192.168.1.1:8080/a.pac (DHCP option 252), " in world.node.edgeway("ports", "uplink-a")
    by_dhcp.files = {}  # and when it is not there, by DNS
    wait_passed(world)
    assert status(world)["pac"]["origin"] == "PAC_DNS" and by_dns.seen


def test_wpad_asks_one_domain_after_the_other_and_never_the_top(discovering):
    world = discovering("domain=lab.plant.example.com", "address=/wpad.example.com/192.168.1.1", "local=/com/",
                        "log-queries")
    world.proxy()
    server = files(world, file(BY_PROXY), port=80, path="/wpad.dat")
    world.start(WPAD)
    wait_passed(world)
    assert {host for _, host, _ in server.seen} == {"wpad.example.com"}
    pac = status(world)["pac"]
    assert (pac["origin"], pac["url"]) == ("PAC_DNS", "http://wpad.example.com/wpad.dat")
    with open(f"{world.dhcp_folder}/log") as log:
        asked = [line.split("] ", 1)[1].split()[0] for line in log if "query[A" in line and "] wpad." in line]
    assert list(dict.fromkeys(asked)) == ["wpad.lab.plant.example.com", "wpad.plant.example.com", "wpad.example.com"]


@pytest.mark.parametrize("options, why", [
    (["domain=plant.example.com", "local=/com/"], "PAC file http://wpad."),
    (["domain=plant.co.uk", "address=/wpad.co.uk/192.168.1.1", "local=/uk/"], "PAC file http://wpad.plant.co.uk/"),
    (["domain=co.uk", "address=/wpad.co.uk/192.168.1.1"], "PAC file: the network's domain is nobody's own"),
    (["dhcp-option=252,file:///etc/passwd", "domain=lan"], "PAC file: neither DHCP option 252 nor a domain")])
def test_wpad_that_finds_nothing_is_its_ports_own_trouble(discovering, options, why):
    """EVE: WPAD of one port fails all."""
    world = discovering(*options)
    world.start(WPAD)
    tests = world.tests()
    assert failed(tests["uplink-a"], "DNS", why) and tests["uplink-b"]["outcome"] == "TEST_OK"
    assert "passwd" not in world.node.edgeway("bus", "get", "DeviceNetworkStatus")


def test_file_of_the_override_is_read_as_eve_writes_it(discovering):
    world = discovering("dhcp-option=252,http://192.168.1.1:8080/a.pac")
    world.proxy()
    files(world, file(BY_PROXY))
    world.node.override("override.json", {"Version": 1, "TimePriority": "2030-01-01T00:00:00Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 4, "Type": 5,
         "NetworkProxyEnable": True}]})
    config = world.config(None)
    config.root["networks"].clear(), config.root["systemAdapterList"].clear()
    world.node.start(config)
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-a" and p["usable4"]], "it is up")
    wait_passed(world)
    assert world.tests()["uplink-a"]["proxy"] == "192.168.1.1:3128"


def test_nim_killed_in_the_middle_leaves_no_evaluation_behind(world):
    world.proxy()
    world.start(inline("var end = new Date().getTime() + 700; while (new Date().getTime() < end); "
                       'return "PROXY 192.168.1.1:3128";'))
    evaluations = {}
    wait_for(lambda: evaluations.update(shut_in(world)) or evaluations, "it is evaluated")
    mark = world.node.log_mark()
    for given_up in evaluations.values():
        assert (given_up["NoNewPrivs"], given_up["CapEff"], given_up["Uid"].split()[0]) == ("1", "0" * 16, "65534")
    world.node.kill("nim")
    wait_for(lambda: not [pid for pid in evaluations if os.path.exists(f"/proc/{pid}")], "it died with nim")
    wait_for(lambda: [line for line in world.node.log_since(mark) if "event=port_test port=uplink-a" in line and
                      " to=ok " in line], "the next nim has it evaluated again")


def children(world, name):
    """Programs of that name that nim has started."""
    found, nim = [], world.node.daemons()["nim"]
    for task in os.listdir(f"/proc/{nim}/task"):
        with open(f"/proc/{nim}/task/{task}/children") as file_:
            found += [int(pid) for pid in file_.read().split()]
    return [pid for pid in found if comm(pid) == name]


def shut_in(world):
    """{pid: {field: text}} of evaluations that have given up what they can."""
    found = {pid: dict(re.findall(r"(\w+):\t(.*)", proc(pid, "status"))) for pid in children(world, "pac-eval")}
    return {pid: fields for pid, fields in found.items() if fields.get("Seccomp") == "2"}


def comm(pid):
    return proc(pid, "comm").strip()


def proc(pid, name):
    try:
        with open(f"/proc/{pid}/{name}") as file_:
            return file_.read()
    except OSError:
        return ""
