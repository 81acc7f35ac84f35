"""The benchmark runs, on small boxes and without its peers; what it measures is judged by people."""

from pathlib import Path

import pytest

from bench.databases import Place
from bench.history import BEGINS, NOW, SHORT_LIVES, STEP, story
from bench.measuring import OURS, RAW, Figure, Plan, Row, Work
from bench.table import BEGIN, END, markdown, put_into, write_json
from bench.works import WORKS, competing

TINY = Plan(
    folder=Path(), box=0.02, rounds=1, patience=0, file=50, events=200, sizes=(60, 120), long=20, subscriptions=10,
    scopes=4, names=(RAW, OURS),
)  # fmt: skip


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.TITLE)
def test_every_work_is_measured(work: Work, tmp_path: Path) -> None:
    plan = TINY.within(tmp_path)
    rows = work.measure(plan, Place("SQLite", tmp_path))
    assert rows
    for row in rows:
        assert row.figures
        assert all(figure.value > 0 for figure in row.figures.values())


def test_what_was_not_written_is_no_figure(tmp_path: Path) -> None:
    plan = TINY.within(tmp_path)
    with competing.competing(plan, Place("SQLite", tmp_path)) as (stores, _):
        run = stores[RAW].append(0.01)
        competing.checked({RAW: stores[RAW]}, {RAW: [run]})
        with pytest.raises(RuntimeError, match="are there"):
            competing.checked({RAW: stores[RAW]}, {RAW: [run, run]})


def test_a_ratio_compares_runs_of_the_same_round() -> None:
    slowed_down = {RAW: Figure.of([100, 10, 100]), OURS: Figure.of([50, 5, 40])}
    assert Row("append", "SQLite", "events/s", slowed_down).ratio(OURS) == 0.5


def test_an_event_has_about_six_hundred_bytes() -> None:
    facts = story(SHORT_LIVES)
    sizes = [len(next(facts).body) for _ in range(500)]
    assert 500 < sum(sizes) / len(sizes) < 700


def test_a_history_of_a_million_lies_in_the_past() -> None:
    assert BEGINS + 1_000_000 * STEP < NOW


def test_the_table_goes_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    rows = [Row("append", "SQLite", "events/s", {RAW: Figure.of([1000]), OURS: Figure.of([300])})]
    put_into(page, markdown({"cores": "2 cores"}, rows))
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "| append | SQLite | 1,000 events/s |" in text
    assert "0.30 ×" in text
    write_json(tmp_path / "bench.json", {"cores": "2 cores"}, rows)
    assert '"ratios"' in (tmp_path / "bench.json").read_text("utf-8")
