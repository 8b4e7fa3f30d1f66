# SPDX-License-Identifier: MIT
"""The frame of a test: a temporary directory, a simulator and a service that are always ended."""
import os
import shutil
import tempfile
import unittest

from .installed import InstalledService
from .installed import is_wanted as is_installed
from .service import Service
from .simulator import Simulator


class ServiceCase(unittest.TestCase):
    """Each test gets a simulated installation and a service of its own."""

    instances = 3
    simulator_options = {}
    service_options = {}

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ldp-")
        self.addCleanup(self._remove_directory)
        self.simulator = self.make_simulator()
        self.service = self.make_service()
        self.prepare()
        self.start()

    def prepare(self):
        """For a test that has to change something before the service starts."""

    def start(self):
        self.service.start()
        self.client = self.service.client()

    def make_simulator(self, name="ldplayer", **options):
        options = {"instances": self.instances, **self.simulator_options, **options}
        simulator = Simulator(os.path.join(self.directory, name), **options)
        self.addCleanup(simulator.kill)
        return simulator

    def make_service(self, name="service", **options):
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        options = {"ldconsole": self.simulator.ldconsole, **self.service_options, **options}
        service = (InstalledService if is_installed() else Service)(directory, **options)
        service.use_template()
        self.addCleanup(service.close_bridge)
        self.addCleanup(self._end_service, service)
        return service

    def _end_service(self, service):
        if not service.is_running():
            if service.process is not None:
                code = service.wait_for_end()
                self.fail(f"the service ended by itself with {code}:\n{service.log()}")
            return
        if self._has_failed():
            print(f"\n--- log of the service in {self.id()} ---\n{service.log()}", flush=True)
            service.kill()
        else:
            service.stop()

    def _has_failed(self):
        result = self._outcome.result
        failed = [getattr(test, "test_case", test) for test, _ in result.failures + result.errors]
        return self in failed

    def _remove_directory(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def assert_problem(self, response, status, code):
        """A problem document as RFC 9457 and the product contract want it."""
        self.assertEqual(response.status, status, response)
        self.assertEqual(response.headers["Content-Type"], "application/problem+json; charset=utf-8", response)
        problem = response.json
        self.assertEqual(problem["status"], status, response)
        self.assertEqual(problem["code"], code, response)
        for key in ("type", "title", "detail", "retryable", "request_id"):
            self.assertIn(key, problem, response)
        self.assertEqual(response.headers["X-Request-Id"], problem["request_id"])
        return problem
