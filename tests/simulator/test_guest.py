# SPDX-License-Identifier: MIT
"""What is inside an instance: adb, ld, apps, properties, files (reference 1.5, 1.8, 4)."""
import unittest

from simulation import MISSING, UP, SimulationTest


class Guest(SimulationTest):
    """One installation with instance 1 up and instance 0 stopped, for all tests."""

    @classmethod
    def setUpClass(cls):
        from simulation import Simulation

        cls.shared = Simulation()
        cls.addClassCleanup(cls.shared.close)
        cls.shared.start(1)
        cls.shared.wait_booted(1)

    def setUp(self):
        self.sim = self.shared

    def shell(self, command):
        return self.sim.adb_shell(1, command)

    def test_adb_passes_output_through_and_loses_the_exit_code(self):
        self.assert_answer(["adb", "--index", "1", "--command", "shell echo hi; exit_1"],
                           "hi\n/system/bin/sh: exit_1: not found\n", 0)
        self.assert_answer(["adb", "--index", "1", "--command", "shell false"], "", 0)

    def test_adb_of_a_stopped_one_is_an_error_text_with_0(self):
        self.assert_answer(["adb", "--index", "0", "--command", "shell echo hi"],
                           "adb.exe: device 'emulator-5554' not found\r\n", 0)

    def test_adb_can_echo_its_command_line(self):
        self.sim.set("adb_echo=true")
        self.addCleanup(self.sim.set, "adb_echo=")
        text = self.shell("echo hi")
        self.assertEqual(text, "adb.exe -s emulator-5556 shell echo hi\r\nhi\n")

    def test_quotes_hold_as_far_as_adb(self):
        # adb puts the words together with blanks, and the guest takes them apart again.
        self.assertEqual(self.shell('echo "a  b" c'), "a b c\n")
        self.assertEqual(self.shell('"echo a; echo \'b  c\'"'), "a\nb  c\n")

    def test_the_shell_knows_and_and_redirections(self):
        self.assertEqual(self.shell("true && echo yes"), "yes\n")
        self.assertEqual(self.shell("false && echo yes"), "")
        self.assertEqual(self.shell("getprop x 2>/dev/null"), "\n")

    def test_devices_of_the_host(self):
        self.assertEqual(self.sim.run("adb", "devices").out,
                         b"List of devices attached\r\nemulator-5556\tdevice\r\n\r\n")

    def test_both_forms_of_a_serial(self):
        done = self.sim.run("adb", "connect", "127.0.0.1:5557")
        self.assertEqual((done.code, done.text), (0, "connected to 127.0.0.1:5557\r\n"))
        self.addCleanup(self.sim.run, "adb", "disconnect")
        done = self.sim.run("adb", "connect", "127.0.0.1:5557")
        self.assertEqual(done.text, "already connected to 127.0.0.1:5557\r\n")
        self.assertIn("127.0.0.1:5557\tdevice", self.sim.run("adb", "devices").text)
        for serial in ("127.0.0.1:5557", "emulator-5556"):
            done = self.sim.run("adb", "-s", serial, "shell", "echo", "x")
            self.assertEqual((done.code, done.text), (0, "x\n"))

    def test_connect_to_nobody_exits_0(self):
        done = self.sim.run("adb", "connect", "127.0.0.1:5555")
        self.assertEqual(done.code, 0)
        self.assertIn("cannot connect to 127.0.0.1:5555", done.text)

    def test_the_host_sees_the_exit_code_of_the_guest(self):
        self.assertEqual(self.sim.run("adb", "-s", "emulator-5556", "shell", "false").code, 1)
        self.assertEqual(self.sim.run("adb", "-s", "emulator-5554", "shell", "true").code, 1)
        self.assertEqual(self.sim.run("adb", "get-state").text, "device\r\n")

    def test_ld_needs_no_adb(self):
        done = self.sim.run("ld", "-s", "1", "echo", "hi")
        self.assertEqual((done.code, done.text), (0, "hi\n"))
        self.assertEqual(self.sim.run("ld", "-s", "1", "adb", "shell", "echo", "hi").text, "hi\n")
        self.assertNotEqual(self.sim.run("ld", "-s", "0", "echo", "hi").code, 0)

    def test_apps(self):
        apk = self.sim.dir / "com.game.apk"
        apk.write_bytes(b"apk")
        for args in (["installapp", "--filename", apk],
                     ["installapp", "--packagename", "com.store"],
                     ["runapp", "--packagename", "com.game"]):
            self.assert_answer([args[0], "--index", "1", *args[1:]], "", 0)
        self.assertLessEqual({"package:com.game", "package:com.store"},
                             set(self.shell("pm list packages -3").split()))
        self.assertRegex(self.shell("pidof com.game"), r"^\d+\n$")
        self.assertEqual(self.shell("pidof com.store"), "")
        self.assert_answer(["killapp", "--index", "1", "--packagename", "com.game"], "", 0)
        self.assertEqual(self.shell("pidof com.game"), "")
        self.assert_answer(["uninstallapp", "--index", "1", "--packagename", "com.game"], "", 0)
        self.assertNotIn("com.game", self.shell("pm list packages"))
        self.assertIn("com.android.settings", self.shell("pm list packages"))

    def test_an_app_can_be_started_from_the_shell(self):
        self.sim.ldconsole("installapp", "--index", "1", "--packagename", "com.b")
        self.shell("am start -n com.b/.Main")
        self.assertRegex(self.shell("pidof com.b"), r"^\d+\n$")
        self.shell("am force-stop com.b")
        self.assertEqual(self.shell("pidof com.b"), "")
        self.assertIn("Events injected", self.shell("monkey -p com.b 1"))

    def test_properties(self):
        self.assert_answer(["setprop", "--index", "1", "--key", "my.key", "--value", "雷 电"], "", 0)
        self.assertEqual(self.sim.ldconsole("getprop", "--index", "1", "--key", "my.key").text,
                         "雷 电\n")
        self.assertIn("[my.key]: [雷 电]\n", self.sim.ldconsole("getprop", "--index", "1").text)
        self.assert_answer(["getprop", "--index", "0", "--key", "my.key"], "", 0)

    def test_actions_are_properties(self):
        self.sim.ldconsole("action", "--index", "1", "--key", "call.locate", "--value", "1.5,2.5")
        self.assertEqual(self.shell("getprop call.locate"), "1.5,2.5\n")

    def test_files_go_in_and_out(self):
        there, back = self.sim.dir / "a.txt", self.sim.dir / "b.txt"
        there.write_bytes(b"\x00\xff")
        for verb, local in (("push", there), ("pull", back)):
            self.assert_answer([verb, "--index", "1", "--remote", "/sdcard/x", "--local", local],
                               "", 0)
        self.assertEqual(back.read_bytes(), b"\x00\xff")
        self.sim.run("adb", "push", there, "/sdcard/y")
        back.unlink()
        self.sim.run("adb", "pull", "/sdcard/y", back)
        self.assertEqual(back.read_bytes(), b"\x00\xff")

    def test_backup_wants_its_extension(self):
        good, bad = self.sim.dir / "a.ldbk", self.sim.dir / "a.zip"
        for file in (good, bad):
            self.assert_answer(["backup", "--index", "0", "--file", file], "", 0)
        self.assertFalse(bad.exists())
        self.sim.ldconsole("rename", "--index", "0", "--title", "changed")
        self.assert_answer(["restore", "--index", "0", "--file", good], "", 0)
        self.assertEqual(self.sim.rows()[0].title, "LDPlayer")

    def test_backup_of_an_app(self):
        file = self.sim.dir / "app"
        self.sim.ldconsole("installapp", "--index", "1", "--packagename", "com.c")
        args = ["--index", "1", "--packagename", "com.c", "--file", file]
        self.assert_answer(["backupapp", *args], "", 0)
        self.sim.ldconsole("uninstallapp", "--index", "1", "--packagename", "com.c")
        self.assert_answer(["restoreapp", *args], "", 0)
        self.assertIn("com.c", self.shell("pm list packages"))

    def test_operaterecord_is_kept(self):
        self.assert_answer(["operaterecord", "--index", "1", "--content", "{}"], "", 0)
        self.assertEqual((self.sim.home / "vms/operationRecords/leidian1.record").read_text(), "{}")

    def test_all_of_them_know_a_missing_instance(self):
        for verb in ("installapp", "uninstallapp", "setprop", "locate", "downcpu", "scan", "pull",
                     "push", "backup", "restore", "backupapp", "restoreapp", "operatelist",
                     "operateinfo", "operaterecord"):
            with self.subTest(verb=verb):
                self.assert_answer([verb, "--index", "7"], MISSING, 0)


class AdbDebug(SimulationTest):
    def test_off_in_the_config_adb_never_answers_but_ld_does(self):
        path = self.sim.config_path(1)
        path.write_text(path.read_text().replace('adbDebug": 1', 'adbDebug": 0'))
        self.sim.start(1)
        self.sim.wait_for(
            lambda: self.sim.run("ld", "-s", "1", "getprop sys.boot_completed").text == "1\n",
            "the boot",
        )
        self.assertEqual(self.sim.adb_shell(1, "echo x"),
                         "adb.exe: device 'emulator-5556' not found\r\n")
        self.assertIn("127.0.0.1:2222\toffline", self.sim.run("adb", "devices").text)

    def test_running_apps_do_not_outlive_the_guest(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.ldconsole("installapp", "--index", "1", "--packagename", "com.a")
        self.sim.ldconsole("runapp", "--index", "1", "--packagename", "com.a")
        self.sim.stop(1)
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.assertEqual(self.sim.adb_shell(1, "pidof com.a"), "")
        self.assertIn("com.a", self.sim.adb_shell(1, "pm list packages"))

    def test_action_reboot(self):
        self.sim.start(1)
        before = self.sim.rows()[1].vm
        self.sim.ldconsole("action", "--index", "1", "--key", "call.reboot", "--value", "null")
        self.sim.wait_for(lambda: self.sim.rows()[1].vm not in (before, -1), "another VM")
        self.sim.wait_seen(1, UP)


if __name__ == "__main__":
    unittest.main()
