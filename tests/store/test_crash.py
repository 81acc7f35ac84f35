"""A process that dies in the middle of recording leaves nothing of it, and all that was recorded before."""

import signal
import subprocess
import sys
import textwrap

from domain.given import NOW, at, development, opened
from sqlalchemy import Engine

from tracker.projections import segments
from tracker.record import By, record
from tracker.store import log
from tracker.store.engine import reading

DYING = textwrap.dedent(
    """
    import os, signal, sys, threading
    from domain.given import NOW, amended, at, development
    from tracker.record import By, record, record_in
    from tracker.store.engine import open_engine, writing

    engine = open_engine(sys.argv[1])
    me = By("me", NOW)
    record(engine, development(amended("measure:us-x", at(0))), me)
    print("recorded", flush=True)
    with writing(engine) as connection:
        for i in range(int(sys.argv[2])):
            record_in(connection, development(*(amended("measure:us-x", at(i)) for _ in range(20))), me)
        os.kill(os.getpid(), signal.SIGKILL)
    """
)


def test_kill_9_in_the_middle_leaves_nothing_of_it(engine: Engine, database_url: str) -> None:
    record(engine, development(opened("measure:us-x", at(25))), By("me", NOW))
    for i in range(2):
        died = subprocess.run(
            [sys.executable, "-c", DYING, database_url, str(1 + 2 * i)],
            env={"PYTHONPATH": ":".join(filter(None, sys.path))}, capture_output=True, check=False, text=True,
        )  # fmt: skip
        assert (died.returncode, died.stdout) == (-signal.SIGKILL, "recorded\n"), died.stderr
        with reading(engine) as connection:
            assert log.position(connection) == 2 + i
            assert list(log.verify(connection)) == [2 + i]
            assert list(segments.drift(connection)) == []
    assert record(engine, development(opened("measure:us-y", at(25))), By("me", NOW)).first == 4
