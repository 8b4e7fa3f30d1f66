# SPDX-License-Identifier: MIT
"""ldplayerd as a service of Windows: installed, started, asked, killed, stopped, uninstalled.

Under Wine this happens in a prefix of its own, which is ended afterwards: services belong to the
whole of a Windows, and so does what this leaves should it fail."""
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from support import IS_WINDOWS, Client, EventStream, Simulator, run_service_command, wait_for
from support.programs import SERVICE, WRAPPER, clean_environment, path_for_program, run_program
from support.service import QUICK, UNPRESSED, create_token

SERVICE_NAME = "ldplayerd"
# How long the service manager is given to start the service again. It waits 5 s before it does.
RECOVERY_S = 20
WINE_RECOVERY_S = 1


class Refusals(unittest.TestCase):
    @unittest.skipIf(IS_WINDOWS, "what Windows does is tested below")
    def test_every_command_says_what_to_use_instead(self):
        for command in ("install", "uninstall", "start", "stop", "reload", "status", "run",
                        "configure", "unconfigure"):
            done = run_service_command("service", command)
            self.assertEqual((done.returncode, done.stdout), (1, ""), command)
            self.assertIn("ldplayerd serve", done.stderr, command)
            self.assertEqual(len(done.stderr.splitlines()), 1, command)

    def test_wrong_arguments(self):
        for args in (["service"], ["service", "instal"], ["service", "stop", "now"],
                     ["service", "install", "--htpp", "x"], ["service", "run", "--no-such-flag"]):
            done = run_service_command(*args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)

    @unittest.skipUnless(IS_WINDOWS, "there is no service here")
    def test_no_argument_says_how_to_make_a_service(self):
        done = run_service_command()
        self.assertEqual(done.returncode, 2)
        self.assertIn("ldplayerd service install", done.stderr)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Address:
    """What a client needs to know of a service."""

    def __init__(self, port):
        self.port = port
        self.socket = None


@unittest.skipUnless(IS_WINDOWS, "services are for Windows")
class Installed(unittest.TestCase):
    """One installed service for all tests of the class, in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="ldp-service-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls._use_own_prefix()
        cls.data_dir = os.path.join(cls.directory, "data two")
        cls.token = create_token(cls.data_dir, "admin", "admin")
        cls.simulator = Simulator(os.path.join(cls.directory, "ldplayer"))
        cls.addClassCleanup(cls.simulator.kill)
        cls.port = free_port()
        cls.flags = ["--data-dir", path_for_program(cls.data_dir),
                     "--ldconsole", cls.simulator.ldconsole, "--http", f"127.0.0.1:{cls.port}"]
        for name, value in {**QUICK, **UNPRESSED}.items():
            cls.flags += ["--" + name.replace("_", "-"), str(value)]

    @classmethod
    def _use_own_prefix(cls):
        if not WRAPPER:
            return
        before = os.environ.get("LDP_WINEPREFIX")
        os.environ["LDP_WINEPREFIX"] = os.path.join(cls.directory, "wine")
        cls.addClassCleanup(cls._leave_prefix, before)
        # In the session in which Wine 8 made the prefix its service manager denies services that
        # it has (error 1060) to who wants to start or change them. In the next one it does not.
        run_service_command("version", check=True)
        subprocess.run([*WRAPPER, "--stop"], check=True, timeout=60)

    @staticmethod
    def _leave_prefix(before):
        subprocess.run([*WRAPPER, "--stop"], check=False, timeout=60)
        if before is None:
            del os.environ["LDP_WINEPREFIX"]
        else:
            os.environ["LDP_WINEPREFIX"] = before

    def run_command(self, *args, code=0):
        done = run_service_command("service", *args)
        self.assertEqual(done.returncode, code, f"service {args}: {done.stdout}{done.stderr}")
        return done

    def query(self):
        """What `sc query` says."""
        return run_program("sc", "query", SERVICE_NAME, check=False).stdout

    def status(self):
        return json.loads(self.run_command("status", "--format", "json").stdout)

    def client(self):
        return Client(Address(self.port), self.token)

    def ensure_running(self):
        self.run_command("install", *self.flags)
        self.run_command("start")

    def answers(self):
        try:
            return self.client().request("GET", "/readyz").status == 200
        except OSError:
            return False

    def test_01_nothing_is_there(self):
        for command in ("start", "stop", "reload", "status"):
            done = self.run_command(command, code=1)
            self.assertIn("ldplayerd service install", done.stderr, command)
        self.assertIn("no service", self.run_command("uninstall").stdout)
        self.run_command("unconfigure")

    def test_02_mistakes_are_told_before_anything_is_made(self):
        done = self.run_command("install", "--http", "nonsense", code=2)
        self.assertIn("nonsense", done.stderr)
        secret = "redis://:hush@127.0.0.1"
        done = self.run_command("install", "--cache-redis-url", secret, code=1)
        self.assertIn("config.json", done.stderr)
        self.assertNotIn("hush", done.stderr)
        self.run_command("status", code=1)

    def test_03_a_folder_with_other_things_is_not_taken(self):
        theirs = os.path.join(self.directory, "theirs")
        os.mkdir(theirs)
        with open(os.path.join(theirs, "letter.txt"), "w", encoding="utf-8") as file:
            file.write("dear")
        done = self.run_command("configure", "--data-dir", path_for_program(theirs), code=1)
        self.assertIn("none of ldplayerd", done.stderr)

    def test_03a_what_a_repair_or_a_restore_has_left_is_known(self):
        ours = os.path.join(self.directory, "ours")
        os.mkdir(ours)
        with open(os.path.join(ours, "ldplayerd.db.damaged-20261126T030501Z"), "wb"):
            pass
        done = self.run_command("configure", "--data-dir", path_for_program(ours), code=1)
        self.assertIn("there is no service", done.stderr)

    def test_03b_a_file_that_is_also_elsewhere_is_not_taken(self):
        """Its permissions would change there too."""
        planted = os.path.join(self.directory, "planted")
        os.mkdir(planted)
        elsewhere = os.path.join(self.directory, "elsewhere")
        with open(elsewhere, "w", encoding="utf-8") as file:
            file.write("{}")
        os.link(elsewhere, os.path.join(planted, "config.json"))
        done = self.run_command("configure", "--data-dir", path_for_program(planted), code=1)
        self.assertIn("same file as another one", done.stderr)
        done = self.run_command("install", "--data-dir", path_for_program(planted), code=1)
        self.assertIn("same file as another one", done.stderr)
        self.assertIn("Nothing of the service is left installed", done.stderr)
        self.assertIn("ldplayerd service install", self.run_command("status", code=1).stderr)

    def test_04_install_start_ask(self):
        self.run_command("install", *self.flags)
        status = self.status()
        self.assertEqual((status["state"], status["pid"]), ("stopped", 0))
        self.assertTrue(status["start_type"].startswith("automatic"), status)
        self.assertIn("service run", status["command"])
        self.assertEqual(status["data_dir"], path_for_program(self.data_dir))
        self.run_command("install", *self.flags, "--log-file", "none")
        self.assertTrue(self.status()["command"].endswith("--log-file none"), self.status())
        self.assertIn("installed already", self.run_command("install", *self.flags).stdout)
        self.run_command("start")
        self.assertIn("RUNNING", self.query())
        wait_for(self.answers, "the service to have looked")
        self.assertEqual(self.client().request("GET", "/api/instances").json["total"], 3)
        self.assertEqual(self.status()["state"], "running")
        self.assertGreater(self.status()["pid"], 0)
        self.run_command("start")

    def test_04b_the_session_agent_runs_ldconsole(self):
        self.ensure_running()
        wait_for(self.answers, "the service to have looked")
        runner = self.client().request("GET", "/api/health").json["checks"]["runner"]
        self.assertEqual((runner["kind"], runner["status"]), ("agent", "ok"))
        with EventStream(self.client(), since=0) as events:
            started = events.until(lambda e: e["type"] == "session.agent_started")[-1]["data"]
        self.assertTrue(started["user"])
        run_program("taskkill", "/f", "/pid", str(started["pid"]))
        with EventStream(self.client(), since=0) as events:
            events.until(lambda e: e["type"] == "session.agent_started" and
                         e["data"]["pid"] != started["pid"])
        self.assertEqual(self.client().request("GET", "/api/instances?max_age_ms=0").status, 200)

    def test_05_a_second_one_on_the_same_data_says_so(self):
        self.ensure_running()
        done = run_service_command("serve", "--data-dir", path_for_program(self.data_dir),
                                   "--http", "127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another ldplayerd", done.stderr)

    def test_06_stop_drains_and_leaves_instances_running(self):
        self.ensure_running()
        wait_for(self.answers, "the service to have looked")
        done = self.client().request("POST", "/api/instances/0/start?wait=60")
        self.assertEqual(done.status, 200, done)
        accepted = self.client().request("POST", "/api/instances/1/start")
        self.assertEqual(accepted.status, 202, accepted)
        self.run_command("stop")
        self.assertEqual(self.status()["exit_code"], 0)
        self.assertIn("STOPPED", self.query())
        self.run_command("stop")
        self.run_command("start")
        self.client().wait(accepted.json)
        wait_for(self.answers, "the service to have looked")
        instance = self.client().request("GET", "/api/instances/0").json
        self.assertIn(instance["state"], ("running", "ready"), instance)

    def test_06b_the_log_is_a_file_of_json_lines(self):
        self.ensure_running()
        with open(os.path.join(self.data_dir, "logs", "ldplayerd.log"), encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        for record in records:
            self.assertEqual(set(record), {"time", "level", "component", "message"})
        said = " ".join(record["message"] for record in records)
        self.assertIn("ready http=", said)
        self.assertIn("stopping: the service control manager asked for it", said)

    def test_06c_a_stop_during_a_restart_within_the_process_ends_it(self):
        self.ensure_running()
        data_dir = ["--data-dir", path_for_program(self.data_dir)]
        backup = path_for_program(os.path.join(self.directory, "a.db"))
        done = run_service_command("backup", backup, *data_dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        for _ in range(3):
            wait_for(self.answers, "the service to have looked")
            restore = subprocess.Popen(
                [*WRAPPER, SERVICE, "restore", backup, *data_dir], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment())
            wait_for(lambda: not self.answers(), "the restart to begin")
            # Wherever it is by now; before, it was refused: "the service cannot accept controls".
            self.run_command("stop")
            self.assertIn("STOPPED", self.query())
            restore.kill()
            restore.wait()
            self.run_command("start")
        wait_for(self.answers, "the service to have looked")

    def test_07_recovers_from_being_killed(self):
        self.ensure_running()
        wait_for(self.answers, "the service to have looked")
        before = self.status()["pid"]
        run_program("taskkill", "/F", "/PID", str(before))
        wait_for(lambda: not self.answers(), "the end of the process")
        if WRAPPER and not self._is_restarted(before):
            subprocess.run([*WRAPPER, "--stop"], check=True, timeout=60)
            self.run_command("start")
            wait_for(self.answers, "the service to have looked")
            self.skipTest("Wine's service manager does not notice that a service died; the test has "
                          "ended Wine and started the service itself")
        wait_for(self.answers, "the service to have looked")
        self.assertNotEqual(self.status()["pid"], before)

    def _is_restarted(self, before):
        end = time.monotonic() + (WINE_RECOVERY_S if WRAPPER else RECOVERY_S)
        while time.monotonic() < end:
            status = self.status()
            if status["state"] == "running" and status["pid"] != before:
                return True
            time.sleep(0.2)
        return False

    def test_08_a_reload_is_a_control(self):
        self.ensure_running()
        with open(os.path.join(self.data_dir, "config.json"), "w", encoding="utf-8") as file:
            file.write('{"drain_ms": 1234}')
        self.addCleanup(os.remove, os.path.join(self.data_dir, "config.json"))
        with EventStream(self.client(), since=0) as stream:
            self.run_command("reload")
            stream.until(lambda event: event["type"] == "service.reloaded")

    def test_09_a_start_that_fails_says_why(self):
        self.ensure_running()
        self.run_command("stop")
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", self.port))
            other.listen()
            done = self.run_command("start", code=1)
            self.assertIn("another program listens", done.stderr)
            status = self.status()
        self.assertEqual(status["specific_code"], 4, status)
        self.run_command("start")

    def test_09b_a_wrong_configuration_is_told_in_the_log(self):
        self.ensure_running()
        self.run_command("stop")
        path = os.path.join(self.data_dir, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"drain_ms": "soon"}')
        done = self.run_command("start", code=1)
        os.remove(path)
        self.assertIn("config check", done.stderr)
        self.assertEqual(self.status()["specific_code"], 2)
        with open(os.path.join(self.data_dir, "logs", "ldplayerd.log"), encoding="utf-8") as file:
            last = json.loads(file.readlines()[-1])
        self.assertEqual(last["level"], "error")
        self.assertIn("drain_ms", last["message"])
        self.run_command("start")

    def test_10_uninstall_keeps_the_data(self):
        self.ensure_running()
        self.assertIn("is uninstalled", self.run_command("uninstall").stdout)
        self.run_command("status", code=1)
        self.assertIn("no service", self.run_command("uninstall").stdout)
        self.assertTrue(os.path.exists(os.path.join(self.data_dir, "ldplayerd.db")))

    def test_11_started_in_a_console_it_says_what_to_do(self):
        done = self.run_command("run", code=1)
        self.assertIn("ldplayerd serve", done.stderr)


if __name__ == "__main__":
    unittest.main()
