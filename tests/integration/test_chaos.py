# SPDX-License-Identifier: MIT
"""A dozen random schedules of known faults, with real processes and the real service; and drills, in
which ldconsole fails on purpose. tests/unit/control/test_chaos.c plays a thousand in one process."""
import os
import random
import unittest

from support import ServiceCase, wait_for

SEED = int(os.environ.get("LDP_SEED", "1"))
# Schedules are pairs of faults at the same time, on two instances of their own; two pairs a round.
ROUNDS = 6
PATIENTS = 4
# What is decided when an instance is launched, and whether it is ill then.
AT_LAUNCH = {"stuck_starting": True, "vbox_gutted": True, "repairer": False, "slow_boot": False}
# What is ended by force.
ENDS = {"crash": (), "zombie": ("vm",), "unknown to ldconsole": ("player",)}


class Schedules(ServiceCase):
    instances = 10
    service_options = {
        "refresh_idle_ms": 300, "stuck_ms": 5000, "stop_timeout_ms": 6000, "repair_looks": 2,
        "start_timeout_ms": 8000, "repair_per_hour": 60, "repair_host_per_hour": 1000,
    }

    def strike(self, index, fault):
        if fault in AT_LAUNCH:
            self.simulator.set(**{f"fault.{index}": fault})
        self.simulator.kill_instance(index, *ENDS.get(fault, ()))

    def up(self):
        return {i["index"]: i["pid"] for i in self.client.instances()
                if i["state"] in ("running", "ready")}

    def is_idle(self):
        items = self.client.get("/api/operations?limit=1000").json["items"]
        return all(o["ended_at"] for o in items)

    def trust_again(self, faults):
        """A person has mended what no restart cures."""
        for index in faults:
            if self.client.instance(index)["quarantine"]:
                self.client.run("PATCH", f"/api/instances/{index}", {"quarantine": None})
        return True

    def is_ill_or_back(self, index, former_pid):
        i = self.client.instance(index)
        return i["state"] in ("stuck", "zombie") or self.up().get(index, former_pid) != former_pid

    def play(self, faults, before):
        for index, fault in faults.items():
            self.strike(index, fault)
        for index, fault in faults.items():
            if AT_LAUNCH.get(fault):
                wait_for(lambda index=index: self.is_ill_or_back(index, before[index]),
                         f"{fault} of {index}")
                self.simulator.set(**{f"fault.{index}": ""})
        wait_for(lambda: self.trust_again(faults) and all(self.up().get(i, before[i]) != before[i] for i in faults) and
                 len(self.up()) == self.instances and self.is_idle(), "that all are well")
        for index in faults:
            self.simulator.set(**{f"fault.{index}": ""})
        after = self.up()
        for index in set(before) - set(faults):
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
        before = self.up()
        for n in range(ROUNDS):
            faults = {(PATIENTS * n + i) % self.instances: chance.choice([*AT_LAUNCH, *3 * [*ENDS]])
                      for i in range(PATIENTS)}
            with self.subTest(f"round {n}: {faults}"):
                before = self.play(faults, before)
        operations = self.client.get("/api/operations?limit=1000").json["items"]
        launches = sum("launch --index" in str(o["evidence"]) for o in operations)
        self.assertEqual(self.simulator.count("launch"), launches, "one for each operation")


class Drills(ServiceCase):
    service_options = {"chaos": "true", "refresh_idle_ms": 300}

    def is_fresh(self):
        told = [e["data"]["is_fresh"] for e in self.client.told_so_far()
                if e["type"] == "workstation.observation"]
        return told[-1] if told else None

    def test_a_drill_begins_is_told_and_ends(self):
        self.assertEqual(self.client.get("/api/chaos").json, {"is_allowed": True, "drill": None})
        drill = self.client.request("PUT", "/api/chaos", {
            "kind": "garbage", "verb": "list2", "duration_s": 600, "percent": 99}).json["drill"]
        self.assertEqual((drill["kind"], drill["verb"], drill["percent"], drill["latency_ms"]),
                         ("garbage", "list2", 99, None))
        begun = self.client.told("service.chaos_begun")[-1]["data"]
        self.assertEqual((begun["kind"], begun["seconds"], begun["by"]),
                         ("garbage", 600, drill["by"]))
        wait_for(lambda: self.is_fresh() is False, "that the list is not believed")
        self.assertEqual(len(self.client.instances()), self.instances, "what was known is served")
        self.assertGreater(self.client.get("/api/chaos").json["drill"]["spoiled"], 0)
        self.client.request("DELETE", "/api/chaos")
        ended = self.client.told("service.chaos_ended")[-1]["data"]
        self.assertEqual(ended["reason"], "an admin ended it")
        self.assertGreater(ended["spoiled"], 0)
        wait_for(self.is_fresh, "that the list is believed again")

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
