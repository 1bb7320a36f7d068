# SPDX-License-Identifier: Apache-2.0
"""An edge node: all daemons, started by `edgeway run` in a host of the topology.

    node = Node(net["node"], tmp_path)
    node.start(config)
    node.wait_ready()
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading

import sandbox
from waiting import SLOW, wait_for

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BIN = TOP / os.environ.get("EDGEWAY_BUILD", "build/rel") / "bin"
DAEMONS = ("zedagent", "nim", "zedrouter", "domainmgr")
TOPICS = ("ConfigStatus", "DeviceNetworkStatus", "NetworkInstanceStatus", "AppNetworkStatus", "DomainStatus")


class Node:
    def __init__(self, host, folder, log_level="debug"):
        self.host, self.log_level = host, log_level
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)  # as /run/edgeway is: dnsmasq reads its files as its own user
        self.run_dir, self.state_dir = self.folder / "run", self.folder / "state"
        self.config_path = self.folder / "config.json"
        self.dpc_dir = self.folder / "DevicePortConfig"
        self.log_path = self.folder / "log"
        self.process = None
        self.run_options = ()  # more of them for `edgeway run`
        host.closers.append(self.close)

    # ---- life ----

    def start(self, config=None):
        """Starts all daemons, with a configuration written before. They find what an earlier run
        left in their folders and in the namespace."""
        if config is not None:
            self.configure(config)
        with open(self.log_path, "ab") as log:
            self.process = self.host.start(
                str(BIN / "edgeway"), "run", "--run-dir", str(self.run_dir), "--state-dir",
                str(self.state_dir), "--config", str(self.config_path), "--dpc-dir", str(self.dpc_dir),
                "--log-level", self.log_level, *self.run_options, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)
        return self

    def configure(self, config):
        """Gives the node a Config, or any text, as its configuration file."""
        if isinstance(config, str):
            temporary = self.config_path.with_suffix(".new")
            temporary.write_text(config)
            temporary.rename(self.config_path)
        else:
            config.write(self.config_path)

    def override(self, name, content):
        """Puts a DevicePortConfig file, a dictionary or any text, where nim looks; None removes it."""
        path = self.dpc_dir / name
        if content is None:
            path.unlink()
            return
        self.dpc_dir.mkdir(exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(content if isinstance(content, str) else json.dumps(content))
        temporary.rename(path)

    def stop(self):
        """As systemd stops it: SIGTERM. What was configured stays in force."""
        if self.process:
            self.process.terminate()
            self.process.wait(10 * SLOW)
            self.process = None

    def daemons(self):
        """{name: pid} of those running."""
        found = {}
        for pid in sandbox.processes_in(self.host.path):
            try:
                name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            except OSError:
                continue
            if name in DAEMONS:
                found[name] = pid
        return found

    def kill(self, *names):
        """kill -9 of these daemons; none named: of all of them and of what supervises them."""
        pids = self.daemons()
        if not names and self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        for name in names or DAEMONS:
            if name in pids:
                with contextlib.suppress(ProcessLookupError):  # it dies with what supervised it
                    os.kill(pids[name], signal.SIGKILL)

    def wait_daemons(self, timeout=10):
        wait_for(lambda: len(self.daemons()) == len(DAEMONS), "all daemons run", timeout)

    def close(self):
        for watch in list(Watch.open_ones):
            watch.close()
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    # ---- questions ----

    def edgeway(self, *args, check=True, timeout=10):
        """Output of the command line tool."""
        done = self.host.run(str(BIN / "edgeway"), *args, "--run-dir", str(self.run_dir), check=False,
                             timeout=timeout * SLOW)
        if check and done.returncode != 0:
            raise AssertionError(f"edgeway {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def plan(self):
        """What is still to do; "" when the system equals the intent."""
        return self.edgeway("plan").strip()

    def plan_is_empty(self):
        try:
            return not self.plan()
        except AssertionError:
            return False  # a daemon does not answer yet

    def table(self, topic):
        """{key: value} of a topic; {} while its publisher is away."""
        try:
            text = self.edgeway("bus", "get", topic)
            return json.loads(text) if text.strip() else {}
        except (AssertionError, json.JSONDecodeError):
            return {}

    def row(self, topic, key="global", timeout=10):
        """One value of a topic, once it can be read: on a busy machine an answer may come too late."""
        return wait_for(lambda: self.table(topic).get(key), f"{topic} of {key} is published", timeout)

    def wait(self, topic, accept, what, timeout=10):
        """The table of the topic, once accept(table) holds; asked at each change on the bus."""
        with Watch(self, topic) as watch:
            return wait_for(lambda: accept(dict(watch.table)) and dict(watch.table), what, timeout,
                            wake=watch.changed, every=0.5)

    def wait_settled(self, timeout=20):
        """Until every daemon's plan is empty."""
        wait_for(self.plan_is_empty, "the plan is empty", timeout, every=0.02)

    def instances_online(self, count):
        return self.wait("NetworkInstanceStatus", lambda t: sum(
            s.get("state") == "NI_STATE_ONLINE" for s in t.values()) == count == len(t),
            f"{count} network instances online", 30)

    def apps_running(self, count):
        return self.wait("DomainStatus", lambda t: sum(
            s.get("state") == "DOMAIN_RUNNING" for s in t.values()) == count == len(t),
            f"{count} apps running", 30)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_mark(self):
        return len(self.log())

    def log_since(self, mark):
        return self.log()[mark:].splitlines()

    def report(self):
        """[(title, text)] for the report of a failed test."""
        sections = [("log", "\n".join(self.log().splitlines()[-300:])),
                    ("config", self.config_path.read_text() if self.config_path.exists() else "none")]
        sections.append(("daemons", "\n".join(_what_it_does(*one) for one in self.daemons().items())))
        for title, args in [("plan", ["plan"]), ("status", ["status"])] + \
                [(f"graph {d}", ["graph", d]) for d in ("nim", "zedrouter", "domainmgr")]:
            try:
                text = self.edgeway(*args, check=False, timeout=3)
            except (subprocess.TimeoutExpired, OSError) as error:
                text = str(error)
            sections.append((title, text))
        return [(f"{self.host.name}: {title}", text) for title, text in sections if text.strip()]


def _what_it_does(name, pid):
    """One line on a process: state, and where in the kernel it waits."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (f"{name} pid={pid} state={state[0]} utime={state[11]} stime={state[12]} "
                f"wchan={pathlib.Path(f'/proc/{pid}/wchan').read_text()}")
    except OSError as error:
        return f"{name} pid={pid} {error}"


class Watch:
    """`edgeway bus watch TOPIC` in the background: table holds the newest values, and changed is
    notified with each."""

    open_ones = set()

    def __init__(self, node, topic):
        self.table, self.changed = {}, threading.Condition()
        self.process = node.host.start(
            str(BIN / "edgeway"), "bus", "watch", topic, "--run-dir", str(node.run_dir),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        Watch.open_ones.add(self)

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if "key" not in event:
                continue
            with self.changed:
                if event.get("value") is None:
                    self.table.pop(event["key"], None)
                else:
                    self.table[event["key"]] = event["value"]
                self.changed.notify_all()

    def close(self):
        Watch.open_ones.discard(self)
        self.process.kill()
        self.process.wait()
        self.thread.join()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
