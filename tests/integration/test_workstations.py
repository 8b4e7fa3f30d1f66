# SPDX-License-Identifier: MIT
"""Workstations: this one with real figures, and others that are looked at over the network."""
import contextlib
import os
import re
import socket
import threading
import unittest

from support import ServiceCase, wait_for
from support.limits import SHORT

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


class Listener:
    """A program at a port of its own that is no ldplayerd: it says SAYS to whoever connects, or
    nothing, and then keeps the line."""

    def __init__(self, says=None):
        self.says = says
        self.lines = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            self.lines.append(line)
            with contextlib.suppress(OSError):
                if self.says:
                    line.recv(4096)
                    line.sendall(self.says)

    def close(self):
        # Closing alone does not wake the thread.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)
        for line in self.lines:
            line.close()


class Case(ServiceCase):
    def workstations(self):
        return self.client.get("/api/workstations").json

    def workstation(self, id_="local"):
        return self.client.get(f"/api/workstations/{id_}").json

    def add(self, name, address=None, **fields):
        body = {"name": name, **fields}
        if address is not None:
            body["address"] = address
        answer = self.client.post("/api/workstations", body, 201)
        id_ = answer.json["id"]
        self.assertRegex(id_, UUID)
        self.assertEqual(answer.headers["Location"], f"/api/workstations/{id_}")
        return id_

    def change(self, id_, expect=200, **fields):
        return self.client.patch(f"/api/workstations/{id_}", fields, expect)

    def try_connection(self, id_="local"):
        answer = self.client.post(f"/api/workstations/{id_}/test-connection", expect=200).json
        self.assertEqual(set(answer), {"status", "reachable", "latency_ms", "detail"})
        self.assertEqual(answer["status"], "success")
        self.assertGreaterEqual(answer["latency_ms"], 0)
        return answer

    def wait_for_status(self, status, id_="local"):
        return wait_for(
            lambda: self.workstation(id_)["status"] == status and self.workstation(id_),
            f"{id_} to be {status}",
        )

    def listener(self, says=None):
        listener = Listener(says)
        self.addCleanup(listener.close)
        return listener


class Local(Case):
    def test_the_list_is_an_array_with_real_figures(self):
        self.wait_for_status("online")
        wait_for(lambda: self.workstation()["cpu_usage"] is not None, "processor time")
        self.client.run("POST", "/api/instances/0/start")
        self.assertEqual(self.workstation()["instances"]["running"], 1)
        items = self.workstations()
        self.assertIsInstance(items, list)
        self.assertEqual([w["id"] for w in items], ["local"])
        local = items[0]
        self.assertTrue(local["name"])
        self.assertEqual(local["labels"], {})
        self.assertIsNone(local["address"])
        self.assertFalse(local["maintenance"])
        self.assertTrue(local["last_seen"])
        self.assertEqual(local["instances"], {"total": 3, "running": 1})
        self.assertEqual((local["total_emulators"], local["active_emulators"]), (3, 1))
        for usage in ("cpu_usage", "memory_usage", "disk_usage"):
            self.assertGreaterEqual(local[usage], 0)
            self.assertLessEqual(local[usage], 100)
        (ldplayer,) = local["ldplayer"]
        self.assertEqual(
            os.path.basename(ldplayer["ldconsole"].replace("\\", "/")).split(".")[0], "ldconsole"
        )
        self.assertTrue(ldplayer["install_dir"])

    def check_figures(self, system):
        self.assertGreaterEqual(system["cpu_percent"], 0)
        self.assertLessEqual(system["cpu_percent"], 100)
        memory = system["memory"]
        self.assertGreater(memory["total_bytes"], 1 << 20)
        self.assertEqual(
            memory["used_bytes"] + memory["available_bytes"], memory["total_bytes"]
        )
        self.assertGreater(system["commit"]["limit_bytes"], 0)
        self.assertGreater(system["commit"]["used_bytes"], 0)
        self.assertTrue(system["disks"])
        for disk in system["disks"]:
            self.assertTrue(disk["mount"])
            self.assertLessEqual(disk["free_bytes"], disk["total_bytes"])
        self.assertEqual(len({d["mount"] for d in system["disks"]}), len(system["disks"]))
        self.assertTrue(system["os"]["name"])
        self.assertTrue(system["os"]["version"])
        self.assertTrue(system["os"]["arch"])
        self.assertGreater(system["uptime_s"], 0)

    def test_figures_are_those_of_this_machine(self):
        wait_for(lambda: self.workstation()["cpu_usage"] is not None, "processor time")
        self.check_figures(self.workstation()["system"])
        info = self.client.get("/api/workstations/local/system-info").json
        self.assertEqual(info["id"], "local")
        self.check_figures(info)
        self.assertEqual(info["ldplayer"], self.workstation()["ldplayer"])
        self.assertEqual(info["hostname"].lower(), socket.gethostname().lower())
        with open("/proc/meminfo", encoding="ascii") as file:
            total = int(re.search(r"MemTotal:\s+(\d+) kB", file.read()).group(1)) * 1024
        # Wine tells it in pages of its own.
        self.assertAlmostEqual(info["memory"]["total_bytes"], total, delta=1 << 24)

    def test_a_test_lists_the_instances_afresh(self):
        self.client.instances()
        before = self.simulator.count("list2")
        answer = self.try_connection()
        self.assertTrue(answer["reachable"], answer)
        self.assertIn("3 instances", answer["detail"])
        self.assertGreater(self.simulator.count("list2"), before)

    def test_its_instances_are_the_instances(self):
        self.client.instances()
        mine = self.client.get("/api/workstations/local/instances?fields=id,index").json
        self.assertEqual(mine["items"], self.client.get("/api/instances?fields=id,index").json["items"])

    def test_it_can_be_named_and_set_aside_but_not_removed(self):
        self.wait_for_status("online")
        with self.client.events() as stream:
            changed = self.change("local", name="here", labels={"rack": "3"}, maintenance=True).json
            self.assertEqual(changed["status"], "maintenance")
            # That it is online may be told only now.
            event = stream.until(
                lambda e: e["type"] == "workstation.changed" and "name" in e["data"]["changes"]
            )[-1]["data"]
        self.assertEqual(event["id"], "local")
        self.assertEqual(event["changes"]["name"]["to"], "here")
        self.assertEqual(event["changes"]["labels"], {"from": {}, "to": {"rack": "3"}})
        self.assertEqual(event["changes"]["status"], {"from": "online", "to": "maintenance"})
        self.assert_problem(
            self.client.request("DELETE", "/api/workstations/local"), 409, "WORKSTATION_IS_LOCAL"
        )
        self.service.restart()
        local = self.workstation()
        self.assertEqual((local["name"], local["labels"]), ("here", {"rack": "3"}))
        self.assertEqual(local["status"], "maintenance")
        self.assertEqual(self.change("local", maintenance=False).json["maintenance"], False)
        self.wait_for_status("online")


class Degraded(Case):
    service_options = SHORT

    def test_it_is_degraded_while_ldconsole_cannot_be_read(self):
        self.wait_for_status("online")
        with self.client.events() as stream:
            self.simulator.set(**{"garbage.list2": "always"})
            # That it went online may be told only now.
            stream.until(lambda e: e["type"] == "workstation.changed" and
                         e["data"]["changes"]["status"]["to"] == "degraded")
        local = self.wait_for_status("degraded")
        self.assertTrue(local["status_reason"])
        self.assertEqual(local["instances"]["total"], 3, "what was seen before is still known")
        answer = self.try_connection()
        self.assertFalse(answer["reachable"])
        self.assertTrue(answer["detail"])
        self.change("local", maintenance=True)
        self.assertEqual(self.workstation()["status"], "maintenance")
        self.change("local", maintenance=False)
        self.wait_for_status("degraded")
        self.simulator.reset()
        self.wait_for_status("online")

    def test_it_is_degraded_while_a_breaker_is_held_open(self):
        self.wait_for_status("online")
        self.client.post("/api/breakers/create/force-open", {"note": "a test"}, expect=200)
        self.assertIn("create", self.wait_for_status("degraded")["status_reason"])
        self.client.post("/api/breakers/create/reset", expect=200)
        self.wait_for_status("online")


class Others(Case):
    def test_one_is_made_changed_and_removed(self):
        with self.client.events() as stream:
            id_ = self.add("two", labels={"rack": "4"})
            added = stream.until(lambda e: e["type"] == "workstation.added")[-1]["data"]
            self.assertEqual((added["id"], added["name"]), (id_, "two"))
            self.assertEqual([w["id"] for w in self.workstations()], ["local", id_])
            two = self.workstation(id_)
            self.assertEqual(two["status"], "unknown")
            self.assertEqual(two["labels"], {"rack": "4"})
            for unknown in ("system", "instances", "total_emulators", "cpu_usage", "last_seen"):
                self.assertIsNone(two[unknown])
            self.assertEqual(self.change(id_, name="deux").json["name"], "deux")
            self.assertEqual(self.workstation(id_)["name"], "deux")
            self.client.delete(f"/api/workstations/{id_}", 204)
            removed = stream.until(lambda e: e["type"] == "workstation.removed")[-1]["data"]
            self.assertEqual(removed["id"], id_)
        self.assertEqual([w["id"] for w in self.workstations()], ["local"])
        self.assert_problem(
            self.client.request("GET", f"/api/workstations/{id_}"), 404, "WORKSTATION_NOT_FOUND"
        )

    def test_they_survive_a_kill(self):
        listener = self.listener()
        id_ = self.add("two", listener.address, labels={"a": "b"}, maintenance=True)
        other = self.add("three")
        self.client.delete(f"/api/workstations/{other}", 204)
        before = self.workstation(id_)
        self.service.kill()
        self.service.start()
        self.assertEqual(self.workstation(id_), before)
        self.assertEqual(len(self.workstations()), 2)

    def test_what_is_asked_for_is_checked(self):
        self.add("two")
        for body, field in (
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "x" * 65}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"name": "x", "address": "no port"}, "address"),
            ({"name": "x", "address": "host:99999"}, "address"),
            ({"name": "x", "address": "https://host:1"}, "address"),
            ({"name": "x", "labels": {"a": 5}}, "labels"),
            ({"name": "x", "maintenance": "no"}, "maintenance"),
            ({"name": "x", "surprise": 1}, "surprise"),
        ):
            answer = self.client.request("POST", "/api/workstations", body)
            problem = self.assert_problem(answer, 422, "VALIDATION_FAILED")
            self.assertEqual(problem["errors"][0]["field"], field)
            self.assertTrue(problem["errors"][0]["rule"])
        answer = self.client.request("POST", "/api/workstations", {"name": "two"})
        problem = self.assert_problem(answer, 409, "WORKSTATION_EXISTS")
        self.assertEqual(problem["errors"][0]["field"], "name")
        self.assertEqual(len(self.workstations()), 2)

    def test_a_change_may_depend_on_what_was_seen(self):
        id_ = self.add("two")
        path = f"/api/workstations/{id_}"
        tag = f'"{self.workstation(id_)["revision"]}"'
        self.client.patch(path, {"name": "deux"}, 200, {"If-Match": tag})
        answer = self.client.request("PATCH", path, {"name": "zwei"}, {"If-Match": tag})
        self.assert_problem(answer, 412, "PRECONDITION_FAILED")
        self.assertEqual(self.workstation(id_)["name"], "deux")

    def test_a_request_is_repeated_by_its_key(self):
        key = {"Idempotency-Key": "k1"}
        first = self.client.post("/api/workstations", {"name": "two"}, 201, key).json
        self.assertEqual(self.client.post("/api/workstations", {"name": "two"}, 201, key).json, first)
        self.service.kill()
        self.service.start()
        self.assertEqual(self.client.post("/api/workstations", {"name": "two"}, 201, key).json, first)
        self.assertEqual(len(self.workstations()), 2)
        self.client.post("/api/workstations", {"name": "other"}, 422, key)

    def test_what_another_one_knows_is_not_known_here(self):
        id_ = self.add("two", "127.0.0.1:1", maintenance=True)
        for rest in ("instances", "system-info"):
            answer = self.client.request("GET", f"/api/workstations/{id_}/{rest}")
            problem = self.assert_problem(answer, 503, "WORKSTATION_NOT_MIRRORED")
            self.assertIn("http://127.0.0.1:1/api/", problem["detail"])

    def test_roles(self):
        viewer, operator = self.service.client("viewer"), self.service.client("operator")
        viewer.get("/api/workstations")
        viewer.get("/api/workstations/local/system-info")
        viewer.post("/api/workstations/local/test-connection", expect=403)
        operator.post("/api/workstations/local/test-connection", expect=200)
        operator.post("/api/workstations", {"name": "x"}, expect=403)
        operator.patch("/api/workstations/local", {"name": "x"}, expect=403)
        operator.delete("/api/workstations/local", expect=403)
        self.service.client(None).get("/api/workstations", expect=401)


class Instances(Case):
    def test_those_of_this_one_are_filtered_as_all_are(self):
        self.client.run("PATCH", "/api/instances/1", {"labels": {"team": "a"}, "group": "g"})
        name = self.client.instance(2)["name"]
        for query, indexes in (("state=stopped", [0, 1, 2]), ("state=running", []),
                               (f"name={name}", [2]), ("group=g", [1]), ("label=team%3Da", [1]),
                               ("max_age_ms=0", [0, 1, 2]), ("limit=2", [0, 1])):
            page = self.client.get(f"/api/workstations/local/instances?{query}").json
            self.assertEqual([i["index"] for i in page["items"]], indexes, query)
        rest = self.client.get(
            f"/api/workstations/local/instances?limit=2&cursor={page['next_cursor']}"
        ).json
        self.assertEqual([i["index"] for i in rest["items"]], [2])

    def test_the_list_can_be_asked_for_anew(self):
        self.client.get("/api/workstations")
        answer = self.client.get("/api/workstations?max_age_ms=0")
        self.assertEqual(answer.headers["X-Cache"], "BYPASS")

    def test_another_address_is_another_machine(self):
        id_ = self.add("two", "127.0.0.1:1")
        self.wait_for_status("offline", id_)
        self.change(id_, address=f"127.0.0.1:{self.service.port}")
        self.wait_for_status("online", id_)


class Reaching(Case):
    """Each kind of answer that another machine can give, by machines of our own."""

    def try_one(self, address, is_reachable, *parts):
        id_ = self.add(address, address)
        answer = self.try_connection(id_)
        self.assertEqual(answer["reachable"], is_reachable, answer)
        for part in parts:
            self.assertIn(part, answer["detail"])
        workstation = self.wait_for_status("online" if is_reachable else "offline", id_)
        self.assertTrue(workstation["status_reason"])
        self.assertEqual(workstation["last_seen"] is not None, is_reachable)
        return id_

    def test_the_service_reaches_itself(self):
        self.try_one(f"http://127.0.0.1:{self.service.port}", True, "answered 200")
        self.try_one(f"localhost:{self.service.port}", True, "answered 200")

    def test_a_closed_port(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.try_one(f"127.0.0.1:{port}", False, f"127.0.0.1:{port}", "refused")

    def test_one_that_speaks_no_http(self):
        listener = self.listener(b"220 mail.example.com ESMTP\r\n")
        self.try_one(listener.address, False, "not as HTTP")

    def test_one_that_is_something_else(self):
        listener = self.listener(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        self.try_one(listener.address, False, "answered 404")

    def test_one_that_never_answers(self):
        self.try_one(self.listener().address, False, "no answer within 5000 ms")

    def test_one_without_an_address(self):
        id_ = self.add("two")
        self.assert_problem(
            self.client.request("POST", f"/api/workstations/{id_}/test-connection"),
            409,
            "WORKSTATION_HAS_NO_ADDRESS",
        )

    def test_what_comes_back_is_noticed(self):
        other = self.make_service("other")
        other.start()
        address = f"127.0.0.1:{other.port}"
        id_ = self.add("other", address)
        self.wait_for_status("online", id_)
        other.stop()
        self.assertFalse(self.try_connection(id_)["reachable"])
        self.assertEqual(self.workstation(id_)["status"], "offline")
        with self.client.events() as stream:
            other.options["http"] = address
            other.start()
            self.assertTrue(self.try_connection(id_)["reachable"])
            # That it is offline may be told only now.
            change = stream.until(
                lambda e: e["type"] == "workstation.changed" and e["data"]["status"] == "online"
            )[-1]["data"]
        self.assertEqual(change["changes"]["status"], {"from": "offline", "to": "online"})

    def test_a_stop_ends_a_look(self):
        listener = self.listener()
        id_ = self.add("two", listener.address)
        wait_for(lambda: listener.lines, "a look under way")
        self.service.stop()
        self.service.start()
        self.assertIn(self.workstation(id_)["status"], ("unknown", "offline"))


if __name__ == "__main__":
    unittest.main()
