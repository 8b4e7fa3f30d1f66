#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the service against bare processes, nginx and redis, and prints one table.

Both sides of a measure run in turns in the same run, and the ratio is the median of the ratios of
the turns: absolute figures of a machine that does other things as well say little.
docs/benchmarks.md says what each measure means. A missed target is reported, not failed; the exit
status is 1 when something could not be measured.
"""
import argparse
import json
import os
import pathlib
import platform
import resource
import signal
import subprocess
import sys

import measures
import workshop

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse_args():
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__.split("\n")[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these measures")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument("--realtime", action="store_true",
                        help="run both sides with real-time priority: for a busy machine, as root")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--build", metavar="DIR", default=str(ROOT / "build" / "release"),
                        help="build directory (default: build/release)")
    parser.add_argument("--list", action="store_true", help="list the measures")
    args = parser.parse_args()
    unknown = set(args.names) - set(measures.TABLE)
    if unknown:
        parser.error(f"no measure {', '.join(sorted(unknown))}; --list names them")
    return args


def allow_files():
    """As many open files as we may have, for us and for those we start."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def go_first():
    """Both sides of every measure before whatever else the machine is doing."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def build_programs(build):
    # A library that some of them need may have been installed since the build was configured.
    if "bench_cache_glib" not in (build / "build.ninja").read_text(encoding="utf-8"):
        subprocess.run(["meson", "setup", "--reconfigure", str(build)], check=True,
                       stdout=subprocess.DEVNULL)
    jobs = ["-j", os.environ["JOBS"]] if os.environ.get("JOBS") else []
    subprocess.run(["ninja", *jobs, "-C", str(build), "--quiet", "bench-programs"], check=True,
                   stdout=sys.stderr)


def measure(name, bench):
    """The rows of one measure; None when it could not be made."""
    print(f"==> {name}", file=sys.stderr, flush=True)
    try:
        with workshop.Workshop(bench) as shop:
            rows = measures.TABLE[name](shop)
            rows[0].turn_ms = shop.longest_turn_of_all_ms()
            return rows
    except (workshop.Failed, OSError, subprocess.SubprocessError) as error:
        print(f"    could not be measured: {error}", file=sys.stderr)
        return None


HEADINGS = ["measure", "ours", "peer", "ratio", "target", "", "longest turn", "compared"]


def cells(row):
    verdict = "-" if row.is_ok is None else "ok" if row.is_ok else "MISS"
    turn = f"{row.turn_ms:.1f} ms" if row.turn_ms else "-"
    return [row.what, row.ours, row.peer, row.ratio_text, row.target_text, verdict, turn, row.note]


def print_table(rows):
    lines = [HEADINGS] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def write_json(path, rows, failed):
    document = {
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(),
                    "load": list(os.getloadavg())},
        "rows": [row.as_dict() for row in rows],
        "failed": failed,
    }
    pathlib.Path(path).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main():
    args = parse_args()
    if args.list:
        print("\n".join(measures.TABLE))
        return 0
    bench = workshop.Bench(pathlib.Path(args.build).resolve(), args.quick)
    # What a measure has started is ended on the way out, so there must be a way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    allow_files()
    build_programs(bench.build)
    if args.realtime:
        go_first()
    rows, failed = [], []
    for name in args.names or measures.TABLE:
        found = measure(name, bench)
        rows += found or []
        failed += [] if found else [name]
    print()
    print_table(rows)
    if args.json:
        write_json(args.json, rows, failed)
    for name in failed:
        print(f"{name} could not be measured, see above")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
