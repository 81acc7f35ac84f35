"""The operator's page: what does not arrive is named, and every try can be seen and repeated."""

import pytest
from bs4 import BeautifulSoup

from tests.web.conftest import Service
from tests.web.pages.conftest import BROWSER, read, signed_in, words
from tests.web.pages.enrolling import READER, Desk
from tests.web.world import PAUSE
from tracker.delivery import subscriptions
from tracker.store.engine import writing


def overview(desk: Desk) -> BeautifulSoup:
    return desk.page("/deliveries")


def test_it_is_for_analysts_alone(idle: Desk) -> None:
    client = idle.service.client
    client.cookies.clear()
    for path in ("/deliveries", "/deliveries/1"):
        answer = client.get(path, headers=BROWSER, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
        assert client.get(path).status_code == 401
    assert client.post("/deliveries/1", data={"csrf": ""}).status_code == 401
    assert idle.page("/").select_one('nav a[href="/deliveries"]') is None
    signed_in(idle.service)
    assert idle.page("/").select_one('nav a[href="/deliveries"]') is not None


def test_where_all_is_well_it_says_so(idle: Desk) -> None:
    signed_in(idle.service)
    assert "Nothing: no edition is late" in words(overview(idle).main)


def test_what_does_not_arrive_is_named(both: Desk) -> None:
    one = both.subscribed()
    both.service.post("/v1/developments", PAUSE)
    both.server.recipient_answers.append("550 No such mailbox")
    both.later(days=1)
    both.send()
    both.subscribe(address="late@example.org")
    both.post(both.link("/confirm?"))
    late = both.subscriptions()[-1]
    both.later(days=1, minutes=20)
    with writing(both.service.engine) as connection:
        subscriptions.halt(connection, one.id, "3 messages in a row were refused for good", both.clock())
    signed_in(both.service)
    said = words(overview(both).main)
    assert f"Halted {one.id} {READER}" in said
    assert "because 3 messages in a row were refused for good" in said
    assert f"Late {late.id} late@example.org : its edition was due 3 Sep 2025 03:00 and is not there" in said
    assert "Given up 1 message in the last 7 days" in said
    assert "Rejected for good" in said
    with writing(both.service.engine) as connection:
        subscriptions.resume(connection, one.id)
        subscriptions.failed(connection, one.id, 2, both.clock())
    assert f"Failing {one.id} {READER} : 2 attempts in a row, since 3 Sep 2025" in words(overview(both).main)


def test_a_channel_that_cannot_send_says_why(on_sqlite: Service) -> None:
    signed_in(on_sqlite)
    said = words(read(on_sqlite, "/deliveries").main)
    assert "Cannot send email: no mail server set (TRACKER_SMTP_URL)" in said


def test_every_try_is_shown_and_it_is_sent_again(here: Desk) -> None:
    here.subscribed()
    csrf = signed_in(here.service)
    page = overview(here)
    (row,) = page.select("table.shipped tbody tr")
    assert "Confirm your subscription to trade talks" in words(row)
    link = row.select_one("td.number a")["href"]
    page = here.page(link)
    assert "Attempt 1, 1 Sep 2025 08:00:00 : accepted 250" in words(page.main)
    assert page.select_one("main form input[name=csrf]")["value"] == csrf
    here.post(link, {"csrf": "x"}, 403)
    page = here.post(link, {"csrf": csrf})
    assert words(page.select_one("[role=status]")) == "It is on its way once more."
    assert "Due now" in words(overview(here).main)
    here.send()
    first, second = here.server.raw
    assert first == second
    assert "Attempt 2" in words(here.page(link).main)


def test_the_deliveries_of_one_subscription_and_of_one_state(here: Desk) -> None:
    one = here.subscribed()
    here.subscribe(address="other@example.org")
    here.later(minutes=1)
    signed_in(here.service)
    page = here.page(f"/deliveries?subscription={one.id}")
    assert READER in words(page.main)
    assert "other@example.org" not in words(page.main)
    page = here.page("/deliveries?state=pending")
    assert "other@example.org" in words(page.main)
    assert READER not in words(page.main)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/deliveries?state=lost", 400, "these are: pending, sending"),
        ("/deliveries?before=x", 400, "none of our pages"),
        ("/deliveries?subscription=sub-0", 404, "there is no subscription"),
        ("/deliveries?foo=1", 400, "does not take 'foo'"),
        ("/deliveries/999", 404, "there is no delivery 999"),
        ("/deliveries/x", 404, "there is no delivery 'x'"),
        ("/deliveries/" + "9" * 40, 404, "there is no delivery"),
    ],
)
def test_what_is_not_there_is_said(idle: Desk, path: str, status: int, said: str) -> None:
    signed_in(idle.service)
    assert said.lower() in words(idle.page(path, status).main).lower()


def test_older_deliveries_have_their_pages(here: Desk) -> None:
    here.subscribed()
    here.notified(50)
    signed_in(here.service)
    page = overview(here)
    assert len(page.select("table.shipped")[-1].select("tbody tr")) == 50
    older = here.page(page.select_one("nav.pages a")["href"])
    assert "Confirm your subscription" in words(older.select_one("table.shipped"))
