"""What an event paints: its effects as intervals of fields, ready for the fold.

An effect paints [start, end) of the lanes that its target, scope and basis select. This is the one place where
the meaning of each event type becomes state; the type checker asks for every new type here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, assert_never

import msgspec

from tracker.domain.errors import invalid
from tracker.domain.events import (
    AgreementEvent,
    AssessmentPublished,
    BlocJoined,
    BlocLeft,
    ClaimClosed,
    ClaimEffect,
    ClaimEvent,
    CriterionAssessed,
    DeadlineEvent,
    Effect,
    Logged,
    MeasureAnnounced,
    MeasureEffect,
    MeasureEnded,
    MeasureEvent,
    MeasureThreatened,
    ObjectivesSet,
    PartnerChecked,
    PartnerProfiled,
    PartnerRegistered,
    RiskAssessed,
    RulingEffect,
    RulingIssued,
    ScopeDefined,
    TalksEvent,
    Told,
    actor_of,
    kind_of,
    parties_of,
)
from tracker.domain.when import BEGINNING, FOREVER, Moment, moment, stated_at, zone_of

Spoken = TypeVar("Spoken", MeasureEffect, ClaimEffect)

INSTRUMENT = "instrument"
ANY_BASIS = ""
ABOUT = "about"
"""The aspect that says what a subject is, over all of time."""
EVERYONE, EACH_OF = "everyone", "each_of"
NESTED = ("exemptions", "ratified")
"""Fields whose entries live and change one by one; each becomes a field of its own, ``exemptions.usmca``."""


class Paint(NamedTuple):
    """Fields over an interval. ``scope`` None means all scopes; ``basis`` '' means any. ``there``: only where the
    subject has such lanes already. ``weak``: not where the measure applies or is paused already."""

    target: str
    aspect: str
    start: datetime
    end: datetime
    fields: Mapping[str, Any]
    scope: str | None = ""
    basis: str = INSTRUMENT
    excepted: tuple[str, ...] = ()
    there: bool = False
    weak: bool = False


def paints(told: Told, event: Logged) -> list[Paint]:
    """The effects of an event as intervals; Refused (code ``invalid``) where a date makes no sense. Beside them what
    was stated less precisely than by the day, under the instant that it stands for (``when.stated``)."""
    dates = _Dates(told, event.subject)
    found = [p for p in _paints(dates, event) if p.start < p.end and p.fields]
    return [*found, Paint("", ABOUT, BEGINNING, FOREVER, dates.vague)] if found and dates.vague else found


class _Dates:
    """Reads the dates of one event: its announcement, and intervals that default to it."""

    def __init__(self, told: Told, subject: str) -> None:
        self.zone = told.zone or zone_of(actor_of(subject))
        self.vague: dict[str, str] = {}
        self.announced = self._at(told.announced, "announced")

    def start(self, text: str | None) -> datetime:
        return self.announced if text is None else self._at(text, "from")

    def _at(self, text: str, pointer: str) -> datetime:
        found = read(text, self.zone, pointer)
        if found.vague:
            self.vague[stated_at(found.at)] = text.strip()
        return found.at

    def interval(self, effect: Effect) -> tuple[datetime, datetime]:
        start = self.start(effect.from_)
        end = FOREVER if effect.until is None else self._at(effect.until, "until")
        if end <= start:
            raise invalid(
                "until",
                f"until {effect.until} is not after the start ({effect.from_ or 'the announcement'}): "
                "an effect holds over [from, until); give a later 'until', or an earlier 'from'",
            )
        return start, end


def announced(told: Told, subject: str) -> Moment:
    """When the world was told, as an instant with its precision."""
    return read(told.announced, told.zone or zone_of(actor_of(subject)), "announced")


def read(text: str, zone: str, pointer: str) -> Moment:
    """A logged date, or a refusal that names the field."""
    name = pointer.rpartition("/")[2]
    if not text.isascii():  # digits of other scripts would count as digits
        raise invalid(pointer, f"{name}: {text!r} is not a date: write it in the digits 0 to 9")
    try:
        return moment(text, zone)
    except ValueError as error:
        raise invalid(pointer, f"{name}: {error}") from None


def _paints(dates: _Dates, event: Logged) -> Iterator[Paint]:
    match event:
        case MeasureEvent():
            yield from _about(event.about)
            stated: list[Paint] = []
            for effect in event.effects:
                painted = _measure(dates, event, effect)
                if isinstance(event, MeasureAnnounced):
                    yield from _lead(dates.announced, painted, stated)
                yield painted
                stated.append(painted)
        case RulingIssued():
            yield from _about(event.about)
            aspect, scope = ("state", None) if kind_of(event.subject) == "measure" else ("legal", "")
            for ruled in event.effects:
                yield _targeted(dates, ruled, aspect, _fields(ruled.set), scope)
        case AgreementEvent():
            yield from _about(event.about)
            yield from _agreement(dates, event)
        case ClaimClosed():
            for closing in event.effects:
                yield from _closed(dates, event, closing)
        case ClaimEvent():
            for said in event.effects:
                stood, dated = _named(dates, said)
                fields = _implied(type(event)) | dated | _fields(said.set)
                yield _targeted(dates, stood, "claim", fields, basis=f"claim:{event.claim}")
        case PartnerRegistered() | ScopeDefined():
            yield from _about(event.about)
        case PartnerProfiled():
            yield _own(event, "profile", dates.start(event.from_), _fields(event.set))
        case BlocJoined():
            yield _own(event, f"membership:{event.bloc}", dates.start(event.from_), {"member": True})
        case BlocLeft():
            yield _own(event, f"membership:{event.bloc}", dates.start(event.from_), {"member": None})
        case ObjectivesSet():
            yield from _objectives(event, dates.start(event.from_))
        case CriterionAssessed():
            yield _own(event, f"criterion:{event.criterion}", dates.start(event.from_), _fields(event.set))
        case RiskAssessed():
            yield _own(event, f"risk:{event.risk}", dates.start(event.from_), _fields(event.set))
        case TalksEvent():
            fields = _implied(type(event)) | _fields(event.set)
            yield _own(event, "talks", dates.start(event.from_), fields)
        case DeadlineEvent():
            fields = _implied(type(event)) | _fields(event.set)
            if "due" in fields:
                due = fields["due"]
                fields["due_at"] = due and int(read(due, dates.zone, "set/due").at.timestamp())
            yield _own(event, f"deadline:{event.deadline}", dates.announced, fields)
        case AssessmentPublished():
            fields = {"by": event.by, "text": event.text}
            yield _own(event, f"assessment:{event.assessment}", dates.announced, fields)
        case PartnerChecked():
            read(event.through, dates.zone, "through")
            yield _own(event, "checked", dates.announced, {"through": event.through})
        case _:
            assert_never(event)


def _measure(dates: _Dates, event: MeasureEvent, effect: MeasureEffect) -> Paint:
    basis = f"claim:{event.claim}" if event.claim else INSTRUMENT
    if isinstance(event, MeasureEnded) and not event.claim:
        basis = ANY_BASIS
    own = _fields(effect.set)
    if isinstance(event, MeasureThreatened):
        effect, dated = _named(dates, effect)
        own = {"outcome": None} | dated | own
    if isinstance(own.get("review_on"), str):
        read(own["review_on"], dates.zone, "set/review_on")
    if "awaits" in own and own["awaits"] is None:
        own["pending"] = None
    if own.get("awaits") is not None and effect.from_ is None and not event.claim:
        own = own | {"status": "announced"} if event.leads else {"awaits": own.pop("awaits"), "pending": own}
    else:
        own = _implied(type(event)) | own
    return _targeted(dates, effect, "state", own, effect.scope, basis)


def _closed(dates: _Dates, event: ClaimClosed, effect: ClaimEffect) -> Iterator[Paint]:
    """A claim is closed where it was made: as a statement, or as what a threat or an account says of its subject.
    Closed for everyone, it is closed for all whom it names."""
    target = EACH_OF if effect.target == EVERYONE else effect.target
    fields = _fields(effect.set)
    closing = _targeted(dates, effect, "claim", fields)
    closing = closing._replace(target=target, basis=f"claim:{event.claim}", there=True)
    yield closing
    over = {"status": "ended"} if kind_of(event.subject) == "measure" else {}
    if fields.get("outcome", "open") not in ("open", None):
        fields = {name: fields[name] for name in ("outcome", "text") if name in fields} | over
        yield closing._replace(aspect="state", scope=None, fields=fields)


def _named(dates: _Dates, effect: Spoken) -> tuple[Spoken, dict[str, Any]]:
    """What is said stands from the day it is said; the dates that it names are part of what it says."""
    dates.interval(effect)
    named: dict[str, Any] = {}
    if effect.from_ is not None:
        named |= {"starts": effect.from_, "starts_at": int(dates.start(effect.from_).timestamp())}
    if effect.until is not None:
        named["ends"] = effect.until
    return msgspec.structs.replace(effect, from_=None, until=None), named


def _lead(announced: datetime, painted: Paint, stated: Sequence[Paint]) -> Iterator[Paint]:
    """``announced`` from the announcement until the effect starts, but for the time over which an earlier effect
    of the event says more: while the first step applies, the second is not what the status tells. Nor is it where the
    measure is in force already, and this announces another rate."""
    at, announcing = announced, painted._replace(fields={"status": "announced"}, weak=True)
    for other in sorted((p for p in stated if _may_meet(p, painted)), key=lambda p: p.start):
        yield announcing._replace(start=at, end=min(other.start, painted.start))
        at = max(at, other.end)
    yield announcing._replace(start=at, end=painted.start)


def _may_meet(a: Paint, b: Paint) -> bool:
    """Whether two paints of one event may land on the same lane."""
    return (a.target == b.target or EACH_OF in (a.target, b.target)) and (
        a.scope == b.scope or None in (a.scope, b.scope)
    )


def _agreement(dates: _Dates, event: AgreementEvent) -> Iterator[Paint]:
    basis = f"claim:{event.claim}" if event.claim else INSTRUMENT
    implied = _implied(type(event))
    stated = [("state", dates.interval(e), implied | _fields(e.set)) for e in event.effects]
    if implied and not event.effects:
        stated.append(("state", (dates.announced, FOREVER), implied))
    stated += [(f"provision:{p.provision}", dates.interval(p), _fields(p.set)) for p in event.provisions]
    for aspect, (start, end), fields in stated:
        if isinstance(fields.get("due"), str):
            read(fields["due"], dates.zone, "set/due")
        for party in parties_of(event.subject):
            yield Paint(party, aspect, start, end, fields, basis=basis)


def _objectives(event: ObjectivesSet, start: datetime) -> Iterator[Paint]:
    fields = _fields(event.set)
    criteria, risks = fields.pop("criteria", {}), fields.pop("risks", {})
    if fields:
        yield _own(event, "focus", start, fields)
    for key, text in criteria.items():
        yield _own(
            event,
            f"criterion:{key}",
            start,
            {"text": text} | ({"standing": "open"} if text else {"standing": None}),
        )
    for key, text in risks.items():
        yield _own(
            event,
            f"risk:{key}",
            start,
            {"text": text} | ({"standing": "open"} if text else {"standing": None}),
        )


def _about(about: Any) -> Iterator[Paint]:
    if about is not None:
        yield Paint("", ABOUT, BEGINNING, FOREVER, _fields(about))


def _own(event: Logged, aspect: str, start: datetime, fields: Mapping[str, Any]) -> Paint:
    """A paint on the partner's own lane."""
    return Paint(actor_of(event.subject), aspect, start, FOREVER, fields)


def _targeted(
    dates: _Dates,
    effect: MeasureEffect | RulingEffect | ClaimEffect,
    aspect: str,
    fields: Mapping[str, Any],
    scope: str | None = "",
    basis: str = INSTRUMENT,
) -> Paint:
    start, end = dates.interval(effect)
    return Paint(effect.target, aspect, start, end, fields, scope, basis, tuple(sorted(effect.except_)))


def _fields(state: msgspec.Struct) -> dict[str, Any]:
    """A patch as plain fields: what is left out is absent, what is null is None, nested entries stand alone."""
    fields = {**_defaults(type(state)), **msgspec.to_builtins(state)}
    for name in NESTED:
        if name in fields:
            fields |= {f"{name}.{key}": entry for key, entry in fields.pop(name).items()}
    return fields


@lru_cache
def _defaults(state: type[msgspec.Struct]) -> dict[str, Any]:
    """What a state says where it is left out: the kind of a measure, say."""
    defaults = {field.name: field.default for field in msgspec.structs.fields(state)}
    return {n: value for n, value in defaults.items() if value not in (msgspec.UNSET, msgspec.NODEFAULT)}


@lru_cache
def _implied(event: type[Any]) -> dict[str, Any]:
    """The fields that a type of event says by itself."""
    return _fields(event.implies)
