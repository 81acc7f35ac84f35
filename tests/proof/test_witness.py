"""Verifying here compares the log with its tree and its checkpoints, and names the first position that differs."""

from pathlib import Path

import pytest
from domain.given import NOW
from proof.desk import HERE, begun, grown, signed
from proof.forging import Forger
from sqlalchemy import Engine
from store.kinds import on_sqlite

from tracker.store import tree
from tracker.store.engine import reading
from tracker.store.proof import Broken


@pytest.fixture
def forger(engine: Engine) -> Forger:
    """560 events, of which 302 and 552 were signed, and somebody who can do anything to them."""
    begun(engine)
    grown(engine, 300)
    signed(engine)
    grown(engine, 250)
    signed(engine)
    grown(engine, 8)
    return Forger(engine)


def found(engine: Engine) -> int:
    with reading(engine) as connection, pytest.raises(Broken) as raised:
        list(tree.verify(connection))
    return raised.value.position


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE events SET body = replace(body, 'happened', 'was') WHERE position = 300", 300),
        ("UPDATE checkpoints SET root = x'00' WHERE size = 302", 1),
        ("UPDATE checkpoints SET size = 301 WHERE size = 302", 1),
        ("UPDATE checkpoints SET note = replace(note, '552', '551') WHERE size = 552", 552),
        ("UPDATE checkpoints SET size = 999 WHERE size = 552", 561),
        ('UPDATE tiles SET hashes = root WHERE level = 0 AND "index" = 1', 257),
        ("UPDATE tiles SET root = x'' WHERE level = 0 AND \"index\" = 1", 257),
        ('UPDATE tiles SET "index" = 7 WHERE level = 0 AND "index" = 1', 257),
        ("DELETE FROM tiles", 1),
        ("UPDATE log_key SET seed = (SELECT root FROM tiles LIMIT 1)", 302),
        ("UPDATE log_key SET origin = 'x'", 302),
        ("INSERT INTO erasures SELECT 7, root, 0, '' FROM checkpoints WHERE size = 302", 7),
    ],
)
@on_sqlite
def test_what_was_changed_is_named(forger: Forger, statement: str, position: int) -> None:
    forger.run(statement)
    assert found(forger.engine) == position


@pytest.mark.parametrize(("at", "named"), [(5, 5), (299, 299), (400, 400), (520, 303)])
@on_sqlite
def test_a_history_that_was_hashed_anew_is_not_the_one_in_the_tree(
    forger: Forger, at: int, named: int
) -> None:
    """Every hash, the chain and the head fit; full tiles know each leaf, signatures the rest."""
    history = forger.history()
    history.edit(at)
    forger.write(history)
    assert found(forger.engine) == named


@on_sqlite
def test_the_tree_and_checkpoints_alone_may_be_made_anew_from_the_log(forger: Forger) -> None:
    """They are worked out from it: whoever repairs them gets the same ones."""
    with reading(forger.engine) as connection:
        before = tree.latest(connection)
    forger.run("DELETE FROM tiles")
    tree.grow(forger.engine, 552)
    with reading(forger.engine) as connection:
        assert list(tree.verify(connection)) == [560]
        assert tree.latest(connection) == before


def test_on_either_database_a_signed_log_is_sound(engine: Engine, tmp_path: Path) -> None:
    begun(engine)
    grown(engine, 300)
    signed(engine)
    grown(engine, 3)
    assert tree.sign(engine, HERE, NOW) is not None
    grown(engine, 1)
    with reading(engine) as connection:
        assert list(tree.verify(connection)) == [306]
