# SPDX-License-Identifier: Apache-2.0
"""A node that was really booted over the network: its card's ROM fetched kernel and initramfs by TFTP,
and its initramfs the port configuration (tests/lab/lease). The daemons run where that card is.

     boot server 10.0.2.2 --.
     echo 10.0.2.100 -------+-- eth0 -- machine -- spare --- isp-b (192.168.2.0/24) -- internet
"""

import os
import pathlib

import pytest

import packets
import sandbox
import services
import topology
from waiting import SLOW, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.netboot]

ECHO, OWN = "10.0.2.100", "10.0.2.15/24"


class Machine(topology.Host):
    """The virtual machine itself."""

    def __init__(self):
        self.name = self.netns = "machine"
        self.path = f"/proc/{os.getpid()}/fd/{sandbox.machine_netns}"
        self.closers, self.started = [], []


def ask_qemu(command):
    """By its monitor; see tests/lab/run."""
    port = next(name.parent.name for name in pathlib.Path("/sys/class/virtio-ports").glob("*/name")
                if name.read_text().strip() == "monitor")
    pathlib.Path("/dev", port).write_text(command + "\n")


@pytest.fixture
def machine(make_net, request):
    net = make_net()
    internet = net.host("internet", forward=True)
    internet.configure(f"addr add {topology.WEB4}/32 dev lo")
    services.Echo(internet, port=7)
    machine = net.hosts["machine"] = Machine()
    try:
        topology.uplink(net, "b", node="machine", port="spare")
    finally:
        del net.hosts["machine"]  # it is not taken down with the others

    def close():
        ask_qemu("set_link boot on")
        for closer in reversed(machine.closers):
            closer()
        machine.kill_all()
        machine.configure("link del spare", force=True)

    request.addfinalizer(close)
    return machine


def ports_of(table):
    return {p["logicallabel"]: p for p in table.get("global", {}).get("ports", [])}


def wait_works(node, label, works=True):
    node.wait("DeviceNetworkStatus", lambda t: label in ports_of(t) and ports_of(t)[label]["usable4"] == works,
              f"{label} {'works' if works else 'does not work'}", 20)


def defaults(machine):
    return [line.split()[4] for line in machine.run("ip", "-4", "route", "show", "default").stdout.splitlines()]


def test_node_takes_over_the_card_that_it_was_booted_by(machine, make_node):
    """EVE: Bootstrap: network boot."""
    node = make_node(machine)
    assert f"inet {OWN}" in machine.run("ip", "addr", "show", "dev", "eth0").stdout
    assert "metric" not in machine.run("ip", "route", "show", "default").stdout
    node.override("ports.json", pathlib.Path(os.environ["EDGEWAY_NETBOOT"], "ports.json").read_text())
    with packets.TcpStream(machine, ECHO) as stream:
        stream.wait_flowing()
        node.start()
        wait_works(node, "boot")
        wait_works(node, "spare")
        wait_for(lambda: "dynamic" in machine.run("ip", "-4", "addr", "show", "dev", "eth0").stdout,
                 "a client keeps the address of the boot", 10)
        node.wait_settled()
        status = ports_of(node.table("DeviceNetworkStatus"))
        assert [a for a in status["boot"]["addresses"] if ":" not in a] == [OWN] and not status["boot"]["error"]
        wait_for(lambda: defaults(machine) == ["eth0", "spare"], "all default routes are ours", 10,
                 told=lambda: machine.run("ip", "route").stdout)
        assert "proto 237 metric 5000" in machine.run("ip", "route", "show", "default", "dev", "eth0").stdout
        stream.wait_flowing()
        assert stream.longest_silence < 1 * max(1, SLOW / 4), "and the connection went on"

        ask_qemu("set_link boot off")
        wait_works(node, "boot", False)
        wait_for(lambda: defaults(machine) == ["spare"], "the other port takes over", 10)
        with packets.Ping(machine, topology.WEB4) as ping:
            ping.wait_answers(3)
        ask_qemu("set_link boot on")
        wait_works(node, "boot")
        stream.wait_flowing(10)
    node.override("ports.json", None)
    wait_for(lambda: not ports_of(node.table("DeviceNetworkStatus")), "no port is wanted", 10)
    node.wait_settled()
    assert not defaults(machine) and "proto 237" not in machine.run("ip", "rule").stdout
