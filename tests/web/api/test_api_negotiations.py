"""Negotiations, deadlines, commitments and authorities over the API, on both databases."""

from typing import Any

import pytest

from tests.web.conftest import Service
from tests.web.world import BORDER, DEAL, GB, MX, corrected, development, logged, withdrawn


def deadline(kind: str, announced: str, subject: str = GB, **state: Any) -> dict[str, Any]:
    return development(
        f"The date, {kind}", announced,
        {"type": f"deadline.{kind}", "subject": subject, "deadline": "deal", "set": state},
    )  # fmt: skip


def moved_twice(service: Service) -> None:
    for command in (
        deadline("set", "2025-03-01", title="A deal or 30%", due="2025-04-01"),
        deadline("moved", "2025-03-20", due="2025-06-01"),
        deadline("moved", "2025-05-30", due="2025-08-01"),
        deadline("closed", "2025-08-02", status="missed"),
    ):
        logged(service.engine, command)


def test_a_deadline_keeps_every_date_it_had_and_who_moved_it(service: Service) -> None:
    moved_twice(service)
    answer = service.get("/v1/deadlines")
    (one,) = answer["items"]
    assert (one["title"], one["due"], one["status"]) == ("A deal or 30%", "2025-08-01", "missed")
    assert one["earlier"] == ["2025-04-01", "2025-06-01"]
    assert [move["words"] for move in one["moves"]] == [
        ["set for 1 April 2025"], ["moved from 1 April 2025 to 1 June 2025"],
        ["moved from 1 June 2025 to 1 August 2025"], ["missed"],
    ]  # fmt: skip
    titles = [answer["causes"][str(move["position"])]["title"] for move in one["moves"]]
    assert titles == ["The date, set", "The date, moved", "The date, moved", "The date, closed"]


def test_a_deadline_moved_twice_on_one_day_keeps_both(service: Service) -> None:
    for command in (
        deadline("set", "2025-03-01", title="A deal", due="2025-04-01"),
        deadline("moved", "2025-03-20", due="2025-06-01"),
        {**deadline("moved", "2025-03-20", due="2025-08-01"), "sequence": 1},
    ):
        logged(service.engine, command)
    (one,) = service.get("/v1/deadlines")["items"]
    assert one["earlier"] == ["2025-04-01", "2025-06-01"]


def test_a_deadline_is_asked_for_on_both_axes(service: Service) -> None:
    moved_twice(service)

    def due(**point: Any) -> list[tuple[str, bool]]:
        return [(one["due"], one["passed"]) for one in service.get("/v1/deadlines", **point)["items"]]

    assert due(as_of="2025-02-01") == []
    assert due(as_of="2025-04-01") == [("2025-06-01", False)]
    assert due(as_of="2025-08-01T12:00:00-04:00") == [("2025-08-01", False)], "its day is not over"
    first = service.get("/v1/deadlines")["items"][0]["moves"][0]["position"]
    assert due(as_of="2025-04-02", known_position=first) == [("2025-04-01", True)]
    assert due(known_position=first - 1) == []


def test_deadlines_are_filtered(service: Service) -> None:
    moved_twice(service)
    logged(service.engine, deadline("set", "2025-08-20", MX, title="Review", due="2025-10-29T10:00-04:00"))

    def whose(**wanted: str) -> list[str]:
        return [one["partner"] for one in service.get("/v1/deadlines", **wanted)["items"]]

    assert whose() == ["GB", "MX"]
    assert whose(partner="MX") == ["MX"]
    assert whose(status="open") == ["MX"]
    assert whose(**{"from": "2025-08-02"}) == ["MX"]
    assert whose(**{"from": "2025-08-01", "to": "2025-08-01"}) == ["GB"]
    assert whose(to="2025-07-31") == []


@pytest.mark.parametrize(
    ("path", "parameter", "says"),
    [
        ("/v1/deadlines?from=soon", "from", "is not a date"),
        ("/v1/deadlines?status=late", "status", "open, met, missed, cancelled, closed"),
        ("/v1/measures?status=late", "status", "in_force"),
        ("/v1/measures?scope=cards", "scope", "is not defined here"),
    ],
)  # fmt: skip
def test_a_filter_that_names_what_there_is_not_is_refused(
    shared: Service, path: str, parameter: str, says: str
) -> None:
    answer = shared.client.get(path)
    assert answer.status_code == 400
    (wrong,) = answer.json()["errors"]
    assert wrong["parameter"] == parameter
    assert says in wrong["detail"]


def talks(service: Service) -> None:
    about = {"criteria": {"cars": "Cars pay 10% at most"}, "risks": {"beef": "Farmers object"}}
    for command in (
        development(
            "Goals", "2025-02-01", {"type": "objectives.set", "subject": GB, "set": {"focus": "Cars", **about}}
        ),
        development("Broken off", "2025-03-01", {"type": "talks.broken_off", "subject": GB}),
        development("Resumed", "2025-04-01", {"type": "talks.resumed", "subject": GB}),
        development(
            "Cars cheaper", "2025-06-16",
            {"type": "criterion.assessed", "subject": GB, "criterion": "cars", "from": "2025-06-30",
             "set": {"standing": "met", "evidence": "An order sets 10%"}},
            {"type": "risk.assessed", "subject": GB, "risk": "beef", "set": {"standing": "materialised"}},
        ),
    ):  # fmt: skip
        logged(service.engine, command)


def test_goals_stand_beside_what_moved_them(service: Service) -> None:
    talks(service)
    answer = service.get("/v1/partners/GB/negotiation")
    (cars,), (beef,) = answer["criteria"], answer["risks"]
    assert (cars["text"], cars["standing"], cars["evidence"]) == (
        "Cars pay 10% at most",
        "met",
        "An order sets 10%",
    )
    assert [move["words"][0] for move in cars["moves"]] == ["a goal of the talks", "met"]
    last = cars["moves"][-1]
    assert (last["told_at"][:10], last["from"][:10]) == ("2025-06-15", "2025-06-29"), "midnight in London"
    assert answer["causes"][str(last["position"])]["title"] == "Cars cheaper"
    assert beef["standing"] == "materialised"
    assert [move["words"][0] for move in answer["talks"]["moves"]] == ["broken off", "resumed", "held"]
    assert answer["focus"]["state"]["focus"] == "Cars"
    assert [deal["agreement"]["subject"] for deal in answer["deals"]] == [DEAL]


def test_a_goal_stands_as_it_stood_on_a_day(service: Service) -> None:
    talks(service)

    def standing(**point: Any) -> str:
        return str(service.get("/v1/partners/GB/negotiation", **point)["criteria"][0]["standing"])

    assert standing(as_of="2025-06-20") == "open", "told, and not yet so"
    assert standing(as_of="2025-06-30") == "met"
    assert service.get("/v1/partners/GB/negotiation", as_of="2025-01-30")["criteria"] == []


def test_a_course_follows_corrections_and_withdrawals(service: Service) -> None:
    held = development(
        "Held", "2025-03-01", {"type": "talks.held", "subject": MX, "set": {"level": "Ministers"}}
    )
    one, other = logged(service.engine, held), logged(service.engine, {**held, "announced": "2025-03-05"})
    held["events"] = [{"type": "talks.paused", "subject": MX}]
    corrected(service.engine, one.development, held)
    withdrawn(service.engine, other.development)
    moves = service.get("/v1/partners/MX/negotiation")["talks"]["moves"]
    assert [move["words"] for move in moves] == [["paused"]]


def test_a_commitment_says_who_how_much_of_it_and_until_when(service: Service) -> None:
    promise = {
        "title": "Buys aircraft",
        "by": "GB",
        "amount": {"value": 1e10, "currency": "USD"},
        "due": "2025-08",
    }
    for announced, state in (
        ("2025-05-08", {**promise, "status": "announced"}),
        ("2025-07-01", {"so_far": {"value": 2e9, "currency": "USD"}}),
    ):
        logged(
            service.engine,
            development(
                "Aircraft", announced,
                {"type": "provision.changed", "subject": DEAL, "provisions": [{"provision": "aircraft", "set": state}]},
            ),
        )  # fmt: skip
    (one,) = service.get("/v1/commitments")["items"]
    assert (one["promise"], one["by"], one["status"], one["agreement"]) == (
        "Buys aircraft",
        "GB",
        "announced",
        DEAL,
    )
    assert (one["amount"]["value"], one["so_far"]["value"], one["passed"]) == (1e10, 2e9, True)
    assert one["moves"][-1]["words"] == ["fulfilled in part: US$2 billion of US$10 billion"]
    (before,) = service.get("/v1/commitments", as_of="2025-06-01")["items"]
    assert (before["so_far"], before["passed"]) == (None, False)
    assert service.get("/v1/commitments", partner="MX")["items"] == []


def ruled(announced: str, *effects: dict[str, Any], subject: str = "authority:us-ieepa") -> dict[str, Any]:
    return development(
        f"Ruling of {announced}",
        announced,
        {"type": "ruling.issued", "subject": subject, "effects": [*effects]},
    )


def test_an_authority_tells_its_rulings_and_what_they_mean_for_whom(service: Service) -> None:
    struck = {"legal": "struck_down", "ruling": "No. 1"}
    for command in (
        ruled("2025-05-28", {"set": {**struck, "collection": "not_collected"}}),
        ruled("2025-05-29", {"set": {"stayed": True, "collection": "collected"}}),
        ruled("2025-06-10", {"target": "party:vos", "set": {"collection": "not_collected", "refund": "due"}}),
    ):
        logged(service.engine, command)
    now = service.get("/v1/authorities/us-ieepa")
    everyone, party = now["authority"]["standing"]
    assert (everyone["legal"], everyone["stayed"], everyone["collection"]) == (
        "struck_down",
        True,
        "collected",
    )
    assert (party["target"], party["legal"], party["collection"], party["refund"]) == (
        "party:vos", "struck_down", "not_collected", "due"
    )  # fmt: skip
    assert [(one["target"], now["causes"][str(one["move"]["position"])]["title"]) for one in now["rulings"]] == [
        ("everyone", "Tariff on Mexico ordered"), ("everyone", "Ruling of 2025-05-28"),
        ("everyone", "Ruling of 2025-05-29"), ("party:vos", "Ruling of 2025-06-10"),
    ]  # fmt: skip
    assert now["authority"]["measures"] == [BORDER]
    assert now["measures"][0]["partners"]["MX"][0]["counts"] is True
    then = service.get("/v1/authorities/us-ieepa", as_of="2025-05-28")
    assert then["measures"][0]["partners"]["MX"][0]["counts"] is False
    assert [one["subject"] for one in service.get("/v1/authorities")["items"]] == ["authority:us-ieepa"]


def test_a_ruling_on_one_measure_stands_among_those_on_its_authority(service: Service) -> None:
    logged(service.engine, ruled("2025-05-28", {"set": {"legal": "enjoined"}}, subject=BORDER))
    rulings = service.get("/v1/authorities/authority:us-ieepa")["rulings"]
    assert [one["subject"] for one in rulings] == ["authority:us-ieepa", BORDER]


@pytest.mark.parametrize(
    "path", ["/v1/authorities/us-none", "/v1/partners/FR/negotiation", "/v1/deadlines?partner=FR"]
)
def test_what_is_not_there_is_said(shared: Service, path: str) -> None:
    answer = shared.client.get(path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
