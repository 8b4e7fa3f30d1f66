# SPDX-License-Identifier: MIT
"""A service whose database is backed up and restored by commands."""
import glob
import os
import sqlite3

from .case import ServiceCase
from .programs import path_for_program, run_service_command


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
                if not p.endswith(("-wal", "-shm", "-journal"))]

    def labels(self, value):
        """Changes the database in a way that is seen at once."""
        self.client.run("PATCH", "/api/instances/0", {"labels": {"n": str(value)}})

    def label(self):
        return self.client.instance(0)["labels"].get("n")

    def back_up_and_change(self):
        """The label is "old" in a.db, and "new" from then on."""
        self.labels("old")
        self.run_command("backup", "a.db")
        self.labels("new")
