# SPDX-License-Identifier: MIT
"""The OpenAPI document: that generators can use it, that it tells of everything, and that what
holds answers against it is strict."""
import glob
import os
import re
import unittest
from http.client import HTTPMessage

from support import ServiceCase, run_service_command
from support.contract import COMPONENT, Broken, contract

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
METHODS = {"get", "post", "patch", "delete"}


def operations():
    for path, item in contract().document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def nodes(value, at="#"):
    """VALUE and everything in it, with where it stands."""
    yield at, value
    children = dict(enumerate(value)) if isinstance(value, list) else value
    if not isinstance(children, dict):
        return
    for key, child in children.items():
        yield from nodes(child, f"{at}/{key}")


def schemas():
    """Every object that is a schema by its type."""
    for at, value in nodes(contract().document):
        if isinstance(value, dict) and isinstance(value.get("type"), (str, list)):
            yield at, value


class Document(unittest.TestCase):
    def test_every_object_has_members(self):
        for at, schema in schemas():
            if "object" in schema["type"]:
                # What the members of a map are must be said too, but for a document in a document.
                of_map = schema.get("additionalProperties")
                is_map = of_map or (of_map == {} and "/OpenapiDocument/" in at)
                self.assertTrue(schema.get("properties") or is_map, f"{at}: {schema}")

    def test_every_list_has_items(self):
        for at, schema in schemas():
            if "array" in schema["type"]:
                self.assertTrue(schema.get("items"), at)

    def test_every_reference_resolves(self):
        named = {
            f"{COMPONENT}{kind}/{name}"
            for kind, components in contract().document["components"].items()
            for name in components
        }
        for at, value in nodes(contract().document):
            if isinstance(value, dict) and "$ref" in value:
                self.assertIn(value["$ref"], named, at)
            if at.rpartition("/")[0].endswith("/discriminator/mapping"):
                self.assertIn(value, named, at)

    def test_every_schema_is_used(self):
        objects = (value for _, value in nodes(contract().document) if isinstance(value, dict))
        used = {value["$ref"] for value in objects if "$ref" in value}
        for name in contract().document["components"]["schemas"]:
            self.assertIn(f"{COMPONENT}schemas/{name}", used)

    def test_every_answer_has_a_schema_and_an_id(self):
        for method, path, operation in operations():
            for status, response in operation["responses"].items():
                with self.subTest(f"{method} {path} {status}"):
                    response = contract().resolve(response)
                    self.assertIn("X-Request-Id", response["headers"])
                    self.assertEqual("content" not in response, status in ("204", "304"))
                    for media in response.get("content", {}).values():
                        self.assertTrue(media["schema"])

    def test_what_a_change_may_be_refused_for(self):
        for method, path, operation in operations():
            takes = {p["name"] for p in operation["parameters"]}
            self.assertEqual("If-Match" in takes, "412" in operation["responses"], path)
            self.assertEqual("If-None-Match" in takes, "304" in operation["responses"], path)
            self.assertEqual("{" in path, "404" in operation["responses"], path)


class EventTypes(unittest.TestCase):
    """The table against the sources: what is emitted is in it, and what is in it is emitted."""

    def sources(self):
        for folder in ("api", "cache", "control", "service"):
            for path in glob.glob(os.path.join(ROOT, folder, "**", "*.c"), recursive=True):
                if not path.endswith("event_table.c"):
                    with open(path, encoding="utf-8") as file:
                        yield path, file.read()

    def test_every_type_is_in_the_table(self):
        named = contract().document["components"]["schemas"]
        known = set(named["Event"]["discriminator"]["mapping"])
        groups = "|".join({type.partition(".")[0] for type in known})
        found = {"gap"}
        for path, text in self.sources():
            for call in re.findall(r'cache_events_emit\([^,]+,\s*"([^"]+)"', text):
                self.assertIn(call, known, path)
            found |= set(re.findall(rf'"((?:{groups})\.[a-z_-]+)"', text))
        # Of breakers the end of a type is the state.
        of_breakers = {type for type in known if type.startswith("breaker.")}
        self.assertEqual(of_breakers, {f"breaker.{s}" for s in named["BreakerState"]["enum"]})
        found |= of_breakers
        self.assertEqual(found, known)


class Strictness(unittest.TestCase):
    JSON = "application/json; charset=utf-8"

    def check(self, body=b'{"status":"alive"}', status=200, **headers):
        told = {"Content_Type": self.JSON, "X_Request_Id": "1", "ETag": '"x"', **headers}
        message = HTTPMessage()
        for name, value in told.items():
            if value is not None:
                message[name.replace("_", "-")] = value
        contract().check("GET", "/livez", status, message, body)

    def test_what_is_described_passes(self):
        self.check()

    def test_what_is_not_described_fails(self):
        for broken in (
            {"body": b'{"status":"alive","more":1}'},
            {"body": b"{}"},
            {"body": b'{"status":"dead"}'},
            {"status": 299},
            {"ETag": None},
            {"X_Request_Id": None},
            {"X_More": "1"},
            {"Content_Type": "application/json"},
            {"Content_Type": "text/plain"},
        ):
            with self.subTest(broken), self.assertRaises(Broken):
                self.check(**broken)

    def test_events(self):
        event = {"seq": 1, "time": "2030-01-01T00:00:00.000Z", "type": "service.stopping"}
        contract().check_event({**event, "data": {"reason": "x"}})
        for broken in (
            {**event, "data": {}},
            {**event, "data": {"reason": "x", "more": 1}},
            {**event, "data": {"reason": "x"}, "type": "service.stopped"},
            {**event, "data": {"reason": "x"}, "time": "yesterday"},
        ):
            with self.subTest(broken), self.assertRaises(Broken):
                contract().check_event(broken)


class Program(ServiceCase):
    instances = 1

    def test_it_serves_what_the_command_prints(self):
        self.assertEqual(self.client.get("/api/openapi.json").json, contract().document)

    def test_what_is_required_is_refused_when_it_is_missing(self):
        ids = {"ref": "0", "id": "local", "name": "list"}
        n = 0
        for method, path, operation in operations():
            target = re.sub(r"{(\w+)}", lambda m: ids[m.group(1)], path)
            needs_query = any(p["required"] for p in operation["parameters"] if p["in"] == "query")
            needs_body = operation.get("requestBody", {}).get("required", False)
            body = {} if "requestBody" in operation else None
            if needs_query or needs_body:
                n += 1
                with self.subTest(f"{method} {path}"):
                    answer = self.client.request(method.upper(), target, body)
                    self.assertIn(answer.status, (400, 422), answer)
        self.assertGreater(n, 5)


if __name__ == "__main__":
    unittest.main()
