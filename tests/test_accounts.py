"""What a source said, by when it said so or by when we knew; and where it and our record cannot both be right."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from tracker import read
from tracker.domain.errors import Refused
from tracker.importing import Given, Terms, load
from tracker.read import accounts, disputes
from tracker.read.accounts import Sought, Statement
from tracker.read.disputes import Conflict
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine, reading

ZONE = "America/New_York"
AVERAGE, BORDER = "measure:us-average-duty", "measure:us-border"
ALL = Sought()


def told(key: str, announced: str, *events: dict[str, Any], kind: str = "official") -> dict[str, Any]:
    sources = [{"publisher": {"official": "The gazette", "data": "An institute"}[kind], "kind": kind}]
    return {
        "key": key,
        "development": {"title": key, "announced": announced, "sources": sources, "events": [*events]},
    }


def measure(
    subject: str, *effects: tuple[str, str, Any], claim: str | None = None, **more: Any
) -> dict[str, Any]:
    """An event with effects of (target, from, rate)."""
    said = {"claim": claim} if claim else {}
    return {
        "type": "measure.amended" if claim else "measure.announced", "subject": subject,
        "about": {"title": subject[11:]}, **said,
        "effects": [
            {
                "target": target, "scope": "all-goods", "from": start,
                "set": {"status": "in_force", "rate": {"percent": rate}},
            }
            for target, start, rate in effects
        ],
    }  # fmt: skip


HISTORY = [
    told("mx", "2025-01-01", {"type": "partner.registered", "subject": "partner:MX", "about": {"name": "Mexico"}}),
    told("border", "2025-02-01", measure(BORDER, ("MX", "2025-03-04", 25))),
    told("threat", "2025-02-10", {
        "type": "measure.threatened", "subject": "measure:us-cars", "about": {"title": "Cars"}, "claim": "threat",
        "effects": [{"target": "MX", "scope": "all-goods", "from": "2025-04-01", "set": {"rate": {"percent": 50}}}],
    }),
    told("first", "2025-02-20", measure(BORDER, ("MX", "2025-02-04", 25), claim="institute"), kind="data"),
    told("checked", "2025-03-31", {"type": "partner.checked", "subject": "partner:MX", "through": "2025-03-31"}),
]  # fmt: skip
LATER = [
    told("second", "2025-04-20", measure(BORDER, ("MX", "2025-02-04", 20), claim="institute"), kind="data"),
    told(
        "averages", "2025-04-21",
        measure(AVERAGE, ("MX", "2025-02-10", 30), ("MX", "2025-03-04", 20), claim="institute"), kind="data",
    ),
]  # fmt: skip


@pytest.fixture
def engine(migrated_url: str) -> Iterator[Engine]:
    engine = open_engine(migrated_url)
    yield engine
    engine.dispose()


@pytest.fixture
def take(engine: Engine) -> Callable[..., None]:
    def take(*lines: dict[str, Any], as_learnt: bool = True) -> None:
        given = [Given(f"line {n}", msgspec.json.encode(line)) for n, line in enumerate(lines, 1)]
        load(engine, given, Terms("operator", open_clock(engine)(), as_learnt))

    return take


def point(connection: Any, engine: Engine, **axes: Any) -> read.Point:
    return read.point(connection, now=open_clock(engine)(), zone=ZONE, **axes)


def said(engine: Engine, by: str | None = None, sought: Sought = ALL, **axes: Any) -> list[Statement]:
    with reading(engine) as connection:
        at = point(connection, engine, **axes)
        return accounts.statements(connection, at, sought, accounts.said_by(by, at, "said_by"))[0]


def disputed(engine: Engine, sought: Sought = ALL, **axes: Any) -> list[Conflict]:
    with reading(engine) as connection:
        return disputes.disputes(connection, point(connection, engine, **axes), sought)[0]


def rates(statements: list[Statement]) -> list[Any]:
    return [(one.source, one.state["rate"]["percent"]) for one in statements]


INSTITUTE = Sought(source="institute", subject=BORDER)


def test_what_a_source_said_by_a_day_is_answered_however_late_we_heard_of_it(
    engine: Engine, take: Callable[..., None]
) -> None:
    take(*HISTORY, *LATER, as_learnt=False)
    assert rates(said(engine, "2025-04-01", INSTITUTE, as_of="2025-03-10")) == [("institute", 25)]
    assert rates(said(engine, None, INSTITUTE, as_of="2025-03-10")) == [("institute", 20)]
    assert said(engine, "2025-02-19", INSTITUTE, as_of="2025-03-10") == []
    assert said(engine, None, INSTITUTE, as_of="2025-02-01") == []
    assert said(engine, None, INSTITUTE, as_of="2025-03-10", known_at="2025-06-01") == []


def test_what_a_source_said_as_known_on_a_day(engine: Engine, take: Callable[..., None]) -> None:
    take(*HISTORY, *LATER)
    assert rates(said(engine, None, INSTITUTE, as_of="2025-03-10", known_at="2025-04-01")) == [
        ("institute", 25)
    ]
    assert rates(said(engine, None, INSTITUTE, as_of="2025-03-10", known_at="2025-05-01")) == [
        ("institute", 20)
    ]


def test_a_statement_says_who_when_and_of_what_tier(engine: Engine, take: Callable[..., None]) -> None:
    take(*HISTORY)
    (one,) = said(engine, None, INSTITUTE, as_of="2025-03-10")
    assert (one.by, one.tier, one.said, one.partner) == ("An institute", "data", "2025-02-20", "MX")


def test_the_end_of_a_measure_on_record_is_not_put_into_the_mouth_of_a_source(
    engine: Engine, take: Callable[..., None]
) -> None:
    ended = {
        "type": "measure.ended", "subject": BORDER,
        "effects": [{"target": "each_of", "from": "2025-03-20", "set": {"why_ended": "revoked"}}],
    }  # fmt: skip
    withdrawn = {**ended, "subject": "measure:us-cars", "effects": [{"target": "each_of"}]}
    take(*HISTORY, told("ended", "2025-04-01", ended), told("withdrawn", "2025-04-02", withdrawn))
    found = {one.source: one.state["status"] for one in said(engine, as_of="2025-04-10")}
    assert found == {"institute": "in_force", "threat": "ended"}
    held = [one for one in disputed(engine, as_of="2025-04-10") if one.holds]
    assert [(one.kind, one.ours.status) for one in held] == [("status", "ended")]


def test_a_conflict_has_both_dates_both_values_both_tiers_and_why(
    engine: Engine, take: Callable[..., None]
) -> None:
    take(*HISTORY)
    (one,) = disputed(engine, as_of="2025-03-31")
    assert (one.kind, one.partner, one.scope, one.holds, one.beyond_coverage) == (
        "dates", "MX", "all-goods", False, False,
    )  # fmt: skip
    assert (one.theirs.tier, one.theirs.rate, str(one.theirs.since)[:10], one.theirs.said) == (
        "data", {"percent": 25.0}, "2025-02-04", "2025-02-20",
    )  # fmt: skip
    assert (one.ours.tier, one.ours.rate, str(one.ours.since)[:10], one.ours.said) == (
        "official", {"percent": 25.0}, "2025-03-04", "2025-02-01",
    )  # fmt: skip
    assert one.why == (
        "An institute has 25% in force from 4 February 2025, our record 25% in force from 4 March 2025: "
        "one step, two days."
    )


def test_the_report_is_as_of_as_known_and_of_whom_one_asks(engine: Engine, take: Callable[..., None]) -> None:
    take(*HISTORY, *LATER)
    assert [one.kind for one in disputed(engine)] == ["status", "bounds", "rate"]
    assert [one.kind for one in disputed(engine, known_at="2025-04-01")] == ["dates"]
    assert [one.kind for one in disputed(engine, as_of="2025-02-05")] == ["status"]
    assert disputed(engine, Sought(source="other")) == []
    assert [one.kind for one in disputed(engine, Sought(partner="MX", subject=AVERAGE))] == ["bounds"]
    with pytest.raises(Refused, match="'FR' is not a partner"):
        disputed(engine, Sought(partner="FR"))


def test_an_average_above_every_rate_on_record_is_a_conflict_as_far_as_the_record_reaches(
    engine: Engine, take: Callable[..., None]
) -> None:
    take(*HISTORY, *LATER)
    (one,) = disputed(engine, Sought(subject=AVERAGE))
    assert (str(one.starts)[:10], str(one.ends)[:10]) == ("2025-02-10", "2025-03-04")
    assert one.why == "An institute has an average of 30%, our record no duty that is charged then."


def test_what_lies_beyond_the_record_is_marked(engine: Engine, take: Callable[..., None]) -> None:
    claim = measure(BORDER, ("MX", "2025-05-01", 35), claim="institute")
    take(*HISTORY, told("third", "2025-05-02", claim, kind="data"))
    assert [(one.kind, one.beyond_coverage) for one in disputed(engine)] == [("dates", False), ("rate", True)]


def test_a_statement_that_an_analyst_found_to_be_wrong_is_a_conflict(
    engine: Engine, take: Callable[..., None]
) -> None:
    def claim(type: str, said: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": type, "subject": "partner:MX", "claim": "free", "effects": [{"target": "MX", "set": said}],
        }  # fmt: skip

    says = {"by": "A paper", "says": "Mexico pays nothing.", "rate": {"percent": 0}}
    over = {"outcome": "contradicted", "text": "The order says 25%."}
    quiet = [line for line in HISTORY if line["key"] != "first"]
    take(
        *quiet[:4], told("paper", "2025-04-02", claim("statement.made", says), kind="data"),
        told("closed", "2025-04-05", claim("claim.closed", over)),
    )  # fmt: skip
    assert disputed(engine, as_of="2025-04-03") == []
    (one,) = disputed(engine)
    assert (one.kind, one.theirs.by, one.theirs.tier, one.theirs.rate) == (
        "contradicted", "A paper", "data", {"percent": 0.0},
    )  # fmt: skip
    assert one.why == "A paper: “Mexico pays nothing.” Our record contradicts it: The order says 25%."
    assert one.ours.said == "2025-04-05"


def test_the_accounts_that_the_sides_give_of_a_deal_stand_side_by_side(
    engine: Engine, take: Callable[..., None]
) -> None:
    def account(side: str, text: str, *provisions: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "agreement.announced", "subject": "agreement:us-mx-deal", "about": {"title": "A deal"},
            "claim": f"{side}-account", "effects": [{"set": {"text": text}}], "provisions": [*provisions],
        }  # fmt: skip

    rate = {"provision": "cars", "set": {"title": "Cars", "after": {"percent": 10}}}
    take(
        HISTORY[0], told("deal", "2025-05-01", account("us", "A great deal.", rate), account("mx", "A framework.")),
    )  # fmt: skip
    (one,) = disputed(engine)
    assert (one.kind, one.partner, one.holds) == ("accounts", "MX", True)
    assert one.why == (
        "Mexico, by its own account: “A framework.” "
        "United States, by its own account: “A great deal. Cars: to 10%.”"
    )


@pytest.mark.parametrize(
    ("record", "source", "found"),
    [
        ("by 2025-03-04", "2025-02-20", []),
        ("by 2025-03-04", "2025-03-20", ["dates"]),
        ("2025-03", "2025-03-20", []),
        ("2025-03", "2025-02", ["dates"]),
        ("2025-03-04", "2025-03", []),
        ("2025-03-04", "2025-03-20", ["dates"]),
    ],
)
def test_a_date_that_is_not_told_to_the_day_contradicts_no_day_it_may_be(
    engine: Engine, take: Callable[..., None], record: str, source: str, found: list[str]
) -> None:
    said = measure(BORDER, ("MX", source, 25), claim="institute")
    take(
        HISTORY[0], told("border", "2025-02-01", measure(BORDER, ("MX", record, 25))),
        told("said", "2025-02-20", said, kind="data"), HISTORY[4],
    )  # fmt: skip
    assert [one.kind for one in disputed(engine)] == found
