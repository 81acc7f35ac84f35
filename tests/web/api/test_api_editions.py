"""Editions over the API: as they were frozen, to the byte; what was mended since; and a preview of the next."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from tests.web.conftest import Service
from tests.web.world import NOW, PAUSE, corrected, development, logged, paused, rated, withdrawn
from tracker.delivery import dispatch, editions, subscriptions
from tracker.delivery.editions import Frozen
from tracker.delivery.subscriptions import Wanted
from tracker.domain.edition import Edition, Scope
from tracker.store import erasure
from tracker.store.engine import reading, writing

DAY = timedelta(days=1)
ADDRESS = "somebody.private@example.org"
CARS = {"type": "measure.amended", "subject": "measure:us-cars"}


def subscribe(engine: Engine, now: datetime = NOW, **wanted: Any) -> None:
    with writing(engine) as connection:
        checked = subscriptions.checked(connection, Wanted(**wanted))
        subscriptions.add(
            connection, channel="email", address=ADDRESS, wanted=checked, now=now, by="operator", confirmed=True
        )  # fmt: skip


def cut(engine: Engine, at: datetime) -> list[Frozen]:
    return dispatch.cut_due(engine, at)


def a_week(service: Service) -> list[Frozen]:
    """Mexico, and Mexico's sector, every day for a week; something happens on the third day."""
    subscribe(service.engine, partners=["MX"])
    subscribe(service.engine, sectors=["Consumer Discretionary"])
    found = []
    for day in range(7):
        if day == 3:
            logged(service.engine, PAUSE, NOW + day * DAY)
        found += cut(service.engine, NOW + day * DAY + timedelta(hours=3))
    return found


def test_editions_are_listed_the_last_first_with_those_in_which_nothing_changed(service: Service) -> None:
    a_week(service)
    found = service.get("/v1/editions")
    assert found["next"] is None
    days = [one["day"] for one in found["items"]]
    assert days == sorted(days, reverse=True)
    assert [*dict.fromkeys(days)] == [f"2025-09-0{day}" for day in (7, 6, 5, 4, 3, 2)]
    told = [one for one in found["items"] if not one["empty"]]
    assert {(one["headline"], one["day"]) for one in told} == {("1 entry added late (MX)", "2025-09-05")}
    assert {one["headline"] for one in found["items"] if one["empty"]} == {"nothing changed"}
    scopes = [one["scope"] for one in told]
    assert {"partners": ["MX"], "sectors": [], "topics": []} in scopes
    assert ADDRESS not in str(found)


def test_a_list_is_read_page_by_page_while_more_are_cut(service: Service) -> None:
    a_week(service)
    whole = [one["id"] for one in service.get("/v1/editions", limit=200)["items"]]
    page = service.client.get("/v1/editions", params={"limit": 5})
    seen = [one["id"] for one in page.json()["items"]]
    cut(service.engine, NOW + 8 * DAY)
    while "next" in page.links:
        page = service.client.get(page.links["next"]["url"])
        seen += [one["id"] for one in page.json()["items"]]
    assert seen == whole


def test_editions_are_filtered_by_what_their_scope_names(service: Service) -> None:
    a_week(service)

    def scopes(**asked: Any) -> set[str]:
        return {str(one["scope"]) for one in service.get("/v1/editions", **asked)["items"]}

    (mexico,), (sector,) = scopes(partner="MX"), scopes(sector="consumer discretionary")
    assert "MX" in mexico
    assert "Consumer Discretionary" in sector
    assert scopes(partner="GB") == set()
    assert {one["empty"] for one in service.get("/v1/editions", empty=False)["items"]} == {False}
    assert {one["day"] for one in service.get("/v1/editions", day="2025-09-05")["items"]} == {"2025-09-05"}
    for asked in (
        {"partner": "ZZ"},
        {"sector": "Nonsense"},
        {"cursor": "abc"},
        {"day": "soon"},
        {"emtpy": "1"},
    ):
        assert 400 <= service.client.get("/v1/editions", params=asked).status_code < 500


def test_an_edition_is_the_very_bytes_that_were_frozen(service: Service) -> None:
    (frozen, *_) = a_week(service)
    answer = service.client.get(f"/v1/editions/{frozen.id}")
    assert answer.content == frozen.content.encode()
    assert hashlib.sha256(answer.content).hexdigest() == frozen.id
    assert answer.headers["etag"] == f'"{frozen.id}"'
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    again = service.client.get(f"/v1/editions/{frozen.id}", headers={"If-None-Match": f'"{frozen.id}"'})
    assert (again.status_code, again.content) == (304, b"")
    assert service.client.get("/v1/editions/nope").status_code == 404
    assert service.client.get(answer.links["related"]["url"]).json()["repairs"] == []


def test_what_was_mended_since_is_told_beside_it(service: Service) -> None:
    subscribe(service.engine)
    one, other = logged(service.engine, PAUSE), logged(service.engine, {**PAUSE, "title": "A rumour"})
    (frozen,) = cut(service.engine, NOW + DAY)
    typo = {**PAUSE, "title": "Pause for Mexico, spelt right"}
    corrected(service.engine, one.development, typo, NOW + DAY, editorial=True)
    assert service.get(f"/v1/editions/{frozen.id}/repairs")["repairs"] == []
    until = development("Pause, until October", "2025-08-30", paused("2025-10-02"))
    corrected(service.engine, one.development, until, NOW + DAY)
    gone = withdrawn(service.engine, other.development, NOW + DAY)
    found = service.get(f"/v1/editions/{frozen.id}/repairs")
    assert found["known_position"] == gone.last
    assert {(one["title"], one["standing"], one["reason"]) for one in found["repairs"]} == {
        ("Pause, until October", "corrected", "We had it wrong"), ("A rumour", "withdrawn", "It never happened"),
    }  # fmt: skip
    assert service.client.get("/v1/editions/nope/repairs").status_code == 404
    assert service.client.get(f"/v1/editions/{frozen.id}").content == frozen.content.encode()


def test_an_edition_of_which_something_was_erased_is_no_longer_what_its_id_stands_for(
    service: Service,
) -> None:
    subscribe(service.engine)
    made = logged(service.engine, {**PAUSE, "title": "A slander"})
    (frozen,) = cut(service.engine, NOW + DAY)
    withdrawn(service.engine, made.development, NOW + DAY)
    with writing(service.engine) as connection:
        plan = erasure.erase(connection, made.development, "ordered", NOW + DAY)
        editions.forget(connection, plan.development, plan.subjects, plan.first)
    answer = service.client.get(f"/v1/editions/{frozen.id}")
    assert "slander" not in answer.text
    assert answer.headers["etag"] != f'"{frozen.id}"'
    assert "immutable" not in answer.headers["cache-control"]
    asked = {"If-None-Match": f'"{frozen.id}"'}
    assert service.client.get(f"/v1/editions/{frozen.id}", headers=asked).status_code == 200


def test_a_digest_is_previewed_with_what_is_held(service: Service) -> None:
    logged(service.engine, PAUSE)
    answer = service.client.get("/v1/digest?partners=MX")
    assert [(entry["title"], entry["held"]) for entry in answer.json()["late"]] == [
        ("Pause for Mexico", True)
    ]
    with reading(service.engine) as connection:
        wanted = editions.preview(connection, Scope(partners=["MX"]), now=NOW, zone="America/New_York")
    assert msgspec.json.decode(answer.content, type=Edition) == wanted
    assert service.get("/v1/digest", partners=["GB", "EU"])["late"] == []
    assert service.get("/v1/digest", sectors="consumer discretionary")["partners"] == ["MX"]
    assert service.get("/v1/digest", partners="MX", topics="talks")["late"][0]["quiet"] is True
    assert service.get("/v1/editions")["items"] == [], "nothing is kept"


def test_a_digest_of_a_past_day_or_between_two_times(shared: Service) -> None:
    day = shared.get("/v1/digest", day="2025-02-01")
    assert [entry["title"] for entry in day["new"]] == ["Tariff on Mexico ordered"]
    since = shared.get("/v1/digest", since="2025-03-25", until="2025-04-10T12:00:00Z")
    assert [entry["title"] for entry in since["new"]] == ["Cars"]
    assert since["since"]["as_of"] == "2025-03-26T03:59:59.999999Z"
    assert since["until"]["as_of"] == "2025-04-10T12:00:00Z"


@pytest.mark.parametrize(
    "asked",
    [
        {"partners": "ZZ"}, {"partners": "mexico"}, {"sectors": "Nonsense"}, {"topics": "sport"}, {"day": "2030-01-01"},
        {"day": "yesterday"}, {"since": "2030-01-01"}, {"since": "2025-05-01", "until": "2025-04-01"},
        {"day": "2025-02-02", "since": "2025-02-01"}, {"until": "x"},
    ],
)  # fmt: skip
def test_what_cannot_be_previewed_is_refused_with_what_to_do(shared: Service, asked: dict[str, str]) -> None:
    answer = shared.client.get("/v1/digest", params=asked)
    assert answer.status_code in (400, 404), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


def test_where_reading_is_closed_editions_are(closed: Service) -> None:
    logged(
        closed.engine,
        development("Cars again", "2025-08-31", {**CARS, "effects": [rated(20, "EU", scope="cars")]}),
    )
    subscribe(closed.engine)
    (frozen,) = cut(closed.engine, NOW + DAY)
    headers = {"Authorization": f"Bearer {closed.ann.secret}"}
    for path in (
        "/v1/editions",
        f"/v1/editions/{frozen.id}",
        f"/v1/editions/{frozen.id}/repairs",
        "/v1/digest",
    ):
        assert closed.client.get(path).status_code == 401
        answer = closed.client.get(path, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
