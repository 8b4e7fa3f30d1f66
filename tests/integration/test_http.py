# SPDX-License-Identifier: MIT
"""HTTP as it comes from outside: done right, done wrong, done on purpose."""
import json
import socket
import unittest

from support import RawConnection, ServiceCase, wait_for


class HttpCase(ServiceCase):
    instances = 1
    service_options = {"refresh_idle_ms": 600000}

    def raw(self):
        connection = RawConnection(self.service.port)
        self.addCleanup(connection.close)
        return connection

    def head(self, line, *headers):
        lines = [line, "Host: localhost", f"Authorization: Bearer {self.client.token}", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Good(HttpCase):
    def test_a_connection_serves_many_requests(self):
        connection = self.raw()
        for _ in range(20):
            connection.send(self.head("GET /api/version HTTP/1.1"))
            self.assertEqual(connection.read_response().status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        connection = self.raw()
        paths = ["/api/version", "/api/nowhere", "/api/instances/0", "/livez"]
        connection.send(b"".join(self.head(f"GET {path} HTTP/1.1") for path in paths))
        answers = [connection.read_response() for _ in paths]
        self.assertEqual([a.status for a in answers], [200, 404, 200, 200])

    def test_head_has_the_length_and_no_body(self):
        connection = self.raw()
        connection.send(self.head("HEAD /api/version HTTP/1.1"))
        answer = connection.read_response(has_body=False)
        self.assertEqual(answer.status, 200)
        self.assertGreater(int(answer.headers["Content-Length"]), 0)
        connection.send(self.head("GET /api/version HTTP/1.1"))
        self.assertEqual(
            len(connection.read_response().body), int(answer.headers["Content-Length"])
        )

    def test_options_names_the_methods(self):
        answer = self.client.request("OPTIONS", "/api/instances/0")
        self.assertIn(answer.status, (200, 204))
        allowed = {method.strip() for method in answer.headers["Allow"].split(",")}
        self.assertLessEqual({"GET", "PATCH", "DELETE"}, allowed)

    def test_a_chunked_body(self):
        connection = self.raw()
        connection.send(
            self.head(
                "PATCH /api/instances/0 HTTP/1.1",
                "Content-Type: application/json",
                "Transfer-Encoding: chunked",
            )
        )
        for part in (b'{"gro', b'up":"g"', b"}"):
            connection.send(b"%x\r\n%s\r\n" % (len(part), part))
        connection.send(b"0\r\n\r\n")
        answer = connection.read_response()
        self.assertEqual(answer.status, 202, answer)
        self.client.wait(json.loads(answer.body))

    def test_expect_100_continue(self):
        connection = self.raw()
        body = b'{"group":"g"}'
        connection.send(
            self.head(
                "PATCH /api/instances/0 HTTP/1.1",
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
                "Expect: 100-continue",
            )
        )
        self.assertEqual(connection.read_response().status, 100)
        connection.send(body)
        self.assertEqual(connection.read_response().status, 202)

    def test_a_body_is_not_asked_for_when_it_would_be_refused(self):
        connection = self.raw()
        connection.send(
            self.head(
                "POST /api/instances HTTP/1.1",
                "Content-Type: application/json",
                "Content-Length: 99999999",
                "Expect: 100-continue",
            )
        )
        self.assertEqual(connection.read_response().status, 413)

    def test_http_1_0_ends_with_the_answer(self):
        connection = self.raw()
        connection.send(self.head("GET /api/version HTTP/1.0"))
        self.assertIn(b" 200 ", connection.read_all())

    def test_close_is_honoured(self):
        connection = self.raw()
        connection.send(self.head("GET /api/version HTTP/1.1", "Connection: close"))
        answer = connection.read_all()
        self.assertIn(b"connection: close", answer.lower())

    def test_a_request_id_is_kept_and_otherwise_made(self):
        answer = self.client.get("/livez", headers={"X-Request-Id": "my-id-7"})
        self.assertEqual(answer.headers["X-Request-Id"], "my-id-7")
        ids = {self.client.get("/livez").headers["X-Request-Id"] for _ in range(3)}
        self.assertEqual(len(ids), 3)

    def test_a_request_may_come_byte_by_byte(self):
        connection = self.raw()
        for byte in self.head("GET /livez HTTP/1.1"):
            connection.send(bytes([byte]))
        self.assertEqual(connection.read_response().status, 200)

    def test_a_byte_order_mark_is_no_part_of_the_body(self):
        mark = b"\xef\xbb\xbf"
        self.client.post("/api/instances/0/stop", mark + b'{"force": true}')
        self.client.post("/api/instances/0/stop", mark)
        answer = self.client.request("POST", "/api/instances/0/stop", b"{}" + mark)
        self.assert_problem(answer, 400, "BODY_NOT_JSON")

    def test_every_json_says_its_charset(self):
        for path in ("/api/instances", "/api/health", "/api/openapi.json"):
            answer = self.client.get(path)
            self.assertEqual(answer.headers["Content-Type"], "application/json; charset=utf-8")


class Wrong(HttpCase):
    def setUp(self):
        super().setUp()
        self.client.instances()

    def tearDown(self):
        self.assertEqual(self.simulator.changes(), [])
        self.assertEqual(self.client.get("/api/operations").json["total"], 0)

    def answer_to(self, data):
        connection = self.raw()
        connection.send(data)
        return connection.read_response()

    def test_bytes_that_are_no_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"hello\r\n\r\n", b"GET\r\n\r\n",
                     b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\nHost localhost\r\n\r\n"):
            with self.subTest(data):
                self.assertIn(self.answer_to(data).status, (400, 501, 505))

    def test_two_lengths(self):
        for headers in (
            ["Content-Length: 2", "Content-Length: 3"],
            ["Content-Length: 2", "Transfer-Encoding: chunked"],
            ["Content-Length: -1"],
            ["Content-Length: 2a"],
            ["Transfer-Encoding: gzip"],
        ):
            with self.subTest(headers):
                data = self.head(
                    "POST /api/instances HTTP/1.1", "Content-Type: application/json", *headers
                )
                self.assertIn(self.answer_to(data + b"{}").status, (400, 501))

    def test_no_host_or_a_foreign_one(self):
        self.assertEqual(self.answer_to(b"GET /livez HTTP/1.1\r\n\r\n").status, 400)
        data = b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        self.assertEqual(self.answer_to(data).status, 403)
        data = self.head("POST /api/instances/0/start HTTP/1.1", "Origin: http://evil.example",
                         "Content-Length: 0")
        self.assertEqual(self.answer_to(data).status, 403)

    def test_bodies_that_are_no_json(self):
        deep = b"[" * 100 + b"]" * 100
        bodies = [
            b"{", b"nonsense", b'{"name": "a",}', b'{"name": "a"} x', b"\xff\xfe", b'{"name": NaN}',
            b'{"a":' + deep + b"}", b'{"name": "a", "name": "b"}', b'{"name": "\xc3\x28"}',
            b'// no\n{"name": "a"}',
        ]
        for body in bodies:
            with self.subTest(body[:30]):
                answer = self.client.request("POST", "/api/instances", body)
                self.assertIn(answer.status, (400, 422), answer)
                self.assertTrue(answer.json["detail"])

    def test_json_of_another_shape(self):
        for body in (b"[]", b'"text"', b"1", b"null", b'{"name": 5}', b'{"name": ["a"]}'):
            with self.subTest(body):
                answer = self.client.request("POST", "/api/instances", body)
                self.assert_problem(answer, 422, "VALIDATION_FAILED")

    def test_other_media_types(self):
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
            with self.subTest(kind):
                answer = self.client.request(
                    "POST", "/api/instances", b"{}", headers={"Content-Type": kind}
                )
                self.assert_problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")

    def test_methods(self):
        answer = self.client.request("PUT", "/api/instances")
        self.assert_problem(answer, 405, "METHOD_NOT_ALLOWED")
        self.assertIn("POST", answer.headers["Allow"])
        self.assertIn(self.client.request("BREW", "/api/instances").status, (400, 405, 501))
        self.assertIn(self.client.request("CONNECT", "/api/instances").status, (400, 405, 501))

    def test_paths(self):
        self.assert_problem(self.client.request("GET", "/api/nowhere"), 404, "NOT_FOUND")
        for path in ("/api/../etc/passwd", "/api/instances/%2e%2e%2fx", "/api/instances/%zz",
                     "/api/instances/%00", "/api/instances/-1", "/api/instances/99999999999999",
                     "/api/instances/name:", "//", "/api//instances"):
            with self.subTest(path):
                self.assertIn(self.client.request("GET", path).status, (400, 404, 422))

    def test_queries(self):
        for query in ("limit=0", "limit=-1", "limit=abc", "cursor=@@", "state=flying",
                      "max_age_ms=-1", "max_age_ms=1e3", "fields=nonsense"):
            with self.subTest(query):
                answer = self.client.request("GET", f"/api/instances?{query}")
                self.assertIn(answer.status, (400, 422), answer)
        answer = self.client.request("GET", "/api/operations?status=nonsense")
        self.assertIn(answer.status, (400, 422), answer)

    def test_large_heads_and_bodies(self):
        answer = self.client.request("GET", "/livez", headers={"X-Large": "x" * 20000})
        self.assertEqual(answer.status, 431)
        answer = self.client.request("GET", "/livez?" + "x" * 20000)
        self.assertIn(answer.status, (414, 431))
        data = self.head("POST /api/instances HTTP/1.1", "Content-Type: application/json",
                         "Content-Length: 1048577")
        self.assertEqual(self.answer_to(data).status, 413)
        connection = self.raw()
        connection.send(
            self.head("POST /api/instances HTTP/1.1", "Content-Type: application/json",
                      "Transfer-Encoding: chunked")
        )
        try:
            for _ in range(20):
                connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except (ConnectionResetError, BrokenPipeError):
            pass  # the refusal was lost with the connection
        else:
            self.assertEqual(connection.read_response().status, 413)
        self.assertEqual(self.client.get("/api/operations").json["items"], [])

    def test_half_a_request(self):
        whole = self.head("POST /api/instances HTTP/1.1", "Content-Type: application/json",
                          "Content-Length: 14") + b'{"name": "ab"}'
        for cut in (1, 20, len(whole) - 14, len(whole) - 1):
            connection = self.raw()
            connection.send(whole[:cut])
            connection.finish_sending()
            answer = connection.read_all()
            self.assertNotIn(b" 202 ", answer)


class Small(HttpCase):
    service_options = {"max_header_bytes": 1024, "max_body_bytes": 1024}

    def test_heads_and_bodies_are_as_large_as_the_options_say(self):
        self.client.get("/livez", headers={"X-Filler": "x" * 500})
        self.client.get("/livez", 431, headers={"X-Filler": "x" * 1500})
        labels = {f"label{i}": "x" * 100 for i in range(20)}
        self.client.patch("/api/instances/0", {"labels": dict(list(labels.items())[:5])})
        answer = self.client.request("PATCH", "/api/instances/0", {"labels": labels})
        self.assertEqual(answer.status, 413, answer)


class Slow(HttpCase):
    service_options = {"header_timeout_ms": 300, "body_timeout_ms": 300, "idle_timeout_ms": 500}

    def test_a_head_that_does_not_come(self):
        connection = self.raw()
        connection.send(b"GET /livez HTTP/1.1\r\nHost: loc")
        answer = connection.read_all()
        self.assertIn(b" 408 ", answer)

    def test_a_body_that_does_not_come(self):
        connection = self.raw()
        connection.send(self.head("POST /api/instances HTTP/1.1",
                                  "Content-Type: application/json", "Content-Length: 10") + b"{")
        self.assertIn(b" 408 ", connection.read_all())

    def test_an_idle_connection_is_closed(self):
        connection = self.raw()
        connection.send(self.head("GET /livez HTTP/1.1"))
        self.assertEqual(connection.read_response().status, 200)
        self.assertEqual(connection.read_all(), b"")


class Many(HttpCase):
    service_options = {"max_connections": 20}

    def test_connections_have_a_limit(self):
        connections = [self.raw() for _ in range(20)]
        for connection in connections:
            connection.send(self.head("GET /livez HTTP/1.1"))
            self.assertEqual(connection.read_response().status, 200)
        extra = self.raw()
        try:
            extra.send(self.head("GET /livez HTTP/1.1"))
            answer = extra.read_all()
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        self.assertNotIn(b" 200 ", answer)
        connections[0].close()
        wait_for(self.is_served, "room for one more connection")

    def is_served(self):
        try:
            return self.service.client(None).request("GET", "/livez").status == 200
        except (OSError, ValueError) as error:
            self.assertNotIsInstance(error, socket.timeout)
            return False


class Queue(HttpCase):
    service_options = {"max_queued_operations": 3}
    instances = 2

    def test_operations_have_a_limit(self):
        self.simulator.set(**{"fault": "slow_boot", "latency_ms.launch": 2000})
        answers = [self.client.request("POST", "/api/instances/0/start") for _ in range(6)]
        refused = [a for a in answers if a.status == 429]
        self.assertEqual(len(refused), 3, answers)
        self.assertIn("Retry-After", refused[0].headers)
        self.simulator.reset()
        for answer in answers:
            if answer.status == 202:
                self.client.request("POST", f"/api/operations/{answer.json['id']}/cancel")


class Drain(HttpCase):
    def test_requests_under_way_are_answered_at_the_end(self):
        self.client.instances()
        before = self.simulator.count("list2")
        self.simulator.set(**{"latency_ms.list2": 1000})
        connection = self.raw()
        connection.send(self.head("GET /api/instances?max_age_ms=0 HTTP/1.1"))
        wait_for(lambda: self.simulator.count("list2") > before, "the look")
        self.service.ask_to_stop()
        answer = connection.read_response()
        self.assertIn(answer.status, (200, 503), answer)
        self.assertEqual(self.service.wait_for_end(), 0)

    def test_but_no_longer_than_the_option_says(self):
        self.service.restart(drain_ms=0, deadline_list2_ms=3600000)
        self.client.instances()
        before = self.simulator.count("list2")
        self.simulator.set(**{"hang.list2": "always"})
        connection = self.raw()
        connection.send(self.head("GET /api/instances?max_age_ms=0 HTTP/1.1"))
        wait_for(lambda: self.simulator.count("list2") > before, "the look")
        self.service.stop()
        self.assertNotIn(b" 200 ", connection.read_all())
        self.service.start()


if __name__ == "__main__":
    unittest.main()
