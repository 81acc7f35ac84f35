"""What a digest draws is what ``duty`` says, as known to this edition and to the one before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.book import CODES, Book
from domain.given import amended, at, opened
from domain.histories import X, histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.domain.charting import MOST, charted
from tracker.domain.duty import Goods, duty
from tracker.domain.edition import Chart, Level, Mark
from tracker.domain.events import HOME
from tracker.domain.scopes import Scopes
from tracker.domain.when import BEGINNING

START = datetime(2025, 1, 1, 5, tzinfo=UTC)
VOCABULARY = {"scope:cars": {"title": "Passenger cars", "hs": ["8703"]}}
search = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def drawn(book: Book, since: Mark, until: Mark, codes: Sequence[str] = ("MX",)) -> list[Chart]:
    """The charts of the edition between two marks."""
    edition = book.edition(codes, since, until)
    watched = [book.watched(code, since.position, until.position) for code in codes]
    return charted(edition, watched, VOCABULARY).charts


def total(book: Book, chart: Chart, scope: str, code: str, position: int, instant: datetime) -> Any:
    """The duty on what a chart is about, asked in the ordinary way."""
    seen = book.watched(code, position, position).known(position)
    actors = (code, *seen.blocs(instant)) if chart.export else (HOME,)
    found = duty(seen.items(instant), Goods(scope), Scopes(VOCABULARY), actors)
    return found.total


def level(levels: Sequence[Level], instant: datetime) -> float | None:
    return [one for one in levels if one.starts <= instant][-1].high


def book_of(*developments: tuple[str, dict[str, Any]]) -> Book:
    book = Book()
    for code in CODES:
        event = {
            "type": "partner.registered",
            "subject": f"partner:{code}",
            "about": {"name": f"Land of {code}"},
        }
        book.log({"title": code, "announced": "2024-12-01", "events": [event]})
    for announced, event in developments:
        book.log({"title": "What happened", "announced": announced, "events": [event]})
    return book


def told(book: Book, before: int, day: str, codes: Sequence[str] = ("MX",)) -> list[Chart]:
    """What the edition of a morning draws that tells all developments but the first ``before``."""
    until = datetime.fromisoformat(f"{day}T08:00-05:00")
    since = Mark(as_of=until - timedelta(days=1), position=book.ends[len(CODES) + before])
    return drawn(book, since, Mark(as_of=until, position=book.ends[-1]), codes)


@settings(search, max_examples=40)
@given(histories(most=7), st.data())
def test_a_chart_draws_what_the_duty_was_said_to_be(steps: list[Any], data: st.DataObject) -> None:
    book = Book().play(steps)
    first = data.draw(st.sampled_from(book.ends))
    since = Mark(as_of=START + timedelta(days=data.draw(st.integers(0, 10))), position=first)
    until = Mark(as_of=since.as_of + timedelta(days=3), position=book.ends[-1])
    charts = drawn(book, since, until, CODES)
    assert len(charts) <= MOST
    for chart in charts:
        for days in range(0, 14, 2):
            instant = START + timedelta(days=days, hours=7)
            for code in chart.partners:
                for scope in chart.scopes:
                    for levels, position in (
                        (chart.now, until.position),
                        (chart.was or chart.now, since.position),
                    ):
                        if chart.since <= instant < chart.until and (chart.was or position == until.position):
                            assert level(levels, instant) == total(
                                book, chart, scope, code, position, instant
                            )


def test_what_is_new_is_drawn_beside_what_was_known() -> None:
    book = book_of(
        ("2025-02-01", opened(X, at(25, "MX"))), ("2025-03-10", amended(X, at(40, "MX", from_="2025-04-01")))
    )
    (chart,) = told(book, 1, "2025-03-11")
    assert chart.title == "Land of MX: all goods"
    assert [one.words for one in chart.now] == ["0%", "25%", "40%"]
    assert [one.words for one in chart.was] == ["0%", "25%"]
    assert chart.marks == [datetime(2025, 4, 1, 4, tzinfo=UTC)]
    assert chart.words == (
        "Now 25%, since 1 February. Before that: 0%. Scheduled: 40% from 1 April. "
        "As known before this digest: still 25% from 1 April on."
    )


def test_what_took_effect_by_time_is_marked() -> None:
    book = book_of(("2025-02-01", opened(X, at(25, "MX"), at(40, "MX", from_="2025-03-11"))))
    (chart,) = told(book, 1, "2025-03-11")
    assert (chart.was, chart.marks) == ([], [datetime(2025, 3, 11, 4, tzinfo=UTC)])
    assert chart.words == "Now 40%, since 11 March. Before that: 25% from 1 February, 0% earlier."


def test_nothing_is_drawn_where_no_rate_moves() -> None:
    text = {"target": "MX", "set": {"text": "In other words"}}
    book = book_of(("2025-02-01", opened(X, at(25, "MX"))), ("2025-03-10", amended(X, text)))
    assert told(book, 1, "2025-03-11") == []


def test_what_is_not_known_is_a_gap_and_not_zero() -> None:
    unknown = {
        "target": "MX",
        "from": "2025-03-20",
        "until": "2025-04-01",
        "set": {"rate": {"unknown": True}},
    }
    book = book_of(
        ("2025-02-01", opened(X, at(25, "MX"))),
        ("2025-03-10", amended(X, at(40, "MX", from_="2025-03-10"), unknown)),
    )
    (chart,) = told(book, 1, "2025-03-11")
    assert [(one.high, one.words) for one in chart.now][-2:] == [(None, "not known"), (40.0, "40%")]
    assert "Scheduled: not known from 20 March, 40% from 1 April." in chart.words
    assert chart.notes[0] == f"The rate of {X} is not on record."


def test_up_to_is_a_range_and_not_a_rate() -> None:
    most = {"target": "MX", "from": "2025-03-20", "set": {"rate": {"at_most": 50}}}
    book = book_of(("2025-02-01", opened(X, at(25, "MX"))), ("2025-03-10", amended(X, most)))
    (chart,) = told(book, 1, "2025-03-11")
    assert (chart.now[-1].low, chart.now[-1].high, chart.now[-1].words) == (0.0, 50.0, "up to 50%")


def test_a_quota_is_drawn_with_both_its_rates() -> None:
    inside = {"quantity": 100, "unit": "cars", "inside": {"percent": 10}, "outside": {"percent": 25}}
    quota = {"target": "MX", "scope": "cars", "from": "2025-03-20", "set": {"quota": inside}}
    book = book_of(("2025-02-01", opened(X, at(25, "MX"))), ("2025-03-10", amended(X, quota)))
    (chart,) = told(book, 1, "2025-03-11")
    assert chart.title == "Land of MX: cars"
    assert (chart.now[-1].low, chart.now[-1].high) == (10.0, 25.0)
    assert "Scheduled: 10% within the quota, 25% beyond it from 20 March." in chart.words


def test_a_threat_is_drawn_as_one_and_moves_nothing() -> None:
    threat = {
        "type": "measure.threatened", "subject": X, "claim": "letter", "effects": [at(60, "MX", from_="2025-04-01")],
    }  # fmt: skip
    book = book_of(("2025-02-01", opened(X, at(25, "MX"))), ("2025-03-10", threat))
    (chart,) = told(book, 1, "2025-03-11")
    assert [one.words for one in chart.now] == ["0%", "25%"]
    assert [(one.percent, one.starts) for one in chart.threats] == [
        (60.0, datetime(2025, 4, 1, 4, tzinfo=UTC))
    ]
    assert chart.words.endswith("Threatened, not law: 60% from 1 April.")
    assert (chart.was, chart.marks) == ([], [])


def test_partners_that_pay_the_same_share_a_chart() -> None:
    book = book_of(
        ("2025-02-01", opened(X, at(25))), ("2025-03-10", amended(X, at(40, except_=["CN"]), at(99, "CN")))
    )
    charts = told(book, 1, "2025-03-11", CODES)
    assert [(chart.partners, chart.now[-1].words) for chart in charts] == [
        (["CN"], "99%"), (["GB", "MX", "EU"], "40%"),
    ]  # fmt: skip


def test_goods_that_move_as_all_goods_do_are_not_drawn_again() -> None:
    cars = at(50, "MX", scope="cars")
    book = book_of(
        ("2025-02-01", opened(X, at(25, "MX"), at(30, "MX", scope="cars"))),
        ("2025-03-10", amended(X, at(45, "MX"), cars)),
    )
    (chart,) = told(book, 1, "2025-03-11")
    assert chart.scopes == ["all-goods"]


def test_the_first_edition_of_all_knows_nothing_of_before() -> None:
    book = book_of(("2025-02-01", opened(X, at(25, "MX"))))
    until = Mark(as_of=datetime(2025, 2, 3, 13, tzinfo=UTC), position=book.ends[-1])
    (chart,) = drawn(book, Mark(as_of=BEGINNING, position=0), until)
    assert [one.words for one in chart.was] == ["0%"]


def placed(book: Book, before: int, day: str, codes: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The entries of the edition of a morning, each with the titles of its charts."""
    until = datetime.fromisoformat(f"{day}T08:00-05:00")
    since = Mark(as_of=until - timedelta(days=1), position=book.ends[len(CODES) + before])
    mark = Mark(as_of=until, position=book.ends[-1])
    watched = [book.watched(code, since.position, mark.position) for code in codes]
    edition = charted(book.edition(codes, since, mark), watched, VOCABULARY)
    return [(entry.event, [chart.title for chart in entry.charts]) for entry in edition.told]


THREAT = {
    "type": "measure.threatened",
    "subject": "measure:us-cars",
    "about": {"title": "A tariff on cars"},
    "effects": [{"target": "everyone", "scope": "cars", "set": {"rate": {"percent": 100}}}],
}


def test_a_chart_stands_with_what_moved_its_rate_and_not_with_a_threat() -> None:
    book = book_of(
        ("2025-02-01", opened(X, at(25, "MX"), at(50, "CN"))),
        ("2025-03-10", THREAT),
        ("2025-03-10", amended(X, at(20, "MX", from_="2025-03-10"))),
        ("2025-03-10", amended(X, at(10, "CN", from_="2025-03-10"))),
    )
    assert [charts for _, charts in placed(book, 1, "2025-03-11", ("MX", "CN"))] == [
        [], ["Land of MX: all goods"], ["Land of CN: all goods"],
    ]  # fmt: skip


def test_a_change_of_all_goods_is_drawn_for_all_goods_before_others() -> None:
    scopes = [at(35, "MX", scope=f"goods-{n}", from_="2025-03-10") for n in range(6)]
    book = book_of(
        ("2025-02-01", opened(X, at(39, "MX"), *(at(n, "MX", scope=f"goods-{n}") for n in range(6)))),
        ("2025-03-10", amended(X, at(35, "MX", from_="2025-03-10"), *scopes)),
    )
    ((_, charts),) = placed(book, 1, "2025-03-11", ("MX",))
    assert charts[0] == "Land of MX: all goods"


def test_a_belief_of_less_than_a_day_is_not_put_in_words() -> None:
    book = book_of(
        ("2025-02-01", opened(X, at(10, "MX"), at(20, "MX", from_="2025-03-10T10:00", until="2025-03-10T20:00"))),
        ("2025-03-10", amended(X, at(15, "MX", from_="2025-03-10T10:00"))),
    )  # fmt: skip
    (chart,) = told(book, 1, "2025-03-11")
    assert "from 10 March until 10 March" not in chart.words
