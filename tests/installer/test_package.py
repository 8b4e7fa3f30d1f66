# SPDX-License-Identifier: MIT
"""What installer/package.py makes."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

if not shutil.which("wixl") or not shutil.which("msibuild"):
    print("wixl and msibuild (packages wixl, msitools) are not there: nothing can be packed")
    sys.exit(77)

from support import run_service_command
from support.programs import SERVICE, path_for_program

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INSTALLER = os.path.join(ROOT, "installer")
MSI, ZIP = "ldplayerd-1.2.3-x64.msi", "ldplayerd-1.2.3-x64.zip"


def package(out, *args):
    return subprocess.run(
        [sys.executable, os.path.join(INSTALLER, "package.py"), "--exe", SERVICE, "--out", out,
         *args],
        capture_output=True, text=True, check=False,
    )


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="ldp-package-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.first, cls.second = (os.path.join(cls.directory, name) for name in ("a", "b"))
        for out in (cls.first, cls.second):
            done = package(out, "--version", "1.2.3", "--url", "https://host/x")
            if done.returncode != 0:
                raise AssertionError(done.stdout + done.stderr)

    def read(self, *names):
        with open(os.path.join(self.first, *names), "rb") as file:
            return file.read()

    def table(self, name):
        done = subprocess.run(["msiinfo", "export", os.path.join(self.first, MSI), name],
                              capture_output=True, text=True, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()[3:]]

    def test_the_half_of_the_user_interface_looks_for_nothing_and_sets_nothing(self):
        """What it finds or is told does not reach the half that is elevated, and is not looked for
        again there."""
        actions = {row[0]: row[1] for row in self.table("InstallUISequence")}
        ours = {row[0] for row in self.table("CustomAction")}
        self.assertEqual(set(actions) & {"AppSearch", "FindRelatedProducts", "LaunchConditions"},
                         set())
        self.assertEqual(set(actions) & ours, {"RefuseProperties"})
        execute = {row[0] for row in self.table("InstallExecuteSequence")}
        self.assertLessEqual({"AppSearch", "FindRelatedProducts", "LaunchConditions",
                              "UseSavedDataDir", "UseSavedHttpPort", "UseSavedEnableHttp"}, execute)
        secure = dict(self.table("Property"))["SecureCustomProperties"]
        for name in ("DATA_DIR", "HTTP_PORT", "ENABLE_HTTP", "OPERATOR", "REMOVE_DATA"):
            self.assertIn(name, actions["RefuseProperties"])
            self.assertNotIn(name, secure)

    def test_an_upgrade_keeps_the_entry_of_the_service(self):
        """Its settings have no tables, so nothing would bring them back."""
        at = {row[0]: int(row[2]) for row in self.table("InstallExecuteSequence")}
        conditions = {row[0]: row[1] for row in self.table("InstallExecuteSequence")}
        self.assertTrue(at["InstallInitialize"] < at["RemoveExistingProducts"] < at["InstallFiles"])
        deletes = 0x8 | 0x80
        self.assertEqual([row for row in self.table("ServiceControl") if int(row[2]) & deletes], [])
        self.assertIn("NOT UPGRADINGPRODUCTCODE", conditions["Unconfigure"])
        self.assertEqual({row[0]: row[3] for row in self.table("CustomAction")}["Unconfigure"],
                         "service uninstall")
        # What nothing brings back goes when little else can fail.
        for name in ("Unconfigure", "RemoveData"):
            self.assertLess(at["DeleteServices"], at[name])
            self.assertLess(at[name], at["RemoveFiles"])

    def test_a_step_that_fails_says_where_the_reason_is(self):
        actions = {row[0]: row[3] for row in self.table("CustomAction")}
        for name in ("Configure", "WriteConfig"):
            self.assertIn('--report "[WindowsFolder]Logs\\ldplayerd-setup.log"', actions[name])
        self.assertIn("ldplayerd-setup.log", dict(self.table("Error"))["1722"])

    def test_the_same_program_gives_the_same_files(self):
        for name in (MSI, ZIP, "SHA256SUMS"):
            with open(os.path.join(self.second, name), "rb") as file:
                self.assertTrue(file.read() == self.read(name), name)

    def test_the_sums_are_those_of_the_files(self):
        for line in self.read("SHA256SUMS").decode().splitlines():
            digest, name = line.split("  ")
            self.assertEqual(hashlib.sha256(self.read(name)).hexdigest(), digest)

    def test_the_zip_has_the_files_of_the_installer(self):
        with zipfile.ZipFile(os.path.join(self.first, ZIP)) as archive:
            zipped = {os.path.basename(name) for name in archive.namelist()}
        installed = {row[2] for row in self.table("File")}
        self.assertEqual(zipped - installed, {"portable.txt"})
        self.assertEqual(installed - zipped, set())

    def test_the_manifests_name_this_installer(self):
        properties = dict(row for row in self.table("Property"))
        name = "ldplayerd.ldplayerd{}.yaml"
        text = self.read("winget", name.format(".installer")).decode()
        self.assertEqual(
            dict(re.findall(r"^ {2}(\w+): '?([^'\n]+)'?$", text, re.MULTILINE)),
            {
                **{key: properties[key] for key in ("ProductCode", "UpgradeCode")},
                "Publisher": properties["Manufacturer"],
                "InstallerType": "wix",
                "InstallerUrl": f"https://host/x/{MSI}",
                "InstallerSha256": hashlib.sha256(self.read(MSI)).hexdigest().upper(),
            },
        )
        for part in ("", ".installer", ".locale.en-US"):
            text = self.read("winget", name.format(part)).decode()
            self.assertIn("PackageVersion: 1.2.3\n", text)
            self.assertTrue(text.endswith("ManifestVersion: 1.6.0\n"))
            self.assertNotIn("{", re.sub(r"'\{.*?\}'", "", text))

    def test_each_version_is_a_product_of_its_own(self):
        with tempfile.TemporaryDirectory() as out:
            package(out, "--version", "1.2.4", "--msi-only")
            done = subprocess.run(
                ["msiinfo", "export", os.path.join(out, "ldplayerd-1.2.4-x64.msi"), "Property"],
                capture_output=True, text=True, check=True,
            )
        properties = dict(row for row in self.table("Property"))
        self.assertNotIn(properties["ProductCode"], done.stdout)
        self.assertIn(properties["UpgradeCode"], done.stdout)

    def test_a_version_that_windows_cannot_compare_is_refused(self):
        for version in ("1.2", "1.2.3-rc1", "256.0.0", "1.0.65536"):
            done = package(self.directory, "--version", version)
            self.assertEqual(done.returncode, 2, version)
            self.assertIn("X.Y.Z", done.stderr)

    def test_the_example_is_a_good_configuration(self):
        path = os.path.join(INSTALLER, "config.example.json")
        done = run_service_command("config", "check", "--config", path_for_program(path))
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
