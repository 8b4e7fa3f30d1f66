# SPDX-License-Identifier: MIT
"""What a person finds afterwards who was not there."""
import json
import os
import unittest

from support import ServiceCase, wait_for
from support.limits import SHORT


class DiagnosticsCase(ServiceCase):
    service_options = {**SHORT, "repair_looks": 2}

    def diagnostics(self, operation):
        """Of one that has some, once they are collected."""
        def look():
            answer = self.client.request("GET", f"/api/operations/{operation['id']}/diagnostics")
            if answer.status == 503:
                self.assert_problem(answer, 503, "DIAGNOSTICS_NOT_READY")
                self.assertEqual(answer.headers["Retry-After"], "1")
                return None
            self.assertEqual(answer.status, 200, answer)
            return answer
        kept = wait_for(look, "the diagnostics").json
        self.assertTrue(self.client.operation(operation["id"])["has_diagnostics"])
        return kept

    def refuse(self, operation_id, code, words, client=None):
        path = f"/api/operations/{operation_id}/diagnostics"
        problem = self.assert_problem((client or self.client).request("GET", path), 404, code)
        self.assertIn(words, problem["detail"])

    def fail(self, index=0):
        self.simulator.set(**{f"fault.{index}": "readonly_vmdk"})
        return self.client.run("POST", f"/api/instances/{index}/start", status=None)


class OfFailures(DiagnosticsCase):
    def test_a_start_that_failed_has_all_that_tells_why(self):
        path = self.simulator.path("vms", "config", "leidian0.config")
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
        config.update({"facebook": "hunter2", "basicSettings.accessToken": "hunter3"})
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        ended = self.fail()
        self.assertTrue(ended["has_diagnostics"], "it is told with the end already")
        kept = self.diagnostics(ended)
        self.assertEqual({key: kept[key] for key in ("kind", "status", "error", "ended_at")},
                         {key: ended[key] for key in ("kind", "status", "error", "ended_at")})
        self.assertEqual((kept["operation"], kept["reason"]), (ended["id"], None))
        launch = kept["commands"][0]
        self.assertIn("launch --index 0", launch["command"])
        self.assertEqual((launch["outcome"], launch["exit_code"]), ("exited", 0))
        self.assertIn("duration_ms", launch)
        self.assertTrue(kept["evidence"], "what was seen")
        self.assertEqual(kept["instance"]["index"], 0)
        self.assertIn("VERR_VD_IMAGE_READ_ONLY", kept["vm_log"]["text"])
        self.assertTrue(kept["vm_log"]["path"].replace("\\", "/").endswith(
            "vms/leidian0/Logs/VBox.log"))
        players = [p for p in kept["processes"] if p["role"] == "player"]
        self.assertGreater(min(p["private_bytes"] for p in players), 0)
        self.assertEqual([(p["pid"], p["is_own"]) for p in players],
                         [(kept["instance"]["pid"], True)])
        self.assertGreater(kept["system"]["memory"]["total_bytes"], 0)
        self.assertLess(kept["config"]["before"]["read_at"], kept["config"]["after"]["read_at"])
        for when in ("before", "after"):
            self.assertIn("advancedSettings.resolution", kept["config"][when]["text"])
            self.assertIn("facebook: (left out)", kept["config"][when]["text"])
        self.assertNotIn("hunter", json.dumps(kept), "no secret of others")

        viewer = self.service.client("viewer").request(
            "GET", f"/api/operations/{ended['id']}/diagnostics")
        self.assert_problem(viewer, 403, "FORBIDDEN")
        operator = self.service.client("operator")
        operator.get(f"/api/operations/{ended['id']}/diagnostics")

        self.service.restart()
        self.client = self.service.client()
        self.assertEqual(self.diagnostics(ended), kept, "it outlives the service")
        self.client.delete("/api/operations?ended_before=2100-01-01T00:00:00Z", expect=200)
        self.refuse(ended["id"], "OPERATION_NOT_FOUND", "no operation")

    def test_files_that_are_not_there_are_told_of(self):
        self.simulator.set(**{"ignore.launch": "always"})
        ended = self.client.run("POST", "/api/instances/0/start", status=None)
        log = self.diagnostics(ended)["vm_log"]
        self.assertIsNone(log["text"])
        self.assertIn("no such file", log["error"])
        self.simulator.set(**{"ignore.launch": "", "fault.1": "stuck_starting"})
        started = self.client.post("/api/instances/1/start").json
        wait_for(lambda: self.client.instance(1)["pid"], "its window")
        os.remove(self.simulator.path("vms", "config", "leidian1.config"))
        config = self.diagnostics(self.client.wait(started, status=None))["config"]
        self.assertIn("advancedSettings.resolution", config["before"]["text"])
        self.assertIsNone(config["after"]["text"])
        self.assertIn("no such file", config["after"]["error"])

    def test_one_that_a_crash_cut_off_has_no_config_of_before(self):
        self.simulator.set(**{"ignore.launch": "always", "hang_after.launch": 1})
        started = self.client.post("/api/instances/0/start").json
        wait_for(lambda: self.simulator.count("launch") == 1, "the launch")
        self.service.kill()
        self.service.start()
        self.client = self.service.client()
        ended = self.client.wait(started, status="interrupted")
        kept = self.diagnostics(ended)
        self.assertIsNone(kept["config"]["before"])
        self.assertTrue(kept["config"]["after"]["text"])


class WhereThereAreNone(DiagnosticsCase):
    def test_why_is_said(self):
        ended = self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.assertFalse(ended["has_diagnostics"])
        self.refuse(ended["id"], "DIAGNOSTICS_NOT_FOUND", "that failed")
        self.refuse("no-such", "OPERATION_NOT_FOUND", "UUID")
        self.refuse(ended["id"][:-4] + "0000", "OPERATION_NOT_FOUND", "no operation")
        batch = self.client.run("POST", "/api/instances/batch",
                                {"action": "stop", "select": {"ids": [0]}})
        self.refuse(batch["id"], "DIAGNOSTICS_NOT_FOUND", "each of its operations")
        self.service.restart(start_timeout_ms=60000)
        self.client = self.service.client()
        self.service.wait_until_observed()
        self.simulator.set(**{"fault.1": "stuck_starting"})
        waiting = self.client.post("/api/instances/1/start").json
        self.refuse(waiting["id"], "DIAGNOSTICS_NOT_FOUND", "has not ended")


class OfTheWatchdog(DiagnosticsCase):
    service_options = {"refresh_idle_ms": 300, "repair_looks": 2, "repair_host_per_hour": 50}

    def test_what_it_did_is_kept_with_its_reason_also_when_all_went_well(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.client.run("PATCH", "/api/instances/0", {"repair": "restart"})
        self.simulator.kill_instance(0, "vm")
        def repair():
            items = self.client.get("/api/operations?kind=repair").json["items"]
            return items[-1] if items and items[-1]["ended_at"] else None
        ended = wait_for(repair, "the repair")
        self.assertEqual(ended["status"], "succeeded", ended)
        kept = self.diagnostics(ended)
        self.assertIn("zombie: ", kept["reason"])
        self.assertIsNone(kept["error"])
        self.assertIn("quit", kept["commands"][0]["command"])
        self.assertEqual(kept["requested_by"], "watchdog")

        self.client.run("PATCH", "/api/instances/1", {"desired_state": "running"})
        def start():
            items = self.client.get("/api/operations?kind=start").json["items"]
            return items[0] if items[0]["requested_by"] == "desired-state" else None
        self.assertTrue(self.diagnostics(self.client.wait(wait_for(start, "the start")))["reason"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
