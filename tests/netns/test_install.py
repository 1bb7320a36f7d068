# SPDX-License-Identifier: Apache-2.0
"""What make install leaves is complete and runs from where it is."""

import pathlib
import re
import subprocess

import pytest

from node import BIN, DAEMONS, TOP

PROGRAMS = {"edgeway", "nim", "zedrouter", "domainmgr", "zedagent", "dhcp-hook", "dns-relay", "usb-config",
            "usb-stick", "conn-test", "packet-capture", "pac-eval", "bootstrap-config"}


@pytest.mark.parametrize("name", [*DAEMONS, "usb-config"])
def test_unit_grants_the_capabilities_its_daemon_keeps(name):
    unit = (TOP / f"systemd/edgeway-{name}.service").read_text()
    granted = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.MULTILINE)[1].split()
    kept = re.search(r"caps\[\] = \{(.*?)\}", (TOP / f"cmd/{name}/main.c").read_text(), re.DOTALL)
    assert sorted(granted) == sorted(re.findall(r"CAP_[A-Z_]+", kept[1] if kept else ""))


def test_unit_lets_its_daemon_give_up_what_it_was_started_with():
    """zedagent's did not: systemd killed it at its first call of capset()."""
    for name in [*DAEMONS, "usb-config"]:
        unit = (TOP / f"systemd/edgeway-{name}.service").read_text()
        allowed = None
        for calls in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
            if calls.startswith("~"):
                allowed = allowed and "@privileged" not in calls
            else:
                allowed = allowed or "capset" in calls or "@system-service" in calls
        assert allowed is not False, name


def test_installed_tree_is_complete(tmp_path):
    build = BIN.parent.relative_to(TOP)
    subprocess.run(["make", "-s", f"BUILD={build}", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr"],
                   cwd=TOP, check=True, capture_output=True)
    assert {path.name for path in (tmp_path / "usr/libexec/edgeway").iterdir()} == PROGRAMS
    units = list((tmp_path / "usr/lib/systemd/system").iterdir())
    assert len(units) == 6
    for unit in units:
        text = unit.read_text()
        assert "@LIBEXEC@" not in text
        # or five crashes within ten seconds would be the end of it
        assert unit.suffix != ".service" or "\nStartLimitIntervalSec=0\n" in text, unit.name
        for program in re.findall(r"^ExecStart=(\S+)", text, re.MULTILINE):
            assert (tmp_path / program.lstrip("/")).exists(), program
    assert {page.name for page in (tmp_path / "usr/share/man/man8").iterdir()} == \
        {f"{name}.8" for name in PROGRAMS - {"dhcp-hook", "dns-relay", "usb-stick", "conn-test", "packet-capture",
                                             "pac-eval", "bootstrap-config"}}
    assert "_edgeway" in (tmp_path / "usr/share/bash-completion/completions/edgeway").read_text()
    assert (tmp_path / "usr/bin/edgeway").readlink() == pathlib.Path("/usr/libexec/edgeway/edgeway")
    version = subprocess.run([tmp_path / "usr/libexec/edgeway/edgeway", "version"], check=True,
                             capture_output=True, text=True).stdout
    assert version.startswith("edgeway ")
