"""An edition keeps its place and its address when a development that it told is erased, and none of its text."""

import json

from delivery.post import World
from sqlalchemy import text

from tracker import rebuilding
from tracker.delivery import dispatch, editions
from tracker.store import erasure
from tracker.store.engine import reading, writing

SECRET = "Zanzibar-Quux"


def cut(world: World) -> list[editions.Frozen]:
    return dispatch.cut_due(world.engine, world.clock())


def erase(world: World, id: str) -> int:
    with writing(world.engine) as connection:
        plan = erasure.erase(connection, id, "ordered", world.clock())
        changed = editions.forget(connection, plan.development, plan.subjects, plan.first)
    for _ in rebuilding.rebuild(world.engine):
        pass
    return changed


def test_no_edition_tells_what_was_erased(world: World) -> None:
    world.subscribe(partners=["MX"])
    world.clock.forward(days=1)
    cut(world)
    id = world.rate(37, title=f"A {SECRET}")
    world.clock.forward(days=1)
    (told,) = cut(world)
    assert SECRET in told.content
    world.withdraw(id)
    world.clock.forward(days=1)
    (withdrawn,) = cut(world)
    assert SECRET in withdrawn.content
    assert erase(world, id) == 2
    with reading(world.engine) as connection:
        assert SECRET not in repr(connection.execute(text("SELECT * FROM editions")).all())
        for before in (told, withdrawn):
            after = editions.get(connection, before.id)
            assert SECRET not in after.content
            assert [entry.title for entry in after.edition.told] == ["Erased"]
            assert "37" not in "".join(
                line.subject + repr(line) for e in after.edition.told for line in e.lines
            )
            assert after.edition.day == before.edition.day


def test_what_was_logged_withdrawn_and_erased_since_is_told_as_that(world: World) -> None:
    world.subscribe(partners=["MX"])
    world.clock.forward(days=1)
    cut(world)
    id = world.rate(37, title=f"A {SECRET}")
    world.withdraw(id)
    other = world.rate(12, title="Another")
    assert other
    assert erase(world, id) == 0
    world.clock.forward(days=1, hours=1)
    (told,) = cut(world)
    assert SECRET not in told.content
    assert "Another" in [entry.title for entry in told.edition.told]
    world.clock.forward(days=1)
    assert cut(world) is not None


def test_editions_that_told_nothing_of_it_keep_their_bytes(world: World) -> None:
    """Also those that were frozen before editions had charts."""
    world.subscribe(partners=["CN"])
    id = world.rate(37, "MX", title=f"A {SECRET}")
    world.rate(38, "CN")
    world.clock.forward(days=1, hours=1)
    (told,) = cut(world)
    content = json.loads(told.content)
    for entry in content["new"]:
        assert entry.pop("charts")
    old = json.dumps(content)
    with writing(world.engine) as connection:
        connection.execute(editions.editions.update().values(content=old))
    world.withdraw(id)
    with writing(world.engine) as connection:
        plan = erasure.erase(connection, id, "ordered", world.clock())
        assert editions.forget(connection, plan.development, (), plan.first) == 0
    with reading(world.engine) as connection:
        assert editions.get(connection, told.id).content == old
