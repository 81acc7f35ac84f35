"""What the developments of a window changed, each told in one place. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.domain.decide import standing
from tracker.domain.edition import Kind, Mark
from tracker.domain.events import (
    AnyEvent,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    Logged,
    PartnerChecked,
    Told,
    actor_of,
)
from tracker.domain.history import Change, History, Key
from tracker.domain.moves import echoed, vacuous
from tracker.domain.paint import Paint, paints
from tracker.domain.patches import Patch, composed, joined
from tracker.domain.watched import Watched, steps
from tracker.domain.when import over, zone_of


@dataclass(frozen=True, slots=True)
class Said:
    """An event as the log holds it."""

    position: int
    commit: int
    id: str
    subject: str
    development: str
    learnt_at: datetime
    recorded_at: datetime
    told: Told
    event: AnyEvent


Story = Sequence[Said]
"""All events of one development up to the end of the window, in order."""


_Stepped = tuple[Story, Story, Sequence[tuple[int, Mapping[str, Sequence[Change]]]]]
"""A development, what is new of it, and its steps per partner, each with its last position."""


@dataclass(frozen=True, slots=True)
class News:
    """What a development did in the window: what its events there changed per partner, in how many steps, and whose
    business it is. ``quiet``: it is not for readers: nobody's business here, only terms that have no standing with any
    partner; or an editorial correction."""

    story: Story
    fresh: Story
    changes: Mapping[str, Sequence[Patch]]
    steps: Mapping[str, int]
    partners: Sequence[str]
    quiet: bool

    @property
    def first(self) -> Said:
        return self.story[0]

    @property
    def logged_now(self) -> bool:
        """Whether it was logged in the window, and not only repaired."""
        return self.first.position == self.fresh[0].position

    @property
    def told(self) -> Told:
        """What the world was told, in the latest version."""
        return standing((said.told, said.event) for said in self.story).told

    @property
    def times(self) -> int:
        """How often it moved anything, for the partner for whom that was most often."""
        return max(self.steps.values(), default=0)

    @property
    def repairs(self) -> list[DevelopmentCorrected | DevelopmentWithdrawn]:
        """What repaired it in the window, in order."""
        return [
            s.event for s in self.fresh if isinstance(s.event, DevelopmentCorrected | DevelopmentWithdrawn)
        ]

    @property
    def reason(self) -> str | None:
        """Why it was repaired: in substance, where it was; that of our wording else."""
        of_substance = [one for one in self.repairs if not getattr(one, "editorial", False)]
        last = (of_substance or self.repairs)[-1:]
        return last[0].reason if last else None

    @property
    def gone(self) -> bool:
        """Whether it is withdrawn."""
        return isinstance(self.story[-1].event, DevelopmentWithdrawn)

    def kind(self, since: Mark) -> Kind:
        """The part it stands in."""
        if self.logged_now:
            return "withdrawn" if self.gone else "late" if self._over() <= since.as_of else "new"
        before = self.story[len(self.story) - len(self.fresh) - 1]
        return (
            "withdrawn" if self.gone and not isinstance(before.event, DevelopmentWithdrawn) else "corrected"
        )

    def _over(self) -> datetime:
        """When the time at which it was announced was over, as precisely as that is known."""
        told = self.told
        return over(told.announced, told.zone or zone_of(actor_of(self.first.subject)))


def news(
    watched: Sequence[Watched], stories: Iterable[Story], since: int, until: int, everybody: bool
) -> list[News]:
    """The developments with news in (since, until] that change something here or are somebody's business, in the
    order of their last event."""
    found = []
    fresh_of = [(story, [said for said in story if said.position > since]) for story in stories]
    stepped = [
        (story, fresh, [(last, steps(watched, first - 1, last)) for first, last in _commits(fresh)])
        for story, fresh in fresh_of
        if fresh
    ]
    for story, fresh, commits in stepped:
        changes: dict[str, Sequence[Patch]] = {}
        times: dict[str, int] = {}
        for who in watched:
            taken = [(last, step) for last, by_code in commits if (step := by_code[who.code])]
            others = _others(stepped, story, who.code) if len(taken) > 1 else []
            changes[who.code], times[who.code] = joined(composed(taken, others)), len(taken)
        said = _effects(story, since)
        concerned = [
            who.code
            for who in watched
            if any(_tells(patch.change, who.known(since), who.known(until)) for patch in changes[who.code])
            or (
                not changes[who.code]
                and (times[who.code] or any(who.reached(subject, painted) for subject, painted in said))
            )
        ]
        silent = unsaid(story, fresh)
        if any(changes.values()) or (not silent and (concerned or everybody)):
            quiet = silent or not (concerned or everybody)
            found.append(News(story, fresh, changes, times, concerned, quiet))
    return sorted(found, key=lambda one: one.fresh[-1].position)


def _others(stepped: Iterable[_Stepped], story: Story, code: str) -> list[tuple[int, Change]]:
    """What all other developments moved for a partner, and at which position."""
    return [
        (last, change)
        for other, _, commits in stepped
        if other is not story
        for last, by_code in commits
        for change in by_code[code]
    ]


def _tells(change: Change, before: History, after: History) -> bool:
    """Whether a change is anything to a reader."""
    return not vacuous(change, before, after) and not echoed(change, before, after)


def unsaid(story: Story, fresh: Story) -> bool:
    """Whether nothing of it is for readers: editorial corrections, or word that somebody looked for news."""
    if fresh[0].position == story[0].position:
        return all(isinstance(fact, PartnerChecked) for fact in facts(story))
    return all(isinstance(said.event, DevelopmentCorrected) and said.event.editorial for said in fresh)


def facts(story: Story) -> list[Logged]:
    """What a development says in its latest version, also where that was withdrawn."""
    now = standing((said.told, said.event) for said in story)
    return [fact for held in now.events.values() for fact in held]


def _effects(story: Story, since: int) -> list[tuple[str, list[Paint]]]:
    """What a development says, as it was told before and as it is now: its subjects, each with the effects."""
    versions = [story, [said for said in story if said.position <= since]]
    return [(fact.subject, paints(v[-1].told, fact)) for v in versions if v for fact in facts(v)]


def _commits(fresh: Story) -> list[tuple[int, int]]:
    spans: dict[int, list[int]] = {}
    for said in fresh:
        spans.setdefault(said.commit, []).append(said.position)
    return [(min(positions), max(positions)) for positions in spans.values()]


def returned(
    watched: Iterable[Watched], found: Sequence[News], since: int, until: int
) -> set[tuple[str, Key]]:
    """What moved in the window and moved back: (partner, item) that several developments changed and that is in the
    end, over all of world time, as it was."""
    back: set[tuple[str, Key]] = set()
    for who in watched:
        times: dict[Key, int] = {}
        for one in found:
            for key in {patch.change.key for patch in one.changes[who.code]}:
                times[key] = times.get(key, 0) + 1
        several = {key for key, n in times.items() if n > 1}
        if several:
            net = {change.key for change in who.step(since, until)}
            back |= {(who.code, key) for key in several - net}
    return back


def grouped(found: Sequence[News], back: set[tuple[str, Key]], since: Mark) -> list[list[News]]:
    """Developments of one part that did nothing but move the same things there and back, together; each other one
    alone. What was repaired stands alone, too: it has a reason of its own."""
    groups: list[tuple[Kind | None, set[tuple[str, Key]], list[News]]] = []
    for one in found:
        touched = {(code, patch.change.key) for code, its in one.changes.items() for patch in its}
        if one.repairs or not touched or not touched <= back:
            groups.append((None, set(), [one]))
            continue
        kind, held = one.kind(since), [one]
        for group in [group for group in groups if group[0] == kind and group[1] & touched]:
            touched |= group[1]
            held = [*group[2], *held]
            groups.remove(group)
        groups.append((kind, touched, held))
    return [held for _, _, held in groups]
