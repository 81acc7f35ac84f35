"""The history that everybody is given: measures opened, amended, paused, resumed and ended, over many partners and
goods. An event is about 600 bytes of JSON. The same for every subject under test, and in every run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count, islice
from typing import Any

import msgspec

from tracker.domain.events import Development
from tracker.importing import Given

BEGINS = datetime(2015, 1, 1, 15, tzinfo=UTC)
STEP = timedelta(minutes=5)
"""Between two developments: a million of them end in 2024."""
NOW = datetime(2026, 11, 22, tzinfo=UTC)
"""When all of it is recorded."""
PARTNERS = ("CA", "MX", "CN", "DE", "JP", "KR", "GB", "VN", "TW", "IN", "IE", "IT", "NL", "FR", "CH", "BR", "TH", "MY",
            "SG", "AU")  # fmt: skip
GOODS = (
    "cars",
    "trucks",
    "steel",
    "copper",
    "timber",
    "farm-goods",
    "machines",
    "medicines",
    "textiles",
    "chips",
)
COURSE = ("amended", "amended", "paused", "resumed", "amended", "paused", "amended", "amended", "ended")
"""What happens to a measure after it was announced, over and over; the end comes in its tenth event."""


@dataclass(frozen=True)
class Fact:
    """One development with its one event: the ``version``th of a stream."""

    stream: str
    version: int
    development: Development

    @property
    def type(self) -> str:
        tag = self.development.events[0].__struct_config__.tag
        assert isinstance(tag, str)
        return tag

    @cached_property
    def body(self) -> bytes:
        return msgspec.json.encode(self.development)

    @property
    def line(self) -> Given:
        """It as a line of an import."""
        key = f"{self.stream.removeprefix('measure:')}-{self.version}"
        return Given(key, b'{"key":"%b","development":%b}\n' % (key.encode(), self.body))


@dataclass(frozen=True, slots=True)
class Shape:
    """How events are spread: ``streams`` measures go on in turn until each has ``events``; then as many new ones.
    ``lead``: from an announcement until it takes effect."""

    name: str
    streams: int
    events: int
    partners: Sequence[str] = PARTNERS
    lead: timedelta = timedelta(days=3)


SHORT_LIVES = Shape("short", 50, 10)
"""A newsroom's day: many measures, each with a few events."""


def story(shape: Shape, since: int = 0) -> Iterator[Fact]:
    """An endless history of this shape; it begins ``since`` developments after the others."""
    for number in count():
        block, place = divmod(number, shape.streams * shape.events)
        version, lane = divmod(place, shape.streams)
        one = block * shape.streams + lane
        stream = f"measure:us-{shape.name}-{one:07}"
        at = BEGINS + (since + number) * STEP
        partner = shape.partners[one % len(shape.partners)]
        yield Fact(stream, version + 1, _development(stream, version, one, partner, at, shape.lead))


def files(facts: Iterator[Fact], size: int) -> Iterator[list[Given]]:
    """The history as files to import, without an end."""
    while lines := [fact.line for fact in islice(facts, size)]:
        yield lines


def opening(partners: Sequence[str] = PARTNERS) -> list[Given]:
    """The lines that have to come first: the partners and the authority."""
    told = {"announced": "2014-12-31", "sources": [{"publisher": "The benchmark", "kind": "document"}]}
    events: list[dict[str, Any]] = [
        {
            "type": "partner.registered", "subject": f"partner:{code}",
            "about": {"name": f"Partner {code}", "kind": "country", "rank": rank},
        }
        for rank, code in enumerate(partners, 1)
    ]  # fmt: skip
    events.append(
        {
            "type": "ruling.issued", "subject": "authority:us-section-232",
            "about": {"title": "Section 232: imports and national security"},
            "effects": [{"target": "everyone", "set": {"legal": "valid", "collection": "collected"}}],
        }
    )  # fmt: skip
    development = {"title": "Who is followed", **told, "events": events}
    return [Given("opening", msgspec.json.encode({"key": "opening", "development": development}))]


def _development(
    stream: str, version: int, one: int, partner: str, at: datetime, lead: timedelta
) -> Development:
    what = COURSE[version % 10 - 1] if version % 10 else "resumed" if version else "announced"
    goods = [GOODS[(one + n) % len(GOODS)] for n in (0, 3)]
    event: dict[str, Any] = {
        "type": f"measure.{what}", "subject": stream,
        "summary": f"The tariff of {stream} on {partner}, step {version}: as the order in the Federal Register says, "
        "on goods entered for consumption, or taken from a warehouse, from that hour on.",
        "effects": list(_effects(what, partner, goods, version, at + lead)),
    }  # fmt: skip
    if what == "announced":
        event["about"] = {"title": f"Tariff {one} on {partner}", "authority": "authority:us-section-232"}
    told = {
        "title": f"{partner}: the tariff is {what}",
        "announced": instant(at),
        "sources": [
            {
                "publisher": "Federal Register", "kind": "official", "title": f"Proclamation {10_000 + version}",
                "url": f"https://www.example.org/documents/{at:%Y/%m/%d}/{one}-{version}",
            }
        ],
        "events": [event],
    }  # fmt: skip
    return msgspec.convert(told, Development)


def _effects(
    what: str, partner: str, goods: list[str], version: int, at: datetime
) -> Iterator[dict[str, Any]]:
    begins = instant(at)
    match what:
        case "paused":
            yield {"target": "each_of", "from": begins, "until": instant(at + timedelta(days=90))}
        case "resumed":
            yield {"target": "each_of", "from": begins}
        case "ended":
            yield {"target": "each_of", "from": begins, "set": {"why_ended": "revoked"}}
        case _:
            scopes = goods if what == "announced" else goods[version % 2 :][:1]
            for scope in scopes:
                rate = {"percent": 5.0 + version % 40}
                yield {"target": partner, "scope": scope, "from": begins, "set": {"rate": rate}}


def instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")
