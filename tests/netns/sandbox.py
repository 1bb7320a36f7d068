# SPDX-License-Identifier: Apache-2.0
"""Namespaces of our own for the whole test run, and for each host of a topology.

    machine ── pytest as started: waits, passes the exit code on
               └─ pid 1 of a private pid namespace: reaps orphans as an init does
                  └─ pytest: private mounts (/run, /etc/resolv.conf …), private network

When any of them dies, the kernel kills all that was started within.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
CLONE_NEWPID = 0x20000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MS_SHARED = 0x100000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1

# Programs under test, and those they start, write here: the machine's own stay as they are.
PRIVATE_FOLDERS = ("/run", "/var/lib/dhcpcd", "/var/lib/misc", "/etc/netns")

_libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *args):
    if getattr(_libc, function)(*args) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function}: {os.strerror(error)}")


def _mount(source, target, kind, flags=0):
    _call("mount", str(source).encode(), str(target).encode(), kind.encode(), flags, None)


machine_netns = None  # for the lab alone: where the cards of the virtual machine come up


def enter():
    """Returns in the innermost process of the picture above; the outer ones never return."""
    if os.geteuid() != 0:
        sys.exit("tests/netns makes network namespaces: run it as root")
    global machine_netns
    machine_netns = os.open("/proc/self/ns/net", os.O_RDONLY)
    _call("unshare", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET)
    _mount("none", "/", "none", MS_REC | MS_PRIVATE)
    init = os.fork()
    if init:
        signal.signal(signal.SIGTERM, lambda *_: os.kill(init, signal.SIGKILL))
        os._exit(_exit_code(_wait(init)))
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _mount("proc", "/proc", "proc")
    main = os.fork()
    if main:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == main:
                os._exit(_exit_code(status))
    _private_folders()


def _wait(pid):
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return os.waitpid(pid, 0)[1]


def _exit_code(status):
    return os.waitstatus_to_exitcode(status) % 256 if os.WIFEXITED(status) else 1


def _private_folders():
    for folder in PRIVATE_FOLDERS:
        if os.path.isdir(folder):
            _mount("tmpfs", folder, "tmpfs")
    os.makedirs("/run/netns", exist_ok=True)
    # As `ip netns add` leaves it: whoever makes a namespace finds nothing to prepare.
    _mount("/run/netns", "/run/netns", "none", MS_BIND)
    _mount("none", "/run/netns", "none", MS_SHARED)
    os.makedirs("/run/lock", exist_ok=True)
    os.mkdir("/run/tmp")  # goes with the run, however that ends, and no other run sees it
    os.environ["TMPDIR"] = tempfile.tempdir = "/run/tmp"
    with tempfile.NamedTemporaryFile("w", dir="/run", delete=False) as private:
        private.write("# of the test run\n")
    resolv = os.path.realpath("/etc/resolv.conf")
    if not os.path.exists(resolv):
        os.makedirs(os.path.dirname(resolv), exist_ok=True)
        pathlib.Path(resolv).touch()
    _mount(private.name, resolv, "none", MS_BIND)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def make_netns(name):
    """What `ip netns add` does, without a process. Everything in it may be addressed by name."""
    path = pathlib.Path("/run/netns", name)
    path.touch(exist_ok=False)
    trouble = []

    def body():
        try:
            _call("unshare", CLONE_NEWNET)
            _mount("/proc/thread-self/ns/net", path, "none", MS_BIND)
        except OSError as error:
            trouble.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]
    return path


def retire_netns(path):
    """Takes the name away, and holds the namespace under another one."""
    kept = pathlib.Path("/run/ended", path.name)
    kept.parent.mkdir(exist_ok=True)
    kept.touch()
    _mount(path, kept, "none", MS_BIND)
    _call("umount2", str(path).encode(), MNT_DETACH)
    path.unlink()


def await_teardown(limit_s):
    """Until the kernel has taken down all namespaces that were given up before now, or the limit:
    hundreds, at the end of a test run, hold its RTNL lock for seconds. It takes them down in their
    order (net/core/net_namespace.c, cleanup_net()), so that of a last one tells. Returns seconds."""
    begin = time.monotonic()
    last = make_netns("last")
    subprocess.run(["ip", "link", "add", "last", "type", "veth", "peer", "name", "far", "netns", "last"], check=True)
    _call("umount2", str(last).encode(), MNT_DETACH)
    last.unlink()
    while os.path.exists("/proc/sys/net/ipv4/conf/last") and time.monotonic() - begin < limit_s:
        time.sleep(0.05)  # the kernel tells nobody when a namespace is gone
    return time.monotonic() - begin


@contextlib.contextmanager
def inside(path):
    """The calling thread is in that network namespace: sockets it opens and programs it starts
    belong there for good."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("setns", there, CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", home, CLONE_NEWNET)
    finally:
        os.close(home)
        os.close(there)


def processes_in(path):
    """Ids of all processes in that network namespace."""
    wanted = os.stat(path)
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            stat = os.stat(f"/proc/{entry}/ns/net")
            if (stat.st_dev, stat.st_ino) == (wanted.st_dev, wanted.st_ino):
                found.append(int(entry))
    return found


def command_of(pid):
    """Program and arguments of a process; empty when it has ended meanwhile."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")
    except OSError:
        return [""]


def parent_of(pid):
    """Its id; 0 when that is outside, or when the process has ended meanwhile."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
