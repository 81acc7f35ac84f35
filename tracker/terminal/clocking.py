"""The clock, on a screen."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.domain.errors import invalid
from tracker.domain.when import moment
from tracker.store import clock as kept
from tracker.store.engine import writing
from tracker.terminal import opening, showing

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def clock(forward: str | None, to: str | None, as_json: bool) -> None:
    """What time it is; later, where asked."""
    with opening.to_record() as opened:
        now = opened.clock()
        if forward is not None or to is not None:
            by = _span(forward) if forward is not None else _instant(to or "", opened.zone) - now
            with writing(opened.engine) as connection:
                now = kept.forward(connection, by)
    if as_json:
        showing.json({"now": now})
    else:
        local = now.astimezone(ZoneInfo(opened.zone))
        showing.line(f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S} ({opened.zone})")


def _span(text: str) -> timedelta:
    found = re.findall(r"(\d{1,6})([dhms])", text)
    if not found or "".join(n + unit for n, unit in found) != text:
        raise invalid("--forward", f"--forward: {text!r} is no span: write 1d, 36h, 90m or 1d12h")
    return timedelta(**{UNITS[unit]: int(n) for n, unit in found})


def _instant(text: str, zone: str) -> datetime:
    try:
        return moment(text, zone).at
    except ValueError:
        raise invalid("--to", f"--to: {text!r} is no instant: write it as 2025-09-03T08:00-04:00") from None
