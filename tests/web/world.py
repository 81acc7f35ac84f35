"""A small world with a cast: Mexico (a border tariff, paused and resumed), the United Kingdom (a deal with provisions),
the European Union with Germany in it, and Ann, who logs what happens."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Engine

from tracker.domain.events import Correction, Development, Withdrawal
from tracker.record import By, Correct, Order, Recorded, Withdraw, record

NOW = datetime(2025, 9, 1, 12, tzinfo=UTC)
MX, GB, EU, DE = ("partner:MX", "partner:GB", "partner:EU", "partner:DE")
BORDER, CARS, DEAL = "measure:us-border-mx", "measure:us-cars", "agreement:us-gb-deal"
PRESS = {"publisher": "The Gazette", "kind": "press", "url": "https://gazette.example/1"}


def development(title: str, announced: str, *events: dict[str, Any], **told: Any) -> dict[str, Any]:
    """A development as a program would send it."""
    return {"title": title, "announced": announced, "sources": [PRESS], "events": list(events), **told}


def registered(subject: str, name: str, **about: Any) -> dict[str, Any]:
    return {"type": "partner.registered", "subject": subject, "about": {"name": name, **about}}


def paused(until: str | None = None) -> dict[str, Any]:
    effect = {"target": "MX"} | ({"until": until} if until else {})
    return {"type": "measure.paused", "subject": BORDER, "effects": [effect]}


def rated(percent: float, target: str, **effect: Any) -> dict[str, Any]:
    return {"target": target, "set": {"rate": {"percent": percent}}, **effect}


PAUSE = development("Pause for Mexico", "2025-08-30", paused("2025-10-01"))
"""What the tests log: a pause that ends by itself."""

HISTORY = (
    development(
        "The tracker begins", "2025-01-02", registered(MX, "Mexico", rank=1), registered(GB, "United Kingdom", rank=2),
        registered(EU, "European Union", kind="bloc"), registered(DE, "Germany", rank=3),
        {"type": "bloc.joined", "subject": DE, "bloc": "EU", "from": "1958-01-01"},
        {"type": "partner.profiled", "subject": MX, "set": {"sectors": ["Consumer Discretionary"]}},
    ),
    development(
        "Tariff on Mexico ordered", "2025-02-01",
        {
            "type": "measure.announced", "subject": BORDER,
            "about": {"title": "Border tariff", "authority": "authority:us-ieepa"},
            "effects": [rated(25, "MX", **{"from": "2025-02-04"})],
        },
        {
            "type": "ruling.issued", "subject": "authority:us-ieepa", "about": {"title": "IEEPA"},
            "effects": [{"set": {"legal": "valid"}}],
        },
    ),
    development("Pause for a month", "2025-02-03", paused("2025-03-04")),
    development(
        "Cars", "2025-03-26",
        {
            "type": "measure.announced", "subject": CARS, "about": {"title": "Car tariff"},
            "effects": [rated(25, "everyone", scope="cars", **{"from": "2025-04-03"})],
        },
    ),
    development(
        "A deal with the United Kingdom", "2025-05-08",
        {
            "type": "agreement.announced", "subject": DEAL, "about": {"title": "Prosperity deal"},
            "provisions": [
                {"provision": "cars", "set": {"title": "Cars at 10%", "status": "announced", "after": {"percent": 10}}},
                {"provision": "beef", "set": {"title": "Beef", "status": "announced"}},
            ],
        },
    ),
    development(
        "Cars from the United Kingdom at 10%", "2025-06-16",
        {
            "type": "measure.amended", "subject": CARS,
            "effects": [rated(10, "GB", scope="cars", **{"from": "2025-06-30"})],
        },
        {
            "type": "provision.changed", "subject": DEAL,
            "provisions": [{"provision": "cars", "set": {"status": "in_force"}, "from": "2025-06-30"}],
        },
    ),
    development(
        "Cars from the Union at 15%", "2025-08-21",
        {"type": "measure.amended", "subject": CARS, "effects": [rated(15, "EU", scope="cars")]},
    ),
    development("Talks in London", "2025-08-22", {"type": "talks.held", "subject": GB}),
    *(
        development(
            "Checked", "2025-08-31", {"type": "partner.checked", "subject": subject, "through": "2025-08-31"}
        )
        for subject in (MX, GB, EU, DE)
    ),
)  # fmt: skip


def logged(engine: Engine, command: dict[str, Any], at: datetime = NOW) -> Recorded:
    return recorded(engine, msgspec.convert(command, Development), at)


def corrected(engine: Engine, id: str, command: dict[str, Any], at: datetime = NOW, **said: Any) -> Recorded:
    correction = {"reason": "We had it wrong", "development": command, **said}
    return recorded(engine, Correct(id, msgspec.convert(correction, Correction)), at)


def withdrawn(engine: Engine, id: str, at: datetime = NOW) -> Recorded:
    return recorded(engine, Withdraw(id, Withdrawal(reason="It never happened")), at)


def recorded(engine: Engine, order: Order, at: datetime) -> Recorded:
    return record(engine, order, By("founding", max(NOW, at), learnt_at=at))


def replay(engine: Engine) -> None:
    """The history, each development learnt at noon of the day it was announced."""
    for command in HISTORY:
        logged(engine, command, datetime.fromisoformat(f"{command['announced']}T12:00:00Z"))
