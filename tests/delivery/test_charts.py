"""Charts on their way out: frozen as data, drawn the same each time, inline in the mail, and legible."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO

import msgspec
import pytest
from bs4 import BeautifulSoup
from delivery.test_email import edition as plain
from delivery.test_email import entry, frozen, html_of, mail, parcel, text_of
from PIL import Image
from sqlalchemy import Connection, Engine

from tracker.delivery import editions, picture
from tracker.domain.edition import Chart, Edition, Level, Mark, Scope, Threat, without
from tracker.domain.telling import Frame
from tracker.store import log
from tracker.store.engine import reading

AT = datetime(2025, 4, 10, 12, tzinfo=UTC)
BLUE = (11, 83, 148)


@pytest.fixture(scope="module")
def record(real_history: Engine) -> Iterator[Connection]:
    """The founding history."""
    with reading(real_history) as connection:
        yield connection


def of(record: Connection, day: str, *partners: str, days: int = 1) -> Edition:
    """The edition of a morning in New York."""
    until = datetime.fromisoformat(f"{day}T12:00Z")
    marks = (
        Mark(as_of=at, position=log.known_at(record, at)) for at in (until - timedelta(days=days), until)
    )
    return editions.worked_out(record, Frame(Scope(partners=list(partners)), day, "America/New_York", *marks))


def chart(*levels: tuple[int, float | None], **more: object) -> Chart:
    """A chart of April 2025, as of the 10th: levels from days on."""
    now = [
        Level(starts=AT.replace(day=day), low=percent, high=percent, words=f"{percent}%")
        for day, percent in levels
    ]
    made = Chart(
        partners=["CN"], scopes=["all-goods"], export=False, measure=None, title="China: all goods",
        words="Now 25%. Before that: 10%.", notes=["Without the normal duty."], zone="America/New_York",
        since=AT.replace(day=1), until=AT.replace(day=30), as_of=AT, now=now, was=[], threats=[],
        marks=[], subjects=["measure:us-x"],
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def drawing(*charts: Chart) -> Edition:
    return plain(entry(charts=list(charts)))


def images(found: EmailMessage) -> dict[str, bytes]:
    """The pictures in a mail, by their content ids."""
    return {
        str(part["Content-ID"]).strip("<>"): part.get_payload(decode=True)  # type: ignore[misc]
        for part in found.walk()
        if part.get_content_type() == "image/png"
    }


# ---------------------------------------------------------------- the real history


def test_the_charts_of_10_april_2025(record: Connection) -> None:
    titles = [(chart.title, chart.now[-1].words) for chart in of(record, "2025-04-10").charts]
    assert ("China: all goods", "145%") in titles
    assert ("China: all American goods", "84%") in titles
    assert ("Vietnam: all goods", "46%") in titles
    (china, *_) = [
        chart for chart in of(record, "2025-04-10", "CN").charts if not chart.export and not chart.measure
    ]
    assert china.words == (
        "Now 145%, since 10 April. Before that: 104% from 9 April, 30% from 5 April, 20% from 4 March, 10% from 4 "
        "February. As known before this digest: 104% from 10 April on."
    )
    assert china.notes == ["Without the normal duty (not on record)."]


def test_what_is_exempt_back_to_a_day_is_drawn_beside_what_was_told(record: Connection) -> None:
    china = next(
        chart for chart in of(record, "2025-04-11").charts if chart.partners == ["CN"] and not chart.export
    )
    assert china.title == "China: computers, smartphones"
    assert china.marks == [datetime(2025, 4, 5, 4, 1, tzinfo=UTC)]
    assert china.was[-1].words == "145%"
    assert china.now[-1].words == "20%"


def test_the_british_car_quota_is_drawn_with_both_its_rates(record: Connection) -> None:
    cars = next(chart for chart in of(record, "2025-06-30", "GB").charts if chart.scopes == ["cars"])
    assert (cars.now[-1].low, cars.now[-1].high) == (10.0, 27.5)
    assert cars.words.startswith("Now 10% within the quota, 27.5% beyond it, since 30 June.")
    assert cars.notes == ["The normal duty is included."]


def test_a_bloc_and_its_members_share_a_chart(record: Connection) -> None:
    found = [chart for chart in of(record, "2025-04-09").charts if chart.measure]
    assert [(chart.title, chart.now[-1].words) for chart in found] == [
        (
            "European Union (with DE, IT, FR, NL, BE): Countermeasures against the metals tariffs (listed goods)",
            "up to 25%",
        )
    ]


def test_a_letter_is_drawn_as_a_threat(record: Connection) -> None:
    (chart,) = of(record, "2025-07-12", "MX").charts
    assert [threat.percent for threat in chart.threats] == [30.0]
    assert chart.now[-1].words == "25%"


@pytest.mark.parametrize("day", ["2025-02-05", "2025-04-03", "2025-06-05", "2025-08-08"])
def test_charts_are_few_small_and_told_in_words(record: Connection, day: str) -> None:
    found = of(record, day, days=7)
    assert 0 < len(found.charts) <= 4
    for chart in found.charts:
        drawn = picture.png(chart)
        assert len(drawn) < 15_000
        assert Image.open(BytesIO(drawn)).size == (2 * picture.WIDTH, 2 * picture.HEIGHT)
        held = next(level for level in reversed(chart.now) if level.starts <= chart.as_of)
        assert chart.words.startswith(f"Now {held.words}")
        later = [level for level in chart.now if level.starts > chart.as_of]
        assert all(level.words in chart.words.partition("Scheduled:")[2] for level in later)
        assert chart.since < chart.as_of < chart.until
        assert chart.now[0].starts == chart.since


# ---------------------------------------------------------------- pictures


def test_the_same_chart_is_the_same_picture_in_another_process() -> None:
    one = chart((1, 10.0), (5, 25.0))
    code = (
        "import sys, msgspec; from tracker.delivery import picture; from tracker.domain.edition import Chart;"
        "sys.stdout.buffer.write(picture.png(msgspec.json.decode(sys.stdin.buffer.read(), type=Chart)))"
    )
    drawn = subprocess.run(
        [sys.executable, "-c", code], input=msgspec.json.encode(one), capture_output=True, check=True
    )
    assert drawn.stdout == picture.png(one)
    assert b"tIME" not in drawn.stdout


def blue(one: Chart) -> list[tuple[int, int]]:
    """Where a picture has the colour of the line, in pixels, below its legend."""
    drawn = Image.open(BytesIO(picture.png(one))).convert("RGB")
    return [
        (x, y) for y in range(60, drawn.height) for x in range(drawn.width)
        if all(abs(a - b) < 12 for a, b in zip(drawn.getpixel((x, y)), BLUE, strict=True))  # type: ignore[arg-type]
    ]  # fmt: skip


def test_what_is_not_known_is_drawn_as_nothing() -> None:
    gap = chart((1, 40.0), (4, None), (8, 40.0))
    whole = 2 * (picture.RIGHT - picture.LEFT)
    left, right = (2 * picture.LEFT + whole * days / 29 for days in (3, 7))
    assert not [x for x, _ in blue(gap) if left + 40 < x < right - 4]
    assert [x for x, _ in blue(chart((1, 40.0))) if left + 40 < x < right - 4]


def test_what_is_scheduled_is_dashed() -> None:
    columns = {x for x, _ in blue(chart((1, 40.0)))}
    today = 2 * picture.LEFT + 2 * (picture.RIGHT - picture.LEFT) * 9 // 29
    assert columns >= set(range(2 * picture.LEFT + 4, today - 8))
    assert not columns >= set(range(today + 8, 2 * picture.RIGHT - 8))


@pytest.mark.parametrize(
    "odd",
    [
        chart((1, 0.0)),
        chart((1, None)),
        chart((1, 100_000.0), (20, 0.5)),
        chart((1, 25.0), threats=[Threat(percent=60, starts=AT + timedelta(days=60), ends=None)]),
        chart((1, 25.0), as_of=AT.replace(day=1)),
        chart((1, 25.0), was=[Level(starts=AT.replace(day=1), low=None, high=None, words="not known")]),
        chart(*((day, float(day * 10)) for day in range(1, 29)), marks=[AT.replace(day=day) for day in range(1, 29)]),
        chart((1, 25.0), since=AT - timedelta(days=9 * 365), until=AT + timedelta(days=9 * 365)),
    ],
    ids=["zero", "unknown", "huge", "threat beyond", "today first", "was unknown", "steps", "decades"],
)  # fmt: skip
def test_odd_charts_are_drawn(odd: Chart) -> None:
    assert len(picture.png(odd)) < 15_000


# ---------------------------------------------------------------- mails


def test_a_mail_carries_its_pictures_and_says_them_in_words() -> None:
    told = drawing(chart((1, 10.0), (5, 25.0)), chart((1, 10.0), (5, 30.0), title="Mexico: steel"))
    found = mail(parcel(told))
    (_, related) = found.iter_parts()
    assert related.get_content_type() == "multipart/related"
    assert related.get_param("type") == "text/html"
    page = BeautifulSoup(html_of(found), "html.parser")
    shown = [img["src"].removeprefix("cid:") for img in page.find_all("img")]
    assert shown == list(images(found))
    assert [*images(found).values()] == [picture.png(one) for one in told.charts]
    assert [img["alt"] for img in page.find_all("img")] == ["Now 25%. Before that: 10%."] * 2
    assert all({"width", "height", "style"} <= img.attrs.keys() for img in page.find_all("img"))
    text = " ".join(text_of(found).split())
    assert "China: all goods, over time: Now 25%. Before that: 10%. Without the normal duty." in text
    assert "Mexico: steel, over time:" in text
    assert all(len(line) <= 78 or "https://" in line for line in text_of(found).splitlines())


def test_a_resend_is_the_same_bytes() -> None:
    told = drawing(chart((1, 10.0), (5, 25.0)))
    picture._png.cache_clear()
    first = mail(parcel(told)).as_bytes()
    picture._png.cache_clear()
    assert mail(parcel(told)).as_bytes() == first


def test_a_picture_of_an_entry_that_is_left_out_is_left_out() -> None:
    many = [entry(number, f"Entry {number}") for number in range(60)]
    told = plain(*many, entry(99, charts=[chart((1, 10.0))]))
    assert images(mail(parcel(told))) == {}
    assert mail(parcel(told)).get_content_type() == "multipart/alternative"


def test_an_edition_frozen_before_there_were_charts_is_mailed_as_ever() -> None:
    old = msgspec.json.decode(frozen(plain(entry())).content)
    for part in old.values():
        for told in part if isinstance(part, list) else ():
            if isinstance(told, dict):
                del told["charts"]
    kept = frozen(plain(entry()))
    before = replace(kept, content=msgspec.json.encode(old, order="sorted").decode())
    assert "charts" not in before.content
    assert before.edition == plain(entry())
    assert before.edition.charts == []


def test_a_chart_is_erased_with_what_it_is_made_of() -> None:
    told = drawing(chart((1, 10.0)), chart((1, 20.0), subjects=["measure:us-y"]))
    left = without(told, "another", ["measure:us-x"])
    assert [one.subjects for one in left.charts] == [["measure:us-y"]]
    assert without(told, "another", ["measure:us-z"]) == told
