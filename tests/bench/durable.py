# SPDX-License-Identifier: MIT
"""Commands that are acknowledged when they are on disk, against SQLite committing the same rows."""
import pathlib
import re
import statistics

from processes import wrk
from workshop import Failed, Row, run_json

N_CLIENTS, N_INSTANCES = 64, 500
COMMANDS = pathlib.Path(__file__).with_name("commands.lua")


def read_commits(service):
    metrics = service.get("/metrics").decode()
    found = re.search(r"^ldplayerd_store_commits_total (\d+)$", metrics, re.M)
    if not found:
        raise Failed("GET /metrics does not say how many transactions were committed")
    return int(found[1])


def one_turn(shop, seconds):
    """The rate of the service, and of SQLite with its rows; how many operations were a commit."""
    data_dir = shop.folder("data")
    service = shop.serve(shop.simulate(N_INSTANCES), data_dir,
                         options=["--max-queued-operations", "100000"])
    service.get("/api/instances?max_age_ms=0")
    before = read_commits(service)
    rate = wrk(service.port, "/", service.token, seconds, "-s", COMMANDS, "--timeout", "10s",
               connections=N_CLIENTS)
    group = max(1, round(rate * seconds / (read_commits(service) - before)))
    service.end()
    bare = run_json(shop.program("commits"), data_dir / "ldplayerd.db",
                    shop.folder("copy") / "copy.db", group)
    return rate, 1e6 / bare["us"], group


def durable_commands(shop):
    seconds, n_turns = (2, 2) if shop.bench.is_quick else (4, 5)
    found = [one_turn(shop, seconds) for _ in range(n_turns)]
    ratios = [ours / peer for ours, peer, _ in found]
    ours, peer, group = (statistics.median(column) for column in zip(*found))
    return [Row("durable-commands", f"{ours:,.0f}/s", f"{peer:,.0f}/s", statistics.median(ratios),
                0.7, is_at_least=True,
                note=f"commands acknowledged for {N_CLIENTS} clients against bare SQLite "
                     f"committing the same rows, {group:.0f} operations at a time; "
                     f"ratios {min(ratios):.3g} to {max(ratios):.3g}")]
