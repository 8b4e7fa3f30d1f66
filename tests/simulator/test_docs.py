# SPDX-License-Identifier: MIT
"""docs/simulator.md says what the programs do, and every knob and fault has a test.

`test_docs.py --table` prints the table of knobs for the page.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from simulation import PROGRAMS, ldsim

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE.parent.parent / "docs/simulator.md"


def knobs():
    """The knobs of `ldsim help`: name, scope, values, value at the start, meaning."""
    shape = re.compile(
        r"^  (?P<name>[a-z0-9_.]+)(?:  \[(?P<scope>.*)\])?\n"
        r"      (?P<help>.*)\n      (?P<values>.*); at the start (?P<initial>.*)$",
        re.M,
    )
    return [match.groupdict("") for match in shape.finditer(ldsim("help").text)]


def table_lines():
    for knob in knobs():
        scope = f"`{knob['scope']}`" if knob["scope"] else ""
        initial = "" if knob["initial"] == "empty" else f"`{knob['initial']}`"
        values = "see below" if knob["name"] == "fault" else knob["values"]
        yield f"| `{knob['name']}` | {scope} | {values} | {initial} | {knob['help']} |"


def faults():
    return next(knob for knob in knobs() if knob["name"] == "fault")["values"].split(", ")


class Page(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.page = PAGE.read_text(encoding="utf-8")

    def section(self, title):
        return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", self.page, re.M | re.S).group(1)

    def test_the_table_of_knobs_is_that_of_the_program(self):
        lines = [line for line in self.section("Knobs").splitlines() if line.startswith("| `")]
        self.assertGreater(len(lines), 40)
        self.assertEqual(lines, list(table_lines()))

    def test_shapes_of_configurations_are_those_of_the_program(self):
        section = self.section("Configurations as found")
        source = (HERE / "config_wild.c").read_text(encoding="utf-8")
        shapes = re.search(r'config_shapes\[\] = "([\w,]+)"', source).group(1).split(",")
        self.assertEqual(re.findall(r"^\| `(\w+)` \|", section, re.M), shapes)

    def test_the_table_of_faults_is_complete(self):
        first_table = self.section("Faults of an instance").split("How the failures")[0]
        self.assertEqual(re.findall(r"^\| `(\w+)` \|", first_table, re.M), faults())

    def test_knobs_that_the_table_of_failures_names_exist(self):
        names = {knob["name"] for knob in knobs()}
        table = self.section("Faults of an instance").split("How the failures")[1]
        used = re.findall(r"`([a-z][\w.]*)(?:=\w+)?`", table)
        self.assertGreater(len(used), 20)
        for key in used:
            self.assertTrue(key in names or key.rsplit(".", 1)[0] in names, key)

    def test_the_session_runs_as_printed(self):
        session = re.search(r"```console\n(.*?)```", self.page, re.S).group(1)
        steps = re.split(r"^\$ ", session, flags=re.M)[1:]
        self.assertGreater(len(steps), 8)
        environment = {**os.environ, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"}
        with tempfile.TemporaryDirectory() as here:
            self.addCleanup(ldsim, "kill", f"{here}/farm")
            for step in steps:
                command, _, wanted = step.partition("\n")
                done = subprocess.run(command, shell=True, cwd=here, env=environment,
                                      stdout=subprocess.PIPE, check=True)
                shape = re.escape(wanted).replace(re.escape("[...]"), r"[^,\n]*")
                self.assertRegex(done.stdout.decode().replace("\r\n", "\n"), rf"\A{shape}\Z")


class Coverage(unittest.TestCase):
    def test_every_knob_and_every_fault_has_a_test(self):
        tests = "".join(
            path.read_text(encoding="utf-8")
            for path in HERE.glob("test_*.py")
            if path.name != pathlib.Path(__file__).name
        )
        for word in [knob["name"] for knob in knobs()] + faults():
            with self.subTest(word=word):
                self.assertTrue(re.search(rf"\b{re.escape(word)}\b", tests), f"no test of {word}")

    def test_every_verb_has_a_test(self):
        source = (HERE / "verbs.c").read_text(encoding="utf-8")
        verbs = re.findall(r'^    \{"(\w+)", VERB_', source, re.M)
        self.assertGreater(len(verbs), 40)
        tests = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("*.py"))
        for verb in verbs:
            with self.subTest(verb=verb):
                self.assertTrue(f'"{verb}"' in tests, f"no test of {verb}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print("\n".join(table_lines()))
    else:
        unittest.main()
