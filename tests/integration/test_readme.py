# SPDX-License-Identifier: MIT
"""The README's session, run as it is printed: each command gives what stands below it, but for
ids, times, numbers and paths."""
import os
import re
import subprocess
import unittest

from support import ServiceCase

README = os.path.join(os.path.dirname(__file__), "..", "..", "README.md")

VARIABLE = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r'"request_id":"[^"]*"', '"request_id":ID'),
    (r'"(ldconsole)":"[^"]*"', r'"\1":PATH'),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
    (r'(?<!["\w-])\d+', "0"),
]


def session():
    """Pairs of a command and the lines printed below it."""
    with open(README, encoding="utf-8") as readme:
        block = readme.read().split("```console\n")[1].split("```")[0]
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def without_variable_parts(text):
    for pattern, replacement in VARIABLE:
        text = re.sub(pattern, replacement, text)
    return text.strip()


class Readme(ServiceCase):
    instances = 8

    def test_the_session_works_as_printed(self):
        self.service.wait_until_observed()
        url = f"http://127.0.0.1:{self.service.port}"
        env = {**os.environ, "URL": url, "TOKEN": self.service.create_token("reader", "admin")}
        commands = 0
        for command, expected in session():
            done = subprocess.run(
                ["bash", "-c", command], cwd=self.directory, env=env, capture_output=True, timeout=120
            )
            commands += 1
            printed = done.stdout.decode("utf-8")
            with self.subTest(command=command):
                self.assertEqual(without_variable_parts(printed), without_variable_parts(expected))
        self.assertGreaterEqual(commands, 10)


if __name__ == "__main__":
    unittest.main()
