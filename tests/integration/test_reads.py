# SPDX-License-Identifier: MIT
"""Reads: what they say, how fresh it is, and how few processes they cost."""
import concurrent.futures
import re
import unittest

from support import ServiceCase, wait_for

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


class Reads(ServiceCase):
    instances = 5
    # Nothing is looked at unless a test asks for it.
    service_options = {"refresh_idle_ms": 600000}
    simulator_options = {"awkward": True}

    def test_instances_are_those_of_the_installation(self):
        answer = self.client.get("/api/instances").json
        self.assertEqual(answer["total"], 5)
        self.assertEqual([i["index"] for i in answer["items"]], [0, 1, 2, 3, 4])
        self.assertEqual([i["name"] for i in answer["items"]][1:], ["a,b,,c", "twin", "twin", "12345"])
        for instance in answer["items"]:
            self.assertRegex(instance["id"], UUID)
            self.assertEqual(instance["state"], "stopped")
            self.assertIsNone(instance["pid"])
            self.assertIn(instance["adb_serial"], [None, f"emulator-{5554 + 2 * instance['index']}"])
            self.assertGreater(instance["resolution"]["width"], 0)
            self.assertEqual(instance["settings"]["manufacturer"], "samsung")
            self.assertEqual(instance["labels"], {})
        self.assertEqual(len({i["id"] for i in answer["items"]}), 5)

    def test_an_instance_has_three_kinds_of_reference(self):
        first = self.client.instances()[1]
        self.assertEqual(self.client.instance(1)["id"], first["id"])
        self.assertEqual(self.client.instance(first["id"])["index"], 1)
        self.assertEqual(self.client.instance("name:a,b,,c")["index"], 1)
        self.assertEqual(self.client.instance("name:12345")["index"], 4)

    def test_references_that_lead_nowhere(self):
        get = lambda ref: self.client.request("GET", f"/api/instances/{ref}")
        self.assert_problem(get(77), 404, "INSTANCE_NOT_FOUND")
        self.assert_problem(get("name:nobody"), 404, "INSTANCE_NOT_FOUND")
        self.assert_problem(
            get("00000000-0000-4000-8000-000000000000"), 404, "INSTANCE_NOT_FOUND"
        )
        problem = get("name:twin").json
        self.assertEqual(problem["status"], 409)
        self.assertIn("twin", problem["detail"])

    def test_filters(self):
        self.client.run("PATCH", "/api/instances/0", {"labels": {"team": "a"}, "group": "g1"})
        index = lambda query: [i["index"] for i in self.client.instances(query)]
        self.assertEqual(index("?name=twin"), [2, 3])
        self.assertEqual(index("?state=running"), [])
        self.assertEqual(index("?state=stopped"), [0, 1, 2, 3, 4])
        self.assertEqual(index("?group=g1"), [0])
        self.assertEqual(index("?label=team%3Da"), [0])
        self.assertEqual(index("?label=team%3Db"), [])
        only = self.client.instances("?fields=index,name")
        self.assertEqual(set(only[0]), {"index", "name"})
        self.assertEqual(self.client.instance("1?fields=index,state"),
                         {"index": 1, "state": "stopped"})
        self.assertEqual(
            self.client.request("GET", "/api/instances?state=flying").status, 422
        )

    def test_lists_are_paged_by_a_cursor(self):
        seen, cursor = [], ""
        for _ in range(3):
            page = self.client.get(f"/api/instances?limit=2{cursor}").json
            seen += [i["index"] for i in page["items"]]
            self.assertEqual(page["total"], 5)
            if not page.get("next_cursor"):
                break
            cursor = f"&cursor={page['next_cursor']}"
        self.assertEqual(seen, [0, 1, 2, 3, 4])

    def test_freshness_is_told_and_can_be_asked_for(self):
        self.client.instances()
        before = self.simulator.count("list2")
        self.assertIn(self.client.instance(0)["source"], ("cache", "live"))
        self.assertEqual(self.simulator.count("list2"), before, "a plain read must not look")

        live = self.client.get("/api/instances?max_age_ms=0").json
        self.assertEqual(live["source"], "live")
        self.assertLess(live["age_ms"], 5000)
        self.assertEqual(self.simulator.count("list2"), before + 1)

    def test_an_etag_saves_the_body(self):
        self.client.instances()  # the first look; from then on `source` is the same
        answer = self.client.get("/api/instances/0")
        again = self.client.get(
            "/api/instances/0", 304, headers={"If-None-Match": answer.headers["ETag"]}
        )
        self.assertEqual(again.body, b"")
        self.client.run("PATCH", "/api/instances/0", {"group": "other"})
        self.client.get("/api/instances/0", 200, {"If-None-Match": answer.headers["ETag"]})

    def test_reads_that_need_a_look_share_it(self):
        self.client.instances()
        before = self.simulator.count("list2")
        self.simulator.set(**{"latency_ms.list2": 3000})
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(
                pool.map(lambda _: self.client.get("/api/instances?max_age_ms=0"), range(50))
            )
        self.assertEqual({a.json["source"] for a in answers}, {"live"})
        # The first begins a look, all that come while it is under way share the next.
        self.assertLessEqual(self.simulator.count("list2"), before + 2)

    def test_a_fresh_read_shows_what_was_done_during_a_look(self):
        self.client.instances()
        before = self.simulator.count("list2")
        self.simulator.set(**{"latency_ms.list2": 1500})
        read = lambda: self.client.get("/api/instances/0?max_age_ms=0").json
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            first = pool.submit(read)
            wait_for(lambda: self.simulator.count("list2") == before + 1, "the look")
            self.simulator.run_ldconsole("rename", "--index", "0", "--title", "by hand")
            fresh = list(pool.map(lambda _: read()["name"], range(19)))
            first.result()
        self.assertEqual(set(fresh), {"by hand"})
        self.assertEqual(self.simulator.count("list2"), before + 2)


class Identity(ServiceCase):
    def test_an_id_stays_with_its_emulator_across_a_restart(self):
        before = {i["index"]: i["id"] for i in self.client.instances()}
        self.service.restart()
        self.assertEqual({i["index"]: i["id"] for i in self.client.instances()}, before)

    def test_a_reused_index_is_another_instance(self):
        old = self.client.instance(2)["id"]
        self.client.run("DELETE", "/api/instances/2")
        created = self.client.run("POST", "/api/instances", {"name": "new"})["result"]
        self.assertEqual(created["index"], 2)
        self.assertNotEqual(created["id"], old)
        self.assertEqual(self.client.request("GET", f"/api/instances/{old}").status, 404)

    def test_a_warm_start_answers_from_memory_before_it_has_looked(self):
        self.client.instances()
        self.service.stop()
        self.simulator.set(**{"hang.list2": "always"})
        self.service.start()
        answer = self.service.client().get("/api/instances")
        self.assertEqual(answer.json["total"], 3)
        # A look that never ends is not waited for. When that was seen, nobody knows.
        self.assertEqual(answer.json["source"], "cache")
        self.assertIsNone(answer.json["age_ms"])
        self.assertNotIn("Age", answer.headers)


class Service(ServiceCase):
    def test_health(self):
        anonymous = self.service.client(None)
        self.assertEqual(anonymous.get("/livez").status, 200)
        self.service.wait_until_observed()
        self.assertEqual(anonymous.get("/readyz").status, 200)
        self.assertEqual(anonymous.get("/healthz").status, 200)
        health = anonymous.get("/api/health").json
        self.assertIn("status", health)
        version = anonymous.get("/api/version").json
        self.assertRegex(version["version"], r"^\d+\.\d+\.\d+")

    def test_info_tells_counts_paths_and_limits(self):
        self.service.wait_until_observed()
        info = self.client.get("/api/info").json
        text = str(info)
        self.assertIn("max_queued_operations", text)
        self.assertIn("10000", text)
        self.assert_problem(
            self.service.client(None).request("GET", "/api/info"), 401, "UNAUTHORIZED"
        )

    def test_metrics_are_prometheus_text(self):
        answer = self.client.get("/metrics")
        self.assertIn("text/plain", answer.headers["Content-Type"])
        names = [l.split()[2] for l in answer.body.decode().splitlines() if l.startswith("# TYPE")]
        self.assertTrue(names)
        self.assertEqual(len(names), len(set(names)))

    def test_the_openapi_document_names_every_route_that_answers(self):
        document = self.service.client(None).get("/api/openapi.json").json
        self.assertTrue(document["openapi"].startswith("3.1"))
        self.assertIn("/api/instances/{ref}/start", document["paths"])

    def test_the_description_can_be_read(self):
        answer = self.service.client(None).get("/api/docs")
        self.assertIn("text/html", answer.headers["Content-Type"])
        self.assertIn(b"/api/instances/{ref}/start", answer.body)


if __name__ == "__main__":
    unittest.main()
