#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up meson's test logs and prints one line, "N passed, N failed, N skipped".

Arguments are testlog.json files, and passed=N, failed=N or skipped=N for what has no log. The exit
code is 1 when anything failed, or when nothing was run at all.
"""
import json
import sys

KINDS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for argument in sys.argv[1:]:
        kind, _, number = argument.partition("=")
        if kind in counts:
            counts[kind] += int(number)
            continue
        with open(argument, encoding="utf-8") as log:
            for line in log:
                # What is neither good nor skipped (failed, timed out, interrupted) has failed.
                counts[KINDS.get(json.loads(line)["result"], "failed")] += 1
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
