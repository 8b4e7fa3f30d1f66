#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that check_layers.py finds what it is there to find, and lets the rest pass."""
import contextlib
import io
import pathlib
import tempfile
import unittest

import check_layers
import layer_tree

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = ["base", "runner", "ldconsole", "cache", "control", "api", "service"]
HEAD = "# SPDX-License-Identifier: MIT\n#\n# Things.\n# May not know: others.\n"


def subdirs(names):
    return "".join(f"subdir('{name}')\n" for name in names)


def rooms_of(layer, paths):
    rooms = [path.split("/")[1] for path in paths
             if path.startswith(layer + "/") and path.count("/") == 2]
    return list(dict.fromkeys(rooms))


def complete(files):
    """Adds to FILES, of a tree, what they need to be in order: each folder's meson.build (rooms in
    the order in which FILES names them) and ARCHITECTURE.md. What FILES has already stays."""
    folders = {layer: rooms_of(layer, files) for layer in LAYERS}
    tree = {"meson.build": subdirs(LAYERS + ["tests"])}
    for layer, rooms in folders.items():
        for name in [layer] + [f"{layer}/{room}" for room in rooms]:
            build = HEAD + (subdirs(rooms) if name == layer else "")
            sources = [path for path in files if path.endswith(".c")]
            tree[f"{name}/meson.build"] = build + "".join(
                f"'{path.rpartition('/')[2]}',\n" for path in sources
                if path.rpartition("/")[0] == name
            )
            row = f"| `{name}/` | Things | others |\n"
            tree["ARCHITECTURE.md"] = tree.get("ARCHITECTURE.md", "") + row
    return {**tree, **files}


def run(files, *args):
    """Runs the check on FILES: {path: text}. Returns its exit code and what it printed."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = check_layers.main([*args, root])
        return code, out.getvalue()


def includes(*headers):
    return "".join(f'#include "{header}"\n' for header in headers)


class CheckLayers(unittest.TestCase):
    def finds(self, files, *reasons):
        code, out = run(complete(files))
        self.assertEqual(code, 1, f"{files} was let through")
        for reason in reasons:
            self.assertIn(reason, out)
        self.assertNotIn(", 0 findings, 0 circles", out)

    def passes(self, files):
        code, out = run(complete(files))
        self.assertEqual(code, 0, out)
        self.assertIn(", 0 findings, 0 circles", out)

    def refuses(self, path, text, reason):
        """Of a tree with the file PATH and some headers to be included."""
        self.finds({path: text, **self.headers(text)}, reason)

    def allows(self, path, text):
        self.passes({path: text, **self.headers(text)})

    @staticmethod
    def headers(text):
        quoted = [line.split('"')[1] for line in text.splitlines() if '"' in line]
        return {name: "" for name in quoted if name.split("/")[0] in LAYERS}


class Includes(CheckLayers):
    def test_an_include_cannot_be_hidden(self):
        self.finds({"base/a.c": "#include <api/http.h>\n", "api/http.h": ""}, "belongs in quotes")
        for line in ("#include H", '/* x */ #include "api/http.h"', '%:include "api/http.h"',
                     '#import "api/http.h"', '#include_next "api/http.h"'):
            self.finds({"base/a.c": line + "\n", "api/http.h": ""}, "can be checked")

    def test_nothing_stands_beside_the_layers(self):
        self.finds({"base/a.c": "", "base/more.inc": ""}, "sources are .c and .h files")
        self.finds({"base/a.c": "", "extra/x.c": ""}, "extra/: a folder with sources")

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

    def test_rooms_stand_in_the_order_of_the_subdir_lines(self):
        left, right = {"base/memory/a.c": includes("base/text/b.h")}, {"base/text/b.h": ""}
        self.finds({**left, **right}, "base/memory/a.c:1: ", "base/memory/ may not know base/text/")
        self.passes({**right, **left})

    def test_files_of_the_layers_own_folder_stand_right_of_its_rooms(self):
        self.refuses("base/memory/a.c", includes("base/main.h"), "points right")
        self.allows("base/main.c", includes("base/memory/a.h"))

    def test_layers_stand_in_the_order_of_the_subdir_lines(self):
        order = {"meson.build": subdirs(["runner", "base"] + LAYERS[2:])}
        self.finds({"runner/a.c": includes("base/b.h"), "base/b.h": "", **order}, "points right")

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

    def test_libraries_are_known_to_some_rooms_alone(self):
        self.refuses("api/http/a.c", "#include <sqlite3.h>\n", "cache/store/, cache/tables/, cache/backup/ alone")
        self.refuses("cache/store/a.c", "#include <hiredis.h>\n", "cache/redis/ alone")
        self.refuses("cache/a.c", "#include <hiredis.h>\n", "cache/redis/ alone")
        self.refuses("control/a.c", "#include <llhttp.h>\n", "api/http/")
        self.refuses("runner/a.c", "#include <yyjson.h>\n", "base/text/")
        self.allows("cache/store/a.c", "#include <sqlite3.h>\n")
        self.allows("base/text/a.c", "#include <yyjson.h>\n")

    def test_some_folders_may_not_know_what_stands_left_of_them(self):
        self.refuses("api/http/a.c", includes("base/text/json.h"), "api/http/ may not know")
        self.refuses("api/common/a.c", includes("runner/spawn.h"), "api/ may not know")
        self.allows("api/common/a.c", includes("base/text/json.h"))

    def test_some_rooms_may_include_nothing_else_of_ours(self):
        self.refuses("api/http/a.c", includes("control/keep/a.h"), "nothing of ours but base")
        listen = {"api/listen/listener.h": ""}
        self.passes({**listen, "api/http/a.c": includes("api/listen/listener.h", "base/log/a.h"),
                     "base/log/a.h": ""})

    def test_the_tables_name_folders_that_exist(self):
        tree = layer_tree.read_tree(ROOT)
        for rules in (check_layers.KNOWN_TO, check_layers.MAY_NOT_INCLUDE,
                      check_layers.MAY_INCLUDE):
            names = {name for pair in rules.items() for names in pair
                     for name in ([names] if isinstance(names, str) else names)}
            ours = [name for name in names if "/" in name or not name.endswith(".h")]
            gone = [name for name in ours if name not in tree and not (ROOT / name).is_file()]
            self.assertEqual(gone, [])


class Circles(CheckLayers):
    def test_a_circle_of_units_fails_and_is_shown_whole(self):
        self.finds({"base/a.h": "", "base/a.c": includes("base/a.h", "base/b.h"),
                    "base/b.h": "\n" + includes("base/c.h"), "base/c.h": "",
                    "base/c_win.c": includes("base/c.h", "base/a.h")},
                   "base/a -> base/b -> base/c -> base/a\n", "base/a.c:2: base/a includes base/b",
                   "base/b.h:2: base/b includes base/c", "base/c_win.c:2: base/c includes base/a",
                   "0 findings, 1 circles")

    def test_the_shortest_of_several_circles_is_shown(self):
        self.finds({"base/a.h": includes("base/b.h"), "base/b.h": includes("base/c.h"),
                    "base/c.h": includes("base/a.h", "base/b.h")},
                   "among 3 ", ": base/b -> base/c -> base/b\n")

    def test_a_circle_of_rooms_fails(self):
        self.finds({"base/x/a.c": includes("base/y/b.h"), "base/x/c.h": "", "base/y/b.h": "",
                    "base/y/d.c": includes("base/x/c.h")},
                   "circle of rooms", "base/x -> base/y -> base/x", "1 circles")

    def test_parts_of_one_unit_may_include_each_other(self):
        self.passes({"base/a.h": "", "base/a.c": includes("base/a.h", "base/a_private.h"),
                     "base/a_private.h": includes("base/a.h"), "base/a_win.h": "",
                     "base/a_other.c": includes("base/a_private.h"),
                     "base/a_win.c": includes("base/a_private.h", "base/a_win.h")})

    def test_the_longest_header_that_fits_names_the_unit(self):
        self.finds({"base/a.h": includes("base/a_b.h"), "base/a_b.h": "",
                    "base/a_b_c.c": includes("base/a.h")}, "base/a -> base/a_b -> base/a")

    def test_a_source_that_fits_no_header_belongs_to_the_first_that_it_includes(self):
        table = {"base/command.h": "", "base/other.h": includes("base/command.h")}
        first = includes("base/command.h", "base/other.h")
        self.finds({**table, "base/serve_cmd.c": first}, "base/command -> base/other")
        self.passes({**table, "base/serve_cmd.c": includes("base/other.h", "base/command.h")})


class Folders(CheckLayers):
    def test_a_source_that_no_meson_build_names_fails(self):
        build = {"base/meson.build": HEAD + "# 'a.c' was here\n"}
        self.finds({"base/a.c": "", **build}, "base/a.c: base/meson.build does not name it")

    def test_a_source_that_is_named_and_not_there_fails(self):
        self.finds({"base/meson.build": HEAD + "'a.c',\n"}, "names a.c, which is not there")

    def test_platform_names_a_source_of_each_platform(self):
        build = {"base/meson.build": HEAD + "'a_' + platform + '.c',\n"}
        self.passes({"base/a_win.c": "", "base/a_unix.c": "", **build})
        self.finds({"base/a_unix.c": "", **build}, "names a_win.c")

    def test_a_folder_that_no_subdir_leads_to_fails(self):
        build = {"base/meson.build": HEAD}
        self.finds({"base/memory/a.h": "", **build}, "base/memory/: no subdir()")
        self.finds({"base/memory/deep/a.h": ""}, "base/memory/deep/: no subdir()")
        self.finds({"base/meson.build": HEAD + subdirs(["memory"]), "base/a.h": ""},
                   "base/memory/meson.build: ")

    def test_a_folder_with_too_many_sources_fails(self):
        files = {f"base/memory/a{i}.h": "" for i in range(24)}
        self.passes(files)
        self.finds({**files, "base/memory/b.c": ""}, "base/memory/: 25 source files")

    def test_a_meson_build_without_a_head_fails(self):
        for head in ("", "# Things.\n", "# May not know: others.\n",
                     "# Things.\n# Many.\n# More.\n# May not know: others.\n"):
            build = {"base/meson.build": "# SPDX-License-Identifier: MIT\n" + head}
            self.finds({"base/a.h": "", **build}, "base/meson.build:2: ")

    def test_architecture_says_what_the_heads_say(self):
        files = {"base/memory/a.h": "", "base/text/b.h": ""}
        table = complete(files)["ARCHITECTURE.md"]
        memory = "| `base/memory/` | Things | others |\n"
        text = memory.replace("memory", "text")
        for wrong, reason in (
            (table.replace(memory, memory.replace("Things", "Thing")), ".md:2: differs"),
            (table.replace(memory, ""), "no row for base/memory/"),
            (table + memory.replace("memory", "gone"), "base/gone/ is no layer and no room"),
            (table.replace(memory + text, text + memory), "not in the order"),
        ):
            self.finds({**files, "ARCHITECTURE.md": wrong}, reason)

    def test_the_table_is_printed_and_fits(self):
        _, table = run(complete({"base/memory/a.h": ""}), "--tree")
        self.assertIn("| `base/` | Things | others |\n| `base/memory/` | Things |", table)
        self.passes({"base/memory/a.h": "", "ARCHITECTURE.md": table})

    def test_the_summary_counts(self):
        _, out = run(complete({"base/memory/a.h": "", "base/text/b.c": ""}))
        self.assertIn("layers: 7 layers, 2 rooms in order, 2 files, 0 findings, 0 circles\n", out)

    def test_tests_are_not_looked_at_and_no_files_is_a_failure(self):
        code, out = run(complete({"tests/unit/a.c": includes("api/http.h")}))
        self.assertEqual(code, 1)
        self.assertIn("0 files", out)


if __name__ == "__main__":
    unittest.main()
