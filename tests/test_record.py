"""Recording: what is believed now, what was believed then, and repairs of our own record, on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from domain.given import NOW, WITHDRAWAL, amended, at, correction, development, event, opened, paused
from sqlalchemy import Engine

from tracker.domain.errors import Refused
from tracker.domain.when import moment
from tracker.drift import drift
from tracker.projections import segments, table
from tracker.rebuilding import rebuild
from tracker.record import By, Correct, Order, Recorded, Withdraw, record, rehearse
from tracker.schema import derived, durable
from tracker.store import log
from tracker.store.engine import open_engine, reading

X, Y = "measure:us-x", "measure:us-y"
ME = By("me", NOW)


class Book:
    """A record with one analyst."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def log(self, *events: dict[str, Any], **told: Any) -> Recorded:
        return record(self.engine, development(*events, **told), ME)

    def order(self, order: Order) -> Recorded:
        return record(self.engine, order, ME)

    def at(self, day: str, known: int | None = None) -> dict[tuple[str, str], dict[str, Any]]:
        """(subject, target) -> the fields of instruments that day, and the positions that set them."""
        with reading(self.engine) as connection:
            position = log.position(connection) if known is None else known
            rows = segments.known(connection, None, position)
        at = moment(day, "America/New_York").at
        return {
            (row.subject, row.lane.target): {
                name: layers[0].value for name, layers in row.segment.state.items()
            }
            for row in rows
            if row.lane.aspect == "state" and row.segment.start <= at < row.segment.end
        }

    def rate(self, day: str, known: int | None = None, subject: str = X, target: str = "everyone") -> Any:
        found = self.at(day, known).get((subject, target), {}).get("rate")
        return found and found["percent"]

    def contents(self, metadata: Any) -> list[str]:
        with reading(self.engine) as connection:
            tables = [connection.execute(table.select()).all() for table in metadata.sorted_tables]
        return [row for rows in tables for row in sorted(map(repr, rows))]

    def assert_sound(self) -> None:
        with reading(self.engine) as connection:
            assert list(drift(connection)) == []
            list(log.verify(connection))


@pytest.fixture
def book(migrated_url: str) -> Iterator[Book]:
    engine = open_engine(migrated_url)
    yield Book(engine)
    engine.dispose()


# ---------------------------------------------------------------- then and now


def test_what_was_believed_then_can_still_be_asked(book: Book) -> None:
    book.log(opened(X, at(10)))
    book.log(amended(X, at(20)), announced="2025-03-01")
    book.log(amended(X, at(15)), announced="2025-02-15")
    assert [book.rate("2025-02-20", known) for known in (0, 1, 2, 3)] == [None, 10, 10, 15]
    assert [book.rate("2025-03-20", known) for known in (0, 1, 2, 3)] == [None, 10, 20, 20]
    book.assert_sound()


def test_the_whole_commit_is_known_at_once(book: Book) -> None:
    """Two events of one development on one subject: what lies between them was never anybody's knowledge."""
    made = book.log(opened(X, at(10)), paused(X, {"target": "each_of"}))
    assert [event.commit for event in made.events] == [1, 1]
    assert book.at("2025-03-01")[X, "everyone"]["status"] == "paused"
    assert {row.known_from for row in made.changes if row.lane.aspect == "state"} == {2}
    assert all(row.known_until == table.BELIEVED for row in made.changes)
    book.assert_sound()


def test_a_rehearsal_shows_what_would_change_and_leaves_nothing(book: Book) -> None:
    book.log(opened(X, at(10)))
    before = book.contents(durable), book.contents(derived)
    seen = rehearse(
        book.engine, development(amended(X, at(20))), By("me", NOW, key="k"), lambda _, made: made.changes
    )
    changes = {(row.known_from, row.known_until) for row in seen if row.lane.aspect == "state"}
    assert changes == {(1, 2), (2, table.BELIEVED)}
    assert (book.contents(durable), book.contents(derived)) == before


def test_two_hundred_events_are_one_development(book: Book) -> None:
    made = book.log(*(opened(f"measure:us-x{i % 20}", at(i % 100, scope=f"s{i}")) for i in range(200)))
    assert (made.first, made.last, len({e.development for e in made.events})) == (1, 200, 1)
    book.assert_sound()


# ---------------------------------------------------------------- corrections


def test_a_correction_keeps_its_place(book: Book) -> None:
    first = book.log(opened(X, at(10)))
    book.log(amended(X, at(20)))
    book.order(Correct(first.development, correction(opened(X, at(11)))))
    assert book.rate("2025-03-01") == 20
    assert book.at("2025-03-01")[X, "everyone"]["status"] == "in_force"
    book.assert_sound()


def test_a_correction_of_a_correction_holds(book: Book) -> None:
    first = book.log(opened(X, at(10)))
    for percent in (11, 12, 13):
        book.order(Correct(first.development, correction(opened(X, at(percent)))))
    assert [book.rate("2025-03-01", known) for known in (1, 2, 3, 4)] == [10, 11, 12, 13]
    book.assert_sound()


def test_a_correction_of_the_announcement_takes_the_place_of_its_new_day(book: Book) -> None:
    first = book.log(opened(X, at(10)), announced="2025-02-01")
    book.log(amended(X, at(20)), announced="2025-03-01")
    book.order(Correct(first.development, correction(opened(X, at(10)), announced="2025-04-01")))
    assert [book.rate(day) for day in ("2025-02-15", "2025-03-15", "2025-04-15")] == [None, 20, 10]
    assert book.rate("2025-02-15", known=2) == 10
    book.log(amended(X, at(30)), announced="2025-03-15")  # on top of the second, below the first
    assert [book.rate(day) for day in ("2025-03-20", "2025-04-15")] == [30, 10]
    book.assert_sound()


def test_a_move_to_another_subject_repaints_both(book: Book) -> None:
    book.log(opened(X, at(10)), opened(Y, at(50)))
    wrong = book.log(amended(X, at(20)), announced="2025-03-01")
    book.order(Correct(wrong.development, correction(amended(Y, at(60)), announced="2025-03-01")))
    assert (book.rate("2025-04-01"), book.rate("2025-04-01", subject=Y)) == (10, 60)
    assert (book.rate("2025-04-01", known=3), book.rate("2025-04-01", known=3, subject=Y)) == (20, 50)
    book.order(Correct(wrong.development, correction(amended(X, at(25)), announced="2025-03-01")))
    assert (book.rate("2025-04-01"), book.rate("2025-04-01", subject=Y)) == (25, 50)
    book.assert_sound()


def test_a_correction_may_add_and_drop_events(book: Book) -> None:
    made = book.log(opened(X, at(10)), amended(X, at(5, "GB")), opened(Y, at(50)))
    book.order(Correct(made.development, correction(opened(X, at(10)), amended(X, at(7, "FR")))))
    assert {key: fields.get("rate") for key, fields in book.at("2025-03-01").items()} == {
        (X, "everyone"): {"percent": 10.0}, (X, "FR"): {"percent": 7.0},
    }  # fmt: skip
    book.assert_sound()


# ---------------------------------------------------------------- withdrawals


def test_what_is_withdrawn_counts_no_more_and_was_believed_until_then(book: Book) -> None:
    book.log(opened(X, at(10)))
    pause = book.log(paused(X, {"target": "each_of"}), announced="2025-03-01")
    book.order(Withdraw(pause.development, WITHDRAWAL))
    assert [book.at("2025-04-01", known)[X, "everyone"]["status"] for known in (2, 3)] == [
        "paused",
        "in_force",
    ]
    book.assert_sound()


def test_a_correction_brings_back_what_was_withdrawn(book: Book) -> None:
    first = book.log(opened(X, at(10)))
    book.log(amended(X, at(20)), announced="2025-03-01")
    book.order(Withdraw(first.development, WITHDRAWAL))
    assert [book.rate(day) for day in ("2025-02-15", "2025-03-15")] == [None, 20]
    book.order(Correct(first.development, correction(opened(X, at(10)))))
    assert [book.rate(day) for day in ("2025-02-15", "2025-03-15")] == [10, 20]
    book.assert_sound()


def test_the_withdrawal_of_what_was_moved_is_told_where_it_is_now(book: Book) -> None:
    book.log(opened(Y, at(50)))
    wrong = book.log(opened(X, at(20)))
    book.order(Correct(wrong.development, correction(amended(Y, at(60)))))
    gone = book.order(Withdraw(wrong.development, WITHDRAWAL))
    assert [stored.subject for stored in gone.events] == [Y]
    assert book.at("2025-04-01").keys() == {(Y, "everyone")}
    book.assert_sound()


def test_an_unknown_development_is_not_found(book: Book) -> None:
    ids = ["", "nothing", "\0", "\ud800", "x" * 10_000]
    orders: list[Order] = [Withdraw(id, WITHDRAWAL) for id in ids]
    for order in (*orders, *(Correct(id, correction(opened(X, at(1)))) for id in ids)):
        with pytest.raises(Refused, match="take its id from the event") as raised:
            book.order(order)
        assert raised.value.code == "not_found"


# ---------------------------------------------------------------- what goes in


def test_text_that_postgresql_could_not_keep_is_refused_before_it_gets_there(book: Book) -> None:
    book.log(opened(X, at(1)))
    for bad in ("\0", "a\ud800b", "\ufffe", "\x1b[31m"):
        for order in (
            development(amended(X, at(2)), title=bad),
            development(event("statement.made", X, {"set": {"says": bad}}, claim="c")),
            development(amended(X, {"set": {"exemptions": {"a": {"text": bad}}}})),
        ):
            with pytest.raises(Refused, match=r"holds the character U\+"):
                book.order(order)


def test_the_widest_of_all_texts_and_keys_fit_both_databases(book: Book) -> None:
    slug, line, text = "s" + "-" * 62 + "s", "ł" * 300, "界" * 4000
    measure = "measure:us-" + "m" * 80
    deal = "agreement:us-gb-" + "d" * 80
    made = book.log(
        opened(measure, at(1, "party:" + "p" * 60, scope=slug), claim=slug, summary=text),
        event("statement.made", measure, {"target": "GB", "set": {"by": line, "says": text}}, claim=slug),
        event("agreement.signed", deal, about={"title": line}, claim=slug,
              provisions=[{"provision": slug, "set": {"title": line, "text": text}}]),
        event("partner.registered", "partner:GB", about={"name": line}),
        event("deadline.set", "partner:GB", deadline=slug, set={"due": "by 2025-04-09", "title": line}),
        event("assessment.published", "partner:GB", assessment=slug, by=line, text=text),
        title=line, note=text, sources=[{"publisher": line, "kind": "press", "url": "https://e/" + "u" * 980}],
    )  # fmt: skip
    book.order(Correct(made.development, correction(opened(measure, at(2)))))
    book.assert_sound()


def test_the_ends_of_time_are_kept(book: Book) -> None:
    book.log(opened(X, at(1, from_="1900-01-02", until="2199-12-30")))
    assert [book.rate(day) for day in ("1900-01-01", "1900-01-02", "2199-12-29", "2199-12-30")] == [
        None,
        1,
        1,
        None,
    ]
    book.assert_sound()


def test_what_is_announced_tomorrow_is_refused_and_says_where_a_later_start_goes(book: Book) -> None:
    with pytest.raises(Refused, match=r"in the future .* into an effect's 'from'"):
        book.log(opened(X, at(1)), announced="2025-09-02")
    assert book.rate("2025-09-03") is None
    book.log(opened(X, at(1, from_="2025-09-02")), announced="2025-08-31")
    assert book.rate("2025-09-03") == 1


def test_nobody_has_looked_for_the_news_of_days_to_come(book: Book) -> None:
    book.log(event("partner.registered", "partner:GB", about={"name": "United Kingdom"}))
    with pytest.raises(Refused, match="through 2025-09-02 lies in the future"):
        book.log(event("partner.checked", "partner:GB", through="2025-09-02"), announced="2025-08-31")
    book.log(event("partner.checked", "partner:GB", through="2025-08-31"), announced="2025-08-31")


# ---------------------------------------------------------------- anew


def beliefs(book: Book) -> list[str]:
    with reading(book.engine) as connection:
        rows = segments.ever_known(connection, None, log.position(connection))
    return sorted(repr(row) for row in rows)


def test_a_rebuild_ends_in_the_same_beliefs_at_every_position(book: Book) -> None:
    first = book.log(opened(X, at(10)), opened(Y, at(1), at(5, "GB")))
    book.log(amended(X, at(20)), announced="2025-01-15")
    book.order(Correct(first.development, correction(opened(X, at(10)), opened(Y, at(6, "GB")))))
    before = beliefs(book)
    assert list(rebuild(book.engine)) == [5]
    assert beliefs(book) == before
    book.assert_sound()
