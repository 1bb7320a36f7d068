# SPDX-License-Identifier: Apache-2.0
"""The bus peer of the other tests (buspeer.py): once closed it says nothing more to anybody."""

import os
import socket
import threading

import pytest

from buspeer import Publisher


def test_closed_publisher_serves_nobody_and_leaves_no_thread(tmp_path):
    threads = threading.active_count()
    publisher = Publisher(tmp_path, "lps", "LocalNetworkConfig")
    other = tmp_path / "other"
    os.link(publisher.path, other)  # as one who is about to connect when it closes
    publisher.close()
    assert threading.active_count() == threads
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(str(other))


def test_close_again_leaves_the_successor_alone(tmp_path):
    first = Publisher(tmp_path, "lps", "LocalNetworkConfig")
    first.close()
    second = Publisher(tmp_path, "lps", "LocalNetworkConfig")
    first.close()
    assert second.path.exists()
    second.close()
    assert not second.path.exists()
