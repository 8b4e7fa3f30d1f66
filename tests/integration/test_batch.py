# SPDX-License-Identifier: MIT
"""Batches: one parent, one child for each instance."""
import re
import unittest

from support import Client, ServiceCase


class Batch(ServiceCase):
    instances = 4

    def batch(self, action, select, options=None, status="succeeded"):
        body = {"action": action, "select": select}
        if options is not None:
            body["options"] = options
        return self.client.run("POST", "/api/instances/batch", body, status)

    def test_start_and_stop_all(self):
        ended = self.batch("start", {"all": True})
        self.assertEqual(ended["kind"], "batch")
        self.assertEqual(len(ended["children"]), 4)
        states = {i["state"] for i in self.client.instances()}
        self.assertLessEqual(states, {"running", "ready"})
        self.assertEqual(len(self.simulator.calls("launch")), 4)

        self.batch("stop", {"state": ["running", "ready"]})
        self.assertEqual({i["state"] for i in self.client.instances()}, {"stopped"})

    def test_children_are_operations(self):
        ended = self.batch("start", {"ids": [self.client.instance(2)["id"]]})
        child = ended["children"][0]
        child_id = child if isinstance(child, str) else child["id"]
        operation = self.client.operation(child_id)
        self.assertEqual((operation["kind"], operation["status"]), ("start", "succeeded"))

    def test_it_can_be_waited_for_and_its_children_be_listed(self):
        body = {"action": "remove", "select": {"ids": [1, 2]},
                "options": {"force": True, "timeout_s": 60}}
        self.client.run("POST", "/api/instances/1/start")
        ended = self.client.post("/api/instances/batch?wait=60", body, 200).json
        self.assertEqual(ended["status"], "succeeded", ended)
        children = self.client.get(f"/api/operations?parent={ended['id']}").json["items"]
        self.assertEqual({c["id"] for c in children}, {c["id"] for c in ended["children"]})
        self.assertEqual([i["index"] for i in self.client.instances()], [0, 3])

    def test_labels_and_groups_select(self):
        self.client.run("PATCH", "/api/instances/1", {"labels": {"team": "a"}, "group": "g"})
        self.client.run("PATCH", "/api/instances/3", {"labels": {"team": "b"}, "group": "g"})
        self.assertEqual(len(self.batch("start", {"labels": {"team": "a"}})["children"]), 1)
        self.assertEqual(len(self.batch("stop", {"group": "g"})["children"]), 2)
        self.assertEqual(len(self.batch("stop", {"group": None})["children"]), 2)

    def test_one_failure_does_not_stop_the_others(self):
        self.service.restart(stuck_ms=3000)  # so long nothing else is launched beside it
        self.simulator.set(**{"fault.1": "stuck_starting"})
        ended = self.batch("start", {"all": True}, {"timeout_s": 4}, status=None)
        self.assertEqual(ended["status"], "failed")
        statuses = [self.client.operation(c if isinstance(c, str) else c["id"])["status"]
                    for c in ended["children"]]
        self.assertEqual(statuses.count("succeeded"), 3)

    def test_a_batch_that_selects_nothing_or_badly_is_refused(self):
        post = lambda body: self.client.request("POST", "/api/instances/batch", body)
        for body in (
            {"action": "start", "select": {"ids": []}},
            {"action": "start", "select": {}},
            {"action": "start"},
            {"action": "explode", "select": {"all": True}},
            {"action": "start", "select": {"ids": ["00000000-0000-4000-8000-000000000000"]}},
            {"action": "start", "select": {"group": "nobody"}},
            {"action": "start", "select": {"group": ""}},
        ):
            with self.subTest(body):
                self.assertIn(post(body).status, (404, 422))
        self.assertEqual(self.simulator.calls("launch"), [])


class Idempotency(ServiceCase):
    key = {"Idempotency-Key": "one-and-only"}

    def test_the_same_request_is_one_operation(self):
        body = {"name": "once"}
        first = self.client.post("/api/instances", body, headers=self.key).json
        again = self.client.request("POST", "/api/instances", body, headers=self.key)
        self.assertIn(again.status, (200, 202))
        self.assertEqual(again.json["id"], first["id"])
        self.client.wait(first)
        later = self.client.request("POST", "/api/instances", body, headers=self.key)
        self.assertEqual(later.json["id"], first["id"])
        self.assertEqual(len(self.simulator.calls("add")), 1)

    def test_a_key_survives_a_restart(self):
        first = self.client.post("/api/instances", {"name": "once"}, headers=self.key).json
        self.client.wait(first)
        self.service.restart()
        again = self.client.request("POST", "/api/instances", {"name": "once"}, headers=self.key)
        self.assertEqual(again.json["id"], first["id"])
        self.assertEqual(len(self.simulator.calls("add")), 1)

    def test_a_key_is_for_one_request(self):
        self.client.wait(
            self.client.post("/api/instances", {"name": "a"}, headers=self.key).json
        )
        other = self.client.request("POST", "/api/instances", {"name": "b"}, headers=self.key)
        self.assertEqual(other.status, 422, other)
        self.assertEqual(len(self.simulator.calls("add")), 1)

    def test_no_request_that_changes_something_ignores_it(self):
        """A client that sends one sends the request again."""
        n = 0
        for path, methods in self.client.get("/api/openapi.json").json["paths"].items():
            for method, operation in methods.items():
                takes = [p.get("name") for p in operation.get("parameters", [])]
                if method not in ("post", "patch", "delete") or "Idempotency-Key" in takes:
                    continue
                with self.subTest(method + " " + path):
                    n += 1
                    answer = self.client.request(method.upper(), re.sub("{.*?}", "x", path),
                                                 headers=self.key)
                    self.assert_problem(answer, 422, "VALIDATION_FAILED")
                    self.assertEqual(answer.json["errors"][0]["field"], "Idempotency-Key")
        self.assertGreater(n, 5)
        self.client.request("GET", "/api/instances", headers=self.key, expect=200)

    def test_users_do_not_share_keys(self):
        first = self.client.post("/api/instances/0/start", headers=self.key).json
        other = self.service.client("operator").post("/api/instances/0/start", headers=self.key).json
        self.assertNotEqual(first["id"], other["id"])
        self.client.wait(first)
        self.client.wait(other)

    def test_a_key_belongs_to_a_token_and_not_to_its_name(self):
        def make():
            body = {"name": "ci", "role": "operator"}
            return self.client.post("/api/auth/tokens", body, 201).json

        def start(token):
            client = Client(self.service, token["token"])
            return client.post("/api/instances/0/start", headers=self.key).json

        first = make()
        operation = start(first)
        self.assertEqual(start(first)["id"], operation["id"])
        self.client.delete(f"/api/auth/tokens/{first['id']}", 204)
        other = start(make())
        self.assertNotEqual(other["id"], operation["id"])
        self.assertEqual(other["requested_by"], operation["requested_by"])

    def test_a_key_outlives_its_operation(self):
        first = self.client.post("/api/instances", {"name": "once"}, headers=self.key).json
        self.client.wait(first)
        self.client.delete("/api/operations?ended_before=2999-01-01T00:00:00Z", 200)
        self.assertEqual(self.client.get("/api/operations").json["total"], 0)
        for kill in (False, True):
            with self.subTest("after a crash" if kill else "at once"):
                if kill:
                    self.service.kill()
                    self.service.start()
                    self.service.wait_until_observed(self.client)
                again = self.client.request(
                    "POST", "/api/instances", {"name": "once"}, headers=self.key
                )
                self.assert_problem(again, 409, "OPERATION_PRUNED")
                self.assertEqual(len(self.simulator.calls("add")), 1)

    def test_a_bad_key_is_refused(self):
        for key in ("", "x" * 256):
            with self.subTest(len(key)):
                answer = self.client.request(
                    "POST", "/api/instances/0/start", headers={"Idempotency-Key": key}
                )
                self.assertIn(answer.status, (400, 422), answer)


class Operations(ServiceCase):
    def test_operations_are_listed_newest_first_with_filters(self):
        ids = [self.client.run("POST", f"/api/instances/{i}/start")["id"] for i in range(3)]
        items = self.client.get("/api/operations").json["items"]
        self.assertEqual([o["id"] for o in items[:3]], ids[::-1])
        target = self.client.instance(1)["id"]
        only = self.client.get(f"/api/operations?target={target}&kind=start&status=succeeded").json
        self.assertEqual([o["id"] for o in only["items"]], [ids[1]])
        self.assertEqual(self.client.get("/api/operations?status=failed").json["total"], 0)

    def test_they_are_paged(self):
        ids = [self.client.run("POST", "/api/instances/0/stop")["id"] for _ in range(5)]
        seen, query = [], "?limit=2"
        while query:
            page = self.client.get("/api/operations" + query).json
            seen += [o["id"] for o in page["items"]]
            cursor = page.get("next_cursor")
            query = f"?limit=2&cursor={cursor}" if cursor else None
        self.assertEqual(seen, ids[::-1])

    def test_a_wait_is_answered_when_the_operation_ends(self):
        operation = self.client.post("/api/instances/0/start").json
        ended = self.client.get(f"/api/operations/{operation['id']}?wait=60").json
        self.assertEqual(ended["status"], "succeeded")

    def test_old_ones_can_be_pruned(self):
        operation = self.client.run("POST", "/api/instances/0/stop")
        self.client.request("DELETE", "/api/operations?ended_before=2020-01-01T00:00:00Z")
        self.client.get(f"/api/operations/{operation['id']}")
        answer = self.client.request("DELETE", "/api/operations?ended_before=2999-01-01T00:00:00Z")
        self.assertIn(answer.status, (200, 204), answer)
        self.client.get(f"/api/operations/{operation['id']}", 404)

    def test_unknown_ones_are_404(self):
        for ref in ("00000000-0000-7000-8000-000000000000", "nonsense", "1"):
            with self.subTest(ref):
                answer = self.client.request("GET", f"/api/operations/{ref}")
                self.assertIn(answer.status, (404, 422), answer)

    def test_they_survive_a_restart(self):
        operation = self.client.run("POST", "/api/instances/0/start")
        self.service.restart()
        again = self.client.operation(operation["id"])
        for key in ("status", "result", "ended_at", "kind", "target", "requested_by"):
            self.assertEqual(again[key], operation[key])


if __name__ == "__main__":
    unittest.main()
