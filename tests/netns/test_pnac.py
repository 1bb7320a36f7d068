# SPDX-License-Identifier: Apache-2.0
"""802.1X on a wired port, against a real authenticator that lets nobody else in.

     node --eth0-- gate -- isp-a: hostapd, 192.168.1.0/24 -- internet
"""

import json
import os
import signal

import pytest

import sandbox
import topology
from authenticator import Authenticator, Authority
from config import Config
from packets import icmp_arrives
from waiting import wait_for

PROFILE = "factory"


def memory_of(pid):
    """All that a process may write to."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            where, rights = line.split()[:2]
            if rights.startswith("rw"):
                begin, end = (int(part, 16) for part in where.split("-"))
                memory.seek(begin)
                parts.append(memory.read(end - begin))
    return b"".join(parts)


class Bench:
    """One uplink behind an authenticator; the node has no certificate yet."""

    def __init__(self, make_net, make_node, folder, **port):
        self.net = make_net(topology.standard, uplinks="a")
        self.ca = Authority(folder, "plant-ca")
        self.other = Authority(folder, "other-ca")
        self.isp = self.net["isp-a"]
        self.switch = Authenticator(self.isp, "p1", self.ca)
        self.node = make_node(self.net["node"])
        self.profile = self.node.state_dir / "pnac" / PROFILE
        self.port_options = port

    def config(self, version=1, pnac=True, items=(), **options):
        config = Config(version)
        config.port("uplink-a", "eth0", **self.port_options)
        if pnac:
            config.pnac("uplink-a", PROFILE, **options)
        for key, value in items:
            config.item(key, value)
        return config

    def start(self, **options):
        self.node.start(self.config(**options))
        return self

    def wait(self, accept, what, timeout=20):
        """The port's status, once accept(status, pnac) holds."""
        def port(table):
            ports = table.get("global", {}).get("ports", [])
            return ports and accept(ports[0], ports[0].get("pnac", {}))

        return self.node.wait("DeviceNetworkStatus", port, what, timeout)["global"]["ports"][0]

    def wait_state(self, state, timeout=20):
        return self.wait(lambda _, pnac: pnac.get("state", "") == f"PNAC_{state}", f"802.1X: {state}", timeout)

    def wait_address(self, prefix="192.168.1."):
        return self.wait(lambda port, _: any(a.startswith(prefix) for a in port["addresses"]),
                         f"an address of {prefix}0/24")

    def internet(self):
        return icmp_arrives(self.net["node"], topology.WEB4, self.net["internet"])

    def supplicants(self):
        return [pid for pid in sandbox.processes_in(self.net["node"].path)
                if sandbox.command_of(pid)[0] == "wpa_supplicant"]


@pytest.fixture
def bench(make_net, make_node, tmp_path):
    return lambda **port: Bench(make_net, make_node, tmp_path, **port)


def test_a_port_is_let_in_with_its_certificate_and_not_before(bench):
    """EVE: PNAC."""
    b = bench().start()
    # Nothing there yet: the error names the file, and nothing passes.
    port = b.wait(lambda _, pnac: "missing" in pnac.get("error", ""), "the missing file is named")
    assert port["error"] == f"802.1X: {b.profile}/client-cert.pem: missing"
    assert not port["addresses"] and not b.switch.authorized and not b.internet()

    b.ca.client(b.profile, "edge-1.example")
    port = b.wait_state("AUTHENTICATED")
    wait_for(lambda: b.switch.authorized, "the gate is open")
    assert port["pnac"]["identity"] == "edge-1.example" and int(port["pnac"]["lastAuthMs"]) > 1700000000000
    assert b.wait_address()["error"] == ""
    wait_for(b.internet, "the internet is reached")
    metrics = b.node.wait("PnacMetrics", lambda t: int(t.get("uplink-a", {}).get("respFramesTx", 0)) > 1,
                          "frames are counted")["uplink-a"]
    assert int(metrics["startFramesTx"]) >= 1 and int(metrics["reqFramesRx"]) >= 2
    assert metrics.get("invalidFramesRx", "0") == metrics.get("logoffFramesTx", "0") == "0"
    page = b.node.edgeway("ports", "uplink-a")
    assert "802.1X       authenticated as edge-1.example" in page and "until 2049-12-31" in page
    assert f"EAPOL        {metrics['framesRx']} frames in, " in page
    assert b.node.plan_is_empty()


def test_a_certificate_of_another_authority_is_refused_and_a_good_one_heals_it(bench):
    b = bench()
    b.other.client(b.profile, "edge-1.example", ca=b.ca)
    b.start()
    port = b.wait_state("HELD")
    assert port["pnac"]["error"].startswith("refused by the authenticator")
    assert port["error"].startswith("802.1X: refused") and not b.switch.authorized
    assert "802.1X: refused" in b.node.edgeway("status", check=False)
    b.switch.restart()  # or it would say nothing for a minute (quietPeriod of IEEE 802.1X)
    b.ca.client(b.profile, "edge-1.example")
    assert b.wait_state("AUTHENTICATED")["pnac"]["error"] == ""
    b.wait_address()


def test_the_wrong_authenticator_gets_nothing_and_is_named(bench):
    b = bench()
    b.ca.client(b.profile, "edge-1.example", ca=b.other)
    b.start()
    port = b.wait(lambda _, pnac: pnac.get("error"), "it is not believed")
    assert "the authenticator's certificate" in port["pnac"]["error"] and not b.switch.authorized


def test_an_expired_certificate_is_named_with_its_date(bench):
    b = bench()
    b.ca.client(b.profile, "edge-1.example", start="20200101000000Z", end="20200201000000Z")
    b.start()
    b.wait_state("HELD")
    port = b.wait(lambda _, pnac: "expired" in pnac["error"], "the date is told")
    assert port["pnac"]["error"] == f"{b.profile}/client-cert.pem: expired on 2020-02-01T00:00:00Z"
    assert not b.switch.authorized


def test_a_new_certificate_and_a_killed_nim_disturb_no_flow(bench):
    """EVE: PNAC."""
    b = bench()
    b.ca.client(b.profile, "edge-1.example")
    b.start()
    b.wait_state("AUTHENTICATED")
    b.wait_address()
    wait_for(b.internet, "the internet is reached")
    b.node.wait_settled()
    supplicants, rounds = b.supplicants(), b.switch.rounds
    assert len(supplicants) == 1
    flow = b.net["node"].start("ping", "-n", "-i", "0.05", topology.WEB4, stdout=-1, text=True)

    b.ca.client(b.profile, "edge-1.example")  # renewed: another key and serial number
    wait_for(lambda: b.switch.rounds == rounds + 1, "another round of authentication", 10)
    pid = b.node.daemons()["nim"]
    b.node.kill("nim")
    wait_for(lambda: b.node.daemons().get("nim", pid) != pid, "nim runs again")
    port = b.wait_state("AUTHENTICATED")
    b.node.wait_settled()
    assert b.supplicants() == supplicants and b.switch.rounds == rounds + 1
    assert port["error"] == "" and b.switch.authorized
    assert int(port["pnac"]["lastAuthMs"]) > 1700000000000  # it remembers when
    # It is in touch with the one it adopted.
    b.ca.client(b.profile, "edge-1.example")
    wait_for(lambda: b.switch.rounds == rounds + 2, "and another", 10)

    flow.send_signal(signal.SIGINT)
    said = flow.communicate(timeout=10)[0]
    sent, came = [int(said.split(word)[0].split()[-1]) for word in (" packets transmitted", " received")]
    print(said.splitlines()[-2:])
    assert sent > 5 and came >= sent - 1  # the last may be under way


def test_damaged_files_and_a_killed_supplicant_do_not_end_a_session(bench):
    b = bench()
    b.ca.client(b.profile, "edge-1.example")
    b.start()
    b.wait_state("AUTHENTICATED")
    b.wait_address()
    key = b.profile / "client-key.pem"
    kept = key.read_text()
    key.write_text("nonsense\n")
    port = b.wait(lambda p, _: "client-key.pem" in p["error"], "the damaged file is named")
    assert port["pnac"]["error"].endswith("client-key.pem: holds no private key without password")
    assert b.switch.authorized and b.internet()
    key.write_text((b.ca.folder / "server.key").read_text())
    port = b.wait(lambda p, _: "is not" in p["error"], "another's key is named")
    assert port["pnac"]["error"].endswith("client-key.pem: is not the key of client-cert.pem")
    assert b.switch.rounds == 1 and b.switch.authorized and b.internet()
    # Whatever is in that file is not left lying in memory.
    secret = b"a secret beyond the end of a text"
    key.write_bytes(kept.encode() + b"\0" + secret)
    b.wait(lambda p, _: p["error"] == "", "and forgiven")
    left = memory_of(b.node.daemons()["nim"]).count(secret)
    assert left == 0
    key.write_text(kept)

    supplicant = b.supplicants()
    os.kill(supplicant[0], signal.SIGKILL)
    wait_for(lambda: b.supplicants() not in ([], supplicant), "it is started again", 10)
    b.wait_state("AUTHENTICATED")
    assert b.switch.authorized and b.internet()


def test_another_network_after_authentication_is_noticed(bench):
    """EVE: PNACDHCPReacquire. The guest network gives addresses too; authorized ports are in another one."""
    b = bench()
    b.isp.run("nft", "delete", "table", "netdev", "gate")  # guests are let in, elsewhere
    b.isp.configure("link add plant type bridge forward_delay 0", "link set plant up",
                    "addr add 192.168.7.1/24 dev plant")
    b.isp.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--port=0", "--no-ping",
                "--interface=plant", "--bind-interfaces", "--dhcp-authoritative", "--leasefile-ro",
                f"--pid-file={b.ca.folder}/pid", "--dhcp-range=192.168.7.100,192.168.7.199,1h")
    b.switch.shut = lambda: None

    def move(authorized):
        b.isp.configure(f"link set p1 master {'plant' if authorized else 'lan'}")

    b.switch.moved = move
    b.isp.run("nft", "add", "table", "netdev", "gate")
    b.start()
    b.wait_address("192.168.1.")
    b.ca.client(b.profile, "edge-1.example")
    b.wait_state("AUTHENTICATED")
    b.wait_address("192.168.7.")


def test_a_cable_that_comes_back_is_authenticated_anew(bench):
    b = bench()
    b.ca.client(b.profile, "edge-1.example")
    b.start()
    b.wait_state("AUTHENTICATED")
    b.wait_address()
    wait_for(lambda: b.switch.authorized, "the gate is open")
    b.net.pull("node:eth0")
    b.wait(lambda p, _: not p["carrier"], "the cable is out")
    b.switch.restart()  # another switch, which waits to be spoken to
    b.net.plug("node:eth0")
    wait_for(lambda: b.switch.authorized, "it is let in again", 15)
    wait_for(b.internet, "the internet is reached")
    assert b.wait_state("AUTHENTICATED")["error"] == ""


def test_a_card_that_is_plugged_in_anew_is_authenticated(bench):
    """nim may see the old card and the new one of that name in one look."""
    b = bench()
    b.ca.client(b.profile, "edge-1.example")
    b.start()
    b.wait_state("AUTHENTICATED")
    b.wait_address()
    old, nim = b.supplicants(), b.node.daemons()["nim"]
    b.switch.stop()
    os.kill(nim, signal.SIGSTOP)
    b.net["node"].configure("link del eth0")
    b.net.cable("node:eth0", "isp-a:p1")
    b.isp.configure("link set p1 master lan")
    os.kill(nim, signal.SIGCONT)
    b.switch.restart()
    wait_for(lambda: b.switch.authorized, "the new card is let in", 20)
    wait_for(b.internet, "the internet is reached")
    assert b.wait_state("AUTHENTICATED")["error"] == ""
    assert len(b.supplicants()) == 1 and b.supplicants() != old


def test_it_goes_without_a_trace_and_comes_back(bench):
    b = bench()
    b.ca.client(b.profile, "edge-1.example")
    b.start(ca=(b.ca.folder / "ca.pem").read_text())
    b.wait_state("AUTHENTICATED")
    b.wait_address()
    b.node.configure(b.config(2, pnac=False))
    port = b.wait(lambda p, pnac: not pnac and p["addresses"], "a port without 802.1X")
    assert port["error"] == ""
    wait_for(lambda: not b.supplicants(), "wpa_supplicant has ended", 10)
    b.node.wait_settled()
    left = [path for path in (b.node.run_dir / "nim").rglob("*") if "pnac" in str(path) or "supplicant" in str(path)
            or "wpa" in str(path)]
    assert not left and b.node.table("PnacMetrics") == {}
    b.node.stop()
    b.node.start()
    b.node.wait_daemons()
    wait_for(b.node.plan_is_empty, "nothing is left to do", 20)
    assert not b.supplicants()


def test_mistakes_in_the_configuration_are_errors_of_the_port(bench):
    b = bench().start()
    b.wait(lambda _, pnac: pnac.get("enabled"), "802.1X is wanted")
    config = b.config(2)
    config.root["pnacs"][0]["eapMethod"] = "EAP_METHOD_UNSPECIFIED"
    b.node.configure(config)
    b.wait(lambda p, _: p["error"] == "802.1X: EAP method is not TLS (1): 0", "no other method")
    b.node.configure(b.config(3, ca="nonsense"))
    b.wait(lambda p, _: p["error"] == "802.1X: the CA's certificate is none: uplink-a", "no such CA")
    # A file of a technician is judged alike.
    b.node.override("usb.json", {"Version": 1, "TimePriority": "2099-01-02T03:04:05Z", "Ports": [
        {"IfName": "eth0", "Logicallabel": "uplink-a", "IsMgmt": True, "IsL3Port": True, "Dhcp": 4,
         "PNAC": {"Enabled": True, "EAPMethod": 1, "CertEnrollmentProfileName": "../etc"}}]})
    port = b.wait(lambda p, _: "profile" in p["error"], "the bad name is refused")
    assert port["error"] == "802.1X: bad name of a certificate profile: ../etc"
    assert not b.supplicants()
    assert json.loads(b.node.edgeway("ports", "--json"))[0]["status"]["error"] == port["error"]
