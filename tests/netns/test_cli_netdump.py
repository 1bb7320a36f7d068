# SPDX-License-Identifier: Apache-2.0
"""`edgeway netdump`: one archive with all that is known, whatever fails on the way."""

import json
import os
import shutil
import signal
import subprocess
import tarfile

import pytest

from config import Config
from node import BIN, DAEMONS
from waiting import SLOW, wait_for

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIDm4pGcJZ2uXqT9n0m5JY1fVxkqk8yP2wQ3l7c0r9d1s"


def contents(path):
    """{name in the folder of the archive: text}, and {name: (end, size, why)} of its manifest."""
    with tarfile.open(path) as archive:
        files = {member.name.partition("/")[2]: archive.extractfile(member).read().decode(errors="replace")
                 for member in archive if member.isfile()}
        assert all(member.mode & 0o077 == 0 for member in archive.getmembers())
    manifest = {}
    for line in files.pop("MANIFEST").splitlines()[1:]:
        end, size, rest = line.split(None, 2)
        name, _, why = rest.partition(": ")
        manifest[name] = (end, int(size), why)
    return files, manifest


@pytest.fixture
def folder(node):
    """Where the archives go; only what is expected may be there at the end."""
    folder = node.folder / "archives"
    folder.mkdir()
    return folder


def test_archive_has_it_all_and_no_secrets(net, node, folder):
    config = Config()
    config.port("uplink-a", "eth0")
    config.item("debug.enable.ssh", f"ssh-ed25519 {KEY} tech@example")
    config.instance("shop", "10.1.0.0/24")
    node.start(config)
    node.instances_online(1)
    node.wait_settled()
    path = folder / "dump.tar.gz"
    path.write_text("an older one")
    assert node.edgeway("netdump", str(path), timeout=60) == f"{path}\n"
    assert path.stat().st_mode & 0o777 == 0o600 and os.listdir(folder) == ["dump.tar.gz"]
    files, manifest = contents(path)
    # The agent of that topic is one that talks to a controller.
    assert {name for name, (end, *_) in manifest.items() if end != "whole"} <= {"bus-RequestOutcome.json"}
    assert {name: size for name, (_, size, _) in manifest.items()} == \
        {name: len(text.encode()) for name, text in files.items()}

    topics = {line.split()[1] for line in node.edgeway("bus", "ls").splitlines() if line.split()[2] == "state"
              and line.split()[0] in DAEMONS}
    assert topics and {f"bus-{topic}.json" for topic in topics} <= set(files)
    for name, text in files.items():
        assert KEY not in text, name
        if name.endswith(".json") and manifest[name][0] == "whole":
            json.loads(text)
    assert "ssh-ed25519 *** tech@example" in files["bus-GlobalConfig.json"]
    assert "shop" in files["bus-NetworkInstanceStatus.json"] and '"uplink-a"' in files["ports.json"]
    for daemon in DAEMONS:
        lines = files[f"events-{daemon}.txt"].splitlines()
        assert f" level=info daemon={daemon} event=daemon_start " in lines[0] and "level=debug" not in str(lines)
        assert all(line in node.log() for line in lines)
    assert "event=port_carrier " in files["events-nim.txt"]
    for daemon in ("nim", "zedrouter", "domainmgr"):
        assert files[f"plan-{daemon}.txt"] == ""
        assert files[f"graph-{daemon}.dot"].startswith("digraph")
        assert f"bin/{daemon} " in files["processes.txt"]
    assert "created   route" in files["graph-nim.txt"] and "VmRSS" in files["processes.txt"]
    assert {link["ifname"] for link in json.loads(files["ip-link.json"])} >= {"lo", "eth0", "bn1"}
    assert "edgeway-nim" in files["nft-ruleset.json"] and "eth0:" in files["proc-net-dev.txt"]
    assert f"{node.run_dir}/nim/lease/eth0.4" in files["files.txt"]


def test_what_it_may_not_read_is_told_of(net, node, folder):
    """As nobody: what needs root is among the failed, the rest is there."""
    config = Config()
    config.port("uplink-a", "eth0")
    node.start(config)
    node.wait_daemons()
    node.wait_settled()
    tool = shutil.copy(BIN / "edgeway", folder.parent / "edgeway")  # nobody may not look into every tree
    os.chown(folder, 65534, 65534)
    path = folder / "dump.tar.gz"
    done = node.host.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", tool, "--run-dir",
                         str(node.run_dir), "netdump", str(path), check=False, timeout=60 * SLOW)
    assert done.returncode == 0, done.stderr
    assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (65534, 0o600)
    files, manifest = contents(path)
    assert manifest["nft-ruleset.json"][0] == "failed" and manifest["nft-ruleset.json"][2]
    assert "edgeway: nft-ruleset.json: ended with status" in done.stderr
    assert manifest["ip-link.json"][0] == "whole" and json.loads(files["ip-link.json"])


class Tools:
    """Programs of ours in front of the machine's."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def add(self, name, *lines):
        path = self.folder / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)

    def start(self, path):
        """Without any daemon."""
        return subprocess.Popen(
            [str(BIN / "edgeway"), "--run-dir", "/run/nobody", "netdump", str(path)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})


@pytest.fixture
def tools(tmp_path):
    return Tools(tmp_path / "tools")


def test_parts_are_bounded_in_time_and_size(tools, tmp_path):
    tools.add("ip", "exec yes 0123456789")
    tools.add("nft", "trap '' TERM", "echo begun", "while :; do sleep 1; done")
    tools.add("bridge", "echo no such thing >&2; exit 3")
    process = tools.start(tmp_path / "dump.tar.gz")
    told = process.communicate(timeout=60 * SLOW)
    assert process.returncode == 0, told
    files, manifest = contents(tmp_path / "dump.tar.gz")
    assert manifest["ip-link.json"] == ("cut-off", 8 << 20, "more than 8 MiB")
    assert manifest["nft-ruleset.json"][0] == "late" and files["nft-ruleset.json"] == "begun\n"
    assert manifest["bridge-link.json"] == ("failed", 14, "ended with status 3: no such thing")
    assert manifest["status.json"][0] == "whole"
    assert manifest["graph-nim.txt"][2].endswith("nim does not run (nobody answers at /run/nobody/nim.control)")
    left_out = [name for name, (end, *_) in manifest.items() if end == "left-out"]
    assert all("64 MiB" in manifest[name][2] and name not in files for name in left_out) and left_out
    assert sum(map(len, files.values())) <= 64 << 20


def sleeps(pid):
    try:
        return "sleep" in os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return False


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_leaves_what_was(tools, tmp_path, end):
    tools.add("nft", f"echo $$ >{tmp_path}/pid.new", f"mv {tmp_path}/pid.new {tmp_path}/pid", "exec sleep 1000")
    folder = tmp_path / "archives"
    folder.mkdir()
    (folder / "dump.tar.gz").write_text("an older one")
    process = tools.start(folder / "dump.tar.gz")
    wait_for((tmp_path / "pid").exists, "it asks nft")
    pid = int((tmp_path / "pid").read_text())
    process.send_signal(end)
    told = process.communicate(timeout=10 * SLOW)
    assert told[0] == "" and process.returncode == (-end if end == signal.SIGKILL else 1)
    assert os.listdir(folder) == ["dump.tar.gz"] and (folder / "dump.tar.gz").read_text() == "an older one"
    wait_for(lambda: not sleeps(pid), "nft has ended, too")


def test_failure_to_write_the_archive_leaves_nothing(tools, tmp_path):
    process = tools.start(tmp_path / "missing" / "dump.tar.gz")
    told = process.communicate(timeout=60 * SLOW)
    assert process.returncode == 1 and told[1].endswith("dump.tar.gz: No such file or directory\n")
    tools.add("tar", "exit 5")
    folder = tmp_path / "archives"
    folder.mkdir()
    process = tools.start(folder / "dump.tar.gz")
    told = process.communicate(timeout=60 * SLOW)
    assert process.returncode == 1 and told[1].endswith("dump.tar.gz: tar ended with status 5\n")
    assert os.listdir(folder) == []


def test_wrong_usage_is_refused(tmp_path):
    for wrong in (["--nonsense"], ["a", "b"], [""]):
        done = subprocess.run([str(BIN / "edgeway"), "netdump", *wrong], capture_output=True, text=True,
                              check=False, cwd=tmp_path)
        assert done.returncode == 2 and "usage: edgeway netdump [--capture PORT" in done.stderr
    assert os.listdir(tmp_path) == []
