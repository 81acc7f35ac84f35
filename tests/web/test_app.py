"""The application as it runs: its port, its log, its safety headers, its static files, a database that comes late."""

import logging
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import structlog
from litestar.testing import TestClient

from tests.web.conftest import Service, settings_for, url_of
from tracker.app import create_app, listen
from tracker.settings import SettingsError, load
from tracker.store.engine import open_engine
from tracker.store.migrate import migrate
from tracker.web import assets


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(
            SettingsError, match=f"TRACKER_PORT={port}: another program listens there"
        ) as told:
            listen(load({"TRACKER_PORT": port}))
    assert "\n" not in str(told.value)


def test_a_host_that_is_not_ours_is_told_in_one_line() -> None:
    with pytest.raises(SettingsError, match=r"TRACKER_HOST=192\.0\.2\.1"):
        listen(load({"TRACKER_HOST": "192.0.2.1", "TRACKER_PORT": str(free_port())}))


def test_small_answers_do_not_wait_for_large_ones() -> None:
    """asyncio turns Nagle's algorithm off only on sockets that are named as TCP."""
    with listen(load({"TRACKER_PORT": str(free_port())})) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_the_application_starts_before_its_database(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'tracker.db'}")
    with TestClient(create_app(settings_for(url_of(engine), tmp_path), engine)) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.get("/v1/partners").status_code == 503
        migrate(engine)
        assert client.get("/readyz").status_code == 200
        assert client.get("/v1/partners").json()["items"] == []
    engine.dispose()


def test_every_answer_carries_safety_headers(on_sqlite: Service) -> None:
    for path in ("/v1/partners", "/v1/nothing", "/docs", "/healthz", "/static/docs.js", "/"):
        headers = on_sqlite.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "script-src 'unsafe" not in headers["content-security-policy"], path


def test_a_line_of_log_tells_no_query_no_header_and_no_body(on_sqlite: Service) -> None:
    with structlog.testing.capture_logs() as lines:
        on_sqlite.client.get("/v1/partners?sector=secret", headers={"Authorization": "Bearer secret"})
        on_sqlite.client.post(
            "/v1/developments", content=b"secret", headers={"Authorization": "Bearer secret"}
        )
    assert [(line["event"], line["method"], line["path"], line["status"]) for line in lines] == [
        ("answered", "GET", "/v1/partners", 400), ("answered", "POST", "/v1/developments", 401)
    ]  # fmt: skip
    assert "secret" not in str(lines)


def test_a_static_file_is_kept_for_good_under_the_address_of_its_content(on_sqlite: Service) -> None:
    address = assets.url("docs.js")
    pinned, bare = on_sqlite.client.get(address), on_sqlite.client.get("/static/docs.js")
    assert "immutable" in pinned.headers["cache-control"]
    assert bare.headers["cache-control"] == "no-cache"
    assert pinned.headers["content-type"].startswith("text/javascript")
    again = on_sqlite.client.get("/static/docs.js", headers={"If-None-Match": bare.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static//etc/passwd", "/static/"]
)
def test_only_static_files_are_static(on_sqlite: Service, path: str) -> None:
    assert on_sqlite.client.get(path).status_code == 404


def test_it_serves_until_it_is_told_to_stop_and_then_stops(tmp_path: Path) -> None:
    port = str(free_port())
    serve = (
        "from tracker.app import run; from tracker.settings import load; from tracker.log import configure; "
        "settings = load(); configure(settings); run(settings, lambda: print('listening', flush=True))"
    )
    environ = {
        "TRACKER_PORT": port,
        "TRACKER_DATA_DIR": str(tmp_path),
        "PATH": "",
        "TRACKER_LOG_LEVEL": "warning",
    }
    with subprocess.Popen(
        [sys.executable, "-c", serve], env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    assert answer.status == 200
                break
            except OSError:
                time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_our_log_leaves_that_of_others_alone() -> None:
    """Litestar would set up logging by itself."""
    before = list(logging.getLogger().handlers)
    create_app(load({}))
    assert logging.getLogger().handlers == before
