#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up meson's test logs and prints one line, "N passed, N failed, N skipped".

Arguments are testlog.json files, and passed=N, failed=N or skipped=N for what has no log. A log
written `FIRST,AGAIN` has a second try of tests that failed in the first; what passed only then is
named. With --failed LOG the names of the tests that failed are printed instead, a line each. The
exit code is 1 when anything failed, or when nothing was run at all.
"""
import json
import os
import sys

KINDS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}


def read_log(path):
    """What is neither good nor skipped (failed, timed out, interrupted) has failed."""
    with open(path, encoding="utf-8") as log:
        tests = [json.loads(line) for line in log]
    return {test["name"]: KINDS.get(test["result"], "failed") for test in tests}


def failed_in(results):
    return [name for name, kind in results.items() if kind == "failed"]


def read_tries(paths):
    results = {}
    for path in filter(os.path.exists, paths):
        tried = read_log(path)
        for name in failed_in(results):
            if tried.get(name) == "passed":
                print(f"passed at the second try only: {name}")
        results.update(tried)
    return results


def main():
    if sys.argv[1] == "--failed":
        print("\n".join(name.rpartition(" / ")[2] for name in failed_in(read_log(sys.argv[2]))))
        return 0
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for argument in sys.argv[1:]:
        kind, _, number = argument.partition("=")
        if kind in counts:
            counts[kind] += int(number)
            continue
        for result in read_tries(argument.split(",")).values():
            counts[result] += 1
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
