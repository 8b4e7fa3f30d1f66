#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up meson's test logs and prints one line, "N passed, N failed, N skipped, retried N".

Arguments are testlog.json files, and passed=N, failed=N or skipped=N for what has no log. A log
written `FIRST,AGAIN` has five more runs of tests that failed in the first: such a test has passed
when all five have, and is named and counted as retried in any case. Before that line stands what was
skipped inside of tests, with the reasons. With --failed LOG the names of the tests that failed are printed instead, a line each.
The exit code is 1 when anything failed, or when nothing was run at all.
"""
import collections
import json
import os
import re
import sys

KINDS = {"OK": "passed", "EXPECTEDFAIL": "passed", "SKIP": "skipped"}
N_AGAIN = 5

# What tests in C print, and Python's unittest.
SKIPPED = re.compile(r"^skipped: (.+)$|\.\.\. skipped (['\"])(.+)\2$", re.MULTILINE)

Run = collections.namedtuple("Run", "kind skips")


def skips_of(test, kind):
    """The reasons in the output of TEST, which was itself skipped when it says nothing else."""
    output = test.get("stdout", "") + test.get("stderr", "")
    reasons = [found[1] or found[3] for found in SKIPPED.finditer(output)]
    if kind == "skipped" and not reasons:
        reasons = [(output.strip().splitlines() or ["it does not say why"])[-1]]
    return reasons


def read_log(path):
    """All runs by name. What is neither good nor skipped (timed out, interrupted) has failed."""
    runs = collections.defaultdict(list)
    with open(path, encoding="utf-8") as log:
        for test in map(json.loads, log):
            kind = KINDS.get(test["result"], "failed")
            runs[test["name"]].append(Run(kind, skips_of(test, kind)))
    return runs


def worst(runs):
    kinds = [run.kind for run in runs]
    return next(kind for kind in ("failed", "skipped", "passed") if kind in kinds)


def failed_in(log):
    return [name for name, runs in log.items() if worst(runs) == "failed"]


def judge(first, again):
    """{name: kind} and the names of those that were retried."""
    kinds = {name: worst(runs) for name, runs in first.items()}
    retried = [name for name in failed_in(first) if name in again]
    for name in retried:
        n_passed = sum(run.kind == "passed" for run in again[name])
        kinds[name] = "passed" if n_passed == N_AGAIN else "failed"
        print(f"retried: {name}: failed, then passed {n_passed} of {N_AGAIN} times by itself")
    return kinds, retried


def print_skips(logs):
    where = collections.defaultdict(collections.Counter)
    for log in logs:
        for name, runs in log.items():
            for reason in runs[-1].skips:
                where[reason][name.rpartition(" / ")[2]] += 1
    for reason, names in sorted(where.items()):
        told = ", ".join(f"{n} in {name}" if n > 1 else name for name, n in names.items())
        print(f"skipped: {reason}: {told}")


def add_up(arguments):
    counts = collections.Counter(passed=0, failed=0, skipped=0)
    n_retried, logs = 0, []
    for argument in arguments:
        kind, _, number = argument.partition("=")
        if kind in counts:
            counts[kind] += int(number)
            continue
        first, *more = [read_log(path) for path in argument.split(",") if os.path.exists(path)]
        kinds, retried = judge(first, more[0] if more else {})
        counts.update(kinds.values())
        n_retried += len(retried)
        logs.append(first)
    print_skips(logs)
    print(", ".join(f"{number} {kind}" for kind, number in counts.items())
          + f", retried {n_retried}")
    return 1 if counts["failed"] or not counts["passed"] else 0


def main():
    if sys.argv[1] == "--failed":
        print("\n".join(name.rpartition(" / ")[2] for name in failed_in(read_log(sys.argv[2]))))
        return 0
    return add_up(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
