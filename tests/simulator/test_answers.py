# SPDX-License-Identifier: MIT
"""The bytes and exit codes of every answer, for each profile (reference 1, 2.1 to 2.4)."""
import unittest

from simulation import BANNER, MISSING, SimulationTest, low_byte

STOPPED = "0,LDPlayer,0,0,0,-1,-1,1280,720,240\r\n1,LDPlayer-1,0,0,0,-1,-1,1280,720,240\r\n"


class Ld9(SimulationTest):
    options = ("--instances", "2")

    def test_list2_has_ten_columns_and_crlf(self):
        self.assert_answer(["list2"], STOPPED, 0)

    def test_list_prints_titles(self):
        self.assert_answer(["list"], "LDPlayer\r\nLDPlayer-1\r\n", 0)

    def test_lists_of_nothing_are_empty(self):
        self.assert_answer(["runninglist"], "", 0)
        self.assert_answer(["runningList2"], "", 0)

    def test_list3_has_six_fields(self):
        self.assert_answer(["list3", "--index", "1"], "1,LDPlayer-1,0,1280,720,240\r\n", 0)

    def test_isrunning_has_no_line_end(self):
        self.assert_answer(["isrunning", "--index", "0"], "stop", 0)
        self.assert_answer(["isrunning", "--name", "LDPlayer-1"], "stop", 0)

    def test_isrunning_of_a_missing_one(self):
        self.assert_answer(["isrunning", "--index", "7"], MISSING, 0)

    def test_unknown_command_is_usage(self):
        self.assert_usage(["fixbug"], -1000)

    def test_no_arguments_is_usage(self):
        self.assertNotEqual(self.sim.run("ldconsole").code, 0)
        self.assert_usage([], -1000)

    def test_usage_starts_with_the_banner(self):
        text = self.sim.ldconsole("nonsense").text
        self.assertTrue(text.startswith(f"dnplayer {BANNER}\r\nAll rights reserved.\r\n\r\nUsage:"))
        self.assertIn("\r\nldconsole <command> [parameter]\r\n", text)
        self.assertIn("--root", text)

    def test_banner_can_be_any_text(self):
        self.sim.set(f"banner=ldplayer v14.0.29.0 {BANNER}")
        text = self.sim.ldconsole("nonsense").text
        self.assertTrue(text.startswith(f"ldplayer v14.0.29.0 {BANNER}\r\n"))

    def test_it_answers_as_dnconsole_too(self):
        done = self.sim.run("dnconsole", "list")
        self.assertEqual(done.text, "LDPlayer\r\nLDPlayer-1\r\n")
        self.assertIn("\r\ndnconsole <command>", self.sim.run("dnconsole").text)

    def test_missing_instance(self):
        for verb in ("quit", "reboot", "remove", "rename"):
            with self.subTest(verb=verb):
                self.assert_answer([verb, "--index", "7", "--title", "x"], MISSING, -1001)
        for verb in ("runapp", "killapp", "adb", "getprop", "action"):
            with self.subTest(verb=verb):
                self.assert_answer([verb, "--index", "7"], MISSING, 0)

    def test_launch_of_a_missing_one_is_usage(self):
        self.assert_usage(["launch", "--index", "7"], -1001)
        self.assert_usage(["launch", "--name", "nobody"], -1001)
        self.assert_usage(["launch", "--index", "abc"], -1001)

    def test_modify_of_a_missing_one_is_silent(self):
        self.assert_answer(["modify", "--index", "7", "--cpu", "2"], "", 0)

    def test_copy_from_nowhere_is_usage(self):
        self.assert_usage(["copy", "--from", "7"], -1000)

    def test_acknowledged_verbs(self):
        for args in (
            ["sortWnd"],
            ["zoomIn", "--index", "0"],
            ["zoomOut"],
            ["rock"],
            ["scan", "--index", "0", "--file", "x"],
            ["downcpu", "--index", "0", "--rate", "50"],
            ["locate", "--index", "0", "--LLI", "12.5,41.9"],
            ["action", "--index", "0", "--key", "call.shake", "--value", "null"],
            ["operatelist", "--index", "0"],
            ["operateinfo", "--index", "0", "--file", "x"],
            ["quitall"],
        ):
            with self.subTest(args=args):
                self.assert_answer(args, "", 0)

    def test_case_of_a_command_matters(self):
        self.assert_usage(["sortwnd"], -1000)

    def test_row_99999_and_order(self):
        self.sim.set("row_99999=true", "row_order=reverse")
        lines = self.sim.ldconsole("list2").text.splitlines()
        self.assertEqual([line.split(",")[0] for line in lines], ["1", "0", "99999"])

    def test_shuffled_rows_are_all_there(self):
        for _ in range(4):
            self.sim.ldconsole("add")
        before = self.sim.ldconsole("list2").text.splitlines()
        self.sim.set("row_order=shuffled")
        after = self.sim.ldconsole("list2").text.splitlines()
        self.assertNotEqual(before, after)
        self.assertEqual(sorted(before), sorted(after))

    def test_columns_can_be_those_of_another_version(self):
        self.sim.set("columns=7")
        self.assertEqual(self.sim.ldconsole("list2").text.splitlines()[0], "0,LDPlayer,0,0,0,-1,-1")


class Ld4(SimulationTest):
    options = ("--instances", "1", "--profile", "ld4")

    def test_list2_has_seven_columns(self):
        self.assert_answer(["list2"], "0,LDPlayer,0,0,0,-1,-1\r\n", 0)

    def test_it_knows_neither_list3_nor_root(self):
        self.assert_usage(["list3", "--index", "0"], -1000)
        self.assertNotIn("--root", self.sim.ldconsole("list3").text)
        self.assert_answer(["modify", "--index", "0", "--root", "1"], "", 0)
        self.assertNotIn("basicSettings.rootMode", self.sim.config(0))

    def test_memory_values_of_the_old_text(self):
        self.assert_answer(["modify", "--index", "0", "--memory", "1536"], "parameter error!", -1005)
        self.assert_answer(["modify", "--index", "0", "--memory", "4096"], "", 0)


class Ld14(SimulationTest):
    options = ("--instances", "1", "--profile", "ld14")

    def test_banner_has_the_version(self):
        text = self.sim.ldconsole().text
        self.assertTrue(text.startswith(f"dnplayer v14.0.25.1 {BANNER}\r\nAll rights reserved.\r\n"))

    def test_list2_has_ten_columns(self):
        self.assert_answer(["list2"], "0,LDPlayer,0,0,0,-1,-1,1280,720,280\r\n", 0)

    def test_copy_from_nowhere_is_text(self):
        self.assert_answer(["copy", "--from", "nobody"], MISSING, 0)

    def test_isrunning_of_nonsense_is_stop(self):
        self.assert_answer(["isrunning", "--index", "abc"], "stop", 0)

    def test_it_can_turn_into_another_version(self):
        self.sim.set("profile=ld4")
        self.assert_answer(["list2"], "0,LDPlayer,0,0,0,-1,-1\r\n", 0)


class ExitCodes(SimulationTest):
    options = ("--instances", "0")

    def test_new_index_is_the_exit_code(self):
        for index in range(3):
            self.assert_answer(["add"], "", index)
        self.assert_answer(["copy", "--from", "1"], "", 3)

    def test_only_the_low_byte_gets_out_here(self):
        self.assertEqual(self.sim.ldconsole("nonsense").code, low_byte(-1000))
        self.assertEqual(low_byte(-1000), 24)

    def test_exit_code_of_a_verb_can_be_set(self):
        self.sim.set("exit_code.list2=1")
        self.sim.ldconsole("add", "--name", "x")
        self.assert_answer(["list2"], "0,x,0,0,0,-1,-1,1280,720,240\r\n", 1)
        self.assert_answer(["list"], "x\r\n", 0)


if __name__ == "__main__":
    unittest.main()
