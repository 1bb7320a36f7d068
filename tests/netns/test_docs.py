# SPDX-License-Identifier: Apache-2.0
"""What the documents say of the sources is so."""

import re
import subprocess

import pytest

from node import BIN, DAEMONS, TOP

SOURCES = ("base", "bootstrap", "pubsub", "dataplane", "nim", "usb", "zedrouter", "domainmgr", "zedagent", "cmd")
PAGES = (*DAEMONS, "usb-config")
LOGGED = re.compile(r'log_(error|warning|info|debug)\(\s*"([a-z_0-9]+)"')
CHOSEN = re.compile(r'event = "([a-z_0-9]+)"')  # by dp_report_log()


def sources():
    return [path for folder in SOURCES for path in (TOP / folder).rglob("*.[ch]")]


def logged_events():
    text = "\n".join(path.read_text() for path in sources() if path.name != "log.h")
    return {name for _, name in LOGGED.findall(text)} | set(CHOSEN.findall(text))


def documented_events():
    text = (TOP / "docs/events.md").read_text()
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([a-z_0-9]+)`", cell)}


def test_every_event_is_documented_and_no_other():
    assert logged_events() - documented_events() == set(), "missing in docs/events.md"
    assert documented_events() - logged_events() == set(), "in docs/events.md only"


def test_links_between_documents_lead_somewhere():
    for page in [TOP / "README.md", *(TOP / "docs").rglob("*.md"), *(TOP / "tests").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(TOP)}: {target}"


def head(name):
    """Comment, name and docstring of a test: folder/file:function."""
    file, _, function = name.partition(":")
    text = (TOP / "tests" / file).read_text()
    row = re.search(rf'^\t\{{ "{function}",', text, re.MULTILINE)
    if row:  # a table whose rows are tests by their names
        return row[0]
    if file.endswith(".c"):
        assert re.search(rf"\W{function}[,)]", text), f"{name} is in no list"
        pattern = rf"(?:^/\*(?:[^*]|\*(?!/))*\*/\n)?^static void {function}\(void \*\*state\)$"
    else:
        pattern = rf'^def {function}\([^)]*\):\n(?: +"""(?:[^"]|"(?!""))*""")?'
    found = re.search(pattern, text, re.MULTILINE)
    assert found, f"there is no {name}"
    return found[0]


def test_each_scenario_is_in_a_test_by_its_name():
    rows = re.findall(r"^\| ([^|]+) \| (`.*) \|$", (TOP / "tests/SCENARIOS.md").read_text(), re.MULTILINE)
    assert len(rows) > 50
    for scenario, tests in rows:
        for name in re.findall(r"`([^`]+)`", tests):
            assert scenario in head(name), f"{name} does not say {scenario}"


def manual(name):
    """The page as people read it, in plain text and without line breaks."""
    done = subprocess.run(["mandoc", "-Tascii", "-Owidth=1000", TOP / f"docs/man/{name}.8"], check=True,
                          capture_output=True, text=True)
    return re.sub(".\b", "", done.stdout)


def test_man_pages_are_well_formed():
    pages = sorted((TOP / "docs/man").iterdir())
    assert [page.stem for page in pages] == sorted([*PAGES, "edgeway"])
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], check=False, capture_output=True,
                          text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", PAGES)
def test_man_page_has_the_options_of_its_daemon(name):
    told = subprocess.run([BIN / name, "--help"], check=True, capture_output=True, text=True).stdout
    options = {match[0].rstrip(): match[1] for match in
               re.findall(r"^  (--[a-z-]+(?: [A-Z]+)?) +(.+)$", told, re.MULTILINE)}
    assert "--run-dir DIR" in options
    documented = set(re.findall(r"^     (--[a-z-]+(?: [A-Z]+)?)(?:  .*)?$", manual(name), re.MULTILINE))
    assert documented == set(options)


def test_man_page_has_every_command():
    told = subprocess.run([BIN / "edgeway", "help"], check=True, capture_output=True, text=True).stdout
    commands = set(re.findall(r"^  ([a-z]+) ", told, re.MULTILINE))
    assert "status" in commands
    documented = set(re.findall(r"^     ([a-z]+)(?: .*)?$", manual("edgeway"), re.MULTILINE))
    assert commands <= documented
