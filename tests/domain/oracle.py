"""What the segments must say, worked out the slow way and from the documents alone (DESIGN 4, and the docstrings of
events.py and fold.py): for one instant, go through everything that was said, in its order, and see what is left.

It shares no code with paint, fold or the projection; it reads the commands as plain data. There are no intervals in
it to be cut or joined: an effect applies at an instant or it does not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
DAY = "2025-01-01"
ZONES = {
    "US": "America/New_York", "CA": "America/Toronto", "MX": "America/Mexico_City", "BR": "America/Sao_Paulo",
    "CO": "America/Bogota", "EU": "Europe/Brussels", "GB": "Europe/London", "DE": "Europe/Berlin",
    "FR": "Europe/Paris", "IT": "Europe/Rome", "NL": "Europe/Amsterdam", "BE": "Europe/Brussels",
    "CH": "Europe/Zurich", "IL": "Asia/Jerusalem", "CN": "Asia/Shanghai", "JP": "Asia/Tokyo", "KR": "Asia/Seoul",
    "TW": "Asia/Taipei", "VN": "Asia/Ho_Chi_Minh", "SG": "Asia/Singapore", "MY": "Asia/Kuala_Lumpur",
    "IN": "Asia/Kolkata", "AU": "Australia/Sydney", "ID": "Asia/Jakarta", "TH": "Asia/Bangkok", "PH": "Asia/Manila",
}  # fmt: skip

IMPLIED: dict[str, dict[str, Any]] = {
    "measure.threatened": {"status": "threatened"},
    "investigation.opened": {"status": "under_investigation"},
    "measure.proposed": {"status": "proposed"},
    "measure.announced": {"status": "in_force"},
    "measure.amended": {},
    "measure.paused": {"status": "paused"},
    "measure.resumed": {"status": "in_force"},
    "measure.ended": {"status": "ended"},
    "ruling.issued": {},
    "agreement.announced": {"status": "announced"},
    "agreement.text_published": {"status": "text_published", "in_writing": True},
    "agreement.signed": {"status": "signed", "in_writing": True},
    "agreement.ratified": {},
    "agreement.entered_into_force": {"status": "in_force"},
    "agreement.amended": {},
    "agreement.suspended": {"status": "suspended"},
    "agreement.terminated": {"status": "terminated"},
    "provision.changed": {},
    "statement.made": {"outcome": "open"},
    "statement.revised": {"outcome": "corrected"},
    "claim.closed": {},
    "talks.held": {"status": "under_way"},
    "talks.paused": {"status": "paused"},
    "talks.broken_off": {"status": "broken_off"},
    "talks.resumed": {"status": "under_way"},
    "talks.concluded": {"status": "concluded"},
    "deadline.set": {"status": "open"},
    "deadline.moved": {"status": "open"},
    "deadline.closed": {},
}


class Lane(NamedTuple):
    target: str
    scope: str
    basis: str
    aspect: str


class Layer(NamedTuple):
    value: Any
    position: int
    since: datetime
    excepted: tuple[str, ...]


@dataclass
class Commit:
    """One recorded command, as plain data, and the positions its events were given, with their subjects."""

    kind: str  # log, correct, withdraw
    development: str
    command: dict[str, Any]
    positions: list[tuple[int, str]]


@dataclass
class Effect:
    """Something said of a target over a span of time. ``scope`` None: all the measure has; ``basis`` None: any."""

    target: str
    aspect: str
    fields: dict[str, Any]
    start: datetime = ALWAYS
    end: datetime = NEVER
    scope: str | None = ""
    basis: str | None = "instrument"
    excepted: tuple[str, ...] = ()
    silent: list["Effect"] = field(default_factory=list)
    """While one of these applies, this one does not."""
    position: int = 0
    there: bool = False
    """Only where there are such lanes already."""
    weak: bool = False
    """Not where the measure applies or is paused already."""

    def applies(self, at: datetime) -> bool:
        return self.start <= at < self.end and not any(e.start <= at < e.end for e in self.silent)

    def since(self, at: datetime) -> datetime:
        return max([self.start, *(e.end for e in self.silent if e.end <= at)])

    def lands_on(self, lanes: set[Lane]) -> set[Lane]:
        """The lanes it reaches, of those there are: all that fit for ``each_of``; new ones where it names a target."""
        kin = {x for x in lanes if x.aspect == self.aspect and self.basis in (None, x.basis)}
        if self.target == "each_of":
            named = {x for x in kin if x.target not in self.excepted}
            here = {x for x in named if self.scope in (None, x.scope)}
            wide = {x for x in named if x.scope == "all-goods" and self.scope is not None and not self.there}
            return here | {Lane(x.target, str(self.scope), x.basis, x.aspect) for x in wide}
        if self.there and not kin:
            return set()
        if self.basis is None:
            spoken = {
                x for x in kin if x.target in (self.target, "everyone") and self.scope in (None, x.scope)
            }
            if spoken:
                return {Lane(self.target, x.scope, x.basis, self.aspect) for x in spoken}
        scopes = {x.scope for x in kin} or {"all-goods"} if self.scope is None else {self.scope}
        return {Lane(self.target, scope, self.basis or "instrument", self.aspect) for scope in scopes}

    def meets(self, other: "Effect") -> bool:
        """Whether both could reach one lane."""
        return ("each_of" in (self.target, other.target) or self.target == other.target) and (
            None in (self.scope, other.scope) or self.scope == other.scope
        )


class Oracle:
    """The answers about one subject, as known at one position."""

    def __init__(self, history: Sequence[Commit], subject: str, known: int) -> None:
        self._on: dict[Lane, list[Effect]] = {}
        for effect in _in_order(history, subject, known):
            for lane in effect.lands_on(set(self._on)):
                self._on.setdefault(lane, []).append(effect)

    @property
    def lanes(self) -> set[Lane]:
        return set(self._on)

    def edges(self, lane: Lane) -> set[datetime]:
        """The instants at which something may change."""
        return {edge for effect in self._on[lane] for edge in (effect.start, effect.end)}

    def state(self, lane: Lane, at: datetime) -> dict[str, list[Layer]]:
        """Each field with its layers, newest first; what lies below a layer counts only for those it excepts, so
        there it has to be said of one of them."""
        state: dict[str, list[Layer]] = {}
        for effect in self._on[lane]:
            stands = state.get("status", [Layer(None, 0, at, ())])[0].value in ("in_force", "paused")
            if effect.applies(at) and not (effect.weak and stands):
                for name, value in effect.fields.items():
                    layer = Layer(value, effect.position, effect.since(at), effect.excepted)
                    below = [
                        x for x in state.get(name, []) if any(y not in x.excepted for y in effect.excepted)
                    ]
                    state[name] = [layer, *below]
        return state


def _in_order(history: Sequence[Commit], subject: str, known: int) -> list[Effect]:
    """All effects on a subject: by announcement, sequence, position of the original; each in its latest version."""
    told: dict[str, dict[str, Any]] = {}
    said: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    first: dict[str, int] = {}
    for commit in history:
        id = commit.development
        first.setdefault(id, commit.positions[0][0])
        for i, (position, on) in enumerate(commit.positions):
            if position > known or on != subject:
                continue
            match commit.kind:
                case "log":
                    told[id] = commit.command
                    said.setdefault(id, []).append((position, commit.command["events"][i]))
                case "correct":
                    told[id] = commit.command
                    said[id] = [(position, e) for e in commit.command["events"] if e["subject"] == subject]
                case "withdraw":
                    said[id] = []

    def place(id: str) -> tuple[datetime, int, int]:
        return _announced(told[id], subject), told[id].get("sequence", 0), first[id]

    found = []
    for id in sorted(told, key=place):
        for position, event in said[id]:
            for effect in _effects(told[id], event):
                if effect.fields and effect.start < effect.end:
                    effect.position = position
                    found.append(effect)
    return found


def plain(command: Any) -> dict[str, Any]:
    """A command struct as plain data."""
    data: dict[str, Any] = msgspec.to_builtins(command)
    return data


def _zone(told: dict[str, Any], subject: str) -> str:
    return told.get("zone") or ZONES[subject.split(":")[1][:2].upper()]


def _announced(told: dict[str, Any], subject: str) -> datetime:
    return _instant(told["announced"], _zone(told, subject))


def _instant(text: str, zone: str) -> datetime:
    text = text.removeprefix("by ")
    at = datetime.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _flat(state: dict[str, Any]) -> dict[str, Any]:
    """Exemptions and ratifications change one by one."""
    flat: dict[str, Any] = {}
    for name, value in state.items():
        if name in ("exemptions", "ratified"):
            flat |= {f"{name}.{key}": entry for key, entry in value.items()}
        else:
            flat[name] = value
    return flat


def _effects(told: dict[str, Any], event: dict[str, Any]) -> Iterator[Effect]:
    subject, type = event["subject"], event["type"]
    kind, key = subject.split(":")
    zone, announced = _zone(told, subject), _announced(told, subject)
    implied = IMPLIED.get(type, {})

    def span(stated: dict[str, Any]) -> tuple[datetime, datetime]:
        start = _instant(stated["from"], zone) if "from" in stated else announced
        return start, _instant(stated["until"], zone) if "until" in stated else NEVER

    def named(stated: dict[str, Any]) -> dict[str, Any]:
        """The dates that somebody names are part of what is said; said it is from the announcement on."""
        dates: dict[str, Any] = {}
        if "from" in stated:
            starts = _instant(stated["from"], zone)
            dates = {"starts": stated["from"], "starts_at": int(starts.timestamp())}
        return dates | ({"ends": stated["until"]} if "until" in stated else {})

    def reaching(stated: dict[str, Any], otherwise: str) -> dict[str, Any]:
        return {
            "target": stated.get("target", otherwise),
            "excepted": tuple(sorted(stated.get("except", ()))),
        }

    vague: dict[str, Any] = {}
    for said in (event, *event.get("effects", ()), *event.get("provisions", ())):
        for text in (told["announced"], said.get("from", DAY), said.get("until", DAY)):
            if text.startswith("by ") or len(text) < len(DAY):
                vague[f"stated.{_instant(text, zone).isoformat().replace('+00:00', 'Z')}"] = text
    yield Effect("", "about", vague)
    if "about" in event:
        usual = {"measure": {"kind": "tariff"}, "partner": {"kind": "country"}}.get(kind, {})
        yield Effect("", "about", {**usual, **event["about"]})

    if type.startswith(("measure.", "investigation.")):
        claim = event.get("claim", "threat" if type == "measure.threatened" else None)
        basis = f"claim:{claim}" if claim else None if type == "measure.ended" else "instrument"
        earlier: list[Effect] = []
        for stated in event.get("effects", ()):
            sets = _flat(stated.get("set", {}))
            start, end = span(stated)
            if type == "measure.threatened":
                sets = {"outcome": None} | named(stated) | sets
                start, end = announced, NEVER
            cleared = {"pending": None} if sets.get("awaits", ...) is None else {}
            fields = implied | sets | cleared
            if sets.get("awaits") and "from" not in stated and not claim:
                waiting = {name: value for name, value in sets.items() if name != "awaits"}
                fields = {"awaits": sets["awaits"], "pending": waiting}
                if type == "measure.announced":
                    fields = sets | {"status": "announced"}
            body = Effect(
                aspect="state", fields=fields, start=start, end=end, scope=stated.get("scope"), basis=basis,
                **reaching(stated, "each_of"),
            )  # fmt: skip
            if type == "measure.announced" and announced < start:
                yield Effect(
                    body.target, "state", {"status": "announced"}, announced, start, body.scope, basis,
                    body.excepted, [e for e in earlier if e.meets(body)], weak=True,
                )  # fmt: skip
            yield body
            earlier.append(body)
    elif type == "ruling.issued":
        aspect, scope = ("state", None) if kind == "measure" else ("legal", "")
        for stated in event.get("effects", ()):
            start, end = span(stated)
            yield Effect(
                aspect=aspect, fields=_flat(stated["set"]), start=start, end=end, scope=scope,
                **reaching(stated, "everyone"),
            )  # fmt: skip
    elif type.startswith("statement."):
        for stated in event["effects"]:
            yield Effect(
                aspect="claim", fields=implied | named(stated) | _flat(stated["set"]), start=announced,
                basis=f"claim:{event['claim']}", **reaching(stated, "everyone"),
            )  # fmt: skip
    elif type == "claim.closed":
        for stated in event["effects"]:
            start, end = span(stated)
            whose = reaching(stated, "everyone")
            whose["target"] = "each_of" if whose["target"] == "everyone" else whose["target"]
            basis, outcome = f"claim:{event['claim']}", stated["set"].get("outcome")
            yield Effect(
                aspect="claim",
                fields=_flat(stated["set"]),
                start=start,
                end=end,
                basis=basis,
                there=True,
                **whose,
            )
            if outcome not in (None, "open"):
                said = {name: stated["set"][name] for name in ("outcome", "text") if name in stated["set"]}
                over = said | ({"status": "ended"} if kind == "measure" else {})
                yield Effect(
                    aspect="state",
                    fields=over,
                    start=start,
                    end=end,
                    scope=None,
                    basis=basis,
                    there=True,
                    **whose,
                )
    elif type.startswith(("agreement.", "provision.")):
        basis = f"claim:{event['claim']}" if event.get("claim") else "instrument"
        spans = [("state", span(e), implied | _flat(e.get("set", {}))) for e in event.get("effects", ())]
        if implied and not spans:
            spans = [("state", (announced, NEVER), implied)]
        spans += [
            (f"provision:{p['provision']}", span(p), _flat(p["set"])) for p in event.get("provisions", ())
        ]
        first, others = key.split("-")[:2]
        for aspect, (start, end), fields in spans:
            for party in (first, *others.split("_")):
                if party != "us":
                    yield Effect(party.upper(), aspect, fields, start, end, basis=basis)
    elif type == "objectives.set":
        start, _ = span(event)
        for name, one in (("criteria", "criterion"), ("risks", "risk")):
            for slug, text in event["set"].get(name, {}).items():
                yield Effect(
                    key, f"{one}:{slug}", {"text": text, "standing": "open" if text else None}, start
                )
        yield Effect(key, "focus", {k: v for k, v in event["set"].items() if k == "focus"}, start)
    elif type.startswith("deadline."):
        fields = implied | event["set"]
        if "due" in fields:
            due = fields["due"]
            fields["due_at"] = due and int(_instant(due, zone).timestamp())
        yield Effect(key, f"deadline:{event['deadline']}", fields, announced)
    elif type.startswith("talks."):
        yield Effect(key, "talks", implied | event.get("set", {}), span(event)[0])
    elif type.startswith("bloc."):
        member = True if type == "bloc.joined" else None
        yield Effect(key, f"membership:{event['bloc']}", {"member": member}, span(event)[0])
    elif type in ("criterion.assessed", "risk.assessed"):
        one = type.partition(".")[0]
        yield Effect(key, f"{one}:{event[one]}", event["set"], span(event)[0])
    elif type == "partner.profiled":
        yield Effect(key, "profile", event["set"], span(event)[0])
    elif type == "partner.checked":
        yield Effect(key, "checked", {"through": event["through"]}, announced)
    elif type == "assessment.published":
        said = {"by": event["by"], "text": event["text"]}
        yield Effect(key, f"assessment:{event['assessment']}", said, announced)
    elif type not in ("partner.registered", "scope.defined"):
        raise AssertionError(f"the oracle has not heard of {type}")
