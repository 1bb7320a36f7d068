# SPDX-License-Identifier: Apache-2.0
"""NTP servers of the ports, as chrony gets them: while it runs, without ever waiting for it.

     node (chronyd, its clock out of reach) --eth0-- isp-a: DHCP names 192.168.1.9
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import dhcp
import topology
from config import Config
from dhcp import DhcpServer, ip
from waiting import wait_for

SOURCES = pathlib.Path("/run/chrony-dhcp/edgeway.sources")
CONFIG = """port 0
cmdport 0
user root
pidfile /run/chrony/chronyd.pid
sourcedir /run/chrony-dhcp
"""


class Chrony:
    """chronyd in the node's namespace. -x: it never touches the clock, which is the machine's."""

    def __init__(self, host, folder):
        self.host, self.config = host, folder / "chrony.conf"
        self.config.write_text(CONFIG)
        self.process = None
        host.closers.append(self.stop)

    def start(self):
        pathlib.Path("/run/chrony").mkdir(mode=0o750, exist_ok=True)
        self.process = self.host.start("chronyd", "-x", "-d", "-f", str(self.config))
        return self

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait()
            self.process = None

    def sources(self):
        """Addresses it asks."""
        done = self.host.run("chronyc", "-n", "-c", "sources", "-a", check=False)
        names = {line.split(",")[2] for line in done.stdout.splitlines() if line.count(",") > 2}
        return {name for name in names if not name.startswith("ID#")}  # still without an address


@pytest.fixture
def world(make_net, make_node):
    shutil.rmtree(SOURCES.parent, ignore_errors=True)
    net = make_net(topology.standard, "a", dhcp=False)
    server = DhcpServer(net["isp-a"], "lan", "192.168.1.100",
                        {dhcp.ROUTER: ip("192.168.1.1"), dhcp.NTP: ip("192.168.1.9")})
    node = make_node(net["node"])
    node.server = server
    return node, Chrony(net["node"], node.folder)


def config(version=1, **fields):
    config = Config(version)
    config.port("uplink-a", "eth0", kind="V4Only")
    config.root["networks"][0]["ip"].update(fields)
    return config


def ntp(table):
    return table.get("global", {}).get("ntp") or {}


def wait_told(node, servers):
    node.wait("DeviceNetworkStatus", lambda t: ntp(t).get("servers") == servers, f"{servers} are known", 20)


def test_device_ntp_config_reaches_chrony_and_goes_again(world):
    """EVE: DeviceNTPConfig."""
    node, chrony = world
    chrony.start()
    node.start(config(ntp="192.168.1.8"))
    wait_told(node, ["192.168.1.8", "192.168.1.9"])
    wait_for(lambda: chrony.sources() == {"192.168.1.8", "192.168.1.9"}, "chrony asks both", 20)
    assert "ok   ntp        chrony           192.168.1.8,192.168.1.9" in node.edgeway("status", check=False)
    node.wait_settled()

    node.configure(config(2, ntp="192.168.1.8", moreNtp=["time.example"],
                          dhcpOptionsIgnore={"ntpServerExclusively": True}))
    wait_told(node, ["192.168.1.8", "time.example"])
    wait_for(lambda: "192.168.1.9" not in chrony.sources(), "DHCP's server is dropped", 20)
    assert SOURCES.read_text().splitlines()[1:] == ["server 192.168.1.8 iburst", "pool time.example iburst"]

    node.kill("nim")
    node.wait_daemons()
    node.wait_settled()
    assert "192.168.1.8" in chrony.sources()

    node.configure(Config(version=3))
    wait_for(lambda: not SOURCES.exists() and not chrony.sources(), "nothing is left", 20)
    node.wait_settled()


def test_without_chrony_nothing_is_touched_and_one_that_comes_later_is_told(world):
    node, chrony = world
    node.start(config(ntp="192.168.1.8"))
    wait_told(node, ["192.168.1.8", "192.168.1.9"])
    node.wait_settled()
    assert not SOURCES.parent.exists()
    assert "chrony" not in node.edgeway("status", check=False)
    assert node.row("DeviceNetworkStatus")["ntp"]["sourcesFile"] == ""

    chrony.start()
    wait_for(lambda: chrony.sources() == {"192.168.1.8", "192.168.1.9"}, "it has the servers", 20)
    chrony.stop()
    wait_for(lambda: not SOURCES.exists(), "and none when it has gone", 10)
    node.wait_settled()


def test_chrony_that_does_not_answer_is_not_waited_for(world):
    node, chrony = world
    chrony.start()
    node.start(config(ntp="192.168.1.8"))
    wait_for(lambda: chrony.sources() == {"192.168.1.8", "192.168.1.9"}, "chrony asks both", 20)
    os.kill(chrony.process.pid, signal.SIGSTOP)
    node.configure(config(2, ntp="192.168.1.7"))
    wait_told(node, ["192.168.1.7", "192.168.1.9"])
    node.wait_settled()
    assert "server 192.168.1.7 iburst" in SOURCES.read_text()
    os.kill(chrony.process.pid, signal.SIGCONT)  # chronyc asks again until it does
    wait_for(lambda: chrony.sources() == {"192.168.1.7", "192.168.1.9"}, "it catches up", 20)


def test_a_reload_that_fails_is_told_and_tried_again(world):
    node, chrony = world
    chrony.start()
    node.start(config(ntp="192.168.1.8"))
    wait_for(lambda: chrony.sources() == {"192.168.1.8", "192.168.1.9"}, "chrony asks both", 20)
    program = shutil.which("chronyc")
    subprocess.run(["mount", "--bind", shutil.which("false"), program], check=True)
    try:
        node.configure(config(2, ntp="192.168.1.7"))
        node.wait("DeviceNetworkStatus", lambda t: "reload sources" in ntp(t).get("error", ""), "the failure is told", 20)
        assert "BAD  ntp" in node.edgeway("status", check=False)
    finally:
        subprocess.run(["umount", program], check=True)
    wait_for(lambda: chrony.sources() == {"192.168.1.7", "192.168.1.9"}, "it is told after all", 20)
    node.wait("DeviceNetworkStatus", lambda t: ntp(t) and not ntp(t).get("error"), "and all is well", 10)
    assert len(re.findall("event=ntp_reload", node.log())) == 1
