# SPDX-License-Identifier: MIT
"""add, copy, remove, rename, modify and the files they work on (reference 1.3, 1.4, 3)."""
import json
import unittest
from concurrent.futures import ThreadPoolExecutor

from simulation import FOREVER, OFF, SimulationTest


class Add(SimulationTest):
    options = ("--instances", "2")

    def test_it_takes_the_lowest_free_index(self):
        self.assert_answer(["add", "--name", "c"], "", 2)
        self.assert_answer(["remove", "--index", "0"], "", 0)
        self.sim.wait_for(lambda: 0 not in self.sim.rows(), "removal")
        self.assert_answer(["add", "--name", "a"], "", 0)
        self.assertEqual({i: row.title for i, row in self.sim.rows().items()},
                         {0: "a", 1: "LDPlayer-1", 2: "c"})

    def test_default_titles_are_not_in_the_config(self):
        self.sim.ldconsole("add")
        self.assertEqual(self.sim.rows()[2].title, "LDPlayer-2")
        self.assertNotIn("statusSettings.playerName", self.sim.config(2))
        self.sim.set("default_title=雷电模拟器")
        self.assertEqual([row.title for row in self.sim.rows().values()],
                         ["雷电模拟器", "雷电模拟器-1", "雷电模拟器-2"])

    def test_awkward_titles_come_back_as_they_are(self):
        titles = ["a,b,,c", "12345", 'quo"te', "it's", "back\\slash", "雷电", "game 🎮", "  x  ",
                  "-dash", "%PATH%", "x" * 300]
        for title in titles:
            self.sim.ldconsole("add", "--name", title)
        self.assertEqual([row.title for row in self.sim.rows().values()][2:], titles)
        self.assertEqual([self.sim.config(i + 2)["statusSettings.playerName"]
                          for i in range(len(titles))], titles)

    def test_the_config_is_sparse_json_with_crlf_and_four_blanks(self):
        self.sim.ldconsole("add", "--name", "x")
        raw = self.sim.config_path(2).read_bytes()
        self.assertEqual(raw.count(b"\n"), raw.count(b"\r\n"))
        self.assertTrue(raw.startswith(b'{\r\n    "'))
        config = json.loads(raw)
        self.assertRegex(config["propertySettings.phoneIMEI"], r"^\d{15}$")
        self.assertRegex(config["propertySettings.phoneSimSerial"], r"^\d{20}$")
        self.assertRegex(config["propertySettings.phoneAndroidId"], r"^[0-9a-f]{16}$")
        self.assertRegex(config["propertySettings.macAddress"], r"^00DB[0-9A-F]{8}$")
        self.assertEqual(config["basicSettings.adbDebug"], 1)
        self.assertEqual(len(config), 12)

    def test_adb_of_new_ones_can_be_off(self):
        self.sim.set("adb_debug_new=0")
        self.sim.ldconsole("add")
        self.assertEqual(self.sim.config(2)["basicSettings.adbDebug"], 0)

    def test_it_makes_the_folder_of_the_machine(self):
        self.sim.ldconsole("add")
        folder = self.sim.home / "vms/leidian2"
        self.assertEqual(sorted(p.name for p in folder.iterdir()),
                         ["Logs", "data.vmdk", "leidian.vbox", "sdcard.vmdk", "system.vmdk"])

    def test_it_takes_its_time(self):
        self.sim.set("ms.add=20000")
        self.sim.ldconsole("add")
        self.assertGreaterEqual(self.sim.calls()[-1]["ms"], 200)

    def test_side_by_side_nothing_is_lost(self):
        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda _: self.sim.ldconsole("add").code, range(16)))
        self.assertEqual(sorted(codes), list(range(2, 18)))
        self.assertEqual(len(self.sim.rows()), 18)

    def test_ignored_it_still_gives_a_plausible_index(self):
        self.sim.set("ignore.add=1")
        self.assert_answer(["add", "--name", "x"], "", 2)
        self.assertNotIn(2, self.sim.rows())
        self.assert_answer(["add", "--name", "y"], "", 2)
        self.assertEqual(self.sim.rows()[2].title, "y")


class Copy(SimulationTest):
    options = ("--instances", "2", "--title", "1=12", "--set", "ms.copy=100")

    def test_digits_are_an_index_and_the_rest_a_title(self):
        self.sim.ldconsole("add", "--name", "abc")
        self.assert_answer(["copy", "--from", "abc"], "", 3)
        self.assert_usage(["copy", "--from", "12"], -1000)

    def test_default_title_is_that_of_the_source_with_the_index(self):
        self.assert_answer(["copy", "--from", "1"], "", 2)
        self.assert_answer(["copy", "--name", "new", "--from", "1"], "", 3)
        self.assertEqual([self.sim.rows()[i].title for i in (2, 3)], ["12-2", "new"])

    def test_settings_go_along_and_identity_does_not(self):
        self.sim.ldconsole("modify", "--index", "1", "--cpu", "3", "--resolution", "300,400,120")
        self.sim.ldconsole("copy", "--from", "1")
        source, copy = self.sim.config(1), self.sim.config(2)
        self.assertEqual(copy["advancedSettings.cpuCount"], 3)
        self.assertEqual(self.sim.rows()[2].size, (300, 400, 120))
        for key in ("phoneIMEI", "phoneAndroidId", "macAddress"):
            self.assertNotEqual(source[f"propertySettings.{key}"], copy[f"propertySettings.{key}"])

    def test_the_row_can_be_there_before_the_copy_ends(self):
        self.sim.set("copy_returns=at_once", f"ms.copy={FOREVER}", f"ms.copy_disk={FOREVER}")
        self.assert_answer(["copy", "--from", "1"], "", 2)
        self.assertEqual(self.sim.seen(2), OFF)
        self.assertFalse((self.sim.home / "vms/leidian2").exists())
        self.assertEqual(set(self.sim.processes(2)), {"copy"})

    def test_the_row_can_come_after_the_copy(self):
        self.sim.set("copy_returns=at_once", "copy_row=late", "ms.copy=100000")
        self.assert_answer(["copy", "--from", "1"], "", 2)
        self.assertNotIn(2, self.sim.rows())
        self.sim.wait_for(lambda: 2 in self.sim.rows(), "the late row")
        self.assertTrue((self.sim.home / "vms/leidian2/data.vmdk").exists())

    def test_the_row_can_come_after_the_answer(self):
        self.sim.set("copy_row=late", "ms.copy_row=100000")
        self.assert_answer(["copy", "--from", "1"], "", 2)
        self.assertNotIn(2, self.sim.rows())
        self.sim.wait_for(lambda: 2 in self.sim.rows(), "the late row")

    def test_copies_can_be_read_only_and_then_never_start(self):
        self.sim.set("copy_readonly=true")
        self.sim.ldconsole("copy", "--from", "1")
        self.sim.ldconsole("launch", "--index", "2")
        self.sim.wait_seen(2, (2, True, False))
        log = (self.sim.home / "vms/leidian2/Logs/VBox.log").read_text()
        self.assertIn("VERR_VD_IMAGE_READ_ONLY", log)
        self.assertIn("PowerUpFailed", log)
        self.sim.stop(2)
        (self.sim.home / "vms/leidian2/data.vmdk").chmod(0o644)
        self.sim.start(2)


class Remove(SimulationTest):
    def test_it_is_acknowledged_first_and_done_later(self):
        self.sim.set("ms.remove=100000")
        self.assert_answer(["remove", "--index", "1"], "", 0)
        self.assertIn(1, self.sim.rows())
        self.sim.wait_for(lambda: 1 not in self.sim.rows(), "removal")
        self.assertEqual(sorted(self.sim.rows()), [0, 2])
        self.sim.wait_for(lambda: not (self.sim.home / "vms/leidian1").exists(), "no folder")

    def test_a_running_one_is_left_alone(self):
        self.sim.start(1)
        self.assert_answer(["remove", "--index", "1"], "", 0)
        self.sim.stop(1)
        self.assertIn(1, self.sim.rows())

    def test_or_it_is_killed(self):
        self.sim.set("remove_running=kills", "ms.remove=0")
        self.sim.start(1)
        self.assert_answer(["remove", "--index", "1"], "", 0)
        self.assertNotIn(1, self.sim.rows())
        self.assertEqual(self.sim.processes(1), {})

    def test_an_empty_one_can_take_its_place(self):
        self.sim.set("remove_recreates=1", "ms.remove=0")
        self.sim.ldconsole("rename", "--index", "1", "--title", "mine")
        self.sim.ldconsole("remove", "--index", "1")
        self.assertEqual(self.sim.rows()[1].title, "LDPlayer-1")
        self.sim.ldconsole("remove", "--index", "1")
        self.assertNotIn(1, self.sim.rows())

    def test_a_new_one_with_the_number_of_an_old_one_has_another_disk(self):
        self.sim.set("ms.remove=0")
        disk = self.sim.home / "vms/leidian1/data.vmdk"
        before = disk.read_bytes()
        self.sim.ldconsole("remove", "--index", "1")
        self.sim.ldconsole("add")
        self.assertNotEqual(disk.read_bytes(), before)

    def test_the_old_guest_is_forgotten(self):
        self.sim.start(1)
        self.sim.ldconsole("setprop", "--index", "1", "--key", "k", "--value", "v")
        self.sim.stop(1)
        self.sim.set("ms.remove=0")
        self.sim.ldconsole("remove", "--index", "1")
        self.sim.ldconsole("add")
        self.sim.start(1)
        self.assertEqual(self.sim.ldconsole("getprop", "--index", "1", "--key", "k").text, "\n")


class Rename(SimulationTest):
    def test_it_shows_at_once_and_stays(self):
        self.sim.start(1)
        self.assert_answer(["rename", "--index", "1", "--title", "新"], "", 0)
        self.assertEqual(self.sim.rows()[1].title, "新")
        self.sim.stop(1)
        self.assertEqual(self.sim.rows()[1].title, "新")

    def test_by_name_the_newest_of_twins_is_meant(self):
        self.sim.set("ms.remove=0")
        self.sim.ldconsole("rename", "--index", "2", "--title", "twin")
        self.sim.ldconsole("remove", "--index", "0")
        self.sim.ldconsole("add", "--name", "twin")
        self.sim.ldconsole("rename", "--name", "twin", "--title", "found")
        self.assertEqual(self.sim.rows()[0].title, "found")
        self.assertEqual(self.sim.rows()[2].title, "twin")

    def test_a_numeric_title_is_no_index(self):
        self.sim.ldconsole("rename", "--index", "2", "--title", "0")
        self.sim.ldconsole("rename", "--name", "0", "--title", "found")
        self.assertEqual(self.sim.rows()[2].title, "found")


class Modify(SimulationTest):
    def modify(self, *flags):
        return ["modify", "--index", "1", *flags]

    def test_flags_and_their_keys(self):
        self.assert_answer(self.modify("--resolution", "300,400,120", "--cpu", "4", "--memory",
                                       "8192", "--manufacturer", "a b", "--model", "模型",
                                       "--pnumber", "+49 1", "--autorotate", "1", "--lockwindow",
                                       "0", "--root", "1"), "", 0)
        config = self.sim.config(1)
        self.assertEqual(config["advancedSettings.resolution"], {"width": 300, "height": 400})
        self.assertEqual(config["advancedSettings.resolutionDpi"], 120)
        self.assertEqual(config["advancedSettings.cpuCount"], 4)
        self.assertEqual(config["advancedSettings.memorySize"], 8192)
        self.assertEqual(config["propertySettings.phoneManufacturer"], "a b")
        self.assertEqual(config["propertySettings.phoneModel"], "模型")
        self.assertEqual(config["propertySettings.phoneNumber"], "+49 1")
        self.assertIs(config["basicSettings.autoRotate"], True)
        self.assertIs(config["basicSettings.lockWindow"], False)
        self.assertIs(config["basicSettings.rootMode"], True)
        self.assertEqual(self.sim.rows()[1].size, (300, 400, 120))

    def test_numbers_are_given_or_drawn(self):
        before = self.sim.config(1)
        self.assert_answer(self.modify("--imei", "123456789012345", "--imsi", "auto",
                                       "--simserial", "auto", "--androidid", "auto", "--mac",
                                       "auto"), "", 0)
        config = self.sim.config(1)
        self.assertEqual(config["propertySettings.phoneIMEI"], "123456789012345")
        for key, shape in (("phoneIMSI", r"\d{15}"), ("phoneSimSerial", r"\d{20}"),
                           ("phoneAndroidId", r"[0-9a-f]{16}"), ("macAddress", r"[0-9A-F]{12}")):
            self.assertRegex(config[f"propertySettings.{key}"], f"^{shape}$")
            self.assertNotEqual(config[f"propertySettings.{key}"],
                                before[f"propertySettings.{key}"])

    def test_values_out_of_range_change_nothing(self):
        before = self.sim.config(1)
        for flags in (["--cpu", "5"], ["--memory", "100"], ["--resolution", "1,2"],
                      ["--cpu", "2", "--memory", "100"], ["--mac", "zz"], ["--root", "yes"]):
            with self.subTest(flags=flags):
                self.assert_answer(self.modify(*flags), "parameter error!", -1005)
        self.assertEqual(self.sim.config(1), before)

    def test_unknown_flags_are_passed_over(self):
        before = self.sim.config(1)
        self.assert_answer(self.modify("--adb", "on", "--dpi", "300", "--audio", "0"), "", 0)
        self.assertEqual(self.sim.config(1), before)

    def test_it_counts_from_the_next_start(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.ldconsole(*self.modify("--resolution", "300,400,120"))
        self.assertEqual(self.sim.rows()[1].size, (300, 400, 120))
        self.assertIn("1280x720", self.sim.adb_shell(1, "wm size"))
        self.sim.stop(1)
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.assertIn("300x400", self.sim.adb_shell(1, "wm size"))

    def test_strangers_keys_and_a_byte_order_mark_are_taken(self):
        path = self.sim.config_path(1)
        path.write_bytes(b'\xef\xbb\xbf{"facebook": {"a": [1, 2.5]}, "basicSettings.x": 1}')
        self.assert_answer(self.modify("--cpu", "2"), "", 0)
        config = self.sim.config(1)
        self.assertEqual(config["facebook"], {"a": [1, 2.5]})
        self.assertEqual(config["advancedSettings.cpuCount"], 2)

    def test_an_edit_of_the_file_shows_at_once(self):
        for title in ("one", "two", "six"):
            config = self.sim.config(1)
            config["statusSettings.playerName"] = title
            self.sim.config_path(1).write_text(json.dumps(config), encoding="utf-8")
            self.assertEqual(self.sim.rows()[1].title, title)

    def test_an_edit_while_it_runs_is_lost_when_it_closes(self):
        self.sim.start(1)
        config = self.sim.config(1)
        config["statusSettings.playerName"] = "edited"
        self.sim.config_path(1).write_text(json.dumps(config), encoding="utf-8")
        self.assertEqual(self.sim.rows()[1].title, "edited")
        self.sim.stop(1)
        self.assertEqual(self.sim.rows()[1].title, "LDPlayer-1")

    def test_ignored_it_says_nothing(self):
        self.sim.set("ignore.modify.1=1")
        self.assert_answer(self.modify("--cpu", "4"), "", 0)
        self.assertNotEqual(self.sim.config(1).get("advancedSettings.cpuCount"), 4)
        self.assert_answer(self.modify("--cpu", "4"), "", 0)
        self.assertEqual(self.sim.config(1)["advancedSettings.cpuCount"], 4)

    def test_globalsetting_writes_the_global_config(self):
        self.assert_answer(["globalsetting", "--fps", "30"], "", 0)
        path = self.sim.home / "vms/config/leidians.config"
        self.assertEqual(json.loads(path.read_bytes())["framesPerSecond"], 30)


if __name__ == "__main__":
    unittest.main()
