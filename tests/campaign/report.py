"""The sizes of campaigns, and what they counted: docs/campaigns/NAME.json, quoted in docs/campaigns.md."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

DOCS = Path(__file__).parents[2] / "docs"
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "zones": "counted"}


def size(name: str, usual: int) -> int:
    """How often something is done: the variable of this name, as in ``make campaign KILLS=100``."""
    return int(os.environ.get(name) or usual)


def seed() -> str:
    """What decides all that is left to chance: the variable SEED, or a new one. It is printed, for a failure to be
    repeated."""
    chosen = os.environ.get("SEED") or token_hex(3)
    print(f"SEED={chosen}")  # noqa: T201
    return chosen


def report(name: str, database_url: str, seed: str, counts: Mapping[str, int]) -> None:
    """Keep what a campaign counted on one kind of database, and quote it."""
    file = DOCS / "campaigns" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    told: dict[str, Any] = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    kind = database_url.partition(":")[0].partition("+")[0]
    told[kind] = {"seed": seed, "counts": dict(sorted(counts.items()))}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(told, order="sorted"), indent=2) + b"\n")
    page = DOCS / "campaigns.md"
    page.write_text(quoted(page.read_text("utf-8"), name, told), "utf-8")


def quoted(page: str, name: str, told: Mapping[str, Any]) -> str:
    """The page with the table of this campaign as it is told."""
    block = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    table = "\n".join(_table(told))
    return re.sub(block, lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page, flags=re.DOTALL)


def _table(told: Mapping[str, Any]) -> list[str]:
    kinds = [kind for kind in NAMES if kind in told]
    rows = dict.fromkeys(row for kind in kinds for row in told[kind]["counts"])
    seeds = [f"`{told[kind]['seed']}`" for kind in kinds]
    return [
        _row("", *(NAMES[kind] for kind in kinds)),
        _row("---", *("---:" for _ in kinds)),
        *(_row(row, *(f"{told[kind]['counts'].get(row, 0):,}" for kind in kinds)) for row in rows),
        _row("seed", *seeds),
    ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
