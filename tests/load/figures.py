# SPDX-License-Identifier: MIT
"""What the readers of a scenario saw, and whether that is good enough."""
import collections
import json

# The contract: the 95th percentile below 100 ms, no error at all, more than three reads in four
# answered from the cache, more than 1000 answers a second. Readers who ask as fast as they can miss
# once for thousands of hits whatever the cache is worth, so hits are judged with readers who pause,
# and the rate with those who do not.
P95_LIMIT_MS = 100
HIT_LIMIT_PERCENT = 75
RATE_LIMIT = 1000

PERCENTILES = ["p50", "p90", "p95", "p99", "max"]
OUTCOMES = ["HIT", "STALE", "MISS", "BYPASS"]

# One threshold: VALUE is text, None when there is no figure to compare. With no LIMIT it is a
# measurement that failed, and VALUE says why.
Check = collections.namedtuple("Check", "where what value limit is_ok")


class Run:
    """One run of wrk with so many CONNECTIONS; FOUND is what reads.lua printed of it."""

    def __init__(self, connections, found):
        self.connections = connections
        self.seconds = found["seconds"]
        self.answers = found["answers"]
        self.statuses = collections.Counter(found["statuses"])
        self.socket_errors = collections.Counter(found["socket_errors"])
        self.outcomes = collections.Counter(found["outcomes"])
        self.latency_ms = found["latency_ms"]

    @property
    def rate(self):
        return self.answers / self.seconds if self.seconds else None

    @property
    def n_errors(self):
        """Answers that are no success, and connections that failed."""
        return (sum(n for status, n in self.statuses.items() if status != "2xx")
                + sum(self.socket_errors.values()))

    @property
    def n_cacheable(self):
        return sum(self.outcomes[outcome] for outcome in OUTCOMES)

    def percent(self, outcome):
        """The share of OUTCOME among the reads that say what the cache did."""
        return self.outcomes[outcome] / self.n_cacheable * 100 if self.n_cacheable else None

    @property
    def hit_percent(self):
        return self.percent("HIT")


def parse(connections, printed):
    """The Run of what wrk printed; ValueError when its last line is not ours."""
    lines = printed.strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        raise ValueError(f"wrk ended without figures: {' / '.join(lines[-3:])}")
    return Run(connections, json.loads(lines[-1]))


def add_up(runs):
    """All of RUNS as one; its latencies are unknown, because percentiles do not add up."""
    return Run(None, {
        "seconds": sum(run.seconds for run in runs),
        "answers": sum(run.answers for run in runs),
        "statuses": sum((run.statuses for run in runs), collections.Counter()),
        "socket_errors": sum((run.socket_errors for run in runs), collections.Counter()),
        "outcomes": sum((run.outcomes for run in runs), collections.Counter()),
        "latency_ms": runs[0].latency_ms if len(runs) == 1 else {},
    })


class Scenario:
    """A scenario by NAME: its runs, what else went on in the NOTES, and in TROUBLE why there are
    not more of them. With IS_PACED its readers pause before each read."""

    def __init__(self, name, text, is_paced=False):
        self.name = name
        self.text = text
        self.is_paced = is_paced
        self.runs = []
        self.notes = []
        self.trouble = None

    @property
    def total(self):
        return add_up(self.runs) if self.runs else None

    def label(self, run):
        return f"{self.name}, {run.connections}" if len(self.runs) > 1 else self.name


def compare(where, what, value, text, limit, is_ok):
    if value is None:
        return Check(where, what, None, limit, False)
    return Check(where, what, text.format(value), limit, is_ok(value))


def check_run(where, run):
    return [
        compare(where, "p95", run.latency_ms.get("p95"), "{:.1f} ms", f"below {P95_LIMIT_MS} ms",
                lambda ms: ms < P95_LIMIT_MS),
        # Nothing answered is no proof that nothing fails.
        compare(where, "errors", run.n_errors if run.answers or run.n_errors else None, "{:,}",
                "none", lambda n: n == 0),
    ]


def has_enough_hits(run):
    return run.hit_percent is not None and run.hit_percent > HIT_LIMIT_PERCENT


def check_total(scenario):
    where, total = scenario.name, scenario.total
    if scenario.is_paced:
        return compare(where, "hit rate", total.hit_percent, "{:.2f} %",
                       f"above {HIT_LIMIT_PERCENT} %", lambda _: has_enough_hits(total))
    return compare(where, "rate", total.rate, "{:,.0f}/s", f"above {RATE_LIMIT:,}/s",
                   lambda rate: rate > RATE_LIMIT)


def check(scenario):
    """Every threshold of SCENARIO: latency and errors of each run, hits or rate over all."""
    checks = []
    for run in scenario.runs:
        checks += check_run(scenario.label(run), run)
    if scenario.runs:
        checks.append(check_total(scenario))
    if scenario.trouble or not scenario.runs:
        checks.append(Check(scenario.name, None, scenario.trouble, None, False))
    return checks


def missed(scenarios):
    """The checks that did not pass; what was not measured has not passed."""
    return [one for scenario in scenarios for one in check(scenario) if not one.is_ok]


def explain(one):
    """A Check in words."""
    if one.limit is None:
        return f"{one.where} could not be measured: {one.value or 'it was not run'}"
    return f"{one.where}: {one.what} {one.value or 'has no figure'}, must be {one.limit}"
