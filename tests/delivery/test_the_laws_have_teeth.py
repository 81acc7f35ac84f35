"""Every law of editions can fail: broken copies of the code are found out by random days."""

import inspect
import sys
from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest
from delivery.days import LOUD, machine
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from projections.world import World
from sqlalchemy.exc import IntegrityError

from tracker.delivery import dispatch, editions, subscriptions
from tracker.domain import digest, moves, news, patches

STEPS, FIRST = "for position, step in steps for change", "for position, step in steps[:1] for change"
REPEATED = "since=Mark(as_of=seen.told.as_of, position=max(0, seen.told.position - 3))"
LAST, BEYOND = "editions.cut_position(connection, due.at)", "editions.cut_position(connection, due.at) + 3"

MUTANTS: list[tuple[Any, str, str, str]] = [
    (news.News, "kind", '"late" if self._over() <= since.as_of else "new"', '"new"'),
    (news.News, "kind", '"withdrawn" if self.gone and not isinstance', '"withdrawn" if not isinstance'),
    (news, "news", "or (not silent and (concerned or everybody))", "or (not silent and everybody)"),
    (news, "news", "if any(changes.values()) or", "if"),
    (news, "news", "quiet = silent or", "quiet ="),
    (news, "unsaid", "isinstance(said.event, DevelopmentCorrected) and said.event.editorial", "False"),
    (patches, "composed", STEPS, FIRST),
    (patches, "_moved", "since < at < until", "False"),
    (moves, "moves", "before.changes(since.as_of, until.as_of)", "before.changes(since.as_of, since.as_of)"),
    (moves, "moves", "if fell:", "if False:"),
    (digest, "tell", 'withdrawn=of("withdrawn")', "withdrawn=[]"),
    (digest, "tell", "telling.brought_up(edition)", "edition"),
    (editions, "_in_scope", "if scope.everybody or code in scope.partners:", "if True:"),
    (editions, "cut_position", "at - HOLD", "at"),
    (editions, "between", "since.position, until.position, limit", "since.position + 1, until.position, limit"),
    (editions, "told_on", ".order_by(", ".where(editions.c.day > '9').order_by("),
    (dispatch, "_edition", "since=seen.told", REPEATED),
    (dispatch, "_edition", LAST, BEYOND),
    (dispatch, "_edition", "zone=seen.zone", "zone='UTC'"),
    (dispatch, "_is_cut", "is not None", "is not None and False"),
    (dispatch, "_freeze", "edition.until, cut.next_at", "seen.told, cut.next_at"),
    (dispatch, "cut_one", "seen.next_due(max(now, due.at)).at", "now + timedelta(days=9)"),
    (dispatch, "cut_at_once", "if edition.bare", "if edition.empty"),
    (subscriptions, "claim", "subscriptions.c.position == seen.told.position", "True"),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(f"sqlite:///{tmp_path_factory.mktemp('teeth') / 'tracker.db'}")
    yield world
    world.engine.dispose()


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("place", "function", "right", "wrong"), MUTANTS, ids=[f"{m[1]}: {m[3] or m[2]}" for m in MUTANTS]
)
def test_a_broken_copy_is_found_out(
    place: Any, function: str, right: str, wrong: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = getattr(place, function)
    source = dedent(inspect.getsource(original))
    assert right in source, "the code has moved on: break it elsewhere"
    made: dict[str, Any] = {}
    exec(source.replace(right, wrong), sys.modules[original.__module__].__dict__, made)
    for name, module in [*sys.modules.items()]:
        if name.startswith("tracker.") and getattr(module, function, None) is original:
            monkeypatch.setattr(module, function, made[function])
    monkeypatch.setattr(place, function, made[function])
    quick = settings(LOUD, max_examples=80, stateful_step_count=30, database=None, phases=[Phase.generate])
    with pytest.raises((AssertionError, IntegrityError)):
        run_state_machine_as_test(machine(world, "5eed"), settings=quick)
