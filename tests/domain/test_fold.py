"""What holds after what was announced, as rules. Everything here is pure: developments in, segments out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from domain.given import amended, at, development, ended, event, opened, paused

from tracker.domain.events import Development
from tracker.domain.fold import Contribution, Lane, Lanes, Place, fold
from tracker.domain.paint import announced, paints
from tracker.domain.when import moment

X = "measure:us-x"


def told(*developments: Development) -> Lanes:
    """What is known after these were recorded, in this order. The event of the n-th has position n."""
    said: dict[str, list[Contribution]] = {}
    for position, one in enumerate(developments, 1):
        for subject in {e.subject for e in one.events}:
            order = Place(announced(one, subject).at, one.sequence, position)
            its = [(position, paint) for e in one.events if e.subject == subject for paint in paints(one, e)]
            said.setdefault(subject, []).append(Contribution(order, its))
    (contributions,) = said.values()
    return fold(contributions)


def state(
    lanes: Lanes, target: str, at: str, *, scope: str = "all-goods", basis: str = "instrument",
    aspect: str = "state", whom: str = "",
) -> dict[str, Any]:  # fmt: skip
    """The fields of a lane at the start of a day (or at an instant), as they are for ``whom``, but for cleared ones."""
    instant = moment(at, "America/New_York").at
    for segment in lanes.get(Lane(target, scope, basis, aspect), []):
        if segment.start <= instant < segment.end:
            shown = {
                name: next((x.value for x in layers if (whom or target) not in x.excepted), None)
                for name, layers in segment.state.items()
            }
            return {name: value for name, value in shown.items() if value is not None}
    return {}


def rate(lanes: Lanes, target: str, at: str, **where: Any) -> float | None:
    found = state(lanes, target, at, **where).get("rate")
    return found and found["percent"]


def status(lanes: Lanes, target: str, at: str, **where: Any) -> str | None:
    return state(lanes, target, at, **where).get("status")


def targets(lanes: Lanes) -> set[str]:
    return {lane.target for lane in lanes} - {""}


# ---------------------------------------------------------------- time


def test_a_measure_is_announced_until_it_starts() -> None:
    lanes = told(development(opened(X, at(25, from_="2025-03-01"))))
    assert [status(lanes, "everyone", day) for day in ("2025-01-31", "2025-02-01", "2025-02-28", "2025-03-01")] == [
        None, "announced", "announced", "in_force",
    ]  # fmt: skip


def test_a_measure_in_force_before_it_was_announced_was_never_announced() -> None:
    lanes = told(development(opened(X, at(25, from_="2025-01-01"))))
    assert status(lanes, "everyone", "2025-01-15") == "in_force"


def test_the_steps_of_one_announcement_follow_each_other() -> None:
    lanes = told(
        development(
            opened(X, at(10, "GB", from_="2025-04-05", until="2025-04-09"), at(34, "GB", from_="2025-04-09")),
            announced="2025-04-02",
        )
    )  # fmt: skip
    days = ("2025-04-02", "2025-04-05", "2025-04-09")
    assert [status(lanes, "GB", day) for day in days] == ["announced", "in_force", "in_force"]
    assert [rate(lanes, "GB", day) for day in days] == [None, 10, 34]


def test_between_two_steps_that_leave_a_gap_the_next_is_announced() -> None:
    steps = (
        at(10, "GB", from_="2025-04-05", until="2025-04-07"),
        at(34, "GB", from_="2025-04-09"),
    )
    lanes = told(development(opened(X, *steps), announced="2025-04-02"))
    assert status(lanes, "GB", "2025-04-08") == "announced"


def test_another_rate_announced_leaves_a_measure_in_force() -> None:
    lanes = told(
        development(opened(X, at(25, "everyone", from_="2025-03-12")), announced="2025-02-10"),
        development(
            event("measure.announced", X, at(50, "everyone", from_="2025-06-04")), announced="2025-05-30"
        ),
    )
    shown = {day: (status(lanes, "everyone", day), rate(lanes, "everyone", day)) for day in (
        "2025-03-01", "2025-06-01", "2025-06-05",
    )}  # fmt: skip
    assert shown == {
        "2025-03-01": ("announced", None),
        "2025-06-01": ("in_force", 25),
        "2025-06-05": ("in_force", 50),
    }


def test_a_pause_ends_by_itself() -> None:
    lanes = told(
        development(opened(X, at(25))),
        development(paused(X, {"target": "each_of", "until": "2025-05-01"}), announced="2025-03-01"),
    )
    assert [status(lanes, "everyone", day) for day in ("2025-02-28", "2025-03-01", "2025-04-30", "2025-05-01")] == [
        "in_force", "paused", "paused", "in_force",
    ]  # fmt: skip
    assert rate(lanes, "everyone", "2025-04-01") == 25


def test_a_pause_of_a_tariff_not_yet_in_force() -> None:
    """Announced on the 1st for the 10th, paused on the 3rd for a month: it never was in force in between."""
    lanes = told(
        development(opened(X, at(25, from_="2025-02-10"))),
        development(paused(X, {"target": "each_of", "until": "2025-03-03"}), announced="2025-02-03"),
    )
    days = ["2025-02-02", "2025-02-03", "2025-02-10", "2025-03-02", "2025-03-03"]
    assert [status(lanes, "everyone", day) for day in days] == [
        "announced",
        "paused",
        "paused",
        "paused",
        "in_force",
    ]
    assert rate(lanes, "everyone", "2025-03-03") == 25


def test_a_pause_paints_over_a_measure_that_takes_effect_later_than_the_pause() -> None:
    """Place is that of announcements, never that of effects."""
    tariff = development(opened(X, at(25, from_="2025-02-20")))
    pause = development(paused(X, {"target": "everyone", "from": "2025-02-05"}), announced="2025-02-03")
    for recorded in ([tariff, pause], [pause, tariff]):
        assert status(told(*recorded), "everyone", "2025-02-25") == "paused"


def test_country_rates_lasted_from_0001_to_0001() -> None:
    lanes = told(
        development(
            opened(X, at(10, "everyone", from_="2025-04-05T00:01"), at(46, "VN", from_="2025-04-09T00:01")),
            announced="2025-04-02",
        ),
        development(amended(X, at(10, "VN", from_="2025-04-10T00:01")), announced="2025-04-09T13:18"),
    )  # fmt: skip
    clock = ["2025-04-09", "2025-04-09T00:00:59", "2025-04-09T00:01", "2025-04-10", "2025-04-10T00:01"]
    assert [rate(lanes, "VN", at) for at in clock] == [None, None, 46, 46, 10]
    assert status(lanes, "VN", "2025-04-09T00:00") == "announced"


def test_a_date_begins_in_the_actor_s_zone_unless_another_is_given() -> None:
    for key, zone, first in (
        ("measure:us-x", None, "2025-02-01T05:00Z"),
        ("measure:cn-x", None, "2025-01-31T16:00Z"),
        ("measure:us-x", "Europe/London", "2025-02-01T00:00Z"),
    ):
        lanes = told(development(opened(key, at(1)), zone=zone))
        (segment,) = lanes[Lane("everyone", "all-goods", "instrument", "state")]
        assert segment.start == moment(first, "UTC").at


def test_an_end_uncovers_what_lies_below_until_a_new_schedule_begins() -> None:
    """The pause ends on the 1st, new rates begin on the 7th: for six days the old rate is back."""
    lanes = told(
        development(opened(X, at(46, "VN"))),
        development(amended(X, at(10, "VN", until="2025-08-01")), announced="2025-04-09"),
        development(amended(X, at(20, "VN", from_="2025-08-07")), announced="2025-07-31"),
    )
    days = ["2025-07-31", "2025-08-01", "2025-08-06", "2025-08-07"]
    assert [rate(lanes, "VN", day) for day in days] == [10, 46, 46, 20]


def test_an_open_ended_act_covers_the_steps_scheduled_after_it() -> None:
    lanes = told(
        development(opened(X, at(10), at(20, from_="2026-01-01"))),
        development(amended(X, at(5)), announced="2025-06-01"),
    )
    assert [rate(lanes, "everyone", day) for day in ("2025-05-31", "2025-06-01", "2026-01-01")] == [10, 5, 5]


def test_what_was_announced_the_same_day_goes_by_its_sequence_whatever_the_order_of_recording() -> None:
    one, two = development(opened(X, at(1))), development(amended(X, at(2)), sequence=1)
    assert (
        rate(told(one, two), "everyone", "2025-03-01") == rate(told(two, one), "everyone", "2025-03-01") == 2
    )


def test_an_announcement_that_awaits_a_text_has_no_date_yet() -> None:
    lanes = told(
        development(opened(X, at(25))),
        development(
            amended(X, {"set": {"awaits": "a law", "rate": {"percent": 15}}}), announced="2025-03-01"
        ),
        development(amended(X, at(15, from_="2025-06-01")), announced="2025-05-01"),
    )
    pending = state(lanes, "everyone", "2025-04-01")
    assert (pending["rate"]["percent"], pending["awaits"]) == (25, "a law")
    assert pending["pending"] == {"rate": {"percent": 15.0}}
    assert rate(lanes, "everyone", "2025-06-01") == 15


# ---------------------------------------------------------------- targets


def test_everyone_except_leaves_the_excepted_what_they_had() -> None:
    lanes = told(
        development(opened(X, at(10))),
        development(amended(X, at(25, except_=["GB"])), announced="2025-03-01"),
    )
    assert [rate(lanes, "everyone", "2025-04-01", whom=whom) for whom in ("GB", "FR")] == [10, 25]


def test_who_was_excepted_twice_has_what_was_before_both() -> None:
    lanes = told(
        development(opened(X, at(10))),
        development(amended(X, at(25, except_=["GB", "JP"])), announced="2025-03-01"),
        development(amended(X, at(30, except_=["GB"])), announced="2025-04-01"),
        development(amended(X, at(35, except_=["JP"], from_="2025-06-01")), announced="2025-05-01"),
    )
    assert [rate(lanes, "everyone", "2025-05-15", whom=whom) for whom in ("GB", "JP", "FR")] == [10, 30, 30]
    assert [rate(lanes, "everyone", "2025-06-15", whom=whom) for whom in ("GB", "JP", "FR")] == [35, 30, 35]


def test_everyone_without_exception_ends_all_exceptions() -> None:
    lanes = told(
        development(opened(X, at(10))),
        development(amended(X, at(25, except_=["GB"])), announced="2025-03-01"),
        development(amended(X, at(15)), announced="2025-04-01"),
    )
    assert rate(lanes, "everyone", "2025-05-01", whom="GB") == 15


def test_each_of_reaches_every_lane_there_is_and_makes_none() -> None:
    lanes = told(
        development(opened(X, at(10, "everyone"), at(20, "CN"), at(30, "VN"))),
        development(paused(X, {"target": "each_of", "except": ["CN"]}), announced="2025-03-01"),
    )
    shown = {target: status(lanes, target, "2025-04-01") for target in targets(lanes)}
    assert shown == {"everyone": "paused", "CN": "in_force", "VN": "paused"}


def test_each_of_reaches_all_who_are_named_in_goods_that_nobody_named_yet() -> None:
    lanes = told(
        development(opened(X, at(10, "everyone", scope="all-goods"), at(34, "CN", scope="all-goods"))),
        development(amended(X, {"scope": "coffee", "set": {"exempt": True}}), announced="2025-03-01"),
    )
    for target in ("everyone", "CN"):
        assert state(lanes, target, "2025-04-01", scope="coffee") == {"exempt": True}
    assert Lane("MX", "coffee", "instrument", "state") not in lanes


def test_suspend_all_but_china_leaves_china_what_everyone_had_too() -> None:
    """China has no lane of its own: it is excepted within everyone's."""
    lanes = told(
        development(opened(X, at(10))),
        development(paused(X, {"target": "each_of", "except": ["CN"]}), announced="2025-03-01"),
    )
    assert [status(lanes, "everyone", "2025-04-01", whom=whom) for whom in ("CN", "FR")] == [
        "in_force",
        "paused",
    ]


def test_an_each_of_pause_reaches_lanes_recorded_later_but_announced_earlier() -> None:
    pause = development(paused(X, {"target": "each_of"}), announced="2025-03-01")
    late = development(amended(X, at(30, "VN")), announced="2025-02-15")
    lanes = told(development(opened(X, at(10))), pause, late)
    assert state(lanes, "VN", "2025-04-01") == {"rate": {"percent": 30.0}, "status": "paused"}


def test_an_each_of_pause_does_not_reach_lanes_announced_later() -> None:
    lanes = told(
        development(opened(X, at(10))),
        development(paused(X, {"target": "each_of"}), announced="2025-03-01"),
        development(opened(X, at(30, "VN")), announced="2025-03-02"),
    )
    assert status(lanes, "VN", "2025-04-01") == "in_force"


def test_each_of_nothing_is_nothing() -> None:
    assert told(development(event("measure.paused", X, {"target": "each_of"}))) == {}


def test_a_bloc_that_is_excepted_by_each_of_is_no_lane_of_it_and_its_members_lanes_say_so() -> None:
    """Who is a member is known when resolving: a member's own lane keeps below what the bloc is spared."""
    lanes = told(
        development(opened(X, at(10, "EU"), at(20, "DE"))),
        development(amended(X, at(50, "each_of", except_=["EU"])), announced="2025-03-01"),
    )
    assert rate(lanes, "EU", "2025-04-01") == 10
    assert [rate(lanes, "DE", "2025-04-01", whom=whom) for whom in ("DE", "EU")] == [50, 20]


def test_without_a_scope_an_effect_is_on_all_the_measure_has() -> None:
    lanes = told(
        development(opened(X, at(10, scope="cars"), at(20, scope="steel"))),
        development(amended(X, at(5, "GB")), announced="2025-03-01"),
    )
    assert {(lane.target, lane.scope) for lane in lanes if lane.aspect == "state"} == {
        (target, scope) for target in ("everyone", "GB") for scope in ("cars", "steel")
    }
    assert rate(lanes, "GB", "2025-04-01", scope="cars") == 5


def test_a_measure_of_no_scope_is_on_all_goods() -> None:
    assert {lane.scope for lane in told(development(opened(X, at(1)))) if lane.target} == {"all-goods"}


@pytest.mark.parametrize("target", ["GB", "each_of"])
def test_an_effect_of_one_scope_leaves_the_others_alone(target: str) -> None:
    lanes = told(
        development(opened(X, at(10, "GB", scope="cars"), at(20, "GB", scope="steel"))),
        development(amended(X, at(0, target, scope="steel")), announced="2025-03-01"),
    )
    assert [rate(lanes, "GB", "2025-04-01", scope=scope) for scope in ("cars", "steel")] == [10, 0]


# ---------------------------------------------------------------- claims, rulings, deals


def test_a_threat_never_becomes_law_because_its_date_came() -> None:
    threat = event("measure.threatened", X, at(50, "EU", from_="2025-06-01"), about={"title": "t"})
    lanes = told(development(threat, announced="2025-05-23"))
    assert status(lanes, "EU", "2025-07-01") is None
    claim = state(lanes, "EU", "2025-05-23", basis="claim:threat")
    assert (claim["status"], claim["starts"]) == ("threatened", "2025-06-01")
    assert status(lanes, "EU", "2025-07-01", basis="claim:threat") == "threatened"


def test_a_measure_that_ends_ends_the_threats_of_it_too() -> None:
    threat = event("measure.threatened", X, at(50, "EU"), about={"title": "t"})
    lanes = told(
        development(threat),
        development(ended(X, {"set": {"why_ended": "withdrawn"}}), announced="2025-03-01"),
    )
    assert state(lanes, "EU", "2025-04-01", basis="claim:threat")["why_ended"] == "withdrawn"


def test_what_ends_for_a_target_ends_no_claim_that_nobody_made() -> None:
    threat = event("measure.threatened", X, at(50, "EU"), about={"title": "t"})
    lanes = told(
        development(threat, opened(X, at(10, scope="cars"))),
        development(ended(X, {"target": "EU"}), announced="2025-03-01"),
    )
    assert {(lane.scope, lane.basis) for lane in lanes if lane.target == "EU"} == {
        ("all-goods", "claim:threat"), ("cars", "instrument"),
    }  # fmt: skip


def test_an_instrument_leaves_claims_alone() -> None:
    claimed = amended(X, at(0, "JP"), claim="tokyo")
    lanes = told(development(opened(X, at(15, "JP"))), development(claimed, announced="2025-03-01"))
    assert rate(lanes, "JP", "2025-04-01") == 15
    assert rate(lanes, "JP", "2025-04-01", basis="claim:tokyo") == 0


def test_a_ruling_is_one_event_on_the_authority() -> None:
    law = "authority:us-ieepa"
    struck = {"set": {"legal": "struck_down", "collection": "collected"}}
    named = {"target": "party:vos-selections", "set": {"collection": "not_collected"}}
    lanes = told(
        development(
            event("ruling.issued", law, struck, named, about={"title": "IEEPA"}), announced="2025-05-28"
        ),
        development(event("ruling.issued", law, {"set": {"stayed": True}}), announced="2025-05-29"),
    )
    assert targets(lanes) == {"everyone", "party:vos-selections"}
    everyone = state(lanes, "everyone", "2025-06-01", scope="", aspect="legal")
    assert everyone == {"legal": "struck_down", "collection": "collected", "stayed": True}
    party = state(lanes, "party:vos-selections", "2025-06-01", scope="", aspect="legal")
    assert party == {"collection": "not_collected"}


def test_exemptions_change_one_by_one() -> None:
    usmca, parts = {"text": "USMCA goods"}, {"text": "Parts"}
    lanes = told(
        development(opened(X, {"target": "CA", "set": {"exemptions": {"usmca": usmca}}})),
        development(
            amended(X, {"target": "CA", "set": {"exemptions": {"parts": parts}}}), announced="2025-03-01"
        ),
        development(
            amended(X, {"target": "CA", "set": {"exemptions": {"usmca": None}}}), announced="2025-04-01"
        ),
    )
    spared = [
        {name for name in state(lanes, "CA", day) if name.startswith("exemptions.")}
        for day in ("2025-02-15", "2025-03-15", "2025-04-15")
    ]
    assert spared == [
        {"exemptions.usmca"}, {"exemptions.usmca", "exemptions.parts"}, {"exemptions.parts"},
    ]  # fmt: skip


def test_a_deal_concerns_all_its_parties_but_the_home_country() -> None:
    deal = event("agreement.signed", "agreement:us-mx_ca-usmca", about={"title": "USMCA"})
    assert targets(told(development(deal))) == {"MX", "CA"}


def test_a_provision_has_a_state_of_its_own() -> None:
    deal = "agreement:us-gb-epd"
    cars = {"provision": "cars", "set": {"title": "Cars", "status": "announced"}}
    done = {"provision": "cars", "from": "2025-06-30", "set": {"status": "in_force"}}
    lanes = told(
        development(event("agreement.announced", deal, about={"title": "EPD"}, provisions=[cars])),
        development(event("provision.changed", deal, provisions=[done]), announced="2025-06-16"),
    )
    where: dict[str, str] = {"scope": "", "aspect": "provision:cars"}
    assert [status(lanes, "GB", day, **where) for day in ("2025-06-29", "2025-06-30")] == [
        "announced",
        "in_force",
    ]
    assert status(lanes, "GB", "2025-07-01", scope="") == "announced"


def test_a_deadline_that_is_cleared_has_no_date_any_more() -> None:
    set_, moved = (
        event(f"deadline.{kind}", "partner:GB", deadline="d", set={"due": due})
        for kind, due in (("set", "2025-07-09"), ("moved", None))
    )
    lanes = told(development(set_), development(moved, announced="2025-07-01"))
    where: dict[str, str] = {"scope": "", "aspect": "deadline:d"}
    assert (
        state(lanes, "GB", "2025-06-01", **where)["due_at"]
        == datetime(2025, 7, 9, tzinfo=UTC).timestamp() - 3600
    )
    assert state(lanes, "GB", "2025-07-02", **where) == {"status": "open"}


# ---------------------------------------------------------------- form


def test_an_effect_that_sets_nothing_makes_no_lane() -> None:
    silent = development(event("measure.amended", X, {"target": "GB", "scope": "cars"}))
    assert told(development(opened(X, at(1))), silent).keys() == told(development(opened(X, at(1)))).keys()


def test_what_was_cut_and_says_the_same_again_is_one_segment() -> None:
    lanes = told(
        development(opened(X, at(1))),
        development(amended(X, at(2, from_="2025-03-01", until="2025-04-01"))),
        development(amended(X, at(3)), announced="2025-02-01", sequence=1),
    )
    (segment,) = lanes[Lane("everyone", "all-goods", "instrument", "state")]
    assert {name: layer.position for name, (layer,) in segment.state.items()} == {"rate": 3, "status": 1}


def closing(outcome: str, **effect: Any) -> dict[str, Any]:
    return event("claim.closed", X, {**effect, "set": {"outcome": outcome}}, claim="threat")


def test_a_threat_that_is_closed_is_over_for_all_whom_it_names() -> None:
    threat = event("measure.threatened", X, at(50, "EU"), at(30, "GB"), about={"title": "t"})
    lanes = told(development(threat), development(closing("withdrawn"), announced="2025-03-01"))
    for code in ("EU", "GB"):
        over = state(lanes, code, "2025-04-01", basis="claim:threat")
        assert (over["status"], over["outcome"]) == ("ended", "withdrawn")
    assert {lane.aspect for lane in lanes} == {"about", "state"}, "nothing is closed that is not there"


def test_a_threat_may_be_closed_for_one_of_those_it_names() -> None:
    threat = event("measure.threatened", X, at(50, "EU"), at(30, "GB"), about={"title": "t"})
    lanes = told(development(threat), development(closing("lapsed", target="GB"), announced="2025-03-01"))
    assert status(lanes, "EU", "2025-04-01", basis="claim:threat") == "threatened"
    assert status(lanes, "GB", "2025-04-01", basis="claim:threat") == "ended"


def test_a_threat_that_is_made_again_is_open_again() -> None:
    threat = event("measure.threatened", X, at(50, "EU"), about={"title": "t"})
    lanes = told(
        development(threat), development(closing("withdrawn"), announced="2025-03-01"),
        development(threat, announced="2025-04-01"),
    )  # fmt: skip
    again = state(lanes, "EU", "2025-05-01", basis="claim:threat")
    assert (again["status"], again.get("outcome")) == ("threatened", None)


def test_a_statement_that_is_closed_keeps_what_was_said() -> None:
    made = event(
        "statement.made", X, {"target": "CN", "set": {"by": "A", "says": "up to 245%"}}, claim="threat"
    )
    lanes = told(
        development(opened(X, at(1)), made), development(closing("contradicted"), announced="2025-03-01")
    )
    said = state(lanes, "CN", "2025-04-01", basis="claim:threat", aspect="claim", scope="")
    assert (said["outcome"], said["says"]) == ("contradicted", "up to 245%")
