# SPDX-License-Identifier: Apache-2.0
"""What the kernel holds in a node's namespaces, and the shortest way to make it.

take() reads links, addresses, routes, rules, elements of nftables sets and settings of interfaces
in the node's namespace and its apps'. What one state has over another becomes batches of netlink
messages for raw_send.c: each object in one message (a bridge port in two, as the kernel wants it),
as few sends as there are batches.
"""

import itertools
import os
import pathlib
import socket
import struct

NETLINK_ROUTE, NETLINK_NETFILTER, SYSCTL = 0, 12, 0xFFFF
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x300, 0x200, 0x400
NLA_TYPE_MASK, NLA_F_NESTED = 0x3FFF, 0x8000

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
IFINFOMSG, IFADDRMSG, RTMSG, RULEMSG, NFGENMSG = 16, 8, 12, 12, 4  # sizes of headers

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK, IFLA_MASTER = 1, 3, 4, 5, 10
IFLA_PROTINFO, IFLA_LINKINFO, IFLA_GROUP, IFLA_NET_NS_FD = 12, 18, 27, 28
IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 31, 32
IFLA_INFO_KIND, IFLA_INFO_DATA, IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 1, 2, 4, 5
IFLA_BR_MULTI_BOOLOPT, VETH_INFO_PEER = 46, 1
BRPORT_FLAGS = {4: 0, 5: 0, 8: 1, 32: 0, 33: 0}  # mode, guard, learning, suppression, isolated
IFF_UP, AF_BRIDGE = 1, socket.AF_INET6 - 3
IFA_CACHEINFO, IFA_PROTO, IFAPROT_KERNEL_LL = 6, 11, 3
RTA_OIF, RTA_CACHEINFO, RTPROT_KERNEL = 4, 12, 2
FRA_PROTOCOL = 21

NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END = 0x10, 0x11
NFT_MSG_GETSET, NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM = 0xA0A, 0xA0C, 0xA0D, 0xA0E

GROUP = 777  # of all links that the raw program makes: one request removes them
NETNS_FD = 100  # raw_send has namespace n as this + n
BATCH_BYTES = 32 * 1024


# ---- Messages ----

def aligned(data):
    return data + bytes(-len(data) % 4)


def attr(kind, value):
    if isinstance(value, int):
        value = struct.pack("=I", value)
    return aligned(struct.pack("=HH", 4 + len(value), kind) + value)


def text(value):
    return value.encode() + b"\0"


def attrs(data):
    """[(type, value)]"""
    found, at = [], 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found.append((kind & NLA_TYPE_MASK, data[at + 4:at + length]))
        at += (length + 3) & ~3
    return found


def message(kind, flags, body):
    return aligned(struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, 0, 0) + body)


def messages(data):
    """[(type, body)] of a datagram"""
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        yield kind, data[at + 16:at + length]
        at += (length + 3) & ~3


def dump(protocol, kind, body):
    """Bodies of the answers to a dump request."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as sock:
        sock.send(message(kind, NLM_F_DUMP, body))
        while True:
            for got, answer in messages(sock.recv(1 << 17)):
                if got == NLMSG_DONE:
                    return
                if got == NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", answer)[0], "dump")
                yield answer


# ---- Reading ----

def read_links():
    """{index: {attribute: value, "up": …}}"""
    links = {}
    for body in dump(NETLINK_ROUTE, RTM_GETLINK, bytes(IFINFOMSG)):
        _, _, index, flags, _ = struct.unpack_from("=BxHiII", body)
        links[index] = {**dict(attrs(body[IFINFOMSG:])), "up": flags & IFF_UP}
    return links


def read_inet(kind, header, skip_attributes, is_ours):
    """What the kernel tells, without what changes by itself: good for asking for it again."""
    found = set()
    for body in dump(NETLINK_ROUTE, kind, bytes(header)):
        if body[0] not in (socket.AF_INET, socket.AF_INET6) or not is_ours(body):
            continue
        head = body[:8] + bytes(4) if kind == RTM_GETROUTE else body[:header]  # no rtm_flags
        found.add(head + b"".join(attr(k, v) for k, v in attrs(body[header:])
                                  if k not in skip_attributes))
    return found


def read_elements():
    """{(family, table, set, element)}"""
    found = set()
    for body in dump(NETLINK_NETFILTER, NFT_MSG_GETSET, bytes(NFGENMSG)):
        names = dict(attrs(body[NFGENMSG:]))
        ask = struct.pack("=BBH", body[0], 0, 0) + attr(1, names[1]) + attr(2, names[2])
        for answer in dump(NETLINK_NETFILTER, NFT_MSG_GETSETELEM, ask):
            for element in attrs(dict(attrs(answer[NFGENMSG:])).get(3, b"")):
                found.add((body[0], names[1], names[2], element[1]))
    return found


def read_sysctls():
    """{path: value} of interfaces, where it is not the one new interfaces get"""
    found = {}
    for part, usual in (("ipv4/conf", "default"), ("ipv6/conf", "default"), ("ipv4/neigh", "lo"),
                        ("ipv6/neigh", "lo")):
        top = pathlib.Path("/proc/sys/net", part)
        default = {f.name: _value(f) for f in (top / usual).iterdir()}
        for folder in top.iterdir():
            if folder.name in ("all", "default"):
                continue
            for file in folder.iterdir():
                value = _value(file)
                if value is not None and value != default.get(file.name, value) and file.name != "mtu":
                    found[str(file)] = value
    return found


def _value(file):
    try:
        return file.read_text()
    except OSError:
        return None  # write-only, or not set


class Namespace:
    def __init__(self, host, inner):
        with host.inside():
            self.links = read_links()
            self.addresses = read_inet(RTM_GETADDR, IFADDRMSG, (IFA_CACHEINFO,), lambda body: dict(
                attrs(body[IFADDRMSG:])).get(IFA_PROTO, b"\1")[0] > IFAPROT_KERNEL_LL)
            self.routes = read_inet(RTM_GETROUTE, RTMSG, (RTA_CACHEINFO,),
                                    lambda body: body[5] > RTPROT_KERNEL)
            self.rules = read_inet(RTM_GETRULE, RULEMSG, (), lambda body: dict(
                attrs(body[RULEMSG:])).get(FRA_PROTOCOL, b"\2")[0] > RTPROT_KERNEL)
            self.elements = read_elements()
            self.sysctls = read_sysctls() if not inner else {}

    def minus(self, other):
        self.links = {i: v for i, v in self.links.items() if i not in other.links}
        self.sysctls = {k: v for k, v in self.sysctls.items() if k not in other.sysctls}
        for name in ("addresses", "routes", "rules", "elements"):
            setattr(self, name, getattr(self, name) - getattr(other, name))
        return self

    def objects(self):
        """In a form that two equal states share. MACs: those of a veth's outer end are random."""
        links = {_canonical(i, link) for i, link in self.links.items()}
        return {"links": links, "addresses": self.addresses, "routes": self.routes,
                "rules": self.rules, "elements": self.elements, "sysctls": set(self.sysctls.items())}


def kind_of(link):
    return dict(attrs(link.get(IFLA_LINKINFO, b""))).get(IFLA_INFO_KIND, b"").rstrip(b"\0")


def _slave_flags(link):
    data = dict(attrs(dict(attrs(link.get(IFLA_LINKINFO, b""))).get(IFLA_INFO_SLAVE_DATA, b"")))
    return {k: data[k][0] for k, default in BRPORT_FLAGS.items() if k in data and data[k][0] != default}


def _bridge_options(link):
    data = dict(attrs(dict(attrs(link.get(IFLA_LINKINFO, b""))).get(IFLA_INFO_DATA, b"")))
    return struct.unpack_from("=I", data[IFLA_BR_MULTI_BOOLOPT])[0]


def _canonical(index, link):
    kind = kind_of(link)
    return (index, link[IFLA_IFNAME], kind, link["up"], link[IFLA_MTU], link.get(IFLA_MASTER),
            link.get(IFLA_LINK), tuple(_slave_flags(link).items()), link[IFLA_NUM_TX_QUEUES],
            _bridge_options(link) if kind == b"bridge" else
            link[IFLA_ADDRESS] if link[IFLA_IFNAME].startswith(b"eth") else None)


def take(hosts, before=None):
    """[Namespace] of the node and its apps; with before: only what is new."""
    state = [Namespace(host, host is not hosts[0]) for host in hosts]
    return [new.minus(old) for new, old in zip(state, before)] if before else state


def differences(one, other):
    """[(namespace, section, object)] that only one of them has"""
    return [(n, section, thing) for n, (a, b) in enumerate(zip(one, other))
            for section, things in a.objects().items() for thing in things ^ b.objects()[section]]


def count(state):
    return sum(len(things) for namespace in state for things in namespace.objects().values())


# ---- Making ----

def batches(protocol, netns, requests):
    """Records for raw_send; the kernel answers the last message of each, and those that fail."""
    out, batch = [], b""
    for i, one in enumerate(requests):
        last = i + 1 == len(requests) or len(batch) + len(one) + len(requests[i + 1]) > BATCH_BYTES
        if last:
            one = one[:6] + struct.pack("=H", struct.unpack_from("=H", one, 6)[0] | NLM_F_ACK) + one[8:]
        batch += one
        if last:
            out.append(record(protocol, netns, batch))
            batch = b""
    return b"".join(out)


def record(protocol, netns, data):
    return struct.pack("=HHI", protocol, netns, len(data)) + data


def sysctl(path, value):
    return record(SYSCTL, 0, struct.pack("=64s64s", path.encode(), value.encode()))


def ifinfo(index, up=False, family=0):
    return struct.pack("=BxHiII", family, 0, index, IFF_UP * up, IFF_UP * up)


def linkinfo(kind, data=b""):
    return attr(IFLA_LINKINFO, attr(IFLA_INFO_KIND, kind) + attr(IFLA_INFO_DATA, data))


def new_bridge(index, link):
    options = _bridge_options(link)
    data = attr(IFLA_BR_MULTI_BOOLOPT, struct.pack("=II", options, options)) if options else b""
    return message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfo(index, up=True) + attr(
        IFLA_IFNAME, link[IFLA_IFNAME]) + attr(IFLA_ADDRESS, link[IFLA_ADDRESS]) + attr(
        IFLA_GROUP, GROUP) + linkinfo(b"bridge", data))


ONE_QUEUE = attr(IFLA_NUM_TX_QUEUES, 1) + attr(IFLA_NUM_RX_QUEUES, 1)


def new_pair(index, link, netns, peer_index, peer):
    data = ifinfo(peer_index) + attr(IFLA_IFNAME, peer[IFLA_IFNAME]) + attr(
        IFLA_ADDRESS, peer[IFLA_ADDRESS]) + ONE_QUEUE + attr(IFLA_NET_NS_FD, NETNS_FD + netns)
    return message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfo(index, up=True) + attr(
        IFLA_IFNAME, link[IFLA_IFNAME]) + attr(IFLA_GROUP, GROUP) + attr(
        IFLA_MASTER, link[IFLA_MASTER]) + ONE_QUEUE + linkinfo(
        b"veth", attr(VETH_INFO_PEER, data)))


def port_flags(index, link):
    flags = b"".join(attr(k, bytes([v])) for k, v in _slave_flags(link).items())
    return message(RTM_SETLINK, 0, ifinfo(index, family=AF_BRIDGE) + attr(
        IFLA_PROTINFO | NLA_F_NESTED, flags))


def elements(kind, found):
    """One transaction, one message for each set."""
    header = struct.pack("=BBH", 0, 0, socket.htons(10))
    out = message(NFNL_MSG_BATCH_BEGIN, 0, header)
    sets = itertools.groupby(sorted(found), lambda e: e[:3])
    groups = [(key, list(group)) for key, group in sets]
    for n, ((family, table, name), group) in enumerate(groups):
        body = struct.pack("=BBH", family, 0, 0) + attr(1, table) + attr(2, name) + attr(
            3 | NLA_F_NESTED, b"".join(attr(1 | NLA_F_NESTED, e[3]) for e in group))
        out += message(kind, NLM_F_CREATE | NLM_F_ACK * (n + 1 == len(groups)), body)
    return record(NETLINK_NETFILTER, 0, out + message(NFNL_MSG_BATCH_END, 0, header))


def peers(state):
    """{index in the node's namespace: (namespace, index there, link)}"""
    found = {}
    for netns, namespace in enumerate(state[1:], 1):
        for index, link in namespace.links.items():
            found[struct.unpack("=I", link[IFLA_LINK])[0]] = (netns, index, link)
    return found


def making(state):
    """All of that state, for raw_send: what apps meet stands before they have an interface."""
    node, ends = state[0], peers(state)
    bridges = [new_bridge(i, v) for i, v in node.links.items() if kind_of(v) == b"bridge"]
    pairs, raised = [], {}
    for index, link in node.links.items():
        if index in ends:
            netns, peer_index, peer = ends[index]
            pairs += [new_pair(index, link, netns, peer_index, peer), port_flags(index, link)]
            raised[netns] = [message(RTM_SETLINK, 0, ifinfo(peer_index, up=True))]
    new = NLM_F_CREATE | NLM_F_EXCL
    out = batches(NETLINK_ROUTE, 0, bridges)
    out += b"".join(itertools.starmap(sysctl, sorted(node.sysctls.items())))
    out += elements(NFT_MSG_NEWSETELEM, node.elements)
    inner = [inet(namespace, new) for namespace in state]
    out += batches(NETLINK_ROUTE, 0, inner[0])
    out += batches(NETLINK_ROUTE, 0, pairs)
    for netns, messages in raised.items():
        out += batches(NETLINK_ROUTE, netns, messages + inner[netns])
    return out


def inet(namespace, flags):
    by_scope = sorted(namespace.routes, key=lambda body: -body[6])  # a gateway's way before it
    return [message(RTM_NEWADDR, flags, body) for body in sorted(namespace.addresses)] + \
        [message(RTM_NEWROUTE, flags, body) for body in by_scope] + \
        [message(RTM_NEWRULE, flags, body) for body in sorted(namespace.rules)]


def removing(state):
    """The same backwards: what does not go with the links, and the group of links in one request."""
    node = state[0]
    links = {struct.pack("=i", index) for index in node.links}
    stay = [body for body in node.routes if dict(attrs(body[RTMSG:])).get(RTA_OIF) not in links]
    messages = [message(RTM_DELROUTE, 0, body) for body in stay] + \
        [message(RTM_DELRULE, 0, body) for body in node.rules] + \
        [message(RTM_DELLINK, 0, ifinfo(0) + attr(IFLA_GROUP, GROUP))]
    return elements(NFT_MSG_DELSETELEM, node.elements) + batches(NETLINK_ROUTE, 0, messages)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return os.fspath(path)
