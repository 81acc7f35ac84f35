"""What is asked over the API, at any point of both axes, on both databases."""

from typing import Any

import pytest

from tests.web.conftest import Service
from tests.web.world import BORDER, DEAL, PAUSE, corrected, logged, withdrawn


def border(answer: Any) -> Any:
    """The border tariff among the measures of a state."""
    return next((one for one in answer["measures"] if one["subject"] == BORDER), None)


def test_a_state_is_asked_for_on_both_axes(shared: Service) -> None:
    def status(**point: Any) -> str:
        return str(border(shared.get("/v1/partners/MX/state", **point))["state"]["status"])

    assert status(as_of="2025-02-10") == "paused"
    assert status(as_of="2025-02-10", known_at="2025-02-02") == "in_force"
    assert status() == "in_force"


def test_every_answer_echoes_its_point_and_names_it_for_good(shared: Service) -> None:
    answer = shared.client.get(
        "/v1/partners/MX/state", params={"as_of": "2025-02-10", "known_at": "2025-02-02"}
    )
    temporal = answer.json()["temporal"]
    assert temporal["as_of"] == "2025-02-11T04:59:59.999999Z"
    assert temporal["zone"] == "America/New_York"
    pinned = shared.client.get(answer.headers["content-location"])
    assert pinned.json()["temporal"] | {"known_at": ""} == temporal | {"known_at": ""}
    assert pinned.json()["measures"] == answer.json()["measures"]


def test_later_than_the_record_was_kept_is_said(shared: Service) -> None:
    assert shared.get("/v1/partners/MX/state", as_of="2025-08-31")["temporal"]["beyond_coverage"] is False
    assert shared.get("/v1/partners/MX/state", as_of="2025-09-01")["temporal"]["beyond_coverage"] is True
    assert shared.get("/v1/partners", as_of="2025-09-01")["temporal"]["beyond_coverage"] is True


def test_the_board_lists_partners_by_rank_and_by_sector(shared: Service) -> None:
    codes = [card["partner"]["code"] for card in shared.get("/v1/partners")["items"]]
    assert codes == ["MX", "GB", "DE", "EU"]
    found = shared.get("/v1/partners", sector="consumer discretionary")["items"]
    assert [card["partner"]["code"] for card in found] == ["MX"]
    assert shared.get("/v1/partners/GB")["card"]["talks"] == "under_way"


def test_a_timeline_is_paged_and_no_entry_is_lost_when_more_is_logged_meanwhile(service: Service) -> None:
    whole = [entry["title"] for entry in service.get("/v1/partners/MX/timeline", limit=200)["items"]]
    page = service.client.get("/v1/partners/MX/timeline", params={"limit": 2})
    seen = [entry["title"] for entry in page.json()["items"]]
    logged(service.engine, PAUSE)
    while "next" in page.links:
        page = service.client.get(page.links["next"]["url"])
        seen += [entry["title"] for entry in page.json()["items"]]
    assert seen == whole
    assert page.json()["next"] is None


def test_a_timeline_marks_what_was_corrected_and_withdrawn(service: Service) -> None:
    one, other = logged(service.engine, PAUSE), logged(service.engine, {**PAUSE, "title": "A rumour"})
    corrected(service.engine, one.development, {**PAUSE, "title": "Pause for Mexico, until October"})
    withdrawn(service.engine, other.development)
    standing = {e["title"]: e["standing"] for e in service.get("/v1/partners/MX/timeline", limit=3)["items"]}
    assert standing["Pause for Mexico, until October"] == "corrected"
    assert standing["A rumour"] == "withdrawn"


def test_a_difference_is_between_days_or_between_states_of_knowledge(shared: Service) -> None:
    by_day = shared.get("/v1/partners/GB/diff", **{"from": "2025-06-01", "to": "2025-07-01"})
    assert any("25% → 10%" in word for change in by_day["changes"] for word in change["words"])
    position = shared.get("/v1/events", type="measure.paused")["items"][0]["position"]
    known = {"known_from_position": position - 1, "known_to_position": position}
    by_knowledge = shared.get("/v1/partners/MX/diff", **{"from": "2025-02-10", "to": "2025-02-10"}, **known)
    assert [change["words"] for change in by_knowledge["changes"]] == [["in force → paused"]]


def test_measures_are_filtered_and_stand_for_whom_they_name(shared: Service) -> None:
    found = {one["subject"]: one["partners"] for one in shared.get("/v1/measures")["items"]}
    rates = {code: items[0]["state"]["rate"]["percent"] for code, items in found["measure:us-cars"].items()}
    assert rates == {"everyone": 25, "EU": 15, "GB": 10}
    (german,) = shared.get("/v1/measures", partner="DE")["items"]
    assert german["partners"]["DE"][0]["state"]["rate"]["percent"] == 15
    assert shared.get("/v1/measures", authority="us-ieepa")["items"][0]["subject"] == BORDER
    assert shared.get("/v1/measures", status="paused")["items"] == []
    assert len(shared.get("/v1/measures", status="paused", as_of="2025-02-10")["items"]) == 1
    assert [one["subject"] for one in shared.get("/v1/measures", scope="cars")["items"]] == [
        "measure:us-cars"
    ]
    assert [one["subject"] for one in shared.get("/v1/measures", subject="us-cars")["items"]] == [
        "measure:us-cars"
    ]


def test_a_measure_tells_its_version_what_is_coming_and_why(shared: Service) -> None:
    now = shared.get("/v1/measures/us-border-mx", as_of="2025-02-10")
    assert now["version"] == 2
    assert [change["words"] for change in now["coming"]["MX"]] == [["paused → in force"]]
    cause = now["causes"][str(now["measure"]["partners"]["MX"][0]["causes"]["status"])]
    assert cause["title"] == "Pause for a month"
    assert shared.get(f"/v1/measures/{BORDER}")["measure"]["subject"] == BORDER


def test_an_agreement_shows_each_provision_in_its_own_state(shared: Service) -> None:
    def standing(**point: Any) -> dict[str, str]:
        deal = shared.get("/v1/agreements/us-gb-deal", **point)["deal"]
        return {one["key"]: one["state"]["status"] for one in deal["provisions"]}

    assert standing() == {"cars": "in_force", "beef": "announced"}
    assert standing(as_of="2025-06-01") == {"cars": "announced", "beef": "announced"}
    assert [deal["agreement"]["subject"] for deal in shared.get("/v1/agreements", partner="GB")["items"]] == [
        DEAL
    ]
    assert shared.get("/v1/agreements", partner="MX")["items"] == []
    assert shared.get("/v1/agreements/us-gb-deal", as_of="2025-01-01")["deal"] is None


def test_the_log_is_followed_by_position(shared: Service) -> None:
    events = shared.get("/v1/events", limit=200)["items"]
    assert [event["position"] for event in events] == [*range(1, len(events) + 1)]
    reached, seen = 0, []
    while page := shared.get("/v1/events", after_position=reached, limit=7)["items"]:
        seen += page
        reached = page[-1]["position"]
    assert seen == events


def test_the_log_is_filtered_and_read_as_known_then(shared: Service) -> None:
    assert {event["type"] for event in shared.get("/v1/events", type="measure.paused")["items"]} == {
        "measure.paused"
    }
    assert {event["subject"] for event in shared.get("/v1/events", subject=BORDER)["items"]} == {BORDER}
    german = {event["type"] for event in shared.get("/v1/events", partner="DE", limit=200)["items"]}
    assert german == {"partner.registered", "bloc.joined", "measure.announced", "measure.amended", "partner.checked",
                      "ruling.issued"}  # fmt: skip
    assert shared.get("/v1/events", known_at="2025-01-01")["items"] == []
    early = shared.get("/v1/events", as_of="2025-02-02", limit=3)
    assert {event["body"]["told"]["announced"] for event in early["items"]} <= {"2025-01-02", "2025-02-01"}


def test_an_event_shows_every_version_of_its_development(service: Service) -> None:
    first = logged(service.engine, PAUSE)
    corrected(service.engine, first.development, {**PAUSE, "title": "Pause, corrected"}, reason="Title")
    withdrawn(service.engine, first.development)
    found = service.get(f"/v1/events/{first.events[0].id}")
    assert [(one["what"], one["first"]) for one in found["versions"]] == [
        ("logged", first.first), ("corrected", first.first + 1), ("withdrawn", first.first + 2)
    ]  # fmt: skip
    assert (
        found["event"]["hash"]
        == first.events[0].hash.hex()
        == found["versions"][0]["hashes"][str(first.first)]
    )
    assert found["seen"] == {BORDER: 5}
    before = service.get(f"/v1/events/{first.events[0].id}", known_position=first.first)
    assert [one["what"] for one in before["versions"]] == ["logged"]


def test_an_event_is_not_known_before_it_was_learnt(service: Service) -> None:
    first = logged(service.engine, PAUSE)
    answer = service.client.get(
        f"/v1/events/{first.events[0].id}", params={"known_position": first.first - 1}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/v1/partners/FR", "/v1/partners/FR/state", "/v1/measures/us-none", "/v1/agreements/us-fr-none", "/v1/none",
     "/v1/events/none", "/v1/developments/none", "/v1/schemas/measure.none"],
)  # fmt: skip
def test_what_is_not_there_is_said(shared: Service, path: str) -> None:
    answer = shared.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
