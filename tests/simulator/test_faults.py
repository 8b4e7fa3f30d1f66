# SPDX-License-Identifier: MIT
"""Every fault that can be switched on (reference 5.2 and 7)."""
import os
import signal
import subprocess
import time
import unittest

from simulation import (
    BOOTING,
    FOREVER,
    IS_WINDOWS,
    MISSING,
    OFF,
    PATIENCE_S,
    PREFIX,
    STARTING,
    UP,
    ZOMBIE,
    SimulationTest,
    alive,
    natively,
)

ROWS = 3


class AnyCall(SimulationTest):
    def spent_ms(self):
        return [call["ms"] for call in self.sim.calls() if call["event"] == "end"]

    def test_latency_of_one_verb(self):
        self.sim.set("latency_ms.list2=200", "latency_ms.list=1")
        self.sim.ldconsole("list2")
        self.assertGreaterEqual(self.spent_ms()[0], 200)
        self.assertEqual(len(self.sim.rows()), ROWS)

    def test_latency_of_all_and_of_one_instance(self):
        self.sim.set("latency_ms=100", "latency_ms.isrunning.2=200")
        for index in (1, 2):
            self.sim.ldconsole("isrunning", "--index", index)
        one, other = self.spent_ms()
        self.assertGreaterEqual(one, 100)
        self.assertGreaterEqual(other, 200)

    def hang(self, *args):
        """Start a call that hangs; returns it once it does."""
        child = subprocess.Popen([*map(str, self.sim.command(*args))], stdout=subprocess.PIPE)
        self.addCleanup(child.wait)
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.kill)
        self.sim.wait_for(lambda: self.sim.processes().get("call"), "a call that hangs")
        self.assertIsNone(child.poll())
        return child

    @natively
    def test_hang_prints_nothing_and_never_ends(self):
        self.sim.set("hang.list2=1")
        child = self.hang("ldconsole", "list2")
        self.assertEqual(len(self.sim.rows()), ROWS)  # one was asked for, one hangs
        child.kill()
        self.assertEqual(child.stdout.read(), b"")
        self.assertEqual([call["event"] for call in self.sim.calls()], ["start", "start", "end"])

    @natively
    def test_hang_after_prints_first(self):
        self.sim.set("hang_after.list=always")
        child = self.hang("ldconsole", "list")
        self.assertEqual(child.stdout.readline(), b"LDPlayer\r\n")

    @natively
    def test_a_call_that_hangs_ends_with_the_installation(self):
        self.sim.set("hang.list2=always")
        child = self.hang("ldconsole", "list2")
        self.sim.close()
        child.wait(PATIENCE_S)

    def test_empty_for_the_next_calls(self):
        self.sim.set("empty.list2=2")
        for _ in range(2):
            self.assert_answer(["list2"], "", 0)
        self.assertEqual(len(self.sim.rows()), ROWS)
        self.assertEqual(self.sim.knobs()["empty.list2"], 0)

    def test_empty_always(self):
        self.sim.set("empty.list2=always")
        for _ in range(3):
            self.assert_answer(["list2"], "", 0)
        self.sim.set("empty.list2=")
        self.assertEqual(len(self.sim.rows()), ROWS)

    # Under Wine about one in a thousand programs, even the smallest, started side by side on a busy
    # machine loses its output and exits with 1, after it has done its work.
    @natively
    def test_counted_down_by_calls_side_by_side(self):
        self.sim.set("empty.list2=3")
        children = [
            subprocess.Popen(
                [*map(str, self.sim.command("ldconsole", "list2"))],
                stdout=subprocess.PIPE,
            )
            for _ in range(6)
        ]
        outputs = [child.communicate()[0] for child in children]
        self.assertEqual(outputs.count(b""), 3)

    def test_garbage(self):
        self.sim.set("garbage.list2=1")
        out = self.sim.ldconsole("list2").out
        self.assertIn(b"\x00", out)
        self.assertIn(b"\xff", out)
        self.assertNotIn(b"LDPlayer", out)
        self.assertEqual(len(self.sim.rows()), ROWS)

    def test_partial_output(self):
        whole = self.sim.ldconsole("list2").out
        self.sim.set("partial.list2=7")
        self.assert_answer(["list2"], whole[:-7], 0)
        self.sim.set("partial.list2=100000")
        self.assert_answer(["list2"], b"", 0)

    def test_huge_output(self):
        self.sim.set("huge_mb.list2=100")
        child = subprocess.Popen(
            [*PREFIX, *map(str, self.sim.command("ldconsole", "list2"))],
            stdout=subprocess.PIPE,
        )
        size = 0
        while chunk := child.stdout.read(1 << 20):
            size += len(chunk)
        child.stdout.close()
        self.assertEqual(child.wait(), 0)
        self.assertGreaterEqual(size, 100 << 20)

    @natively
    def test_a_reader_that_goes_away_ends_a_huge_call(self):
        self.sim.set("huge_mb.list2=100")
        child = subprocess.Popen([*map(str, self.sim.command("ldconsole", "list2"))],
                                 stdout=subprocess.PIPE)
        child.stdout.read(10)
        child.stdout.close()
        child.wait(PATIENCE_S)

    @natively
    def test_pipe_left_open(self):
        self.sim.set("hold_pipe.adb=1")
        child = subprocess.Popen(
            [*map(str, self.sim.command("ldconsole", "adb", "--index", "1", "--command", "x"))],
            stdout=subprocess.PIPE,
        )
        child.wait(PATIENCE_S)
        self.sim.wait_for(lambda: self.sim.processes().get("holder"), "the holder")
        os.set_blocking(child.stdout.fileno(), False)
        self.assertTrue(child.stdout.read())  # the answer is there,
        self.assertIsNone(child.stdout.read())  # the end of the file is not
        self.sim.close()
        os.set_blocking(child.stdout.fileno(), True)
        self.assertEqual(child.stdout.read(), b"")
        child.stdout.close()

    def test_ignored_launch(self):
        self.sim.set("ignore.launch.1=1", "ms.visible=0")
        self.assert_answer(["launch", "--index", "1"], "", 0)
        self.assertEqual(self.sim.processes(1), {})
        self.sim.start(1)

    def test_ignored_quit(self):
        self.sim.set("ignore.quit=2")
        self.sim.start(1)
        for _ in range(2):
            self.assert_answer(["quit", "--index", "1"], "", 0)
        self.assertEqual(self.sim.knobs()["ignore.quit"], 0)
        self.assertEqual(self.sim.seen(1), UP)
        self.sim.stop(1)

    def test_quitall_works_where_quit_does_not(self):
        self.sim.set("ignore.quit=always", "ms.off=0")
        self.sim.start(1)
        self.sim.ldconsole("quit", "--index", "1")
        self.assertEqual(self.sim.seen(1), UP)
        self.sim.ldconsole("quitall")
        self.sim.wait_seen(1, OFF)

    def test_the_most_specific_key_counts(self):
        self.sim.set("empty=always", "empty.list=never", "empty.isrunning.2=never")
        self.assert_answer(["list2"], "", 0)
        self.assertNotEqual(self.sim.ldconsole("list").out, b"")
        self.assert_answer(["isrunning", "--index", "1"], "", 0)
        self.assert_answer(["isrunning", "--index", "2"], "stop", 0)


class Installation(SimulationTest):
    def test_session_0_sees_nothing_and_does_nothing(self):
        self.sim.start(1)
        self.sim.set("session0=true")
        self.assertEqual(self.sim.seen(1), OFF)
        self.assert_answer(["runninglist"], "", 0)
        self.assert_answer(["isrunning", "--index", "1"], "stop", 0)
        self.assert_answer(["quit", "--index", "1"], "", 0)
        self.assert_answer(["launch", "--index", "2"], "", 0)
        self.assertEqual(self.sim.processes(2), {})
        self.sim.set("session0=false")
        self.assertEqual(self.sim.seen(1), UP)

    def test_error_740_refuses_without_a_word(self):
        self.sim.set("error740=true")
        self.assert_answer(["add"], "", 740 if IS_WINDOWS else 126)
        self.sim.set("error740=false")
        self.assertEqual(len(self.sim.rows()), ROWS)

    def test_a_dead_service_takes_every_vm_with_it(self):
        for index in (0, 1):
            self.sim.start(index)
        self.sim.set("svc_dead=true")
        for index in (0, 1):
            self.sim.wait_seen(index, ZOMBIE)
        self.sim.ldconsole("launch", "--index", "2")
        self.sim.wait_seen(2, STARTING)
        self.sim.set("svc_dead=false")
        self.sim.stop(2)
        self.sim.start(2)

    def test_launches_too_close_hang_each_other(self):
        self.sim.set("collision=true", f"ms.collision={FOREVER}", "ms.vm=40000")
        self.sim.ldconsole("launch", "--index", "0")
        self.sim.ldconsole("launch", "--index", "1")
        for index in (0, 1):
            self.sim.wait_seen(index, STARTING)
        self.sim.set("ms.vm=")
        for index in (0, 1):
            self.sim.stop(index)
        self.sim.start(0)

    def test_a_launch_behind_the_window_is_fine(self):
        self.sim.set("collision=true", "ms.collision=0")
        self.sim.start(0)
        self.sim.start(1)

    def test_memory_below_the_floor_crashes_in_a_loop(self):
        self.sim.set("ram_floor_mb=768", "ms.crash=0")
        self.sim.ldconsole("modify", "--index", "1", "--memory", "512")
        self.sim.ldconsole("launch", "--index", "1")
        first = self.sim.wait_for(lambda: max(self.sim.rows()[1].vm, 0), "a VM")
        self.sim.wait_for(lambda: self.sim.rows()[1].vm not in (first, -1), "the next VM")

    def test_svc_dead_while_booting_leaves_it_starting(self):
        self.sim.set(f"ms.android={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, BOOTING)
        self.sim.set("svc_dead=true")
        self.sim.wait_seen(1, STARTING)


class Instance(SimulationTest):
    def test_stuck_starting(self):
        self.sim.set("fault.1=stuck_starting")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.start(2)  # by then the other one had its time
        self.assertEqual(self.sim.seen(1), STARTING)
        self.assertIn("not found", self.sim.adb_shell(1, "echo x"))
        self.sim.set("fault.1=")
        self.sim.stop(1)
        self.sim.start(1)

    def test_a_fault_of_all(self):
        self.sim.set("fault=stuck_starting", "fault.1=hung_guest")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)

    def test_zombie_from_the_start(self):
        self.sim.set("fault.1=zombie")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, ZOMBIE)

    def test_zombie_while_it_runs(self):
        self.sim.start(1)
        self.sim.set("fault.1=zombie")
        self.sim.wait_seen(1, ZOMBIE)
        self.sim.set("fault.1=")
        self.sim.ldconsole("launch", "--index", "1")
        self.assertEqual(self.sim.seen(1), ZOMBIE)
        self.sim.stop(1)
        self.sim.start(1)

    def test_no_kernel_boot(self):
        self.sim.set("fault.1=no_kernel_boot")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.start(2)
        self.assertEqual(self.sim.seen(1), BOOTING)
        self.assertIn("not found", self.sim.adb_shell(1, "echo x"))

    def test_gutted_vbox(self):
        self.sim.set("fault.1=vbox_gutted", "ms.android.2=20000")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.start(2)  # Android of the other one would be up by then
        self.assertEqual(self.sim.seen(1), STARTING)
        log = (self.sim.home / "vms/leidian1/Logs/VBox.log").read_text()
        self.assertIn("libOpenglRender2.dll", log)
        self.assertIn("0x80000003", log)

    def test_a_runtime_without_one_of_its_libraries(self):
        box = self.sim.home.parent / "ldplayer9box"
        names = {"libOpenglRender2.dll", "host_manager2.dll", "fastpipe2.dll", "GLES_V2.dll"}
        self.assertLessEqual(names, set(os.listdir(box)))
        self.assertEqual(names, set(os.listdir(self.sim.home / "vbox64")))
        self.sim.set("runtime_missing=fastpipe2.dll")
        self.assertEqual(names - set(os.listdir(box)), {"fastpipe2.dll"})
        self.sim.ldconsole("launch", "--index", "1")
        log = self.sim.home / "vms/leidian1/Logs/VBox.log"
        self.sim.wait_for(lambda: "0x80000003" in log.read_text(), "the end of the VM")
        self.sim.set("runtime_missing=all")
        self.assertFalse(names & set(os.listdir(box)))
        self.sim.set("runtime_missing=")
        self.assertLessEqual(names, set(os.listdir(box)))

    def test_read_only_disk_by_fault(self):
        self.sim.set("fault.1=readonly_vmdk")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        log = (self.sim.home / "vms/leidian1/Logs/VBox.log").read_text()
        self.assertIn("VERR_VD_IMAGE_READ_ONLY", log)

    def test_read_only_disk_by_attribute(self):
        disk = self.sim.home / "vms/leidian1/data.vmdk"
        disk.chmod(0o444)
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        self.sim.stop(1)
        disk.chmod(0o644)
        self.sim.start(1)

    def test_the_repairer_steps_in(self):
        self.sim.set("fault.1=repairer", "ms.repair=300000")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        first = self.sim.rows()[1].pid
        self.sim.wait_seen(1, OFF)
        self.sim.wait_seen(1, STARTING, BOOTING)
        self.sim.wait_seen(1, UP)
        second = self.sim.rows()[1].pid
        self.assertNotEqual(first, second)
        if not IS_WINDOWS:
            with open(f"/proc/{second}/cmdline", encoding="utf-8") as file:
                self.assertIn("from=repairer", file.read())
        self.sim.wait_booted(1)

    def test_slow_boot(self):
        self.sim.set("fault.1=slow_boot", "ms.android=60000")
        for index in (1, 2):
            self.sim.ldconsole("launch", "--index", index)
        self.sim.wait_seen(2, UP)
        self.assertNotEqual(self.sim.seen(1), UP)
        self.sim.wait_seen(1, UP)

    def test_crash_loop(self):
        self.sim.set("fault.1=crash_loop", "ms.crash=1000")
        self.sim.ldconsole("launch", "--index", "1")
        first = self.sim.wait_for(lambda: max(self.sim.rows()[1].vm, 0), "a VM")
        self.sim.wait_for(lambda: self.sim.rows()[1].vm not in (first, -1), "the next VM")
        self.sim.stop(1)

    def test_hidden(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.set("fault.1=hidden")
        self.assertEqual(self.sim.seen(1), OFF)
        self.assert_answer(["isrunning", "--index", "1"], "stop", 0)
        self.sim.ldconsole("quit", "--index", "1")
        self.assertEqual(self.sim.adb_shell(1, "echo alive"), "alive\n")
        self.sim.set("fault.1=")
        self.assertEqual(self.sim.seen(1), UP)

    @natively
    def test_hung_guest(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.set("fault.1=hung_guest")
        self.assertIn("emulator-5556\tdevice", self.sim.run("adb", "devices").text)
        for command in (["ldconsole", "adb", "--index", "1", "--command", "shell echo ok"],
                        ["adb", "-s", "emulator-5556", "shell", "echo", "ok"],
                        ["ld", "-s", "1", "echo ok"]):
            with self.subTest(command=command), self.assertRaises(subprocess.TimeoutExpired):
                subprocess.run([*map(str, self.sim.command(*command))], timeout=0.3, check=False)

    @natively
    def test_hung_am_still_echoes(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.set("fault.1=hung_am")
        self.assertEqual(self.sim.adb_shell(1, "echo ok"), "ok\n")
        with self.assertRaises(subprocess.TimeoutExpired):
            subprocess.run([*map(str, self.sim.command("ld", "-s", "1", "dumpsys activity"))],
                           timeout=0.3, check=False)

    def test_dead_adb(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.set("fault.1=adb_dead")
        self.assertIn("not found", self.sim.adb_shell(1, "echo x"))
        self.assertEqual(self.sim.run("ld", "-s", "1", "echo x").text, "x\n")

    def test_stolen_adb_port(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        mac = self.sim.config(1)["propertySettings.macAddress"]
        command = "cat /sys/class/net/wlan0/address"
        self.assertEqual(self.sim.adb_shell(1, command).replace(":", "").strip().upper(), mac)
        self.sim.set("fault.1=adb_stolen")
        self.assertNotEqual(self.sim.adb_shell(1, command).replace(":", "").strip().upper(), mac)

    def test_orphan_vm(self):
        self.sim.set("fault.1=orphan_vm")
        self.sim.start(1)
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.wait_for(lambda: set(self.sim.processes(1)) == {"vm"}, "the VM alone")
        self.assertEqual(self.sim.seen(1), OFF)

    def test_reboot_that_resets_the_config(self):
        self.sim.start(1)
        self.sim.set("reboot_resets=1")
        self.sim.ldconsole("reboot", "--index", "1")
        self.assertEqual(self.sim.rows()[1].size, (1920, 1080, 280))
        self.sim.wait_seen(1, UP)


@natively
class Killed(SimulationTest):
    """What the next launch makes of the config."""

    def kill_and_launch(self, effect, which):
        self.sim.set(f"kill_effect={effect}")
        self.sim.ldconsole("rename", "--index", "1", "--title", "mine")
        self.sim.start(1)
        row = self.sim.rows()[1]
        if which == "player":
            os.kill(row.pid, signal.SIGKILL)
            os.kill(row.vm, signal.SIGKILL)
            self.sim.wait_gone(1)
        else:
            os.kill(row.vm, signal.SIGKILL)
            self.sim.wait_seen(1, ZOMBIE)
            self.sim.stop(1)
        self.sim.ldconsole("launch", "--index", "1")

    def test_reset(self):
        for which in ("player", "vm"):
            with self.subTest(which=which):
                self.kill_and_launch("reset", which)
                self.sim.wait_seen(1, UP)
                row = self.sim.rows()[1]
                self.assertEqual((row.title, row.size), ("LDPlayer-1", (1920, 1080, 280)))
                config = self.sim.config(1)
                self.assertIs(config["statusSettings.isNewPlayer"], True)
                self.assertNotIn("basicSettings.adbDebug", config)
                self.assertIn("not found", self.sim.adb_shell(1, "echo x"))
                self.sim.stop(1)

    def test_truncate(self):
        self.kill_and_launch("truncate", "player")
        self.sim.wait_seen(1, STARTING)
        config = self.sim.config(1)
        self.assertEqual(config["basicSettings.realWidth"], 0)
        self.assertEqual(config["basicSettings.realHeigh"], 0)
        backup = self.sim.config_path(1).with_suffix(".config.resbak")
        self.assertGreater(backup.stat().st_size, self.sim.config_path(1).stat().st_size)
        self.sim.stop(1)
        backup.replace(self.sim.config_path(1))
        self.sim.start(1)
        self.assertEqual(self.sim.rows()[1].title, "mine")

    def test_cut(self):
        self.kill_and_launch("cut", "player")
        self.sim.wait_seen(1, STARTING)
        with self.assertRaises(ValueError):
            self.sim.config(1)
        self.assertEqual(self.sim.rows()[1].title, "LDPlayer-1")

    def test_none(self):
        self.kill_and_launch("none", "player")
        self.sim.wait_seen(1, UP)
        self.assertEqual(self.sim.rows()[1].title, "mine")

    def test_a_clean_stop_harms_nothing(self):
        self.sim.set("kill_effect=reset")
        self.sim.start(1)
        self.sim.stop(1)
        self.sim.start(1)
        self.assertEqual(self.sim.rows()[1].size, (1280, 720, 240))


class OtherPrograms(SimulationTest):
    def test_adb_and_ld_have_their_own_scope(self):
        self.sim.set("exit_code.host_adb=9", "empty.ld=always", "latency_ms.host_adb=100")
        done = self.sim.run("adb", "devices")
        self.assertEqual(done.code, 9)
        self.assertTrue(done.text.startswith("List of devices"))
        self.assertEqual(self.sim.run("ld", "-s", "0", "echo x").out, b"")
        self.assert_answer(["adb", "--index", "9"], MISSING, 0)


if __name__ == "__main__":
    unittest.main()
