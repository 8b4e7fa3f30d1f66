# SPDX-License-Identifier: MIT
"""The event log: in order, without holes, across reconnects and restarts."""
import contextlib
import json
import os
import sqlite3
import time
import unittest

from support import ServiceCase


class Events(ServiceCase):
    def prepare(self):
        self.started_ms = time.time_ns() // 1000000

    def test_a_start_is_told_from_beginning_to_end(self):
        with self.client.events() as stream:
            operation = self.client.post("/api/instances/1/start").json
            seen = stream.until(
                lambda e: e["type"] == "operation.succeeded"
                and e["data"]["id"] == operation["id"]
            )
        types = [e["type"] for e in seen]
        self.assertIn("operation.queued", types)
        self.assertIn("operation.running", types)
        changes = [e["data"] for e in seen if e["type"] == "instance.changed"]
        states = [c["changes"]["state"]["to"] for c in changes if "state" in c.get("changes", {})]
        self.assertTrue(set(states) & {"running", "ready"}, seen)

    def test_an_operator_at_a_breaker_is_told_with_the_name(self):
        with self.client.events() as stream:
            self.client.post("/api/breakers/start/force-open", {"note": "why"}, expect=200)
            opened = stream.until(lambda e: e["type"] == "breaker.forced-open")[-1]["data"]
            self.client.post("/api/breakers/start/reset", expect=200)
            closed = stream.until(lambda e: e["type"] == "breaker.closed")[-1]["data"]
        self.assertEqual((opened["name"], opened["by"], opened["note"]),
                         ("start", "test-admin", "why"))
        self.assertEqual(closed["name"], "start")

    def test_each_state_that_an_operator_gives_a_breaker_is_told(self):
        for action, state in (("force-open", "forced-open"), ("disable", "disabled"),
                              ("force-close", "forced-closed"), ("reset", "closed")):
            answer = self.client.post(f"/api/breakers/start/{action}",
                                      None if action == "reset" else {"note": "why"},
                                      expect=200).json
            self.assertEqual(answer["state"], state)
        told = [e["type"] for e in self.client.told("breaker.closed")]
        told = [type_ for type_ in told if type_.startswith("breaker.")]
        self.assertEqual(told, ["breaker.forced-open", "breaker.disabled",
                                "breaker.forced-closed", "breaker.closed"])

    def test_a_change_of_an_instance_is_told_with_what_it_was(self):
        self.client.run("PATCH", "/api/instances/0", {
            "desired_state": "stopped",
            "resolution": {"width": 900, "height": 1600, "dpi": 320}})
        changes = {}
        for event in self.client.told_so_far():
            if event["type"] == "instance.changed":
                changes.update(event["data"]["changes"])
        self.assertEqual(changes["desired_state"], {"from": None, "to": "stopped"})
        self.assertEqual(changes["resolution"]["to"], {"width": 900, "height": 1600, "dpi": 320})

    def test_a_batch_is_told_of_its_children(self):
        body = {"action": "stop", "select": {"all": True}}
        batch = self.client.run("POST", "/api/instances/batch", body)
        parents = [e["data"].get("parent") for e in self.client.told_so_far()
                   if e["type"] == "operation.queued"]
        self.assertIn(batch["id"], parents)

    def test_a_new_address_of_a_workstation_is_told(self):
        path = "/api/workstations/" + self.client.post(
            "/api/workstations", {"name": "next door"}, expect=201).json["id"]
        self.client.patch(path, {"address": "127.0.0.1:9"}, expect=200)
        changes = [e["data"]["changes"] for e in self.client.told_so_far()
                   if e["type"] == "workstation.changed"]
        self.assertIn("127.0.0.1:9", [c["address"]["to"] for c in changes if "address" in c])

    def test_what_was_forgotten_of_the_cache_is_told(self):
        self.client.post("/api/performance/cache-invalidate?pattern=workstations_*", expect=200)
        told = self.client.told("cache.invalidated")[-1]["data"]
        self.assertEqual((told["kind"], told["pattern"]), ("pattern", "workstations_*"))

    def test_numbers_have_no_holes(self):
        with self.client.events(since=0) as stream:
            self.client.run("POST", "/api/instances/0/start")
            self.client.run("POST", "/api/instances/0/stop")
            last = self.client.run("PATCH", "/api/instances/0", {"group": "g"})
            seen = stream.until(
                lambda e: e["type"] == "operation.succeeded" and e["data"]["id"] == last["id"]
            )
        numbers = [e["seq"] for e in seen]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertGreater(numbers[0], self.started_ms * 1000)
        self.assertLess(numbers[-1], 2**53)

    def test_a_reader_that_comes_back_misses_nothing(self):
        with self.client.events(since=0) as stream:
            first = stream.next()
        operation = self.client.run("POST", "/api/instances/0/stop")
        with self.client.events(last_event_id=first["seq"]) as stream:
            seen = stream.until(
                lambda e: e["type"] == "operation.succeeded"
                and e["data"]["id"] == operation["id"]
            )
        self.assertEqual(seen[0]["seq"], first["seq"] + 1)

    def test_numbers_go_on_after_a_restart(self):
        operation = self.client.run("POST", "/api/instances/0/stop")
        with self.client.events(since=0) as stream:
            before = stream.until(
                lambda e: e["type"] == "operation.succeeded"
                and e["data"]["id"] == operation["id"]
            )
        self.service.restart()
        with self.client.events(last_event_id=before[-1]["seq"]) as stream:
            seen = stream.until(lambda e: e["type"] == "service.started")
        self.assertEqual(seen[0]["seq"], before[-1]["seq"] + 1)
        self.assertIn("service.stopping", [e["type"] for e in seen])

    def test_a_crash_reuses_no_number(self):
        self.client.run("POST", "/api/instances/0/stop")
        with self.client.events(since=0) as stream:
            last = stream.until(lambda e: e["type"] == "operation.succeeded")[-1]["seq"]
        self.service.kill()
        self.service.start()
        with self.client.events(last_event_id=last) as stream:
            seen = stream.until(lambda e: e["type"] == "service.started")
        self.assertGreater(seen[0]["seq"], last)

    def _starts(self, n):
        """What happened up to the start number N."""
        left = [n]

        def is_last(event):
            left[0] -= event["type"] == "service.started"
            return left[0] == 0

        with self.client.events(since=0) as stream:
            return stream.until(is_last)

    def test_a_crash_is_told_of_once(self):
        """What it leaves is a dump on Windows; here one is laid down, for the telling is the same."""
        with self.client.events(since=0) as stream:
            stream.until(lambda e: e["type"] == "service.started")
        self.service.kill()
        crashes = os.path.join(self.service.data_dir, "crashes")
        os.makedirs(crashes, exist_ok=True)
        with open(os.path.join(crashes, "ldplayerd-20300101T100000Z-7.dmp"), "wb") as file:
            file.write(b"MDMP")
        self.service.start()
        self.service.restart()
        seen = self._starts(3)
        told = [e for e in seen if e["type"] == "service.crashed"]
        self.assertEqual(len(told), 1)
        self.assertTrue(told[0]["data"]["dump"].endswith("ldplayerd-20300101T100000Z-7.dmp"))

    def test_many_readers_hear_the_same(self):
        streams = [self.client.events(since=0) for _ in range(10)]
        operation = self.client.run("POST", "/api/instances/0/stop")
        is_last = lambda e: e["type"] == "operation.succeeded" and e["data"]["id"] == operation["id"]
        heard = [stream.until(is_last) for stream in streams]
        for stream in streams:
            stream.close()
        self.assertTrue(all(events == heard[0] for events in heard))

    def test_ndjson(self):
        lines = self.client.event_lines()
        self.assertEqual(next(lines)["type"], "service.started")
        lines.close()

    def test_instances_that_come_and_go(self):
        with self.client.events() as stream:
            created = self.client.run("POST", "/api/instances", {"name": "guest"})["result"]
            self.client.run("DELETE", f"/api/instances/{created['id']}")
            seen = stream.until(lambda e: e["type"] == "instance.removed")
        added = [e for e in seen if e["type"] == "instance.added"]
        self.assertIn("guest", json.dumps(added))


class OtherHistory(ServiceCase):
    """What clients know may not be what the database knows."""

    def database(self):
        return os.path.join(self.service.data_dir, "ldplayerd.db")

    def change_database(self, *statements):
        """While the service is down."""
        self.service.stop()
        with contextlib.closing(sqlite3.connect(self.database())) as db, db:
            for statement in statements:
                db.execute(statement)
        self.service.start()

    def heard_since(self, seq):
        """Up to the newest start."""
        with self.client.events() as stream:
            mark = self.client.run("PATCH", "/api/instances/0", {"group": f"g{time.time_ns()}"})
            stream.until(lambda e: e["data"].get("id") == mark["id"])
        with self.client.events(since=seq) as stream:
            return stream.until(lambda e: e["data"].get("id") == mark["id"])

    def test_a_new_database_uses_no_number_again(self):
        last = self.heard_since(0)[-1]["seq"]
        self.service.stop()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.database() + suffix):
                os.remove(self.database() + suffix)
        self.service.start()
        self.service.tokens.clear()
        self.client = self.service.client()
        for since in (last, 20):
            heard = self.heard_since(since)
            self.assertEqual(heard[0]["type"], "gap", heard[0])
            self.assertEqual(heard[0]["data"]["from"], since + 1)
            self.assertGreater(heard[1]["seq"], last)
            self.assertEqual(heard[1]["seq"], heard[0]["data"]["to"] + 1)
        # Who comes for the first time has missed nothing.
        self.assertEqual(self.heard_since(0)[0]["type"], "service.started")

    def test_an_emptied_log_uses_no_number_again(self):
        last = self.heard_since(0)[-1]["seq"]
        self.change_database("DELETE FROM events")
        heard = self.heard_since(last)
        self.assertEqual(heard[0]["type"], "gap", heard[0])
        self.assertGreater(heard[1]["seq"], last)

    def test_a_hole_is_told_where_it_is(self):
        first = self.heard_since(0)[0]["seq"]
        self.change_database(f"DELETE FROM events WHERE seq IN ({first + 2}, {first + 3})")
        heard = self.heard_since(0)
        self.assertEqual([e["seq"] for e in heard[:4]], [first, first + 1, first + 3, first + 4])
        self.assertEqual(heard[2]["type"], "gap")
        self.assertEqual(
            (heard[2]["data"]["from"], heard[2]["data"]["to"]), (first + 2, first + 3)
        )

    def test_a_database_of_the_first_version_goes_on_in_its_numbers(self):
        first = self.heard_since(0)[0]["seq"]
        self.change_database(
            f"UPDATE events SET seq = seq - {first - 1},"
            f" json = replace(json, '\"seq\":' || seq, '\"seq\":' || (seq - {first - 1}))",
            "DELETE FROM preferences WHERE name = 'events.floor'",
        )
        heard = self.heard_since(0)
        self.assertEqual([e["seq"] for e in heard], list(range(1, len(heard) + 1)))


class Gap(ServiceCase):
    service_options = {"event_ring": 100}

    def test_lost_history_is_told(self):
        for i in range(40):
            self.client.run("PATCH", "/api/instances/0", {"group": f"g{i}"})
        self.service.restart()  # what this process made is kept in memory beyond the limit
        with self.client.events(since=1) as stream:
            self.assertEqual(stream.next()["type"], "gap")


class Heartbeat(ServiceCase):
    service_options = {"heartbeat_ms": 100, "refresh_idle_ms": 600000}

    def test_a_silent_stream_shows_that_it_lives(self):
        with self.client.events() as stream:
            # The start of the service may still be told first.
            while not stream.answer.readline().startswith(b":"):
                pass


if __name__ == "__main__":
    unittest.main()
