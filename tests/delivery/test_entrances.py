"""Wherever an address comes in, and whenever it is used, nothing inside is reached: as it is entered, once its name
leads elsewhere, once the operator allows it no more; by a challenge, a test, an edition and a resend.

All entrances come to one reader of addresses, and all messages leave by one way, which test_wall.py tries with every
vector. Here each entrance and each kind of message is tried with a third of them, 120 at least.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from delivery.hooks import allow, hook, news, now, send, sent, token
from delivery.post import SEALER, World
from delivery.receiver import NAME, receiver, says
from delivery.vectors import AS_WRITTEN, BY_NAME, CHANGING, OVER_TLS, PUBLIC, Canaries, Vector, canaries
from sqlalchemy import update

from tracker.delivery import deliveries, endpoints, enrolment, subscriptions
from tracker.delivery.deliveries import Delivery
from tracker.delivery.subscriptions import Wanted
from tracker.domain.errors import Refused
from tracker.store.engine import reading, writing

KEPT = (*AS_WRITTEN[: -len(OVER_TLS)], *OVER_TLS[::2], *BY_NAME)
"""What may lie in the database, or be entered and be found out only when it is used."""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, small_world: World) -> Iterator[Canaries]:
    with canaries(monkeypatch) as watched:
        small_world.settings = replace(small_world.settings, plain_http="allowed")
        yield watched


def unharmed(watched: Canaries) -> bool:
    return (watched.dialled, watched.hits()) == ([], 0)


# ---------------------------------------------------------------- as it is entered


@pytest.mark.parametrize("over", ["webhook", "slack"])
def test_what_can_be_seen_is_refused_and_nothing_is_kept(
    over: str, small_world: World, watched: Canaries
) -> None:
    with writing(small_world.engine) as connection:
        for vector in AS_WRITTEN if over == "webhook" else AS_WRITTEN[::3]:
            address = vector.at(watched.port)
            if address.strip().startswith("http://example.org/") and address != address.strip():
                continue  # without the space that somebody pasted with it, it is fine
            with pytest.raises(Refused) as refused:
                enrolment.enrol(
                    connection, small_world.settings, SEALER, over=over, address=address, wanted=Wanted(),
                    now=small_world.clock(), by="reader", stranger=True,
                )  # fmt: skip
            assert refused.value.code == "invalid"
            [problem] = refused.value.problems
            assert problem.pointer == "address"
            assert vector.says in problem.detail or address != address.strip(), vector.id
        assert subscriptions.listed(connection) == deliveries.listed(connection) == []
    assert watched.asked == []
    assert unharmed(watched)


def test_what_cannot_be_seen_is_not_looked_up_for_who_enters_it(
    small_world: World, watched: Canaries
) -> None:
    """So nobody can tell names that lead inside from others by entering them, nor by how long that takes."""
    for number, vector in enumerate((*BY_NAME, *CHANGING)):
        made = small_world.enrol(named(vector, number, watched), "webhook", stranger=True)
        assert made is not None
        assert made.subscription.state == "pending"
    assert watched.asked == []
    assert unharmed(watched)


# ---------------------------------------------------------------- as it is used


def named(vector: Vector, number: int, watched: Canaries) -> str:
    """The address of a vector, at a name of its own."""
    name = f"v{number}.{NAME}"
    watched.lead(name, *vector.answers or [()])
    return vector.at(watched.port).replace(NAME, name)


def stored(
    world: World, watched: Canaries, vectors: Sequence[Vector], *, confirmed: bool = True
) -> list[str]:
    """Subscriptions whose addresses are these, although none would be taken."""
    found = []
    with writing(world.engine) as connection:
        for number, vector in enumerate(vectors):
            made = enrolment.enrol(
                connection, world.settings, SEALER, over="webhook", address=f"http://hook{number}.example.org/",
                wanted=Wanted(at_once=True), now=world.clock(), by="operator", confirmed=confirmed,
            )  # fmt: skip
            assert made is not None
            url = SEALER.seal(named(vector, number, watched))
            mine = endpoints.endpoints.c.subscription == made.subscription.id
            connection.execute(update(endpoints.endpoints).where(mine).values(url=url))
            found.append(made.subscription.id)
    return found


def refused(world: World, vectors: Sequence[Vector], subs: Sequence[str], tried: int) -> list[Delivery]:
    """The deliveries, none of which left, and of which none says where its name leads."""
    found = sent(world)
    meant = dict(zip(subs, vectors, strict=True))
    assert sorted(one.subscription for one in found) == sorted(subs)
    with reading(world.engine) as connection:
        for one in found:
            vector = meant[one.subscription]
            assert one.state == "deferred", vector.id
            attempts = deliveries.attempts_of(connection, one.id)
            assert [attempt.code for attempt in attempts] == [None] * tried
            for attempt in attempts:
                assert vector.says in str(attempt.answer), vector.id
                inside = (address for answer in vector.answers for address in answer)
                assert not any(address in str(attempt.answer) for address in inside), vector.id
    return found


def test_a_challenge_does_not_go_there(small_world: World, watched: Canaries) -> None:
    vectors = KEPT[0::3]
    subs = stored(small_world, watched, vectors, confirmed=False)
    assert send(small_world) == len(vectors) >= 120
    refused(small_world, vectors, subs, 1)
    with reading(small_world.engine) as connection:
        assert {one.state for one in subscriptions.listed(connection)} == {"pending"}
    assert unharmed(watched)


def test_a_test_message_does_not_go_there(small_world: World, watched: Canaries) -> None:
    vectors = KEPT[1::3]
    subs = stored(small_world, watched, vectors)
    with writing(small_world.engine) as connection:
        for id in subs:
            enrolment.test(connection, id, small_world.clock())
    assert send(small_world) == len(vectors) >= 120
    refused(small_world, vectors, subs, 1)
    assert unharmed(watched)


def test_an_edition_does_not_go_there_nor_when_it_is_sent_again(
    small_world: World, watched: Canaries
) -> None:
    vectors = [vector for vector in KEPT[2::3] if len(vector.answers) < 2]  # each is looked up twice
    subs = stored(small_world, watched, vectors)
    news(small_world)
    assert send(small_world) == len(vectors) >= 120
    with writing(small_world.engine) as connection:
        for one in refused(small_world, vectors, subs, 1):
            enrolment.again(connection, one.subscription, one.id, small_world.clock())
    assert send(small_world) == len(vectors)
    refused(small_world, vectors, subs, 2)
    assert unharmed(watched)


# ---------------------------------------------------------------- what changes


@pytest.mark.parametrize("inside", ["127.0.0.1", "::1", "0.0.0.0", "10.0.0.1", "169.254.169.254"])
def test_a_name_that_leads_inside_later_is_not_followed(
    inside: str, small_world: World, watched: Canaries
) -> None:
    """It has shown that it is the asker's, and was told; then it is led elsewhere."""
    watched.lead(NAME, [PUBLIC], [PUBLIC], [inside])
    with receiver() as here:
        watched.rerouted[PUBLIC] = ("127.0.0.1", here.port)
        made = small_world.enrol(f"http://{NAME}:{watched.port}/", "webhook", at_once=True)
        assert made is not None
        here.scripts = [says(200, token(made.subscription))]
        send(small_world)
        assert now(small_world, made.subscription).state == "active"
        news(small_world, 30)
        send(small_world)
        news(small_world, 40)
        send(small_world)
        assert len(here.got) == 2
    assert [one.state for one in sent(small_world)] == ["accepted", "accepted", "deferred"]
    assert watched.asked == [NAME] * 3
    assert {address for address, _ in watched.dialled} == {PUBLIC}
    assert watched.hits() == 0


@pytest.mark.parametrize("vector", CHANGING, ids=lambda vector: vector.id)
def test_what_is_looked_at_is_what_is_dialled(vector: Vector, small_world: World, watched: Canaries) -> None:
    watched.lead(NAME, *vector.answers)
    with receiver() as here:
        watched.rerouted[vector.answers[0][0]] = ("127.0.0.1", here.port)
        small_world.enrol(vector.at(watched.port), "webhook")
        send(small_world)
        assert len(here.got) == 1
    assert watched.hits() == 0


def test_what_the_operator_allows_no_more_is_left_alone(small_world: World, watched: Canaries) -> None:
    before = small_world.settings
    with receiver() as here:
        allow(small_world, here)
        hook(small_world, here)
        news(small_world, 30)
        send(small_world)
        small_world.settings = before
        news(small_world, 40)
        send(small_world)
        small_world.clock.forward(hours=1)
        small_world.settings = replace(small_world.settings, plain_http="refused")
        send(small_world)
        assert len(here.got) == 1
    assert [one.state for one in sent(small_world)] == ["accepted", "deferred"]


def test_a_redirect_is_not_followed_by_any_message(small_world: World, watched: Canaries) -> None:
    for status in (301, 302, 303, 307, 308):
        where = f"http://127.0.0.1:{watched.port}/"
        with receiver(*[says(status, Location=where, Refresh=f"0; url={where}")] * 3) as here:
            one, _ = hook(small_world, here, confirmed=False)
            send(small_world)
            with writing(small_world.engine) as connection:
                enrolment.vouch(connection, one.id, small_world.clock())
                enrolment.test(connection, one.id, small_world.clock())
            send(small_world)
            news(small_world, status / 10)
            send(small_world)
            assert len(here.got) == 3
            with writing(small_world.engine) as connection:
                enrolment.stop(connection, one.id)
    assert watched.hits() == 0
