"""Links that act: what settles a claim or carries out a promise says so of the claim and of the promise too.

``settles`` closes the claim it names, ``carries_out`` puts the provision it names in force (or closes the claim as
carried out), by further events of the same development. What the development says of them itself is left as it is.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches

from tracker.domain.errors import Problem
from tracker.domain.events import (
    AgreementEvent,
    ClaimClosed,
    ClaimEffect,
    Development,
    Effect,
    InvestigationOpened,
    Links,
    Logged,
    MeasureProposed,
    ProvisionChanged,
    ProvisionEffect,
    Told,
    actor_of,
)
from tracker.domain.fold import Lane
from tracker.domain.paint import INSTRUMENT
from tracker.domain.values import ClaimState, ProvisionState
from tracker.domain.when import moment, rfc3339, zone_of

CLAIM, PROVISION = "claim:", "provision:"
NONE = Links()


@dataclass(slots=True)
class Marks:
    """What a link can point at within a subject: claims, and provisions with the bases they are promised on."""

    claims: set[str] = field(default_factory=set)
    provisions: dict[str, set[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return sorted({*self.claims, *self.provisions})


Find = Callable[[str], Marks]


def finder(command: Development, lanes: Callable[[str], Collection[Lane]]) -> Find:
    """What there is to link to: on record (its ``lanes``, by subject), and in the development itself."""
    found: dict[str, Marks] = {}

    def marks(subject: str) -> Marks:
        if subject not in found:
            found[subject] = _marks(command, subject, lanes(subject))
        return found[subject]

    return marks


def _marks(command: Development, subject: str, lanes: Iterable[Lane]) -> Marks:
    held = Marks()
    for lane in lanes:
        if lane.basis.startswith(CLAIM):
            held.claims.add(lane.basis.removeprefix(CLAIM))
        if lane.aspect.startswith(PROVISION):
            held.provisions.setdefault(lane.aspect.removeprefix(PROVISION), set()).add(lane.basis)
    for event in command.events:
        if event.subject == subject:
            claim: str | None = getattr(event, "claim", None)
            if claim and not isinstance(event, ClaimClosed):
                held.claims.add(claim)
            for promise in getattr(event, "provisions", ()):
                basis = f"{CLAIM}{claim}" if claim else INSTRUMENT
                held.provisions.setdefault(promise.provision, set()).add(basis)
    return held


def linked(event: Logged) -> Iterator[tuple[str, str]]:
    """The links of an event, each with its name."""
    if event.links == NONE:
        return
    for name in event.links.__struct_fields__:
        for link in getattr(event.links, name):
            yield name, link


# ---------------------------------------------------------------- what is wrong with them


def problems(event: Logged, pointer: str, marks: Find) -> Iterator[Problem]:
    """Links of an event, to subjects on record, that lead to no claim and no provision there."""
    if isinstance(event, ClaimClosed) and event.claim not in marks(event.subject).claims:
        yield Problem(
            f"{pointer}/claim",
            _astray(f"{event.subject}#{event.claim}", "claim", marks(event.subject).claims),
        )
    for name, link in linked(event):
        subject, _, key = link.partition("#")
        held, at = marks(subject), f"{pointer}/links/{name}"
        if name == "settles" and key in held.provisions and key not in held.claims:
            yield Problem(at, f"{link} is a provision, which is not settled but carried out: use carries_out")
        elif name == "settles" and key not in held.claims:
            yield Problem(at, _astray(link, "claim", held.claims))
        elif "#" in link and key not in held.names:
            yield Problem(at, _astray(link, "claim and no provision", held.names))
        elif name == "carries_out" and getattr(event, "claim", None):
            yield Problem(
                at, f"what is only said carries nothing out: link {link} from the act of the instrument"
            )


def _astray(link: str, what: str, names: Collection[str]) -> str:
    subject, _, key = link.partition("#")
    near = get_close_matches(key, names, n=3, cutoff=0.6) or sorted(names)[:5]
    meant = f"did you mean {' or '.join(f'{subject}#{name}' for name in near)}?" if near else "it has none"
    if not key:
        return f"{link} names no {what}: write {subject}#...; {meant}"
    return f"{link} is no {what} on record; {meant}"


# ---------------------------------------------------------------- what they bring along


def brought(command: Development, told: Told, marks: Find) -> list[Logged]:
    """The events that the links of a development bring along."""
    spoken = {key for event in command.events for key in speaks_of(event)}
    found: list[Logged] = []
    for event in command.events:
        for name, link in linked(event):
            subject, _, key = link.partition("#")
            if not key or link in spoken or name not in ("settles", "carries_out"):
                continue
            provision = name == "carries_out" and key in marks(subject).provisions
            if provision:
                found += _carried_out(event, told, subject, key, marks(subject).provisions[key])
            else:
                outcome = "settled" if name == "settles" else "carried_out"
                effect = ClaimEffect(set=ClaimState(outcome=outcome))  # type: ignore[arg-type]
                found.append(ClaimClosed(subject=subject, claim=key, effects=[effect]))
            spoken.add(link)
    return found


def speaks_of(event: Logged) -> Iterator[str]:
    """The claims and provisions that an event itself says something of."""
    if claim := getattr(event, "claim", None):
        yield f"{event.subject}#{claim}"
    if isinstance(event, AgreementEvent):
        for promise in event.provisions:
            yield f"{event.subject}#{promise.provision}"


def _carried_out(
    event: Logged, told: Told, subject: str, key: str, bases: Collection[str]
) -> Iterator[ProvisionChanged]:
    """The provision is in force from when the event's first effect is; not yet, where that has no date."""
    if isinstance(event, InvestigationOpened | MeasureProposed):
        return
    effects: list[Effect] = [*getattr(event, "effects", ()), *getattr(event, "provisions", ())]
    dated = [e for e in effects if e.from_ or not getattr(getattr(e, "set", None), "awaits", None)]
    if effects and not dated:
        return
    zone = told.zone or zone_of(actor_of(event.subject))
    starts = [effect.from_ or told.announced for effect in dated]
    first = min(starts, key=lambda text: moment(text, zone).at, default=told.announced)
    since = (
        None if first == told.announced else _elsewhere(first, zone, told.zone or zone_of(actor_of(subject)))
    )
    for basis in [INSTRUMENT] if INSTRUMENT in bases else sorted(bases):
        promise = ProvisionEffect(provision=key, set=ProvisionState(status="in_force"), from_=since)
        claim = basis.removeprefix(CLAIM) if basis != INSTRUMENT else None
        yield ProvisionChanged(subject=subject, claim=claim, provisions=[promise])


def _elsewhere(text: str, zone: str, other: str) -> str:
    """A date, or its instant where it would begin at another hour there."""
    at = moment(text, zone).at
    return text if moment(text, other).at == at else rfc3339(at)
