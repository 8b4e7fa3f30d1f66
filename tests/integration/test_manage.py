# SPDX-License-Identifier: MIT
"""Create, modify, rename, clone, remove: what the vendor's files say afterwards is what counts."""
import os
import shutil
import subprocess
import unittest

from support import ServiceCase
from support.waiting import wait_for


class Create(ServiceCase):
    def test_the_result_is_the_instance(self):
        ended = self.client.run("POST", "/api/instances", {"name": "fresh"})
        created = ended["result"]
        self.assertEqual((created["index"], created["name"]), (3, "fresh"))
        self.assertEqual(self.client.instance(created["id"])["name"], "fresh")
        self.assertEqual(ended["target"], created["id"])
        self.assertEqual(self.simulator.calls("add"), [["add", "--name", "fresh"]])
        self.assertEqual(self.simulator.config(3)["statusSettings.playerName"], "fresh")

    def test_settings_are_read_back_from_the_vendors_file(self):
        settings = {"cpu": 4, "memory_mb": 4096, "manufacturer": "samsung", "model": "SM-S9110"}
        body = {
            "name": "tuned",
            "settings": settings,
            "resolution": {"width": 720, "height": 1280, "dpi": 320},
            "labels": {"team": "qa"},
            "group": "night",
        }
        created = self.client.run("POST", "/api/instances", body)["result"]
        for name, value in settings.items():
            self.assertEqual(created["settings"][name], value)
        self.assertEqual(created["resolution"], {"width": 720, "height": 1280, "dpi": 320})
        self.assertEqual((created["labels"], created["group"]), ({"team": "qa"}, "night"))
        config = self.simulator.config(created["index"])
        self.assertEqual(config["advancedSettings.cpuCount"], 4)
        self.assertEqual(config["advancedSettings.memorySize"], 4096)
        self.assertEqual(config["propertySettings.phoneManufacturer"], "samsung")

    def test_every_setting_is_taken(self):
        settings = {
            "phone_number": "5551234", "imei": "1" * 15, "imsi": "2" * 15, "sim_serial": "3" * 20,
            "android_id": "4" * 16, "mac": "00DBBF9A087E", "auto_rotate": True,
            "lock_window": True, "root": True, "adb_debug": "remote",
        }
        created = self.client.run("POST", "/api/instances", {"name": "x", "settings": settings})
        read = created["result"]["settings"]
        self.assertEqual({name: read.get(name) for name in settings}, settings)

    def test_names_are_kept_exactly(self):
        names = ["a,b", "雷电模拟器 5", "game 🎮", "it's", "100%", "a\\b", "x" * 64, "back\\", "$(id)"]
        for name in names:
            with self.subTest(name):
                created = self.client.run("POST", "/api/instances", {"name": name})["result"]
                self.assertEqual(created["name"], name)
                stored = self.simulator.config(created["index"])["statusSettings.playerName"]
                self.assertEqual(stored, name)

    def test_names_that_cannot_be_given_are_refused(self):
        names = ["", "-x", "--name", 'say "hi"', "a\nb", "a\tb", "a\x7fb", " a", "a ", "x" * 300,
                 "a\u0000b"]
        for name in names:
            with self.subTest(name):
                answer = self.client.request("POST", "/api/instances", {"name": name})
                problem = self.assert_problem(answer, 422, "VALIDATION_FAILED")
                self.assertEqual([e["field"] for e in problem["errors"]], ["name"])
        self.assertEqual(self.simulator.calls("add"), [])

    def test_values_that_ldplayer_does_not_take_are_refused(self):
        bad = {
            "settings.cpu": [0, 5, -1, "2", 1.5, None, True],
            "settings.memory_mb": [0, 100, 4095, 9999, "2048"],
            "settings.imei": ["123", "12345678901234a", 123456789012345],
            "settings.mac": ["00:db:bf:9a:08:7e", "00DBBF9A087"],
            "settings.android_id": ["xyz", "6ecae0a3a8a2186"],
            "settings.root": [1, "true"],
            "settings.colour": ["red"],
        }
        for field, values in bad.items():
            for value in values:
                with self.subTest(field, value=value):
                    body = {"name": "x", "settings": {field.split(".")[1]: value}}
                    answer = self.client.request("POST", "/api/instances", body)
                    problem = self.assert_problem(answer, 422, "VALIDATION_FAILED")
                    self.assertEqual([e["field"] for e in problem["errors"]], [field])
                    self.assertTrue(problem["errors"][0]["rule"])
        self.assertEqual(self.simulator.calls("add"), [])

    def test_every_bad_field_is_named_at_once(self):
        body = {"name": "", "settings": {"cpu": 9, "memory_mb": 1}, "surprise": 1}
        answer = self.client.request("POST", "/api/instances", body)
        problem = self.assert_problem(answer, 422, "VALIDATION_FAILED")
        fields = {e["field"] for e in problem["errors"]}
        self.assertEqual(fields, {"name", "settings.cpu", "settings.memory_mb", "surprise"})


class Change(ServiceCase):
    def test_modify_changes_the_vendors_file(self):
        before = self.simulator.config(1)
        self.client.run("PATCH", "/api/instances/1", {"settings": {"cpu": 4, "memory_mb": 2048}})
        after = self.simulator.config(1)
        self.assertEqual(after["advancedSettings.cpuCount"], 4)
        self.assertEqual(after["advancedSettings.memorySize"], 2048)
        for key, value in before.items():
            if not key.startswith("advancedSettings."):
                self.assertEqual(after[key], value, key)

    def test_adb_debugging_is_switched_while_it_is_stopped(self):
        before = self.simulator.config(1)
        ended = self.client.run("PATCH", "/api/instances/1", {"settings": {"adb_debug": "remote"}})
        self.assertEqual(ended["result"]["settings"]["adb_debug"], "remote")
        self.assertEqual(self.simulator.config(1), before | {"basicSettings.adbDebug": 2})
        self.assertEqual(self.simulator.calls("modify"), [])
        self.client.run("POST", "/api/instances/1/start")
        self.assertEqual(self.client.instance(1)["settings"]["adb_debug"], "remote")
        body = {"settings": {"adb_debug": "off"}}
        refused = self.client.patch("/api/instances/1", body, expect=409)
        self.assertEqual(refused.json["code"], "INSTANCE_NOT_STOPPED")
        self.assertIn("settings.adb_debug", refused.json["detail"])

    def test_an_open_manager_is_told_of_and_what_it_undoes_is_drift(self):
        self.simulator.manager("open")
        self.client.told("workstation.manager")
        changed = self.client.run("PATCH", "/api/instances/1", {"settings": {"cpu": 4}})
        self.assertIn("manager window is open", changed["result"]["note"])
        removed = self.client.run("DELETE", "/api/instances/2")
        self.assertIn("manager window is open", removed["result"]["note"])
        self.simulator.manager("close")
        told = self.client.told("instance.drifted")[-1]["data"]
        self.assertEqual((told["index"], told["settings"]), (1, ["cpu"]))
        self.assertIn("manager", told["reason"])
        self.assertEqual(self.client.instance(1)["evidence"]["drift"], ["cpu"])

    def test_name_and_resolution_can_be_changed_together(self):
        size = {"width": 720, "height": 1280, "dpi": 320}
        self.client.run("PATCH", "/api/instances/1", {"name": "tall", "resolution": size})
        instance = self.client.instance(1)
        self.assertEqual((instance["name"], instance["resolution"]), ("tall", size))

    def test_what_is_so_already_costs_no_command(self):
        self.client.run("PATCH", "/api/instances/1", {"settings": {"cpu": 4}})
        self.client.run("PATCH", "/api/instances/1", {"settings": {"cpu": 4}})
        self.assertEqual(len(self.simulator.calls("modify")), 1)

    def test_labels_group_and_wish_are_ours_and_survive_a_restart(self):
        body = {"labels": {"a": "1", "b/c": ""}, "group": "g", "desired_state": "stopped"}
        self.client.run("PATCH", "/api/instances/1", body)
        self.assertEqual(self.simulator.calls("modify"), [])
        self.service.restart()
        instance = self.client.instance(1)
        self.assertEqual(
            {key: instance[key] for key in body},
            {"labels": {"a": "1", "b/c": ""}, "group": "g", "desired_state": "stopped"},
        )

    def test_rename(self):
        self.client.run("POST", "/api/instances/0/rename", {"name": "雷电, 1"})
        self.assertEqual(self.client.instance(0)["name"], "雷电, 1")
        self.assertEqual(self.simulator.config(0)["statusSettings.playerName"], "雷电, 1")
        self.assertEqual(self.client.instance("name:%E9%9B%B7%E7%94%B5,%201")["index"], 0)

    def test_a_change_can_be_bound_to_what_was_seen(self):
        tag = f'"{self.client.instance(1)["revision"]}"'
        self.client.wait(
            self.client.patch("/api/instances/1", {"group": "x"}, headers={"If-Match": tag}).json
        )
        late = self.client.request(
            "PATCH", "/api/instances/1", {"group": "y"}, headers={"If-Match": tag}
        )
        self.assert_problem(late, 412, "PRECONDITION_FAILED")
        self.assertEqual(self.client.instance(1)["group"], "x")

    def test_a_change_is_bound_to_what_is_there_when_it_is_made(self):
        """Both are accepted, because when the second comes nothing has been changed yet."""
        self.simulator.set(**{"latency_ms.rename": 1000})
        bound = {"If-Match": f'"{self.client.instance(1)["revision"]}"'}
        first = self.client.patch("/api/instances/1", {"name": "first"}, headers=bound).json
        second = self.client.request("PATCH", "/api/instances/1", {"name": "second"}, bound)
        self.assertEqual(second.status, 202, second)
        self.client.wait(first)
        error = self.client.wait(second.json, "failed")["error"]
        self.assertEqual((error["code"], error["retryable"]), ("PRECONDITION_FAILED", False))
        self.assertEqual(self.client.instance(1)["name"], "first")

    def test_a_revision_outlives_a_restart_and_a_start(self):
        before = self.client.instance(1)["revision"]
        self.client.run("POST", "/api/instances/1/start")
        self.service.restart()
        self.service.wait_until_observed()
        self.assertEqual(self.client.instance(1)["revision"], before)

    def test_an_empty_change_is_refused(self):
        answer = self.client.request("PATCH", "/api/instances/1", {})
        self.assertEqual(answer.status, 422, answer)


class Clone(ServiceCase):
    def test_a_clone_is_another_instance_with_the_settings_of_its_source(self):
        self.client.run("PATCH", "/api/instances/1", {"settings": {"model": "SM-X"}})
        ended = self.client.run("POST", "/api/instances/1/clone", {"name": "twin"})
        clone = ended["result"]
        self.assertEqual(clone["name"], "twin")
        self.assertNotEqual(clone["id"], self.client.instance(1)["id"])
        self.assertEqual(clone["settings"]["model"], "SM-X")

    def test_a_running_source_is_refused(self):
        self.client.run("POST", "/api/instances/1/start")
        answer = self.client.request("POST", "/api/instances/1/clone", {})
        self.assertEqual(answer.status, 409, answer)
        self.assertEqual(self.simulator.calls("copy"), [])


    def test_a_copy_that_died_is_no_success(self):
        """Half a disk of three, and no other ever comes."""
        self.simulator.set(**{"ms.copy": 300000, "ms.copy_disk": 50000})
        clone = self.client.post("/api/instances/0/clone", {"name": "half", "timeout_s": 10}).json
        wait_for(lambda: os.path.exists(self.simulator.path("vms", "leidian3", "data.vmdk")),
                 "the disk of the copy")
        self.simulator.kill()
        error = self.client.wait(clone, "timed_out")["error"]
        self.assertIn("instance 3 ('half', ", error["detail"])
        self.assertIn("is there and not whole", error["detail"])

    def test_what_somebody_else_copies_is_not_taken_for_ours(self):
        self.simulator.set(**{"ignore.copy": 1})
        clone = self.client.post("/api/instances/0/clone", {"name": "mine", "timeout_s": 10}).json
        wait_for(lambda: self.simulator.exits("copy"), "our copy, which does nothing")
        with self.assertRaises(subprocess.CalledProcessError) as index:
            self.simulator.run_ldconsole("copy", "--name", "theirs", "--from", "1")
        self.assertEqual(index.exception.returncode, 3)
        self.client.wait(clone, "timed_out")
        self.assertEqual(self.client.instance(3)["name"], "theirs")
        self.assertEqual(self.simulator.calls("rename"), [])


class Whose(ServiceCase):
    """Who an instance is when people work on its files."""

    def setUp(self):
        super().setUp()
        for index in (1, 2):
            self.client.run("PATCH", f"/api/instances/{index}", {"labels": {"was": str(index)}})

    def wait_for_labels(self, expected):
        def labels():
            return {i["index"]: i["labels"].get("was") for i in self.client.instances()}
        wait_for(lambda: labels() == expected, f"labels {expected}")

    def test_a_disk_takes_what_is_known_along(self):
        vms = self.simulator.path("vms")
        os.rename(f"{vms}/leidian1", f"{vms}/away")
        os.rename(f"{vms}/leidian2", f"{vms}/leidian1")
        os.rename(f"{vms}/away", f"{vms}/leidian2")
        self.wait_for_labels({0: None, 1: "2", 2: "1"})

    def test_an_instance_may_be_given_another_number(self):
        vms = self.simulator.path("vms")
        os.rename(f"{vms}/leidian2", f"{vms}/leidian7")
        os.rename(f"{vms}/config/leidian2.config", f"{vms}/config/leidian7.config")
        self.wait_for_labels({0: None, 1: "1", 7: "2"})

    def test_a_disk_may_be_written_anew(self):
        before = self.client.instance(1)["id"]
        disk = self.simulator.path("vms", "leidian1", "data.vmdk")
        shutil.copy2(disk, disk + ".new")
        os.replace(disk + ".new", disk)
        self.client.get("/api/instances?max_age_ms=0")
        self.client.get("/api/instances?max_age_ms=0")
        self.assertEqual(self.client.instance(1)["id"], before)
        self.wait_for_labels({0: None, 1: "1", 2: "2"})


class Remove(ServiceCase):
    def test_a_removed_instance_is_gone(self):
        identity = self.client.instance(1)["id"]
        self.client.run("DELETE", "/api/instances/1")
        self.assertEqual([i["index"] for i in self.client.instances()], [0, 2])
        gone = self.client.request("GET", f"/api/instances/{identity}")
        self.assert_problem(gone, 404, "INSTANCE_NOT_FOUND")

    def test_a_running_instance_is_kept(self):
        self.client.run("POST", "/api/instances/1/start")
        answer = self.client.request("DELETE", "/api/instances/1")
        self.assert_problem(answer, 409, "INSTANCE_NOT_STOPPED")
        self.assertEqual(self.simulator.calls("remove"), [])
        self.assertIn(self.client.instance(1)["state"], ("running", "ready"))

    def test_force_stops_it_first(self):
        self.client.run("POST", "/api/instances/1/start")
        self.client.run("DELETE", "/api/instances/1?force=true")
        self.assertEqual([i["index"] for i in self.client.instances()], [0, 2])
        self.assertEqual(len(self.simulator.calls("quit")), 1)

    def test_an_instance_that_comes_back_empty_is_removed_again(self):
        self.simulator.set(remove_recreates=1)
        self.client.run("DELETE", "/api/instances/2")
        self.assertEqual([i["index"] for i in self.client.instances()], [0, 1])


if __name__ == "__main__":
    unittest.main()
