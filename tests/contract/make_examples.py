"""Makes the examples of the OpenAPI document anew: what the API answers about the founding history, cut short.

Run it as ``python -m tests.contract.make_examples`` when an answer has a new shape; the tests tell when.
"""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

import tracker.web.api
from tracker.app import create_app
from tracker.delivery import editions, enrolment, notices
from tracker.delivery.sealing import sealer
from tracker.delivery.subscriptions import Wanted
from tracker.domain.edition import Scope
from tracker.seeding import seed
from tracker.settings import Settings, load
from tracker.store import access, tree
from tracker.store.engine import open_engine, writing
from tracker.store.migrate import migrate

NOW = datetime(2025, 9, 1, 12, tzinfo=UTC)
FILE = Path(tracker.web.api.__file__).with_name("examples.json")
LONGEST = 2
"""Entries kept of each list and of each mapping by position."""

PAUSE = {
    "title": "Pause for Mexico",
    "announced": "2025-09-01",
    "sources": [{"publisher": "The White House", "kind": "official", "title": "Executive Order"}],
    "events": [
        {
            "type": "measure.paused",
            "subject": "measure:us-ieepa-fentanyl-mx",
            "effects": [{"target": "MX", "from": "2025-09-03", "until": "2025-12-02"}],
        }
    ],
}
CORRECTION = {
    "reason": "The order says until 1 December",
    "development": {
        **PAUSE,
        "events": [
            {**PAUSE["events"][0], "effects": [{"target": "MX", "from": "2025-09-03", "until": "2025-12-01"}]}  # type: ignore[dict-item]
        ],
    },
}
ASK = {"address": "reader@example.org", "partners": ["MX"], "hour": 8, "zone": "America/Mexico_City"}
WHO = (("webhook", "https://hooks.example.org/trade"), ("email", "bob@example.org"))
WITHDRAWAL = {"reason": "The report was not confirmed"}
SOURCE = {
    "title": "An institute dates the tariff on cars",
    "announced": "2025-08-31",
    "sources": [{"publisher": "An institute", "kind": "data"}],
    "events": [
        {
            "type": "measure.amended",
            "subject": "measure:us-232-autos",
            "claim": "institute",
            "effects": [
                {
                    "target": "everyone",
                    "scope": "cars",
                    "from": "2025-03-12",
                    "set": {"status": "in_force", "rate": {"percent": 25}},
                }
            ],
        }
    ],
}
READS = {
    "partners": ("The board on 1 July 2025", "/v1/partners?limit=1&as_of=2025-07-01"),
    "partner": ("The United Kingdom on 1 July 2025", "/v1/partners/GB?as_of=2025-07-01"),
    "state": ("The United Kingdom on 1 July 2025", "/v1/partners/GB/state?as_of=2025-07-01"),
    "timeline": ("China on 15 April 2025", "/v1/partners/CN/timeline?limit=2&as_of=2025-04-15"),
    "diff": ("The United Kingdom from May to July 2025", "/v1/partners/GB/diff?from=2025-05-01&to=2025-07-01"),
    "measures": ("What applies to Mexico", "/v1/measures?partner=MX&authority=us-ieepa&as_of=2025-08-31"),
    "measure": ("The tariff on Mexico, paused", "/v1/measures/us-ieepa-fentanyl-mx?as_of=2025-02-10"),
    "agreements": ("With the United Kingdom", "/v1/agreements?partner=GB&as_of=2025-07-01"),
    "agreement": ("The Economic Prosperity Deal", "/v1/agreements/us-gb-epd?as_of=2025-07-01"),
    "authorities": ("The authorities on 1 June 2025", "/v1/authorities?limit=1&as_of=2025-06-01"),
    "authority": ("IEEPA on 1 June 2025", "/v1/authorities/us-ieepa?as_of=2025-06-01"),
    "negotiation": ("With China on 1 June 2025", "/v1/partners/CN/negotiation?as_of=2025-06-01"),
    "deadlines": ("The Union's", "/v1/deadlines?partner=EU&as_of=2025-07-15"),
    "commitments": ("With Japan", "/v1/commitments?partner=JP&as_of=2025-08-01"),
    "duty": ("British cars on 1 July 2025", "/v1/duty?partner=GB&scope=cars&as_of=2025-07-01"),
    "scopes": ("The vocabulary", "/v1/scopes?limit=2"),
    "statements": (
        "What was said of China by 20 April 2025",
        "/v1/statements?partner=CN&said_by=2025-04-20&as_of=2025-04-20&limit=2",
    ),
    "housekeeping": ("What there was to do on 20 May 2025", "/v1/housekeeping?limit=2&as_of=2025-05-20"),
    "developments_json": ("Mexico", "/feeds/developments.json?partners=MX&limit=1"),
    "digest": ("China on 10 April 2025", "/v1/digest?partners=CN&day=2025-04-10"),
    "events": ("Pauses", "/v1/events?type=measure.paused&limit=1"),
    "signed_log": ("The founding history", "/v1/log"),
    "inclusion": ("The first event", "/v1/log/inclusion?position=1"),
    "consistency": ("Since 100 events", "/v1/log/consistency?from=100"),
    "schemas": ("The types", "/v1/schemas"),
    "schema": ("A pause", "/v1/schemas/measure.paused"),
    "healthz": ("Alive", "/healthz"),
    "readyz": ("Ready", "/readyz"),
}  # fmt: skip


def made() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/tracker.db")
        migrate(engine)
        seed(engine, NOW)
        tree.sign(engine, "https://tracker.example.org", NOW)
        with writing(engine) as connection:
            key = access.create(connection, "Ann", NOW).secret
        settings = load({"TRACKER_DATA_DIR": folder})
        with TestClient(create_app(settings, engine, lambda: NOW)) as client:
            client.headers["Authorization"] = f"Bearer {key}"
            found = {name: example(words, client.get(path).json()) for name, (words, path) in READS.items()}
            found["schema"]["a-pause"]["value"] = client.get(READS["schema"][1]).json()
            found |= written(client) | told(client, engine) | subscribed(client, engine, settings)
        engine.dispose()
    return found


def written(client: TestClient[Litestar]) -> dict[str, Any]:
    rehearsed = client.post("/v1/developments?dry_run=true", json=PAUSE).json()
    logged = client.post("/v1/developments", json=PAUSE).json()
    path = f"/v1/developments/{logged['development']}"
    corrected = client.post(f"{path}/corrections", json=CORRECTION).json()
    withdrawn = client.post(f"{path}/withdrawals", json=WITHDRAWAL).json()
    client.post("/v1/developments", json=SOURCE)
    return {
        "log_development request": example("A pause for Mexico", PAUSE),
        "log_development": {**example("Recorded", logged), **example("Rehearsed", rehearsed)},
        "correct_development request": example("It ends a day earlier", CORRECTION),
        "correct_development": example("Corrected", corrected),
        "withdraw_development request": example("It was not so", WITHDRAWAL),
        "withdraw_development": example("Withdrawn", withdrawn),
        "conflicts": example("A source that is early", client.get("/v1/conflicts?source=institute").json()),
        "development": example("Logged, corrected, withdrawn", client.get(path).json()),
        "event": example("The pause", client.get(f"/v1/events/{logged['events'][0]['id']}").json()),
    }


def told(client: TestClient[Litestar], engine: Engine) -> dict[str, Any]:
    """An edition for Mexico, of which something was corrected later."""
    id = client.post("/v1/developments", json=PAUSE).json()["development"]
    with writing(engine) as connection:
        zone, later = "America/New_York", NOW + timedelta(hours=1)
        edition = editions.preview(connection, Scope(partners=["MX"]), now=later, zone=zone)
        frozen = editions.freeze(connection, edition, later)
    client.post(f"/v1/developments/{id}/corrections", json=CORRECTION)
    at = f"/v1/editions/{frozen.id}"
    return {
        "editions": example("To Mexico", client.get("/v1/editions?partner=MX").json()),
        "edition": example("Of Mexico, on 1 September 2025", client.get(at).json()),
        "repairs": example("A correction", client.get(f"{at}/repairs").json()),
    }


def subscribed(client: TestClient[Litestar], engine: Engine, settings: Settings) -> dict[str, Any]:
    locks = sealer(settings)
    with writing(engine) as connection:
        ann, bob = (
            enrolled.subscription.id
            for over, address in WHO
            if (enrolled := enrolment.enrol(
                connection, settings, locks, over=over, address=address, wanted=Wanted(partners=["MX"]), now=NOW,
                by="operator", confirmed=over == "webhook",
            ))
        )  # fmt: skip
    at = f"/v1/subscriptions/{ann}"
    token = locks.token(notices.CONFIRM, bob)
    sent = client.post(f"{at}/tests").json()
    delivery = f"{at}/deliveries/{sent['id']}"
    recovery = {"since": "2025-08-20T00:00:00Z"}
    later = {"hour": 7, "topics": ["measures", "agreements"]}
    confirmed = client.post(f"/v1/subscriptions/{bob}/confirmations", json={"token": token}).json()
    return {
        "subscribe request": example("To Mexico, by e-mail", ASK),
        "subscribe": example("Asked", client.post("/v1/subscriptions", json=ASK).json()),
        "preview request": example("To Mexico, by e-mail", ASK),
        "preview": example("Yesterday's edition", client.post("/v1/subscriptions/previews", json=ASK).json()),
        "all_subscriptions": example("All", client.get("/v1/subscriptions").json()),
        "subscription": example("A digest", client.get(at).json()),
        "change_subscription request": example("Earlier, and only of measures and agreements", later),
        "change_subscription": example("Changed", client.patch(at, json=later).json()),
        "confirm_subscription request": example("The token of the mail", {"token": token}),
        "confirm_subscription": example("Confirmed", confirmed),
        "test_subscription": example("On its way", sent),
        "rotate_secret request": example("With an hour for both", {"hours": 1}),
        "rotate_secret": example("Made", client.post(f"{at}/secrets", json={"hours": 1}).json()),
        "resume_subscription": example("It goes on", client.post(f"{at}/resumptions").json()),
        "recover_deliveries request": example("Since 20 August", recovery),
        "recover_deliveries": example(
            "Nothing was held", client.post(f"{at}/recoveries", json=recovery).json()
        ),
        "sent_deliveries": example("A test", client.get(f"{at}/deliveries").json()),
        "sent_delivery": example("A test", client.get(delivery).json()),
        "repeat_delivery": example("Once more", client.post(f"{delivery}/repeats").json()),
        "stop_subscription": example("Stopped", client.delete(f"/v1/subscriptions/{bob}").json()),
    }


def example(words: str, value: Any) -> dict[str, Any]:
    return {words.lower().replace(" ", "-").replace(",", ""): {"summary": words, "value": short(value)}}


def short(value: Any) -> Any:
    match value:
        case list():
            return [short(entry) for entry in value[:LONGEST]]
        case dict() if len(value) > LONGEST and all(key.isdigit() for key in value):
            return {key: short(entry) for key, entry in [*value.items()][:LONGEST]}
        case dict():
            return {key: short(entry) for key, entry in value.items()}
        case _:
            return value


if __name__ == "__main__":
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(made()), indent=1) + b"\n")
