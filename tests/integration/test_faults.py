# SPDX-License-Identifier: MIT
"""An LDPlayer that lies, hangs, or is not there: no failure may look like a success."""
import os
import stat
import unittest

from support import IS_WINDOWS, ServiceCase, wait_for
from support.programs import EXE, path_for_program

# Nothing waits for the real LDPlayer's minutes here; the deadlines are as short as they may be.
SHORT = {
    "deadline_list2_ms": 2000,
    "deadline_launch_ms": 2000,
    "deadline_quit_ms": 2000,
    "deadline_add_ms": 2000,
    "deadline_modify_ms": 2000,
    "start_timeout_ms": 4000,
    "ready_timeout_ms": 4000,
    "stop_timeout_ms": 4000,
    "manage_timeout_ms": 4000,
    "stuck_ms": 2000,
    "breaker_open_ms": 300,
    "breaker_max_open_ms": 500,
}


class Starting(ServiceCase):
    service_options = SHORT

    def fail_to_start(self, index=0, body=None):
        ended = self.client.run("POST", f"/api/instances/{index}/start", body, status=None)
        self.assertIn(ended["status"], ("failed", "timed_out"), ended)
        self.assertTrue(ended["error"]["code"])
        self.assertTrue(ended["error"]["detail"])
        self.assertIn("launch", str(ended["evidence"]))
        self.assertEqual(len(self.simulator.calls("launch")), 1, "a launch must not be repeated")
        return ended

    def test_a_window_without_a_machine_is_stuck(self):
        self.simulator.set(**{"fault.0": "stuck_starting"})
        self.fail_to_start()
        wait_for(lambda: self.client.instance(0)["state"] == "stuck", "the state stuck")
        self.assertTrue(self.client.instance(0)["state_reason"])

    def test_a_window_whose_machine_died_is_a_zombie(self):
        self.simulator.set(**{"fault.0": "zombie"})
        self.client.run("POST", "/api/instances/0/start", status=None)
        wait_for(lambda: self.client.instance(0)["state"] == "zombie", "the state zombie")

    def test_a_launch_that_does_nothing_is_no_success(self):
        self.simulator.set(**{"ignore.launch": "always"})
        self.fail_to_start()
        self.assertEqual(self.client.instance(0)["state"], "stopped")

    def test_a_launch_that_hangs_is_ended(self):
        self.simulator.set(**{"hang.launch": 1})
        self.fail_to_start()

    def test_a_launch_that_works_and_then_hangs_is_judged_by_the_instance(self):
        self.simulator.set(**{"hang_after.launch": 1})
        ended = self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60}, status=None)
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))
        self.assertEqual(ended["status"], "succeeded", ended)

    def test_a_guest_that_does_not_answer_is_not_ready(self):
        self.simulator.set(**{"fault.0": "adb_dead,hung_guest"})
        self.fail_to_start(body={"until": "ready"})
        self.assertEqual(self.client.instance(0)["state"], "running")

    def test_elevation_is_named(self):
        self.simulator.set(error740="true")
        self.fail_reads()

    def fail_reads(self):
        answer = wait_for(
            lambda: self.refused(self.client.request("GET", "/api/instances?max_age_ms=0")),
            "a refused read",
        )
        self.assertIn(answer.status, (503, 504))
        self.assertTrue(answer.json["retryable"])

    @staticmethod
    def refused(answer):
        return answer if answer.status != 200 else None


class Stopping(ServiceCase):
    service_options = SHORT

    def test_a_quit_that_is_ignored_once_is_repeated(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": 1})
        self.client.run("POST", "/api/instances/0/stop", {"timeout_s": 10})
        self.assertEqual(len(self.simulator.calls("quit")), 2)
        self.assertEqual(self.client.instance(0)["state"], "stopped")

    def test_a_quit_that_is_always_ignored_is_no_success(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": "always"})
        ended = self.client.run("POST", "/api/instances/0/stop", status=None)
        self.assertIn(ended["status"], ("failed", "timed_out"))
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))

    def test_force_ends_the_processes(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": "always"})
        self.client.run("POST", "/api/instances/0/stop", {"force": True, "timeout_s": 20})
        self.assertEqual(self.client.instance(0)["state"], "stopped")


class Managing(ServiceCase):
    service_options = SHORT

    def test_an_add_that_lies_is_no_success(self):
        self.simulator.set(**{"ignore.add": "always"})
        ended = self.client.run("POST", "/api/instances", {"name": "x"}, status=None)
        self.assertIn(ended["status"], ("failed", "timed_out"))
        self.assertEqual(len(self.client.instances()), 3)
        self.assertEqual(len(self.simulator.calls("add")), 1)

    def test_a_modify_that_lies_is_no_success(self):
        self.simulator.set(**{"ignore.modify": "always"})
        ended = self.client.run(
            "PATCH", "/api/instances/0", {"settings": {"cpu": 4}}, status=None
        )
        self.assertIn(ended["status"], ("failed", "timed_out"))
        self.assertIn("cpu", ended["error"]["detail"])

    def test_an_add_that_works_but_reports_failure_is_a_success(self):
        self.simulator.set(**{"exit_code.add": -1})
        self.client.run("POST", "/api/instances", {"name": "x"}, status=None)
        self.assertIn("x", [i["name"] for i in self.client.instances()])


class Listing(ServiceCase):
    service_options = SHORT

    def refused(self):
        """A read that wants the truth now, when there is none to be had."""
        answer = self.client.request("GET", "/api/instances?max_age_ms=0")
        return answer if answer.status != 200 else None

    def assert_still_readable(self):
        """What was seen before is served, and called stale."""
        answer = wait_for(
            lambda: self.stale(self.client.get("/api/instances").json), "a stale answer"
        )
        self.assertEqual(answer["total"], 3)
        self.assertTrue(answer["stale_reason"])

    @staticmethod
    def stale(answer):
        return answer if answer["source"] == "stale" else None

    def break_and_check(self, codes, **knobs):
        self.client.instances()
        self.simulator.set(**knobs)
        answer = wait_for(self.refused, "a refused read")
        self.assertIn(answer.status, (503, 504), answer)
        self.assertIn(answer.json["code"], codes)
        self.assertTrue(answer.json["detail"])
        self.assert_still_readable()

    def heal(self):
        self.simulator.reset()
        wait_for(
            lambda: self.client.request("GET", "/api/instances?max_age_ms=0").status == 200,
            "a good read after the trouble",
        )

    def test_a_list_that_hangs(self):
        self.break_and_check({"LDCONSOLE_TIMED_OUT", "BREAKER_OPEN"}, **{"hang.list2": "always"})
        self.heal()

    def test_garbage(self):
        self.break_and_check({"LDCONSOLE_GARBAGE", "BREAKER_OPEN"}, **{"garbage.list2": "always"})
        self.heal()

    def test_nothing_although_there_are_instances(self):
        self.break_and_check(
            {"LDCONSOLE_EMPTY_LIST", "BREAKER_OPEN"}, **{"empty.list2": "always"}
        )
        self.heal()

    def test_one_empty_answer_is_asked_again(self):
        self.simulator.set(**{"empty.list2": 1})
        self.assertEqual(self.client.get("/api/instances?max_age_ms=0").json["total"], 3)

    def test_a_hundred_megabytes(self):
        self.break_and_check({"LDCONSOLE_FLOODED", "BREAKER_OPEN"}, **{"huge_mb.list2": 100})
        self.heal()

    def test_a_torn_last_line_loses_no_instance(self):
        self.client.instances()
        self.simulator.set(**{"partial.list2": 9})
        for _ in range(3):
            answer = self.client.request("GET", "/api/instances?max_age_ms=0")
            if answer.status == 200:
                self.assertEqual(answer.json["total"], 3, answer)
        self.heal()

    def test_a_breaker_opens_and_tells(self):
        self.simulator.set(**{"garbage.list2": "always"})
        wait_for(
            lambda: any(
                b["state"] in ("open", "half-open")
                for b in self.client.get("/api/breakers").json["items"]
            ),
            "an open breaker",
        )
        answer = wait_for(
            lambda: self.with_code(self.refused(), "BREAKER_OPEN"), "a refusal by the breaker"
        )
        self.assertEqual(answer.status, 503)
        self.assertIn("Retry-After", answer.headers)
        self.heal()

    @staticmethod
    def with_code(answer, code):
        return answer if answer is not None and answer.json["code"] == code else None

    def test_a_version_that_prints_seven_columns(self):
        self.simulator.set(profile="ld4")
        wait_for(
            lambda: self.client.get("/api/instances?max_age_ms=0").json["total"] == 3,
            "the instances of the other version",
        )

    def test_rows_in_disorder_and_a_phantom(self):
        self.simulator.set(row_99999="true", row_order="shuffled")
        items = self.client.get("/api/instances?max_age_ms=0").json["items"]
        self.assertEqual([i["index"] for i in items], [0, 1, 2])


class Codepage(ServiceCase):
    simulator_options = {"codepage": "gbk", "title": "1=雷电模拟器"}
    service_options = {"codepage": "gbk"}

    def test_titles_come_in_the_vendors_code_page(self):
        self.assertEqual(self.client.instance(1)["name"], "雷电模拟器")


class Hidden(ServiceCase):
    service_options = SHORT

    def test_processes_that_ldconsole_does_not_know_are_unreachable(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"fault.0": "hidden"})
        wait_for(
            lambda: self.client.instance(0)["state"] == "unreachable", "the state unreachable"
        )


class Missing(ServiceCase):
    service_options = SHORT

    def prepare(self):
        self.service.options["ldconsole"] = path_for_program(
            os.path.join(self.directory, "nowhere", "ldconsole" + EXE)
        )

    def test_a_missing_ldconsole_is_named(self):
        answer = wait_for(
            lambda: self.refused(self.client.request("GET", "/api/instances")), "a refused read"
        )
        self.assertEqual(answer.status, 503)
        self.assertIn("nowhere", answer.json["detail"])
        ready = self.service.client(None).request("GET", "/readyz")
        self.assertEqual(ready.status, 503)
        self.assertEqual(self.service.client(None).get("/livez").status, 200)

    @staticmethod
    def refused(answer):
        return answer if answer.status != 200 else None

    def test_a_command_creates_nothing(self):
        answer = self.client.request("POST", "/api/instances", {"name": "x"})
        if answer.status == 202:
            ended = self.client.wait(answer.json, None)
            self.assertIn(ended["status"], ("failed", "timed_out"))
        else:
            self.assertEqual(answer.status, 503, answer)


class NotFound(ServiceCase):
    """No option and no LDPlayer on the machine."""

    def prepare(self):
        del self.service.options["ldconsole"]

    def test_the_service_starts_and_says_so(self):
        answer = wait_for(
            lambda: Missing.refused(self.client.request("GET", "/api/instances")),
            "a refused read",
        )
        self.assertEqual(answer.status, 503)
        self.assertEqual(self.service.client(None).request("GET", "/readyz").status, 503)


@unittest.skipIf(IS_WINDOWS, "Windows has no permission to execute that could be taken away")
class NotExecutable(ServiceCase):
    service_options = SHORT

    def test_a_lost_permission_is_named(self):
        self.client.instances()
        os.chmod(self.simulator.path("ldconsole"), stat.S_IRUSR | stat.S_IWUSR)
        answer = wait_for(
            lambda: Missing.refused(self.client.request("GET", "/api/instances?max_age_ms=0")),
            "a refused read",
        )
        self.assertEqual(answer.status, 503)
        os.chmod(self.simulator.path("ldconsole"), stat.S_IRWXU)
        wait_for(
            lambda: self.client.request("GET", "/api/instances?max_age_ms=0").status == 200,
            "a good read after the permission is back",
        )


if __name__ == "__main__":
    unittest.main()
