"""What a program asks for wrongly is told, with what to send instead; never an error of ours, never ignored."""

import pytest

from tests.web.conftest import Service

HUGE = 10**30
ASKED_WRONGLY = [
    ("/v1/partners?limit=0", "limit", "at least 1"),
    ("/v1/partners?limit=-5", "limit", "at least 1"),
    ("/v1/partners?limit=201", "limit", "at most 200"),
    (f"/v1/partners?limit={HUGE}", "limit", "at most 200"),
    ("/v1/partners?limit=ten", "limit", "a whole number"),
    ("/v1/partners?limit=", "limit", "a whole number"),
    ("/v1/partners?limt=3", "limt", "did you mean limit?"),
    ("/v1/partners?limit=3&limit=4", "limit", "give it once"),
    ("/v1/partners?cursor=abc", "cursor", "'next' of the page before"),
    ("/v1/partners?cursor=WzAsMCwwLDBd", "cursor", "'next' of the page before"),
    ("/v1/partners?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTksMCwwXQ", "cursor", "'next' of the page before"),
    ("/v1/partners?cursor=WzAsOTAwMCwwXQ", "cursor", "'next' of the page before"),
    ("/v1/partners/MX/state?as_of=2025-13-01", "as_of", "write a date"),
    ("/v1/partners/MX/state?as_of=tomorrow", "as_of", "write a date"),
    ("/v1/partners/MX/state?as_of=2025-04-09T12:00", "as_of", "with its offset"),
    ("/v1/partners/MX/state?as_of=2250-01-01", "as_of", "1900 to 2199"),
    ("/v1/partners/MX/state?as_of=9999-12-31", "as_of", "1900 to 2199"),
    ("/v1/editions?day=x", "day", "'x' is not understood: give a day, such as 2025-04-10"),
    ("/v1/partners/MX/state?as_of=%00", "as_of", "control character"),
    ("/v1/partners/MX/state?known_at=2025-09-02", "known_at", "in the future"),
    ("/v1/partners/MX/state?known_position=9999", "known_position", "positions 0 to"),
    (f"/v1/partners/MX/state?known_position={HUGE}", "known_position", "at most"),
    ("/v1/partners/MX/state?known_position=1&known_at=2025-03-01", "known_position", "not both"),
    ("/v1/partners/MX/diff?from=yesterday", "from", "write a date"),
    ("/v1/partners/MX/diff?known_to=2030-01-01", "known_to", "in the future"),
    ("/v1/partners/MX/diff?known_from_position=9999", "known_from_position", "positions 0 to"),
    (f"/v1/events?after_position={HUGE}", "after_position", "at most"),
    ("/v1/events?after_position=-1", "after_position", "at least 0"),
    ("/v1/events?after_position=99999", "after_position", "is not in the log: it holds positions 0 to"),
    ("/v1/measures?partner=mexico", "partner", "^[A-Z]{2}$"),
    ("/v1/partners?sector=foo", "sector", "these do: Consumer Discretionary"),
    ("/v1/schemas?as_of=2025-01-01", "as_of", "there is none"),
    ("/healthz?deep=true", "deep", "there is none"),
]


@pytest.mark.parametrize(("path", "parameter", "remedy"), ASKED_WRONGLY)
def test_a_wrong_parameter_is_named_with_its_remedy(
    shared: Service, path: str, parameter: str, remedy: str
) -> None:
    answer = shared.client.get(path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [wrong["parameter"] for wrong in problem["errors"]] == [parameter]
    assert remedy in problem["detail"]
    assert remedy in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/stream", "/v1/events", "/v1/measures", "/v1/statements", "/v1/editions", "/v1/housekeeping"]
)
def test_a_partner_that_nobody_follows_is_named_as_it_was_given(shared: Service, path: str) -> None:
    answer = shared.client.get(path, params={"partner": "ZZ"})
    assert answer.status_code == 404
    assert [wrong["parameter"] for wrong in answer.json()["errors"]] == ["partner"]


@pytest.mark.parametrize("day", ["1900-01-01", "2199-12-31", "2199-12-31T23:00-05:00"])
def test_the_first_and_the_last_day_can_be_asked_about(shared: Service, day: str) -> None:
    assert shared.get("/v1/partners/MX/state", as_of=day)["temporal"]["as_of"]


def test_a_follower_at_the_end_of_the_log_gets_an_empty_page(shared: Service) -> None:
    end = shared.get("/v1/events", limit=1)["temporal"]["known_position"]
    assert shared.get("/v1/events", after_position=end)["items"] == []
    assert shared.client.get(f"/v1/events?after_position={end + 1}").status_code == 400


def test_all_that_is_wrong_with_a_query_is_told_at_once(shared: Service) -> None:
    problem = shared.client.get("/v1/partners?limt=3&sektor=x&sector=a&sector=b").json()
    assert [wrong["parameter"] for wrong in problem["errors"]] == ["limt", "sektor", "sector"]


@pytest.mark.parametrize(
    "written",
    ["2025-02-10T12:00+02:00", "2025-02-10T12:00%2B02:00", "2025-02-10T10:00Z", "2025-02-10T10:00:00.000Z"],
)
def test_an_offset_survives_a_plus_that_was_not_escaped(shared: Service, written: str) -> None:
    answer = shared.client.get(f"/v1/partners/MX/state?as_of={written}")
    assert answer.json()["temporal"]["as_of"] == "2025-02-10T10:00:00Z"


@pytest.mark.parametrize("path", ["/v1/partners/M%00X", "/v1/events/%0A", "/v1/measures/us-%1B"])
def test_a_control_character_in_a_path_is_refused(shared: Service, path: str) -> None:
    assert shared.client.get(path).status_code == 400


@pytest.mark.parametrize(
    "path", ["/v1/partners/%ED%A0%80", "/v1/partners/%F0%9F%87%B2%F0%9F%87%BD/state", "/v1/events/%FF"]
)
def test_strange_text_in_a_path_is_just_not_there(shared: Service, path: str) -> None:
    assert shared.client.get(path).status_code == 404


def test_strange_text_in_a_filter_finds_nothing(shared: Service) -> None:
    assert shared.get("/v1/events", subject="🇲🇽 '; drop table events")["items"] == []
    assert shared.get("/v1/measures", subject="\ufffd")["items"] == []


def test_a_date_means_the_end_of_that_day_in_the_trackers_zone(shared: Service) -> None:
    temporal = shared.get("/v1/partners/MX/state", as_of="2025-02-03")["temporal"]
    assert temporal["as_of"] == "2025-02-04T04:59:59.999999Z"
