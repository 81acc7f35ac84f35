"""The search for counterexamples would find them: it meets what is interesting, and no broken fold passes it."""

import inspect
from collections import Counter
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from domain.given import amended, at
from domain.histories import DAYS, Step, sample, sample_put_in_late, traits
from projections.world import World, assert_as_from_scratch, assert_true_everywhere
from sqlalchemy.exc import IntegrityError

from tracker import record
from tracker.domain import fold, paint
from tracker.projections import painting, said

OFTEN = {  # at least this share of histories
    "back-dated": 0.5, "each_of": 0.5, "each_of except": 0.3, "everyone except": 0.3, "claim": 0.4, "correct": 0.5,
    "withdraw": 0.2, "reinstated": 0.1, "correction of a correction": 0.15, "moved": 0.3, "announced corrected": 0.4,
    "two events on one subject": 0.2, "pause that ends": 0.1, "retroactive": 0.4, "announced ahead": 0.2,
}  # fmt: skip


def plain(*effects: dict[str, Any]) -> list[Step]:
    """One development after another on one measure, a day apart."""
    return [
        Step("log", {"title": "t", "announced": day, "events": [amended("measure:us-x", effect)]})
        for day, effect in zip(DAYS, effects, strict=False)
    ]


PLAIN = [
    plain(at(1, "GB", from_=DAYS[1], until=DAYS[2]), at(2, "each_of", from_=DAYS[5], until=DAYS[6])),
    plain(at(1), at(2, except_=["GB"]), at(3, except_=["GB"]), at(4, except_=["MX"])),
    plain(at(1, "GB"), at(2, "each_of", except_=["GB"])),
]
"""What random histories hit too, but late."""
SAMPLES = 120


@pytest.fixture(scope="module")
def samples() -> list[list[Step]]:
    return PLAIN + sample(SAMPLES) + sample_put_in_late(60)


def test_the_histories_are_interesting(samples: list[list[Step]]) -> None:
    samples = samples[: len(PLAIN) + SAMPLES]
    met = Counter(trait for steps in samples for trait in traits(steps))
    shares = {trait: round(met[trait] / len(samples), 2) for trait in OFTEN}
    assert {trait: share for trait, share in shares.items() if share < OFTEN[trait]} == {}


MUTANTS: list[tuple[ModuleType, str, str, str]] = [
    (fold, "fold", "sorted(contributions, key=lambda c: c.place)", "contributions"),
    (fold, "fold", "key=lambda c: c.place", "key=lambda c: c.place.position"),
    (fold, "fold", "key=lambda c: c.place", "key=lambda c: (c.place.announced, c.place.position)"),
    (fold, "selected", " if lane.target not in paint.excepted", ""),
    (fold, "selected", " if paint.scope in (None, lane.scope)", ""),
    (fold, "selected", " if lane.scope == ALL_GOODS", ""),
    (fold, "selected", ", *(lane for lane in wider if lane not in here)", ""),
    (fold, "selected", "paint.basis in (lane.basis, ANY_BASIS)", "True"),
    (fold, "selected", "sorted({lane.scope for lane in kin}) or [ALL_GOODS]", "[ALL_GOODS]"),
    (fold, "_over", "not spared <= {*low.excepted}", "False"),
    (fold, "_over", "not spared <= {*low.excepted}", "True"),
    (fold, "_over", "not spared <= {*low.excepted}", "spared"),
    (fold, "painted", "if segment.end > paint.end:", "if False:"),
    (fold, "painted", "if at < paint.end:", "if False:"),
    (fold, "painted", "paint.weak and ", "False and "),
    (fold, "joined", "if out and", "if False and"),
    (paint, "_paints", "_lead(dates.announced, painted, stated)", "_lead(dates.announced, painted, ())"),
    (paint, "_fields", "if name in fields", "if False"),
    (painting, "Painting", "place < subject.top", "place < place"),
    (said, "_said", "originals[development]", "said[0][0] if said else 0"),
    (said, "_said", "[paint for now in event.now for paint in painted_by(told, now)]", "[]"),
    (said, "_said", "(told, new)", "latest.get(stored.development, (told, new))"),
    (said, "_said", "min(since, paints_since(paints))", "paints_since(paints)"),
    (painting, "Painting", "if lowest >= place:", "if True:"),
    (painting, "Painting", "event, first - 1)", "event, first)"),
    (painting, "Painting", "said.since - TICK", "said.since"),
    (painting, "Painting", "lanes[lane] = []", "pass"),
    (painting, "Painting", "max(c.place for c in said.contributions)", "place"),
    (painting, "Painting", "alive=bool(alive)", "alive=state is not None"),
    (painting, "Painting", "held.known_until = event.position", "held.known_until = event.position + 1"),
    (painting, "Painting", "segment, event.position)", "segment, event.position - 1)"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('mutants') / 'tracker.db'}")
    yield world
    world.engine.dispose()


@pytest.mark.parametrize(
    ("module", "function", "right", "wrong"), MUTANTS, ids=[f"{m[1]}: {m[3] or m[2]}" for m in MUTANTS]
)
def test_a_broken_copy_is_found_out(
    module: ModuleType, function: str, right: str, wrong: str,
    samples: list[list[Step]], world: World, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    original = getattr(module, function)
    source = inspect.getsource(original)
    assert right in source, "the code has moved on: break it elsewhere"
    made: dict[str, object] = {}
    exec(source.replace(right, wrong), module.__dict__, made)
    for one in (fold, paint, said, painting):
        if getattr(one, function, None) is original:
            monkeypatch.setattr(one, function, made[function])
    monkeypatch.setattr(record, "Painting", made.get("Painting", painting.Painting))
    assert any(found_out(world, steps) for steps in samples)


def found_out(world: World, steps: list[Step]) -> bool:
    try:
        played = world.play(steps)
        assert_true_everywhere(played)
        assert_as_from_scratch(played)
    except (AssertionError, IntegrityError):  # the key of the table does not hold it
        return True
    return False
