# SPDX-License-Identifier: MIT
"""What waits says for what, and what cannot be borne or cannot begin in time is not begun."""
import unittest

from support import ServiceCase, wait_for
from support.limits import SHORT


class AdmissionCase(ServiceCase):
    instances = 5
    service_options = {"stuck_ms": 600000}

    def start_one(self, index, **body):
        return self.client.post(f"/api/instances/{index}/start", body or None).json

    def waiting_for(self, operation, code):
        """What it waits for, as soon as that is CODE."""
        def look():
            waiting = self.client.operation(operation["id"])["waiting_for"]
            return waiting if waiting and waiting["code"] == code else None
        try:
            return wait_for(look, f"an operation that waits for {code}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.client.get('/api/operations').json}") from None

    def hold_gate(self):
        """A start of instance 0 that goes on for as long as nobody lets it go: without a VM it would
        be stuck after 40 s, with one after stuck_ms, and what is stuck leaves the gate to others."""
        self.simulator.set(**{"fault.0": "no_kernel_boot"})
        holder = self.start_one(0)
        wait_for(lambda: self.simulator.count("launch") == 1, "the launch")
        return holder

    def cancel(self, *operations):
        for operation in operations:
            self.client.request("POST", f"/api/operations/{operation['id']}/cancel")


class Waiting(AdmissionCase):
    def test_a_gate_names_what_is_behind_it(self):
        holder = self.hold_gate()
        waits = self.start_one(1)
        waiting = self.waiting_for(waits, "gate")
        self.assertEqual(waiting["operation"], holder["id"])
        instance = self.client.instance(0)
        self.assertEqual(waiting["instance"],
                         {"id": instance["id"], "index": 0, "name": instance["name"]})
        self.assertIn(f"'{instance['name']}'", waiting["detail"])
        listed = {o["id"]: o for o in self.client.get("/api/operations").json["items"]}
        self.assertEqual(listed[waits["id"]]["waiting_for"]["code"], "gate")
        self.assertIsNone(self.client.operation(holder["id"])["waiting_for"])

        batch = self.client.post("/api/instances/batch",
                                 {"action": "start", "select": {"ids": [2, 3]}}).json
        for child in self.client.operation(batch["id"])["children"]:
            self.waiting_for(child, "gate")

        behind = self.client.post("/api/instances/1/stop").json
        self.assertEqual(self.waiting_for(behind, "line")["operation"], waits["id"])
        self.cancel(behind, waits, batch, holder)
        self.assertIsNone(self.client.wait(waits, "cancelled")["waiting_for"])

    def test_what_cannot_begin_in_time_is_refused(self):
        holder = self.hold_gate()
        first = self.start_one(1, begin_within_s=86400)
        answer = self.client.request("POST", "/api/instances/2/start", {"begin_within_s": 1})
        self.assert_problem(answer, 503, "TOO_LATE_ALREADY")
        self.assertGreater(answer.json["retry_after_ms"], 0)
        self.assertIn("Retry-After", answer.headers)
        answer = self.client.request("POST", "/api/instances/2/start", {"begin_within_s": 0})
        self.assert_problem(answer, 422, "VALIDATION_FAILED")
        self.cancel(first, holder)


    def test_what_has_not_begun_in_time_is_not_begun_any_more(self):
        """Each kind of command, behind a start that goes on."""
        holder = self.hold_gate()
        wait_for(lambda: self.client.instance(0)["state"] in ("starting", "booting"), "the player")
        answer = self.client.request("POST", "/api/instances/0/restart", {"begin_within_s": 1})
        self.assert_problem(answer, 503, "TOO_LATE_ALREADY")
        waits = [
            self.client.post("/api/instances/0/stop", {"begin_within_s": 1}).json,
            self.client.post("/api/instances/0/rename", {"name": "x", "begin_within_s": 1}).json,
            self.client.patch("/api/instances/0", {"name": "y", "begin_within_s": 1}).json,
            self.client.post("/api/instances/batch", {
                "action": "remove", "select": {"ids": [0]},
                "options": {"force": True, "begin_within_s": 1}}).json["children"][0],
        ]
        for operation in waits:
            with self.subTest(operation["kind"]):
                ended = self.client.wait(operation, "timed_out")
                self.assertEqual(ended["error"]["code"], "NOT_BEGUN_IN_TIME")
                self.assertIn("nothing was done", ended["error"]["detail"])
        self.assertIsNone(self.client.operation(holder["id"])["ended_at"])
        self.cancel(holder)

    def test_what_begins_in_time_is_done(self):
        made = self.client.run("POST", "/api/instances", {"name": "soon", "begin_within_s": 60})
        self.assertEqual(made["result"]["name"], "soon")
        copy = self.client.run("POST", "/api/instances/1/clone", {"begin_within_s": 60})
        self.assertEqual(copy["status"], "succeeded")
        batch = self.client.run("POST", "/api/instances/batch", {
            "action": "modify", "select": {"ids": [1, 2]},
            "options": {"quarantine": None, "begin_within_s": 60}})
        self.assertEqual({c["status"] for c in batch["children"]}, {"succeeded"})

    def test_a_removal_takes_its_options_from_the_query(self):
        answer = self.client.request("DELETE", "/api/instances/1", {"force": True})
        self.assert_problem(answer, 422, "VALIDATION_FAILED")
        self.assertIn("query", answer.json["detail"])


class Pressure(AdmissionCase):
    # No machine has so much room.
    service_options = {"launch_min_disk_mb": 1073741824}

    def test_a_launch_waits_for_the_machine(self):
        operation = self.start_one(1)
        waiting = wait_for(
            lambda: self.with_figures(self.client.operation(operation["id"])["waiting_for"]),
            "the figures of the disk")
        self.assertEqual(waiting["code"], "pressure")
        self.assertEqual(self.simulator.calls("launch"), [])
        self.service.restart(launch_min_disk_mb=1)
        self.client.wait(operation)

    @staticmethod
    def with_figures(waiting):
        return waiting if waiting and "launch_min_disk_mb" in waiting["detail"] else None

    def test_what_the_machine_can_never_bear_fails_at_once(self):
        self.service.restart(launch_min_disk_mb=0, launch_min_memory_mb=1048576)
        ended = self.client.run("POST", "/api/instances/1/start", status="failed")
        self.assertEqual(ended["error"]["code"], "HOST_TOO_SMALL")


class Floor(AdmissionCase):
    def test_too_little_memory_is_refused_unless_forced(self):
        self.client.run("PATCH", "/api/instances/1", {"settings": {"memory_mb": 512}})
        answer = self.client.request("POST", "/api/instances/1/start")
        self.assert_problem(answer, 409, "MEMORY_BELOW_FLOOR")
        self.assertEqual(self.simulator.calls("launch"), [])
        ended = self.client.run("POST", "/api/instances/1/start", {"force": True})
        self.assertIn("512 MB of memory", ended["result"]["note"])


class VmService(AdmissionCase):
    service_options = SHORT

    def test_starts_wait_when_three_instances_had_no_vm(self):
        self.simulator.set(svc_dead="true")
        for index in range(3):
            self.client.run("POST", f"/api/instances/{index}/start", status=None)
        launches = self.simulator.count("launch")
        waits = self.start_one(3)
        self.assertIn("vm-service", self.waiting_for(waits, "breaker")["detail"])
        self.assertEqual(self.simulator.count("launch"), launches)
        self.cancel(waits)


if __name__ == "__main__":
    unittest.main()
