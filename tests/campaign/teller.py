"""Who cuts editions and sends them, and kills itself at a step. It tells nothing: what it did is looked for outside."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from campaign.forking import die
from msgspec import Struct
from sqlalchemy import update

from tracker.delivery import deliveries, dispatch, editions, notices, outward, sender, signing, subscriptions
from tracker.delivery.channels.channel import Parcel
from tracker.delivery.channels.email import Email, message
from tracker.delivery.notices import Notice
from tracker.delivery.sealing import Sealer
from tracker.settings import MailServer, Settings
from tracker.store.engine import open_engine

Broken = Literal["", "marks first", "another id"]
"""What a broken teller does, to see that it is found out."""
When = Literal["before", "after"]

CUTTING: dict[str, tuple[Any, str, When]] = {
    "cut": (editions, "worked_out", "after"),
    "freeze": (editions, "freeze", "after"),
    "insert deliveries": (deliveries, "queue", "after"),
    "advance": (subscriptions, "advance", "after"),
    "committed": (sender, "send_due", "before"),
}
SENDING: dict[str, tuple[Any, str, When]] = {
    "lease": (deliveries, "claim", "after"),
    "render": (sender, "_attempt", "before"),
}
MARKING: dict[str, tuple[Any, str, When]] = {
    "mark": (deliveries, "settle", "after"),
    "marked": (sender, "send_due", "after"),
}
CONNECTING: dict[str, tuple[Any, str]] = {"email": (Email, "exchange"), "webhook": (outward, "post")}


def steps(channel: str) -> dict[str, tuple[Any, str, When]]:
    """Where a teller dies: before or after which function, by the name of the step, in their order."""
    where = CONNECTING[channel]
    return CUTTING | SENDING | {"connect": (*where, "before"), "after send": (*where, "after")} | MARKING


class Tell(Struct, frozen=True, tag=True):
    """Cut what is due and send it, to who listens at a port of this machine, as far as a step."""

    url: str
    now: datetime
    channel: str
    port: int
    step: str
    broken: Broken = ""


def settings(port: int) -> Settings:
    """With which anything is sent to this port alone."""
    return Settings(
        smtp_url=MailServer("127.0.0.1", port, tls=False), private_hosts=frozenset({("127.0.0.1", port)}),
        plain_http="allowed", mail_from="Trade talks <tracker@example.org>", public_url="https://tracker.example.org",
        data_dir=Path("/nonexistent"), secret_key=(bytes(32),),
    )  # fmt: skip


def warm_up() -> None:
    """What each child would else do anew: read templates, and all that writing a mail takes."""
    links = notices.links("https://tracker.example.org", Sealer([bytes(32)]), "sub-1")
    at = datetime(2025, 3, 10, tzinfo=UTC)
    message(Parcel(Notice("test", "", ""), "reader@example.org", "1", None, links, at), settings(1))


def cut_and_send(task: Tell) -> None:
    _break(task.broken)
    where, name, when = steps(task.channel)[task.step]
    setattr(where, name, _deadly(getattr(where, name), when))
    engine = open_engine(task.url)
    dispatch.cut_due(engine, task.now)
    sender.send_due(engine, settings(task.port), lambda: task.now)


def _deadly(function: Callable[..., Any], when: When) -> Callable[..., Any]:
    def wrapped(*given: Any, **named: Any) -> Any:
        if when == "after":
            function(*given, **named)
        die()

    return wrapped


def _break(how: Broken) -> None:
    match how:
        case "marks first":
            claim = deliveries.claim

            def claimed(connection: Any, *given: Any) -> Any:
                held = claim(connection, *given)
                mine = deliveries.deliveries.c.id == (held.id if held else None)
                done = (
                    update(deliveries.deliveries).where(mine).values(state="accepted", next_attempt_at=None)
                )
                connection.execute(done)
                return held

            deliveries.claim = claimed  # type: ignore[assignment]
        case "another id":
            headers = signing.headers
            signing.headers = lambda id, *given: headers(f"{id}-again", *given)
        case "":
            pass
