# SPDX-License-Identifier: MIT
"""Waiting by looking at a condition, with a deadline that only a broken program meets."""
import time

GENEROUS_S = 60


class Deadline:
    def __init__(self, seconds=GENEROUS_S):
        self.end = time.monotonic() + seconds

    def left(self):
        return max(0.001, self.end - time.monotonic())

    def is_over(self):
        return time.monotonic() >= self.end


def wait_for(condition, what, seconds=GENEROUS_S, every=0.02):
    """Calls condition until it gives something true, and returns that."""
    deadline = Deadline(seconds)
    while True:
        value = condition()
        if value:
            return value
        if deadline.is_over():
            raise AssertionError(f"waited {seconds} s in vain for {what}; last seen: {value!r}")
        time.sleep(every)
