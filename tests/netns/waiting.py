# SPDX-License-Identifier: Apache-2.0
"""Waiting for what must come true, and watching that something never does."""

import os
import threading
import time

SLOW = float(os.environ.get("EDGEWAY_SLOW", "1"))  # how much longer than on bare metal
_never = threading.Event()


class Timeout(AssertionError):
    pass


def wait_for(condition, what, timeout=5.0, wake=None, every=0.01, told=None):
    """Returns the first true value of condition(). told() adds to the words of a failure.

    It is asked again whenever wake, a threading.Condition, is notified, and at least each
    `every` seconds. timeout is for a machine that is not slowed down by emulation.
    """
    begin = time.monotonic()
    limit = timeout * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() - begin > limit:
            why = f"\n{told()}" if told else f" (last: {value!r})"
            raise Timeout(f"not within {limit:.1f} s: {what}{why}")
        pause(every, wake)


def pause(seconds, wake=None):
    """Only for pacing and for letting a quiet time pass: to wait for something, use wait_for."""
    if wake is None:
        _never.wait(seconds)
        return
    with wake:
        wake.wait(seconds)


class Stopwatch:
    """with Stopwatch() as took: …  assert took.seconds < 1 * SLOW"""

    def __enter__(self):
        self.begin = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begin
