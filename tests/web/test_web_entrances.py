"""An address that leads inside is refused over the API and by the form alike, and nobody is told where a name leads."""

import html
from collections.abc import Iterator
from pathlib import Path

import pytest
from delivery.hooks import CALM
from delivery.vectors import AS_WRITTEN, BY_NAME, CHANGING, Canaries, Vector, canaries

from tests.web.conftest import Service, serving, settings_for, small_world, url_of
from tests.web.world import NOW
from tracker.delivery import deliveries, sender, subscriptions
from tracker.store.engine import reading

API, FORM = AS_WRITTEN[0::3], AS_WRITTEN[1::3]
"""A third each: behind them is one reader of addresses, which tests/delivery/test_wall.py tries with all."""


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """One that may send without encryption: the vectors then reach as far as they can."""
    for engine in small_world(request, "sqlite", tmp_path):
        yield from serving(engine, settings_for(url_of(engine), tmp_path, plain_http="allowed"))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Canaries]:
    with canaries(monkeypatch) as watched:
        yield watched
        assert (watched.dialled, watched.hits()) == ([], 0)


def nothing_is_kept(service: Service) -> bool:
    with reading(service.engine) as connection:
        return subscriptions.listed(connection, stopped=True) == deliveries.listed(connection) == []


def fine_without_spaces(vector: Vector) -> bool:
    return vector.url != vector.url.strip() and "example.org" in vector.url


def test_over_the_api(service: Service, watched: Canaries) -> None:
    assert len(API) >= 120
    for vector in API:
        if fine_without_spaces(vector):
            continue
        ask = {"channel": "webhook", "address": vector.at(watched.port)}
        answer = service.client.post("/v1/subscriptions", json=ask)
        assert answer.status_code == 422, vector.id
        if len(ask["address"]) > 2000:
            continue  # refused as too long before it is read
        [error] = answer.json()["errors"]
        assert error["pointer"] == "/address", vector.id
        assert vector.says in error["detail"] or ask["address"] != ask["address"].strip(), vector.id
    assert watched.asked == []
    assert nothing_is_kept(service)


def test_by_the_form(service: Service, watched: Canaries) -> None:
    assert len(FORM) >= 120
    for number, vector in enumerate(FORM):
        if fine_without_spaces(vector):
            continue
        typed = {
            "action": "subscribe", "channel": ("webhook", "slack")[number % 2], "address": vector.at(watched.port),
            "partners": ["MX"], "when": "daily", "hour": "08", "zone": "Europe/London",
        }  # fmt: skip
        answer = service.client.post("/subscribe", data=typed, headers={"Accept": "text/html"})
        assert answer.status_code in (400, 422), vector.id
        assert (
            vector.says.lower() in html.unescape(answer.text).lower()
            or typed["address"] != str(typed["address"]).strip()
        ), vector.id
    assert watched.asked == []
    assert nothing_is_kept(service)


def test_where_a_name_leads_is_told_to_nobody(service: Service, watched: Canaries) -> None:
    """Neither when it is entered, nor by what came of the challenge, however one looks at that."""
    asked = []
    for number, vector in enumerate(BY_NAME):
        name = f"v{number}.example.org"
        watched.lead(name, *vector.answers)
        address = vector.at(watched.port).replace("hooks.example.org", name)
        ask = {"channel": "webhook", "address": address, "contact": "keeper@example.org"}
        answer = service.client.post("/v1/subscriptions", json=ask)
        assert answer.status_code == 202, vector.id
        asked.append((vector, answer.json()))
    assert watched.asked == []
    settings = service.app.state.settings
    assert sender.send_due(service.engine, settings, lambda: NOW, channels=CALM) == len(BY_NAME)
    for vector, made in asked:
        at, headers = f"/v1/subscriptions/{made['id']}", {"Authorization": f"Bearer {made['key']}"}
        listed = service.client.get(f"{at}/deliveries", headers=headers)
        number = listed.json()["items"][-1]["id"]
        shown = [
            service.client.get(at, headers=headers).text, listed.text,
            service.client.get(f"{at}/deliveries/{number}", headers=headers).text,
            service.client.get(made["page"].partition("8000")[2]).text,
        ]  # fmt: skip
        assert '"outcome":"deferred"' in shown[2]
        for text in shown:
            assert not any(
                f'"{one}"' in text or f" {one}" in text for answer in vector.answers for one in answer
            )
            assert "public internet" not in text


@pytest.mark.parametrize("vector", CHANGING, ids=lambda vector: vector.id)
def test_a_name_is_not_looked_up_for_who_enters_it(
    vector: Vector, service: Service, watched: Canaries
) -> None:
    watched.lead("hooks.example.org", *vector.answers)
    ask = {"channel": "slack", "address": vector.at(watched.port)}
    assert service.client.post("/v1/subscriptions", json=ask).status_code == 202
    assert watched.asked == []
