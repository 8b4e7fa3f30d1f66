# SPDX-License-Identifier: MIT
"""The ids of the event log are the same in messages.mc, in the program and in the documentation,
and the documentation begins each text as Windows shows it."""
import os
import re
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LEVELS = {"Informational": "Information", "Warning": "Warning", "Error": "Error"}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def messages():
    """{id: (level, symbol, text)} of messages.mc."""
    found = re.findall(
        r"MessageId=(\d+)\nSeverity=(\w+)\nFacility=System\nSymbolicName=MSG_(\w+)\n"
        r"Language=English\n(.*?)\n\.\n", read("service/reporting/messages.mc"), re.S)
    return {int(id_): (LEVELS[level], symbol, text) for id_, level, symbol, text in found}


def documented():
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (.*?) \| (.*?) \|$",
                      read("docs/windows-service.md").split("## The event log")[1], re.M)
    return {int(id_): (level, text, origin) for id_, level, text, origin in rows}


class Messages(unittest.TestCase):
    def test_all_messages_are_read(self):
        self.assertEqual(len(messages()), read("service/reporting/messages.mc").count("MessageId="))

    def test_the_program_has_the_same_ids(self):
        found = re.findall(r"SVC_EVENTLOG_(\w+) = (\d+)", read("service/reporting/eventlog.h"))
        ids = {int(id_): name for name, id_ in found if name not in ("INFO", "WARNING", "ERROR")}
        self.assertEqual(ids, {id_: message[1] for id_, message in messages().items()})

    def test_the_documentation_has_the_same_ids_and_texts(self):
        pages = documented()
        self.assertEqual(set(pages), set(messages()))
        for id_, (level, _, text) in messages().items():
            self.assertEqual(pages[id_][0], level, id_)
            self.assertTrue(text.startswith(pages[id_][1]), (id_, pages[id_][1]))

    def test_the_documentation_names_the_events(self):
        found = dict(re.findall(r'\{"([a-z_.]+)", SVC_EVENTLOG_(\w+)\}',
                                read("service/reporting/eventlog.c")))
        ids = {message[1]: id_ for id_, message in messages().items()}
        for event, name in found.items():
            self.assertEqual(documented()[ids[name]][2], f"event `{event}`")

    def test_every_text_shows_what_happened(self):
        for id_, (_, _, text) in messages().items():
            self.assertTrue(text.endswith("%n%n%1"), id_)


if __name__ == "__main__":
    unittest.main()
