"""Told at once: what was logged as soon as it is ten minutes old, and what comes by time when it comes."""

from datetime import timedelta

from delivery.post import TARIFF, World

from tracker.delivery import dispatch, editions, enrolment, subscriptions
from tracker.delivery.editions import Frozen
from tracker.delivery.subscriptions import Wanted
from tracker.store.engine import reading, writing


def cut(world: World) -> list[Frozen]:
    return dispatch.cut_due(world.engine, world.clock())


def told(world: World) -> list[list[str]]:
    return [[entry.title for entry in frozen.edition.told] for frozen in cut(world)]


def test_an_entry_is_told_when_it_is_ten_minutes_old(world: World) -> None:
    world.subscribe(at_once=True)
    assert told(world) == []
    world.rate(30, title="Up")
    for _ in range(9):
        world.clock.forward(minutes=1)
        assert told(world) == []
    world.clock.forward(minutes=1)
    assert told(world) == [["Up"]]
    world.clock.forward(days=3)
    assert told(world) == []


def test_what_is_mended_within_ten_minutes_is_told_mended(world: World) -> None:
    world.subscribe(at_once=True)
    id = world.rate(30, title="Wrong")
    world.clock.forward(minutes=5)
    world.correct(id, 35)
    world.clock.forward(minutes=6)
    assert told(world) == [], "half of a development is not told"
    world.clock.forward(minutes=5)
    (frozen,) = cut(world)
    (entry,) = frozen.edition.told
    assert entry.kind == "new"
    assert entry.lines[0].after["rate"]["percent"] == 35


def test_what_concerns_others_is_not_told_and_leaves_no_edition(world: World) -> None:
    made = world.subscribe(partners=["CN"], at_once=True)
    world.rate(30, "MX")
    world.clock.forward(minutes=10)
    assert told(world) == []
    with reading(world.engine) as connection:
        assert editions.listed(connection) == []
        assert subscriptions.get(connection, made.id).told.position == 4, (
            "how far it was told is known all the same"
        )


def test_what_comes_by_time_is_told_when_it_comes(world: World) -> None:
    world.subscribe(at_once=True)
    start = (world.clock() + timedelta(days=20)).date()
    effect = {"target": "MX", "from": start.isoformat(), "set": {"rate": {"percent": 50}}}
    world.log({"type": "measure.amended", "subject": TARIFF, "effects": [effect]}, title="From next month")
    world.clock.forward(minutes=10)
    assert told(world) == [["From next month"]]
    days = 0
    while not (found := cut(world)):
        world.clock.forward(hours=1)
        days += 1
        assert days < 24 * 25
    (entry,) = found[0].edition.took_effect
    assert entry.title == "From next month"
    assert world.clock().date() == start
    world.clock.forward(days=2)
    assert told(world) == []


def test_two_schedulers_tell_it_once(world: World) -> None:
    made = world.subscribe(at_once=True)
    world.rate(30)
    world.clock.forward(minutes=10)
    with reading(world.engine) as connection:
        end = editions.Mark(as_of=world.clock(), position=4)
        seen = subscriptions.get(connection, made.id)
    assert len(dispatch.cut_at_once(world.engine, [seen], end)) == 1
    assert dispatch.cut_at_once(world.engine, [seen], end) == []


def test_who_is_told_the_same_shares_an_edition_and_who_is_told_nothing_moves_on_together(
    world: World,
) -> None:
    for number in range(3):
        world.subscribe(f"cn-{number}@example.org", partners=["CN"], at_once=True)
        world.subscribe(f"mx-{number}@example.org", partners=["MX"], at_once=True)
    world.rate(30, "MX")
    world.clock.forward(minutes=10)
    found = cut(world)
    assert len(found) == 3
    assert len({frozen.id for frozen in found}) == 1
    with reading(world.engine) as connection:
        assert {one.told.position for one in subscriptions.listed(connection)} == {4}
    assert cut(world) == []


def test_a_change_to_an_hour_goes_on_from_there(world: World) -> None:
    made = world.subscribe(at_once=True)
    world.rate(30, title="First")
    world.clock.forward(minutes=10)
    assert told(world) == [["First"]]
    world.rate(40, title="Second")
    with writing(world.engine) as connection:
        enrolment.change(connection, made.id, Wanted(), world.clock())
    world.clock.forward(minutes=10)
    assert told(world) == []
    world.clock.forward(days=1)
    assert told(world) == [["Second"]]
