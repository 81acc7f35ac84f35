"""Whatever a program sends that fits the document or nearly fits it: no answer is an error of ours, and each is one
that the document promises. Against a real server, on a database of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from tests.web.conftest import settings_for, small_world, url_of
from tests.web.world import NOW
from tracker.app import create_app
from tracker.settings import load
from tracker.store import access
from tracker.store.engine import writing
from tracker.web.api.document import document

BEYOND_SCHEMAS = [positive_data_acceptance]
"""A date must lie on the calendar, a subject be on record: what fits a schema may still be refused."""
HURRIED = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


def described() -> Any:
    return schemathesis.openapi.from_dict(document(create_app(load({}))))


READS, WRITES = described().include(method="GET"), described().include(method=["POST", "PATCH", "DELETE"])
READS = READS.exclude(path="/v1/stream")  # it does not end
WRITES.config.phases.coverage.enabled = False  # thousands of cases: every field of every type of event


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Where to send a case, and as whom."""
    folder: Path = tmp_path_factory.mktemp("fuzz")
    for engine in small_world(request, "sqlite", folder):
        app = create_app(settings_for(url_of(engine), folder), engine, lambda: NOW)
        with writing(engine) as connection:
            key = access.create(connection, "Ann", NOW).secret
        listener = socket.create_server(("127.0.0.1", 0))
        running = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield {
            "base_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "headers": {"Authorization": f"Bearer {key}"},
        }
        running.should_exit = True
        thread.join()
        listener.close()


@READS.parametrize()
@HURRIED
def test_every_read_answers_as_documented(case: Any, server: dict[str, Any]) -> None:
    case.call_and_validate(excluded_checks=BEYOND_SCHEMAS, **server)


@WRITES.parametrize()
@HURRIED
def test_every_write_answers_as_documented(case: Any, server: dict[str, Any]) -> None:
    case.call_and_validate(excluded_checks=BEYOND_SCHEMAS, **server)
