# SPDX-License-Identifier: MIT
"""The measures. Each takes a Workshop and returns the Rows it found; the longer ones have files of
their own."""
import json
import statistics
import time

from durable import durable_commands
from events_fanout import events_fanout
from http_floor import http_floor
from longest_turn import longest_turn
from processes import SERVER_CPU, read_cpu_s, read_rss_mb, wrk
from redis_hit import cache_redis
from trouble import launch_gate, read_while_hanging
from workshop import Failed, Row, Turns, free_port, make_token, run_json, serve_command


# --- HTTP throughput ---



def compare_http(shop, path, peer_path, what, note):
    seconds, n_turns = 1, 3 if shop.bench.is_quick else 9
    service = shop.serve(shop.simulate(100), cpu=SERVER_CPU)
    service.get("/api/instances?max_age_ms=0")
    listed, one = service.get("/api/instances"), service.get("/api/instances/0")
    nginx = shop.nginx(listed, one, cpu=SERVER_CPU)
    cpu_us = {service.pid: [], nginx.worker_pid(): []}

    def drive(pid, port, path):
        before = read_cpu_s(pid)
        rate = wrk(port, path, service.token, seconds)
        cpu_us[pid].append((read_cpu_s(pid) - before) / (rate * seconds) * 1e6)
        return rate

    turns = Turns(lambda: drive(service.pid, service.port, path),
                  lambda: drive(nginx.worker_pid(), nginx.port, peer_path), n_turns)
    ours, peer = (statistics.median(cpu_us[pid]) for pid in (service.pid, nginx.worker_pid()))
    size = len(listed if peer_path == "/list.json" else one)
    return [Row(what, f"{turns.ours:,.0f}/s", f"{turns.peer:,.0f}/s", turns.ratio, 1,
                is_at_least=True, note=f"{note}, {size:,} bytes; {turns.spread}; "
                                       f"CPU a request {ours:.1f} and {peer:.1f} us")]


def http_list(shop):
    return compare_http(shop, "/api/instances", "/list.json", "http-list",
                        "list of 100 against nginx with the same file")


def http_one(shop):
    return compare_http(shop, "/api/instances/0", "/fixed", "http-one",
                        "one instance against nginx with a fixed body")


# --- one look ---


LOOK = "/api/instances?max_age_ms=0"
LOOKS_A_TURN = 25


def looker(shop, home, *options):
    """Starts a service that looks only when asked; returns what asks it for the median time of a
    look in microseconds."""
    service = shop.serve(home, options=["--refresh-idle-ms", "3600000", *options])
    service.get(LOOK)

    def look():
        found = run_json(shop.program("client"), service.port, LOOK, service.token, 1,
                         LOOKS_A_TURN)
        if found["refused"]:
            raise Failed(f"{found['refused']} answers were not 200")
        return found["median_us"]

    return look


def compare_list2(shop, n_instances, name, *knobs):
    n, n_turns = LOOKS_A_TURN, 9 if shop.bench.is_quick else 41
    home = shop.simulate(n_instances, *knobs)
    ldconsole = home / "ldconsole"
    through_service = looker(shop, home)

    def inside(how):
        return lambda: run_json(shop.program("list2"), how, n, ldconsole)["median_us"]

    def bare():
        return run_json(shop.program("spawn"), n, ldconsole, "list2")["median_us"]

    rows = []
    for part, ours, target, note in [
        ("overhead", through_service, 1.15, f"GET ?max_age_ms=0 of {n_instances} instances"),
        ("survey", inside("survey"), None, "the look without judging and HTTP"),
        ("client", inside("client"), None, "its list2 child alone"),
    ]:
        turns = Turns(ours, bare, n_turns)
        rows.append(Row(f"{name}-{part}", f"{turns.ours:,.0f} us", f"{turns.peer:,.0f} us",
                        turns.ratio, target,
                        note=f"{note} against a bare process; {turns.spread}"))
    return rows


def list2_overhead(shop):
    # LDPlayer's own takes 15 to 20 ms (reference 2.6).
    return (compare_list2(shop, 8, "list2") + compare_list2(shop, 100, "list2-100")
            + compare_list2(shop, 100, "list2-vendor", "latency_ms.list2=15"))


def breaker_bookkeeping(shop):
    """What all breakers on the way of a call take, against the quickest call there is."""
    n = LOOKS_A_TURN
    ldconsole = shop.simulate(8) / "ldconsole"
    turns = Turns(lambda: run_json(shop.program("breakers"), 100000)["median_us"],
                  lambda: run_json(shop.program("spawn"), n, ldconsole, "list2")["median_us"],
                  9 if shop.bench.is_quick else 41)
    return [Row("breaker-bookkeeping", f"{turns.ours * 1000:,.0f} ns", f"{turns.peer:,.0f} us",
                turns.ratio * 100, 1, unit=" %",
                note=f"asking and telling the breakers of a launch, 256 instances with one of "
                     f"their own, against a list2 of the simulator; {turns.spread}")]


def compare_runners(shop, n_instances, name, *knobs):
    home = shop.simulate(n_instances, *knobs)
    turns = Turns(looker(shop, home, "--runner", "agent"), looker(shop, home),
                  9 if shop.bench.is_quick else 41)
    return [Row(name, f"{turns.ours:,.0f} us", f"{turns.peer:,.0f} us", turns.ratio, 1.15,
                note=f"a look at {n_instances} instances through the session agent against one by "
                     f"the service itself; {turns.spread}")]


def agent(shop):
    return (compare_runners(shop, 8, "agent-list2")
            + compare_runners(shop, 100, "agent-list2-vendor", "latency_ms.list2=15"))


def count_list2(home):
    n = 0
    with open(home / "sim" / "calls.log", encoding="utf-8") as log:
        for line in log:
            call = json.loads(line)
            n += call["event"] == "start" and call["argv"][:1] == ["list2"]
    return n


def single_flight(shop):
    n_readers = 10000
    home = shop.simulate(8)
    service = shop.serve(home, options=["--refresh-idle-ms", "3600000", "--max-connections",
                                        n_readers + 100])
    service.get("/api/instances?max_age_ms=0")
    # The child stays until all have asked: the first of them has it for himself, because it began
    # before the others asked, who share the next.
    shop.ldsim("set", home, "latency_ms.list2=4000")
    before = count_list2(home)
    found = run_json(shop.program("client"), service.port, "/api/instances?max_age_ms=0",
                     service.token, n_readers, 1)
    n_children = count_list2(home) - before
    if found["refused"] or found["answers"] != n_readers:
        raise Failed(f"{found['refused']} of {found['answers']} answers were not 200")
    return [Row("single-flight", f"{n_children}", f"{n_readers:,} readers", n_children, 2,
                note=f"list2 children for concurrent reads; all answered after "
                     f"{found['median_us'] / 1e6:.2f} s, 4 s of them the child's")]


# What the server that was here before answered on a machine of two cores.
EARLIER_RATE = 145


def earlier_server(shop):
    service = shop.serve(shop.simulate(100), cpu=SERVER_CPU)
    service.get("/api/workstations")
    rates = [wrk(service.port, "/api/workstations", service.token, 1) for _ in range(5)]
    rate = statistics.median(rates)
    return [Row("earlier-server", f"{rate:,.0f}/s", f"{EARLIER_RATE}/s", rate / EARLIER_RATE, 300,
                is_at_least=True,
                note="GET /api/workstations against the figure of the first system, once measured "
                     "on another machine of two cores")]


# --- rows ---


def rows_scaling(shop):
    n_turns = 3 if shop.bench.is_quick else 7

    def rows(n, rounds):
        return lambda: run_json(shop.program("rows"), n, rounds)["ns_per_row"]

    def observer(n, rounds):
        return lambda: run_json(shop.program("observer"), n, rounds,
                                shop.folder("data"))["ns_per_row"]

    found = []
    for what, measure, factor, note in [
        ("rows-scaling", rows, 1, "parse, diff and publish"),
        ("rows-observer", observer, 0.1, "a whole look, child apart"),
    ]:
        turns = Turns(measure(10000, max(5, int(50 * factor))),
                      measure(100, max(50, int(5000 * factor))), n_turns)
        found.append(Row(what, f"{turns.ours:,.0f} ns", f"{turns.peer:,.0f} ns", turns.ratio, 1.5,
                         note=f"{note}, a row: 10,000 rows against 100; {turns.spread}"))
    return found


# --- the process at rest ---


def memory(shop):
    seconds = 10 if shop.bench.is_quick else 60
    service = shop.serve(shop.simulate(100))
    started, n_reads = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        service.get("/api/instances" if n_reads % 2 else f"/api/instances/{n_reads % 100}")
        n_reads += 1
        time.sleep(0.05)
    rss = read_rss_mb(service.pid)
    return [Row("memory", f"{rss:.1f} MB", "-", rss, 12, unit=" MB",
                note=f"resident, 100 instances, after {seconds} s and {n_reads:,} reads")]


def idle_cpu(shop):
    seconds = 10 if shop.bench.is_quick else 30
    service = shop.serve(shop.simulate(100))
    service.get("/api/instances?max_age_ms=0")
    time.sleep(2)
    before, started = read_cpu_s(service.pid), time.monotonic()
    time.sleep(seconds)
    share = (read_cpu_s(service.pid) - before) / (time.monotonic() - started) * 100
    return [Row("idle-cpu", f"{share:.2f} %", "-", share, 0.5, unit=" %",
                note=f"of one core over {seconds} s, 100 instances, default refresh")]


# --- start ---


def start(shop):
    n_turns = 5 if shop.bench.is_quick else 15
    home, data_dir = shop.simulate(500), shop.folder("data")
    ldconsole = home / "ldconsole"
    service = shop.serve(home, data_dir)
    if json.loads(service.get("/api/instances?max_age_ms=0"))["total"] != 500:
        raise Failed("the first run did not see 500 instances")
    service.end()
    token = make_token(shop, data_dir)
    log = shop.open_log()

    def first_list():
        port = free_port()
        request = (f"GET /api/instances HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                   f"Authorization: Bearer {token}\r\n\r\n")
        found = run_json(shop.program("first"), port, request, '"stale_reason":null}',
                         *serve_command(shop, ldconsole, data_dir, port), stderr=log)
        if found["bytes"] < 500 * 200:
            raise Failed(f"the first answer had {found['bytes']} bytes, not 500 instances")
        return found["us"]

    redis_dir = shop.folder("redis")

    def first_ping():
        port = free_port()
        return run_json(shop.program("first"), port, "PING\r\n", "+PONG\r\n",
                        "/usr/bin/redis-server", "--port", port, "--bind", "127.0.0.1", "--save",
                        "", "--appendonly", "no", "--dir", redis_dir, stderr=log)["us"]

    turns = Turns(first_list, first_ping, n_turns)
    return [Row("start", f"{turns.ours / 1000:.1f} ms", f"{turns.peer / 1000:.1f} ms", turns.ratio,
                1.2, note=f"exec to the list of 500 from the store against redis-server to PONG; "
                        f"{turns.spread}")]


# --- the result cache ---


def compare_cache(shop, what, ours, peer, target, note, is_throughput=False):
    """OURS and PEER: a program and its arguments, which print ns. A ratio of throughput is the
    other way round."""
    def run(program, *args):
        return lambda: run_json(shop.program(program), *args)["ns"]

    n_turns = 5 if shop.bench.is_quick else 9
    if is_throughput:
        turns = Turns(run(*peer), run(*ours), n_turns)
        ours_ns, peer_ns = turns.peer, turns.ours
    else:
        turns = Turns(run(*ours), run(*peer), n_turns)
        ours_ns, peer_ns = turns.ours, turns.peer
    return Row(what, f"{ours_ns:,.1f} ns", f"{peer_ns:,.1f} ns", turns.ratio, target,
               is_at_least=is_throughput, note=f"{note}; {turns.spread}")


def cache_hit(shop):
    return [compare_cache(shop, f"cache-hit-{n}", ("cache", "hit", n), ("cache", "lookup", n), 1.5,
                          f"a hit among {n:,} keys against a bare lookup in a table of keys and "
                          "values")
            for n in (1000, 100000)]


def cache_glib(shop):
    return [compare_cache(shop, "cache-glib", ("cache", "hit", 1000), ("cache_glib", 1000), 1.5,
                          "hits a second among 1,000 keys against a GHashTable that knows the "
                          "links of its GQueue", is_throughput=True)]


def cache_glob(shop):
    scan = ("cache", "scan", 100000, "workstations_")
    return [compare_cache(shop, f"cache-glob-{name}", ("cache", "invalidate", 100000, pattern),
                          scan, 2, f"forgetting \"{pattern}\", 1 % of 100,000 keys, a key, against "
                                   "a scan that compares their first 13 bytes")
            for name, pattern in (("prefix", "workstations_*"), ("suffix", "*_list"))]


def cache_memory(shop):
    rows = []
    for max_len in (10, 1000, 100000):
        found = run_json(shop.program("cache"), "memory", 2000 if max_len > 10000 else 100000,
                         max_len)
        off = abs(found["said"] / found["taken"] - 1) * 100
        rows.append(Row(f"cache-memory-{max_len}", f"{found['said'] / 1e6:,.2f} MB",
                        f"{found['taken'] / 1e6:,.2f} MB", off, 5, unit=" %",
                        note=f"what the cache counts is off what malloc took, values of up to "
                             f"{max_len:,} bytes"))
    return rows


TABLE = {
    "http-list": http_list,
    "http-one": http_one,
    "http-floor": http_floor,
    "events-fanout": events_fanout,
    "durable-commands": durable_commands,
    "longest-turn": longest_turn,
    "list2-overhead": list2_overhead,
    "breaker-bookkeeping": breaker_bookkeeping,
    "read-while-hanging": read_while_hanging,
    "launch-gate": launch_gate,
    "agent": agent,
    "single-flight": single_flight,
    "earlier-server": earlier_server,
    "cache-redis": cache_redis,
    "rows-scaling": rows_scaling,
    "memory": memory,
    "idle-cpu": idle_cpu,
    "start": start,
    "cache-hit": cache_hit,
    "cache-glib": cache_glib,
    "cache-glob": cache_glob,
    "cache-memory": cache_memory,
}
