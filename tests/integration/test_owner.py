# SPDX-License-Identifier: MIT
"""The database has one owner: commands beside a running service, and without one."""
import fcntl
import glob
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import unittest

from support import IS_WINDOWS, Client, ServiceCase, run_service_command, wait_for
from support.disk import spoil
from support.programs import SERVICE, clean_environment, path_for_program


def pages_of_indexes(database, table):
    """The first page of each index of TABLE, and the size of a page."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        pages = [row[0] for row in db.execute(
            "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (table,)
        )]
    db.close()
    return pages, size


class OwnerCase(ServiceCase):
    instances = 1

    @property
    def database(self):
        return os.path.join(self.service.data_dir, "ldplayerd.db")

    @property
    def endpoint_path(self):
        return os.path.join(self.service.data_dir, "ldplayerd.endpoint")

    def command(self, *args):
        return run_service_command(*args, "--data-dir", path_for_program(self.service.data_dir))

    def listed(self):
        done = self.command("token", "list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout


class Damaged(OwnerCase):
    def is_repaired(self):
        """Health tells of it until the next start only, which may have come by now."""
        try:
            return any(e["type"] == "service.database_repaired" for e in self.client.told_so_far())
        except OSError:  # it starts again
            return False

    def test_a_command_beside_the_service_leaves_the_repair_to_it(self):
        self.service.create_token("kept", "viewer")
        self.service.restart()  # what was written is in the file now, not in the log beside it
        self.client.get("/api/auth/tokens")
        pages, size = pages_of_indexes(self.database, "tokens")
        self.assertTrue(pages)
        for page in pages:
            spoil(self.database, (page - 1) * size, b"\xff" * size)
        done = self.command("token", "list")
        # The service answers what it can read, or says that it cannot.
        if done.returncode == 0:
            self.assertIn(" kept\n", done.stdout)
            self.service.restart()
        else:
            self.assertIn("the tokens could not be read", done.stderr)
        wait_for(self.is_repaired, "the repair")
        self.assertIn(" kept\n", self.listed())
        self.assertEqual(len(glob.glob(self.database + ".damaged-*Z")), 1)


class Ways(OwnerCase):
    def test_a_command_says_the_same_with_and_without_the_service(self):
        def run_all():
            outputs = []
            for args in (("token", "list"), ("token", "revoke", "nobody"),
                         ("token", "create", "--name", "test-admin", "--role", "viewer")):
                done = self.command(*args)
                outputs.append((done.returncode, done.stdout, done.stderr))
            return outputs

        self.service.create_token("a b/c?ä", "viewer", "--expires", "2030-01-31T00:00:00Z")
        self.service.create_token("gone", "operator")
        self.assertEqual(self.command("token", "revoke", "gone").returncode, 0)
        with_service = run_all()
        self.service.stop()
        self.assertEqual(run_all(), with_service)
        self.assertIn(" a b/c?ä\n", with_service[0][1])
        self.assertEqual([code for code, _, _ in with_service], [0, 1, 1])
        self.assertEqual(self.command("token", "revoke", "a b/c?ä").returncode, 0)
        self.service.start()

    def test_an_id_revokes_the_token_of_that_id_alone(self):
        for is_running in (True, False):
            self.service.create_token("one", "viewer")
            token = next(line.split()[0] for line in self.listed().splitlines()
                         if line.endswith(" one") and " live " in line)
            self.service.create_token(token, "viewer")
            if not is_running:
                self.service.stop()
            self.assertEqual(self.command("token", "revoke", token).returncode, 0)
            self.assertEqual(self.command("token", "revoke", token).returncode, 1)
            live = [line.split()[-1] for line in self.listed().splitlines() if " live " in line]
            self.assertIn(token, live)
            self.assertNotIn("one", live)
        self.service.start()

    def test_a_name_with_a_slash_is_revoked_through_the_service(self):
        token = self.service.create_token("a b/c?ä", "viewer")
        client = Client(self.service, token)
        client.get("/api/auth/me")
        self.assertEqual(self.command("token", "revoke", "a b/c?ä").returncode, 0)
        client.get("/api/auth/me", 401)

    def test_what_was_made_works_at_once_and_ends_at_once(self):
        for _ in range(3):
            token = self.service.create_token("now", "viewer")
            client = Client(self.service, token)
            client.get("/api/auth/me", 200)
            self.assertEqual(self.command("token", "revoke", "now").returncode, 0)
            client.get("/api/auth/me", 401)

    def test_a_connection_that_stays_open_is_refused_after_the_revocation(self):
        token = self.service.create_token("open", "viewer")
        connection = Client(self.service, token).connect()
        headers = {"Authorization": f"Bearer {token}"}
        try:
            connection.request("GET", "/api/auth/me", headers=headers)
            answer = connection.getresponse()
            self.assertEqual((answer.status, bool(answer.read())), (200, True))
            self.assertEqual(self.command("token", "revoke", "open").returncode, 0)
            connection.request("GET", "/api/auth/me", headers=headers)
            self.assertEqual(connection.getresponse().status, 401)
        finally:
            connection.close()

    def test_the_way_to_another_service_stays_when_this_one_ends(self):
        """Which has the lock since this one lost it."""
        with open(self.endpoint_path, encoding="utf-8") as file:
            endpoint = json.load(file)
        endpoint["pid"] += 1
        with open(self.endpoint_path, "w", encoding="utf-8") as file:
            json.dump(endpoint, file)
        self.service.stop()
        with open(self.endpoint_path, encoding="utf-8") as file:
            self.assertEqual(json.load(file), endpoint)
        self.service.start()
        self.service.stop()
        self.assertFalse(os.path.exists(self.endpoint_path))
        self.service.start()

    def test_a_service_that_was_killed_is_not_asked(self):
        self.service.kill()
        self.assertTrue(os.path.exists(self.endpoint_path))
        self.assertIn(" test-admin\n", self.listed())
        self.service.start()
        self.assertIn(" test-admin\n", self.listed())

    def test_what_a_killed_service_was_about_to_write_goes(self):
        halves = [os.path.join(self.service.data_dir, f"{name}.4242.tmp")
                  for name in ("ldplayerd.endpoint", "ldplayerd.db.suspect", "node-id", "mine")]
        self.service.kill()
        for path in halves:
            with open(path, "w", encoding="utf-8"):
                pass
        self.service.start()
        self.assertEqual([os.path.exists(path) for path in halves], [False, False, False, True])

    def test_the_way_in_is_gone_after_a_stop(self):
        with open(self.endpoint_path, encoding="utf-8") as file:
            endpoint = json.load(file)
        self.assertTrue(endpoint["pipe"])
        self.assertTrue(endpoint["http"].endswith(f":{self.service.port}"))
        self.service.stop()
        self.assertFalse(os.path.exists(self.endpoint_path))
        self.service.start()

    def test_a_directory_that_was_mistyped_is_not_made(self):
        path = os.path.join(self.directory, "mistyped")
        for args in (("token", "list"), ("token", "revoke", "x"), ("backup", "x.db"),
                     ("restore", "x.db"), ("token", "create", "--name", "x", "--role", "viewer")):
            done = run_service_command(*args, "--data-dir", path_for_program(path))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("there is no data directory", done.stderr)
            self.assertIn("`ldplayerd config init --data-dir ", done.stderr)
            self.assertFalse(os.path.exists(path))
        for args in (("config", "init"), ("token", "create", "--name", "x", "--role", "viewer")):
            done = run_service_command(*args, "--data-dir", path_for_program(path))
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_cannot_be_done_says_which_part_of_it(self):
        place = path_for_program(self.service.data_dir)
        self.service.create_token("x1", "viewer")
        done = [run_service_command(*args, "--data-dir", place) for args in (
            ("token", "revoke", "x1"), ("token", "revoke", "x1"), ("token", "foo"),
            ("backup", path_for_program(os.path.join(self.directory, "nope", "x.db"))))]
        self.assertEqual([d.returncode for d in done], [0, 1, 2, 1])
        self.assertIn("name x1 that is not revoked already", done[1].stderr)
        self.assertIn('there is no command "token foo"', done[2].stderr)
        self.assertRegex(done[3].stderr, r"there is no folder .*nope; make it")

    @unittest.skipIf(IS_WINDOWS, "its default directory is that of the whole machine")
    def test_a_first_token_before_the_first_start_makes_the_default_directory(self):
        env = {"XDG_STATE_HOME": self.directory}
        path = os.path.join(self.directory, "ldplayerd")
        done = run_service_command("token", "list", env=env)
        self.assertIn(f"there is no data directory {path};", done.stderr)
        done = run_service_command("token", "create", "--name", "x", "--role", "viewer", env=env)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(os.path.exists(os.path.join(path, "ldplayerd.db")))

    def test_a_data_directory_that_is_a_file_is_named(self):
        path = os.path.join(self.directory, "file")
        with open(path, "w", encoding="utf-8"):
            pass
        done = run_service_command("token", "list", "--data-dir", path_for_program(path))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("is no folder", done.stderr)

    def test_a_service_without_a_socket_is_named(self):
        self.service.restart(**{"pipe" if IS_WINDOWS else "socket": "none"})
        done = self.command("token", "list")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"http://127.0.0.1:{self.service.port}", done.stderr)
        self.assertIn("the option pipe" if IS_WINDOWS else "the option socket", done.stderr)


@unittest.skipIf(IS_WINDOWS, "needs signals and locks of this system")
class Trouble(OwnerCase):
    def test_a_service_that_hangs_is_named(self):
        self.service.process.send_signal(signal.SIGSTOP)
        try:
            done = self.command("token", "list")
        finally:
            self.service.process.send_signal(signal.SIGCONT)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"process id {self.service.process.pid}", done.stderr)
        self.assertIn("gave no answer", done.stderr)
        self.assertIn("end that process", done.stderr)
        self.assertIn(" test-admin\n", self.listed())

    def hold_the_lock(self, text):
        self.service.stop()
        file = open(os.path.join(self.service.data_dir, "ldplayerd.lock"), "r+", encoding="utf-8")
        self.addCleanup(file.close)
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(text)
        file.flush()
        return file

    def test_one_that_does_not_listen_is_named(self):
        held = self.hold_the_lock("4242 serve\n")
        done = self.command("token", "list")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("process id 4242", done.stderr)
        self.assertIn("starting, stopping, or hangs", done.stderr)
        held.close()
        self.service.start()

    def test_what_is_no_plain_file_is_named_and_not_waited_for(self):
        os.remove(self.endpoint_path)
        os.mkfifo(self.endpoint_path)
        done = self.command("token", "list")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("ldplayerd.endpoint there is no plain file", done.stderr)
        self.service.restart()
        self.assertIn(" test-admin\n", self.listed())

    def test_nothing_is_said_to_another_process_at_the_socket(self):
        """Who left the file is not who has the lock, or somebody else took its place."""
        held = self.hold_the_lock(f"{os.getpid() + 1} serve\n")
        path = self.service.socket
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            endpoint = {"pid": os.getpid() + 1, "http": None, "pipe": path}
            with open(self.endpoint_path, "w", encoding="utf-8") as file:
                json.dump(endpoint, file)
            done = self.command("token", "create", "--name", "x", "--role", "admin")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"process {os.getpid()} does", done.stderr)
            listener.settimeout(1)
            connection, _ = listener.accept()
            self.assertEqual(connection.recv(100), b"")
            connection.close()
        os.remove(path)
        held.close()
        self.service.start()

    @unittest.skipIf(os.geteuid() != 0 or not shutil.which("setpriv"), "needs another user")
    def test_a_caller_who_may_not_is_told_who_may(self):
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]

        def listed_by_nobody():
            return subprocess.run([*nobody, SERVICE, "token", "list", "--data-dir",
                                   self.service.data_dir],
                                  capture_output=True, text=True, env=clean_environment())

        for path in (self.directory, self.service.directory):
            os.chmod(path, 0o755)
        if listed_by_nobody().returncode == 126:
            self.skipTest("the program cannot be run by another user here")
        done = listed_by_nobody()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot be locked: permission denied. Run the command as", done.stderr)
        # Who can reach the socket all the same is refused by the service.
        os.chmod(self.service.data_dir, 0o755)
        for name in ("ldplayerd.lock", "ldplayerd.endpoint", "ldplayerd.sock"):
            os.chmod(os.path.join(self.service.data_dir, name), 0o666)
        done = listed_by_nobody()
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("does not let this account do it", done.stderr)
        self.assertIn("as root", done.stderr)

    @unittest.skipIf(os.geteuid() != 0 or IS_WINDOWS, "only root can work on another's data")
    def test_what_root_makes_belongs_to_the_account_of_the_service(self):
        self.service.stop()
        data, lock = self.service.data_dir, os.path.join(self.service.data_dir, "ldplayerd.lock")
        copy = os.path.join(self.directory, "a.db")
        self.assertEqual(self.command("backup", copy).returncode, 0)

        def damage():
            pages, size = pages_of_indexes(self.database, "tokens")
            with open(self.database, "r+b") as file:
                file.seek((pages[0] - 1) * size)
                file.write(b"\xff" * size)

        def lose():
            shutil.copy(self.database, self.database + ".replaced-20260101T000000Z")
            os.remove(self.database)

        def begin():
            shutil.rmtree(data)
            os.mkdir(data, 0o700)

        create = ("token", "create", "--role", "viewer", "--name")
        for prepare, args in ((damage, ("token", "list")), (lose, (*create, "b")),
                              (lambda: os.remove(lock), ("token", "list")),
                              (lambda: os.remove(lock), ("restore", copy)),
                              (begin, (*create, "c")),
                              (begin, ("config", "init"))):
            prepare()
            for path in (data, *glob.glob(os.path.join(glob.escape(data), "*"))):
                os.chown(path, 65534, 65534)
            done = self.command(*args)
            self.assertEqual(done.returncode, 0, (args, done.stderr))
            owners = {name: os.stat(os.path.join(data, name)).st_uid for name in os.listdir(data)}
            self.assertEqual(set(owners.values()), {65534}, (args, owners))

    def test_a_service_waits_for_a_command_to_end(self):
        held = self.hold_the_lock("4242 token create\n")
        threading.Timer(0.5, held.close).start()
        self.service.start()
        self.client.get("/api/auth/me")


if __name__ == "__main__":
    unittest.main()
