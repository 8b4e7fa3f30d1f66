# SPDX-License-Identifier: MIT
"""Text is printed in a code page, while the configuration is UTF-8 (reference 2.5)."""
import unittest

from simulation import SimulationTest

TITLES = ["雷电模拟器", "Größe €", "mixed 雷é", "game 🎮", "plain"]


class CodePages(SimulationTest):
    options = [word for i, title in enumerate(TITLES) for word in ("--title", f"{i}={title}")]
    options += ["--instances", str(len(TITLES))]

    def lines(self, codepage):
        self.sim.set(f"codepage={codepage}")
        rows = self.sim.ldconsole("list2").out.split(b"\r\n")[:-1]
        titles = self.sim.ldconsole("list").out.split(b"\r\n")[:-1]
        self.assertEqual([row.split(b",")[1] for row in rows], titles)
        return titles

    def test_utf8(self):
        self.assertEqual(self.lines("utf8"), [title.encode() for title in TITLES])

    def test_gbk(self):
        lines = self.lines("gbk")
        self.assertEqual(lines[0], TITLES[0].encode("gbk"))
        self.assertEqual(lines[2], TITLES[2].encode("gbk"))
        self.assertEqual(lines[3:], [b"game ??", b"plain"])

    def test_cp1252(self):
        self.assertEqual(self.lines("cp1252"),
                         [b"?????", "Größe €".encode("cp1252"), b"mixed ?\xe9", b"game ??",
                          b"plain"])

    def test_cp850(self):
        self.assertEqual(self.lines("cp850")[1], b"Gr\x94\xe1e ?")

    def test_the_config_is_utf8_whatever_is_printed(self):
        self.sim.set("codepage=gbk")
        self.sim.ldconsole("add", "--name", "新的")
        self.assertIn("新的".encode(), self.sim.config_path(len(TITLES)).read_bytes())
        self.assertEqual(self.sim.ldconsole("list").out.split(b"\r\n")[len(TITLES)],
                         "新的".encode("gbk"))

    def test_arguments_are_not_limited_by_the_code_page(self):
        self.sim.set("codepage=cp1252")
        self.sim.ldconsole("rename", "--name", "雷电模拟器", "--title", "改名 🎮")
        self.assertEqual(self.sim.config(0)["statusSettings.playerName"], "改名 🎮")

    def test_what_the_guest_prints_is_not_converted(self):
        self.sim.set("codepage=gbk")
        self.sim.start(4)
        self.sim.wait_booted(4)
        self.assertEqual(self.sim.adb_shell(4, "echo 雷电"), "雷电\n")


if __name__ == "__main__":
    unittest.main()
