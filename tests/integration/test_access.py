# SPDX-License-Identifier: MIT
"""Who may do what: tokens, roles, the named pipe or unix socket."""
import datetime
import os
import stat
import unittest

from support import (
    IS_WINDOWS,
    Client,
    ServiceCase,
    StartFailed,
    run_service_command,
    wait_for,
)
from support.programs import path_for_program


class Tokens(ServiceCase):
    instances = 1

    def command(self, *args):
        return run_service_command(
            *args, "--data-dir", path_for_program(self.service.data_dir)
        )

    def status(self, client, method, path, body=None):
        return client.request(method, path, body).status

    def test_without_credentials_almost_nothing(self):
        anonymous = self.service.client(None)
        answer = anonymous.request("GET", "/api/instances")
        self.assert_problem(answer, 401, "UNAUTHORIZED")
        self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        for path in ("/livez", "/api/version", "/api/health", "/api/openapi.json"):
            self.assertEqual(anonymous.request("GET", path).status, 200, path)

    def test_nonsense_is_no_credential(self):
        for value in ("Bearer", "Bearer ", "Bearer x", "Bearer ldp_" + "A" * 43, "Basic YTpi",
                      "Bearer " + "x" * 5000):
            with self.subTest(value[:20]):
                answer = self.service.client(None).request(
                    "GET", "/api/instances", headers={"Authorization": value}
                )
                self.assertEqual(answer.status, 401)

    def test_roles(self):
        viewer, operator, admin = (self.service.client(r) for r in ("viewer", "operator", "admin"))
        expected = [
            ("GET", "/api/instances", None, (200, 200, 200)),
            ("GET", "/api/operations", None, (200, 200, 200)),
            ("POST", "/api/instances/0/stop", None, (403, 202, 202)),
            ("POST", "/api/instances", {"name": "x"}, (403, 403, 202)),
            ("PATCH", "/api/instances/0", {"group": "x"}, (403, 202, 202)),
            ("PATCH", "/api/instances/0", {"settings": {"cpu": 1}}, (403, 403, 202)),
            ("DELETE", "/api/operations?ended_before=2020-01-01T00:00:00Z", None, (403, 403, 200)),
            ("POST", "/api/breakers/list/reset", None, (403, 403, 200)),
        ]
        for method, path, body, statuses in expected:
            with self.subTest(method + " " + path):
                got = tuple(
                    self.status(c, method, path, body) for c in (viewer, operator, admin)
                )
                self.assertEqual(got, statuses)

    def test_a_token_works_at_once_and_ends_at_once(self):
        token = self.service.create_token("late", "viewer")
        self.assertRegex(token, r"^ldp_[A-Za-z0-9_-]{43}$")
        client = Client(self.service, token)
        wait_for(lambda: client.request("GET", "/api/instances").status == 200, "the new token")
        self.assertEqual(self.command("token", "revoke", "late").returncode, 0)
        wait_for(lambda: client.request("GET", "/api/instances").status == 401, "its end")

    def test_clients_that_leave_before_the_end_hurt_nobody(self):
        """Over a pipe too, whose end libuv flushes behind the loop's back."""
        for _ in range(50):
            leaving = [self.client.connect() for _ in range(4)]
            for connection in leaving:
                connection.putrequest("GET", "/livez")
                connection.putheader("Connection", "close")
                connection.endheaders()
            for connection in leaving[::2]:
                self.assertEqual(connection.getresponse().status, 200)
            for connection in leaving:
                connection.close()
        self.assertEqual(self.client.request("GET", "/livez").status, 200)

    def test_a_token_ends_at_its_time(self):
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=6)
        token = self.service.create_token("short", "viewer", "--expires", end.isoformat())
        client = Client(self.service, token)
        self.assertEqual(client.request("GET", "/api/instances").status, 200)
        wait_for(lambda: client.request("GET", "/api/instances").status == 401, "its end")
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc), end)

    def test_an_expired_token_is_none(self):
        done = self.command("token", "create", "--name", "old", "--role", "admin", "--expires",
                            "1999-01-01T00:00:00Z")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--expires", done.stderr)

    def test_the_command_line(self):
        done = self.command("token", "create", "--name", "a", "--role", "viewer")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("\n"), 1)
        secret = done.stdout.strip()
        self.assertEqual(self.command("token", "create", "--name", "a", "--role", "admin").returncode, 1)
        listed = self.command("token", "list")
        self.assertIn(" a\n", listed.stdout)
        self.assertNotIn(secret, listed.stdout)
        self.assertEqual(self.command("token", "revoke", "nobody").returncode, 1)
        self.assertEqual(self.command("token", "create", "--role", "viewer").returncode, 2)
        self.assertEqual(self.command("token", "create", "--name", "b", "--role", "root").returncode, 2)

    def test_the_command_line_works_without_a_service(self):
        self.service.stop()
        token = self.service.create_token("offline", "admin")
        self.service.start()
        client = Client(self.service, token)
        self.assertEqual(client.get("/api/instances").json["total"], 1)

    def test_no_secret_is_kept(self):
        token = self.service.create_token("secret", "admin")
        self.service.stop()
        for name in os.listdir(self.service.data_dir):
            path = os.path.join(self.service.data_dir, name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    self.assertNotIn(token.encode(), file.read(), name)
        self.assertNotIn(token, self.service.log())

    def test_tokens_over_the_api(self):
        created = self.client.request("POST", "/api/auth/tokens", {"name": "web", "role": "viewer"})
        self.assertEqual(created.status, 201, created)
        secret = created.json["token"]
        self.assertEqual(Client(self.service, secret).get("/api/instances").status, 200)
        listed = self.client.get("/api/auth/tokens")
        self.assertNotIn(secret, listed.body.decode())
        self.assertEqual(
            self.service.client("operator").request("GET", "/api/auth/tokens").status, 403
        )

    def test_a_token_over_the_api_has_an_end(self):
        body = {"name": "web", "role": "viewer", "expires_at": "2999-01-01T00:00:00Z"}
        created = self.client.post("/api/auth/tokens", body, 201).json
        web = Client(self.service, created["token"])
        self.assertEqual(web.get("/api/auth/me").json["expires_at"], created["expires_at"])
        self.assertEqual(created["expires_at"][:10], "2999-01-01")
        self.client.delete(f"/api/auth/tokens/{created['id']}", 204)
        web.get("/api/auth/me", 401)
        (listed,) = [t for t in self.client.get("/api/auth/tokens").json["items"]
                     if t["id"] == created["id"]]
        self.assertTrue(listed["revoked_at"])
        self.assertEqual(listed["expires_at"], created["expires_at"])

    def test_a_caller_who_may_not_is_told_of(self):
        self.service.client("viewer").post("/api/instances/0/stop", expect=403)
        told = self.client.told("security.caller_refused")[-1]["data"]
        self.assertEqual((told["who"], told["path"], told["status"]),
                         ("test-viewer", "/api/instances/0/stop", 403))

    def test_operations_name_who_asked(self):
        operation = self.service.client("operator").post("/api/instances/0/stop").json
        self.assertIn("test-operator", operation["requested_by"])
        self.client.wait(operation)


class Local(ServiceCase):
    """The named pipe and, elsewhere, the unix socket: callers are known by their account. Wine has
    one user, who is the administrator; docs/windows-checklist.md has the others."""

    instances = 1
    medium = "pipe" if IS_WINDOWS else "socket"

    def test_the_owner_is_admin_without_a_token(self):
        client = Client(self.service, local=True)
        self.assertEqual(client.get("/api/instances").json["total"], 1)
        client.run("POST", "/api/instances", {"name": "by " + self.medium})
        me = client.get("/api/auth/me").json
        self.assertEqual((me["role"], me["kind"], me["token_id"]), ("admin", "peer", None))
        self.assertRegex(me["name"], r"^[^\\]+\\[^\\]+$" if IS_WINDOWS else r"^uid:\d+$")

    def test_a_token_counts_as_the_token(self):
        token = self.service.create_token("guest", "viewer")
        client = Client(self.service, token, local=True)
        me = client.get("/api/auth/me").json
        self.assertEqual((me["name"], me["role"], me["kind"]), ("guest", "viewer", "token"))
        self.assertEqual(client.request("POST", "/api/instances/0/stop").status, 403)
        bad = Client(self.service, "ldp_" + "A" * 43, local=True)
        self.assertEqual(bad.request("GET", "/api/instances").status, 401)

    def test_any_host_may_be_named_by_a_local_program(self):
        client = Client(self.service, local=True)
        client.get("/api/instances", headers={"Host": "anything.example"})
        refused = self.service.client(None).request(
            "GET", "/livez", headers={"Host": "anything.example"}
        )
        self.assertGreaterEqual(refused.status, 400)

    def test_many_clients_come_at_once(self):
        connections = [self.service.connect_locally(60) for _ in range(40)]
        try:
            for connection in connections:
                connection.request("GET", "/api/version")
            statuses = [connection.getresponse().status for connection in connections]
        finally:
            for connection in connections:
                connection.close()
        self.assertEqual(statuses, [200] * 40)

    def test_a_second_service_of_that_name_is_refused(self):
        where = self.service.pipe if IS_WINDOWS else self.service.socket
        other = self.make_service("other", **{self.medium: where})
        with self.assertRaises(StartFailed) as failed:
            other.start()
        self.assertEqual(failed.exception.code, 1)
        self.assertIn(f"cannot listen on {self.medium}={where}", failed.exception.log)
        self.assertIn(f"the option {self.medium}", failed.exception.log)
        Client(self.service, local=True).get("/api/instances")

    def test_the_log_has_a_record_of_who_changed_what(self):
        client = Client(self.service, local=True)
        name = client.get("/api/auth/me").json["name"]
        client.post("/api/instances/0/stop?wait=60", expect=200)
        self.service.client(None).request("GET", "/api/instances")
        log = self.service.log()
        self.assertIn('audit: method=POST path="/api/instances/0/stop" status=200 '
                      f'who="{name}" role=admin how={self.medium} ', log)
        self.assertIn('audit: method=GET path="/api/instances" status=401 '
                      'who="-" role=none how=tcp ', log)
        self.assertNotIn("wait=", log)

    def test_no_pipe_and_no_socket(self):
        self.service.restart(**{self.medium: "none"})
        self.assertNotIn(f" {self.medium}=", self.service.ready_line)
        self.assertEqual(self.service.client(None).get("/livez").status, 200)


@unittest.skipIf(IS_WINDOWS, "pipes have no files")
class Socket(ServiceCase):
    instances = 1

    def test_it_is_for_the_owner_alone(self):
        mode = stat.S_IMODE(os.stat(self.service.data_dir).st_mode)
        self.assertEqual(mode, 0o700)
        for name in os.listdir(self.service.data_dir):
            path = os.path.join(self.service.data_dir, name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode) & 0o007, 0, name)

    def test_it_is_gone_after_a_stop_and_survives_a_crash(self):
        self.service.kill()
        self.service.start()
        self.assertEqual(Client(self.service, local=True).get("/livez").status, 200)
        path = self.service.socket
        self.service.stop()
        self.assertFalse(os.path.exists(path))
        self.service.start()


if __name__ == "__main__":
    unittest.main()
