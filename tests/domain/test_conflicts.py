"""Two accounts conflict where no value fits both; silence, bounds that hold the other and hours of a day do not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracker.domain.conflicts import (
    Bounds,
    Disagreement,
    Stretch,
    disagreements,
    out_of_bounds,
    rivals,
    why,
)
from tracker.domain.when import FOREVER

OFFICIAL = 1


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def course(*steps: tuple[str, str | None, Any]) -> list[Stretch]:
    """Steps of (from, status, rate), each until the next."""
    starts = [day(start) for start, *_ in steps]
    ends = [*starts[1:], FOREVER]
    rates = [rate if rate is None or isinstance(rate, dict) else {"percent": rate} for *_, rate in steps]
    return [
        Stretch(start, end, status, rate, OFFICIAL)
        for start, end, (_, status, _), rate in zip(starts, ends, steps, rates, strict=True)
    ]


def brief(found: list[Disagreement]) -> list[tuple[str, str, str]]:
    return [
        (one.kind, one.start.date().isoformat(), "" if one.end == FOREVER else one.end.date().isoformat())
        for one in found
    ]


RECORD = course(
    ("2025-03-26", "announced", 25), ("2025-04-03", "in_force", 25), ("2025-06-04", "in_force", 50)
)
STEADY = course(("2025-03-26", "announced", 25), ("2025-04-03", "in_force", 25))


def test_accounts_that_agree_do_not_conflict() -> None:
    assert disagreements(RECORD, RECORD) == []


def test_a_step_that_a_source_has_too_early_is_one_of_dates() -> None:
    said = course(("2025-03-12", "in_force", 25), ("2025-06-04", "in_force", 50))
    (one,) = disagreements(said, RECORD)
    assert brief([one]) == [("dates", "2025-03-12", "2025-04-03")]
    assert one.held
    assert (one.said.start, one.held.start) == (day("2025-03-12"), day("2025-04-03"))
    assert why(one, "A lab", "our record", lambda at: f"{at:%d %b}") == (
        "A lab has 25% in force from 12 Mar, our record 25% in force from 03 Apr: one step, two days."
    )


def test_a_step_that_a_source_has_too_late_is_one_of_dates() -> None:
    said = course(("2025-04-03", "in_force", 25), ("2025-06-06", "in_force", 50))
    assert brief(disagreements(said, RECORD)) == [("dates", "2025-06-04", "2025-06-06")]


def test_a_source_that_begins_late_lets_the_thing_begin_late() -> None:
    said = course(("2025-04-11", "in_force", 25), ("2025-06-04", "in_force", 50))
    assert brief(disagreements(said, RECORD)) == [("dates", "2025-04-03", "2025-04-11")]


def test_a_source_that_begins_with_a_later_step_is_merely_silent_before() -> None:
    assert disagreements(course(("2025-06-04", "in_force", 50)), RECORD) == []


def test_rates_that_no_step_explains_conflict_as_rates() -> None:
    said = course(("2025-04-03", "in_force", 20), ("2025-06-04", "in_force", 50))
    assert brief(disagreements(said, RECORD)) == [("rate", "2025-04-03", "2025-06-04")]


def test_what_is_over_for_one_and_in_force_for_the_other_conflicts() -> None:
    said = course(("2025-04-03", "in_force", 25), ("2025-06-04", "ended", None))
    assert brief(disagreements(said, RECORD)) == [("status", "2025-06-04", "")]


def test_what_is_in_force_for_one_and_never_for_the_other_lacks_an_instrument() -> None:
    said = course(("2025-11-01", "in_force", 100))
    for held in ([], course(("2025-10-10", "threatened", 100))):
        (one,) = disagreements(said, held)
        assert one.kind == "no_instrument"
        assert "nothing in force at any time" in why(one, "A lab", "our record", str)


@pytest.mark.parametrize(
    "rate",
    [{"at_most": 50}, {"at_least": 10, "at_most": 30}, {"unknown": True}, {"percent": 25.04}, None],
)
def test_a_rate_that_may_be_the_other_does_not_conflict(rate: Any) -> None:
    assert disagreements(course(("2025-04-03", "in_force", rate)), STEADY) == []


def test_a_rate_beyond_the_bounds_conflicts() -> None:
    said = course(("2025-04-03", "in_force", {"at_most": 20}))
    assert brief(disagreements(said, STEADY))[0][0] == "rate"


def test_a_threat_contradicts_nothing() -> None:
    assert disagreements(course(("2025-04-03", "threatened", 200)), RECORD) == []


def test_less_than_a_day_is_the_difference_between_a_date_and_its_hour() -> None:
    said = course(("2025-04-03", "in_force", 25), ("2025-06-04", "in_force", 50))
    later = [s._replace(start=s.start + timedelta(minutes=1)) for s in RECORD]
    assert disagreements(said, later) == []


def test_the_silence_of_a_source_is_no_rival_but_for_a_step_it_has_later() -> None:
    one = course(("2025-03-12", "in_force", 25))
    assert rivals(one, course(("2025-08-07", "in_force", 35))) == [
        Disagreement(day("2025-08-07"), FOREVER, "rate", one[0], course(("2025-08-07", "in_force", 35))[0])
    ]
    assert brief(rivals(one, course(("2025-04-03", "in_force", 25)))) == [
        ("dates", "2025-03-12", "2025-04-03")
    ]


def bounds(start: str, end: str, lowest: float, highest: float) -> Bounds:
    return Bounds(day(start), day(end), lowest, highest, OFFICIAL)


def test_an_average_lies_between_nothing_and_the_highest_rate() -> None:
    held = [bounds("2025-02-04", "2025-03-04", 10, 10), bounds("2025-03-04", "2025-04-01", 20, 45)]
    for percent, found in ((10, 0), (8.5, 0), (20, 1), (45, 1), (45.2, 2), (0, 2)):
        assert len(out_of_bounds(course(("2025-02-04", "in_force", percent)), held)) == found, percent


def test_an_average_of_nothing_where_nothing_is_charged_is_right() -> None:
    assert (
        out_of_bounds(course(("2025-01-01", "in_force", 0)), [bounds("2025-01-01", "2025-02-01", 0, 25)])
        == []
    )
