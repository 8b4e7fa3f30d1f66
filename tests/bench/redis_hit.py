# SPDX-License-Identifier: MIT
"""A hit in redis, through the tier of the result cache, against redis' own benchmark."""
import csv
import subprocess

from processes import SERVER_CPU, on_client_cpu
from workshop import Failed, Row, Turns, run_json

N_BYTES, N_IN_FLIGHT = 1000, 32


def cache_redis(shop):
    n_gets, n_turns = (50000, 3) if shop.bench.is_quick else (200000, 9)
    port = shop.redis(cpu=SERVER_CPU)

    def through_the_tier():
        return run_json(*on_client_cpu(shop.program("redis"), port, N_BYTES, N_IN_FLIGHT,
                                       n_gets))["us"]

    through_the_tier()
    keys = subprocess.run(["redis-cli", "-p", str(port), "--scan"], check=True,
                          stdout=subprocess.PIPE).stdout.decode().split()
    if len(keys) != 1:
        raise Failed(f"redis should have one key, and has {keys}")

    def own_benchmark():
        """The same key, one connection, as many requests on their way."""
        done = subprocess.run(
            on_client_cpu("redis-benchmark", "-p", port, "-n", n_gets, "-c", 1, "-P", N_IN_FLIGHT,
                          "--csv", "GET", keys[0]),
            check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in csv.DictReader(done.stdout.decode().splitlines()):
            return 1e6 / float(line["rps"])
        raise Failed("redis-benchmark printed no figures")

    turns = Turns(through_the_tier, own_benchmark, n_turns)
    return [Row("cache-redis", f"{turns.ours:.2f} us", f"{turns.peer:.2f} us", turns.ratio, 1.2,
                note=f"a value of {N_BYTES:,} bytes got from redis by the cache's second tier "
                     f"against redis-benchmark's GET of the same, {N_IN_FLIGHT} in flight on one "
                     f"connection; {turns.spread}")]
