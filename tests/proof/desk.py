"""A log to prove: commands, and how the verifier asks a service in this process."""

from random import Random

from domain.given import NOW, WITHDRAWAL, amended, at, correction, development, opened
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine

from tracker.record import By, Correct, Withdraw, record
from tracker.store import signing, tree
from tracker.store.engine import reading
from tracker.verifier import Checkpoint, Fetch, Wrong
from tracker.verifier import opened as opened_note

X, Y = "measure:us-x", "measure:us-y"
ME = By("analyst-1", NOW)
HERE = "https://tracker.example.org"


def begun(engine: Engine) -> None:
    """Two measures."""
    record(engine, development(opened(X, at(1)), opened(Y, at(1))), ME)


def grown(engine: Engine, events: int) -> None:
    """So many more events, up to a hundred in a commit."""
    for first in range(0, events, 100):
        count = min(100, events - first)
        record(engine, development(*(amended(X, at(n % 50)) for n in range(count))), ME)


def signed(engine: Engine) -> Checkpoint:
    """The log as it is, signed; as the verifier reads it."""
    made = tree.sign(engine, HERE, NOW)
    assert made is not None
    return opened_note(made.note.encode(), key_of(engine))


def key_of(engine: Engine) -> str:
    with reading(engine) as connection:
        key = signing.find_key(connection)
    assert key is not None
    return key.public


def asking(client: TestClient[Litestar]) -> Fetch:
    """How the verifier gets what a service shows."""

    def fetch(path: str) -> bytes:
        answer = client.get(f"/{path}")
        if answer.status_code != 200:
            raise Wrong(f"{path} is answered with {answer.status_code}")
        return answer.content

    return fetch


def wander(engine: Engine, rng: Random, commits: int) -> None:
    """Random commits: some log, some correct or withdraw what was logged before."""
    standing: list[str] = []
    for number in range(commits):
        draw = rng.random()
        changes = [amended(rng.choice((X, Y)), at(rng.randrange(60))) for _ in range(rng.randint(1, 3))]
        if draw < 0.2 and standing:
            whole = correction(*changes, title=f"Now the {number}th")
            record(engine, Correct(rng.choice(standing), whole), ME)
        elif draw < 0.3 and standing:
            record(engine, Withdraw(standing.pop(rng.randrange(len(standing))), WITHDRAWAL), ME)
        else:
            standing.append(record(engine, development(*changes), ME).development)
