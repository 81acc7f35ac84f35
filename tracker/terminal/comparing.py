"""What sources say on a screen, and where they and our record disagree."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.views import Temporal
from tracker.domain.when import FOREVER
from tracker.read.accounts import Statement
from tracker.read.disputes import Conflict
from tracker.terminal import showing


def show_statements(found: Iterable[Statement], temporal: Temporal, by: datetime) -> None:
    """Print them, a row each."""
    zone = ZoneInfo(temporal.zone)
    showing.line(showing.point(temporal))
    if by < FOREVER:
        showing.line(f"As they had it by {words.day(by, zone)}.")
    rows = [
        (
            one.source, words.stated(one.said)[:60], words.name_of(one.partner),
            "\n  ".join([_what(one.title, one.scope), showing.state(one.state, leave_out=["title", "by"])]),
            showing.day(one.starts, zone) if one.starts else "", str(one.caused_by),
        )
        for one in found
    ]  # fmt: skip
    if not rows:
        showing.line("Nobody says anything of it.")
    showing.table(
        "source",
        "said on",
        "of",
        "what",
        "from",
        "event",
        firm=["source", "from", "event"],
        rows=rows,
        title="Said, and not law",
    )


def show_conflicts(found: Iterable[Conflict], temporal: Temporal) -> None:
    """Print them, those that our record covers first."""
    zone = ZoneInfo(temporal.zone)
    showing.line(showing.point(temporal))
    found = [*found]
    if not found:
        showing.line("No source contradicts the record, or another.")
    for title, beyond in (("Conflicts", False), ("Later than the record has been kept", True)):
        listed = [_conflict(one, zone) for one in found if one.beyond_coverage is beyond]
        if listed:
            showing.heading(title)
            showing.bullets(listed)


def _conflict(one: Conflict, zone: ZoneInfo) -> str:
    over = showing.when(one.starts, one.ends, zone).strip()
    about = f"{words.name_of(one.partner)}, {_what(one.title, one.scope)}, {over}"
    return f"{about}: {one.why} (sources: {one.theirs.tier or 'none'} / {one.ours.tier or 'none'})"


def _what(title: str, scope: str) -> str:
    return f"{title}, {words.scope_of(scope)}" if scope not in ("", "all-goods") else title
