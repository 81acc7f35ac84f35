"""kill -9 of a rebuild: readers see the old or the new, either whole; the next one completes; nobody is told."""

import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from campaign.forking import Zygote
from campaign.rebuilder import Rebuild
from campaign.report import report, seed, size
from commands.program import PROGRAM, environment
from domain.given import NOW, amended, at, development, opened
from sqlalchemy import Engine, select

from tracker.delivery import deliveries, editions, subscriptions
from tracker.drift import drift
from tracker.importing import Given, Terms, load
from tracker.projections import table
from tracker.rebuilding import catch_up, rebuild
from tracker.store import log
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

EVENTS = 110
WRONG = "measure:us-0"
"""The subject whose old segments are wrong, so that they are told from the new."""
TOLD = (editions.editions, editions.cuts, deliveries.deliveries)


def filled(url: str) -> Engine:
    """A record with somebody who follows it."""
    engine = open_engine(url)
    migrate(engine)
    catch_up(engine)
    load(engine, (line(n) for n in range(EVENTS)), Terms("operator", NOW))
    with writing(engine) as connection:
        subscriptions.add(
            connection, channel="email", address="reader@example.org", wanted=subscriptions.Wanted(), now=NOW,
            by="operator", confirmed=True,
        )  # fmt: skip
    return engine


def line(n: int) -> Given:
    subject, seen = f"measure:us-{n % 20}", n // 20
    event = amended(subject, at(seen % 90)) if seen else opened(subject, at(1))
    return Given(f"line {n}", msgspec.json.encode({"key": f"{n}", "development": development(event)}))


def damage(engine: Engine) -> None:
    with writing(engine) as connection:
        its = select(table.lanes.c.id).where(table.lanes.c.subject == WRONG)
        connection.execute(table.segments.delete().where(table.segments.c.lane.in_(its)))
    assert drifted(engine) == [WRONG]


def drifted(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [found.subject for found in drift(connection)]


def told(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        return [sorted(map(repr, connection.execute(table.select()))) for table in TOLD]


@dataclass
class Death:
    """How many pages a rebuild came to before it was killed, and how many steps it took if it came to its end."""

    pages: int = 0
    steps: int | None = None


def killed(engine: Engine, zygote: Zygote, task: Rebuild, instant: float | None = None) -> Death:
    """A rebuild's life: to its page or its step, so many seconds, or to its end."""
    death = Death()
    for word, rest in zygote.life(task):
        death.pages += word == "reached"
        death.steps = int(rest) if word == "whole" else None
        if word == "ready" and instant is not None:
            time.sleep(instant)
            zygote.kill()
        elif word == "reached" and death.pages == task.last:
            assert drifted(engine) == [WRONG], "readers go on with the old"
            zygote.kill()
        elif word == "whole" and instant is None:
            zygote.kill()
    return death


def kill_rebuilds(zygote: Zygote, url: str, kills: int, page: int, seed: str) -> Counter[str]:
    """Kill a rebuild after each page of so many events, and so often at random instants and at steps; what was
    counted."""
    chance, counts, engine = Random(seed), Counter[str](), filled(url)
    before, begun = told(engine), time.monotonic()
    end = killed(engine, zygote, Rebuild(url, page))
    lasts = time.monotonic() - begun
    assert end.steps, "it comes to its end"
    for last in range(1, end.pages + 1):
        damage(engine)
        assert killed(engine, zygote, Rebuild(url, page, last)).pages == last
        counts["killed after a page"] += 1
        _look(engine, counts)
    for number in range(kills):
        damage(engine)
        if number % 2:
            killed(engine, zygote, Rebuild(url, page), chance.random() * lasts)
            counts["killed at a random instant"] += 1
        else:
            step = chance.randrange(1, end.steps + 1)
            killed(engine, zygote, Rebuild(url, page, step=step, before=chance.random() < 0.5))
            counts["killed at a step"] += 1
        _look(engine, counts)
    damage(engine)
    while not killed(engine, zygote, Rebuild(url, page, last=1)).steps:  # each goes on where the last one was
        counts["killed again after one page more"] += 1
        assert counts["killed again after one page more"] < 2 * end.pages, "it never comes to its end"
    assert drifted(engine) == []
    assert told(engine) == before
    with reading(engine) as connection:
        assert [*log.verify(connection)][-1] == EVENTS
    engine.dispose()
    counts["steps of a rebuild"] = end.steps
    return counts


def _look(engine: Engine, counts: Counter[str]) -> None:
    """Readers see the old or the new; the next rebuild completes."""
    found = drifted(engine)
    assert found in ([], [WRONG]), f"a part of the new: {found}"
    counts["then the old was seen" if found else "then the new was seen"] += 1
    assert [*rebuild(engine)][-1:] in ([EVENTS], []), "it goes on to the end, or has come there"
    assert drifted(engine) == []


def test_killed_after_every_page_and_at_random_instants(zygote: Zygote, database_url: str) -> None:
    counts = kill_rebuilds(zygote, database_url, 2, 60, seed())
    assert counts["then the old was seen"] >= counts["killed after a page"]


@pytest.mark.campaign
def test_killed_again_and_again(zygote: Zygote, database_url: str, tmp_path: Path) -> None:
    chosen = seed()
    counts = kill_rebuilds(zygote, database_url, size("REBUILD_KILLS", 400) // 2, 20, chosen)
    counts += kill_commands(database_url, tmp_path, size("REBUILD_KILLS", 400) // 20, chosen)
    report("rebuild", database_url, chosen, counts)


def kill_commands(url: str, folder: Path, kills: int, seed: str) -> Counter[str]:
    """Kill ``tracker rebuild`` at random instants, on what ``kill_rebuilds`` has left."""
    chance, counts, engine = Random(seed), Counter[str](), open_engine(url)
    settings = environment(folder, TRACKER_DATABASE_URL=url)
    begun = time.monotonic()
    subprocess.run([*PROGRAM, "rebuild"], env=settings, cwd=folder, check=True, capture_output=True)
    lasts = time.monotonic() - begun
    for _ in range(kills):
        damage(engine)
        with subprocess.Popen(
            [*PROGRAM, "rebuild"], env=settings, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            time.sleep((0.3 + 0.7 * chance.random()) * lasts)  # it takes a while to begin
            process.kill()
        counts["commands killed at a random instant"] += 1
        _look(engine, counts)
    done = subprocess.run([*PROGRAM, "rebuild"], env=settings, cwd=folder, check=True, capture_output=True)
    assert done.stdout.startswith(b"Rebuilt from ")
    engine.dispose()
    return counts
