# SPDX-License-Identifier: MIT
"""Where the real LDPlayer is awkward: what it prints, leaves on disk and lets run (reference 11)."""
import json
import os
import shutil
import signal
import subprocess
import unittest

from simulation import (
    FOREVER,
    IS_WINDOWS,
    OFF,
    PREFIX,
    SPEED,
    STARTING,
    SUFFIX,
    UP,
    Simulation,
    SimulationTest,
    alive,
    ldsim,
    natively,
)

CRASHED = -1073741816  # 0xC0000008, 3221225480


def lasts(real_ms):
    """A duration of the knobs that takes so long, whatever the speed."""
    return real_ms * SPEED


class Rows(SimulationTest):
    def test_a_row_is_left_out_while_all_the_rest_stays(self):
        self.sim.set("row_drop.1=2")
        for _ in range(2):
            self.assertEqual(sorted(self.sim.rows()), [0, 2])
        self.assertTrue(self.sim.config_path(1).exists())
        self.assertTrue((self.sim.home / "vms/leidian1/data.vmdk").exists())
        self.assertEqual(sorted(self.sim.rows()), [0, 1, 2])
        self.assertEqual(self.sim.knobs()["row_drop.1"], 0)

    def test_a_row_can_be_left_out_always(self):
        self.sim.set("row_drop.1=always")
        for _ in range(3):
            self.assertNotIn(1, self.sim.rows())

    def test_a_row_is_missing_while_the_vm_starts(self):
        self.sim.set(f"ms.row_gap={FOREVER}", "ms.android=0")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_for(lambda: 1 not in self.sim.rows(), "a list without it")
        self.assertEqual(set(self.sim.processes(1)), {"player", "vm"})
        self.assert_answer(["isrunning", "--index", "1"], "running", 0)

    def test_and_comes_back(self):
        self.sim.set("ms.row_gap=1500")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, UP)

    def test_column_5_is_0_beside_the_pid(self):
        self.sim.set(f"ms.column5={FOREVER}", f"ms.vm={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, (0, True, False))
        row = self.sim.rows()[1]
        self.assertEqual((row.top, row.bind, row.vm), (0, 0, -1))  # 8,Farm,0,0,0,123,-1
        self.assert_answer(["isrunning", "--index", "1"], "running", 0)

    def test_column_5_is_0_beside_both_pids(self):
        self.sim.set(f"ms.column5={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, (0, True, True))
        row = self.sim.rows()[1]
        self.assertGreater(row.top, 0)  # 2,Booting,140,0,0,5120,5133
        self.assertEqual(row.bind, 0)
        self.sim.wait_booted(1)
        self.assertEqual(self.sim.seen(1), (0, True, True))

    def test_versions_with_7_columns_have_no_2_in_it(self):
        self.sim.set("profile=ld4", f"ms.android={FOREVER}")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_for(lambda: self.sim.rows(7)[1].seen == (0, True, True), "a VM")
        self.sim.set("ms.android=")
        self.sim.ldconsole("launch", "--index", "2")
        self.sim.wait_for(lambda: self.sim.rows(7)[2].seen == UP, "up")

    def test_column_5_comes_late(self):
        self.sim.set("ms.column5=30000")
        self.sim.start(1)

    def test_a_row_without_pids_while_all_lives(self):
        self.sim.start(1)
        self.sim.set("fault.1=pids_lost")
        row = self.sim.rows()[1]
        self.assertEqual((row.top, row.bind, row.state, row.pid, row.vm), (1, 0, 1, -1, -1))
        self.assertEqual(set(self.sim.processes(1)), {"player", "vm"})
        self.assertEqual(self.sim.seen(0), OFF)

    def test_more_columns(self):
        self.sim.set("more_columns=60")
        self.assertEqual(self.sim.ldconsole("list2").text.splitlines()[0],
                         "0,LDPlayer,0,0,0,-1,-1,1280,720,240,60")
        self.sim.set("more_columns=60,vulkan", "columns=7")
        self.assertEqual(self.sim.ldconsole("list2").text.splitlines()[0],
                         "0,LDPlayer,0,0,0,-1,-1,60,vulkan")


class Strays(SimulationTest):
    LINE = "Active code page: 65001"

    def lines(self, verb="list"):
        return self.sim.ldconsole(verb).text.splitlines()

    def test_a_line_in_front_of_every_answer(self):
        self.sim.set("stray=always")
        self.assertEqual(self.lines(), [self.LINE, "LDPlayer", "LDPlayer-1", "LDPlayer-2"])
        self.assert_answer(["isrunning", "--index", "0"], f"{self.LINE}\r\nstop", 0)

    def test_between_and_after_for_some_calls(self):
        self.sim.set("stray.list2=2", "stray_at=between,after", "stray_text=warning: 2, odd")
        for _ in range(2):
            lines = self.lines("list2")
            self.assertEqual([lines[1], lines[4]], ["warning: 2, odd"] * 2)
            self.assertEqual(len(lines), 5)
        self.assertEqual(len(self.lines("list2")), 3)

    def test_a_banner_where_a_list_should_be(self):
        self.sim.set("stray_text=dnplayer Command Line Management Interface", "stray.list2=1")
        self.assertEqual(self.lines("list2")[0], "dnplayer Command Line Management Interface")

    def test_in_front_of_nothing(self):
        self.sim.set("stray=always", "stray_at=before,between,after")
        self.assertEqual(self.lines("runninglist"), [self.LINE] * 3)


class Crashes(SimulationTest):
    def crash(self, *args):
        done = self.sim.ldconsole(*args)
        self.assertEqual(done.out, b"")
        self.assertEqual(done.code, CRASHED & 0xFF if IS_WINDOWS else -signal.SIGABRT)
        self.assertEqual(self.sim.last_exit(), CRASHED)
        return done

    def test_list2_crashes_and_then_does_not(self):
        self.sim.set("crash.list2=2")
        for _ in range(2):
            self.crash("list2")
        self.assertEqual(len(self.sim.rows()), 3)

    def test_a_launch_that_crashes_does_nothing(self):
        self.sim.set("crash.launch.1=1", "ms.visible=0")
        self.crash("launch", "--index", "1")
        self.assertEqual(self.sim.processes(1), {})
        self.sim.start(1)

    @natively
    def test_it_does_not_say_a_word(self):
        self.sim.set("crash=always")
        self.assertEqual(self.crash("list").err, b"")
        done = self.sim.run("adb", "devices")
        self.assertEqual((done.code, done.out), (-signal.SIGABRT, b""))

    @unittest.skipUnless(IS_WINDOWS, "exit codes have 32 bits on Windows only")
    def test_a_windows_program_sees_the_whole_code(self):
        self.sim.set("crash.list2=1")
        script = self.sim.dir / "crash.cmd"
        script.write_text("@echo off\r\nldconsole.exe list2\r\necho %ERRORLEVEL%\r\n")
        done = subprocess.run([*PREFIX, "cmd", "/c", script], cwd=self.sim.home, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.assertEqual(done.stdout.split(), [str(CRASHED).encode()])


class VmElsewhere(SimulationTest):
    def image(self, pid):
        return os.readlink(f"/proc/{pid}/exe")

    def command_line(self, pid):
        with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
            return file.read().split("\0")[:-1]

    @natively
    def test_it_lies_beside_the_installation(self):
        self.sim.start(1)
        vm = self.sim.rows()[1].vm
        self.assertEqual(self.image(vm), str(self.sim.dir / "ldplayer9box/Ld9BoxHeadless"))
        self.assertEqual(self.command_line(vm)[1:4], ["--comment", "leidian1", "--startvm"])
        self.assertEqual(len(self.command_line(vm)), 5)  # it does not say of which installation
        self.assertFalse((self.sim.home / "Ld9BoxHeadless").exists())

    def test_two_installations_share_the_folder(self):
        other = self.sim.dir / "other"
        done = ldsim("init", other, *Simulation.start_options(), "--instances", "1")
        self.assertEqual(done.code, 0)
        self.addCleanup(ldsim, "kill", other)
        twin = Simulation.__new__(Simulation)
        twin.dir, twin.home = self.sim.dir, other
        for sim in (self.sim, twin):
            sim.start(0)
        self.assertNotEqual(self.sim.rows()[0].vm, twin.rows()[0].vm)
        shared = [path.name for path in (self.sim.dir / "ldplayer9box").iterdir()]
        self.assertEqual([name for name in shared if not name.endswith(".dll")],
                         [f"Ld9BoxHeadless{SUFFIX}"])
        self.assertEqual(ldsim("kill", other).text, "2 ended\n")
        self.assertEqual(self.sim.seen(0), UP)

    def test_a_folder_of_its_own(self):
        folder = self.sim.dir / "box"
        self.sim.set("vm_dir=box")
        self.sim.start(1)
        self.assertTrue((folder / f"Ld9BoxHeadless{SUFFIX}").exists())
        self.sim.stop(1)
        self.sim.set("vm_dir=")  # as at the start
        self.sim.start(1)

    def test_names_that_nobody_knows(self):
        self.sim.set("player_name=lsplayer", "vm_name=LsBoxHeadless")
        self.sim.start(1)
        self.assertTrue((self.sim.home / f"lsplayer{SUFFIX}").exists())
        self.assertTrue((self.sim.dir / f"ldplayer9box/LsBoxHeadless{SUFFIX}").exists())
        if not IS_WINDOWS:
            row = self.sim.rows()[1]
            self.assertTrue(self.image(row.pid).endswith("/lsplayer"))
            self.assertTrue(self.image(row.vm).endswith("/LsBoxHeadless"))
        self.sim.stop(1)

    @natively
    def test_a_vm_ends_with_its_installation(self):
        self.sim.start(1)
        vm = self.sim.rows()[1].vm
        shutil.rmtree(self.sim.home)
        self.sim.wait_for(lambda: not alive(vm), "the end of the VM")


class Disks(SimulationTest):
    def disk(self, index):
        return self.sim.home / f"vms/leidian{index}/data.vmdk"

    def log(self, index):
        return (self.sim.home / f"vms/leidian{index}/Logs/VBox.log").read_text()

    def test_an_added_one_has_its_disk_later(self):
        self.sim.set(f"ms.add_disk={lasts(300)}")
        self.assert_answer(["add"], "", 3)
        self.assertEqual(self.sim.seen(3), OFF)
        self.assertTrue(self.sim.config_path(3).exists())
        self.sim.wait_for(lambda: set(self.sim.processes(3)) != {"copy"}, "the disks")
        self.assertTrue(self.disk(3).exists())

    def test_without_a_disk_nothing_starts(self):
        self.sim.set(f"ms.add_disk={FOREVER}")
        self.sim.ldconsole("add")
        self.sim.ldconsole("launch", "--index", "3")
        self.sim.wait_seen(3, STARTING)
        self.assertFalse(self.disk(3).exists())
        self.assertIn("VERR_FILE_NOT_FOUND", self.log(3))

    def test_the_log_says_what_is_missing(self):
        self.disk(1).unlink()
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        self.assertIn("VERR_FILE_NOT_FOUND", self.log(1))
        self.sim.stop(1)
        self.sim.set("boot_without_disk=true")
        self.sim.start(1)

    def test_a_disk_under_way_is_small_and_nothing_starts_from_it(self):
        self.sim.set("copy_returns=at_once", "ms.copy_disk=0", f"ms.copy={FOREVER}")
        self.assert_answer(["copy", "--from", "1"], "", 3)
        self.assertIn(3, self.sim.rows())
        size = self.sim.wait_for(lambda: self.disk(3).exists() and self.disk(3).stat().st_size,
                                 "a part of the disk")
        self.assertLess(size, self.disk(1).stat().st_size)
        self.sim.ldconsole("launch", "--index", "3")
        self.sim.wait_seen(3, STARTING)
        self.assertIn("VERR_SHARING_VIOLATION", self.log(3))

    def test_a_copy_goes_on_behind_and_its_disk_grows(self):
        self.sim.set("copy_returns=at_once", f"ms.copy={lasts(500)}")
        self.assert_answer(["copy", "--from", "1"], "", 3)
        whole = self.disk(1).stat().st_size
        sizes = [0]

        def is_whole():
            sizes.append(self.disk(3).stat().st_size if self.disk(3).exists() else 0)
            return sizes[-1] == whole

        self.sim.wait_for(is_whole, "the whole disk")
        self.assertEqual(sizes, sorted(sizes))
        self.sim.wait_gone(3)
        self.sim.start(3)

    def test_a_copy_may_have_its_size_at_once_and_be_written_to_all_the_same(self):
        self.sim.set("copy_returns=at_once", "copy_allocates=true", "ms.copy_disk=0",
                     f"ms.copy={FOREVER}")
        self.assert_answer(["copy", "--from", "1"], "", 3)
        whole = self.disk(1).stat().st_size
        self.sim.wait_for(lambda: self.disk(3).exists() and self.disk(3).stat().st_size == whole,
                          "the whole size")
        written = self.disk(3).stat().st_mtime_ns
        self.sim.wait_for(lambda: self.disk(3).stat().st_mtime_ns > written, "a later write")
        self.sim.ldconsole("launch", "--index", "3")
        self.sim.wait_seen(3, STARTING)
        self.assertIn("VERR_SHARING_VIOLATION", self.log(3))

    @natively
    def test_a_copy_goes_on_when_its_call_is_killed(self):
        self.sim.set(f"ms.copy={lasts(2000)}")
        child = subprocess.Popen([*map(str, self.sim.command("ldconsole", "copy", "--from", "1"))])
        self.sim.wait_for(lambda: "copy" in self.sim.processes(3), "a copy under way")
        child.kill()
        child.wait()
        self.assertIn(3, self.sim.rows())
        self.sim.wait_for(lambda: (self.sim.home / "vms/leidian3/sdcard.vmdk").exists(),
                          "all disks")
        self.sim.wait_gone(3)
        self.sim.start(3)

    def test_a_recreated_one_is_empty(self):
        self.sim.set("remove_recreates=2", "recreate_disk=false", "ms.remove=0", "ms.recreate=100")
        self.sim.ldconsole("rename", "--index", "1", "--title", "mine")
        before = self.sim.config(1)["propertySettings.macAddress"]
        self.sim.ldconsole("remove", "--index", "1")
        self.sim.wait_for(lambda: "mine" not in self.sim.ldconsole("list").text, "removal")
        self.sim.wait_for(lambda: 1 in self.sim.rows(), "the empty one")
        self.assertEqual(self.sim.rows()[1].title, "LDPlayer-1")
        self.assertNotEqual(self.sim.config(1)["propertySettings.macAddress"], before)
        self.assertFalse(self.disk(1).exists())
        self.sim.wait_gone(1)
        self.sim.set("recreate_disk=true", "ms.recreate=")
        self.sim.ldconsole("remove", "--index", "1")
        self.sim.wait_for(self.disk(1).exists, "the empty one with a disk")

    def test_it_comes_when_the_old_one_has_been_gone_for_a_while(self):
        self.sim.set("remove_recreates=1", f"ms.recreate={FOREVER}")
        self.sim.ldconsole("remove", "--index", "1")
        self.sim.wait_for(lambda: 1 not in self.sim.rows(), "removal")
        self.assertEqual(set(self.sim.processes(1)), {"job"})


class Ends(SimulationTest):
    def test_the_vm_ends_before_the_row(self):
        self.sim.set(f"ms.row_late={FOREVER}")
        self.sim.start(1)
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.wait_seen(1, (1, True, False))
        self.assertEqual(set(self.sim.processes(1)), {"player"})

    def test_the_row_ends_before_the_vm(self):
        self.sim.set(f"ms.vm_late={FOREVER}", "ms.tail=0")
        self.sim.start(1)
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.wait_seen(1, OFF)
        self.assertEqual(set(self.sim.processes(1)), {"player", "vm"})

    def test_in_the_end_both_are_gone(self):
        for late in ("ms.row_late", "ms.vm_late"):
            self.sim.set("ms.row_late=0", f"{late}=20000", "ms.tail=0")
            self.sim.start(1)
            self.sim.stop(1)
            self.assertEqual(self.sim.seen(1), OFF)

    def test_a_launch_soon_after_the_last_process_gets_stuck(self):
        self.sim.set(f"ms.settle={FOREVER}", "ms.tail=0")
        self.sim.start(1)
        self.sim.stop(1)
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)
        self.assertNotIn("vm", self.sim.processes(1))

    def test_and_a_later_one_does_not(self):
        self.sim.set(f"ms.settle={lasts(1)}", "ms.tail=0")
        self.sim.start(1)
        self.sim.stop(1)
        self.sim.start(1)

    def test_a_second_player(self):
        self.sim.set("fault.1=second_player")
        self.sim.start(1)
        both = self.sim.processes(1)
        self.assertEqual(set(both), {"player", "second", "vm"})
        if not IS_WINDOWS:
            for kind in ("player", "second"):
                with open(f"/proc/{both[kind]}/cmdline", encoding="utf-8") as file:
                    self.assertIn("index=1|", file.read())
        self.sim.stop(1)

    @natively
    def test_a_second_player_holds_the_machine(self):
        self.sim.set("fault.1=second_player")
        self.sim.start(1)
        both = self.sim.processes(1)
        for kind in ("player", "vm"):
            os.kill(both[kind], signal.SIGKILL)
        self.sim.wait_for(lambda: set(self.sim.processes(1)) == {"second"}, "the second alone")
        self.assertEqual(self.sim.seen(1), OFF)
        self.sim.set("fault.1=")
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)


class Guests(SimulationTest):
    def config_value(self, key):
        return self.sim.config(1)[f"propertySettings.{key}"]

    def identity(self):
        return {
            "mac": self.sim.adb_shell(1, "cat /sys/class/net/wlan0/address").strip(),
            "android_id": self.sim.adb_shell(1, "settings get secure android_id").strip(),
            "serial": self.sim.adb_shell(1, "getprop phone.simserial").strip(),
            "imei": self.sim.adb_shell(1, "getprop phone.imei").strip(),
        }

    def test_a_guest_has_the_numbers_of_its_config(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        seen = self.identity()
        self.assertEqual(seen["mac"].replace(":", "").upper(), self.config_value("macAddress"))
        self.assertEqual(seen["android_id"], self.config_value("phoneAndroidId"))
        self.assertEqual(seen["serial"], self.config_value("phoneSimSerial"))
        self.assertEqual(seen["imei"], self.config_value("phoneIMEI"))

    def test_a_guest_keeps_its_numbers_until_it_boots_again(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        before = self.identity()
        self.sim.ldconsole("modify", "--index", "1", "--mac", "auto", "--androidid", "auto")
        self.assertEqual(self.identity(), before)
        self.sim.stop(1)
        self.sim.start(1)
        self.sim.wait_booted(1)
        seen = self.identity()
        self.assertEqual(seen["mac"].replace(":", "").upper(), self.config_value("macAddress"))
        self.assertNotEqual(seen["mac"], before["mac"])
        self.assertNotEqual(seen["android_id"], before["android_id"])

    def test_somebody_elses_has_others_and_nothing_of_ldplayer(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        own = self.identity()
        self.sim.set("fault.1=adb_stolen,hung_am")
        seen = self.identity()
        self.assertNotEqual(seen["mac"], own["mac"])
        self.assertNotEqual(seen["android_id"], own["android_id"])
        self.assertEqual((seen["serial"], seen["imei"]), ("", ""))
        self.assertEqual(self.sim.adb_shell(1, "getprop ro.product.model"), "MuMu\n")
        self.assertEqual(self.sim.adb_shell(1, "getprop sys.boot_completed"), "1\n")
        self.assertIn("Physical size", self.sim.adb_shell(1, "wm size"))
        self.sim.set("fault.1=adb_stolen")
        mac = self.sim.run("ld", "-s", "1", "cat /sys/class/net/wlan0/address").text.strip()
        self.assertEqual(mac, own["mac"])  # ld asks no port

    def test_somebody_else_answers_for_one_that_is_off(self):
        self.sim.set("fault.1=adb_stolen")
        self.assertEqual(self.sim.adb_shell(1, "echo x"), "x\n")
        self.assertIn("emulator-5556\tdevice", self.sim.run("adb", "devices").text)

    @natively
    def test_hung_am_answers_nothing_of_the_system_server(self):
        self.sim.start(1)
        self.sim.wait_booted(1)
        self.sim.set("fault.1=hung_am")
        self.assertEqual(self.sim.adb_shell(1, "getprop sys.boot_completed"), "1\n")
        for command in ("service check activity", "settings get secure android_id", "wm size"):
            with self.subTest(command=command), self.assertRaises(subprocess.TimeoutExpired):
                subprocess.run([*map(str, self.sim.command("ld", "-s", "1", command))],
                               stdout=subprocess.DEVNULL, timeout=0.3, check=False)
        self.sim.set("fault.1=")
        self.assertEqual(self.sim.run("ld", "-s", "1", "service check activity").text,
                         "Service activity: found\n")

    def connect(self, host):
        done = self.sim.run("adb", "connect", f"{host}:5557")
        self.sim.run("adb", "disconnect")
        return done.text.split()[0]

    def test_adb_debug_of_a_new_installation_is_off(self):
        self.sim.set("adb_debug_new=")
        self.sim.ldconsole("add")
        self.assertEqual(self.sim.config(3)["basicSettings.adbDebug"], 0)

    def test_adb_debug_is_off_local_or_remote(self):
        for debug, loopback, network in ((0, "cannot", "cannot"), (1, "connected", "cannot"),
                                         (2, "connected", "connected")):
            with self.subTest(debug=debug):
                config = self.sim.config(1)
                config["basicSettings.adbDebug"] = debug
                self.sim.config_path(1).write_text(json.dumps(config))
                self.sim.start(1)
                self.sim.wait_for(
                    lambda: self.sim.run("ld", "-s", "1", "getprop sys.boot_completed").text
                    == "1\n", "booted")
                self.assertEqual(self.connect("127.0.0.1"), loopback)
                self.assertEqual(self.connect("192.168.1.5"), network)
                self.sim.stop(1)


class Configs(SimulationTest):
    def shape(self, shape):
        done = ldsim("init", self.sim.home, "--config", f"1={shape}")
        self.assertEqual(done.code, 0, done.err)
        return self.sim.config_path(1).read_bytes()

    def test_a_bare_value_that_is_no_json_is_read_and_kept(self):
        self.assertIn(b'"basicSettings.mulFsAutoSize": 2/8*9', self.shape("expression"))
        with self.assertRaises(ValueError):
            self.sim.config(1)
        self.sim.ldconsole("modify", "--index", "1", "--resolution", "300,400,120")
        self.sim.ldconsole("rename", "--index", "1", "--title", "a/b*c: 1/2")
        row = self.sim.rows()[1]
        self.assertEqual((row.title, row.size), ("a/b*c: 1/2", (300, 400, 120)))
        self.sim.start(1)
        self.assertIn(b'"basicSettings.mulFsAutoSize": 2/8*9',
                      self.sim.config_path(1).read_bytes())

    def test_numbers_as_text_and_as_reals(self):
        self.assertIn(b'"advancedSettings.memorySize": "3072"', self.shape("texts"))
        self.assertEqual(self.sim.rows()[1].size, (1280, 720, 240))
        self.assertIn(b'"advancedSettings.memorySize": 3072.0', self.shape("reals"))
        self.assertEqual(self.sim.rows()[1].size, (1280, 720, 240))
        self.sim.start(1)
        self.assertIn("3072", (self.sim.home / "vms/leidian1/leidian.vbox").read_text())

    def test_minified_and_with_a_byte_order_mark(self):
        self.assertNotIn(b"\n", self.shape("minified"))
        self.assertTrue(self.shape("bom").startswith(b"\xef\xbb\xbf{"))
        self.assertEqual(self.sim.config_path(1).read_text(encoding="utf-8-sig")[0], "{")
        self.sim.start(1)

    def test_truncated_it_never_starts(self):
        self.shape("truncated")
        with self.assertRaises(ValueError):
            self.sim.config(1)
        self.sim.ldconsole("launch", "--index", "1")
        self.sim.wait_seen(1, STARTING)

    def test_a_shape_or_an_instance_that_is_not_there(self):
        self.assertEqual(ldsim("init", self.sim.home, "--config", "1=round").code, 2)
        self.assertEqual(ldsim("init", self.sim.home, "--config", "7=bom").code, 1)

    def test_the_managers_window_undoes_what_was_changed(self):
        self.assertEqual(ldsim("manager", self.sim.home, "open").code, 0)
        self.assertEqual(set(self.sim.processes()), {"manager"})
        self.sim.set("ms.remove=0")
        self.sim.ldconsole("rename", "--index", "1", "--title", "mine")
        self.sim.ldconsole("remove", "--index", "2")
        self.sim.ldconsole("add", "--name", "new")
        self.sim.ldconsole("add", "--name", "later")
        self.assertEqual(self.sim.rows()[1].title, "mine")
        self.assertEqual(ldsim("manager", self.sim.home, "close").code, 0)
        self.assertEqual(self.sim.processes(), {})
        self.assertEqual({i: row.title for i, row in self.sim.rows().items()},
                         {0: "LDPlayer", 1: "LDPlayer-1", 2: "LDPlayer-2", 3: "later"})

    @natively
    def test_ended_by_force_it_writes_nothing(self):
        ldsim("manager", self.sim.home, "open")
        self.sim.ldconsole("rename", "--index", "1", "--title", "mine")
        os.kill(self.sim.processes()["manager"], signal.SIGKILL)
        self.sim.wait_for(lambda: not self.sim.processes(), "its end")
        self.assertEqual(self.sim.rows()[1].title, "mine")
        self.assertEqual(ldsim("manager", self.sim.home, "close").code, 0)
        self.assertEqual(ldsim("manager", self.sim.home, "shut").code, 2)


class Versions(SimulationTest):
    def window(self, *flags):
        self.sim.ldconsole("launch", "--index", "1", *flags)
        shown = json.loads(ldsim("show", self.sim.home).out)["instances"]
        self.sim.ldconsole("quit", "--index", "1")
        self.sim.wait_gone(1)
        return [item.get("window") for item in shown]

    def test_how_the_window_was_opened_can_be_read(self):
        self.assertEqual(self.window(), [None, "normal", None])
        self.assertEqual(self.window("--mini")[1], "mini")
        self.sim.set("profile=ld14")
        self.assertEqual(self.window("--hide")[1], "hide")

    def test_ld4_passes_the_flags_over(self):
        self.sim.set("profile=ld4")
        self.assertEqual(self.window("--mini")[1], "normal")

    def test_newer_versions_take_more_memory_and_cores(self):
        for profile, code in (("ld9", 0), ("ld14", 0), ("ld4", -1005)):
            self.sim.set(f"profile={profile}")
            for flags in (["--memory", "3072"], ["--memory", "6144"], ["--cpu", "6"],
                          ["--cpu", "8"]):
                with self.subTest(profile=profile, flags=flags):
                    self.assert_answer(["modify", "--index", "1", *flags],
                                       "parameter error!" if code else "", code)


if __name__ == "__main__":
    unittest.main()
