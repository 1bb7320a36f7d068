# SPDX-License-Identifier: Apache-2.0
"""Waiting for what must come true, and watching that something never does."""

import os
import threading
import time

import stalls

SLOW = float(os.environ.get("EDGEWAY_SLOW", "1"))  # how much longer than on bare metal
AGAIN = 3  # times that a limit begins anew on a slow machine
_never = threading.Event()


class Timeout(AssertionError):
    pass


def wait_for(condition, what, timeout=5.0, wake=None, every=0.01, told=None):
    """Returns the first true value of condition(). told() adds to the words of a failure.

    It is asked again whenever wake, a threading.Condition, is notified, and at least each
    `every` seconds. timeout is for a machine that is not slowed down by emulation. When it has passed,
    and others have the machine's processors or its RTNL lock at that moment, it begins anew.
    """
    begin = time.monotonic()
    limit, again = timeout * SLOW, AGAIN
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() - begin > limit:
            if again and stalls.machine_is_slow():
                begin, again = time.monotonic(), again - 1
                continue
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
