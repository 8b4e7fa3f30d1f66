# SPDX-License-Identifier: MIT
"""The result cache on the path of reads, its routes, and redis behind it."""
import concurrent.futures
import os
import unittest

from support import ServiceCase, wait_for
from support.redis import Redis

PATIENT_TRIES = 5


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
        self.expect_disabled()

    def expect_disabled(self):
        before = self.stats()
        for path in ("/api/instances", "/api/instances", "/api/workstations"):
            self.assertEqual(self.cache_of(path), "BYPASS")
        after = self.stats()
        self.assertEqual(after["bypassed"], before["bypassed"] + 3)
        self.assertEqual(after["misses"], before["misses"])

    def test_every_limit_can_be_changed_and_that_is_told(self):
        change = {"max_entries": 41, "max_memory_mb": 5, "default_ttl_seconds": 50,
                  "enabled": False}
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
        self.expect_disabled()

    def test_the_default_ttl_counts_where_no_other_does(self):
        self.service.stop()
        self.service.start(env={"CACHE_TTL_SECONDS": "1"})
        self.service.wait_until_observed(self.client)
        self.cache_of("/api/workstations")
        # What is too old is given at once, and looked at anew.
        before = wait_for(
            lambda: self.simulator.count("list2")
            if self.stats_of("instances_list")["is_fresh"] is False else None,
            "the end of the TTL")
        self.assertEqual(self.cache_of("/api/instances"), "STALE")
        wait_for(lambda: self.simulator.count("list2") == before + 1, "the look")
        wait_for(lambda: self.cache_of("/api/instances") == "HIT", "what it saw")
        self.assertEqual(self.stats_of("instances_list")["ttl_ms"], 1000)
        self.assertEqual(self.stats_of("workstations_list")["ttl_ms"], 300000)
        self.assertEqual(self.cache_of("/api/workstations"), "HIT")

    def stats_of(self, key):
        (entry,) = self.client.get(f"/api/cache/entries?pattern={key}").json["items"]
        return entry

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
        self.assertEqual(answer.headers["X-Cache"], "HIT", "a look that hangs was not waited for")
        self.simulator.set(**{"hang.list2": "never"})


class Counts(ServiceCase):
    """What a workstation shows of its instances is as new as the instances, whoever changed them."""

    instances = 3

    def counts(self):
        local = self.client.get("/api/workstations").json[0]
        one = self.client.get("/api/workstations/local").json
        self.assertEqual(one["active_emulators"], local["active_emulators"])
        return local["total_emulators"], local["active_emulators"]

    def expect_as_soon_as_seen(self, is_so, counts):
        """Once the list of instances shows it, so do the workstations."""
        wait_for(lambda: is_so(self.client.get("/api/instances").json["items"]), "the effect")
        self.assertEqual(self.counts(), counts)

    def test_what_is_done_by_hand_counts_as_soon_as_it_is_seen(self):
        self.service.wait_until_observed(self.client)
        self.assertEqual(self.counts(), (3, 0))
        self.simulator.run_ldconsole("launch", "--index", "1")
        is_up = lambda items: items[1]["state"] in ("running", "ready")
        self.expect_as_soon_as_seen(is_up, (3, 1))
        self.simulator.run_ldconsole("quit", "--index", "1")
        self.expect_as_soon_as_seen(lambda items: items[1]["state"] == "stopped", (3, 0))
        self.simulator.run_ldconsole("remove", "--index", "2")
        self.expect_as_soon_as_seen(lambda items: len(items) == 2, (2, 0))

    def test_what_an_operation_did_counts_when_it_has_succeeded(self):
        self.service.wait_until_observed(self.client)
        self.assertEqual(self.counts(), (3, 0))
        self.client.run("POST", "/api/instances/0/start")
        self.assertEqual(self.counts(), (3, 1))
        self.client.run("POST", "/api/instances/0/stop")
        self.assertEqual(self.counts(), (3, 0))

    def test_accepting_a_command_forgets_nothing(self):
        self.service.wait_until_observed(self.client)
        self.counts()
        self.simulator.set(**{"latency_ms.launch": 1000})
        before = self.client.get("/api/cache/stats").json["invalidated"]
        self.client.post("/api/instances/0/start", {}, expect=202)
        self.assertEqual(
            self.client.request("GET", "/api/workstations").headers["X-Cache"], "HIT")
        self.assertEqual(self.client.get("/api/cache/stats").json["invalidated"], before)


class RedisCase(ServiceCase):
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

    def use_redis(self, service, **options):
        service.restart(cache_backend="redis", cache_redis_url=self.redis.url, **options)
        client = service.client()
        self.wait_for_backend(True, client)
        # The first look changes the workstation's status, which forgets what was kept before.
        service.wait_until_observed(client)
        return client

    def backend(self, client=None):
        return (client or self.client).get("/api/cache/stats").json["backend"]

    def wait_for_backend(self, is_up, client=None):
        return wait_for(
            lambda: self.backend(client) if self.backend(client)["is_up"] == is_up else None,
            f"a redis that is {'up' if is_up else 'away'}",
        )

    def read(self, client=None):
        return (client or self.client).request("GET", "/api/workstations")


    def wait_for_key(self, part="workstations_list"):
        return wait_for(lambda: next((k for k in self.redis.keys() if part in k), None), "the key")


class Nodes(RedisCase):
    def test_two_services_on_one_redis_see_their_own(self):
        other = self.make_service("other")
        other.start()
        clients = []
        for service, name in ((self.service, "one"), (other, "two")):
            client = self.use_redis(service, cache_redis_prefix="shared:")
            client.patch("/api/workstations/local", {"name": name}, 200)
            clients.append((client, name))
        for _ in range(2):
            for client, name in clients:
                answer = self.read(client)
                self.assertEqual([w["name"] for w in answer.json], [name])
        wait_for(lambda: len([k for k in self.redis.keys() if "workstations_list" in k]) == 2,
                 "a key of each")
        for key in self.redis.keys():
            self.assertRegex(key, r"^shared:ldplayerd:[0-9a-f-]{36}:v\d+:")
        # From redis, not from the memory of each.
        for service in (self.service, other):
            service.restart()
        for client, name in clients:
            self.wait_for_backend(True, client)
            answer = self.read(client)
            self.assertEqual([w["name"] for w in answer.json], [name])
            self.assertEqual(answer.headers["X-Cache"], "HIT")
        clients[0][0].post("/api/cache/clear", expect=200)
        wait_for(lambda: len(self.redis.keys()) == 1, "the keys of one to go")
        self.assertEqual(self.read(clients[1][0]).json[0]["name"], "two")

    def test_a_restart_finds_its_own_with_their_true_age(self):
        self.client = self.use_redis(self.service)
        before = self.read()
        self.assertEqual(before.headers["X-Cache"], "MISS")
        self.assertEqual(self.read().headers["X-Cache"], "HIT")
        self.wait_for_key()
        self.assertFalse([k for k in self.redis.keys() if "instances_list" in k],
                         "an observation means something in this process only")
        wait_for(lambda: int(self.read().headers["Age"]) >= 2, "some age")
        self.service.restart()
        self.wait_for_backend(True)
        after = self.read()
        self.assertEqual(after.headers["X-Cache"], "HIT")
        self.assertEqual(after.json, before.json)
        self.assertGreaterEqual(int(after.headers["Age"]), 2)
        self.assertGreaterEqual(self.backend()["hits"], 1)
        # What the first look sees is as it was, so it is kept.
        self.service.wait_until_observed(self.client)
        self.assertEqual(self.read().headers["X-Cache"], "HIT")

    def test_what_changed_meanwhile_is_not_found(self):
        self.client = self.use_redis(self.service)
        self.assertEqual(self.read().json[0]["total_emulators"], 2)
        self.wait_for_key()
        self.service.kill()
        self.simulator.run_ldconsole("remove", "--index", "1")
        self.service.start()
        self.wait_for_backend(True)
        wait_for(lambda: len(self.client.get("/api/instances").json["items"]) == 1, "the look")
        self.assertEqual(self.read().json[0]["total_emulators"], 1)

    def test_values_that_are_none_are_named_removed_and_no_reason_to_call_redis_broken(self):
        self.client = self.use_redis(self.service)
        self.read()
        key = self.wait_for_key()
        good = self.redis.ask("GET", key)
        other = good[:4] + b"0" * 36 + good[40:]
        version = good[:40] + b"\xff\xff\0\0" + good[44:]
        for n, (bad, what) in enumerate((
            (good[:-9], "is cut off"),
            (b"garbage", "is none of ours"),
            (good[:-1] + b"!", "was changed"),
            (b"x" * (9 << 20), "is larger than any of ours"),
            (other, "is another node's"),
            (version, "is of another version"),
        ), 1):
            for _ in range(PATIENT_TRIES):
                self.service.restart()
                self.redis.ask("SET", key, bad)
                self.wait_for_backend(True)
                answer = self.read()
                self.assertEqual((answer.status, answer.headers["X-Cache"]), (200, "MISS"), what)
                self.assertEqual(answer.json[0]["total_emulators"], 2)
                backend = self.backend()
                # When this machine is busy nobody waited long enough to see the value.
                if "not answered in" not in (backend["detail"] or ""):
                    break
            self.assertTrue(backend["is_up"], backend)
            self.assertEqual(backend["bad"], 1)
            self.assertIn(what, backend["detail"])
            check = self.client.get("/api/health").json["checks"]["cache"]
            self.assertEqual(check["status"], "ok")
            self.assertIn(what, check["detail"])
            self.assertIn(what, self.service.log())
            wait_for(lambda: self.redis.ask("GET", key) != bad, "the bad one to go")

    def find_bad(self, key):
        """Makes memory forget, so that redis is asked again; returns how many were bad so far."""
        for is_enabled in (False, True):
            self.client.post("/api/cache/config", {"enabled": is_enabled}, expect=200)
        self.redis.ask("SET", key, "garbage")
        self.read()
        return self.backend()["bad"]

    def test_the_log_has_one_bad_value_a_minute(self):
        self.client = self.use_redis(self.service)
        self.read()
        key = self.wait_for_key()
        wait_for(lambda: self.find_bad(key) >= 3, "three of them")
        self.assertEqual(self.service.log().count("is none of ours"), 1)

    def test_a_node_id_that_is_none_is_told(self):
        self.client = self.use_redis(self.service)
        self.service.stop()
        with open(os.path.join(self.service.data_dir, "node-id"), "w", encoding="ascii") as file:
            file.write("nobody")
        self.service.start()
        self.wait_for_backend(True)
        self.assertEqual(self.read().status, 200)
        self.assertIn("it holds no UUID", self.service.log())


class SecondTier(RedisCase):
    def setUp(self):
        super().setUp()
        self.client = self.use_redis(self.service, cache_redis_prefix="test:")

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
