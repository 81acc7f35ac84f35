"""What sources say, and where they and the record disagree, over the API on both databases."""

from typing import Any

from tests.web.conftest import Service
from tests.web.world import BORDER, development


def said(title: str, announced: str, start: str, percent: float) -> dict[str, Any]:
    """An institute's word on the border tariff."""
    effect = {
        "target": "MX", "scope": "all-goods", "from": start,
        "set": {"status": "in_force", "rate": {"percent": percent}},
    }  # fmt: skip
    claim = {"type": "measure.amended", "subject": BORDER, "claim": "institute", "effects": [effect]}
    return development(title, announced, claim, sources=[{"publisher": "An institute", "kind": "data"}])


def test_what_a_source_said_on_one_day_about_another_is_a_question(service: Service) -> None:
    service.log(said("First vintage", "2025-06-01", "2025-08-01", 30))
    service.log(said("Second vintage", "2025-08-10", "2025-08-01", 35))

    def rates(**asked: str) -> list[float]:
        found = service.get("/v1/statements", source="institute", partner="MX", **asked)["items"]
        return [one["state"]["rate"]["percent"] for one in found]

    assert rates(as_of="2025-08-05", said_by="2025-07-01") == [30]
    assert rates(as_of="2025-08-05") == [35]
    assert rates(as_of="2025-07-31") == []
    assert rates(as_of="2025-08-05", known_at="2025-08-31") == [], "it is recorded today"
    assert service.get("/v1/statements", source="inst", as_of="2025-08-05")["items"] == []


def test_an_answer_names_who_says_so_and_its_address_keeps_the_question(service: Service) -> None:
    service.log(said("First vintage", "2025-06-01", "2025-08-01", 30))
    asked = {"source": "institute", "as_of": "2025-08-05", "said_by": "2025-07-01"}
    answer = service.client.get("/v1/statements", params=asked)
    (one,) = answer.json()["items"]
    assert (one["by"], one["tier"], one["said"]) == ("An institute", "data", "2025-06-01")
    assert answer.json()["causes"][str(one["caused_by"])]["title"] == "First vintage"
    service.log(said("Second vintage", "2025-08-10", "2025-08-01", 35))
    assert service.client.get(answer.headers["content-location"]).json()["items"] == [one]


def test_a_conflict_has_both_sides_and_pages_go_on(service: Service) -> None:
    assert service.get("/v1/conflicts")["items"] == []
    service.log(said("First vintage", "2025-06-01", "2025-03-04", 10))
    service.log(said("Second vintage", "2025-07-01", "2025-07-01", 20))
    first = service.get("/v1/conflicts", limit=1)
    second = service.get("/v1/conflicts", limit=1, cursor=first["next"])
    assert second["next"] is None
    held = [
        (one["kind"], one["theirs"]["rate"], one["ours"]["rate"], one["holds"])
        for one in (*first["items"], *second["items"])
    ]
    assert held == [
        ("rate", {"percent": 10}, {"percent": 25}, False),
        ("rate", {"percent": 20}, {"percent": 25}, True),
    ]
    for one in (first["items"][0], second["items"][0]):
        assert (one["theirs"]["tier"], one["ours"]["tier"]) == ("data", "press")
    assert len(service.get("/v1/conflicts", holding=True)["items"]) == 1
    assert service.get("/v1/conflicts", source="other")["items"] == []
    assert service.get("/v1/conflicts", partner="GB")["items"] == []


def test_what_cannot_be_asked_is_refused(shared: Service) -> None:
    for path, parameter, detail in (
        ("/v1/statements?said_by=soon", "said_by", "said_by: 'soon' is not a point in time"),
        ("/v1/conflicts?partner=xx", "partner", "partner"),
        ("/v1/conflicts?sorce=x", "sorce", "'sorce' is not a parameter of this resource; did you mean source?"),
    ):  # fmt: skip
        answer = shared.client.get(path)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["parameter"] == parameter
        assert detail in answer.json()["errors"][0]["detail"]
    assert shared.client.get("/v1/conflicts?partner=ZZ").status_code == 404
