# SPDX-License-Identifier: MIT
"""Many streams that are told of each change, against a bare loop of writes of the same bytes."""
import statistics

from processes import SERVER_CPU, on_client_cpu
from workshop import Row, make_token, run_json

N_STREAMS, RATE = 1000, 100


def events_fanout(shop):
    n_changes, n_turns = (200, 1) if shop.bench.is_quick else (500, 3)
    home, data_dir = shop.simulate(8), shop.folder("data")
    token = make_token(shop, data_dir, "admin")
    service = shop.serve(home, data_dir, options=["--refresh-idle-ms", "3600000"], cpu=SERVER_CPU)
    service.get("/api/instances?max_age_ms=0")

    def change(server, n_streams):
        return run_json(*on_client_cpu(shop.program("streams"), server.port, token, n_streams,
                                       n_changes, RATE, server.pid))

    # What the changes themselves cost is what they cost with a single stream.
    alone = change(service, 1)
    floor = shop.floor(b"", alone["bytes"], cpu=SERVER_CPU)
    pairs = [(change(service, N_STREAMS), change(floor, N_STREAMS)) for _ in range(n_turns)]

    def cpu_us(found):
        return found["cpu_us"] / found["events"]

    def delivery_us(found):
        return ((found["cpu_us"] - alone["cpu_us"]) / (found["events"] - alone["events"]))

    ours = statistics.median(delivery_us(a) for a, _ in pairs)
    peer = statistics.median(cpu_us(b) for _, b in pairs)
    ratio = statistics.median(delivery_us(a) / cpu_us(b) for a, b in pairs)
    p99, peer_p99 = (max(pair[side]["p99_us"] for pair in pairs) / 1000 for side in (0, 1))
    rate = min(a["rate"] for a, _ in pairs)
    note = f"{N_STREAMS:,} streams, {rate:.0f} changes/s, {alone['bytes']} bytes an event"
    return [
        Row("events-fanout-cpu", f"{ours:.2f} us", f"{peer:.2f} us", ratio, 1.5,
            note=f"{note}; CPU of an event delivered against a bare write of it"),
        Row("events-fanout-p99", f"{p99:.1f} ms", f"{peer_p99:.1f} ms", p99, 50, unit=" ms",
            note=f"{note}; from when a change is due, with its commit, to the last reader"),
    ]
