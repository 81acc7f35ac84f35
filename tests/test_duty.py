"""What goods pay: totals and reasons, asked over the API of the founding record."""

from typing import Any

import pytest
from litestar.testing import TestClient


@pytest.fixture
def client(real_api: TestClient[Any]) -> TestClient[Any]:
    return real_api


def duty(client: TestClient[Any], **asked: Any) -> dict[str, Any]:
    answer = client.get("/v1/duty", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def reasons(found: dict[str, Any]) -> dict[str, str]:
    return {layer["measure"].partition("-")[2]: layer["reason"] for layer in found["layers"]}


@pytest.mark.parametrize(
    ("asked", "total", "in_quota", "normal"),
    [
        ({"partner": "GB", "scope": "cars", "as_of": "2025-05-01"}, 27.5, None, True),
        ({"partner": "GB", "scope": "cars", "as_of": "2025-07-01"}, 27.5, 10, True),
        ({"partner": "GB", "hs": "8703.23", "as_of": "2025-07-01"}, 27.5, 10, True),
        ({"partner": "GB", "as_of": "2025-07-01"}, 10, None, False),
        ({"partner": "CN", "as_of": "2025-04-20"}, 145, None, False),
        ({"partner": "CN", "as_of": "2025-04-20", "known_at": "2025-04-03"}, 54, None, False),
        ({"partner": "CN", "scope": "smartphones", "as_of": "2025-04-20"}, 20, None, False),
        ({"partner": "DE", "as_of": "2025-08-10"}, 15, None, True),
        ({"partner": "MX", "as_of": "2025-06-10"}, 25, None, False),
        ({"partner": "MX", "as_of": "2025-06-10", "usmca": "true"}, 0, None, False),
        ({"partner": "CA", "scope": "steel", "as_of": "2025-05-10"}, 25, None, False),
        ({"partner": "CA", "scope": "steel", "as_of": "2025-06-10"}, 50, None, False),
        ({"partner": "KR", "scope": "cars", "as_of": "2025-06-10", "qualifies": "korus"}, 25, None, True),
        ({"partner": "CA", "scope": "cars", "as_of": "2025-04-20", "direction": "export"}, 25, None, False),
    ],
)
def test_totals(client, asked, total, in_quota, normal):
    found = duty(client, **asked)
    assert (found["total"], found["total_in_quota"], found["includes_normal_duty"]) == (
        total,
        in_quota,
        normal,
    )


def test_every_layer_says_why_it_counts_or_not(client):
    assert reasons(duty(client, partner="GB", scope="cars", as_of="2025-07-01")) == {
        "232-autos": "in force; within the quota 7.5%",
        "ieepa-reciprocal-baseline": "yields to Section 232 tariff on cars and parts",
        "normal-duty": "in force",
    }
    found = reasons(duty(client, partner="CA", scope="steel", as_of="2025-05-10"))
    assert found["232-steel"] == "yields to Fentanyl and border tariff on Canada"
    assert reasons(duty(client, partner="CN", scope="smartphones", as_of="2025-04-20")) == {
        "ieepa-fentanyl-cn": "in force",
        "ieepa-reciprocal-baseline": "exempt",
        "ieepa-reciprocal-country": "exempt",
    }


def test_a_rate_on_content_makes_a_total_only_with_its_share(client):
    found = duty(client, partner="JP", scope="copper", as_of="2025-08-10")
    assert found["total"] is None
    assert any("copper content" in reason for reason in found["unknown"])
    assert duty(client, partner="JP", scope="copper", as_of="2025-08-10", content="copper-40")["total"] == 29


def test_a_claim_is_beside_the_layers_and_never_in_the_total(client):
    found = duty(client, partner="CN", as_of="2025-04-16", known_at="2025-04-16")
    assert found["total"] == 145
    assert any(claim["state"].get("rate", {}).get("at_most") == 245 for claim in found["claims"])


def test_an_authority_names_whom_it_reaches(client):
    found = duty(client, authority="us-section-232", as_of="2025-06-10")
    rates = {(x["measure"], x["partner"]): x["rate"] for x in found["layers"] if x["scope"] == "steel"}
    assert rates == {
        ("measure:us-232-steel", "everyone"): 50,
        ("measure:us-232-steel", "GB"): 25,
    }
    assert found["total"] is None


def test_goods_that_are_spared_are_no_part_that_pays(client):
    parts = {part["scope"] for part in duty(client, partner="GB", as_of="2025-08-20")["parts"]}
    assert "steel" in parts
    assert not parts & {"pharmaceuticals", "semiconductors", "computers", "energy"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Give partner, or ask by measure or by authority"),
        ({"partner": "GB", "scope": "car"}, "did you mean cars"),
        ({"partner": "GB", "scope": "cars", "hs": "8703"}, "give scope or hs, not both"),
        ({"partner": "GB", "hs": "87x"}, "is no heading"),
        ({"partner": "GB", "hs": "9999"}, "there is no chapter 99"),
        ({"partner": "GB", "content": "copper"}, "write us-85"),
        ({"partner": "ZZ"}, "not a partner that is followed"),
        ({"authority": "us-section-999"}, "there is no authority"),
    ],
)
def test_what_is_asked_wrongly_is_told(client, asked, said):
    answer = client.get("/v1/duty", params=asked)
    assert answer.status_code in (400, 404)
    assert said in answer.text
