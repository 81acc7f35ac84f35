"""An analyst logs, corrects and withdraws: rehearsed first, once however often it is sent, never over what is new."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.web.conftest import Service, gone_after_a_commit
from tests.web.world import BORDER, CARS, MX, NOW, PAUSE, development, paused, rated
from tracker.delivery import subscriptions
from tracker.store.engine import writing


def end(service: Service) -> int:
    """The position of the last event."""
    position: int = service.get("/v1/partners")["temporal"]["known_position"]
    return position


def status_in(service: Service, as_of: str) -> Any:
    state = service.get("/v1/partners/MX/state", as_of=as_of)
    return next(one["state"]["status"] for one in state["measures"] if one["subject"] == BORDER)


def test_a_pause_is_logged_corrected_and_withdrawn(service: Service) -> None:
    answer = service.post("/v1/developments", PAUSE)
    assert answer.status_code == 201
    outcome = answer.json()
    assert answer.headers["location"] == f"/v1/developments/{outcome['development']}"
    assert [(event["subject"], event["type"], event["version"]) for event in outcome["events"]] == [
        (BORDER, "measure.paused", 3)
    ]
    assert outcome["first_position"] == outcome["last_position"] == end(service)
    assert status_in(service, "2025-09-20") == "paused"

    longer = {"reason": "It runs until November", "development": {**PAUSE, "events": [paused("2025-11-01")]}}
    assert service.post(f"{answer.headers['location']}/corrections", longer).status_code == 201
    assert status_in(service, "2025-10-15") == "paused"

    assert (
        service.post(f"{answer.headers['location']}/withdrawals", {"reason": "A rumour"}).status_code == 201
    )
    assert status_in(service, "2025-09-20") == "in_force"
    story = service.get(answer.headers["location"])
    assert [version["what"] for version in story["versions"]] == ["logged", "corrected", "withdrawn"]
    assert story["entry"]["standing"] == "withdrawn"


def test_what_a_version_said_can_be_sent_back_as_a_correction(service: Service) -> None:
    id = service.log(PAUSE)["development"]
    said = service.get(f"/v1/developments/{id}")["versions"][-1]["said"]
    correction = {"reason": "A better title", "development": {**said, "title": "Mexico: tariff paused"}}
    assert service.post(f"/v1/developments/{id}/corrections", correction).status_code == 201


def test_a_rehearsal_shows_what_comes_and_records_nothing(service: Service) -> None:
    before = end(service)
    answer = service.post("/v1/developments?dry_run=true", PAUSE)
    assert answer.status_code == 200
    seen = answer.json()
    assert (seen["dry_run"], seen["development"], seen["first_position"], seen["events"]) == (
        True,
        None,
        None,
        [],
    )
    assert [(change["before"], change["after"]) for change in seen["effects"]["MX"]] == [
        ({"status": "in_force"}, {"status": "paused"})
    ]
    (resumed,) = seen["resumes"]["MX"]
    assert resumed["change"]["starts"].startswith("2025-10-01")
    assert resumed["state"]["rate"] == {"percent": 25}
    assert seen["erases"] == {}
    assert end(service) == before


def test_a_rehearsal_shows_the_scheduled_step_that_is_erased(service: Service) -> None:
    def amended(*effects: Any) -> dict[str, Any]:
        return {"type": "measure.amended", "subject": BORDER, "effects": [*effects]}

    service.log(development("A step", "2025-08-31", amended(rated(50, "MX", **{"from": "2025-12-01"}))))
    flat = development("A flat rate", "2025-09-01", amended(rated(30, "MX")))
    (erased,) = service.post("/v1/developments?dry_run=true", flat).json()["erases"]["MX"]
    assert erased["change"]["words"] == ["rate 25% → 50%"]
    assert erased["later"] is None


def test_a_rehearsal_counts_who_would_be_told(service: Service) -> None:
    with writing(service.engine) as connection:
        for address, partners in (
            ("mx@reader.example", ["MX"]),
            ("gb@reader.example", ["GB"]),
            ("all@reader.example", []),
        ):
            subscriptions.add(
                connection, channel="email", address=address, wanted=subscriptions.Wanted(partners=partners), now=NOW,
                by="ann", confirmed=True,
            )  # fmt: skip
    assert service.post("/v1/developments?dry_run=true", PAUSE).json()["told"] == 2
    id = service.log(PAUSE)["development"]
    quiet = {"reason": "Typo", "editorial": True, "development": {**PAUSE, "title": "Pause for Mexico again"}}
    assert service.post(f"/v1/developments/{id}/corrections?dry_run=true", quiet).json()["told"] == 0


def test_corrections_and_withdrawals_are_rehearsed_too(service: Service) -> None:
    id = service.log(PAUSE)["development"]
    before = end(service)
    withdrawn = service.post(f"/v1/developments/{id}/withdrawals?dry_run=true", {"reason": "A rumour"}).json()
    assert withdrawn["effects"]["MX"][0]["words"] == ["paused → in force"]
    other = {"reason": "Shorter", "development": {**PAUSE, "events": [paused("2025-09-15")]}}
    corrected = service.post(f"/v1/developments/{id}/corrections?dry_run=true", other).json()
    assert corrected["effects"]["MX"][0]["after"] == {"status": "in_force"}
    assert end(service) == before


def test_the_same_key_and_body_record_once(service: Service) -> None:
    first = service.log(PAUSE, Idempotency_Key="once")
    again = service.log(PAUSE, Idempotency_Key="once")
    assert again == {**first, "repeated": True}
    assert first["repeated"] is False
    assert end(service) == first["last_position"]


def test_a_request_that_is_sent_many_times_at_once_records_once(service: Service) -> None:
    before = end(service)
    with ThreadPoolExecutor(6) as many:
        outcomes = list(many.map(lambda _: service.log(PAUSE, Idempotency_Key="once"), range(6)))
    assert sorted(outcome["repeated"] for outcome in outcomes) == [False, True, True, True, True, True]
    assert end(service) == before + 1


def test_the_same_key_with_another_body_is_refused(service: Service) -> None:
    service.log(PAUSE, Idempotency_Key="once")
    answer = service.post("/v1/developments", {**PAUSE, "title": "Another"}, Idempotency_Key="once")
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")


def test_a_rehearsal_does_not_use_up_its_key(service: Service) -> None:
    service.post("/v1/developments?dry_run=true", {**PAUSE, "title": "A draft"}, Idempotency_Key="once")
    assert service.log(PAUSE, Idempotency_Key="once")["repeated"] is False


def test_a_rehearsal_answers_to_a_used_key_as_the_real_request_would(service: Service) -> None:
    made = service.log(PAUSE, Idempotency_Key="once")
    before = end(service)
    again = service.post("/v1/developments?dry_run=true", PAUSE, Idempotency_Key="once")
    assert (again.status_code, again.json()) == (200, {**made, "dry_run": True, "repeated": True, "told": 0})
    other = {**PAUSE, "title": "Another"}
    reused = service.post("/v1/developments?dry_run=true", other, Idempotency_Key="once")
    assert (reused.status_code, reused.json()["code"]) == (422, "key_reused")
    assert end(service) == before


def test_two_versions_of_one_subject_are_refused(service: Service) -> None:
    version = service.get("/v1/measures/us-border-mx")["version"]
    for given in (f'"{BORDER}@{version}", "{BORDER}@1"', f'"{version}", "{version + 1}"'):
        answer = service.post("/v1/developments", PAUSE, If_Match=given)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        (wrong,) = answer.json()["errors"]
        assert wrong["header"] == "If-Match"
        assert f"If-Match names versions {version} and " in wrong["detail"]
    assert service.post("/v1/developments", PAUSE, If_Match=f'"{version}", "{version}"').status_code == 201


def test_what_was_recorded_is_answered_so_although_the_database_failed_since(on_sqlite: Service) -> None:
    with gone_after_a_commit(on_sqlite):
        answer = on_sqlite.post("/v1/developments", PAUSE)
        down = on_sqlite.post("/v1/developments", {**PAUSE, "title": "Not recorded"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["effects_read"], made["effects"], made["resumes"], made["erases"]) == (False, {}, {}, {})
    (recorded,) = on_sqlite.get("/v1/events", after_position=made["first_position"] - 1)["items"]
    assert (recorded["development"], recorded["id"]) == (made["development"], made["events"][0]["id"])
    assert down.status_code == 503
    assert on_sqlite.log({**PAUSE, "title": "Again"})["effects_read"] is True


def test_a_version_that_moved_on_is_refused_with_what_changed(service: Service) -> None:
    version = service.get("/v1/measures/us-border-mx")["version"]
    service.log(PAUSE)
    answer = service.post("/v1/developments", {**PAUSE, "title": "Again"}, If_Match=f'"{BORDER}@{version}"')
    assert answer.status_code == 412
    problem = answer.json()
    assert problem["code"] == "stale"
    (wrong,) = problem["errors"]
    assert wrong["header"] == "If-Match"
    assert f"version {version + 1}" in wrong["detail"]
    assert "Pause for Mexico" in wrong["detail"]


def test_the_version_seen_may_be_a_number_where_there_is_one_subject(service: Service) -> None:
    version = service.get("/v1/measures/us-border-mx")["version"]
    assert service.post("/v1/developments", PAUSE, If_Match=str(version - 1)).status_code == 412
    outcome = service.log(PAUSE, If_Match=f'"{version}"')
    withdrawal = {"reason": "A rumour"}
    path = f"/v1/developments/{outcome['development']}/withdrawals"
    assert service.post(path, withdrawal, If_Match=str(version)).status_code == 412
    assert service.post(path, withdrawal, If_Match=str(version + 1)).status_code == 201


def test_a_version_that_says_nothing_is_refused(service: Service) -> None:
    two = development("Two", "2025-08-30", paused(), {"type": "talks.held", "subject": MX})
    for command, given in ((PAUSE, "*"), (PAUSE, "x"), (two, "3"), (PAUSE, f'"{CARS}@1"')):
        answer = service.post("/v1/developments", command, If_Match=given)
        assert answer.status_code == 400, given
        assert answer.json()["errors"][0]["header"] == "If-Match"


def test_all_that_is_wrong_with_a_development_is_told_field_by_field(on_sqlite: Service) -> None:
    unknown = {"type": "measure.amended", "subject": "measure:us-none", "effects": [rated(5, "MX")]}
    wrong = development("t", "2025-08-30", unknown, {**unknown, "subject": "measure:us-no"})
    answer = on_sqlite.post("/v1/developments", wrong)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/events/0/subject", "/events/1/subject"]


def test_what_lies_in_the_future_is_told_like_any_other_wrong_field(on_sqlite: Service) -> None:
    looked = {"type": "partner.checked", "subject": MX, "through": "2026-01-01"}
    later, unseen = (
        {**PAUSE, "announced": "2025-09-20"},
        development("Looked", "2025-08-30", paused(), looked),
    )
    id = on_sqlite.log(PAUSE)["development"]
    for command, pointer in ((later, "/announced"), (unseen, "/events/1/through")):
        answer = on_sqlite.post("/v1/developments", command)
        assert answer.status_code == 422
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
        answer = on_sqlite.post(f"/v1/developments/{id}/corrections", {"reason": "x", "development": command})
        assert [one["pointer"] for one in answer.json()["errors"]] == [f"/development{pointer}"]


def test_a_correction_points_into_the_development_it_holds(on_sqlite: Service) -> None:
    id = on_sqlite.log(PAUSE)["development"]
    wrong = {"reason": "x", "development": {**PAUSE, "announced": "soon"}}
    answer = on_sqlite.post(f"/v1/developments/{id}/corrections", wrong)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/development/announced"]


def test_correcting_what_is_not_there_and_withdrawing_twice(on_sqlite: Service) -> None:
    assert on_sqlite.post("/v1/developments/none/withdrawals", {"reason": "x"}).status_code == 404
    id = on_sqlite.log(PAUSE)["development"]
    assert on_sqlite.post(f"/v1/developments/{id}/withdrawals", {"reason": "x"}).status_code == 201
    assert on_sqlite.post(f"/v1/developments/{id}/withdrawals", {"reason": "x"}).status_code == 409


def test_an_event_names_who_logged_it_by_an_opaque_id(service: Service) -> None:
    service.log(PAUSE)
    last = service.get("/v1/events", after_position=end(service) - 1)["items"][0]
    assert last["logged_by"] == service.ann.analyst.id
    assert "Ann" not in str(last)
