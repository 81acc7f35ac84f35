"""What the log says of a subject: the developments that are folded, each in its latest version."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from tracker.domain.decide import Decided, decided
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, Told, concerned
from tracker.domain.fold import Contribution, Lanes, Place, Row, fold
from tracker.domain.paint import ABOUT, Paint, announced
from tracker.domain.paint import paints as painted_by
from tracker.domain.when import LAST
from tracker.projections.table import BELIEVED
from tracker.store import log
from tracker.store.log import StoredEvent


def readable_or_why(stored: StoredEvent) -> Decided | str:
    """What an event says and paints; or why this release cannot read it. While an event is recorded that cannot happen:
    what cannot be read then is refused."""
    try:
        return decided(stored.record)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rest of the log goes on
        return f"{type(error).__name__}: {error}"


def contributions(connection: Connection, subject: str, until: int) -> list[Contribution]:
    """What every development says of a subject, each in its latest version known at position ``until``."""
    return _said(connection, subject, log.of_subject(connection, subject, until)).contributions


def folded(connection: Connection, subject: str, events: Iterable[StoredEvent]) -> Lanes:
    """What a fold from scratch of all events of a subject gives."""
    return fold(_said(connection, subject, events).contributions)


class Said(NamedTuple):
    """What developments say of a subject, each in its latest version; and from when on any version does."""

    contributions: list[Contribution]
    since: datetime


def said_after(connection: Connection, event: StoredEvent, after: int) -> Said:
    """What the events of a subject say that were recorded after a position, up to this one."""
    return _said(connection, event.subject, log.back_from(connection, event, after))


def _said(connection: Connection, subject: str, events: Iterable[StoredEvent]) -> Said:
    latest: dict[str, tuple[Told, list[tuple[int, Paint]]]] = {}
    originals: dict[str, int] = {}
    since = LAST
    for stored in events:
        said = readable_or_why(stored)
        if isinstance(said, str):
            continue
        told, event, paints = said
        if isinstance(event, DevelopmentCorrected):
            paints = [paint for now in event.now for paint in painted_by(told, now)]
        new = [(stored.position, paint) for paint in paints]
        if isinstance(event, DevelopmentCorrected | DevelopmentWithdrawn):
            latest[stored.development] = (told, new)
        else:
            latest.setdefault(stored.development, (told, []))[1].extend(new)
            originals.setdefault(stored.development, stored.commit)
        since = min(since, paints_since(paints))
    if earlier := latest.keys() - originals.keys():
        originals |= log.originals(connection, earlier)
    return Said(
        [
            Contribution(Place(announced(told, subject).at, told.sequence, originals[development]), said)
            for development, (told, said) in latest.items()
        ],
        since,
    )


def paints_since(paints: Sequence[Paint]) -> datetime:
    """From when on paints look at what is believed. What a subject is, is one segment over all time: it is read
    whenever anything is."""
    return min((paint.start for paint in paints if paint.aspect != ABOUT), default=LAST)


def painted_over(
    connection: Connection, subject: str, original: int, until: int
) -> tuple[list[Row], list[Row]]:
    """What the developments say of a subject up to one's place in the order, without it and with it: the development
    whose first event has position ``original``, each in its latest version known at position ``until``."""
    said = contributions(connection, subject, until)
    place = next((c.place for c in said if c.place.position == original), None)
    below = [c for c in said if place is not None and c.place < place]
    mine = [c for c in said if c.place.position == original]
    return _course(subject, fold(below)), _course(subject, fold([*below, *mine]))


def _course(subject: str, folded: Lanes) -> list[Row]:
    return [
        Row(subject, concerned(subject, lane.target), lane, segment, 0, BELIEVED)
        for lane, held in folded.items()
        for segment in held
        if lane.aspect != ABOUT
    ]
