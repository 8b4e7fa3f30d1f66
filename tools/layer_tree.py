# SPDX-License-Identifier: MIT
"""Reads the layers and rooms of the product from meson.build, the one home of their order.

A layer is a folder that the root's meson.build enters by subdir(), tests/ apart; a room is a folder
that a layer's meson.build enters. Both stand from left to right in the order of these lines. The
comment behind the SPDX line says what lives there and, after "May not know:", what may not be known
there.
"""
import dataclasses
import pathlib
import re

NO_LAYERS = {"tests"}
MAX_ROOM_FILES = 24  # "about twenty"
MAX_HEAD_LINES = 3
TABLE_HEAD = ["| folder | what lives here | may not know |", "|---|---|---|"]

SUBDIR = re.compile(r"^\s*subdir\(\s*'([^']+)'\s*\)", re.MULTILINE)
# Would be compiled or included without being looked at.
OTHER_SOURCES = {".inc", ".inl", ".cc", ".cpp", ".hh", ".hpp", ".S", ".s"}
NO_SOURCES = {"build", "subprojects", "tests"}
SOURCE = re.compile(r"'(\w+\.c)'")
PLATFORM_SOURCE = re.compile(r"'(\w+_)' \+ platform \+ '\.c'")
TABLE_ROW = re.compile(r"^\| `([\w/]+)/` \|.*\|$")


@dataclasses.dataclass
class Folder:
    """A layer's own folder, or a room. Ranks grow from left to right; a layer's own folder stands
    right of its rooms."""

    name: str
    rank: tuple
    build: str
    files: list

    @property
    def head(self):
        """The comment lines behind the SPDX line."""
        lines = []
        for line in self.build.splitlines()[1:]:
            if not line.startswith("#"):
                break
            lines.append(line[1:].strip())
        return [line for line in lines if line]

    @property
    def row(self):
        """What ARCHITECTURE.md says of this folder."""
        what, _, may_not = " ".join(self.head).partition("May not know:")
        return f"| `{self.name}/` | {what.strip().rstrip('.')} | {may_not.strip().rstrip('.')} |"

    @property
    def sources(self):
        """The names of the .c files that the meson.build names, for every platform."""
        code = "\n".join(x for x in self.build.splitlines() if not x.lstrip().startswith("#"))
        names = set(SOURCE.findall(code))
        for start in PLATFORM_SOURCE.findall(code):
            names |= {f"{start}{platform}.c" for platform in ("win", "unix")}
        return names


def read_text(path):
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_folder(root, name, rank):
    folder = root / name
    files = sorted(path for path in folder.glob("*.[ch]"))
    return Folder(name, rank, read_text(folder / "meson.build"), files)


def read_tree(root):
    """Returns the folders by name in the order of ARCHITECTURE.md: a layer, then its rooms."""
    tree = {}
    layers = [x for x in SUBDIR.findall(read_text(root / "meson.build")) if x not in NO_LAYERS]
    for i, layer in enumerate(layers):
        rooms = SUBDIR.findall(read_text(root / layer / "meson.build"))
        tree[layer] = read_folder(root, layer, (i, len(rooms)))
        for j, room in enumerate(rooms):
            tree[f"{layer}/{room}"] = read_folder(root, f"{layer}/{room}", (i, j))
    return tree


def table(tree):
    return TABLE_HEAD + [folder.row for folder in tree.values()]


def check_folder(folder):
    build = f"{folder.name}/meson.build"
    if not folder.build:
        yield f"{build}: a subdir() leads here, and there is none"
        return
    text = " ".join(folder.head)
    if not re.search(r"\w.*May not know: *\w", text) or not 2 <= len(folder.head) <= MAX_HEAD_LINES:
        yield (f"{build}:2: behind the SPDX line, two or three comment lines say what lives here "
               'and "May not know: ..."')
    there = {path.name for path in folder.files if path.suffix == ".c"}
    for name in sorted(there - folder.sources):
        yield f"{folder.name}/{name}: {build} does not name it"
    for name in sorted(folder.sources - there):
        yield f"{build}: names {name}, which is not there"
    if len(folder.files) > MAX_ROOM_FILES:
        yield (f"{folder.name}/: {len(folder.files)} source files, and a folder holds about twenty "
               f"(at most {MAX_ROOM_FILES})")


def check_strays(root, tree):
    """Folders with sources that no subdir() leads to."""
    layers = {name.split("/")[0] for name in tree}
    strays = {path.parent for layer in layers for path in (root / layer).rglob("*.[ch]")}
    for name in sorted(str(folder.relative_to(root).as_posix()) for folder in strays):
        if name not in tree:
            yield f"{name}/: no subdir() of a layer's meson.build leads here"
    for layer in layers:
        for path in sorted((root / layer).rglob("*")):
            if path.suffix in OTHER_SOURCES:
                yield f"{path.relative_to(root).as_posix()}: sources are .c and .h files"
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name not in layers | NO_SOURCES and any(folder.glob("*.[ch]")):
            yield f"{folder.name}/: a folder with sources that is no layer"


def check_architecture(root, tree):
    """Compares the table of ARCHITECTURE.md with the heads of the meson.build files."""
    where, rows = "ARCHITECTURE.md", {}
    for number, line in enumerate(read_text(root / where).splitlines(), 1):
        match = TABLE_ROW.match(line)
        if match:
            rows[match.group(1)] = (number, line)
    for name, folder in tree.items():
        number, line = rows.get(name, (0, None))
        if line is None:
            yield f"{where}: no row for {name}/ (check_layers.py --tree prints the table)"
        elif line != folder.row:
            yield f"{where}:{number}: differs from the head of {name}/meson.build: {folder.row}"
    for name in rows.keys() - tree.keys():
        yield f"{where}:{rows[name][0]}: {name}/ is no layer and no room"
    known = [name for name in rows if name in tree]
    if known != [name for name in tree if name in rows]:
        yield f"{where}: the rows are not in the order of the subdir() lines"


def check_tree(root, tree):
    for folder in tree.values():
        yield from check_folder(folder)
    yield from check_strays(root, tree)
    yield from check_architecture(root, tree)
