"""A mapping file turns somebody's table into what that source said: as commands, dated, all or none."""

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import Engine

from tracker import read
from tracker.domain.errors import Refused
from tracker.importing import Imported, Rejected, Terms, load
from tracker.mapping import formats, lines_of, load_format
from tracker.projections import segments
from tracker.read import accounts, disputes
from tracker.read.accounts import Sought
from tracker.seeding import seed
from tracker.store import log
from tracker.store.clock import open_clock
from tracker.store.engine import open_engine, reading
from tracker.store.migrate import migrate

DATA = Path(__file__).parents[2] / "shared" / "data"
SERIES = """
title = "Averages"
key = "averages {said}"
[fields]
said = { read = "date" }
day = { read = "date", date = "%d/%m/%Y" }
land = { read = "partner", table = "lands" }
pct = { read = "number", digits = 2, missing = ["n/a"] }
[tables.lands]
"Great Britain" = "GB"
[development]
title = "Averages of {said}"
announced = "{said}"
sources = [{ publisher = "An institute", kind = "data" }]
[[events]]
[events.event]
type = "measure.amended"
subject = "measure:us-average-duty"
claim = "institute"
about = { title = "Average", kind = "other" }
[series]
valid = "day"
of = ["land"]
effect = { target = "{land}", scope = "all-goods", set = { status = "in_force", rate = { percent = "{pct}" } } }
"""
VINTAGES = """said,day,land,pct
2025-03-01,01/02/2025,Great Britain,5
2025-03-01,01/04/2025,Great Britain,10
2025-03-01,01/02/2025,Japan,0
2025-05-01,01/02/2025,Great Britain,5
2025-05-01,01/04/2025,Great Britain,12.5
2025-05-01,01/06/2025,Great Britain,12.5
2025-05-01,01/02/2025,Japan,0
"""
ROWS = """
title = "A list of acts"
key = "acts {seen}"
skip = [{ what = "^$" }]
[fields]
seen = { given = "when the list was seen" }
what = {}
since = { column = ["law", "book"], read = "date", missing = ["NA"] }
whom = { read = "partners", separator = "/" }
[development]
title = "A list"
announced = "{seen}"
[[events]]
when = { what = "steel" }
each = "whom"
[events.event]
type = "measure.amended"
subject = "measure:us-steel"
claim = "list"
about = { title = "Steel" }
effects = [{ target = "{whom}", scope = "steel", from = "{since}", set = { status = "in_force", text = "{what}" } }]
[[events]]
when = { what = "^nothing" }
"""
ACTS = """what,law,book,whom
steel at 25,2025-03-12,2025-03-20,MX/Canada
,NA,NA,
steel at 50,NA,2025-06-06,MX
nothing new,NA,NA,MX
"""

NO_COLUMN = (
    "line 1: there is no column 'pct': the table has said, day, land; it may be of another shape, or "
    "fields.pct.column of the mapping wants changing"
)


@pytest.fixture
def mapped(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The commands that a table means under a mapping."""

    def mapped(mapping: str, table: str | bytes, **given: str) -> list[dict[str, Any]]:
        file = tmp_path / "mapping.toml"
        file.write_text(mapping, "utf-8")
        raw = table.encode() if isinstance(table, str) else table
        return [msgspec.json.decode(x.text) for x in lines_of(BytesIO(raw), load_format(str(file)), given)]

    return mapped


def errors(attempt: Callable[[], object]) -> list[str]:
    with pytest.raises(Rejected) as rejected:
        attempt()
    return list(rejected.value.errors)


def test_a_vintage_is_one_development_and_says_only_what_it_says_otherwise(mapped: Any) -> None:
    first, second = mapped(SERIES, VINTAGES)
    assert (first["key"], first["development"]["announced"]) == ("averages 2025-03-01", "2025-03-01")
    (event,) = first["development"]["events"]
    said = {"status": "in_force"}
    assert event["effects"] == [
        {
            "target": "GB", "scope": "all-goods", "set": said | {"rate": {"percent": 5}}, "from": "2025-02-01",
            "until": "2025-04-01",
        },
        {"target": "GB", "scope": "all-goods", "set": said | {"rate": {"percent": 10}}, "from": "2025-04-01"},
        {"target": "JP", "scope": "all-goods", "set": said | {"rate": {"percent": 0}}, "from": "2025-02-01"},
    ]  # fmt: skip
    assert second["development"]["events"][0]["effects"] == [
        {"target": "GB", "scope": "all-goods", "set": said | {"rate": {"percent": 12.5}}, "from": "2025-04-01"},
    ]  # fmt: skip


def test_what_a_vintage_no_longer_says_is_cleared(mapped: Any) -> None:
    gone = "\n".join(line for line in VINTAGES.splitlines() if not line.startswith("2025-05-01,01/02/2025,J"))
    assert mapped(SERIES, gone)[1]["development"]["events"][0]["effects"][1] == {
        "target": "JP", "scope": "all-goods", "set": {"status": None, "rate": None}, "from": "2025-02-01",
    }  # fmt: skip


def test_a_vintage_that_repeats_the_one_before_says_nothing(mapped: Any) -> None:
    again = VINTAGES + "".join(
        line.replace("2025-05-01", "2025-07-01", 1) + "\n" for line in VINTAGES.splitlines()[4:]
    )
    assert len(mapped(SERIES, again)) == 2


def test_the_order_of_rows_plays_no_part(mapped: Any) -> None:
    header, *rows = VINTAGES.splitlines()
    turned = "\n".join([header, *reversed(rows)])
    assert [len(line["development"]["events"][0]["effects"]) for line in mapped(SERIES, turned)] == [3, 1]


def test_a_large_vintage_becomes_several_developments(mapped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.mapping.MOST_EFFECTS", 2)
    lines = mapped(SERIES, VINTAGES)
    assert [line["key"] for line in lines] == [
        "averages 2025-03-01", "averages 2025-03-01 part 2", "averages 2025-05-01",
    ]  # fmt: skip


def test_rows_with_one_key_are_one_development(mapped: Any) -> None:
    (line,) = mapped(ROWS, ACTS, seen="2025-07-01")
    (event,) = line["development"]["events"]
    assert [(e["target"], e["from"], e["set"]["text"]) for e in event["effects"]] == [
        ("MX", "2025-03-12", "steel at 25"), ("CA", "2025-03-12", "steel at 25"), ("MX", "2025-06-06", "steel at 50"),
    ]  # fmt: skip


def test_every_bad_row_is_named_with_its_line_field_value_and_remedy(mapped: Any) -> None:
    bad = (
        VINTAGES
        + '2025-06-01,2025-06-31,"Atlan\ntis",x\n2025-06-01,01/06/2025,Atlantis,1\n2025-06-01,01/06/2025\n'
    )
    assert errors(lambda: mapped(SERIES, bad)) == [
        "line 9: day: '2025-06-31' is not a date of the form %d/%m/%Y",
        "line 11: land: 'Atlantis' is no partner by any name known here: add it to tables.lands of the mapping",
        "line 12: has 2 cells, the first line has 4: mend the row",
    ]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "said,day,land\n",
            NO_COLUMN,
        ),
        ("said,day,land,pct\n", "the table says nothing: it has no row that the mapping does not skip"),
        (b"said,day,land,pct\n\xff", "line 2: this is not UTF-8 text: save the table as UTF-8"),
        ('said,day,land,pct\n"a', "line 2: this is no row of a table: unexpected end of data"),
        (
            VINTAGES + "2025-05-01,01/02/2025,Japan,1\n",
            "line 9: day: '2025-02-01' has been said of JP already: two rows of one vintage cannot both hold",
        ),
    ],
)
def test_a_table_of_another_shape_is_refused(mapped: Any, table: str | bytes, said: str) -> None:
    assert errors(lambda: mapped(SERIES, table)) == [said]


def test_a_row_that_no_rule_fits_is_refused(mapped: Any) -> None:
    assert errors(lambda: mapped(ROWS, ACTS + "copper,NA,2025-08-01,MX\n", seen="2025-09-01")) == [
        "line 6: no rule of the mapping fits this row: add one to its events, or to what it skips"
    ]


def test_what_the_table_does_not_say_is_asked_for(mapped: Any) -> None:
    with pytest.raises(Refused, match="does not say when the list was seen: give it with --given seen="):
        mapped(ROWS, ACTS)
    with pytest.raises(Refused, match="'sene' is not asked for by this mapping: it asks for seen"):
        mapped(ROWS, ACTS, sene="2025-09-01")


def test_a_mapping_that_is_none_is_refused(mapped: Any) -> None:
    with pytest.raises(Refused, match="'averages' is no mapping file: give the path of one, or budget-lab"):
        load_format("averages")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('table = "lands"', 'colum = "lands"', "unknown field `colum`"),
        ("{said}", "{sayd}", "mapping.toml: {sayd} is no field of it: these are said, day, land, pct"),
        ('of = ["land"]', 'of = ["lands"]', "{lands} is no field of it"),
        ('table = "lands"', 'table = "countries"', "fields.land.table: there is no tables.countries"),
        ('read = "number"', 'read = "number", find = "("', "'(' is no regular expression: missing )"),
        ("[[events]]", "[[events]]\n[[events]]", "a series has one event, and an effect with 'set'"),
        ('title = "Averages"', "title = ", "Invalid value"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_told(mapped: Any, old: str, new: str, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        mapped(SERIES.replace(old, new, 1), VINTAGES)


@pytest.mark.parametrize("name", sorted(formats()))
def test_a_shipped_mapping_is_one(name: str) -> None:
    assert load_format(name).title


def test_a_table_that_has_grown_is_imported_again(engine: Engine, tmp_path: Path) -> None:
    mapping, table = tmp_path / "mapping.toml", tmp_path / "table.csv"
    mapping.write_text(SERIES, "utf-8")
    table.write_text("\n".join(VINTAGES.splitlines()[:4]), "utf-8")
    first = taken(engine, str(mapping), table)
    table.write_text(VINTAGES, "utf-8")
    grown = taken(engine, str(mapping), table)
    assert (first.new, grown.before, grown.new) == (1, 1, 1)


def test_what_lies_behind_the_log_is_learnt_right_after_it(engine: Engine, tmp_path: Path) -> None:
    mapping, table = tmp_path / "mapping.toml", tmp_path / "table.csv"
    mapping.write_text(SERIES, "utf-8")
    table.write_text(VINTAGES.replace("2025-05-01", "2025-10-01"), "utf-8")
    with reading(engine) as connection:
        last = log.clocks(connection)[1]
    imported = taken(engine, str(mapping), table)
    with reading(engine) as connection:
        learnt = [e.learnt_at for e in log.after(connection, imported.start, imported.end, 9)]
    assert learnt == [last, datetime(2025, 10, 1, tzinfo=ZoneInfo("America/New_York"))]


# ---------------------------------------------------------------- real tables


def real(name: str) -> Path:
    if not (DATA / name).is_file():
        pytest.skip(f"the table {name} is not kept in the repository, and is not beside it")
    return DATA / name


@pytest.fixture
def engine(tmp_path: Path, founded: Path) -> Iterator[Engine]:
    shutil.copy(founded, tmp_path / "tracker.db")
    engine = open_engine(f"sqlite:///{tmp_path / 'tracker.db'}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The founding history, loaded once."""
    file = tmp_path_factory.mktemp("founded") / "tracker.db"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    seed(engine, open_clock(engine)())
    engine.dispose()
    return file


def taken(engine: Engine, format: str, table: Path, **given: str) -> Imported:
    with table.open("rb") as file:
        lines = lines_of(file, load_format(format), given)
    terms = Terms("operator", open_clock(engine)(), as_learnt=True, behind=True)
    return load(engine, lines, terms)


def test_every_cell_of_every_real_vintage_is_answered_as_it_was_published(engine: Engine) -> None:
    table = real("tradewartracker/country-by-time.vintages.csv")
    imported = taken(engine, "tradewartracker-vintages", table)
    assert (imported.new, imported.events) == (21, 21)
    cells: dict[str, dict[tuple[str, str], float]] = {}
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            cell = (row["country_name"], row["valid_date"])
            cells.setdefault(row["recorded_at"], {})[cell] = float(row["effective_tariff_pct"])
    names = {"EUROPEAN UNION": "EU", "JAPAN": "JP", "CHINA": "CN", "KOREA, SOUTH": "KR", "BRAZIL": "BR"}
    zone, checked = ZoneInfo("America/New_York"), 0
    with reading(engine) as connection:
        for number, vintage in enumerate(sorted(cells, key=datetime.fromisoformat), start=1):
            rows = segments.of_subject(connection, "measure:us-average-duty", imported.start + number)
            courses: dict[str, list[Any]] = {}
            for row in rows:
                courses.setdefault(row.lane.target, []).append(row.segment)
            for (name, day), percent in cells[vintage].items():
                at = datetime.fromisoformat(day).replace(tzinfo=zone)
                if name in names:
                    (held,) = [
                        s.state["rate"][0].value for s in courses[names[name]] if s.start <= at < s.end
                    ]
                    assert held["percent"] == pytest.approx(percent, abs=1e-6), (vintage, name, day)
                    checked += 1
    assert checked == 5 * sum(len({day for _, day in held}) for held in cells.values())


@pytest.mark.parametrize(
    ("format", "table", "given", "new"),
    [
        ("tradewartracker-actions", "tradewartracker/README.tariff_events.extracted.csv", "2025-08-20", 1),
        ("budget-lab-revisions", "budget-lab/config__revision_dates.csv", "2026-05-01", 1),
        (
            "budget-lab-timing",
            "budget-lab/policy_timing.timing_discrepancy_log.extracted.csv",
            "2026-05-01",
            1,
        ),
        ("developments", "developments-2025-01-to-08.csv", None, 66),
    ],
)
def test_a_real_table_is_imported_once(
    engine: Engine, format: str, table: str, given: str | None, new: int
) -> None:
    asked = {"published": given} if given else {}
    first, again = (taken(engine, format, real(table), **asked) for _ in range(2))
    assert (first.new, again.new, again.before) == (new, 0, new)
    with reading(engine) as connection:
        assert log.position(connection) == first.end


def test_real_sources_are_caught_where_they_differ_from_the_record(engine: Engine) -> None:
    """A label on the wrong revision, a threat stored as if it were law, a rate dated by its announcement."""
    taken(
        engine, "tradewartracker-vintages", real("tradewartracker/country-by-time.vintages.csv"),
    )  # fmt: skip
    taken(
        engine, "budget-lab-revisions", real("budget-lab/config__revision_dates.csv"), published="2026-05-01"
    )
    with reading(engine) as connection:
        at = read.point(connection, now=open_clock(engine)(), zone="America/New_York")
        found, _ = disputes.disputes(connection, at, Sought())
        of_china = Sought(source="tradewartracker", partner="CN")
        asked = read.point(connection, now=open_clock(engine)(), zone="America/New_York", as_of="2025-11-01")
        (said,), _ = accounts.statements(
            connection, asked, of_china, accounts.said_by("2025-10-15", asked, "by")
        )
    assert said.state["rate"]["percent"] == pytest.approx(94.54, abs=0.01), "the threat of October"
    by_place = {
        (one.theirs.source, one.partner, one.title, one.scope, str(one.starts)[:10]): one for one in found
    }
    cars = by_place["budget-lab", "everyone", "Section 232 tariff on cars and parts", "cars", "2025-03-12"]
    assert (cars.kind, str(cars.ours.since)[:10]) == ("dates", "2025-04-03")
    average = [one for one in found if one.kind == "bounds" and one.partner == "CN"]
    assert ("2025-02-04", "2025-03-04") in [(str(one.starts)[:10], str(one.ends)[:10]) for one in average]
    assert not [one for one in found if one.kind == "bounds" and one.beyond_coverage]
