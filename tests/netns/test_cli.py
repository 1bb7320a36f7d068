# SPDX-License-Identifier: Apache-2.0
"""The operator's tool, in front of a whole node and in front of none."""

import json
import os
import pty
import re
import signal
import subprocess
import termios

import pytest

from config import Config, allow
from node import BIN
from waiting import pause, wait_for


def standard(edge_net, node):
    config = Config()
    config.port("uplink-a", "eth0", cost=0)
    config.port("uplink-b", "eth1", cost=10)
    config.port("uplink-c", "eth7", cost=20, kind="V4Only")  # there is no eth7
    instance = config.instance("shop", "10.1.0.0/24")
    edge_net.host("till")
    config.app("till", edge_net.netns_name("till")).adapter(instance, acl=[allow("198.51.100.0/24")])
    return config


def lines_of(text):
    """{(kind, name): (verdict, rest)}"""
    rows = [line.split(None, 3) for line in text.splitlines()]
    return {(row[1], row[2]): (row[0], row[3] if len(row) > 3 else "") for row in rows}


def test_status_tells_what_works_and_what_does_not(net, node):
    node.start(standard(net, node))
    wait_for(lambda: lines_of(node.edgeway("status", check=False)).get(("app", "till"), ("",))[0] == "ok",
             "the app runs", 20)
    wait_for(lambda: lines_of(node.edgeway("status", check=False)).get(("port", "uplink-a"), ("", ""))[1]
             .endswith(" default default6"), "the cheaper port is the default one", 20)
    lines = lines_of(node.edgeway("status", check=False))
    assert list(lines) == [("config", "device"), ("port", "uplink-a"), ("port", "uplink-b"),
                           ("port", "uplink-c"), ("dns", "127.0.0.1"), ("instance", "shop"),
                           ("app", "till")]
    assert lines["config", "device"][1].startswith("version 1 in force from ")
    assert re.match(r"eth0 +cost 0 .*192\.168\.1\.\d+/24.* via 192\.168\.1\.1,fe80\S+ default default6",
                    lines["port", "uplink-a"][1])
    assert lines["port", "uplink-c"][0] == "BAD" and "not found" in lines["port", "uplink-c"][1]
    assert lines["instance", "shop"] == ("ok", "bn1      10.1.0.1/24 uplink uplink-a (uplink-b stands by), 1 interfaces")
    assert "10.1.0." in lines["app", "till"][1]

    net.pull("node:eth1")
    wait_for(lambda: lines_of(node.edgeway("status", check=False))["port", "uplink-b"][1].endswith("no carrier"),
             "the pulled cable shows")


def test_status_shows_what_is_wrong_with_the_configuration_and_fails(net, node):
    node.start(standard(net, node))
    node.instances_online(1)
    node.configure('{"networkInstances": 5}')
    wait_for(lambda: lines_of(node.edgeway("status", check=False))["config", "device"][0] == "BAD",
             "the refusal shows")
    done = node.host.run(str(BIN / "edgeway"), "status", "--run-dir", str(node.run_dir), check=False)
    assert done.returncode == 1
    assert '"/networkInstances"' in lines_of(done.stdout)["config", "device"][1]


def test_status_as_json_has_the_same(net, node):
    node.start(standard(net, node))
    node.instances_online(1)
    status = json.loads(node.edgeway("status", "--json"))
    assert all(status["daemons"].values())
    topics = {entry["topic"]: entry["value"] for entry in status["topics"]}
    assert topics["NetworkInstanceStatus"]["displayname"] == "shop"
    assert {port["logicallabel"] for port in topics["DeviceNetworkStatus"]["ports"]} == \
        {"uplink-a", "uplink-b", "uplink-c"}


def test_plan_tells_what_waits_inside_an_app_too(net, node):
    node.start(standard(net, node))
    wait_for(lambda: lines_of(node.edgeway("status", check=False)).get(("app", "till"), ("",))[0] == "ok",
             "the app runs", 20)
    wait_for(lambda: not node.edgeway("plan", "domainmgr"), "nothing is left to do")
    net["till"].configure("link set eth0 down")
    wait_for(lambda: "route 4/254/0.0.0.0/0/0" in node.edgeway("plan", "domainmgr"),
             "the app's default route waits")
    assert "[needs link eth0: not as required]" in node.edgeway("plan", "domainmgr")
    net["till"].configure("link set eth0 up")
    wait_for(lambda: not node.edgeway("plan", "domainmgr"), "it is back")


def on_terminal(*command, columns=0, **environment):
    main, other = pty.openpty()
    termios.tcsetwinsize(other, (24, columns))
    with os.fdopen(main, "rb", buffering=0) as screen, \
            subprocess.Popen(command, stdout=other, env={**os.environ, **environment}):
        os.close(other)
        text = b""
        try:
            while chunk := screen.read(65536):
                text += chunk
        except OSError:  # all written, and nobody holds the other end
            pass
        return text.decode()


def test_colours_are_for_terminals_that_want_them(tmp_path):
    command = (str(BIN / "edgeway"), "--run-dir", str(tmp_path), "status")
    assert "\033[31mBAD" in on_terminal(*command)
    assert "\033[" not in on_terminal(*command, NO_COLOR="1")
    assert "\033[" not in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def test_status_keeps_within_the_terminal(net, node):
    node.start(standard(net, node))
    node.instances_online(1)
    command = (str(BIN / "edgeway"), "--run-dir", str(node.run_dir), "status")
    narrow, wide = (on_terminal(*command, columns=columns, NO_COLOR="1").splitlines() for columns in (80, 0))
    assert len(narrow) > len(wide) and max(map(len, wide)) > 80
    # a path is one word however long
    assert [line for line in narrow if len(line) > 80 and "/config.json" not in line] == []


def run(*args, run_dir="/run/nobody"):
    return subprocess.run([str(BIN / "edgeway"), "--run-dir", str(run_dir), *args], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL)


def test_without_daemons_every_command_says_so():
    for command in ("plan", "plan nim", "graph nim", "bus get DomainStatus"):
        done = run(*command.split())
        assert done.returncode != 0 and done.stderr.startswith("edgeway: "), (command, done)
    status = run("status")
    assert status.returncode == 1
    assert [line.split()[:4] for line in status.stdout.splitlines()] == \
        [["BAD", "daemon", name, "does"] for name in ("nim", "zedrouter", "domainmgr", "zedagent")]


def test_daemon_that_does_not_answer_is_told_of(net, node):
    node.start(standard(net, node))
    node.instances_online(1)
    pid = node.daemons()["nim"]
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = {command: subprocess.Popen(
            [str(BIN / "edgeway"), "--run-dir", str(node.run_dir), *command.split()], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
            for command in ("status", "status --json", "plan nim", "graph nim", "bus get DeviceNetworkStatus", "dpc list")}
        told = {command: (*process.communicate(), process.returncode) for command, process in asked.items()}
    finally:
        os.kill(pid, signal.SIGCONT)
    assert lines_of(told["status"][0])["daemon", "nim"] == ("BAD", "does not answer") and told["status"][2] == 1
    assert ("instance", "shop") in lines_of(told["status"][0])
    assert json.loads(told["status --json"][0])["daemons"]["nim"] is False
    for command in ("plan nim", "graph nim"):
        assert told[command] == ("", "edgeway: nim does not answer (waited 10 s)\n", 1), command
    assert told["bus get DeviceNetworkStatus"] == \
        ("", "edgeway: DeviceNetworkStatus: nim does not answer\n", 1)
    assert told["dpc list"] == ("", "edgeway: nim does not answer\n", 1)


def test_daemon_that_is_late_is_waited_for(net, node):
    """As on a busy machine: it gets to run again when the first second is over."""
    node.start(standard(net, node))
    node.instances_online(1)
    pid = node.daemons()["nim"]
    os.kill(pid, signal.SIGSTOP)
    try:
        asked = [subprocess.Popen([str(BIN / "edgeway"), "--run-dir", str(node.run_dir), *command.split()],
                                  stdout=subprocess.PIPE, text=True) for command in
                 ("status", "bus get DeviceNetworkStatus", "ports")]
        pause(1.4)
    finally:
        os.kill(pid, signal.SIGCONT)
    status, table, ports = (process.communicate()[0] for process in asked)
    assert ("daemon", "nim") not in lines_of(status) and ("port", "uplink-a") in lines_of(status), status
    assert "uplink-a" in table and "uplink-a" in ports


def test_daemon_without_its_inputs_waits(net, node):
    node.run_dir.mkdir()
    net["node"].start(str(BIN / "nim"), "--run-dir", str(node.run_dir), "--state-dir", str(node.state_dir))
    wait_for(lambda: lines_of(node.edgeway("status", check=False))["daemon", "nim"] ==
             ("wait", "waits for its inputs"), "nim waits for zedagent", 20)
    done = run("bus", "get", "DeviceNetworkStatus", run_dir=node.run_dir)
    assert (done.returncode, done.stderr) == (1, "edgeway: DeviceNetworkStatus: nim waits for its inputs\n")


def test_wrong_usage_is_refused_with_the_right_one():
    for command in ("status --nonsense", "status 2", "plan --nonsense", "plan nim 2", "graph",
                    "graph nim --nonsense", "graph nim --svg", "doctor --nonsense", "bus", "bus --nonsense",
                    "bus get", "bus watch", "run --nonsense", "run 2", "completion fish", "version 2",
                    "version --nonsense"):
        done = run(*command.split())
        assert done.returncode == 2 and f"usage: edgeway {command.split()[0]} " in done.stderr, (command, done)
        assert done.stdout == "", (command, done)
    for command, word in (("nonsense", "unknown command: nonsense"), ("--nonsense", "unknown command: --nonsense"),
                          ("status --run-dir", "--run-dir needs a folder")):
        done = run(*command.split())
        assert done.returncode == 2 and word in done.stderr, (command, done)
    for command, word in (("graph nobody", "no daemon nobody"), ("plan nobody", "no daemon nobody"),
                          ("bus get Nonsense", "no topic Nonsense"), ("bus watch Nonsense", "no topic Nonsense")):
        done = run(*command.split())
        assert done.returncode == 1 and word in done.stderr, (command, done)


class Shell:
    """An interactive bash with the completion loaded, and somebody at its keyboard who waits for the prompt:
    before it, the terminal still edits lines itself."""

    PROMPT = "% "

    def __init__(self, folder):
        script = folder / "completion"
        script.write_text(run("completion", "bash").stdout)
        self.main, other = pty.openpty()
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=other, stdout=other, stderr=other, cwd=folder,
            start_new_session=True, env={"PATH": os.environ["PATH"], "PS1": self.PROMPT, "TERM": "dumb",
                                         "HISTFILE": "", "INPUTRC": "/dev/null"})
        os.close(other)
        self.read_until(self.PROMPT)
        self.type("bind 'set enable-bracketed-paste off' 'set page-completions off'; stty -echo; . completion; "
                  "edgeway() { printf '<%s>' \"$*\"; }\n")
        self.read_until(self.PROMPT)

    def type(self, keys):
        os.write(self.main, keys.encode())

    def read_until(self, end):
        text = ""
        while not text.endswith(end):
            text += os.read(self.main, 4096).decode()
        return text.removesuffix(end)

    def completed(self, line):
        """The line after TAB, as the command would get it."""
        self.type(line + "\t\n")
        return self.read_until(">" + self.PROMPT).partition("<")[2].strip()

    def offered(self, line):
        """What TAB TAB lists; the line is thrown away."""
        self.type(line + "\t\t\x15edgeway done\n")
        return set(self.read_until("<done>" + self.PROMPT).split())

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.main)


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path)
    yield shell
    shell.close()


def test_bash_offers_commands_and_their_words(shell):
    assert {"status", "plan", "graph", "doctor", "bus", "run", "--run-dir"} <= shell.offered("edgeway ")
    assert {"nim", "zedrouter", "--svg"} <= shell.offered("edgeway graph ")
    assert shell.offered("edgeway --run-dir /tmp bus ") == {"ls", "get", "watch"}
    assert shell.offered("edgeway --run-dir=/tmp bus ") == {"ls", "get", "watch"}
    assert {"DomainStatus", "ConfigStatus"} <= shell.offered("edgeway bus watch AppConfig ")
    assert shell.offered("edgeway run --log-level ") == {"error", "warning", "info", "debug"}


def test_bash_completes_what_is_begun(shell, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.svg").touch()
    for begun, whole in (("edgeway gra", "graph"), ("edgeway graph dom", "graph domainmgr"),
                         ("edgeway graph nim --svg fil", "graph nim --svg file.svg"),
                         ("edgeway netdump fil", "netdump file.svg"), ("edgeway netdump --cap", "netdump --capture"),
                         ("edgeway bus get Dev", "bus get Device"), ("edgeway bus get Dom", "bus get DomainStatus"),
                         ("edgeway --run-dir fol", "--run-dir folder"),
                         ("edgeway --run-dir=fol", "--run-dir=folder"),
                         ("edgeway --state-dir=/tmp sta", "--state-dir=/tmp status")):
        assert shell.completed(begun) == whole, begun
