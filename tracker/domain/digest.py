"""A digest: the difference between two states of knowledge, told once.

Let S(d, k) be the state at world time d as known at position k; the last edition stands at (d1, k1), this at (d2, k2).

    by time         every transition in (d1, d2] as known at k1: took effect (or fell through, as known at k2)
    by knowledge    what the events after k1 changed, over all of world time: new, or added late
    the past        what repairs of our own record changed: corrected, withdrawn
    restated

plus what is coming up. Knowledge grows commit by commit, and what a commit changed is the difference of the two
states around it; so whoever follows the lines of all editions arrives at the state of today. Each development with
news in the window stands in one entry. Everything here is pure.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.closing import REPAIRED
from tracker.domain.edition import Edition, Entry, Kind, about
from tracker.domain.history import Change, Key, checked_days
from tracker.domain.moves import Moves
from tracker.domain.news import News, Said, Story, grouped, news, returned, unsaid
from tracker.domain.telling import Frame, Mended, Telling, ToldOn
from tracker.domain.watched import Watched


def tell(
    frame: Frame,
    watched: Sequence[Watched],
    stories: Sequence[Story],
    moved: Moves,
    causes: Mapping[int, Said],
    told_on: ToldOn,
) -> Edition:
    """The edition between two marks. ``causes``: all events of the developments behind ``moved``, by position.
    ``told_on``: the editions that told its readers of a development, where any did."""
    telling = Telling(frame, watched, told_on)
    found = news(watched, stories, frame.since.position, frame.until.position, frame.scope.everybody)
    back = returned(watched, found, frame.since.position, frame.until.position)
    entries = [telling.entry(group, back) for group in grouped(found, back, frame.since)]
    mended = _mended(found, [entry for entry in entries if entry.kind in REPAIRED and not entry.quiet])

    def of(kind: Kind) -> list[Entry]:
        return [entry for entry in entries if entry.kind == kind]

    names = {who.code: who.name for who in watched}
    edition = Edition(
        day=frame.day, zone=frame.zone, scope=frame.scope, about=about(frame.scope, names), partners=[*names],
        since=frame.since, until=frame.until,
        took_effect=telling.moved("took_effect", _together(moved.took_effect, moved.reached), causes),
        fell_through=telling.moved("fell_through", moved.fell_through, causes, mended),
        new=of("new"), late=of("late"), corrected=of("corrected"), withdrawn=of("withdrawn"),
        coming=telling.moved("coming", moved.coming, causes), unchecked=_unchecked(frame, watched),
        editorial=sum(_editorial(story, frame.since.position) for story in stories),
    )  # fmt: skip
    return telling.brought_up(edition)


def _together(*parts: Mapping[str, list[Change]]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for part in parts:
        for code, changes in part.items():
            found.setdefault(code, []).extend(changes)
    return found


def _mended(found: Sequence[News], entries: Sequence[Entry]) -> Mended:
    """What these entries tell of the items of developments that were repaired."""
    told = {entry.development for entry in entries}
    mended: dict[tuple[str, str, Key], list[tuple[datetime, datetime]]] = {}
    for one in found:
        if one.first.development in told:
            for code, patches in one.changes.items():
                for change in [patch.change for patch in patches]:
                    spans = mended.setdefault((one.first.development, code, change.key), [])
                    spans.append((change.start, change.end))
    return mended


def _editorial(story: Story, since: int) -> bool:
    fresh = [said for said in story if said.position > since]
    return bool(fresh) and fresh[0].position != story[0].position and unsaid(story, fresh)


def _unchecked(frame: Frame, watched: Sequence[Watched]) -> list[str]:
    """The partners whose record has not been checked for news up to the day before, with the day up to which it was."""
    found: dict[str, list[str]] = {}
    yesterday = frame.until.as_of.astimezone(ZoneInfo(frame.zone)).date() - timedelta(days=1)
    for who in watched:
        seen = who.known(frame.until.position)
        days = checked_days(row for key in seen.keys for row in seen.rows(key))
        if (last := days.get(who.code, "")) < yesterday.isoformat():
            found.setdefault(last, []).append(who.name)
    return [
        f"{'all partners' if frame.scope.everybody and len(names) == len(watched) > 4 else ', '.join(names)} "
        + (f"(through {words.stated(last)})" if last else "(not at all)")
        for last, names in sorted(found.items())
    ]
