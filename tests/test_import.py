"""An import records all its lines or none, says what is wrong with each, and may be repeated."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import Thread
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker import read
from tracker.domain.errors import Refused
from tracker.domain.events import Development
from tracker.importing import LONGEST_LINE, Imported, Rejected, Terms, load, read_lines, rehearse
from tracker.record import By, record
from tracker.store import log
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

Line = dict[str, Any]
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
"""What does not depend on the kind of database."""
MX = {"key": "mx", "development": {"title": "Mexico is followed", "announced": "2025-01-01", "events": [
    {"type": "partner.registered", "subject": "partner:MX", "about": {"name": "Mexico"}}]}}  # fmt: skip
BORDER = {"key": "border", "development": {"title": "A tariff on Mexico", "announced": "2025-02-01", "events": [
    {"type": "measure.announced", "subject": "measure:us-border", "about": {"title": "Border tariff"},
     "effects": [{"target": "MX", "from": "2025-02-04", "set": {"rate": {"percent": 25}}}]}]}}  # fmt: skip


def paused(key: str = "pause", until: str = "2025-03-04", subject: str = "measure:us-border") -> Line:
    event = {"type": "measure.paused", "subject": subject, "effects": [{"target": "MX", "until": until}]}
    return {"key": key, "development": {"title": "A pause", "announced": "2025-02-03", "events": [event]}}


def corrected(until: str, key: str = "fix", which: str = "pause") -> Line:
    return {
        "key": key,
        "corrects": which,
        "reason": "a slip",
        "development": paused(until=until)["development"],
    }


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def take(engine: Engine) -> Callable[..., Imported]:
    """Import these lines: structures, or bytes as they are."""

    def take(*lines: Line | bytes, **terms: Any) -> Imported:
        return load(engine, read_lines(text(*lines)), Terms("operator", open_clock(engine)(), **terms))

    return take


def text(*lines: Line | bytes) -> BytesIO:
    return BytesIO(b"\n".join(x if isinstance(x, bytes) else msgspec.json.encode(x) for x in lines))


def position(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.position(connection)


def rejected(take: Callable[..., Imported], *lines: Line | bytes, **terms: Any) -> list[str]:
    with pytest.raises(Rejected) as raised:
        take(*lines, **terms)
    return list(raised.value.errors)


def timeline(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as connection:
        now = read.point(connection, now=datetime.now(UTC), zone="America/New_York")
        return [(entry.title, entry.standing) for entry in read.timeline(connection, "MX", now)]


def test_lines_build_on_one_another(take: Callable[..., Imported], engine: Engine) -> None:
    done = take(
        MX, BORDER, paused(), corrected("2025-03-05"), {"key": "out", "withdraws": "border", "reason": "no"}
    )
    assert done == Imported(new=5, before=0, start=0, end=5)
    assert timeline(engine) == [
        ("A pause", "corrected"), ("A tariff on Mexico", "withdrawn"),
    ]  # fmt: skip


def test_a_repeat_records_nothing(take: Callable[..., Imported]) -> None:
    lines = [MX, BORDER, paused(), corrected("2025-03-05")]
    take(*lines)
    assert take(*lines) == Imported(new=0, before=4, start=4, end=4)
    assert take(*lines, paused("again", "2025-04-01")) == Imported(new=1, before=4, start=4, end=5)


@on_sqlite
def test_a_later_import_corrects_by_key_by_id_and_by_event(
    take: Callable[..., Imported], engine: Engine
) -> None:
    take(MX, BORDER, paused())
    with reading(engine) as connection:
        event = log.at_positions(connection, [3])[3]
    for number, which in enumerate(("pause", event.development, event.id)):
        take(corrected(f"2025-03-1{number}", f"fix-{number}", which))
    assert position(engine) == 6


def test_one_bad_line_leaves_nothing(take: Callable[..., Imported], engine: Engine) -> None:
    (error,) = rejected(take, MX, BORDER, paused(until="2025-01-01"))
    assert error.startswith(
        "line 3: /development/events/0/effects/0/until: until 2025-01-01 is not after the start"
    )
    assert "give a later 'until', or an earlier 'from'" in error
    assert position(engine) == 0
    assert take(MX, BORDER, paused()).new == 3


@on_sqlite
def test_every_bad_line_is_named_but_what_builds_on_it_is_not_blamed(take: Callable[..., Imported]) -> None:
    bad = {"key": "border", "development": BORDER["development"] | {"announced": "2025-02-30"}}
    with pytest.raises(Rejected) as raised:
        take(MX, bad, paused(), corrected("2025-03-05"), b"{", paused("x", subject="measure:us-nobody"))
    assert [error.partition(": ")[0] for error in raised.value.errors] == ["line 2", "line 5", "line 6"]
    assert "measure:us-nobody is not on record" in raised.value.errors[2]
    assert raised.value.following == 2


@on_sqlite
def test_twenty_bad_lines_are_enough(take: Callable[..., Imported]) -> None:
    with pytest.raises(Rejected) as raised:
        take(*[b'{"key": 1}'] * 30)
    assert (len(raised.value.errors), raised.value.more) == (20, 10)


BAD: list[tuple[Line | bytes, str]] = [
    (b"nonsense", "this is not JSON: column"),
    (b"[]", "[] does not fit: give an object {...}"),
    (b'{"key": "a"', "it ends too early"),
    (b"{", "it ends too early"),
    (b"\x89PNG\r", "this is not JSON"),
    (b'{"key": "\x89"}', "this is not UTF-8 text: byte 0x89"),
    (b"PK\x03\x04\x00\x00", "holds a zero byte: this is no text, give JSON Lines"),
    ("{}".encode("utf-16"), "holds a zero byte"),
    (b'{"title": "' + b"x" * LONGEST_LINE + b'"}', "is longer than 1,000,000 bytes: a command is one line"),
    (b'{"key": ""}', '/key: "" is too short: give at least 1 characters'),
    (b'{"development": {}}', "/development/title: is missing"),
    (MX | {"kye": 1}, "/kye: is not known here: did you mean key?"),
    (MX | {"key": "a\nb"}, "/key"),
    (MX | {"reason": "why"}, "a line has 'key' and: to log, 'development'"),
    (MX | {"corrects": "mx"}, "a line has 'key' and"),
    ({"key": "a"}, "a line has 'key' and"),
    ({"key": "a", "withdraws": "nobody", "reason": "x"}, "'nobody' names no development: give its id"),
    ({"key": "a", "withdraws": "no\x00body", "reason": "x"}, "names no development"),
    ({"key": "a", "withdraws": "x", "corrects": "x", "reason": "x"}, "a line has 'key' and"),
    (corrected("2025-03-04", which="mx"), ""),
    (MX | {"learnt_at": "2025-01-01"}, "import with --as-learnt, or leave it out and the clock counts"),
    (MX | {"development": MX["development"] | {"title": "Other"}}, "'mx' stands for another command already"),
]  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database that stays as it is: all that is tried on it is refused."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('import') / 'tracker.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize(("line", "said"), BAD)
def test_bad_input(sound: Engine, line: Line | bytes, said: str) -> None:
    with pytest.raises(Rejected) as raised:
        load(sound, read_lines(text(MX, line)), Terms("operator", datetime.now(UTC)))
    (error,) = raised.value.errors
    assert error.startswith("line 2: ")
    assert said in error
    assert "\n" not in error
    assert position(sound) == 0


def test_all_bad_input_at_once(take: Callable[..., Imported], engine: Engine) -> None:
    with pytest.raises(Rejected) as raised:
        take(MX, *[line for line, _ in BAD if not (isinstance(line, bytes) and b"\0" in line)])
    assert len(raised.value.errors) + raised.value.more + raised.value.following == 1 + len(BAD) - 3
    assert position(engine) == 0


@on_sqlite
def test_blank_lines_windows_lines_and_a_byte_order_mark_do_no_harm(take: Callable[..., Imported]) -> None:
    assert take(b"\xef\xbb\xbf" + msgspec.json.encode(MX) + b"\r", b"", b"  \r", BORDER, b"").new == 2
    assert take() == Imported(0, 0, 2, 2)


@on_sqlite
def test_a_line_may_be_as_long_as_a_line_may_be(take: Callable[..., Imported]) -> None:
    blank = b" " * (LONGEST_LINE - len(msgspec.json.encode(MX)))
    assert take(msgspec.json.encode(MX) + blank, BORDER).new == 2


def test_a_dry_run_does_it_all_and_takes_it_back(engine: Engine) -> None:
    lines = text(MX, BORDER, paused())
    terms = Terms("operator", datetime.now(UTC))
    assert rehearse(engine, read_lines(lines), terms, lambda _, done: done) == Imported(3, 0, 0, 3)
    assert position(engine) == 0


@on_sqlite
def test_the_clock_counts(take: Callable[..., Imported], engine: Engine) -> None:
    take(MX)
    with reading(engine) as connection:
        assert datetime.now(UTC) - log.clocks(connection)[1] < timedelta(minutes=1)


@on_sqlite
class TestAsLearnt:
    """With --as-learnt the record can claim to have known when a line says, or when it was announced."""

    def test_the_announcement_counts_where_nothing_is_said(
        self, take: Callable[..., Imported], engine: Engine
    ) -> None:
        take(MX, BORDER, BORDER | {"key": "other", "learnt_at": "2025-02-02T09:00Z"}, as_learnt=True)
        with reading(engine) as connection:
            learnt = [event.learnt_at for event in log.after(connection, 0, 3, 10)]
        assert learnt == [
            datetime(2025, 1, 1, 6, tzinfo=UTC), datetime(2025, 2, 1, 5, tzinfo=UTC),
            datetime(2025, 2, 2, 9, tzinfo=UTC),
        ]  # fmt: skip

    def test_it_never_goes_back(self, take: Callable[..., Imported]) -> None:
        (error,) = rejected(take, BORDER, MX, as_learnt=True)
        assert error.startswith("line 2: /learnt_at: learnt_at 2025-01-01T06:00:00+00:00 lies before")

    def test_days_that_begin_apart_are_the_same_day(
        self, take: Callable[..., Imported], engine: Engine
    ) -> None:
        there = MX | {"development": MX["development"] | {"announced": "2025-02-01"}}
        take(there, BORDER, as_learnt=True)
        with reading(engine) as connection:
            learnt = {event.learnt_at for event in log.after(connection, 0, 2, 10)}
        assert learnt == {datetime(2025, 2, 1, 6, tzinfo=UTC)}

    def test_it_never_runs_ahead(self, take: Callable[..., Imported]) -> None:
        (error,) = rejected(take, MX | {"learnt_at": "2199-01-01"}, as_learnt=True)
        assert "lies in the future" in error

    def test_a_repair_has_no_announcement_to_go_by(self, take: Callable[..., Imported]) -> None:
        (error,) = rejected(take, MX, BORDER, paused(), corrected("2025-03-05"), as_learnt=True)
        assert error.startswith("line 4: /learnt_at: is missing")
        assert (
            take(
                MX, BORDER, paused(), corrected("2025-03-05") | {"learnt_at": "2025-02-09"}, as_learnt=True
            ).new
            == 4
        )

    def test_a_date_that_is_none(self, take: Callable[..., Imported]) -> None:
        (error,) = rejected(take, MX | {"learnt_at": "soon"}, as_learnt=True)
        assert "'soon' is not a date" in error


@pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_others_may_record_meanwhile(take: Callable[..., Imported], engine: Engine) -> None:
    """An import locks many subjects after the head of the log, a single command one before it: neither waits for the
    other for ever."""
    take(MX, *[_measure(n) for n in range(20)])
    clock = open_clock(engine)
    failures: list[BaseException] = []

    def one_by_one() -> None:
        for n in reversed(range(20)):
            command = msgspec.convert(_pause_of(n, "2025-03-05")["development"], Development)
            try:
                record(engine, command, By("analyst", clock()))
            except (Refused, SQLAlchemyError) as error:
                failures.append(error)

    writer = Thread(target=one_by_one)
    writer.start()
    for round in range(4):
        take(*[_pause_of(n, f"2025-04-{10 + round}") for n in range(20)])
    writer.join()
    assert failures == []
    assert position(engine) == 21 + 20 + 80


def _measure(n: int) -> Line:
    event = BORDER["development"]["events"][0] | {"subject": f"measure:us-{n:02}"}
    return {"key": f"measure-{n}", "development": BORDER["development"] | {"events": [event]}}


def _pause_of(n: int, until: str) -> Line:
    return paused(f"pause-{n}-{until}", until, f"measure:us-{n:02}")
