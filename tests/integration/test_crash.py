# SPDX-License-Identifier: MIT
"""kill -9 at any moment: what was acknowledged is found again and ends, and nothing is done twice."""
import collections
import http.client
import os
import random
import threading
import time
import unittest

from support import ServiceCase, wait_for

ROUNDS = int(os.environ.get("LDP_CRASH_ROUNDS", 20))


class Crash(ServiceCase):
    instances = 4
    service_options = {
        "start_timeout_ms": 6000,
        "stop_timeout_ms": 6000,
        "manage_timeout_ms": 6000,
    }

    def setUp(self):
        seed = int(os.environ.get("LDP_SEED", time.time_ns() % 1000000))
        self.seed = seed
        self.random = random.Random(seed)
        self.acknowledged = {}  # operation id -> request
        self.sent = []  # every request, acknowledged or not
        super().setUp()

    def commands(self, round_number):
        """A few commands whose vendor calls can be told apart from all others."""
        name = f"r{round_number}-{len(self.sent)}"
        target = self.random.randrange(self.instances)
        return self.random.choice(
            [
                ("POST", "/api/instances", {"name": name}),
                ("POST", f"/api/instances/{target}/rename", {"name": name}),
                ("POST", f"/api/instances/{target}/start", None),
                ("POST", f"/api/instances/{target}/stop", None),
            ]
        )

    def send_until_the_end(self, client, round_number):
        """Sends commands until the service is gone."""
        while True:
            request = self.commands(round_number)
            self.sent.append(request)
            try:
                answer = client.request(*request)
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 202:
                self.acknowledged[answer.json["id"]] = request
            time.sleep(self.random.random() * 0.2)

    def crash_once(self, round_number):
        client = self.service.client()
        sender = threading.Thread(target=self.send_until_the_end, args=(client, round_number))
        sender.start()
        time.sleep(self.random.random() * 0.8)
        self.service.kill()
        sender.join()
        self.service.start()

    def open_operations(self, client):
        return [
            operation["id"]
            for status in ("queued", "running")
            for operation in client.get(f"/api/operations?status={status}").json["items"]
        ]

    def check_calls(self):
        """No vendor command twice for one request."""
        adds = collections.Counter(argv[-1] for argv in self.simulator.calls("add"))
        self.assertEqual([n for n, count in adds.items() if count > 1], [])
        renames = collections.Counter(argv[-1] for argv in self.simulator.calls("rename"))
        self.assertEqual([n for n, count in renames.items() if count > 1], [])
        for verb in ("launch", "quit"):
            path = {"launch": "start", "quit": "stop"}[verb]
            wanted = collections.Counter(
                request[1].split("/")[3] for request in self.sent if request[1].endswith(path)
            )
            issued = collections.Counter(argv[-1] for argv in self.simulator.calls(verb))
            for index, count in issued.items():
                most = wanted[index] * (2 if verb == "quit" else 1)
                self.assertLessEqual(count, most, f"{verb} {index}")

    def prepare(self):
        # A child that takes a moment is more often cut off in the middle.
        self.simulator.set(latency_ms=30)

    def test_nothing_is_lost_and_nothing_is_done_twice(self):
        print(f"seed {self.seed} (set LDP_SEED to repeat)", flush=True)
        for round_number in range(ROUNDS):
            self.crash_once(round_number)
        client = self.service.client()
        wait_for(lambda: not self.open_operations(client), "the end of all operations", 120, 0.1)

        self.assertGreater(len(self.acknowledged), ROUNDS)
        ended = collections.Counter()
        for operation_id, request in self.acknowledged.items():
            operation = client.operation(operation_id)
            self.assertTrue(operation["ended_at"], operation)
            ended[operation["status"]] += 1
            if operation["status"] == "succeeded" and request[1] == "/api/instances":
                self.assertEqual(operation["result"]["name"], request[2]["name"])
        print(f"{len(self.sent)} requests, acknowledged: {dict(ended)}", flush=True)
        # Operations that all fail would break no rule.
        self.assertGreater(ended["succeeded"], 0)
        self.check_calls()

        # What an operation says it created is there, once; what it says did not happen is not.
        names = collections.Counter(i["name"] for i in client.instances("?max_age_ms=0"))
        for operation_id, request in self.acknowledged.items():
            operation = client.operation(operation_id)
            expected = {"succeeded": 1, "interrupted": 0}.get(operation["status"])
            if request[1] == "/api/instances" and expected is not None:
                self.assertEqual(names[request[2]["name"]], expected, operation)

    def test_running_instances_are_adopted_untouched(self):
        for index in range(2):
            self.client.run("POST", f"/api/instances/{index}/start")
        before = {i["id"]: (i["pid"], i["vbox_pid"]) for i in self.client.instances()}
        calls = len(self.simulator.calls("launch")) + len(self.simulator.calls("quit"))
        for _ in range(3):
            self.service.kill()
            self.service.start()
            self.service.wait_until_observed(self.client)
            after = {i["id"]: (i["pid"], i["vbox_pid"]) for i in self.client.instances()}
            self.assertEqual(after, before)
        self.assertEqual(
            len(self.simulator.calls("launch")) + len(self.simulator.calls("quit")), calls
        )

    def test_a_start_cut_in_half_is_settled_by_looking(self):
        self.simulator.set(**{"latency_ms.launch": 300})
        operation = self.client.post("/api/instances/0/start").json
        wait_for(lambda: self.simulator.calls("launch"), "the launch")
        self.service.kill()
        self.service.start()
        ended = self.client.wait(operation, None)
        self.assertIn(ended["status"], ("succeeded", "failed", "interrupted", "timed_out"))
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def test_a_launch_cut_off_without_effect_is_interrupted(self):
        self.simulator.set(**{"hang.launch": 1})
        operation = self.client.post("/api/instances/0/start").json
        wait_for(lambda: self.simulator.count("launch"), "the launch")
        self.service.kill()
        self.service.start()
        self.client.wait(operation, "interrupted")
        told = self.client.told("operation.interrupted")[-1]["data"]
        self.assertEqual(told["id"], operation["id"])
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def test_a_repeated_request_after_a_crash_is_the_same_operation(self):
        key = {"Idempotency-Key": "k"}
        first = self.client.post("/api/instances", {"name": "once"}, headers=key).json
        self.service.kill()
        self.service.start()
        again = self.client.request("POST", "/api/instances", {"name": "once"}, headers=key)
        self.assertEqual(again.json["id"], first["id"])
        self.client.wait(first, None)
        self.assertLessEqual(len(self.simulator.calls("add")), 1)


if __name__ == "__main__":
    unittest.main()
