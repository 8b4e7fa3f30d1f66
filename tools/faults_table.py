#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts what the chaos suite measures into the table of docs/faults.md.

    faults_table.py BUILD_FOLDER DOCUMENT
"""
import os
import pathlib
import re
import subprocess
import sys

HEAD = "|---|---|---|---|---|\n"


def measure(build):
    """The rows, as the test prints them."""
    test = build / "tests/unit/control/test_control_chaos"
    done = subprocess.run([test, "--jobs=1", "--filter", "ctl_chaos/each_fault_alone*"],
                          stdout=subprocess.PIPE, text=True, check=False,
                          env={**os.environ, "LDP_TABLE": "1",
                               "LDPLAYERD_TEST_DATA": str(pathlib.Path("tests/data").resolve())})
    if done.returncode != 0:
        sys.exit("the suite failed; run ./run test control/chaos")
    return [line for line in done.stdout.splitlines() if line.startswith("| ")]


def main():
    build, document = map(pathlib.Path, sys.argv[1:])
    text = document.read_text(encoding="utf-8")
    rows = "".join(row + "\n" for row in measure(build))
    table = re.compile(re.escape(HEAD) + r"(\|.*\n)*")
    if not table.search(text):
        sys.exit(f"{document} has no table")
    document.write_text(table.sub(lambda _: HEAD + rows, text), encoding="utf-8")


if __name__ == "__main__":
    main()
