# SPDX-License-Identifier: MIT
"""Restoring the service's own database, with the service and without."""
import glob
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import unittest
import uuid

from support import IS_WINDOWS, run_service_command, wait_for
from support.backup import BackupCase
from support.programs import SERVICE, WRAPPER, clean_environment, path_for_program


class Restore(BackupCase):
    def test_what_was_there_is_there_again(self):
        self.back_up_and_change()
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
        self.assertEqual({"file": "a.db", "interrupted": 0, "at": restored["at"],
                          "staged": restored["staged"], "kept": restored["kept"]}, restored)
        self.assertEqual(os.path.basename(restored["kept"].replace("\\", "/")),
                         os.path.basename(kept))
        self.assertGreater(seen[-1]["seq"], last)
        self.assertIn(os.path.basename(kept), self.service.log())
        self.service.restart()
        self.assertEqual(self.label(), "old")
        self.assertEqual(self.client.get("/api/info").json["restored"], restored)
        with self.client.events(since=seen[-1]["seq"]) as stream:
            again = stream.until(lambda e: e["type"] == "service.started")
        self.assertNotIn("service.database_restored", [e["type"] for e in again])

    def test_without_a_service_the_same(self):
        self.back_up_and_change()
        self.service.stop()
        done = self.run_command("restore", "a.db")
        self.assertIn(os.path.basename(self.kept("replaced")[0]), done.stdout)
        self.service.start()
        self.assertEqual(self.label(), "old")
        with self.client.events(since=0) as stream:
            stream.until(lambda e: e["type"] == "service.database_restored")

    def revoke(self, name):
        done = run_service_command("token", "revoke", name, "--data-dir",
                                   path_for_program(self.service.data_dir))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_tokens_that_were_revoked_since_are_named(self):
        for name in ("revoked", "kept"):
            self.service.create_token(name, "admin")
        self.run_command("backup", "a.db")
        self.revoke("revoked")
        for is_running in (True, False):
            if not is_running:
                self.revoke("revoked")
                self.service.stop()
            done = self.run_command("restore", "a.db")
            sentence, = [line for line in done.stderr.splitlines() if "live again: revoked." in line]
            if not is_running:
                self.service.start()
            restored = self.client.get("/api/info").json["restored"]
            self.assertIn(restored["live_again"], sentence)
            told = [e["data"] for e in self.client.told_so_far()
                    if e["type"] == "service.database_restored"]
            self.assertEqual(told[-1], restored)

    def test_what_got_the_index_of_another_one_since_is_not_taken_for_it(self):
        self.simulator.set(**{"ms.add_disk": 50000})
        self.client.run("POST", "/api/instances", {"name": "X", "labels": {"of": "X"}})
        self.run_command("backup", "a.db")
        former = self.client.get("/api/instances/name:X").json
        self.client.run("DELETE", "/api/instances/name:X")
        self.client.run("POST", "/api/instances", {"name": "Y"})
        self.run_command("restore", "a.db")
        self.service.wait_until_observed(self.client)
        wait_for(lambda: self.client.request("GET", "/api/instances/name:Y").status == 200, "Y")
        other = self.client.get("/api/instances/name:Y").json
        self.assertEqual(other["index"], former["index"])
        self.assertNotEqual(other["id"], former["id"])
        self.assertEqual(other["labels"], {})

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

    def test_a_journal_of_another_database_does_not_touch_what_is_restored(self):
        self.back_up_and_change()
        with sqlite3.connect(self.path("other.db"), isolation_level=None) as db:
            db.execute("CREATE TABLE t (x)")
            db.executemany("INSERT INTO t VALUES (zeroblob(?))", [(3000,)] * 50)
            db.execute("PRAGMA cache_size = 1")
            db.execute("BEGIN")
            db.execute("UPDATE t SET x = randomblob(3000)")
            shutil.copy(self.path("other.db-journal"), self.path("journal"))
            db.execute("ROLLBACK")
        db.close()
        self.labels("newer")
        for present in (True, False):
            self.service.stop()
            shutil.copy(self.path("journal"), self.database + "-journal")
            if not present:
                os.remove(self.database)
            self.run_command("restore", "a.db")
            self.service.start()
            self.assertEqual(self.label(), "old")
            self.assertEqual(self.client.get("/api/operations").json["total"], 1)
        (kept,) = self.kept("replaced")
        with sqlite3.connect(f"file:{kept}?mode=ro", uri=True) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM operations").fetchone(), (3,))
        db.close()
        self.assertEqual(len(glob.glob(self.database + ".damaged-*-journal")), 2)

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
        self.run_command("backup", "format")
        self.make_foreign("format", "PRAGMA page_size = 8192", "VACUUM")
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
            "empty": "it is empty",
            "foreign": "another program",
            "newer": "newer ldplayerd",
            "trigger": "its trigger evil is not as schema",
            "view": "its view evil is not as schema",
            "table": "its table evil is not as schema",
            "older": "as schema 2 has it",
            "format": "its format is none of ours",
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
        self.back_up_and_change()
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
        self.back_up_and_change()
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
            for _, err in outputs:
                self.assertNotIn("no such file", err)
                self.assertLessEqual(err.count("is not restored"), 1, "said once")

    def hold(self):
        """A client that keeps a service from ending: a request that does not come to its end."""
        self.service.restart(drain_ms=60000)
        held = socket.create_connection(("127.0.0.1", self.service.port))
        self.addCleanup(held.close)
        held.sendall(f"POST /api/instances/0/start HTTP/1.1\r\nHost: localhost\r\n"
                     f"Authorization: Bearer {self.client.token}\r\n"
                     "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{".encode())
        return held

    def begin_restore(self):
        """The command, when the service has taken the restore over and is about to end."""
        process = subprocess.Popen(
            [*WRAPPER, SERVICE, *self.arguments("restore", "a.db")], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment())
        wait_for(lambda: os.path.exists(self.database + ".restore"), "the arming")
        return process

    def test_of_a_service_that_is_killed_the_command_finishes_the_restore(self):
        self.back_up_and_change()
        self.hold()
        process = self.begin_restore()
        self.service.kill()
        out, err = process.communicate()
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertIn("a.db is restored", out)
        self.assertIn("The service has ended meanwhile", out)
        self.assertIn(f"is kept as {self.kept('replaced')[0]}.", out.replace("Z:", "").replace(
            "\\", "/"))
        self.service.start()
        self.assertEqual(self.label(), "old")

    def test_of_a_service_that_is_killed_and_started_again_the_same(self):
        self.back_up_and_change()
        self.hold()
        process = self.begin_restore()
        self.service.kill()
        self.service.start()
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, err)
        self.assertIn("a.db is restored", out)
        self.assertEqual(self.label(), "old")

    @unittest.skipIf(IS_WINDOWS, "stops a process by a signal")
    def test_that_it_took_place_is_known_after_further_starts(self):
        self.back_up_and_change()
        held = self.hold()
        process = self.begin_restore()
        process.send_signal(signal.SIGSTOP)
        held.close()
        wait_for(lambda: self.kept("replaced"), "the restore")
        wait_for(self.answers, "the service to listen again")
        self.service.restart()
        self.service.restart()
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate()
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertIn("a.db is restored", out)
        told = [e["type"] for e in self.client.told_so_far()]
        self.assertEqual(told.count("service.database_restored"), 1)

    @unittest.skipIf(IS_WINDOWS, "stops a process by a signal")
    def test_one_that_never_came_about_is_not_blamed_on_another(self):
        """A start of the service cleared it away, or somebody called it off."""
        for restored_before in (False, True):
            if restored_before:
                self.run_command("restore", "a.db")
                os.remove(self.path("a.db"))
            self.back_up_and_change()
            self.hold()
            process = self.begin_restore()
            process.send_signal(signal.SIGSTOP)  # it would finish the restore itself
            self.service.kill()
            os.remove(self.database + ".restore")
            self.service.start()
            process.send_signal(signal.SIGCONT)
            _, err = process.communicate()
            self.assertEqual(process.returncode, 1)
            self.assertIn("what was made ready for it is not there any more", err)
            self.assertIn("run the command again", err)
            self.assertEqual(self.label(), "new")

    def test_a_restore_that_was_cut_off_is_finished_by_the_next_command(self):
        self.back_up_and_change()
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
        self.back_up_and_change()
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


if __name__ == "__main__":
    unittest.main()
