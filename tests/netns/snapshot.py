# SPDX-License-Identifier: Apache-2.0
"""The state of one namespace as text lines, to compare before with after, or one node with another.

    before = take(node)
    …
    assert_same(before, take(node))
"""

import difflib
import json
import os
import pathlib
import re

import sandbox

SECTIONS = ("links", "addresses", "rules", "routes", "neighbours", "nft", "sysctls", "processes", "files")
SYSCTLS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv4/conf/all/rp_filter")


def take(host, folders=(), ignore=()):
    """{section: sorted lines}. folders: their files are listed too. ignore: patterns (regular
    expressions) of lines that say nothing."""
    with host.inside():
        state = {
            "links": _links(host), "addresses": _addresses(host), "rules": _rules(host),
            "routes": _routes(host), "nexthops": _nexthops(host),
            "neighbours": _neighbours(host), "nft": _nft(host),
            "sysctls": _sysctls(), "processes": _processes(host), "files": _files(folders),
        }
    hidden = re.compile("|".join(ignore)) if ignore else None
    return {name: sorted(line for line in lines if not (hidden and hidden.search(line)))
            for name, lines in state.items()}


def without_indexes(state):
    """For comparing two nodes: the same things, made in another order."""
    return {**state, "links": sorted(re.sub(r" (ifindex|index|link|master_index)=\S+", "", line)
                                     for line in state["links"])}


def diff(before, after):
    """What is gone (-) and what is new (+); "" when nothing is."""
    out = []
    for name in SECTIONS:
        lines = [line for line in difflib.unified_diff(before[name], after[name], n=0, lineterm="")
                 if not line.startswith(("---", "+++", "@@"))]
        if lines:
            out += [f"{name}:"] + [f"  {_short(line)}" for line in lines]
    return "\n".join(out)


def _short(line):
    return line if len(line) < 400 else f"{line[:400]}…"


def assert_same(before, after, what="the namespace is as it was"):
    changes = diff(before, after)
    assert not changes, f"not so: {what}\n{changes}"


def _json(host, *command):
    text = host.run(*command).stdout
    return json.loads(text) if text.strip() else []


def _links(host):
    lines = []
    for link in _json(host, "ip", "-d", "-j", "link"):
        info = link.get("linkinfo", {})
        slave = info.get("info_slave_data", {})
        up = "up" if "UP" in link["flags"] else "down"
        lines.append(f"{link['ifname']} ifindex={link['ifindex']} kind={info.get('info_kind', '-')} {up} "
                     f"mtu={link['mtu']} mac={link.get('address')} master={link.get('master', '-')} "
                     f"group={link.get('group', '-')} isolated={slave.get('isolated', '-')}")
    return lines


def _addresses(host):
    return [f"{link['ifname']} {a['local']}/{a['prefixlen']} scope={a['scope']}"
            for link in _json(host, "ip", "-j", "addr") for a in link["addr_info"] if "local" in a]


def _rules(host):
    """Without the kernel's own for VRFs: it comes with the first VRF of a namespace and stays for
    good (drivers/net/vrf.c, vrf_add_fib_rules())."""
    return [f"{version} {line}" for version in ("-4", "-6")
            for line in host.run("ip", "-details", version, "rule").stdout.splitlines()
            if "[l3mdev-table] proto kernel" not in line]


def _routes(host):
    # Of IPv6, those the kernel makes by itself come and go with addresses and carrier.
    volatile = re.compile(r" expires \S+| (pref medium|linkdown)|^(multicast|local|anycast|fe80).*")
    return [f"{version} {volatile.sub('', line)}" for version in ("-4", "-6")
            for line in host.run("ip", version, "route", "show", "table", "all").stdout.splitlines()
            if volatile.sub("", line).strip()]


def _nexthops(host):
    return host.run("ip", "nexthop").stdout.splitlines()


def _neighbours(host):
    return host.run("ip", "neigh", "show", "nud", "permanent").stdout.splitlines() \
        + host.run("ip", "neigh", "show", "proxy").stdout.splitlines()


def _nft(host):
    """One line an object, a chain with its rules in order; the order of objects and elements says
    nothing."""
    lines, rules = [], {}
    for entry in _json(host, "nft", "-j", "list", "ruleset").get("nftables", []):
        kind, body = next(iter(entry.items()))
        body = _without_counts(body)
        if kind == "rule":
            rules.setdefault((body["family"], body["table"], body["chain"]), []).append(body["expr"])
        elif kind != "metainfo":
            if isinstance(body.get("elem"), list):
                body["elem"] = sorted(body["elem"], key=json.dumps)
            lines.append(f"{kind} {json.dumps(body, sort_keys=True)}")
    lines += [f"rules of {'/'.join(chain)}: {json.dumps(body)}" for chain, body in rules.items()]
    return lines


def _without_counts(value):
    if isinstance(value, dict):
        return {k: _without_counts(v) for k, v in value.items()
                if k not in ("handle", "packets", "bytes", "expires")}
    if isinstance(value, list):
        return [_without_counts(v) for v in value]
    return value


def _sysctls():
    return [f"{key}={pathlib.Path('/proc/sys', key).read_text().strip()}" for key in SYSCTLS]


def _comes_and_goes(pid, command):
    """dhcpcd has a child for each address on which it listens just now; one without it counts."""
    return command.startswith("dhcpcd: [network proxy]") and \
        sandbox.command_of(sandbox.parent_of(pid))[0].startswith("dhcpcd: ")


def _processes(host):
    lines = []
    for pid in sandbox.processes_in(host.path):
        command = " ".join(sandbox.command_of(pid))
        if command and not _comes_and_goes(pid, command):  # without a command: a zombie
            lines.append(command)
    return lines


def _files(folders):
    return [os.path.join(where, name) for folder in folders
            for where, _, names in os.walk(folder) for name in names]
