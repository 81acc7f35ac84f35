"""Who is told: what is asked of a subscription, and what is said to who gets it wrong."""

from typing import Any

import pytest
from delivery.post import World

from tracker.delivery import deliveries, dispatch, enrolment, subscriptions
from tracker.domain.edition import Mark
from tracker.domain.errors import Refused
from tracker.store.engine import reading, writing


def test_a_subscription_begins_where_the_record_ends(world: World) -> None:
    made = world.subscribe(partners=["mx"], zone="Europe/London", hour=7, weekdays=["Monday", "fri"])
    assert made.scope.partners == ["MX"]
    assert made.weekdays == ["mon", "fri"]
    assert made.told == Mark(as_of=world.clock(), position=3)
    assert made.due_at.isoformat() == "2025-03-10T07:00:00+00:00"
    with reading(world.engine) as connection:
        assert subscriptions.listed(connection) == [made]


@pytest.mark.parametrize(
    ("wanted", "field", "said"),
    [
        ({"address": "nobody"}, "address", "write it as name@example.org"),
        ({"address": "a@example.org\nBcc: b@example.org"}, "address", "is not an e-mail address"),
        ({"address": "a@example.org, b@example.org"}, "address", "is not an e-mail address"),
        ({"address": "Ana <ana@example.org>"}, "address", "is not an e-mail address"),
        ({"address": "ana@exa mple.org"}, "address", "is not an e-mail address"),
        ({"address": "anä@example.org"}, "address", "is not an e-mail address"),
        ({"address": "a" * 65 + "@example.org"}, "address", "is not an e-mail address"),
        (
            {"partners": ["XX"]},
            "partners",
            "'XX' is not a partner that is followed here; these are: China, Mexico",
        ),
        ({"sectors": ["Energy"]}, "sectors", "'Energy' is a sector that no profile names"),
        ({"zone": "America/New_Yrok"}, "zone", "did you mean America/New_York?"),
        ({"zone": "../etc/passwd"}, "zone", "is not an IANA time zone"),
        ({"hour": 24}, "hour", "write a whole number from 0 to 23"),
        ({"hour": -1}, "hour", "write a whole number from 0 to 23"),
        ({"weekdays": ["someday"]}, "weekdays", "write some of mon, tue, wed, thu, fri, sat, sun"),
        ({"weekdays": []}, "weekdays", "no day is given: write some of mon"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(
    small_world: World, wanted: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        small_world.subscribe(**wanted)
    assert refused.value.code == "invalid"
    (problem,) = refused.value.problems
    assert problem.pointer == field
    assert said.replace("China, Mexico", "CN, MX") in problem.detail
    with reading(small_world.engine) as connection:
        assert subscriptions.listed(connection) == []


def test_everything_that_is_wrong_is_said_at_once(small_world: World) -> None:
    with pytest.raises(Refused) as refused:
        small_world.subscribe(address="nobody", zone="Mars", hour=99)
    assert [problem.pointer for problem in refused.value.problems] == ["address", "zone", "hour"]


def test_the_same_again_adds_nothing(world: World) -> None:
    made = world.subscribe(partners=["MX"])
    with pytest.raises(Refused, match=made.id):
        world.subscribe(partners=["MX"])
    world.subscribe(partners=["CN"])
    with reading(world.engine) as connection:
        assert len(subscriptions.listed(connection)) == 2


def test_who_stops_gets_nothing_more_and_is_forgotten(world: World) -> None:
    made = world.subscribe()
    world.rate(30)
    world.clock.forward(days=1)
    dispatch.cut_due(world.engine, world.clock())
    with writing(world.engine) as connection:
        enrolment.stop(connection, made.id)
    with reading(world.engine) as connection:
        assert subscriptions.listed(connection) == []
        assert [one.address for one in subscriptions.listed(connection, stopped=True)] == [""]
        assert deliveries.listed(connection, subscription=made.id) == []
    world.clock.forward(days=1)
    assert dispatch.cut_due(world.engine, world.clock()) == []
    with writing(world.engine) as connection, pytest.raises(Refused, match="stopped already"):
        enrolment.stop(connection, made.id)
