#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lists the libraries that are built in and the patches that were applied to each, from what is in
subprojects/: the .fetched record that fetch_sources.sh leaves there. A library that meson got by
its wrap has none, and is the upstream release.

Usage: library_list.py ROOT             prints the list
       library_list.py ROOT HEADER      writes it as a C string, if it is another than before
"""
import pathlib
import re
import sys

NOTES = {
    "apply": "",
    "new": "Debian's, not yet judged by ldplayerd",
}


def first(pattern, file):
    return re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE).group(1)


def read_record(file):
    """The package that the patches are of, and (patch, note) of those that were applied."""
    package, patches = None, []
    for line in file.read_text(encoding="utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if word == "package":
            package = rest
        elif word in NOTES:
            patch, _, reason = rest.partition(" ")
            patches.append((patch, reason or NOTES[word]))
    return package, patches


def describe(name, version, record):
    head = f"{name} {version}"
    if not record.exists():
        yield f"{head}: the upstream release, no distribution patches"
        return
    package, patches = read_record(record)
    if package is None:
        yield f"{head}: no distribution patches, the mirror did not have them"
        return
    count = {0: "no patch applies to what we build", 1: "1 patch"}
    yield f"{head}, Debian's {package}: {count.get(len(patches), f'{len(patches)} patches')}"
    for patch, note in patches:
        yield f"  {patch}  {note}"


def list_libraries(root):
    subprojects = root / "subprojects"
    for wrap in sorted(subprojects.glob("*.wrap")):
        version = first(r"\bversion: '([^']*)'",
                        subprojects / "packagefiles" / wrap.stem / "meson.build")
        directory = subprojects / first(r"^directory *= *(\S+)", wrap)
        yield from describe(wrap.stem, version, directory / ".fetched")


def as_header(lines):
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    text = " \\\n".join(f'    "{line}\\n"' for line in escaped)
    return ("#ifndef LIBRARIES_H\n#define LIBRARIES_H\n\n"
            "/** The libraries that are built in and the patches applied to them, for people. */\n"
            f"#define LDP_LIBRARIES \\\n{text}\n\n#endif\n")


def main():
    lines = list(list_libraries(pathlib.Path(sys.argv[1])))
    if len(sys.argv) == 2:
        print("\n".join(lines))
        return
    header, text = pathlib.Path(sys.argv[2]), as_header(lines)
    if not header.exists() or header.read_text(encoding="utf-8") != text:
        header.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
