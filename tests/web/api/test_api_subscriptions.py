"""A program subscribes, confirms, looks at what was sent, changes and stops: with its own key, and with no other."""

from datetime import datetime
from typing import Any

import pytest

from tests.web.conftest import Service
from tests.web.world import NOW
from tracker.delivery import deliveries, notices, subscriptions
from tracker.delivery.sealing import sealer
from tracker.store.engine import reading

HOOK = {"channel": "webhook", "address": "https://hooks.example.org/trade?token=s3cret", "partners": ["mx"]}
MAIL = {"address": "reader@example.org", "partners": ["MX"], "weekdays": ["mon", "thu"], "hour": 7}


def ask(service: Service, wanted: dict[str, Any], **changed: Any) -> Any:
    return service.client.post("/v1/subscriptions", json=wanted | changed)


def owner(asked: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {asked['key']}"}


def token(service: Service, id: str) -> str:
    return sealer(service.app.state.settings).token(notices.CONFIRM, id)


@pytest.fixture
def hook(service: Service) -> dict[str, Any]:
    """An endpoint that was asked for and has confirmed."""
    asked: dict[str, Any] = ask(service, HOOK).json()
    confirmation = {"token": token(service, asked["id"])}
    answer = service.client.post(f"/v1/subscriptions/{asked['id']}/confirmations", json=confirmation)
    assert answer.json()["state"] == "active"
    return asked


def test_mail_is_answered_the_same_whether_it_is_known_or_not(service: Service) -> None:
    first = ask(service, MAIL)
    assert first.status_code == 202
    assert first.json()["id"] is first.json()["key"] is first.json()["secret"] is None
    assert first.headers["cache-control"] == "no-store"
    again = ask(service, MAIL)
    assert (again.status_code, again.json()) == (202, first.json())
    with reading(service.engine) as connection:
        (kept,) = subscriptions.listed(connection)
        (sent,) = deliveries.listed(connection)
    assert (kept.state, kept.weekdays, kept.created_by) == ("pending", ["mon", "thu"], "reader")
    assert (sent.notice, sent.recipient) == ("confirm", "reader@example.org")


def test_an_endpoint_is_answered_its_key_and_its_secret_once(service: Service) -> None:
    asked = ask(service, HOOK).json()
    assert asked["secret"].startswith("whsec_")
    assert asked["page"].endswith(f"/subscriptions/{asked['id']}?key={asked['key']}")
    at = f"/v1/subscriptions/{asked['id']}"
    shown = service.client.get(at, headers=owner(asked))
    assert shown.json()["state"] == "pending"
    assert shown.json()["address"] == "https://hooks.example.org/trade", (
        "what may be secret in it is not listed"
    )
    for answer in (shown, service.client.get(f"{at}/deliveries", headers=owner(asked))):
        assert "s3cret" not in answer.text
        assert asked["secret"] not in answer.text
    with service.engine.connect() as connection:
        raw = connection.exec_driver_sql("SELECT url, secret FROM endpoints").one()
    assert "hooks.example.org" not in raw[0]
    assert asked["secret"] not in raw[1]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/tests"), ("POST", "/secrets"), ("POST", "/resumptions"),
        ("POST", "/recoveries"), ("GET", "/deliveries"), ("GET", "/deliveries/1"), ("POST", "/deliveries/1/repeats"),
    ],
)  # fmt: skip
def test_nobody_else_gets_in(on_sqlite: Service, method: str, path: str) -> None:
    mine = ask(on_sqlite, HOOK).json()
    other = ask(on_sqlite, HOOK, address="https://other.example.org/").json()
    at = f"/v1/subscriptions/{mine['id']}{path}"
    bodies = {
        "PATCH": {"hour": 5},
        "/secrets": {"hours": 1},
        "/recoveries": {"since": "2025-08-30T00:00:00Z"},
    }
    body = bodies.get(path) or bodies.get(method)
    for headers in (
        {},
        owner(other),
        {"Authorization": "Bearer x"},
        {"Authorization": f"Basic {mine['key']}"},
    ):
        refused = on_sqlite.client.request(method, at, headers=headers, json=body)
        assert refused.status_code == 401, refused.text
        assert "the key of the subscription" in refused.json()["detail"]
        nowhere = f"/v1/subscriptions/sub-000000000000{path}"
        assert on_sqlite.client.request(method, nowhere, headers=headers, json=body).json() == refused.json()
    analyst = on_sqlite.client.request(
        method, at, headers={"Authorization": f"Bearer {on_sqlite.ann.secret}"}, json=body
    )
    assert analyst.status_code != 401


def test_all_are_listed_for_analysts_alone(service: Service) -> None:
    asked = [ask(service, HOOK, address=f"https://hooks.example.org/{n}").json()["id"] for n in range(3)]
    assert service.client.get("/v1/subscriptions").status_code == 401
    headers = {"Authorization": f"Bearer {service.ann.secret}"}
    page = service.client.get("/v1/subscriptions?limit=2", headers=headers).json()
    rest = service.client.get(f"/v1/subscriptions?limit=2&cursor={page['next']}", headers=headers).json()
    assert {one["id"] for one in page["items"] + rest["items"]} == {*asked}
    assert rest["next"] is None


def test_a_wrong_token_confirms_nothing(service: Service) -> None:
    asked = ask(service, HOOK).json()
    at = f"/v1/subscriptions/{asked['id']}/confirmations"
    for wrong in (asked["key"], "", "x" * 43):
        answer = service.client.post(at, json={"token": wrong})
        assert (answer.status_code, answer.json()["code"]) == (403, "denied")
    assert service.client.get(at).status_code == 405


def test_a_change_says_only_what_is_to_be_otherwise(service: Service, hook: dict[str, Any]) -> None:
    at = f"/v1/subscriptions/{hook['id']}"
    changed = service.client.patch(at, json={"hour": 21, "topics": ["measures"]}, headers=owner(hook)).json()
    assert (changed["partners"], changed["hour"], changed["topics"]) == (["MX"], 21, ["measures"])
    assert changed["when"] == "every day at 21:00 (New York)"
    now = service.client.patch(at, json={"at_once": True}, headers=owner(hook)).json()
    assert now["when"] == "as soon as it is ten minutes old"
    wrong = service.client.patch(
        at, json={"hour": 25, "zone": "Mars", "partners": ["XX"]}, headers=owner(hook)
    )
    assert wrong.status_code == 422
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["/partners", "/zone", "/hour"]
    assert service.client.get(at, headers=owner(hook)).json() == now


def test_another_contact_is_asked_before_it_is_written_to(service: Service, hook: dict[str, Any]) -> None:
    at = f"/v1/subscriptions/{hook['id']}"
    for mailbox, status, said in (("nobody", 422, "is not an e-mail address"), ("ops@example.org", 200, ""),
                                  ("ops@example.org", 200, ""), ("else@example.org", 200, ""),
                                  ("ops@example.org", 429, "nothing was changed"), (None, 200, "")):  # fmt: skip
        answer = service.client.patch(at, json={"contact": mailbox, "hour": 9}, headers=owner(hook))
        assert (answer.status_code, said in answer.text) == (status, True), answer.text
        assert status != 422 or [error["pointer"] for error in answer.json()["errors"]] == ["/contact"]
    sent = service.client.get(f"{at}/deliveries", headers=owner(hook)).json()["items"]
    assert [one["notice"] for one in sent].count("contact") == 2


@pytest.mark.parametrize(
    ("wanted", "pointer", "said"),
    [
        ({"address": "nobody"}, "/address", "write it as name@example.org"),
        ({"channel": "pigeon"}, "/channel", "these are: email, webhook, slack"),
        ({"channel": "webhook", "address": "http://hooks.example.org/"}, "/address", "https://"),
        ({"channel": "webhook", "address": "https://127.0.0.1/"}, "/address", "public internet"),
        ({"channel": "slack", "address": "https://10.0.0.1/x"}, "/address", "public internet"),
        ({"contact": "me", "channel": "webhook", "address": "https://a.example.org/"}, "/contact", "e-mail"),
        ({"topics": ["weather"]}, "/topics", "these are: measures"),
        ({"hour": "eight"}, "/hour", "give a whole number"),
        ({"houre": 8}, "/houre", "did you mean hour?"),
    ],
)
def test_what_is_wrong_is_pointed_at(
    on_sqlite: Service, wanted: dict[str, Any], pointer: str, said: str
) -> None:
    answer = ask(on_sqlite, MAIL, **wanted)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said in error["detail"]
    with reading(on_sqlite.engine) as connection:
        assert subscriptions.listed(connection, stopped=True) == []


def test_a_preview_is_yesterdays_edition_and_keeps_nothing(service: Service) -> None:
    edition = service.client.post("/v1/subscriptions/previews", json=MAIL | {"partners": ["EU"]}).json()
    assert edition["day"] == "2025-08-31"
    assert edition["scope"] == {"partners": ["EU"], "sectors": [], "topics": []}
    with reading(service.engine) as connection:
        assert subscriptions.listed(connection, stopped=True) == []


def test_a_test_message_can_be_followed_and_repeated(service: Service, hook: dict[str, Any]) -> None:
    at, headers = f"/v1/subscriptions/{hook['id']}", owner(hook)
    sent = service.client.post(f"{at}/tests", headers=headers)
    assert (sent.status_code, sent.json()["notice"], sent.json()["standing"]) == (202, "test", "pending")
    assert service.client.post(f"{at}/tests", headers=headers).status_code == 409
    listed = service.client.get(f"{at}/deliveries?limit=1", headers=headers).json()
    assert [one["id"] for one in listed["items"]] == [sent.json()["id"]]
    older = service.client.get(f"{at}/deliveries?cursor={listed['next']}", headers=headers).json()
    assert [one["notice"] for one in older["items"]] == ["confirm"]
    one = service.client.get(f"{at}/deliveries/{sent.json()['id']}", headers=headers).json()
    assert one["tries"] == []
    again = service.client.post(f"{at}/deliveries/{sent.json()['id']}/repeats", headers=headers).json()
    assert again["reference"] == sent.json()["reference"]
    assert service.client.get(f"{at}/deliveries/999", headers=headers).status_code == 404


def test_a_secret_is_made_anew_and_the_old_one_signs_for_a_while(
    service: Service, hook: dict[str, Any]
) -> None:
    at, headers = f"/v1/subscriptions/{hook['id']}/secrets", owner(hook)
    made = service.client.post(at, json={"hours": 2}, headers=headers)
    assert made.status_code == 201
    assert made.json()["secret"] != hook["secret"]
    assert datetime.fromisoformat(made.json()["old_until"]) > NOW
    assert service.client.post(at, json={"hours": 169}, headers=headers).status_code == 422


def test_what_was_held_is_sent_for_thirty_days(service: Service, hook: dict[str, Any]) -> None:
    at, headers = f"/v1/subscriptions/{hook['id']}/recoveries", owner(hook)
    fine = service.client.post(at, json={"since": "2025-08-10T00:00:00+02:00"}, headers=headers)
    assert (fine.status_code, fine.json()) == (202, {"deliveries": 0})
    for since in ("2025-07-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
        early = service.client.post(at, json={"since": since}, headers=headers)
        assert early.status_code == 422
        assert early.json()["errors"][0]["pointer"] == "/since"
    late = service.client.post(at, json={"since": "9999-12-31T23:59:59-14:00"}, headers=headers)
    assert late.json() == {"deliveries": 0}


def test_who_stops_is_forgotten(service: Service, hook: dict[str, Any]) -> None:
    at, headers = f"/v1/subscriptions/{hook['id']}", owner(hook)
    stopped = service.client.delete(at, headers=headers).json()
    assert (stopped["state"], stopped["address"]) == ("stopped", "")
    assert service.client.delete(at, headers=headers).status_code == 409
    for path in ("/tests", "/resumptions"):
        assert service.client.post(at + path, headers=headers).status_code == 409
    with service.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM endpoints").scalar() == 0


def test_strangers_cannot_have_an_endpoint_flooded(service: Service) -> None:
    assert ask(service, HOOK).status_code == 202
    refused = ask(service, HOOK)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_often")
