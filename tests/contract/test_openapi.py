"""The OpenAPI document is whole: every operation said, shown by an example that fits, with nothing dangling."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from litestar.testing import TestClient

from tracker.app import create_app
from tracker.settings import load
from tracker.web.api.document import document, operations_of

METHODS = ("get", "post")


@cache
def described() -> Any:
    return document(create_app(load({})))


OPERATIONS = [
    (f"{method} {path}", operation)
    for path, methods in described()["paths"].items()
    for method, operation in methods.items()
]
each_operation = pytest.mark.parametrize(
    "operation", [one[1] for one in OPERATIONS], ids=[one[0] for one in OPERATIONS]
)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from nodes(part)
    elif isinstance(value, list):
        for part in value:
            yield from nodes(part)


def fits(schema: Any, value: Any) -> None:
    whole = {**schema, "components": described()["components"]}
    Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def test_the_surface_is_what_was_promised() -> None:
    assert set(described()["paths"]) == {
        "/v1/partners", "/v1/partners/{code}", "/v1/partners/{code}/state", "/v1/partners/{code}/timeline",
        "/v1/partners/{code}/diff", "/v1/measures", "/v1/measures/{key}", "/v1/agreements", "/v1/agreements/{key}",
        "/v1/duty", "/v1/scopes", "/v1/housekeeping",
        "/v1/authorities", "/v1/authorities/{key}", "/v1/partners/{code}/negotiation",
        "/v1/deadlines", "/v1/commitments",
        "/v1/statements", "/v1/conflicts", "/v1/events", "/v1/events/{id}", "/v1/developments", "/v1/developments/{id}",
        "/v1/developments/{id}/corrections", "/v1/developments/{id}/withdrawals", "/v1/schemas", "/v1/schemas/{type}",
        "/v1/subscriptions", "/v1/subscriptions/previews", "/v1/subscriptions/{id}",
        "/v1/subscriptions/{id}/confirmations", "/v1/subscriptions/{id}/tests", "/v1/subscriptions/{id}/secrets",
        "/v1/subscriptions/{id}/resumptions", "/v1/subscriptions/{id}/recoveries", "/v1/subscriptions/{id}/deliveries",
        "/v1/subscriptions/{id}/deliveries/{number}", "/v1/subscriptions/{id}/deliveries/{number}/repeats",
        "/v1/editions", "/v1/editions/{id}", "/v1/editions/{id}/repairs", "/v1/digest",
        "/feeds/developments.atom", "/feeds/developments.json", "/feeds/dates.ics",
        "/v1/log", "/v1/log/inclusion", "/v1/log/consistency", "/v1/stream", "/healthz", "/readyz",
    }  # fmt: skip


def test_every_reference_leads_somewhere() -> None:
    components = described()["components"]
    for node in nodes(described()):
        reference = str(node.get("$ref", ""))
        if reference.startswith("#/components/"):
            _, _, kind, name = reference.split("/")
            assert name in components[kind], reference


def test_every_schema_is_a_schema_and_says_what_it_is() -> None:
    for name, schema in described()["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("description"), f"{name} has no docstring"
        assert "``" not in schema["description"]


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, operation in OPERATIONS]
    assert len(names) == len(set(names))


@each_operation
def test_an_operation_is_said_in_words(operation: Any) -> None:
    assert operation["summary"]
    assert operation["tags"]
    known = {tag["name"] for tag in described()["tags"]}
    assert set(operation["tags"]) <= known
    for parameter in operation["parameters"]:
        assert parameter.get("description"), parameter["name"]
    if "service" not in operation["tags"]:
        assert len(operation["description"]) > len(operation["summary"])
        assert "callable" not in operation["description"], "the words of the framework"


@each_operation
def test_examples_fit_their_schemas(operation: Any) -> None:
    contents = [
        content
        for answer in operation["responses"].values()
        for media_type, content in answer.get("content", {}).items()
        if media_type in ("application/json", "application/feed+json")
    ]
    contents += operation.get("requestBody", {}).get("content", {}).values()
    for content in contents:
        assert content["examples"], "make them: python -m tests.contract.make_examples"
        for example in content["examples"].values():
            fits(content["schema"], example["value"])


@each_operation
def test_errors_are_problems(operation: Any) -> None:
    for status, answer in operation["responses"].items():
        if status == "default" or status.startswith(("4", "5")):
            shared = described()["components"]["responses"]["Problem"] if "$ref" in answer else answer
            schema = shared["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ProblemDetails"}


@each_operation
def test_what_writes_needs_a_key(operation: Any) -> None:
    if operation["tags"] == ["subscriptions"]:
        assert operation["security"] in (
            [{"key": []}], [{}], [{}, {"key": []}], [{"subscription": []}, {"key": []}],
        )  # fmt: skip
        return
    writes = "requestBody" in operation
    assert operation["security"] == ([{"key": []}] if writes else [{}, {"key": []}])


def test_inputs_take_no_unknown_fields() -> None:
    bodies = [operation["requestBody"] for _, operation in OPERATIONS if "requestBody" in operation]
    seen: set[str] = set()
    waiting = [node["$ref"] for body in bodies for node in nodes(body) if "$ref" in node]
    while waiting:
        name = waiting.pop().rpartition("/")[2]
        if name not in seen:
            seen.add(name)
            schema = described()["components"]["schemas"][name]
            assert schema["additionalProperties"] is False, name
            waiting += [node["$ref"] for node in nodes(schema) if "$ref" in node]
    assert "MeasurePaused" in seen


@each_operation
def test_reads_about_state_take_both_axes_and_lists_are_paged(operation: Any) -> None:
    names = {parameter["name"] for parameter in operation["parameters"]}
    timeless = {"schemas", "service", "proof", "stream", "subscriptions", "feeds", "editions"}
    if timeless & set(operation["tags"]) or "requestBody" in operation:
        return
    if operation["operationId"] == "diff":
        assert {"from", "to", "known_from", "known_to", "known_from_position", "known_to_position"} <= names
        return
    assert {"as_of", "known_at", "known_position"} <= names
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    listed = "items" in described()["components"]["schemas"][answer]["properties"]
    assert listed == ({"limit", "cursor"} <= names)


def test_every_parameter_that_a_handler_declares_is_used() -> None:
    for path, method, handler in operations_of(create_app(load({}))):
        function = ast.parse(inspect.getsource(getattr(handler.fn, "func", handler.fn))).body[0]
        assert isinstance(function, ast.FunctionDef)
        used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        unused = {argument.arg for argument in function.args.args} - used
        assert unused <= {"request"}, f"{method} {path}: {unused}"


def test_the_page_asks_nobody_elsewhere(tmp_path: Path) -> None:
    with TestClient(create_app(load({"TRACKER_DATA_DIR": str(tmp_path)}))) as client:
        page = client.get("/docs")
        assert page.status_code == 200
        assert "http" not in page.text.replace("http-equiv", "")
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        for address in [
            part.partition('"')[0] for part in page.text.split('="')[1:] if part.startswith("/static")
        ]:
            asset = client.get(address)
            assert asset.status_code == 200, address
            assert "immutable" in asset.headers["cache-control"]
            assert client.get(address, headers={"If-None-Match": asset.headers["etag"]}).status_code == 304
        assert client.get("/openapi.json").json() == described()
