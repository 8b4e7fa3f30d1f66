#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Loads the service with readers, checks the contract's thresholds, and writes a report.

docs/load-tests.md says what the scenarios are. The exit status is 1 when a threshold is missed or
a scenario could not be measured.
"""
import argparse
import os
import pathlib
import platform
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The processes and temporary folders are the benchmark's.
sys.path.insert(0, str(ROOT / "tests" / "bench"))

# pylint: disable=wrong-import-position
import figures
import report
import scenarios
import workshop

REPORTS = ROOT / "build" / "load"


def parse_args():
    parser = argparse.ArgumentParser(prog="./run load", description=__doc__.split("\n")[0])
    parser.add_argument("names", metavar="SCENARIO", nargs="*",
                        help=f"only these of {', '.join(scenarios.TABLE)}")
    parser.add_argument("--quick", action="store_true", help="a few seconds for each")
    parser.add_argument("--build", metavar="DIR", default=str(ROOT / "build" / "release"),
                        help="build directory (default: build/release)")
    args = parser.parse_args()
    unknown = set(args.names) - set(scenarios.TABLE)
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; "
                     f"there are {', '.join(scenarios.TABLE)}")
    return args


def measure(name, bench):
    """The Scenario with what could be measured of it."""
    run, text = scenarios.TABLE[name]
    scenario = figures.Scenario(name, text, is_paced=name == scenarios.PACED)
    print(f"==> {name}", file=sys.stderr, flush=True)
    try:
        with workshop.Workshop(bench) as shop:
            run(scenario, shop, bench.is_quick)
    except (workshop.Failed, OSError, subprocess.SubprocessError) as error:
        scenario.trouble = str(error) or type(error).__name__
    return scenario


def find(pattern, path):
    found = re.search(pattern, pathlib.Path(path).read_text(encoding="utf-8", errors="replace"))
    return found[1] if found else "unknown"


def describe_machine(bench):
    version = subprocess.run([bench.build / "service" / "ldplayerd", "version"], check=False,
                             stdout=subprocess.PIPE).stdout.decode(errors="replace").split("\n")[0]
    return {
        "program": version,
        "processor": f"{os.cpu_count()} x {find('model name[^:]*: (.*)', '/proc/cpuinfo')}",
        "memory": f"{find('MemTotal: *([0-9]+)', '/proc/meminfo')} kB",
        "system": platform.platform(),
        "load average before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def main():
    args = parse_args()
    bench = workshop.Bench(pathlib.Path(args.build).resolve(), args.quick)
    # What a scenario has started is ended on the way out, so there must be a way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    machine = describe_machine(bench)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    found = [measure(name, bench) for name in args.names or scenarios.TABLE]
    command = " ".join(["./run load", *args.names, *(["--quick"] if args.quick else [])])
    path = report.write(REPORTS, found, machine, command, when)
    print(f"\n{report.as_text(report.table(found))}\n\n{report.verdict(found)}\n\n"
          f"Report: {os.path.relpath(path)}")
    return 1 if figures.missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
