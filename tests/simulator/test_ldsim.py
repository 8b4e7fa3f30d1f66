# SPDX-License-Identifier: MIT
"""ldsim itself, sim.json and the log of calls."""
import json
import os
import pathlib
import shutil
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

from simulation import (
    IS_WINDOWS,
    SUFFIX,
    UP,
    Row,
    Simulation,
    SimulationTest,
    ldsim,
    low_byte,
    natively,
    run,
)


class Init(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ldsim-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.home = self.dir / "home"

    def init(self, *options):
        return ldsim("init", self.home, *options)

    def list2(self):
        done = run([self.home / f"ldconsole{SUFFIX}", "list2"])
        return sorted((Row(line) for line in done.text.splitlines()), key=lambda row: row.index)

    def test_it_places_the_programs_and_names_ldconsole(self):
        done = self.init()
        self.assertEqual(done.code, 0)
        self.assertTrue(done.text.strip().endswith(f"ldconsole{SUFFIX}"))
        for name in ("ldconsole", "dnconsole", "adb", "ld", "dnplayer", "dnmultiplayer",
                     "../ldplayer9box/Ld9BoxHeadless"):
            self.assertTrue((self.home / f"{name}{SUFFIX}").is_file())

    def test_options(self):
        self.init("--instances", "5", "--profile", "ld14", "--codepage", "gbk", "--speed", "2.5",
                  "--title", "3=x=y", "--set", "log=false")
        self.assertEqual(json.loads((self.home / "sim.json").read_text()),
                         {"profile": "ld14", "codepage": "gbk", "speed": 2.5, "log": False})
        rows = self.list2()
        self.assertEqual([row.title for row in rows],
                         ["LDPlayer", "LDPlayer-1", "LDPlayer-2", "x=y", "LDPlayer-4"])

    def test_awkward_titles(self):
        self.init("--instances", "10", "--awkward")
        titles = [row.title for row in self.list2()]
        self.assertIn("a,b,,c", titles)
        self.assertEqual(titles.count("twin"), 2)
        self.assertIn("12345", titles)

    def test_again_it_leaves_instances_alone(self):
        self.init("--instances", "2")
        run([self.home / f"ldconsole{SUFFIX}", "rename", "--index", "0", "--title", "mine"])
        self.assertEqual(self.init("--instances", "9", "--speed", "3").code, 0)
        self.assertEqual([row.title for row in self.list2()], ["mine", "LDPlayer-1"])
        self.assertEqual(json.loads((self.home / "sim.json").read_text())["speed"], 3)

    def test_again_it_refreshes_only_programs_that_differ(self):
        self.init()
        kept, changed = self.home / f"adb{SUFFIX}", self.home / f"ld{SUFFIX}"
        before = kept.stat().st_mtime_ns, kept.stat().st_ino
        changed.write_bytes(b"old")
        self.init()
        self.assertEqual((kept.stat().st_mtime_ns, kept.stat().st_ino), before)
        self.assertNotEqual(changed.read_bytes(), b"old")

    def test_a_change_to_a_program_does_not_reach_the_build(self):
        self.init()
        placed = self.home / f"ldconsole{SUFFIX}"
        built = pathlib.Path(os.environ["LDSIM_DIR"]) / f"ldconsole{SUFFIX}"
        self.assertFalse(os.path.samefile(placed, built))

    def test_it_does_not_touch_a_real_installation(self):
        (self.home / "vms").mkdir(parents=True)
        done = self.init()
        self.assertEqual(done.code, 1)
        self.assertEqual([p.name for p in self.home.iterdir()], ["vms"])

    def test_bad_usage(self):
        for options in (["--what"], ["--instances", "x"], ["--instances"], ["--title", "x"],
                        ["--profile", "ld5"], ["--speed", "0"], ["--set", "x=1"]):
            with self.subTest(options=options):
                self.assertEqual(self.init(*options).code, 2)
        self.assertEqual(ldsim("nonsense").code, 2)
        self.assertEqual(ldsim("show").code, 2)
        self.assertEqual(ldsim("show", self.dir / "nowhere").code, 1)

    @natively  # only to save time
    def test_thousands_of_instances(self):
        self.assertEqual(self.init("--instances", "3000", "--bare").code, 0)
        for _ in range(2):  # read from the configs, then from the cache
            rows = self.list2()
            self.assertEqual([row.index for row in rows], list(range(3000)))
            self.assertEqual(rows[-1].title, "LDPlayer-2999")
        done = run([self.home / f"ldconsole{SUFFIX}", "add"])
        self.assertEqual(done.code, low_byte(3000))
        self.assertEqual(len(self.list2()), 3001)


class Knobs(SimulationTest):
    def test_unknown_keys_are_refused_with_the_list(self):
        before = self.sim.knobs()
        for key in ("nonsense", "hang.nonsense", "fault.x", "session0.3", "ms.nothing", "fault.-1"):
            with self.subTest(key=key):
                done = ldsim("set", self.sim.home, "speed=7", f"{key}=1")
                self.assertEqual(done.code, 2)
                self.assertIn(b"kill_effect", done.err)
        self.assertEqual(self.sim.knobs(), before)

    def test_values_are_checked(self):
        for bad in ("speed=-1", "speed=x", "profile=", "fault.1=nonsense", "hang=sometimes",
                    "session0=maybe", "ms.vm=-5", "exit_code.list2=x", "profile=ld9,ld4"):
            with self.subTest(bad=bad):
                code = ldsim("set", self.sim.home, bad).code
                self.assertEqual(code, 0 if bad.endswith("=") else 2)
        self.assertEqual(ldsim("set", self.sim.home).code, 2)
        self.assertEqual(ldsim("set", self.sim.home, "speed").code, 2)

    def test_an_empty_value_takes_the_key_away(self):
        self.sim.set("hang.list2=3", "fault.1=zombie,hidden")
        self.assertEqual(self.sim.knobs()["hang.list2"], 3)
        self.sim.set("hang.list2=", "fault.1=")
        self.assertEqual(self.sim.knobs(), Simulation.knobs_at_start)

    def test_reset_keeps_what_is_simulated(self):
        self.sim.set("profile=ld14", "codepage=gbk", "session0=true", "fault.1=hidden", "ms.vm=3")
        self.assertEqual(ldsim("reset", self.sim.home).code, 0)
        self.assertEqual(set(self.sim.knobs()), {"speed", "profile", "codepage"})

    def test_the_file_may_be_written_by_hand(self):
        (self.sim.home / "sim.json").write_text(
            '// by hand\n{"speed": "50", "empty.list2": true, "nonsense": 1, "ms.vm": [],}'
        )
        self.assert_answer(["list2"], "", 0)
        shown = json.loads(ldsim("show", self.sim.home).out)
        self.assertEqual(sorted(shown["not_understood"]), ["ms.vm", "nonsense"])
        self.assertEqual(shown["knobs"], {"speed": "50", "empty.list2": True})

    def test_a_file_that_is_no_json_stops_everything(self):
        (self.sim.home / "sim.json").write_text("{")
        done = self.sim.ldconsole("list2")
        self.assertEqual((done.code, done.out), (1, b""))
        self.assertIn(b"sim.json", done.err)

    def test_no_file_is_everything_as_at_the_start(self):
        (self.sim.home / "sim.json").unlink()
        self.assertEqual(len(self.sim.rows()), 3)

    def test_show(self):
        self.sim.start(1)
        shown = json.loads(ldsim("show", self.sim.home).out)
        self.assertEqual([item["title"] for item in shown["instances"]],
                         ["LDPlayer", "LDPlayer-1", "LDPlayer-2"])
        row = self.sim.rows()[1]
        self.assertEqual({(p["index"], p["kind"], p["pid"]) for p in shown["processes"]},
                         {(1, "player", row.pid), (1, "vm", row.vm)})

    def test_kill(self):
        self.sim.start(1)
        done = ldsim("kill", self.sim.home)
        self.assertEqual((done.code, done.text), (0, "2 ended\n"))
        self.assertEqual(self.sim.processes(), {})
        self.sim.start(1)

    def test_help_names_every_command(self):
        text = ldsim("help").text
        for word in ("ldsim init", "ldsim set", "ldsim reset", "ldsim show", "ldsim kill"):
            self.assertIn(word, text)


class Log(SimulationTest):
    def test_a_call_has_a_start_and_an_end(self):
        self.sim.ldconsole("quit", "--name", "雷 \"电\"")
        start, end = self.sim.calls()
        self.assertEqual((start["event"], start["program"]), ("start", "ldconsole"))
        self.assertEqual(start["argv"], ["quit", "--name", "雷 \"电\""])
        self.assertEqual((end["event"], end["exit"]), ("end", -1001))
        self.assertEqual(start["pid"], end["pid"])
        self.assertRegex(start["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertGreaterEqual(end["ms"], 0)

    def test_adb_and_ld_are_in_it(self):
        self.sim.run("adb", "devices")
        self.sim.run("ld", "-s", "0", "true")
        self.assertEqual([call["program"] for call in self.sim.calls()],
                         ["adb", "adb", "ld", "ld"])

    def test_work_behind_a_call_is_not_in_it(self):
        self.sim.ldconsole("remove", "--index", "1")
        self.sim.wait_for(lambda: not self.sim.config_path(1).exists(), "removal")
        self.assertEqual(len(self.sim.calls()), 2)

    def test_it_can_be_off_and_is_capped(self):
        self.sim.set("log=false")
        self.sim.ldconsole("list")
        self.assertFalse((self.sim.home / "sim/calls.log").exists())
        self.sim.set("log=true", "log_max_kb=1")
        for _ in range(20):
            self.sim.ldconsole("list")
        self.assertLess((self.sim.home / "sim/calls.log").stat().st_size, 1400)

    def test_calls_side_by_side_do_not_mix(self):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: self.sim.ldconsole("list", "x" * 500, str(i)), range(40)))
        starts = [call["argv"][2] for call in self.sim.calls() if call["event"] == "start"]
        self.assertEqual(sorted(starts, key=int), [str(i) for i in range(40)])


class Readers(SimulationTest):
    def test_list2_never_sees_a_part(self):
        """One after another changes everything while others read."""
        with ThreadPoolExecutor(4) as pool:
            work = pool.submit(
                lambda: [
                    self.sim.ldconsole("modify", "--index", "1", "--resolution", f"{n},{n},{n}")
                    for n in range(100, 100 + (10 if IS_WINDOWS else 60))
                ]
            )
            while not work.done():
                rows = self.sim.rows()
                self.assertEqual(sorted(rows), [0, 1, 2])
                width, height, dpi = rows[1].size
                self.assertTrue(width == height == dpi or rows[1].size == (1280, 720, 240))

    @natively
    def test_a_second_installation_is_another_world(self):
        other = Simulation()
        self.addCleanup(other.close)
        other.start(1)
        self.assertEqual(self.sim.seen(1), (0, False, False))
        ldsim("kill", self.sim.home)
        self.assertEqual(other.seen(1), UP)


if __name__ == "__main__":
    unittest.main()
