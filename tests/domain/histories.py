"""Random histories: what analysts might send in, in any order. Few names and few days, so that things meet."""

from dataclasses import dataclass
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

X, Y, LAW, DEAL = "measure:us-x", "measure:cn-y", "authority:us-law", "agreement:us-gb-deal"
PAIR, PARTNER = "agreement:us-mx_ca-deal", "partner:GB"
SUBJECTS = (X, X, X, X, Y, Y, LAW, DEAL, PAIR, PARTNER)
DAYS = [f"2025-01-{day:02}" for day in range(1, 13)]
HOURS = ["", "", "", "T00:01", "T12:00-05:00", "T23:59Z"]
TARGETS = ["GB", "MX", "EU", "party:vos", "everyone", "everyone", "each_of", "each_of"]
EXCEPT = [["GB"], ["MX", "GB"], ["EU"]]
KEYS = ["a", "b"]


@dataclass(frozen=True)
class Step:
    """One command. ``which``: of the developments so far, the one that is repaired."""

    kind: str  # log, correct, withdraw
    told: dict[str, Any]
    which: int = 0

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.told.get("events", [])
        return found


percents = st.integers(0, 9).map(lambda n: {"rate": {"percent": n * 5}})
measure_states = st.one_of(
    percents,
    percents,
    st.just({"rate": None}),
    st.sampled_from(["in_force", "paused", "ended", None]).map(lambda s: {"status": s}),
    st.sampled_from([{"a": {"text": "cars"}}, {"b": {"text": "steel"}}, {"a": None}]).map(
        lambda e: {"exemptions": e}
    ),
    st.sampled_from([{"awaits": "a text", "rate": {"percent": 7}}, {"awaits": None, "text": "it came"}]),
)
legal_states = st.sampled_from(
    [
        {"legal": "struck_down"},
        {"stayed": True},
        {"legal": None, "ruling": "again"},
        {"collection": "collected"},
    ]
)


@st.composite
def spans(draw: st.DrawFn, announced: int) -> dict[str, str]:
    """``from`` and ``until``, each there or not; the days leave an instant between them. Some last one day only, so
    that not everything overlaps."""
    if draw(st.integers(0, 2)) == 2:
        day = draw(st.integers(0, len(DAYS) - 2))
        return {"from": DAYS[day], "until": DAYS[day + 1]}
    start = draw(st.none() | st.integers(0, len(DAYS) - 2) | st.just(min(announced + 2, len(DAYS) - 2)))
    vague = "by " if start == 5 else ""
    span = {} if start is None else {"from": vague + DAYS[start] + draw(st.sampled_from(HOURS))}
    after = max(start if start is not None else announced, announced) + 2
    if after < len(DAYS) and draw(st.sampled_from([True, True, False])):
        span["until"] = DAYS[draw(st.integers(after, len(DAYS) - 1))] + draw(st.sampled_from(HOURS))
    return span


@st.composite
def effects(draw: st.DrawFn, announced: int, states: Any, scoped: bool = False) -> dict[str, Any]:
    effect: dict[str, Any] = {"target": draw(st.sampled_from(TARGETS)), "set": draw(states)}
    effect |= draw(spans(announced))
    if effect["target"] in ("everyone", "each_of") and draw(st.booleans()):
        effect["except"] = draw(st.sampled_from(EXCEPT))
    if scoped and (scope := draw(st.sampled_from([None, None, None, "cars", "all-goods"]))):
        effect["scope"] = scope
    return effect


MEASURE_TYPES = [
    "measure.announced", "measure.announced", "measure.announced", "measure.amended", "measure.amended",
    "measure.paused", "measure.paused", "measure.resumed", "measure.ended", "measure.ended", "measure.threatened",
    "measure.proposed", "ruling.issued", "statement.made", "statement.revised", "claim.closed",
]  # fmt: skip
DEAL_TYPES = [
    "agreement.announced", "agreement.signed", "agreement.ratified", "agreement.suspended", "provision.changed",
    "statement.made",
]  # fmt: skip
PARTNER_TYPES = [
    "talks.held", "talks.broken_off", "deadline.set", "deadline.moved", "objectives.set", "bloc.joined",
    "bloc.left", "criterion.assessed", "statement.made",
]  # fmt: skip


@st.composite
def events(draw: st.DrawFn, announced: int, subject: str) -> dict[str, Any]:
    kind = subject.partition(":")[0]
    types = {"measure": MEASURE_TYPES, "agreement": DEAL_TYPES, "partner": PARTNER_TYPES}
    type = draw(st.sampled_from(types.get(kind, ["ruling.issued"])))
    event: dict[str, Any] = {"type": type, "subject": subject}
    some = {"min_size": 1, "max_size": 3}
    if type.startswith(("statement.", "claim.")):
        states = st.sampled_from([{"by": "A", "says": "x"}, {"outcome": "settled"}, {"rate": {"percent": 3}}])
        event["claim"] = draw(st.sampled_from(KEYS))
        event["effects"] = draw(st.lists(effects(announced, states), **some))
    elif type == "ruling.issued":
        event["effects"] = draw(st.lists(effects(announced, legal_states), **some))
    elif kind == "measure":
        if type in ("measure.announced", "measure.amended", "measure.threatened") and draw(st.booleans()):
            event["claim"] = draw(st.sampled_from(["threat", *KEYS]))
        event["effects"] = draw(st.lists(effects(announced, measure_states, scoped=True), **some))
    elif kind == "agreement":
        event |= draw(agreements(announced, type))
    else:
        event |= draw(partners(type))
    if subject == Y:  # what another country does is followed as it bears on the United States
        for effect in event["effects"]:
            effect["target"] = effect["target"] if len(effect["target"]) > 2 else "US"
    return event


@st.composite
def agreements(draw: st.DrawFn, announced: int, type: str) -> dict[str, Any]:
    event: dict[str, Any] = {}
    states = st.sampled_from([{"in_writing": True}, {"ratified": {"GB": "2025-01-05"}}, {"text": "more"}])
    provisions = st.sampled_from(
        [{"status": "in_force"}, {"due": "2025-02"}, {"status": None, "text": "gone"}]
    )
    if type == "agreement.ratified" or draw(st.booleans()):
        event["effects"] = [{**draw(spans(announced)), "set": draw(states)}]
    if type == "provision.changed" or draw(st.booleans()):
        event["provisions"] = [
            {"provision": key, **draw(spans(announced)), "set": draw(provisions)}
            for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=2))
        ]
    if draw(st.booleans()):
        event["claim"] = "a"
    return event


@st.composite
def partners(draw: st.DrawFn, type: str) -> dict[str, Any]:
    span = draw(st.sampled_from([{}, {"from": DAYS[2]}, {"from": DAYS[7]}]))
    match type.partition(".")[0]:
        case "talks":
            return span
        case "deadline":
            sets = st.sampled_from(
                [{"due": "2025-02-01"}, {"due": "by 2025-03"}, {"due": None}, {"title": "D"}]
            )
            return {"deadline": draw(st.sampled_from(KEYS)), "set": draw(sets)}
        case "objectives":
            sets = st.sampled_from(
                [{"focus": "cars", "criteria": {"a": "10%"}}, {"criteria": {"a": None}, "risks": {"b": "r"}}]
            )
            return {"set": draw(sets), **span}
        case "bloc":
            return {"bloc": "EU", **span}
        case "criterion":
            standing = draw(st.sampled_from(["met", "lost"]))
            return {"criterion": "a", "set": {"standing": standing}, **span}
    return {"claim": "a", "effects": [{"target": "GB", "set": {"says": "x"}}]}


ABOUT_FITS = ("measure.", "agreement.", "ruling.", "provision.")


def opening(event: dict[str, Any], title: str) -> dict[str, Any]:
    """The event, saying what its subject is, if it is of a type that can; a measure names somebody then."""
    if event["type"].startswith(("measure.", "investigation.")):
        first, *others = event.get("effects") or [{"set": {"text": "opened"}}]
        named = {effect.get("target", "each_of") for effect in (first, *others)} != {"each_of"}
        event = event | {"effects": [first if named else first | {"target": "everyone"}, *others]}
    kind = event["subject"].partition(":")[0]
    fits = event["type"].startswith(ABOUT_FITS) and (event["type"] != "ruling.issued" or kind == "authority")
    return event | {"about": {"title": title}} if fits else event


@st.composite
def developments(draw: st.DrawFn, few: bool = False) -> dict[str, Any]:
    """One command to log, as plain data; its events are about one subject or two."""
    day = draw(st.sampled_from([0, 3, 3, 3, 6, 9]))  # often the same, so that the finer order counts
    told: dict[str, Any] = {"title": "What happened", "announced": DAYS[day]}
    told["announced"] += draw(st.sampled_from(["", "", "", "", "T09:00", "T09:00Z"]))
    if sequence := draw(st.sampled_from([0, 0, 0, 1])):
        told["sequence"] = sequence
    if draw(st.integers(0, 4)) == 4:
        told["zone"] = "Asia/Tokyo"
    subjects = draw(st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=1 if few else 3))
    told["events"] = [draw(events(day, subject)) for subject in subjects]
    if draw(st.integers(0, 3)) == 3:
        told["events"] = [opening(event, DAYS[day]) for event in told["events"]]
    return told


@st.composite
def histories(draw: st.DrawFn, most: int = 9) -> list[Step]:
    """Commands in the order in which they are recorded: mostly developments, announced in any order; repairs of what
    was logged before, repairs included."""
    steps: list[Step] = []
    logged = 0
    for _ in range(draw(st.integers(2, most))):
        kind = (
            draw(st.sampled_from(["log", "log", "log", "correct", "correct", "withdraw"]))
            if logged
            else "log"
        )
        told = {} if kind == "withdraw" else draw(developments())
        steps.append(Step(kind, told, draw(st.integers(0, logged - 1)) if logged else 0))
        logged += kind == "log"
    return steps


@st.composite
def put_in_late(draw: st.DrawFn, most: int = 10) -> list[Step]:
    """Developments in the order in which they were announced; then some that come late, and repairs."""
    told = draw(st.lists(developments(few=True), min_size=4, max_size=most))
    told.sort(key=lambda one: str(one["announced"]))
    steps = [Step("log", one) for one in told]
    for kind in draw(
        st.lists(st.sampled_from(["log", "log", "correct", "withdraw"]), min_size=1, max_size=4)
    ):
        late = {} if kind == "withdraw" else draw(developments())
        steps.append(Step(kind, late, draw(st.integers(0, len(told) - 1))))
    return steps


def _anywhere(event: dict[str, Any]) -> bool:
    """Whether it means the same wherever it is recorded; a claim is closed only after it was made."""
    return event["subject"] != PARTNER and event["type"] != "claim.closed"


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[Step], list[int]]:
    """Developments, each with a place of its own in the order, and another order to record them in."""
    told = draw(st.lists(developments(few=True), min_size=2, max_size=7))
    places = draw(st.permutations(range(len(told))))
    steps = [
        Step("log", {**one, "sequence": place, "events": [e for e in one["events"] if _anywhere(e)]})
        for one, place in zip(told, places, strict=True)
    ]
    steps = [step for step in steps if step.events]
    return steps, draw(st.permutations(range(len(steps))))


def sample(number: int) -> list[list[Step]]:
    """Always the same histories."""
    found: list[list[Step]] = []

    @settings(derandomize=True, max_examples=number, database=None, phases=[Phase.generate], deadline=None)
    @given(histories())
    def draw(steps: list[Step]) -> None:
        found.append(steps)

    draw()
    return found


def sample_put_in_late(number: int) -> list[list[Step]]:
    """The same of those."""
    found: list[list[Step]] = []

    @settings(derandomize=True, max_examples=number, database=None, phases=[Phase.generate], deadline=None)
    @given(put_in_late())
    def draw(steps: list[Step]) -> None:
        found.append(steps)

    draw()
    return found


# ---------------------------------------------------------------- what makes a history interesting


def traits(steps: list[Step]) -> set[str]:
    """What happens in a history, to see that the search meets it."""
    found: set[str] = set()
    announced: dict[str, str] = {}
    states: dict[int, list[str]] = {}
    subjects: dict[int, set[str]] = {}
    days: dict[int, str] = {}
    number = 0
    for step in steps:
        which = step.which
        if step.kind == "log":
            which, number = number, number + 1
        elif states[which][-1] == "withdraw" and step.kind == "correct":
            found.add("reinstated")
        elif states[which][-1] == "correct" and step.kind == "correct":
            found.add("correction of a correction")
        states.setdefault(which, []).append(step.kind)
        found.add(step.kind)
        now = {event["subject"] for event in step.events}
        if step.kind == "correct":
            if now != subjects[which]:
                found.add("moved")
            if step.told["announced"] != days[which]:
                found.add("announced corrected")
        if step.events:
            subjects[which], days[which] = now, step.told["announced"]
        for event in step.events:
            if announced.get(event["subject"], "") > step.told["announced"]:
                found.add("back-dated")
            announced[event["subject"]] = max(announced.get(event["subject"], ""), step.told["announced"])
            found |= _traits(event, step)
        if len(now) < len(step.events):
            found.add("two events on one subject")
    return found


def _traits(event: dict[str, Any], step: Step) -> set[str]:
    found = {"claim"} if event.get("claim") else set()
    for effect in event.get("effects", ()):
        if effect.get("target") in ("each_of", "everyone"):
            found.add(effect["target"] + (" except" if "except" in effect else ""))
        if event["type"] == "measure.paused" and "until" in effect:
            found.add("pause that ends")
        if effect.get("from", "9") < step.told["announced"]:
            found.add("retroactive")
        if event["type"] == "measure.announced" and effect.get("from", "") > step.told["announced"]:
            found.add("announced ahead")
    return found
