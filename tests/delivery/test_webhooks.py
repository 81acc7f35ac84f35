"""Webhooks, through the sender to a real receiver: what arrives can be verified, is repeated as it was until it is
taken, and whoever is slow or wrong holds up nobody else."""

import gzip
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from threading import Barrier

import pytest
from delivery import receiver as receivers
from delivery.hooks import CALM, HURRIED, LIMITS, event, hook, news, now, send, sent, token, tries, waits
from delivery.post import SEALER, World
from delivery.receiver import NAME, Certificate, Script, Talk, raw, receiver, says, trickles
from sqlalchemy import Engine, update
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from tracker.delivery import deliveries, editions, enrolment, outward
from tracker.delivery.channels import webhook
from tracker.delivery.channels.webhook import Webhook
from tracker.store.engine import open_engine, reading, writing

HOURS = (0, 0, 0.5, 2, 5, 10, 14, 20, 24)


# ---------------------------------------------------------------- what arrives


def test_an_edition_arrives_as_a_signed_event(world: World) -> None:
    with receiver(says(204)) as here:
        one, secret = hook(world, here)
        news(world)
        assert send(world) == 1
        [got] = here.got
    told = event(got, secret)
    [delivery] = sent(world)
    with reading(world.engine) as connection:
        frozen = editions.get(connection, str(delivery.edition))
    assert (told["specversion"], told["id"]) == ("1.0", delivery.reference)
    assert told["source"] == "https://tracker.example.org"
    assert told["type"] == "negotiation-tracker.edition"
    assert datetime.fromisoformat(told["time"]) == world.clock()
    assert told["datacontenttype"] == "application/json"
    assert told["subscription"] == one.id
    assert int(told["sequence"]) == frozen.edition.until.position == 4
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in told), "names of CloudEvents 1.0"
    assert told["data"]["headline"] == "1 change of state (MX)"
    assert told["data"]["url"] == f"https://tracker.example.org/editions/{frozen.id}"
    assert frozen.content.encode() in got.body, "the very text that its id is the SHA-256 of"
    assert got.line == "POST /hook HTTP/1.1"
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert got.headers["webhook-id"] == delivery.reference
    assert delivery.state == "accepted"
    [tried] = tries(world)
    assert (tried.outcome, tried.code, tried.answer) == ("accepted", 204, "")
    assert tried.milliseconds is not None
    assert send(world) == 0


def test_every_attempt_and_resend_is_the_same_message_signed_anew(world: World) -> None:
    def later(talk: Talk) -> None:
        talk.wait(1.01)  # the signature's clock has seconds
        says(503)(talk)

    with receiver(later, receivers.falls_silent, says(200), says(200)) as here:
        _, secret = hook(world, here)
        news(world)
        for state, channels in (("deferred", CALM), ("unknown", HURRIED), ("accepted", CALM)):
            send(world, channels)
            assert sent(world)[0].state == state
            world.clock.forward(minutes=10)
        with writing(world.engine) as connection:
            deliveries.again(connection, sent(world)[0].id, world.clock())
        world.clock.forward(days=3)
        send(world)
        assert [one.number for one in tries(world)] == [1, 2, 3, 4]
        for got in here.got:
            event(got, secret)
        assert len({got.body for got in here.got}) == 1
        assert len({got.headers["webhook-id"] for got in here.got}) == 1
        assert len({got.headers["webhook-timestamp"] for got in here.got}) > 1
        assert len({got.headers["webhook-signature"] for got in here.got}) > 1


def test_endpoints_that_are_listed_alike_get_messages_of_their_own(small_world: World) -> None:
    """What tells them apart may be a secret in the address, and is not listed."""
    with receiver() as here:
        hook(small_world, here, path="?team=1")
        hook(small_world, here, path="?team=2")
        news(small_world)
        send(small_world)
        assert sorted(got.line for got in here.got) == [f"POST /hook?team={n} HTTP/1.1" for n in (1, 2)]
        assert len({got.headers["webhook-id"] for got in here.got}) == 2
    assert {one.recipient for one in sent(small_world)} == {here.url}


def test_an_edition_that_is_too_large_is_linked_to(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "LARGEST", 100)
    with receiver() as here:
        _, secret = hook(small_world, here)
        news(small_world)
        send(small_world)
        data = event(here.got[0], secret)["data"]
    assert data["content"] is None
    assert data["url"].startswith("https://tracker.example.org/editions/")


def test_a_test_message_is_tried_once(small_world: World) -> None:
    with receiver(says(500), says(200)) as here:
        one, secret = hook(small_world, here)
        for outcome in ("deferred", "accepted"):
            with writing(small_world.engine) as connection:
                enrolment.test(connection, one.id, small_world.clock())
            send(small_world)
            assert tries(small_world)[0].outcome == outcome
            small_world.clock.forward(days=1)
        assert send(small_world) == 0
        assert [event(got, secret)["type"] for got in here.got] == ["negotiation-tracker.test"] * 2
        told = event(here.got[0], secret)["data"]
    assert (
        told["text"]
        == "This is a test. It would be told about all partners, as soon as it is ten minutes old."
    )


# ---------------------------------------------------------------- secrets


def test_while_a_secret_is_changed_both_verify_and_afterwards_the_new_one_alone(world: World) -> None:
    with receiver() as here:
        one, old = hook(world, here)
        with writing(world.engine) as connection:
            new = enrolment.rotate(connection, SEALER, one.id, timedelta(hours=24), world.clock())
        news(world, 30)
        send(world)
        world.clock.forward(hours=24)
        news(world, 40)
        send(world)
        during, after = here.got
    assert event(during, old) == event(during, new)
    event(after, new)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Verifier(old).verify(after.body, after.headers)


def test_a_secret_may_be_changed_at_once(small_world: World) -> None:
    with receiver() as here:
        one, old = hook(small_world, here)
        with writing(small_world.engine) as connection:
            new = enrolment.rotate(connection, SEALER, one.id, timedelta(0), small_world.clock())
        news(small_world)
        send(small_world)
        event(here.got[0], new)
        with pytest.raises(WebhookVerificationError):
            Verifier(old).verify(here.got[0].body, here.got[0].headers)


# ---------------------------------------------------------------- when it is tried again


def test_it_is_tried_ten_times_in_three_days_and_given_up(small_world: World) -> None:
    with receiver(*[says(500)] * 20) as here:
        hook(small_world, here)
        news(small_world)
        began = small_world.clock()
        waited: list[timedelta] = []
        while send(small_world) and (again := sent(small_world)[0].next_attempt_at):
            waited.append(again - small_world.clock())
            small_world.clock.now = again - timedelta(microseconds=1)
            assert send(small_world) == 0, "not before its time"
            small_world.clock.now = again
        assert len(here.got) == 10
    planned = [timedelta(seconds=5), timedelta(minutes=5), *(timedelta(hours=hours) for hours in HOURS[2:])]
    assert [0.8 <= one / base <= 1.2 for one, base in zip(waited, planned, strict=True)] == [True] * 9
    assert timedelta(days=2) < small_world.clock() - began < timedelta(days=4)
    assert deliveries.standing(sent(small_world)[0]) == "given up after 10 attempts"
    small_world.clock.forward(days=30)
    assert send(small_world) == 0


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("1", (5, 5)), ("7", (7, 7)), ("3600", (10, 10)), (8, (6, 8)), (-60, (5, 5)), (3600, (10, 10)), ("soon", (4, 6))],
)  # fmt: skip
def test_who_asks_to_be_left_alone_is_heeded_up_to_twice_as_long(
    small_world: World, asked: str | int, seconds: tuple[float, float]
) -> None:
    """In seconds, or as a date."""
    if isinstance(asked, int):
        asked = format_datetime(datetime.now(UTC) + timedelta(seconds=asked), usegmt=True)
    with receiver(says(429, Retry_After=asked)) as here:
        hook(small_world, here)
        news(small_world)
        send(small_world)
    assert seconds[0] <= waits(small_world).total_seconds() <= seconds[1]


def test_what_is_gone_is_told_nothing_more_from_then_on(world: World) -> None:
    with receiver(says(410, "We have moved on")) as here:
        one, _ = hook(world, here)
        news(world, 30, 40)
        assert send(world) == 1
        assert [(delivery.state, delivery.next_attempt_at) for delivery in sent(world)] == [
            ("rejected", None), ("held", None),
        ]  # fmt: skip
        assert now(world, one).halted_because == "it answered that it is gone for good (410)"
        news(world, 50)
        world.clock.forward(days=10)
        assert send(world) == 0
        assert len(here.got) == 1
    assert [delivery.state for delivery in sent(world)] == ["rejected", "held", "held"]


# ---------------------------------------------------------------- what is kept of an answer


def test_whatever_it_answers_can_be_kept_and_shown(world: World) -> None:
    """PostgreSQL takes no NUL; a terminal obeys what begins with ESC."""
    nasty = b"\x00\x1b[2J\xff\xfe\xed\xa0\x80 \xe2\x80\xae<script>alert(1)</script>\r\nX: " + bytes(range(32))
    head = b"HTTP/1.1 500 \x00\xff\r\nRetry-After: \xff\x01\r\nLocation: http://\x1b]0;x\x07/\r\n"
    with receiver(
        raw(b"HTTP/1.1 500 Oh\r\nLocation: http://x/\xe9\r\n\r\n" + nasty), raw(head + b"\r\n" + nasty)
    ) as here:
        hook(world, here)
        news(world)
        send(world)
        world.clock.forward(seconds=10)
        send(world)
    first, second = tries(world)
    assert (first.outcome, first.code) == ("deferred", 500)
    assert (second.outcome, second.code) == ("unknown", None), "what is no header is no answer"
    assert "<script>alert(1)</script>" in str(first.answer), "a page escapes it"
    for one in (first, second):
        assert all(letter.isprintable() or letter in "\n\t" for letter in str(one.answer))


def test_16_kib_of_an_answer_are_kept(world: World) -> None:
    with receiver(says(500, "ä" * 20_000)) as here:
        hook(world, here)
        news(world)
        send(world)
    assert str(tries(world)[0].answer) == "ä" * 8192


# ---------------------------------------------------------------- the challenge


def test_who_answers_the_challenge_is_told_from_then_on(world: World) -> None:
    with receiver() as here:
        one, secret = hook(world, here, confirmed=False)
        here.scripts.append(says(200, json.dumps({"challenge": token(one)})))
        world.rate(30)
        send(world)
        asked = event(here.got[0], secret)
        assert asked["type"] == "negotiation-tracker.challenge"
        assert asked["data"]["challenge"] == token(one)
        assert asked["data"]["gets"] == "all partners"
        agreed = now(world, one)
        assert (agreed.state, agreed.confirmed_at, agreed.told.position) == ("active", world.clock(), 4)
        news(world, 40)
        send(world)
        [_, got] = here.got
    told = event(got, secret)["data"]["content"]
    assert [positions for entry in told["new"] for positions in entry["positions"]] == [5]


@pytest.mark.parametrize(
    ("script", "state"),
    [
        (says(200, "fine"), "accepted"),
        (says(200, SEALER.token("confirm", "sub-another")), "accepted"),
        (raw(b"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\nX-Challenge: TOKEN\r\n\r\n"), "accepted"),
        (raw(b"HTTP/1.1 200 Fine\r\n\r\n" + b" " * 20_000 + b"TOKEN"), "accepted"),
        (raw(b"HTTP/1.1 404 No\r\n\r\nTOKEN"), "deferred"),
        (raw(b"HTTP/1.1 302 No\r\nLocation: /TOKEN\r\n\r\nTOKEN"), "deferred"),
        (raw(b"HTTP/1.1 500 No\r\n\r\nTOKEN"), "deferred"),
        (says(410), "rejected"),
        (raw(b"TOKEN"), "unknown"),
        (receivers.falls_silent, "unknown"),
        (receivers.resets, "unknown"),
    ],
    ids=["nothing of it", "another", "in a header", "too late", "404", "redirect", "500", "410", "no HTTP", "silent",
         "reset"],
)  # fmt: skip
def test_who_does_not_answer_it_is_not_told(small_world: World, script: Script, state: str) -> None:
    with receiver() as here:
        one, _ = hook(small_world, here, confirmed=False)
        here.scripts.append(lambda talk: script(Saying(talk, b"TOKEN", token(one).encode())))
        send(small_world, HURRIED if script is receivers.falls_silent else CALM)
        news(small_world)
        assert (now(small_world, one).state, [one.state for one in sent(small_world)]) == ("pending", [state])
        assert now(small_world, one).halted_at is None
        small_world.clock.forward(hours=73)
        with writing(small_world.engine) as connection:
            assert enrolment.tidy(connection, small_world.clock()) == 1
        assert send(small_world) == 0
    assert sent(small_world) == []


class Saying(Talk):
    """A talk in which one word stands for another."""

    def __init__(self, talk: Talk, word: bytes, meant: bytes) -> None:
        super().__init__(talk.socket, talk.over)
        self.word, self.meant = word, meant

    def say(self, data: bytes) -> None:
        super().say(data.replace(self.word, self.meant))


def test_what_gives_back_whatever_it_is_sent_has_agreed_to_nothing(small_world: World) -> None:
    with receiver() as here:
        one, _ = hook(small_world, here, confirmed=False)

        def echo(talk: Talk) -> None:
            says(200, f"<pre>{here.got[-1].body.decode()}</pre>")(talk)

        here.scripts.append(echo)
        send(small_world)
        assert [delivery.state for delivery in sent(small_world)] == ["accepted"]
        assert now(small_world, one).state == "pending"


def test_a_challenge_that_did_not_get_through_is_tried_again(small_world: World) -> None:
    with receiver(says(502), receivers.resets) as here:
        one, _ = hook(small_world, here, confirmed=False)
        here.scripts.append(says(200, token(one)))
        for state in ("pending", "pending", "active"):
            send(small_world)
            assert now(small_world, one).state == state
            small_world.clock.forward(minutes=6)
        assert len({got.body for got in here.got}) == 1


def test_one_that_is_answered_too_late_changes_nothing_and_stops_nobody(small_world: World) -> None:
    with receiver() as here:
        one, _ = hook(small_world, here, confirmed=False)
        here.scripts.append(says(200, token(one)))
        small_world.clock.forward(hours=73)
        assert send(small_world) == 1
        assert now(small_world, one).state == "pending"
        assert [delivery.state for delivery in sent(small_world)] == ["accepted"]


def test_once_its_owner_has_confirmed_it_is_not_sent_again(small_world: World) -> None:
    with receiver(*[says(500)] * 9) as here:
        one, _ = hook(small_world, here, confirmed=False)
        send(small_world)
        with writing(small_world.engine) as connection:
            enrolment.confirm(connection, SEALER, one.id, token(one), small_world.clock())
        small_world.clock.forward(days=1)
        assert send(small_world) == 0
        assert now(small_world, one).state == "active"


# ---------------------------------------------------------------- whatever the receiver's temper

HEAD = b"HTTP/1.1 200 Fine\r\n"
TEMPERS: dict[str, tuple[Script, str]] = {
    "silent": (receivers.falls_silent, "unknown"),
    "trickling headers": (receivers.trickles_headers(0.01), "unknown"),
    "trickling garbage": (trickles(b"H" * 500, 0.01), "unknown"),
    "trickling body": (receivers.trickles_body(0.01), "accepted"),
    "endless continue": (receivers.ENDLESS_CONTINUE, "unknown"),
    "endless headers": (receivers.ENDLESS_HEADERS, "unknown"),
    "endless line": (receivers.ENDLESS_LINE, "unknown"),
    "endless body": (receivers.ENDLESS_BODY, "accepted"),
    "endless chunks": (receivers.ENDLESS_CHUNKS, "accepted"),
    "reset": (receivers.resets, "unknown"),
    "hung up": (raw(b""), "unknown"),
    "hung up within headers": (raw(HEAD + b"Content-Le"), "unknown"),
    "garbage": (raw(bytes(range(256)) * 10), "unknown"),
    "another protocol": (raw(b"220 mail.example.org ESMTP\r\n"), "unknown"),
    "switching protocols": (raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n\0\0"), "unknown"),
    "body shorter than said": (raw(HEAD + b"Content-Length: 100\r\n\r\nabc"), "accepted"),
    "packed": (raw(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 20_000_000)), "accepted"),
    "redirects": (says(307, Location="CANARY"), "deferred"),
    "not modified": (says(304), "deferred"),
    "not found": (says(404), "deferred"),
    "too many": (says(429), "deferred"),
    "unavailable": (says(503), "deferred"),
    "beyond all statuses": (says(999), "deferred"),
    "gone": (says(410), "rejected"),
    "created": (says(201), "accepted"),
}


def test_whatever_its_temper_the_state_is_right_and_the_others_are_told(small_world: World) -> None:
    """One of each temper, and one that is well, all told at the same time."""
    with ExitStack() as stack:
        canary = stack.enter_context(receiver())
        subs = {}
        for name, (script, _) in TEMPERS.items():
            here = stack.enter_context(receiver())
            meant = f"http://localhost:{canary.port}/".encode()
            here.scripts = [lambda talk, script=script, meant=meant: script(Saying(talk, b"CANARY", meant))]  # type: ignore[misc]
            subs[hook(small_world, here)[0].id] = name
        fine = stack.enter_context(receiver())
        nobody = stack.enter_context(receiver())
        subs[hook(small_world, fine)[0].id] = "fine"
        news(small_world)
        began = time.monotonic()
        assert send(small_world, HURRIED) == len(subs)
        lasted = time.monotonic() - began
        assert canary.connections == nobody.connections == 0
    states = {subs[one.subscription]: one.state for one in sent(small_world)}
    assert states == {name: state for name, (_, state) in TEMPERS.items()} | {"fine": "accepted"}
    assert lasted < LIMITS.exchange_seconds * 15, "each its time, and most at the same time"


def test_nobody_listens(small_world: World) -> None:
    with receiver() as here:
        hook(small_world, here)
    news(small_world)
    send(small_world)
    [tried] = tries(small_world)
    assert (tried.outcome, tried.answer) == ("deferred", "no connection could be made (Connection refused)")


@pytest.mark.parametrize("certificate", ["good", "self-signed", "wrong name", "expired"])
def test_it_goes_to_who_has_the_certificate_of_the_name(
    small_world: World, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **named: real("127.0.0.1" if host == NAME else host, *rest, **named)
    )  # fmt: skip
    monkeypatch.setattr(outward, "_trusted", receivers.trusting)
    with receiver(certificate=certificate) as here:
        _, secret = hook(small_world, here)
        news(small_world)
        send(small_world)
        if certificate == "good":
            event(here.got[0], secret)
            assert sent(small_world)[0].state == "accepted"
        else:
            assert here.got == []
            assert sent(small_world)[0].state == "deferred"
            assert "its certificate is not to be trusted" in str(tries(small_world)[0].answer)


# ---------------------------------------------------------------- nobody waits for another


def test_one_that_is_slow_does_not_hold_up_twenty_that_are_quick(small_world: World) -> None:
    """Not even with three messages, all due before those of the others."""
    with receiver(*[receivers.falls_silent] * 4) as slow, receiver() as quick:
        hook(small_world, slow)
        news(small_world, 10, 15, 20)
        for n in range(20):
            hook(small_world, quick, path=f"?{n}")
        news(small_world, 40)
        send(small_world, HURRIED)
        assert len({got.line for got in quick.got}) == len(quick.got) == 20
        assert len({got.headers["webhook-id"] for got in slow.got}) == len(slow.got) == 4
        starts = [got.at for got in slow.got]
        assert max(got.at for got in quick.got) < starts[-1]
        apart = [later - earlier for earlier, later in pairwise(starts)]
        assert min(apart) >= timedelta(seconds=0.9), "one at a time"


def test_what_comes_due_while_one_is_slow_is_sent_meanwhile(small_world: World) -> None:
    with receiver() as quick, receiver() as slow:
        one, _ = hook(small_world, slow)
        other, _ = hook(small_world, quick)

        def meanwhile(talk: Talk) -> None:
            with writing(small_world.engine) as connection:
                enrolment.test(connection, other.id, small_world.clock())
            for _ in range(1000):
                if quick.got:
                    says(200)(talk)
                    break
                talk.wait(0.01)

        slow.scripts.append(meanwhile)
        with writing(small_world.engine) as connection:
            enrolment.test(connection, one.id, small_world.clock())
        assert send(small_world) == 2
    assert [one.state for one in sent(small_world)] == ["accepted", "accepted"]


def test_those_that_fail_leave_room_for_those_that_work(small_world: World) -> None:
    """A dozen that are slow, due before one that works: it is not the last, neither where they have only just agreed,
    nor when they are known to fail."""
    with ExitStack() as stack:
        quick = stack.enter_context(receiver())
        one, _ = hook(small_world, quick)
        news(small_world, 20)
        send(small_world, HURRIED)
        slow = [stack.enter_context(receiver(*[receivers.falls_silent] * 2)) for _ in range(12)]
        for here in slow:
            hook(small_world, here)
        news(small_world, 30)
        assert send(small_world, HURRIED) == 13
        first = sorted(here.got[0].at for here in slow)
        assert quick.got[1].at < first[4], "it need not wait for even the first of them to end"
        small_world.clock.forward(seconds=11)
        with writing(small_world.engine) as connection:
            enrolment.test(connection, one.id, small_world.clock())
        assert send(small_world, HURRIED) == 13
        second = sorted(here.got[1].at for here in slow)
        assert quick.got[2].at < second[4]


def test_an_endpoint_is_sent_one_message_at_a_time_by_all_workers_together(world: World) -> None:
    with receiver() as here:
        hook(world, here)
        news(world, 10, 20, 30)
        url = world.engine.url.render_as_string(hide_password=False)
        engines = [open_engine(url) for _ in range(2)]
        with writing(engines[0]) as first:
            held = deliveries.claim(first, world.clock(), ["webhook"])
            assert held is not None
            if world.engine.dialect.name == "postgresql":  # on SQLite the other waits
                with writing(engines[1]) as second:
                    assert deliveries.claim(second, world.clock(), ["webhook"]) is None
        with writing(engines[1]) as second:
            assert deliveries.claim(second, world.clock(), ["webhook"]) is None
            assert not deliveries.any_due(second, world.clock(), ["webhook"])
        for engine in engines:
            engine.dispose()


@pytest.mark.campaign
def test_six_workers_never_hold_two_of_one_endpoint(world: World) -> None:
    """Without the second look of a claim, on PostgreSQL, they do in one of thirty rounds."""
    with receiver() as here:
        for n in range(3):
            hook(world, here, path=f"?{n}")
        news(world, *range(10, 40))
    url = world.engine.url.render_as_string(hide_password=False)
    engines, ready = [open_engine(url) for _ in range(6)], Barrier(6)

    def claimed(engine: Engine) -> str | None:
        ready.wait()
        with writing(engine) as connection:
            held = deliveries.claim(connection, world.clock(), ["webhook"])
            return held and held.subscription

    with ThreadPoolExecutor(len(engines)) as pool:
        for _ in range(600):
            found = [one for one in pool.map(claimed, engines) if one is not None]
            assert len(found) == len(set(found)) > 0
            with writing(world.engine) as connection:
                back = update(deliveries.deliveries).where(deliveries.deliveries.c.state == "sending")
                connection.execute(back.values(state="pending", next_attempt_at=world.clock()))
    for engine in engines:
        engine.dispose()


def test_the_limits_in_service() -> None:
    assert Webhook().limits == outward.Limits(connect_seconds=5, exchange_seconds=15, kept_bytes=16 * 1024)
    assert [one.total_seconds() / 3600 for one in Webhook.delays][2:] == [0.5, 2, 5, 10, 14, 20, 24]
