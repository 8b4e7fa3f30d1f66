#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_output.py FILE PROGRAM ARGS...: fails when the program does not print the file."""
import difflib
import subprocess
import sys


def main():
    path, command = sys.argv[1], sys.argv[2:]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
    with open(path, encoding="utf-8", newline="") as file:
        stored = file.read()
    if stored == printed:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(
            stored.splitlines(True), printed.splitlines(True), path, " ".join(command)
        )
    )
    print(f"\n{path} is out of date: write it anew with `ldplayerd {' '.join(command[1:])}`")
    return 1


if __name__ == "__main__":
    sys.exit(main())
