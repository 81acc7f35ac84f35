"""The page of a subscription: what only its link opens, what can be done there, and what stays hidden until an endpoint
has agreed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.delivery.receiver import Receiver, receiver, says
from tests.web.conftest import gone_after_a_commit, small_world
from tests.web.pages.conftest import BROWSER, words
from tests.web.pages.enrolling import READER, Desk, desk
from tests.web.world import PAUSE
from tracker.delivery import deliveries, subscriptions
from tracker.domain.edition import Scope
from tracker.store.engine import writing

PRIVATE = "<script>alert('what lies within')</script>"


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiver(says(500, PRIVATE)) as found:
        yield found


@pytest.fixture
def hooked(request: pytest.FixtureRequest, tmp_path: Path, endpoint: Receiver) -> Iterator[Desk]:
    """A desk that may send to the endpoint."""
    allowed = {"private_hosts": f"{endpoint.host}:{endpoint.port}", "plain_http": "allowed"}
    for engine in small_world(request, "sqlite", tmp_path):
        with desk(engine, tmp_path, **allowed) as found:
            yield found


def enrolled(hooked: Desk, endpoint: Receiver, **typed: Any) -> BeautifulSoup:
    """What is answered to who subscribes the endpoint."""
    return hooked.subscribe(channel="webhook", address=endpoint.url, **typed)


def code(endpoint: Receiver) -> str:
    """What the newest challenge holds."""
    return re.findall(r'"challenge":"([^"]+)"', endpoint.got[-1].body.decode())[-1]


def forms(page: BeautifulSoup) -> list[str]:
    """What the buttons of a page do."""
    return [str(button["value"]) for button in page.select("main button[name=action]")]


def test_only_its_link_opens_it(here: Desk) -> None:
    here.subscribed()
    own = here.own_link()
    assert READER in words(here.page(own).main)
    for path in (own[:-1], own.partition("?")[0], here.stop_link().replace(here.last().id, "sub-0")):
        assert READER not in str(here.page(path, 403))
        assert here.service.client.post(path, data={"action": "test"}).status_code == 403
    answer = here.service.client.get(own, headers=BROWSER)
    assert answer.headers["cache-control"] == "no-store"
    assert here.service.client.head(own, headers=BROWSER).status_code == 200
    headers = BROWSER | {"Origin": "https://evil.example"}
    assert here.service.client.post(own, data={"action": "test"}, headers=headers).status_code == 403


def test_it_is_changed_and_nothing_is_told_twice(here: Desk) -> None:
    before = here.subscribed()
    page = here.page(here.own_link())
    ticked = [one["value"] for one in page.select("input[name=partners][checked]")]
    assert ticked == ["MX"]
    wanted = {"partners": ["GB"], "topics": ["talks"], "when": "weekdays", "hour": "17", "zone": "Asia/Tokyo"}
    page = here.post(here.own_link(), {"action": "change", **wanted})
    assert "nothing is left out" in words(page.select_one("[role=status]"))
    now = here.last()
    assert now.scope == Scope(partners=["GB"], topics=["talks"])
    assert (now.zone, now.hour, now.weekdays) == ("Asia/Tokyo", 17, ["mon", "tue", "wed", "thu", "fri"])
    assert now.told == before.told
    wrong = here.post(here.own_link(), {"action": "change", **wanted, "zone": "Mars"}, 422)
    assert words(wrong.select_one("#zone-error")).startswith("'Mars' is not an IANA time zone")
    assert wrong.select_one("details.more-fields")["open"] == ""
    assert here.last() == now


def test_what_was_sent_is_listed_with_every_try(both: Desk) -> None:
    both.subscribed()
    assert both.service.post("/v1/developments", PAUSE).status_code == 201
    both.server.recipient_answers.append("451 Come again <b>later</b>")
    both.later(days=1)
    both.send()
    page = both.page(both.own_link())
    latest = page.select_one("ol.sent > li")
    assert "Put off after 1 attempt, next on 2 Sep 2025" in words(latest)
    assert "Attempt 1, 2 Sep 2025 13:00:00 : not taken 451" in words(latest.select_one(".tries"))
    assert words(latest.select_one("details pre")) == "Come again <b>later</b>"
    assert latest.select_one("h3 a")["href"].startswith("/editions/")
    number = latest.select_one("input[name=delivery]")["value"]
    page = both.post(both.own_link(), {"action": "again", "delivery": number})
    assert "on its way once more" in words(page.select_one("[role=status]"))
    both.send()
    assert "Accepted" in words(both.page(both.own_link()).select_one("ol.sent > li"))


def test_a_test_message_comes_and_the_next_waits_for_it(here: Desk) -> None:
    here.subscribed()
    here.post(here.own_link(), {"action": "test"})
    page = here.post(here.own_link(), {"action": "test"}, 409)
    assert "is on its way already" in words(page.select_one(".problems"))
    here.send()
    assert here.server.mails[-1]["Subject"] == "Test message from the negotiation tracker"


def test_there_are_pages_of_what_was_sent(here: Desk) -> None:
    here.subscribed()
    here.notified(21)
    page = here.page(here.own_link())
    assert len(page.select("ol.sent > li")) == 20
    older = here.page(page.select_one("nav.pages a")["href"])
    assert len(older.select("ol.sent > li")) == 2
    assert "Confirm your subscription" in words(older.select("ol.sent > li")[-1])
    assert "none of our pages" in words(here.page(here.own_link() + "&before=x", 400).main)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ({"action": "again", "delivery": "999"}, 404, "there is no delivery 999"),
        ({"action": "again", "delivery": "x"}, 422, "Write a whole number"),
        ({"action": "rotate", "hours": "24"}, 409, "there is no secret"),
        ({"action": "rotate", "hours": "9" * 12}, 422, "Write a whole number"),
        ({"action": "recover", "since": "soon"}, 422, "Write a day as 2025-04-10."),
        ({"action": "recover", "since": "2025-01-01"}, 422, "give 2025-08-02 or later"),
        ({"action": "recover", "since": "0001-01-01"}, 422, "give 2025-08-02 or later"),
        ({"action": "explode"}, 422, "use one of the buttons"),
        ({}, 422, "use one of the buttons"),
        ({"action": "test", "adress": "x"}, 422, "no form here has a field 'adress'"),
    ],
)
def test_what_cannot_be_done_is_said(here: Desk, typed: dict[str, str], status: int, said: str) -> None:
    here.subscribed()
    before = here.last()
    assert said.lower() in words(here.post(here.own_link(), typed, status).main).lower()
    assert here.last() == before


def test_once_stopped_the_page_says_so_and_knows_nothing_more(here: Desk) -> None:
    here.subscribed()
    own = here.own_link()
    here.post(here.stop_link())
    page = here.page(own)
    assert words(page.h1) == "This subscription was stopped"
    assert READER not in str(page)
    assert forms(page) == []
    assert "was stopped" in words(here.post(own, {"action": "test"}, 409).select_one(".problems"))


def test_what_nobody_confirmed_is_forgotten(here: Desk) -> None:
    here.subscribe()
    own = here.own_link()
    here.later(hours=73)
    assert "subscribe anew" in words(here.page(own, 410).main)
    here.tidy()
    assert "subscribe anew" in words(here.page(own, 410).main)


# ---------------------------------------------------------------- endpoints


def test_an_endpoint_is_shown_its_secret_and_its_page_once(hooked: Desk, endpoint: Receiver) -> None:
    page = enrolled(hooked, endpoint, contact="ops@example.org")
    secret = words(page.select_one(".secret code"))
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    own = page.select_one(".secret a")
    assert (own["href"], words(own)) == (
        hooked.own_link(),
        f"{hooked.settings.public_url}{hooked.own_link()}",
    )
    assert secret not in str(hooked.page(hooked.own_link()))
    busy = enrolled_again(hooked, endpoint)
    assert "written to a moment ago" in words(busy.select_one(".problems"))
    assert busy.select_one("#address")["value"] == endpoint.url


def enrolled_again(hooked: Desk, endpoint: Receiver) -> BeautifulSoup:
    return hooked.subscribe(429, channel="webhook", address=endpoint.url)


def test_what_an_endpoint_answers_is_hidden_until_it_has_agreed(hooked: Desk, endpoint: Receiver) -> None:
    enrolled(hooked, endpoint)
    hooked.send()
    pending = hooked.page(hooked.own_link())
    assert "Put off after 1 attempt" in words(pending.select_one("#sent"))
    assert "within" not in str(pending.select_one("#sent"))
    assert pending.select("ol.tries, #sent b") == []
    assert forms(pending) == ["confirm"]
    wrong = hooked.post(hooked.own_link(), {"action": "confirm", "code": "x"}, 422)
    assert words(wrong.select_one("#code-error")) == "This is not the code: copy it whole from the message."
    assert hooked.last().state == "pending"
    active = hooked.post(hooked.own_link(), {"action": "confirm", "code": code(endpoint)})
    assert hooked.last().state == "active"
    assert words(active.select_one("#sent pre")) == PRIVATE
    assert active.select("main script") == []


def test_a_new_secret_is_shown_once_and_the_old_one_signs_beside_it(hooked: Desk, endpoint: Receiver) -> None:
    old = words(enrolled(hooked, endpoint).select_one(".secret code"))
    hooked.send()
    hooked.post(hooked.own_link(), {"action": "confirm", "code": code(endpoint)})
    wrong = hooked.post(hooked.own_link(), {"action": "rotate", "hours": "169"}, 422)
    assert "0 to 168 hours" in words(wrong.select_one("#hours-error"))
    assert wrong.select_one("#hours")["value"] == "169"
    page = hooked.post(hooked.own_link(), {"action": "rotate", "hours": "1"})
    new = words(page.select_one(".secret code"))
    assert new.startswith("whsec_")
    assert new != old
    assert new not in str(hooked.page(hooked.own_link()))
    for hours, signatures in ((0, 2), (2, 1)):
        hooked.later(hours=hours)
        hooked.post(hooked.own_link(), {"action": "test"})
        hooked.send()
        assert len(endpoint.got[-1].headers["webhook-signature"].split()) == signatures


def test_a_new_secret_is_shown_although_the_database_failed_since(hooked: Desk, endpoint: Receiver) -> None:
    enrolled(hooked, endpoint)
    hooked.send()
    hooked.post(hooked.own_link(), {"action": "confirm", "code": code(endpoint)})
    own = hooked.own_link()
    with gone_after_a_commit(hooked.service):
        page = hooked.post(own, {"action": "rotate", "hours": "1"})
    assert words(page.select_one(".secret code")).startswith("whsec_")


def test_who_looks_after_an_endpoint_agrees_first_and_gets_nothing_again(
    hooked: Desk, endpoint: Receiver
) -> None:
    enrolled(hooked, endpoint, contact="ops@example.org")
    link = hooked.link("/contact?")
    page = hooked.page(link)
    assert "o***@example.org" in words(page.main)
    assert "nobody, or somebody who has not agreed yet" in words(hooked.page(hooked.own_link()).main)
    assert words(hooked.post(link).h1) == "You will be told when it fails"
    assert words(hooked.post(link).h1) == "You have agreed already"
    assert "ops@example.org" in words(hooked.page(hooked.own_link()).main)
    hooked.post(hooked.own_link(), {"action": "confirm", "code": code(endpoint)})
    page = hooked.page(hooked.own_link())
    (asked,) = [one for one in page.select("ol.sent > li") if "look after" in words(one)]
    assert "to the one who is told of failures" in words(asked)
    assert asked.select("button") == []
    hooked.post(hooked.stop_link())
    assert words(hooked.page(link, 410).h1) == "This subscription was stopped"


def test_another_one_can_look_after_an_endpoint_and_agrees_first(hooked: Desk, endpoint: Receiver) -> None:
    enrolled(hooked, endpoint, contact="ops@example.org")
    hooked.send()
    hooked.post(hooked.own_link(), {"action": "confirm", "code": code(endpoint)})
    left = hooked.link("/contact?")
    hooked.post(left)
    wrong = hooked.post(hooked.own_link(), {"action": "entrust", "contact": "nobody"}, 422)
    assert "'nobody' is not an e-mail address" in words(wrong.select_one("#contact-error"))
    assert wrong.select_one("#contact")["value"] == "nobody"
    assert hooked.page(hooked.own_link()).select_one("#contact")["value"] == "ops@example.org"
    page = hooked.post(hooked.own_link(), {"action": "entrust", "contact": "new@example.org"})
    assert "Nobody is written to before that" in words(page.select_one("[role=status]"))
    assert "nobody, or somebody who has not agreed yet" in words(page.main)
    assert words(hooked.page(left, 410).h1) == "You are not asked any more"
    assert words(hooked.post(left, status=410).h1) == "You are not asked any more"
    came = hooked.link("/contact?")
    assert came != left
    assert words(hooked.post(came).h1) == "You will be told when it fails"
    assert "new@example.org" in words(hooked.page(hooked.own_link()).main)
    ended = came.replace("/contact?", "/contact/end?")
    assert (
        words(hooked.post(left.replace("/contact?", "/contact/end?"), status=410).h1)
        == "You are not asked any more"
    )
    assert words(hooked.post(ended).h1) == "You are not written to any more"
    assert "nobody, or somebody" in words(hooked.page(hooked.own_link()).main)
    assert words(hooked.post(ended, status=410).h1) == "You are not asked any more"
    for _ in range(2):
        page = hooked.post(hooked.own_link(), {"action": "entrust", "contact": "ops@example.org"})
        assert "nobody, or somebody who has not agreed yet" in words(page.main)
    busy = hooked.post(hooked.own_link(), {"action": "entrust", "contact": "ops@example.org"}, 429)
    assert "try again tomorrow" in words(busy.select_one(".problems"))
    page = hooked.post(hooked.own_link(), {"action": "entrust", "contact": " "})
    assert words(page.select_one("[role=status]")) == "Nobody is written to when it fails."
    assert words(hooked.page(came, 410).h1) == "You are not asked any more"


def test_what_was_held_goes_on_its_way(both: Desk) -> None:
    one = both.subscribed()
    both.service.post("/v1/developments", PAUSE)
    with writing(both.service.engine) as connection:
        subscriptions.failed(connection, one.id, 7, both.clock())
        subscriptions.halt(connection, one.id, "it has failed for 5 days, 7 times in a row", both.clock())
    both.later(days=1)
    both.send()
    page = both.page(both.own_link())
    assert "it has failed for 5 days" in words(page.select_one(".halted"))
    assert page.select_one("#since")["value"] == "2025-09-01"
    assert "Held until its subscription goes on" in words(page.select_one("#sent"))
    assert {"resume", "recover"} <= set(forms(page))
    gone = both.post(both.own_link(), {"action": "recover", "since": "2025-09-03"})
    assert "nothing that had not arrived" in words(gone.select_one("[role=status]"))
    assert both.last().halted_at is None
    page = both.post(both.own_link(), {"action": "recover", "since": "2025-09-01"})
    assert words(page.select_one("[role=status]")) == "What did not arrive is on its way."
    both.send()
    assert both.server.mails[-1]["Subject"].startswith("Trade talks, 2 Sep")


def test_it_goes_on_without_what_was_held(here: Desk) -> None:
    one = here.subscribed()
    with writing(here.service.engine) as connection:
        subscriptions.halt(connection, one.id, "it is gone", here.clock())
        deliveries.hold(connection, one.id)
    here.post(here.own_link(), {"action": "resume"})
    assert here.last().halted_at is None
