"""Changes as plain sentences, for what is read away from our pages: feeds and calendars."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker.domain import words
from tracker.domain.events import kind_of
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.views import ChangeView
from tracker.web.changes import Line, by_partner
from tracker.web.html import local, party, titled_by, upper_first

LONGEST = 320
"""Where a long remark is cut; the page has it whole."""
FEW = 6
"""As many partners or goods as are named of more."""


@dataclass(frozen=True, slots=True)
class Saying:
    """How changes are told: whose they may be (``followed``: everybody there is; ``alone``: one, who goes without
    saying), by which ``titles`` subjects are known, and in which ``zone`` hours are written."""

    followed: Collection[str]
    alone: str | None
    titles: Mapping[str, str]
    zone: ZoneInfo

    def sentences(
        self, changes: Mapping[str, Sequence[ChangeView]], told: datetime | None = None, begun: bool = False
    ) -> list[str]:
        """Changes, equal ones of several partners or goods in one sentence. What begins at ``told`` needs no date;
        ``begun``: nor does the beginning of any."""
        return [self._sentence(line, told, begun) for line in by_partner(changes)]

    def headlines(self, changes: Mapping[str, Sequence[ChangeView]]) -> list[str]:
        """The same without dates and terms."""
        bare = [
            replace(line, terms=[] if line.main else line.terms[:1], ends=None)
            for line in by_partner(changes)
        ]
        return [self._sentence(line, None, True) for line in bare]

    def _sentence(self, line: Line, told: datetime | None, begun: bool) -> str:
        head = ": ".join(part for part in (upper_first(self._whose(line)), self._about(line)) if part)
        said = cut(self.named("; ".join(line.main) or self._schedule(line)).rstrip("."))
        when = self._when(line, told, begun)
        terms = cut(self.named("; ".join(term.rstrip(".") for term in line.terms)))
        sentence = f"{head}: {said}" if head else upper_first(said)
        return sentence + (f", {when}" if when else "") + (f" ({terms})" if terms else "")

    def _whose(self, line: Line) -> str:
        if line.each:
            return f"{len(line.partners)} partners"
        return "" if line.partners == [self.alone] else self.whom(line.partners)

    def _about(self, line: Line) -> str:
        # Beside others it has to be said: "(potash)" alone would mean that the rest goes on as before.
        heads = [] if list(line.heads) == [words.scope_of(ALL_GOODS)] else line.heads
        about = some(heads, "; " if any(", " in head for head in heads) else ", ")
        if kind_of(line.subject) != "partner":
            said_already = not about or line.title.lower().endswith(f" {about}")
            about = line.title if said_already else f"{line.title} ({about})"
        return f"{about} (said, not law)" if line.claim and about else about

    def _schedule(self, line: Line) -> str:
        return some([f"{self.whom(codes)} {'; '.join(main)}" for codes, main in line.each], "; ")

    def whom(self, codes: Sequence[str]) -> str:
        """Partners by name: ``Canada, Mexico``; ``all partners`` where they all are."""
        if len(self.followed) > FEW and {*self.followed} <= {*codes}:
            return party("everyone")
        return some([party(code) for code in codes])

    def named(self, text: str) -> str:
        """A text with the titles of subjects where their keys stand in words."""
        return titled_by(text, self.titles)

    def _when(self, line: Line, told: datetime | None, begun: bool) -> str:
        starts = (
            "" if begun or line.starts == told else self._at(line.starts, line.subject, line.starts_stated)
        )
        ends = self._at(line.ends, line.subject, line.ends_stated)
        return " ".join(
            [
                *([words.bound(starts, "from")] if starts else []),
                *([words.bound(ends, "until")] if ends else []),
            ]
        )

    def day(self, at: datetime) -> str:
        """An instant on the tracker's clock: ``9 April 2025, 13:18 New York time``."""
        return self._at(at, "", None)

    def _at(self, at: datetime | None, subject: str, stated: str | None) -> str:
        if at is None or stated:
            return words.stated(stated) if stated else ""
        there = local(at, self.zone, subject)
        assert isinstance(there.tzinfo, ZoneInfo)
        shown = words.day(at, there.tzinfo)
        return f"{shown} {place(there.tzinfo)} time" if "," in shown else shown


def some(parts: Sequence[str], between: str = ", ") -> str:
    """A few of many: ``a, b and 3 more``."""
    if len(parts) <= FEW + 1:
        return between.join(parts)
    return f"{between.join(parts[:FEW])} and {len(parts) - FEW} more"


def cut(said: str) -> str:
    return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"


def place(zone: ZoneInfo) -> str:
    """``New York``."""
    return zone.key.rpartition("/")[2].replace("_", " ")
