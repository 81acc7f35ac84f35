"""Emmett, in a Node process of its own that is asked line by line; see emmett.mjs. Its packages, a folder for each
database, are installed into build/bench/peers. Settings as they come (SQLite: WAL, synchronous FULL),
the expected version given."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bench.databases import Database
from bench.history import Fact, Shape, story
from bench.measuring import Run

NAME = "Emmett"
KEEPS = "a row an event and a row a stream; one stream a transaction"
HERE = Path(__file__).parents[1]
PEERS = HERE.parent / "build" / "bench" / "peers"
APPENDED = Shape("emmett", 50, 10)
MOST = 60_000
"""Facts that are made ready; a quick machine that uses them up is measured until then."""


def missing(kind: str) -> str | None:
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not there"
    if (wrong := _installed(kind)) is not None:
        return wrong
    driver = _folder(kind) / "node_modules/sqlite3/build/Release/node_sqlite3.node"
    return "npm could not build sqlite3" if kind == "SQLite" and not driver.exists() else None


def _folder(kind: str) -> Path:
    return PEERS / kind.lower()


@cache
def _installed(kind: str) -> str | None:
    """Install the packages where they are not; why that failed."""
    folder = _folder(kind)
    wanted = (HERE / "peers" / kind.lower() / "package.json").read_text("utf-8")
    got = folder / "package.json"
    if got.exists() and got.read_text("utf-8") == wanted and (folder / "node_modules").exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    got.write_text(wanted, "utf-8")
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400, check=False)
    except subprocess.TimeoutExpired:
        got.unlink()
        return "npm install took too long"
    if done.returncode:
        got.unlink()
        return f"npm install failed: {(done.stderr or done.stdout).strip().splitlines()[0]}"
    return None


class Emmett:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._folder = _folder(database.kind)
        self._facts = self._folder / f"{Path(database.url).stem}.facts.jsonl"
        self._process: subprocess.Popen[str] | None = None

    def append(self, box: float) -> Run:
        return self._ask("append", box)

    def bulk(self, box: float, size: int) -> Run:
        return self._ask("bulk", box, size)

    def fill(self, shape: Shape, events: int) -> None:
        self._start(islice(story(shape), events))
        self._ask("bulk", 1e9, events)

    def replay(self, box: float) -> Run:
        return self._ask("replay", box)

    def _ask(self, work: str, box: float, size: int = 0) -> Run:
        if self._process is None:
            self._start(islice(story(APPENDED), MOST))
        answer = self._say({"work": work, "box": box, "size": size})
        return Run(answer["done"], answer["seconds"])

    def _start(self, facts: Iterator[Fact]) -> None:
        with self._facts.open("wb") as file:
            for fact in facts:
                line = {"stream": fact.stream, "type": fact.type, "data": fact.development}
                file.write(msgspec.json.encode(line) + b"\n")
        script = shutil.copy(HERE / "subjects" / "emmett.mjs", self._folder)
        command = ["node", script, self._database.kind, self._database.native, str(self._facts)]
        self._process = subprocess.Popen(
            command, cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._heard()

    def _say(self, asked: dict[str, Any]) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(asked).decode() + "\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                return msgspec.json.decode(line)
        raise RuntimeError("Emmett's process ended: look at what it says above")

    def count(self) -> int:
        query = "SELECT count(*) FROM emt_messages"
        if self._database.kind == "SQLite":
            with sqlite3.connect(self._database.native) as connection:
                return int(connection.execute(query).fetchone()[0])
        with psycopg.connect(self._database.native) as server:
            row = server.execute(query).fetchone()
            return int(row[0]) if row else 0

    def close(self) -> None:
        self._facts.unlink(missing_ok=True)
        if self._process is not None:
            self._process.communicate('{"work": "close"}\n', timeout=30)


open = Emmett
