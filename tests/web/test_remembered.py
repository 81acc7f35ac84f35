"""An answer that is kept in memory is the one that would be worked out afresh."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from sqlalchemy import text

from tests.conftest import copied
from tests.web.conftest import Service, settings_for
from tests.web.world import PAUSE, development, logged, replay, withdrawn
from tracker import rebuilding
from tracker.app import create_app
from tracker.read import Point
from tracker.read.moving import Moving
from tracker.store import erasure
from tracker.store.engine import open_engine, writing
from tracker.web import remembered

PATHS = (
    "/", "/partners/MX", "/partners/DE", "/feeds/developments.atom?limit=3&partners=MX", "/feeds/dates.ics",
    "/feeds/developments.json?limit=3&sectors=Consumer+Discretionary", "/v1/partners",
    "/v1/partners?limit=1", "/v1/partners/MX",
    "/v1/partners/MX/state",
    "/v1/partners/DE/state",
    "/v1/partners/MX/timeline", "/v1/partners/GB/timeline", "/v1/partners/GB/timeline?limit=2", "/v1/authorities",
    "/v1/authorities/us-ieepa", "/v1/partners/MX/state?as_of=2025-02-20", "/v1/partners/MX/state?known_at=2025-03-01",
    "/v1/partners/MX/state?as_of=2025-02-20&known_position=9", "/partners/MX?as_of=2025-02-20",
    "/partners/MX?known_at=2025-03-01",
)  # fmt: skip
EDGES = [
    datetime(2025, 9, 1, 3, 59, 59, 999999, tzinfo=UTC), datetime(2025, 9, 1, 4, tzinfo=UTC),
    datetime(2025, 9, 15, 12, tzinfo=UTC), datetime(2025, 9, 30, 16, 29, 59, tzinfo=UTC),
    datetime(2025, 10, 1, 3, 59, 59, 999999, tzinfo=UTC), datetime(2025, 10, 1, 4, tzinfo=UTC),
    datetime(2025, 10, 1, 4, 0, 0, 1, tzinfo=UTC), datetime(2025, 11, 5, 5, tzinfo=UTC),
    datetime(2025, 12, 30, 3, 59, 59, 999999, tzinfo=UTC), datetime(2025, 12, 30, 4, tzinfo=UTC),
    datetime(2026, 1, 1, tzinfo=UTC),
]  # fmt: skip
"""Instants around what happens by itself: a day ends, a pause ends, a deadline comes, a date is long past."""


class Two:
    """One record behind two services: one that remembers, and one that works everything out."""

    def __init__(self, url: str, folder: Path) -> None:
        self.now = datetime(2025, 9, 1, 3, tzinfo=UTC)
        self.engine = open_engine(url)
        self.remembers = self._service(url, folder)
        self.forgets = self._service(url, folder)

    def _service(self, url: str, folder: Path) -> TestClient[Any]:
        return TestClient(create_app(settings_for(url, folder), self.engine, lambda: self.now))

    def assert_alike(self, path: str) -> None:
        self.forgets.app.state.remembered.forget()
        fresh, kept = (service.get(path) for service in (self.forgets, self.remembers))
        assert (kept.status_code, kept.text) == (fresh.status_code, fresh.text), (path, self.now)
        assert kept.headers == fresh.headers, (path, self.now)


@pytest.fixture
def two(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Two]:
    with copied(request, kind, tmp_path, replay) as (url, _):
        found = Two(url, tmp_path)
        yield found
        found.engine.dispose()


def deadline(number: int) -> dict[str, Any]:
    event = {
        "type": "deadline.set",
        "subject": "partner:MX",
        "deadline": f"d{number}",
        "set": {"due": "2025-11-05"},
    }
    return development(f"Deadline {number}", "2025-08-31", event)


def later(number: int) -> dict[str, Any]:
    event = {
        "type": "measure.amended", "subject": "measure:us-border-mx",
        "effects": [{"target": "MX", "set": {"rate": {"percent": number}}, "from": "2025-10-01"}],
    }  # fmt: skip
    return development(f"Rate {number}", "2025-08-31", event)


steps = st.lists(
    st.one_of(st.sampled_from(EDGES), st.sampled_from(["pause", "deadline", "later", "rebuild"])),
    min_size=2, max_size=6,
)  # fmt: skip


@settings(
    deadline=None, max_examples=4,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(steps=steps, paths=st.lists(st.sampled_from(PATHS), min_size=3, max_size=5, unique=True))
def test_what_is_remembered_is_what_would_be_worked_out(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[Any],
    paths: list[str],
) -> None:
    folder = tmp_path_factory.mktemp("two")
    with copied(request, "sqlite", folder, replay) as (url, _):
        two = Two(url, folder)
        for number, step in enumerate(steps):
            match step:
                case datetime():
                    two.now = max(two.now, step)
                case "rebuild":
                    list(rebuilding.rebuild(two.engine))
                case _:
                    command = {"pause": PAUSE, "deadline": deadline(number), "later": later(number)}[step]
                    logged(two.engine, {**command, "title": f"{step} {number}"}, two.now)
            for path in paths * 2:
                two.assert_alike(path)
        two.engine.dispose()


def test_each_is_the_same_at_every_edge_of_time(two: Two) -> None:
    logged(two.engine, PAUSE, two.now)
    logged(two.engine, deadline(1), two.now)
    for path in PATHS * 2:
        two.assert_alike(path)
    for edge in EDGES:
        two.now = edge
        for path in PATHS:
            two.assert_alike(path)


def test_what_was_erased_is_not_remembered(two: Two) -> None:
    paths = ("/partners/MX", "/v1/partners/MX/timeline", "/feeds/developments.atom", "/feeds/dates.ics")
    held = logged(two.engine, deadline(1), two.now)
    withdrawn(two.engine, held.development, two.now)
    for path in paths * 2:
        two.assert_alike(path)
    assert "Deadline 1" in two.remembers.get("/v1/partners/MX/timeline").text
    with writing(two.engine) as connection:
        erasure.erase(connection, held.development, "a name in it", two.now)
    for path in paths:
        two.assert_alike(path)


def test_what_is_asked_again_is_not_worked_out_again(
    on_sqlite: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in PATHS[:15]:
        for _ in range(2):
            on_sqlite.client.get(path)
    made = _count(monkeypatch)
    for path in PATHS[:15]:
        assert on_sqlite.client.get(path).status_code == 200
    assert made == []


def _count(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The answers that are worked out from now on."""
    made: list[str] = []
    real = remembered.Remembered.keep

    def keep(self: Any, scope: Any, *others: Any) -> None:
        made.append(scope["path"])
        real(self, scope, *others)

    monkeypatch.setattr(remembered.Remembered, "keep", keep)
    return made


def test_what_many_ask_for_is_worked_out_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/v1/partners/MX/timeline"
    with two.remembers as client, ThreadPoolExecutor(8) as pool:
        for number in range(3):
            for _ in range(3):
                client.get(path)
            made = _count(monkeypatch)
            logged(two.engine, deadline(number), two.now)
            answers = [*pool.map(client.get, [path] * 16)]
            assert all(f"Deadline {number}" in answer.text for answer in answers)
            assert made == [path]
            monkeypatch.undo()


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_a_connection_that_was_ended_is_replaced(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    with two.remembers as client:
        for _ in range(3):
            client.get("/v1/partners")
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        with two.engine.connect() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        made = _count(monkeypatch)
        assert client.get("/v1/partners").status_code == 200
        assert made == []


def test_an_answer_from_memory_is_not_sent_twice(on_sqlite: Service) -> None:
    for _ in range(3):
        answer = on_sqlite.client.get("/v1/partners/MX/state")
    again = on_sqlite.client.get("/v1/partners/MX/state", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


def test_who_is_signed_in_sees_a_page_of_their_own(on_sqlite: Service) -> None:
    for _ in range(3):
        on_sqlite.client.get("/")
    sent = on_sqlite.client.post("/sign-in", data={"key": on_sqlite.ann.secret}, follow_redirects=False)
    assert sent.status_code == 303
    assert "Ann" in on_sqlite.client.get("/").text
    on_sqlite.client.cookies.clear()
    assert "Ann" not in on_sqlite.client.get("/").text


def test_a_database_that_is_gone_is_told_as_ever(on_sqlite: Service) -> None:
    for _ in range(3):
        on_sqlite.client.get("/v1/partners")
    with writing(on_sqlite.engine) as connection:
        connection.execute(text("ALTER TABLE head RENAME TO tail"))
    answer = on_sqlite.client.get("/v1/partners")
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_file_that_was_moved_away_answers_nothing_more(on_sqlite: Service) -> None:
    for _ in range(3):
        on_sqlite.client.get("/v1/partners")
    file = Path(str(on_sqlite.engine.url.database))
    file.rename(file.with_suffix(".away"))
    assert on_sqlite.client.get("/v1/partners").status_code == 503
    file.with_suffix(".away").rename(file)


def test_no_more_is_kept_than_there_is_room_for(on_sqlite: Service) -> None:
    kept = remembered.Remembered(on_sqlite.engine, lambda: datetime(2025, 9, 1, tzinfo=UTC), room=1000)
    about = remembered.About(point())
    for number in range(50):
        scope: Any = {"raw_path": f"/{number}".encode(), "query_string": b"", "headers": []}
        asyncio.run(kept.found(scope))
        remembered.remember(scope, about)
        kept.keep(scope, [], bytes(300))
    held = [
        number for number in range(50)
        if asyncio.run(kept.found({"raw_path": f"/{number}".encode(), "query_string": b"", "headers": []}))  # type: ignore[arg-type]
    ]  # fmt: skip
    assert held == [47, 48, 49]


def point() -> Any:
    return Point(datetime(2025, 1, 1, tzinfo=UTC), 1, datetime(2025, 1, 1, tzinfo=UTC), "UTC")


def test_an_instant_notes_the_next_at_which_anything_would_be_otherwise() -> None:
    now = Moving.at(datetime(2025, 1, 1, 12, tzinfo=UTC))
    sorted([now, datetime(2025, 1, 9, tzinfo=UTC), datetime(2024, 1, 9, tzinfo=UTC)])
    assert now.until == datetime(2025, 1, 9, tzinfo=UTC)
    assert datetime(2025, 1, 5, tzinfo=UTC) > now
    assert now.until == datetime(2025, 1, 5, tzinfo=UTC)
