"""Whatever is asked or sent, a page answers with what to do, and never with a failure of ours."""

from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.conftest import Service
from tests.web.pages.conftest import read, signed_in, words
from tests.web.pages.enrolling import Desk

ODD = (
    "",
    " ",
    "\x00",
    "%",
    "ÿ",
    "-1",
    "9" * 40,
    "²",
    "2025-02-30",
    "null",
    "<b>",
    "'",
    "../..",
    "a" * 500,
    "😀",
)
READS = ("/", "/partners/{}", "/events/{}", "/measures/{}", "/agreements/{}", "/authorities/{}", "/editions/{}",
         "/digest", "/about", "/sign-in", "/subscribe", "/subscriptions/{}", "/subscriptions/{}/confirm",
         "/subscriptions/{}/contact", "/subscriptions/{}/stop", "/deliveries", "/deliveries/{}")  # fmt: skip
ASKED = (
    "as_of",
    "known_at",
    "known_position",
    "sort",
    "sector",
    "page",
    "partners",
    "sectors",
    "day",
    "next",
    "saved",
    "topics",
    "when",
    "hour",
    "zone",
    "key",
    "before",
    "preview",
)


@pytest.mark.parametrize("path", READS)
def test_no_address_fails(shared: Service, path: str) -> None:
    for odd in ODD:
        where = path.format(quote(odd, safe=""))
        for name in ASKED if "{}" not in path else ("as_of", "known_position"):
            answer = shared.client.get(where, params={name: odd}, headers={"Accept": "text/html"})
            assert answer.status_code in (200, 303, 400, 403, 404, 422), (where, name, odd, answer.text)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "/?foo=1",
            "this page does not take 'foo' after the '?'; it takes as_of, known_at, known_position, sort",
        ),
        (
            "/?sector=foo",
            "'foo' is a sector that no partner's profile names; these do: Consumer Discretionary",
        ),
        ("/?sort=foo", "sort 'foo' is no column; these are: partner, talks"),
        ("/?as_of=2025-05-01&as_of=2025-06-01", "as_of is given 2 times: give it once"),
        ("/partners/MX?page=abc", "page 'abc' is no page of this timeline: give a number from 1 to 1"),
        ("/partners/MX?sort=last", "this page does not take 'sort'"),
        ("/partners/MX?as_off=2025-05-01", "did you mean as_of?"),
        ("/measures/us-cars?x=1", "this page does not take 'x'"),
        ("/digest?partner=MX", "did you mean partners?"),
        ("/digest?partners=AU", "'AU' is not a partner that is followed here"),
        ("/digest?sectors=foo", "'foo' is a sector that no partner's profile names"),
        ("/digest?day=soon", "'soon' is not a date"),
        ("/about?x=1", "it takes nothing"),
        ("/sign-in?key=trk_1", "it takes next"),
        ("/subscribe?address=a@example.org", "this page does not take 'address'"),
        ("/subscribe?zone=Mars", "'Mars' is not an IANA time zone"),
        ("/subscriptions/sub-0?foo=x", "it takes key, before, done"),
        ("/?sector=a%00b", "sector holds a control character"),
        ("/events/a%00b", "the address holds a control character"),
    ],
)
def test_what_a_page_does_not_know_is_refused_and_said(shared: Service, address: str, said: str) -> None:
    answer = shared.client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 400, answer.text
    page = BeautifulSoup(answer.text, "html.parser")
    assert said.lower() in words(page.main).lower()


def test_a_refused_page_leads_on(shared: Service) -> None:
    page = read(shared, "/partners/MX", 400, foo="1")
    assert page.select_one('main a[href="/partners/MX"]') is not None
    assert page.select_one('main a[href="/"]') is not None


def test_a_sector_is_named_in_any_case_also_before_anyone_named_it(shared: Service) -> None:
    assert "Mexico" in words(read(shared, "/", sector="consumer discretionary").select_one("table.board"))
    early = read(shared, "/", sector="Consumer Discretionary", as_of="2025-01-01")
    assert "No partner names “Consumer Discretionary”" in words(early.main)


NAMES = (
    "title", "announced", "announced_time", "type", "subject", "to", "partners", "except", "scope", "from", "until",
    "rate_kind", "rate", "more", "events", "sequence", "zone", "expected", "key", "short_key", "stands", "new_title",
    "new_subject_kind", "new_actor", "answers", "source-0-url", "source-0-on", "source-999-publisher",
)  # fmt: skip
WORDS = (
    *ODD, "measure.paused", "ruling.issued", "objectives.set", "measure:us-border-mx", "partner:MX", "MX", "agreement",
    "everyone", "partners", "percent", "range", "5 to 1", "2025-08-30", "by 2025", "{}", "[]", '[{"type": 1}]',
    '{"set": 3}', '{"effects": {"set": 1}}', "x=²", "1e999", '{"a":' * 200,
)  # fmt: skip


WHAT = ("partners", "sectors", "topics", "when", "days", "hour", "zone", "send_empty", "action")
SUBSCRIBE = (*WHAT, "channel", "address", "contact", "leave_empty")
ACT = (*WHAT, "code", "since", "hours", "delivery")
ASKS = (
    *ODD, "MX", "days", "at_once", "mon", "08", "24", "Europe/London", "yes", "email", "webhook", "slack",
    "a@example.org", "https://hooks.example.org/x", "http://127.0.0.1/", "https://[::1]:99999/", "preview",
    "subscribe", "change", "confirm", "resume", "recover", "test", "rotate", "again", "1", "0001-01-01", "9999-12-31",
    "2025-09-01", "2025-W36-1",
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(NAMES), st.one_of(st.sampled_from(WORDS), st.text(max_size=30))))
def test_no_form_fails(on_sqlite: Service, fields: dict[str, str]) -> None:
    csrf = signed_in(on_sqlite)
    sent = {
        name: value.encode("utf-8", "replace").decode("utf-8", "replace") for name, value in fields.items()
    }
    answer = on_sqlite.client.post("/log", data={"csrf": csrf, "action": "preview", **sent})
    assert answer.status_code in (200, 409, 422), answer.text


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from((*SUBSCRIBE, *ACT)), st.one_of(st.sampled_from(ASKS), st.text(max_size=30))
    )
)
def test_no_form_of_a_subscription_fails(here: Desk, fields: dict[str, str]) -> None:
    sent = {
        name: value.encode("utf-8", "replace").decode("utf-8", "replace") for name, value in fields.items()
    }
    if not here.subscriptions():
        here.subscribed()
    for path, names in (("/subscribe", SUBSCRIBE), (here.own_link(), ACT)):
        typed = {name: value for name, value in sent.items() if name in names}
        answer = here.service.client.post(path, data=typed, headers={"Accept": "text/html"})
        assert answer.status_code in (200, 400, 404, 409, 422, 429), answer.text


def test_a_body_that_is_no_form_is_answered(on_sqlite: Service) -> None:
    for body in (b"", b"\xff\xfe", b"a&" * 3000, b"{}", b"csrf=%zz"):
        answer = on_sqlite.client.post("/log", content=body, headers={"Accept": "text/html"})
        assert answer.status_code in (403, 422), answer.text


def test_errors_are_pages_for_people(on_sqlite: Service) -> None:
    page = read(on_sqlite, "/nowhere", 404)
    assert page.select_one('a[href="/"]') is not None
    assert on_sqlite.client.get("/nowhere").headers["content-type"].startswith("application/problem+json")
    answer = on_sqlite.client.put("/", headers={"Accept": "text/html"})
    assert answer.status_code == 405
    assert "<h1>" in answer.text
