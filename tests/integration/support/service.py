# SPDX-License-Identifier: MIT
"""A running ldplayerd."""
import os
import re
import signal
import subprocess
import uuid

from . import record
from .bridge import Bridge
from .client import Client, UnixConnection
from .programs import (
    IS_WINDOWS,
    SERVICE,
    WRAPPER,
    clean_environment,
    path_for_program,
    run_service_command,
    was_lost_by_wine,
)
from .templates import copy_of
from .waiting import GENEROUS_S, wait_for

# Looks often: the simulator is a hundred times as fast as the real thing.
QUICK = {"refresh_active_ms": 50, "refresh_idle_ms": 1000, "settle_ms": 100}

# Simulated instances take nothing of what they are configured for, and the machine that runs the
# tests may be as busy as it likes.
UNPRESSED = {"launch_min_memory_mb": 0, "launch_max_commit_percent": 0,
             "launch_max_cpu_percent": 0, "launch_min_disk_mb": 0}


# Set for tests of the session agent: everything then runs through it.
RUNNER = os.environ.get("LDP_RUNNER", "")

TOKEN_FILE = "test-token"


def create_token(data_dir, name, role, *args):
    os.makedirs(data_dir, 0o700, exist_ok=True)
    done = run_service_command(
        "token", "create", "--name", name, "--role", role, *args,
        "--data-dir", path_for_program(data_dir), check=True,
    )
    return done.stdout.strip()


def _make_data_dir(path):
    token = create_token(path, "test-admin", "admin")
    with open(os.path.join(path, TOKEN_FILE), "w", encoding="utf-8") as file:
        file.write(token)


class StartFailed(AssertionError):
    """serve ended before it was ready."""

    def __init__(self, code, log):
        super().__init__(f"serve ended with {code} before it was ready:\n{log}")
        self.code = code
        self.log = log


class Service:
    """One data directory and the process that serves it. Options are keyword arguments by their
    names in the configuration."""

    def __init__(self, directory, **options):
        self.directory = directory
        self.data_dir = os.path.join(directory, "data")
        self.log_path = os.path.join(directory, "service.log")
        self.out_path = os.path.join(directory, "service.out")
        self.options = {**QUICK, **UNPRESSED, "http": "127.0.0.1:0", **options}
        if RUNNER:
            self.options.setdefault("runner", RUNNER)
        if IS_WINDOWS:
            # Pipes have one name space for the whole machine, and tests run side by side.
            self.options.setdefault("pipe", rf"\\.\pipe\ldp-test-{uuid.uuid4().hex}")
        self.wrapper = WRAPPER
        self.process = None
        self.ready_line = None
        self.port = None
        self.socket = None
        self.pipe = None
        self.bridge = None
        self.tokens = {}

    def flags(self):
        options = {"data_dir": path_for_program(self.data_dir), **self.options}
        return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]

    def launch(self, env=None):
        """Starts it, and does not wait. What it prints goes to files: a process that it leaves
        behind may hold a pipe open for ever."""
        with open(self.log_path, "ab") as log, open(self.out_path, "wb") as out:
            self.process = subprocess.Popen(
                [*self.wrapper, SERVICE, "serve", *self.flags()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=clean_environment(env),
            )

    def _start_once(self, env):
        self.launch(env)
        self.ready_line = self._read_ready_line()
        return self.ready_line

    def start(self, env=None):
        """Starts and waits until it is ready."""
        before = self.log()
        if not self._start_once(env):
            code = self.wait_for_end()
            if not was_lost_by_wine(code, self.log()[len(before):]) or not self._start_once(env):
                raise StartFailed(code, self.log())
        record.options(["data_dir", *self.options])
        record.options_of_environment(env or {})
        self._record_files()
        http = re.search(r" http=http://127\.0\.0\.1:(\d+)", self.ready_line)
        self.port = int(http.group(1)) if http else None
        unix = re.search(r" socket=(\S+)", self.ready_line)
        self.socket = unix.group(1) if unix else None
        pipe = re.search(r" pipe=(\S+)", self.ready_line)
        self.pipe = pipe.group(1) if pipe else None
        return self

    def _record_files(self):
        record.options_of_file(os.path.join(self.data_dir, "config.json"))
        if "config" in self.options:
            record.options_of_file(self.options["config"])

    def _read_ready_line(self):
        """The first line of its output, or nothing when it has ended without one."""
        wait_for(
            lambda: "\n" in self.output() or self.process.poll() is not None,
            "the ready line",
            every=0.005,
        )
        return self.output().partition("\n")[0]

    def output(self):
        """All of its standard output so far."""
        with open(self.out_path, encoding="utf-8", newline="") as file:
            return file.read()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self):
        # Wine turns SIGINT into Ctrl-C; SIGTERM it does not pass on.
        self.process.send_signal(signal.SIGINT if IS_WINDOWS else signal.SIGTERM)

    def wait_for_end(self):
        """The exit code."""
        code = self.process.wait(GENEROUS_S)
        self.process = None
        return code

    def stop(self):
        """A clean stop; the exit code must be 0, which under the sanitizers also says that nothing
        leaked."""
        self._record_files()  # it may have been told to read them again
        self.ask_to_stop()
        code = self.wait_for_end()
        if code != 0:
            raise AssertionError(f"serve ended with {code}:\n{self.log()}")

    def kill(self):
        """What a power cut would do to the process."""
        self.process.kill()
        self.wait_for_end()

    def restart(self, **options):
        self.stop()
        self.options.update(options)
        return self.start()

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def create_token(self, name, role, *args):
        return create_token(self.data_dir, name, role, *args)

    def use_template(self):
        """A data directory in which the administrator's token is made already."""
        copy_of("data", _make_data_dir, self.data_dir)
        with open(os.path.join(self.data_dir, TOKEN_FILE), encoding="utf-8") as file:
            self.tokens["admin"] = file.read()
        os.remove(os.path.join(self.data_dir, TOKEN_FILE))

    def connect_locally(self, timeout):
        """A connection to the named pipe or, where there are none, the unix socket."""
        if not IS_WINDOWS:
            return UnixConnection(self.socket, timeout)
        if self.bridge is None:
            self.bridge = Bridge(self.pipe)
        return self.bridge.connect(timeout)

    def close_bridge(self):
        if self.bridge is not None:
            self.bridge.close()
            self.bridge = None

    def client(self, role="admin"):
        """A client with a token of ROLE; None for one without credentials, which is always over
        TCP."""
        if role is None:
            return Client(self, local=False)
        if role not in self.tokens:
            self.tokens[role] = self.create_token(f"test-{role}", role)
        return Client(self, self.tokens[role])

    def wait_until_observed(self, client=None):
        """Until the instances have been looked at."""
        client = client or self.client()
        wait_for(
            lambda: client.request("GET", "/readyz").status == 200, "a first look at the instances"
        )
