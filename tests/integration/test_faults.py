# SPDX-License-Identifier: MIT
"""Commands to an LDPlayer that lies or hangs: no failure may look like a success."""
import json
import os
import unittest

from support import IS_WINDOWS, ServiceCase, wait_for
from support.limits import SHORT
from support.programs import EXE


class StartCase(ServiceCase):
    service_options = SHORT

    def fail_to_start(self, index=0, body=None, status="timed_out", code="OPERATION_TIMED_OUT"):
        ended = self.client.run("POST", f"/api/instances/{index}/start", body, status=status)
        error = ended["error"]
        self.assertEqual(error["code"], code, error)
        self.assertRegex(error["detail"], rf"; ran: .*launch --index {index}: (ldconsole|it) .* "
                                          "and printed nothing$")
        self.assertEqual(len(self.simulator.calls("launch")), 1, "a launch must not be repeated")
        told = self.client.told("operation." + ended["status"])[-1]["data"]
        self.assertEqual(told["id"], ended["id"])
        line = f"warning service: start {status} (operation {ended['id']}): {code}: "
        wait_for(lambda: self.service.log().count(line) == 1, "the line of the log")
        return ended


class Starting(StartCase):
    def test_a_window_without_a_machine_is_stuck(self):
        self.simulator.set(**{"fault.0": "stuck_starting"})
        self.fail_to_start(status="failed", code="START_FAILED")
        wait_for(lambda: self.client.instance(0)["state"] == "stuck", "the state stuck")
        self.assertTrue(self.client.instance(0)["state_reason"])

    def test_a_window_whose_machine_died_is_a_zombie(self):
        self.simulator.set(**{"fault.0": "zombie"})
        self.client.run("POST", "/api/instances/0/start", status=None)
        wait_for(lambda: self.client.instance(0)["state"] == "zombie", "the state zombie")

    def test_a_launch_that_does_nothing_is_no_success(self):
        self.simulator.set(**{"ignore.launch": "always"})
        self.fail_to_start()
        self.assertIn(self.client.instance(0)["state"], ("stopped", "starting"))

    def test_a_launch_that_crashes_fails_with_what_came_of_it(self):
        self.simulator.set(**{"crash.launch": 1})
        ended = self.fail_to_start(status="failed", code="LDCONSOLE_VENDOR_ERROR")
        detail = ended["error"]["detail"]
        self.assertIn("ldconsole crashed with exit code", detail)
        self.assertIn("(0xC0000008)" if IS_WINDOWS else "(0xFFFFFFFA)", detail)
        self.assertIn("printed nothing", detail)
        self.assertTrue(ended["error"]["retryable"])

    def test_why_a_vm_does_not_start_is_read_in_its_log(self):
        for index, fault, words in (
            (0, "readonly_vmdk", "VERR_VD_IMAGE_READ_ONLY"),
            (1, "vbox_gutted", "libOpenglRender2.dll is missing"),
        ):
            with self.subTest(fault):
                self.simulator.set(**{f"fault.{index}": fault})
                ended = self.client.run("POST", f"/api/instances/{index}/start", status=None)
                # A VM that dies early may have been seen, which makes the window a zombie.
                self.assertIn(ended["status"], ("failed", "timed_out"), ended)
                self.assertIn(words, ended["error"]["detail"])
                self.assertIs(ended["error"]["retryable"], False)
                wait_for(lambda: words in self.client.instance(index)["state_reason"], words)

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
        self.fail_to_start(body={"until": "ready", "timeout_s": 4})
        self.assertEqual(self.client.instance(0)["state"], "running")

    def test_a_guest_that_hangs_since_it_was_ready_is_not_ready(self):
        """It counts as ready until it has missed three questions."""
        body = {"until": "ready", "timeout_s": 60}
        self.client.run("POST", "/api/instances/0/start", body)
        again = self.client.run("POST", "/api/instances/0/start", body)
        self.assertIn("already so: asked once more, the guest answered", again["result"]["note"])
        self.assertIn("the guest answered", str(again["evidence"]))
        self.assertTrue(self.client.instance(0)["evidence"]["guest_answered_at"])
        self.simulator.set(**{"fault.0": "hung_guest"})
        ended = self.client.run("POST", "/api/instances/0/start",
                                {"until": "ready", "timeout_s": 4}, status="timed_out")
        self.assertIn("its guest last answered", ended["error"]["detail"])

    def test_a_guest_whose_system_server_hangs_is_not_ready(self):
        self.simulator.set(**{"fault.0": "hung_am"})
        self.fail_to_start(body={"until": "ready", "timeout_s": 4})
        self.assertEqual(self.client.instance(0)["state"], "running")


class WithAdbAlone(StartCase):
    """There is no ld: guests are asked through their ports."""

    simulator_options = {"set": "adb_debug_new=1"}

    def prepare(self):
        os.remove(self.simulator.path("ld" + EXE))

    def test_its_own_guest_is_known_and_addressed_by_its_serial(self):
        ready = self.client.run("POST", "/api/instances/adb:emulator-5554/start",
                                {"until": "ready", "timeout_s": 60})["result"]
        self.assertEqual(ready["index"], 0)
        self.assertEqual(ready["adb"], {"serial": "emulator-5554", "verified": "own",
                                        "reachable": True, "debug": "local"})
        self.assertEqual(self.client.instance("adb:127.0.0.1:5557")["index"], 1)
        missing = self.client.request("GET", "/api/instances/adb:emulator-5580")
        self.assert_problem(missing, 404, "INSTANCE_NOT_FOUND")

    def test_a_guest_of_somebody_else_is_not_ready(self):
        self.simulator.set(**{"fault.0": "adb_stolen"})
        ended = self.fail_to_start(body={"until": "ready", "timeout_s": 6})
        self.assertIn("the guest of no LDPlayer instance answers", ended["error"]["detail"])
        instance = self.client.instance(0)
        self.assertEqual((instance["state"], instance["adb"]["verified"]), ("running", "foreign"))

    def test_a_guest_of_somebody_else_is_not_ready_either_where_the_config_has_one_number(self):
        path = self.simulator.path("vms", "config", "leidian0.config")
        config = self.simulator.config(0)
        del config["propertySettings.macAddress"]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.simulator.set(**{"fault.0": "adb_stolen"})
        ended = self.fail_to_start(body={"until": "ready", "timeout_s": 6})
        self.assertIn("the guest of no LDPlayer instance answers", ended["error"]["detail"])

    def test_numbers_that_are_set_while_it_runs_count_from_its_next_boot(self):
        ready = ("POST", "/api/instances/0/start", {"until": "ready", "timeout_s": 60})
        self.client.run(*ready)
        settings = {"mac": "auto", "android_id": "auto", "sim_serial": "auto"}
        self.client.run("PATCH", "/api/instances/0", {"settings": settings, "timeout_s": 60})
        self.client.run(*ready)
        self.assertEqual(self.client.instance(0)["adb"]["verified"], "own")
        self.service.restart()
        self.client.run(*ready)
        self.assertEqual(self.client.instance(0)["adb"]["verified"], "own")

    def test_adb_debugging_that_is_off_is_said_at_once(self):
        path = self.simulator.path("vms", "config", "leidian0.config")
        with open(path, "rb+") as file:
            text = file.read().replace(b'"basicSettings.adbDebug": 1', b'"basicSettings.adbDebug": 0')
            file.seek(0)
            file.write(text)
        wait_for(lambda: self.client.instance("0?max_age_ms=0")["adb"]["debug"] == "off", "off")
        refused = self.client.request("POST", "/api/instances/0/start", {"until": "ready"})
        problem = self.assert_problem(refused, 409, "GUEST_NOT_REACHABLE")
        self.assertIn("ADB debugging is off", problem["detail"])
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        instance = self.client.instance("0?max_age_ms=0")
        self.assertEqual((instance["state"], instance["evidence"]["guest"]), ("running", "closed"))
        self.assertIn("ADB debugging is off", instance["state_reason"])
        self.assertEqual(self.simulator.calls(program="adb"), [])


class Stopping(ServiceCase):
    # A quit of a busy machine is not to be taken for one that hangs.
    service_options = {**SHORT, "deadline_quit_ms": 5000}

    def test_a_quit_that_is_ignored_once_is_repeated(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": 1})
        self.client.run("POST", "/api/instances/0/stop", {"timeout_s": 6})
        self.assertEqual(len(self.simulator.calls("quit")), 2)
        self.assertEqual(self.client.instance(0)["state"], "stopped")

    def test_a_quit_that_is_always_ignored_is_no_success(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": "always"})
        body = {"timeout_s": 12}
        error = self.client.run("POST", "/api/instances/0/stop", body, status="failed")["error"]
        self.assertEqual(error["code"], "QUIT_IGNORED")
        self.assertRegex(error["detail"], "; ran: .*quit --index 0: ldconsole ended with exit code 0 ")
        self.assertNotEqual(self.client.instance(0)["state"], "stopped")

    def test_force_ends_the_processes(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": "always"})
        self.client.run("POST", "/api/instances/0/stop", {"force": True, "timeout_s": 6})
        self.assertEqual(self.client.instance(0)["state"], "stopped")

    def test_what_a_forced_end_costs_the_config_is_put_back_before_the_next_start(self):
        body = {"name": "mine", "settings": {"cpu": 4}, "timeout_s": 60}
        self.client.run("PATCH", "/api/instances/0", body)
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.simulator.set(**{"ignore.quit": "always"})
        self.client.run("POST", "/api/instances/0/stop", {"force": True, "timeout_s": 6})
        self.simulator.set(**{"ignore.quit": ""})
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.assertNotIn("statusSettings.playerName", self.simulator.config(0), "LDPlayer reset it")
        wait_for(lambda: self.client.instance("0?max_age_ms=0")["evidence"].get("config_loss"),
                 "the loss")
        ended = self.client.run("POST", "/api/instances/0/restart", {"timeout_s": 60})
        self.assertIn("the copy was put back", str(ended["evidence"]))
        self.assertEqual(ended["result"]["name"], "mine")
        config = self.simulator.config(0)
        self.assertEqual(config["statusSettings.playerName"], "mine")
        self.assertEqual(config["advancedSettings.cpuCount"], 4)
        told = self.client.told("instance.config_restored")[-1]["data"]
        self.assertEqual(told["index"], 0)
        self.assertTrue(told["reason"].startswith("it was reset (name, "), told)


class TwoInstallations(ServiceCase):
    """Both have the program of their VMs in one folder, as those of one version do. The processes of
    the tests that run beside this one are seen too: its index is one that they do not start."""

    INDEX = 29
    instances = INDEX + 1
    service_options = SHORT

    def leave_vm(self, simulator, start):
        """A VM whose player is gone."""

        def kinds():
            return {p["kind"] for p in simulator.show()["processes"] if p["index"] == self.INDEX}

        simulator.set(**{f"fault.{self.INDEX}": "orphan_vm"})
        start()
        wait_for(lambda: kinds() == {"player", "vm"}, "a VM")
        simulator.run_ldconsole("quit", "--index", str(self.INDEX))
        wait_for(lambda: kinds() == {"vm"}, "the end of its player")

    def state(self):
        return self.client.instance(f"{self.INDEX}?max_age_ms=0")["state"]

    def test_a_vm_without_a_player_may_be_the_others_and_is_left_alone(self):
        other = self.make_simulator("other")
        self.leave_vm(other, lambda: other.run_ldconsole("launch", "--index", str(self.INDEX)))
        wait_for(lambda: self.state() == "unknown", "the doubt")
        self.assertIn("another installation", self.client.instance(self.INDEX)["state_reason"])
        body = {"force": True, "timeout_s": 6}
        ended = self.client.run("POST", f"/api/instances/{self.INDEX}/stop", body, "timed_out")
        self.assertIn("was left alone", str(ended["evidence"]))
        self.assertEqual([p["kind"] for p in other.show()["processes"]], ["vm"])
        other.kill()
        wait_for(lambda: self.state() == "stopped", "the end of the doubt")

    def test_its_own_that_was_seen_before_is_ended(self):
        start = ("POST", f"/api/instances/{self.INDEX}/start", {"timeout_s": 60})
        self.leave_vm(self.simulator, lambda: self.client.run(*start))
        self.service.restart()
        wait_for(lambda: self.state() == "unreachable", "the VM that is left")
        self.client.run("POST", f"/api/instances/{self.INDEX}/stop", {"force": True, "timeout_s": 6})
        self.assertEqual(self.simulator.show()["processes"], [])


class Managing(ServiceCase):
    service_options = SHORT

    def test_an_add_that_lies_is_no_success(self):
        self.simulator.set(**{"ignore.add": "always"})
        ended = self.client.run("POST", "/api/instances", {"name": "x"}, status="timed_out")
        self.assertRegex(ended["error"]["detail"], "; ran: .*add --name x: ldconsole ended with ")
        self.assertEqual(len(self.client.instances()), 3)
        self.assertEqual(len(self.simulator.calls("add")), 1)

    def test_a_modify_that_lies_is_no_success(self):
        self.simulator.set(**{"ignore.modify": "always"})
        body = {"settings": {"cpu": 4}, "timeout_s": 20}
        ended = self.client.run("PATCH", "/api/instances/0", body, status="failed")
        self.assertEqual(ended["error"]["code"], "NO_EFFECT")
        self.assertIn("cpu", ended["error"]["detail"])

    def test_commands_that_hang_are_ended(self):
        for verb, method, path, body in (
            ("rename", "POST", "/api/instances/0/rename", {"name": "x"}),
            ("remove", "DELETE", "/api/instances/0", None),
            # Last, because what races for indexes waits for a minute for what it may still make.
            ("copy", "POST", "/api/instances/0/clone", {}),
        ):
            with self.subTest(verb):
                self.simulator.set(**{f"hang.{verb}": 1})
                ended = self.client.run(method, path, body, status="timed_out")
                self.assertIn("ldconsole hung and was ended by us", ended["error"]["detail"])
                self.assertIn("timed_out", [e.get("outcome") for e in ended["evidence"]])
                self.assertEqual(len(self.simulator.calls(verb)), 1)
        self.assertEqual(len(self.client.instances()), 3)

    def test_an_add_that_works_but_reports_failure_is_a_success(self):
        self.simulator.set(**{"exit_code.add": -1})
        ended = self.client.run("POST", "/api/instances", {"name": "x"})
        codes = [entry.get("exit_code") for entry in ended["evidence"] if "exit_code" in entry]
        self.assertEqual(codes, [-1 if IS_WINDOWS else 255])
        self.assertEqual(ended["target"], self.client.instance("name:x")["id"])
        self.assertIn("x", [i["name"] for i in self.client.instances()])


if __name__ == "__main__":
    unittest.main()
