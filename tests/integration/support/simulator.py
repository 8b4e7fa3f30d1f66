# SPDX-License-Identifier: MIT
"""A simulated LDPlayer installation, made and steered by ldsim."""
import json
import os
import subprocess

from .programs import (
    COMMAND_TIMEOUT_S,
    EXE,
    SIMULATOR,
    WRAPPER,
    path_for_program,
    run_program,
)
from .templates import copy_of
from .waiting import wait_for

SPEED = 100
CHANGING = {"launch", "quit", "add", "copy", "remove", "rename", "modify"}


class Simulator:
    def __init__(self, directory, instances=3, speed=SPEED, **options):
        self.directory = directory
        args = ["--instances", str(instances), "--speed", str(speed)]
        for name, value in options.items():
            args += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        copy_of(("simulator", *args), lambda path: self._init(path, args), directory)

    @staticmethod
    def _init(path, args):
        run_program(SIMULATOR, "init", path_for_program(path), *args)

    @classmethod
    def existing(cls, directory):
        """The one that is there already."""
        simulator = cls.__new__(cls)
        simulator.directory = directory
        return simulator

    def _run(self, command, *args):
        return run_program(SIMULATOR, command, path_for_program(self.directory), *args).stdout

    @property
    def ldconsole(self):
        """Path for the program under test."""
        return path_for_program(self.path("ldconsole" + EXE))

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def set(self, **knobs):
        """set(fault="stuck_starting"), set(**{"hang.list2": 1}); an empty value puts the default
        back."""
        self._run("set", *[f"{key}={value}" for key, value in knobs.items()])

    def reset(self):
        self._run("reset")

    def manager(self, what):
        """manager("open"), manager("close"): the window that lists all instances."""
        self._run("manager", what)

    def show(self):
        return json.loads(self._run("show", "--json"))

    def kill(self):
        """Ends every simulated process; on a busy machine that takes more than one try."""
        wait_for(self._try_to_kill, "the end of the simulated processes")

    def kill_instance(self, index, *kind):
        """Ends its processes, or its "player" or "vm" alone, as a crash would."""
        self._run("kill", str(index), *kind)

    def _try_to_kill(self):
        directory = path_for_program(self.directory)
        return run_program(SIMULATOR, "kill", directory, check=False).returncode == 0

    def run_ldconsole(self, *args):
        """As a user would, behind the service's back. What it prints is not read: the emulator
        that it starts may hold the pipe for ever."""
        program = self.path("ldconsole" + EXE)
        subprocess.run(
            [*WRAPPER, program, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=True,
        )

    def calls(self, verb=None, program="ldconsole"):
        """The argument lists of all calls so far, oldest first."""
        calls = []
        for line in self._log_lines():
            entry = json.loads(line)
            if entry["event"] != "start" or entry["program"] != program:
                continue
            if verb is None or entry["argv"][:1] == [verb]:
                calls.append(entry["argv"])
        return calls

    def exits(self, verb):
        """The exit codes of the calls that are over."""
        entries = [json.loads(line) for line in self._log_lines()]
        pids = [e["pid"] for e in entries if e["event"] == "start" and e["argv"][:1] == [verb]]
        return [e["exit"] for e in entries if e["event"] == "end" and e["pid"] in pids]

    def changes(self):
        """The calls that were meant to change something."""
        return [argv for argv in self.calls() if argv and argv[0] in CHANGING]

    def count(self, verb):
        return len(self.calls(verb))

    def _log_lines(self):
        try:
            with open(self.path("sim", "calls.log"), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return []
        lines = text.split("\n")
        return [line for line in lines[:-1] if line]  # the last one may be half written

    def config(self, index):
        """The vendor's config file of one instance."""
        path = self.path("vms", "config", f"leidian{index}.config")
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
