#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that the program uses every function that we wrote. Usage:

    check_unused.py BUILD EXCEPTIONS LIBRARY COMPILER...

LIBRARY has all objects of the program, compiled with a section for each function and with nothing
inlined. The linker is told to begin at main and to throw away what main does not reach, so a
function that only tests call, or only another that nobody calls, is found also when its address
lies in a table. A line of the file EXCEPTIONS explains one function: its name, in which build it is
unused ("linux", "windows" or "everywhere", BUILD says which one this is), and why it is there; it
also covers what that function needs. A line that is not needed any more fails as well.
"""
import re
import subprocess
import sys
import tempfile

BUILDS = ["linux", "windows"]
# ".text.name" of ELF, ".text$name" of PE. The file is a path, or a member of an archive.
REMOVED = re.compile(r"removing unused section '\.text[.$]([^']+)' in file '([^']*)'")
REMOVAL = re.compile(r".*: removing unused section .*\n")
EXCEPTION = re.compile(r"(\w+)\s+(everywhere|" + "|".join(BUILDS) + r")\s+\S")


def read_exceptions(path, build):
    """Returns the names that count in this build, and what is wrong with the file."""
    names, findings = [], []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip() or line.startswith("#"):
                continue
            found = EXCEPTION.match(line)
            if not found:
                findings.append(f"{path}:{number}: not of the form NAME BUILD REASON: {line.strip()}")
            elif found.group(2) in (build, "everywhere"):
                names.append(found.group(1))
    return names, findings


def find_unused(compiler, library, used):
    """Returns (function, its object file) of all that neither main nor a name of USED needs."""
    roots = [f"-Wl,--undefined={name}" for name in used]
    with tempfile.TemporaryDirectory() as folder:
        # Linked with -r, neither libraries nor the start of a program are needed.
        command = compiler + ["-r", "-nostdlib", "-o", f"{folder}/all.o"]
        command += ["-Wl,--entry=main", "-Wl,--require-defined=main"] + roots
        command += ["-Wl,--gc-sections", "-Wl,--print-gc-sections"]
        command += ["-Wl,--whole-archive", library, "-Wl,--no-whole-archive"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit("unused: the linker failed:\n" + REMOVAL.sub("", done.stderr))
    return REMOVED.findall(done.stdout + done.stderr)


def main():
    build, exceptions, library, *compiler = sys.argv[1:]
    if build not in BUILDS:
        raise SystemExit(f"unused: no such build: {build}")
    explained, findings = read_exceptions(exceptions, build)
    unused = [name for name, _ in find_unused(compiler, library, [])]
    for name, file in find_unused(compiler, library, explained):
        findings.append(f"{file}: nothing in the program calls {name}: use it or delete it")
    for name in explained:
        if name not in unused:
            findings.append(f"{exceptions}: {name} is used or gone in the build for {build}")
    for finding in findings:
        print(finding)
    print(f"unused: {len(unused)} functions, {len(explained)} explained, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
