"""A record in memory: histories are decided, folded and kept as rows over positions, without a database."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from domain.given import NOW
from domain.histories import KEYS, SUBJECTS, Step, opening

from tracker.domain import decide
from tracker.domain.decide import Known
from tracker.domain.digest import tell
from tracker.domain.edition import Edition, Mark, Scope
from tracker.domain.errors import Refused
from tracker.domain.events import (
    Correction,
    Development,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Record,
    Withdrawal,
    concerned,
)
from tracker.domain.fold import Contribution, Lane, Place, Row, Segment, fold
from tracker.domain.moves import moves
from tracker.domain.news import Said
from tracker.domain.paint import EVERYONE, announced, paints
from tracker.domain.telling import Frame, Occasion
from tracker.domain.watched import Watched

BELIEVED = 2**62
CODES = ("GB", "MX", "CN", "EU")
MINUTE = timedelta(minutes=1)
CLAIMS = [Lane("GB", "", f"claim:{key}", "claim") for key in ("threat", *KEYS)]
"""Every claim that a history may close is one."""


class Book:
    """What was recorded, and what was believed from which position to which."""

    def __init__(self) -> None:
        self.said: list[Said] = []
        self.rows: list[Row] = []
        self.ends: list[int] = [0]
        self.developments: list[str] = []
        self._current: dict[str, dict[tuple[Lane, datetime], tuple[Segment, int]]] = {}

    # ------------------------------------------------------------ recording

    def play(self, steps: Iterable[Step]) -> "Book":
        """Record a history; what is refused as nothing new is left out."""
        for step in steps:
            if step.kind == "log":
                self.log({**step.told, "events": [self._opened(event) for event in step.events]})
            elif step.kind == "correct":
                told = {**step.told, "events": [self._opened(event) for event in step.events]}
                self.correct(step.which, told)
            else:
                self.withdraw(step.which)
        return self

    def log(self, told: dict[str, Any]) -> str:
        id = f"development-{len(self.developments)}"
        self.developments.append(id)
        self._append(id, decide.log(msgspec.convert(told, Development), self._known))
        return id

    def correct(self, which: int, told: dict[str, Any], editorial: bool = False) -> None:
        id = self.developments[which]
        reason = "Our wording" if editorial else "We had it wrong"
        command = Correction(
            reason=reason, development=msgspec.convert(told, Development), editorial=editorial
        )
        with suppress(Refused):  # it says what the record says already
            self._append(id, decide.correct(id, command, self._standing(id), self._known))

    def withdraw(self, which: int, reason: str = "It never happened") -> None:
        id = self.developments[which]
        with suppress(Refused):  # it is withdrawn already
            self._append(id, decide.withdraw(id, Withdrawal(reason=reason), self._standing(id)))

    def _opened(self, event: dict[str, Any]) -> dict[str, Any]:
        return opening(event, "A title")

    @property
    def _known(self) -> Known:
        opened = [*SUBJECTS, *{said.subject for said in self.said}, *(f"partner:{code}" for code in CODES)]
        return Known(opened, lambda: opened, lambda _: CLAIMS)

    def _standing(self, id: str) -> decide.Standing:
        return decide.standing((said.told, said.event) for said in self.said if said.development == id)

    def _append(self, id: str, records: Sequence[Record]) -> None:
        first = len(self.said) + 1
        at = NOW + first * MINUTE
        for record in records:
            position = len(self.said) + 1
            self.said.append(
                Said(
                    position,
                    first,
                    f"event-{position}",
                    record.event.subject,
                    id,
                    at,
                    at,
                    record.told,
                    record.event,
                )
            )
            self._repaint(record.event.subject, position)
        self.ends.append(len(self.said))

    def _repaint(self, subject: str, position: int) -> None:
        old = self._current.get(subject, {})
        folded = {
            (lane, segment.start): segment
            for lane, segments in fold(self._contributions(subject)).items()
            for segment in segments
        }
        kept = {place: held for place, held in old.items() if folded.get(place) == held[0]}
        for place, (_, index) in old.items():
            if place not in kept:
                self.rows[index] = self.rows[index]._replace(known_until=position)
        new = dict(kept)
        for (lane, start), segment in folded.items():
            if (lane, start) not in kept:
                new[lane, start] = (segment, len(self.rows))
                self.rows.append(
                    Row(subject, concerned(subject, lane.target), lane, segment, position, BELIEVED)
                )
        self._current[subject] = new

    def _contributions(self, subject: str) -> list[Contribution]:
        latest: dict[str, tuple[Said, list[tuple[int, Any]]]] = {}
        for said in self.said:
            if said.subject != subject:
                continue
            match said.event:
                case DevelopmentCorrected():
                    latest[said.development] = (said, [(said.position, now) for now in said.event.now])
                case DevelopmentWithdrawn():
                    latest[said.development] = (said, [])
                case _:
                    latest.setdefault(said.development, (said, []))[1].append((said.position, said.event))
        original = {said.development: said.commit for said in reversed(self.said)}
        return [
            Contribution(
                Place(announced(said.told, subject).at, said.told.sequence, original[id]),
                [(position, paint) for position, event in events for paint in paints(said.told, event)],
            )
            for id, (said, events) in latest.items()
        ]

    # ------------------------------------------------------------ asking

    def watched(self, code: str, first: int, last: int) -> Watched:
        """A partner, with what concerns it."""
        blocs = {r.lane.aspect.partition(":")[2] for r in self.rows
                 if r.partner == code and r.lane.aspect.startswith("membership:")}  # fmt: skip
        whose = {code, EVERYONE, *blocs}
        rows = [r for r in self.rows if r.partner in whose and r.known_from <= last and r.known_until > first]
        return Watched(code, f"Land of {code}", rows, {})

    def edition(
        self,
        codes: Sequence[str],
        since: Mark,
        until: Mark,
        told_on: dict[str, str] | None = None,
        zone: str = "America/New_York",
    ) -> Edition:
        """The digest between two marks."""
        watched = [self.watched(code, since.position, until.position) for code in codes]
        moved = moves(watched, since, until)
        known = self.said[: until.position]
        fresh = {said.development for said in known[since.position :]}
        behind = {known[position - 1].development for position in moved.positions()}
        stories = {id: [said for said in known if said.development == id] for id in self.developments}
        causes = {said.position: said for id in fresh | behind for said in stories[id]}
        frame = Frame(
            scope=Scope(partners=list(codes)),
            day="2025-01-13",
            zone=zone,
            since=since,
            until=until,
        )
        return tell(
            frame,
            watched,
            [stories[id] for id in stories if id in fresh],
            moved,
            causes,
            {id: [Occasion(since.position, day)] for id, day in (told_on or {}).items()},
        )
