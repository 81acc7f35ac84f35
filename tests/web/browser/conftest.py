"""A service over the founding history, and a real browser."""

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest
import uvicorn

from tests.web.conftest import settings_for
from tests.web.pages.conftest import founding
from tests.web.world import NOW
from tracker.app import create_app
from tracker.store import access
from tracker.store.engine import open_engine, writing

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
WIDTHS = (1280, 360)

__all__ = ["founding"]


@pytest.fixture
def served(founding: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of a service over a copy of the founding history, and an analyst's key."""
    (tmp_path / "tracker.db").write_bytes(founding.read_bytes())
    url = f"sqlite:///{tmp_path / 'tracker.db'}"
    engine = open_engine(url)
    with writing(engine) as connection:
        key = access.create(connection, "Ann", NOW)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(settings_for(url, tmp_path), engine, lambda: NOW), log_config=None)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", key.secret
    server.should_exit = True
    thread.join()
    engine.dispose()


@pytest.fixture(scope="module")
def launched(chromium: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def browser(launched: Any) -> Iterator[Any]:
    """A browser that remembers nothing of another test."""
    yield launched
    for context in launched.contexts:
        context.close()


FAINT = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = c => [0.2126, 0.7152, 0.0722].reduce((sum, k, i) => {
    const v = c[i] / 255; return sum + k * (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const ground = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > 250) return c; } return [255, 255, 255, 255]; };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const said = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!said || !e.checkVisibility() || e.closest('.hide, .skip')) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return [...new Set(faint)].slice(0, 10);
}"""
"""The parts of a page whose text has a contrast below 4.5 to 1 (WCAG 2.2, 1.4.3)."""
