# SPDX-License-Identifier: MIT
"""The simulator does what tests/data/conformance.json says; so does the fake farm of the unit
tests (tests/unit/control/test_conformance.c), so that there are no two models of the vendor."""
import json
import os
import pathlib
import signal
import unittest

from simulation import BANNER, FOREVER, IS_WINDOWS, SPEED, Simulation

TABLE = pathlib.Path(__file__).resolve().parent.parent / "data/conformance.json"
SCENARIOS = json.loads(TABLE.read_text(encoding="utf-8"))["scenarios"]
TITLES = ["LDPlayer", "LDPlayer-1"]

# Long enough to be seen before it is over, in milliseconds of the simulation.
A_WHILE = 3000 * SPEED


def knobs_of(what, verb):
    """What `set` means, as settings of ldsim."""
    late = {"late_disk": A_WHILE, "no_disk": FOREVER}.get(what)
    if late and verb == "add":
        return [f"ms.add_disk={late}"]
    if late:
        return ["copy_returns=at_once", f"ms.copy_disk={late}", f"ms.copy={late}"]
    return ["remove_recreates=1"] if what == "recreate" else [f"{what}.{verb}=always"]


def knobs_of_fault(index, fault):
    if fault == "late_column5":  # until Android is up
        return [f"ms.column5.{index}={A_WHILE}", f"ms.android.{index}={A_WHILE}"]
    return [f"fault.{index}={fault}"]


class Scenario:
    def __init__(self, test, scenario, profile):
        self.test = test
        self.profile = profile
        titles = scenario.get("titles", TITLES)
        options = [word for i, title in enumerate(titles) for word in ("--title", f"{i}={title}")]
        self.sim = Simulation("--instances", len(titles), "--profile", profile, *options)
        test.addCleanup(self.sim.close)
        if "set" in scenario:
            self.sim.set(*knobs_of(*scenario["set"].split()))
        for index, fault in scenario.get("fault", {}).items():
            self.sim.set(*knobs_of_fault(index, fault))
        self.more = scenario.get("more_columns", "")
        self.sim.set(f"more_columns={self.more}",
                     f"kill_effect={scenario.get('kill_effect', 'none')}")
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
        more = self.more.split(",") if self.more else []
        tail = (5 if self.profile == "ld4" else 8) + len(more)

        def short(line):
            parts = line.split(",")
            if not parts[0].isdigit():
                return line
            state, pid, vm = parts[len(parts) - tail + 2 : len(parts) - tail + 5]
            signs = ["+" if int(number) > 0 else "-" for number in (pid, vm)]
            return ",".join([*parts[: len(parts) - tail], state, *signs,
                             *parts[len(parts) - len(more) :]])

        return [short(line) for line in self.lines()] == wanted

    def columns(self, wanted):
        return all(line.count(",") + 1 == self.of_profile(wanted) for line in self.lines())

    def processes(self, wanted):
        names = {"player": "player", "second": "player", "vm": "vm"}

        def kinds(index):
            return sorted(names[kind] for kind in self.sim.processes(int(index)) if kind in names)

        return all(" ".join(kinds(index)) == wanted[index] for index in wanted)

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
