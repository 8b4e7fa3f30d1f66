#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that check_layers.py finds what it is there to find, and lets the rest pass."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("check_layers.py")


def run(path, text):
    """Runs the check on a tree of one file. Returns its exit code and what it printed."""
    with tempfile.TemporaryDirectory() as root:
        file = pathlib.Path(root) / path
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(CHECK), root], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout


class CheckLayers(unittest.TestCase):
    def refuses(self, path, text, reason):
        code, out = run(path, text)
        self.assertEqual(code, 1, f"{path} with {text!r} was let through")
        self.assertIn(reason, out)

    def allows(self, path, text):
        code, out = run(path, text)
        self.assertEqual(code, 0, out)

    def test_an_include_that_points_right_fails(self):
        self.refuses("base/a.c", '\n#include "api/http.h"\n', "base/a.c:2: ")
        self.refuses("ldconsole/a.h", '#  include "cache/store/store.h"\n', "points right")
        self.refuses("api/a.c", '#include "service/config/config.h"\n', "points right")

    def test_an_include_that_points_left_or_stays_passes(self):
        self.allows("service/a.c", '#include "api/http.h"\n#include "service/config/config.h"\n')
        self.allows("base/a.c", '#include "base/b.h"\n#include <string.h>\n#include <uv.h>\n')

    def test_an_include_not_from_the_root_fails(self):
        self.refuses("base/a.c", '#include "b.h"\n', "not a path from the root")
        self.refuses("base/a.c", '#include "tests/support/x.h"\n', "not a path from the root")

    def test_version_h_is_at_the_root(self):
        self.allows("service/a.c", '#include "version.h"\n')

    def test_windows_headers_are_for_win_files(self):
        self.refuses("base/a.c", "#include <windows.h>\n", "*_win")
        self.refuses("base/a_unix.c", "#include <winsock2.h>\n", "*_win")
        self.allows("base/a_win.c", "#include <uv.h>\n#include <windows.h>\n")

    def test_platform_conditions_are_for_platform_files(self):
        for line in ("#ifdef _WIN32", "#if defined(__linux__)", "#ifndef __unix__",
                     "#elif defined(_WIN64)"):
            self.refuses("control/a.c", line + "\n", "platform #if")
            self.allows("control/a_unix.c", line + "\n")
        self.allows("control/a.c", "#ifndef CONTROL_A_H\n#if MAX_WIN32_NAME\n")

    def test_sqlite_and_the_http_parser_have_one_owner(self):
        self.refuses("api/a.c", "#include <sqlite3.h>\n", "cache/ alone")
        self.refuses("service/a.c", "#include <hiredis.h>\n", "cache/ alone")
        self.refuses("control/a.c", "#include <llhttp.h>\n", "api/ alone")
        self.allows("cache/a.c", "#include <sqlite3.h>\n")

    def test_tests_are_not_looked_at_and_no_files_is_a_failure(self):
        code, out = run("tests/unit/a.c", '#include "api/http.h"\n')
        self.assertEqual(code, 1)
        self.assertIn("0 files", out)


if __name__ == "__main__":
    unittest.main()
