# SPDX-License-Identifier: MIT
"""The installed service as the service of a test.

LDP_INSTALLED names its data directory. There is one such service on a machine, so tests that use it
run one after another; each begins with fresh data. Its options go where an administrator would put
them, into config.json; the service control manager starts and stops it."""
import json
import os
import shutil
import signal
import socket

from .programs import IS_WINDOWS, run_service_command
from .service import Service, StartFailed
from .waiting import GENEROUS_S, wait_for


def is_wanted():
    return "LDP_INSTALLED" in os.environ


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it has ended meanwhile
        return b""


def find_process(*words):
    """The id, on this machine, of our Wine's ldplayerd process that has WORDS as its arguments, or
    None."""
    prefix = b"WINEPREFIX=" + os.environ["LDP_WINEPREFIX"].encode()
    wanted = [word.encode() for word in words]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        args = _read(f"/proc/{pid}/cmdline").split(b"\0")
        if not args[0].lower().endswith(b"ldplayerd.exe") or args[1 : 1 + len(wanted)] != wanted:
            continue
        if prefix in _read(f"/proc/{pid}/environ").split(b"\0"):
            return int(pid)
    return None


class ServiceProcess:
    """The process behind the service, with what Popen would offer."""

    def __init__(self, pid):
        self.pid = pid

    def is_there(self):
        # Behind the last parenthesis; a zombie that nobody fetches has ended.
        stat = _read(f"/proc/{self.pid}/stat").rpartition(b")")[2].split()
        return bool(stat) and stat[0] != b"Z"

    def poll(self):
        return None if self.is_there() else 0

    def wait(self, timeout=GENEROUS_S):
        wait_for(lambda: not self.is_there(), "the end of the service's process", timeout)
        return 0

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


class InstalledService(Service):
    def __init__(self, directory, **options):
        super().__init__(directory, **options)
        self.data_dir = os.environ["LDP_INSTALLED"]

    def start(self, env=None):
        assert IS_WINDOWS and not env, "an installed service has no environment of ours"
        options = dict(self.options)
        if options.get("http", "").endswith(":0"):
            # Nobody reads the line in which the service says what port it got.
            options["http"] = f"127.0.0.1:{free_port()}"
        with open(os.path.join(self.data_dir, "config.json"), "w", encoding="utf-8") as file:
            json.dump(options, file)
        done = run_service_command("service", "start")
        if done.returncode != 0:
            raise StartFailed(done.returncode, done.stderr + self.log())
        self.pipe = options.get("pipe")
        self.attach(int(options["http"].rpartition(":")[2]))
        return self

    def attach(self, port):
        """To a service that was started by somebody else. Wine says that it runs when it has only
        begun to start after it was killed."""
        self.port = port
        pid = wait_for(lambda: find_process("service", "run"), "the service's process")
        self.process = ServiceProcess(pid)
        wait_for(self._listens, "the service to listen")

    def _listens(self):
        if not self.is_running():
            raise StartFailed(None, self.log())
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask_to_stop(self):
        done = run_service_command("service", "stop")
        if done.returncode != 0:
            raise AssertionError(f"{done.stderr}{self.log()}")

    def stop(self):
        super().stop()
        status = json.loads(
            run_service_command("service", "status", "--format", "json", check=True).stdout
        )
        if status["exit_code"] != 0 or "still open" in self.log():
            raise AssertionError(f"the service ended badly: {status}\n{self.log()}")

    def log(self):
        """The newest of what it writes; the service has no standard error."""
        logs = os.path.join(self.data_dir, "logs")
        names = sorted(os.listdir(logs)) if os.path.isdir(logs) else []
        return "\n".join(_read(os.path.join(logs, name)).decode("utf-8", "replace")
                         for name in names)[-20000:]

    def use_template(self):
        if find_process("service", "run"):
            self.ask_to_stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)
        super().use_template()
