"""What an edition says to whom: of all partners only to who follows all, of days as the lines count them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery.test_charts import of
from domain.book import Book
from domain.given import amended, at, opened
from domain.histories import X
from sqlalchemy import Connection, Engine

from tracker.delivery import render
from tracker.domain.edition import Mark, headline
from tracker.store.engine import reading

SIX = ("CN", "MX", "EU", "GB", "CH", "JP")


@pytest.fixture(scope="module")
def record(real_history: Engine) -> Iterator[Connection]:
    with reading(real_history) as connection:
        yield connection


def test_all_partners_are_those_of_who_follows_all(record: Connection) -> None:
    chosen, everybody = of(record, "2025-04-03", *SIX), of(record, "2025-04-03")
    assert headline(chosen).endswith("(CH, CN, EU, GB, 2 more)")
    assert headline(everybody).endswith("(all partners)")
    assert "All 6 partners chosen" in render.text(chosen)
    assert "all partners" not in render.text(chosen)


def test_a_section_is_of_the_day_that_its_lines_name() -> None:
    """Midnight of 8 September in New York is the evening before in Mexico City."""
    book = Book()
    book.log(told("2025-02-01", opened(X, at(25, "MX"), at(30, "MX", from_="2025-09-08"))))
    until = datetime.fromisoformat("2025-09-09T08:00-06:00")
    since = Mark(as_of=until - timedelta(days=3), position=book.ends[-1])
    edition = book.edition(
        ["MX"], since, Mark(as_of=until, position=book.ends[-1]), zone="America/Mexico_City"
    )
    (entry,) = edition.took_effect
    assert (entry.day, entry.when) == ("2025-09-08", "from 8 September 2025")
    assert "Monday 8 September 2025" in render.text(edition)


def test_all_goods_are_named_where_others_stand_beside_them() -> None:
    book = Book()
    book.log(told("2025-02-01", opened(X, at(40, "MX"), at(50, "MX", scope="cars"))))
    since = Mark(as_of=datetime.fromisoformat("2025-03-01T08:00-05:00"), position=book.ends[-1])
    book.log(told("2025-03-01", amended(X, at(44, "MX"), at(60, "MX", scope="cars"))))
    until = Mark(as_of=since.as_of + timedelta(days=1), position=book.ends[-1])
    said = render.text(book.edition(["MX"], since, until))
    assert "- all goods: 44% (was 40%)" in said
    assert "- cars: 60% (was 50%)" in said


def told(announced: str, event: dict[str, Any]) -> dict[str, Any]:
    return {"title": "What happened", "announced": announced, "events": [event]}
