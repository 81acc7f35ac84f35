"""Puts a digest into words: the developments and changes that ``digest`` found become the entries and lines of an
edition. Equal changes of several partners are told once. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from tracker.domain import words
from tracker.domain.closing import REPAIRED, Left, Place, left_wrong
from tracker.domain.edition import PARTS, Edition, Entry, Kind, Line, Mark, Named, Scope
from tracker.domain.events import HOME, DevelopmentCorrected, DevelopmentWithdrawn, Told, actor_of, kind_of
from tracker.domain.history import About, Change, Fact, History, Key, agrees, parted, same, value
from tracker.domain.moves import cause, echoed, inert, vacuous
from tracker.domain.news import News, Said, Story, facts
from tracker.domain.paint import EVERYONE, announced
from tracker.domain.patches import Patch
from tracker.domain.phrasing import Sentence, sentence
from tracker.domain.scopes import ALL_GOODS
from tracker.domain.topics import topics_of
from tracker.domain.views import NAMING, bounded, nested, stated, title_of
from tracker.domain.watched import Watched
from tracker.domain.when import BEGINNING, FOREVER, TICK, zone_of

_SUBJECT = re.compile(r"\b(?:measure|agreement|authority):[a-z0-9_-]+")

Back = Collection[tuple[str, Key]]


class Occasion(NamedTuple):
    """An edition that told readers of a development: up to which position, and of which day."""

    position: int
    day: str


Mended = Mapping[tuple[str, str, Key], Sequence[tuple[datetime, datetime]]]
"""By development, partner and item, the spans of time of which something else was told before it was repaired."""

ToldOn = Mapping[str, Sequence[Occasion]]
"""By development, the editions that told of it, in order."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for a whole edition: for whom, for which local day in which zone, and between which marks.
    Entries recorded and learnt after ``held_after`` are marked as held."""

    scope: Scope
    day: str
    zone: str
    since: Mark
    until: Mark
    held_after: datetime = FOREVER


@dataclass(slots=True)
class _Alike:
    """A change with all for whom, and all goods of which, it is told in the same words. ``told``: the words in which
    its readers were told otherwise, and when. ``till``: how long what it leaves stays so. ``due``: what it changes was
    yet to come; ``stays``: and now it is to stay as it is. ``exempt``: the goods are, before and after."""

    change: Change
    position: int
    quiet: bool
    back: bool
    till: datetime
    told: str = ""
    due: bool = False
    stays: bool = False
    exempt: bool = False
    codes: list[str] = field(default_factory=list)
    vias: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Act:
    """What a development was told as, and the subjects that it is on."""

    told: Told
    subjects: Sequence[str]

    def on(self, subject: str) -> str:
        """Its subject by which something of this subject changes: that one, if it is its own; else its first (who joins
        a bloc comes under measures that others took)."""
        return subject if subject in self.subjects else self.subjects[0]

    def zone(self, subject: str) -> str:
        """In which its dates about a subject are given."""
        return self.told.zone or zone_of(actor_of(self.on(subject)))


def _act(story: Story) -> _Act:
    return _Act(story[-1].told, [fact.subject for fact in facts(story)] or [story[-1].subject])


class Telling:
    """Everything that one edition says in words."""

    def __init__(self, frame: Frame, watched: Sequence[Watched], told_on: ToldOn) -> None:
        self.frame = frame
        self.watched = {who.code: who for who in watched}
        self.names = {who.code: who.name for who in watched}
        self.told_on = told_on
        self.zone = ZoneInfo(frame.zone)
        self.acts: dict[str, _Act] = {}
        self.abouts: dict[str, About] = {}
        for who in watched:
            self.abouts.update(who.abouts)

    # ------------------------------------------------------------ entries

    def entry(self, group: Sequence[News], back: Back) -> Entry:
        """A development, or several that together changed nothing."""
        last = group[-1]
        kind = last.kind(self.frame.since)
        lines = [line for one in group for line in self._lines_of(one, back)]
        newest = last.fresh[-1]
        topics = sorted({topic for one in group for topic in _topics(one.story)})
        return msgspec.structs.replace(
            self._entry(kind, last.story, lines), dates=self._dates(kind, last), day=self._day(newest.learnt_at),
            partners=[code for code in self.watched if any(code in one.partners for one in group)],
            positions=sorted(said.position for one in group for said in one.fresh),
            also=[_named(one) for one in group[:-1]],
            note=_back(sum(one.times for one in group)) if len(group) > 1 else self._note(kind, last),
            reason=last.reason if kind in REPAIRED else None,
            untold=last.logged_now and last.gone,
            held=min(newest.recorded_at, newest.learnt_at) > self.frame.held_after,
            topics=topics, quiet=all(one.quiet for one in group) or not self._wanted(topics),
        )  # fmt: skip

    def _entry(self, kind: Kind, story: Story, lines: list[Line]) -> Entry:
        first, told = story[0], story[-1].told
        return Entry(
            kind=kind, development=first.development, event=first.id, title=told.title, summary=told.summary,
            dates="", when=_in_common(lines), day="", partners=[], positions=[],
            sources=msgspec.to_builtins(told.sources), lines=lines, topics=_topics(story),
        )  # fmt: skip

    def _wanted(self, topics: Iterable[str]) -> bool:
        """Whether readers of this edition want to hear of any of these topics."""
        return not self.frame.scope.topics or not set(topics).isdisjoint(self.frame.scope.topics)

    def _dates(self, kind: Kind, one: News) -> str:
        happened, logged = words.stated(one.told.announced), words.stated(self._day(one.first.learnt_at))
        match kind:
            case "late":
                return f"happened {happened}, logged {logged}"
            case "corrected" | "withdrawn":
                return f"announced {happened}, first logged {logged}"
            case _:
                return f"announced {happened}"

    def _note(self, kind: Kind, one: News) -> str | None:
        told_on = self.told_on.get(one.first.development)
        moved = any(one.changes.values())
        match kind:
            case "withdrawn" if one.logged_now:
                return "logged and withdrawn since the last digest"
            case "corrected" if one.times > 1 and not moved:
                return _back(one.times)
            case "corrected" | "withdrawn" if told_on:
                return f"you were told of it on {words.stated(told_on[0].day)}"
            case "new" | "late" if not moved:
                return "no rate or status changes by it"
            case _:
                return None

    def moved(
        self,
        kind: Kind,
        found: Mapping[str, Sequence[Change]],
        causes: Mapping[int, Said],
        mended: Mended | None = None,
    ) -> list[Entry]:
        """Changes by time alone, by the development they are due to and the instant at which they come. ``mended``:
        what repairs of these developments tell of the same items, for whom it is enough."""
        parts: dict[tuple[str, datetime], dict[str, list[Change]]] = {}
        for code, changes in found.items():
            for change in changes:
                due_to = causes[cause(change)].development
                parts.setdefault((due_to, change.start), {}).setdefault(code, []).append(change)
        back = _there_and_back(found) if kind == "took_effect" else set()
        entries = []
        for (development, at), by_code in sorted(parts.items(), key=lambda part: (part[0][1], part[0][0])):
            telling: dict[bool, dict[str, list[Patch]]] = {False: {}, True: {}}
            for code, its in by_code.items():
                for change in its:
                    spans = (mended or {}).get((development, code, change.key), ())
                    silent = any(start <= at <= end for start, end in spans)
                    telling[silent].setdefault(code, []).append(Patch(change, cause(change)))
            story = sorted(
                (s for s in causes.values() if s.development == development), key=lambda s: s.position
            )
            lines = [
                line
                for silent, patches in telling.items()
                for line in self._lines(
                    patches, story, by_time=True, back=back, silent=silent, fell=kind == "fell_through"
                )
            ]
            there = ZoneInfo(_act(story).zone(next(iter(by_code.values()))[0].key.subject))
            wanted = self._wanted(_topics(story))
            shown = {code for line in lines if not line.quiet for code in line.partners} if wanted else set()
            if not shown and kind == "coming":
                continue
            entry = msgspec.structs.replace(
                self._entry(kind, story, lines), dates=f"announced {words.stated(story[-1].told.announced)}",
                day=at.astimezone(there).date().isoformat(),
                partners=[code for code in self.watched if code in shown], summary=None,
                quiet=not shown,
            )  # fmt: skip
            entries.append(entry)
        return entries

    def _day(self, at: datetime) -> str:
        return at.astimezone(self.zone).date().isoformat()

    def brought_up(self, edition: Edition) -> Edition:
        """An edition that says how things stand at its end, also where what it says of them was over before."""
        parts: dict[Place, list[Left]] = {}
        for left in left_wrong(edition, self.watched.values()):
            parts.setdefault(left.place, []).append(left)
        found = {kind: [*getattr(edition, kind)] for kind, _ in PARTS}
        for (kind, number), its in parts.items():
            entry = found[kind][number]
            lines = [*entry.lines, *self._standing(its, self.acts[entry.development])]
            found[kind][number] = msgspec.structs.replace(entry, lines=lines, when=_in_common(lines))
        return msgspec.structs.replace(edition, **found)

    def _standing(self, lefts: Sequence[Left], act: _Act) -> list[Line]:
        """How items stand at the end, as lines; those for people first."""
        alike: dict[bytes, _Alike] = {}
        position = self.frame.until.position
        for left in lefts:
            who, change = self.watched[left.code], left.change
            before, after = who.known(self.frame.since.position), who.known(position)
            quiet = left.said or any(
                (vacuous(change, before, after), inert(change, after), echoed(change, before, after))
            )
            one = _Alike(change, position, quiet, False, change.end)
            one = alike.setdefault(_signature(one, change.key), one)
            one.codes.append(left.code)
            one.vias.append(_via(who, change))
            one.scopes = [change.key.scope] if change.key.scope else []
        lines = [self._line(held, act, True) for held in _by_scope(alike.values())]
        return sorted(lines, key=lambda line: line.quiet)

    # ------------------------------------------------------------ lines

    def _lines_of(self, one: News, back: Back) -> list[Line]:
        silent = one.logged_now and one.gone
        return self._lines(one.changes, one.story, by_time=False, back=back, silent=silent)

    def _lines(
        self,
        found: Mapping[str, Sequence[Patch]],
        story: Story,
        *,
        by_time: bool,
        back: Back,
        silent: bool = False,
        fell: bool = False,
    ) -> list[Line]:
        """Changes as lines: equal ones of several partners, or of several scopes, are one. ``silent``: all of
        them are for programs alone. ``fell``: they did not come."""
        act = _act(story)
        self.acts[story[0].development] = act
        lines = [
            self._line(held, act, by_time)
            for held in _by_scope(self._by_partner(found, story, act, by_time, back, silent, fell))
        ]
        return sorted(
            lines,
            key=lambda line: (line.quiet, line.subject, line.starts or BEGINNING, line.aspect != "state"),
        )

    def _by_partner(
        self,
        found: Mapping[str, Sequence[Patch]],
        story: Story,
        act: _Act,
        by_time: bool,
        back: Back,
        silent: bool,
        fell: bool,
    ) -> list[_Alike]:
        alike: dict[bytes, _Alike] = {}
        for code, patches in found.items():
            who = self.watched[code]
            seen = who.known((self.frame.since if fell else self.frame.until).position)
            parts = [(change, patch.position) for patch in patches for change in parted(patch.change, seen)]
            changes = [change for change, _ in parts]
            spared = [_spared(change, seen) for change in changes]
            quiets = [silent or self._quiet(who, change, changes, by_time) for change in changes]
            each = [*zip(parts, spared, quiets, strict=True)]
            paying = {change.key.subject for (change, _), exempt, quiet in each if not (exempt or quiet)}
            for (change, position), exempt, quiet in each:
                said = change.key.subject in paying or (by_time and "status" not in change.after)
                silenced = quiet or (exempt and said)
                till = _till(change, seen, by_time)
                one = _Alike(change, position, silenced, (code, change.key) in back, till, exempt=exempt)
                if not by_time:
                    one.told = self._was_told(change, story, exempt)
                    one.due, one.stays = self._due(who, change, story, act)
                one = alike.setdefault(_signature(one, change.key), one)
                one.codes.append(code)
                one.vias.append(_via(who, change))
                one.scopes = [change.key.scope] if change.key.scope else []
        return list(alike.values())

    def _quiet(self, who: Watched, change: Change, others: Sequence[Change], by_time: bool) -> bool:
        """Whether another line says it (that a measure is announced, where its start is told; what is said of wider
        goods as well), or it is about terms of a measure that does not reach the partner."""
        before, after = who.known(self.frame.since.position), who.known(self.frame.until.position)
        if vacuous(change, before, after):
            return True
        if inert(change, after) if by_time else echoed(change, before, after):
            return True
        if by_time or {name: value(change.after, name) for name in change.after} != {"status": "announced"}:
            return False
        return any(other.key == change.key and other.start == change.end for other in others)

    def _due(self, who: Watched, change: Change, story: Story, act: _Act) -> tuple[bool, bool]:
        """Whether what a change finds was yet to come, and did not hold before it either; and whether what it leaves
        is what holds before it."""
        mended = isinstance(story[-1].event, DevelopmentCorrected | DevelopmentWithdrawn)
        now = self.frame.until.as_of if mended else announced(act.told, act.on(change.key.subject)).at
        names = {**change.before, **change.after}
        marks = self.frame.since, self.frame.until
        was = [who.known(mark.position).own(change.key, change.start - TICK) for mark in marks]
        if change.start <= now or any(agrees(change.before, one, names) for one in was):
            return False, False
        return True, agrees(change.after, was[-1], names)

    def _was_told(self, change: Change, story: Story, exempt: bool) -> str:
        """What readers were told that this development says, and when, where that was something else."""
        occasions = self.told_on.get(story[0].development, ())
        ours = {said.position for said in story}
        mine = {name: fact for name, fact in change.before.items() if fact.position in ours}
        family = change.key.family
        said = _without(_plain(mine), NAMING.get(family, ""))
        was = sentence({}, said, family, exempt).words if mine and not exempt else []
        newest = max((fact.position for fact in mine.values()), default=0)
        day = next((one.day for one in occasions if one.position >= newest), None)
        return f"you were told {', '.join(was)} on {words.stated(day)}" if was and day else ""

    def _line(self, held: _Alike, act: _Act, by_time: bool) -> Line:
        change, key = held.change, held.change.key
        before, after = _plain(change.before), _plain(change.after)
        name = NAMING.get(key.family, "")
        if by_time and before == after:
            said = Sentence(_dated(after), "", [])
        else:
            said = sentence(_without(before, name), _without(after, name), key.family, held.exempt)
        note = _back() if held.back else held.told or None
        when = "" if key.family == "deadline" and by_time else self._when(held, act, by_time)
        if note and note.startswith((f"you were told {said.was} on ", f"you were told {said.was}, ")):
            said = said._replace(was="")
        elif held.due and said.was:
            was = f"was to be {said.was}"
            if held.stays:
                place = act.zone(key.subject)
                since, when = (_on_the_clock(one, place) for one in self._bounds(held, act, by_time))
                was = f"{was} {since}".rstrip()
                said = said._replace(words=[f"stays {said.words[0]}", *said.words[1:]])
            said, note = said._replace(was=""), "; ".join(filter(None, (was, note)))
        return Line(
            partners=held.codes, position=held.position,
            whom=whom(held.codes, held.vias, self.names, self.frame.scope.everybody),
            title=self._title(key), item=self._item(held, before, after),
            when=when,
            words=self._titled(said.words), was=said.was, terms=self._titled(said.terms), note=note,
            subject=key.subject, aspect=key.family, key=key.name, scopes=held.scopes, claim=key.claim,
            starts=bounded(change.start), ends=bounded(change.end), before=nested(change.before),
            after=nested(change.after), quiet=held.quiet,
        )  # fmt: skip

    def _title(self, key: Key) -> str:
        """What the line is about, but for a partner, who is named anyway."""
        if kind_of(key.subject) == "partner":
            return ""
        title = title_of(key.subject, self.abouts.get(key.subject, {}))
        return f"{title} (claimed)" if key.claim else title

    def _item(self, held: _Alike, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
        """What, within its subject: the goods; a provision, criterion or deadline by name."""
        key = held.change.key
        if key.family == "state":
            goods = "" if held.scopes in ([], [ALL_GOODS]) else ", ".join(map(words.scope_of, held.scopes))
            title = title_of(key.subject, self.abouts.get(key.subject, {}))
            return "" if title.lower().endswith(f" {goods}") else goods
        label = words.ASPECTS.get(key.family, key.family)
        if key.family in ("claim", "talks", "focus", "profile", "legal"):
            return label
        field = NAMING.get(key.family, "")
        name = after.get(field) or before.get(field) or self._known_as(held.codes, key, field)
        name = name or (words.name_of(key.name) if key.family == "membership" else words.scope_of(key.name))
        return str(name) if key.family == "provision" else f"{label}: {name}"

    def _known_as(self, codes: Sequence[str], key: Key, field: str) -> Any:
        seen = self.watched[codes[0]].known(self.frame.until.position)
        return value(seen.own(key, self.frame.until.as_of), field)

    def _titled(self, said: Iterable[str]) -> list[str]:
        """Subjects by their titles, where their keys stand in words."""
        return [
            _SUBJECT.sub(lambda found: title_of(found[0], self.abouts.get(found[0], {})), text)
            for text in said
        ]

    def _when(self, held: _Alike, act: _Act, by_time: bool) -> str:
        """From and until when, on the clock of whoever acts."""
        said = " ".join(filter(None, self._bounds(held, act, by_time)))
        return _on_the_clock(said, act.zone(held.change.key.subject))

    def _bounds(self, held: _Alike, act: _Act, by_time: bool) -> tuple[str, str]:
        """From when, and until when; '' where that goes without saying."""
        start, subject = held.change.start, held.change.key.subject
        place = act.zone(subject)
        about = self.abouts.get(subject, {})
        since, until = (
            ""
            if bounded(at) is None
            else words.stated(vague)
            if (vague := stated(about, at))
            else words.day(at, ZoneInfo(place))
            for at in (start, held.till)
        )
        if not by_time and start == announced(act.told, act.on(subject)).at:
            since = ""
        elif since:
            under_way = not by_time and start <= self.frame.until.as_of and not until
            since = words.bound(since, "since" if under_way else "from")
        return since, until and words.bound(until, "until")


def whom(codes: Sequence[str], vias: Sequence[str], names: Mapping[str, str], everybody: bool) -> str:
    """Whom something concerns, of those with ``names``, which are ``everybody`` or those chosen; the members of a bloc
    with the bloc, where that is named too. ``vias``: for each the bloc through which it does, or ''."""
    if len(names) > 4:
        others = [name for code, name in names.items() if code not in codes]
        chosen = "" if everybody else " chosen"
        if not others:
            return f"All {len(codes)} partners{chosen}"
        if len(others) <= 3 < len(codes):
            return f"All partners{chosen} but {', '.join(others)}"
    members: dict[str, list[str]] = {}
    for code, via in zip(codes, vias, strict=True):
        members.setdefault(via if via in codes else code, []).extend([code] if via in codes else [])
    short = len(members) > 4
    found = []
    for code, its in members.items():
        name = code if short else names[code]
        via = vias[codes.index(code)]
        through = f"with {', '.join(its)}" if its else f"through the {via}" if via else ""
        found.append(f"{name} ({through})" if through else name)
    return ", ".join(found)


def _on_the_clock(said: str, place: str) -> str:
    """Dates with the place whose clock shows them, where they have a time."""
    return f"{said} {place.rpartition('/')[2].replace('_', ' ')} time" if "," in said else said


def _by_scope(found: Iterable[_Alike]) -> list[_Alike]:
    """Those that differ by their goods alone, as one."""
    alike: dict[bytes, _Alike] = {}
    for one in found:
        signature = _signature(one, one.change.key._replace(scope="")) + ",".join(one.codes).encode()
        held = alike.setdefault(signature, one)
        if held is not one:
            held.scopes += one.scopes
    return list(alike.values())


def _signature(one: _Alike, key: Key) -> bytes:
    """Equal for changes that are told in the same words."""
    change = one.change
    said = [
        one.position,
        key,
        change.start,
        change.end,
        _plain(change.before),
        _plain(change.after),
        one.quiet,
        one.back,
        one.told,
        one.till,
        one.due,
        one.stays,
        one.exempt,
    ]
    return msgspec.json.encode(said, order="sorted")


def _in_common(lines: Iterable[Line]) -> str:
    """From and until when, where that is the same for all that people are told."""
    whens = {line.when for line in lines if not line.quiet}
    return whens.pop() if len(whens) == 1 else ""


def _topics(story: Story) -> list[str]:
    return topics_of(said.event for said in story)


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Values but for the one by which the item is named anyway."""
    return {field: value for field, value in values.items() if field != name}


def _dated(fields: Mapping[str, Any]) -> list[str]:
    """What is said of an open deadline, or of a threat, whose day comes."""
    if "due" in fields:
        return [f"due {words.stated(fields['due'])}, still open"]
    named = {name: fields[name] for name in ("status", "rate", "says", "by") if name in fields}
    return sentence({}, named).words


def _named(one: News) -> Named:
    return Named(development=one.first.development, event=one.first.id, title=one.told.title)


def _spared(change: Change, seen: History) -> bool:
    """Whether a change leaves its goods exempt: nothing that it says of what they pay is paid."""
    told = {**change.before, **change.after}
    return (
        "exempt" not in told
        and not told.keys().isdisjoint((*words.PAYING, "status"))
        and seen.exempts(change.key, change.start)
    )


def _plain(facts: Mapping[str, Fact]) -> dict[str, Any]:
    return {name: fact.value for name, fact in facts.items()}


def _via(who: Watched, change: Change) -> str:
    """The bloc through which a change reaches a partner; '' for none."""
    via = next(iter((*change.after.values(), *change.before.values()))).via
    return "" if via in (who.code, EVERYONE, HOME) else via


def _till(change: Change, seen: History, by_time: bool) -> datetime:
    """How long what a change leaves stays so, as far as it is the change's to say: the end of time, where what follows
    is no other. What comes by time alone may last beyond the next edge of its item."""
    names = {**change.before, **change.after}
    ends = [change.end]
    if by_time:
        ends += [edge for edge in seen.edges(change.key) if edge > change.end]
    ends = [end for end in ends if end < FOREVER]
    return next((end for end in ends if not agrees(change.after, seen.own(change.key, end), names)), FOREVER)


def _there_and_back(found: Mapping[str, Sequence[Change]]) -> set[tuple[str, Key]]:
    """What changes by time alone, and changes back."""
    back = set()
    for code, changes in found.items():
        for key in {change.key for change in changes}:
            its = sorted((change for change in changes if change.key == key), key=lambda change: change.start)
            if len(its) > 1 and same(its[0].before, its[-1].after):
                back.add((code, key))
    return back


def _back(times: int = 0) -> str:
    return f"moved and moved back ({times} changes)" if times else "moved and moved back"
