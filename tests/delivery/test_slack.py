"""Slack and what takes the same: an edition as a message that says all that matters, calls nobody, and fits."""

import json
import re

import msgspec
import pytest
from delivery.hooks import CALM, hook, news, now, send, sent, token, tries
from delivery.post import SEALER, TARIFF, World, settings
from delivery.receiver import receiver, says
from sqlalchemy import Engine, text

from tests.conftest import NOW
from tracker.delivery import dispatch, editions, enrolment
from tracker.delivery.channels import slack
from tracker.delivery.channels.channel import Parcel
from tracker.delivery.editions import Frozen
from tracker.delivery.notices import links
from tracker.domain.edition import PARTS, Edition, Scope, headline
from tracker.store.engine import reading, writing

SILENCE = "Silence about them does not mean that nothing happened."
PAUSED = "EU (with DE, IT, FR, NL, BE), JP, KR, VN, IN, TW, CH, IL, MY"
ZONE = "New York time"


def said(body: bytes) -> str:
    message: dict[str, str] = json.loads(body)
    assert list(message) == ["text"]
    return message["text"]


def written(edition: Edition) -> str:
    """An edition as a message."""
    content = msgspec.json.encode(edition).decode()
    frozen = Frozen("e1", edition.day, headline(edition), NOW, content)
    parcel = Parcel(frozen, "", "r", None, links("https://tracker.example.org", SEALER, "sub-1"), NOW)
    return slack.text(parcel, settings())


def told_on(engine: Engine, day: str) -> Edition:
    """Of the founding history, to all."""
    with reading(engine) as connection:
        return editions.preview(connection, Scope(), now=NOW, zone="America/New_York", day=day)


def test_an_edition_is_a_message_with_links(world: World) -> None:
    with receiver(says(200, "ok")) as here:
        one, secret = hook(world, here, "slack")
        news(world)
        send(world)
        [got] = here.got
    assert secret == ""
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert "webhook-signature" not in got.headers, "the address is the secret"
    [delivery] = sent(world)
    own = links("https://tracker.example.org", SEALER, one.id).own
    assert re.sub(r"events/[0-9a-f-]{36}", "events/1", said(got.body)).split("\n") == [
        f"*<https://tracker.example.org/editions/{delivery.edition}|Trade talks, 9 Mar: 1 change of state (MX)>*",
        "",
        "*New*",
        "• <https://tracker.example.org/events/1|Rate>",
        "    announced 9 March 2025",
        "    – Mexico: A tariff: 30% (was 25%)",
        "",
        f"Not checked for news up to the day before: China, Mexico (not at all). {SILENCE}",
        "",
        f"_You get this because you subscribed to all partners._ <{own}|Change or stop it>",
    ]
    assert (delivery.state, tries(world)[0].answer) == ("accepted", "ok")


def test_who_can_read_the_channel_confirms(world: World) -> None:
    """A chat cannot answer by itself: somebody opens the link."""
    with receiver() as here:
        one, _ = hook(world, here, "slack", confirmed=False)
        here.scripts = [says(200, token(one))]
        send(world)
        asked = said(here.got[0].body)
        assert now(world, one).state == "pending"
    assert asked.startswith(
        "*Confirm your subscription to trade talks*\nSomebody, we hope it was you, asked to be told"
    )
    assert f"<https://tracker.example.org/subscriptions/{one.id}/confirm?key={token(one)}|Confirm>" in asked
    with writing(world.engine) as connection:
        enrolment.confirm(connection, SEALER, one.id, token(one), world.clock())
    assert now(world, one).state == "active"


def test_its_address_is_nowhere_to_be_read(small_world: World) -> None:
    with receiver(says(500)) as here:
        one, _ = hook(small_world, here, "slack", path="/services/T0/B0/s3cret")
        news(small_world)
        send(small_world)
        assert here.got[0].line == "POST /hook/services/T0/B0/s3cret HTTP/1.1"
    assert now(small_world, one).address == f"127.0.0.1:{here.port} (address kept secret)"
    with small_world.engine.connect() as connection:
        for table in ("subscriptions", "endpoints", "deliveries", "attempts", "editions", "cuts"):
            assert "s3cret" not in str(connection.execute(text(f"SELECT * FROM {table}")).all())


def test_what_was_logged_is_no_markup_and_calls_nobody(small_world: World) -> None:
    title = "A <!channel> & <https://evil.example|link> @channel @here"
    with receiver() as here:
        hook(small_world, here, "slack")
        effect = {"target": "MX", "set": {"rate": {"percent": 30}}}
        small_world.log({"type": "measure.amended", "subject": TARIFF, "effects": [effect]}, title=title)
        small_world.clock.forward(minutes=10)
        dispatch.cut_due(small_world.engine, small_world.clock())
        send(small_world)
        message = said(here.got[0].body)
    assert "A &lt;!channel&gt; &amp; &lt;https://evil.example|link&gt; @\u2060channel @\u2060here>" in message
    ours = re.findall(r"<([^|>]*)\|", message)
    assert len(ours) == message.count("<") == message.count(">")
    assert all(address.startswith("https://tracker.example.org/") for address in ours)
    assert not re.search(r"@\w", message)


def test_a_correction_says_what_was_and_why(small_world: World) -> None:
    with receiver() as here:
        hook(small_world, here, "slack")
        id = small_world.rate(30)
        small_world.clock.forward(minutes=10)
        news(small_world, 40)
        small_world.correct(id, 35)
        small_world.clock.forward(minutes=10)
        dispatch.cut_due(small_world.engine, small_world.clock())
        send(small_world, CALM)
        message = said(here.got[-1].body)
    assert "*Corrections*" in message
    assert "Reason: We misread it" in message


# ---------------------------------------------------------------- the founding history


def test_a_real_edition_reads_well(real_history: Engine) -> None:
    lines = written(told_on(real_history, "2025-04-10")).split("\n")
    shown = [re.sub(r"<https://tracker.example.org/[^|]*\|", "<", line) for line in lines]
    assert shown[:12] == [
        "*<Trade talks, 10 Apr: 3 changes of state (BE, CH, CN, DE, 11 more)>*",
        "",
        "*Took effect*",
        "• <China goes from 34% to 84% before the 34% applies>",
        "    from 10 April 2025, 12:01 Shanghai time · announced 9 April 2025",
        "    – China: Tariff on all American goods: 84%",
        "",
        "*New*",
        "• <Country rates paused for 90 days, except for China>",
        f"    announced 9 April 2025, 13:18 (UTC-04:00) · from 10 April 2025, 00:01 until 9 July 2025, 00:01 {ZONE}",
        f"    – {PAUSED}: Reciprocal tariff, country rates: paused (was in force)",
        "• <Reciprocal rate on China raised from 84% to 125%>",
    ]


@pytest.mark.parametrize("day", ["2025-01-10", "2025-04-03", "2025-05-12", "2025-08-01", "2025-08-08"])
def test_it_fits_into_one_message_and_says_what_it_leaves_out(real_history: Engine, day: str) -> None:
    edition = told_on(real_history, day)
    message = written(edition)
    assert len(message) <= slack.MOST
    shown = message.count("\n• ")
    hidden = sum(int(n) for n in re.findall(r"\|and (\d+) more>", message))
    assert shown + hidden == sum(len(edition.part(kind)) for kind, _ in PARTS)


def test_the_longest_edition_fits(real_history: Engine) -> None:
    """Hundreds of entries in every part, each with long words."""
    edition = told_on(real_history, "2025-08-01")
    long = msgspec.structs.replace(
        edition.took_effect[0], title="Long " * 200, dates="x" * 500, reason="why " * 200
    )
    entries = [long] * 60
    kinds = [kind for kind, _ in PARTS]
    full = msgspec.structs.replace(
        edition, **{kind: [msgspec.structs.replace(entry, kind=kind) for entry in entries] for kind in kinds}
    )
    message = written(full)
    assert len(message) <= slack.MOST
    assert message.count("\n• ") == 7
    assert message.count("and 59 more>") == 7
