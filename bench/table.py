"""The table: on the terminal, as Markdown for the README, and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.measuring import OURS, RAW, Row

BARE = "bare handler"
SHORT = {
    "raw driver": "raw driver", "SQLAlchemy Core": "Core", "eventsourcing recorder": "ES recorder",
    "eventsourcing aggregate": "ES aggregate", "Emmett": "Emmett", OURS: "this project",
}  # fmt: skip
"""The columns. What is compared with another subject than the raw driver stands in the driver's column, named."""
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEADINGS = ["work", "on", *SHORT.values(), "goals", "met"]
MEMORY = "MiB at most"
"""The unit of what is looked at once only."""
MET = {True: "yes", False: "**no**", None: "?"}


def cells(row: Row) -> list[str]:
    """The work, the figures (the raw driver's as it is, the others' in terms of it), the goals, and if they are met."""
    first = RAW if RAW in row.figures else BARE
    figures = []
    for name in SHORT:
        column = first if name == RAW else name
        if column in row.figures:
            ratio = row.ratio(name, first) if name != RAW else None
            figures.append(f"{_reached(ratio)} ×" if ratio is not None else _figure(row, column))
        else:
            figures.append("left out" if column in row.left_out else "")
    goals = [f"{goal.text}: {_reached(goal.reached)}" for goal in row.goals]
    return [row.work, row.database, *figures, "; ".join(goals), " ".join(MET[goal.met] for goal in row.goals)]


def _figure(row: Row, name: str) -> str:
    value = row.figures[name].value
    said = f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return f"{said} {row.unit}" + (" (bare handler)" if name == BARE else "")


def _reached(value: float | None) -> str:
    if value is None:
        return "left out"
    return (
        f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.{2 if value >= 0.095 else 3}f}"
    )


def show(console: Console, facts: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Print it, and what was noted."""
    table = Table(*HEADINGS, title=" · ".join(facts.values()), show_lines=True)
    for row in rows:
        table.add_row(*(cell.replace("**", "") for cell in cells(row)))
    console.print(table)
    for line in notes(rows):
        console.print(line)


def notes(rows: Sequence[Row]) -> list[str]:
    """What was noted and what was left out, each once."""
    said = [f"{row.work}, {row.database}: {note}" for row in rows for note in row.notes]
    left = {
        f"left out on {row.database}: {name}: {why}" for row in rows for name, why in row.left_out.items()
    }
    hasty = [
        f"{row.work}, {row.database}: {len(its.all)} round{'s' * (len(its.all) > 1)} only"
        for row in rows
        for name, its in row.figures.items()
        if name == OURS and row.unit != MEMORY and len(its.all) < 3
    ]
    return [*said, *hasty, *sorted(left)]


def markdown(facts: Mapping[str, str], rows: Sequence[Row]) -> str:
    """The table and its notes."""
    lines = [" · ".join(facts.values()) + ".", "", _line(HEADINGS), _line(["---"] * len(HEADINGS))]
    lines += [_line(cells(row)) for row in rows]
    return "\n".join([*lines, "", *(f"- {note}" for note in notes(rows))])


def brief(rows: Sequence[Row]) -> str:
    """For the README: what this project reaches, a line a work, in terms of the others where there are any."""
    databases = list(dict.fromkeys(row.database for row in rows))
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if OURS in row.figures:
            found.setdefault(row.work, {})[row.database] = _against(row)
    lines = [_line(["work", *databases]), _line(["---"] * (len(databases) + 1))]
    lines += [_line([work, *(its.get(name, "") for name in databases)]) for work, its in found.items()]
    return "\n".join(lines)


def _against(row: Row) -> str:
    ratios = {name: row.ratio(OURS, name) for name in (RAW, BARE, *list(SHORT)[3:5])}
    said = [f"{_reached(ratio)} × {name}" for name, ratio in ratios.items() if ratio is not None]
    return ", ".join([_figure(row, OURS), *said])


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def put_into(file: Path, text: str) -> None:
    """Write it between the markers of a file."""
    before, begin, rest = file.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{file} has no markers {BEGIN} and {END}: put them where the table is to stand")
    file.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


def write_json(file: Path, facts: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Everything that was measured: all runs, ratios to the raw driver, goals."""
    said = [{**asdict(row), "ratios": {name: row.ratio(name) for name in row.figures}} for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = {"machine": facts, "rows": said}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
