#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what each folder of the product may know, and that it is built and described.

    check_layers.py [ROOT]          prints the findings
    check_layers.py --tree [ROOT]   prints the table of folders for ARCHITECTURE.md

Left never includes right. The layers stand in the order of the subdir() lines of the root's
meson.build (base <- runner <- ldconsole <- cache <- control <- api <- service), the rooms of a
layer in the order of those of the layer's meson.build. A file may include its own room, the rooms
to the left and the layers to the left; files in the layer's own folder stand right of its rooms.
The three tables below say what holds beyond that.

Nothing includes itself by a detour: no circles between units or rooms (layer_circles.py).

Every folder with sources is reached by a subdir(), and every .c is named by the meson.build beside
it, on whatever platform. A folder holds about twenty sources, at most 24. The head of its
meson.build says what lives here and what it may not know, and ARCHITECTURE.md says the same in the
same order (layer_tree.py).

Windows headers are for *_win.[ch], and a platform #if is for *_win.[ch] and *_unix.[ch]: the build
chooses whole files, logic never asks. Tests are not looked at, they may include anything.
"""
import pathlib
import re
import sys

import layer_circles
import layer_tree

# Headers that not every folder may include, and the folders that may.
KNOWN_TO = {
    "sqlite3.h": ["cache/store", "cache/tables", "cache/backup"],
    "hiredis.h": ["cache/redis"],
    "llhttp.h": ["api/http", "api/reach", "service/client"],
    "yyjson.h": ["base/text", "ldconsole/verbs", "cache/results", "api/describe", "api/common",
                 "service/config"],
}
# What the order would allow and the head of the folder's meson.build forbids: headers, or all of a
# folder of ours.
MAY_NOT_INCLUDE = {
    "runner": ["base/text/json.h"],
    "control": ["cache/redis"],
    "api": ["runner", "cache/store", "cache/redis"],
    "api/listen": ["base/text/json.h"],
    "api/http": ["base/text/json.h"],
}
# Rooms that could be lifted into another program, and all of ours that they may include beside
# themselves.
MAY_INCLUDE = {
    "ldconsole/process": ["base"],
    "cache/store": ["base", "cache/pages"],
    "cache/results": ["base"],
    "cache/redis": ["base", "cache/results"],
    "api/listen": ["base"],
    "api/http": ["base", "api/listen"],
    "service/process": ["base"],
}
ROOT_HEADERS = {"version.h", "libraries.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
HIDDEN_INCLUDE = re.compile(r"^\s*(?:/\*.*\*/\s*)?(?:#|%:)\s*(?:include|include_next|import)\b")
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


def is_in(path, folders):
    """Whether PATH is one of FOLDERS or in one."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def check_known_to(folder, target):
    owners = KNOWN_TO.get(target)
    if owners and not is_in(folder.name, owners):
        return f"{target} is known to {', '.join(x + '/' for x in owners)} alone"
    return None


def check_may_not(folder, target):
    for name, forbidden in MAY_NOT_INCLUDE.items():
        if is_in(folder.name, [name]) and is_in(target, forbidden):
            return f'{name}/ may not know "{target}"'
    return None


def check_own_include(tree, folder, target):
    """Returns what is wrong with an include of a header of ours, or None."""
    room = target.rpartition("/")[0]
    if room not in tree:
        return f'"{target}" is not a path from the root into a layer or a room'
    if tree[room].rank > folder.rank:
        return f'"{target}" points right: {folder.name}/ may not know {room}/'
    what = check_may_not(folder, target)
    if what:
        return what
    allowed = MAY_INCLUDE.get(folder.name)
    if allowed and not is_in(room, allowed + [folder.name]):
        return f'"{target}": {folder.name}/ may include nothing of ours but {", ".join(allowed)}'
    return None


def check_include(tree, folder, quote, target, is_win):
    """Returns what is wrong with one #include of a file in folder, or None."""
    if WINDOWS_HEADER.match(target):
        return None if is_win else f"<{target}> belongs in a *_win file"
    what = check_known_to(folder, target)
    if what or target in ROOT_HEADERS:
        return what
    if quote == "<":
        is_ours = target.split("/")[0] in tree
        return f"<{target}> is a header of ours and belongs in quotes" if is_ours else None
    return check_own_include(tree, folder, target)


def check_line(tree, folder, line, is_win, is_unix):
    include = INCLUDE.match(line)
    if not include and HIDDEN_INCLUDE.search(line):
        return "an include is written #include and the file's name, so that it can be checked"
    if include:
        return check_include(tree, folder, include.group(1), include.group(2), is_win)
    condition = CONDITION.match(line)
    if condition and not (is_win or is_unix) and PLATFORM.search(condition.group(1)):
        return "a platform #if belongs in a *_win or *_unix file"
    return None


def check_file(tree, folder, path, text):
    stem = path.rpartition(".")[0]
    for number, line in enumerate(text.splitlines(), 1):
        what = check_line(tree, folder, line, stem.endswith("_win"), stem.endswith("_unix"))
        if what:
            yield f"{path}:{number}: {what}"


def check(root, tree):
    """Returns the findings as "file:line: what", the circles, and the number of files looked at."""
    findings, texts = list(layer_tree.check_tree(root, tree)), {}
    for folder in tree.values():
        for file in folder.files:
            path = f"{folder.name}/{file.name}"
            texts[path] = layer_tree.read_text(file)
            findings += check_file(tree, folder, path, texts[path])
    return findings, layer_circles.find_circles(texts), len(texts)


def main(args):
    is_tree = "--tree" in args
    roots = [arg for arg in args if arg != "--tree"] or ["."]
    root = pathlib.Path(roots[0])
    tree = layer_tree.read_tree(root)
    if is_tree:
        print("\n".join(layer_tree.table(tree)))
        return 0
    findings, circles, n_files = check(root, tree)
    for finding in findings + circles:
        print(finding)
    n_rooms = sum("/" in name for name in tree)
    order = "" if any("points right" in x for x in findings) else " in order"
    print(f"layers: {len(tree) - n_rooms} layers, {n_rooms} rooms{order}, {n_files} files, "
          f"{len(findings)} findings, {len(circles)} circles")
    return 1 if findings or circles or not n_files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
