#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Applies the patches of a Debian source package to the sources of a library, as
library_patches.txt says, and prints what it did: the lines of a record that library_list.py reads.

    apply PATCH REASON      done, because the table says so
    new PATCH               done, and nobody has judged it yet; said aloud on standard error
    skip PATCH REASON       left out

Usage: library_patches.py LIBRARY --tree SOURCES --debian PACKAGING [--folder F] [--table FILE]
PACKAGING is a folder with debian/patches; F is the part of the sources that is built.

Every patch of the series is applied unless the table leaves it out: in a stable release they are
fixes, and whoever builds this years from now must get those that we could not know. What does not
apply, or is needed and not there, stops the build with what to do.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

Decision = collections.namedtuple("Decision", "verdict patch reason strip")
TABLE = pathlib.Path(__file__).with_name("library_patches.txt")


class Trouble(Exception):
    """Says what is wrong, and what to do."""


def read_table(text, name=TABLE.name):
    """{library: {patch: (verdict, reason)}}"""
    table = collections.defaultdict(dict)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 3)
        if len(words) < 4 or words[1] not in ("apply", "skip"):
            raise Trouble(f"{name}:{number}: not LIBRARY apply|skip PATCH REASON: {line.strip()}")
        library, verdict, patch, reason = words
        if patch in table[library]:
            raise Trouble(f"{name}:{number}: {library} has a line for {patch} already")
        table[library][patch] = (verdict, reason.strip())
    return table


def read_series(text):
    """(patch, leading folders to strip) in order. A line may end in -pN and a comment."""
    for line in text.splitlines():
        words = re.sub(r"(^|\s)#.*", "", line).split()
        if words:
            strips = [int(word[2:]) for word in words[1:] if re.fullmatch(r"-p\d+", word)]
            yield words[0], strips[0] if strips else 1


def touched(text, strip):
    """The files that a patch changes, below the sources."""
    names = re.findall(r"^(?:---|\+\+\+) ([^\s]+)", text, re.MULTILINE)
    return {"/".join(name.split("/")[strip:]) for name in names if name != "/dev/null"}


def decide(library, series, table, texts, folder="."):
    """What becomes of each patch of SERIES. TEXTS are the patches by name."""
    judged = table.get(library, {})
    names = {patch for patch, _ in series}
    for patch, (verdict, reason) in judged.items():
        if verdict == "apply" and patch not in names:
            raise Trouble(
                f"{library}: {patch} ({reason}) is to be applied and is not in Debian's series. Look "
                f"for what has taken its place there, and correct {TABLE.name}.")
    for patch, strip in series:
        verdict, reason = judged.get(patch, ("new", ""))
        if patch not in judged and folder != "." and not any(
                file.startswith(folder + "/") for file in touched(texts[patch], strip)):
            verdict, reason = "skip", f"nothing of {folder}"
        yield Decision(verdict, patch, reason, strip)


def apply(tree, file, strip):
    """Whether FILE could be applied to TREE; the words of patch when it could not. Nothing is
    changed in that case."""
    command = ["patch", "--batch", "--forward", "--fuzz=0", "--no-backup-if-mismatch",
               f"--strip={strip}", f"--directory={tree}", f"--input={file.resolve()}"]
    for last in ["--dry-run"], []:
        done = subprocess.run(command + last, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stdout + done.stderr
    return None


def work(library, tree, debian, folder, table):
    patches = debian / "debian" / "patches"
    file = patches / "series"
    series = list(read_series(file.read_text(encoding="utf-8"))) if file.exists() else []
    texts = {patch: (patches / patch).read_text(encoding="utf-8", errors="replace")
             for patch, _ in series}
    for decision in decide(library, series, table, texts, folder):
        if decision.verdict != "skip":
            problem = apply(tree, patches / decision.patch, decision.strip)
            if problem:
                raise Trouble(
                    f"{library}: Debian's {decision.patch} does not apply:\n{problem}Read it and "
                    f"give it a line in {TABLE.name}: skip when we do not need it; when we do, "
                    "apply those before it in the series that it builds on.")
        if decision.verdict == "new":
            print(f"WARNING: {library}: Debian's {decision.patch} is applied and not yet judged: "
                  f"read it, run the tests, and give it a line in {TABLE.name}", file=sys.stderr)
        print(f"{decision.verdict} {decision.patch} {decision.reason}".rstrip())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--tree", type=pathlib.Path, required=True)
    parser.add_argument("--debian", type=pathlib.Path, required=True)
    parser.add_argument("--folder", default=".")
    parser.add_argument("--table", type=pathlib.Path, default=TABLE)
    options = parser.parse_args()
    try:
        table = read_table(options.table.read_text(encoding="utf-8"), options.table.name)
        work(options.library, options.tree, options.debian, options.folder, table)
    except Trouble as trouble:
        print(f"library_patches: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
