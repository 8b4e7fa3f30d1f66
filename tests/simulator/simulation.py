# SPDX-License-Identifier: MIT
"""What the tests of the simulator share: an installation in a temporary directory.

LDSIM_DIR is the directory of the built programs. LDSIM_RUN, when set, is the program that runs
them (the Wine wrapper); the programs then end in .exe.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

PROGRAMS = pathlib.Path(os.environ["LDSIM_DIR"])
PREFIX = os.environ.get("LDSIM_RUN", "").split()
IS_WINDOWS = bool(PREFIX)
SUFFIX = ".exe" if IS_WINDOWS else ""
SPEED = 40 if IS_WINDOWS else 100
PATIENCE_S = 60

# A duration that no test waits for: it holds an instance where it is.
FOREVER = 100_000_000

MISSING = "player don't exist!"
BANNER = "Command Line Management Interface"

natively = unittest.skipIf(IS_WINDOWS, "looks at the processes of this system")


class Result:
    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    @property
    def text(self):
        return self.out.decode()


class Row:
    """One row of list2, split from both ends as the title may hold commas."""

    def __init__(self, line, columns=10):
        parts = line.split(",")
        tail = columns - 2
        self.index = int(parts[0])
        self.title = ",".join(parts[1 : len(parts) - tail])
        numbers = [int(part) for part in parts[len(parts) - tail :]]
        self.top, self.bind, self.state, self.pid, self.vm = numbers[:5]
        self.size = tuple(numbers[5:])

    @property
    def seen(self):
        """State, whether there is a player, whether there is a VM."""
        return self.state, self.pid > 0, self.vm > 0


OFF = (0, False, False)
STARTING = (2, True, False)
BOOTING = (2, True, True)
UP = (1, True, True)
ZOMBIE = (1, True, False)


def low_byte(code):
    """What a POSIX system, and Wine on it, leaves of a 32-bit exit code."""
    return code & 0xFF


def run(command):
    # A file and no pipe for standard error: under Wine whatever a program starts keeps that open.
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(
            [*PREFIX, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            timeout=PATIENCE_S,
            check=False,
        )
        errors.seek(0)
        return Result(done.returncode, done.stdout, errors.read())


def ldsim(*args):
    return run([PROGRAMS / f"ldsim{SUFFIX}", *args])


class Simulation:
    # Kinder than it is by itself: most tests want to look into a guest by adb, at a disk or a copy
    # without waiting for it, to launch at once and to kill.
    knobs_at_start = {
        "speed": SPEED,
        "adb_debug_new": 1,
        "collision": False,
        "copy_returns": "done",
        "kill_effect": "none",
        "ms.add_disk": 0,
        "ms.recreate": 0,
        "ms.row_gap": 0,
        "ms.settle": 0,
        "row_order": "index",
    }

    def __init__(self, *options):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ldsim-")).resolve()
        self.home = self.dir / "home"
        done = ldsim("init", self.home, *self.start_options(), *options)
        assert done.code == 0, done.err

    @classmethod
    def start_options(cls):
        for key, value in cls.knobs_at_start.items():
            yield from ("--set", f"{key}={str(value).lower()}")

    def close(self):
        ldsim("kill", self.home)
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, program, *args):
        return [self.home / f"{program}{SUFFIX}", *args]

    def run(self, program, *args):
        return run(self.command(program, *args))

    def ldconsole(self, *args):
        return self.run("ldconsole", *args)

    def set(self, *assignments):
        done = ldsim("set", self.home, *assignments)
        assert done.code == 0, done.err

    def knobs(self):
        return json.loads((self.home / "sim.json").read_text())

    def rows(self, columns=10):
        done = self.ldconsole("list2")
        while IS_WINDOWS and done.code == 1 and not done.out:
            done = self.ldconsole("list2")  # Wine lost it, see test_faults
        text = done.out.decode(errors="replace")
        return {row.index: row for row in (Row(line, columns) for line in text.splitlines())}

    def seen(self, index):
        """As what list2 shows it, None where it does not."""
        row = self.rows().get(index)
        return row and row.seen

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"never came: {what}")

    def wait_seen(self, index, *wanted):
        self.wait_for(lambda: self.seen(index) in wanted, f"{index} as {wanted}")

    def start(self, index):
        self.ldconsole("launch", "--index", index)
        self.wait_seen(index, UP)

    def stop(self, index):
        self.ldconsole("quit", "--index", index)
        self.wait_gone(index)

    def wait_gone(self, index):
        self.wait_for(lambda: not self.processes(index), f"{index} without processes")

    def processes(self, index=None):
        """The living ones, by kind."""
        shown = json.loads(ldsim("show", self.home).out)["processes"]
        return {p["kind"]: p["pid"] for p in shown if index in (None, p["index"])}

    def adb_shell(self, index, command):
        return self.ldconsole("adb", "--index", index, "--command", f"shell {command}").text

    def wait_booted(self, index):
        self.wait_for(
            lambda: self.adb_shell(index, "getprop sys.boot_completed") == "1\n",
            f"{index} booted",
        )

    def config_path(self, index):
        return self.home / f"vms/config/leidian{index}.config"

    def config(self, index):
        return json.loads(self.config_path(index).read_bytes())

    def calls(self):
        path = self.home / "sim/calls.log"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def last_exit(self):
        """The 32-bit exit code of the last call."""
        return [call for call in self.calls() if call["event"] == "end"][-1]["exit"]


class SimulationTest(unittest.TestCase):
    """A test with an installation of its own; `options` go to ldsim init."""

    options = ()

    def setUp(self):
        self.sim = Simulation(*self.options)
        self.addCleanup(self.sim.close)

    def assert_answer(self, args, out, code):
        """The whole of standard output, nothing on standard error, the 32-bit exit code."""
        done = self.sim.ldconsole(*args)
        self.assertEqual(done.out, out if isinstance(out, bytes) else out.encode())
        self.assertEqual(done.code, low_byte(code))
        self.assertEqual(self.sim.last_exit(), code)
        if not IS_WINDOWS:
            self.assertEqual(done.err, b"")

    def assert_usage(self, args, code):
        done = self.sim.ldconsole(*args)
        self.assertIn(BANNER, done.text.split("\r\n")[0])
        self.assertEqual(self.sim.last_exit(), code)
        self.assertEqual(done.code, low_byte(code))


def alive(pid):
    """Whether a process of this system lives; one that was not waited for does not."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    state = re.match(r".*\) ([A-Z])", stat)
    return bool(state) and state.group(1) not in "ZX"
