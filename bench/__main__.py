"""`make bench`: this project, the raw driver and its peers, in turn, in one run."""

import argparse
import os
import platform
import signal
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

from rich.console import Console

from bench.databases import Place, asked, places
from bench.measuring import Plan, Row
from bench.table import brief, markdown, put_into, show, write_json
from bench.works import WORKS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "speed.md"
BUILD = ROOT / "build" / "bench"
QUICK = Plan(
    folder=BUILD, box=0.1, rounds=3, patience=2, file=1000, events=5000, sizes=(1000, 10_000), long=1000,
    subscriptions=500, scopes=20,
)  # fmt: skip
USUAL = Plan(
    folder=BUILD, box=1, rounds=3, patience=10, file=5000, events=40_000, sizes=(1000, 10_000, 30_000), long=10_000,
    subscriptions=10_000, scopes=200,
)  # fmt: skip
FULL = Plan(
    folder=BUILD, box=2, rounds=7, patience=600, file=5000, events=200_000, sizes=(1000, 10_000, 100_000, 1_000_000),
    long=10_000, subscriptions=10_000, scopes=200,
)  # fmt: skip


def main() -> None:
    asked_for = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what was started is stopped, too
    plan = QUICK if asked_for.quick else FULL if asked_for.full else USUAL
    console = Console(stderr=True)
    rows: list[Row] = []
    with places(["SQLite"] if asked_for.quick else ["SQLite", "PostgreSQL"]) as found:
        facts = machine(found)
        for work in WORKS:
            if asked_for.only and work.TITLE.replace(" ", "-") not in asked_for.only:
                continue
            for place in found:
                begun = perf_counter()
                rows += work.measure(plan, place)
                console.print(f"{work.TITLE}, {place.kind}: {perf_counter() - begun:.0f} s", style="dim")
                write_json(BUILD.parent / "bench.json", facts, rows)
    out = Console()
    show(out if out.is_terminal else Console(width=200), facts, rows)
    if asked_for.readme:
        put_into(PAGE, markdown(facts, rows))
        put_into(ROOT / "README.md", brief(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute, SQLite only")
    parser.add_argument("--full", action="store_true", help="more rounds, and a log of a million events")
    parser.add_argument(
        "--readme", action="store_true", help="write the tables into README.md and docs/speed.md"
    )
    parser.add_argument("--only", action="append", metavar="WORK", help="measure one work alone")
    return parser.parse_args()


def machine(found: Sequence[Place]) -> Mapping[str, str]:
    """What it was measured on."""
    facts = {
        "cores": f"{os.cpu_count()} cores",
        "python": f"Python {platform.python_version()}",
        "sqlite": f"SQLite {sqlite3.sqlite_version}",
    }
    for place in found:
        if place.server:
            facts["postgresql"] = f"PostgreSQL {asked(place.server, 'SHOW server_version')}"
    return facts


if __name__ == "__main__":
    main()
