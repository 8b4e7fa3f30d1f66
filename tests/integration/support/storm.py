# SPDX-License-Identifier: MIT
"""Many at work on one service that is killed again and again, and what must be so afterwards.

Each worker notes what it is about to ask, asks, and notes the answer. A connection that breaks is
no answer: the thing may have been done or not, and what is checked allows for both. What was
acknowledged allows for nothing: it is there, it happened once, and it is the same whenever somebody
asks again."""
import collections
import concurrent.futures
import contextlib
import datetime
import fcntl
import http.client
import os
import random
import shutil
import sqlite3
import tempfile
import threading
import time

from .client import Client
from .programs import IS_WINDOWS, path_for_program, run_service_command
from .service import StartFailed
from .waiting import wait_for

NO_ANSWER = (OSError, http.client.HTTPException)


def now_ms():
    return time.time_ns() // 1000000


def as_time(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat(
        timespec="milliseconds").replace("+00:00", "Z")


class Worker(threading.Thread):
    """Repeats `step` while the service is up; what goes wrong with it is a problem of the storm."""

    pause_s = 0.1
    waits_until_up = True

    def __init__(self, storm, name):
        super().__init__(name=name, daemon=True)
        self.storm = storm
        self.random = random.Random(f"{storm.seed} {name}")
        self.client = Client(storm.service, storm.service.tokens["admin"])

    def run(self):
        while not self.storm.is_over.is_set():
            if self.waits_until_up and not self.storm.is_up.wait(0.1):
                continue
            try:
                self.step()
            except NO_ANSWER:
                pass
            except Exception as problem:  # pylint: disable=broad-except
                self.storm.problem(f"{self.name}: {type(problem).__name__}: {problem}")
            time.sleep(self.random.random() * self.pause_s)

    def step(self):
        raise NotImplementedError

    def refused(self, what, answer):
        self.storm.problem(f"{self.name}: {what} was answered with {answer}")


class Command:
    """What becomes an operation. NAME is given to the vendor by no other command."""

    def __init__(self, method, path, body, name=None, key=None):
        self.request = (method, path, body)
        self.name = name
        self.headers = {"Idempotency-Key": key} if key else {}
        self.operations = {}  # id -> when it was acknowledged
        self.sent_ms = now_ms()

    def __repr__(self):
        return f"{self.request} {self.headers} {list(self.operations)}"


class Commander(Worker):
    """Commands without a key, and with one, which are repeated: at once, and long after."""

    def __init__(self, storm, name):
        super().__init__(storm, name)
        self.keyed = []

    def step(self):
        if self.keyed and self.random.random() < 0.4:
            recent = self.random.choice((self.keyed, self.keyed[-3:]))
            command = self.random.choice(recent)
            if command.operations and self.random.random() < 0.1:
                self.misuse(command)
                return
        elif self.storm.is_busy(self.client):
            return
        else:
            command = self.make()
        self.storm.ask(self.client, command, self.name)

    def make(self):
        number = self.storm.next_number()
        target = self.random.randrange(self.storm.n_instances)
        name = f"storm-{number}"
        method, path, body, name = self.random.choice(
            [("PATCH", f"/api/instances/{target}", {"group": name}, None)] * 6
            + [("POST", f"/api/instances/{target}/rename", {"name": name}, name)] * 3
            + [("POST", f"/api/instances/{target}/start", None, None)]
            + [("POST", f"/api/instances/{target}/stop", None, None)]
            + [("POST", "/api/instances", {"name": name}, name)] * (number % 10 == 0)
        )
        key = f"{self.name}-{number}" if self.random.random() < 0.6 else None
        command = Command(method, path, body, name, key)
        self.storm.commands.append(command)
        if key:
            self.keyed.append(command)
        return command

    def misuse(self, command):
        """The key of something that was acknowledged, with another request."""
        answer = self.client.request(
            "POST", "/api/instances/0/rename", {"name": "never"}, headers=command.headers)
        if answer.status != 422:
            self.refused(f"another request with the key of {command}", answer)


class Station:
    def __init__(self, number):
        self.name = f"station-{number}"
        self.key = {"Idempotency-Key": f"station-{number}"}
        self.id = None
        self.may_be = {None}  # what its label may be; None: it is not there
        self.has_gone = False  # for good


class Stationer(Worker):
    """Workstations that are added, changed and removed, with keys."""

    def step(self):
        known = [s for s in self.storm.stations if s.id and not s.has_gone]
        if len(known) < 8 and self.random.random() < 0.5:
            station = Station(self.storm.next_number())
            station.may_be.add("0")
            self.storm.stations.append(station)
            self.add(station)
        elif self.random.random() < 0.3:
            self.add(self.random.choice(self.storm.stations or [Station("none")]))
        elif known:
            self.random.choice((self.change, self.change, self.remove))(self.random.choice(known))

    def add(self, station):
        """Also once more, whatever has become of it: the answer stays."""
        is_first = station.id is None
        if station not in self.storm.stations:
            return
        answer = self.client.request(
            "POST", "/api/workstations", {"name": station.name, "labels": {"v": "0"}},
            headers=station.key)
        if answer.status != 201:
            self.refused(f"adding {station.name}", answer)
        elif is_first:
            station.id = answer.json["id"]
            station.may_be.discard(None)
        elif answer.json["id"] != station.id:
            self.refused(f"adding {station.name} again, which is {station.id},", answer)

    def change(self, station):
        value = str(self.storm.next_number())
        station.may_be.add(value)
        answer = self.client.request(
            "PATCH", f"/api/workstations/{station.id}", {"labels": {"v": value}})
        if answer.status == 200:
            station.may_be = {value}
        elif not (answer.status == 404 and None in station.may_be):
            self.refused(f"changing {station.name}", answer)

    def remove(self, station):
        station.may_be.add(None)
        answer = self.client.request("DELETE", f"/api/workstations/{station.id}")
        if answer.status in (204, 404):
            station.may_be = {None}
            station.has_gone = True
        else:
            self.refused(f"removing {station.name}", answer)


class Steerer(Worker):
    """An admin who holds a breaker closed that hardly anybody needs, and lets go of it."""

    def step(self):
        note = None if self.random.random() < 0.3 else f"note {self.storm.next_number()}"
        self.storm.notes_may_be.add(note)
        action, body = ("force-close", {"note": note}) if note else ("reset", None)
        answer = self.client.request("POST", f"/api/breakers/connect/{action}", body)
        if answer.status == 200:
            self.storm.notes_may_be = {note}
        else:
            self.refused(f"{action} of a breaker", answer)


class Token:
    def __init__(self, name, secret, id_=None):
        self.name, self.secret, self.id = name, secret, id_
        self.become("live")  # then "revoking", then "revoked"

    def become(self, state):
        self.since, self.state = time.monotonic(), state


class TokenMaker(Worker):
    """Tokens by the API. Names are given again."""

    def __init__(self, storm, name):
        super().__init__(storm, name)
        self.tokens = []
        self.n_lost = 0  # names that may be taken by a token that nobody knows

    def step(self):
        live = [token for token in self.tokens if token.state == "live"]
        if len(live) < 3:
            name = f"{self.name}-{self.n_lost}-{len(live)}"
            token = self.make(name)
            if token:
                self.tokens.append(token)
                self.storm.tokens.append(token)
        else:
            token = self.random.choice(live)
            token.become("revoking")
            if self.revoke(token):
                token.become("revoked")

    def make(self, name):
        try:
            answer = self.client.request(
                "POST", "/api/auth/tokens", {"name": name, "role": "viewer"})
        except NO_ANSWER:
            self.n_lost += 1
            raise
        if answer.status == 201:
            return Token(name, answer.json["token"], answer.json["id"])
        if answer.status == 409:
            self.n_lost += 1
        else:
            self.refused(f"making the token {name}", answer)
        return None

    def revoke(self, token):
        answer = self.client.request("DELETE", f"/api/auth/tokens/{token.id}")
        if answer.status != 204:
            self.refused(f"revoking the token {token.name}", answer)
        return answer.status == 204


class CommandLine(TokenMaker):
    """Tokens by the command line, whether the service is up or not. One that says it could not has
    done nothing that anybody may rely on."""

    waits_until_up = False

    def run_command(self, *args):
        with self.storm.command_line:
            return run_service_command(
                "token", *args, "--data-dir", path_for_program(self.storm.service.data_dir))

    def make(self, name):
        done = self.run_command("create", "--name", name, "--role", "viewer")
        if done.returncode == 0:
            return Token(name, done.stdout.strip())
        self.n_lost += 1
        return None

    def revoke(self, token):
        return self.run_command("revoke", token.name).returncode == 0


class Pruner(Worker):
    pause_s = 4

    def step(self):
        before = now_ms() - self.random.randrange(500, 3000)
        self.storm.prunes.append(before)
        answer = self.client.request(
            "DELETE", f"/api/operations?ended_before={as_time(before)}")
        if answer.status == 200:
            self.storm.pruned.append(before)
        else:
            self.refused("pruning", answer)


class Locker(Worker):
    """Now and then another program holds SQLite's write lock for a moment (one byte of the -shm
    file), so that what was asked for is not on disk yet when the kill comes. Who acknowledges too
    early is found out by that."""

    pause_s = 0.6
    WRITE_LOCK = 120

    def step(self):
        path = os.path.join(self.storm.service.data_dir, "ldplayerd.db-shm")
        with open(path, "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, self.WRITE_LOCK)
            self.storm.is_locked.set()
            time.sleep(self.random.random() * 0.3)
            self.storm.is_locked.clear()


class Reader(Worker):
    """Follows the events, goes on where it was, and sometimes goes back. A number that comes again
    brings what it brought before."""

    def __init__(self, storm, name):
        super().__init__(storm, name)
        self.last = None

    def step(self):
        if self.last and self.random.random() < 0.3:
            self.last = max(self.last - self.random.randrange(200), self.storm.oldest_event())
        with self.client.events(since=0 if self.last is None else self.last) as stream:
            while event := stream.next():
                if self.last is not None and event["seq"] != self.last + 1 or event["type"] == "gap":
                    self.storm.problem(f"{self.name}: behind {self.last} came {event}")
                self.last = event["seq"]
                self.storm.note_event(event)


class Storm:
    """The workers, what they have noted, and what is checked of it."""

    def __init__(self, service, n_instances, seed):
        self.service = service
        self.n_instances = n_instances
        self.seed = seed
        self.random = random.Random(seed)
        self.is_up = threading.Event()
        self.is_over = threading.Event()
        self.is_locked = threading.Event()
        self.command_line = threading.Lock()
        self.lock = threading.Lock()
        self.number = 0
        self.problems = []
        self.commands, self.stations, self.tokens = [], [], []
        self.prunes, self.pruned = [], []  # when, in wall ms: asked for, and acknowledged
        self.notes_may_be = {None}  # of the breaker that is steered
        self.events = {}
        self.n_kills = 0

    # --- for the workers ---

    def next_number(self):
        with self.lock:
            self.number += 1
            return self.number

    def problem(self, text):
        self.problems.append(f"after kill {self.n_kills}: {text}")

    def is_busy(self, client):
        """So much is under way that the end of it would have to be waited for."""
        return client.get("/api/operations?status=queued&limit=1").json["total"] > 10

    def may_be_pruned(self, command):
        return any(before >= command.sent_ms for before in self.prunes)

    def ask(self, client, command, who):
        answer = client.request(*command.request, headers=command.headers)
        if answer.status in (200, 202):
            command.operations.setdefault(answer.json["id"], now_ms())
            if command.headers and len(command.operations) > 1:
                self.problem(f"{who}: a second operation for {command}")
        elif answer.status == 409 and answer.code == "OPERATION_PRUNED":
            if not self.may_be_pruned(command):
                self.problem(f"{who}: nobody has pruned what came of {command}")
        elif answer.status != 429:
            self.problem(f"{who}: {command} was answered with {answer}")

    def note_event(self, event):
        with self.lock:
            if self.events.setdefault(event["seq"], event) != event:
                self.problem(f"{event} was {self.events[event['seq']]}")

    def oldest_event(self):
        with self.lock:
            return min(self.events, default=0)

    # --- rounds ---

    def begin(self):
        self.workers = [
            Commander(self, "commander-1"), Commander(self, "commander-2"),
            Stationer(self, "stationer"), TokenMaker(self, "tokens"),
            CommandLine(self, "command-line"), Pruner(self, "pruner"), Steerer(self, "steerer"),
            Reader(self, "reader-1"), Reader(self, "reader-2"),
        ]
        if not IS_WINDOWS:  # a lock of this system is not one of the other's
            self.workers.append(Locker(self, "locker"))
        for worker in self.workers:
            worker.start()
        self.is_up.set()

    def kill(self, seconds):
        """After SECONDS of work; often while writes wait for a lock; sometimes once more while the
        service starts."""
        time.sleep(self.random.random() * seconds)
        if not IS_WINDOWS and self.random.random() < 0.5:
            self.is_locked.wait(2)
            time.sleep(self.random.random() * 0.2)
        self.is_up.clear()
        self.service.kill()
        self.n_kills += 1
        self.check_file()
        if self.random.random() < 0.2:
            self.service.launch()
            time.sleep(self.random.random() * 0.2)
            self.service.kill()
            self.n_kills += 1
            self.check_file()
        self.start()

    def start(self):
        """The command line holds the data directory while it works on it alone."""
        def try_to():
            try:
                return self.service.start()
            except StartFailed as failed:
                if "another ldplayerd" in failed.log.splitlines()[-1]:
                    return None
                raise
        self.started_s = time.monotonic()
        wait_for(try_to, "a start")

    def resume(self):
        self.is_up.set()

    def end(self):
        """Workers end by themselves; readers with the next kill."""
        self.is_over.set()
        self.is_up.clear()
        self.service.kill()
        for worker in self.workers:
            worker.join()
        self.check_file()
        self.start()

    # --- checks ---

    def check_file(self):
        """While nothing runs: the file is whole, and has each key with what it is of. A copy is
        looked at, so that the service finds what the kill has left."""
        with self.command_line, tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                path = os.path.join(self.service.data_dir, "ldplayerd.db" + suffix)
                if os.path.exists(path):
                    shutil.copy(path, os.path.join(folder, "copy.db" + suffix))
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "copy.db"))) as db:
                for sql, expected in (
                    ("PRAGMA integrity_check", [("ok",)]),
                    ("SELECT id FROM operations o WHERE idempotency_key IS NOT NULL AND NOT EXISTS"
                     " (SELECT 1 FROM idempotency i WHERE i.key = o.idempotency_key"
                     " AND i.operation = o.id)", []),
                    ("SELECT operation FROM diagnostics WHERE operation NOT IN"
                     " (SELECT id FROM operations)", []),
                    ("SELECT idempotency_key FROM operations WHERE idempotency_key IS NOT NULL"
                     " GROUP BY 1 HAVING count(*) > 1", []),
                ):
                    found = db.execute(sql).fetchall()
                    if found != expected:
                        self.problem(f"{sql}: {found}")

    def check_commands(self, client, commands):
        """What was acknowledged is there, if it was not pruned; a key still means it."""
        for command in commands:
            for id_ in command.operations:
                answer = client.request("GET", f"/api/operations/{id_}")
                if answer.status != 200 and not self.may_be_pruned(command):
                    self.problem(f"{command} is lost: {answer}")
            if command.headers:
                self.ask(client, command, "checking")

    def check_tokens(self, tokens):
        """Side by side: the service looks for tokens it does not know once a second, for all. The
        command line is still at work, so only what was so before the start is certain."""
        def check(token):
            answer = Client(self.service, token.secret).request("GET", "/api/auth/me")
            is_certain = token.since < self.started_s
            if is_certain and (token.state, answer.status) in (("live", 401), ("revoked", 200)):
                self.problem(f"the token {token.name} is {token.state}: {answer}")

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(check, tokens))

    def check_stations(self, client):
        there = {w["id"]: w["labels"].get("v")
                 for w in client.get("/api/workstations").json}
        for station in self.stations:
            if station.id and there.get(station.id) not in station.may_be:
                self.problem(f"the workstation {station.name} is {there.get(station.id)!r}, not"
                             f" one of {station.may_be}")

    def check_breaker(self, client):
        note, = [b["note"] for b in client.get("/api/breakers").json["items"]
                 if b["name"] == "connect"]
        if note not in self.notes_may_be:
            self.problem(f"the breaker has {note!r}, not one of {self.notes_may_be}")

    def check_pruned(self, client):
        """What was acknowledged as pruned does not come back."""
        if not self.pruned:
            return
        newest = as_time(max(self.pruned))
        cursor = ""
        while cursor is not None:
            page = client.get(f"/api/operations?limit=500{cursor}").json
            for operation in page["items"]:
                if operation["ended_at"] and operation["ended_at"] < newest \
                        and not operation["parent"]:
                    self.problem(f"pruned up to {newest}, and there is {operation}")
            cursor = page["next_cursor"] and "&cursor=" + page["next_cursor"]

    def check_events(self, client):
        """The newest of what was ever told are there, as they were told, without a hole."""
        kept = list(client.event_lines(timeout=1))
        for event in kept[1:] if kept[0]["type"] == "gap" else kept:
            self.note_event(event)
        numbers = [event["seq"] for event in kept]
        if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
            self.problem("there are holes in the events")
        if max(self.events) > numbers[-1]:
            self.problem(f"the events up to {max(self.events)} were told, up to {numbers[-1]} kept")

    def check_calls(self, simulator):
        """No vendor command twice for one request."""
        for verb in ("add", "rename"):
            counts = collections.Counter(argv[-1] for argv in simulator.calls(verb))
            twice = [name for name, n in counts.items() if n > 1]
            if twice:
                self.problem(f"{verb} was called more than once for {twice}")

    def summary(self):
        acknowledged = sum(len(c.operations) for c in self.commands)
        keys = sum(1 for c in self.commands if c.headers)
        return (f"{self.n_kills} kills; {len(self.commands)} commands, {acknowledged} operations"
                f" acknowledged, {keys} keys; {len(self.pruned)} prunes; {len(self.stations)}"
                f" workstations; {len(self.tokens)} tokens; {len(self.events)} events;"
                f" {len(self.problems)} problems")
