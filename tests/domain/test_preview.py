"""What an analyst sees before saving: what resumes where an effect ends, which scheduled change is erased."""

from datetime import UTC, datetime
from typing import Any

from tests.domain.given import amended, at, development, ended, opened, paused
from tracker.domain.events import Development, concerned
from tracker.domain.fold import Contribution, Place, Row, fold
from tracker.domain.history import Change, History
from tracker.domain.paint import announced, paints
from tracker.domain.preview import Erased, Resumed, erased, resumed

SUBJECT = "measure:us-tariff"


def recorded(*developments: Development) -> list[Row]:
    """The segments of the one subject after these developments; the n-th event has position n."""
    said, position = [], 0
    for one in developments:
        first = position + 1
        drawn = []
        for event in one.events:
            position += 1
            drawn += [(position, paint) for paint in paints(one, event)]
        said.append(Contribution(Place(announced(one, SUBJECT).at, one.sequence, first), drawn))
    return [
        Row(SUBJECT, concerned(SUBJECT, lane.target), lane, segment, 1, 2**62)
        for lane, segments in fold(said).items()
        for segment in segments
    ]


def previewed(*developments: Development, partner: str = "MX") -> tuple[list[Resumed], list[Erased]]:
    """What the last of these developments resumes and erases."""
    old, new = recorded(*developments[:-1]), recorded(*developments)
    first = sum(len(one.events) for one in developments[:-1]) + 1
    last = first + len(developments[-1].events) - 1
    before, after = History(partner, old, {}), History(partner, new, {})
    since = announced(developments[-1], SUBJECT).at
    return resumed(after, new, first, last), erased(before, after, [*old, *new], since)


def told(change: Change) -> tuple[str, dict[str, Any], dict[str, Any]]:
    before = {name: fact.value for name, fact in change.before.items()}
    return f"{change.start:%Y-%m-%d}", before, {name: fact.value for name, fact in change.after.items()}


TARIFF = development(opened(SUBJECT, at(25, "MX", **{"from": "2025-02-04"})))
WITH_A_STEP = development(
    opened(
        SUBJECT,
        at(25, "MX", **{"from": "2025-02-04", "until": "2025-06-04"}),
        at(50, "MX", **{"from": "2025-06-04"}),
    )
)


def test_where_a_pause_ends_the_tariff_resumes() -> None:
    pause = development(paused(SUBJECT, {"target": "MX", "until": "2025-03-04"}), announced="2025-02-10")
    resumes, erases = previewed(TARIFF, pause)
    assert [told(one.change) for one in resumes] == [
        ("2025-03-04", {"status": "paused"}, {"status": "in_force"})
    ]
    assert resumes[0].facts["rate"].value == {"percent": 25.0}
    assert erases == []


def test_a_pause_for_good_resumes_nothing() -> None:
    assert previewed(TARIFF, development(paused(SUBJECT, {"target": "MX"}), announced="2025-02-10")) == (
        [],
        [],
    )


def test_a_tariff_that_ends_on_its_own_leaves_nothing() -> None:
    resumes, _ = previewed(development(opened(SUBJECT, at(25, "MX", until="2025-07-24"))))
    assert [told(one.change)[0] for one in resumes] == ["2025-07-24"]
    assert not {name for name, fact in resumes[0].facts.items() if fact.value is not None}


def test_the_steps_of_one_act_are_not_resumptions() -> None:
    assert previewed(WITH_A_STEP) == ([], [])


def test_an_open_ended_act_erases_the_step_scheduled_after_it() -> None:
    _, erases = previewed(WITH_A_STEP, development(amended(SUBJECT, at(30, "MX")), announced="2025-03-01"))
    assert [(told(one.change), one.later) for one in erases] == [
        (("2025-06-04", {"rate": {"percent": 25.0}}, {"rate": {"percent": 50.0}}), None)
    ]


def test_an_act_that_ends_before_the_step_erases_nothing() -> None:
    act = development(amended(SUBJECT, at(30, "MX", until="2025-05-01")), announced="2025-03-01")
    resumes, erases = previewed(WITH_A_STEP, act)
    assert [told(one.change)[0] for one in resumes] == ["2025-05-01"]
    assert erases == []


def test_a_step_under_an_act_that_ends_later_comes_later() -> None:
    act = development(amended(SUBJECT, at(30, "MX", until="2025-08-01")), announced="2025-03-01")
    resumes, erases = previewed(WITH_A_STEP, act)
    assert [told(one.change) for one in resumes] == [
        ("2025-08-01", {"rate": {"percent": 30.0}}, {"rate": {"percent": 50.0}})
    ]
    assert [one.later for one in erases] == [datetime(2025, 8, 1, 4, tzinfo=UTC)]


def test_a_longer_pause_moves_the_resumption() -> None:
    first = development(paused(SUBJECT, {"target": "MX", "until": "2025-03-04"}), announced="2025-02-10")
    longer = development(paused(SUBJECT, {"target": "MX", "until": "2025-04-02"}), announced="2025-03-01")
    resumes, erases = previewed(TARIFF, first, longer)
    assert [told(one.change)[0] for one in resumes] == ["2025-04-02"]
    assert [(told(one.change)[0], f"{one.later:%Y-%m-%d}") for one in erases] == [
        ("2025-03-04", "2025-04-02")
    ]


def test_ending_a_measure_erases_what_it_had_ahead() -> None:
    end = development(
        ended(SUBJECT, {"target": "MX", "set": {"why_ended": "revoked"}}), announced="2025-02-02"
    )
    _, erases = previewed(TARIFF, end)
    assert [told(one.change) for one in erases] == [
        ("2025-02-04", {"status": "announced"}, {"status": "in_force"})
    ]


def test_what_lies_before_the_announcement_is_no_longer_ahead() -> None:
    late = development(amended(SUBJECT, at(30, "MX", **{"from": "2025-02-01"})), announced="2025-07-01")
    assert previewed(WITH_A_STEP, late)[1] == []


def test_what_everyone_pays_resumes_where_ones_own_rate_ends() -> None:
    baseline = development(opened(SUBJECT, at(10)))
    own = development(amended(SUBJECT, at(46, "VN", until="2025-08-01")), announced="2025-04-02")
    resumes, _ = previewed(baseline, own, partner="VN")
    assert told(resumes[0].change) == ("2025-08-01", {"rate": {"percent": 46.0}}, {"rate": {"percent": 10.0}})
