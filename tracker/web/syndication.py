"""Developments as feeds: Atom (RFC 4287, paged as RFC 5005 has it) and JSON Feed 1.1. Both are written from the same
entries and say the same; an entry has the same id in all of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from tracker.domain.views import View
from tracker.domain.when import rfc3339
from tracker.read.recent import Recent
from tracker.web.html import environment, web_only
from tracker.web.saying import Saying

ATOM, JSON_FEED = "application/atom+xml", "application/feed+json"
NAMESPACE = "http://www.w3.org/2005/Atom"
AUTHOR = "Negotiation tracker"
LINES = 40
"""As many sentences as an entry holds at most; its page has them all."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When an empty feed was last updated."""
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot carry. The record refuses it; this holds for what might be in it all the same."""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of a feed. ``title`` says where it was withdrawn; ``content`` is HTML."""

    id: str
    title: str
    address: str
    summary: str | None
    content: str
    published: datetime
    updated: datetime
    sources: Sequence[str]
    tags: Sequence[str]


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed: what it is about, and the addresses of itself, of the other form, of the page for people, and
    of the page of the feed that follows."""

    id: str
    title: str
    about: str
    address: str
    other: str
    home: str
    icon: str
    next: str | None
    entries: Sequence[Told]

    @property
    def updated(self) -> datetime:
        return max((entry.updated for entry in self.entries), default=NEVER)


class FeedAuthor(View, frozen=True):
    """Who speaks in a feed."""

    name: str


class FeedItem(View, frozen=True, omit_defaults=True):
    """A development. ``date_published``: when it was recorded; ``date_modified``: when the last version of it was that
    is news."""

    id: str
    url: str
    title: str
    content_html: str
    date_published: datetime
    date_modified: datetime
    summary: str | None = None
    external_url: str | None = None
    tags: list[str] = []


class JsonFeed(View, frozen=True, omit_defaults=True):
    """A page of a feed, as https://www.jsonfeed.org/version/1.1/ has it; ``next_url`` leads to the earlier entries."""

    version: str
    title: str
    home_page_url: str
    feed_url: str
    description: str
    icon: str
    authors: list[FeedAuthor]
    language: str
    items: list[FeedItem]
    next_url: str | None = None


def told(one: Recent, saying: Saying, base: str) -> Told:
    """A development as an entry."""
    entry = one.entry
    sentences = saying.sentences(one.changes, entry.announced_at)
    address = f"{base}/events/{entry.development}"
    content = environment().get_template("feed_entry.html").render(
        entry=entry, sentences=sentences[:LINES], hidden=max(0, len(sentences) - LINES), address=address,
        learnt=saying.day(entry.learnt_at),
    )  # fmt: skip
    links = [link for source in entry.sources if (link := web_only(source.get("url")))]
    return Told(
        id=f"urn:uuid:{entry.development}", address=address, summary=entry.summary, content=content,
        title=f"Withdrawn: {entry.title}" if entry.standing == "withdrawn" else entry.title,
        published=entry.recorded_at, updated=one.updated, sources=list(dict.fromkeys(links)),
        tags=[*(saying.whom([code]) for code in one.changes), *dict.fromkeys(entry.types)],
    )  # fmt: skip


def atom(feed: Feed) -> bytes:
    """A feed as Atom."""
    root = Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "subtitle", feed.about)
    _text(root, "updated", rfc3339(feed.updated))
    _text(SubElement(root, "author"), "name", AUTHOR)
    _text(root, "icon", feed.icon)
    generator = _text(root, "generator", AUTHOR)
    generator.set("version", version("negotiation-tracker"))
    _link(root, "self", feed.address, ATOM)
    _link(root, "alternate", feed.home, "text/html")
    _link(root, "alternate", feed.other, JSON_FEED)
    if feed.next:
        _link(root, "next", feed.next, ATOM)
    for entry in feed.entries:
        _entry(root, entry)
    # A raw CR would be read as a line feed; none stands anywhere but in texts.
    raw: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return raw.replace(b"\r", b"&#13;")


def _entry(root: Element, entry: Told) -> None:
    element = SubElement(root, "entry")
    _text(element, "id", entry.id)
    _text(element, "title", entry.title)
    _text(element, "published", rfc3339(entry.published))
    _text(element, "updated", rfc3339(entry.updated))
    _link(element, "alternate", entry.address, "text/html")
    for source in entry.sources:
        _link(element, "via", source)
    for tag in entry.tags:
        SubElement(element, "category", {"term": speakable(tag)})
    if entry.summary:
        _text(element, "summary", entry.summary)
    _text(element, "content", entry.content).set("type", "html")


def _text(parent: Element, name: str, text: str) -> Element:
    element = SubElement(parent, name)
    element.text = speakable(text)
    return element


def _link(parent: Element, rel: str, href: str, type: str | None = None) -> None:
    SubElement(parent, "link", {"rel": rel, "href": speakable(href)} | ({"type": type} if type else {}))


def speakable(text: str) -> str:
    """A text without what XML cannot carry."""
    return _UNSPEAKABLE.sub("\ufffd", text)


def json_feed(feed: Feed) -> JsonFeed:
    """A feed as JSON Feed."""
    return JsonFeed(
        version="https://jsonfeed.org/version/1.1", title=feed.title, home_page_url=feed.home, feed_url=feed.address,
        description=feed.about, icon=feed.icon, authors=[FeedAuthor(name=AUTHOR)], language="en", next_url=feed.next,
        items=[_item(entry) for entry in feed.entries],
    )  # fmt: skip


def _item(entry: Told) -> FeedItem:
    return FeedItem(
        id=entry.id, url=entry.address, title=entry.title, content_html=entry.content, summary=entry.summary,
        date_published=entry.published, date_modified=entry.updated,
        external_url=next(iter(entry.sources), None), tags=[*entry.tags],
    )  # fmt: skip
