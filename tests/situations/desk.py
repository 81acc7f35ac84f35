"""An analyst's desk: a record with a vocabulary of goods and the partners, an API key, a clock that follows what is
logged. Everything goes in and comes out through the API."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from litestar.testing import TestClient

FOUNDING = Path(__file__).parents[2] / "fixtures" / "founding"
EU_MEMBERS = ("DE", "FR", "NL", "IT", "ES", "DK")
PARTNERS = ("BR", "CA", "CH", "CN", "CO", "GB", "IN", "JP", "KR", "MX", "MY", "NO", "VN", *EU_MEMBERS)
NEW_YORK = ZoneInfo("America/New_York")

Json = dict[str, Any]


@dataclass
class Desk:
    """Where an analyst logs and asks. ``now`` is the clock: the evening in New York of what was logged last."""

    client: TestClient[Any]
    key: str
    clock: list[datetime] = field(default_factory=list)

    def send(self, command: Json, path: str = "/v1/developments") -> Json:
        answer = self.client.post(path, json=command, headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    def log(self, title: str, announced: str, *events: Json, **told: Any) -> Json:
        """Log a development on the evening of the day of its announcement (minutes after, where its time is told)."""
        self.clock[0] = max(after(announced), self.clock[0] + timedelta(seconds=1))
        sources = told.pop("sources", [{"publisher": "Federal Register", "kind": "official"}])
        zone = {"zone": "America/New_York"} if "zone" not in told else {}
        return self.send(
            {"title": title, "announced": announced, "sources": sources, "events": [*events], **zone, **told}
        )

    def get(self, path: str, **asked: Any) -> Json:
        answer = self.client.get(path, params={k: v for k, v in asked.items() if v is not None})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def duty(self, partner: str, on: str, known: str | None = None, **asked: Any) -> Json:
        return self.get("/v1/duty", partner=partner, as_of=on, known_at=known, **asked)

    def total(self, partner: str, on: str, known: str | None = None, **asked: Any) -> float | None:
        found: float | None = self.duty(partner, on, known, **asked)["total"]
        return found

    def reasons(self, partner: str, on: str, known: str | None = None, **asked: Any) -> dict[str, str]:
        """Why each measure counts or not."""
        layers = self.duty(partner, on, known, **asked)["layers"]
        return {layer["measure"].removeprefix("measure:"): layer["reason"] for layer in layers}

    def state(self, partner: str, on: str, known: str | None = None) -> Json:
        return self.get(f"/v1/partners/{partner}/state", as_of=on, known_at=known)

    def measure(
        self, partner: str, key: str, on: str, known: str | None = None, scope: str = "all-goods"
    ) -> Json:
        """A measure as it stands for a partner; an empty object where nothing is said."""
        held = self.get("/v1/measures", partner=partner, subject=key, scope=scope, as_of=on, known_at=known)
        items = [i for one in held["items"] for i in one["partners"].get(partner, []) if not i["claim"]]
        return next(iter(items), {})

    def claims(self, partner: str, on: str, known: str | None = None) -> dict[str, Json]:
        """What is only said, by the key of the claim."""
        return {claim["claim"]: claim for claim in self.state(partner, on, known)["claims"]}

    def deal(self, key: str, on: str, known: str | None = None) -> Json:
        found: Json = self.get(f"/v1/agreements/{key}", as_of=on, known_at=known)["deal"]
        return found

    def provision(self, key: str, name: str, on: str, known: str | None = None) -> Json:
        found: Json = next(p["state"] for p in self.deal(key, on, known)["provisions"] if p["key"] == name)
        return found

    def timeline(self, partner: str, on: str, known: str | None = None) -> list[Json]:
        """Newest first."""
        found: list[Json] = self.get(f"/v1/partners/{partner}/timeline", as_of=on, known_at=known, limit=200)[
            "items"
        ]
        return [entry for entry in found if entry["types"] != ["partner.registered"]]

    def titles(self, partner: str, on: str, known: str | None = None) -> list[str]:
        return [entry["title"] for entry in self.timeline(partner, on, known)]


def after(announced: str) -> datetime:
    stated = announced.removeprefix("by ")
    if "T" in stated:
        return datetime.fromisoformat(stated).astimezone(UTC) + timedelta(minutes=5)
    year, month, day = [*map(int, stated.split("-")), 28, 28][:3]
    return datetime(year, month, day, 20, tzinfo=NEW_YORK).astimezone(UTC)


def prepare(desk: Desk) -> None:
    """The vocabulary, the authorities, the normal duty on vehicles; the partners and the Union's members."""
    for name in ("scopes", "us-authorities", "us-normal-duty"):
        desk.send(json.loads((FOUNDING / f"{name}.json").read_text())["development"])
    desk.send(
        {
            "title": "Partners",
            "announced": "2025-01-01",
            "events": [
                {
                    "type": "partner.registered",
                    "subject": "partner:EU",
                    "about": {"name": "EU", "kind": "bloc"},
                },
                *(
                    {"type": "partner.registered", "subject": f"partner:{code}", "about": {"name": code}}
                    for code in PARTNERS
                ),
                *(
                    {"type": "bloc.joined", "subject": f"partner:{code}", "bloc": "EU", "from": "1995-01-01"}
                    for code in EU_MEMBERS
                ),
            ],
        }
    )


# ---------------------------------------------------------------- what is said


def effect(
    target: str, percent: float | None = None, since: str | None = None, until: str | None = None, **rest: Any
) -> Json:
    """An effect: scope, ``except_`` and any field to set may follow."""
    found: Json = {"target": target}
    if except_ := rest.pop("except_", None):
        found["except"] = except_
    found |= {name: rest.pop(name) for name in ("scope",) if name in rest}
    found |= {name: value for name, value in (("from", since), ("until", until)) if value}
    if percent is not None:
        rest = {"rate": {"percent": percent}, **rest}
    return found | ({"set": rest} if rest else {})


def measure(what: str, key: str, *effects: Json, **rest: Any) -> Json:
    """An event on a measure: ``announced``, ``amended``, ``paused``, ...; ``title`` opens it."""
    found: Json = {
        "type": what if "." in what else f"measure.{what}",
        "subject": f"measure:{key}",
        "effects": [*effects],
    }
    about = {name: rest.pop(name) for name in ("title", "kind", "instrument") if name in rest}
    if authority := rest.pop("authority", None):
        about["authority"] = f"authority:{authority}"
    return found | ({"about": about} if about else {}) | rest


def ruling(key: str, *effects: Json) -> Json:
    return {"type": "ruling.issued", "subject": f"authority:{key}", "effects": [*effects]}


def deal(what: str, key: str, *provisions: Json, **rest: Any) -> Json:
    found: Json = {"type": what if "." in what else f"agreement.{what}", "subject": f"agreement:{key}"}
    if title := rest.pop("title", None):
        found["about"] = {"title": title}
    return found | ({"provisions": [*provisions]} if provisions else {}) | rest


def promise(name: str, since: str | None = None, **state: Any) -> Json:
    return {"provision": name, "set": state} | ({"from": since} if since else {})


def about(partner: str, what: str, **rest: Any) -> Json:
    """An event on a partner: talks, deadlines, criteria."""
    return {"type": what, "subject": f"partner:{partner}", **rest}


def said(
    subject: str,
    claim: str,
    what: str = "statement.made",
    target: str = "everyone",
    since: str | None = None,
    **state: Any,
) -> Json:
    found: Json = {"target": target, "set": state} | ({"from": since} if since else {})
    return {"type": what, "subject": subject, "claim": claim, "effects": [found]}
