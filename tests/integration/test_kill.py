# SPDX-License-Identifier: MIT
"""kill -9 while everybody is at work: commands with and without keys, workstations, tokens by the
API and by the command line, pruning, readers of events. Nothing that was acknowledged is lost,
nothing is done or told twice, no number means two events.

LDP_KILL_ROUNDS says how often (`./run crash`), LDP_SEED repeats the choices of a run."""
import os
import time
import unittest

from support import IS_WINDOWS, ServiceCase, wait_for
from support.storm import Storm

ROUNDS = int(os.environ.get("LDP_KILL_ROUNDS", 2 if IS_WINDOWS else 6))


class Kill(ServiceCase):
    instances = 4
    service_options = {
        "start_timeout_ms": 6000,
        "stop_timeout_ms": 6000,
        "manage_timeout_ms": 6000,
        "event_ring": 2000,
    }

    def prepare(self):
        # A child that takes a moment is more often cut off in the middle.
        self.simulator.set(latency_ms=20)

    def test_nothing_is_lost_doubled_or_used_again(self):
        seed = int(os.environ.get("LDP_SEED", time.time_ns() % 1000000))
        print(f"seed {seed} (set LDP_SEED to repeat), {ROUNDS} rounds", flush=True)
        storm = Storm(self.service, self.instances, seed)
        storm.begin()
        client = self.service.client()
        n_checked = n_tokens = 0
        for number in range(ROUNDS):
            storm.kill(2)
            # What this round has added; the rest is looked at in the end.
            commands, tokens = storm.commands[n_checked:], storm.tokens[n_tokens:]
            n_checked, n_tokens = n_checked + len(commands), n_tokens + len(tokens)
            storm.check_commands(client, commands)
            storm.check_tokens(tokens)
            storm.resume()
            if number % 10 == 9:
                print(f"round {number + 1}: {storm.summary()}", flush=True)
                # A round is too short for a start: without a rest there are only waiting ones soon,
                # and no new commands.
                wait_for(lambda: not storm.is_busy(client), "room for new commands", 300, 0.2)
            if storm.problems:
                break
        storm.end()
        self.service.wait_until_observed(client)
        storm.check_commands(client, storm.commands)
        wait_for(
            lambda: all(
                client.get(f"/api/operations?status={status}&limit=1").json["total"] == 0
                for status in ("queued", "running")
            ),
            "the end of all operations", 300, 0.2,
        )
        storm.check_tokens(storm.tokens)
        storm.check_stations(client)
        storm.check_breaker(client)
        storm.check_pruned(client)
        storm.check_events(client)
        storm.check_calls(self.simulator)
        print(storm.summary(), flush=True)
        self.assertFalse(storm.problems, "\n" + "\n".join(storm.problems))
        self.assertGreaterEqual(sum(len(c.operations) for c in storm.commands), ROUNDS)


if __name__ == "__main__":
    unittest.main()
