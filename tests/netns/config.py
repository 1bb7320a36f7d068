# SPDX-License-Identifier: Apache-2.0
"""Writes device configurations: EVE's EdgeDevConfig, in proto3 JSON.

    config = Config()
    config.port("eth0")
    ni = config.instance("ni1", subnet="10.1.0.0/24")
    config.app("app1", netns="t1-app1").adapter(ni, acl=[allow("0.0.0.0/0")])
    config.write(path)
"""

import base64
import itertools
import json
import os
import uuid

NAMESPACE = uuid.UUID("a0b1c2d3-0000-4000-8000-000000000000")


def uuid_of(kind, name):
    """The same name gets the same UUID in every configuration."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def match(**matches):
    return [{"type": key, "value": str(value)} for key, value in matches.items()]


def allow(ip=None, protocol=None, lport=None, fport=None, direction="BOTH", **more):
    """One ACL entry. allow("10.0.0.0/8", "tcp", fport=80); without arguments, everything."""
    fields = {"ip": ip, "protocol": protocol, "lport": lport, "fport": fport, **more}
    return {"matches": match(**{k: v for k, v in fields.items() if v is not None}),
            "actions": [], "dir": direction}


def drop(*args, **kwargs):
    return {**allow(*args, **kwargs), "actions": [{"drop": True}]}


def port_map(protocol, external, internal, adapter="uplink"):
    return {"matches": match(protocol=protocol, lport=external, adapter=adapter),
            "actions": [{"portmap": True, "appPort": internal}], "dir": "INGRESS"}


ALLOW_ALL = (("0.0.0.0/0",), ("::/0",))


def allow_all():
    return [allow("0.0.0.0/0"), allow("::/0")]


class App:
    def __init__(self, entry, ids):
        self.entry, self.ids = entry, ids

    def adapter(self, instance, acl=None, mac=None, address=None, name=None):
        """acl None: everything is allowed."""
        adapter = {"name": name or f"eth{len(self.entry['interfaces'])}", "networkId": instance,
                   "acls": [{**entry, "id": next(self.ids)} for entry in (allow_all() if acl is None else acl)]}
        if mac:
            adapter["macAddress"] = mac
        if address:
            adapter["addr"] = address
        self.entry["interfaces"].append(adapter)
        return self


class Config:
    def __init__(self, version=1, dnsmasq=True):
        self.ids = itertools.count(1)
        self.root = {
            "id": {"uuid": uuid_of("device", "node"), "version": str(version)},
            "deviceIoList": [], "systemAdapterList": [], "networks": [], "vlans": [], "bonds": [],
            "networkInstances": [], "apps": [], "configItems": [],
        }
        if not dnsmasq:
            self.item("edgeway.dnsmasq", "off")

    def item(self, key, value):
        self.root["configItems"].append({"key": key, "value": str(value)})

    def physical(self, label, ifname=None):
        """A network port of the box, as such."""
        self.root["deviceIoList"].append({
            "ptype": "PhyIoNetEth", "phylabel": label, "logicallabel": label, "assigngrp": label,
            "phyaddrs": {"Ifname": ifname or label}, "usage": "PhyIoUsageMgmtAndApps"})

    def port(self, label, ifname=None, cost=0, address=None, gateway=None, mgmt=True, labels=(),
             lower=None, kind="V4", dns=(), mtu=0, local=False):
        """A port the node uses. By DHCP, or with address ("192.168.1.2/24") and gateway static.
        lower: label of a VLAN or bond; None makes the physical port as well.
        local: a local profile server may change it."""
        if lower is None:
            self.physical(label, ifname)
        network = uuid_of("network", label)
        ip = {"dhcp": "Client"}
        if address:
            ip = {"dhcp": "Static", "subnet": address, "gateway": gateway or "0.0.0.0", "dns": list(dns)}
        self.root["networks"].append({"id": network, "type": kind, "ip": ip, "mtu": mtu})
        adapter = {"name": label, "uplink": mgmt, "networkUUID": network, "cost": cost,
                   "lowerLayerName": lower or label, "sharedLabels": list(labels)}
        if address:
            adapter["addr"] = address.partition("/")[0]
        if local:
            adapter["allowLocalModifications"] = True
        self.root["systemAdapterList"].append(adapter)

    def pnac(self, label, profile="factory", identity="", ca=None):
        """802.1X on the physical port; ca: PEM text of the profile, else its ca.pem counts."""
        self.root.setdefault("pnacs", []).append({
            "logicallabel": label, "eapIdentity": identity, "eapMethod": "EAP_METHOD_TLS",
            "certEnrollmentProfileName": profile})
        if ca:
            self.root.setdefault("scepProfiles", []).append({
                "profileName": profile, "caCertPem": [base64.b64encode(ca.encode()).decode()]})

    def vlan(self, label, parent, vid):
        self.root["vlans"].append({"logicallabel": label, "interfaceName": label,
                                   "lowerLayerName": parent, "vlanId": vid})

    def bond(self, label, members, mode="BOND_MODE_ACTIVE_BACKUP", miimon_ms=100, lacp_fast=False, arp=None):
        """arp: monitored by it, (interval in ms, [targets]). miimon_ms None: by the default, if any."""
        bond = {"logicallabel": label, "interfaceName": label, "lowerLayerNames": list(members),
                "bondMode": mode, "lacpRate": "LACP_RATE_FAST" if lacp_fast else "LACP_RATE_SLOW"}
        if arp:
            bond["arp"] = {"interval": arp[0], "ipTargets": list(arp[1])}
        elif miimon_ms:
            bond["mii"] = {"interval": miimon_ms}
        self.root["bonds"].append(bond)

    def instance(self, name, subnet, port="uplink", gateway=None, activate=True, dns=(), static_dns=None):
        """A local network instance; returns its UUID. port "": air-gapped."""
        ip = {"subnet": subnet}
        if gateway:
            ip["gateway"] = gateway
        if dns:
            ip["dns"] = list(dns)
        instance = uuid_of("instance", name)
        self.root["networkInstances"].append({
            "uuidandversion": {"uuid": instance, "version": "1"}, "displayname": name,
            "instType": "ZnetInstLocal", "activate": activate, "port": {"name": port},
            "ipType": "IPV6" if ":" in subnet else "IPV4", "ip": ip,
            "dns": [{"HostName": host, "Address": list(addresses)}
                    for host, addresses in (static_dns or {}).items()]})
        return instance

    def app(self, name, netns, activate=True):
        entry = {"uuidandversion": {"uuid": uuid_of("app", name), "version": "1"}, "displayname": name,
                 "activate": activate, "interfaces": [], "fixedresources": {"extraargs": f"netns={netns}"}}
        self.root["apps"].append(entry)
        return App(entry, self.ids)

    def text(self):
        return json.dumps(self.root, indent=1)

    def write(self, path):
        """Replaces the file at once, as an operator's tool should."""
        os.rename(self.prepare(path), path)

    def prepare(self, path):
        """Only the new file beside it."""
        temporary = f"{path}.new"
        with open(temporary, "w") as file:
            file.write(self.text())
        return temporary
