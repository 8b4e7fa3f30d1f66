# SPDX-License-Identifier: MIT
"""What the measures share: temporary places, the processes they start and end, and turns."""
import collections
import http.client
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60

Bench = collections.namedtuple("Bench", "build is_quick")


class Failed(Exception):
    """Something could not be measured; says why."""


class Row:
    """A line of the table. RATIO is compared with TARGET: at least it, or at most it."""

    def __init__(self, what, ours, peer, ratio, target, is_at_least=False, note="", unit=""):
        self.what = what
        self.ours = ours
        self.peer = peer
        self.ratio = ratio
        self.target = target
        self.is_at_least = is_at_least
        self.note = note
        self.unit = unit
        # Of the services of the whole measure, in its first row.
        self.turn_ms = None

    @property
    def is_ok(self):
        if self.target is None:
            return None
        return self.ratio >= self.target if self.is_at_least else self.ratio <= self.target

    @property
    def ratio_text(self):
        return f"{self.ratio:.4g}{self.unit}"

    @property
    def target_text(self):
        if self.target is None:
            return "-"
        return f"{'>=' if self.is_at_least else '<='} {self.target:g}{self.unit}"

    def as_dict(self):
        return {"what": self.what, "ours": self.ours, "peer": self.peer, "ratio": self.ratio,
                "unit": self.unit, "target": self.target, "is_ok": self.is_ok,
                "longest_turn_ms": self.turn_ms, "note": self.note}


def run_json(*command, stderr=None):
    """The JSON object that COMMAND prints."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=stderr or subprocess.PIPE,
                          timeout=PATIENCE_S * 2, check=False)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() if done.stderr else ""
        raise Failed(f"{pathlib.Path(command[0]).name} ended with {done.returncode}: {said}")
    return json.loads(done.stdout)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Turns:
    """Lets two sides run in turns: which goes first changes each time, so that neither has the
    better half of a slow drift. The first turn warms up and does not count."""

    def __init__(self, ours, peer, n_turns):
        pairs = []
        for turn in range(n_turns + 1):
            if turn % 2:
                a, b = ours(), peer()
            else:
                b, a = peer(), ours()
            pairs.append((a, b))
        self.pairs = pairs[1:]
        self.ratio = statistics.median(a / b for a, b in self.pairs)
        self.ours = statistics.median(a for a, _ in self.pairs)
        self.peer = statistics.median(b for _, b in self.pairs)

    @property
    def spread(self):
        ratios = [a / b for a, b in self.pairs]
        return f"ratios {min(ratios):.3g} to {max(ratios):.3g}"


class Process:
    """A process of ours, in a group of its own, ended by its pid."""

    def __init__(self, command, log, cpu=None, stdout=None, env=None):
        pin = ["taskset", "-c", str(cpu)] if cpu is not None else []
        self.name = pathlib.Path(command[0]).name
        self.log = log
        self.popen = subprocess.Popen([*pin, *map(str, command)], stdin=subprocess.DEVNULL,
                                      stdout=stdout or log, stderr=log, start_new_session=True,
                                      env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def fail(self, what):
        self.log.flush()
        tail = pathlib.Path(self.log.name).read_text(errors="replace").strip().splitlines()[-5:]
        raise Failed(f"{self.name} {what}: {' / '.join(tail)}")

    def wait_for_listener(self):
        """Until it can be connected to on its `port`."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.popen.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.end()
        self.fail("does not listen")

    def end(self):
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self.popen.wait()


class Client:
    """A kept-alive connection to the service on PORT, for one thread."""

    def __init__(self, port, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.headers = {"Authorization": f"Bearer {token}"}

    def request(self, method, path, *allowed, body=None):
        """The body of the answer, whose status must be one of ALLOWED. BODY is sent as JSON."""
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        response = self.connection.getresponse()
        body = response.read()
        if response.status not in allowed:
            raise Failed(f"{method} {path}: {response.status} {body[:300]!r}")
        return body

    def close(self):
        self.connection.close()


class Service(Process):
    """A running ldplayerd; `port` and `token` are for its clients."""

    def __init__(self, shop, ldconsole, data_dir, options=(), cpu=None):
        self.token = make_token(shop, data_dir)
        command = [*serve_command(shop, ldconsole, data_dir, 0), *options]
        super().__init__(command, shop.open_log(), cpu, subprocess.PIPE, shop.turns_env())
        line = self.popen.stdout.readline().decode()
        found = re.match(r"ready .*?http=http://127\.0\.0\.1:(\d+)", line)
        if not found:
            self.end()
            self.fail("did not say ready")
        self.port = int(found[1])
        self.client = Client(self.port, self.token)

    def get(self, path):
        """The body of a GET."""
        return self.client.request("GET", path, 200)

    def end(self):
        if hasattr(self, "client"):
            self.client.close()
        super().end()
        self.popen.stdout.close()


def make_token(shop, data_dir, role="operator"):
    os.makedirs(data_dir, 0o700, exist_ok=True)
    done = subprocess.run([shop.ldplayerd, "token", "create", "--name", f"bench-{time.time_ns()}",
                           "--role", role, "--data-dir", data_dir], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failed(f"token create: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode().strip()


def serve_command(shop, ldconsole, data_dir, port):
    return [shop.ldplayerd, "serve", "--data-dir", data_dir, "--ldconsole", ldconsole,
            "--http", f"127.0.0.1:{port}", "--socket", "none", "--log-level", "warning",
            # the simulated instances take nothing, and the bench is to keep the machine busy
            "--launch-min-memory-mb", "0", "--launch-max-commit-percent", "0",
            "--launch-max-cpu-percent", "0", "--launch-min-disk-mb", "0"]


NGINX_CONFIG = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 75;
    keepalive_requests 100000000;
    open_file_cache max=100;
    open_file_cache_valid 600s;
    default_type application/json;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {dir};
        location = /fixed {{ return 200 "{fixed}"; }}
    }}
}}
"""


class Nginx(Process):
    """nginx with one worker: /list.json is a file with the bytes LISTED, /fixed has as many bytes
    as FIXED in its configuration."""

    def __init__(self, shop, listed, fixed, cpu):
        folder = shop.folder("nginx")
        self.port = free_port()
        # The worker of a root's nginx would be somebody who cannot read our folder.
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        (folder / "list.json").write_bytes(listed)
        (folder / "nginx.conf").write_text(NGINX_CONFIG.format(
            dir=folder, port=self.port, user=user, fixed="x" * len(fixed)))
        super().__init__(["nginx", "-p", folder, "-e", folder / "error.log", "-c",
                          folder / "nginx.conf"], shop.open_log(), cpu)
        self.wait_for_listener()

    def worker_pid(self):
        """The port is open a moment before the worker is there."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            if children:
                return int(children.split()[0])
            time.sleep(0.02)
        self.fail("has no worker")


class Floor(Process):
    """The bare loop of floor.c: answers with the bytes ANSWER, and events of EVENT_BYTES. Its turns
    are measured too, so that this costs both sides the same, and go to a file that nobody reads."""

    def __init__(self, shop, answer, event_bytes, cpu):
        self.port = free_port()
        folder = shop.folder("floor")
        (folder / "answer").write_bytes(answer)
        (folder / "turns").write_bytes(bytes(8))
        super().__init__([shop.program("floor"), self.port, folder / "answer", event_bytes],
                         shop.open_log(), cpu,
                         env={**shop.turns_env(), "BENCH_TURNS": str(folder / "turns")})
        self.wait_for_listener()


class Workshop:
    """The temporary folder and the processes of one measure; both are gone afterwards."""

    def __init__(self, bench):
        self.bench = bench
        self.ldplayerd = str(bench.build / "service" / "ldplayerd")
        self.simulator = bench.build / "tests" / "simulator"
        self.n_logs = 0
        self.longest_forgotten_ms = 0
        self.things = []
        self.simulations = []

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ldplayerd-bench-")).resolve()
        (self.dir / "turns").write_bytes(bytes(8))
        return self

    def __exit__(self, *_):
        for thing in reversed(self.things):
            thing.end() if isinstance(thing, Process) else thing.close()
        for home in self.simulations:
            subprocess.run([self.simulator / "ldsim", "kill", home], check=False,
                           stdout=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- turns: what the loop's thread of a service computes between two waits, see turns.c ---

    def turns_env(self):
        return {"LD_PRELOAD": str(self.bench.build / "tests" / "bench" / "libbench_turns.so"),
                "BENCH_TURNS": str(self.dir / "turns")}

    def forget_turns(self):
        self.longest_forgotten_ms = max(self.longest_forgotten_ms, self.longest_turn_ms())
        # In place: the services have it mapped.
        with open(self.dir / "turns", "r+b") as file:
            file.write(bytes(8))

    def longest_turn_ms(self):
        """Of all services since forget_turns; 0 when there was none."""
        return int.from_bytes((self.dir / "turns").read_bytes(), sys.byteorder) / 1e6

    def longest_turn_of_all_ms(self):
        return max(self.longest_forgotten_ms, self.longest_turn_ms())

    def program(self, name):
        return self.bench.build / "tests" / "bench" / f"bench_{name}"

    def folder(self, name):
        path = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.dir))
        return path

    def open_log(self):
        self.n_logs += 1
        log = open(self.dir / f"log-{self.n_logs}", "wb")
        self.things.append(log)
        return log

    def simulate(self, n_instances, *knobs):
        """Makes an installation of N_INSTANCES; returns its folder."""
        home = self.folder("ldplayer") / "home"
        self.ldsim("init", home, "--instances", n_instances, "--bare")
        self.simulations.append(home)
        # A farm's files are old as a rule; young ones are looked at more closely.
        for config in home.glob("vms/config/*.config"):
            os.utime(config, (0, 0))
        if knobs:
            self.ldsim("set", home, *knobs)
        return home

    def ldsim(self, *words):
        done = subprocess.run([str(self.simulator / "ldsim"), *map(str, words)], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Failed(f"ldsim {words[0]}: {done.stderr.decode(errors='replace').strip()}")

    def serve(self, home, data_dir=None, options=(), cpu=None):
        service = Service(self, home / "ldconsole", data_dir or self.folder("data"), options, cpu)
        self.things.append(service)
        return service

    def redis(self, cpu=None):
        """Starts a redis-server; returns its port."""
        port = free_port()
        server = Process(["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                          "--appendonly", "no", "--dir", self.folder("redis")], self.open_log(), cpu)
        server.port = port
        self.things.append(server)
        server.wait_for_listener()
        return port

    def floor(self, answer, event_bytes=1, *, cpu):
        floor = Floor(self, answer, event_bytes, cpu)
        self.things.append(floor)
        return floor

    def nginx(self, listed, fixed, cpu):
        nginx = Nginx(self, listed, fixed, cpu)
        self.things.append(nginx)
        return nginx
