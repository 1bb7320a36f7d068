# SPDX-License-Identifier: Apache-2.0
"""What the documents say of the sources is so."""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SOURCES = ("base", "pubsub", "dataplane", "nim", "zedrouter", "domainmgr", "zedagent", "cmd")
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
