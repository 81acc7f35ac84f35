"""The published catalogue says what the classes say, and what is released stays."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tracker import catalogue
from tracker.catalogue import check, checksums, read_example, release, schema, types, write
from tracker.domain.errors import Refused
from tracker.domain.events import Development, MeasurePaused, Record
from tracker.domain.parse import parse
from tracker.domain.values import MeasureState
from tracker.settings import shipped
from tracker.store import upcasts
from tracker.store.upcasts import TOLD, version_of

EVENTS = shipped("events")
CURRENT = [*[(type, version_of(type)) for type in types()], (TOLD, version_of(TOLD))]
TYPES = types()
EXAMPLES = sorted(path.relative_to(EVENTS).as_posix() for path in EVENTS.glob("*/v*.example.json"))


def example(type: str, version: int) -> bytes:
    return (EVENTS / type / f"v{version}.example.json").read_bytes()


def published(type: str, version: int) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode((EVENTS / type / f"v{version}.schema.json").read_bytes())
    return decoded


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the catalogue to do harm to."""
    return shutil.copytree(EVENTS, tmp_path / "events")


def test_the_catalogue_is_as_it_should_be() -> None:
    assert [*check(EVENTS)] == []


def test_everything_is_released() -> None:
    assert set(checksums(EVENTS)) == {
        f"{type}/v{n}.{what}.json"
        for type, current in CURRENT
        for n in range(1, current + 1)
        for what in ("schema", "example")
    }


@pytest.mark.parametrize(("type", "version"), CURRENT)
def test_an_example_fits_its_schema_and_its_class(type: str, version: int) -> None:
    held = published(type, version)
    Draft202012Validator.check_schema(held)
    Draft202012Validator(held).validate(msgspec.json.decode(example(type, version)))
    assert read_example(type, version, example(type, version))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_all_versions_can_still_be_read(name: str) -> None:
    type, _, file = name.partition("/")
    assert read_example(type, int(file[1 : file.index(".")]), (EVENTS / name).read_bytes())


@pytest.mark.parametrize(("type", "version"), CURRENT)
def test_a_schema_is_whole_in_itself_and_refuses_what_it_does_not_know(type: str, version: int) -> None:
    held = published(type, version)
    assert not Draft202012Validator(held).is_valid(
        msgspec.json.decode(example(type, version)) | {"unknown": 1}
    )
    text = msgspec.json.encode(held).decode()
    assert text.count('"$ref":"#/$defs/') == text.count('"$ref"')
    objects = [held, *held.get("$defs", {}).values()]
    assert all(one["additionalProperties"] is False for one in objects if "properties" in one)


def test_schemas_say_what_a_type_implies() -> None:
    assert published("measure.paused", 1)["x-implies"] == {"status": "paused"}
    assert published("measure.announced", 1)["x-leads"] == {"status": "announced"}


def test_a_body_and_a_command_are_shown_whole() -> None:
    body = (EVENTS / "body.example.json").read_bytes()
    record = msgspec.json.decode(body, type=Record)
    assert msgspec.json.decode(msgspec.json.encode(record)) == msgspec.json.decode(body)
    assert parse(Development, (EVENTS / "command.example.json").read_bytes()).events


def test_the_index_names_every_type_and_its_files() -> None:
    index = msgspec.json.decode((EVENTS / "index.json").read_bytes())
    assert [entry["type"] for entry in index["types"]] == [*types()]
    for version in (v for entry in [*index["types"], {"versions": index["told"]}] for v in entry["versions"]):
        assert (EVENTS / version["schema"]).is_file()
        assert (EVENTS / version["example"]).is_file()


def test_checksums_are_those_of_sha256sum() -> None:
    for line in (EVENTS / "checksums.txt").read_text().splitlines():
        sum, name = line.split("  ")
        assert hashlib.sha256((EVENTS / name).read_bytes()).hexdigest() == sum


class TestReleased:
    """What is released never changes."""

    def test_a_class_that_says_something_else_is_noticed(
        self, copy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(MeasurePaused, "implies", MeasureState(status="ended"))
        (problem,) = check(copy)
        assert problem.startswith(
            "measure.paused/v1.schema.json is released, and its class says something else now"
        )
        with pytest.raises(Refused, match="make a new version"):
            write(copy)
        assert [*check(EVENTS)] == [problem]

    def test_a_field_that_is_new_is_noticed(self, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class Later(MeasurePaused, tag="measure.paused", frozen=True):
            by_whom: str | None = None

        monkeypatch.setattr(catalogue, "types", lambda: TYPES | {"measure.paused": Later})
        assert any("measure.paused/v1.schema.json is released, and" in problem for problem in check(copy))

    def test_it_may_be_described_better(self, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(MeasurePaused, "__doc__", "A measure rests.")
        before = (copy / "measure.paused/v1.schema.json").read_bytes()
        assert write(copy) == ["index.json"]
        assert (copy / "measure.paused/v1.schema.json").read_bytes() == before
        assert [*check(copy)] == []

    @pytest.mark.parametrize("name", ["measure.paused/v1.schema.json", "measure.paused/v1.example.json"])
    def test_a_changed_file_is_noticed(self, copy: Path, name: str) -> None:
        (copy / name).write_text((copy / name).read_text() + " ")
        assert f"{name} is released, and was changed: bring it back, and make a new version" in [*check(copy)]

    @pytest.mark.parametrize("name", ["measure.paused/v1.schema.json", "measure.paused/v1.example.json"])
    def test_a_lost_file_is_noticed(self, copy: Path, name: str) -> None:
        (copy / name).unlink()
        assert f"{name} is released, and missing: bring it back" in [*check(copy)]

    def test_a_stray_file_is_noticed(self, copy: Path) -> None:
        (copy / "measure.vanished").mkdir()
        (copy / "measure.vanished/v1.schema.json").write_text("{}")
        assert [*check(copy)] == ["measure.vanished/v1.schema.json belongs to no type of event: remove it"]


def test_a_new_version_stands_beside_the_old(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Later(MeasurePaused, tag="measure.paused", frozen=True):
        by_whom: str | None = None

    monkeypatch.setattr(catalogue, "types", lambda: TYPES | {"measure.paused": Later})
    monkeypatch.setitem(upcasts.VERSIONS, "measure.paused", 2)
    monkeypatch.setitem(upcasts.UPCASTS, ("measure.paused", 1), lambda event: event)
    assert write(copy) == ["measure.paused/v2.schema.json", "index.json"]
    assert [*check(copy)] == ["measure.paused/v2.example.json is missing: write an example"]
    shutil.copy(copy / "measure.paused/v1.example.json", copy / "measure.paused/v2.example.json")
    assert release(copy) == ["measure.paused/v2.example.json", "measure.paused/v2.schema.json"]
    assert [*check(copy)] == []
    assert len(schema("measure.paused", Later)["properties"]) == 1 + len(
        published("measure.paused", 1)["properties"]
    )
