"""The laws of editions, held against all editions of all subscriptions of a database, as they were frozen.

Nothing here asks the code that makes editions what should be in one: what is known at a point is asked of the record,
what an event is about is read off its text, and what an edition says is read from its bytes.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import combinations
from typing import Any

import msgspec
from domain.following import Follower, Known, Reader, known, patched
from sqlalchemy import Connection, select

from tracker import read
from tracker.delivery import dispatch, editions, subscriptions
from tracker.delivery.editions import cuts
from tracker.delivery.subscriptions import Subscription
from tracker.domain.edition import Edition, Entry, Line, Mark, Scope
from tracker.domain.events import DevelopmentCorrected, DevelopmentWithdrawn, actor_of
from tracker.domain.history import History, restated
from tracker.domain.telling import Frame, Occasion
from tracker.domain.when import BEGINNING, FOREVER, over, zone_of
from tracker.store import log
from tracker.store.log import StoredEvent

HOLD = timedelta(minutes=10)
BY_TIME = ("took_effect", "fell_through")
BY_KNOWLEDGE = ("new", "late", "corrected", "withdrawn")
WORDLESS = "partner.checked"


@dataclass(frozen=True)
class Read:
    """An edition as a subscriber has it: from its bytes."""

    id: str
    content: str
    due_key: str
    edition: Edition

    @property
    def window(self) -> tuple[Mark, Mark]:
        return self.edition.since, self.edition.until

    @property
    def frame(self) -> object:
        return self.edition.scope, self.window, self.edition.day, self.edition.zone

    def entries(self, parts: Collection[str] = BY_KNOWLEDGE) -> Iterator[tuple[str, Entry]]:
        for part in parts:
            for entry in getattr(self.edition, part):
                yield part, entry

    def lines(self, parts: Collection[str], code: str) -> list[Line]:
        return [line for _, entry in self.entries(parts) for line in entry.lines if code in line.partners]


class Audit:
    """Everything that was recorded and told. ``began``: where each subscription was when it was made."""

    def __init__(self, connection: Connection, began: Mapping[str, Mark]) -> None:
        self.connection = connection
        self.began = began
        self.end = log.position(connection)
        self.events = {e.position: e for e in log.after(connection, 0, self.end, limit=max(self.end, 1))}
        self.stories: dict[str, list[StoredEvent]] = {}
        for event in self.events.values():
            self.stories.setdefault(event.development, []).append(event)
        self.ends: dict[int, int] = {}
        for event in self.events.values():
            self.ends[event.commit] = max(self.ends.get(event.commit, 0), event.position)
        self.subscriptions = subscriptions.listed(connection, stopped=True)
        self.editions = {one.id: self._read(one.id) for one in self.subscriptions}
        self._histories: dict[tuple[str, int], History] = {}

    def _read(self, subscription: str) -> list[Read]:
        wanted = select(cuts.c.edition, cuts.c.due_key).where(cuts.c.subscription == subscription)
        return [
            Read(row.edition, frozen.content, row.due_key, msgspec.json.decode(frozen.content, type=Edition))
            for row in self.connection.execute(wanted.order_by(cuts.c.id)).all()
            for frozen in [editions.get(self.connection, row.edition)]
        ]

    @cached_property
    def codes(self) -> list[str]:
        return list(read.names(self.connection, self.end))

    def history(self, code: str, position: int) -> History:
        if (code, position) not in self._histories:
            self._histories[code, position] = read.history(self.connection, code, position)
        return self._histories[code, position]

    def state(self, code: str, mark: Mark) -> Known:
        """S(d, k)."""
        return known(self.history(code, mark.position), mark.as_of)

    def moved(self, commit: int, code: str) -> bool:
        """Whether a commit changed what is known of a partner, of whatever time."""
        before, after = (self.history(code, at) for at in (commit - 1, self.ends[commit]))
        return bool(restated(before, after, BEGINNING, FOREVER))

    def left_moved(self, story: list[StoredEvent], fresh: list[StoredEvent], code: str) -> bool:
        """Whether what a development says of a partner is another after these events of it than before them: two
        corrections may come to nothing."""
        before, after = (self.history(code, at) for at in (fresh[0].position - 1, fresh[-1].position))
        ours = {event.position for event in story}
        changes = restated(before, after, BEGINNING, FOREVER)
        return any(
            fact.position in ours for one in changes for fact in (*one.before.values(), *one.after.values())
        )

    def whom(self, scope: Scope) -> list[str]:
        """The partners of a scope that names them or none at all."""
        return scope.partners or self.codes

    # ------------------------------------------------------------ the laws

    def hold(self, now: datetime) -> None:
        """As of an instant at which everything that is due was cut."""
        assert dispatch.missing(self.connection, now) == []
        for one in self.subscriptions:
            held = self.editions[one.id]
            self.windows_chain(one, held)
            self.each_event_is_told_once(one, held)
            for each in held:
                self.it_says_what_it_is_named_by(each)
                self.each_stands_in_its_part(each)
                if not each.edition.scope.sectors:
                    self.nothing_is_forgotten(each)
                    self.nothing_else_is_told(each)
                    self.its_parts_lead_from_one_state_to_the_next(each)
            same = all(each.edition.scope == one.scope for each in held)
            if same and not one.scope.sectors:
                self.who_reads_them_all_knows_what_is_known(one, held)
            self.they_do_not_depend_on_when_they_are_cut(held)
        self.equal_scopes_share_them()

    def windows_chain(self, one: Subscription, held: Sequence[Read]) -> None:
        """From where it was made to where it stands, without a gap and without an overlap. Who is told at once is told
        nothing about a time in which nothing happened."""
        at = self.began[one.id]
        for each in held:
            since, until = each.window
            self.nothing_happened(each.edition.scope, at, since)
            assert since.as_of <= until.as_of
            assert since.position <= until.position
            at = until
        self.nothing_happened(one.scope, at, one.told)
        keys = [each.due_key for each in held]
        assert len(keys) == len(set(keys))
        assert all(each.due_key == each.edition.day for each in held if _of_a_day(each.due_key))

    def nothing_happened(self, scope: Scope, since: Mark, until: Mark) -> None:
        if since == until:
            return
        assert since.as_of <= until.as_of
        assert since.position <= until.position
        for code in [] if scope.sectors else self.whom(scope):
            assert self.state(code, since) == self.state(code, until)
            assert not any(
                self.moved(commit, code) for commit in self.ends if since.position < commit <= until.position
            )

    def it_says_what_it_is_named_by(self, each: Read) -> None:
        assert hashlib.sha256(each.content.encode()).hexdigest() == each.id

    def each_event_is_told_once(self, one: Subscription, held: Sequence[Read]) -> None:
        seen: set[int] = set()
        for each in held:
            since, until = each.window
            for _, entry in each.entries():
                for position in entry.positions:
                    assert since.position < position <= until.position
                    assert position not in seen, (one.id, position)
                    seen.add(position)
                    assert self.events[position].recorded_at <= until.as_of - HOLD
                    assert not entry.held

    def each_stands_in_its_part(self, each: Read) -> None:
        since, until = each.window
        for part, entry in each.entries():
            assert entry.kind == part
            for development in {self.events[position].development for position in entry.positions}:
                story = [e for e in self.stories[development] if e.position <= until.position]
                fresh = [e.position for e in story if e.position > since.position]
                assert set(fresh) <= set(entry.positions)
                assert part == self.part(story, since), (each.edition.day, entry.title)
                assert entry.quiet or not _wordless(story, [e for e in story if e.position in fresh])
            repairs = [e for e in map(self.events.__getitem__, entry.positions) if _repair(e)]
            said = repairs if part in ("corrected", "withdrawn") else []
            said = [e for e in said if not _wordless(self.stories[e.development], [e])] or said
            assert entry.reason == (said[-1].event.reason if said else None)  # type: ignore[union-attr]
            assert len({e.development for e in repairs}) <= 1

    def part(self, story: Sequence[StoredEvent], since: Mark) -> str:
        before = [event for event in story if event.position <= since.position]
        gone = isinstance(story[-1].event, DevelopmentWithdrawn)
        if before:
            was_gone = isinstance(before[-1].event, DevelopmentWithdrawn)
            return "withdrawn" if gone and not was_gone else "corrected"
        told = story[-1].told
        happened = over(told.announced, told.zone or zone_of(actor_of(story[0].subject)))
        return "withdrawn" if gone else "late" if happened <= since.as_of else "new"

    def nothing_is_forgotten(self, each: Read) -> None:
        """What changed something for a partner of the scope, or names one though it changed nothing."""
        scope, (since, until) = each.edition.scope, each.window
        codes = self.whom(scope)
        counted = {p for _, entry in each.entries() for p in entry.positions}
        shown = {p for _, entry in each.entries() if not entry.quiet for p in entry.positions}
        for whole in self.stories.values():
            story = [e for e in whole if e.position <= until.position]
            fresh = [e for e in story if e.position > since.position]
            if not fresh:
                continue
            moved = any(self.moved(commit, code) for commit in {e.commit for e in fresh} for code in codes)
            if all(e.type in editions.REPAIRS for e in fresh):
                moved = moved and any(self.left_moved(story, fresh, code) for code in codes)
            positions = {e.position for e in fresh}
            assert not moved or positions <= counted, (scope, positions)
            if scope.topics or _wordless(story, fresh):
                continue
            if scope.everybody or (not moved and self.named(story, codes)):
                assert positions <= shown, (scope, positions)

    def nothing_else_is_told(self, each: Read) -> None:
        """No line for a partner outside the scope; to readers no event that names others alone and moves nothing here
        (one that moves something may name others alone: a lane of theirs may be what a later ``each_of`` meant), and
        none about what they do not want to hear of."""
        scope = each.edition.scope
        codes = self.whom(scope)
        for part, entry in each.entries((*BY_TIME, *BY_KNOWLEDGE, "coming")):
            assert set(entry.partners) <= set(codes)
            assert {code for line in entry.lines for code in line.partners} <= set(codes)
            if entry.quiet:
                continue
            assert entry.partners or scope.everybody
            assert not scope.topics or {*scope.topics} & {*entry.topics}
            if part in BY_KNOWLEDGE and not scope.everybody:
                assert self.moves_or_may_name(entry, codes), (scope, entry)

    def moves_or_may_name(self, entry: Entry, codes: Collection[str]) -> bool:
        told = [self.events[position] for position in entry.positions]
        return any(
            self.moved(commit, code) for commit in {e.commit for e in told} for code in codes
        ) or not all(
            self.elsewhere(development, codes) for development in {event.development for event in told}
        )

    def named(self, story: Sequence[StoredEvent], codes: Collection[str]) -> bool:
        """Whether what a development says in its latest version names a partner, without doubt."""
        return any(
            fact["subject"] in {f"partner:{code}" for code in codes}
            or (
                fact["subject"].startswith("measure:us-")
                and any(effect.get("target") in codes for effect in fact.get("effects", ()))
            )
            for fact in _facts(story)
        )

    def elsewhere(self, development: str, codes: Collection[str]) -> bool:
        """Whether no version of a development can be about any of these, without doubt: its texts name others."""
        story, near = self.stories[development], {*codes}
        for event in self.events.values():
            for fact in _facts([event]):
                if fact["type"] == "bloc.joined" and fact["subject"].partition(":")[2] in codes:
                    near.add(fact["bloc"])
        named = [_named(fact) for event in story for fact in _facts([event])]
        return all(whom is not None and whom.isdisjoint(near) for whom in named)

    def its_parts_lead_from_one_state_to_the_next(self, each: Read) -> None:
        """By time, then by knowledge: applied to S(d1, k1) they give S(d2, k1), and then S(d2, k2)."""
        since, until = each.window
        for code in self.whom(each.edition.scope):
            now = self.state(code, since)
            lines = [line for line in each.lines(BY_TIME, code) if line.before != line.after]
            for line in sorted(lines, key=lambda line: line.starts or BEGINNING):
                assert since.as_of < (line.starts or BEGINNING) <= until.as_of
                _lay(now, line)
            assert now == self.state(code, Mark(as_of=until.as_of, position=since.position)), code
            for line in sorted(each.lines(BY_KNOWLEDGE, code), key=lambda line: line.position):
                if (line.starts or BEGINNING) <= until.as_of < (line.ends or FOREVER):
                    _lay(now, line)
            assert now == self.state(code, until), (code, _differ(now, self.state(code, until)))

    def who_reads_them_all_knows_what_is_known(self, one: Subscription, held: Sequence[Read]) -> None:
        """Of every instant, past and to come, from the day of the subscription on as well as before. Who takes
        each line as it stands, and does not look when it ends, knows how everything is at the end of each edition."""
        began = self.began[one.id]
        first = Frame(
            scope=one.scope, day="2025-01-01", zone=one.zone, since=Mark(as_of=BEGINNING, position=0), until=began
        )  # fmt: skip
        before = editions.worked_out(self.connection, first)
        for code in self.whom(one.scope):
            follower, reader = Follower(), Reader()
            for edition in (before, *(each.edition for each in held)):
                follower.read(edition, code)
                reader.read(edition, code)
                as_it_is = self.state(code, edition.until)
                assert reader.held == as_it_is, (one.scope, code, _differ(reader.held, as_it_is))
            now = self.history(code, one.told.position)
            for days in range(-9, 21):
                at = began.as_of + timedelta(days=days, hours=2 * days, minutes=7)
                found, wanted = follower.at(at), known(now, at)
                assert found == wanted, (one.scope, code, at, _differ(found, wanted))

    def they_do_not_depend_on_when_they_are_cut(self, held: Sequence[Read]) -> None:
        """Worked out again today, from the same marks, each is the same to the byte."""
        told_on: dict[str, list[Occasion]] = {}
        for each in held:
            since, until = each.window
            fresh = [e for e in self.events.values() if since.position < e.position <= until.position]
            repaired = {e.development for e in fresh if _repair(e)}
            frame = Frame(
                scope=each.edition.scope,
                day=each.edition.day,
                zone=each.edition.zone,
                since=since,
                until=until,
            )
            on = {development: told_on[development] for development in repaired & told_on.keys()}
            again = msgspec.json.encode(editions.worked_out(self.connection, frame, on), order="sorted")
            assert again.decode() == each.content, (each.edition.scope, each.edition.day)
            told = {e.development for e in each.edition.told if e.positions}
            for development in told | {also.development for e in each.edition.told for also in e.also}:
                told_on.setdefault(development, []).append(Occasion(until.position, each.edition.day))

    def equal_scopes_share_them(self) -> None:
        """As long as two were told the same before."""
        for one, other in combinations(self.subscriptions, 2):
            if self.began[one.id] != self.began[other.id]:
                continue
            for mine, its in zip(self.editions[one.id], self.editions[other.id], strict=False):
                if mine.frame != its.frame:
                    break
                assert mine.id == its.id


def _of_a_day(key: str) -> bool:
    """Whether an edition was cut for a local date, and not at once."""
    return key.count("-") == 2 and "/" not in key


def _repair(event: StoredEvent) -> bool:
    return isinstance(event.event, DevelopmentCorrected | DevelopmentWithdrawn)


def _wordless(story: Sequence[StoredEvent], fresh: Sequence[StoredEvent]) -> bool:
    """Whether nothing of it is for readers."""
    if fresh[0] is story[0]:
        return all(fact["type"] == WORDLESS for fact in _facts(story))
    return all(isinstance(e.event, DevelopmentCorrected) and e.event.editorial for e in fresh)


def _facts(story: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    """What the events of a development say in their latest version, as plain data."""
    latest: dict[str, list[Any]] = {}
    for stored in story:
        match event := stored.event:
            case DevelopmentCorrected():
                latest[stored.subject] = [*event.now]
            case DevelopmentWithdrawn():
                pass
            case _:
                latest.setdefault(stored.subject, []).append(event)
    return [msgspec.to_builtins(fact) for facts in latest.values() for fact in facts]


def _named(fact: Mapping[str, Any]) -> set[str] | None:
    """Whom a fact can be about, by its text; None for everybody."""
    kind, _, key = fact["subject"].partition(":")
    actor, _, rest = key.partition("-")
    targets = {effect.get("target", "everyone") for effect in fact.get("effects", ())}
    everybody = bool(targets & {"everyone", "each_of"})
    if kind == "partner":
        return None if everybody else {key} | targets
    if kind == "agreement":
        parties = {code.upper() for code in rest.partition("-")[0].split("_")}
        return None if "claim" in fact and everybody else parties | targets
    if actor != "us":
        return {actor.upper()}
    return None if everybody or not targets else targets


def _differ(found: Known, wanted: Known) -> list[Any]:
    return [
        (item, found.get(item), wanted.get(item))
        for item in {**found, **wanted}
        if found.get(item) != wanted.get(item)
    ]


def _lay(state: Known, line: Line) -> None:
    for scope in line.scopes or [""]:
        item = (line.subject, line.aspect, line.key, line.claim, scope)
        state[item] = patched(state.get(item, {}), line.before, line.after)
        if not state[item]:
            del state[item]
