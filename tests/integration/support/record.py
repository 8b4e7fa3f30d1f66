# SPDX-License-Identifier: MIT
"""What a test program uses of the contract, for test_contract.py: LDP_RECORD names the file that it
is written to at the end; without it nothing is.

An answer is kept as the tree of its members that have a value, so that the thousands of answers of
one kind take the place of one."""
import atexit
import json
import os
import re
from urllib.parse import parse_qsl, urlsplit

PATH = os.environ.get("LDP_RECORD")

_requests = {}
_events = set()
_options = set()


def _merge(tree, value):
    if isinstance(value, dict):
        for name, member in value.items():
            if member is not None:
                _merge(tree.setdefault(name, {}), member)
    elif isinstance(value, list):
        for item in value:
            _merge(tree.setdefault("[]", {}), item)


def _merge_text(tree, text):
    try:
        _merge(tree, json.loads(text))
    except ValueError:  # not all that is sent or answered is JSON
        pass


def request(method, path, sent, status, answer):
    """A request that was answered; SENT and ANSWER are the bodies, or None."""
    if not PATH:
        return
    url = urlsplit(path)
    one = _requests.setdefault(
        f"{method} {url.path} {status}", {"query": {}, "sent": {}, "answer": {}}
    )
    one["query"].update(dict.fromkeys((name for name, _ in parse_qsl(url.query, True)), 1))
    _merge_text(one["sent"], sent or b"")
    _merge_text(one["answer"], answer or b"")


def event(one):
    """An event as it came from a stream."""
    _events.add(one["type"])
    request("GET", "/api/events", None, 200, json.dumps(one))


def options(names):
    """Options that a service has started with, by their names in the configuration."""
    _options.update(names)


def options_of_file(path):
    """The keys of a configuration file, if it is there. It may have comments."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    options(re.findall(r'^[^/\n]*?"(\w+)"\s*:', text, re.MULTILINE))
    options(re.findall(r'[{,]\s*"(\w+)"\s*:', text))


def options_of_environment(names):
    options(name[len("LDPLAYERD_"):].lower() for name in names if name.startswith("LDPLAYERD_"))


def _write():
    everything = {
        "requests": _requests,
        "events": sorted(_events),
        "options": sorted(_options),
    }
    os.makedirs(os.path.dirname(PATH), exist_ok=True)
    with open(PATH, "w", encoding="utf-8") as file:
        json.dump(everything, file, indent=1)


if PATH:
    atexit.register(_write)
