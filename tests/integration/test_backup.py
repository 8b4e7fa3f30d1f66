# SPDX-License-Identifier: MIT
"""Backup and restore of the service's own database, and killing everybody in the middle of it."""
import glob
import json
import os
import random
import re
import shutil
import sqlite3
import stat
import subprocess
import threading
import unittest
import uuid

from support import IS_WINDOWS, ServiceCase, run_service_command, wait_for
from support.programs import SERVICE, WRAPPER, clean_environment, path_for_program

ROUNDS = int(os.environ.get("LDP_CRASH_ROUNDS", 6))


class BackupCase(ServiceCase):
    instances = 2

    @property
    def database(self):
        return os.path.join(self.service.data_dir, "ldplayerd.db")

    def path(self, name):
        return os.path.join(self.directory, name)

    def arguments(self, verb, name, *args):
        return [verb, path_for_program(self.path(name)), *args,
                "--data-dir", path_for_program(self.service.data_dir)]

    def run_command(self, verb, name, *args, expect=0):
        done = run_service_command(*self.arguments(verb, name, *args))
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def rows(self, name, sql="SELECT count(*) FROM operations"):
        with sqlite3.connect(f"file:{self.path(name)}?mode=ro", uri=True) as db:
            rows = db.execute(sql).fetchall()
        db.close()
        return rows

    def kept(self, what):
        """Databases that were put aside, without their logs."""
        return [p for p in glob.glob(f"{self.database}.{what}-*")
                if not p.endswith(("-wal", "-shm"))]

    def labels(self, value):
        """Changes the database in a way that is seen at once."""
        self.client.run("PATCH", "/api/instances/0", {"labels": {"n": str(value)}})

    def label(self):
        return self.client.instance(0)["labels"].get("n")


class Backup(BackupCase):
    def test_a_copy_is_fetched_and_none_is_left(self):
        self.labels(1)
        done = self.run_command("backup", "a.db")
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"a\.db: \d+ bytes, schema \d+\n(  \w+ +\d+ rows\n)+$")
        self.assertEqual(self.rows("a.db"), [(1,)])
        self.assertEqual(self.rows("a.db", "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(self.rows("a.db", "PRAGMA journal_mode"), [("delete",)])
        self.assertEqual(glob.glob(self.path("a.db*")), [self.path("a.db")])
        if not IS_WINDOWS:
            self.assertEqual(stat.S_IMODE(os.stat(self.path("a.db")).st_mode), 0o600)
        self.assertEqual(self.client.get("/api/backups").json, {"items": [], "total": 0})

    def test_the_health_tells_of_none_that_was_only_fetched(self):
        def check():
            return self.client.get("/api/health").json["checks"]["backup"]["newest_at"]

        self.run_command("backup", "a.db")
        self.assertIsNone(check())
        made = self.client.post("/api/backups", expect=201).json
        self.run_command("backup", "b.db")
        self.assertEqual(check(), made["created_at"])
        self.client.delete(f"/api/backups/{made['name']}", 204)
        self.assertIsNone(check())

    def test_a_file_is_replaced_only_when_that_was_said(self):
        self.run_command("backup", "a.db")
        with open(self.path("a.db"), "rb") as file:
            before = file.read()
        self.labels(1)
        done = self.run_command("backup", "a.db", expect=1)
        self.assertIn("--force", done.stderr)
        with open(self.path("a.db"), "rb") as file:
            self.assertEqual(file.read(), before)
        self.run_command("backup", "a.db", "--force")
        self.assertEqual(self.rows("a.db"), [(1,)])

    def test_the_files_of_the_service_are_no_place_for_a_backup(self):
        data_dir = self.service.data_dir
        names = ["ldplayerd.db", "ldplayerd.lock", "ldplayerd.db.restore", "new.db",
                 os.path.join("..", os.path.basename(data_dir), "ldplayerd.db")]
        for name in names:
            with self.subTest(name=name):
                target = os.path.join(data_dir, name)
                before = os.path.exists(target)
                done = self.run_command("backup", target, "--force", expect=1)
                self.assertIn("choose another folder", done.stderr)
                self.assertEqual(os.path.exists(target), before)
        self.labels(1)
        self.service.restart()
        self.assertEqual(self.client.get("/api/operations").json["total"], 1, "all is still there")

    def test_without_a_service_the_same(self):
        self.labels(1)
        self.service.stop()
        self.run_command("backup", "a.db")
        self.assertEqual(self.rows("a.db"), [(1,)])
        self.service.start()

    def test_a_place_that_is_none_is_named(self):
        done = self.run_command("backup", os.path.join("nowhere", "a.db"), expect=1)
        self.assertIn("nowhere", done.stderr)
        os.mkdir(self.path("folder"))
        done = self.run_command("backup", "folder", "--force", expect=1)
        self.assertIn("folder is a folder; name a file", done.stderr)
        self.assertEqual(os.listdir(self.path("folder")), [])
        self.assertEqual(self.client.get("/api/backups").json["total"], 0)

    @unittest.skipIf(IS_WINDOWS, "has no FIFO in a folder")
    def test_what_is_no_plain_file_is_refused_and_not_waited_for(self):
        os.mkfifo(self.path("fifo"))
        for running in (True, False):
            if not running:
                self.service.stop()
            for name in ("fifo", "/dev/null"):
                done = self.run_command("backup", name, "--force", expect=1)
                self.assertIn(f"{name} is no plain file", done.stderr)
                done = self.run_command("restore", name, expect=1)
                self.assertIn(f"{name}: it is no plain file", done.stderr)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("fifo")).st_mode))
        self.service.start()

    def test_of_a_database_that_cannot_be_copied_the_database_is_named(self):
        """What somebody has put into the database of a running service, or broken in it."""
        with sqlite3.connect(self.database) as db:
            db.execute("CREATE VIEW mine AS SELECT 1")
        db.close()
        answer = self.client.request("POST", "/api/backups")
        self.assert_problem(answer, 503, "BACKUP_FAILED")
        self.assertIn("ldplayerd.db: its view mine is not as schema", answer.json["detail"])
        done = self.run_command("backup", "a.db", expect=1)
        self.assertIn("ldplayerd.db: its view mine is not", done.stderr)
        self.service.stop()
        done = self.run_command("backup", "a.db", expect=1)
        self.assertIn("ldplayerd.db: its view mine is not", done.stderr)
        with sqlite3.connect(self.database) as db:
            db.execute("DROP VIEW mine")
        db.close()
        self.run_command("backup", "a.db")
        self.service.start()

    def test_over_the_api(self):
        self.service.wait_until_observed(self.client)
        made = self.client.post("/api/backups", expect=201).json
        self.assertRegex(made["name"], r"^ldplayerd-\d{8}T\d{6}Z\.db$")
        self.assertEqual(made["rows"]["instances"], 2)
        (listed,) = self.client.get("/api/backups").json["items"]
        self.assertEqual({**listed, "rows": made["rows"]}, made)
        health = self.client.get("/api/health").json["checks"]["backup"]
        self.assertEqual((health["status"], health["newest_at"]), ("ok", made["created_at"]))
        told = self.client.told("service.backup_made")[-1]["data"]
        self.assertEqual(told, {"name": made["name"], "bytes": made["bytes"]})
        for name in ("nobody", "..%2Fldplayerd.db", made["name"] + ".db", "ldplayerd.lock"):
            answer = self.client.request("DELETE", f"/api/backups/{name}")
            self.assert_problem(answer, 404, "BACKUP_NOT_FOUND")
        self.client.delete(f"/api/backups/{made['name']}", 204)
        self.assertEqual(self.client.get("/api/backups").json["total"], 0)
        for role in ("viewer", "operator"):
            for method, path in (("GET", "/api/backups"), ("POST", "/api/backups"),
                                 ("POST", "/api/restore")):
                self.assertEqual(self.service.client(role).request(method, path).status, 403)

    def test_a_folder_that_cannot_be_had_is_told(self):
        with open(os.path.join(self.service.data_dir, "backups"), "w", encoding="utf-8"):
            pass
        answer = self.client.request("POST", "/api/backups")
        self.assert_problem(answer, 503, "BACKUP_FAILED")
        told = self.client.told("service.backup_failed")[-1]["data"]
        self.assertIn("backups", told["reason"])
        check = self.client.get("/api/health").json["checks"]["backup"]
        self.assertEqual((check["status"], check["newest_at"], check["age_s"]),
                         ("degraded", None, None))
        self.assertIn("backups", check["detail"])
        os.remove(os.path.join(self.service.data_dir, "backups"))
        self.client.post("/api/backups", expect=201)
        self.assertEqual(self.client.get("/api/health").json["checks"]["backup"]["status"], "ok")

    def test_backups_that_are_asked_for_together_are_made_or_refused(self):
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(
            self.client.request("POST", "/api/backups").status)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(set(statuses) - {201, 409}, set())
        self.assertEqual(self.client.get("/api/backups").json["total"], statuses.count(201))


    def test_it_goes_with_the_data(self):
        self.client.post("/api/backups", expect=201)
        self.run_command("backup", "a.db")
        self.service.stop()
        self.run_command("restore", "a.db")
        done = run_service_command("data", "remove", "--data-dir",
                                   path_for_program(self.service.data_dir))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertFalse(os.path.exists(self.service.data_dir))
        os.mkdir(self.service.data_dir)
        self.service.start()


class Restore(BackupCase):
    def test_what_was_there_is_there_again(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
        token = self.service.create_token("later", "viewer")
        last = self.client.told_so_far()[-1]["seq"]
        done = self.run_command("restore", "a.db")
        self.assertRegex(done.stdout, r"a\.db is restored: \d+ bytes, schema \d+, 0 open ")
        restored = self.client.get("/api/info").json["restored"]
        self.assertIn(f"kept as {restored['kept']}.\n", done.stdout)
        self.assertEqual(self.label(), "old")
        self.assertEqual(self.client.request(
            "GET", "/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status, 401)
        (kept,) = self.kept("replaced")
        with sqlite3.connect(f"file:{kept}?mode=ro", uri=True) as db:
            self.assertIn(("later",), db.execute("SELECT name FROM tokens").fetchall())
        db.close()
        # Numbers of events go on above all that the former database told of.
        with self.client.events(since=last) as stream:
            seen = stream.until(lambda e: e["type"] == "service.database_restored")
        self.assertEqual(seen[0]["type"], "gap")
        self.assertEqual(seen[-1]["data"], restored)
        self.assertEqual({"file": "a.db", "interrupted": 0,
                          "staged": restored["staged"], "kept": restored["kept"]}, restored)
        self.assertEqual(os.path.basename(restored["kept"].replace("\\", "/")),
                         os.path.basename(kept))
        self.assertGreater(seen[-1]["seq"], last)
        self.assertIn(os.path.basename(kept), self.service.log())
        self.service.restart()
        self.assertEqual(self.label(), "old")
        self.assertNotIn("restored", self.client.get("/api/info").json)
        with self.client.events(since=seen[-1]["seq"]) as stream:
            again = stream.until(lambda e: e["type"] == "service.started")
        self.assertNotIn("service.database_restored", [e["type"] for e in again])

    def test_without_a_service_the_same(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
        self.service.stop()
        done = self.run_command("restore", "a.db")
        self.assertIn(os.path.basename(self.kept("replaced")[0]), done.stdout)
        self.service.start()
        self.assertEqual(self.label(), "old")
        with self.client.events(since=0) as stream:
            stream.until(lambda e: e["type"] == "service.database_restored")

    def test_what_had_not_ended_is_interrupted_and_not_done_again(self):
        self.simulator.set(**{"hang.launch": 1})
        operation = self.client.post("/api/instances/0/start").json
        batch = self.client.post("/api/instances/batch",
                                 {"action": "start", "select": {"all": True}}).json
        wait_for(lambda: self.simulator.count("launch"), "the launch")
        self.run_command("backup", "a.db")
        self.service.kill()
        self.simulator.set(**{"hang.launch": 0})
        launches = self.simulator.count("launch")
        self.run_command("restore", "a.db")
        self.service.start()
        self.service.wait_until_observed(self.client)
        ended = self.client.operation(operation["id"])
        self.assertEqual(ended["status"], "interrupted")
        self.assertIn("restored from a backup", ended["error"]["detail"])
        ended = self.client.operation(batch["id"])
        self.assertEqual(ended["status"], "interrupted")
        self.assertEqual(ended["result"], {"total": 2, "succeeded": 0, "not_succeeded": 2})
        for child in ended["children"]:
            self.assertEqual(child["status"], "interrupted")
        self.assertEqual(self.simulator.count("launch"), launches)
        with self.client.events(since=0) as stream:
            told = stream.until(lambda e: e["type"] == "service.database_restored")[-1]
        self.assertEqual(told["data"]["interrupted"], 4)

    def make_foreign(self, name, *statements):
        with sqlite3.connect(self.path(name)) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    def test_what_is_no_backup_is_refused(self):
        with open(self.path("garbage"), "wb") as file:
            file.write(b"no database at all " * 1000)
        with open(self.path("empty"), "wb"):
            pass
        self.make_foreign("foreign", "CREATE TABLE t (x)", "PRAGMA user_version = 2")
        for name, statement in (
                ("trigger", "CREATE TRIGGER evil AFTER INSERT ON events"
                            " BEGIN DELETE FROM tokens; END"),
                ("view", "CREATE VIEW evil AS SELECT * FROM tokens"),
                ("table", "CREATE TABLE evil (x)"),
                ("older", "PRAGMA user_version = 2")):
            self.run_command("backup", name)
            self.make_foreign(name, statement)
        self.run_command("backup", "newer")
        self.make_foreign("newer", "PRAGMA user_version = 9999")
        self.run_command("backup", "torn")
        with open(self.path("torn"), "r+b") as file:
            file.seek(0, os.SEEK_END)
            half = file.tell() // 2
            file.seek(half)
            file.write(os.urandom(half))
        cases = {
            "garbage": "no database",
            "empty": "another program",
            "foreign": "another program",
            "newer": "newer ldplayerd",
            "trigger": "its trigger evil is not as schema",
            "view": "its view evil is not as schema",
            "table": "its table evil is not as schema",
            "older": "as schema 2 has it",
            "torn": "damaged",
            "nowhere": "no such file",
        }
        for running in (True, False):
            if not running:
                self.service.stop()
            for name, word in cases.items():
                done = self.run_command("restore", name, expect=1)
                self.assertIn(word, done.stderr)
                self.assertIn(name, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
            self.assertEqual(glob.glob(self.database + ".re*"), [])
        self.service.start()

    def stage(self, name):
        """What a command leaves that is killed before it asks for the restore. Returns the id."""
        staged = str(uuid.uuid4())
        path = f"{self.database}.staged-{staged}"
        shutil.copy(self.path(name), path)
        note = {"staged": staged, "file": name, "interrupted": 0}
        with sqlite3.connect(path) as db:
            db.execute("INSERT OR REPLACE INTO preferences VALUES ('restored', ?)",
                       (json.dumps(note),))
        db.close()
        return staged

    def test_what_nobody_asked_for_takes_no_place(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
        staged = self.stage("a.db")
        with open(self.database + ".staged-half", "wb") as file:
            file.write(b"not whole")
        self.service.kill()
        self.service.start()
        self.assertEqual(self.label(), "new")
        self.assertEqual(glob.glob(self.database + ".staged-*"), [])
        answer = self.client.request("POST", "/api/restore", {"staged": staged})
        self.assert_problem(answer, 409, "RESTORE_NOT_STAGED")
        self.stage("a.db")
        self.service.stop()
        self.assertEqual(run_service_command(
            "token", "list", "--data-dir", path_for_program(self.service.data_dir)).returncode, 0)
        self.assertEqual(glob.glob(self.database + ".staged-*"), [])
        self.service.start()
        self.assertEqual(self.label(), "new")

    def test_what_is_staged_is_restored_over_the_api(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
        staged = self.stage("a.db")
        self.assertEqual(self.client.post("/api/restore", {"staged": staged}, expect=202).json,
                         {"status": "restarting"})
        wait_for(lambda: len(self.kept("replaced")) == 1, "the restart")
        wait_for(self.answers, "the service to listen again")
        self.assertEqual(self.client.get("/api/info").json["restored"]["staged"], staged)
        self.assertEqual(self.label(), "old")

    def test_one_is_restored_at_a_time(self):
        self.run_command("backup", "a.db")
        staged = self.stage("a.db")
        with open(self.database + ".restore", "wb") as file:
            file.write(b"another")
        answer = self.client.request("POST", "/api/restore", {"staged": staged})
        self.assert_problem(answer, 409, "RESTORE_UNDER_WAY")
        self.assertIn("ldplayerd.db.restore", answer.json["detail"])
        done = self.run_command("restore", "a.db", expect=1)
        self.assertIn("another restore is under way", done.stderr)
        self.assertEqual(len(glob.glob(self.database + ".staged-*")), 1, "the command cleans up")
        # What is no database does not take the place of one.
        self.service.restart()
        self.assertIn("is not restored, because it is damaged", self.service.log())
        self.assertEqual(self.kept("replaced"), [])
        os.remove(self.database + ".restore")

    def test_of_restores_at_once_each_that_says_so_took_place(self):
        self.run_command("backup", "a.db")
        for _ in range(3):
            before = len(self.kept("replaced"))
            processes = [subprocess.Popen(
                [*WRAPPER, SERVICE, *self.arguments("restore", "a.db")], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env=clean_environment()) for _ in range(3)]
            outputs = [process.communicate() for process in processes]
            # Wine ends a program with 0 now and then that has not begun.
            said = [out for (out, _), process in zip(outputs, processes)
                    if process.returncode == 0 and (out or not WRAPPER)]
            places = re.findall(r"is kept as (.+)\.\n", "".join(said))
            self.assertEqual(len(places), len(said), outputs)
            self.assertTrue(places, outputs)
            self.assertEqual(len(set(places)), len(places), outputs)
            self.assertGreaterEqual(len(self.kept("replaced")) - before, len(places))
            wait_for(self.answers, "the service to listen again")
            for (_, err), process in zip(outputs, processes):
                # One that gets the lock while the service restarts finishes what is armed first.
                is_good = err == "" or "a restore that was cut off is finished" in err
                self.assertEqual(is_good, process.returncode == 0, err)
            self.assertEqual(glob.glob(self.database + ".staged-*"), [])

    def test_a_restore_that_was_cut_off_is_finished_by_the_next_command(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
        staged = self.stage("a.db")
        self.service.stop()
        os.rename(f"{self.database}.staged-{staged}", self.database + ".restore")
        done = run_service_command("token", "list", "--data-dir",
                                   path_for_program(self.service.data_dir))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(os.path.basename(self.kept("replaced")[0]), done.stderr)
        self.service.start()
        self.assertEqual(self.label(), "old")

    def test_the_numbers_of_events_go_on_when_the_clock_was_ahead(self):
        self.run_command("backup", "a.db")
        self.service.stop()
        ahead = 4 * 10 ** 15  # of the year 2096
        with sqlite3.connect(self.database) as db:
            db.execute("INSERT OR REPLACE INTO preferences VALUES ('events.floor', ?)",
                       (str(ahead),))
        db.close()
        self.service.start()
        last = self.client.told_so_far()[-1]["seq"]
        self.assertGreater(last, ahead)
        self.run_command("restore", "a.db")
        with self.client.events(since=last) as stream:
            seen = stream.until(lambda e: e["type"] == "service.database_restored")
        self.assertEqual(seen[0]["type"], "gap")
        self.assertGreater(seen[-1]["seq"], last)

    def answers(self):
        try:
            return self.client.get("/livez")
        except OSError:
            return None

    def test_nothing_is_restored_that_is_not_there(self):
        answer = self.client.request("POST", "/api/restore", {"staged": str(uuid.uuid4())})
        self.assert_problem(answer, 409, "RESTORE_NOT_STAGED")
        for body in (None, {}, {"staged": "../x"}, {"staged": None}, {"staged": 1},
                     {"staged": str(uuid.uuid4()).upper()}, {"staged": str(uuid.uuid4()), "x": 1}):
            answer = self.client.request("POST", "/api/restore", body)
            self.assert_problem(answer, 422, "VALIDATION_FAILED")

    @unittest.skipIf(IS_WINDOWS, "owners of this system are not those of the other")
    @unittest.skipIf(not IS_WINDOWS and os.geteuid() != 0, "needs to give a file away")
    def test_a_file_of_somebody_else_is_not_believed(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
        staged = self.stage("a.db")
        path = f"{self.database}.staged-{staged}"
        os.chown(path, 12345, 12345)
        answer = self.client.request("POST", "/api/restore", {"staged": staged})
        self.assert_problem(answer, 409, "RESTORE_NOT_STAGED")
        self.assertIn("does not belong to the owner", answer.json["detail"])
        staged = self.database + ".restore"
        os.rename(path, staged)
        self.service.restart()
        self.assertEqual(self.label(), "new")
        self.assertIn("does not belong to the owner", self.service.log())
        os.remove(staged)


class Killed(BackupCase):
    """Whoever is killed when: there is a whole database, the one before or the one after."""

    def setUp(self):
        self.random = random.Random(int(os.environ.get("LDP_SEED", 7)))
        super().setUp()

    def begin(self, verb, name, *args):
        return subprocess.Popen(
            [*WRAPPER, SERVICE, *self.arguments(verb, name, *args)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )

    def end_within(self, process, seconds):
        """Whether it ended by itself; killed else."""
        try:
            process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False

    def write_until(self, stop):
        n = 0
        while not stop.is_set():
            n += 1
            self.client.request("PATCH", "/api/instances/1", {"labels": {"n": str(n)}})

    def test_a_backup_under_load_is_of_one_moment(self):
        stop = threading.Event()
        writer = threading.Thread(target=self.write_until, args=(stop,))
        writer.start()
        try:
            for i in range(ROUNDS):
                self.run_command("backup", f"{i}.db")
        finally:
            stop.set()
            writer.join()
        for i in range(ROUNDS):
            name = f"{i}.db"
            self.assertEqual(self.rows(name, "PRAGMA integrity_check"), [("ok",)])
            # An operation and the event of its acceptance are not one write, but in this order.
            ids = {row[0] for row in self.rows(name, "SELECT id FROM operations")}
            told = {row[0] for row in self.rows(
                name, "SELECT json_extract(json, '$.data.id') FROM events"
                      " WHERE type = 'operation.queued'")}
            self.assertLessEqual(told, ids)
        self.labels("after")
        before = self.rows(f"{ROUNDS - 1}.db", "SELECT count(*) FROM operations")
        self.run_command("restore", f"{ROUNDS - 1}.db")
        self.assertEqual([(self.client.get("/api/operations?limit=1").json["total"],)], before)

    def test_a_backup_that_is_killed_leaves_no_half_file(self):
        for i in range(ROUNDS):
            process = self.begin("backup", f"{i}.db")
            self.end_within(process, self.random.random() * 0.3)
            if os.path.exists(self.path(f"{i}.db")):
                self.assertEqual(self.rows(f"{i}.db", "PRAGMA integrity_check"), [("ok",)])
        self.run_command("backup", "whole.db")
        self.labels(1)

    def test_a_service_that_is_killed_leaves_no_half_backup(self):
        for _ in range(ROUNDS):
            process = self.begin("backup", "a.db", "--force")
            self.end_within(process, self.random.random() * 0.2)
            self.service.kill()
            self.service.start()
            for item in self.client.get("/api/backups").json["items"]:
                path = os.path.join(self.service.data_dir, "backups", item["name"])
                with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                    self.assertEqual(db.execute("PRAGMA integrity_check").fetchone(), ("ok",))
                db.close()

    def test_a_restore_that_is_killed_is_done_or_not_begun(self):
        self.labels("old")
        self.run_command("backup", "a.db")
        for i in range(ROUNDS):
            self.labels(f"new{i}")
            process = self.begin("restore", "a.db")
            self.end_within(process, self.random.random() * 0.6)
            if self.random.random() < 0.5:
                self.service.kill()
                self.service.start()
            # A staged one takes its place at the next start, and a request may be under way.
            self.service.restart()
            self.assertIn(self.label(), ("old", f"new{i}"))
            self.assertFalse(os.path.exists(self.database + ".restore"))
        self.assertEqual(self.kept("damaged"), [])


if __name__ == "__main__":
    unittest.main()
