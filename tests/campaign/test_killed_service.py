"""kill -9 of the whole service under load, and its end when it is told to end."""

import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from campaign.load import at_work, wait_for
from campaign.report import report, seed, size
from campaign.service import service, settled

from tracker.store import log
from tracker.store.engine import open_engine, reading


def killed(url: str, folder: Path, kills: int, seed: str) -> Counter[str]:
    """Kill a service under load so often, each time at a random instant, then tell it to end; what was counted."""
    chance, counts = Random(seed), Counter[str]()
    processes = 1 if url.startswith("sqlite") else 2
    with service(url, folder, processes) as running:
        engine = open_engine(url)
        with reading(engine) as connection:
            start = log.position(connection)
        engine.dispose()
        with at_work(running.bases, running.secret, seed) as load:
            for _ in range(kills):
                wait_for(load, chance.randrange(1, 20))
                time.sleep(chance.random() * 0.05)
                running.kill()
                counts["kills"] += 1
                running.start()
            wait_for(load, 10)
            assert running.stop() == [0] * processes
            load.abandoned.set()
        counts["events"] = settled(running, engine, load, start)
        assert running.said == ""
        engine.dispose()
    counts["acknowledged"] = len(load.done)
    counts["sent again, and had been recorded"] = load.statuses["repeated"]
    return counts


def test_killed_under_load_and_told_to_end_under_load(database_url: str, tmp_path: Path) -> None:
    killed(database_url, tmp_path, 1, seed())


@pytest.mark.campaign
def test_killed_again_and_again(database_url: str, tmp_path: Path) -> None:
    chosen = seed()
    counts = killed(database_url, tmp_path, size("SERVICE_KILLS", 200) // 2, chosen)
    report("service", database_url, chosen, counts)
