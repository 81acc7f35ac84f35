"""Every change says in plain words what changed."""

import re

import pytest

from tests.web.conftest import Service
from tests.web.pages.conftest import read, words

WORD = re.compile(r"[A-Za-z0-9“€£].*")
EMPTY = re.compile(r":\s*(,|;|·|$)|\s·\s*$")


@pytest.fixture(scope="module")
def codes(history: Service) -> list[str]:
    return [card["partner"]["code"] for card in history.get("/v1/partners")["items"]]


def test_no_change_of_the_record_is_without_words(history: Service, codes: list[str]) -> None:
    changes = [
        (entry["title"], change)
        for code in codes
        for entry in history.get(f"/v1/partners/{code}/timeline", limit=200)["items"]
        for change in entry["changes"]
    ]
    assert len(changes) > 1000
    wordless = [
        (title, c) for title, c in changes if not all(map(WORD.fullmatch, c["words"])) or not c["words"]
    ]
    assert wordless == []
    idle = [
        word for _, c in changes for word in c["words"] if len({*word.split(" → ")}) < len(word.split(" → "))
    ]
    assert idle == [], "from what it is to what it is"


def test_no_line_of_a_page_is_without_words(history: Service, codes: list[str]) -> None:
    lines = [
        (code, words(line), words(line.select_one(".words")))
        for code in codes
        for line in read(history, f"/partners/{code}", as_of="2025-06-20").select("ul.changes > li")
    ]
    assert len(lines) > 300
    assert [line for line in lines if EMPTY.search(line[1]) or not line[2]] == []


def test_a_change_of_terms_alone_is_said_by_its_terms(history: Service) -> None:
    timeline = read(history, "/partners/GB").select(".timeline > li")
    ruling = next(entry for entry in timeline if "Appeals court" in words(entry.h3))
    assert "ruling: Court of Appeals for the Federal Circuit, en banc, order of 10 June 2025 →" in words(
        ruling
    )
    exempt = next(
        entry
        for entry in read(history, "/partners/MX").select(".timeline > li")
        if "USMCA" in words(entry.h3)
    )
    assert "spared: Goods that originate under USMCA" in words(exempt)


def test_a_course_of_terms_alone_is_said_by_them(history: Service) -> None:
    course = read(history, "/measures/us-232-steel").select_one("main section")
    assert "4 Mar 2025 – 16 May 2025 Gives way to" in words(course) or "yields to" in words(course).lower()
    assert "as before" not in words(course).lower()
