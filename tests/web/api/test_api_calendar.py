"""The calendar: a date keeps its name while it moves, is called off and comes back; it holds nothing but the record."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from tests.web import rfc5545
from tests.web.conftest import settings_for, small_world, url_of
from tests.web.world import DEAL, EU, MX, corrected, development, logged, rated, withdrawn
from tracker.app import create_app
from tracker.settings import load

BEGUN = datetime(2025, 9, 1, 12, tzinfo=UTC)
BORDER = "measure:us-border-mx"


class Desk:
    """A service whose clock we hold: one who logs, and one who looks at the calendar."""

    def __init__(self, engine: Engine, app: Litestar, client: TestClient[Litestar]) -> None:
        self.engine, self.app, self.client = engine, app, client
        self.now = BEGUN

    def log(self, title: str, announced: str, *events: dict[str, Any], **told: Any) -> str:
        """Log a development, not before noon of its day."""
        self.now = max(self.now, datetime.fromisoformat(f"{announced}T12:00:00Z"))
        return self._tick(logged(self.engine, development(title, announced, *events, **told), self.now))

    def correct(self, id: str, command: dict[str, Any], **said: Any) -> None:
        self._tick(corrected(self.engine, id, command, self.now, **said))

    def withdraw(self, id: str) -> None:
        self._tick(withdrawn(self.engine, id, self.now))

    def _tick(self, recorded: Any) -> str:
        self.now += timedelta(hours=1)
        return str(recorded.events[0].development)

    def raw(self, **asked: Any) -> bytes:
        answer = self.client.get("/feeds/dates.ics", params=asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        return answer.content

    def dates(self, **asked: Any) -> dict[str, Any]:
        """The events by their summaries."""
        return {str(event["SUMMARY"]): event for event in rfc5545.events(self.raw(**asked)).values()}

    def date(self, words: str, **asked: Any) -> Any:
        """The one event whose summary holds these words."""
        (found,) = [event for summary, event in self.dates(**asked).items() if words in summary]
        return found


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    held: list[Desk] = []
    for engine in small_world(request, "sqlite", tmp_path):
        settings = settings_for(url_of(engine), tmp_path, public_url="https://tracker.example")
        app = create_app(settings, engine, lambda: held[0].now)
        with TestClient(app) as client:
            held.append(Desk(engine, app, client))
            yield held[0]


def deadline(kind: str, key: str = "truce", subject: str = MX, **set: Any) -> dict[str, Any]:
    return {"type": f"deadline.{kind}", "subject": subject, "deadline": key, "set": set}


def state(event: Any) -> tuple[str, int]:
    return str(event["STATUS"]), int(event["SEQUENCE"])


def says(event: Any) -> str:
    return str(event["DESCRIPTION"])


# ---------------------------------------------------------------- deadlines


def test_a_deadline_takes_up_its_day(desk: Desk) -> None:
    id = desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    event = desk.date("The truce ends")
    assert str(event["SUMMARY"]) == "Deadline: The truce ends (Mexico)"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2025, 10, 10), date(2025, 10, 11))
    assert state(event) == ("CONFIRMED", 0)
    assert event["DTSTAMP"].dt == event["CREATED"].dt == BEGUN
    assert str(event["URL"]) == "https://tracker.example/deadlines#MX-truce"
    assert "By: A truce (announced 1 September 2025)" in says(event)
    assert "The Gazette, https://gazette.example/1" in says(event)
    assert desk.client.get("/deadlines").text.count('id="MX-truce"') == 1
    assert desk.client.get(f"/events/{id}").status_code == 200


def test_an_hour_is_an_instant_in_utc(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10T00:01-04:00"))
    event = desk.date("The truce ends")
    assert event["DTSTART"].dt == datetime(2025, 10, 10, 4, 1, tzinfo=UTC)
    assert "DTEND" not in event


@pytest.mark.parametrize(
    ("due", "first", "end", "word"),
    [
        ("by 2025-10-10", date(2025, 10, 10), date(2025, 10, 11), " (by 10 October 2025)"),
        ("2025-12", date(2025, 12, 1), date(2026, 1, 1), " (December 2025)"),
        ("2026", date(2026, 1, 1), date(2027, 1, 1), " (2026)"),
    ],
)
def test_what_is_stated_loosely_takes_up_the_whole_period(
    desk: Desk, due: str, first: date, end: date, word: str
) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due=due))
    event = desk.date("The truce ends")
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (first, end)
    assert str(event["SUMMARY"]).endswith(word)


def test_a_deadline_without_a_day_is_left_out(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends"))
    assert not any("truce" in summary for summary in desk.dates())


def test_a_deadline_that_moves_is_the_same_one_and_counts(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    uid, stamp = desk.date("The truce ends")["UID"], desk.date("The truce ends")["DTSTAMP"].dt
    moves = [("Longer", "2025-11-10"), ("Shorter", "2025-09-20"), ("Back", "2025-10-10")]
    for times, (title, due) in enumerate(moves, 1):
        desk.log(title, f"2025-09-0{times + 1}", deadline("moved", due=due))
        event = desk.date("The truce ends")
        assert event["UID"] == uid
        assert state(event) == ("CONFIRMED", times)
        assert event["DTSTART"].dt == date.fromisoformat(due)
        assert event["DTSTAMP"].dt > stamp
        stamp = event["DTSTAMP"].dt
    assert "Moved from 10 October 2025 to 10 November 2025: Longer" in says(event)
    assert "Moved from 20 September 2025 to 10 October 2025: Back" in says(event)


def test_two_moves_on_one_day_count_twice_and_two_in_one_development_once(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    desk.log("Noon", "2025-09-02", deadline("moved", due="2025-10-20"))
    desk.log("Evening", "2025-09-02", deadline("moved", due="2025-10-30"), sequence=1)
    assert state(desk.date("The truce ends")) == ("CONFIRMED", 2)
    desk.log(
        "Both at once", "2025-09-03", deadline("moved", due="2025-11-10"), deadline("moved", due="2025-11-20")
    )
    event = desk.date("The truce ends")
    assert (event["DTSTART"].dt, state(event)) == (date(2025, 11, 20), ("CONFIRMED", 3))


def test_what_was_overtaken_before_it_was_logged_moves_nothing(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    desk.log("Later", "2025-09-05", deadline("moved", due="2025-11-10"))
    before = desk.raw()
    desk.log("Told before that, logged after it", "2025-09-03", deadline("moved", due="2025-10-20"))
    assert desk.raw() == before


def test_a_deadline_called_off_stays_for_90_days_and_says_why(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    uid = desk.date("The truce ends")["UID"]
    desk.log("No truce any more", "2025-09-02", deadline("closed", status="cancelled"))
    off = datetime(2025, 9, 2, 12, tzinfo=UTC)
    event = desk.date("The truce ends")
    assert (event["UID"], state(event), event["DTSTART"].dt) == (uid, ("CANCELLED", 1), date(2025, 10, 10))
    assert str(event["SUMMARY"]) == "Cancelled: Deadline: The truce ends (Mexico)"
    assert says(event).startswith("Cancelled: No truce any more (announced 2 September 2025)")
    desk.now = off + timedelta(days=90) - timedelta(seconds=1)
    assert uid in {event["UID"] for event in desk.dates().values()}
    desk.now = off + timedelta(days=90)
    assert uid not in {event["UID"] for event in desk.dates().values()}


@pytest.mark.parametrize(
    ("status", "word"), [("met", "met"), ("missed", "missed"), ("closed", "closed, nobody says how")]
)
def test_a_deadline_that_was_met_or_missed_keeps_its_day(desk: Desk, status: str, word: str) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    desk.log("It is over", "2025-09-02", deadline("closed", status=status))
    event = desk.date("The truce ends")
    assert str(event["SUMMARY"]) == f"Deadline, {word}: The truce ends (Mexico)"
    assert state(event) == ("CONFIRMED", 0)
    assert event["DTSTAMP"].dt > event["CREATED"].dt


def test_a_deadline_that_opens_again_is_the_same(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    uid = desk.date("The truce ends")["UID"]
    desk.log("No truce any more", "2025-09-02", deadline("closed", status="cancelled"))
    desk.now += timedelta(days=200)
    assert not any("truce" in summary for summary in desk.dates())
    desk.log("Again", "2026-03-25", deadline("set", title="The truce ends", due="2026-05-10"))
    event = desk.date("The truce ends")
    assert (event["UID"], state(event)) == (uid, ("CONFIRMED", 2))


def test_a_deadline_whose_date_is_taken_back_is_called_off(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    desk.log("Without a date", "2025-09-02", deadline("moved", due=None))
    assert state(desk.date("The truce ends")) == ("CANCELLED", 1)


def test_a_correction_moves_a_deadline_an_editorial_one_does_not(desk: Desk) -> None:
    command = development("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    id = desk.log("A truce", "2025-09-01", *command["events"])
    before = desk.date("The truce ends")
    desk.correct(id, {**command, "title": "A truce, in words"}, editorial=True)
    event = desk.date("The truce ends")
    assert (event["UID"], state(event), event["DTSTART"].dt) == (
        before["UID"],
        ("CONFIRMED", 0),
        date(2025, 10, 10),
    )
    moved = deadline("set", title="The truce ends", due="2025-10-12")
    desk.correct(id, {**command, "events": [moved]})
    event = desk.date("The truce ends")
    assert (event["UID"], state(event), event["DTSTART"].dt) == (
        before["UID"],
        ("CONFIRMED", 1),
        date(2025, 10, 12),
    )


def test_a_deadline_of_a_withdrawn_development_is_called_off_with_the_reason(desk: Desk) -> None:
    command = development("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    id = desk.log("A truce", "2025-09-01", *command["events"])
    desk.withdraw(id)
    event = desk.date("The truce ends")
    assert state(event) == ("CANCELLED", 1)
    assert "Reason: It never happened" in says(event)
    desk.correct(id, command)
    assert state(desk.date("The truce ends")) == ("CONFIRMED", 2)


def test_a_withdrawn_move_moves_back(desk: Desk) -> None:
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    id = desk.log("Longer", "2025-09-02", deadline("moved", due="2025-11-10"))
    desk.withdraw(id)
    event = desk.date("The truce ends")
    assert (event["DTSTART"].dt, state(event)) == (date(2025, 10, 10), ("CONFIRMED", 2))


# ---------------------------------------------------------------- effective dates


def pause(desk: Desk, title: str, announced: str, **effect: str) -> str:
    event = {"type": "measure.paused", "subject": BORDER, "effects": [{"target": "MX", **effect}]}
    return desk.log(title, announced, event)


def raised(desk: Desk, percent: float, announced: str, start: str) -> str:
    event = {
        "type": "measure.amended",
        "subject": BORDER,
        "effects": [rated(percent, "MX", **{"from": start})],
    }
    return desk.log(f"{percent}% for Mexico", announced, event)


def test_a_date_on_which_something_takes_effect(desk: Desk) -> None:
    id = raised(desk, 30, "2025-09-01", "2025-10-01")
    event = desk.date("rate 25% → 30%")
    assert str(event["SUMMARY"]) == "Mexico: Border tariff: rate 25% → 30%"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2025, 10, 1), date(2025, 10, 2))
    assert state(event) == ("CONFIRMED", 0)
    assert str(event["URL"]) == f"https://tracker.example/events/{id}"
    assert event["CATEGORIES"].cats == ["Takes effect", "Mexico"]


def test_what_begins_when_it_is_announced_is_no_date(desk: Desk) -> None:
    before = desk.dates()
    event = {"type": "measure.amended", "subject": BORDER, "effects": [rated(30, "MX")]}
    desk.log("At once", "2025-09-01", event)
    assert desk.dates() == before


def test_a_measure_that_is_put_off_before_it_starts_moves(desk: Desk) -> None:
    start = {
        "type": "measure.announced", "subject": "measure:us-tea", "about": {"title": "Tea tariff"},
        "effects": [rated(25, "MX", **{"from": "2025-10-01"})],
    }  # fmt: skip
    desk.log("A tariff on tea", "2025-09-01", start)
    event = desk.date("Tea tariff")
    assert (state(event), event["DTSTART"].dt) == (("CONFIRMED", 0), date(2025, 10, 1))
    effect = {"target": "MX", "from": "2025-09-25", "until": "2025-11-01"}
    desk.log(
        "Put off", "2025-09-20", {"type": "measure.paused", "subject": "measure:us-tea", "effects": [effect]}
    )
    moved = desk.date("Tea tariff: paused → in force")
    assert (moved["UID"], state(moved), moved["DTSTART"].dt) == (
        event["UID"],
        ("CONFIRMED", 1),
        date(2025, 11, 1),
    )
    assert "Moved from 1 October 2025 to 1 November 2025: Put off" in says(moved)


def test_a_measure_that_is_paused_for_good_before_it_starts_is_called_off_until_it_resumes(
    desk: Desk,
) -> None:
    start = {
        "type": "measure.announced", "subject": "measure:us-tea", "about": {"title": "Tea tariff"},
        "effects": [rated(25, "MX", **{"from": "2025-10-01"})],
    }  # fmt: skip
    desk.log("A tariff on tea", "2025-09-01", start)
    uid = desk.date("Tea tariff")["UID"]
    halt = {"type": "measure.paused", "subject": "measure:us-tea", "effects": [{"target": "MX"}]}
    desk.log("Halted", "2025-09-20", halt)
    event = desk.date("Tea tariff")
    assert (event["UID"], state(event), event["DTSTART"].dt) == (uid, ("CANCELLED", 1), date(2025, 10, 1))
    assert says(event).startswith("Cancelled: Halted")
    again = {"target": "MX", "from": "2025-10-15"}
    desk.log(
        "It comes", "2025-09-22", {"type": "measure.resumed", "subject": "measure:us-tea", "effects": [again]}
    )
    event = desk.date("Tea tariff")
    assert (event["UID"], state(event), event["DTSTART"].dt) == (uid, ("CONFIRMED", 2), date(2025, 10, 15))


def test_the_end_of_a_pause_moves_with_the_pause(desk: Desk) -> None:
    pause(desk, "A pause", "2025-09-01", until="2025-10-01")
    event = desk.date("paused → in force")
    pause(desk, "A longer pause", "2025-09-20", until="2025-12-01")
    moved = desk.date("paused → in force")
    assert (moved["UID"], state(moved), moved["DTSTART"].dt) == (
        event["UID"],
        ("CONFIRMED", 1),
        date(2025, 12, 1),
    )


def test_another_rate_on_the_same_day_is_the_same_date(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-10-01")
    uid = desk.date("Border tariff")["UID"]
    raised(desk, 35, "2025-09-03", "2025-10-01")
    event = desk.date("Border tariff")
    assert (event["UID"], state(event)) == (uid, ("CONFIRMED", 0))
    assert "rate 25% → 35%" in event["SUMMARY"]
    assert event["LAST-MODIFIED"].dt > event["CREATED"].dt


def test_a_day_that_is_only_a_month_from_now_on_has_moved(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-10-01")
    uid = desk.date("Border tariff")["UID"]
    raised(desk, 35, "2025-09-03", "2025-10")
    event = desk.date("Border tariff")
    assert (event["UID"], state(event)) == (uid, ("CONFIRMED", 1))
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2025, 10, 1), date(2025, 11, 1))
    assert "Moved from 1 October 2025 to October 2025" in says(event)


def test_a_calendar_holds_what_concerns_its_partners_through_blocs_too(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-10-01")
    desk.log(
        "For the Union", "2025-09-01", deadline("set", subject=EU, title="An answer is due", due="2025-10-05")
    )
    event = {"type": "measure.amended", "subject": "measure:us-cars",
             "effects": [rated(20, "everyone", scope="cars", **{"from": "2025-11-01"})]}  # fmt: skip
    desk.log("Cars at 20%", "2025-09-01", event)
    assert "Mexico: Border tariff: rate 25% → 30%" in desk.dates()
    german = desk.dates(partners="DE")
    assert "Deadline: An answer is due (European Union)" in german
    assert not any("Border" in summary for summary in german)
    mexican = desk.dates(partners="MX")
    assert {"Border tariff: rate 25% → 30%", "Car tariff (cars): rate 25% → 20%"} <= set(mexican)
    assert not any("answer" in summary for summary in mexican)
    both = desk.dates(partners=["MX", "DE"])
    assert {str(e["UID"]) for e in both.values()} == {str(e["UID"]) for e in (german | mexican).values()}
    sector = desk.dates(sectors="consumer discretionary")
    assert {e["UID"] for e in sector.values()} == {e["UID"] for e in mexican.values()}
    assert not any("for Germany" in summary for summary in desk.dates())
    (whole,) = [event for summary, event in desk.dates().items() if "An answer is due" in summary]
    assert "Germany" not in says(whole), "told with the bloc"


def test_what_a_day_is_called_is_so_for_everybody_whom_it_concerns(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-10-01")
    british = rated(20, "GB", **{"from": "2025-10"})
    desk.log(
        "Britain too", "2025-09-03", {"type": "measure.amended", "subject": BORDER, "effects": [british]}
    )
    event = desk.date("25% → 30%", partners="MX")
    assert (state(event), event["DTEND"].dt) == (("CONFIRMED", 1), date(2025, 11, 1))


def test_what_was_called_off_and_comes_after_its_day_is_another(desk: Desk) -> None:
    start = {
        "type": "measure.announced", "subject": "measure:us-tea", "about": {"title": "Tea tariff"},
        "effects": [rated(25, "MX", **{"from": "2025-10-01"})],
    }  # fmt: skip
    desk.log("A tariff on tea", "2025-09-01", start)
    uid = desk.date("Tea tariff")["UID"]
    halt = {"type": "measure.paused", "subject": "measure:us-tea", "effects": [{"target": "MX"}]}
    desk.log("Halted", "2025-09-20", halt)
    again = {
        "type": "measure.resumed",
        "subject": "measure:us-tea",
        "effects": [{"target": "MX", "from": "2025-10-15"}],
    }
    desk.log("It comes", "2025-10-05", again)
    states = {
        str(event["UID"]): state(event)
        for event in desk.dates(partners="MX").values()
        if "Tea" in event["SUMMARY"]
    }
    assert states.pop(str(uid)) == ("CANCELLED", 1)
    assert [*states.values()] == [("CONFIRMED", 0)]


def test_a_calendar_of_some_topics_holds_what_is_about_them(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-10-01")
    desk.log("A truce", "2025-09-01", deadline("set", title="The truce ends", due="2025-10-10"))
    assert set(desk.dates(topics="deadlines")) == {"Deadline: The truce ends (Mexico)"}
    measures = desk.dates(topics="measures")
    assert "Mexico: Border tariff: rate 25% → 30%" in measures
    assert not any("Deadline" in summary for summary in measures)
    both = desk.dates(topics=["measures", "deadlines"])
    assert both.keys() == measures.keys() | {"Deadline: The truce ends (Mexico)"}


def test_what_is_threatened_is_tentative_and_called_off_when_settled(desk: Desk) -> None:
    threat = {
        "type": "measure.threatened", "subject": BORDER,
        "effects": [rated(50, "MX", **{"from": "2025-10-01"})],
    }  # fmt: skip
    desk.log("50% threatened", "2025-09-01", threat)
    event = desk.date("said, not law")
    assert (state(event), event["DTSTART"].dt) == (("TENTATIVE", 0), date(2025, 10, 1))
    assert event["CATEGORIES"].cats == ["Threatened", "Mexico"]
    closing = {"target": "MX", "set": {"outcome": "withdrawn"}}
    desk.log(
        "Not after all", "2025-09-03",
        {"type": "claim.closed", "subject": BORDER, "claim": "threat", "effects": [closing]},
    )  # fmt: skip
    assert state(desk.date("said, not law")) == ("CANCELLED", 1)


def test_a_promise_has_a_date_too(desk: Desk) -> None:
    beef = {"provision": "beef", "set": {"due": "2025-12-01"}}
    desk.log(
        "By December", "2025-09-01", {"type": "provision.changed", "subject": DEAL, "provisions": [beef]}
    )
    event = desk.date("Beef")
    assert str(event["SUMMARY"]) == "Promised by this date: Beef (Prosperity deal)"
    beef = {"provision": "beef", "set": {"status": "dropped"}}
    desk.log("Dropped", "2025-09-02", {"type": "provision.changed", "subject": DEAL, "provisions": [beef]})
    assert state(desk.date("Beef")) == ("CANCELLED", 1)


def test_what_has_passed_leaves_after_90_days(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-10-01")
    start = datetime(2025, 10, 1, 4, tzinfo=UTC)
    desk.now = start + timedelta(days=90) - timedelta(seconds=1)
    assert "Mexico: Border tariff: rate 25% → 30%" in desk.dates()
    desk.now = start + timedelta(days=90)
    assert desk.dates() == {}


# ---------------------------------------------------------------- the file


def test_the_same_record_gives_the_same_bytes(desk: Desk) -> None:
    raised(desk, 30, "2025-09-01", "2025-12-01")
    first = desk.client.get("/feeds/dates.ics")
    desk.now += timedelta(days=3, microseconds=7)
    desk.app.state.remembered.forget()
    again = desk.client.get("/feeds/dates.ics")
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert again.headers["last-modified"] == "Mon, 01 Sep 2025 12:00:00 GMT"
    asked = {"If-None-Match": first.headers["etag"]}
    assert desk.client.get("/feeds/dates.ics", headers=asked).status_code == 304
    raised(desk, 35, "2025-09-03", "2025-12-15")
    assert desk.client.get("/feeds/dates.ics", headers=asked).status_code == 200


def test_a_calendar_says_what_it_is(desk: Desk) -> None:
    held = {name: value for name, _, value in rfc5545.lines(desk.raw(partners=["MX", "GB"]))}
    assert held["NAME"] == held["X-WR-CALNAME"] == "Trade talks: Mexico\\, United Kingdom"
    assert held["SOURCE"] == "https://tracker.example/feeds/dates.ics?partners=MX&partners=GB"
    other = {name: value for name, _, value in rfc5545.lines(desk.raw(partners="MX"))}
    assert other["UID"] != held["UID"]
    assert other["URL"] == "https://tracker.example/partners/MX"


ODD = [
    "One, two; three: \\ four \\n five \\N six \\, seven \"eight\" 'nine' ^n ^'",
    "C:\\New\\,folder\\;end\\",
    "😀" * 60,
    "a" + "é" * 120 + "日本" * 40,
    "BEGIN:VEVENT END:VEVENT ]]> <script>alert(1)</script> &amp; &#13;",
    "a tab\tand a delete\x7f",
    " blank before and after ",
]


def test_whatever_stands_in_a_title_stands_in_the_calendar(desk: Desk) -> None:
    for number, title in enumerate(ODD):
        event = deadline("set", key=f"d{number}", title=title, due="2025-10-10")
        desk.log(title, "2025-09-01", event, summary=f"{title}\r\n{title}")
    raw = desk.raw()
    rfc5545.events(raw)
    summaries = [rfc5545.text(value) for name, _, value in rfc5545.lines(raw) if name == "SUMMARY"]
    said = {f"Deadline: {title} (Mexico)".replace("\x7f", "\ufffd") for title in ODD}
    assert said <= set(summaries)


def test_the_real_history_is_a_sound_calendar_all_along(real_history: Engine, tmp_path: Path) -> None:
    now = datetime(2025, 8, 5, tzinfo=UTC)
    app = create_app(
        load({"TRACKER_DATA_DIR": str(tmp_path), "TRACKER_LOG_LEVEL": "error"}), real_history, lambda: now
    )
    with TestClient(app) as client:
        for asked in ("", "?partners=CN", "?partners=DE&partners=MX"):
            events = rfc5545.events(client.get(f"/feeds/dates.ics{asked}").content)
            assert events
            assert all(str(event["DESCRIPTION"]) for event in events.values())
