"""Subscribe by page: what is asked, what is said of mistakes, and that nobody learns who is subscribed."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from tests.web.conftest import Service
from tests.web.pages.conftest import BROWSER, read, signed_in, words
from tests.web.pages.enrolling import FORM, READER, Desk
from tracker.domain.edition import Scope


def chosen(page: BeautifulSoup, name: str) -> list[str]:
    """What is ticked or chosen in a form."""
    ticked = page.select(f'input[name="{name}"][checked], select[name="{name}"] option[selected]')
    return [str(one["value"]) for one in ticked]


def test_who_confirms_is_told_what_was_asked_for_and_when(both: Desk) -> None:
    page = both.subscribe(topics=["measures"], when="days", days=["mon", "thu"], hour="07", send_empty="yes")
    assert READER in words(page.main)
    (one,) = both.subscriptions()
    assert (one.channel, one.address, one.state, one.created_by) == ("email", READER, "pending", "reader")
    assert one.scope == Scope(partners=["MX"], topics=["measures"])
    assert (one.zone, one.hour, one.weekdays, one.at_once, one.send_empty) == (
        "Europe/London", 7, ["mon", "thu"], False, True,
    )  # fmt: skip
    confirm = both.link("/confirm?")
    asked = words(both.page(confirm).main)
    assert "Mexico: tariffs and other measures" in asked
    assert "on Monday, Thursday at 07:00 (London), also when nothing has changed" in asked
    both.post(confirm)
    assert both.subscriptions()[0].state == "active"
    both.later(days=3)  # Thursday, after seven in London
    both.send()
    assert both.server.mails[-1]["Subject"].startswith("Trade talks, 4 Sep")


@pytest.mark.parametrize(
    ("typed", "weekdays", "at_once"),
    [
        ({"when": "daily", "days": ["sun"]}, "mon tue wed thu fri sat sun", False),
        ({"when": "weekdays"}, "mon tue wed thu fri", False),
        ({"when": "days", "days": ["sun"]}, "sun", False),
        ({"when": "at_once"}, "mon tue wed thu fri sat sun", True),
    ],
)
def test_how_often(here: Desk, typed: dict[str, Any], weekdays: str, at_once: bool) -> None:
    here.subscribe(**typed)
    (one,) = here.subscriptions()
    assert (" ".join(one.weekdays), one.at_once) == (weekdays, at_once)


def test_the_answer_is_the_same_whether_an_address_is_known_or_not(both: Desk) -> None:
    first = both.subscribe()
    again = both.subscribe()
    both.post(both.link("/confirm?"))
    both.later(minutes=16)
    known = both.subscribe()
    assert str(first) == str(again) == str(known)
    both.send()
    assert [mail["Subject"] for mail in both.server.mails] == [
        "Confirm your subscription to trade talks",
        "You are subscribed to trade talks already",
    ]


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"address": ""}, "address", "write it as name@example.org"),
        ({"address": "nobody"}, "address", "'nobody' is not an e-mail address"),
        ({"zone": "Europe/Pariss"}, "zone", "did you mean Europe/Paris?"),
        ({"when": "days"}, "days", "Tick at least one day."),
        ({"when": "never"}, "when", "Choose one of these."),
        ({"hour": "24"}, "hour", "Choose an hour of the day."),
        ({"hour": "0" * 5000}, "hour", "Choose an hour of the day."),
        ({"partners": ["XX"]}, "partners", "'XX' is not a partner that is followed here"),
        ({"sectors": ["Gold"]}, "sectors", "'Gold' is a sector that no profile names"),
        ({"topics": ["weather"]}, "topics", "'weather' is not a kind of change"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    idle: Desk, typed: dict[str, Any], field: str, said: str
) -> None:
    page = idle.subscribe(422, **typed)
    assert idle.subscriptions() == []
    control = page.select_one(f"#{field}")
    assert control is not None
    assert control["aria-invalid"] == "true"
    error = page.select_one(f"#{field}-error")
    assert f"{field}-error" in control["aria-describedby"].split()
    assert said in words(error)
    (linked,) = page.select(f'.problems[role=alert] a[href="#{field}"]')
    assert linked is not None
    kept: dict[str, Any] = FORM | typed
    assert page.select_one("#address")["value"] == kept["address"]
    assert page.select_one("#zone")["value"] == kept["zone"]
    assert chosen(page, "partners") == [one for one in kept["partners"] if one == "MX"]


def test_everything_that_is_wrong_is_said_at_once(idle: Desk) -> None:
    page = idle.subscribe(
        422, address="", zone="Mars", when="days", hour="25", partners=["XX"], topics=["weather"]
    )
    assert [one["href"] for one in page.select(".problems a")] == [
        "#partners", "#topics", "#days", "#hour", "#zone", "#address",
    ]  # fmt: skip


def test_a_preview_saves_nothing_keeps_the_address_and_has_a_link_without_it(here: Desk) -> None:
    here.clock.now = here.clock.now.replace(month=2, day=5)  # once the tariff of 4 February is in force
    page = here.subscribe(action="preview", sectors=["Consumer Discretionary"])
    assert here.subscriptions() == []
    assert page.select_one("#address")["value"] == READER
    preview = page.select_one("#preview")
    assert "Trade talks, Tuesday 4 February 2025" in words(preview)
    assert "3 February 2025, 08:00 to 4 February 2025, 08:00 (Europe/London)" in words(preview)
    link = preview.select_one('a[href^="/subscribe?"]')["href"]
    assert READER not in link
    linked = here.page(link)
    assert words(linked.select_one("#preview")) == words(preview)
    assert chosen(linked, "sectors") == ["Consumer Discretionary"]
    here.send()
    assert here.server.mails == []


def test_a_quiet_day_says_whether_it_would_have_been_sent(shared: Service) -> None:
    quiet = words(read(shared, "/subscribe", partners="GB", preview="yes").select_one("#preview"))
    assert "nothing would have been sent" in quiet
    loud = read(shared, "/subscribe", partners="GB", preview="yes", send_empty="yes").select_one("#preview")
    assert "this would have been sent all the same" in words(loud)


def test_the_address_of_the_form_fills_it_in(shared: Service) -> None:
    page = read(
        shared, "/subscribe?partners=MX&partners=GB&topics=talks&when=weekdays&hour=6&zone=Asia/Tokyo"
    )
    assert chosen(page, "partners") == ["MX", "GB"]
    assert (chosen(page, "topics"), chosen(page, "when"), chosen(page, "hour")) == (
        ["talks"],
        ["weekdays"],
        ["06"],
    )
    assert page.select_one("#zone")["value"] == "Asia/Tokyo"
    assert page.select_one("#preview") is None
    plain = read(shared, "/subscribe")
    assert (chosen(plain, "partners"), chosen(plain, "when"), chosen(plain, "hour")) == (
        [],
        ["daily"],
        ["08"],
    )
    assert "partners" in words(read(shared, "/subscribe", 400, partners="XX").select_one(".problems")).lower()
    assert "does not take 'address'" in words(read(shared, "/subscribe", 400, address=READER).main)


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/", "/subscribe"),
        ("/?sector=Consumer Discretionary", "/subscribe?sectors=Consumer+Discretionary"),
        ("/partners/MX", "/subscribe?partners=MX"),
        ("/digest?partners=MX&partners=GB", "/subscribe?partners=MX&partners=GB"),
    ],
)
def test_pages_lead_to_a_subscription_of_what_they_show(idle: Desk, path: str, link: str) -> None:
    links = [one["href"] for one in idle.page(path).select('main a[href^="/subscribe"]')]
    assert links == [link]
    assert idle.page(link).select_one("nav a[aria-current]")["href"] == "/subscribe"


def test_every_control_has_a_name_and_every_group_a_legend(shared: Service) -> None:
    page = read(shared, "/subscribe")
    labelled = {label["for"] for label in page.select("label[for]")}
    for control in page.select("main input:not([type=hidden]), main select"):
        assert control.find_parent("label") or control["id"] in labelled, control
        if control.get("type") in ("checkbox", "radio") and control["name"] != "send_empty":
            assert control.find_parent("fieldset").find("legend", recursive=False), control


def test_a_form_from_elsewhere_is_not_taken(idle: Desk) -> None:
    client = idle.service.client
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = client.post("/subscribe", data=FORM, headers=BROWSER | headers)
        assert answer.status_code == 403
        assert "sent from another site" in answer.text
    assert idle.subscriptions() == []


def test_who_is_signed_in_is_named_as_the_one_who_asked(here: Desk) -> None:
    service = here.service
    csrf = signed_in(service)
    here.subscribe(403)
    assert here.subscriptions() == []
    here.subscribe(csrf=csrf)
    (one,) = here.subscriptions()
    assert (one.created_by, one.state) == (service.ann.analyst.id, "pending")


def test_a_program_that_fills_in_every_field_subscribes_nobody(idle: Desk) -> None:
    page = idle.subscribe(422, leave_empty="http://spam.example")
    assert "Look the form over, then send it again" in words(page.select_one(".problems"))
    assert idle.subscriptions() == []


def test_what_the_form_does_not_have_is_refused(idle: Desk) -> None:
    page = idle.subscribe(422, adress="x")
    assert "did you mean address?" in words(page.main)


def test_where_reading_is_closed_subscribing_is_too(closed: Service) -> None:
    answer = closed.client.get("/subscribe", headers=BROWSER, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/subscribe")
    answer = closed.client.post("/subscribe", data=FORM, headers=BROWSER, follow_redirects=False)
    assert answer.status_code == 303


def test_the_answer_is_kept_by_nobody(here: Desk) -> None:
    answer = here.service.client.post("/subscribe", data=FORM, headers=BROWSER)
    assert answer.headers["cache-control"] == "no-store"
