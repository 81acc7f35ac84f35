"""Decisions: a command and what is known, to the events it means, or a refusal that says what to do.

Pure: everything a decision needs to know of the record comes in as ``Known``.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from math import isfinite
from typing import Any, NamedTuple
from zoneinfo import available_timezones

import msgspec

from tracker.domain import links
from tracker.domain.countries import COUNTRIES
from tracker.domain.errors import Problem, Refused
from tracker.domain.events import (
    HOME,
    AgreementEvent,
    AnyEvent,
    BlocJoined,
    ClaimClosed,
    Correction,
    Development,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Logged,
    MeasureAnnounced,
    MeasureEvent,
    PartnerRegistered,
    ProvisionChanged,
    Record,
    RulingIssued,
    ScopeDefined,
    Told,
    Withdrawal,
    actor_of,
    kind_of,
    parties_of,
)
from tracker.domain.fold import Lane
from tracker.domain.paint import EACH_OF, EVERYONE, Paint, paints, read
from tracker.domain.scopes import ALL_GOODS, PREFIX, scope_subject
from tracker.domain.values import Rate
from tracker.domain.when import zone_of

BLOCS = frozenset({"EU"})
_ZONES = available_timezones() - {"localtime", "Factory", "posixrules"}
"""Those that mean the same on every machine."""
LONGEST_SUBJECT = 120
WHOLE = f"{PREFIX}{ALL_GOODS}"
"""Where this is defined, the record holds to its vocabulary of goods."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the record now says of one development: its latest version, per subject."""

    told: Told
    events: Mapping[str, Sequence[Logged]]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What a decision may ask of the record: those subjects on record that the command names (``named``), and, where
    it names one that is not, all there are; and what is said of a subject that it links to, as its ``lanes``."""

    opened: Collection[str]
    subjects: Callable[[], Sequence[str]]
    lanes: Callable[[str], Collection[Lane]] = lambda _: ()


class Decided(NamedTuple):
    """An event that is to be recorded: what was told, the fact, and what it paints (a repair by itself nothing)."""

    told: Told
    event: AnyEvent
    paints: Sequence[Paint]


def decided(record: Record) -> Decided:
    """What a recorded event had decided."""
    told, event = record.told, record.event
    if isinstance(event, DevelopmentCorrected | DevelopmentWithdrawn):
        return Decided(told, event, ())
    return Decided(told, event, paints(told, event))


def named(command: Development) -> set[str]:
    """The subjects that a development speaks of, in its events, their scopes and their links."""
    found = {event.subject for event in command.events}
    found |= {link.partition("#")[0] for event in command.events for _, link in links.linked(event)}
    found |= {rival for event in command.events for _, rival in _rivals(event)}
    scopes = {scope_subject(scope) for event in command.events for _, scope in _scopes(event)}
    return found | ({WHOLE, *scopes} if scopes else set())


def speaks(command: Development) -> Iterator[tuple[str, datetime]]:
    """The subjects of a development's events, each with when it begins to say something new; none where a date is
    none."""
    for event in command.events:
        with suppress(Refused, LookupError):  # no date, no zone: told where it is checked
            zone = command.zone or zone_of(actor_of(event.subject))
            effects = (*getattr(event, "effects", ()), *getattr(event, "provisions", ()))
            begins = {effect.from_ for effect in effects} or {None}
            if isinstance(event, MeasureAnnounced):
                begins.add(None)
            for text in begins:
                yield event.subject, read(command.announced if text is None else text, zone, "from").at


def touched(command: Development) -> set[str]:
    """The subjects that events of a development may be about, also those that its links bring along."""
    acting = {
        link.partition("#")[0]
        for event in command.events
        for name, link in links.linked(event)
        if "#" in link and name in ("settles", "carries_out")
    }
    return {event.subject for event in command.events} | acting


def log(command: Development, known: Known) -> list[Decided]:
    """The events of a development that is logged."""
    marks = links.finder(command, known.lanes)
    told = told_of(command)
    painted = _check(command, told, known, marks)
    logged = [Decided(told, event, new) for event, new in zip(command.events, painted, strict=True)]
    return logged + [Decided(told, e, paints(told, e)) for e in links.brought(command, told, marks)]


def correct(id: str, command: Correction, standing: Standing, known: Known) -> list[Decided]:
    """The events of a correction: one on every subject that the development had or has."""
    said = command.development
    marks = links.finder(said, known.lanes)
    told = told_of(said)
    _check(said, told, known, marks, at="/development")
    now: dict[str, list[Logged]] = {subject: [] for subject in standing.events}
    for event in (*said.events, *links.brought(said, told, marks)):
        now.setdefault(event.subject, []).append(event)
    if (
        not standing.withdrawn
        and told == standing.told
        and now == {k: list(v) for k, v in standing.events.items()}
    ):
        raise Refused("conflict", "the correction says what the record says already: nothing was changed")
    return [
        Decided(
            told,
            DevelopmentCorrected(
                subject=subject,
                development=id,
                reason=command.reason,
                editorial=command.editorial,
                now=events,
            ),
            (),
        )
        for subject, events in now.items()
    ]


def withdraw(id: str, command: Withdrawal, standing: Standing) -> list[Decided]:
    """The events of a withdrawal: one on every subject that the development has."""
    if standing.withdrawn:
        raise Refused("conflict", "this development is withdrawn already; to bring it back, correct it")
    return [
        Decided(
            standing.told,
            DevelopmentWithdrawn(subject=subject, development=id, reason=command.reason),
            (),
        )
        for subject, events in standing.events.items()
        if events
    ]


def standing(history: Iterable[tuple[Told, AnyEvent]]) -> Standing:
    """What the record says of a development, from all its events in order."""
    told: Told | None = None
    events: dict[str, list[Logged]] = {}
    withdrawn = False
    for said, event in history:
        told = said
        if isinstance(event, DevelopmentCorrected):
            events[event.subject], withdrawn = list(event.now), False
        elif isinstance(event, DevelopmentWithdrawn):
            withdrawn = True
        else:
            events.setdefault(event.subject, []).append(event)
    assert told is not None, "a development has at least one event"
    return Standing(told, events, withdrawn)


def begins(kept: Sequence[AnyEvent], said: Sequence[Logged]) -> bool:
    """Whether these events were kept of a development that said those: those, and what its links may have brought."""
    more = kept[len(said) :]
    return [*kept[: len(said)]] == [*said] and all(
        isinstance(e, ClaimClosed | ProvisionChanged) for e in more
    )


def told_of(command: Development) -> Told:
    """What a development shares among its events."""
    return Told(**{name: getattr(command, name) for name in Told.__struct_fields__})


# ---------------------------------------------------------------- what is checked

_MANY_LINES = {"text", "summary", "note", "reason", "says", "evidence", "focus", "criteria", "risks"}
"""Fields whose text may run over several lines."""
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot carry (https://www.w3.org/TR/xml/#charsets), hence no feed; lone surrogates not even UTF-8."""
_SUSPICIOUS = re.compile(
    rb"""\\[^"\\]|"\s*"|null|\xc2\x85|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbf[\xbe\xbf]"""
)
"""What JSON text holds wherever a value is unsound, and seldom elsewhere: control characters are escaped in it, strange
numbers are null."""
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the direction of the text around it, on a page and in a mail (https://www.unicode.org/reports/tr9/)."""
_LINE_BREAK = re.compile("[\n\r\x85\u2028\u2029]")


def sound(command: Development | Correction | Withdrawal) -> bytes:
    """A command as text, keys sorted; Refused where it holds text that nothing could carry on, or that turns the text
    around it, a line that is two (a mail's subject would be), or numbers that JSON does not have. A pattern's ``$``
    lets a last line break pass; here it is caught."""
    try:
        text = msgspec.json.encode(command, order="sorted")
        suspicious = _SUSPICIOUS.search(text) is not None
    except UnicodeEncodeError:
        text, suspicious = b"", True
    if suspicious and (problems := list(_unsound(msgspec.to_builtins(command)))):
        raise Refused("invalid", problems[0].detail, *problems)
    return text


def _unsound(value: Any, at: str = "", many_lines: bool = False) -> Iterator[Problem]:
    match value:
        case str():
            if strange := _UNSPEAKABLE.search(value):
                yield Problem(
                    at, f"{at} holds the character U+{ord(strange[0]):04X}, not a text's: remove it"
                )
            elif turning := _TURNING.search(value):
                yield Problem(
                    at,
                    f"{at} holds the character U+{ord(turning[0]):04X}, which turns the text around it: remove it",
                )
            elif not many_lines and _LINE_BREAK.search(value):
                yield Problem(at, f"{at} holds a line break: write it in one line")
            elif not value.strip():
                yield Problem(at, f"{at} is blank: fill it, or leave it out")
        case float() if not isfinite(value):
            yield Problem(at, f"{at} is {value}: give a finite number")
        case dict():
            for key, entry in value.items():
                where = f"{at}/{key if _UNSPEAKABLE.search(key) is None else '?'}"
                yield from _unsound(key, where)
                yield from _unsound(entry, where, many_lines or key in _MANY_LINES)
        case list():
            for i, entry in enumerate(value):
                yield from _unsound(entry, f"{at}/{i}", many_lines)
        case _:
            pass


def _check(
    command: Development, told: Told, known: Known, marks: links.Find, at: str = ""
) -> list[Sequence[Paint]]:
    """Refused where something is wrong with a command; else what each of its events paints."""
    problems: list[Problem] = []
    painted: list[Sequence[Paint]] = []
    if command.zone is not None and command.zone not in _ZONES:
        problems.append(
            Problem(f"{at}/zone", f"{command.zone!r} is no IANA time zone: write e.g. America/New_York")
        )
        raise Refused("invalid", problems[0].detail, *problems)
    zone = command.zone or zone_of(actor_of(command.events[0].subject))
    for pointer, name, text in _dates(command):
        _try(problems, f"{at}{pointer}", lambda text=text, name=name: read(text, zone, name))
    if problems:
        raise Refused("invalid", problems[0].detail, *problems)
    opened = set(known.opened)
    for i, event in enumerate(command.events):
        pointer = f"{at}/events/{i}"
        if misplaced := _of_another_kind(event, pointer):
            problems.append(misplaced)
            continue
        problems += _of_event(event, pointer, opened, known)
        if not problems:
            problems += links.problems(event, pointer, marks)
        _try(problems, pointer, lambda event=event: painted.append(_something(event, _painted(told, event))))
        opened.add(event.subject)
    problems += _of_rivals(command, opened, known, at)
    problems += _of_nobody(command, known, at)
    if problems:
        raise Refused("invalid", problems[0].detail, *problems)
    return painted


def _painted(told: Told, event: Logged) -> Sequence[Paint]:
    """What an event paints; Refused with the effect or the provision whose date makes no sense."""
    try:
        return paints(told, event)
    except Refused as refusal:
        raise next(_within(told, event, refusal), refusal) from None


def _within(told: Told, event: Logged, refusal: Refused) -> Iterator[Refused]:
    """The refusal as it is of each single effect or provision that is refused alike."""
    lists = [name for name in ("effects", "provisions") if hasattr(event, name)]
    for name in lists:
        for i, effect in enumerate(getattr(event, name)):
            alone = dict.fromkeys(lists, ()) | {name: (effect,)}
            try:
                paints(told, msgspec.structs.replace(event, **alone))
            except Refused as found:
                if found.problems == refusal.problems:
                    inside = (Problem(f"{name}/{i}/{p.pointer}", p.detail) for p in found.problems)
                    yield Refused(found.code, found.detail, *inside)


def _of_rivals(command: Development, opened: Collection[str], known: Known, at: str) -> Iterable[Problem]:
    for i, event in enumerate(command.events):
        for path, rival in _rivals(event):
            pointer = f"{at}/events/{i}/{path}"
            if rival == event.subject:
                yield Problem(pointer, f"{rival} cannot give way to itself: name another measure")
            elif rival not in opened:
                yield Problem(pointer, _unknown(rival, known))


def _of_nobody(command: Development, known: Known, at: str) -> Iterable[Problem]:
    """A measure that is opened reaches those whom its effects name: ``each_of`` has nobody yet."""
    effects: dict[str, list[tuple[str, str]]] = {}
    for i, event in enumerate(command.events):
        if isinstance(event, MeasureEvent) and event.subject not in known.opened:
            places = effects.setdefault(event.subject, [])
            places += [(f"{at}/events/{i}/effects/{n}", x.target) for n, x in enumerate(event.effects)]
    for subject, places in effects.items():
        if places and all(target == EACH_OF for _, target in places):
            yield Problem(
                f"{places[0][0]}/target",
                f"{subject} names nobody yet, and each_of is all that it names: give a target, as GB, EU or everyone",
            )


def _dates(command: Development) -> Iterable[tuple[str, str, str]]:
    yield "", "announced", command.announced
    if command.published:
        yield "", "published", command.published
    for i, source in enumerate(command.sources):
        if source.on:
            yield f"/sources/{i}", "on", source.on


def _of_another_kind(event: Logged, pointer: str) -> Problem | None:
    fits = _KINDS.get(_type(event).partition(".")[0])
    if not fits or kind_of(event.subject) in fits:
        return None
    return Problem(
        f"{pointer}/subject",
        f"{_type(event)} happens to a subject of kind {' or '.join(sorted(fits))}, not to {event.subject}: "
        f"name a subject that begins with {' or '.join(f'{k}:' for k in sorted(fits))}",
    )


def _something(event: Logged, painted: Sequence[Paint]) -> Sequence[Paint]:
    if not painted:
        raise Refused(
            "invalid",
            "",
            Problem("", f"{_type(event)} says nothing: give at least one effect, or what it sets"),
        )
    return painted


def _of_event(event: Logged, pointer: str, opened: set[str], known: Known) -> Iterable[Problem]:
    if len(event.subject) > LONGEST_SUBJECT:
        yield Problem(
            f"{pointer}/subject",
            f"the key is longer than {LONGEST_SUBJECT} characters: shorten its last part",
        )
    for code in sorted(_codes(event)):
        if code not in COUNTRIES and code not in BLOCS:
            yield Problem(
                pointer, f"{code} is no country code of ISO 3166-1 and no bloc we know (EU): mend the code"
            )
    if (bloc := getattr(event, "bloc", None)) in COUNTRIES:
        yield Problem(f"{pointer}/bloc", f"{bloc} is a country, not a bloc: write EU, or leave the event out")
    if kind_of(event.subject) == "agreement" and not parties_of(event.subject):
        yield Problem(f"{pointer}/subject", f"{event.subject} names no party beside {HOME}: write us-gb-...")
    if event.subject not in opened and not _opens(event):
        yield Problem(f"{pointer}/subject", _unknown(event.subject, known))
    yield from _of_effects(event, pointer)
    if WHOLE in opened:
        for path, scope in _scopes(event):
            if scope_subject(scope) not in opened:
                yield Problem(f"{pointer}/{path}", _undefined(scope, known))
    for path, rate in _rates(event):
        if not _stated(rate):
            yield Problem(
                f"{pointer}/{path}",
                "the rate states nothing: give percent, at_least/at_most, amount, ban, or unknown: true",
            )
        elif sum((_figure(rate), rate.ban, rate.unknown)) > 1:
            yield Problem(
                f"{pointer}/{path}",
                "the rate is said in two ways: give a figure, or ban, or unknown; what is not known goes into text",
            )
        elif rate.at_least is not None and rate.at_most is not None and rate.at_least > rate.at_most:
            yield Problem(f"{pointer}/{path}", "at_least is more than at_most: exchange them")
    for name, link in links.linked(event):
        if (subject := link.partition("#")[0]) not in opened:
            yield Problem(f"{pointer}/links/{name}", _unknown(subject, known))


def _of_effects(event: Logged, pointer: str) -> Iterable[Problem]:
    implied = getattr(event, "implies", None)
    mute = implied is None or implied == type(implied)()
    for name in ("effects", "provisions"):
        for i, effect in enumerate(getattr(event, name, ())):
            at = f"{pointer}/{name}/{i}"
            if (mute or name == "provisions") and effect.set == type(effect.set)():
                yield Problem(
                    f"{at}/set", "the effect sets nothing: say what holds from then on, or leave it out"
                )
            target = getattr(effect, "target", EVERYONE)
            if _between_others(event.subject, target):
                yield Problem(
                    f"{at}/target",
                    f"{event.subject} is followed as it bears on {HOME}: its target is {HOME} or everyone; "
                    f"say in 'text' that it is aimed at {target}",
                )
            if getattr(effect, "except_", None) and (target in COUNTRIES or target.startswith("party:")):
                yield Problem(
                    f"{at}/except",
                    f"nobody can be excepted from {target}: except goes with everyone or each_of",
                )


def _between_others(subject: str, target: str) -> bool:
    """Whether a measure of one partner is said of another."""
    foreign = kind_of(subject) in ("measure", "authority") and actor_of(subject) != HOME
    return foreign and len(target) == len(HOME) and target != HOME


_KINDS = {
    "measure": {"measure"}, "investigation": {"measure"}, "ruling": {"authority", "measure"},
    "agreement": {"agreement"}, "provision": {"agreement"}, "partner": {"partner"}, "bloc": {"partner"},
    "objectives": {"partner"}, "criterion": {"partner"}, "risk": {"partner"}, "talks": {"partner"},
    "deadline": {"partner"}, "assessment": {"partner"}, "scope": {"scope"},
}  # fmt: skip


def _type(event: Logged) -> str:
    return str(event.__struct_config__.tag)


def _opens(event: Logged) -> bool:
    match event:
        case PartnerRegistered() | BlocJoined() | ScopeDefined():
            return True
        case MeasureEvent() | RulingIssued() | AgreementEvent():
            return event.about is not None
        case _:
            return False


def _rivals(event: Logged) -> Iterable[tuple[str, str]]:
    """The measures that an event's rules of precedence name, each with where."""
    for i, effect in enumerate(getattr(event, "effects", ())):
        for name in ("yields_to", "replaces"):
            held = getattr(effect.set, name, None)
            for n, rival in enumerate(held if isinstance(held, list) else ()):
                if kind_of(rival) == "measure":
                    yield f"effects/{i}/set/{name}/{n}", rival


def _scopes(event: Logged) -> Iterable[tuple[str, str]]:
    """The scopes that an event names, each with where."""
    if isinstance(event, ScopeDefined):
        if event.about.within is not msgspec.UNSET:
            yield "about/within", event.about.within
    else:
        for i, effect in enumerate(getattr(event, "effects", ())):
            if scope := getattr(effect, "scope", None):
                yield f"effects/{i}/scope", scope


def _undefined(scope: str, known: Known) -> str:
    slugs = [key.removeprefix(PREFIX) for key in known.subjects() if key.startswith(PREFIX)]
    near = get_close_matches(scope, slugs, n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(near)}? If not, " if near else ""
    return f"scope {scope!r} is not defined: {meant}log scope.defined on {scope_subject(scope)} first"


def _unknown(subject: str, known: Known) -> str:
    near = get_close_matches(subject, known.subjects(), n=3, cutoff=0.6)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    if kind_of(subject) == "partner":
        return (
            f"{subject} is not followed here: log partner.registered for it first, or mend the code.{meant}"
        )
    return f"{subject} is not on record: to open it, say what it is in 'about' (at least its title).{meant}"


def _codes(event: Logged) -> set[str]:
    codes = {actor_of(event.subject)}
    if kind_of(event.subject) == "agreement":
        codes |= set(parties_of(event.subject))
    for effect in getattr(event, "effects", ()):
        if len(getattr(effect, "target", "")) == 2:
            codes.add(effect.target)
        codes |= set(getattr(effect, "except_", ()))
    if bloc := getattr(event, "bloc", None):
        codes.add(bloc)
    return codes


def _rates(event: Logged) -> Iterable[tuple[str, Rate]]:
    for list_name in ("effects", "provisions"):
        for i, effect in enumerate(getattr(event, list_name, ())):
            for name in ("rate", "transshipped", "before", "after"):
                if isinstance(rate := getattr(effect.set, name, None), Rate):
                    yield f"{list_name}/{i}/set/{name}", rate
            quota = getattr(effect.set, "quota", None)
            for name in ("inside", "outside"):
                if isinstance(rate := getattr(quota, name, None), Rate):
                    yield f"{list_name}/{i}/set/quota/{name}", rate


def _stated(rate: Rate) -> bool:
    return _figure(rate) or rate.ban or rate.unknown


def _figure(rate: Rate) -> bool:
    return not (
        rate.percent is None and rate.at_least is None and rate.at_most is None and rate.amount is None
    )


def _try(problems: list[Problem], pointer: str, attempt: object) -> None:
    try:
        attempt()  # type: ignore[operator]
    except Refused as refusal:
        problems += [Problem(f"{pointer}/{p.pointer}".removesuffix("/"), p.detail) for p in refusal.problems]
