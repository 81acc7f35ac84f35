"""What links bring along: given what is on record, when a development is logged, then these events."""

from typing import Any

import msgspec
import pytest
from domain.given import amended, at, correction, development, event, opened

from tracker.domain import decide
from tracker.domain.errors import Refused
from tracker.domain.events import Development, Logged
from tracker.domain.fold import Lane

X, DEAL, GB = "measure:us-x", "agreement:us-gb-epd", "partner:GB"
LANES = {
    X: {Lane("GB", "all-goods", "instrument", "state"), Lane("GB", "all-goods", "claim:letter-gb", "state")},
    DEAL: {
        Lane("GB", "", "instrument", "state"), Lane("GB", "", "instrument", "provision:cars"),
        Lane("GB", "", "claim:gb-account", "provision:beef"),
    },
    GB: {Lane("GB", "", "claim:ten-percent", "claim")},
}  # fmt: skip
KNOWN = decide.Known([*LANES], lambda: [*LANES], lambda subject: LANES.get(subject, set()))


def brought(command: Development) -> list[dict[str, Any]]:
    """The events beyond those that were sent."""
    return plain([record.event for record in decide.log(command, KNOWN)][len(command.events) :])  # type: ignore[misc]


def plain(events: list[Logged]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.to_builtins(events)
    return found


def linking(*effects: dict[str, Any], **links: list[str]) -> dict[str, Any]:
    return amended(X, *(effects or [at(35, "GB", from_="2025-08-01")]), links=links)


def closed(subject: str, claim: str, outcome: str) -> dict[str, Any]:
    effects = [{"set": {"outcome": outcome}}]
    return {"type": "claim.closed", "subject": subject, "claim": claim, "effects": effects}


CLOSED = closed(X, "letter-gb", "settled")


def in_force(provision: str, since: str | None = None, **more: Any) -> dict[str, Any]:
    dated = {"from": since} if since else {}
    body = {"provision": provision, "set": {"status": "in_force"}, **dated}
    return {"type": "provision.changed", "subject": DEAL, "provisions": [body], **more}


def test_what_settles_a_claim_closes_it() -> None:
    assert brought(development(linking(settles=[f"{X}#letter-gb"]))) == [CLOSED]


def test_what_carries_out_a_claim_closes_it_so() -> None:
    done = development(linking(carries_out=[f"{GB}#ten-percent"]))
    assert brought(done) == [closed(GB, "ten-percent", "carried_out")]


def test_a_provision_is_in_force_from_the_first_day_of_what_carries_it_out() -> None:
    steps = (at(35, "GB", from_="2025-09-01"), at(30, "GB", from_="2025-08-01"))
    assert brought(development(linking(*steps, carries_out=[f"{DEAL}#cars"]))) == [
        in_force("cars", "2025-08-01")
    ]


def test_a_provision_is_in_force_from_the_announcement_where_no_day_is_named() -> None:
    assert brought(development(linking(at(35, "GB"), carries_out=[f"{DEAL}#cars"]))) == [in_force("cars")]


def test_a_provision_is_not_in_force_while_what_carries_it_out_awaits_a_text() -> None:
    waiting = {"target": "GB", "set": {"awaits": "a notice"}}
    assert brought(development(linking(waiting, carries_out=[f"{DEAL}#cars"]))) == []


def test_a_day_begins_for_the_provision_when_it_begins_for_the_measure() -> None:
    known = decide.Known([*LANES, "measure:gb-y"], list, lambda subject: LANES.get(subject, set()))
    theirs = amended("measure:gb-y", at(0, "US", from_="2025-08-01"), links={"carries_out": [f"{DEAL}#cars"]})
    event = decide.log(development(theirs), known)[1].event
    assert plain([event]) == [in_force("cars", "2025-07-31T23:00:00Z")]  # type: ignore[list-item]


def test_a_provision_of_one_side_s_account_stays_in_that_account() -> None:
    assert brought(development(linking(at(35, "GB"), carries_out=[f"{DEAL}#beef"]))) == [
        in_force("beef", claim="gb-account")
    ]


def test_what_the_development_says_itself_is_left_as_it_is() -> None:
    said = closed(X, "letter-gb", "withdrawn")
    shelved = event(
        "provision.changed", DEAL, provisions=[{"provision": "cars", "set": {"status": "shelved"}}]
    )
    links = {"settles": [f"{X}#letter-gb"], "carries_out": [f"{DEAL}#cars"]}
    assert brought(development(linking(**links), said, shelved)) == []


def test_what_was_brought_along_is_not_brought_again() -> None:
    first = development(linking(settles=[f"{X}#letter-gb"], carries_out=[f"{DEAL}#cars"]))
    again = msgspec.structs.replace(first, events=[r.event for r in decide.log(first, KNOWN)])
    assert len(again.events) == 3
    assert brought(again) == []


def test_links_named_twice_bring_along_once() -> None:
    twice = development(linking(settles=[f"{X}#letter-gb"]), linking(settles=[f"{X}#letter-gb"]))
    assert brought(twice) == [CLOSED]


def test_a_correction_brings_along_as_well() -> None:
    standing = decide.Standing(
        decide.told_of(development(linking())), {X: development(linking()).events}, False
    )
    corrected = decide.correct("id", correction(linking(carries_out=[f"{DEAL}#cars"])), standing, KNOWN)
    assert {record.event.subject for record in corrected} == {X, DEAL}


@pytest.mark.parametrize("name", ["answers", "voids"])
def test_other_links_bring_nothing(name: str) -> None:
    assert brought(development(linking(**{name: [X, f"{X}#letter-gb"]}))) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (linking(settles=[f"{X}#letter-bg"]), f"is no claim on record; did you mean {X}#letter-gb?"),
        (linking(settles=[X]), f"{X} names no claim: write {X}#...; did you mean {X}#letter-gb?"),
        (linking(settles=[f"{DEAL}#cars"]), "is a provision, which is not settled but carried out: use carries_out"),
        (linking(carries_out=[f"{DEAL}#car"]), f"is no claim and no provision on record; did you mean {DEAL}#cars?"),
        (linking(answers=["measure:us-xx#a"]), "is not on record"),
        (linking(settles=["letter-gb"]), "letter-gb is not on record"),
        (
            event(
                "statement.made", GB, {"set": {"says": "x"}}, claim="b", links={"carries_out": [f"{DEAL}#cars"]}
            ),
            "what is only said carries nothing out",
        ),
        (
            event("claim.closed", GB, {"set": {"outcome": "lapsed"}}, claim="ten"),
            f"{GB}#ten is no claim on record; did you mean {GB}#ten-percent?",
        ),
    ],
)  # fmt: skip
def test_a_link_that_leads_nowhere_is_refused_with_what_is_near(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as raised:
        decide.log(development(wrong), KNOWN)
    assert said in raised.value.detail


def test_a_claim_may_be_linked_to_by_the_development_that_opens_it() -> None:
    threat = event("measure.threatened", X, at(50, "GB"), claim="another")
    assert brought(development(linking(settles=[f"{X}#another"]), threat)) == []
    assert brought(development(opened(X, at(1)), linking(answers=[f"{X}#another"]), threat)) == []
