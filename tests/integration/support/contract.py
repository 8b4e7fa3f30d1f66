# SPDX-License-Identifier: MIT
"""Holds what the service says against what it promises: the OpenAPI document that it prints itself.

This is stricter than the document, which lets answers grow: a status, a header or a member that is
not described fails."""
import json
import re
from urllib.parse import parse_qs, urlsplit

try:
    from jsonschema import Draft202012Validator, FormatChecker
except ImportError as error:
    raise SystemExit(f"{error}: tools/install_packages.sh test installs it") from error

from .programs import run_service_command

# What a connection may be refused with, whatever it asks for.
OF_EVERY_REQUEST = {408, 413, 414, 417, 431, 501, 505}
# Headers of HTTP itself.
OF_EVERY_ANSWER = {"connection", "content-length", "content-type", "date", "transfer-encoding"}
JSON_TYPES = {"application/json", "application/problem+json"}
COMPONENT = "#/components/"

formats = FormatChecker(formats=())


@formats.checks("uuid")
def is_uuid(text):
    return not isinstance(text, str) or re.fullmatch(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text
    )


@formats.checks("date-time")
def is_time(text):
    return not isinstance(text, str) or re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text
    )


def close(schema):
    """SCHEMA with every object closed to members that it does not name."""
    if not isinstance(schema, dict):
        return schema
    closed = dict(schema)
    if "properties" in schema:
        closed["properties"] = {key: close(value) for key, value in schema["properties"].items()}
        closed.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if key in closed:
            closed[key] = close(closed[key])
    for key in ("anyOf", "oneOf"):
        if key in closed:
            closed[key] = [close(one) for one in closed[key]]
    return closed


class Broken(AssertionError):
    """What was said is not what was promised."""


class Contract:
    def __init__(self, document):
        self.document = document
        self.schemas = {key: close(one) for key, one in document["components"]["schemas"].items()}
        self.validators = {}
        self.paths = [(path.split("/")[1:], item) for path, item in document["paths"].items()]

    # --- schemas ---

    def resolve(self, described):
        """A $ref to a component, or what stands there itself."""
        ref = described.get("$ref", "")
        if not ref.startswith(COMPONENT):
            return described
        kind, name = ref[len(COMPONENT) :].split("/")
        return self.document["components"][kind][name]

    def validator(self, schema):
        key = json.dumps(schema)
        if key not in self.validators:
            whole = {**close(schema), "components": {"schemas": self.schemas}}
            self.validators[key] = Draft202012Validator(whole, format_checker=formats)
        return self.validators[key]

    def variant(self, schema, value):
        """Of a schema whose variants are told apart by a member, the one that VALUE says it is: an
        error then names what is wrong with it."""
        by = self.resolve(schema).get("discriminator") if isinstance(value, dict) else None
        ref = by and by["mapping"].get(value.get(by["propertyName"]))
        return {"$ref": ref} if ref else schema

    def check_value(self, schema, value, what):
        errors = self.validator(self.variant(schema, value)).iter_errors(value)
        for error in errors:
            at = "/".join(map(str, error.absolute_path))
            raise Broken(f"{what}: at /{at}: {error.message[:600]}")

    def check_event(self, event):
        self.check_value({"$ref": COMPONENT + "schemas/Event"}, event, f"event {event}")

    # --- answers ---

    def find(self, path):
        """What is described under PATH; of several, that with the most literal segments."""
        parts = path.split("/")[1:]
        found = [
            (sum(not p.startswith("{") for p in pattern), item)
            for pattern, item in self.paths
            if len(pattern) == len(parts)
            and all(p == part or (p.startswith("{") and part) for p, part in zip(pattern, parts))
        ]
        return max(found, key=lambda one: one[0])[1] if found else {}

    def response(self, item, method, status, what):
        """What is described of STATUS."""
        operation = item.get("get" if method == "HEAD" else method.lower())
        shared = self.document["components"]["responses"]
        if operation and str(status) in operation["responses"]:
            return self.resolve(operation["responses"][str(status)])
        if operation and status in OF_EVERY_REQUEST:
            return shared["default"]
        if not operation and (status in (400, 403, 404, 405, 503) or status in OF_EVERY_REQUEST):
            return shared.get(str(status), shared["default"])
        if method == "OPTIONS" and status == 204:
            return {"headers": shared["405"]["headers"]}
        raise Broken(f"{what}: the status is not described")

    def check_headers(self, described, headers, what):
        for name, header in described.items():
            header = self.resolve(header)
            value = headers.get(name)
            if value is None and header["required"]:
                raise Broken(f"{what}: no {name}")
            if value is not None and header["schema"].get("type") == "integer":
                value = int(value)
            if value is not None:
                self.check_value(header["schema"], value, f"{what}: {name}")
        unknown = {n.lower() for n in headers.keys()} - {n.lower() for n in described}
        if unknown - OF_EVERY_ANSWER:
            raise Broken(f"{what}: headers that are not described: {unknown - OF_EVERY_ANSWER}")

    @staticmethod
    def chosen(schema, query):
        """With `fields` an answer has members left out; without, none may be missing."""
        refs = schema.get("anyOf", [])
        if not any("Partial" in one.get("$ref", "") for one in refs):
            return schema
        return refs["fields" in query]

    def check(self, method, target, status, headers, body):
        """Raises Broken unless an answer to METHOD TARGET is as described. BODY is None when it is
        not read, like that of a stream."""
        url = urlsplit(target)
        what = f"{method} {target} -> {status}"
        response = self.response(self.find(url.path), method, status, what)
        self.check_headers(response.get("headers", {}), headers, what)
        content = response.get("content", {})
        whole = headers.get("Content-Type", "")
        kind, _, parameters = whole.partition("; ")
        if not content and (body or whole):
            raise Broken(f"{what}: a body, {whole!r}, where none is described")
        if content and kind not in content:
            raise Broken(f"{what}: the type {whole!r} is not described")
        if kind in JSON_TYPES and parameters != "charset=utf-8":
            raise Broken(f"{what}: the type {whole!r} does not say its charset")
        if kind in JSON_TYPES and body is not None and method != "HEAD":
            schema = self.chosen(content[kind]["schema"], parse_qs(url.query))
            self.check_value(schema, json.loads(body), what)

    def check_unasked(self, status, headers, body):
        """An answer to bytes that may be no request at all: at least a refusal has its form."""
        if headers.get("Content-Type", "").startswith("application/problem+json"):
            what = f"raw bytes -> {status}"
            self.check_value({"$ref": COMPONENT + "schemas/Problem"}, json.loads(body), what)


_contract = None


def contract():
    """That of the program under test, read once."""
    global _contract
    if _contract is None:
        printed = run_service_command("routes", "openapi", check=True).stdout
        _contract = Contract(json.loads(printed))
    return _contract
