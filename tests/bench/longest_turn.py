# SPDX-License-Identifier: MIT
"""For how long nobody else is served while 10,000 instances are looked at."""
import json
import subprocess

from workshop import Failed, Row

N_INSTANCES, N_CHANGED = 10000, 100
# The look, and an answer that is small: a list of all of them is the reader's wish.
LOOK = "/api/instances?max_age_ms=0&limit=1"


def longest_turn(shop):
    home = shop.simulate(N_INSTANCES)
    service = shop.serve(home, options=["--refresh-idle-ms", "3600000", "--max-output-bytes",
                                        64 << 20])
    rows = []

    def look(what, note, n_looks=1):
        worst = 0.0
        for _ in range(n_looks):
            shop.forget_turns()
            if json.loads(service.get(LOOK))["total"] != N_INSTANCES:
                raise Failed(f"the look did not see {N_INSTANCES} instances")
            # The turn of the answer is over when another one answers.
            service.get("/livez")
            worst = max(worst, shop.longest_turn_ms())
        rows.append(Row(f"longest-turn-{what}", f"{worst:.1f} ms", "-", worst, 25, unit=" ms",
                        note=f"CPU of the loop's thread at a time, {N_INSTANCES:,} instances, "
                             f"{note}"))

    look("first", "none of them known before")
    look("same", "looked at again", 3 if shop.bench.is_quick else 10)
    for index in range(N_CHANGED):
        subprocess.run([home / "ldconsole", "rename", "--index", str(index * 7), "--title",
                        f"other {index}"], check=True, stdout=subprocess.DEVNULL)
    look("changed", f"{N_CHANGED} of them with another name")
    if json.loads(service.get("/api/instances/7"))["name"] != "other 1":
        raise Failed("the look did not see another name")
    return rows
