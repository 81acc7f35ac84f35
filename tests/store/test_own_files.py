"""What the service makes is for its owner alone; what is there stays as it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_IMODE

import pytest

from tracker.store.engine import open_engine, writing
from tracker.store.migrate import migrate


@pytest.fixture(autouse=True)
def lenient() -> Iterator[None]:
    """An umask that hides nothing, as many systems have it."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}


def test_a_new_database_and_its_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "var"
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    with writing(engine):
        assert modes(folder) == {
            "var": 0o700, "tracker.db": 0o600, "tracker.db-wal": 0o600, "tracker.db-shm": 0o600,
        }  # fmt: skip
    assert S_IMODE(folder.parent.stat().st_mode) == 0o700
    engine.dispose()


def test_what_an_operator_has_set_stays(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    folder.mkdir(0o750)
    (folder / "tracker.db").touch(0o640)
    engine = open_engine(f"sqlite:///{folder / 'tracker.db'}")
    migrate(engine)
    with writing(engine):
        found = modes(folder)
        assert (found["var"], found["tracker.db"], found["tracker.db-wal"]) == (0o750, 0o640, 0o640)
    engine.dispose()
