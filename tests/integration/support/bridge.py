# SPDX-License-Identifier: MIT
"""A way from here to the named pipe of a service under Wine: tests/support/pipe_bridge.c."""
import http.client
import os
import subprocess
import tempfile

from .programs import BRIDGE, WRAPPER, clean_environment
from .waiting import wait_for


class Bridge:
    """A process that relays connections to PIPE, which need not exist yet."""

    def __init__(self, pipe):
        # Its output goes to a file, as that of all programs under Wine.
        self.out, out_path = tempfile.mkstemp(prefix="ldp-bridge-")
        try:
            self.process = subprocess.Popen(
                [*WRAPPER, BRIDGE, pipe],
                stdin=subprocess.DEVNULL,
                stdout=self.out,
                env=clean_environment(),
            )
        finally:
            os.remove(out_path)
        wait_for(lambda: self._port() or self.process.poll() is not None, "the bridge's port")
        self.port = int(self._port())

    def _port(self):
        text = os.pread(self.out, 64, 0)
        return text.strip() if text.endswith(b"\n") else b""

    def connect(self, timeout):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
