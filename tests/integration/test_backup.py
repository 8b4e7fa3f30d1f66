# SPDX-License-Identifier: MIT
"""Backups of the service's own database, and killing everybody in the middle of one or a restore."""
import glob
import os
import random
import sqlite3
import stat
import subprocess
import threading
import unittest

from support import IS_WINDOWS, run_service_command
from support.backup import BackupCase
from support.programs import SERVICE, WRAPPER, clean_environment, path_for_program

ROUNDS = int(os.environ.get("LDP_CRASH_ROUNDS", 6))


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

    def test_what_another_database_left_beside_the_name_is_in_the_way(self):
        """SQLite would read it as a part of the backup."""
        self.run_command("backup", "a.db")
        for running in (True, False):
            if not running:
                self.service.stop()
            for name in ("a.db-wal", "a.db-shm", "a.db-journal", "new.db-wal"):
                with open(self.path(name), "wb"):
                    pass
                before = sorted(os.listdir(self.directory))
                done = self.run_command("backup", name.split("-")[0], "--force", expect=1)
                self.assertIn(f"{name} is there, of another database", done.stderr)
                self.assertEqual(sorted(os.listdir(self.directory)), before)
                os.remove(self.path(name))
        self.run_command("backup", "a.db", "--force")
        self.service.start()

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

    def test_commands_wait_for_each_other(self):
        commands = [subprocess.Popen(
            [*WRAPPER, SERVICE, *self.arguments("backup", f"{i}.db")], env=clean_environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for i in range(6)]
        for command in commands:
            said = command.communicate()
            self.assertEqual((command.returncode, said[1]), (0, ""), said)

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
