"""What attempts say of an endpoint: who looks after it is told, it is halted, what is due is held and can be sent."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from delivery.hooks import allow, event, hook, news, now, send, sent, tries
from delivery.post import SEALER, Server, World
from delivery.receiver import Receiver, receiver, says
from sqlalchemy import update

from tracker.delivery import deliveries, dispatch, editions, enrolment, notices, subscriptions
from tracker.delivery.endpoints import endpoints
from tracker.delivery.sealing import Sealer
from tracker.delivery.subscriptions import Subscription
from tracker.domain.errors import Refused
from tracker.store.engine import reading, writing

KEEPER = "keeper@example.org"
"""Who looks after the endpoint."""


@pytest.fixture
def here() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def agree(world: World, one: Subscription) -> None:
    with writing(world.engine) as connection:
        enrolment.agree(
            connection, SEALER, one.id, SEALER.token(notices.CONTACT, one.id, KEEPER), world.clock()
        )


def mailed(server: Server) -> list[str]:
    return [f"{mail['Subject']} -> {mail['To']}" for mail in server.mails]


def keep_failing(world: World, until: datetime, **step: float) -> None:
    while world.clock() < until and send(world):
        world.clock.forward(**step)


def test_who_looks_after_it_is_told_once_after_four_failures(
    world: World, here: Receiver, server: Server
) -> None:
    here.scripts = [says(500, "The disk is full\nsecond line")] * 8
    allow(world, mail=server)
    one, _ = hook(world, here, contact=KEEPER)
    send(world)
    agree(world, one)
    assert mailed(server) == [f"Confirm that you look after an endpoint -> {KEEPER}"]
    news(world)
    for failures in range(1, 7):
        send(world)
        assert now(world, one).failures == failures
        world.clock.forward(hours=13)
    send(world)
    assert mailed(server)[1:] == [f"Your endpoint does not take our messages -> {KEEPER}"]
    said = " ".join(str(server.mails[1].get_body(("plain",)).get_content()).split())  # type: ignore[union-attr]
    assert "The endpoint that is told about all partners did not take our messages." in said
    assert f"It is {here.url}. At the last attempt it said: 500 The disk is full" in said
    assert "second line" not in said
    found = notices.links("https://tracker.example.org", SEALER, one.id, KEEPER)
    assert found.contact in said
    assert found.key not in said, "who is written to when it fails does not own it"


def test_what_works_again_is_forgiven(small_world: World, here: Receiver, server: Server) -> None:
    """Four failures in a row are told, not four of eight."""
    here.scripts = [says(500), says(500), says(500), says(200)] * 2 + [says(500)] * 4
    allow(small_world, mail=server)
    one, _ = hook(small_world, here, contact=KEEPER)
    agree(small_world, one)
    for percent in (10, 20):
        news(small_world, percent)
        for _ in range(4):
            send(small_world)
            small_world.clock.forward(hours=1)
        assert (now(small_world, one).failures, now(small_world, one).failing_since) == (0, None)
    assert len(server.mails) == 1
    news(small_world, 30)
    keep_failing(small_world, small_world.clock() + timedelta(hours=9), hours=3)
    send(small_world)
    assert mailed(server)[1:] == [f"Your endpoint does not take our messages -> {KEEPER}"]


def test_who_did_not_agree_is_not_written_to(small_world: World, here: Receiver, server: Server) -> None:
    here.scripts = [says(500)] * 6 + [says(410)]
    allow(small_world, mail=server)
    one, _ = hook(small_world, here, contact=KEEPER)
    news(small_world)
    for _ in range(7):
        send(small_world)
        small_world.clock.forward(hours=20)
    assert now(small_world, one).halted_at is not None
    assert mailed(server) == [f"Confirm that you look after an endpoint -> {KEEPER}"]


def test_after_five_days_of_failing_it_is_halted_and_what_is_due_is_held(
    world: World, here: Receiver, server: Server
) -> None:
    here.scripts = [says(500)] * 200
    allow(world, mail=server)
    one, secret = hook(world, here, contact=KEEPER)
    agree(world, one)
    began = world.clock()
    for day in range(8):
        world.clock.now = began + timedelta(days=day)
        news(world, 10 + day)
        for _ in range(20):
            send(world)
            world.clock.forward(hours=1)
    halted = now(world, one)
    assert halted.failing_since is not None
    assert halted.halted_at is not None
    assert halted.state == "active", "it is cut for all the same"
    assert halted.halted_at - halted.failing_since >= timedelta(days=5)
    assert halted.halted_because == f"it has failed for 5 days, {halted.failures} times in a row"
    assert mailed(server)[-1] == f"Your subscription is halted -> {KEEPER}"
    assert len(server.mails) == 3, "to confirm, that it fails, that it is halted"
    told = [delivery for delivery in sent(world) if delivery.edition]
    assert {delivery.state for delivery in told[-3:]} == {"held"}
    assert {deliveries.standing(delivery) for delivery in told[-3:]} == {
        "held until its subscription goes on"
    }
    assert send(world) == 0

    here.scripts, before = [], len(here.got)
    with writing(world.engine) as connection:
        enrolment.resume(connection, one.id, world.clock())
    assert send(world) == 0, "what was held stays so until it is put on its way"
    with writing(world.engine) as connection:
        assert deliveries.recover(connection, one.id, began, world.clock()) == len(told)
    assert send(world) == len(told)
    arrived = [event(got, secret) for got in here.got[before:]]
    assert [one["id"] for one in arrived] == [delivery.reference for delivery in told], (
        "in order, by their ids"
    )
    sequences = [int(one["sequence"]) for one in arrived]
    assert sequences == sorted(sequences)
    assert {delivery.state for delivery in sent(world) if delivery.edition} == {"accepted"}
    with writing(world.engine) as connection:
        assert deliveries.recover(connection, one.id, began, world.clock()) == 0, (
            "what arrived is not sent again"
        )
    news(world, 50)
    assert send(world) == 1


def test_a_failure_long_after_another_is_not_five_days_of_failing_where_it_worked_between(
    small_world: World, here: Receiver
) -> None:
    one, _ = hook(small_world, here)
    for percent, answer in ((10, 500), (20, 200), (30, 500)):
        here.scripts = [says(answer)] * 2
        news(small_world, percent)
        send(small_world)
        small_world.clock.forward(days=4)
        send(small_world)
        small_world.clock.forward(days=4)
        here.scripts = []
        send(small_world)
    assert now(small_world, one).halted_at is None


def test_what_was_held_is_sent_for_thirty_days(small_world: World, here: Receiver) -> None:
    here.scripts = [says(410)]
    one, _ = hook(small_world, here)
    news(small_world, 10)
    send(small_world)
    news(small_world, 20)
    small_world.clock.forward(days=29)
    news(small_world, 30)
    small_world.clock.forward(days=2)
    with writing(small_world.engine) as connection:
        since = small_world.clock() - timedelta(days=30, seconds=1)
        with pytest.raises(Refused, match=r"kept for 30 days: give 2025-\d\d-\d\dT[\d:]+Z or later"):
            deliveries.recover(connection, one.id, since, small_world.clock())
        assert [delivery.state for delivery in sent(small_world)] == ["rejected", "held", "held"]
        assert deliveries.recover(connection, one.id, since + timedelta(seconds=1), small_world.clock()) == 1
    send(small_world)
    assert [delivery.state for delivery in sent(small_world)] == ["rejected", "held", "accepted"]


def test_while_it_is_halted_a_test_shows_whether_it_works(small_world: World, here: Receiver) -> None:
    here.scripts = [says(410), says(410)]
    one, _ = hook(small_world, here)
    news(small_world)
    send(small_world)
    for outcome in ("rejected", "accepted"):
        with writing(small_world.engine) as connection:
            enrolment.test(connection, one.id, small_world.clock())
        send(small_world)
        assert tries(small_world)[0].outcome == outcome
        assert now(small_world, one).halted_at is not None, "its owner says when it goes on"


def test_it_can_be_halted_again(small_world: World, here: Receiver, server: Server) -> None:
    here.scripts = [says(410), says(410)]
    allow(small_world, mail=server)
    one, _ = hook(small_world, here, contact=KEEPER)
    agree(small_world, one)
    for percent in (10, 20):
        news(small_world, percent)
        send(small_world)
        send(small_world)
        assert now(small_world, one).halted_at == small_world.clock()
        with writing(small_world.engine) as connection:
            enrolment.resume(connection, one.id, small_world.clock())
    assert mailed(server)[1:] == [f"Your subscription is halted -> {KEEPER}"] * 2


def test_an_edition_that_is_cut_while_its_subscription_is_being_halted_is_held(
    small_world: World, here: Receiver
) -> None:
    one, _ = hook(small_world, here)
    small_world.rate(30)
    small_world.clock.forward(minutes=10)
    with reading(small_world.engine) as connection:
        seen = subscriptions.get(connection, one.id)
        end = editions.Mark(
            as_of=small_world.clock(), position=editions.settled_position(connection, small_world.clock())
        )
    with writing(small_world.engine) as connection:
        subscriptions.halt(connection, one.id, "meanwhile", small_world.clock())
    assert dispatch.cut_at_once(small_world.engine, [seen], end) == []
    assert dispatch.cut_due(small_world.engine, small_world.clock()) != []
    assert [delivery.state for delivery in sent(small_world)] == ["held"]


# ---------------------------------------------------------------- mail


def test_three_final_refusals_in_a_row_halt_a_mail_subscription(small_world: World, server: Server) -> None:
    """Two that were put off and one that was refused are not three refusals."""
    allow(small_world, mail=server)
    one = small_world.subscribe(at_once=True)
    server.recipient_answers = ["451 Greylisted", "451 Still", "550 No", "550 No", "550 No", "250 Yes"]
    for refused, percent in enumerate((10, 20, 30), 1):
        news(small_world, percent)
        while sent(small_world)[-1].state != "rejected":
            send(small_world)
            small_world.clock.forward(hours=1)
        assert (now(small_world, one).halted_at is not None) == (refused == 3)
    assert (
        now(small_world, one).halted_because
        == "nobody is there: 3 messages in a row were refused, the last with 550"
    )


def test_a_mail_server_of_ours_that_is_down_is_nobodys_fault(small_world: World) -> None:
    with receiver() as nobody:
        pass
    allow(small_world, mail=Server(port=nobody.port))
    one = small_world.subscribe(at_once=True)
    news(small_world)
    for _ in range(9):
        send(small_world)
        small_world.clock.forward(hours=30)
    assert (now(small_world, one).failures, now(small_world, one).halted_at) == (0, None)


# ---------------------------------------------------------------- what is our fault


def test_a_fault_of_ours_is_held_against_nobody_and_stops_nobody(small_world: World) -> None:
    """A secret that cannot be opened any more: the key outside the database was lost."""
    with receiver() as lost, receiver() as fine:
        failing = [hook(small_world, lost)[0] for _ in range(9)]
        works, _ = hook(small_world, fine)
        with writing(small_world.engine) as connection:
            connection.execute(
                update(endpoints)
                .where(endpoints.c.subscription.in_([one.id for one in failing]))
                .values(url=Sealer([bytes(range(32))]).seal(lost.url))
            )
        news(small_world)
        for _ in range(5):
            send(small_world)
            small_world.clock.forward(hours=30)
        assert (len(lost.got), len(fine.got)) == (0, 1)
    assert {now(small_world, one).failures for one in failing} == {0}
    assert now(small_world, works).failures == 0
    assert {one.state for one in sent(small_world)} == {"deferred", "accepted"}
    held_up = [number for number, one in enumerate(sent(small_world)) if one.state == "deferred"]
    assert len(held_up) == 9
    assert {tries(small_world, number)[0].answer for number in held_up} == {
        "the tracker cannot send this as it is set up"
    }


def test_one_whose_result_cannot_be_written_does_not_stop_the_others(
    small_world: World, here: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.scripts = []
    subs = [hook(small_world, here)[0] for _ in range(10)]
    news(small_world)
    settle = deliveries.settle

    def failing(connection: object, held: deliveries.Claimed, *rest: object) -> object:
        if held.subscription == subs[0].id:
            raise RuntimeError("cosmic ray")
        return settle(connection, held, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(deliveries, "settle", failing)
    assert send(small_world) == 10
    states = {one.subscription: one.state for one in sent(small_world)}
    assert states == {one.id: "accepted" for one in subs[1:]} | {subs[0].id: "sending"}
    monkeypatch.undo()
    small_world.clock.forward(minutes=5)
    assert send(small_world) == 1
    assert {one.state for one in sent(small_world)} == {"accepted"}
    assert len({got.headers["webhook-id"] for got in here.got}) == 10
