# SPDX-License-Identifier: MIT
"""The database is not there, or what should be beside it is not what it should be."""
import glob
import os
import shutil
import unittest

from support import IS_WINDOWS, run_service_command
from support.backup import BackupCase
from support.programs import path_for_program


class Missing(BackupCase):
    """Deleted by somebody, while there are copies of it."""

    def lose(self):
        """Returns the path of the one copy of it that there is."""
        self.labels("old")
        made = self.client.post("/api/backups", expect=201).json
        self.service.stop()
        os.remove(self.database)
        return made["path"]

    def check(self):
        return self.client.get("/api/health").json["checks"].get("missing")

    def test_it_is_told_at_each_start_until_a_copy_is_restored(self):
        copy = self.lose()
        # What the copies are of has the tokens as well.
        self.service.tokens["admin"] = self.service.create_token("anew", "admin")
        self.client = self.service.client()
        for _ in range(2):
            self.service.start()
            self.service.wait_until_observed(self.client)
            health = self.client.get("/api/health").json
            check = health["checks"]["missing"]
            self.assertEqual((health["status"], check["status"]), ("degraded", "degraded"))
            self.assertEqual(check["copies"], [copy])
            self.assertIn(f"ldplayerd restore {copy}", check["detail"])
            self.assertIn(check["detail"], self.service.log())
            told = [e for e in self.client.told_so_far()
                    if e["type"] == "service.database_missing"][-1]
            self.assertEqual(told["data"], {"at": check["at"], "copies": [copy]})
            self.service.stop()
        self.service.start()
        done = run_service_command("restore", copy, "--data-dir",
                                   path_for_program(self.service.data_dir))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.client = self.former_client
        self.assertEqual(self.label(), "old")
        self.assertIsNone(self.check())

    def setUp(self):
        super().setUp()
        self.former_client = self.client

    def test_one_of_which_nothing_was_left_is_told_in_the_same_way(self):
        copy = self.client.post("/api/backups", expect=201).json["path"]
        self.service.kill()
        with open(self.database, "wb"):
            pass
        os.remove(self.database + "-wal")
        self.service.tokens["admin"] = self.service.create_token("anew", "admin")
        self.client = self.service.client()
        for _ in range(2):
            self.service.start()
            self.assertEqual(self.check()["copies"], [copy])
            self.assertEqual(len(self.kept("damaged")), 1)
            self.service.stop()
        self.service.start()
        self.client.delete("/api/backups/" + os.path.basename(copy.replace("\\", "/")), 204)
        self.assertIsNone(self.check())

    def test_who_wants_an_empty_one_removes_the_copies(self):
        copy = self.lose()
        self.service.tokens["admin"] = self.service.create_token("anew", "admin")
        self.client = self.service.client()
        self.service.start()
        self.assertIsNotNone(self.check())
        self.client.delete("/api/backups/" + os.path.basename(copy.replace("\\", "/")), 204)
        self.assertIsNone(self.check())
        self.service.restart()
        self.assertIsNone(self.check())

    def test_commands_say_which_copy_there_is(self):
        copy = self.lose()
        for args in (("token", "list"), ("token", "revoke", "x"), ("backup", self.path("a.db"))):
            done = run_service_command(*args, "--data-dir",
                                       path_for_program(self.service.data_dir))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"ldplayerd restore {copy}", done.stderr)
            self.assertFalse(os.path.exists(self.database))
        done = run_service_command("restore", copy, "--data-dir",
                                   path_for_program(self.service.data_dir))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.service.start()
        self.assertEqual(self.label(), "old")
        self.assertIsNone(self.check())

    def test_commands_say_that_the_log_alone_is_there_and_a_start_saves_it(self):
        self.labels("new")
        self.service.kill()
        os.remove(self.database)
        for args in (("token", "list"), ("token", "revoke", "x"), ("backup", self.path("a.db"))):
            done = run_service_command(*args, "--data-dir",
                                       path_for_program(self.service.data_dir))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("ldplayerd.db-wal is there: start the service", done.stderr)
        self.service.start()
        self.assertEqual(self.label(), "new")

    def test_a_token_that_is_made_anew_says_so_and_changes_nothing_of_it(self):
        copy = self.lose()
        done = run_service_command("token", "create", "--name", "x", "--role", "admin",
                                   "--data-dir", path_for_program(self.service.data_dir))
        self.assertEqual(done.returncode, 0)
        self.assertIn(f"ldplayerd restore {copy}", done.stderr)
        self.service.tokens["admin"] = done.stdout.strip()
        self.client = self.service.client()
        self.service.start()
        self.assertEqual(self.check()["copies"], [copy])

    def test_a_good_file_is_not_replaced_by_a_copy_of_the_new_one(self):
        self.run_command("backup", "a.db")
        copy = self.lose()
        self.service.tokens["admin"] = self.service.create_token("anew", "admin")
        for is_running in (False, True):
            if is_running:
                self.service.start()
            done = self.run_command("backup", "a.db", "--force", expect=1)
            self.assertIn("a.db is not replaced", done.stderr)
            self.assertIn(f"ldplayerd restore {copy}", done.stderr)
            self.assertEqual(self.rows("a.db", "SELECT name FROM tokens"), [("test-admin",)])
            done = self.run_command("backup", "b.db")
            self.assertIn(f"ldplayerd restore {copy}", done.stderr)
            self.assertEqual(self.rows("b.db", "SELECT name FROM tokens"), [("anew",)])
            os.remove(self.path("b.db"))
            self.assertEqual(glob.glob(self.path("*.tmp")), [])

    def test_a_first_start_is_no_loss(self):
        self.assertIsNone(self.check())


class Strange(BackupCase):
    """What stands in the place of the database, or has the name of a copy."""

    def command(self, *args):
        return run_service_command(*args, "--data-dir", path_for_program(self.service.data_dir))

    def test_a_folder_or_what_is_no_plain_file_is_refused(self):
        self.service.stop()
        os.rename(self.database, self.database + ".mine")
        for make in (os.mkdir, *([] if IS_WINDOWS else [os.mkfifo])):
            make(self.database)
            for args in (("token", "list"), ("token", "create", "--name", "x", "--role", "viewer"),
                         ("serve",)):
                done = self.command(*args)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("move it away", done.stderr)
            (os.rmdir if make is os.mkdir else os.remove)(self.database)
        os.rename(self.database + ".mine", self.database)
        self.service.start()

    @unittest.skipIf(IS_WINDOWS, "there are no FIFOs")
    def test_a_fifo_beside_it_is_refused_and_not_waited_for(self):
        self.run_command("backup", "a.db")
        self.service.stop()
        for suffix in ("-wal", "-shm", "-journal"):
            os.mkfifo(self.database + suffix)
            for args in (("token", "list"), ("token", "create", "--name", "x", "--role", "viewer"),
                         ("serve",), ("backup", self.path("b.db")), ("restore", self.path("a.db"))):
                done = self.command(*args)
                self.assertEqual((done.returncode, done.stdout), (1, ""), (suffix, args))
                self.assertIn("move it away", done.stderr)
            os.remove(self.database + suffix)
        self.service.start()
        self.assertEqual(self.kept("replaced") + self.kept("damaged"), [])

    @unittest.skipIf(IS_WINDOWS, "for links of files one needs a privilege there")
    def test_a_link_in_its_place_is_refused(self):
        self.run_command("backup", "a.db")
        self.service.stop()
        os.rename(self.database, self.path("big.db"))
        os.symlink(self.path("big.db"), self.database)
        for args in (("token", "list"), ("token", "create", "--name", "x", "--role", "viewer"),
                     ("serve",), ("backup", self.path("b.db")), ("restore", self.path("a.db"))):
            done = self.command(*args)
            self.assertEqual((done.returncode, done.stdout), (1, ""), args)
            self.assertIn("is a link", done.stderr)
        self.assertTrue(os.path.islink(self.database))
        os.replace(self.path("big.db"), self.database)
        self.service.start()
        self.assertEqual(self.kept("replaced") + self.kept("damaged"), [])

    def test_a_copy_of_the_future_and_what_is_no_copy_count_for_nothing(self):
        made = self.client.post("/api/backups", expect=201).json
        folder = os.path.join(self.service.data_dir, "backups")
        shutil.copy(os.path.join(folder, made["name"]),
                    os.path.join(folder, "ldplayerd-20991231T000000Z.db"))
        with open(os.path.join(folder, "ldplayerd-20991231T000001Z.db"), "wb") as file:
            file.write(b"no database " * 100)
        self.service.restart()
        names = [item["name"] for item in self.client.get("/api/backups").json["items"]]
        self.assertEqual(names, ["ldplayerd-20991231T000000Z.db", made["name"]])
        check = self.client.get("/api/health").json["checks"]["backup"]
        self.assertEqual((check["status"], check["newest_at"]), ("ok", made["created_at"]))


class Elsewhere(BackupCase):
    """A folder that is there and has nothing of ldplayerd in it: a name was mistyped."""

    def test_nothing_is_made_in_it(self):
        self.run_command("backup", "a.db")
        file = path_for_program(self.path("a.db"))
        folder = self.path("family")
        os.mkdir(folder)
        with open(os.path.join(folder, "family.jpg"), "w", encoding="utf-8"):
            pass
        for args in (("token", "list"), ("token", "revoke", "x"), ("restore", file),
                     ("backup", file + ".new"),
                     ("token", "create", "--name", "x", "--role", "viewer")):
            done = run_service_command(*args, "--data-dir", path_for_program(folder))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("--data-dir", done.stderr)
            self.assertEqual(os.listdir(folder), ["family.jpg"])
        # One that was made for it may have a copy put into it, before anything was started there.
        done = run_service_command("config", "init", "--data-dir", path_for_program(folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run_service_command("restore", file, "--data-dir", path_for_program(folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(glob.glob(os.path.join(folder, "ldplayerd.db*")),
                         [os.path.join(folder, "ldplayerd.db")])


if __name__ == "__main__":
    unittest.main()
