# SPDX-License-Identifier: Apache-2.0
"""`edgeway netdump --capture`: packets of chosen ports in the archive, and no others.

     node --eth0-- isp-a: says what shall be captured
          --eth1-- isp-b: says what shall not
"""

import os
import signal
import struct
import subprocess
import tarfile

import pytest

import packets
import sandbox
import topology
from config import Config
from node import BIN
from waiting import SLOW, wait_for

EAPOL = 0x888E
WARNING = "What the packets carry is in the archive, passwords too where nothing encrypts them."


def helpers(host):
    """{pid: its lines of /proc/PID/status} of those that capture."""
    found = {}
    for pid in sandbox.processes_in(host.path):
        try:
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == "packet-capture":
                lines = open(f"/proc/{pid}/status").read().splitlines()
                found[pid] = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        except OSError:
            pass
    return found


class Capture:
    """edgeway netdump --capture, under way."""

    def __init__(self, host, path, ports, *options, run_dir="/run/nobody"):
        self.host, self.path = host, path
        self.process = host.start(str(BIN / "edgeway"), "--run-dir", str(run_dir), "netdump", "--capture", ports,
                                  *options, str(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: [s for s in helpers(host).values() if s["Seccomp"] == "2"].__len__() == ports.count(",") + 1,
                 "it captures", 20)

    def end(self, sig=signal.SIGINT, timeout=60):
        if sig:
            self.process.send_signal(sig)
        self.out, self.err = self.process.communicate(timeout=timeout * SLOW)
        assert not helpers(self.host)
        return self

    def parts(self):
        """{name: (end, why, bytes)} of the captures in the archive."""
        assert self.process.returncode == 0 and self.out == f"{self.path}\n", self.err
        with tarfile.open(self.path) as archive:
            files = {m.name.partition("/")[2]: archive.extractfile(m).read() for m in archive if m.isfile()}
        found = {}
        for line in files["MANIFEST"].decode().splitlines()[1:]:
            end, _, rest = line.split(None, 2)
            name, _, why = rest.partition(": ")
            if name.endswith(".pcap"):
                found[name] = (end, why, files[name])
        assert "version.txt" in files and "ip-link.json" in files
        return found


def frames(pcap, snap=600):
    """The packets of a libpcap file, which must be whole."""
    magic, _, _, _, _, length, link = struct.unpack_from("<IHHiIII", pcap)
    assert (magic, length, link) == (0xA1B2C3D4, snap, 1)
    at, found = 24, []
    while at < len(pcap):
        size = struct.unpack_from("<I", pcap, at + 8)[0]
        assert at + 16 + size <= len(pcap)
        found.append(pcap[at + 16:at + 16 + size])
        at += 16 + size
    return found


def say(net, letter, marker, port=7777, kind=None):
    """One packet that bears the marker comes in at a port of the node, or leaves isp-X at least."""
    mac = topology.mac_of(f"isp-{letter}:p1")
    n = ord(letter) - ord("a") + 1
    frame = packets.ethernet("ff:ff:ff:ff:ff:ff", mac, kind, marker) if kind else packets.udp_frame(
        "ff:ff:ff:ff:ff:ff", mac, f"192.168.{n}.1", f"192.168.{n}.2", port, marker)
    assert packets.frame_arrives(net[f"isp-{letter}"], "p1", frame, net["node"], marker, 5 * SLOW)


def have(found, marker):
    return [frame for frame in found if marker in frame]


@pytest.fixture
def archives(node):
    folder = node.folder / "archives"
    folder.mkdir()
    return folder


def test_packets_of_the_port_are_in_and_nothing_else_is(net, node, archives):
    config = Config()
    config.port("uplink-a", "eth0")
    config.port("uplink-b", "eth1")
    node.start(config)
    node.wait_daemons()
    node.wait_settled()
    say(net, "a", b"too-early")
    capture = Capture(net["node"], archives / "dump.tar.gz", "uplink-a", "--for", "10m", run_dir=node.run_dir)
    (pid, status), = helpers(net["node"]).items()
    assert status["Uid"].split() == 4 * ["65534"] and status["NoNewPrivs"] == "1"
    assert {int(status[cap], 16) for cap in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {0}, pid
    say(net, "a", b"wanted" + bytes(1000))
    say(net, "b", b"of-another-port")
    say(net, "a", b"handshake", kind=EAPOL)
    capture.end()
    say(net, "a", b"too-late")
    assert WARNING in capture.err and "captures eth0 for 600 s" in capture.err
    assert os.listdir(archives) == ["dump.tar.gz"]
    parts = capture.parts()
    assert set(parts) == {"capture-eth0.pcap"}
    end, why, pcap = parts["capture-eth0.pcap"]
    found = frames(pcap)
    assert (end, why) == ("whole", f"{len(found)} packet{'s' if len(found) > 1 else ''}")
    assert [len(frame) for frame in have(found, b"wanted")] == [600]
    for other in (b"too-early", b"too-late", b"of-another-port", b"handshake"):
        assert not have(found, other), other


def test_filter_and_snap_length_choose(net, archives):
    """Without a daemon: the names are those of interfaces."""
    capture = Capture(net["node"], archives / "dump.tar.gz", "eth0,eth1", "--for", "600", "--snap", "64", "--filter",
                      f"udp port 7777 or ether proto {EAPOL}")
    for letter in "ab":
        say(net, letter, b"in-" + letter.encode() + bytes(100))
        say(net, letter, b"out" + bytes(100), port=7778)
    say(net, "b", b"asked-for", kind=EAPOL)
    parts = capture.end().parts()
    a, b = (frames(parts[f"capture-{port}.pcap"][2], snap=64) for port in ("eth0", "eth1"))
    assert [len(f) for f in a + b] == [64, 64, 60]
    assert have(a, b"in-a") and have(b, b"in-b") and have(b, b"asked-for")


def test_limit_of_bytes_ends_it_with_whole_packets(net, archives):
    capture = Capture(net["node"], archives / "dump.tar.gz", "eth0", "--for", "10m", "--limit", "4KiB")
    mac = topology.mac_of("isp-a:p1")
    packets.inject(net["isp-a"], "p1", *(packets.udp_frame("ff:ff:ff:ff:ff:ff", mac, "192.168.1.1", "192.168.1.2",
                                                           7777, b"%03d" % n + bytes(290)) for n in range(500)))
    end, why, pcap = capture.end(sig=None).parts()["capture-eth0.pcap"]
    found = frames(pcap)
    assert end == "cut-off" and why.startswith(f"at 4096 bytes, after {len(found)} packets")
    assert 3700 < len(pcap) <= 4096 and have(found, b"000") and not have(found, b"499")
    assert f"edgeway: capture-eth0.pcap: {why}" in capture.err


def test_time_ends_it(net, archives):
    capture = Capture(net["node"], archives / "dump.tar.gz", "eth0", "--for", "1s")
    assert capture.end(sig=None).parts()["capture-eth0.pcap"][0] == "whole"


def test_port_that_is_down_or_goes_away_costs_the_others_nothing(net, archives):
    node = net["node"]
    node.configure("link add idle type veth peer name idle1", "link add brief type veth peer name brief1",
                   "link set brief up", "link set brief1 up")
    process = node.start(str(BIN / "edgeway"), "--run-dir", "/run/nobody", "netdump", "--capture", "idle,eth0",
                         "--for", "1", str(archives / "a.tar.gz"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    err = process.communicate(timeout=60 * SLOW)[1].decode()
    assert process.returncode == 0 and "capture-idle.pcap: That device is not up" in err
    capture = Capture(node, archives / "dump.tar.gz", "brief,eth0", "--for", "10m")
    net.pull("node:eth0")
    net.plug("node:eth0")
    node.configure("link set eth0 down", "link set eth0 up", "link del brief")
    say(net, "a", b"still-there")
    parts = capture.end().parts()
    # The kernel tells a socket once that the interface is down, and not that it is gone then. packet_notifier()
    assert parts["capture-brief.pcap"][:2] == ("failed", "The interface disappeared") or \
        parts["capture-brief.pcap"][0] == "whole"
    assert have(frames(parts["capture-eth0.pcap"][2]), b"still-there")


def test_killed_it_leaves_nobody_who_captures(net, archives):
    capture = Capture(net["node"], archives / "dump.tar.gz", "eth0,eth1", "--for", "10m")
    capture.process.kill()
    capture.process.communicate(timeout=10 * SLOW)
    wait_for(lambda: not helpers(net["node"]), "its helpers have ended")
    assert os.listdir(archives) == []


@pytest.mark.parametrize("wrong, status, why", [
    (["--capture", "eth0", "--filter", "ip and nonsense"], 1, "--filter: "),
    (["--capture", "eth0,eth9"], 1, 'there is no port or interface "eth9"'),
    (["--capture", "eth0,"], 1, 'there is no port or interface ""'),
    (["--capture", "eth0,eth0"], 1, "eth0 twice"),
    (["--capture", "eth0,eth1,lo,eth0,eth1"], 1, "twice"),
    (["--capture", "eth0", "--for", "11m"], 2, "usage: edgeway netdump"),
    (["--capture", "eth0", "--for", "0"], 2, "usage: edgeway netdump"),
    (["--capture", "eth0", "--limit", "9MiB"], 2, "usage: edgeway netdump"),
    (["--capture", "eth0", "--limit", "1k"], 2, "usage: edgeway netdump"),
    (["--capture", "eth0", "--snap", "63"], 2, "usage: edgeway netdump"),
    (["--filter", "ip"], 2, "usage: edgeway netdump"),
])
def test_wrong_usage_is_refused_and_makes_no_archive(net, archives, wrong, status, why):
    done = net["node"].run(str(BIN / "edgeway"), "--run-dir", "/run/nobody", "netdump", *wrong,
                           str(archives / "dump.tar.gz"), check=False)
    assert (done.returncode, done.stdout) == (status, "") and why in done.stderr
    assert os.listdir(archives) == []
