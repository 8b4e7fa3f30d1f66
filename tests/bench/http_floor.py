# SPDX-License-Identifier: MIT
"""CPU of the server for a request, against a bare loop that writes the same bytes."""
import re
import socket
import statistics

from processes import SERVER_CPU, read_cpu_s, wrk
from workshop import PATIENCE_S, Failed, Row, Turns


def raw_answer(service, path):
    """The bytes of an answer, head and all."""
    request = (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
               f"Authorization: Bearer {service.token}\r\n\r\n")
    with socket.create_connection(("127.0.0.1", service.port), PATIENCE_S) as connection:
        connection.sendall(request.encode())
        got = b""
        while True:
            part = connection.recv(1 << 20)
            if not part:
                raise Failed(f"GET {path} was not answered to its end")
            got += part
            head, blank, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if blank and length and len(body) >= int(length[1]):
                return got


def compare(shop, service, what, path, target):
    seconds, n_turns = 1, 3 if shop.bench.is_quick else 9
    answer = raw_answer(service, path)
    floor = shop.floor(answer, cpu=SERVER_CPU)
    rates = {service.pid: [], floor.pid: []}

    def drive(server):
        """CPU of a request, in microseconds."""
        before = read_cpu_s(server.pid)
        rate = wrk(server.port, path, service.token, seconds)
        rates[server.pid].append(rate)
        return (read_cpu_s(server.pid) - before) / (rate * seconds) * 1e6

    turns = Turns(lambda: drive(service), lambda: drive(floor), n_turns)
    ours, peer = (statistics.median(rates[server.pid]) for server in (service, floor))
    return Row(what, f"{turns.ours:.2f} us", f"{turns.peer:.2f} us", turns.ratio, target,
               note=f"CPU of a request for {path}, {len(answer):,} bytes, against a bare epoll "
                    f"loop; {turns.spread}; {ours:,.0f} and {peer:,.0f} requests/s")


def http_floor(shop):
    service = shop.serve(shop.simulate(100), cpu=SERVER_CPU)
    service.get("/api/instances?max_age_ms=0")
    return [compare(shop, service, "http-floor-list", "/api/instances", 1.2),
            compare(shop, service, "http-floor-one", "/api/instances/0", 1.15)]
