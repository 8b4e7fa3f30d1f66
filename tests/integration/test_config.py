# SPDX-License-Identifier: MIT
"""The command line and the configuration of the real program."""
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import unittest

from support import IS_WINDOWS, ServiceCase, Simulator, StartFailed, run_service_command, wait_for
from support.programs import SERVICE, WRAPPER, path_for_program


class CommandLine(unittest.TestCase):
    def test_version(self):
        done = run_service_command("version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^ldplayerd \d+\.\d+\.\d+ ")
        self.assertNotIn("\r", done.stdout)

    def test_version_lists_the_libraries_and_the_fixes_that_are_in_them(self):
        done = run_service_command("version", "--libraries")
        self.assertEqual(done.returncode, 0, done.stderr)
        for library in ("hiredis", "libsodium", "libuv", "llhttp", "sqlite3", "yyjson"):
            self.assertRegex(done.stdout, rf"(?m)^{library} \d+\.\d+\.\d+[,:] ")
        if "upstream release, no distribution patches" in done.stdout:
            self.skipTest("built from upstream's releases, by meson's wraps")
        self.assertRegex(done.stdout, r"(?m)^libsodium .*\n  CVE-2025-69277\.patch  security: ")
        self.assertRegex(done.stdout, r"(?m)^sqlite3 .*\n(  .*\n)*  52-CVE-2025-6965\.patch ")
        # Nothing of the machine that built it, and no patch that only packages.
        self.assertNotRegex(done.stdout, r"subprojects|packaging|(^|\s)/")

    def test_unknown_commands(self):
        done = run_service_command("serv")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("did you mean serve?", done.stderr)
        self.assertIn("token create", done.stderr)
        self.assertEqual(run_service_command().returncode, 2)

    def test_unknown_flags(self):
        done = run_service_command("serve", "--htpp", "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean --http?", done.stderr)

    def test_help(self):
        done = run_service_command("help")
        self.assertEqual(done.returncode, 0)
        for word in ("serve", "token create", "routes", "config show", "version"):
            self.assertIn(word, done.stdout)
        self.assertIn("--max-connections", run_service_command("serve", "--help").stdout)

    def test_help_of_a_noun_lists_its_commands(self):
        cases = {
            ("token", "--help"): (0, "token create"),
            ("token", "-h"): (0, "token create"),
            ("help", "token"): (0, "token create"),
            ("config", "--help"): (0, "config init"),
            ("data", "--help"): (0, "data remove"),
            ("service", "--help"): (0, "service install"),
            ("help", "token", "create"): (0, "Usage: ldplayerd token create --name"),
            ("help", "backup"): (0, "Usage: ldplayerd backup FILE"),
            ("token",): (2, "token create"),
        }
        for args, (code, words) in cases.items():
            with self.subTest(args=args):
                done = run_service_command(*args)
                self.assertEqual(done.returncode, code)
                self.assertIn(words, done.stderr if code else done.stdout)
                self.assertEqual(done.stdout if code else done.stderr, "")
                self.assertEqual("  serve " in done.stdout, False, "it is not the overview")

    def test_routes(self):
        done = run_service_command("routes")
        self.assertEqual(done.returncode, 0)
        self.assertIn("/api/instances/{ref}/start", done.stdout)

    def test_a_pipe_is_of_this_machine_and_of_windows(self):
        done = run_service_command("serve", "--pipe", r"\\server\pipe\x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("pipe of this machine" if IS_WINDOWS else "for Windows", done.stderr)

    def test_an_address_for_everybody_needs_permission(self):
        done = run_service_command("serve", "--http", "0.0.0.0:0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("allow_remote", done.stderr)


class Init(ServiceCase):
    instances = 1

    def start(self):
        """Each test starts what it needs."""

    def init(self, *args):
        directory = path_for_program(self.service.data_dir)
        return run_service_command("config", "init", "--data-dir", directory, *args)

    def config_path(self):
        return os.path.join(self.service.data_dir, "config.json")

    def read(self):
        with open(self.config_path(), encoding="utf-8") as file:
            return file.read()

    def test_the_options_given_are_what_a_service_runs_with(self):
        done = self.init("--http", "127.0.0.1:0", "--stuck-ms", "5000", "--metrics-on-loopback")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = "".join(line for line in self.read().splitlines() if not line.startswith("//"))
        self.assertEqual(
            json.loads(text),
            {"http": "127.0.0.1:0", "stuck_ms": 5000, "metrics_on_loopback": True},
        )
        del self.service.options["http"]
        self.service.start()
        self.assertTrue(self.service.port)

    def test_a_file_that_is_there_stays(self):
        with open(self.config_path(), "w", encoding="utf-8") as file:
            file.write('{"stuck_ms": 6000}')
        done = self.init("--stuck-ms", "5000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("stays", done.stdout)
        self.assertEqual(self.read(), '{"stuck_ms": 6000}')

    def test_a_file_of_its_own_that_nobody_changed_is_written_anew(self):
        self.init("--http", "127.0.0.1:8765")
        self.assertIn("is written", self.init("--http", "127.0.0.1:9000").stdout)
        self.assertIn("127.0.0.1:9000", self.read())
        self.assertIn("stays", self.init().stdout)
        with open(self.config_path(), "a", encoding="utf-8") as file:
            file.write("// mine\n")
        self.assertIn("stays", self.init("--http", "127.0.0.1:9001").stdout)
        self.assertIn("127.0.0.1:9000", self.read())

    def test_mistakes_are_not_written(self):
        done = self.init("--http", "nonsense")
        self.assertEqual(done.returncode, 2)
        self.assertFalse(os.path.exists(self.config_path()))

    def test_an_installer_gets_the_reason_in_a_file(self):
        """What it runs has no console that anybody reads."""
        report = os.path.join(self.service.directory, "setup", "report.log")
        args = ("--report", path_for_program(report), "--http")
        done = self.init(*args, "nonsense")
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        with open(report, encoding="utf-8") as file:
            self.assertIn("nonsense", file.read())
        self.assertEqual(self.init(*args, "127.0.0.1:0").returncode, 0)
        self.assertFalse(os.path.exists(report))


class RemoveData(ServiceCase):
    instances = 1

    def remove(self):
        directory = path_for_program(self.service.data_dir)
        return run_service_command("data", "remove", "--data-dir", directory)

    def test_not_while_it_is_used(self):
        done = self.remove()
        self.assertEqual(done.returncode, 1)
        self.assertIn("stop it first", done.stderr)
        self.service.wait_until_observed(self.client)

    def put(self, *path):
        """An empty file in the data directory."""
        path = os.path.join(self.service.data_dir, *path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            pass

    def test_nothing_is_left(self):
        stamp = "20261126T030501Z"
        self.service.stop()
        for path in (("config.json",), ("config.json.12.tmp",), ("agent.sock",),
                     ("ldplayerd.db.suspect",), ("ldplayerd.db.damaged-" + stamp + "-2-wal",),
                     ("logs", "ldplayerd.log"), ("logs", f"ldplayerd-{stamp}-1.log"),
                     ("crashes", f"ldplayerd-{stamp}-77.dmp"), ("crashes", "told"),
                     ("backups", f"ldplayerd-{stamp}-2.db"), ("backups", "new.tmp-journal"),
                     ("configs", "1a2b-17f3.config"), ("configs", "1a2b-17f3.config.tmp")):
            self.put(*path)
        done = self.remove()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(os.path.exists(self.service.data_dir))
        self.assertIn("not there", self.remove().stdout)

    def test_what_is_not_ours_stays(self):
        self.service.stop()
        foreign = ["backups/mysql-dump.sql", "configs/prod.yml", "crashes/deep/photo.raw",
                   "ldplayerd-notes.txt", "ldplayerd.db.mine", "letter.txt", "logs/nginx.log",
                   "photos/me.raw"]
        for path in foreign:
            self.put(*path.split("/"))
        done = self.remove()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("logs has other things in it (nginx.log); they stay", done.stderr)
        self.assertEqual(self.files(), foreign)

    def files(self):
        root = self.service.data_dir
        return sorted(os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
                      for folder, _, names in os.walk(root) for name in names)

    def test_a_folder_that_is_none_of_ours_is_left_alone(self):
        self.service.stop()
        shutil.rmtree(self.service.data_dir)
        foreign = ["backups/ldplayerd-20261126T030501Z.db", "config.json", "node-id"]
        for path in foreign:
            self.put(*path.split("/"))
        done = self.remove()
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no data directory of ldplayerd", done.stderr)
        self.assertEqual(self.files(), foreign)
        with open(os.path.join(self.service.data_dir, "config.json"), "w",
                  encoding="utf-8") as file:
            file.write('{"stuck_ms": 6000} // ours')
        self.assertEqual(self.remove().returncode, 0)
        self.assertFalse(os.path.exists(self.service.data_dir))

    def test_nobody_gets_it_while_it_is_removed(self):
        if WRAPPER:
            self.skipTest("a pipe that is full does not hold a program up under Wine")
        self.service.stop()
        self.put("backups", "mysql-dump.sql")
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        command = subprocess.Popen([SERVICE, "data", "remove", "--data-dir",
                                    self.service.data_dir], stderr=writer)
        os.close(writer)
        # It has something to say of the folder, and cannot.
        wait_for(lambda: not os.path.exists(os.path.join(self.service.data_dir, "ldplayerd.db")),
                 "the removal of the database")
        with open(os.path.join(self.service.data_dir, "ldplayerd.lock"), encoding="utf-8") as file:
            with self.assertRaises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with open(reader, "rb") as file:
            self.assertIn(b"they stay", file.read())
        self.assertEqual(command.wait(), 0)
        self.assertEqual(self.files(), ["backups/mysql-dump.sql"])

    def test_a_directory_must_be_named(self):
        self.assertEqual(run_service_command("data", "remove").returncode, 2)


class File(ServiceCase):
    instances = 1

    def start(self):
        """Each test starts what it needs."""

    def write(self, text):
        path = os.path.join(self.directory, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path_for_program(path)

    def check(self, text, *args):
        return run_service_command("config", "check", "--config", self.write(text), *args)

    def test_a_good_file(self):
        done = self.check('{ // comment\n "stuck_ms": 5000, }')
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_mistake_with_its_line(self):
        done = self.check('{\n"stuck_ms": 5,\n"htpp": "x",\n"allow_remote": 1,\n"http": 1,\n'
                          '"http": "x"\n}')
        self.assertEqual(done.returncode, 2)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 5, done.stderr)
        for number, word in ((2, "1000 to 86400000"), (3, "did you mean http?"), (4, "true"),
                             (5, "http"), (6, "second time")):
            self.assertTrue(
                any(f"config.json:{number}: " in line and word in line for line in lines),
                (number, done.stderr),
            )

    def test_serve_refuses_what_check_refuses(self):
        self.service.options["config"] = self.write('{"stuck_ms": 5}')
        with self.assertRaises(StartFailed) as raised:
            self.service.start()
        self.assertEqual(raised.exception.code, 2)
        self.assertIn("config.json:1: stuck_ms", raised.exception.log)

    def test_a_flag_beats_the_environment_beats_the_file(self):
        path = self.write('{"stuck_ms": 5001, "ready_age_ms": 5001, "drain_ms": 5001}')
        done = run_service_command(
            "config", "show", "--config", path, "--stuck-ms", "5003",
            env={"LDPLAYERD_STUCK_MS": "5002", "LDPLAYERD_READY_AGE_MS": "5002"},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = {line.split()[0]: line.split(None, 2)[1:] for line in done.stdout.splitlines()}
        self.assertEqual(rows["stuck_ms"], ["5003", "flag --stuck-ms"])
        self.assertEqual(rows["ready_age_ms"], ["5002", "environment LDPLAYERD_READY_AGE_MS"])
        self.assertEqual(rows["drain_ms"][0], "5001")
        self.assertIn("config.json line 1", rows["drain_ms"][1])
        self.assertEqual(rows["max_connections"], ["10000", "default"])

    def test_an_environment_that_names_an_option_wrongly_is_refused(self):
        done = run_service_command("config", "check", env={"LDPLAYERD_MAX_CONECTIONS": "5"})
        self.assertEqual(done.returncode, 2)
        self.assertIn("LDPLAYERD_MAX_CONECTIONS: the environment names no option so; did you mean "
                      "max_connections?", done.stderr)
        done = run_service_command("config", "check", env={"LDPLAYERD_HOME": "5"})
        self.assertEqual(done.returncode, 0, "that is somebody else's")

    def test_the_file_in_the_data_directory_is_found(self):
        with open(os.path.join(self.service.data_dir, "config.json"), "w", encoding="utf-8") as f:
            f.write('{"stuck_ms": 7777}')
        self.service.start()
        info = self.service.client().get("/api/info").body.decode()
        self.assertIn("7777", info)


class Start(ServiceCase):
    instances = 1

    def test_the_ready_line(self):
        pattern = r"^ready http=http://127\.0\.0\.1:\d+"
        pattern += (
            r" pipe=\\\\\.\\pipe\\ldp-test-\w+" if IS_WINDOWS else r" socket=\S+/ldplayerd\.sock"
        )
        self.assertRegex(self.service.ready_line, pattern + "$")
        self.service.stop()
        self.assertEqual(self.service.output(), self.service.ready_line + "\n")

    def test_a_data_directory_is_made_for_its_owner_alone(self):
        other = self.make_service("other")
        other.data_dir = os.path.join(self.directory, "deep", "er")
        other.start()
        self.assertEqual(other.client(None).get("/livez").status, 200)
        if not IS_WINDOWS:
            self.assertEqual(stat.S_IMODE(os.stat(other.data_dir).st_mode), 0o700)

    def test_one_service_for_one_data_directory(self):
        other = self.make_service("other")
        other.data_dir = self.service.data_dir
        with self.assertRaises(StartFailed) as raised:
            other.start()
        self.assertEqual(raised.exception.code, 1)
        self.assertRegex(raised.exception.log, r"another ldplayerd \(process \d+\)")

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            other = self.make_service("other", http=f"127.0.0.1:{server.getsockname()[1]}")
            with self.assertRaises(StartFailed) as raised:
                other.start()
        self.assertEqual(raised.exception.code, 1)
        self.assertIn("cannot listen on http=127.0.0.1:", raised.exception.log)

    def test_a_data_directory_that_cannot_be_made(self):
        blocker = os.path.join(self.directory, "file")
        with open(blocker, "w", encoding="utf-8"):
            pass
        other = self.make_service("other")
        other.data_dir = os.path.join(blocker, "data")
        with self.assertRaises(StartFailed) as raised:
            other.start()
        self.assertEqual(raised.exception.code, 1)
        self.assertIn("data directory", raised.exception.log)

    def test_the_log_goes_to_a_file_too(self):
        path = os.path.join(self.directory, "log", "of-the-test.log")
        os.mkdir(os.path.dirname(path))
        self.service.restart(log_file=path_for_program(path))
        self.service.stop()
        with open(path, encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        self.assertEqual({r["level"] for r in records} - {"warning"}, {"info"})
        self.service.start()

    def test_each_way_to_run_the_database_keeps_what_was_acknowledged(self):
        for profile in ("dev", "staging", "prod"):
            self.service.restart(store_profile=profile)
            ended = self.client.run("PATCH", "/api/instances/0", {"group": profile})
            self.service.kill()
            self.service.start()
            self.assertEqual(self.client.operation(ended["id"])["status"], "succeeded")
            self.assertEqual(self.client.instance(0)["group"], profile)

    def test_the_end_of_a_first_service_lets_a_second_start(self):
        self.service.stop()
        other = self.make_service("other")
        other.data_dir = self.service.data_dir
        other.start()

    @unittest.skipIf(IS_WINDOWS, "there is no SIGHUP to reload by")
    def test_a_reload_applies_what_it_can_and_names_the_rest(self):
        path = os.path.join(self.service.data_dir, "config.json")

        def reload(config, expected):
            with open(path, "w", encoding="utf-8") as file:
                file.write(config)
            self.service.process.send_signal(signal.SIGHUP)
            wait_for(lambda: re.search(expected, self.service.log()), expected)

        reload(json.dumps({"log_level": "debug", "stuck_ms": 9000}), r"log_level is now debug")
        wait_for(lambda: "stuck_ms is 9000 in the configuration" in self.service.log(),
                 "what needs a restart")
        reload('{"log_level": "loud"}', r"the last good one stays")
        wait_for(lambda: "config.json:1: log_level" in self.service.log(), "where it is wrong")
        self.client.told("service.reloaded")
        self.assertEqual(self.client.get("/livez").status, 200)


class Simulate(ServiceCase):
    def prepare(self):
        del self.service.options["ldconsole"]
        self.service.options.update(simulate=4, simulate_speed=100)

    def tearDown(self):
        self.service.stop()
        Simulator.existing(os.path.join(self.service.data_dir, "simulator")).kill()

    def test_a_simulated_installation_is_made_and_kept(self):
        self.assertEqual(self.client.get("/api/instances").json["total"], 4)
        self.client.run("POST", "/api/instances/0/start")
        self.client.run("POST", "/api/instances", {"name": "mine"})
        before = {i["index"]: i["id"] for i in self.client.instances()}
        self.service.restart()
        self.service.wait_until_observed(self.client)
        self.assertEqual({i["index"]: i["id"] for i in self.client.instances()}, before)
        self.assertIn(self.client.instance(0)["state"], ("running", "ready"))

    def test_it_keeps_its_number_and_one_that_is_not_whole_is_refused(self):
        self.service.restart(simulate=2)
        self.assertIn("was made with 4 instances and stays as it is", self.service.log())
        self.service.wait_until_observed(self.client)
        self.assertEqual(self.client.get("/api/instances").json["total"], 4)
        self.service.stop()
        folder = os.path.join(self.service.data_dir, "simulator")
        os.rename(os.path.join(folder, "made"), os.path.join(folder, "made.elsewhere"))
        with self.assertRaises(StartFailed) as raised:
            self.service.start()
        self.assertIn("is not whole", raised.exception.log)
        os.rename(os.path.join(folder, "made.elsewhere"), os.path.join(folder, "made"))
        self.service.start()


if __name__ == "__main__":
    unittest.main()
