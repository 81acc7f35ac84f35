"""One question that many ask at the same time, on a connection of its own and without a thread (PostgreSQL).

Whoever comes while it is being asked joins the next round. So each is told what was read after they came, and however
many ask, one statement at a time is under way.
"""

import asyncio
import weakref
from typing import Any

import psycopg
from sqlalchemy import Engine

from tracker.store.engine import CONNECT_SECONDS

Row = tuple[Any, ...]


class AskedTogether:
    """A statement that gives one row."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine, self._statement = engine, statement
        self._rounds = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds]()

    async def row(self) -> Row:
        """What it gives as of now; psycopg.Error or TimeoutError where the database does not say."""
        loop = asyncio.get_running_loop()
        if (rounds := self._rounds.get(loop)) is None:
            rounds = self._rounds[loop] = _Rounds(self._engine, self._statement)
        return await rounds.next(loop)


class _Rounds:
    """The rounds of one event loop, and their connection."""

    def __init__(self, engine: Engine, statement: str) -> None:
        self._engine, self._statement = engine, statement
        self._connection: psycopg.AsyncConnection[Row] | None = None
        self._coming: asyncio.Future[Row] | None = None
        self._going: asyncio.Task[None] | None = None

    async def next(self, loop: asyncio.AbstractEventLoop) -> Row:
        if self._coming is None:
            self._coming = loop.create_future()
        mine = self._coming
        if self._going is None or self._going.done():
            self._going = loop.create_task(self._go())
        return await asyncio.shield(mine)

    async def _go(self) -> None:
        while (asking := self._coming) is not None:
            self._coming = None
            try:
                asking.set_result(await self._asked())
            except (psycopg.Error, TimeoutError) as error:
                asking.set_exception(error)
            finally:
                asking.cancel()  # where neither came of it, as the loop is stopped

    async def _asked(self) -> Row:
        """A connection that was lost since (the database was started again) is replaced, once."""
        if self._connection is not None:
            try:
                return await self._of(self._connection)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                self._drop(self._connection)
        given, named = self._engine.dialect.create_connect_args(self._engine.url)
        async with asyncio.timeout(CONNECT_SECONDS):
            opened = await psycopg.AsyncConnection.connect(*given, **{**named, "autocommit": True})
        weakref.finalize(self, opened.pgconn.finish)
        self._connection = opened
        return await self._of(opened)

    async def _of(self, connection: psycopg.AsyncConnection[Row]) -> Row:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                cursor = await connection.execute(self._statement, prepare=True)
                row = await cursor.fetchone()
        except TimeoutError:
            self._drop(connection)
            raise
        assert row is not None, "it gives one row"
        return row

    def _drop(self, connection: psycopg.AsyncConnection[Row]) -> None:
        connection.pgconn.finish()
        self._connection = None
