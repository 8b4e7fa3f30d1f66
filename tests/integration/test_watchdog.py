# SPDX-License-Identifier: MIT
"""Instances that are brought back: what should run and was ended, and what is ill."""
import unittest

from support import ServiceCase, wait_for


class WatchdogCase(ServiceCase):
    service_options = {
        "refresh_idle_ms": 300, "stuck_ms": 5000, "stop_timeout_ms": 6000,
        "repair_looks": 2, "repair_host_per_hour": 50,
        # Planned restarts, for which nothing here is old enough.
        "restart_after_h": 1, "restart_leak_mb_per_h": 1, "restart_idle_cpu_percent": 6400,
    }

    def is_up(self, index, but_not=None):
        i = self.client.instance(index)
        return i if i["state"] in ("running", "ready") and i["pid"] != but_not else None


class DesiredState(WatchdogCase):
    def test_what_should_run_is_started_and_comes_back_after_a_crash(self):
        started = self.client.run("PATCH", "/api/instances/1", {"desired_state": "running"})
        self.assertEqual(started["result"]["desired_state"], "running")
        before = wait_for(lambda: self.is_up(1), "the start that was wished for")
        self.assertEqual(self.simulator.count("launch"), 1)
        self.simulator.kill_instance(1)
        wait_for(lambda: self.is_up(1, before["pid"]), "its return after the crash")
        launches = self.client.get("/api/operations?kind=start").json["items"]
        self.assertEqual([o["requested_by"] for o in launches], ["desired-state"] * 2)
        self.assertEqual(self.simulator.count("launch"), 2, "and nothing was launched twice")

    def test_what_should_not_run_is_stopped_whoever_starts_it(self):
        self.client.run("PATCH", "/api/instances/0", {"desired_state": "stopped"})
        self.simulator.run_ldconsole("launch", "--index", "0")
        wait_for(lambda: self.simulator.count("quit") == 1, "the quit")
        wait_for(lambda: self.client.instance(0)["state"] == "stopped", "its end")

    def test_a_stop_by_hand_wins(self):
        self.client.run("PATCH", "/api/instances/0", {"desired_state": "running"})
        wait_for(lambda: self.is_up(0), "the start")
        self.client.run("POST", "/api/instances/0/stop")
        self.assertEqual(self.client.instance(0)["desired_state"], "stopped")
        self.service.restart()
        self.service.wait_until_observed()
        self.assertEqual(self.client.instance(0)["state"], "stopped")
        self.assertEqual(self.simulator.count("launch"), 1)


class Illness(WatchdogCase):
    instances = 5
    service_options = {**WatchdogCase.service_options, "start_timeout_ms": 8000}

    def test_each_is_called_by_its_name_and_with_its_cause(self):
        expected = {
            0: ("", "zombie", "zombie", "no VM process"),
            1: ("", "hidden", "unreachable", "ldconsole says the instance is off"),
            2: ("crash_loop", "", "crash_loop", "again and again"),
            3: ("stuck_starting", "", "stuck", "waits for its VM"),
            4: ("readonly_vmdk", "", "stuck", "VERR_VD_IMAGE_READ_ONLY"),
        }
        for index, (before, after, *_) in expected.items():
            self.simulator.set(**{f"fault.{index}": before})
            self.client.run("POST", f"/api/instances/{index}/start", status=None)
            if after:
                self.simulator.set(**{f"fault.{index}": after})
        # A window that goes on starting VMs may outrun the one that ends all processes.
        self.addCleanup(self.simulator.kill_instance, 2, "player")
        told = {}
        with self.client.events(since=0) as stream:
            while len(told) < len(expected):
                event = stream.next()
                if event["type"] == "instance.unhealthy":
                    told.setdefault(event["data"]["index"], event["data"])
        for index, (_, _, illness, words) in expected.items():
            with self.subTest(illness):
                self.assertEqual(told[index]["illness"], illness)
                self.assertIn(words, told[index]["reason"])
        self.assertEqual(self.simulator.count("launch"), len(expected), "and nothing was done")
        self.assertEqual(self.simulator.count("quit"), 0)


class Repair(WatchdogCase):
    def ended(self, n=1):
        """The first N repairs, once there are so many and they have ended."""
        items = self.client.get("/api/operations?kind=repair").json["items"]
        first = sorted(items, key=lambda o: o["created_at"])[:n]
        return first if len(first) == n and all(o["ended_at"] for o in first) else None

    def start_all(self, repair):
        for index in range(self.instances):
            self.client.run("POST", f"/api/instances/{index}/start", {"timeout_s": 60})
            self.client.run("PATCH", f"/api/instances/{index}", {"repair": repair})
        return {i["index"]: i["pid"] for i in self.client.instances()}

    def events_of(self, index, type_):
        return [e["data"] for e in self.client.told_so_far()
                if e["type"] == type_ and e["data"]["index"] == index]

    def test_a_zombie_is_only_told_of_by_default(self):
        self.client.run("POST", "/api/instances/0/start", {"timeout_s": 60})
        self.assertEqual(self.client.instance(0)["repair"], "report")
        self.simulator.kill_instance(0, "vm")
        told = self.client.told("instance.unhealthy")[-1]["data"]
        self.assertEqual((told["index"], told["illness"], told["repair"]), (0, "zombie", "report"))
        self.assertIn("no VM process", told["reason"])
        self.assertEqual(self.simulator.count("quit"), 0)

    def test_a_zombie_is_healed_and_its_neighbours_are_left_alone(self):
        before = self.start_all("full")
        self.simulator.kill_instance(0, "vm")
        operation = wait_for(self.ended, "the repair")[0]
        self.assertEqual(operation["status"], "succeeded", operation)
        self.assertEqual(operation["requested_by"], "watchdog")
        self.assertIn("zombie: ", operation["evidence"][0]["note"])
        wait_for(lambda: self.is_up(0, before[0]), "its return")
        after = {i["index"]: i["pid"] for i in self.client.instances()}
        self.assertEqual([after[1], after[2]], [before[1], before[2]])
        wait_for(lambda: self.events_of(0, "instance.healthy"), "that it is well again")

    def test_what_a_crash_took_from_the_configuration_is_given_back(self):
        self.client.run("PATCH", "/api/instances/0", {"name": "prized"})
        self.start_all("restart")
        wait_for(lambda: self.client.instance("0?max_age_ms=0")["name"] == "prized", "a kept copy")
        self.simulator.kill_instance(0, "vm")
        wait_for(lambda: self.ended(2), "a repair of the zombie, and one of its configuration")
        wait_for(lambda: self.is_up(0), "its return")
        self.assertEqual(self.client.instance("0?max_age_ms=0")["name"], "prized")
        self.assertIn("config_lost", [e["illness"] for e in self.events_of(0, "instance.unhealthy")])
        self.assertTrue(self.events_of(0, "instance.config_restored"))

    def test_a_player_that_ldconsole_does_not_know_is_ended_by_force_where_that_is_allowed(self):
        before = self.start_all("full")
        self.simulator.set(**{"fault.1": "hidden"})
        wait_for(lambda: self.events_of(1, "instance.unhealthy"), "that it is ill")
        wait_for(lambda: self.simulator.count("launch") == 4, "the launch that follows")
        self.simulator.set(**{"fault.1": ""})
        wait_for(lambda: self.is_up(1, before[1]), "its return")
        notes = str(wait_for(self.ended, "the end of the repair")[0]["evidence"])
        self.assertRegex(notes, "by force: .*ended player")
        after = {i["index"]: i["pid"] for i in self.client.instances()}
        self.assertEqual([after[0], after[2]], [before[0], before[2]])

    def test_what_does_not_help_ends_in_quarantine_which_a_person_ends(self):
        self.service.restart(repair_per_hour=1)
        self.service.wait_until_observed()
        self.start_all("restart")
        self.simulator.set(**{"fault.0": "zombie"})
        quarantine = wait_for(lambda: self.client.instance(0)["quarantine"], "the quarantine")
        self.assertIn("1 act within an hour", quarantine["reason"])
        changes = [e["changes"] for e in self.events_of(0, "instance.changed")]
        self.assertIn({"from": None, "to": quarantine}, [c.get("quarantine") for c in changes])
        self.service.restart()
        self.assertEqual(self.client.instance(0)["quarantine"], quarantine, "it is remembered")
        refused = self.client.request("PATCH", "/api/instances/0", {"quarantine": {"reason": "x"}})
        self.assert_problem(refused, 422, "VALIDATION_FAILED")
        named = self.client.run("PATCH", "/api/instances/0", {"labels": {"look": "later"}})
        self.assertEqual(named["result"]["quarantine"], quarantine)
        self.simulator.set(**{"fault.0": ""})
        operator = self.service.client("operator")
        operator.run("PATCH", "/api/instances/0", {"quarantine": None})
        wait_for(lambda: self.ended(2), "a second repair")
        wait_for(lambda: self.is_up(0), "its return")

    def test_many_that_are_ill_are_told_of_once_and_left_alone(self):
        self.start_all("full")
        for index in range(3):
            self.simulator.kill_instance(index, "vm")
        stopped = self.client.told("workstation.healing")[-1]["data"]
        self.assertTrue(stopped["is_stopped"])
        self.assertIn("3 of 3 instances", stopped["reason"])

    def test_nothing_is_done_in_maintenance_mode(self):
        self.start_all("full")
        self.client.patch("/api/workstations/local", {"maintenance": True}, expect=200)
        self.simulator.kill_instance(0, "vm")
        wait_for(lambda: self.client.instance(0)["state"] == "zombie", "the state zombie")
        self.client.patch("/api/workstations/local", {"maintenance": False}, expect=200)
        mark = [e["seq"] for e in self.client.told_so_far()
                if e["type"] == "workstation.changed"][-1]
        told = self.client.told("instance.unhealthy")[-1]
        self.assertGreater(told["seq"], mark, "it was told only afterwards")
        wait_for(self.ended, "the repair")


if __name__ == "__main__":
    unittest.main(verbosity=2)
