# SPDX-License-Identifier: MIT
"""A real redis-server on a free loopback port."""
import os
import shutil
import signal
import socket
import subprocess

from .waiting import wait_for


class Redis:
    def __init__(self, directory, *options):
        self.directory = os.path.join(directory, "redis")
        os.makedirs(self.directory, exist_ok=True)
        self.options = options
        self.process = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @staticmethod
    def is_here():
        return shutil.which("redis-server") is not None

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", self.directory, *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        wait_for(self._answers, "redis-server to answer")
        return self

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16)[:1] in (b"+", b"-")
        except OSError:
            return False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, *words):
        """What it answers to a command, as any client would give it: bytes, a number, a list."""
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(request)
            return self._read(connection.makefile("rb"))

    def _read(self, stream):
        line = stream.readline()
        kind, rest = line[:1], line[1:].strip()
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"*":
            return [self._read(stream) for _ in range(int(rest))]
        if kind == b"$":
            return None if int(rest) < 0 else stream.read(int(rest) + 2)[:-2]
        return int(rest) if kind == b":" else rest

    def keys(self):
        return sorted(key.decode() for key in self.ask("KEYS", "*"))
