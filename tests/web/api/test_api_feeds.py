"""Feeds: what was recorded last stands first, a correction comes back to the top, a withdrawal stays and says so."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import feedparser
import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from tests.web.conftest import Service
from tests.web.world import (
    BORDER,
    CARS,
    DE,
    EU,
    GB,
    MX,
    NOW,
    PAUSE,
    corrected,
    development,
    logged,
    paused,
    withdrawn,
)
from tracker import read
from tracker.domain.when import FOREVER
from tracker.read import Point
from tracker.store import log
from tracker.store.engine import reading
from tracker.web.syndication import ATOM, JSON_FEED, Feed, Told, atom, json_feed

ATOM_PATH, JSON_PATH = "/feeds/developments.atom", "/feeds/developments.json"
NAMES = {"": "http://www.w3.org/2005/Atom"}


def local(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def parsed(service: Service, path: str = ATOM_PATH, **asked: Any) -> Any:
    """An Atom feed as feedparser reads it."""
    answer = service.client.get(path, params=asked) if asked else service.client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ATOM
    feed = feedparser.parse(answer.content)
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


def titles(service: Service, **asked: Any) -> list[str]:
    return [entry.title for entry in parsed(service, **asked).entries]


def talks(title: str, subject: str = GB, **told: Any) -> dict[str, Any]:
    return development(title, "2025-08-30", {"type": "talks.held", "subject": subject}, **told)


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


# ---------------------------------------------------------------- order and dates


def test_what_was_recorded_last_stands_first(service: Service) -> None:
    first = logged(service.engine, talks("First"), at(1))
    logged(service.engine, {**talks("Second, told earlier"), "announced": "2025-08-01"}, at(2))
    feed = parsed(service)
    assert [entry.title for entry in feed.entries[:2]] == ["Second, told earlier", "First"]
    entry = feed.entries[1]
    assert entry.id == f"urn:uuid:{first.events[0].development}"
    assert entry.published == entry.updated == "2025-09-01T12:01:00Z"
    assert feed.feed.updated == "2025-09-01T12:02:00Z"
    assert service.client.get(local(entry.link)).status_code == 200


def test_a_correction_comes_back_to_the_top_an_editorial_one_stays(on_sqlite: Service) -> None:
    engine = on_sqlite.engine
    first = logged(engine, talks("First"), at(1)).events[0].development
    logged(engine, talks("Second"), at(2))
    corrected(engine, first, talks("First, in better words"), at(3), editorial=True)
    assert titles(on_sqlite)[:2] == ["Second", "First, in better words"]
    entry = parsed(on_sqlite).entries[1]
    assert entry.published == entry.updated == "2025-09-01T12:01:00Z"
    corrected(engine, first, talks("First, with Mexico", MX), at(4))
    entry = parsed(on_sqlite).entries[0]
    assert (entry.title, entry.id) == ("First, with Mexico", f"urn:uuid:{first}")
    assert (entry.published, entry.updated) == ("2025-09-01T12:01:00Z", "2025-09-01T12:04:00Z")
    assert "Corrected:" in entry.content[0].value
    assert "We had it wrong" in entry.content[0].value


def test_a_withdrawn_development_stays_and_says_so(on_sqlite: Service) -> None:
    id = logged(on_sqlite.engine, PAUSE, at(1)).events[0].development
    logged(on_sqlite.engine, talks("Meanwhile"), at(2))
    withdrawn(on_sqlite.engine, id, at(3))
    entry = parsed(on_sqlite).entries[0]
    assert (entry.title, entry.id) == ("Withdrawn: Pause for Mexico", f"urn:uuid:{id}")
    assert (entry.published, entry.updated) == ("2025-09-01T12:01:00Z", "2025-09-01T12:03:00Z")
    assert "It never happened" in entry.content[0].value
    assert titles(on_sqlite, partners="MX")[0] == "Withdrawn: Pause for Mexico"


def test_that_somebody_looked_for_news_is_no_news(on_sqlite: Service) -> None:
    assert not any("Checked" in title for title in titles(on_sqlite) + titles(on_sqlite, partners="MX"))


# ---------------------------------------------------------------- what an entry says


def test_an_entry_says_what_changed_and_who_told(on_sqlite: Service) -> None:
    told = development(
        "Pause & <b>more</b>", "2025-08-30", paused("2025-10-01"), summary="For a month. It may be longer.",
        sources=[{"publisher": "The Gazette", "kind": "press", "title": "On Mexico", "url": "https://g.example/?a=1&b=2"},
                 {"publisher": "A radio", "kind": "press"}],
    )  # fmt: skip
    logged(on_sqlite.engine, told, at(1))
    entry = parsed(on_sqlite).entries[0]
    page = BeautifulSoup(entry.content[0].value, "html.parser")
    said = " ".join(page.get_text(" ").split())
    assert entry.title == "Pause & <b>more</b>"
    assert "Announced 30 August 2025" in said
    assert "For a month. It may be longer." in said
    assert "Mexico: Border tariff: in force → paused, until 1 October 2025" in said
    assert "Sources: The Gazette, On Mexico ; A radio" in said
    assert [link["href"] for link in page.find_all("a")] == ["https://g.example/?a=1&b=2"]
    assert [link.href for link in entry.links if link.rel == "via"] == ["https://g.example/?a=1&b=2"]
    assert {tag.term for tag in entry.tags} == {"Mexico", "measure.paused"}
    alone = parsed(on_sqlite, partners="MX").entries[0].content[0].value
    assert "<li>Border tariff: in force → paused" in alone, "whose it is goes without saying"


def test_both_forms_say_the_same(on_sqlite: Service) -> None:
    for asked in ({}, {"partners": "MX"}, {"partners": ["GB", "DE"], "limit": 2}):
        feed = parsed(on_sqlite, **asked)
        answer = on_sqlite.client.get(JSON_PATH, params=asked)
        assert answer.headers["content-type"] == JSON_FEED
        other = answer.json()
        assert other["version"] == "https://jsonfeed.org/version/1.1"
        assert [(e.id, e.title, e.link, e.published, e.updated) for e in feed.entries] == [
            (i["id"], i["title"], i["url"], i["date_published"], i["date_modified"]) for i in other["items"]
        ]
        assert [plain(e.content[0].value) for e in feed.entries] == [
            plain(i["content_html"]) for i in other["items"]
        ]
        assert feed.feed.title == other["title"]
        links = {(link.rel, link.type): link.href for link in feed.feed.links}
        assert links["alternate", JSON_FEED] == other["feed_url"]
        assert links["self", ATOM].startswith(f"http://127.0.0.1:8000{ATOM_PATH}")
        assert links["alternate", "text/html"] == other["home_page_url"]


def plain(html: str) -> str:
    return BeautifulSoup(html, "html.parser").get_text().strip()


# ---------------------------------------------------------------- filters


def test_a_partner_s_feed_is_its_timeline(real_history: Engine, real_api: TestClient[Litestar]) -> None:
    for code in ("MX", "CN", "DE", "SG"):
        items = real_api.get(JSON_PATH, params={"partners": code, "limit": 200}).json()["items"]
        with reading(real_history) as connection:
            known = log.position(connection)
            found = read.timeline(connection, code, Point(FOREVER, known, FOREVER, "UTC"))
        shown = [entry for entry in found if {*entry.types} != {"partner.checked"}]
        assert {item["id"] for item in items} == {f"urn:uuid:{entry.development}" for entry in shown}
        assert len(items) == len(shown)


def test_several_partners_and_sectors_are_told_together(on_sqlite: Service) -> None:
    logged(on_sqlite.engine, PAUSE, at(1))
    logged(on_sqlite.engine, talks("With the Union", EU), at(2))
    logged(on_sqlite.engine, talks("With Germany", DE), at(3))
    assert titles(on_sqlite, partners="MX")[0] == "Pause for Mexico"
    assert titles(on_sqlite, partners="DE")[:2] == ["With Germany", "With the Union"]
    assert titles(on_sqlite, partners=["MX", "DE"])[:3] == [
        "With Germany",
        "With the Union",
        "Pause for Mexico",
    ]
    assert titles(on_sqlite, sectors="consumer discretionary") == titles(on_sqlite, partners="MX")
    both = titles(on_sqlite, sectors="Consumer Discretionary", partners="DE")
    assert both == titles(on_sqlite, partners=["MX", "DE"])
    feeds = [
        parsed(on_sqlite, **asked).feed for asked in ({}, {"partners": "MX"}, {"partners": ["MX", "DE"]})
    ]
    assert len({feed.id for feed in feeds}) == 3
    assert [feed.title for feed in feeds] == [
        f"Trade talks: {who}" for who in ("all partners", "Mexico", "Mexico, Germany")
    ]


def test_a_sector_is_that_of_the_profile_that_holds_now(on_sqlite: Service) -> None:
    logged(on_sqlite.engine, PAUSE, at(1))
    event = {"type": "partner.profiled", "subject": MX, "set": {"sectors": ["Energy"]}}
    logged(on_sqlite.engine, development("Another profile", "2025-08-31", event), at(2))
    assert titles(on_sqlite, sectors="energy") == titles(on_sqlite, partners="MX")
    assert titles(on_sqlite, sectors="consumer discretionary") == []


def test_by_subject_type_and_topic(on_sqlite: Service) -> None:
    logged(on_sqlite.engine, PAUSE, at(1))
    assert titles(on_sqlite, subject=BORDER) == [
        "Pause for Mexico",
        "Pause for a month",
        "Tariff on Mexico ordered",
    ]
    assert titles(on_sqlite, type="measure.paused") == ["Pause for Mexico", "Pause for a month"]
    assert titles(on_sqlite, type="measure.paused", partners="GB") == []
    assert titles(on_sqlite, subject=CARS, partners="GB")[0] == "Cars from the United Kingdom at 10%"
    assert titles(on_sqlite, topics="talks") == ["Talks in London"]
    assert titles(on_sqlite, topics=["talks", "agreements"], partners="GB") == [
        "Talks in London", "Cars from the United Kingdom at 10%", "A deal with the United Kingdom",
    ]  # fmt: skip
    id = logged(on_sqlite.engine, talks("Talks that were none"), at(2)).events[0].development
    corrected(on_sqlite.engine, id, {**PAUSE, "title": "A pause after all"}, at(3))
    assert titles(on_sqlite, topics="measures")[0] == "A pause after all"
    assert (
        parsed(on_sqlite, topics="talks").feed.title
        == "Trade talks: all partners, talks, goals and assessments"
    )
    empty = parsed(on_sqlite, subject=CARS, type="talks.held")
    assert (empty.entries, empty.feed.updated) == ([], "1970-01-01T00:00:00Z")


# ---------------------------------------------------------------- pages


def whole(service: Service, path: str) -> Iterator[list[str]]:
    for _ in range(50):
        if not path:
            return
        feed = parsed(service, path)
        yield [entry.id for entry in feed.entries]
        path = next((local(link.href) for link in feed.feed.links if link.rel == "next"), "")
    pytest.fail("its pages do not end")


@pytest.mark.parametrize("asked", ["", "&partners=MX", "&partners=GB&partners=DE", "&type=measure.amended"])
def test_its_pages_hold_each_development_once_whatever_is_logged_meanwhile(
    on_sqlite: Service, asked: str
) -> None:
    first = logged(on_sqlite.engine, talks("To be corrected"), at(1)).events[0].development
    (everything,) = whole(on_sqlite, f"{ATOM_PATH}?limit=200{asked}")
    found: list[str] = []
    for page in whole(on_sqlite, f"{ATOM_PATH}?limit=2{asked}"):
        assert len(page) <= 2
        found += page
        corrected(on_sqlite.engine, first, talks(f"Corrected {len(found)}"), at(10 + len(found)))
    assert found == everything


def test_the_pages_of_the_json_feed_go_on_too(on_sqlite: Service) -> None:
    path, found = f"{JSON_PATH}?limit=3", []
    while path:
        page = on_sqlite.get(path)
        found += [item["id"] for item in page["items"]]
        path = local(page["next_url"]) if "next_url" in page else ""
    assert found == [item["id"] for item in on_sqlite.get(JSON_PATH)["items"]]


# ---------------------------------------------------------------- the answer


@pytest.mark.parametrize(
    "path", [ATOM_PATH, JSON_PATH, f"{ATOM_PATH}?partners=MX&sectors=Consumer%20Discretionary"]
)
def test_a_feed_that_says_the_same_is_not_sent_again(on_sqlite: Service, path: str) -> None:
    first = on_sqlite.client.get(path)
    assert first.headers["etag"].startswith('"')
    assert first.headers["last-modified"] == "Mon, 01 Sep 2025 12:00:00 GMT"
    for _ in range(3):  # worked out, noted, kept
        again = on_sqlite.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    logged(on_sqlite.engine, PAUSE, at(1))
    later = on_sqlite.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
    assert later.headers["last-modified"] == "Mon, 01 Sep 2025 12:01:00 GMT"


BAD = [
    ("partners=ZZ", 404, "partners"), ("partners=mx", 400, "partners"), ("partners=MX,CA", 400, "partners"),
    ("sectors=Magic", 400, "sectors"), ("partner=MX", 400, "partner"), ("topics=weather", 400, "topics"),
]  # fmt: skip
BAD_PAGES = [
    ("type=measure.pausd", 400, "type"), ("subject=measure:us-none", 404, None), ("subject=tea", 400, "subject"),
    ("limit=0", 400, "limit"), ("limit=201", 400, "limit"), ("cursor=x", 400, "cursor"),
    ("cursor=WzAsOTk5OTk5LDFd", 400, "cursor"), ("limit=2&limit=3", 400, "limit"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "query", "status", "parameter"),
    [(path, *bad) for path in (ATOM_PATH, "/feeds/dates.ics") for bad in BAD]
    + [(JSON_PATH, *bad) for bad in BAD_PAGES]
    + [("/feeds/nothing.rss", "", 404, None)],
)
def test_what_cannot_be_asked_is_refused_by_name(
    real_api: TestClient[Litestar], path: str, query: str, status: int, parameter: str | None
) -> None:
    answer = real_api.get(f"{path}?{query}", headers={"Accept": "text/html, */*"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert parameter in [None, *(wrong.get("parameter") for wrong in answer.json()["errors"])]


def test_where_reading_is_closed_so_are_feeds(closed: Service) -> None:
    for path in (ATOM_PATH, JSON_PATH, "/feeds/dates.ics"):
        assert closed.client.get(path).status_code == 401
        answer = closed.client.get(path, headers={"Authorization": f"Bearer {closed.ann.secret}"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization, Cookie"


PAGES = [
    ("/", "", "all partners"), ("/partners/MX", "partners=MX", "Mexico"),
    ("/?sector=Consumer%20Discretionary", "sectors=Consumer%20Discretionary", "partners with Consumer Discretionary"),
    ("/digest?partners=GB&partners=MX", "partners=GB&partners=MX", "this choice"),
    ("/deadlines?partner=gb", "partners=GB", "the United Kingdom"), ("/deadlines", "", "all partners"),
]  # fmt: skip


def test_pages_lead_to_their_feeds(on_sqlite: Service) -> None:
    for page, query, whom in PAGES:
        shown = BeautifulSoup(on_sqlite.client.get(page).text, "html.parser")
        line = shown.find(class_="follow")
        assert f"Follow {whom}:" in line.get_text()
        links = [link["href"] for link in line.find_all("a") if link["href"].startswith("/feeds")]
        assert [parse_qs(urlsplit(link).query) for link in links] == [parse_qs(query)] * 3
        found = {link["href"]: link["type"] for link in shown.find_all("link", rel="alternate")}
        assert {ATOM_PATH, JSON_PATH} <= found.keys()
        assert page.startswith(("/digest", "/deadlines")) or set(links) <= {*found, "/feeds/dates.ics"}
        for link in {*links, *found}:
            answer = on_sqlite.client.get(link)
            assert answer.status_code == 200
            media_type = answer.headers["content-type"].partition(";")[0]
            assert found.get(link, media_type) == media_type


# ---------------------------------------------------------------- whatever stands in it

ODD = [
    "]]> <![CDATA[ x ]]>", "<script>alert(1)</script>", "&amp; &lt; &#13; &#x0; &nbsp;", "one, two; three: \\n four",
    "😀" * 74, "é" * 300, "'\" onmouseover=\"x", "a tab\tand a delete\x7f", "{{ 7 * 7 }} {% raw %}",
    "\u05e2\u05d1\u05e8\u05d9\u05ea, right to left",
]  # fmt: skip


def test_whatever_stands_in_a_title_stands_in_the_feed(on_sqlite: Service) -> None:
    for minute, title in enumerate(ODD):
        source = {"publisher": title, "kind": "press", "title": title, "url": "https://x.example/?'\"<>&]]>"}
        told = talks(title, summary=f"{title}\r\n{title}", sources=[source])
        logged(on_sqlite.engine, told, at(minute))
    root = ElementTree.fromstring(on_sqlite.client.get(ATOM_PATH).content)
    items, entries = on_sqlite.get(JSON_PATH)["items"], parsed(on_sqlite).entries
    for title, found, item, entry in zip(
        reversed(ODD), root.findall("entry", NAMES), items, entries, strict=False
    ):
        assert found.findtext("title", "", NAMES) == item["title"] == title
        assert found.findtext("summary", "", NAMES) == item["summary"] == f"{title}\r\n{title}"
        assert entry.title.split() == title.split()
        page = BeautifulSoup(found.findtext("content", "", NAMES), "html.parser")
        assert page.find(["script", "img", "iframe"]) is None
        assert [tag for tag in page.find_all() if set(tag.attrs) - {"href"}] == []
        assert title in page.get_text()


UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
words = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("<>&]\r\n\t\x00\ufffe'\""), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(title=words, content=words, tag=words, summary=words)
def test_reading_a_feed_gives_back_what_was_written(title: str, content: str, tag: str, summary: str) -> None:
    entry = Told(
        id="urn:uuid:1", title=title, address="https://x.example/", summary=summary, content=content, published=NOW,
        updated=NOW, sources=["https://y.example/"], tags=[tag],
    )  # fmt: skip
    feed = Feed(
        id="urn:uuid:0", title=title, about=title, address="https://x.example/", other="https://x.example/",
        home="https://x.example/", icon="https://x.example/", next=None, entries=[entry],
    )  # fmt: skip

    def carried(text: str) -> str:
        return UNSPEAKABLE.sub("\ufffd", text)

    root = ElementTree.fromstring(atom(feed))
    assert root.findtext("title", "", NAMES) == carried(title)
    found = root.find("entry", NAMES)
    assert found is not None
    assert found.findtext("title", "", NAMES) == carried(title)
    assert found.findtext("content", "", NAMES) == carried(content)
    assert found.findtext("summary", "", NAMES) == carried(summary)
    term = found.find("category", NAMES)
    assert term is not None
    assert term.get("term") == carried(tag)
    assert json_feed(feed).items[0].title == title


def test_the_real_history_is_a_sound_feed(real_api: TestClient[Litestar]) -> None:
    for asked in ("", "&partners=CN", "&partners=EU&partners=JP"):
        feed = feedparser.parse(real_api.get(f"{ATOM_PATH}?limit=200{asked}").content)
        assert not feed.bozo
        assert len({entry.id for entry in feed.entries}) == len(feed.entries) > 20
        assert all(datetime(*entry.updated_parsed[:6], tzinfo=UTC) for entry in feed.entries)
        assert not any("measure:us" in entry.content[0].value for entry in feed.entries), "subjects by title"
