# SPDX-License-Identifier: Apache-2.0
"""What the last tests of each port did, step by step, without secrets.

     node --eth0-- isp-a --.
          --eth1-- isp-b --+-- internet: web.example, the controller
"""

import re
import tarfile

import pytest

import topology
from services import SecureWeb, names
from test_conntest import NAME, World, passed, static_config, wait_test
from test_proxies import World as ProxyWorld
from test_proxies import by, wait_passed
from topology import WEB4
from waiting import wait_for

HTTPS = f"https://{NAME}/"


@pytest.fixture
def make_world(make_net, make_node, tmp_path):
    def make(letters="ab", kind=World):
        net = make_net(topology.standard, letters, dhcp=False)
        return kind(net, make_node(net["node"]), tmp_path)
    return make


def traces(node, label="uplink-a"):
    """{"passed": its lines, "failed": …} without times"""
    text = node.edgeway("ports", label, "--trace")
    found = {}
    for part in text.split("\n\n"):
        head, *lines = part.splitlines()
        assert all(re.fullmatch(r" *\d+ .+", line) for line in lines), text
        kind = "tried" if "being tried" in head else head.split("that ")[1].split(",")[0]
        assert head.startswith(f"{label}: the last test that ") and head.endswith("Z")
        found[kind] = [line.split(maxsplit=1)[1] for line in lines]
    return found


def test_each_step_of_the_last_good_and_the_last_bad_test_is_there(make_world, tmp_path):
    world = make_world("a")
    web = SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    SecureWeb(world.far, 444, world.pki.sign("bad", [NAME], root=world.pki.stranger))
    names(world.net["isp-a"], NAME, WEB4)
    world.node.start(static_config("a", urls=HTTPS))
    wait_test(world.node, "uplink-a", lambda t: passed(t) and t["target"], "it passes")
    lines = traces(world.node)["passed"]
    steps = [f"dns {NAME} A: 192.168.1.1 is asked", f"dns {NAME} A: 192.168.1.1 says {WEB4}",
             f"#1 192.168.1.2 to {WEB4} port 443: asked for {HTTPS}", "#1 TCP is connected", "#1 certificate 1: CN = root, by CN = root, ",
             "#1 certificate 0: CN = good, by CN = root, ", "#1 SSL connection using TLSv1.", "#1 > GET / HTTP/1.1",
             f"#1 > Host: {NAME}", "#1 < HTTP/1.0 200 OK", "#1 < Content-Length: 0", "#1 ended: it is fine", "passed"]
    at = -1
    for step in steps:
        at = next(i for i, line in enumerate(lines) if i > at and line.startswith(step))
    web.status = 503
    assert world.test()["outcome"] == "TEST_REMOTE"
    both = traces(world.node)
    assert both["passed"][:len(lines)] == lines and "#1 < HTTP/1.0 503 Service Unavailable" in both["failed"]
    assert both["failed"][-1] == f"failed: 192.168.1.2 to {WEB4}: HTTP 503"
    world.node.configure(static_config("a", 2, urls=f"https://{NAME}:444/"))
    wait_for(lambda: world.test()["stage"] == "TEST_STAGE_TLS", "the other one is asked")
    bad = traces(world.node)["failed"]
    assert [line for line in bad if line.startswith("#1 certificate 0: CN = bad, by CN = stranger, ")], bad
    assert "#1 certificate 0: unable to get local issuer certificate" in bad
    world.node.edgeway("netdump", str(tmp_path / "dump.tar.gz"))
    with tarfile.open(tmp_path / "dump.tar.gz") as dump:
        name = next(n for n in dump.getnames() if n.endswith("/tests.txt"))
        text = dump.extractfile(name).read().decode()
    assert "the last test that passed" in text and "CN = bad" in text


def test_nothing_is_kept_of_a_port_that_is_gone_and_nothing_without_a_test(make_world):
    world = make_world()
    for letter in "ab":
        names(world.net[f"isp-{letter}"], NAME, WEB4)
    SecureWeb(world.far, 443, world.pki.sign("good", [NAME]))
    world.node.start(static_config())
    wait_test(world.node, "uplink-b", passed, "link and address are all")
    assert "no test has sent anything so far" in world.node.edgeway("ports", "--trace")
    world.node.configure(static_config(version=2, urls=HTTPS))
    wait_for(lambda: passed(world.test("uplink-b")) and passed(world.test()), "both pass")
    assert traces(world.node, "uplink-b")["passed"]
    world.node.configure(static_config("a", version=3, urls=HTTPS))
    wait_for(lambda: world.test() and "uplink-b" not in world.node.edgeway("ports", "--trace"), "it is forgotten")
    assert "uplink-a" in world.node.edgeway("ports", "--trace")


def test_no_password_no_cookie_and_no_key_is_in_it(make_world):
    world = make_world("ab", ProxyWorld)
    proxy = world.proxy(user="joe:s3cret")
    world.start(by("joe:s3cret@192.168.1.1"))
    wait_passed(world)
    text = world.node.edgeway("ports", "uplink-a", "--trace")
    assert f"> CONNECT {NAME}:443 HTTP/1.1" in text and "> Proxy-Authorization: ***" in text
    assert "< Proxy-Authenticate: Basic***" in text
    world.start(by("joe:s3cret@192.168.1.1", proto=0), f"http://{NAME}/a")
    proxy.says = {"Set-Cookie": "session=c00kie", "X-Token": "t0ken", "Location": "http://login.example/?id=1d",
                  "Proxy-Status": "plant; error=dns_timeout"}
    wait_for(lambda: world.tests()["uplink-a"]["outcome"] == "TEST_FAILED", "the proxy says no")
    text += world.node.edgeway("ports", "uplink-a", "--trace")
    for shown in ("< Set-Cookie: ***", "< X-Token: ***", "< Location: http://login.example/***",
                  "< Proxy-Status: plant; error=dns_timeout"):
        assert shown in text, text
    for secret in ("s3cret", "joe", "c00kie", "t0ken", "1d\n", "am9lOnMzY3JldA"):
        assert secret not in text, text
