# SPDX-License-Identifier: MIT
"""A database that is locked, damaged, read-only, newer, or on a full disk."""
import glob
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
import unittest

from support.disk import spoil
from support import IS_WINDOWS, Client, ServiceCase, StartFailed, wait_for
from support.small_disk import mount_small_disk


class DatabaseCase(ServiceCase):
    instances = 2

    @property
    def database(self):
        return os.path.join(self.service.data_dir, "ldplayerd.db")

    def fail_to_start(self):
        with self.assertRaises(StartFailed) as raised:
            self.service.start()
        self.assertEqual(raised.exception.code, 1)
        return raised.exception.log


class Damaged(DatabaseCase):
    def test_a_damaged_file_is_kept_aside(self):
        self.service.stop()
        with open(self.database, "r+b") as file:
            file.write(b"this is no database, but it may be all that somebody has left of one")
        with open(self.database, "rb") as file:
            damaged = file.read()
        self.service.start()
        kept = glob.glob(self.database + ".damaged-*")
        kept = [path for path in kept if not path.endswith(("-wal", "-shm"))]
        self.assertEqual(len(kept), 1)
        with open(kept[0], "rb") as file:
            self.assertEqual(file.read(), damaged)
        self.assertIn(os.path.basename(kept[0]), self.service.log())
        client = self.service.client()
        self.assertEqual(client.get("/api/instances").json["total"], 2)
        with client.events(since=0) as stream:
            stream.until(lambda e: e["type"] == "service.database_repaired")

    def test_a_newer_file_is_left_alone(self):
        self.service.stop()
        with sqlite3.connect(self.database) as db:
            db.execute("PRAGMA user_version = 9999")
        db.close()
        with open(self.database, "rb") as file:
            before = file.read()
        log = self.fail_to_start()
        self.assertIn("newer", log)
        with open(self.database, "rb") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(glob.glob(self.database + ".damaged-*"), [])


class Locked(DatabaseCase):
    @unittest.skipIf(IS_WINDOWS, "a lock of this system is not one of the other's")
    def test_a_command_waits_for_a_lock_that_goes(self):
        other = sqlite3.connect(self.database, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.5, other.execute, ["ROLLBACK"]).start()
        self.client.run("POST", "/api/instances/0/stop")
        other.close()

    @unittest.skipIf(IS_WINDOWS, "a lock of this system is not one of the other's")
    def test_a_lock_that_stays_is_named(self):
        other = sqlite3.connect(self.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answer = self.client.request("POST", "/api/instances/0/start")
        self.assertEqual(answer.status, 503, answer)
        self.assertEqual(self.simulator.calls("launch"), [], "nothing durable, nothing done")
        self.assertEqual(self.client.get("/api/instances").status, 200)
        other.execute("ROLLBACK")
        other.close()
        self.client.run("POST", "/api/instances/0/start")


    @unittest.skipIf(IS_WINDOWS, "a lock of this system is not one of the other's")
    def test_reads_of_the_database_wait_for_no_write_that_waits(self):
        other = sqlite3.connect(self.database, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        stopped = []
        command = threading.Thread(
            target=lambda: stopped.append(
                self.service.client().request("POST", "/api/instances/0/stop")))
        command.start()
        wait_for(lambda: self.health()["waiting_jobs"] > 0, "a write that waits for the lock")
        operations = self.client.get("/api/operations").json
        self.assertEqual(operations["total"], 0, "and the lock was still held")
        self.assertEqual(stopped, [])
        other.execute("ROLLBACK")
        command.join()
        other.close()
        self.assertEqual(stopped[0].status, 202, stopped[0])

    def health(self):
        return self.client.get("/api/health").json["checks"]["database"]


class Moved(DatabaseCase):
    """The files of the database go while the service runs. On Windows nobody can take them from it,
    but a drive can; under Wine everything here can be done to them from outside."""

    def ask(self):
        return self.client.request("POST", "/api/instances/0/stop")

    def check_refused(self, finding):
        answer = self.ask()
        self.assert_problem(answer, 503, "STORE_UNAVAILABLE")
        self.assertIn(finding, answer.json["detail"])
        self.assertIn("restart the service", answer.json["detail"])
        database = self.client.get("/readyz", expect=503).json["checks"]["database"]
        self.assertEqual(database["status"], "failing")
        self.assertIn(finding, database["detail"])
        self.assertIn(finding, self.service.log())
        self.assertEqual(self.client.get("/api/instances").json["total"], 2, "reads go on")

    def check_goes_on(self, known):
        """Nobody asks for a write; and what was acknowledged is there after a kill."""
        wait_for(lambda: self.client.request("GET", "/readyz").status == 200, "a ready service")
        with self.client.events(since=0) as stream:
            event = stream.until(lambda e: e["type"] == "service.database_failing")[-1]
            self.assertIn("restart the service", event["data"]["reason"])
            stream.until(lambda e: e["type"] == "service.database_recovered")
        known.append(self.client.run("POST", "/api/instances/0/stop")["id"])
        self.service.kill()
        self.service.start()
        for operation in known:
            self.client.get(f"/api/operations/{operation}", 200)

    def test_a_file_that_is_renamed_takes_no_writes_until_it_is_back(self):
        lock = os.path.join(self.service.data_dir, "ldplayerd.lock")
        for name in (self.database, self.database + "-wal", lock):
            with self.subTest(os.path.basename(name)):
                known = [self.client.run("POST", "/api/instances/0/stop")["id"]]
                os.rename(name, name + ".elsewhere")
                self.check_refused(os.path.basename(name) + " is gone")
                os.rename(name + ".elsewhere", name)
                self.check_goes_on(known)
                self.assertNotIn("repair", self.client.get("/api/health").json["checks"])

    def test_a_file_in_its_place_takes_none_either(self):
        known = [self.client.run("POST", "/api/instances/0/stop")["id"]]
        os.rename(self.database, self.database + ".elsewhere")
        shutil.copyfile(self.database + ".elsewhere", self.database)
        self.check_refused("another file is in the place of ldplayerd.db")
        os.replace(self.database + ".elsewhere", self.database)
        self.check_goes_on(known)

    def test_a_file_that_is_emptied_takes_no_writes(self):
        for name in (self.database, self.database + "-wal"):
            with self.subTest(os.path.basename(name)):
                self.service.restart()  # so that the file has what was written before
                # What the first look writes would make the log as long as it was.
                self.service.wait_until_observed(self.client)
                known = self.client.run("POST", "/api/instances/0/stop")["id"]
                with open(name, "r+b") as file:
                    content = file.read()
                    file.truncate(0)
                answer = self.ask()
                self.assert_problem(answer, 503, "STORE_UNAVAILABLE")
                self.assertIn("was cut off", answer.json["detail"])
                self.service.kill()
                with open(name, "r+b") as file:
                    file.write(content)
                self.service.start()
                self.client.get(f"/api/operations/{known}", 200)

    def test_it_is_noticed_while_nobody_writes_and_a_restart_begins_anew(self):
        self.client.run("POST", "/api/instances/0/stop")
        for path in glob.glob(glob.escape(self.database) + "*"):
            os.remove(path)
        wait_for(lambda: self.client.request("GET", "/readyz").status == 503, "the trouble")
        self.check_refused("ldplayerd.db is gone")
        self.service.stop()
        self.service.start()
        token = self.service.create_token("again", "admin")
        client = Client(self.service, token)
        self.assertEqual(client.get("/api/operations").json["total"], 0)
        client.run("POST", "/api/instances/0/stop")

    @unittest.skipIf(IS_WINDOWS, "nobody can write into a file that another program has open")
    def test_a_copy_that_is_written_into_it_takes_no_writes_and_passes_for_nothing_else(self):
        for end in (self.service.stop, self.service.kill):
            with self.subTest(end.__name__):
                self.service.wait_until_observed(self.client)
                self.client.run("POST", "/api/instances/0/stop")
                self.service.stop()
                shutil.copyfile(self.database, self.database + ".elsewhere")
                self.service.start()
                self.service.wait_until_observed(self.client)
                known = [self.client.run("POST", "/api/instances/0/stop")["id"]
                         for _ in range(20)]
                self.service.restart()  # so that the file has what was written before
                self.service.wait_until_observed(self.client)
                self.client.run("POST", "/api/instances/0/stop")
                life = self.client.get("/api/info").json["started_at"]
                last = self.client.told_so_far()[-1]["seq"]
                with open(self.database + ".elsewhere", "rb") as source:
                    content = source.read()
                with open(self.database, "r+b") as file:
                    file.write(content)
                self.assert_problem(self.ask(), 503, "STORE_UNAVAILABLE")
                for operation in known:  # each is what stands there, or a page that is no good
                    self.client.request("GET", f"/api/operations/{operation}")
                self.check_refused("another program has written into ldplayerd.db")
                self.assertEqual(self.client.get("/api/info").json["started_at"], life)
                end()
                self.service.start()
                self.assertIn("repair", self.client.get("/api/health").json["checks"])
                first = [e["seq"] for e in self.client.event_lines(since=last, timeout=1)
                         if e["type"] != "gap"][0]
                self.assertGreater(first, last + 1000, "no number is used again")


# Without this capability even root is held to permissions.
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override"]


def can_drop_privileges():
    if os.geteuid() != 0:
        return True
    return shutil.which("setpriv") and subprocess.run([*UNPRIVILEGED, "true"]).returncode == 0


@unittest.skipIf(IS_WINDOWS, "permissions of this system are not those of the other")
@unittest.skipUnless(can_drop_privileges(), "for root nothing is read-only")
class ReadOnly(DatabaseCase):
    def prepare(self):
        if os.geteuid() == 0:
            self.service.wrapper = UNPRIVILEGED

    def test_a_read_only_folder_is_named(self):
        self.service.stop()
        os.chmod(self.service.data_dir, stat.S_IRUSR | stat.S_IXUSR)
        self.addCleanup(os.chmod, self.service.data_dir, stat.S_IRWXU)
        self.assertIn(self.service.data_dir, self.fail_to_start())
        os.chmod(self.service.data_dir, stat.S_IRWXU)
        self.service.start()

    def test_a_read_only_file_is_named(self):
        self.service.stop()
        os.chmod(self.database, stat.S_IRUSR)
        self.assertIn("ldplayerd.db", self.fail_to_start())
        os.chmod(self.database, stat.S_IRUSR | stat.S_IWUSR)
        self.service.start()


@unittest.skipIf(IS_WINDOWS, "a disk of this system")
class FullDisk(DatabaseCase):
    def prepare(self):
        os.rename(self.service.data_dir, self.service.data_dir + ".template")
        os.mkdir(self.service.data_dir)
        if not mount_small_disk(self.service.data_dir):
            self.start = self.skip
            return
        self.addCleanup(self.unmount)
        shutil.copytree(
            self.service.data_dir + ".template", self.service.data_dir, dirs_exist_ok=True
        )

    def skip(self):
        self.skipTest("needs the right to mount a disk")

    def unmount(self):
        if self.service.is_running():
            self.service.kill()
        subprocess.run(["umount", self.service.data_dir], check=True)

    def fill(self):
        with open(os.path.join(self.service.data_dir, "ballast"), "wb", buffering=0) as file:
            for size in (65536, 512):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def test_a_command_that_cannot_be_kept_is_refused(self):
        self.client.instances()
        self.fill()
        # What the log of the database has room for is still taken.
        answer = wait_for(self.refused, "a refused command")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn(answer.code, ("DISK_FULL", "STORE_FAILED", "STORE_UNAVAILABLE"))
        self.assertIn("no space", answer.json["detail"])
        self.assertEqual(self.client.get("/api/instances").json["total"], 2)
        os.remove(os.path.join(self.service.data_dir, "ballast"))
        wait_for(self.accepted, "a command that is taken again")

    def test_refused_writes_make_the_service_not_ready_until_one_is_taken(self):
        self.client.instances()
        seen = self.client.get("/api/health").json
        self.assertEqual(seen["checks"]["database"]["status"], "degraded", "4 MB are few")
        self.assertLess(seen["checks"]["database"]["free_bytes"], 4 << 20)
        self.fill()
        wait_for(self.refused, "a refused command")
        for _ in range(3):  # each asks the database something, which goes well
            answer = self.client.get("/readyz", expect=503)
            database = answer.json["checks"]["database"]
            self.assertEqual(database["status"], "failing")
            self.assertIn("free some space", database["detail"])
            self.assertIsNotNone(database["refused_since"])
            self.client.get("/api/operations")
        self.assertIn("the database refuses what is written", self.service.log())
        os.remove(os.path.join(self.service.data_dir, "ballast"))
        # Nobody asks for a write.
        wait_for(lambda: self.client.request("GET", "/readyz").status == 200, "a ready service")
        self.assertIn("the database takes writes again", self.service.log())
        with self.client.events(since=0) as stream:
            stream.until(lambda e: e["type"] == "service.database_failing")
            stream.until(lambda e: e["type"] == "service.database_recovered")

    def test_a_disk_that_is_nearly_full_is_told_before_it_is_full(self):
        with self.client.events(since=0) as stream:
            low = stream.until(lambda e: e["type"] == "service.disk_low")[-1]
            self.assertLess(low["data"]["free_bytes"], 4 << 20)
            grow = ["mount", "-o", "remount,size=400m", self.service.data_dir]
            subprocess.run(grow, check=True)
            enough = stream.until(lambda e: e["type"] == "service.disk_enough")[-1]
            self.assertGreater(enough["data"]["free_bytes"], 300 << 20)
        self.assertEqual(self.client.get("/readyz").json["status"], "ready")
        self.assertIn("is nearly full", self.service.log())

    def refused(self):
        answer = self.client.request("POST", "/api/instances/0/stop")
        return answer if answer.status != 202 else None

    def accepted(self):
        answer = self.client.request("POST", "/api/instances/0/stop")
        return answer if answer.status == 202 else None

    def test_damage_without_room_for_a_repair_is_told_and_the_service_stays(self):
        operation = self.client.run("POST", "/api/instances/0/stop")["id"]
        self.service.restart()  # nothing of it is in memory now, nor in the log of the database
        self.service.wait_until_observed(self.client)
        life = self.client.get("/api/info").json["started_at"]
        self.fill()
        wait_for(self.refused, "a refused command")
        wait_for(lambda: self.client.get("/api/health").json["checks"]["database"]["free_bytes"]
                 < os.path.getsize(self.database), "a disk that is known to be full")
        with open(self.database, "rb") as file:
            pages = list(iter(lambda: file.read(4096), b""))
        leaf, = [i for i, page in enumerate(pages) if page[0] == 13 and operation.encode() in page][:1]
        spoil(self.database, leaf * 4096, b"\xa5" * 4096)
        answer = self.client.request("GET", f"/api/operations/{operation}")
        self.assert_problem(answer, 503, "STORE_UNAVAILABLE")
        self.assertIn("room for a second database", answer.json["detail"])
        self.assertIn("there is no room to repair it", self.service.log())
        self.assertEqual(self.client.get("/api/info").json["started_at"], life)

    def test_a_start_without_room_is_named(self):
        self.service.stop()
        os.remove(self.database)
        self.fill()
        self.assertIn("full", self.fail_to_start())


if __name__ == "__main__":
    unittest.main()
