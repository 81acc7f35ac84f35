"""Cutting editions: once per local date, nothing missed, nothing twice, by any number of schedulers."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from threading import Barrier
from typing import Any

import pytest
from delivery.post import MORNING, World
from sqlalchemy import select

from tracker.delivery import deliveries, dispatch, editions, render
from tracker.delivery.editions import Frozen, cuts
from tracker.domain.edition import Edition, Scope
from tracker.domain.errors import Refused
from tracker.store.engine import open_engine, reading


def cut(world: World) -> list[Frozen]:
    return dispatch.cut_due(world.engine, world.clock())


def titles(frozen: Iterable[Frozen]) -> list[list[str]]:
    return [[entry.title for entry in one.edition.told] for one in frozen]


def keys(world: World) -> list[str]:
    with reading(world.engine) as connection:
        return list(connection.scalars(select(cuts.c.due_key).order_by(cuts.c.id)))


def test_an_edition_is_cut_at_its_hour_and_once(world: World) -> None:
    world.subscribe(partners=["MX"])
    world.rate(30, title="Thirty")
    world.clock.now = MORNING - timedelta(seconds=1)
    assert cut(world) == []
    world.clock.now = MORNING
    (frozen,) = cut(world)
    assert titles([frozen]) == [["Thirty"]]
    assert frozen.id == hashlib.sha256(frozen.content.encode()).hexdigest()
    assert cut(world) == []
    assert keys(world) == ["2025-03-10"]
    with reading(world.engine) as connection:
        (delivery,) = deliveries.listed(connection)
        assert (delivery.recipient, delivery.state, delivery.edition) == (
            "reader@example.org",
            "pending",
            frozen.id,
        )


def test_every_entry_stands_in_exactly_one_edition(world: World) -> None:
    world.subscribe()
    told = []
    for day in range(5):
        world.clock.now = MORNING + timedelta(days=day, hours=3)
        world.rate(day, title=f"Day {day}")
        world.clock.now = MORNING + timedelta(days=day + 1)
        told += titles(cut(world))
    assert told == [[f"Day {day}"] for day in range(5)]


def test_entries_younger_than_ten_minutes_wait_for_the_next_edition(world: World) -> None:
    world.subscribe()
    world.clock.now = MORNING - timedelta(minutes=11)
    world.rate(30, title="Old enough")
    world.clock.now = MORNING - timedelta(minutes=9)
    world.rate(35, title="Young")
    world.clock.now = MORNING
    assert titles(cut(world)) == [["Old enough"]]
    with reading(world.engine) as connection:
        preview = editions.preview(connection, Scope(), now=world.clock(), zone="America/New_York")
    assert [(entry.title, entry.held) for entry in preview.told] == [("Old enough", False), ("Young", True)]
    world.clock.forward(days=1)
    assert titles(cut(world)) == [["Young"]]


def test_an_outage_of_days_gives_one_edition(world: World) -> None:
    world.subscribe()
    for day in range(3):
        world.clock.now = MORNING + timedelta(days=day, hours=1)
        world.rate(day, title=f"Day {day}")
    world.clock.now = MORNING + timedelta(days=3, hours=5)
    (frozen,) = cut(world)
    assert frozen.day == "2025-03-13"
    assert titles([frozen]) == [["Day 0", "Day 1", "Day 2"]]
    assert [entry.day for entry in frozen.edition.told] == ["2025-03-10", "2025-03-11", "2025-03-12"]
    assert (cut(world), keys(world)) == ([], ["2025-03-13"])
    text = render.text(frozen.edition)
    days = [f"  {day} March 2025" for day in ("Monday 10", "Tuesday 11", "Wednesday 12")]
    assert [line for line in text.splitlines() if line in days] == days


def test_a_sector_stands_for_all_whose_profile_names_it(world: World) -> None:
    def profile(*sectors: str) -> dict[str, Any]:
        return {"type": "partner.profiled", "subject": "partner:MX", "set": {"sectors": sectors}}

    world.log(profile("Energy", "Materials"), title="Profile")
    world.subscribe(sectors=["energy"])
    world.rate(30, "MX", title="Mexico")
    world.rate(30, "CN", title="China")
    world.clock.now = MORNING
    assert titles(cut(world)) == [["Mexico"]]
    world.clock.forward(hours=1)
    world.log(profile("Materials"), title="Not energy any more")
    world.clock.now = MORNING + timedelta(days=1)
    assert titles(cut(world)) == [["Not energy any more"]]
    world.clock.forward(hours=1)
    world.rate(35, "MX", title="Mexico again")
    world.clock.now = MORNING + timedelta(days=2)
    assert titles(cut(world)) == [[]]


def test_what_it_says_does_not_depend_on_when_it_is_cut(world: World) -> None:
    """A scheduler that comes late leaves what was recorded meanwhile to the next edition."""
    world.subscribe("early@example.org")
    world.subscribe("late@example.org")
    world.rate(30, title="Before")
    world.clock.now = MORNING
    with reading(world.engine) as connection:
        early, late = dispatch.subscriptions.listed(connection)
    first = dispatch.cut_one(world.engine, early, world.clock())
    world.clock.forward(hours=2)
    world.rate(35, title="After")
    world.clock.forward(hours=2)
    second = dispatch.cut_one(world.engine, late, world.clock())
    assert first is not None
    assert second is not None
    assert first.id == second.id


def test_nothing_new_is_recorded_and_not_sent(world: World) -> None:
    quiet, eager = world.subscribe(), world.subscribe("eager@example.org", send_empty=True)
    world.clock.now = MORNING
    assert [one.edition.empty for one in cut(world)] == [True, True]
    with reading(world.engine) as connection:
        assert [one.empty for one in editions.listed(connection, subscription=quiet.id)] == [True]
        assert editions.listed(connection, empty=False) == []
        assert [one.subscription for one in deliveries.listed(connection)] == [eager.id]


def test_equal_scopes_share_an_edition(world: World) -> None:
    world.subscribe("one@example.org", partners=["MX"])
    world.subscribe("two@example.org", partners=["MX"])
    world.subscribe("three@example.org", partners=["CN"])
    world.rate(30, "MX")
    world.clock.now = MORNING
    one, two, three = cut(world)
    assert one.id == two.id != three.id
    with reading(world.engine) as connection:
        assert {d.recipient for d in deliveries.listed(connection, edition=one.id)} == {
            "one@example.org", "two@example.org",
        }  # fmt: skip


def test_a_correction_names_the_day_on_which_it_was_told_otherwise(world: World) -> None:
    world.subscribe()
    wrong = world.rate(39)
    world.clock.now = MORNING
    (before,) = cut(world)
    world.clock.forward(hours=1)
    world.correct(wrong, 31)
    world.clock.now = MORNING + timedelta(days=1)
    (frozen,) = cut(world)
    (entry,) = frozen.edition.corrected
    assert entry.lines[0].note == "you were told 39% on 10 March 2025"
    with reading(world.engine) as connection:
        assert editions.repaired_since(connection, before.id) == [wrong]
        assert editions.repaired_since(connection, frozen.id) == []
        assert editions.get(connection, before.id) == before


def test_a_second_correction_names_the_day_of_the_first(world: World) -> None:
    world.subscribe()
    wrong = world.rate(39)
    notes: dict[str | None, None] = {}
    for day, rate in enumerate((31, 35, 36)):
        world.clock.now = MORNING + timedelta(days=day)
        (frozen,) = cut(world)
        notes.update({line.note: None for entry in frozen.edition.told for line in entry.lines})
        world.clock.forward(hours=1)
        world.correct(wrong, rate)
    assert [*notes] == [None, "you were told 39% on 10 March 2025", "you were told 31% on 11 March 2025"]


def test_an_editorial_correction_puts_no_banner_over_an_edition(world: World) -> None:
    world.subscribe()
    id = world.rate(39)
    world.clock.now = MORNING
    (frozen,) = cut(world)
    world.clock.forward(hours=1)
    world.correct(id, 39, title="Rate, spelt right", editorial=True)
    with reading(world.engine) as connection:
        assert editions.repaired_since(connection, frozen.id) == []
    world.correct(id, 31)
    with reading(world.engine) as connection:
        assert editions.repaired_since(connection, frozen.id) == [id]


def test_two_subscriptions_are_told_each_what_it_was_told_before(world: World) -> None:
    world.subscribe("first@example.org")
    wrong = world.rate(39)
    world.clock.now = MORNING
    cut(world)
    world.subscribe("second@example.org")
    world.clock.forward(hours=1)
    world.withdraw(wrong)
    world.clock.now = MORNING + timedelta(days=1)
    notes = [one.edition.withdrawn[0].note for one in cut(world)]
    assert notes == ["you were told of it on 10 March 2025", None]


def test_an_hour_moved_to_later_the_same_day_repeats_nothing(world: World) -> None:
    made = world.subscribe()
    world.clock.now = MORNING
    cut(world)
    with world.engine.connect().execution_options(writes=True) as connection, connection.begin():
        table = dispatch.subscriptions.subscriptions
        later = MORNING + timedelta(hours=4)
        connection.execute(table.update().where(table.c.id == made.id).values(hour=12, due_at=later))
    world.rate(30, title="Meanwhile")
    world.clock.now = MORNING + timedelta(hours=5)
    assert cut(world) == []
    world.clock.now = MORNING + timedelta(days=1, hours=4)
    assert titles(cut(world)) == [["Meanwhile"]]
    assert keys(world) == ["2025-03-10", "2025-03-11"]


def test_a_morning_on_which_the_clocks_change(world: World) -> None:
    """New York loses an hour on 9 March; London on 30 March; both give one edition a day."""
    world.clock.now = datetime(2025, 3, 7, 12, tzinfo=UTC)
    world.subscribe("ny@example.org", zone="America/New_York", hour=2)
    world.subscribe("london@example.org", zone="Europe/London", hour=1)
    world.clock.now = datetime(2025, 3, 8, 0, tzinfo=UTC)
    for _ in range(24 * 25):
        cut(world)
        world.clock.forward(hours=1)
    found = keys(world)
    days = [(datetime(2025, 3, 8) + timedelta(days=n)).date().isoformat() for n in range(25)]  # noqa: DTZ001
    assert sorted(found) == sorted(days * 2)


def test_any_number_of_schedulers_cut_one_edition(world: World) -> None:
    for number in range(5):
        world.subscribe(f"reader-{number}@example.org")
    world.rate(30)
    world.clock.now = MORNING
    url = world.engine.url.render_as_string(hide_password=False)
    engines = [open_engine(url) for _ in range(4)]
    ready = Barrier(len(engines))

    def scheduler(number: int) -> list[Frozen]:
        ready.wait()
        return dispatch.cut_due(engines[number], MORNING)

    with ThreadPoolExecutor(len(engines)) as pool:
        found = [one for cut in pool.map(scheduler, range(len(engines))) for one in cut]
    for engine in engines:
        engine.dispose()
    assert len(found) == 5
    assert keys(world) == ["2025-03-10"] * 5
    with reading(world.engine) as connection:
        assert len(deliveries.listed(connection)) == 5


def cut_by(url: str, now: datetime) -> int:
    """What a scheduler in a process of its own cuts."""
    engine = open_engine(url)
    try:
        return len(dispatch.cut_due(engine, now))
    finally:
        engine.dispose()


@pytest.mark.campaign
@pytest.mark.parametrize("processes", [2, 4])
def test_any_number_of_processes_cut_one_edition_a_day(world: World, processes: int) -> None:
    """For thirty days, with an outage of three; all wake at the same moment."""
    subscribed = [world.subscribe(f"reader-{n}@example.org", partners=["MX"][: n % 2]) for n in range(6)]
    url, days = world.engine.url.render_as_string(hide_password=False), [*range(10), *range(13, 30)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        for day in days:
            world.clock.now = MORNING + timedelta(days=day, hours=1)
            found = pool.map(cut_by, [url] * processes, [world.clock.now] * processes)
            assert sum(found) == len(subscribed)
            world.clock.forward(hours=1)
            world.rate(day, "MX", title=f"Day {day}")
    expected = [(MORNING + timedelta(days=day)).date().isoformat() for day in days]
    with reading(world.engine) as connection:
        for one in subscribed:
            wanted = select(cuts.c.due_key).where(cuts.c.subscription == one.id).order_by(cuts.c.id)
            assert list(connection.scalars(wanted)) == expected
            sent = deliveries.listed(connection, subscription=one.id, limit=99)
            told = [editions.get(connection, each.edition).edition for each in reversed(sent)]
            assert titles_of(told) == [f"Day {day}" for day in days[:-1]]


def titles_of(told: Iterable[Edition]) -> list[str]:
    return [entry.title for edition in told for entry in edition.told]


def test_one_that_fails_does_not_stop_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = world.subscribe("bad@example.org", partners=["CN"])
    world.subscribe("good@example.org", partners=["MX"])
    world.rate(30)
    world.clock.now = MORNING
    whole = editions.worked_out

    def fails_for_china(connection: object, frame: object, *rest: object) -> object:
        if frame.scope.partners == ["CN"]:  # type: ignore[attr-defined]
            raise RuntimeError("cosmic ray")
        return whole(connection, frame, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(editions, "worked_out", fails_for_china)
    assert len(cut(world)) == 1
    world.clock.forward(minutes=20)
    with reading(world.engine) as connection:
        assert [one.subscription for one in dispatch.missing(connection, world.clock())] == [bad.id]
    monkeypatch.undo()
    assert len(cut(world)) == 1
    with reading(world.engine) as connection:
        assert dispatch.missing(connection, world.clock()) == []


def test_a_preview_of_a_past_day_is_what_the_record_had_learnt_by_then(world: World) -> None:
    world.clock.now = MORNING + timedelta(hours=1)
    world.rate(30, title="On the tenth")
    world.clock.forward(days=3)
    with reading(world.engine) as connection:

        def of(day: str) -> list[str]:
            found = editions.preview(connection, Scope(), now=world.clock(), zone="America/New_York", day=day)
            return [entry.title for entry in found.told]

        assert (of("2025-03-10"), of("2025-03-11"), of("2025-03-12")) == ([], ["On the tenth"], [])
        with pytest.raises(Refused, match="lies in the future"):
            of("2025-04-01")
        with pytest.raises(Refused, match="is not a date"):
            of("yesterday")
        with pytest.raises(Refused, match="'ZZ' is not a partner"):
            editions.preview(connection, Scope(partners=["ZZ"]), now=world.clock(), zone="America/New_York")
