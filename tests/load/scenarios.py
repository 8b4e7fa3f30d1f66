# SPDX-License-Identifier: MIT
"""The scenarios. Each has a service, readers, and what disturbs them."""
import http.client
import json
import os
import pathlib
import re
import subprocess
import threading

import figures
from workshop import Client, Failed, make_token

READS = pathlib.Path(__file__).with_name("reads.lua")
N_INSTANCES = 100
CONNECTIONS = 50
RAMP = [10, 50, 100, 200, 500]
# Answers that take longer count as errors.
TIMEOUT_S = 10
CLEAR_S = 1
# The scenario whose readers pause: so many, each with a read a second on average.
PACED = "paced"
N_PACED = 20
PAUSE_MS = 1000
COMMAND_S = 0.5


class Meanwhile(threading.Thread):
    """Calls ACT, and again PAUSE_S after it has come back, while the load runs."""

    def __init__(self, act, pause_s):
        super().__init__(daemon=True)
        self.act = act
        self.pause_s = pause_s
        self.is_over = threading.Event()
        self.n_done = 0
        self.trouble = None

    def run(self):
        try:
            while not self.is_over.is_set():
                self.act(self.n_done)
                self.n_done += 1
                self.is_over.wait(self.pause_s)
        except (Failed, OSError, ValueError, http.client.HTTPException) as error:
            self.trouble = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.is_over.set()
        self.join()
        if self.trouble and kind is None:
            raise Failed(f"what goes on beside the reads failed: {self.trouble}")


class Site:
    """A fresh service on 100 instances whose list2 takes what the vendor's takes."""

    def __init__(self, shop):
        data_dir = shop.folder("data")
        self.viewer_token = make_token(shop, data_dir, "viewer")
        admin_token = make_token(shop, data_dir, "admin")
        # A start takes a second, so that a run sees several.
        home = shop.simulate(N_INSTANCES, "latency_ms.list2=15", "speed=20")
        self.port = shop.serve(home, data_dir).port
        self.admin = Client(self.port, admin_token)
        shop.things.append(self.admin)

    def read(self, connections, seconds, *, pause_ms=0):
        """Readers on so many connections, who pause for so long on average; returns what they
        saw."""
        done = subprocess.run(
            ["wrk", f"-t{n_threads()}", f"-c{connections}", f"-d{seconds}s",
             "--timeout", f"{TIMEOUT_S}s", "-s", str(READS),
             "-H", f"Authorization: Bearer {self.viewer_token}", f"http://127.0.0.1:{self.port}",
             "--", str(N_INSTANCES), str(pause_ms)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        try:
            return figures.parse(connections, done.stdout.decode(errors="replace"))
        except ValueError as error:
            raise Failed(str(error)) from error

    def count_anew(self):
        self.admin.request("POST", "/api/cache/stats/reset", 200)

    def own_count(self):
        """What the service says of itself, and of the two that readers may wait for: list2, and the
        disk, because GET /api/health asks the database."""
        stats = json.loads(self.admin.request("GET", "/api/cache/stats", 200))
        loads = stats["loads"]
        return (f"By its own count the service had {stats['hits']:,} hits, {stats['misses']:,} "
                f"misses and {loads['ok'] + loads['failed']:,} loads, the slowest of "
                f"{loads['max_ms']} ms; a read of the database waited for a write for at most "
                f"{self.longest_store_wait_ms():.0f} ms.")

    def longest_store_wait_ms(self):
        metrics = self.admin.request("GET", "/metrics", 200).decode()
        found = re.search(r'^ldplayerd_store_wait_seconds_max{kind="read"} (\S+)$', metrics, re.M)
        if not found:
            raise Failed("GET /metrics does not say how long reads waited for the store")
        return float(found[1]) * 1000

    def clear(self, _):
        self.admin.request("POST", "/api/cache/clear", 200)

    def command(self, n):
        """Starts an instance, or stops the one started before; waits until it has."""
        verb, index = "stop" if n % 2 else "start", n // 2 % N_INSTANCES
        path = f"/api/instances/{index}/{verb}?wait=30"
        operation = json.loads(self.admin.request("POST", path, 200, 202))
        if operation["status"] != "succeeded":
            raise Failed(f"POST {path}: the operation is {operation['status']}")


def n_threads():
    """Half of the machine for wrk. It gives each thread the same number of connections."""
    half = max(1, (os.cpu_count() or 1) // 2)
    return max(n for n in (1, 2, 5, 10) if n <= half)


def expect_misses(scenario):
    if not scenario.total.outcomes["MISS"]:
        raise Failed("no read was a miss, so nothing was forgotten while the load ran")


def warm_site(shop):
    """A Site where everything was read before."""
    site = Site(shop)
    site.read(CONNECTIONS, 1)
    site.count_anew()
    return site


def baseline(scenario, shop, is_quick):
    site = Site(shop)
    with Meanwhile(site.clear, CLEAR_S) as clearing:
        scenario.runs.append(site.read(CONNECTIONS, 3 if is_quick else 20))
    scenario.notes.append(f"The cache was cleared {clearing.n_done} times.")
    scenario.notes.append(site.own_count())
    expect_misses(scenario)


def warm(scenario, shop, is_quick):
    site = warm_site(shop)
    scenario.runs.append(site.read(CONNECTIONS, 3 if is_quick else 20))
    scenario.notes.append(site.own_count())


def peak(scenario, shop, is_quick):
    site = warm_site(shop)
    with Meanwhile(site.command, COMMAND_S) as commanding:
        for connections in RAMP:
            scenario.runs.append(site.read(connections, 2 if is_quick else 8))
    scenario.notes.append(f"{commanding.n_done} commands were given, and all succeeded.")
    scenario.notes.append(site.own_count())
    expect_misses(scenario)


def paced(scenario, shop, is_quick):
    site = Site(shop)
    with Meanwhile(site.clear, CLEAR_S) as clearing:
        scenario.runs.append(site.read(N_PACED, 6 if is_quick else 20, pause_ms=PAUSE_MS))
    scenario.notes.append(f"The cache was cleared {clearing.n_done} times.")
    scenario.notes.append(site.own_count())
    expect_misses(scenario)
    # What the threshold is worth: without a cache the same readers must miss it.
    site.admin.request("POST", "/api/cache/config", 200, body={"enabled": False})
    control = site.read(N_PACED, 3, pause_ms=PAUSE_MS)
    if figures.has_enough_hits(control):
        raise Failed(f"with the cache switched off {control.hit_percent:.0f} % are hits: the "
                     "threshold says nothing")
    scenario.notes.append(f"With the cache switched off it was {control.hit_percent:.0f} %.")


TABLE = {
    PACED: (paced, f"Farm: {N_PACED} readers, each a read every {PAUSE_MS / 1000:g} s on average, "
                   f"and the cache cleared every {CLEAR_S} s."),
    "baseline": (baseline, f"Cold cache: a fresh service, {CONNECTIONS} connections, and the cache "
                           f"cleared every {CLEAR_S} s."),
    "warm": (warm, f"Warm cache: {CONNECTIONS} connections, everything read before."),
    "peak": (peak, f"Ramp: {', '.join(map(str, RAMP))} connections one after the other, while "
                   "instances are started and stopped through the API."),
}
