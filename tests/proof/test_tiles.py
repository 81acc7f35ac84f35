"""The log in the form of c2sp.org/tlog-tiles: anybody can rebuild the tree from static files."""

import pytest
from domain.given import NOW
from litestar.testing import TestClient
from proof.desk import HERE, asking, begun, grown, key_of, signed
from sqlalchemy import Engine
from store.kinds import on_sqlite

from tracker import verifier
from tracker.store import log, merkle, tree
from tracker.store.engine import reading, writing
from tracker.verifier import Fetch

Client = TestClient  # type: ignore[type-arg]


@pytest.fixture
def long(engine: Engine) -> Engine:
    """600 events, signed at 300 and at 600: two full tiles and a partial one."""
    begun(engine)
    grown(engine, 298)
    signed(engine)
    grown(engine, 300)
    signed(engine)
    return engine


def test_the_whole_log_is_rebuilt_from_what_is_served(long: Engine, fetch: Fetch) -> None:
    report = verifier.check_served(fetch, key_of(long))
    assert (report.checkpoint.size, report.bodies, report.erased) == (600, 600, [])


@on_sqlite
def test_single_events_are_proven(long: Engine, fetch: Fetch) -> None:
    with reading(long) as connection:
        entries = log.entries(connection, 0, 300)
    old = verifier.Checkpoint("", 300, merkle.folded([merkle.leaf(entry) for entry in entries]), "")
    report = verifier.check_some(fetch, key_of(long), [1, 256, 257, 512, 513, 600], old)
    assert (report.bodies, report.remembered) == (6, 300)
    forged = verifier.Checkpoint("", 300, bytes(32), "")
    with pytest.raises(verifier.Wrong, match="rewritten"):
        verifier.check_some(fetch, key_of(long), [], forged)
    for size, reason in ((601, "an old checkpoint"), (600, "two different logs")):
        with pytest.raises(verifier.Wrong, match=reason):
            verifier.check_some(fetch, key_of(long), [], verifier.Checkpoint("", size, bytes(32), ""))


@on_sqlite
def test_tiles_have_the_widths_that_the_standard_asks_for(long: Engine, client: Client) -> None:
    with reading(long) as connection:
        leaves = [merkle.leaf(entry) for entry in log.entries(connection, 0, 600)]
    wanted = {
        "/log/tile/0/000": leaves[:256],
        "/log/tile/0/001": leaves[256:512],
        "/log/tile/0/002.p/88": leaves[512:],
        "/log/tile/0/001.p/44": leaves[256:300],
        "/log/tile/1/000.p/2": [merkle.folded(leaves[:256]), merkle.folded(leaves[256:512])],
    }
    for path, hashes in wanted.items():
        answer = client.get(path)
        assert answer.content == b"".join(hashes), path
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
        again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@on_sqlite
def test_a_checkpoint_is_text_and_hardly_cached(long: Engine, client: Client) -> None:
    answer = client.get("/log/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=5"
    assert answer.text == client.get("/v1/log").json()["checkpoint"]


BEYOND = [
    "/log/tile/0/002", "/log/tile/0/002.p/89", "/log/tile/0/003", "/log/tile/0/x001/000", "/log/tile/1/000",
    "/log/tile/1/000.p/3", "/log/tile/2/000.p/1", "/log/tile/63/000", "/log/tile/63/x999/x999/x999/x999/999",
    "/log/tile/entries/002", "/log/tile/entries/002.p/89", "/v1/log/inclusion?position=601",
    "/v1/log/inclusion?position=301&size=300", "/v1/log/inclusion?position=1&size=601",
    "/v1/log/consistency?from=601", "/v1/log/consistency?from=301&to=300", "/v1/log/consistency?from=1&to=601",
]  # fmt: skip
MALFORMED = [
    "/log/tile/64/000", "/log/tile/00/000", "/log/tile/-1/000", "/log/tile/+0/000", "/log/tile/0/0", "/log/tile/0/00",
    "/log/tile/0/0000", "/log/tile/0/x000/001", "/log/tile/0/000/001", "/log/tile/0/x001", "/log/tile/0/000.p/0",
    "/log/tile/0/000.p/256", "/log/tile/0/000.p/01", "/log/tile/0/000.p/1000", "/log/tile/0/000.p/",
    "/log/tile/0/٠٠٠", "/log/tile/x/000", "/log/tile/data/000", "/log/tile/0", "/log/tile/entries/1",
    "/log/tile/0/000%0A",
    "/log/tile/0/x1/000", "/log/tile/0/x999/x999/x999/x999/x999/999", "/v1/log/inclusion?position=0",
    "/v1/log/inclusion", "/v1/log/inclusion?position=1&size=0", "/v1/log/consistency?from=0", "/v1/log/consistency",
    f"/v1/log/inclusion?position={2**63}", "/log/checkpoint?size=3", "/log/tile/0/000?x=1",
]  # fmt: skip


@on_sqlite
def test_what_no_tile_is_called_or_lies_beyond_is_told(long: Engine, client: Client) -> None:
    for paths, status in ((BEYOND, 404), (MALFORMED, 400)):
        for path in paths:
            answer = client.get(path)
            said = answer.status_code, answer.headers["content-type"]
            assert said == (status, "application/problem+json"), path
            assert len(answer.json()["detail"]) > 20


@on_sqlite
def test_before_anything_is_signed_there_is_nothing_to_prove(engine: Engine, client: Client) -> None:
    begun(engine)
    for path in ("/log/checkpoint", "/log/tile/0/000.p/1", "/v1/log", "/v1/log/inclusion?position=1"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "signed" in answer.json()["detail"]


@on_sqlite
def test_what_is_newer_than_the_checkpoint_is_not_shown_as_proven(engine: Engine, client: Client) -> None:
    begun(engine)
    signed(engine)
    grown(engine, 5)
    assert client.get("/log/tile/0/000.p/3").status_code == 404
    assert verifier.check_served(asking(client), key_of(engine)).checkpoint.size == 2


@on_sqlite
def test_tiles_that_were_lost_are_told_and_made_anew(long: Engine, client: Client) -> None:
    whole = client.get("/log/tile/1/000.p/2").content
    with writing(long) as connection:
        connection.execute(tree.tiles.delete())
    for path in ("/log/tile/1/000.p/2", "/v1/log/inclusion?position=1", "/v1/log/consistency?from=1"):
        assert client.get(path).status_code == 503, path
    assert tree.sign(long, HERE, NOW) is None
    assert client.get("/log/tile/1/000.p/2").content == whole
