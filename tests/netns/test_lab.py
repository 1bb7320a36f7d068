# SPDX-License-Identifier: Apache-2.0
"""The lab has what it is there for."""

import pytest

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("link", [
    "link add vlan5 link eth0 type vlan id 5",
    "link add bond1 type bond mode 802.3ad",
    "link add vrf1 type vrf table 9",
    "link add dummy1 type dummy",
    "link add filtering type bridge vlan_filtering 1",
], ids=lambda line: line.split(" type ")[1].split()[0])
def test_kernel_makes_links_that_others_lack(make_net, link):
    net = make_net()
    net.host("one")
    net.host("other")
    net.cable("one:eth0", "other:eth0")
    net["one"].configure(link)
