# SPDX-License-Identifier: MIT
"""The session agent: ldconsole runs in a process of its own, which may be killed, hang or be
missing."""
import glob
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from support import IS_WINDOWS, ServiceCase, run_service_command, wait_for
from support.limits import SHORT
from support.programs import WRAPPER


UP = ("running", "ready")


def kill_process(pid):
    if IS_WINDOWS:
        # The id is Wine's own, so one of its programs has to do it.
        run_wine("taskkill", "/f", "/pid", str(pid))
    else:
        os.kill(pid, signal.SIGKILL)


def run_wine(*args):
    subprocess.run([*WRAPPER, *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class AgentCase(ServiceCase):
    service_options = {"runner": "agent", **SHORT}

    def agents(self):
        """The data of the events of agents that were started, oldest first."""
        return [e["data"] for e in self.session_events() if e["type"] == "session.agent_started"]

    def session_events(self):
        return [e for e in self.client.told_so_far() if e["type"].startswith("session.")]

    def wait_for_agents(self, n):
        return wait_for(
            lambda: len(self.agents()) >= n and self.runner()["status"] == "ok" and self.agents(),
            f"agent number {n}",
        )

    def runner(self):
        return self.client.get("/api/health").json["checks"]["runner"]


class AgentTest(AgentCase):
    def test_the_service_tells_that_an_agent_runs_ldconsole(self):
        agent = self.wait_for_agents(1)[0]
        self.assertNotEqual(agent["pid"], 0)
        self.assertTrue(agent["user"])
        self.assertEqual(self.runner()["kind"], "agent")
        self.assertEqual(self.client.get("/api/info").json["runner"], "agent")
        self.assertIn(b"\nldplayerd_runner_available 1\n", self.client.get("/metrics").body)
        self.assertEqual(len(self.client.instances()), 3)

    def test_an_agent_that_was_killed_is_replaced(self):
        self.client.run("POST", "/api/instances/0/start")
        before = self.wait_for_agents(1)
        kill_process(before[-1]["pid"])
        after = self.wait_for_agents(len(before) + 1)
        self.assertNotEqual(after[-1]["pid"], before[-1]["pid"])
        lost = [e["data"] for e in self.session_events() if e["type"] == "session.agent_lost"]
        self.assertEqual(len(lost), 1)
        self.assertTrue(lost[0]["reason"])
        self.assertIn(self.client.instance(0)["state"], UP)
        self.client.run("POST", "/api/instances/1/start")

    def test_a_read_waits_for_the_agent_that_replaces_one(self):
        kill_process(self.wait_for_agents(1)[-1]["pid"])
        self.assertEqual(len(self.client.get("/api/instances?max_age_ms=0").json["items"]), 3)

    def test_an_agent_lost_in_a_command_leaves_the_truth_to_a_look(self):
        agent = self.wait_for_agents(1)[-1]
        self.client.instances()
        self.simulator.set(**{"hang.launch": 1})
        operation = self.client.post("/api/instances/0/start").json
        wait_for(lambda: self.simulator.count("launch") > 0, "the launch")
        kill_process(agent["pid"])
        ended = self.client.wait(operation, status=None)
        outcomes = [e.get("outcome") for e in ended["evidence"]]
        self.assertIn("lost", outcomes, ended)
        self.assertIn(ended["status"], ("failed", "timed_out"))
        self.assertTrue(ended["error"]["retryable"])
        self.simulator.reset()
        # What was launched may come as late as list2 may be with it.
        wait_for(lambda: self.client.instance("0?max_age_ms=0")["state"] == "stopped", "the truth")
        self.client.run("POST", "/api/instances/0/start")

    def test_instances_outlive_agent_and_service(self):
        started = self.client.run("POST", "/api/instances/0/start")["result"]
        agent = self.agents()[-1]
        self.service.kill()
        if not IS_WINDOWS:
            wait_for(lambda: not is_alive(agent["pid"]), "the end of the agent without a service")
        self.service.start()
        instance = self.client.instance(0)
        self.assertIn(instance["state"], UP)
        self.assertEqual(instance["pid"], started["pid"])

    def test_a_stop_at_any_moment_of_the_agents_start(self):
        for delay_ms in range(0, 60, 3):
            self.service.stop()
            self.service.start()
            time.sleep(delay_ms / 1000)

    def test_a_stop_leaves_no_agent(self):
        agent = self.wait_for_agents(1)[-1]
        self.service.stop()
        if not IS_WINDOWS:
            self.assertFalse(is_alive(agent["pid"]))
        self.assertEqual(glob.glob(os.path.join(self.service.data_dir, "agent*")), [])
        self.service.start()


@unittest.skipIf(IS_WINDOWS, "it would have to be in the registry of the whole prefix")
class InstallTest(AgentCase):
    """The service does not know where LDPlayer is; an agent that comes later does."""

    def start(self):
        del self.service.options["ldconsole"]
        self.home = os.path.join(self.directory, "later")
        self.service.start(env={"LDPLAYER_HOME": self.home})
        self.client = self.service.client()

    def test_an_installation_that_the_user_has_is_taken(self):
        agent = self.wait_for_agents(1)[-1]
        self.assertEqual(self.client.get("/api/workstations/local").json["ldplayer"], [])
        os.symlink(self.simulator.directory, self.home)
        kill_process(agent["pid"])
        wait_for(lambda: self.client.request("GET", "/api/instances").status == 200, "a look")
        answer = self.client.get("/api/instances?max_age_ms=0").json
        self.assertEqual(answer["total"], 3)
        self.assertIn('"config":"readable"', json.dumps(answer["items"][0]["evidence"], separators=(",", ":")))
        found = self.client.get("/api/workstations/local?max_age_ms=0").json["ldplayer"]
        self.assertEqual([one["ldconsole"] for one in found], [self.simulator.path("ldconsole")])


class WithoutSessionTest(AgentCase):
    service_options = {**AgentCase.service_options, "session_user": "nobody-of-this-name"}

    def test_operations_wait_and_reads_say_so(self):
        health = self.client.request("GET", "/api/health").json
        self.assertEqual(health["checks"]["runner"]["status"], "failing")
        self.assertIn("nobody-of-this-name", health["checks"]["runner"]["detail"])
        self.assertEqual(self.client.request("GET", "/readyz").status, 503)
        self.assertIn(b"\nldplayerd_runner_available 0\n", self.client.get("/metrics").body)
        self.assert_problem(self.client.request("GET", "/api/instances"), 503, "NO_SESSION")
        self.assertEqual([e["type"] for e in self.session_events()], ["session.none"])

    def stale_answer(self):
        """None while what the store remembers has not been compared with the farm."""
        answer = self.client.get("/api/instances").json
        return answer if answer["source"] == "stale" else None

    def test_an_operation_waits_until_there_is_a_session(self):
        user = self.service.options.pop("session_user")
        self.service.restart()
        stopped = self.client.instance(0)
        self.assertEqual(stopped["state"], "stopped")
        self.service.restart(session_user=user)
        answer = wait_for(self.stale_answer, "the look that fails")
        self.assertIn(user, answer["stale_reason"])
        operation = self.client.post(f"/api/instances/{stopped['id']}/start").json
        wait_for(
            lambda: self.client.operation(operation["id"])["status"] == "waiting_for_session",
            "the operation to wait",
        )
        told = self.client.told("operation.waiting_for_session")[-1]["data"]
        self.assertEqual(told["id"], operation["id"])
        self.assertEqual(self.simulator.count("launch"), 0)
        del self.service.options["session_user"]
        self.service.restart()
        ended = self.client.wait(operation)
        self.assertIn(ended["result"]["state"], UP)
        self.assertEqual(self.simulator.count("launch"), 1)


@unittest.skipIf(IS_WINDOWS, "the pipe of an agent has a name that nobody can know on Windows")
class IntruderTest(AgentCase):
    def test_nobody_else_is_let_in(self):
        agent = self.wait_for_agents(1)[-1]
        path = os.path.join(self.service.data_dir, "agent.sock")
        self.assertFalse(os.path.exists(path), "closed once the agent is in")
        answers = []
        intruder = threading.Thread(target=intrude, args=(path, answers))
        intruder.start()
        kill_process(agent["pid"])
        intruder.join(30)
        self.assertEqual(answers, [b""])
        self.wait_for_agents(2)
        refused = [e for e in self.session_events() if e["type"] == "session.agent_refused"]
        self.assertEqual(len(refused), 1)
        self.assertIn(str(os.getpid()), refused[0]["data"]["reason"])


def intrude(path, answers):
    """Connects as soon as the socket is there, and notes what comes."""

    def connect():
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(path)
        except OSError:
            client.close()
            return None
        return client

    client = wait_for(connect, "the socket of the next agent", every=0)
    client.settimeout(20)
    try:
        answers.append(client.recv(100))
    except ConnectionResetError:
        answers.append(b"")
    client.close()


class CommandTest(unittest.TestCase):
    def test_a_person_who_runs_it_is_told_what_it_is(self):
        done = run_service_command("agent")
        self.assertEqual(done.returncode, 1)
        self.assertIn("started by the service itself", done.stderr)

    def test_it_serves_nobody_but_who_was_named(self):
        name = r"\\.\pipe\nowhere" if IS_WINDOWS else "/nowhere/agent.sock"
        done = run_service_command("agent", "--pipe", name, "--server", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
