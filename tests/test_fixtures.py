"""The founding history in fixtures/: every file is a command as it stands, and together they tell one story."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tracker.domain.decide import Known, log
from tracker.domain.events import (
    BlocJoined,
    ClaimClosed,
    ClaimEvent,
    CriterionAssessed,
    Development,
    DevelopmentCorrected,
    DevelopmentWithdrawn,
    MeasureEvent,
    ObjectivesSet,
    PartnerRegistered,
    RiskAssessed,
    actor_of,
)
from tracker.domain.fold import Lane, selected
from tracker.domain.paint import announced, paints, read
from tracker.domain.when import zone_of

FIXTURES = Path(__file__).parent.parent / "fixtures"
LAST = datetime(2025, 9, 1, tzinfo=UTC)
TOP_20 = [
    *("MX", "CA", "CN", "DE", "JP", "KR", "GB", "VN", "IN", "IT"),
    *("FR", "BR", "NL", "TW", "CH", "BE", "IL", "SG", "AU", "MY"),
]


class Command(msgspec.Struct, forbid_unknown_fields=True):
    """One file."""

    key: str
    development: Development
    learnt_at: datetime | None = None

    @property
    def announced(self) -> datetime:
        return announced(self.development, self.development.events[0].subject).at


def replayed() -> list[tuple[Path, Command]]:
    decode = msgspec.json.Decoder(Command).decode
    found = [(path, decode(path.read_bytes())) for path in FIXTURES.rglob("*.json")]
    return sorted(found, key=lambda pair: (pair[1].announced, pair[1].development.sequence, pair[1].key))


COMMANDS = replayed()


def events() -> Iterator[tuple[str, Any]]:
    for _, command in COMMANDS:
        for event in command.development.events:
            yield command.key, event


def test_every_command_is_accepted_in_the_order_of_the_replay() -> None:
    subjects: list[str] = []
    lanes: dict[str, set[Lane]] = {}
    for _, command in COMMANDS:
        for record in log(command.development, Known(subjects, list, lambda key: lanes.get(key, set()))):
            assert not isinstance(record.event, DevelopmentCorrected | DevelopmentWithdrawn)
            subject = record.event.subject
            subjects += [subject] if subject not in subjects else []
            for paint in paints(record.told, record.event):
                lanes.setdefault(subject, set()).update(selected(paint, lanes.get(subject, ())))


def test_files_are_pretty_printed() -> None:
    for path, _ in COMMANDS:
        text = path.read_text("utf-8")
        assert msgspec.json.format(text.encode(), indent=2).decode() + "\n" == text, path


def test_keys_are_unique() -> None:
    assert [key for key, n in Counter(command.key for _, command in COMMANDS).items() if n > 1] == []


def test_all_developments_and_partners_are_there() -> None:
    keys = {command.key for _, command in COMMANDS}
    assert {f"D{n:03}" for n in range(1, 67)} <= keys
    for code in TOP_20:
        assert {f"partner-{code}", f"briefing-{code}"} <= keys
    registered = [e for _, e in events() if isinstance(e, PartnerRegistered)]
    ranks = {actor_of(e.subject): e.about.rank for e in registered if e.about.kind == "country"}
    assert ranks == {code: rank for rank, code in enumerate(TOP_20, 1)}


def test_the_name_of_a_file_begins_with_its_key_or_tells_it() -> None:
    for path, command in COMMANDS:
        folder = path.parent.name
        named = path.stem if folder == "developments" else f"{folder.rstrip('s')}-{path.stem}"
        assert named.startswith(command.key), path


def test_nothing_is_told_or_learnt_after_august_2025_and_learning_never_goes_back() -> None:
    last = datetime.min.replace(tzinfo=UTC)
    for path, command in COMMANDS:
        learnt = command.learnt_at or command.announced
        assert last <= learnt < LAST, path
        last = learnt
        assert command.announced < LAST, path


def test_no_source_is_younger_than_what_it_is_cited_for() -> None:
    for path, command in COMMANDS:
        zone = command.development.zone or zone_of(actor_of(command.development.events[0].subject))
        for source in command.development.sources:
            if source.on:
                assert (read(source.on, zone, "on").at - command.announced).days <= 1, (path, source)


def test_everything_has_a_source() -> None:
    assert [path for path, command in COMMANDS if not command.development.sources] == []


def test_a_subject_is_opened_by_saying_what_it_is() -> None:
    opened: set[str] = set()
    for key, event in events():
        if event.subject not in opened:
            assert isinstance(event, BlocJoined) or getattr(event, "about", None), (key, event.subject)
        opened.add(event.subject)


def test_assessments_name_criteria_and_risks_that_were_set() -> None:
    criteria: set[tuple[str, str]] = set()
    risks: set[tuple[str, str]] = set()
    for key, event in events():
        match event:
            case ObjectivesSet():
                criteria |= {(event.subject, name) for name in event.set.criteria or {}}
                risks |= {(event.subject, name) for name in event.set.risks or {}}
            case CriterionAssessed():
                assert (event.subject, event.criterion) in criteria, key
            case RiskAssessed():
                assert (event.subject, event.risk) in risks, key
            case _:
                pass


def test_a_claim_that_is_closed_was_made_before() -> None:
    made: set[tuple[str, str]] = set()
    for key, event in events():
        if isinstance(event, ClaimClosed):
            assert (event.subject, event.claim) in made, key
        elif isinstance(event, ClaimEvent | MeasureEvent) and event.claim:
            made.add((event.subject, event.claim))


@pytest.mark.parametrize("word", ["2025-09", "2025-1[12]", "2026-0[3-9]", "Supreme Court"])
def test_nobody_knows_what_comes_later(word: str) -> None:
    """Dates after August stand only where an act itself stated them."""
    stated = {"D057", "D054", "D059", "D060", "D061", "D066"}
    for path, command in COMMANDS:
        found = re.search(rf"(?<![\d./-]){word}", path.read_text("utf-8"))
        assert not found or command.key in stated, (path, found)
