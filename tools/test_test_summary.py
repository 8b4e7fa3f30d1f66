#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows what the summary of the tests counts, names, and does not let pass."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).with_name("test_summary.py")


def run(name, result="OK", stdout="", stderr=""):
    return {"name": f"ldplayerd:unit / {name}", "result": result, "stdout": stdout,
            "stderr": stderr}


class Summary(unittest.TestCase):
    def summary(self, first, again=None, *more):
        """The exit code and the lines of the summary."""
        with tempfile.TemporaryDirectory() as name:
            logs = []
            for number, runs in enumerate((first, again)):
                log = pathlib.Path(name) / f"log{number}"
                logs.append(str(log))
                if runs is not None:
                    log.write_text("".join(json.dumps(r) + "\n" for r in runs), encoding="utf-8")
            done = subprocess.run([sys.executable, TOOL, ",".join(logs), *more],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines()

    def test_it_adds_up(self):
        first = [run("a"), run("b"), run("c", "EXPECTEDFAIL"), run("d", "SKIP", "no disk\n")]
        self.assertEqual(self.summary(first, None, "skipped=1"), (0, [
            "skipped: no disk: d", "3 passed, 0 failed, 2 skipped, retried 0"]))

    def test_what_is_no_success_has_failed(self):
        for result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
            with self.subTest(result=result):
                self.assertEqual(self.summary([run("a"), run("b", result)]),
                                 (1, ["1 passed, 1 failed, 0 skipped, retried 0"]))

    def test_nothing_at_all_is_no_success(self):
        self.assertEqual(self.summary([])[0], 1)

    def test_five_of_five_are_a_pass_that_is_named_and_counted(self):
        first = [run("a"), run("b", "FAIL")]
        self.assertEqual(self.summary(first, [run("b")] * 5), (0, [
            "retried: ldplayerd:unit / b: failed, then passed 5 of 5 times by itself",
            "2 passed, 0 failed, 0 skipped, retried 1"]))

    def test_four_of_five_are_none(self):
        first = [run("a"), run("b", "FAIL")]
        again = [run("b"), run("b", "TIMEOUT"), run("b"), run("b"), run("b")]
        self.assertEqual(self.summary(first, again), (1, [
            "retried: ldplayerd:unit / b: failed, then passed 4 of 5 times by itself",
            "1 passed, 1 failed, 0 skipped, retried 1"]))

    def test_fewer_runs_are_none(self):
        code, lines = self.summary([run("a"), run("b", "FAIL")], [run("b")])
        self.assertEqual((code, lines[-1]), (1, "1 passed, 1 failed, 0 skipped, retried 1"))

    def test_tests_that_were_skipped_inside_are_told_with_the_reason(self):
        first = [
            run("a", stdout="[====] Running\nskipped: no mount\nskipped: no mount\nother\n"),
            run("b", stderr="test_x (t.T.test_x) ... ok\ntest_y (t.T.test_y) ... skipped 'no mount'\n"
                            "test_z (t.T.test_z)\nSays more. ... skipped \"it's Windows\"\n"),
        ]
        self.assertEqual(self.summary(first), (0, [
            "skipped: it's Windows: b", "skipped: no mount: 2 in a, b",
            "2 passed, 0 failed, 0 skipped, retried 0"]))

    def test_the_names_of_what_failed_can_be_asked_for(self):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as log:
            for test in run("a"), run("b", "FAIL"), run("c", "TIMEOUT"):
                log.write(json.dumps(test) + "\n")
            log.flush()
            said = subprocess.run([sys.executable, TOOL, "--failed", log.name],
                                  capture_output=True, text=True, check=True).stdout
        self.assertEqual(said.split(), ["b", "c"])


if __name__ == "__main__":
    unittest.main()
