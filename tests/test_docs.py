"""What docs/model.md shows to log is what the API takes, on the founding record."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from tracker.app import create_app
from tracker.domain.events import Logged
from tracker.seeding import seed
from tracker.settings import load
from tracker.store import access
from tracker.store.engine import open_engine, writing
from tracker.store.migrate import migrate

MODEL = (Path(__file__).parent.parent / "docs" / "model.md").read_text("utf-8")
EVENTS = [json.loads(found) for found in re.findall(r'`(\{"type": .*\})`', MODEL)]
WHOLE = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", MODEL, re.DOTALL)]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Any]]:
    folder = tmp_path_factory.mktemp("docs")
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    seed(engine, NOW)
    with writing(engine) as connection:
        key = access.create(connection, "Ann", NOW).secret
    settings = load({"TRACKER_DATA_DIR": str(folder), "TRACKER_LOG_LEVEL": "error"})
    with TestClient(create_app(settings, engine, lambda: NOW)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client
    engine.dispose()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event['type']} {event['subject']}")
def test_every_example_can_be_logged(client: TestClient[Any], event: dict[str, Any]) -> None:
    command = {"title": "What happened", "announced": "2025-09-02", "events": [event]}
    answer = client.post("/v1/developments?dry_run=true", json=command)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("command", WHOLE, ids=lambda command: command["title"])
def test_every_whole_command_can_be_logged(client: TestClient[Any], command: dict[str, Any]) -> None:
    answer = client.post("/v1/developments?dry_run=true", json=command)
    assert answer.status_code == 200, answer.text
    assert answer.json()["effects"]


def test_every_type_is_named() -> None:
    for event in msgspec.inspect.type_info(Logged).types:  # type: ignore[attr-defined]
        family, _, fact = event.tag.partition(".")
        assert re.search(rf"{re.escape(event.tag)}|{family}\.\*|`\.{fact}`", MODEL), event.tag
