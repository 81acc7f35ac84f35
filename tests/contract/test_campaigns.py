"""docs/campaigns.md quotes what the campaigns counted."""

import re

import msgspec
import pytest
from campaign.report import DOCS, quoted

PAGE = (DOCS / "campaigns.md").read_text("utf-8")
FILES = [DOCS / "campaigns" / f"{name}.json" for name in re.findall(r"<!-- (\w+) -->", PAGE) if name != "end"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_page_says_what_was_counted(file) -> None:
    assert quoted(PAGE, file.stem, msgspec.json.decode(file.read_bytes())) == PAGE


def test_a_count_that_changed_would_be_seen() -> None:
    told = msgspec.json.decode(FILES[0].read_bytes())
    first = next(iter(next(iter(told.values()))["counts"]))
    next(iter(told.values()))["counts"][first] += 1
    assert quoted(PAGE, FILES[0].stem, told) != PAGE


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_count_tells_no_place_and_no_time(file) -> None:
    told = msgspec.json.decode(file.read_bytes(), type=dict[str, dict[str, str | dict[str, int]]])
    assert {key for kind in told.values() for key in kind} == {"seed", "counts"}
    assert not re.search(r"20\d\d-|/tmp|/home", file.read_text("utf-8"))
