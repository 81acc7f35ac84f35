"""Every error of the API has the one shape, says what to do, and shows nothing of what lies behind it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from tests.store.kinds import on_postgresql
from tests.web.conftest import made, settings_for, url_of
from tests.web.world import NOW, PAUSE
from tracker.app import create_app
from tracker.domain.errors import Refused
from tracker.store import access
from tracker.store.engine import open_engine, writing
from tracker.web.errors import STATUS, ProblemDetails

SHAPE = Draft202012Validator(msgspec.json.schema(ProblemDetails))
TRACES = re.compile(r"Traceback|sqlalchemy|\.py\b|SELECT |psycopg|sqlite3|0x[0-9a-f]{6}", re.IGNORECASE)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Litestar]]:
    folder = tmp_path_factory.mktemp("errors")
    engine = made(f"sqlite:///{folder / 'tracker.db'}")
    with writing(engine) as connection:
        key = access.create(connection, "Ann", NOW).secret
    with TestClient(create_app(settings_for(url_of(engine), folder), engine, lambda: NOW)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client
    engine.dispose()


def checked(answer: Any, status: int, code: str) -> Any:
    """The problem in an answer, which is of the one shape."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    SHAPE.validate(problem)
    assert (problem["status"], problem["code"]) == (status, code)
    assert len(problem["detail"]) > len("what to do")
    assert not TRACES.search(answer.text)
    return problem


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/v1/partners?limit=x", {}, 400, "invalid"),
        ("GET", "/v1/partners?as_of=x", {}, 400, "invalid"),
        (
            "POST",
            "/v1/developments",
            {"content": b"{", "headers": {"Content-Type": "application/json"}},
            400,
            "malformed",
        ),
        (
            "POST",
            "/v1/developments",
            {"json": PAUSE, "headers": {"Authorization": "Bearer x"}},
            401,
            "unauthorized",
        ),
        ("GET", "/v1/partners/XX", {}, 404, "not_found"),
        ("GET", "/v1/nothing", {}, 404, "not_found"),
        ("GET", "/nothing", {}, 404, "not_found"),
        ("GET", "/static/nothing", {}, 404, "not_found"),
        ("DELETE", "/v1/partners", {}, 405, "method_not_allowed"),
        ("PUT", "/healthz", {}, 405, "method_not_allowed"),
        ("POST", "/v1/developments", {"json": PAUSE, "headers": {"If-Match": "0"}}, 412, "stale"),
        ("POST", "/v1/developments", {"content": b"x" * 1_200_000}, 413, "request_entity_too_large"),
        ("POST", "/v1/developments", {"data": {"title": "x"}}, 415, "unsupported_media_type"),
        ("POST", "/v1/developments", {"json": {}}, 422, "invalid"),
    ],
)
def test_an_error_has_the_one_shape(
    client: TestClient[Litestar], method: str, path: str, sent: Any, status: int, code: str
) -> None:
    problem = checked(client.request(method, path, **sent), status, code)
    if status == 405:
        assert client.request(method, path).headers["allow"]
    assert "you" not in problem["title"]


def test_what_was_withdrawn_is_a_conflict(client: TestClient[Litestar]) -> None:
    id = client.post("/v1/developments", json=PAUSE).json()["development"]
    client.post(f"/v1/developments/{id}/withdrawals", json={"reason": "x"})
    checked(client.post(f"/v1/developments/{id}/withdrawals", json={"reason": "x"}), 409, "conflict")


def test_another_site_is_denied(client: TestClient[Litestar]) -> None:
    key = client.headers["Authorization"].removeprefix("Bearer ")
    with writing(client.app.state.engine) as connection:
        token = access.open_session(connection, key, NOW)
    headers = {"Authorization": "", "Cookie": f"tracker_session={token}", "Origin": "https://evil.example"}
    checked(client.post("/v1/developments", json=PAUSE, headers=headers), 403, "denied")


def test_our_own_mistake_is_told_without_a_trace(tmp_path: Path) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("the secret of the clock")

    engine = made(f"sqlite:///{tmp_path / 'tracker.db'}")
    with TestClient(create_app(settings_for(url_of(engine), tmp_path), engine, broken)) as client:
        answer = client.get("/v1/partners")
        checked(answer, 500, "internal")
        assert "secret" not in answer.text
    engine.dispose()


def test_a_database_that_is_not_ready_is_told_with_when_to_come_back(
    database_url: str, tmp_path: Path
) -> None:
    empty = open_engine(database_url)
    with TestClient(create_app(settings_for(url_of(empty), tmp_path), empty)) as client:
        assert "tracker migrate" in checked(client.get("/readyz"), 503, "not_ready")["detail"]
        answer = client.get("/v1/partners")
        checked(answer, 503, "not_ready")
        assert answer.headers["retry-after"]
        assert client.get("/healthz").status_code == 200
    empty.dispose()


@on_postgresql
def test_a_database_that_is_gone_is_told_and_found_again(database_url: str, tmp_path: Path) -> None:
    engine = made(database_url)
    with TestClient(create_app(settings_for(database_url, tmp_path), engine, lambda: NOW)) as client:
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                               "AND datname = current_database()"))  # fmt: skip
        assert client.get("/v1/partners").status_code in (200, 503)
        assert client.get("/v1/partners").status_code == 200
    engine.dispose()


def test_every_code_of_a_refusal_has_a_status() -> None:
    documented = set(re.findall(r"``(\w+)``", (Refused.__doc__ or "").partition("machine-readable")[2]))
    assert documented == STATUS.keys()


def test_a_browser_gets_a_page_instead(client: TestClient[Litestar]) -> None:
    answer = client.get("/nothing", headers={"Accept": "text/html,application/xhtml+xml"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert client.get("/v1/nothing", headers={"Accept": "text/html"}).json()["code"] == "not_found"
