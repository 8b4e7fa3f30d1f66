# SPDX-License-Identifier: MIT
"""What a sick ldconsole costs readers, and what the gate of launches costs a farm."""
import json
import subprocess
import time

from processes import SERVER_CPU, on_client_cpu
from workshop import PATIENCE_S, Failed, Row, Turns, run_json


def wait_until(is_so, what, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            raise Failed(f"waited for {patience_s} s for {what}")
        time.sleep(0.02)


# --- reads while every call hangs ---

# So that each turn has looks that are begun, that hang and that are given up.
OFTEN = ["--refresh-idle-ms", "500", "--deadline-list2-ms", "300", "--breaker-open-ms", "500",
         "--breaker-max-open-ms", "500"]


def read_while_hanging(shop):
    n_reads, n_turns = (10000, 5) if shop.bench.is_quick else (40000, 15)

    def serve():
        home = shop.simulate(100)
        service = shop.serve(home, options=OFTEN, cpu=SERVER_CPU)
        service.get("/api/instances?max_age_ms=0")
        return home, service

    def p99_us(service, source):
        found = run_json(*on_client_cpu(shop.program("client"), service.port, "/api/instances",
                                        service.token, 1, n_reads))
        seen = json.loads(service.get("/api/instances?limit=1"))["source"]
        if found["refused"] or seen != source:
            raise Failed(f"{found['refused']} answers were not 200, and the source is {seen}")
        return found["p99_us"]

    home, sick = serve()
    _, healthy = serve()
    shop.ldsim("set", home, "hang=always")
    # Commands hang as well.
    for index in range(10):
        sick.client.request("POST", f"/api/instances/{index}/start", 202)
    wait_until(lambda: json.loads(sick.get("/api/instances?limit=1"))["source"] == "stale",
               "a list that is marked stale")
    turns = Turns(lambda: p99_us(sick, "stale"), lambda: p99_us(healthy, "cache"), n_turns)
    return [Row("read-while-hanging", f"{turns.ours:,.0f} us", f"{turns.peer:,.0f} us", turns.ratio,
                1.2, note=f"p99 of GET /api/instances of 100 while every ldconsole call hangs, "
                          f"against a service whose ldconsole is well; {turns.spread}")]


# --- launches, one at a time ---

# A boot takes 1.2 s and no longer 12, so everything that waits is a tenth, too.
SPEED, ANDROID_COLUMN = 10, 4
TENTH = ["--refresh-active-ms", "50", "--refresh-idle-ms", "500", "--settle-ms", "1000"]


def launch_barely(home, n):
    """Launches N, each as soon as list2 says that Android of the one before is up."""
    ldconsole = str(home / "ldconsole")

    def is_up(index):
        rows = subprocess.run([ldconsole, "list2"], stdout=subprocess.PIPE, check=True).stdout
        row = next((row for row in rows.decode().splitlines() if row.startswith(f"{index},")), None)
        return row and row.split(",")[ANDROID_COLUMN] == "1"

    began = time.monotonic()
    for index in range(n):
        subprocess.run([ldconsole, "launch", "--index", str(index)], stdout=subprocess.DEVNULL,
                       check=True)
        wait_until(lambda index=index: is_up(index), f"instance {index}")
    return time.monotonic() - began


def launch_by_batch(shop, home, n):
    service = shop.serve(home, options=TENTH)
    service.get("/api/instances?max_age_ms=0")
    time.sleep(1)  # what stood still for settle_ms may start
    began = time.monotonic()
    batch = json.loads(service.client.request(
        "POST", "/api/instances/batch", 202, body={"action": "start", "select": {"all": True}}))
    found = {}

    def has_ended():
        found.update(json.loads(service.get(f"/api/operations/{batch['id']}")))
        return found["ended_at"]

    wait_until(has_ended, "the batch", PATIENCE_S + 3 * n)
    seconds = time.monotonic() - began
    for child in found["children"]:
        if child["status"] != "succeeded":
            ended = json.loads(service.get(f"/api/operations/{child['id']}"))
            raise Failed(f"a start has {ended['status']}: {ended['error']}")
    service.end()
    return seconds


def launch_gate(shop):
    n = 10 if shop.bench.is_quick else 50

    def farm():
        return shop.simulate(n, f"speed={SPEED}")

    def end(home):
        shop.ldsim("kill", home)

    home = farm()
    peer_s = launch_barely(home, n)
    end(home)
    home = farm()
    ours_s = launch_by_batch(shop, home, n)
    end(home)
    return [Row("launch-gate", f"{ours_s:.2f} s", f"{peer_s:.2f} s", ours_s / peer_s, 1.1,
                note=f"{n} starts as one batch, against a loop that launches each as soon as list2 "
                     f"says that the one before is up; a boot takes {12 / SPEED:g} s")]
