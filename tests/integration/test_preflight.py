# SPDX-License-Identifier: MIT
"""What would certainly not boot is named, and not launched."""
import os
import shutil
import stat
import subprocess
import unittest

from support import IS_WINDOWS, ServiceCase
from support.limits import SHORT
from support.small_disk import mount_small_disk


class PreflightCase(ServiceCase):
    def look(self):
        self.client.instance("0?max_age_ms=0")

    def refuse(self, code, index=0, what="start", body=None):
        """The words of a failure before anything was run."""
        before = self.simulator.changes()
        ended = self.client.run("POST", f"/api/instances/{index}/{what}", body, status="failed")
        self.assertEqual(ended["error"]["code"], code, ended)
        self.assertFalse(ended["error"]["retryable"])
        self.assertEqual(self.simulator.changes(), before, "nothing was run")
        return ended["error"]["detail"]


class Runtime(PreflightCase):
    def test_a_library_that_is_missing_is_named_and_nothing_is_launched(self):
        self.simulator.set(runtime_missing="fastpipe2.dll,GLES_V2.dll")
        self.look()
        detail = self.refuse("VM_RUNTIME_INCOMPLETE")
        self.assertIn("there is no fastpipe2.dll, GLES_V2.dll", detail)
        self.assertIn("ldplayer9box", detail)
        self.assertIn("repair or install it again", detail)
        self.simulator.set(runtime_missing="")
        self.look()
        self.client.run("POST", "/api/instances/0/start")

    def test_all_of_them_are_missed_because_the_installation_has_them(self):
        self.simulator.set(runtime_missing="all")
        self.look()
        self.assertIn("no libOpenglRender2.dll, host_manager2.dll, fastpipe2.dll, GLES_V2.dll",
                      self.refuse("VM_RUNTIME_INCOMPLETE"))
        shutil.rmtree(self.simulator.path("vbox64"))
        self.look()
        ended = self.client.run("POST", "/api/instances/1/start", {"timeout_s": 2}, status=None)
        self.assertEqual(len(self.simulator.calls("launch")), 1, ended)

    def test_force_launches_it_all_the_same(self):
        self.simulator.set(runtime_missing="all")
        self.look()
        ended = self.client.run("POST", "/api/instances/0/start", {"force": True, "timeout_s": 5},
                                status=None)
        self.assertEqual(self.simulator.count("launch"), 1)
        self.assertIn(ended["status"], ("failed", "timed_out"))
        self.assertIn("libOpenglRender2.dll is missing", ended["error"]["detail"])

    def test_one_that_runs_is_not_stopped_by_a_restart_that_it_would_not_survive(self):
        self.client.run("POST", "/api/instances/0/start")
        self.simulator.set(runtime_missing="all")
        self.look()
        self.assertIn("it was not stopped", self.refuse("VM_RUNTIME_INCOMPLETE", what="restart"))
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))


class Files(PreflightCase):
    def test_a_disk_that_is_read_only_is_named(self):
        disk = self.simulator.path("vms", "leidian0", "data.vmdk")
        os.chmod(disk, stat.S_IRUSR)
        self.look()
        self.assertIn("read-only from data.vmdk in", self.refuse("DISK_READ_ONLY"))
        os.chmod(disk, stat.S_IRUSR | stat.S_IWUSR)
        self.look()
        self.client.run("POST", "/api/instances/0/start")

    def test_the_disks_of_a_copy_are_looked_at_too(self):
        self.simulator.set(copy_readonly="true")
        clone = self.client.run("POST", "/api/instances/0/clone", {"name": "copied"})["result"]
        detail = self.refuse("DISK_READ_ONLY", clone["index"])
        self.assertIn("data.vmdk, system.vmdk, sdcard.vmdk", detail)

    def test_a_config_of_which_a_copy_is_kept_is_put_back_and_launched(self):
        self.client.run("PATCH", "/api/instances/0", {"name": "prized"})
        self.look()
        with open(self.simulator.path("vms", "config", "leidian0.config"), "w") as file:
            file.write('{"advancedSettings.cpuCount": 2')
        self.look()
        ended = self.client.run("POST", "/api/instances/0/start")
        self.assertIn("the copy was put back", ended["result"]["note"])


class Config(PreflightCase):
    """It was bad before the service knew it."""

    service_options = SHORT

    def prepare(self):
        self.config = self.simulator.path("vms", "config", "leidian0.config")
        with open(self.config, "w") as file:
            file.write('{"advancedSettings.cpuCount": 2')

    def test_one_that_cannot_be_used_is_named(self):
        detail = self.refuse("CONFIG_UNUSABLE")
        self.assertIn("leidian0.config cannot be used (cannot be parsed, line 1", detail)
        self.assertIn("put a good one in its place", detail)
        self.assertNotIn("resbak", detail)
        with open(self.config + ".resbak", "w") as file:
            file.write("{}")
        with open(self.config, "a") as file:
            file.write(",")
        self.look()
        self.assertIn(".resbak that LDPlayer left", self.refuse("CONFIG_UNUSABLE"))

    def test_the_others_start(self):
        self.client.run("POST", "/api/instances/1/start", {"timeout_s": 60})


@unittest.skipIf(IS_WINDOWS, "a disk of this system")
class FullDisk(PreflightCase):
    def prepare(self):
        vms = self.simulator.path("vms")
        os.rename(vms, vms + ".template")
        os.mkdir(vms)
        if not mount_small_disk(vms):
            self.start = self.skip
            return
        self.addCleanup(subprocess.run, ["umount", "-l", vms], check=True)
        shutil.copytree(vms + ".template", vms, dirs_exist_ok=True)

    def skip(self):
        self.skipTest("needs the right to mount a disk")

    def test_a_boot_that_the_disk_has_no_room_for_is_not_begun(self):
        self.assertIn("MB are free on the disk with the instances",
                      self.refuse("INSTANCE_DISK_FULL"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
