# SPDX-License-Identifier: Apache-2.0
"""A signed bootstrap-config.pb, for the time before the node has met its controller.

     node --eth0-- isp-a (192.168.1.0/24) -- internet
          --eth1-- isp-b (192.168.2.0/24) --'
"""

import hashlib
import json
import random
import time

import pytest

import packets
import topology
import wire
from config import Config
from container import ECDH, INTERMEDIATE, SIGNING, Maker
from node import BIN
from services import Proxy, SecureWeb, swallow
from test_dpc import kill_all, reboot, start_nim, static_override, stored
from test_dpc_sources import stick, wait_entries, wait_fails, wait_last_resort
from waiting import wait_for

STATIC = "192.168.1.9"
VETO = "there is a bootstrap-config.pb, and with it no file counts"


class Given:
    """The folder of what the node was given at the factory."""

    def __init__(self, net, node, maker):
        self.net, self.node, self.maker = net, node, maker
        self.folder = node.folder / "given"
        self.folder.mkdir()
        self.path = self.folder / "bootstrap-config.pb"
        self.put("root-certificate.pem", maker.root)
        node.run_options = ("--config-dir", str(self.folder), "--last-resort-after", "60")

    def put(self, name, content):
        temporary = self.folder / f".{name}.new"
        temporary.write_bytes(content)
        temporary.rename(self.folder / name)

    def bootstrap(self, content):
        self.put("bootstrap-config.pb", content)

    def wait_state(self, state, error=""):
        return self.node.wait("BootstrapStatus", lambda t: [
            s for s in t.values() if s["state"] == f"BOOTSTRAP_{state}" and error in s["error"]],
            f"the file is {state}: {error}")["global"]

    def wait_judged(self, content):
        """What is said of just these bytes; of too many there is no hash."""
        sha = hashlib.sha256(content).hexdigest() if len(content) <= 1 << 20 else ""
        return self.node.wait("BootstrapStatus", lambda t: [s for s in t.values() if s["sha256"] == sha],
                              "the file is judged")["global"]

    def wait_works(self, key="bootstrap", address=STATIC):
        def works(table):
            ports = {p["logicallabel"]: p for p in table.get("global", {}).get("ports", [])}
            return table.get("global", {}).get("dpcKey") == key and any(
                p["usable4"] and f"{address}/24" in p["addresses"] for p in ports.values())

        self.node.wait("DeviceNetworkStatus", works, f"{key} is in force and works", 20)


def static_config(version="boot", address=STATIC):
    config = Config(version)
    for n, (label, cost) in enumerate((("uplink-a", 0), ("uplink-b", 10)), 1):
        config.port(label, f"eth{n - 1}", cost=cost, kind="V4Only", gateway=f"192.168.{n}.1", dns=[f"192.168.{n}.1"],
                    address=f"{address if n == 1 else '192.168.2.9'}/24")
    return config


@pytest.fixture(scope="module")
def maker(tmp_path_factory):
    return Maker(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def given(net, node, maker):
    return Given(net, node, maker)


def wait_refusals(node, refusals):
    """(file, pointer, why) of each; why may be its beginning."""
    def as_wanted(table):
        told = table.get("global", {}).get("dpcRefusals", []) if table else None
        return told is not None and len(told) == len(refusals) and all(
            (r["file"], r["pointer"]) == (file, pointer) and r["why"].startswith(why)
            for r, (file, pointer, why) in zip(told, refusals))

    node.wait("DeviceNetworkStatus", as_wanted, f"refused are {refusals}")


def says(node, text, *command):
    """The tool does, once the daemons answer it; line breaks do not count."""
    wait_for(lambda: text in " ".join(node.edgeway(*command, check=False).split()), f"{command} says {text}", 20)


def sha_path(node):
    return node.state_dir / "ingested" / "bootstrap-config.sha"


# ---- It is taken ----

def test_static_ip_by_bootstrap(given):
    """EVE: Bootstrap: static IP by bootstrap."""
    node, config = given.node, static_config()
    config.app("app-a", "nowhere")  # not for a bootstrap file to say
    config.instance("ni4", "10.1.0.0/24")
    config.item("timer.port.testinterval", 77)
    config.item("app.allow.vnc", "true")
    config.item("edgeway.port.uplink-b.quota.month.bytes", 1000000)
    made = given.maker.file(config, timestamp=1700000000)
    given.bootstrap(made)
    node.start()
    given.wait_works()
    status = given.wait_state("TAKEN")
    assert (status["signer"], status["version"], status["timestampMs"]) == ("signer", "boot", "1700000000000")
    assert status["sha256"] == hashlib.sha256(made).hexdigest()
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("dpcSource") == "DPC_BOOTSTRAP", "its source")
    node.wait("GlobalConfig", lambda t: t.get("global", {}).get("items", {}).get("timer.port.testinterval") == "77",
              "its items count")
    node.wait("PortMeterStatus", lambda t: t.get("uplink-b", {}).get("quotaBytes") == "1000000", "quotas, too")
    assert not node.table("AppConfig") and not node.table("NetworkInstanceConfig")
    packets.assert_reaches(given.net["node"], topology.WEB4, 80, given.net["internet"])
    wait_for(lambda: sha_path(node).exists() and sha_path(node).read_bytes() == hashlib.sha256(made).digest(),
             "it is noted that it was taken")
    says(node, "* bootstrap bootstrap 2023-11-14T22:13:20Z 2 ", "dpc", "list")
    says(node, "ports by bootstrap (bootstrap)", "diag")
    node.wait_settled()

    mark = node.log_mark()
    node.kill("zedagent", "nim")  # it is told again, and that is no news
    node.wait_daemons()
    given.wait_works()
    given.wait_state("TAKEN")
    node.wait_settled()
    wait_entries(node, ["bootstrap"], "it is there once")
    assert not [line for line in node.log_since(mark) if "bootstrap_taken" in line]

    mark, pid = node.log_mark(), node.daemons()["zedagent"]
    node.kill("zedagent")
    wait_for(lambda: node.daemons().get("zedagent", pid) != pid, "zedagent runs again")
    given.wait_state("TAKEN")
    node.wait_settled()
    assert not [line for line in node.log_since(mark) if "event=firewall" in line], "no item was ever away"
    assert list(node.table("PortMeterStatus")) == ["uplink-b"]


def test_controllers_configuration_takes_its_place_for_good(given):
    node = given.node
    config = static_config()
    for label in ("uplink-a", "uplink-b"):
        config.item(f"edgeway.port.{label}.metering", "on")
    given.bootstrap(given.maker.file(config, timestamp=int(time.time()) + 3600))
    node.start()
    given.wait_works()
    node.wait("PortMeterStatus", lambda t: sorted(t) == ["uplink-a", "uplink-b"], "both are metered")
    wrong = Config(0)
    wrong.item("timer.port.testduration", 1)
    wrong.port("uplink-a", "eth9")  # there is no eth9
    node.configure(wrong)
    wait_fails(node, "zedagent", "the controller's first one is tried and fails")
    given.wait_works()
    config = static_config(1, "192.168.1.2")
    config.item("edgeway.port.uplink-a.metering", "on")
    node.configure(config)
    given.wait_works("zedagent", "192.168.1.2")
    given.wait_state("UNUSED")
    node.wait("PortMeterStatus", lambda t: list(t) == ["uplink-a"], "what the controller meters, and no more")
    node.wait("DevicePortConfig", lambda t: list(t) == ["zedagent"], "nobody publishes the other any more")
    wait_entries(node, ["zedagent"], "the controller's works: nobody will fall back on the other")
    node.config_path.unlink()
    kill_all(node)
    node.start()  # the last configuration counts
    given.wait_works("zedagent", "192.168.1.2")
    given.wait_state("UNUSED")
    wait_entries(node, ["zedagent"], "it alone")
    wait_refusals(node, [])


def test_reboot_before_the_controller_was_met_keeps_it(given):
    node = given.node
    given.bootstrap(given.maker.file(static_config()))
    node.start()
    given.wait_works()
    wait_for(lambda: stored(node).get("current") == stored(node, ".2").get("current") == "bootstrap",
             "the list is on disk")
    reboot(node)
    start_nim(node, "--config-dir", str(given.folder))  # zedagent is late
    given.wait_works()
    given.path.unlink()  # nor is the file needed any more
    given.wait_works()
    wait_entries(node, ["bootstrap"], "it is there once")


def test_newer_file_takes_the_place_of_the_former_and_an_older_one_does_not(given):
    node, made = given.node, given.maker
    given.bootstrap(made.file(static_config(), timestamp=1700000000))
    node.start()
    given.wait_works()
    given.bootstrap(made.file(static_config(address="192.168.1.10"), timestamp=1700000001))
    given.wait_works(address="192.168.1.10")
    given.bootstrap(made.file(static_config(address="192.168.1.11"), timestamp=1600000000))
    wait_refusals(node, [("bootstrap-config.pb", "", "older than the one that was taken before")])
    node.wait_settled()
    assert "192.168.1.11" not in node.edgeway("dpc", "list") + node.edgeway("ports")
    given.wait_works(address="192.168.1.10")


def test_kill_9_at_any_time_neither_loses_nor_doubles_it(given):
    node, dice = given.node, random.Random(3)
    given.bootstrap(given.maker.file(static_config()))
    for _ in range(8):
        node.start()
        time.sleep(dice.uniform(0, 0.4))  # any time: that is the test
        kill_all(node)
    node.start()
    given.wait_works()
    node.wait_settled()
    wait_entries(node, ["bootstrap"], "it is there once")


def test_expired_one_that_was_taken_in_time_still_counts(given):
    node, made = given.node, given.maker
    late = made.pki.sign("late", ["late.example"], root=made.between, days=(-3, -1))
    content = made.file(static_config(), signer=late, timestamp=0)
    given.bootstrap(content)
    node.start()
    given.wait_state("REFUSED", "certificate late: certificate has expired; the time is ")
    wait_last_resort(node, "eth0", "eth1")
    kill_all(node)
    sha_path(node).parent.mkdir(exist_ok=True)
    sha_path(node).write_bytes(hashlib.sha256(content).digest())  # when its time was
    node.start()
    given.wait_works()


def test_proxy_by_bootstrap(given):
    """EVE: Bootstrap: proxy. Nothing but the proxy gets from isp-a to the far end by TLS."""
    node, net, config = given.node, given.net, static_config()
    web = SecureWeb(net["internet"], 443, given.maker.pki.sign("web", ["web.example"]))
    proxy = Proxy(net["isp-a"], 3128, {"web.example": topology.WEB4})
    swallow(net["isp-a"], "iifname lan tcp dport 443")
    config.root["networks"][0]["entProxy"] = {"proxies": [{"proto": 1, "server": "192.168.1.1", "port": 3128}]}
    config.item("timer.port.timeout", 2)
    config.item("edgeway.probe.urls", "https://web.example/")
    given.bootstrap(given.maker.file(config))
    node.start()
    given.wait_works()

    def outcomes():
        ports = json.loads(node.edgeway("ports", "--test", "--json", timeout=40))
        return {p["status"]["logicallabel"]: p["status"]["test"]["outcome"] for p in ports}

    wait_for(lambda: outcomes() == {"uplink-a": "TEST_OK", "uplink-b": "TEST_OK"}, "both ports reach it", 20,
             told=outcomes)
    assert ("192.168.1.9", "CONNECT", "web.example:443") in proxy.seen
    assert STATIC not in {source for source, *_ in web.seen}
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("led") == 3, "connected")


# ---- It is refused ----

def bad_files(made, config):
    """{reason: content}, with where it is in the file."""
    good, payload = made.container(made.payload(config)), made.payload(config)
    stranger = made.pki.sign("other", ["other.example"], root=made.pki.stranger)
    late = made.pki.sign("expired", ["x.example"], root=made.between, days=(-3, -1))
    early = made.pki.sign("early", ["x.example"], root=made.between, days=(2, 3))
    client = made.pki.sign("client", ["x.example"], root=made.between, more=["extendedKeyUsage=clientAuth"])
    leaf = made.pki.sign("leaf", ["x.example"], root=made.signer)
    no_port = Config("1")
    bad_port = static_config()
    bad_port.root["networks"][0]["ip"]["gateway"] = "192.168.1.300"
    flipped = bytearray(good["signatureHash"])
    flipped[40] ^= 1

    def outer(**fields):
        return wire.encode("BootstrapConfig", fields)

    return [
        ("", "not a BootstrapConfig", b"junk, not a protobuf"),
        ("", "not a BootstrapConfig", b""),
        ("", "larger than 1 MiB", bytes((1 << 20) + 1)),
        ("/signed_config", "missing", outer(controllerCerts=made.certs())),
        ("/signed_config/protectedPayload", "missing", made.file(payload=b"")),
        ("/signed_config/cipherData", "encrypted", made.file(config, cipherData={})),
        ("/signed_config/algo", "no hash algorithm", made.file(config, algo=3)),
        ("/signed_config/senderCertHash", "another length", made.file(config, algo=1)),
        ("/signed_config/senderCertHash", "not that of the signing", made.file(config, senderCertHash=bytes(32))),
        ("/signed_config/signatureHash", "has not signed", made.file(config, signatureHash=bytes(flipped))),
        ("/signed_config/signatureHash", "has not signed", made.file(
            config, signatureHash=made.signature(payload, made.signer.key))),  # DER
        ("/signed_config/signatureHash", "has not signed", made.file(
            config, protectedPayload={"payload": made.payload(static_config("changed"))})),
        ("/signed_config/protectedPayload", "not an EdgeDevConfig", made.file(payload=b"\xff\xff")),
        ("/controller_certs", "no signing certificate", made.file(config, certs=made.certs()[1:])),
        ("/controller_certs", "more than 32", made.file(config, certs=made.certs() + made.certs()[1:] * 32)),
        ("/controller_certs/2", "a second signing", made.file(config, certs=made.certs((SIGNING, made.signer)))),
        ("/controller_certs/2", "no controller has", made.file(config, certs=made.certs((10, made.signer)))),
        ("/controller_certs/1", "no certificate in PEM", made.file(
            config, certs=[made.certs()[0], {"type": INTERMEDIATE, "cert": b"-----BEGIN"}])),
        ("/controller_certs/0", "certificate signer: unable to get local issuer", made.file(
            config, certs=made.certs(between=False))),
        ("/controller_certs/0", "certificate other: unable to get local issuer", made.file(
            config, signer=stranger)),
        ("/controller_certs/2", "certificate other: unable to get local issuer", made.file(
            config, certs=made.certs((ECDH, stranger)))),
        ("/controller_certs/0", "certificate signer: invalid CA", made.file(config, signer=leaf, certs=made.certs(
            (INTERMEDIATE, made.signer), signer=leaf))),
        ("/controller_certs/0", "certificate client: unsuit", made.file(config, signer=client)),
        ("/controller_certs/0", "certificate expired: certificate has expired", made.file(config, signer=late)),
        ("/controller_certs/0", "certificate early: certificate is not yet valid", made.file(config, signer=early)),
        ("/systemAdapterList", "no port", made.file(no_port)),
        ("/networks/0/ip/gateway", "192.168.1.300", made.file(bad_port)),
    ]


def test_wrong_ones_are_told_and_the_node_has_its_last_resort(given):
    node, made = given.node, given.maker
    cases = bad_files(made, static_config())
    given.bootstrap(cases[0][2])
    node.start()
    wait_last_resort(node, "eth0", "eth1")
    for pointer, why, content in cases:
        given.bootstrap(content)
        told = given.wait_judged(content)
        assert (told["state"], told["errorPointer"]) == ("BOOTSTRAP_REFUSED", pointer) and why in told["error"]
        wait_refusals(node, [("bootstrap-config.pb", pointer, told["error"])])
        assert f'event=bootstrap_refused file="{given.path}" pointer="{pointer}"' in node.log()
    line = f'bootstrap-config.pb at "{pointer}": {told["error"]}'
    says(node, f"refused: {line}", "dpc", "list")
    says(node, f"refused {line}", "diag")
    says(node, "BAD dpc bootstrap-config.pb refused at ", "status")
    node.wait("DeviceNetworkStatus", lambda t: t.get("global", {}).get("led") == 16 and
              t["global"]["dpcKey"] == "lastresort", "the LED says so, too")
    assert not sha_path(node).exists()

    given.put("root-certificate.pem", made.pki.stranger.cert.read_bytes())
    given.bootstrap(made.file(static_config()))
    given.wait_state("REFUSED", "certificate between: unable to get local issuer")
    given.put("root-certificate.pem", b"none")
    given.wait_state("REFUSED", "root-certificate.pem is missing or no certificate")
    given.put("root-certificate.pem", made.root)  # now all is well
    given.wait_works()
    wait_refusals(node, [])


def test_unusable_ports_are_as_good_as_none(given):
    node, config = given.node, static_config()
    for one in config.root["deviceIoList"]:
        one["ptype"] = "PhyIoNetWLAN"
    given.bootstrap(given.maker.file(config))
    node.start()
    wait_last_resort(node, "eth0", "eth1")
    refusals = [("bootstrap-config.pb", "", "no usable management port: uplink-a: ")]
    wait_refusals(node, refusals)
    node.kill("nim")
    wait_last_resort(node, "eth0", "eth1")
    wait_refusals(node, refusals)


# ---- Files beside it ----

def test_bootstrap_config_takes_files_out_of_force(given):
    node = given.node
    node.override("override.json", static_override())
    node.run_dir.mkdir()
    stick(node, static_override())
    given.bootstrap(given.maker.file(static_config()))
    node.start()
    given.wait_works()
    vetoed = [(name, "", VETO) for name in ("override.json", "usb/usb.json")]
    wait_refusals(node, vetoed)
    says(node, VETO, "dpc", "list")
    assert 'dpc_in_force key="override"' not in node.log() and 'dpc_in_force key="usb"' not in node.log()
    node.kill("nim")
    wait_refusals(node, vetoed)
    wait_entries(node, ["bootstrap"], "it is there once")
    given.path.unlink()
    given.wait_works("override", "192.168.1.77")
    node.wait("DevicePortConfigList", lambda t: len(t.get("global", {}).get("entries", [])) == 3, "all are listed")
    wait_refusals(node, [])


def test_wrong_one_takes_nothing_out_of_force(given):
    node = given.node
    node.override("override.json", static_override())
    given.bootstrap(b"junk")
    node.start()
    given.wait_works("override", "192.168.1.77")
    wait_refusals(node, [("bootstrap-config.pb", "", "not a BootstrapConfig")])
    mark = node.log_mark()
    node.kill("nim", "zedagent")  # nothing flaps until the file is judged again
    node.wait_daemons()
    given.wait_works("override", "192.168.1.77")
    node.wait_settled()
    assert not [line for line in node.log_since(mark) if "dpc_gone" in line]
    given.bootstrap(given.maker.file(static_config()))
    given.wait_works()


# ---- A look at one before ----

def check(given, *args):
    """Exit status, and what it said."""
    done = given.net["node"].run(str(BIN / "edgeway"), "dpc", "check", *map(str, args), check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def test_check_says_what_a_file_would_do_or_why_it_is_refused(given):
    given.bootstrap(given.maker.file(static_config(), timestamp=1700000000))
    assert check(given, given.path) == (0, """\
bootstrap (bootstrap) of 2023-11-14T22:13:20Z, signed by signer
  uplink-a         eth0            management cost 0   192.168.1.9/24 via 192.168.1.1
  uplink-b         eth1            management cost 10  192.168.2.9/24 via 192.168.2.1""")
    stranger = given.maker.pki.stranger.cert
    assert check(given, given.path, stranger) == (
        1, f'edgeway: {given.path}: refused at "/controller_certs/0": certificate between: '
        "unable to get local issuer certificate")
    assert check(given, given.path, given.folder / "nothing")[0] == 1
    given.bootstrap(b"junk")
    assert check(given, given.path) == (1, f'edgeway: {given.path}: refused at "": not a BootstrapConfig')
    config = static_config()
    config.root["deviceIoList"][0]["ptype"] = "PhyIoNetWLAN"
    given.bootstrap(given.maker.file(config))
    status, said = check(given, given.path)
    assert status == 1 and len(said.splitlines()) == 3, "one of its ports cannot be had"

    override = static_override()
    given.put("field.json", json.dumps(override).encode())
    assert check(given, given.folder / "field.json") == (0, """\
field (override) of 2099-01-02T03:04:05Z
  uplink-a         eth0            management cost 0   192.168.1.77/24 via 192.168.1.1
  uplink-b         eth1            management cost 10  dhcp""")
    override["Ports"][1]["Cost"] = 256
    given.put("field.json", json.dumps(override).encode())
    assert check(given, given.folder / "field.json") == (
        1, f'edgeway: {given.folder}/field.json: refused at "/Ports/1/Cost": expected 0 to 255')
    given.put("field.json", b" " * 20000)
    assert check(given, given.folder / "field.json")[1].endswith('refused at "": larger than 16384 bytes')
    assert check(given, given.folder) == (1, f"edgeway: {given.folder}: not a regular file")
    assert check(given, "/nowhere") == (1, "edgeway: /nowhere: No such file or directory")
