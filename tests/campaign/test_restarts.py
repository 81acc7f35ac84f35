"""PostgreSQL is stopped, restarted and killed under a service: it says so while that lasts, and goes on by itself."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from campaign.load import at_work, wait_for
from campaign.report import report, seed, size
from campaign.server import Server
from campaign.service import service, settled
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import Engine, text

from tests.jobs.test_ticker import eventually
from tests.web.conftest import made, settings_for
from tests.web.world import NOW, PAUSE
from tracker.app import create_app
from tracker.jobs import JOBS, ticker
from tracker.jobs.job import Job, Surroundings
from tracker.store import access, log
from tracker.store.engine import after_commit, open_engine, reading, writing

pytestmark = pytest.mark.postgres
HTML = {"Accept": "text/html"}


@pytest.fixture
def engine(careful_url: str) -> Iterator[Engine]:
    engine = made(careful_url)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    with writing(engine) as connection:
        key = access.create(connection, "Ann", NOW).secret
    url = engine.url.render_as_string(hide_password=False)
    with TestClient(create_app(settings_for(url, tmp_path), engine, lambda: NOW)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def end(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.position(connection)


def test_while_it_is_down_everything_says_so_and_then_goes_on(
    careful: Server, client: TestClient[Litestar], engine: Engine
) -> None:
    looked: list[str] = []

    def look(around: Surroundings) -> None:
        looked.append("begun")
        end(around.engine)
        looked.append("done")

    jobs = [Job("look", 0.05, look), *(Job(job.name, 0.2, job.run) for job in JOBS)]
    for path in ("/v1/partners", "/v1/partners/MX/state", "/", "/partners/MX"):
        for _ in range(3):  # what is remembered is asked of the database, too
            headers = {} if path.startswith("/v1") else HTML
            assert client.get(path, headers=headers).status_code == 200
    with ticking(client, engine, jobs):
        careful.stop()
        try:
            for path in ("/v1/partners", "/v1/partners/MX/state", "/v1/events", "/readyz"):
                unavailable(client.get(path), "application/problem+json")
            for path in ("/", "/partners/MX", "/deadlines"):
                page = client.get(path, headers=HTML)
                unavailable(page, "text/html; charset=utf-8")
                assert "Not just now" in page.text
            unavailable(client.post("/v1/developments", json=PAUSE), "application/problem+json")
            assert client.get("/healthz").status_code == 200
            assert client.get("/static/docs.js").status_code == 200
            failed = looked.count("begun")
            assert eventually(lambda: looked.count("begun") > failed)
            assert looked[-1] == "begun"
        finally:
            careful.start()
        assert client.get("/readyz").status_code == 200
        assert client.post("/v1/developments", json=PAUSE).status_code == 201
        assert client.get("/partners/MX", headers=HTML).status_code == 200
        assert eventually(lambda: looked[-1] == "done")


@contextmanager
def ticking(client: TestClient[Litestar], engine: Engine, jobs: list[Job]) -> Iterator[None]:
    ticks = ticker.start(client.app.state.settings, engine, lambda: NOW, jobs)
    try:
        yield
    finally:
        ticks.stop()


def unavailable(answer: Any, kind: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (503, kind), answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"
    assert "try again in a few seconds" in answer.text


def test_a_commit_whose_answer_is_lost_is_neither_done_nor_failed(
    careful: Server, client: TestClient[Litestar], engine: Engine
) -> None:
    """It waits for a standby that does not exist, and its connection is ended: it is committed, and nobody said so."""
    before, headers = end(engine), {"Idempotency-Key": "lost"}
    careful.set("synchronous_standby_names = 'nobody'")
    try:
        with ThreadPoolExecutor(1) as pool:
            answering = pool.submit(client.post, "/v1/developments", json=PAUSE, headers=headers)
            assert eventually(lambda: cut_off(careful))
            answer = answering.result()
    finally:
        careful.set("synchronous_standby_names = ''")
    assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
    assert "with the same Idempotency-Key" in answer.json()["detail"]
    assert answer.headers["retry-after"]
    again = client.post("/v1/developments", json=PAUSE, headers=headers)
    assert (again.status_code, again.json()["repeated"]) == (201, True)
    assert end(engine) == before + 1


def cut_off(server: Server) -> bool:
    """End the connection that waits for a standby."""
    with server.engine.connect() as connection:
        wanted = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        return any(connection.scalars(wanted))


def test_what_was_recorded_before_it_went_down_is_answered_so(
    careful: Server, client: TestClient[Litestar], engine: Engine
) -> None:
    """It is stopped right after the COMMIT; without a key nobody could ask again."""
    before = end(engine)
    forget = after_commit(engine, careful.stop)
    try:
        answer = client.post("/v1/developments", json=PAUSE)
        down = client.post("/v1/developments", json={**PAUSE, "title": "Not recorded"})
    finally:
        forget()
        careful.start()
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["last_position"], made["effects_read"], made["effects"]) == (before + 1, False, {})
    assert (down.status_code, down.json()["code"]) == (503, "unavailable")
    assert "nothing was recorded, and sent with an Idempotency-Key" in down.json()["detail"]
    assert end(engine) == before + 1


def test_a_server_that_takes_no_writes_is_told_and_reading_goes_on(
    careful: Server, client: TestClient[Litestar]
) -> None:
    careful.set("default_transaction_read_only = on")
    try:
        assert eventually(lambda: client.post("/v1/developments", json=PAUSE).status_code == 503)
        answer = client.post("/v1/developments", json=PAUSE)
        assert (answer.status_code, answer.json()["code"]) == (503, "read_only")
        assert client.get("/v1/partners/MX/state").status_code == 200
    finally:
        careful.set("default_transaction_read_only = off")
    assert eventually(lambda: client.post("/v1/developments", json=PAUSE).status_code == 201)


def restarted(server: Server, url: str, folder: Path, times: int, processes: int, seed: str) -> Counter[str]:
    """Hurt the server so often under load; what was counted."""
    chance, counts = Random(seed), Counter[str]()
    with service(url, folder, processes) as running:
        engine = open_engine(url)
        start, pids = end(engine), [process.pid for process in running.processes]
        with at_work(running.bases, running.secret, seed, unkeyed=2) as load:
            for number in range(times):
                wait_for(load, chance.randrange(5, 20))
                counts[hurt(server, url, number, chance)] += 1
            wait_for(load, 20)
        assert [process.pid for process in running.processes if process.poll() is None] == pids
        engine.dispose()
        counts["events"] = settled(running, engine, load, start)
        assert "Traceback" not in running.said
        engine.dispose()
    counts["acknowledged"] = len(load.done)
    counts["sent again, and had been recorded"] = load.statuses["repeated"]
    counts |= {
        status: number for status, number in load.statuses.items() if "answered" in status or "key:" in status
    }
    return counts


def hurt(server: Server, url: str, number: int, chance: Random) -> str:
    match number % 3:
        case 0:
            server.restart()
            return "restarted at once"
        case 1:
            server.kill_a_backend(url)
            return "a server process killed"
        case _:
            server.stop("fast" if chance.random() < 0.5 else "immediate")
            time.sleep(chance.random() * 3)
            server.start()
            return "down for a while"


def test_restarted_under_load(careful: Server, careful_url: str, tmp_path: Path) -> None:
    restarted(careful, careful_url, tmp_path, 1, 1, seed())


@pytest.mark.campaign
def test_restarted_again_and_again(careful: Server, careful_url: str, tmp_path: Path) -> None:
    chosen = seed()
    counts = restarted(careful, careful_url, tmp_path, size("RESTARTS", 100), 2, chosen)
    report("restarts", "postgresql", chosen, counts)
