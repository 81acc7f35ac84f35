"""The digest: nothing missed, nothing twice, nothing irrelevant."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from domain.book import CODES, Book
from domain.following import Follower, Reader, known
from domain.given import amended, at, ended, event, opened, paused
from domain.histories import histories
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracker.domain.edition import Edition, Entry, Mark, headline
from tracker.domain.history import SILENT, Change, Key, value, values
from tracker.domain.moves import moves
from tracker.domain.news import news
from tracker.domain.when import BEGINNING

START = datetime(2025, 1, 1, tzinfo=UTC)
search = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
State = dict[Key, dict[str, Any]]


@st.composite
def told(draw: st.DrawFn) -> tuple[Book, list[Mark]]:
    """A history, and where its editions end: later and later on both axes, often at the same position."""
    book = Book().play(draw(histories(most=7)))
    cuts = sorted(draw(st.lists(st.sampled_from(book.ends), min_size=1, max_size=3)))
    hours = sorted(
        draw(st.lists(st.integers(0, 24 * 14), min_size=len(cuts), max_size=len(cuts), unique=True))
    )
    marks = [
        Mark(as_of=START + timedelta(hours=hour, minutes=7), position=cut)
        for hour, cut in zip(hours, cuts, strict=True)
    ]
    last = Mark(as_of=START + timedelta(days=30), position=book.ends[-1])
    return book, [Mark(as_of=BEGINNING, position=0), *marks, last]


def windows(marks: Sequence[Mark]) -> Iterable[tuple[Mark, Mark]]:
    return pairwise(marks)


def state(book: Book, code: str, mark: Mark) -> State:
    """S(d, k): what is said at a point."""
    seen = book.watched(code, mark.position, mark.position).known(mark.position)
    found = {key: values(seen.own(key, mark.as_of)) for key in seen.keys if key.family not in SILENT}
    return {key: held for key, held in found.items() if held}


def laid(state: State, change: Change) -> None:
    held = state.setdefault(change.key, {})
    for name in {**change.before, **change.after}:
        held.pop(name, None)
        if (new := value(change.after, name)) is not None:
            held[name] = new
    if not held:
        del state[change.key]


def assert_leads_on(told: tuple[Book, list[Mark]]) -> None:
    book, marks = told
    for since, until in windows(marks):
        for code in CODES:
            who = book.watched(code, since.position, until.position)
            now = state(book, code, since)
            moved = moves([who], since, until)
            by_time = [*moved.took_effect.get(code, []), *moved.fell_through.get(code, [])]
            for change in sorted(by_time, key=lambda change: change.start):
                laid(now, change)
            assert now == state(book, code, Mark(as_of=until.as_of, position=since.position))
            stories = [
                [s for s in book.said[: until.position] if s.development == id] for id in book.developments
            ]
            found = news(
                [who], [story for story in stories if story], since.position, until.position, everybody=False
            )
            patches = [patch for one in found for patch in one.changes[code]]
            for patch in sorted(patches, key=lambda patch: patch.position):
                if patch.change.start <= until.as_of < patch.change.end:
                    laid(now, patch.change)
            assert now == state(book, code, until)


@settings(search, max_examples=30)
@given(told())
def test_what_time_and_then_knowledge_change_leads_from_one_edition_to_the_next(
    told: tuple[Book, list[Mark]],
) -> None:
    assert_leads_on(told)


def assert_readers_know(told: tuple[Book, list[Mark]]) -> None:
    book, marks = told
    followers = {code: Follower() for code in CODES}
    for since, until in windows(marks):
        edition = msgspec.json.decode(msgspec.json.encode(book.edition(CODES, since, until)), type=Edition)
        for code, follower in followers.items():
            follower.read(edition, code)
    position = marks[-1].position
    for hours in range(0, 24 * 14, 5):
        moment = START + timedelta(hours=hours, minutes=11)
        for code, follower in followers.items():
            seen = book.watched(code, position, position).known(position)
            assert follower.at(moment) == known(seen, moment)


@settings(search, max_examples=30)
@given(told())
def test_who_reads_every_edition_knows_what_is_known(told: tuple[Book, list[Mark]]) -> None:
    assert_readers_know(told)


def assert_readers_know_how_it_is(told: tuple[Book, list[Mark]]) -> None:
    book, marks = told
    readers = {code: Reader() for code in CODES}
    for since, until in windows(marks):
        edition = book.edition(CODES, since, until)
        for code, reader in readers.items():
            reader.read(edition, code)
            seen = book.watched(code, until.position, until.position).known(until.position)
            assert reader.held == known(seen, until.as_of)


@settings(search, max_examples=30)
@given(told())
def test_who_takes_each_line_as_it_stands_knows_how_it_is(told: tuple[Book, list[Mark]]) -> None:
    assert_readers_know_how_it_is(told)


def assert_told_once(told: tuple[Book, list[Mark]], codes: list[str]) -> None:
    book, marks = told
    counted: dict[int, int] = {}
    for since, until in windows(marks):
        edition = book.edition(codes, since, until)
        for entry in [*edition.new, *edition.late, *edition.corrected, *edition.withdrawn]:
            assert all(since.position < position <= until.position for position in entry.positions)
            for position in entry.positions:
                counted[position] = counted.get(position, 0) + 1
            assert set(entry.partners) <= set(codes)
            assert entry.quiet or entry.partners
        for line in [line for entry in edition.told for line in entry.lines]:
            assert set(line.partners) <= set(codes)
    assert all(times == 1 for times in counted.values())
    for first, last in pairwise(book.ends):
        whos = [book.watched(code, first, last) for code in codes]
        if any(who.step(first, last) for who in whos):
            assert all(position in counted for position in range(first + 1, last + 1))


@settings(search, max_examples=30)
@given(told(), st.lists(st.sampled_from(CODES), min_size=1, unique=True))
def test_every_event_in_scope_is_told_once_and_no_other(
    told: tuple[Book, list[Mark]], codes: list[str]
) -> None:
    assert_told_once(told, codes)


@pytest.mark.campaign
@settings(search, max_examples=2000)
@given(told(), st.lists(st.sampled_from(CODES), min_size=1, unique=True))
def test_the_three_laws_at_length(told: tuple[Book, list[Mark]], codes: list[str]) -> None:
    assert_leads_on(told)
    assert_readers_know(told)
    assert_readers_know_how_it_is(told)
    assert_told_once(told, codes)


# ---------------------------------------------------------------- examples

TARIFF = "measure:us-tariff"
FEB, MARCH, APRIL = (datetime(2025, month, 4, 13, tzinfo=UTC) for month in (2, 3, 4))


def logged(book: Book, *events: dict[str, Any], announced: str, title: str = "What happened") -> int:
    book.log({"title": title, "announced": announced, "events": list(events)})
    return len(book.developments) - 1


def corrected(
    book: Book, which: int, *events: dict[str, Any], announced: str, editorial: bool = False
) -> None:
    book.correct(which, {"title": "What happened", "announced": announced, "events": list(events)}, editorial)


def mark(book: Book, day: datetime) -> Mark:
    return Mark(as_of=day, position=book.ends[-1])


def words(entry: Entry) -> list[str]:
    return [
        f"{line.whom}: {'; '.join(line.words)}{f' {line.when}' if line.when else ''}"
        f"{f', was {line.was}' if line.was else ''}"
        for line in entry.shown
    ]


def tariff_on_mexico() -> Book:
    book = Book()
    logged(
        book, opened(TARIFF, at(25, "MX", **{"from": "2025-02-01"})), announced="2025-02-01", title="Tariff"
    )
    return book


def test_a_pause_that_ends_by_itself_is_told_on_its_day() -> None:
    book = tariff_on_mexico()
    logged(
        book, paused(TARIFF, {"target": "MX", "until": "2025-04-01"}), announced="2025-02-03", title="Pause"
    )
    edition = book.edition(["MX"], mark(book, MARCH), mark(book, APRIL))
    (entry,) = edition.took_effect
    assert (entry.title, entry.when) == ("Pause", "from 1 April 2025")
    assert words(entry) == ["Land of MX: in force from 1 April 2025, was paused"]
    assert (edition.new, headline(edition)) == ([], "1 change of state (MX)")


def test_what_comes_within_two_weeks_is_announced() -> None:
    book = tariff_on_mexico()
    logged(
        book, paused(TARIFF, {"target": "MX", "until": "2025-03-15"}), announced="2025-02-03", title="Pause"
    )
    edition = book.edition(["MX"], mark(book, FEB), mark(book, MARCH))
    assert [words(entry) for entry in edition.coming] == [
        ["Land of MX: in force from 15 March 2025, was paused"]
    ]
    assert edition.empty


def test_what_was_to_end_today_and_was_prolonged_yesterday_is_not_told_as_ended() -> None:
    book = tariff_on_mexico()
    logged(
        book, paused(TARIFF, {"target": "MX", "until": "2025-04-01"}), announced="2025-02-03", title="Pause"
    )
    since = mark(book, MARCH)
    logged(
        book, paused(TARIFF, {"target": "MX", "until": "2025-05-01"}), announced="2025-03-31", title="Longer"
    )
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert edition.took_effect == []
    assert [words(entry) for entry in edition.fell_through] == [
        ["Land of MX: in force from 1 April 2025, was paused"]
    ]
    (entry,) = edition.new
    assert words(entry) == ["Land of MX: stays paused until 1 May 2025"]
    assert entry.lines[0].note == "was to be in force from 1 April 2025"


def cheaper_from_march() -> Book:
    book = tariff_on_mexico()
    logged(
        book, amended(TARIFF, at(12, "MX", **{"from": "2025-03-10"})), announced="2025-02-20", title="Cheaper"
    )
    return book


def said(edition: Edition) -> list[tuple[str, list[str], str | None]]:
    return [(entry.title, words(entry), line.note) for entry in edition.told for line in entry.shown]


@pytest.mark.parametrize("day", [5, 10])
def test_what_is_put_off_stays_as_it_is_and_was_never_otherwise(day: int) -> None:
    """Told before the day that it was due, and on that day."""
    book = cheaper_from_march()
    since = mark(book, MARCH)
    wait = at(25, "MX", **{"from": "2025-03-10", "until": "2025-03-20"})
    logged(book, amended(TARIFF, wait), announced="2025-03-05", title="Put off")
    edition = book.edition(["MX"], since, mark(book, datetime(2025, 3, day, 13, tzinfo=UTC)))
    assert [(one.title, words(one), one.lines[0].note) for one in edition.new] == [
        ("Put off", ["Land of MX: stays 25% until 20 March 2025"], "was to be 12% from 10 March 2025")
    ]


def test_what_was_due_and_comes_otherwise_was_to_be() -> None:
    book = cheaper_from_march()
    since = mark(book, MARCH)
    more = at(15, "MX", **{"from": "2025-03-10"})
    logged(book, amended(TARIFF, more), announced="2025-03-05", title="Not so cheap")
    edition = book.edition(["MX"], since, mark(book, datetime(2025, 3, 6, 13, tzinfo=UTC)))
    assert said(edition) == [("Not so cheap", ["Land of MX: 15% from 10 March 2025"], "was to be 12%")]


def test_what_takes_effect_late_in_the_telling_was_what_it_was() -> None:
    """It held for five days before it was changed."""
    book = cheaper_from_march()
    since = mark(book, datetime(2025, 3, 14, 13, tzinfo=UTC))
    more = at(15, "MX", **{"from": "2025-03-10"})
    logged(book, amended(TARIFF, more), announced="2025-03-15", title="Back-dated")
    assert said(book.edition(["MX"], since, mark(book, APRIL))) == [
        ("Back-dated", ["Land of MX: 15% since 10 March 2025, was 12%"], None)
    ]


def test_until_is_not_said_of_what_stays_so_after() -> None:
    """The pause would have ended a day later anyway."""
    book = tariff_on_mexico()
    logged(book, paused(TARIFF, {"target": "MX", "until": "2025-03-08"}), announced="2025-02-03")
    since = mark(book, MARCH)
    early = event("measure.resumed", TARIFF, {"target": "MX", "from": "2025-03-07"})
    logged(book, early, announced="2025-03-05", title="Early")
    soon = mark(book, datetime(2025, 3, 6, 13, tzinfo=UTC))
    assert said(book.edition(["MX"], since, soon)) == [
        ("Early", ["Land of MX: in force from 7 March 2025, was paused"], None)
    ]


def test_what_is_still_to_come_has_not_moved_there_and_back() -> None:
    book = tariff_on_mexico()
    pause = {"target": "MX", "from": "2025-03-08", "until": "2025-03-12"}
    logged(book, paused(TARIFF, pause), announced="2025-02-03", title="Pause")
    edition = book.edition(["MX"], mark(book, FEB), mark(book, MARCH))
    assert [(words(entry), [line.note for line in entry.lines]) for entry in edition.coming] == [
        (["Land of MX: paused from 8 March 2025 until 12 March 2025, was in force"], [None]),
        (["Land of MX: in force from 12 March 2025, was paused"], [None]),
    ]


def test_what_is_ordered_for_next_month_is_new_today() -> None:
    book = tariff_on_mexico()
    since = mark(book, FEB)
    logged(
        book, amended(TARIFF, at(50, "MX", **{"from": "2025-05-01"})), announced="2025-03-03", title="More"
    )
    (entry,) = book.edition(["MX"], since, mark(book, MARCH)).new
    assert words(entry) == ["Land of MX: 50% from 1 May 2025, was 25%"]


def test_what_happened_before_the_last_edition_is_added_late() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    logged(book, amended(TARIFF, at(30, "MX")), announced="2025-02-20", title="Overlooked")
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert [entry.title for entry in edition.late] == ["Overlooked"]
    assert edition.late[0].dates == "happened 20 February 2025, logged 31 August 2025"
    assert headline(edition) == "1 entry added late (MX)"


def test_what_is_announced_today_is_no_later_than_a_day() -> None:
    """A date without an hour is not over before the day is."""
    book = tariff_on_mexico()
    since = Mark(as_of=datetime(2025, 3, 4, 13, tzinfo=UTC), position=1)
    logged(book, amended(TARIFF, at(30, "MX")), announced="2025-03-04", title="This morning")
    assert [e.title for e in book.edition(["MX"], since, mark(book, APRIL)).new] == ["This morning"]


def test_a_correction_says_what_was_told_and_when() -> None:
    book = tariff_on_mexico()
    which = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-03", title="Wrong")
    since = mark(book, MARCH)
    corrected(book, which, amended(TARIFF, at(31, "MX")), announced="2025-03-03")
    edition = book.edition(["MX"], since, mark(book, APRIL), {book.developments[which]: "2025-03-04"})
    (entry,) = edition.corrected
    assert words(entry) == ["Land of MX: 31%"]
    assert entry.lines[0].note == "you were told 39% on 4 March 2025"
    assert entry.reason == "We had it wrong"
    assert headline(edition) == "1 correction (MX)"


def test_what_was_told_of_somebody_else_was_not_told() -> None:
    """It was Mexico that was at 39%; that China stood at 20% was not what readers were told then."""
    book = tariff_on_mexico()
    logged(book, amended(TARIFF, at(20, "CN")), announced="2025-02-03", title="China")
    which = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-03", title="Wrong")
    since = mark(book, MARCH)
    corrected(book, which, amended(TARIFF, at(39, "CN")), announced="2025-03-03")
    told_on = {book.developments[which]: "2025-03-04"}
    (entry,) = book.edition(["MX", "CN"], since, mark(book, APRIL), told_on).corrected
    assert {line.whom: (line.was, line.note) for line in entry.lines} == {
        "Land of MX": ("", "you were told 39% on 4 March 2025"),
        "Land of CN": ("20%", None),
    }


def test_a_withdrawal_says_what_stands_instead() -> None:
    book = tariff_on_mexico()
    which = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-03")
    since = mark(book, MARCH)
    book.withdraw(which)
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).withdrawn
    assert (words(entry), entry.reason) == (["Land of MX: 25%, was 39%"], "It never happened")


def test_a_withdrawal_says_what_time_brought_since() -> None:
    """Its pause was to end the day before; then it had ended early; then it had not; meanwhile it did end."""
    book = tariff_on_mexico()
    until = datetime(2025, 3, 5, 4, 59, tzinfo=UTC)
    logged(
        book,
        paused(TARIFF, {"target": "MX", "from": "2025-03-03T10:00", "until": "2025-03-05"}),
        announced="2025-03-03",
    )
    early = {"target": "MX", "from": "2025-03-04"}
    which = logged(
        book, event("measure.resumed", TARIFF, early), announced="2025-03-03", title="Pause ends early"
    )
    since = mark(book, datetime(2025, 3, 4, 12, tzinfo=UTC))
    book.withdraw(which)
    (entry,) = book.edition(["MX"], since, mark(book, until)).withdrawn
    assert words(entry) == ["Land of MX: paused from 4 March 2025 until 5 March 2025, was in force"]
    (entry,) = book.edition(["MX"], since, mark(book, until + timedelta(hours=7))).withdrawn
    assert words(entry) == [
        "Land of MX: paused from 4 March 2025 until 5 March 2025, was in force",
        "Land of MX: in force from 5 March 2025, was paused",
    ]


def test_a_correction_says_what_time_brought_since() -> None:
    """It was dearer for three days, and what had been told applied again on the morning of the edition."""
    book = tariff_on_mexico()
    which = logged(book, amended(TARIFF, at(35, "MX")), announced="2025-03-03")
    since = mark(book, MARCH)
    for_a_while = at(39, "MX", **{"from": "2025-03-05", "until": "2025-03-08"})
    corrected(book, which, amended(TARIFF, at(35, "MX"), for_a_while), announced="2025-03-03")
    until = mark(book, datetime(2025, 3, 8, 13, tzinfo=UTC))
    edition = book.edition(["MX"], since, until, {book.developments[which]: "2025-03-04"})
    (entry,) = edition.corrected
    assert words(entry) == [
        "Land of MX: 39% from 5 March 2025 until 8 March 2025",
        "Land of MX: 35% from 8 March 2025, was 39%",
    ]
    assert [line.note for line in entry.lines] == ["you were told 35% on 4 March 2025", None]
    assert [line.after for line in entry.lines] == [{"rate": {"percent": rate}} for rate in (39, 35)]


def test_what_was_put_in_late_and_over_by_then_is_for_programs_alone() -> None:
    """Its line says until when, and what held but for it."""
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    day = at(99, "MX", **{"from": "2025-03-10", "until": "2025-03-11"})
    logged(book, amended(TARIFF, day), announced="2025-03-09")
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).new
    assert [(line.words, line.quiet) for line in entry.lines] == [(["99%"], False), (["25%"], True)]


def test_a_correction_reaches_those_whom_only_the_original_concerned() -> None:
    book = tariff_on_mexico()
    which = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-03")
    since = mark(book, MARCH)
    corrected(book, which, opened(TARIFF, at(39, "CN")), announced="2025-03-03")
    until = mark(book, APRIL)
    assert [words(e) for e in book.edition(["MX"], since, until).corrected] == [["Land of MX: 25%, was 39%"]]
    assert [e.partners for e in book.edition(["MX", "CN"], since, until).corrected] == [["MX", "CN"]]
    assert book.edition(["GB"], since, until).empty


def test_dates_are_those_of_whoever_acts_in_what_a_correction_now_says() -> None:
    """It was about Mexico itself, and is about an American tariff."""
    book = tariff_on_mexico()
    which = logged(
        book,
        event("deadline.set", "partner:MX", deadline="truce", set={"due": "2025-03-20"}),
        announced="2025-03-02",
    )
    since = mark(book, MARCH)
    corrected(book, which, amended(TARIFF, at(31, "MX", **{"from": "2025-04-02"})), announced="2025-03-02")
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).corrected
    assert "Land of MX: 31% since 2 April 2025, was 25%" in words(entry)


def test_a_correction_keeps_its_reason_though_its_wording_is_mended_after() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    for percent, title, editorial in ((30, "What happened", False), (30, "What happened there", True)):
        fact = opened(TARIFF, at(percent, "MX", **{"from": "2025-02-01"}))
        told = {"title": title, "announced": "2025-02-01", "events": [fact]}
        book.correct(0, told, editorial)
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).corrected
    assert (entry.title, entry.reason) == ("What happened there", "We had it wrong")


def test_an_editorial_correction_is_not_told() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    corrected(
        book,
        0,
        opened(TARIFF, at(25, "MX", **{"from": "2025-02-01"})),
        announced="2025-02-01",
        editorial=True,
    )
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert (edition.empty, edition.editorial) == (True, 1)


def test_programs_learn_of_an_editorial_correction_that_changes_words() -> None:
    """What follows the editions knows what the record says; readers hear nothing of it."""
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    mended = at(25, "MX", **{"from": "2025-02-01"})
    mended["set"]["text"] = "Spelt right."
    corrected(book, 0, opened(TARIFF, mended), announced="2025-02-01", editorial=True)
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert (edition.empty, edition.editorial) == (True, 1)
    assert [line.after for entry in edition.corrected for line in entry.lines] == [{"text": "Spelt right."}]


def test_what_was_logged_and_withdrawn_since_the_last_edition_is_one_line() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    book.withdraw(logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-20", title="Mistake"))
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert [(e.title, e.note, e.lines) for e in edition.told] == [
        ("Mistake", "logged and withdrawn since the last digest", [])
    ]
    assert headline(edition) == "1 entry withdrawn before it was told (MX)"


@pytest.mark.parametrize("editorial", [True, False])
def test_what_was_mended_before_it_was_told_is_told_without_a_reason(editorial: bool) -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    which = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-20")
    percent = 39 if editorial else 31
    told = {
        "title": "Put better",
        "announced": "2025-03-20",
        "events": [amended(TARIFF, at(percent, "MX"))],
    }
    book.correct(which, told, editorial)
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert entries(edition) == [("new", "Put better", None, [f"Land of MX: {percent}%, was 25%"])]


@pytest.mark.parametrize("day", [9, 10, 11])
def test_a_step_withdrawn_about_the_day_it_was_due_is_told_once(day: int) -> None:
    book = cheaper_from_march()
    since = mark(book, MARCH)
    book.withdraw(1)
    edition = book.edition(["MX"], since, mark(book, datetime(2025, 3, day, 13, tzinfo=UTC)))
    assert [(entry.kind, entry.title) for entry in edition.told] == [("withdrawn", "Cheaper")]
    assert headline(edition) == "1 withdrawal (MX)"


def test_what_moved_and_moved_back_is_one_entry() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    logged(book, amended(TARIFF, at(50, "MX")), announced="2025-03-20", title="Up")
    logged(
        book,
        amended(TARIFF, at(25, "MX"), at(25, "MX", **{"from": "2025-03-20"})),
        announced="2025-03-21",
        title="Down",
    )
    edition = book.edition(["MX"], since, mark(book, APRIL))
    (entry,) = edition.new
    assert (entry.title, [also.title for also in entry.also]) == ("Down", ["Up"])
    assert entry.note == "moved and moved back (2 changes)"
    assert words(entry)[0] == "Land of MX: 50%, was 25%"


def entries(edition: Edition) -> list[tuple[str, str, str | None, list[str]]]:
    return [(one.kind, one.title, one.reason, words(one)) for one in edition.told]


def test_what_was_withdrawn_stands_alone_under_its_own_reason() -> None:
    """Each was on top of the other; neither left anything behind."""
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    first = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-20", title="First")
    second = logged(book, amended(TARIFF, at(41, "MX")), announced="2025-03-20", title="Second")
    book.withdraw(first, "A rumour")
    book.withdraw(second, "Of another country")
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert entries(edition) == [
        ("withdrawn", "First", "A rumour", []),
        ("withdrawn", "Second", "Of another country", []),
    ]
    assert {one.note for one in edition.told} == {"logged and withdrawn since the last digest"}


def test_two_that_had_been_told_are_withdrawn_each_under_its_own_reason() -> None:
    book = tariff_on_mexico()
    first = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-02", title="First")
    second = logged(book, amended(TARIFF, at(25, "MX")), announced="2025-03-03", title="Second")
    since = mark(book, MARCH)
    book.withdraw(second, "Of another country")
    book.withdraw(first, "A rumour")
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert [one[:3] for one in entries(edition)] == [
        ("withdrawn", "Second", "Of another country"),
        ("withdrawn", "First", "A rumour"),
    ]


def test_what_stays_is_not_told_with_what_was_withdrawn() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    wrong = logged(book, amended(TARIFF, at(39, "MX")), announced="2025-03-20", title="Wrong")
    logged(
        book,
        amended(TARIFF, at(25, "MX"), at(25, "MX", **{"from": "2025-03-20"})),
        announced="2025-03-21",
        title="Stays",
    )
    book.withdraw(wrong, "A rumour")
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert [one[:3] for one in entries(edition)] == [
        ("new", "Stays", None),
        ("withdrawn", "Wrong", "A rumour"),
    ]


def test_what_was_added_late_is_not_told_as_new_because_it_was_undone() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    logged(book, amended(TARIFF, at(50, "MX")), announced="2025-02-20", title="Up")
    logged(
        book,
        amended(TARIFF, at(25, "MX"), at(25, "MX", **{"from": "2025-02-20"})),
        announced="2025-03-21",
        title="Down",
    )
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert [one[:2] for one in entries(edition)] == [("new", "Down"), ("late", "Up")]


def test_equal_changes_are_one_line_for_all_whom_they_concern() -> None:
    book = Book()
    since = mark(book, FEB)
    both = [at(10, code, **{"from": "2025-03-01"}) for code in ("MX", "CN")]
    logged(book, opened(TARIFF, *both, at(20, "GB")), announced="2025-02-20")
    (entry,) = book.edition(CODES, since, mark(book, MARCH)).new
    assert words(entry) == [
        "Land of GB: 20%", "Land of MX, Land of CN: 10% since 1 March 2025",
    ]  # fmt: skip


def test_what_reaches_a_bloc_reaches_its_members_and_nobody_else() -> None:
    book = Book()
    logged(
        book,
        {"type": "bloc.joined", "subject": "partner:MX", "bloc": "EU", "from": "2020"},
        announced="2025-01-01",
    )
    since = mark(book, FEB)
    logged(book, opened(TARIFF, at(20, "EU")), announced="2025-02-20")
    until = mark(book, MARCH)
    (entry,) = book.edition(["MX"], since, until).new
    assert words(entry) == ["Land of MX (through the EU): 20%"]
    assert book.edition(["GB"], since, until).empty


def test_terms_of_a_measure_that_does_not_reach_a_partner_are_not_told() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    spared = {"target": "everyone", "scope": "cars", "set": {"exempt": True}}
    logged(book, amended(TARIFF, spared), announced="2025-03-20")
    until = mark(book, APRIL)
    assert [entry.partners for entry in book.edition(["GB", "MX"], since, until).new] == [["MX"]]
    assert book.edition(["GB"], since, until).empty


def test_a_rate_is_not_told_of_goods_that_stay_exempt() -> None:
    book, since = cars_exempt_from_a_tariff()
    which = logged(book, amended(TARIFF, at(35, "MX", scope=None)), announced="2025-03-20")
    until = mark(book, APRIL)
    (entry,) = book.edition(["MX"], since, until).new
    assert words(entry) == ["Land of MX: 35%, was 25%"]
    quiet = [line for line in entry.lines if line.quiet]
    assert [(line.scopes, line.words, line.after) for line in quiet] == [
        (["cars"], ["still exempt"], {"rate": {"percent": 35.0}})
    ]
    book.withdraw(which)
    (entry,) = book.edition(["MX"], until, mark(book, APRIL + timedelta(days=1))).withdrawn
    assert words(entry) == ["Land of MX: 25%, was 35%"]


def test_a_rate_of_exempt_goods_alone_leaves_them_exempt() -> None:
    book, since = cars_exempt_from_a_tariff()
    logged(book, amended(TARIFF, at(35, "MX", scope="cars")), announced="2025-03-20")
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).new
    assert words(entry) == ["Land of MX: still exempt"]


def test_a_rate_is_told_from_when_the_exemption_ends() -> None:
    book, since = cars_exempt_from_a_tariff(until="2025-05-01")
    logged(book, amended(TARIFF, at(35, "MX", scope="cars")), announced="2025-03-20")
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).new
    assert words(entry) == ["Land of MX: 35% from 1 May 2025"]


def test_a_step_that_comes_is_not_told_of_goods_that_stay_exempt() -> None:
    book, _ = cars_exempt_from_a_tariff()
    logged(book, amended(TARIFF, at(35, "MX", scope=None, from_="2025-04-01")), announced="2025-03-01")
    (entry,) = book.edition(["MX"], mark(book, MARCH), mark(book, APRIL)).took_effect
    assert words(entry) == ["Land of MX: 35% from 1 April 2025, was 25%"]


def test_a_tariff_that_begins_spares_what_it_spares() -> None:
    book = Book()
    spared = {
        "target": "MX",
        "scope": "cars",
        "from": "2025-04-01",
        "set": {"exempt": True, "rate": {"percent": 9}},
    }
    logged(book, opened(TARIFF, at(25, "MX", from_="2025-04-01"), spared), announced="2025-02-20")
    (entry,) = book.edition(["MX"], mark(book, MARCH), mark(book, APRIL)).took_effect
    assert words(entry) == [
        "Land of MX: 25% from 1 April 2025", "Land of MX: exempt from 1 April 2025",
    ]  # fmt: skip


def cars_exempt_from_a_tariff(**span: str) -> tuple[Book, Mark]:
    book = tariff_on_mexico()
    spared = {"target": "everyone", "scope": "cars", "set": {"exempt": True}, **span}
    logged(book, amended(TARIFF, spared), announced="2025-02-20")
    return book, mark(book, MARCH)


def test_that_somebody_looked_for_news_is_no_news() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    logged(book, event("partner.checked", "partner:MX", through="2025-04-03"), announced="2025-04-03")
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert (edition.empty, edition.unchecked) == (True, [])


def test_a_deadline_is_told_when_it_is_reached_and_still_open() -> None:
    book = Book()
    logged(
        book, event("deadline.set", "partner:MX", deadline="truce", set={"due": "2025-03-20", "title": "Truce"}),
        announced="2025-02-01", title="A truce",
    )  # fmt: skip
    edition = book.edition(["MX"], mark(book, MARCH), mark(book, APRIL))
    (entry,) = edition.took_effect
    assert words(entry) == ["Land of MX: due 20 March 2025, still open"]
    assert entry.lines[0].item == "Deadline: Truce"


def test_what_ended_before_it_was_told_is_told() -> None:
    book = tariff_on_mexico()
    since = mark(book, MARCH)
    logged(
        book,
        amended(TARIFF, at(99, "MX", **{"from": "2025-03-10", "until": "2025-03-11"})),
        announced="2025-03-09",
    )
    (entry,) = book.edition(["MX"], since, mark(book, APRIL)).new
    assert words(entry) == ["Land of MX: 99% from 10 March 2025 until 11 March 2025, was 25%"]


def test_what_began_and_ended_by_itself_between_two_editions_is_told() -> None:
    book = tariff_on_mexico()
    day = {"from": "2025-03-10", "until": "2025-03-11"}
    logged(book, amended(TARIFF, at(99, "MX", **day)), announced="2025-02-09", title="For a day")
    edition = book.edition(["MX"], mark(book, MARCH), mark(book, APRIL))
    assert [(entry.title, words(entry), entry.lines[0].note) for entry in edition.took_effect] == [
        ("For a day", ["Land of MX: 99% from 10 March 2025 until 11 March 2025, was 25%"], "moved and moved back"),
        ("For a day", ["Land of MX: 25% from 11 March 2025, was 99%"], "moved and moved back"),
    ]  # fmt: skip


def test_nothing_new_is_an_empty_edition() -> None:
    book = tariff_on_mexico()
    logged(book, ended(TARIFF, {"target": "MX"}), announced="2025-02-03")
    edition = book.edition(["MX"], mark(book, MARCH), mark(book, APRIL))
    assert (edition.empty, headline(edition)) == (True, "nothing changed")


def test_joining_a_bloc_brings_what_holds_for_it() -> None:
    book = Book()
    logged(book, opened(TARIFF, at(20, "EU")), announced="2025-01-20")
    since = mark(book, FEB)
    joined = {"type": "bloc.joined", "subject": "partner:MX", "bloc": "EU"}
    logged(book, joined, announced="2025-02-20", title="Mexico joins")
    (entry,) = book.edition(["MX"], since, mark(book, MARCH)).new
    assert entry.title == "Mexico joins"
    assert "Land of MX (through the EU): 20%" in words(entry)


def test_what_another_development_moved_in_between_is_told_step_by_step() -> None:
    """A sets 10, B sets 20, then A turns out to be the later one and to say 25, as it was before both."""
    book = tariff_on_mexico()
    first, since = mark(book, FEB), mark(book, MARCH)
    which = logged(book, amended(TARIFF, at(10, "MX")), announced="2025-03-10", title="A")
    logged(book, amended(TARIFF, at(20, "MX")), announced="2025-03-11", title="B")
    corrected(book, which, amended(TARIFF, at(25, "MX")), announced="2025-03-11T09:00")
    until = mark(book, APRIL)
    follower = Follower()
    follower.read(book.edition(["MX"], Mark(as_of=BEGINNING, position=0), first), "MX")
    follower.read(book.edition(["MX"], since, until), "MX")
    assert follower.at(until.as_of) == known(
        book.watched("MX", 0, until.position).known(until.position), until.as_of
    )


def test_what_others_moved_there_and_back_in_between_is_told_step_by_step() -> None:
    """A sets 10, B sets 20, C sets 10 again; then A turns out to be the last of them and to say 25, as before all."""
    book = tariff_on_mexico()
    first, since = mark(book, FEB), mark(book, MARCH)
    which = logged(book, amended(TARIFF, at(10, "MX")), announced="2025-03-10", title="A")
    logged(book, amended(TARIFF, at(20, "MX")), announced="2025-03-11", title="B")
    logged(book, amended(TARIFF, at(10, "MX")), announced="2025-03-12", title="C")
    corrected(book, which, amended(TARIFF, at(25, "MX")), announced="2025-03-12T09:00")
    until = mark(book, APRIL)
    follower = Follower()
    follower.read(book.edition(["MX"], Mark(as_of=BEGINNING, position=0), first), "MX")
    follower.read(book.edition(["MX"], since, until), "MX")
    assert follower.at(until.as_of) == known(
        book.watched("MX", 0, until.position).known(until.position), until.as_of
    )


def test_goods_that_are_told_apart_for_somebody_else_are_no_news() -> None:
    """Britain's cars are; a later act on all goods of the measure speaks of Mexico's apart, too."""
    book = tariff_on_mexico()
    logged(book, amended(TARIFF, at(25, "MX"), at(20, "GB")), announced="2025-02-02")
    logged(book, amended(TARIFF, at(10, "GB", scope="cars")), announced="2025-02-03")
    since = mark(book, MARCH)
    logged(book, amended(TARIFF, at(30, "MX")), announced="2025-03-20", title="More")
    edition = book.edition(["MX"], since, mark(book, APRIL))
    assert [words(one) for one in edition.told] == [["Land of MX: 30%, was 25%"]]
    since = mark(book, APRIL)
    logged(book, amended(TARIFF, at(5, "MX", scope="cars")), announced="2025-04-20", title="Mexico's cars")
    edition = book.edition(["MX"], since, mark(book, datetime(2025, 5, 4, 13, tzinfo=UTC)))
    assert [words(one) for one in edition.told] == [["Land of MX: 5%, was 30%"]]
