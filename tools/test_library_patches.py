#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows what becomes of the patches of a distribution, and what is told of them."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import library_list
import library_patches

TOOL = pathlib.Path(__file__).with_name("library_patches.py")
SOURCE = "one\ntwo\nthree\nfour\nfive\n"


def patch(old, new, file="src/a.c"):
    """A patch of a file that has SOURCE, as quilt writes it."""
    head = f"Description: a fix\n\n--- a/{file}\n+++ b/{file}\n@@ -1,5 +1,5 @@\n"
    body = [f"-{line}\n+{new}\n" if line == old else f" {line}\n" for line in SOURCE.split()]
    return head + "".join(body)


class Patches(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.root = pathlib.Path(place.name)
        self.source = self.root / "tree" / "src" / "a.c"
        self.source.parent.mkdir(parents=True)
        self.source.write_text(SOURCE, encoding="utf-8")
        self.patches = self.root / "packaging" / "debian" / "patches"
        self.patches.mkdir(parents=True)

    def run_tool(self, table, series, *options, **patches):
        """The exit code, the record, and what was said. PATCHES are named as in Python."""
        for name, text in patches.items():
            (self.patches / f"{name}.patch").write_text(text, encoding="utf-8")
        (self.patches / "series").write_text(series, encoding="utf-8")
        (self.root / "table.txt").write_text(table, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, TOOL, "lib", "--tree", self.root / "tree", "--table",
             self.root / "table.txt", "--debian", self.root / "packaging", *options],
            capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr

    def lines(self):
        return self.source.read_text(encoding="utf-8").split()

    def test_what_the_table_says_is_done(self):
        code, record, said = self.run_tool(
            "# a comment\nlib apply fix.patch  security: a hole\nlib skip pack.patch packaging only\n",
            "# our series\nfix.patch\n#gone.patch\npack.patch # why\n",
            fix=patch("two", "TWO"), pack=patch("four", "FOUR"))
        self.assertEqual((code, said), (0, ""))
        self.assertEqual(record, ["apply fix.patch security: a hole",
                                  "skip pack.patch packaging only"])
        self.assertEqual(self.lines(), ["one", "TWO", "three", "four", "five"])

    def test_a_patch_that_nobody_knows_is_applied_and_said_aloud(self):
        code, record, said = self.run_tool("", "late.patch\n", late=patch("two", "TWO"))
        self.assertEqual((code, record), (0, ["new late.patch"]))
        self.assertIn("late.patch is applied and not yet judged", said)
        self.assertIn("TWO", self.lines())

    def test_a_patch_that_does_not_apply_stops_and_leaves_the_file(self):
        code, _, said = self.run_tool("", "late.patch\n", late=patch("two", "TWO").replace(
            " three", " another"))
        self.assertEqual(code, 1)
        self.assertIn("late.patch does not apply", said)
        self.assertIn("give it a line", said)
        self.assertEqual(self.lines(), SOURCE.split())

    def test_context_that_is_only_nearly_right_is_not_enough(self):
        near = patch("three", "THREE").replace(" five", " FIVE")
        self.assertEqual(self.run_tool("", "near.patch\n", near=near)[0], 1)
        self.assertEqual(self.lines(), SOURCE.split())

    def test_a_fix_that_is_gone_stops(self):
        code, _, said = self.run_tool("lib apply fix.patch security: a hole\n", "other.patch\n",
                                      other=patch("two", "TWO"))
        self.assertEqual(code, 1)
        self.assertIn("fix.patch (security: a hole) is to be applied and is not in", said)
        self.assertEqual(self.lines(), SOURCE.split())

    def test_what_is_left_out_may_be_gone(self):
        self.assertEqual(self.run_tool("lib skip fix.patch tests only\n", "")[0], 0)

    def test_the_lines_of_other_libraries_do_not_count(self):
        code, record, _ = self.run_tool("other skip fix.patch tests only\n", "fix.patch\n",
                                        fix=patch("two", "TWO"))
        self.assertEqual((code, record), (0, ["new fix.patch"]))

    def test_only_the_folder_that_is_built_counts(self):
        code, record, said = self.run_tool(
            "", "in.patch\nout.patch\n", "--folder", "src",
            **{"in": patch("two", "TWO"), "out": patch("two", "TWO", "src2/b.c")})
        self.assertEqual((code, record), (0, ["new in.patch", "skip out.patch nothing of src"]))
        self.assertNotIn("out.patch", said)

    def test_a_series_may_strip_otherwise(self):
        bare = patch("two", "TWO").replace("a/src", "src").replace("b/src", "src")
        self.assertEqual(self.run_tool("", "bare.patch -p0\n", bare=bare)[0], 0)
        self.assertIn("TWO", self.lines())

    def test_a_package_without_patches_is_fine(self):
        self.patches.rmdir()
        done = subprocess.run(
            [sys.executable, TOOL, "lib", "--tree", self.root, "--debian", self.root / "packaging"],
            capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_table_that_cannot_be_read_is_named_with_its_line(self):
        for table in "lib maybe fix.patch why\n", "lib skip fix.patch\n", \
                "lib skip fix.patch why\nlib apply fix.patch why\n":
            with self.subTest(table=table):
                code, _, said = self.run_tool(table, "")
                self.assertEqual(code, 1)
                self.assertIn(f"table.txt:{table.count(chr(10))}: ", said)

    def test_our_own_table_has_a_reason_for_each(self):
        table = library_patches.read_table(library_patches.TABLE.read_text(encoding="utf-8"))
        self.assertEqual(table["libsodium"]["CVE-2025-69277.patch"][0], "apply")
        for library, patches in table.items():
            for name, (verdict, reason) in patches.items():
                with self.subTest(library=library, patch=name):
                    self.assertTrue("CVE" not in name or verdict == "apply", reason)
                    self.assertIn(reason.startswith(("security: ", "bug fix: ")), [verdict == "apply"])


class Listing(unittest.TestCase):
    def describe(self, record):
        with tempfile.TemporaryDirectory() as name:
            file = pathlib.Path(name) / ".fetched"
            if record is not None:
                file.write_text(record, encoding="utf-8")
            return list(library_list.describe("lib", "1.2", file))

    def test_upstream_has_no_patches(self):
        self.assertEqual(self.describe(None), [
            "lib 1.2: the upstream release, no distribution patches"])

    def test_a_mirror_that_had_none_is_told(self):
        self.assertEqual(self.describe("hash judgement\n"), [
            "lib 1.2: no distribution patches, the mirror did not have them"])

    def test_what_was_applied_is_listed(self):
        record = "hash judgement\npackage lib 1.2-3\nskip a x y\napply b security: \"z\"\nnew c\n"
        self.assertEqual(self.describe(record), [
            "lib 1.2, Debian's lib 1.2-3: 2 patches",
            "  b  security: \"z\"",
            "  c  Debian's, not yet judged by ldplayerd"])

    def test_the_header_is_a_string_of_c(self):
        self.assertIn('    "a \\"b\\" c\\\\d\\n" \\\n    "e\\n"\n',
                      library_list.as_header(['a "b" c\\d', "e"]))


if __name__ == "__main__":
    unittest.main()
