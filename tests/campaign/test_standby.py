"""``tracker serve`` on a standby of PostgreSQL: it answers, takes no writes, and takes them once that is promoted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from campaign.server import Server
from commands.program import environment, free_port
from sqlalchemy import Engine, make_url, text

from tests.jobs.test_ticker import eventually
from tests.several.processes import Process, serve
from tests.web.conftest import made
from tests.web.world import NOW, PAUSE, logged
from tracker import cli
from tracker.rebuilding import catch_up, rebuild
from tracker.store import access, log, tree
from tracker.store.engine import open_engine, reading, writing
from tracker.store.migrate import migrate

pytestmark = pytest.mark.postgres

READS = (
    "/v1/partners", "/v1/partners/MX/state", "/v1/partners/MX/timeline", "/v1/partners/MX/diff?from=2025-02-01",
    "/v1/partners/MX/negotiation", "/v1/measures/us-border-mx", "/v1/agreements", "/v1/deadlines", "/v1/commitments",
    "/v1/duty?partner=MX", "/v1/housekeeping", "/v1/conflicts", "/v1/statements", "/v1/events", "/v1/digest",
    "/v1/editions", "/v1/log", "/v1/log/inclusion?position=3", "/log/checkpoint", "/feeds/developments.atom",
    "/feeds/dates.ics", "/", "/partners/MX", "/measures/us-border-mx", "/duty?partner=MX", "/deadlines", "/digest",
    "/editions", "/housekeeping", "/subscribe", "/about",
)  # fmt: skip
FOR_ANALYSTS = ("/v1/subscriptions", "/deliveries", "/log", "/sign-in")


@pytest.fixture
def primary(careful_url: str) -> Iterator[Engine]:
    """The small world, on the server that takes writes; its log is signed."""
    engine = made(careful_url)
    catch_up(engine)
    tree.sign(engine, "https://t.example", NOW)
    yield engine
    engine.dispose()


@contextmanager
def serving(url: str, folder: Path) -> Iterator[tuple[Process, httpx.Client]]:
    """``tracker serve``, which says that it is read-only, and one who asks it."""
    settings = {"TRACKER_DATABASE_URL": url, "TRACKER_LOG_LEVEL": "info", "TRACKER_DURABILITY": "checked"}
    port = int(free_port())
    with serve(environment(folder, **settings), port) as process:
        line = process.line()
        assert line == f"Tracker: http://127.0.0.1:{port} · read-only: its database takes no writes\n", (
            process.ended()
        )
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield process, client


def test_a_standby_answers_and_takes_no_writes_until_it_is_promoted(
    careful: Server, primary: Engine, tmp_path: Path
) -> None:
    with writing(primary) as connection:
        key = access.create(connection, "Ann", NOW).secret
        session = access.open_session(connection, key, datetime.now(UTC))
    signed_in = {"Authorization": f"Bearer {key}"}
    with careful.standby() as standby:
        url = standby.engine.url.set(database=primary.url.database).render_as_string(hide_password=False)
        with serving(url, tmp_path) as (process, client):
            for path in READS * 3:  # what is remembered, too
                assert client.get(path).status_code == 200, path
            for path in FOR_ANALYSTS:
                assert client.get(path, headers=signed_in).status_code == 200, path
            assert client.get("/log", headers={"Cookie": f"tracker_session={session}"}).status_code == 200

            follows(client, primary)

            for sent in (
                client.post("/v1/developments", json=PAUSE, headers=signed_in),
                client.post("/v1/subscriptions", json={"channel": "email", "address": "ann@example.org"}),
            ):
                assert (sent.status_code, sent.json()["code"]) == (503, "read_only"), sent.text
                assert int(sent.headers["retry-after"]) > 0
            page = client.post("/sign-in", data={"key": "trk_x"}, headers={"Accept": "text/html"})
            assert (page.status_code, "takes no writes" in page.text) == (503, True)

            standby.promote()
            recorded = client.post("/v1/developments", json=PAUSE, headers=signed_in)
            assert recorded.status_code == 201, recorded.text
            assert (
                client.get("/v1/partners/MX/state").json()["temporal"]["known_position"] == end(primary) + 1
            )
            code, said = process.ended()
        assert (code, said.count("serving_read_only"), "Traceback" in said) == (0, 1, False), said
        assert "ticking" not in said


def end(engine: Engine) -> int:
    with reading(engine) as connection:
        return log.position(connection)


def follows(client: httpx.Client, primary: Engine) -> None:
    """What is recorded, built anew and signed where writes are taken arrives: in the stream, in answers, as a
    checkpoint."""
    before = end(primary)
    assert f"\n{before}\n" in client.get("/log/checkpoint").text
    with client.stream("GET", "/v1/stream", params={"after_position": before}) as stream:
        logged(primary, PAUSE)
        assert next(line for line in stream.iter_lines() if line.startswith("id: ")) == f"id: {before + 1}"
    assert client.get("/v1/partners/MX/state").json()["temporal"]["known_position"] == before + 1
    pinned = f"/v1/partners/MX/state?as_of=2025-09-01&known_position={before + 1}"
    state = client.get(pinned).json()
    assert [*rebuild(primary)]
    tree.sign(primary, "https://t.example", NOW)
    assert eventually(lambda: f"\n{before + 1}\n" in client.get("/log/checkpoint").text)
    assert client.get(pinned).json() == state


@pytest.mark.parametrize(
    "change", [None, "UPDATE alembic_version SET version_num = '0001'", "UPDATE builds SET shape = ''"]
)
def test_what_is_not_migrated_is_not_served_where_it_cannot_be(
    change: str | None,
    careful_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Transactions that are set to be read-only do for a standby here."""
    if change:
        engine = open_engine(careful_url)
        migrate(engine)
        catch_up(engine)
        with writing(engine) as connection:
            connection.execute(text(change))
        engine.dispose()
    url = make_url(careful_url).update_query_dict({"options": "-c default_transaction_read_only=on"})
    monkeypatch.setenv("TRACKER_DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("TRACKER_DATA_DIR", str(tmp_path))
    assert cli.run(["serve"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "takes no writes and is not migrated to this release: run its 'tracker migrate' where" in line
    assert cli.run(["migrate"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "it takes no writes, as it is a standby or set to be read-only" in line
