# SPDX-License-Identifier: MIT
"""The simulator does what tests/data/conformance.json says; so does the fake farm of the unit
tests (tests/unit/control/test_conformance.c), so that there are no two models of the vendor."""
import json
import os
import pathlib
import signal
import unittest

from simulation import BANNER, IS_WINDOWS, Simulation

TABLE = pathlib.Path(__file__).resolve().parent.parent / "data/conformance.json"
SCENARIOS = json.loads(TABLE.read_text(encoding="utf-8"))["scenarios"]
TITLES = ["LDPlayer", "LDPlayer-1"]


class Scenario:
    def __init__(self, test, scenario, profile):
        self.test = test
        self.profile = profile
        titles = scenario.get("titles", TITLES)
        options = [word for i, title in enumerate(titles) for word in ("--title", f"{i}={title}")]
        self.sim = Simulation("--instances", len(titles), "--profile", profile, *options)
        test.addCleanup(self.sim.close)
        if "set" in scenario:
            what, verb = scenario["set"].split()
            self.sim.set(f"{what}.{verb}=always")
        for index, fault in scenario.get("fault", {}).items():
            self.sim.set(f"fault.{index}={fault}")
        for step in scenario["steps"]:
            self.take(step)

    def of_profile(self, value):
        return value[self.profile] if isinstance(value, dict) else value

    def take(self, step):
        if "do" in step:
            self.run(step["do"].split(), self.of_profile(step["says"]),
                     self.of_profile(step["exit"]))
        if "end" in step:
            index, kind = step["end"].split()
            os.kill(self.sim.processes(int(index))[kind], signal.SIGKILL)
        if "hide" in step:
            self.sim.set(f"row_drop.{step['hide']}=always")
        if "show" in step:
            self.sim.set(f"row_drop.{step['show']}=")
        if "lose" in step:
            self.disk(step["lose"].split()[0]).unlink()
        for name in ("rows", "columns", "processes", "files", "config", "log"):
            if name in step:
                self.sim.wait_for(lambda: getattr(self, name)(step[name]),
                                  f"{name} {step[name]}")

    def run(self, words, says, code):
        done = self.sim.ldconsole(*words)
        if says == "usage":
            self.test.assertIn(BANNER, done.text.split("\r\n")[0])
        else:
            self.test.assertEqual(done.text, says)
        self.test.assertEqual(self.sim.last_exit(), code)

    def lines(self):
        return self.sim.ldconsole("list2").text.split("\r\n")[:-1]

    def rows(self, wanted):
        tail = 5 if self.profile == "ld4" else 8

        def short(line):
            parts = line.split(",")
            state, pid, vm = parts[len(parts) - tail + 2 : len(parts) - tail + 5]
            signs = ["+" if int(number) > 0 else "-" for number in (pid, vm)]
            return ",".join([*parts[: len(parts) - tail], state, *signs])

        return [short(line) for line in self.lines()] == wanted

    def columns(self, wanted):
        return all(line.count(",") + 1 == self.of_profile(wanted) for line in self.lines())

    def processes(self, wanted):
        return all(" ".join(sorted(self.sim.processes(int(index)))) == kinds
                   for index, kinds in wanted.items())

    def disk(self, index):
        return self.sim.home / f"vms/leidian{index}/data.vmdk"

    def files(self, wanted):
        def there(index):
            return " ".join(name for name, path in (("config", self.sim.config_path(index)),
                                                    ("disk", self.disk(index))) if path.exists())

        return all(there(index) == names for index, names in wanted.items())

    def log(self, wanted):
        def text(index):
            path = self.sim.home / f"vms/leidian{index}/Logs/VBox.log"
            return path.read_text(encoding="utf-8") if path.exists() else ""

        return all(words in text(index) for index, words in wanted.items())

    def config(self, wanted):
        return all(self.sim.config(index).get(key) == value
                   for index, keys in wanted.items() for key, value in keys.items())


class Conformance(unittest.TestCase):
    def test_every_scenario(self):
        self.assertGreaterEqual(len(SCENARIOS), 20)
        for scenario in SCENARIOS:
            if IS_WINDOWS and any("end" in step for step in scenario["steps"]):
                print("not under Wine, whose numbers of processes are its own:", scenario["name"])
                continue
            for profile in scenario.get("profiles", ["ld9"]):
                with self.subTest(name=scenario["name"], profile=profile):
                    Scenario(self, scenario, profile)
                    self.doCleanups()


if __name__ == "__main__":
    unittest.main()
