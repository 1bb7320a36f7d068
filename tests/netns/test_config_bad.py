# SPDX-License-Identifier: Apache-2.0
"""A bad configuration changes nothing, and says where it is bad."""

import json

import pytest

import packets
import snapshot
import topology


def broken(edge, how):
    root = json.loads(edge.standard_config(version=2).text())
    how(root)
    return json.dumps(root)


BAD = {
    "not-json": lambda edge: "{",
    "empty": lambda edge: "",
    "unknown-field": lambda edge: broken(edge, lambda r: r["apps"][0].update(colour="red")),
    "bad-enum": lambda edge: broken(edge, lambda r: r["networkInstances"][0].update(instType="Round")),
    "bad-subnet": lambda edge: broken(edge, lambda r: r["networkInstances"][0]["ip"].update(
        subnet="10.1.0.300/24")),
    "wrong-type": lambda edge: broken(edge, lambda r: r.update(apps="none")),
    "truncated": lambda edge: edge.standard_config(version=2).text()[:-200],
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_configuration_leaves_the_last_good_one_in_force(edge, kind):
    node = edge.node
    before = snapshot.take(node.host)
    with packets.Ping(edge.app("app-a"), topology.WEB4) as ping:
        ping.wait_answers(10)
        node.configure(BAD[kind](edge))
        status = node.wait("ConfigStatus", lambda t: t.get("global", {}).get("error"), "the error is told")
        ping.wait_answers(20)
    ping.result.assert_nothing_lost()
    assert status["global"]["version"] == "1"
    snapshot.assert_same(before, snapshot.take(node.host))

    node.configure(edge.standard_config(version=3))
    node.wait("ConfigStatus", lambda t: t.get("global", {}).get("version") == "3"
              and not t["global"].get("error"), "a good one heals it")


def test_bad_configuration_is_survived_by_a_restart(edge):
    """The last good one is kept on disk."""
    node = edge.node
    before = snapshot.take(node.host)
    node.configure("{")
    node.wait("ConfigStatus", lambda t: t.get("global", {}).get("error"), "the error is told")
    node.kill()
    node.start()
    node.wait_daemons()
    edge.wait_applied(edge.config)
    snapshot.assert_same(before, snapshot.take(node.host))
