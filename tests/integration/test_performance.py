# SPDX-License-Identifier: MIT
"""What the systems before this one promised of their cache, each promise as a test: endpoints and
roles, improvement, invalidation, and the edges. Improvement is what is not done again; how much
faster that is ./run bench shows."""
import concurrent.futures
import unittest

from support import ServiceCase

ROUTES = (
    ("GET", "/api/performance/cache-stats"),
    ("POST", "/api/performance/cache-clear"),
    ("POST", "/api/performance/cache-invalidate?pattern=nothing_*"),
    ("GET", "/api/performance/metrics"),
)


class Performance(ServiceCase):
    # Nothing is looked at unless somebody asks for it.
    service_options = {"refresh_idle_ms": 600000}

    def prepare(self):
        self.service.client("viewer")
        self.service.client("operator")

    def start(self):
        super().start()
        self.service.wait_until_observed(self.client)

    def success(self, method, path):
        answer = self.client.request(method, path)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["status"], "success")
        self.assertRegex(answer.json["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        return answer.json

    def workstations(self):
        answer = self.client.get("/api/workstations")
        self.assertIsInstance(answer.json, list)
        return answer.headers["X-Cache"]

    # Endpoints and roles.

    def test_cache_stats_for_an_admin(self):
        stats = self.success("GET", "/api/performance/cache-stats")["cache_stats"]
        self.assertEqual(set(stats), {"hits", "misses", "size", "evictions", "total_requests",
                                      "hit_rate_percent"})
        self.assertEqual(stats["total_requests"], stats["hits"] + stats["misses"])

    def test_cache_clear_for_an_admin(self):
        self.workstations()
        cleared = self.success("POST", "/api/performance/cache-clear")
        self.assertEqual(cleared["message"], "Cache cleared")
        self.assertGreaterEqual(cleared["entries_removed"], 1)
        self.assertEqual(self.success("GET", "/api/performance/cache-stats")["cache_stats"]["size"],
                         0)

    def test_cache_invalidate_for_an_admin(self):
        self.workstations()
        told = self.success("POST", "/api/performance/cache-invalidate?pattern=workstations_*")
        self.assertEqual(told["message"], "1 cache entries invalidated")
        self.assertEqual(told["pattern"], "workstations_*")

    def test_metrics_for_an_admin(self):
        metrics = self.success("GET", "/api/performance/metrics")["metrics"]
        self.assertLessEqual({"size", "hits", "misses"}, set(metrics["cache"]))
        self.assertEqual(metrics["managers"], {"count": 1})
        with self.client.events():
            busy = self.success("GET", "/api/performance/metrics")["metrics"]
        self.assertEqual(busy["websockets"]["active_connections"],
                         metrics["websockets"]["active_connections"] + 1)

    def test_not_for_operators_and_viewers(self):
        for role in ("viewer", "operator"):
            client = self.service.client(role)
            for method, path in ROUTES:
                self.assert_problem(client.request(method, path), 403, "FORBIDDEN")

    def test_not_without_credentials(self):
        client = self.service.client(None)
        for method, path in ROUTES:
            self.assert_problem(client.request(method, path), 401, "UNAUTHORIZED")

    # Improvement.

    def test_a_list_from_the_cache_starts_nothing(self):
        self.success("POST", "/api/performance/cache-clear")
        self.assertEqual(self.workstations(), "MISS")
        before = self.simulator.count("list2")
        self.assertEqual({self.workstations() for _ in range(20)}, {"HIT"})
        self.assertEqual(self.simulator.count("list2"), before)

    def test_the_hit_rate_tells_the_gain(self):
        self.success("POST", "/api/performance/cache-clear")
        self.client.post("/api/cache/stats/reset", expect=200)
        for _ in range(20):
            self.workstations()
        stats = self.success("GET", "/api/performance/cache-stats")["cache_stats"]
        self.assertEqual((stats["hits"], stats["misses"]), (19, 1))
        self.assertEqual(stats["hit_rate_percent"], 95)

    # Invalidation.

    def test_a_created_workstation_is_in_the_next_list(self):
        self.workstations()
        made = self.client.post("/api/workstations", {"name": "new"}, expect=201).json
        answer = self.client.get("/api/workstations")
        self.assertEqual(answer.headers["X-Cache"], "MISS")
        self.assertIn(made["id"], [w["id"] for w in answer.json])

    # Edges.

    def test_a_result_lasts_as_long_as_is_said(self):
        self.workstations()
        entries = self.client.get("/api/cache/entries?pattern=workstations_list").json["items"]
        self.assertEqual([e["ttl_ms"] for e in entries], [300000])

    def test_an_empty_pattern_is_refused(self):
        self.workstations()
        for query in ("", "?pattern="):
            answer = self.client.request("POST", f"/api/performance/cache-invalidate{query}")
            self.assert_problem(answer, 400, "BAD_REQUEST")
        self.assertEqual(self.workstations(), "HIT")

    def test_readers_at_the_same_time_share_the_work(self):
        self.simulator.set(**{"latency_ms.list2": 500})
        before = self.simulator.count("list2")
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(
                lambda _: self.service.client().get("/api/workstations?max_age_ms=0"), range(10)))
        # The first begins a look, all that come while it is under way share the next.
        self.assertLessEqual(len({a.body for a in answers}), 2)
        self.assertLessEqual(self.simulator.count("list2"), before + 2)

    def test_what_is_known_needs_no_look(self):
        self.simulator.set(**{"hang.list2": "always"})
        self.success("POST", "/api/performance/cache-clear")
        self.assertEqual(self.workstations(), "MISS")
        self.simulator.set(**{"hang.list2": "never"})


if __name__ == "__main__":
    unittest.main()
