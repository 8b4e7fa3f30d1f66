# SPDX-License-Identifier: MIT
"""Clients of the API: requests, event streams, and raw bytes for what no library would send."""
import http.client
import json
import os
import socket

from . import record
from .contract import contract
from .waiting import GENEROUS_S, Deadline

OVER_PIPE = os.environ.get("LDP_TRANSPORT") == "pipe"


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of a problem document."""
        return self.json["code"]

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """One user of one service, also across its restarts. Every request has a connection of its
    own: TCP, or with LOCAL the named pipe or unix socket."""

    def __init__(self, service, token=None, local=OVER_PIPE):
        self.service = service
        self.token = token
        self.local = local

    def connect(self, timeout=GENEROUS_S):
        if self.local:
            return self.service.connect_locally(timeout)
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=timeout)

    def headers(self, extra=None):
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers.update(extra or {})
        return headers

    def request(self, method, path, body=None, headers=None, expect=None):
        """BODY is sent as JSON, or as it is when it is bytes."""
        connection = self.connect()
        headers = self.headers(headers)
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            response = Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        record.request(method, path, body, response.status, response.body)
        contract().check(method, path, response.status, response.headers, response.body)
        if expect is not None and response.status != expect:
            raise AssertionError(f"{method} {path}: expected {expect}, got {response}")
        return response

    def get(self, path, expect=200, headers=None):
        return self.request("GET", path, headers=headers, expect=expect)

    def post(self, path, body=None, expect=202, headers=None):
        return self.request("POST", path, body, headers, expect)

    def patch(self, path, body=None, expect=202, headers=None):
        return self.request("PATCH", path, body, headers, expect)

    def delete(self, path, expect=202, headers=None):
        return self.request("DELETE", path, None, headers, expect)

    def instances(self, query=""):
        return self.get("/api/instances" + query).json["items"]

    def instance(self, ref):
        return self.get(f"/api/instances/{ref}").json

    def operation(self, operation_id):
        return self.get(f"/api/operations/{operation_id}").json

    def wait(self, operation, status="succeeded", seconds=GENEROUS_S):
        """Waits for the end of an operation (an object or an id) and returns it; it must end with
        STATUS unless that is None."""
        operation_id = operation if isinstance(operation, str) else operation["id"]
        deadline = Deadline(seconds)
        while True:
            now = self.get(f"/api/operations/{operation_id}?wait=20").json
            if now["ended_at"]:
                break
            if deadline.is_over():
                raise AssertionError(f"the operation does not end: {now}")
        if status is not None and now["status"] != status:
            raise AssertionError(f"expected {status}: {json.dumps(now, indent=1)}")
        return now

    def run(self, method, path, body=None, status="succeeded"):
        """Sends a command and waits for its true end."""
        return self.wait(self.request(method, path, body, expect=202).json, status)

    def events(self, since=None, last_event_id=None):
        return EventStream(self, since, last_event_id)

    def told(self, type_):
        """All events from the first one ever to the first of that type, which may still have to
        come."""
        with self.events(since=0) as stream:
            return stream.until(lambda event: event["type"] == type_)

    def told_so_far(self):
        """All events up to now: the stream is read until it has nothing more to say."""
        return list(self.event_lines(timeout=0.3))

    def event_lines(self, since=0, timeout=GENEROUS_S):
        """The events behind SINCE as lines of JSON, until nothing comes for TIMEOUT seconds."""
        path = f"/api/events?since={since}&format=ndjson"
        connection = self.connect(timeout=timeout)
        try:
            connection.request("GET", path, headers=self.headers())
            answer = connection.getresponse()
            record.request("GET", path, None, answer.status, None)
            contract().check("GET", path, answer.status, answer.headers, None)
            while line := answer.readline():
                event = json.loads(line)
                record.event(event)
                contract().check_event(event)
                yield event
        except TimeoutError:
            pass
        finally:
            connection.close()


class EventStream:
    """GET /api/events as server-sent events."""

    def __init__(self, client, since=None, last_event_id=None):
        self.connection = client.connect()
        headers = {"Last-Event-ID": str(last_event_id)} if last_event_id is not None else {}
        path = "/api/events" if since is None else f"/api/events?since={since}"
        self.connection.request("GET", path, headers=client.headers(headers))
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise AssertionError(f"{path}: {self.answer.status} {self.answer.read()!r}")
        record.request("GET", path, None, self.answer.status, None)
        contract().check("GET", path, 200, self.answer.headers, None)

    def next(self):
        """The next event, or None at the end of the stream."""
        fields = {}
        while True:
            line = self.answer.readline().decode()
            if not line:
                return None
            line = line.rstrip("\r\n")
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                event = json.loads(fields["data"])
                if int(fields["id"]) != event["seq"] or fields["event"] != event["type"]:
                    raise AssertionError(f"the frame contradicts its data: {fields}")
                record.event(event)
                contract().check_event(event)
                return event
            else:
                fields = {}

    def until(self, accept, seconds=GENEROUS_S):
        """Reads up to the first event that ACCEPT takes; returns all that were read."""
        seen = []
        deadline = Deadline(seconds)
        while not deadline.is_over():
            event = self.next()
            if event is None:
                break
            seen.append(event)
            if accept(event):
                return seen
        raise AssertionError(f"the event did not come; seen: {[e['type'] for e in seen]}")

    def close(self):
        self.answer.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RawConnection:
    """Bytes to and from the service."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), GENEROUS_S)
        self.buffered = b""

    def send(self, data):
        self.socket.sendall(data)

    def finish_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read_all(self):
        """Everything up to the end of the connection."""
        parts = [self.buffered]
        self.buffered = b""
        while True:
            try:
                part = self.socket.recv(65536)
            except ConnectionResetError:
                part = b""
            if not part:
                return b"".join(parts)
            parts.append(part)

    def _fill(self):
        part = self.socket.recv(65536)
        if not part:
            raise AssertionError(f"the connection ended behind {self.buffered!r}")
        self.buffered += part

    def read_response(self, has_body=True):
        """One response with a Content-Length; the next may be in the same bytes."""
        while b"\r\n\r\n" not in self.buffered:
            self._fill()
        head, _, rest = self.buffered.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = http.client.HTTPMessage()
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name] = value.strip()
        length = int(headers.get("Content-Length", 0)) if has_body else 0
        self.buffered = rest
        while len(self.buffered) < length:
            self._fill()
        body, self.buffered = self.buffered[:length], self.buffered[length:]
        response = Response(int(lines[0].split()[1]), headers, body)
        if has_body:
            contract().check_unasked(response.status, headers, body)
        return response

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
