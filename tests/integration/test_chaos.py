# SPDX-License-Identifier: MIT
"""A dozen random schedules of known faults, with real processes and the real service; and drills, in
which ldconsole fails on purpose. tests/unit/control/test_chaos.c plays a thousand in one process."""
import os
import random
import unittest

from support import ServiceCase, wait_for

SEED = int(os.environ.get("LDP_SEED", "1"))
SCHEDULES = 12
# What is decided when an instance is launched. It has to be seen ill before it is taken back.
AT_LAUNCH = {"stuck_starting": True, "no_kernel_boot": True, "vbox_gutted": True,
             "repairer": False, "slow_boot": False}
# What is ended by force.
ENDS = {"crash": (), "zombie": ("vm",), "unknown to ldconsole": ("player",)}


class Schedules(ServiceCase):
    instances = 8
    service_options = {
        "refresh_idle_ms": 300, "stuck_ms": 5000, "stop_timeout_ms": 6000, "repair_looks": 2,
        "repair_per_hour": 60, "repair_host_per_hour": 1000,
    }

    def strike(self, index, fault):
        if fault in AT_LAUNCH:
            self.simulator.set(**{f"fault.{index}": fault})
        self.simulator.kill_instance(index, *ENDS.get(fault, ()))

    def was_told(self, index, since):
        return any(e["type"] in ("instance.unhealthy", "operation.failed") and e["seq"] > since
                   and (e["data"].get("index") == index or index_of(e) == self.ids[index])
                   for e in self.client.told_so_far())

    def up(self):
        return {i["index"]: i["pid"] for i in self.client.instances()
                if i["state"] in ("running", "ready")}

    def is_idle(self):
        return all(o["ended_at"] for o in self.client.get("/api/operations?limit=1000").json["items"])

    def play(self, patients, faults, before):
        since = max((e["seq"] for e in self.client.told_so_far()), default=0)
        for index, fault in zip(patients, faults):
            self.strike(index, fault)
        for index, fault in zip(patients, faults):
            if AT_LAUNCH.get(fault):
                wait_for(lambda index=index: self.was_told(index, since), f"word of {fault}")
            if fault in AT_LAUNCH:
                wait_for(lambda index=index: self.simulator.count("launch") > 0, "a launch")
        wait_for(lambda: all(self.up().get(index, before[index]) != before[index] or
                             self.was_told(index, since) for index in patients), "that it was seen")
        for index in patients:
            self.simulator.set(**{f"fault.{index}": ""})
        wait_for(lambda: len(self.up()) == self.instances and self.is_idle(), "that all are well")
        after = self.up()
        for index in range(self.instances):
            if index not in patients:
                self.assertEqual(after[index], before[index], f"{index} was well")
        return after

    def test_a_dozen_schedules(self):
        print(f"LDP_SEED={SEED}")
        chance = random.Random(SEED)
        self.simulator.set(kill_effect="none")
        for index in range(self.instances):
            self.client.run("PATCH", f"/api/instances/{index}",
                            {"desired_state": "running", "repair": "full"})
        wait_for(lambda: len(self.up()) == self.instances and self.is_idle(), "the beginning")
        self.ids = {i["index"]: i["id"] for i in self.client.instances()}
        before = self.up()
        for n in range(SCHEDULES):
            patients = [2 * n % self.instances, (2 * n + 1) % self.instances]
            faults = [chance.choice([*AT_LAUNCH, *ENDS]) for _ in patients]
            with self.subTest(f"schedule {n}: {dict(zip(patients, faults))}"):
                before = self.play(patients, faults, before)
        operations = self.client.get("/api/operations?limit=1000").json["items"]
        launches = sum("launch --index" in str(o["evidence"]) for o in operations)
        self.assertEqual(self.simulator.count("launch"), launches, "one for each operation")


def index_of(event):
    return event["data"].get("target")


class Drills(ServiceCase):
    service_options = {"chaos": True, "refresh_idle_ms": 300}

    def test_a_drill_begins_is_told_and_ends(self):
        self.assertEqual(self.client.get("/api/chaos").json, {"is_allowed": True, "drill": None})
        drill = self.client.request("PUT", "/api/chaos", {
            "kind": "garbage", "verb": "list2", "duration_s": 600}).json["drill"]
        self.assertEqual((drill["kind"], drill["verb"], drill["percent"], drill["latency_ms"]),
                         ("garbage", "list2", 100, None))
        begun = self.client.told("service.chaos_begun")[-1]["data"]
        self.assertEqual((begun["kind"], begun["seconds"], begun["by"]),
                         ("garbage", 600, drill["by"]))
        wait_for(lambda: not self.client.told("workstation.observation")[-1]["data"]["is_fresh"],
                 "that the list is not believed")
        self.assertEqual(len(self.client.instances()), self.instances, "what was known is served")
        self.assertGreater(self.client.get("/api/chaos").json["drill"]["spoiled"], 0)
        self.client.request("DELETE", "/api/chaos")
        ended = self.client.told("service.chaos_ended")[-1]["data"]
        self.assertEqual(ended["reason"], "an admin ended it")
        self.assertGreater(ended["spoiled"], 0)
        wait_for(lambda: self.client.told("workstation.observation")[-1]["data"]["is_fresh"],
                 "that the list is believed again")

    def test_it_ends_when_its_time_is_up(self):
        self.client.request("PUT", "/api/chaos",
                            {"kind": "latency", "latency_ms": 5, "duration_s": 1})
        self.assertEqual(self.client.told("service.chaos_ended")[-1]["data"]["reason"],
                         "its time is up")
        self.assertIsNone(self.client.get("/api/chaos").json["drill"])

    def test_only_an_admin_may(self):
        operator = self.service.client("operator")
        body = {"kind": "hang", "duration_s": 5}
        self.assert_problem(operator.request("PUT", "/api/chaos", body), 403, "FORBIDDEN")
        self.assert_problem(operator.request("GET", "/api/chaos"), 403, "FORBIDDEN")
        self.assert_problem(self.client.request("PUT", "/api/chaos", {"kind": "fire"}), 422,
                            "VALIDATION_FAILED")


class NoDrills(ServiceCase):
    def test_nobody_may_where_the_configuration_does_not_allow_it(self):
        body = {"kind": "hang", "duration_s": 5}
        self.assert_problem(self.client.request("PUT", "/api/chaos", body), 409,
                            "CHAOS_NOT_ALLOWED")
        self.assertFalse(self.client.get("/api/chaos").json["is_allowed"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
