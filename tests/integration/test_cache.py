# SPDX-License-Identifier: MIT
"""The result cache on the path of reads, its routes, and redis behind it."""
import concurrent.futures
import unittest

from support import ServiceCase, wait_for
from support.redis import Redis


class Reads(ServiceCase):
    instances = 3
    # Nothing is looked at unless somebody asks for it.
    service_options = {"refresh_idle_ms": 600000}

    def cache_of(self, path, **headers):
        answer = self.client.request("GET", path, headers=headers)
        self.assertEqual(answer.status, 200, answer)
        self.assertRegex(answer.headers["Age"], r"^\d+$")
        return answer.headers["X-Cache"]

    def stats(self):
        return self.client.get("/api/cache/stats").json

    def test_the_second_read_is_a_hit(self):
        # The first look of the start is kept like any other.
        self.service.wait_until_observed(self.client)
        self.client.post("/api/cache/clear", expect=200)
        self.assertEqual(self.cache_of("/api/instances"), "MISS")
        before = self.simulator.count("list2")
        for path in ("/api/instances", "/api/instances/1", "/api/instances?state=stopped"):
            self.assertEqual(self.cache_of(path), "HIT")
        self.assertEqual(self.simulator.count("list2"), before)

    def test_a_command_is_followed_by_a_new_look(self):
        self.client.instances()
        self.client.run("POST", "/api/instances/0/start")
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))
        self.client.run("POST", "/api/instances/0/stop")
        self.assertEqual(self.client.instance(0)["state"], "stopped")

    def test_a_created_instance_is_in_the_next_list(self):
        self.client.instances()
        made = self.client.run("POST", "/api/instances", {"name": "fresh"})
        names = [i["name"] for i in self.client.instances()]
        self.assertIn("fresh", names)
        self.client.run("DELETE", f"/api/instances/{made['result']['id']}")
        self.assertNotIn("fresh", [i["name"] for i in self.client.instances()])

    def test_going_past_it_is_for_operators(self):
        self.assertEqual(self.cache_of("/api/instances?max_age_ms=0"), "BYPASS")
        self.assertEqual(self.cache_of("/api/instances", **{"Cache-Control": "no-cache"}), "BYPASS")
        viewer = self.service.client("viewer")
        self.assert_problem(
            viewer.request("GET", "/api/instances?max_age_ms=0"), 403, "FORBIDDEN"
        )
        before = self.simulator.count("list2")
        answer = viewer.request("GET", "/api/instances", headers={"Cache-Control": "no-cache"})
        self.assertEqual(answer.headers["X-Cache"], "HIT")
        self.assertEqual(self.simulator.count("list2"), before)

    def test_readers_of_what_is_missing_share_one_look(self):
        self.client.instances()
        self.simulator.set(**{"latency_ms.list2": 500})
        self.client.post("/api/cache/clear", expect=200)
        before = self.simulator.count("list2")
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(
                lambda _: self.service.client().get("/api/instances"), range(20)))
        self.assertEqual({a.headers["X-Cache"] for a in answers}, {"MISS"})
        self.assertEqual(self.simulator.count("list2"), before + 1)
        self.assertGreaterEqual(self.stats()["coalesced"], 19)

    def test_limits_outlive_a_restart(self):
        config = self.client.post("/api/cache/config", {"max_entries": 42}, expect=200).json
        self.assertEqual(config["max_entries"], 42)
        self.service.restart()
        self.assertEqual(self.client.get("/api/cache/config").json["max_entries"], 42)
        self.service.restart(cache_max_entries=43)
        self.assertEqual(
            self.client.get("/api/cache/config").json["max_entries"], 43, "a flag wins"
        )

    def test_the_earlier_systems_variables_count(self):
        self.service.stop()
        self.service.start(env={"CACHE_MAX_SIZE": "7", "CACHE_MAX_MEMORY_MB": "3",
                                "CACHE_TTL_SECONDS": "60", "DISABLE_RESULT_CACHE": "1"})
        config = self.client.get("/api/cache/config").json
        self.assertEqual(
            {k: config[k] for k in ("max_entries", "max_memory_mb", "default_ttl_seconds",
                                    "enabled")},
            {"max_entries": 7, "max_memory_mb": 3, "default_ttl_seconds": 60, "enabled": False})
        self.assertEqual(self.cache_of("/api/instances"), "MISS")
        self.assertEqual(self.cache_of("/api/instances"), "MISS")

    def test_every_limit_can_be_changed_and_that_is_told(self):
        change = {"max_entries": 41, "max_memory_mb": 5, "default_ttl_seconds": 50,
                  "idle_seconds": 40, "enabled": False}
        self.client.post("/api/cache/config", change, expect=200)
        config = self.client.get("/api/cache/config").json
        self.assertEqual({name: config[name] for name in change}, change)
        self.client.post("/api/cache/config", {"enabled": True}, expect=200)
        self.client.instances()
        self.client.post("/api/cache/clear", expect=200)
        told = [e["type"] for e in self.client.told("cache.invalidated")]
        self.assertEqual(told.count("cache.configured"), 2)

    def test_options_are_its_limits(self):
        self.service.restart(cache_max_memory_mb=6, cache_ttl_s=61, disable_result_cache="true")
        config = self.client.get("/api/cache/config").json
        self.assertEqual(
            (config["max_memory_mb"], config["default_ttl_seconds"], config["enabled"]),
            (6, 61, False))
        self.assertEqual(self.cache_of("/api/instances"), "MISS")
        self.assertEqual(self.cache_of("/api/instances"), "MISS")

    def test_entries_are_listed_up_to_a_limit(self):
        for path in ("/api/instances", "/api/workstations"):
            self.client.get(path)
        listed = self.client.get("/api/cache/entries").json["items"]
        self.assertGreater(len(listed), 1)
        one = self.client.get("/api/cache/entries?limit=1").json["items"]
        self.assertEqual([e["key"] for e in one], [listed[0]["key"]])

    def test_a_restart_is_warm(self):
        ids = [i["id"] for i in self.client.instances()]
        self.service.stop()
        self.simulator.set(**{"hang.list2": "always"})
        self.service.start()
        answer = self.client.request("GET", "/api/instances")
        self.assertEqual([i["id"] for i in answer.json["items"]], ids)
        self.assertIn(answer.headers["X-Cache"], ("HIT", "STALE"))
        self.simulator.set(**{"hang.list2": "never"})


class SecondTier(ServiceCase):
    instances = 2

    @classmethod
    def setUpClass(cls):
        if not Redis.is_here():
            raise unittest.SkipTest("redis-server is not installed")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.redis = Redis(self.directory).start()
        self.addCleanup(self.redis.kill)
        self.service.restart(cache_backend="redis", cache_redis_url=self.redis.url,
                             cache_redis_prefix="test:")
        self.client = self.service.client()
        self.wait_for_backend(True)
        # The first look changes the workstation's status, which forgets what was kept before.
        self.service.wait_until_observed(self.client)

    def backend(self):
        return self.client.get("/api/cache/stats").json["backend"]

    def wait_for_backend(self, is_up):
        return wait_for(
            lambda: self.backend() if self.backend()["is_up"] == is_up else None,
            f"a redis that is {'up' if is_up else 'away'}",
        )

    def read(self):
        return self.client.request("GET", "/api/workstations")

    def test_results_lie_in_redis_and_serve_after_a_restart(self):
        self.assertEqual(self.read().headers["X-Cache"], "MISS")
        self.assertEqual(self.read().headers["X-Cache"], "HIT")
        wait_for(lambda: any("workstations_list" in k for k in self.redis.keys()), "the key")
        self.assertFalse([k for k in self.redis.keys() if "instances_list" in k],
                         "an observation means something in this process only")
        self.service.restart()
        self.wait_for_backend(True)
        self.assertEqual(self.read().status, 200)
        self.assertEqual(self.client.get("/api/health").json["checks"]["cache"]["status"], "ok")

    def test_forgetting_reaches_redis(self):
        self.read()
        wait_for(lambda: any("workstations_list" in k for k in self.redis.keys()), "the key")
        self.client.post("/api/performance/cache-invalidate?pattern=workstations_*", expect=200)
        wait_for(lambda: not any("workstations_list" in k for k in self.redis.keys()),
                 "the key to be gone")

    def test_memory_serves_alone_while_redis_is_away(self):
        self.read()
        self.redis.kill()
        away = self.wait_for_backend(False)
        self.assertTrue(away["detail"])
        self.assertEqual(self.read().headers["X-Cache"], "HIT")
        self.client.post("/api/cache/clear", expect=200)
        self.assertEqual(self.read().headers["X-Cache"], "MISS")
        health = self.client.get("/api/health").json
        self.assertEqual(health["status"], "degraded")
        self.assertEqual(health["checks"]["cache"]["status"], "degraded")
        self.assertEqual(self.client.request("GET", "/readyz").status, 200)
        self.redis.start()
        self.wait_for_backend(True)

    def test_nothing_waits_for_a_redis_that_hangs(self):
        self.redis.pause()
        try:
            self.client.post("/api/cache/clear", expect=200)
            self.assertEqual(self.read().status, 200)
            self.wait_for_backend(False)
        finally:
            self.redis.resume()
        self.wait_for_backend(True)

    def test_a_password_is_asked_for_in_plain_words(self):
        self.redis.kill()
        self.redis.options = ("--requirepass", "secret")
        self.redis.start()
        wait_for(lambda: "password" in (self.backend()["detail"] or ""), "what is missing")
        self.service.restart(cache_redis_url=f"redis://:secret@127.0.0.1:{self.redis.port}")
        self.wait_for_backend(True)
        self.assertNotIn("secret", self.service.log())


if __name__ == "__main__":
    unittest.main()
