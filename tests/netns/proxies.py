# SPDX-License-Identifier: Apache-2.0
"""The world of the tests of proxies: what there is without a proxy of isp-a ends there.

     node --eth0-- isp-a (proxy) --.
          --eth1-- isp-b ----------+-- internet: web.example
"""

import json

from config import Config
from pki import Pki
from services import Proxy, SecureWeb, dnsmasq, names, swallow
from topology import WEB4
from waiting import wait_for

NAME = "web.example"
HTTPS = f"https://{NAME}/"


class World:
    """Nothing but the proxies of isp-a gets from there to the far end by TLS."""

    def __init__(self, net, node, folder, dhcp=None):
        """dhcp: further options of a DHCP server that uplink-a gets its address from; None: it is static."""
        self.node, self.isp, self.far, self.pki = node, net["isp-a"], net["internet"], Pki(folder)
        self.isp_b = net["isp-b"]
        self.given = node.folder / "given"
        self.given.mkdir()
        (self.given / "root-certificate.pem").write_bytes(self.pki.root.cert.read_bytes())
        node.run_options = ("--config-dir", str(self.given))
        self.web = SecureWeb(self.far, 443, self.pki.sign("good", [NAME]))
        self.dhcp = dhcp is not None
        if self.dhcp:
            self.dhcp_folder = dnsmasq(self.isp, "lan", "192.168.1", "2001:db8:1", {NAME: [WEB4]}, dhcp)
        else:
            names(self.isp, NAME, WEB4)
        names(net["isp-b"], NAME, WEB4)
        swallow(self.isp, "iifname lan tcp dport 443")
        swallow(self.isp, "iifname lan ip daddr != 192.168.1.1 tcp dport 80")
        self.version = 0

    def proxy(self, port=3128, **options):
        return Proxy(self.isp, port, {NAME: WEB4}, **options)

    def config(self, proxies, urls=HTTPS, proxies_b=None):
        """uplink-a with these, uplink-b without any, or with those."""
        self.version += 1
        config = Config(self.version)
        for n, letter in enumerate("ab", 1):
            static = {} if self.dhcp and letter == "a" else {
                "address": f"192.168.{n}.2/24", "gateway": f"192.168.{n}.1", "dns": [f"192.168.{n}.1"]}
            config.port(f"uplink-{letter}", f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only", **static)
        if proxies:
            config.root["networks"][0]["entProxy"] = proxies
        if proxies_b:
            config.root["networks"][1]["entProxy"] = proxies_b
        config.item("timer.port.timeout", 2)
        config.item("edgeway.probe.urls", urls)
        return config

    def start(self, *args, **options):
        """The node with config(…)."""
        config = self.config(*args, **options)
        mark = self.node.log_mark() if self.version > 1 else None
        if mark is None:
            self.node.start(config)
        else:
            self.node.configure(config)
            wait_for(lambda: [line for line in self.node.log_since(mark) if "event=config_ports" in line], "nim has it")
        self.node.wait("DeviceNetworkStatus", lambda t: [
            p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == "uplink-a" and p["usable4"]],
            "the port is up")

    def tests(self):
        ports = json.loads(self.node.edgeway("ports", "--test", "--json", timeout=40))
        return {p["status"]["logicallabel"]: p["status"]["test"] for p in ports}


def by(server, port=3128, proto=1, **more):
    return {"proxies": [{"proto": proto, "server": server, "port": port}], **more}


def wait_passed(world):
    """The round that a new configuration begins by itself may be the one before ours."""
    wait_for(lambda: world.tests()["uplink-a"]["outcome"] == "TEST_OK", "it passes", 10)


def failed(test, stage, words):
    return (test["outcome"], test["stage"]) == ("TEST_FAILED", f"TEST_STAGE_{stage}") and words in test["error"]


def names_of(world, name, address):
    """A second server of isp-a, as the first one knows web.example only."""
    world.isp.run("ip", "address", "add", "192.168.1.99/24", "dev", "lan")
    world.isp.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv",
                    "--user=root", "--pid-file=", "--log-facility=/dev/null", "--bind-interfaces",
                    "--listen-address=192.168.1.99", f"--address=/{name}/{address}")
    config = json.loads(world.node.config_path.read_text())
    config["networks"][0]["ip"]["dns"] = ["192.168.1.99"]
    world.version += 1
    config["id"]["version"] = str(world.version)
    world.node.configure(json.dumps(config))
    world.node.wait("DeviceNetworkStatus", lambda t: [
        p for p in t.get("global", {}).get("ports", []) if p["dnsServers"] == ["192.168.1.99"]], "the other server is known")
