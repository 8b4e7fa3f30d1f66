# SPDX-License-Identifier: MIT
"""Start, stop, restart: operations that end when the instance is what was asked for."""
import unittest

from support import ServiceCase, wait_for


class Lifecycle(ServiceCase):
    def test_a_start_ends_when_android_is_up(self):
        operation = self.client.post("/api/instances/1/start").json
        self.assertIn(operation["status"], ("queued", "running"))
        self.assertEqual(operation["kind"], "start")
        ended = self.client.wait(operation)
        self.assertIn(self.client.instance(1)["state"], ("running", "ready"))
        self.assertIsNotNone(ended["started_at"])
        self.assertEqual(ended["progress"]["percent"], 100)
        self.assertIn("launch", str(ended["evidence"]))
        instance = self.client.instance(1)
        self.assertGreater(instance["pid"], 0)
        self.assertGreater(instance["vbox_pid"], 0)

    def test_an_acknowledgement_leads_to_its_operation(self):
        answer = self.client.post("/api/instances/1/start")
        operation = answer.json
        self.assertEqual(answer.headers["Location"], f"/api/operations/{operation['id']}")
        self.client.wait(operation)

    def test_a_start_can_wait_for_the_guest_to_answer(self):
        self.client.run("POST", "/api/instances/0/start", {"until": "ready"})
        self.assertEqual(self.client.instance(0)["state"], "ready")

    def test_a_window_opens_as_asked(self):
        self.client.run("POST", "/api/instances/1/start", {"window": "hidden"})
        self.assertIn("--hide", self.simulator.calls("launch")[0])
        self.client.run("POST", "/api/instances/1/restart", {"window": "minimized"})
        self.assertIn("--mini", self.simulator.calls("launch")[1])
        noted = self.client.run("POST", "/api/instances/1/start", {"window": "hidden"})
        self.assertIn("its window stays as it is", noted["result"]["note"])
        self.client.run("POST", "/api/instances/batch",
                        {"action": "start", "select": {"ids": [0]},
                         "options": {"window": "minimized"}})
        self.assertIn("--mini", self.simulator.calls("launch")[2])

    def test_a_stop_ends_when_no_process_is_left(self):
        self.client.run("POST", "/api/instances/1/start")
        self.client.run("POST", "/api/instances/1/stop")
        self.assertEqual(self.client.instance(1)["state"], "stopped")
        processes = self.simulator.show()["processes"]
        self.assertEqual([p for p in processes if p.get("index") == 1], [])

    def test_a_restart_is_a_stop_and_a_start(self):
        self.client.run("POST", "/api/instances/1/start")
        before = self.client.instance(1)["pid"]
        self.client.run("POST", "/api/instances/1/restart")
        after = self.client.instance(1)
        self.assertIn(after["state"], ("running", "ready"))
        self.assertNotEqual(after["pid"], before)
        self.assertEqual(len(self.simulator.calls("launch")), 2)
        self.assertEqual(len(self.simulator.calls("quit")), 1)
        self.assertEqual(self.simulator.calls("reboot"), [])

    def test_what_is_so_already_succeeds_with_a_note(self):
        self.client.run("POST", "/api/instances/0/stop")
        self.assertEqual(self.simulator.calls("quit"), [])
        self.client.run("POST", "/api/instances/0/start")
        again = self.client.run("POST", "/api/instances/0/start")
        self.assertIn("already", str(again["result"]).lower())
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def test_launches_come_one_after_another(self):
        operations = [self.client.post(f"/api/instances/{i}/start").json for i in range(3)]
        ended = [self.client.wait(o) for o in operations]
        self.assertEqual(len(self.simulator.calls("launch")), 3)
        # The next is launched when Android of the former is up.
        for former, latter in zip(ended, ended[1:]):
            self.assertLessEqual(former["ended_at"], latter["started_at"])
        running = [i for i in self.client.instances() if i["state"] in ("running", "ready")]
        self.assertEqual(len(running), 3)

    def test_a_command_can_wait_for_its_end(self):
        answer = self.client.post("/api/instances/1/start?wait=60", expect=200)
        self.assertEqual(answer.json["status"], "succeeded")

    def test_so_can_every_other_command(self):
        for method, path, body in (
            ("POST", "/api/instances", {"name": "new", "timeout_s": 60}),
            ("PATCH", "/api/instances/0", {"group": "g", "timeout_s": 60}),
            ("POST", "/api/instances/0/rename", {"name": "other", "timeout_s": 60}),
            ("POST", "/api/instances/0/clone", {"timeout_s": 60}),
            ("POST", "/api/instances/0/restart", {"until": "ready", "force": True, "timeout_s": 60}),
            ("POST", "/api/instances/0/stop", {"timeout_s": 60}),
            ("DELETE", "/api/instances/0", None),
        ):
            query = "?wait=60" + ("" if body else "&timeout_s=60")
            with self.subTest(method + " " + path):
                ended = self.client.request(method, path + query, body, expect=200).json
                self.assertEqual(ended["status"], "succeeded", ended)

    def test_a_wait_that_is_too_short_answers_with_what_is_known(self):
        self.simulator.set(**{"latency_ms.launch": 3000})
        answer = self.client.post("/api/instances/1/start?wait=1")
        self.assertEqual(answer.json["status"], "running")
        self.client.wait(answer.json)

    def test_an_instance_started_by_somebody_else_is_seen(self):
        self.simulator.run_ldconsole("launch", "--index", "2")
        wait_for(
            lambda: self.client.instance("2?max_age_ms=100")["state"] in ("running", "ready"),
            "an instance that another program started",
        )

    def test_commands_for_one_instance_keep_their_order(self):
        start = self.client.post("/api/instances/0/start").json
        stop = self.client.post("/api/instances/0/stop").json
        again = self.client.post("/api/instances/0/start").json
        ended = [self.client.wait(o) for o in (start, stop, again)]
        self.assertLessEqual(ended[0]["ended_at"], ended[1]["started_at"])
        self.assertLessEqual(ended[1]["ended_at"], ended[2]["started_at"])
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))


class Cancel(ServiceCase):
    def test_a_queued_operation_is_cancelled_at_once(self):
        self.simulator.set(fault="slow_boot")
        first = self.client.post("/api/instances/0/start").json
        second = self.client.post("/api/instances/1/start").json
        self.client.request("POST", f"/api/operations/{second['id']}/cancel")
        self.client.wait(second, "cancelled")
        self.simulator.set(fault="")
        self.client.request("POST", f"/api/operations/{first['id']}/cancel")
        self.client.wait(first, None)
        launched = [argv for argv in self.simulator.calls("launch") if argv[-1] == "1"]
        self.assertEqual(launched, [])

    def test_a_running_operation_stops_waiting(self):
        self.simulator.set(**{"fault.0": "stuck_starting"})
        operation = self.client.post("/api/instances/0/start").json
        wait_for(lambda: self.simulator.calls("launch"), "the launch")
        self.client.request("POST", f"/api/operations/{operation['id']}/cancel")
        ended = self.client.wait(operation, "cancelled")
        self.assertIsNotNone(ended["ended_at"])
        told = self.client.told("operation.cancelled")[-1]["data"]
        self.assertEqual(told["id"], operation["id"])

    def test_the_end_can_be_waited_for(self):
        self.simulator.set(**{"fault.0": "stuck_starting"})
        operation = self.client.post("/api/instances/0/start").json
        wait_for(lambda: self.simulator.calls("launch"), "the launch")
        ended = self.client.post(f"/api/operations/{operation['id']}/cancel?wait=60", expect=200)
        self.assertEqual(ended.json["status"], "cancelled")

    def test_what_has_ended_cannot_be_cancelled(self):
        operation = self.client.run("POST", "/api/instances/0/stop")
        answer = self.client.request("POST", f"/api/operations/{operation['id']}/cancel")
        self.assertEqual(answer.status, 409, answer)

    def test_cancelling_the_unknown_is_404(self):
        answer = self.client.request(
            "POST", "/api/operations/00000000-0000-7000-8000-000000000000/cancel"
        )
        self.assert_problem(answer, 404, "OPERATION_NOT_FOUND")


if __name__ == "__main__":
    unittest.main()
