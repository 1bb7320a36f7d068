# SPDX-License-Identifier: Apache-2.0
"""The node most tests start from.

     app-a  eth0 in ni4 (10.1.0.0/24)  eth1 in ni6 (fd00:1::/64)
     app-b  the same two                                        node -- isp-a, isp-b -- internet
"""

import ipaddress
import itertools

import topology
from config import Config, allow_all, uuid_of
from packets import icmp_arrives
from waiting import wait_for


class Edge:
    def __init__(self, net, node):
        self.net, self.node = net, node
        self.config = None

    def start(self, config=None):
        """Up, apps connected, and traffic flowing to the internet by IPv4 and IPv6."""
        self.config = config or self.standard_config()
        self.make_apps()
        self.node.start(self.config)
        self.wait_applied(self.config)
        self.wait_internet("app-a", topology.WEB4)
        if self.config.root["networks"][0]["type"] != "V4Only":
            self.wait_internet("app-a", topology.WEB6)
        return self

    def make_apps(self):
        for name in ("app-a", "app-b"):
            if name not in self.net.hosts:
                self.net.host(name)

    def standard_config(self, version=1, acl=None, static=False):
        """static: ports with fixed addresses, IPv4 only, instead of DHCP and router advertisements."""
        config = Config(version)
        for n, label in enumerate(("uplink-a", "uplink-b"), 1):
            if static:
                config.port(label, f"eth{n - 1}", cost=10 * (n - 1), kind="V4Only",
                            address=f"192.168.{n}.2/24", gateway=f"192.168.{n}.1", dns=[f"192.168.{n}.1"])
            else:
                config.port(label, f"eth{n - 1}", cost=10 * (n - 1))
        four = config.instance("ni4", "10.1.0.0/24")
        six = config.instance("ni6", "fd00:1::/64", port="" if static else "uplink")
        for name in ("app-a", "app-b"):
            app = config.app(name, self.net.netns_name(name))
            app.adapter(four, acl=allow_all() if acl is None else acl)
            app.adapter(six, acl=allow_all() if acl is None else acl)
        return config

    def wait_applied(self, config):
        """Until instances, apps and all plans are as that configuration says."""
        instances = {i["uuidandversion"]["uuid"] for i in config.root["networkInstances"] if i["activate"]}
        apps = {a["uuidandversion"]["uuid"] for a in config.root["apps"] if a["activate"]}
        self.node.wait("NetworkInstanceStatus", lambda t: {
            key for key, value in t.items() if value.get("state") == "NI_STATE_ONLINE"} == instances,
            f"{len(instances)} network instances online", 30)
        self.node.wait("DomainStatus", lambda t: {
            key for key, value in t.items() if value.get("state") == "DOMAIN_RUNNING"} == apps,
            f"{len(apps)} apps running", 30)
        clients = {n["id"] for n in config.root["networks"] if n["ip"]["dhcp"] == "Client"}
        for adapter in config.root["systemAdapterList"]:
            if adapter["networkUUID"] in clients:
                self.wait_leases(adapter["name"])
        self.node.wait_settled()

    def wait_leases(self, port):
        """Until it has all it gets: an address each by DHCP, router advertisement and DHCPv6."""
        self.node.wait("DeviceNetworkStatus", lambda t: [
            p for p in t.get("global", {}).get("ports", []) if p["logicallabel"] == port
            and len(p["addresses"]) == 3 and p["usable4"] and p["usable6"]],
            f"{port} has all its addresses", 20)

    def wait_internet(self, app, address):
        wait_for(lambda: icmp_arrives(self.net[app], address, self.net["internet"]),
                 f"{app} reaches {address}", 15)

    def app(self, name):
        return self.net[name]

    def vif(self, app, adapter=0):
        """VifStatus of an app's adapter: ifname, mac, addresses, gateway …"""
        return self.node.row("AppNetworkStatus", uuid_of("app", app))["vifs"][adapter]

    def address(self, app, version=4):
        """The app's address in ni4 or ni6."""
        vif = self.vif(app, 0 if version == 4 else 1)
        return str(ipaddress.ip_interface(vif["addresses"][0]).ip)

    def gateway(self, version=4):
        return self.vif("app-a", 0 if version == 4 else 1)["gateway"]


class Listed(Edge):
    """An edge that is up already, whose app-a gets other ACLs."""

    def __init__(self, net, node):
        super().__init__(net, node)
        self.versions = itertools.count(2)

    def apply(self, acl):
        version = next(self.versions)
        config = self.standard_config(version)
        for adapter in config.root["apps"][0]["interfaces"]:
            adapter["acls"] = [{**entry, "id": n} for n, entry in enumerate(acl, 1)]
        self.node.configure(config)
        wait_for(lambda: self.node.row("ConfigStatus").get("version") == str(version), "the configuration is read")
        self.node.wait_settled()
        return self
