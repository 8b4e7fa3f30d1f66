# SPDX-License-Identifier: MIT
"""The installer: a fresh Windows, installed on, used, killed, upgraded, repaired, left clean.

The steps build on each other and run in the order of their names; the first that fails ends the
stage. What Wine cannot show is in docs/windows-checklist.md."""
import os
import socket
import shutil
import signal
import subprocess
import sys
import unittest

if not shutil.which("wixl") or not shutil.which("msibuild"):
    print("wixl and msibuild (packages wixl, msitools) are not there: nothing can be installed")
    sys.exit(77)

import machine
from support import Client, Simulator, run_service_command, wait_for
from support.installed import InstalledService, find_process, free_port
from support.programs import path_for_program, run_program

INTEGRATION = os.path.join(machine.ROOT, "tests", "integration")
OLD, NEW = "1.2.3", "1.3.0"
DATA_DIR = r"C:\farm data"
DATA = os.path.join(machine.DRIVE, "farm data")
FILES = ["LICENSE.txt", "README.md", "config.example.json", "docs", "ldplayerd.exe"]


def run_integration(*names, **env):
    """The files of the native build's integration tests, against the installed service."""
    return subprocess.run(
        [sys.executable, "-m", "unittest", "--failfast", *[f"test_{name}" for name in names]],
        cwd=INTEGRATION,
        env={**os.environ, "LDP_INSTALLED": DATA, **env},
        check=False,
    ).returncode


class Installer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        machine.boot()
        cls.old, cls.new = machine.make_msi(OLD), machine.make_msi(NEW)
        cls.port = free_port()
        cls.simulator = Simulator(os.path.join(machine.DIRECTORY, "ldplayer"))
        cls.addClassCleanup(cls.simulator.kill)
        # As LDPlayer's own installer does, so that nobody has to say where it is.
        run_program("reg", "add", r"HKLM\SOFTWARE\leidian\ldplayer9", "/v", "InstallDir", "/d",
                    path_for_program(cls.simulator.directory), "/f")
        os.environ["LDP_INSTALLED"] = DATA
        cls.service = InstalledService(machine.DIRECTORY)

    # --- helpers ---

    def install(self, msi, *properties):
        self.assertEqual(machine.msiexec("/i", msi, *properties), 0, f"{msi} {properties}")
        self.assertIn("RUNNING", machine.sc_query())
        self.service.attach(self.port)

    def pids(self):
        """Those of the emulators, by instance."""
        self.service.wait_until_observed(self.client())
        return {i["id"]: (i["pid"], i["vbox_pid"]) for i in self.client().instances()}

    def client(self):
        return self.service.client()

    def ask_the_pipe(self, token):
        """Through the pipe's own name, which every program looks for."""
        self.service.pipe = r"\\.\pipe\ldplayerd"
        self.addCleanup(self.service.close_bridge)
        return Client(self.service, token, local=True).get("/api/info")

    def assert_installed(self, version):
        self.assertEqual(sorted(os.listdir(machine.PROGRAM_DIR)), FILES)
        self.assertIn("C:\\Program Files\\ldplayerd\\", machine.search_path())
        # There is no `sc qc` in Wine.
        entry = machine.registry(machine.SERVICE)
        for text in ("LocalSystem", f'service run --data-dir "{DATA_DIR}"', "PreshutdownTimeout"):
            self.assertIn(text, entry)
        self.assertEqual(machine.registry_value(machine.SERVICE, "Start"), "0x2", entry)
        self.assertEqual(
            machine.registry_value(machine.EVENT_SOURCE, "EventMessageFile"),
            r"C:\Program Files\ldplayerd\ldplayerd.exe",
        )
        self.assertEqual(machine.registry_value(machine.SETTINGS, "DataDir"), DATA_DIR)
        self.assertEqual(machine.registry_value(machine.SETTINGS, "HttpPort"), str(self.port))
        self.assertEqual(len(machine.links()), 1)
        with open(machine.links()[0], encoding="utf-8") as link:
            self.assertIn(f"URL=http://127.0.0.1:{self.port}/", link.read())
        entries = machine.registry(machine.UNINSTALL, "/s")
        self.assertEqual(entries.count("DisplayName    REG_SZ    ldplayerd"), 1, entries)
        for text in (f"DisplayVersion    REG_SZ    {version}", "NoModify    REG_DWORD    0x1",
                     "Publisher    REG_SZ    the ldplayerd authors", "HelpLink    REG_SZ    http"):
            self.assertIn(text, entries)

    def assert_nothing_installed(self):
        left = []
        def is_over():
            left[:] = filter(None, [find_process()])
            return not left
        try:
            wait_for(is_over, "the end of the service")
        except AssertionError:
            for name in ("cmdline", "status"):
                with open(f"/proc/{left[0]}/{name}", "rb") as file:
                    print(file.read().replace(b"\0", b" ").decode())
            raise
        self.assertNotIn("SERVICE_NAME", machine.sc_query())
        self.assertFalse(os.path.exists(machine.PROGRAM_DIR))
        self.assertNotIn("ldplayerd", "".join(machine.search_path()))
        for key in (machine.SERVICE, machine.EVENT_SOURCE, machine.SETTINGS):
            self.assertEqual(machine.registry(key), "")
        self.assertNotIn("ldplayerd", machine.registry(machine.UNINSTALL, "/s"))
        self.assertEqual(machine.links(), [])

    def take_back_for_wine(self):
        """Wine takes things back in the order in which they were made, Windows in the other one: there
        the program is gone before it is to take back its event source, and a service that was made is
        forgotten."""
        run_program("reg", "delete", machine.EVENT_SOURCE, "/f", check=False)
        run_program("sc", "delete", "ldplayerd", check=False)

    # --- steps ---

    def test_01_what_cannot_be_is_refused(self):
        for wrong in ("HTTP_PORT=0", "HTTP_PORT=70000", "HTTP_PORT=http", "ENABLE_HTTP=no",
                      r"DATA_DIR=somewhere", "DATA_DIR=C:\\farm\\"):
            self.assertNotEqual(machine.msiexec("/i", self.old, wrong), 0, wrong)
        self.assert_nothing_installed()

    def test_02_a_failed_installation_is_rolled_back(self):
        theirs = os.path.join(machine.DRIVE, "theirs")
        os.mkdir(theirs)
        with open(os.path.join(theirs, "letter.txt"), "w", encoding="utf-8"):
            pass
        self.assertNotEqual(machine.msiexec("/i", self.old, "DATA_DIR=C:\\theirs"), 0)
        self.take_back_for_wine()
        self.assert_nothing_installed()
        self.assertEqual(os.listdir(theirs), ["letter.txt"])
        with open(machine.REPORT, encoding="utf-8") as report:
            self.assertIn("C:\\theirs has files in it", report.read())

    def test_02a_one_that_failed_at_its_port_is_repeated_with_another(self):
        """The configuration that it has left is that of the next one then."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            machine.msiexec("/i", self.old, f"HTTP_PORT={port}", f"DATA_DIR={DATA_DIR}")
        with open(os.path.join(DATA, "config.json"), encoding="utf-8") as config:
            self.assertIn(f'"127.0.0.1:{port}"', config.read())
        machine.msiexec("/x", self.old)
        self.take_back_for_wine()
        self.assert_nothing_installed()

    def test_03_a_silent_installation_gives_a_running_service(self):
        self.install(self.old, f"HTTP_PORT={self.port}", f"DATA_DIR={DATA_DIR}")
        self.assert_installed(OLD)
        with open(os.path.join(DATA, "config.json"), encoding="utf-8") as config:
            self.assertIn(f'"http": "127.0.0.1:{self.port}"', config.read())

    def test_04_it_answers_and_has_found_ldplayer(self):
        self.assertEqual(self.service.client(None).request("GET", "/api/instances").status, 401)
        self.service.wait_until_observed(self.client())
        self.assertEqual(len(self.client().instances()), 3)
        done = run_service_command("service", "status", "--format", "json")
        self.assertIn("running", done.stdout)

        info = self.ask_the_pipe(self.service.tokens["admin"]).json
        self.assertEqual(info["runner"], "agent")

    # The files of the native build, each over TCP or over the pipe and what every client does over
    # both; all through the session agent.

    def test_05_it_does_over_tcp_what_the_native_build_does(self):
        names = ["lifecycle", "manage", "batch", "crash"]
        self.assertEqual(run_integration(*names, LDP_CRASH_ROUNDS="10"), 0)

    def test_06_it_does_over_the_pipe_what_the_native_build_does(self):
        self.assertEqual(run_integration("lifecycle", "reads", LDP_TRANSPORT="pipe"), 0)

    def test_07_an_agent_that_is_killed_is_replaced(self):
        self.start_afresh()
        self.client().run("POST", "/api/instances/0/start")
        before, agent = self.pids(), find_process("agent")
        os.kill(agent, signal.SIGKILL)
        wait_for(lambda: find_process("agent") not in (agent, None), "another agent")
        self.assertEqual(self.pids(), before)
        self.client().run("POST", "/api/instances/1/start")

    def test_08_killed_it_loses_nothing(self):
        client = self.client()
        before = self.pids()
        self.simulator.set(**{"latency_ms.add": 500})
        accepted = client.post("/api/instances", {"name": "made once"}).json
        self.service.kill()
        self.restart_after_a_kill()
        ended = client.wait(accepted, None)
        self.assertIn(ended["status"], ("succeeded", "interrupted"), ended)
        self.assertLessEqual(self.simulator.count("add"), 1)
        after = self.pids()
        self.assertEqual({key: after[key] for key in before}, before)
        self.assertEqual(self.simulator.count("launch"), 2)
        self.simulator.reset()

    def start_afresh(self):
        """Own data again, with the port that the installer was told."""
        self.service.use_template()
        self.service.options["http"] = f"127.0.0.1:{self.port}"
        self.service.start()
        self.service.wait_until_observed(self.client())

    def restart_after_a_kill(self):
        # Windows does it after five seconds; Wine's service manager has no recovery.
        self.service.start()

    def test_09_an_upgrade_keeps_data_and_touches_no_instance(self):
        before, token = self.pids(), self.service.tokens["admin"]
        names = {i["name"] for i in self.client().instances()}
        with open(os.path.join(DATA, "config.json"), encoding="utf-8") as config:
            settings = config.read()
        # That the entry of the service is the same is for Windows to show: Wine does not tell the old
        # version that it is upgraded (docs/windows-checklist.md, test_package.py).
        self.install(self.new)
        self.assert_installed(NEW)
        self.assertFalse(os.path.exists(machine.REPORT))
        self.assertEqual(self.pids(), before)
        self.assertEqual({i["name"] for i in self.client().instances()}, names)
        self.assertEqual(self.service.tokens["admin"], token)
        with open(os.path.join(DATA, "config.json"), encoding="utf-8") as config:
            self.assertEqual(config.read(), settings)
        self.assertEqual((self.simulator.count("launch"), self.simulator.count("quit")), (2, 0))

    def test_10_an_older_version_is_refused(self):
        self.assertNotEqual(machine.msiexec("/i", self.old), 0)
        self.assert_installed(NEW)
        self.assertIn("RUNNING", machine.sc_query())

    def test_11_a_repair_puts_back_what_is_missing(self):
        before = self.pids()
        os.remove(os.path.join(machine.PROGRAM_DIR, "README.md"))
        os.remove(machine.links()[0])
        run_program("reg", "delete", machine.EVENT_SOURCE, "/f")
        # What `msiexec /fa` asks of the installer; Wine's msiexec does not know /f.
        # Anybody may ask for it, so it must not listen to what else they say.
        self.install(self.new, "REINSTALL=ALL", "REINSTALLMODE=amus", "DATA_DIR=C:\\mine",
                     "HTTP_PORT=1")
        self.assert_installed(NEW)
        self.assertEqual(self.pids(), before)

    def remembered(self):
        """What is in the data alone: ids of instances, and all operations."""
        operations = self.client().get("/api/operations?limit=1000").json["items"]
        return (sorted(self.pids()), [(o["id"], o["status"]) for o in operations])

    def test_12_uninstalled_nothing_is_left_but_data(self):
        type(self).before = self.remembered()
        self.assertEqual(machine.msiexec("/x", self.new), 0)
        self.assert_nothing_installed()
        self.assertTrue(os.path.exists(os.path.join(DATA, "ldplayerd.db")))
        self.assertTrue(os.path.exists(os.path.join(DATA, "config.json")))
        self.assertTrue(self.simulator.show()["processes"], "the emulators")

    def test_13_installed_again_it_goes_on_with_its_data(self):
        self.install(self.old, f"HTTP_PORT={self.port}", f"DATA_DIR={DATA_DIR}")
        # Whether the instance of test 8 was made is not said: its operation may be interrupted.
        self.assertEqual(self.remembered(), self.before)

    def test_14_uninstalled_with_its_data_nothing_is_left(self):
        self.assertEqual(machine.msiexec("/x", self.old, "REMOVE_DATA=1"), 0)
        self.assert_nothing_installed()
        self.assertFalse(os.path.exists(DATA))

    def test_15_without_http_there_is_no_port_and_no_link(self):
        # Without DATA_DIR, too, so that the defaults are what the documentation says. An empty folder
        # that somebody has made there is no harm.
        data_dir = os.path.join(machine.DRIVE, "ProgramData", "ldplayerd")
        os.mkdir(data_dir)
        self.assertEqual(machine.msiexec("/i", self.new, "ENABLE_HTTP=0"), 0)
        self.assertIn("RUNNING", machine.sc_query())
        self.assertEqual(machine.links(), [])
        with open(os.path.join(data_dir, "config.json"), encoding="utf-8") as config:
            self.assertIn('"http": "none"', config.read())
        done = run_service_command("token", "create", "--name", "me", "--role", "viewer", check=True)
        self.assertEqual(self.ask_the_pipe(done.stdout.strip()).status, 200)
        self.assertEqual(machine.msiexec("/x", self.new, "REMOVE_DATA=1"), 0)
        self.assert_nothing_installed()
        self.assertFalse(os.path.exists(data_dir))


if __name__ == "__main__":
    unittest.main(failfast=True, verbosity=2)
