#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what each folder of the product may know. Run it with the root of the source tree.

Left never includes right: base <- runner <- ldconsole <- cache <- control <- api <- service. SQLite and
redis are known to cache/ alone and the HTTP parser to api/ alone. Windows headers are for
*_win.[ch], and a platform #if is for *_win.[ch] and *_unix.[ch]: the build chooses whole files,
logic never asks. Tests are not looked at, they may include anything.
"""
import pathlib
import re
import sys

LAYERS = ["base", "runner", "ldconsole", "cache", "control", "api", "service"]
OWNED_HEADERS = {"sqlite3.h": "cache", "hiredis.h": "cache", "llhttp.h": "api"}
ROOT_HEADERS = {"version.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
CONDITION = re.compile(r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b(.*)")
PLATFORM = re.compile(
    r"\b(?:_?_?WIN32(?:__)?|_?WIN64|__MINGW(?:32|64)__|__CYGWIN__|_MSC_VER"
    r"|__(?:linux|unix|gnu_linux|APPLE)(?:__)?)\b"
)
WINDOWS_HEADER = re.compile(
    r"^(?:windows|win(?:sock2?|base|nt|svc|user|reg|error)|ws2\w+|wtsapi32|aclapi|accctrl|sddl|psapi"
    r"|tlhelp32|userenv|shellapi|shlobj|iphlpapi|dbghelp|ntstatus)\.h$",
    re.IGNORECASE,
)


def check_include(folder, quote, target, is_win):
    """Returns what is wrong with one #include of a file in folder, or None."""
    if WINDOWS_HEADER.match(target):
        return None if is_win else f"<{target}> belongs in a *_win file"
    owner = OWNED_HEADERS.get(target)
    if owner and owner != folder:
        return f"<{target}> is known to {owner}/ alone"
    if quote == "<":
        return None
    if target in ROOT_HEADERS:
        return None
    head = target.split("/")[0]
    if "/" not in target or head not in LAYERS:
        return f'"{target}" is not a path from the root into {", ".join(LAYERS)}'
    if LAYERS.index(head) > LAYERS.index(folder):
        return f'"{target}" points right: {folder}/ may not know {head}/'
    return None


def check_line(folder, line, is_win, is_unix):
    include = INCLUDE.match(line)
    if include:
        return check_include(folder, include.group(1), include.group(2), is_win)
    condition = CONDITION.match(line)
    if condition and not (is_win or is_unix) and PLATFORM.search(condition.group(1)):
        return "a platform #if belongs in a *_win or *_unix file"
    return None


def check_tree(root):
    """Returns the findings of a tree as "file:line: what" and the number of files looked at."""
    findings, count = [], 0
    for folder in LAYERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            count += 1
            is_win, is_unix = path.stem.endswith("_win"), path.stem.endswith("_unix")
            text = path.read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.splitlines(), 1):
                what = check_line(folder, line, is_win, is_unix)
                if what:
                    findings.append(f"{path.relative_to(root)}:{number}: {what}")
    return findings, count


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    findings, count = check_tree(root)
    for finding in findings:
        print(finding)
    print(f"layers: {count} files, {len(findings)} findings")
    return 1 if findings or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
