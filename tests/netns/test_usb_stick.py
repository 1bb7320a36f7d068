# SPDX-License-Identifier: Apache-2.0
"""A USB stick plugged into a running node: a real block device with a GPT and a FAT partition.

     stick -- node --eth0-- isp-a (192.168.1.0/24) -- internet
                   --eth1-- isp-b
"""

import io
import json
import os
import signal
import subprocess
import tarfile

import pytest

import usbdisk
from config import Config
from node import BIN
from test_dpc import STATIC4, network, refusals_in, static_override, wait_in_force, wait_usable
from waiting import wait_for

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", autouse=True)
def modules():
    """Their loading is no part of a test."""
    for module in ("loop", "vfat", "nls_cp437", "nls_ascii", "nls_iso8859-1"):
        subprocess.run(["modprobe", module], check=False)


@pytest.fixture
def identity(tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "soft_serial").write_text("SN-0815\n")
    (folder / "device.cert.pem").write_text("a certificate\n")
    (folder / "device.key.pem").write_text("a secret\n")
    return folder


class UsbConfig:
    def __init__(self, node, identity):
        self.node, self.identity, self.process = node, identity, None

    def start(self):
        with open(self.node.log_path, "ab") as log:
            self.process = self.node.host.start(
                str(BIN / "usb-config"), "--run-dir", str(self.node.run_dir), "--state-dir",
                str(self.node.state_dir), "--identity-dir", str(self.identity),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_for(lambda: (self.node.run_dir / "usb").exists(), "it has looked for sticks")

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()

    def wait_done(self, timeout=20):
        """Its status, when there is nothing more to do."""
        return list(self.node.wait("UsbStickStatus", lambda t: any(
            stick["state"] == "USB_DONE" for stick in t.values()), "the stick is done with",
            timeout).values())[0]


@pytest.fixture
def usb(net, node, identity):
    config = Config()
    config.port("uplink-a", "eth0", cost=0)
    config.port("uplink-b", "eth1", cost=10)
    node.start(config)
    wait_in_force(node, "zedagent", "the controller's configuration is in force")
    one = UsbConfig(node, identity)
    one.start()
    yield one
    if one.process.poll() is None:
        one.stop()


def test_ports_come_up_from_a_stick_whatever_happens_to_who_looks_for_it(node, usb, tmp_path):
    stick = usbdisk.Stick(tmp_path / "stick.img", {"usb.json": json.dumps(static_override())})
    with stick:
        wait_in_force(node, "usb", "what the stick says is in force")
        wait_usable(node, lambda four: four == [STATIC4])
        assert usb.wait_done()["result"] == "read"
        assert "vfat" not in open(f"/proc/{usb.process.pid}/mountinfo").read(), "mounted nowhere"
        usb.stop(signal.SIGKILL)
        assert network(node)["dpcKey"] == "usb", "it stays while the stick may be there"
        usb.start()
        assert usb.wait_done()["result"] == "read"
        assert network(node)["dpcKey"] == "usb"
        usb.stop()
    assert network(node)["dpcKey"] == "usb", "nobody has seen it go"
    usb.start()
    wait_in_force(node, "zedagent", "the controller's configuration is in force again")
    wait_usable(node, lambda four: four and STATIC4 not in four)
    assert stick.files() == {"usb.json": json.dumps(static_override()).encode()}


def test_bad_usb_json_is_refused_with_place_and_reason(node, usb, tmp_path):
    bad = static_override()
    bad["Ports"][0]["Cost"] = 1000
    for name, text, pointer, why in (
            ("bad", json.dumps(bad), "/Ports/0/Cost", "expected 0 to 255"),
            ("large", json.dumps(static_override()) + " " * 20000, "", "larger than 16384 bytes")):
        with usbdisk.Stick(tmp_path / f"{name}.img", {"usb.json": text}):
            refused = node.wait("DeviceNetworkStatus", lambda t: refusals_in(t), f"{name} is refused")
            assert refused["global"]["dpcRefusals"] == [
                {"file": "usb/usb.json", "pointer": pointer, "why": why}]
        node.wait("DeviceNetworkStatus", lambda t: t and not refusals_in(t), "the refusal went with it")
    assert network(node)["dpcKey"] == "zedagent"


def test_stick_with_folders_gets_archive_and_identity(node, usb, tmp_path):
    stick = usbdisk.Stick(tmp_path / "stick.img", {"dump": None, "identity": None, "other": None})
    stick.plug()
    node.wait("UsbStickStatus", lambda t: any(s["state"] == "USB_DUMPING" for s in t.values()),
              "its archive is made")
    stick.pull()
    wait_for(lambda: not node.table("UsbStickStatus"), "it is gone")
    wait_for(lambda: not (node.run_dir / "usb-out").exists(), "what was for it is thrown away")
    assert not stick.files()

    with stick:
        done = usb.wait_done(timeout=120)
        assert (done["result"], done.get("error", "")) == ("written", "")
        assert "written" in node.edgeway("status", check=False)
    wait_for(lambda: not node.table("UsbStickStatus"), "it is gone")
    files = stick.files()
    archive, = (name for name in files if name.startswith("dump/"))
    with tarfile.open(fileobj=io.BytesIO(files.pop(archive))) as tar:
        names = {os.path.basename(name) for name in tar.getnames()}
        assert {"MANIFEST", "status.json", "ports.json"} <= names
    assert files["identity/SN-0815/soft_serial"] == b"SN-0815\n"
    assert files["identity/SN-0815/device.cert.pem"] == b"a certificate\n"
    uuid = node.row("ConfigStatus")["uuid"]
    assert files["identity/SN-0815/uuid"].decode().strip() == uuid
    assert not any("key" in name for name in files), "no secret"
    assert not (node.run_dir / "usb-out").exists(), "nothing stays behind"
    assert network(node)["dpcKey"] == "zedagent"


def test_other_sticks_are_left_alone_and_bad_ones_harm_nobody(node, usb, tmp_path):
    text = json.dumps(static_override())
    with usbdisk.Stick(tmp_path / "other.img", {"usb.json": text}, name="Photos"), \
            usbdisk.Stick(tmp_path / "label.img", {"usb.json": text}, label="EVEDPC", table=usbdisk._mbr):
        broken = usbdisk.Stick(tmp_path / "broken.img", {"usb.json": text})
        with open(broken.path, "r+b") as image:
            image.seek(usbdisk.FIRST * usbdisk.SECTOR)
            image.write(os.urandom(200 * usbdisk.SECTOR))
        with broken:
            assert usb.wait_done()["error"] == "mounting it as FAT: Invalid argument"
            with usbdisk.vvfat(tmp_path / "vvfat.img", {"usb.json": text}):
                wait_in_force(node, "usb", "QEMU's folder counts, though others are plugged in")
            wait_in_force(node, "zedagent", "the others say nothing")
    assert usb.process.poll() is None
