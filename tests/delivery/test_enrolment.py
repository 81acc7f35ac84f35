"""Who asks is not yet who is told: the holder of the address confirms, strangers cannot have it flooded, and what they
are answered says nothing about who is known here."""

from datetime import timedelta

import pytest
from delivery.post import SEALER, Server, World
from sqlalchemy import func, select

from tracker.delivery import deliveries, dispatch, enrolment, notices, sender, subscriptions
from tracker.delivery.enrolment import invitations
from tracker.delivery.subscriptions import Subscription, Wanted
from tracker.domain.errors import Refused
from tracker.store.engine import reading, writing


def asked(world: World, address: str = "reader@example.org", **wanted: object) -> Subscription | None:
    made = world.enrol(address, stranger=True, **wanted)
    return made and made.subscription


def confirm(world: World, id: str, token: str | None = None) -> Subscription:
    with writing(world.engine) as connection:
        return enrolment.confirm(
            connection, SEALER, id, token or SEALER.token(notices.CONFIRM, id), world.clock()
        )


def waiting(world: World) -> list[tuple[str, str | None]]:
    with reading(world.engine) as connection:
        return [(one.recipient, one.notice) for one in reversed(deliveries.listed(connection))]


def test_nothing_is_told_before_it_is_confirmed(world: World, server: Server) -> None:
    made = asked(world)
    assert made is not None
    assert made.state == "pending"
    world.rate(30)
    world.clock.forward(days=1)
    assert dispatch.cut_due(world.engine, world.clock()) == []
    sender.send_due(world.engine, server.settings, world.clock)
    (mail,) = server.mails
    assert mail["Subject"] == "Confirm your subscription to trade talks"
    assert mail["List-Unsubscribe"] is None
    text = mail.get_body(("plain",))
    assert text is not None
    said = " ".join(str(text.get_content()).split())
    assert "about all partners, every day at 08:00 (New York)" in said
    assert notices.links("https://tracker.example.org", SEALER, made.id).confirm in said


def test_what_is_told_begins_with_the_confirmation(world: World) -> None:
    made = asked(world)
    assert made is not None
    world.rate(30)
    world.clock.forward(hours=5)
    now = confirm(world, made.id)
    assert (now.state, now.told.position, now.told.as_of) == ("active", 4, world.clock())
    assert confirm(world, made.id) == now, "opened twice, it is confirmed once"
    world.rate(40)
    world.clock.forward(days=1)
    (edition,) = dispatch.cut_due(world.engine, world.clock())
    assert [entry.positions for entry in edition.edition.told] == [[5]]


def test_a_token_opens_its_own_subscription_for_72_hours(world: World) -> None:
    one, other = asked(world), asked(world, "other@example.org")
    assert one is not None
    assert other is not None
    for token in (SEALER.token(notices.CONFIRM, other.id), SEALER.token(notices.OWN, one.id), "", "\udcff"):
        with pytest.raises(Refused) as refused:
            confirm(world, one.id, token or "x")
        assert refused.value.code == "denied"
    world.clock.forward(hours=71)
    confirm(world, other.id)
    world.clock.forward(hours=2)
    with pytest.raises(Refused, match="72 hours"):
        confirm(world, one.id)
    with writing(world.engine) as connection:
        assert enrolment.tidy(connection, world.clock()) == 1
        assert [made.id for made in subscriptions.listed(connection, stopped=True)] == [other.id]
        assert connection.scalar(select(func.count()).select_from(invitations)) == 0


def test_an_address_is_asked_once_in_15_minutes_and_three_times_a_day(world: World) -> None:
    """Whatever it is to be told, and however it is written."""
    sent = 0
    for minute in range(0, 24 * 60, 5):
        spelt = "Reader@Example.org" if minute % 2 else "reader@example.org"
        if asked(world, spelt, hour=minute % 24) is not None:
            sent += 1
        world.clock.forward(minutes=5)
    assert sent == 3
    assert len(waiting(world)) == 3
    world.clock.forward(minutes=5)
    assert asked(world, partners=["CN"]) is not None


def test_a_stranger_learns_nothing_about_who_is_subscribed(world: World) -> None:
    world.subscribe("known@example.org")
    assert asked(world, "known@example.org") is None
    assert waiting(world) == [("known@example.org", "known")]
    assert asked(world, "known@example.org") is None, "and the address is not told again and again"
    assert waiting(world) == [("known@example.org", "known")]
    with pytest.raises(Refused, match="has this subscription already"):
        world.enrol("known@example.org")


def test_another_wish_of_a_known_address_is_asked_again(world: World) -> None:
    world.subscribe("known@example.org")
    made = asked(world, "known@example.org", partners=["MX"])
    assert made is not None
    assert made.state == "pending"


def test_who_stops_before_confirming_is_forgotten_with_what_was_on_its_way(world: World) -> None:
    made = asked(world)
    assert made is not None
    with writing(world.engine) as connection:
        stopped = enrolment.stop(connection, made.id)
        assert stopped.address == "reader@example.org"
        assert subscriptions.get(connection, made.id).state == "stopped"
        assert deliveries.claim(connection, world.clock(), ["email"]) is None
    with pytest.raises(Refused, match="was stopped"):
        confirm(world, made.id)


def test_a_change_tells_nothing_twice_and_leaves_nothing_out(world: World) -> None:
    made = world.subscribe(partners=["MX"], hour=8)
    world.rate(30)
    world.clock.forward(days=1)
    (first,) = dispatch.cut_due(world.engine, world.clock())
    assert [entry.positions for entry in first.edition.told] == [[4]]
    world.rate(40)
    with writing(world.engine) as connection:
        later = Wanted(partners=["mx", "cn"], hour=21, zone="Asia/Tokyo", weekdays=["sun"])
        changed = enrolment.change(connection, made.id, later, world.clock())
    assert changed.scope.partners == ["MX", "CN"]
    assert changed.told.position == 4
    world.rate(50, "CN")
    world.clock.forward(days=8)
    (second,) = dispatch.cut_due(world.engine, world.clock())
    assert sorted(p for entry in second.edition.told for p in entry.positions) == [5, 6]


def test_a_reader_of_one_kind_of_change_hears_of_that_alone(world: World) -> None:
    world.subscribe(topics=["talks"], send_empty=True)
    world.rate(30)
    world.clock.forward(days=1)
    (edition,) = dispatch.cut_due(world.engine, world.clock())
    assert edition.headline == "nothing changed"
    assert edition.edition.about == "all partners: talks, goals and assessments"
    assert [entry.quiet for entry in edition.edition.new] == [True], "kept for programs that follow the state"
    world.log({"type": "talks.held", "subject": "partner:MX"}, title="They met")
    world.rate(40)
    world.clock.forward(days=1)
    (edition,) = dispatch.cut_due(world.engine, world.clock())
    assert [entry.title for entry in edition.edition.told] == ["They met"]
    assert [entry.topics for entry in edition.edition.told] == [["talks"]]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"topics": ["tariffs"]}, "'tariffs' is not a kind of change; these are: measures,"),
        ({"over": "pigeon"}, "'pigeon' is not a channel; these are: email, webhook, slack"),
        ({"contact": "nobody"}, "'nobody' is not an e-mail address"),
    ],
)
def test_what_is_wrong_is_named(small_world: World, wanted: dict[str, object], said: str) -> None:
    with pytest.raises(Refused) as refused:
        small_world.enrol("reader@example.org", **wanted)  # type: ignore[arg-type]
    assert said in refused.value.problems[0].detail
    with reading(small_world.engine) as connection:
        assert subscriptions.listed(connection) == []


def test_a_test_message_waits_for_the_one_before(world: World, server: Server) -> None:
    made = world.subscribe()
    with writing(world.engine) as connection:
        enrolment.test(connection, made.id, world.clock())
        with pytest.raises(Refused, match="on its way already"):
            enrolment.test(connection, made.id, world.clock())
    sender.send_due(world.engine, server.settings, world.clock)
    assert [mail["Subject"] for mail in server.mails] == ["Test message from the negotiation tracker"]
    with writing(world.engine) as connection:
        enrolment.test(connection, made.id, world.clock() + timedelta(minutes=1))


def test_who_holds_its_key_has_nothing_sent_again_to_anybody_else(world: World) -> None:
    """Or whoever has an endpoint could name a stranger as its contact, and have us write to him again and again."""
    made = world.enrol(
        "https://hooks.example.org/x", "webhook", confirmed=True, stranger=True, contact="victim@example.org"
    )
    assert made is not None
    other = world.subscribe("other@example.org")
    with writing(world.engine) as connection:
        enrolment.test(connection, other.id, world.clock())
        numbers = {one.recipient: one.id for one in deliveries.listed(connection)}
        for recipient in ("victim@example.org", "other@example.org"):
            with pytest.raises(Refused) as refused:
                enrolment.again(connection, made.subscription.id, numbers[recipient], world.clock())
            assert refused.value.code == "not_found"
        enrolment.again(connection, other.id, numbers["other@example.org"], world.clock())
