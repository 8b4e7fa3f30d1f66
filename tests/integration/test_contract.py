# SPDX-License-Identifier: MIT
"""Whether the tests of the real program use all of its contract: each option, route, query
parameter, member of a body and type of event. It runs behind the others and looks at what they have
recorded (support/record.py): LDP_RECORDS is the folder, the arguments are the names in it.

Used is an option that a service has started with, a route or query parameter of a request that was
not refused, a member that was sent in such a request or was answered with a value other than null,
and an event that was read from a stream. That somebody looked at the value is not known.

uncovered.txt has the parts that no test uses yet, each with the reason: "event x.y  REASON". What
is missing there fails, and so does a line whose part is used meanwhile, or gone."""
import json
import os
import re
import sys
import unittest
from pathlib import Path

from support import ServiceCase, run_service_command

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORDS = [Path(os.environ["LDP_RECORDS"], name) for name in sys.argv[1:]]
FAMILIES = "cache|instance|operation|security|service|session|workstation"


def read_records():
    """What all of the others have used, added up."""
    everything = {"requests": [], "events": set(), "options": set()}
    for path in RECORDS:
        record = json.loads(path.read_text(encoding="utf-8"))
        everything["requests"] += record["requests"].items()
        everything["events"].update(record["events"])
        everything["options"].update(record["options"])
    return everything


def emitted_types():
    """The types of event that stand in the sources as they are."""
    types = {"gap"}
    for path in ROOT.glob("[a-z]*/**/*.c"):
        if path.relative_to(ROOT).parts[0] not in ("build", "subprojects", "tests"):
            text = path.read_text(encoding="utf-8")
            types.update(re.findall(rf'"((?:{FAMILIES})\.[a-z_]+)"', text))
    return types


class Document:
    """The OpenAPI document, and which of its members are met in a body."""

    def __init__(self, document):
        self.components = document["components"]
        self.schemas = self.components["schemas"]
        self.operations = {}
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                self.operations[f"{method.upper()} {path}"] = operation

    def find(self, method, path):
        """The route of a request. A path without variables wins."""
        for route in sorted(self.operations, key=lambda route: route.count("{")):
            pattern = re.sub(r"\{\w+\}", "[^/]+", route)
            if re.fullmatch(pattern, f"{method} {path}"):
                return route
        return None

    def members(self):
        for name, schema in self.schemas.items():
            for member in schema.get("properties", {}):
                yield f"member {name}.{member}"

    def queries(self):
        for route, operation in self.operations.items():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query":
                    yield f"query {route} {parameter['name']}"

    def meet(self, schema, tree, met, owner=""):
        """Adds the named members of SCHEMA that TREE has to MET; of several schemas that a body
        may have, those of each."""
        for part in schema.get("anyOf", []) + schema.get("oneOf", []) + schema.get("allOf", []):
            self.meet(part, tree, met, owner)
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            self.meet(self.schemas[name], tree, met, name)
        for member, part in schema.get("properties", {}).items():
            if member in tree:
                met.add(f"member {owner}.{member}")
                self.meet(part, tree[member], met, f"{owner}.{member}")
        if "[]" in tree and "items" in schema:
            self.meet(schema["items"], tree["[]"], met, owner)
        if isinstance(schema.get("additionalProperties"), dict):
            for part in tree.values():
                self.meet(schema["additionalProperties"], part, met, owner)

    def use(self, request, record):
        """The parts of the contract that one request has used."""
        method, path, status = request.split(" ")
        route = self.find(method, path)
        if route is None:
            return set()
        used = set()
        operation = self.operations[route]
        answers = operation["responses"]
        answer = answers.get(status, answers["default"])
        if "$ref" in answer:
            answer = self.components["responses"][answer["$ref"].rpartition("/")[2]]
        for content in answer.get("content", {}).values():
            self.meet(content.get("schema", {}), record["answer"], used)
        if int(status) < 400:
            used.add(f"route {route}")
            used.update(f"query {route} {name}" for name in record["query"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                self.meet(content.get("schema", {}), record["sent"], used)
        return used


def read_uncovered():
    """{part: reason}."""
    known = {}
    for line in (HERE / "uncovered.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            part, _, reason = line.partition("  ")
            if not reason.strip():
                raise AssertionError(f"uncovered.txt: not PART, two blanks, REASON: {line}")
            known[part] = reason.strip()
    return known


class Contract(ServiceCase):
    instances = 1

    def setUp(self):
        super().setUp()
        self.document = Document(self.client.get("/api/openapi.json").json)
        self.records = read_records()

    def everything(self):
        options = run_service_command("config", "show", check=True).stdout.splitlines()
        states = self.document.schemas["BreakerState"]["enum"]
        return {
            *(f"option {line.split()[0]}" for line in options),
            *(f"route {route}" for route in self.document.operations),
            *self.document.queries(),
            *self.document.members(),
            *(f"event {name}" for name in emitted_types()),
            *(f"event breaker.{state}" for state in states),
        }

    def used(self):
        used = {f"event {name}" for name in self.records["events"]}
        used.update(f"option {name}" for name in self.records["options"])
        for request, record in self.records["requests"]:
            used |= self.document.use(request, record)
        return used

    def test_everything_is_used_by_a_test_or_known_not_to_be(self):
        everything, used, known = self.everything(), self.used(), read_uncovered()
        for part in sorted(everything - used):
            print(f"no test uses {part}: {known.get(part, 'and nobody says why')}")
        print(f"contract: {len(everything & used)} of {len(everything)} parts are used by a test "
              "of the real program")
        problems = [f"no test uses {part}" for part in sorted(everything - used - known.keys())]
        problems += [f"{part} is used, or gone" for part in known if part not in everything - used]
        problems += [
            f"{part} is not found in the sources" for part in sorted(used - everything)
            if part.startswith("event ")
        ]
        if problems:
            self.fail("\n".join(["see uncovered.txt (a test that failed uses less):", *problems]))


if __name__ == "__main__":
    missing = [path.stem for path in RECORDS if not path.exists()]
    if missing:
        print("not all tests of the real program have run in this build:", *missing)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
