# SPDX-License-Identifier: Apache-2.0
"""Ports that are named by the address of their card, with the cards of the lab's machine.

     node --0000:00:10.0--.
          --USB 1:1-------+-- 0000:00:11.0-- peer 192.168.50.1
"""

import os
import pathlib
import subprocess

import pytest

import packets
import sandbox
import topology
from config import Config, uuid_of
from waiting import wait_for

pytestmark = pytest.mark.lab

NODE, PEER, USB = "0000:00:10.0", "0000:00:11.0", "1-1:1.0"
BUS = pathlib.Path("/sys/bus")


def on_machine(*command):
    with sandbox.inside(f"/proc/self/fd/{sandbox.machine_netns}"):
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def name_of(device):
    """What the card is called on the machine; "" while it is not there."""
    lines = [line for line in on_machine("ip", "-o", "-d", "link").splitlines() if f" parentdev {device} " in line]
    return lines[0].split(": ")[1] if lines else ""


def take(host, device, name):
    """Gives a card to a host."""
    was = wait_for(lambda: name_of(device), f"card {device} is there", 10)
    on_machine("ip", "link", "set", "dev", was, "netns", host.netns, "name", name)


@pytest.fixture
def cards(make_net):
    for module in ("e1000", "xhci_pci", "cdc_ether"):
        on_machine("modprobe", module)
    net = make_net()
    node, peer = net.host("node"), net.host("peer")
    take(node, NODE, "enp1s0")
    take(node, USB, "enx1")
    take(peer, PEER, "card")
    peer.configure("link set card up", "addr add 192.168.50.1/24 dev card")
    yield net
    for host, name in ((node, "enp1s0"), (node, "p7"), (node, "p8"), (node, "enx1"), (peer, "card")):
        host.configure(f"link set {name} netns /proc/{os.getpid()}/fd/{sandbox.machine_netns}", force=True)


def config_of(version, app=False, usb=False):
    config = Config(version)
    config.port("wan", kind="V4Only", address="192.168.50.2/24")
    config.root["deviceIoList"][-1]["phyaddrs"] = {"Ifname": "eth0", "PciLong": NODE}
    if usb:
        config.port("stick", kind="V4Only", address="192.168.60.2/24", mtu=9000)
        config.root["deviceIoList"][-1]["phyaddrs"] = {"UsbAddr": "1:1"}
    if app:
        config.root["apps"].append({
            "uuidandversion": {"uuid": uuid_of("app", "cam"), "version": "1"}, "displayname": "cam",
            "activate": True, "interfaces": [], "adapters": [{"type": "PhyIoNetEth", "name": "wan"}]})
    return config


class Ports:
    def __init__(self, net, node):
        self.host, self.node = net["node"], node

    def wait(self, label, accept, what):
        def find(table):
            return [p for p in table.get("global", {}).get("ports", [])
                    if p["logicallabel"] == label and accept(p)]
        return find(self.node.wait("DeviceNetworkStatus", find, f"{label}: {what}", 15))[0]

    def wait_wan(self, ifname):
        self.wait("wan", lambda p: p["ifname"] == ifname and p.get("addresses") and p.get("carrier")
                  and not p.get("error"), f"it is {ifname}")
        with packets.Ping(self.host, "192.168.50.1") as ping:
            ping.wait_answers(3, 10)

    def rename(self, was, now):
        self.host.configure(f"link set {was} down", f"link set {was} name {now}")


def PortPciLongInDNS(ports):
    wan = ports.wait("wan", lambda p: p.get("pciAddress") == NODE, "its address is told")
    assert wan["usage"] == "USAGE_MANAGEMENT" and wan["labels"] == ["all", "uplink", "freeuplink"]
    table = ports.node.row("DeviceNetworkStatus")
    assert [(c["ifname"], c["usbAddress"], c["usage"]) for c in table["cards"]] == [("enx1", "1:1", "USAGE_UNUSED")]
    text = ports.node.edgeway("ports", "wan")
    assert f"enp1s0, PCI {NODE}" in text, text


def DPCWithReleasedAndRenamedInterface(ports):
    ports.rename("enp1s0", "p7")
    ports.wait_wan("p7")
    ports.node.kill("nim")
    ports.node.wait_daemons(20)
    ports.rename("p7", "p8")  # perhaps before it looks
    ports.wait_wan("p8")
    (BUS / "pci/drivers/e1000/unbind").write_text(NODE)
    ports.wait("wan", lambda p: p.get("error"), "the card is away")
    (BUS / "pci/drivers/e1000/bind").write_text(NODE)
    take(ports.host, NODE, "p7")
    ports.wait_wan("p7")


def a_usb_card_with_the_mtu_it_can_have(ports):
    ports.node.configure(config_of(2, usb=True))
    stick = ports.wait("stick", lambda p: p.get("usbAddress") == "1:1" and p.get("addresses"), "it is found")
    assert stick["ifname"] == "enx1" and stick["mtu"] == 1500
    assert stick["error"] == "MTU 9000 is more than the interface takes: 1500"


def DPCWithAssignedInterface(ports):
    ports.node.configure(config_of(3, app=True))
    ports.wait("wan", lambda p: p.get("error") == "assigned to an application: cam", "it is the app's")
    wait_for(lambda: "192.168.50.2" not in ports.host.run("ip", "addr").stdout, "hands are off")
    ports.node.wait_settled()
    ports.host.configure("link set p7 mtu 1300")
    card = next(c for c in ports.node.row("DeviceNetworkStatus")["cards"] if c["ifname"] == "p7")
    assert card["usage"] == "USAGE_APP_DIRECT" and card["app"] == "cam"
    assert "mtu 1300" in ports.host.run("ip", "link", "show", "p7").stdout
    before = ports.node.log_mark()
    ports.node.kill("nim")
    ports.node.wait_daemons(20)
    ports.wait("wan", lambda p: p.get("error") == "assigned to an application: cam", "it is still the app's")
    ports.node.wait_settled()
    log = ports.node.log_since(before)
    assert not [line for line in log if 'type=linkset key="p7"' in line], "touched"
    ports.node.configure(config_of(4))
    ports.wait_wan("p7")


def nothing_is_left(ports):
    ports.node.configure(Config(5))
    wait_for(lambda: "192.168.50.2" not in ports.host.run("ip", "addr").stdout, "it is removed")
    ports.node.wait_settled()
    assert "UP" not in ports.host.run("ip", "-br", "link", "show", "enx1").stdout.split()[1:2]


def test_ports_follow_their_cards(cards, make_node):
    node = make_node(cards["node"]).start(config_of(1))
    ports = Ports(cards, node)
    ports.wait_wan("enp1s0")
    for step in (PortPciLongInDNS, DPCWithReleasedAndRenamedInterface, a_usb_card_with_the_mtu_it_can_have,
                 DPCWithAssignedInterface, nothing_is_left):
        step(ports)
