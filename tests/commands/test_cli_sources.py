"""A table of somebody else's at the prompt: imported, asked about, compared."""

from pathlib import Path

import msgspec
import pytest
from prompt import Run

from tracker.web.api.conflicts import Conflicts
from tracker.web.api.statements import Statements

REVISIONS = """revision,effective_date,policy_effective_date,policy_event
a,2025-03-12,NA,232 Autos (25%)
b,2025-05-02,NA,NA
c,2025-06-06,2025-06-04,232 steel/aluminum 50%
"""


@pytest.fixture
def table(tmp_path: Path) -> str:
    file = tmp_path / "revisions.csv"
    file.write_text(REVISIONS, "utf-8")
    return str(file)


def test_a_table_is_rehearsed_imported_once_and_compared(seeded: Run, table: str) -> None:
    taken = ["import", table, "--format", "budget-lab-revisions", "--given", "published=2025-07-01"]
    assert "Nothing was recorded. 1 would be, as 3 events" in seeded(*taken, "--dry-run").out
    assert "Recorded 1 as 3 events" in seeded(*taken).out
    assert "1 recorded before, 0 new" in seeded(*taken).out

    asked = ["--source", "budget-lab", "--subject", "measure:us-232-autos", "--as-of", "2025-04-01"]
    found = msgspec.json.decode(seeded("statements", *asked, "--json").out, type=Statements)
    assert [(one.by, one.scope) for one in found.items] == [("The Budget Lab at Yale", "cars")]
    assert "rate 25%" in seeded("statements", *asked).out
    assert "Nobody says anything of it." in seeded("statements", *asked, "--said-by", "2025-06-30").out

    report = msgspec.json.decode(seeded("conflicts", "--source", "budget-lab", "--json").out, type=Conflicts)
    assert [(one.kind, one.scope, one.holds) for one in report.items] == [("dates", "cars", False)]
    said = " ".join(seeded("conflicts", "--source", "budget-lab").out.split())
    assert "has 25% in force from 12 March 2025, our record 25% in force from 3 April 2025" in said
    assert "No source contradicts" in seeded("conflicts", "--source", "budget-lab", "--now").out


def test_a_table_that_cannot_be_read_is_refused_in_a_line(seeded: Run, table: str, tmp_path: Path) -> None:
    Path(table).write_text(REVISIONS.replace("2025-03-12", "12/3"), "utf-8")
    taken, given = [table, "--format", "budget-lab-revisions"], ["--given", "published=2025-07-01"]
    for arguments, said in (
        (taken, "the table does not say when this list was published"),
        ([*taken, *given], "line 2: from: '12/3' is not a date of the form %Y-%m-%d"),
        ([*taken, "--given", "x"], "'x' is no NAME=VALUE"),
        ([table, "--format", "none-such"], "'none-such' is no mapping file"),
        ([table, *given], "--given goes with --format"),
    ):  # fmt: skip
        assert said in seeded("import", *arguments, code=2).err
    assert "is not a point in time" in seeded("statements", "--said-by", "soon", code=2).err
