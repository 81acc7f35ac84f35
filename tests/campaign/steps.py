"""The steps at which a process can be killed: every statement on the driver's cursor, and the COMMIT, whatever code is
in between."""

import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
from campaign.forking import die
from sqlalchemy import Engine, event


class Steps:
    """Counts statements and commits since ``begin``, and ends the process ``before`` or after the one that is
    ``wanted``; ``at_latest``: with the first COMMIT. ``taken``: how many there were."""

    def __init__(self, wanted: int, before: bool, at_latest: bool = False) -> None:
        self._wanted = wanted
        self._before = before
        self._at_latest = at_latest
        self._armed = False
        self.taken = 0

    def begin(self, armed: bool) -> None:
        self._armed, self.taken = armed, 0

    def watch(self, engine: Engine) -> None:
        commit = engine.dialect.do_commit

        def watched(connection: Any) -> None:
            last = self._at_latest and self._wanted > self.taken
            self._die(last and self._before)
            self.around(commit, connection)
            self._die(last)

        def connecting(*given: Any) -> None:
            given[-1].update(_watched(engine.dialect.name, self))

        engine.dialect.do_commit = watched  # type: ignore[method-assign]
        event.listen(engine, "do_connect", connecting)

    def around(self, statement: Callable[..., Any], *given: Any, **named: Any) -> Any:
        self._die(self._before and self.taken + 1 == self._wanted)
        done = statement(*given, **named)
        self.taken += 1
        self._die(self.taken == self._wanted)
        return done

    def _die(self, here: bool) -> None:
        if here and self._armed:
            die()


def _watched(dialect: str, steps: Steps) -> dict[str, Any]:
    """What makes a driver's connection tell of every statement, whoever runs it."""
    base: Any = sqlite3.Cursor if dialect == "sqlite" else psycopg.Cursor

    class Cursor(base):  # type: ignore[misc]
        def execute(self, *given: Any, **named: Any) -> Any:
            return steps.around(super().execute, *given, **named)

        def executemany(self, *given: Any, **named: Any) -> Any:
            return steps.around(super().executemany, *given, **named)

    class Connection(sqlite3.Connection):
        def cursor(self, *_: Any, **__: Any) -> Any:
            return super().cursor(Cursor)

    return {"factory": Connection} if dialect == "sqlite" else {"cursor_factory": Cursor}
