"""The message: complete in text, mirrored in HTML, the same whenever it is made, and nobody's way into its headers."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import msgspec
import pytest
from bs4 import BeautifulSoup
from delivery.post import SEALER, settings

from tracker.delivery import render
from tracker.delivery.channels.channel import Parcel
from tracker.delivery.channels.email import message
from tracker.delivery.deliveries import reference
from tracker.delivery.editions import Frozen
from tracker.delivery.notices import links
from tracker.domain.edition import Edition, Entry, Line, Mark, Scope, headline

AT = datetime(2025, 3, 12, 12, tzinfo=UTC)

LINKS = links("https://tracker.example.org", SEALER, "sub-1")


def entry(number: int = 1, title: str = "China raises its tariff", **more: object) -> Entry:
    line = Line(
        partners=["CN"], position=number, whom="China", title="Tariff on all American goods", item="",
        when="from 10 April 2025", words=["84%"], was="34%", terms=["adds to other duties"], note=None,
        subject="measure:cn-tariff", aspect="state", key="", scopes=["all-goods"], claim=None, starts=AT, ends=None,
        before={"rate": {"percent": 34}}, after={"rate": {"percent": 84}},
    )  # fmt: skip
    made = Entry(
        kind="new", development=f"d{number}", event=f"e{number}", title=title, summary="It answers.",
        dates="announced 9 April 2025", when="", day="2025-03-12", partners=["CN"], positions=[number],
        sources=[{"publisher": "Xinhua", "kind": "press", "url": "https://example.org/a?b=1&c=2"}], lines=[line],
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def edition(*entries: Entry) -> Edition:
    return Edition(
        day="2025-03-12", zone="America/New_York", scope=Scope(partners=["CN", "JP"]), about="China, Japan",
        partners=["CN", "JP"], since=Mark(as_of=AT, position=1), until=Mark(as_of=AT, position=9), took_effect=[],
        fell_through=[], new=[e for e in entries if e.kind == "new"], late=[e for e in entries if e.kind == "late"],
        corrected=[e for e in entries if e.kind == "corrected"], withdrawn=[], coming=[],
        unchecked=["Japan (not at all)"],
    )  # fmt: skip


def frozen(edition: Edition) -> Frozen:
    content = msgspec.json.encode(edition, order="sorted").decode()
    return Frozen(hashlib.sha256(content.encode()).hexdigest(), edition.day, headline(edition), AT, content)


def parcel(edition: Edition, recipient: str = "reader@example.org", previous: str | None = None) -> Parcel:
    kept = frozen(edition)
    return Parcel(kept, recipient, reference(kept.id, recipient), previous, LINKS, AT)


def mail(parcel: Parcel) -> EmailMessage:
    """The message as it arrives."""
    return message_from_bytes(message(parcel, settings()).as_bytes(), policy=policy.default)


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def test_the_headers() -> None:
    found = mail(parcel(edition(entry(), entry(2, kind="corrected")), previous="abc"))
    assert found["Subject"] == "Trade talks, 12 Mar: 1 change of state, 1 correction (CN)"
    assert found["From"] == "Trade talks <tracker@example.org>"
    assert found["To"] == "reader@example.org"
    assert found["Date"] == "Wed, 12 Mar 2025 12:00:00 +0000"
    assert re.fullmatch(r"<[0-9a-f]{40}@example\.org>", found["Message-ID"])
    assert found["References"] == "<abc@example.org>"
    assert found["List-Id"] == "Trade talks <digest.tracker.example.org>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["List-Unsubscribe"] == f"<{LINKS.stop}>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize("host", ["tracker.example.org", f"{'a-long-name.' * 9}example.org"])
def test_addresses_and_ids_are_written_as_they_are_however_long(host: str) -> None:
    """As the bytes on the wire: a reader that decodes what must not be encoded there would not notice."""
    here = replace(settings(), public_url=f"https://{host}", mail_from=f"tracker@{host}")
    found = links(here.public_url, SEALER, "sub-1")
    to = f"{'r' * 60}@{host}"
    sent = replace(parcel(edition(entry()), to, "abc"), links=found)
    head = message(sent, here).as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
    assert "=?" not in head
    assert max(map(len, head.split("\r\n"))) < 300
    unfolded = head.replace("\r\n ", " ").split("\r\n")
    for header in (f"List-Unsubscribe: <{found.stop}>", f"To: {to}", f"References: <abc@{host}>",
                   f"Message-ID: <{sent.reference}@{host}>", f"List-Id: Trade talks <digest.{host}>",
                   f"From: tracker@{host}"):  # fmt: skip
        assert header in unfolded


def test_the_same_edition_for_the_same_reader_is_the_same_message() -> None:
    one = edition(entry())
    assert message(parcel(one), settings()).as_bytes() == message(parcel(one), settings()).as_bytes()
    assert mail(parcel(one))["Message-ID"] != mail(parcel(one, "other@example.org"))["Message-ID"]
    assert mail(parcel(one))["Message-ID"] != mail(parcel(edition(entry(2))))["Message-ID"]


def test_text_and_html_say_the_same() -> None:
    found = mail(parcel(edition(entry())))
    text, page = text_of(found), BeautifulSoup(html_of(found), "html.parser")
    for said in (
        "China: Tariff on all American goods: 84% (was 34%) from 10 April 2025 (adds to other duties)",
        "announced 9 April 2025", "It answers.", "1 change of state (CN)", "China raises its tariff", "Xinhua",
        "Japan (not at all)", "you subscribed to China, Japan",
    ):  # fmt: skip
        assert said in " ".join(text.split())
        assert said in " ".join(page.get_text().split())
    assert "https://tracker.example.org/events/e1" in text
    assert page.find("a", href="https://tracker.example.org/events/e1") is not None


def test_nothing_in_it_is_loaded_from_elsewhere() -> None:
    page = BeautifulSoup(html_of(mail(parcel(edition(entry())))), "html.parser")
    assert page.find_all(["img", "script", "link", "iframe", "form"]) == []
    assert "url(" not in str(page)
    assert all("style" in tag.attrs for tag in page.find_all(["h1", "h2", "h3"]))


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", 'A "quoted" & <b>bold</b> title'])
def test_what_was_logged_is_no_markup(title: str) -> None:
    page = html_of(mail(parcel(edition(entry(title=title)))))
    heading = BeautifulSoup(page, "html.parser").find("h3")
    assert heading is not None
    assert heading.get_text() == title
    assert "<script" not in page


def test_a_line_break_cannot_reach_a_header() -> None:
    with pytest.raises(ValueError, match="CR or LF"):
        message(parcel(edition(entry()), "a@example.org\r\nBcc: b@example.org"), settings())
    odd = replace(settings(), mail_from="Tracker <tracker@example.org>")
    assert message(parcel(edition(entry(title="Title\r\nBcc: b@example.org"))), odd)["Bcc"] is None


def test_a_long_edition_is_cut_at_forty_and_says_where_the_rest_is() -> None:
    long = edition(*(entry(number, f"Entry {number}") for number in range(1, 61)))
    found = mail(parcel(long))
    text, page = text_of(found), html_of(found)
    assert "Entry 40\n" in text
    assert "Entry 41" not in text + page
    rest = f"https://tracker.example.org/editions/{frozen(long).id}?part=new&first=40"
    assert f"and 20 more: {rest}" in text
    assert BeautifulSoup(page, "html.parser").find("a", href=rest).get_text() == "and 20 more"  # type: ignore[union-attr]
    assert "60 changes of state" in found["Subject"]
    assert "60 changes of state" in text


def test_a_mail_has_no_more_than_a_hundred_kilobytes_of_html() -> None:
    wordy = [entry(number, f"Entry {number} " + "ü" * 280, summary="ä" * 900) for number in range(1, 41)]
    lines = [
        msgspec.structs.replace(wordy[0].lines[0], words=["ö" * 300], item=f"goods {n}") for n in range(30)
    ]
    page = html_of(mail(parcel(edition(*(msgspec.structs.replace(one, lines=lines) for one in wordy)))))
    assert len(page.encode()) <= render.BYTES
    assert re.search(r"and \d+ more", page)


def test_a_correction_is_not_lost_behind_thousands_of_late_entries() -> None:
    late = [entry(n, f"Late {n}", kind="late") for n in range(1, 3001)]
    mended = [entry(n, f"Mended {n}", kind="corrected") for n in range(3001, 3004)]
    found = mail(parcel(edition(*late, *mended)))
    text, page = text_of(found), html_of(found)
    for said in (text, page):
        assert all(f"Mended {n}" in said for n in range(3001, 3004))
        assert "Late 37" in said
        assert "Late 38" not in said
        assert "and 2,963 more" in said
    assert found["Subject"] == "Trade talks, 12 Mar: 3,000 entries added late, 3 corrections (CN)"
    assert len(page.encode()) <= render.BYTES


def test_a_long_entry_leaves_the_rest_to_its_page() -> None:
    line = entry().lines[0]
    long = entry(lines=[msgspec.structs.replace(line, item=f"goods {n}") for n in range(500)])
    found = mail(parcel(edition(long)))
    for said in (text_of(found), html_of(found)):
        assert "goods 39:" in said
        assert "goods 40:" not in said
        assert "and 460 more" in said
