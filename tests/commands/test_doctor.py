"""``tracker doctor``: faults end with 1, chores do not."""

import sqlite3
from pathlib import Path

import msgspec
from prompt import Run


def test_a_sound_record_with_chores_ends_well(seeded: Run) -> None:
    said = seeded("doctor", "--as-of", "2025-08-31")
    assert "chain whole" in said.out
    assert "Deadlines that have passed (1)" in said.out
    assert "deadline.closed partner:GB" in said.out
    told = msgspec.json.decode(seeded("doctor", "--json", "--partner", "gb", "--as-of", "2025-08-31").out)
    assert told["sound"] is True
    assert {"deadline", "review"} <= {one["kind"] for one in told["items"]}


def test_a_log_that_was_changed_is_a_fault(seeded: Run, surroundings: Path) -> None:
    with sqlite3.connect(surroundings / "var" / "tracker.db") as database:
        database.execute("DROP TRIGGER events_no_update")
        database.execute("UPDATE events SET body = replace(body, 'title', 'titel') WHERE position = 3")
    changed = seeded("doctor", code=1)
    assert "position " in changed.err


def test_a_schema_that_is_behind_is_a_fault(seeded: Run, surroundings: Path) -> None:
    with sqlite3.connect(surroundings / "var" / "tracker.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    assert "any command that records migrates it" in seeded("doctor", code=1).err
