"""Somebody who subscribes: a service whose clock moves, and whose mail arrives."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup
from sqlalchemy import Engine, delete

from tests.delivery.post import Clock, Server, mail_server
from tests.web.conftest import Service, serving, settings_for, url_of
from tests.web.world import NOW
from tracker.delivery import deliveries, dispatch, enrolment, notices, sender, subscriptions
from tracker.delivery.notices import Notice
from tracker.delivery.sealing import sealer
from tracker.delivery.subscriptions import Subscription
from tracker.schema import durable
from tracker.settings import Settings
from tracker.store.engine import reading, writing

BROWSER = {"Accept": "text/html"}
READER = "reader@example.org"
FORM = {"action": "subscribe", "address": READER, "partners": ["MX"], "when": "daily", "hour": "08",
        "zone": "Europe/London"}  # fmt: skip


@dataclass
class Desk:
    """A service, its clock, and the server that takes its mail."""

    service: Service
    settings: Settings
    clock: Clock
    server: Server

    def subscribe(self, status: int = 200, **typed: Any) -> BeautifulSoup:
        """The form as it is sent."""
        return self.post("/subscribe", FORM | typed, status)

    def subscribed(self, **typed: Any) -> Subscription:
        """Subscribe, and confirm by the link that came."""
        self.subscribe(**typed)
        self.post(self.link("/confirm?"))
        return self.subscriptions()[-1]

    def subscriptions(self) -> list[Subscription]:
        with reading(self.service.engine) as connection:
            return subscriptions.listed(connection, stopped=True)

    def last(self) -> Subscription:
        return self.subscriptions()[-1]

    def page(self, path: str, status: int = 200) -> BeautifulSoup:
        return _page(self.service.client.get(path, headers=BROWSER), status)

    def post(self, path: str, typed: dict[str, Any] | None = None, status: int = 200) -> BeautifulSoup:
        answer = self.service.client.post(path, data=typed or {}, headers=BROWSER, follow_redirects=True)
        return _page(answer, status)

    def send(self) -> None:
        """Everything that is due leaves."""
        dispatch.cut_due(self.service.engine, self.clock())
        sender.send_due(self.service.engine, self.settings, self.clock)

    def link(self, part: str) -> str:
        """The link in the last mail that leads to such an address, as a path here."""
        self.send()
        body = self.server.mails[-1].get_body(("plain",))
        assert body is not None
        found = next(one for one in re.findall(r"https?://\S+", body.get_content()) if part in one)
        return urlsplit(found).path + "?" + urlsplit(found).query

    def stop_link(self) -> str:
        """Where the newest subscription is stopped, as every mail says."""
        return notices.links("", sealer(self.settings), self.last().id).stop

    def own_link(self) -> str:
        """The page of the newest subscription, as every mail says."""
        return notices.links("", sealer(self.settings), self.last().id).own

    def notified(self, times: int) -> None:
        """So many messages are on their way to the newest subscription."""
        one, told = self.last(), Notice("test", "all partners", "every day")
        with writing(self.service.engine) as connection:
            for _ in range(times):
                deliveries.notify(
                    connection, subscription=one.id, notice=told, channel=one.channel, recipient=one.address,
                    now=self.clock(),
                )  # fmt: skip

    def tidy(self) -> None:
        with writing(self.service.engine) as connection:
            enrolment.tidy(connection, self.clock())

    def clear(self) -> None:
        """As if nobody had ever been here."""
        with writing(self.service.engine) as connection:
            for name in ("attempts", "deliveries", "cuts", "mentions", "editions", "endpoints", "invitations",
                         "subscriptions"):  # fmt: skip
                connection.execute(delete(durable.tables[name]))
        self.service.client.cookies.clear()
        self.clock.now = NOW
        for kept in (self.server.mails, self.server.raw, self.server.recipient_answers):
            kept.clear()

    def later(self, **by: float) -> None:
        self.clock.now += timedelta(**by)


def _page(answer: Any, status: int) -> BeautifulSoup:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return BeautifulSoup(answer.text, "html.parser")


@contextmanager
def desk(engine: Engine, folder: Path, **settings: str) -> Iterator[Desk]:
    """A desk over a copy of the small world."""
    with mail_server() as server:
        made = settings_for(
            url_of(engine), folder, smtp_url=f"smtp://127.0.0.1:{server.port}", mail_from="tracker@example.org",
            **settings,
        )  # fmt: skip
        clock = Clock(NOW)
        for service in serving(engine, made):
            service.app.state.clock = clock
            yield Desk(service, made, clock, server)
