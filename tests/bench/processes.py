# SPDX-License-Identifier: MIT
"""What the system says of a process, and wrk, on a core that is not the server's."""
import os
import re
import subprocess

from workshop import Failed

SERVER_CPU, CLIENT_CPU = (0, 1) if (os.cpu_count() or 1) > 1 else (0, 0)


def on_client_cpu(*command):
    return ["taskset", "-c", str(CLIENT_CPU), *map(str, command)]


def read_rss_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s*(\d+) kB", status.read())[1]) / 1024


def read_cpu_s(pid):
    """User and system time of the process itself; children are not in it."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(port, path, token, seconds, *more, connections=32):
    """Requests per second."""
    done = subprocess.run(
        on_client_cpu("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *more, "-H",
                      f"Authorization: Bearer {token}", f"http://127.0.0.1:{port}{path}"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    text = done.stdout.decode()
    trouble = re.search(r"Non-2xx.*|Socket errors.*", text)
    found = re.search(r"Requests/sec:\s*([\d.]+)", text)
    if trouble or not found:
        raise Failed(f"wrk on {path}: {trouble[0] if trouble else text}")
    return float(found[1])
