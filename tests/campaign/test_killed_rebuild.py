"""kill -9 of a rebuild: readers see the old or the new, either whole; the next one completes; nobody is told."""

import subprocess
import time
from collections import Counter
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
from tracker.importing import Given, Terms, load
from tracker.projections import segments
from tracker.rebuilding import rebuild
from tracker.store import log
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

WRONG = "measure:us-0"
"""The subject whose old segments are wrong, so that they are told from the new."""
TOLD = (editions.editions, editions.cuts, deliveries.deliveries)


def filled(url: str, events: int) -> Engine:
    """A record of so many events, with somebody who follows it."""
    engine = open_engine(url)
    migrate(engine)
    load(engine, (line(n) for n in range(events)), Terms("operator", NOW))
    with writing(engine) as connection:
        subscriptions.add(connection, address="reader@example.org", now=NOW, by="operator")
    return engine


def line(n: int) -> Given:
    subject, seen = f"measure:us-{n % 20}", n // 20
    event = amended(subject, at(seen % 90)) if seen else opened(subject, at(1))
    return Given(f"line {n}", msgspec.json.encode({"key": f"{n}", "development": development(event)}))


def damage(engine: Engine) -> None:
    with writing(engine) as connection:
        its = select(segments.lanes.c.id).where(segments.lanes.c.subject == WRONG)
        connection.execute(segments.segments.delete().where(segments.segments.c.lane.in_(its)))
    assert drifted(engine) == [WRONG]


def drifted(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [*segments.drift(connection)]


def told(engine: Engine) -> list[Any]:
    with reading(engine) as connection:
        return [sorted(map(repr, connection.execute(table.select()))) for table in TOLD]


def killed(engine: Engine, zygote: Zygote, task: Rebuild, instant: float | None) -> tuple[int, bool]:
    """How many pages a rebuild came to before it was killed, and whether it had come to its end."""
    pages, whole = 0, False
    for word, _ in zygote.life(task):
        pages, whole = pages + (word == "reached"), word == "whole"
        if word == "ready" and instant is not None:
            time.sleep(instant)
            zygote.kill()
        elif pages == task.page and not whole:
            assert drifted(engine) == [WRONG], "readers go on with the old"
            zygote.kill()
        elif whole and instant is None:
            zygote.kill()
    return pages, whole


def kill_rebuilds(zygote: Zygote, url: str, events: int, random: int, seed: str) -> Counter[str]:
    """Kill a rebuild after each page, after its end, and at random instants; what was counted."""
    chance, counts, engine = Random(seed), Counter[str](), filled(url, events)
    begun, pages = time.monotonic(), len([*rebuild(engine)])
    lasts, before = time.monotonic() - begun, told(engine)
    damage(engine)
    tasks = [*(Rebuild(url, page) for page in range(1, pages + 2)), *[Rebuild(url)] * random]
    for task in tasks:
        instant = None if task.page is not None else chance.random() * lasts
        reached, whole = killed(engine, zygote, task, instant)
        if task.page is not None:
            assert (reached, whole) == (min(task.page, pages), task.page > pages)
        counts[
            f"killed {'at a random instant' if instant else 'after the end' if whole else 'after a page'}"
        ] += 1
        _look(engine, counts, must_be_new=whole)
    for _ in rebuild(engine):
        pass
    assert drifted(engine) == []
    assert told(engine) == before
    with reading(engine) as connection:
        assert [*log.verify(connection)][-1] == events
    engine.dispose()
    counts["events"], counts["pages"] = events, pages
    return counts


def _look(engine: Engine, counts: Counter[str], must_be_new: bool) -> None:
    """Readers see the old or the new; on we go with the old."""
    found = drifted(engine)
    assert found in ([], [WRONG]), f"a part of the new: {found}"
    assert found == [] or not must_be_new
    counts["then the old was seen" if found else "then the new was seen"] += 1
    if not found:
        damage(engine)


def test_killed_after_every_page_and_at_random_instants(zygote: Zygote, database_url: str) -> None:
    counts = kill_rebuilds(zygote, database_url, 1020, 1, seed())
    assert counts["then the old was seen"] >= counts["killed after a page"] == 2


@pytest.mark.campaign
def test_killed_again_and_again(zygote: Zygote, database_url: str, tmp_path: Path) -> None:
    chosen = seed()
    counts = kill_rebuilds(zygote, database_url, 5200, size("REBUILD_KILLS", 200) // 2, chosen)
    counts += kill_commands(database_url, tmp_path, size("REBUILD_KILLS", 200) // 10, chosen)
    report("rebuild", database_url, chosen, counts)


def kill_commands(url: str, folder: Path, kills: int, seed: str) -> Counter[str]:
    """Kill ``tracker rebuild`` at random instants, on what ``kill_rebuilds`` has left."""
    chance, counts, engine = Random(seed), Counter[str](), open_engine(url)
    settings = environment(folder, TRACKER_DATABASE_URL=url)
    begun = time.monotonic()
    subprocess.run([*PROGRAM, "rebuild"], env=settings, cwd=folder, check=True, capture_output=True)
    lasts = time.monotonic() - begun
    damage(engine)
    for _ in range(kills):
        with subprocess.Popen(
            [*PROGRAM, "rebuild"], env=settings, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            time.sleep(chance.random() * lasts)
            process.kill()
        counts["commands killed at a random instant"] += 1
        _look(engine, counts, must_be_new=False)
    done = subprocess.run([*PROGRAM, "rebuild"], env=settings, cwd=folder, check=True, capture_output=True)
    assert done.stdout.startswith(b"Rebuilt from ")
    assert drifted(engine) == []
    engine.dispose()
    return counts
