"""Confirm and stop by the links in mails: to look changes nothing, one button does, and a second press does no more."""

from typing import Any

import pytest

from tests.web.pages.conftest import BROWSER, signed_in, words
from tests.web.pages.enrolling import READER, Desk


def test_to_look_changes_nothing_and_one_button_confirms(both: Desk) -> None:
    both.subscribe()
    link = both.link("/confirm?")
    for _ in range(2):
        page = both.page(link)
        assert both.service.client.head(link, headers=BROWSER).status_code == 200
    assert both.subscriptions()[0].state == "pending"
    (button,) = page.select("main button")
    assert words(button) == "Confirm"
    assert "r***@example.org" in words(page.main)
    assert READER not in str(page)
    form = page.select_one("main form")
    assert (form["method"], form["action"]) == ("post", link)
    done = both.post(link)
    assert words(done.h1) == "It is confirmed"
    assert "1 Sep 2025" not in words(done.main)
    assert "2 Sep 2025 08:00 (London)" in words(done.main)
    one = both.subscriptions()[0]
    assert (one.state, one.confirmed_at) == ("active", both.clock())
    both.later(hours=1)
    again = both.post(link)
    assert words(again.h1) == "It is confirmed already"
    assert both.subscriptions()[0] == one
    assert both.page(again.select_one("main a.button")["href"]).h1 is not None


def test_a_link_that_is_not_whole_says_what_to_do(here: Desk) -> None:
    here.subscribe()
    link = here.link("/confirm?")
    id = here.subscriptions()[0].id
    key = link.partition("key=")[2]
    for path in (link[:-1], f"/subscriptions/{id}/confirm", f"/subscriptions/{id}/stop?key={key}",
                 f"/subscriptions/sub-0/confirm?key={key}", f"/subscriptions/{id}/contact?key={key}"):  # fmt: skip
        for page in (here.page(path, 403), here.post(path, status=403)):
            assert "copy it from the message once more, or subscribe anew" in words(page.main)
            assert key[:-1] not in str(page.title)
    assert here.subscriptions()[0].state == "pending"


@pytest.mark.parametrize("tidied", [False, True])
def test_after_72_hours_it_is_over(here: Desk, tidied: bool) -> None:
    here.subscribe()
    link = here.link("/confirm?")
    here.later(hours=72, minutes=1)
    if tidied:
        here.tidy()
        assert here.subscriptions() == []
    for page in (here.page(link, 410), here.post(link, status=410)):
        assert words(page.h1) == "The time to confirm this is over"
        assert page.select_one('main a[href="/subscribe"]') is not None
    assert [one.state for one in here.subscriptions()] == ([] if tidied else ["pending"])


def test_one_button_stops_and_the_address_is_erased(here: Desk) -> None:
    here.subscribed()
    link = here.stop_link()
    page = here.page(link)
    here.service.client.head(link, headers=BROWSER)
    assert here.subscriptions()[0].state == "active"
    (button,) = page.select("main button")
    assert words(button) == "Stop it"
    assert READER not in str(page)
    assert words(here.post(link).h1) == "It is stopped"
    assert (here.subscriptions()[0].state, here.subscriptions()[0].address) == ("stopped", "")
    assert words(here.post(link).h1) == words(here.page(link).h1) == "It is stopped"


ONE_CLICK: tuple[dict[str, Any], ...] = (
    {"data": {"List-Unsubscribe": "One-Click"}},
    {"files": {"List-Unsubscribe": (None, "One-Click")}},
    {"content": b""},
)


@pytest.mark.parametrize("body", ONE_CLICK, ids=["urlencoded", "multipart", "empty"])
def test_a_mail_provider_stops_it_with_one_click_from_elsewhere(here: Desk, body: dict[str, Any]) -> None:
    """RFC 8058: no cookies, from anywhere, and twice does no harm."""
    here.subscribed()
    elsewhere = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site", "Accept": "*/*"}
    for _ in range(2):
        answer = here.service.client.post(here.stop_link(), headers=elsewhere, **body)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert here.subscriptions()[0].state == "stopped"


def test_only_its_own_key_stops_it(here: Desk) -> None:
    here.subscribed()
    other = here.stop_link()[:-1]
    answer = here.service.client.post(other, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 403
    assert here.subscriptions()[0].state == "active"


def test_no_page_with_a_key_is_kept_or_told_to_others(here: Desk) -> None:
    here.subscribe()
    for link in (here.link("/confirm?"), here.stop_link(), here.stop_link().replace("/stop", "/confirm")):
        answer = here.service.client.get(link, headers=BROWSER)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert link.partition("key=")[2] not in answer.text.partition("</title>")[0]


def test_a_confirmation_from_another_site_is_not_taken(here: Desk) -> None:
    here.subscribe()
    headers = BROWSER | {"Sec-Fetch-Site": "cross-site"}
    assert here.service.client.post(here.link("/confirm?"), headers=headers).status_code == 403
    assert here.subscriptions()[0].state == "pending"


def test_the_links_are_open_where_reading_is_closed(closed_desk: Desk) -> None:
    csrf = signed_in(closed_desk.service)
    closed_desk.subscribe(csrf=csrf)
    closed_desk.service.client.cookies.clear()
    closed_desk.post(closed_desk.link("/confirm?"))
    assert closed_desk.subscriptions()[0].state == "active"
    closed_desk.post(closed_desk.stop_link())
    assert closed_desk.subscriptions()[0].state == "stopped"
