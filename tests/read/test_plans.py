"""How much work an answer is: the same however long the record is. Both databases, enough rows for them to choose."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, text, update

from tests.web.conftest import small_world
from tracker import read
from tracker.domain.when import rfc3339
from tracker.projections import table
from tracker.projections.table import BELIEVED, node
from tracker.store import log
from tracker.store.engine import reading, writing

OTHERS, DEEP = 4000, 400
"""How many events there are about others, and how often a lane of Mexico's is rewritten then."""
START = datetime(2025, 3, 1, tzinfo=UTC)
BIG = ("segments", "near", "last", "lanes", "events", "commits", "subjects")

Statements = list[tuple[str, Any]]


@pytest.fixture
def engine(request: pytest.FixtureRequest, kind: str, tmp_path: Path) -> Iterator[Engine]:
    yield from small_world(request, kind, tmp_path)


def grow(engine: Engine) -> None:
    """A long record behind the small world: others' subjects, an event each, and lanes rewritten often."""
    with writing(engine) as connection:
        end = log.position(connection)
        first = connection.execute(log.commits.select().limit(1)).one()._asdict()
        told = connection.execute(log.events.select().limit(1)).one()._asdict()
        places = range(end + 1, end + OTHERS + 1)

        def put(table: Any, rows: list[dict[str, Any]]) -> None:
            connection.execute(insert(table), rows)

        put(log.subjects, [{"id": 10**6 + p, "key": f"measure:zz-{p}", "version": 1} for p in places])
        put(
            log.commits,
            [{**first, "first": p, "last": p, "id": f"c{p}", "development": f"d{p}"} for p in places],
        )
        put(
            log.events,
            [
                {
                    **told,
                    "position": p,
                    "id": f"e{p}",
                    "subject": 10**6 + p,
                    "commit": p,
                    "development": f"d{p}",
                }
                for p in places
            ],
        )
        connection.execute(update(log.head).values(position=end + OTHERS))
        lane = {"scope": "all-goods", "basis": "instrument", "aspect": "state"}
        put(
            table.lanes,
            [
                {"id": 10**6 + p, "subject": f"measure:zz-{p}", "partner": "ZZ", "target": "ZZ", **lane}
                for p in places
            ],
        )
        kept = connection.execute(
            table.segments.select()
            .join(table.lanes, table.lanes.c.id == table.segments.c.lane)
            .where(table.lanes.c.aspect == "state", table.lanes.c.partner == "MX")
        ).first()
        assert kept is not None
        for p in places:
            put(table.segments, [_segment(10**6 + p, START, p, BELIEVED, kept.state)])
        last = end
        for turn in range(DEEP):
            now = end + 1 + turn * (OTHERS // DEEP)
            over = BELIEVED if turn == DEEP - 1 else now + OTHERS // DEEP
            since = START + timedelta(hours=turn - 10**5)
            rows = [_segment(kept.lane, since, now, over, kept.state, timedelta(hours=10**5 - 2000))]
            put(table.segments, rows)
            last = now
        assert last <= end + OTHERS
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _segment(
    lane: int, start: datetime, known: int, until: int, state: str, length: timedelta = timedelta(days=5000)
) -> dict[str, Any]:
    return {
        "lane": lane, "valid_from": start, "valid_until": start + length, "known_from": known, "known_until": until,
        "node": node(known, until), "state": state,
    }  # fmt: skip


@contextmanager
def statements(engine: Engine) -> Iterator[Statements]:
    """What is sent to the database meanwhile."""
    sent: Statements = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def asked(engine: Engine, question: Callable[[Connection], object]) -> Statements:
    with statements(engine) as sent, reading(engine) as connection:
        question(connection)
    return [
        (statement, parameters) for statement, parameters in sent if statement.lstrip().startswith("SELECT")
    ]


def scanned(engine: Engine, sent: Statements) -> list[str]:
    """The tables that would be read from end to end, and by which statement."""
    found = []
    with engine.connect() as connection:
        for statement, parameters in sent:
            explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
            for row in connection.exec_driver_sql(explain + statement, parameters):
                step = str(row[-1])
                whole = re.match(r"SCAN (\w+)|.*Seq Scan on (\w+)", step)
                if (whole and (whole[1] or whole[2]) in BIG) or "AUTOMATIC" in step:
                    found.append(f"{step}: {statement}")
    return found


def point(connection: Connection, as_of: datetime | None = None, known: int | None = None) -> read.Point:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return read.point(
        connection, now=now, zone="America/New_York", known_position=known,
        as_of=None if as_of is None else rfc3339(as_of),
    )  # fmt: skip


QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "state now": lambda c: read.state(c, "MX", point(c)),
    "state of a member": lambda c: read.state(c, "DE", point(c)),
    "state long ago as known long ago": lambda c: read.state(c, "MX", point(c, START, 15)),
    "state long ago as known now": lambda c: read.state(c, "MX", point(c, START)),
    "state now as known long ago": lambda c: read.state(c, "MX", point(c, None, 15)),
    "name": lambda c: read.partner(c, "MX", point(c).known),
}


def test_no_question_about_a_partner_reads_a_table_from_end_to_end(engine: Engine) -> None:
    grow(engine)
    for name, question in QUESTIONS.items():
        assert scanned(engine, asked(engine, question)) == [], name


def test_a_long_record_takes_no_more_statements_than_a_short_one(engine: Engine) -> None:
    short = {name: len(asked(engine, question)) for name, question in QUESTIONS.items()}
    grow(engine)
    assert {name: len(asked(engine, question)) for name, question in QUESTIONS.items()} == short
    assert max(short.values()) <= 20
