# SPDX-License-Identifier: MIT
"""The way of an instance from launch to gone, with its processes (reference 2.6 and 5.1)."""
import os
import shutil
import signal
import subprocess
import unittest

from simulation import (
    BOOTING,
    FOREVER,
    OFF,
    STARTING,
    UP,
    ZOMBIE,
    SimulationTest,
    alive,
    natively,
)


def kill(pid):
    os.kill(pid, signal.SIGKILL)


class Timeline(SimulationTest):
    def test_launch_is_acknowledged_before_anything_is_seen(self):
        self.sim.set(f"ms.visible={FOREVER}")
        self.assert_answer(["launch", "--index", "1"], "", 0)
        self.assertEqual(self.sim.seen(1), OFF)
        self.assert_answer(["isrunning", "--index", "1"], "stop", 0)

    def test_first_a_window_without_a_vm(self):
        self.sim.set(f"ms.vm={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        row = self.sim.rows()[1]
        self.assertEqual(row.vm, -1)
        self.assertGreater(row.top, 0)
        self.assertGreater(row.bind, 0)
        self.assert_answer(["isrunning", "--index", "1"], "running", 0)
        self.assert_answer(["runninglist"], "LDPlayer-1\r\n", 0)

    def test_then_a_vm_that_boots(self):
        self.sim.set(f"ms.android={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, BOOTING)
        self.assertIn("not found", self.sim.adb_shell(1, "echo x"))

    def test_up_is_not_yet_answering(self):
        self.sim.set(f"ms.adb={FOREVER}")
        self.sim.start(1)
        self.assertEqual(self.sim.adb_shell(1, "echo x"), "adb.exe: device offline\r\n")

    def test_adb_answers_before_the_boot_is_complete(self):
        self.sim.set(f"ms.boot={FOREVER}")
        self.sim.start(1)
        self.sim.wait_for(lambda: self.sim.adb_shell(1, "echo x") == "x\n", "adb")
        self.assertEqual(self.sim.adb_shell(1, "getprop sys.boot_completed"), "\n")

    def test_wait_for_device_waits(self):
        self.sim.ldconsole("launch", "--index", "1")
        self.assertEqual(self.sim.run("adb", "-s", "emulator-5556", "wait-for-device").code, 0)
        self.assertEqual(self.sim.adb_shell(1, "echo x"), "x\n")

    def test_states_come_in_order(self):
        order = [OFF, STARTING, BOOTING, UP]
        self.sim.ldconsole("launch", "--index", "1")
        seen = [OFF]
        self.sim.wait_for(lambda: seen.append(self.sim.seen(1)) or seen[-1] == UP, "up")
        places = [order.index(state) for state in seen]
        self.assertEqual(places, sorted(places))
        self.sim.wait_booted(1)

    def test_quit_ends_the_vm_first_and_the_player_later(self):
        self.sim.start(1)
        self.sim.set(f"ms.tail={FOREVER}")  # too late for this one: its timeline is fixed
        pid = self.sim.rows()[1].pid
        self.assert_answer(["quit", "--index", "1"], "", 0)
        self.sim.wait_seen(1, OFF)
        self.assertNotIn("vm", self.sim.processes(1))
        self.sim.wait_gone(1)
        self.assertGreater(pid, 0)

    def test_the_row_is_off_while_the_player_lingers(self):
        self.sim.set(f"ms.tail={FOREVER}")
        self.sim.start(1)
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.wait_seen(1, OFF)
        self.assertEqual(set(self.sim.processes(1)), {"player"})

    def test_launch_in_the_tail_is_stuck_and_quit_cures_it(self):
        self.sim.set("ms.tail=150000")
        self.sim.start(1)
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.wait_seen(1, OFF)
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        self.sim.set("ms.tail=0")
        self.sim.stop(1)
        self.sim.start(1)

    def test_launch_of_one_that_is_up_does_nothing(self):
        self.sim.start(1)
        before = self.sim.rows()[1]
        self.assert_answer(["launch", "--index", "1"], "", 0)
        after = self.sim.rows()[1]
        self.assertEqual((before.pid, before.vm), (after.pid, after.vm))

    def test_quit_of_a_stopped_one_does_nothing(self):
        self.assert_answer(["quit", "--index", "1"], "", 0)
        self.assertEqual(self.sim.seen(1), OFF)

    def test_quitall(self):
        for index in (0, 2):
            self.sim.start(index)
        self.assert_answer(["quitall"], "", 0)
        for index in (0, 2):
            self.sim.wait_seen(index, OFF)

    def test_reboot_brings_a_new_vm(self):
        self.sim.start(1)
        before = self.sim.rows()[1]
        self.assert_answer(["reboot", "--index", "1"], "", 0)
        self.sim.wait_for(lambda: self.sim.rows()[1].vm not in (before.vm, -1), "another VM")
        self.assertEqual(self.sim.rows()[1].pid, before.pid)
        self.sim.wait_seen(1, UP)

    def test_several_at_once_do_not_disturb_each_other(self):
        for index in range(3):
            self.sim.ldconsole("launch", "--index", index)
        for index in range(3):
            self.sim.wait_seen(index, UP)

    def test_a_duration_can_be_that_of_one_instance(self):
        self.sim.set(f"ms.android.1={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.start(2)
        self.sim.wait_seen(1, BOOTING)

    def test_flags_of_newer_versions_are_taken(self):
        self.assert_answer(["launch", "--index", "1", "--mini"], "", 0)
        self.sim.wait_seen(1, UP)

    def test_launchex_opens_the_app_when_android_is_there(self):
        self.sim.start(1)
        self.sim.ldconsole("installapp", "--index", "1", "--packagename", "com.a")
        self.sim.stop(1)
        self.assert_answer(["launchex", "--index", "1", "--packagename", "com.a"], "", 0)
        self.sim.wait_booted(1)
        self.assertRegex(self.sim.adb_shell(1, "pidof com.a"), r"^\d+\n$")

    def test_the_first_launch_fills_the_config(self):
        sparse = len(self.sim.config(1))
        self.sim.start(1)
        self.assertGreaterEqual(sparse, 11)
        self.assertLessEqual(sparse, 12)
        self.assertGreaterEqual(len(self.sim.config(1)), 25)

    def test_a_start_writes_vbox_and_log(self):
        vbox = self.sim.home / "vms/leidian1/leidian.vbox"
        vbox.unlink()
        self.sim.start(1)
        self.assertIn("leidian1", vbox.read_text())
        self.assertIn("RUNNING", (self.sim.home / "vms/leidian1/Logs/VBox.log").read_text())


@natively
class Processes(SimulationTest):
    def command_line(self, pid):
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            return file.read().split("\0")[:-1]

    def test_command_lines_tell_the_instance(self):
        self.sim.start(2)
        row = self.sim.rows()[2]
        self.assertIn("index=2|", self.command_line(row.pid))
        line = self.command_line(row.vm)
        self.assertIn("Ld9BoxHeadless", line[0])
        self.assertEqual(line[1:4], ["--comment", "leidian2", "--startvm"])
        self.assertRegex(line[4], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

    def test_ld4_has_another_name_for_the_vm(self):
        self.sim.set("profile=ld4")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_for(lambda: self.sim.rows(7)[1].state == 1, "up")
        self.assertIn("LdVBoxHeadless", self.command_line(self.sim.rows(7)[1].vm)[0])

    def test_a_killed_vm_makes_a_zombie(self):
        self.sim.start(1)
        kill(self.sim.rows()[1].vm)
        self.sim.wait_seen(1, ZOMBIE)
        self.assert_answer(["launch", "--index", "1"], "", 0)
        self.assertEqual(self.sim.seen(1), ZOMBIE)

    def test_a_vm_killed_while_booting_leaves_it_starting(self):
        self.sim.set(f"ms.android={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, BOOTING)
        kill(self.sim.rows()[1].vm)
        self.sim.wait_seen(1, STARTING)

    def test_a_killed_player_leaves_a_vm_that_nobody_knows(self):
        self.sim.start(1)
        row = self.sim.rows()[1]
        kill(row.pid)
        self.sim.wait_seen(1, OFF)
        self.assertTrue(alive(row.vm))
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)  # the old VM still holds the machine
        self.assertTrue(alive(row.vm))

    def test_after_both_were_killed_it_starts_again(self):
        self.sim.start(1)
        row = self.sim.rows()[1]
        kill(row.pid)
        kill(row.vm)
        self.sim.wait_gone(1)
        self.sim.start(1)

    def test_they_outlive_the_caller_and_let_go_of_its_pipes(self):
        # communicate() returns at the end of file: nobody else may hold the pipes.
        caller = subprocess.Popen(
            [*map(str, self.sim.command("ldconsole", "launch", "--index", "1"))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        caller.communicate(timeout=20)
        self.sim.wait_seen(1, UP)
        self.assertNotEqual(os.getsid(self.sim.rows()[1].pid), caller.pid)

    def test_they_end_when_the_installation_is_deleted(self):
        self.sim.start(1)
        row = self.sim.rows()[1]
        shutil.rmtree(self.sim.home)
        self.sim.wait_for(lambda: not alive(row.pid) and not alive(row.vm), "the end of both")

    def test_they_end_at_the_end_of_their_lifetime(self):
        self.sim.set("lifetime_s=3")
        self.sim.start(1)
        row = self.sim.rows()[1]
        self.sim.wait_for(lambda: not alive(row.pid) and not alive(row.vm), "the end of both")
        self.assertEqual(self.sim.seen(1), OFF)

    def test_they_are_small(self):
        self.sim.start(1)
        if b"__asan_init" in (self.sim.home / "dnplayer").read_bytes():
            self.skipTest("a sanitizer needs memory of its own")
        for pid in (self.sim.rows()[1].pid, self.sim.rows()[1].vm):
            with open(f"/proc/{pid}/statm", encoding="ascii") as file:
                resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            self.assertLess(resident, 2 << 20)

    def test_kill_ends_them_all_and_nothing_else(self):
        other = subprocess.Popen(["sleep", "60"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.sim.start(1)
        # A stale entry whose number belongs to somebody else by now.
        (self.sim.home / f"sim/proc/1-player-{other.pid}-1").touch()
        row = self.sim.rows()[1]
        self.sim.close()
        self.assertFalse(alive(row.pid) or alive(row.vm))
        self.assertIsNone(other.poll())


if __name__ == "__main__":
    unittest.main()
