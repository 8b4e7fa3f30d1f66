# SPDX-License-Identifier: MIT
"""Damaged pages of the database, one at a time, through the whole service. Every page and more ways
to damage it are in tests/unit/cache/store/test_damage.c."""
import glob
import http.client
import os
import sqlite3
import unittest
import uuid

from support import ServiceCase, run_service_command, wait_for
from support.disk import spoil
from support.programs import path_for_program

PAGE = 4096
GARBAGE = b"\xa5" * PAGE
TABLE_LEAF, TABLE_INTERIOR = 13, 5


class DamageCase(ServiceCase):
    instances = 2

    @property
    def database(self):
        return os.path.join(self.service.data_dir, "ldplayerd.db")

    def fill(self, n):
        """N more operations, workstations and events: what the service wrote, with other ids."""
        self.client.run("POST", "/api/instances/0/start")
        self.client.run("POST", "/api/instances/0/stop")
        self.client.post("/api/workstations", {"name": "other", "labels": {"x": "y" * 60}}, 201)
        self.service.stop()
        self.copies = []
        with sqlite3.connect(self.database) as db:
            db.row_factory = sqlite3.Row
            for table in ("operations", "workstations", "events"):
                row = dict(db.execute(f"SELECT * FROM {table} ORDER BY 1 DESC").fetchone())
                for i in range(n):
                    db.execute(*self.copy_of(table, row, i))
        db.close()

    def copy_of(self, table, row, i):
        row = dict(row)
        if table == "events":
            row["seq"] += 1 + i
            row["json"] = row["json"].replace(f'"seq":{row["seq"] - 1 - i}', f'"seq":{row["seq"]}')
        else:
            row["id"] = str(uuid.uuid4())
            self.copies.append(row["id"])
        if table == "workstations":
            row["name"] = f"other {i}"
        marks = ", ".join("?" * len(row))
        return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values())

    def page(self, number):
        with open(self.database, "rb") as file:
            file.seek((number - 1) * PAGE)
            return file.read(PAGE)

    def damage(self, number):
        spoil(self.database, (number - 1) * PAGE, GARBAGE)

    def roots(self):
        with sqlite3.connect(self.database) as db:
            rows = db.execute("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0")
            roots = dict(rows.fetchall())
        db.close()
        return roots

    def leaf_with(self, text):
        """The page of a table that has TEXT in one of its rows."""
        for number in range(2, os.path.getsize(self.database) // PAGE + 1):
            page = self.page(number)
            if page[0] == TABLE_LEAF and text.encode() in page:
                return number
        self.fail(f"{text} is on no page")

    def known(self):
        client = self.service.client()
        return {
            table: {item["id"] for item in self.items(client, table)}
            for table in ("operations", "workstations")
        }

    def items(self, client, table):
        cursor = ""
        while True:
            body = client.get(f"/api/{table}{cursor}").json
            if isinstance(body, list):
                body = {"items": body}
            yield from body["items"]
            if not body.get("next_cursor"):
                return
            cursor = f"?cursor={body['next_cursor']}"

    def kept(self):
        paths = glob.glob(glob.escape(self.database) + ".damaged-*")
        return [path for path in paths if not path.endswith(("-wal", "-shm"))]

    def check_told(self):
        """In the log, by health and by an event, with the same figures."""
        client = self.service.client()
        kept, = self.kept()
        check = client.get("/api/health").json["checks"]["repair"]
        self.assertTrue(check["kept"].endswith(os.path.basename(kept)), check)
        self.assertIn(check["finding"], check["detail"])
        self.assertIn(os.path.basename(kept), self.service.log())
        with client.events(since=0) as stream:
            event = stream.until(lambda e: e["type"] == "service.database_repaired")[-1]
        for name in ("finding", "kept", "copy", "tables"):
            self.assertEqual(event["data"][name], check[name])
        return {t["name"]: t["lost"] for t in check["tables"]}

    def check_works(self):
        client = self.service.client()
        client.run("POST", "/api/instances/1/start")
        client.run("POST", "/api/instances/1/stop")


class WhileStopped(DamageCase):
    def test_a_page_costs_what_stood_on_it(self):
        self.fill(120)
        self.service.start()
        before = self.known()
        self.service.stop()
        roots = self.roots()
        self.assertEqual(self.page(roots["operations"])[0], TABLE_INTERIOR)
        leaf = self.leaf_with(self.copies[0])
        with open(self.database, "rb") as file:
            sound = file.read()
        pages = {"the first": 1, "above others": roots["operations"], "rows": leaf,
                 "index": roots["operations_status"], "keys": roots["idempotency"]}
        for name, number in pages.items():
            with self.subTest(page=name):
                with open(self.database, "wb") as file:
                    file.write(sound)
                self.damage(number)
                self.service.start()
                after = self.known()
                lost = self.check_told()
                gone = before["operations"] - after["operations"]
                self.assertEqual(before["workstations"], after["workstations"])
                self.assertEqual(len(gone) > 0, number == leaf, gone)
                self.assertEqual(lost["operations"], len(gone))
                self.check_works()
                self.service.stop()
                os.remove(self.kept()[0])

    def test_after_a_kill_the_log_counts(self):
        self.client.run("POST", "/api/instances/0/start")
        before = self.known()
        self.service.kill()
        self.assertGreater(os.path.getsize(self.database + "-wal"), 0)
        self.damage(1)
        self.service.start()
        self.assertEqual(self.known(), before)
        self.check_works()

    def test_the_newest_daily_copy_is_named(self):
        for _ in range(2):
            newest = self.client.post("/api/backups", expect=201).json["name"]
        self.service.stop()
        self.damage(1)
        self.service.start()
        check = self.client.get("/api/health").json["checks"]["repair"]
        self.assertIn(newest, check["copy"])
        self.assertIn("ldplayerd restore ", check["detail"])
        self.check_told()

    def test_what_is_sound_is_not_touched_but_may_be_an_older_one(self):
        last = self.client.told_so_far()[-1]["seq"]
        with open(self.database + ".suspect", "w", encoding="utf-8") as file:
            file.write("somebody was here")
        self.service.restart()
        self.assertEqual(self.kept(), [])
        self.assertFalse(os.path.exists(self.database + ".suspect"))
        check = self.client.get("/api/health").json["checks"]["repair"]
        self.assertEqual((check["status"], check["kept"]), ("degraded", None))
        self.assertIn("in doubt (somebody was here)", check["detail"])
        self.assertIn(check["detail"], self.service.log())
        told = self.client.told("service.database_repaired")[-1]["data"]
        self.assertEqual((told["kept"], told["finding"]), (None, "somebody was here"))
        self.assertGreater(self.client.told_so_far()[-1]["seq"], last + 1000)
        self.service.restart()
        self.assertNotIn("repair", self.client.get("/api/health").json["checks"])


class Keys(DamageCase):
    """What was asked for under an Idempotency-Key is not done again, whatever was lost."""

    key = {"Idempotency-Key": "once"}

    def launch(self):
        return self.client.request("POST", "/api/instances/0/start?wait=60", headers=self.key)

    def first_launch(self):
        answer = self.launch()
        self.assertEqual(answer.json["status"], "succeeded", answer)
        return answer.json["id"]

    def damage_and_start(self, number):
        self.service.stop()
        self.damage(number() if callable(number) else number)
        self.service.start()
        self.service.wait_until_observed(self.client)

    def test_a_key_that_is_lost_is_made_again_from_its_operation(self):
        operation = self.first_launch()
        self.damage_and_start(lambda: self.roots()["idempotency"])
        self.assertEqual(self.launch().json["id"], operation)
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def test_of_an_operation_that_is_lost_nothing_is_claimed(self):
        operation = self.first_launch()
        self.damage_and_start(lambda: self.leaf_with(operation))
        self.client.get(f"/api/operations/{operation}", 404)
        answer = self.launch()
        self.assert_problem(answer, 409, "OPERATION_LOST")
        self.assertIn("look at the instance", answer.json["detail"])
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def command(self, verb):
        done = run_service_command(
            verb, path_for_program(os.path.join(self.directory, "before.db")),
            "--data-dir", path_for_program(self.service.data_dir))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def test_a_key_that_was_used_since_the_backup_is_still_used(self):
        self.command("backup")
        self.first_launch()
        self.service.stop()
        self.command("restore")
        self.service.start()
        self.service.wait_until_observed(self.client)
        self.assertEqual(self.client.get("/api/operations").json["total"], 0)
        self.assert_problem(self.launch(), 409, "OPERATION_LOST")
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def test_so_it_is_when_the_restore_has_taken_the_token_away(self):
        self.command("backup")
        former = self.service.tokens["admin"] = self.service.create_token("client", "admin")
        self.client = self.service.client()
        self.first_launch()
        self.service.stop()
        self.command("restore")
        self.service.tokens["admin"] = self.service.create_token("client", "admin")
        self.assertNotEqual(self.service.tokens["admin"], former)
        self.client = self.service.client()
        self.service.start()
        self.service.wait_until_observed(self.client)
        self.assert_problem(self.launch(), 409, "OPERATION_LOST")
        other = self.client.request("POST", "/api/instances/0/stop?wait=60", headers=self.key)
        self.assertEqual(other.json["status"], "succeeded", "the key of another request is new")
        self.assertEqual(len(self.simulator.calls("launch")), 1)

    def test_where_nothing_is_left_to_take_over_a_restore_says_so(self):
        self.command("backup")
        for ways in (("",), ("", "-wal", "-shm")):
            self.service.kill()
            for suffix in ways:
                os.remove(self.database + suffix)
            said = self.command("restore")
            self.service.start()
            restored = self.client.get("/api/info").json["restored"]
            self.assertIn("Idempotency-Keys used since the backup was made may be lost",
                          restored["lost"])
            self.assertIn(restored["lost"], said)
            if ways == ("",):
                kept = os.path.basename(restored["kept"].replace("\\", "/"))
                self.assertTrue(os.path.exists(os.path.join(self.service.data_dir, kept)))
            else:
                self.assertIsNone(restored["kept"])

    def test_what_a_restore_cannot_take_over_is_told(self):
        self.command("backup")
        self.first_launch()
        self.service.stop()
        self.damage(self.roots()["operations"])
        said = self.command("restore")
        self.service.start()
        restored = self.client.get("/api/info").json["restored"]
        self.assertIn("Idempotency-Keys used since the backup was made may be lost",
                      restored["lost"])
        self.assertIn(restored["lost"], said)
        self.assertEqual(self.client.told("service.database_restored")[-1]["data"], restored)


class ByCommand(DamageCase):
    def command(self, *args):
        return run_service_command(*args, "--data-dir", path_for_program(self.service.data_dir))

    def test_what_a_command_repairs_the_next_service_tells(self):
        self.fill(1)
        self.damage(1)
        for args in (("list",), ("create", "--name", "new", "--role", "viewer"),
                     ("revoke", "new")):
            done = self.command("token", *args)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("ldplayerd: the database was damaged (", done.stderr)
            self.assertIn("rows were kept; the damaged file is kept as", done.stderr)
        self.service.start()
        self.check_told()
        check = self.client.get("/api/health").json["checks"]["repair"]
        self.assertIn(check["detail"], done.stderr)
        self.service.restart()
        self.assertNotIn("repair", self.client.get("/api/health").json["checks"])
        self.service.stop()
        self.assertEqual(self.command("token", "list").stderr, "")
        with sqlite3.connect(self.database) as db:
            count = "SELECT count(*) FROM events WHERE type = 'service.database_repaired'"
            self.assertEqual(db.execute(count).fetchone()[0], 1)
        db.close()


    def test_what_a_backup_finds_the_next_start_repairs(self):
        self.fill(100)
        self.damage(self.roots()["operations_kind"])
        done = self.command("backup", path_for_program(os.path.join(self.directory, "a.db")))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the next start of the service checks and repairs it", done.stderr)
        self.assertTrue(os.path.exists(self.database + ".suspect"))
        self.service.start()
        self.assertEqual(self.check_told()["operations"], 0)


class Texts(DamageCase):
    """A bit that has fallen over within a text is seen by no check of SQLite; what is answered is
    JSON all the same."""

    def test_what_is_no_json_any_more_is_answered_as_nothing(self):
        self.fill(1)
        with sqlite3.connect(self.database) as db:
            for column in ("params", "result", "error", "evidence", "memo"):
                db.execute(f"UPDATE operations SET {column} = 'x\"{{['")
            db.execute("UPDATE workstations SET labels = '{\"rack'")
            db.execute("UPDATE instances SET json = '{'")
            db.execute("UPDATE events SET json = '{' WHERE seq = (SELECT max(seq) FROM events)")
        db.close()
        self.service.start()
        operation = self.client.get("/api/operations").json["items"][0]
        self.assertEqual((operation["evidence"], operation["result"]), ([], None))
        for station in self.items(self.client, "workstations"):
            self.assertEqual(station["labels"], {})
        with self.client.events(since=0) as stream:
            events = stream.until(lambda e: e["type"] == "gap")
        self.assertEqual(events[-1]["data"], {"dropped": 1})
        self.check_works()


class WhileRunning(DamageCase):
    # The ready line and the port stay; requests meet the moment in between.
    def ask(self, path):
        try:
            return self.client.request("GET", path)
        except (OSError, http.client.HTTPException):
            return None

    def health(self):
        answer = self.ask("/api/health")
        return answer.json["checks"] if answer and answer.status == 200 else {}

    def damage_and_meet(self, operation):
        self.damage(self.leaf_with(operation))
        answer = self.client.request("GET", f"/api/operations/{operation}")
        self.assert_problem(answer, 503, "STORE_UNAVAILABLE")
        self.assertIn("a page of the file is damaged", answer.json["detail"])

    def test_it_is_repaired_at_once_but_not_again_and_again(self):
        self.fill(1500)
        self.service.start()
        before = self.known()["operations"]
        self.service.restart()  # nothing is in memory now
        self.damage_and_meet(self.copies[700])
        wait_for(lambda: "repair" in self.health(), "the repair")
        after = self.known()["operations"]
        self.assertNotIn(self.copies[700], after)
        self.assertEqual(self.check_told()["operations"], len(before - after))
        self.check_works()

        self.damage_and_meet(self.copies[100])
        database = self.health()["database"]
        self.assertEqual(database["status"], "failing")
        self.assertIn("move the data directory to another disk", database["detail"])
        self.assertEqual(self.client.request("GET", "/readyz").status, 503)
        self.assertIn("damaged again", self.service.log())
        self.assertEqual(len(self.kept()), 1)
        self.service.restart()
        self.assertEqual(len(self.kept()), 2)
        self.check_works()

    def test_what_a_backup_finds_is_repaired_at_once(self):
        """On a page that no request has met."""
        self.fill(100)
        number = self.roots()["operations_kind"]
        self.service.start()
        self.damage(number)
        answer = self.client.request("POST", "/api/backups")
        self.assert_problem(answer, 503, "BACKUP_FAILED")
        self.assertIn("the next start of the service checks and repairs it", answer.json["detail"])
        wait_for(lambda: "repair" in self.health(), "the repair")
        self.assertEqual(self.check_told()["operations"], 0)
        self.client.post("/api/backups", expect=201)
        self.check_works()


if __name__ == "__main__":
    unittest.main()
