#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that check_unused.py finds what it is there to find. The arguments are the compiler."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("check_unused.py")
COMPILER = sys.argv[1:]
FLAGS = ["-O0", "-ffunction-sections", "-fdata-sections", "-fno-asynchronous-unwind-tables"]
AR = subprocess.run(
    COMPILER + ["-print-prog-name=ar"], capture_output=True, text=True, check=True
).stdout.strip()

MAIN = """
int used(int);
static int helped(void) { return used(1); }
static int (*const table[])(void) = {helped};
int main(int argc, char **argv) { (void)argv; return table[argc](); }
"""
USED = "int used(int a) { return a; }\n"


def run(sources, exceptions=""):
    """Checks a program of one file for each of SOURCES. Returns the exit code and what was said."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        objects = []
        for number, source in enumerate(sources):
            file = folder / f"file{number}.c"
            file.write_text(source, encoding="utf-8")
            objects.append(str(file.with_suffix(".o")))
            subprocess.run(COMPILER + FLAGS + ["-c", "-o", objects[-1], str(file)], check=True)
        subprocess.run([AR, "rcs", folder / "all.a"] + objects, check=True)
        (folder / "exceptions").write_text(exceptions, encoding="utf-8")
        command = [sys.executable, CHECK, "linux", folder / "exceptions", folder / "all.a"]
        done = subprocess.run(command + COMPILER, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CheckUnused(unittest.TestCase):
    def finds(self, sources, exceptions, *names):
        code, out = run(sources, exceptions)
        self.assertEqual(code, 1, out)
        self.assertIn(f", {len(names)} findings", out)
        for name in names:
            self.assertIn(name, out)

    def allows(self, sources, exceptions=""):
        code, out = run(sources, exceptions)
        self.assertEqual(code, 0, out)

    def test_a_program_that_uses_everything_passes(self):
        self.allows([MAIN, USED])

    def test_a_function_that_nobody_calls_is_found(self):
        planted = "int planted(int a) { return a; }\n"
        self.finds([MAIN, USED + planted], "", "nothing in the program calls planted")
        self.finds([MAIN, USED, planted], "", "file2.o")

    def test_so_is_one_that_only_the_unused_need_or_a_table_that_nobody_reads(self):
        self.finds(
            [MAIN, USED, "int used(int); int top(void) { return used(2); }\n",
             "int top(void); int higher(void) { return top(); }\n"],
            "", "calls top:", "calls higher:",
        )
        self.finds(
            [MAIN, USED, "static int row(void) { return 0; }\nint (*const rows[])(void) = {row};\n"],
            "", "calls row:",
        )

    def test_a_reason_explains_a_function_and_what_it_needs(self):
        sources = [MAIN, USED, "static int inner(void) { return 0; }\n"
                               "int outer(void) { return inner(); }\n"]
        self.finds(sources, "", "inner", "outer")
        self.allows(sources, "# comment\n\nouter  everywhere  for later\n")
        self.allows(sources, "outer linux Windows alone calls it\n")
        self.finds(sources, "outer windows only Linux calls it\n", "inner", "outer")

    def test_a_reason_that_is_not_needed_is_found(self):
        self.finds([MAIN, USED], "used everywhere why\n", "used is used or gone")
        self.finds([MAIN, USED], "gone linux why\n", "gone is used or gone")
        self.allows([MAIN, USED], "used windows why\n")

    def test_a_line_without_a_reason_is_found(self):
        self.finds([MAIN, USED], "used\n", "exceptions:1: not of the form")
        self.finds([MAIN, USED], "used everywhere \n", "not of the form")
        self.finds([MAIN, USED], "used macos why\n", "not of the form")

    def test_a_library_that_is_no_program_is_a_failure(self):
        code, out = run([USED])
        self.assertEqual(code, 1)
        self.assertIn("the linker failed", out)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
