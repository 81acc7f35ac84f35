"""The command line, run in this process, each test on a database of its own."""

import shutil
from pathlib import Path

import pytest
from prompt import Run, Said

from tracker import cli
from tracker.settings import VARIABLES


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own, and no settings of whoever runs the tests."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACKER_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TRACKER_DURABILITY", "unchecked")  # the PostgreSQL of the tests is careless
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tracker(surroundings: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on an empty database (or none)."""

    def run(*arguments: str, code: int = 0) -> Said:
        capsys.readouterr()
        said = Said(cli.run(arguments), *capsys.readouterr())
        assert said.code == code, said
        return said

    return run


@pytest.fixture(scope="session")
def seeded_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The founding history, loaded once."""
    from tracker.rebuilding import catch_up
    from tracker.seeding import seed
    from tracker.store.clock import open_clock
    from tracker.store.engine import open_engine
    from tracker.store.migrate import migrate

    file = tmp_path_factory.mktemp("seeded") / "tracker.db"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    catch_up(engine)
    seed(engine, open_clock(engine)())
    engine.dispose()
    return file


@pytest.fixture
def seeded(tracker: Run, seeded_database: Path, surroundings: Path) -> Run:
    """Run a command on a database that holds the founding history."""
    (surroundings / "var").mkdir()
    shutil.copy(seeded_database, surroundings / "var" / "tracker.db")
    return tracker
