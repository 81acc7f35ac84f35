"""What a rebuild cannot do without: the raw driver puts the segments that are there in once more, and takes it back."""

import sqlite3

import psycopg
from psycopg import sql

from bench.databases import Database
from bench.measuring import Run, once
from tracker.projections.table import segments

NAMES = [column.name for column in segments.columns]


def inserted(database: Database) -> Run:
    """By ``executemany`` on SQLite, by COPY on PostgreSQL; with its indexes, without a commit."""
    if database.kind == "SQLite":
        return _sqlite(database)
    with psycopg.connect(database.native) as connection:
        columns = sql.SQL(", ").join(map(sql.Identifier, NAMES))
        rows = connection.execute(sql.SQL("SELECT {} FROM segments").format(columns)).fetchall()
        connection.execute("DELETE FROM segments")
        copy = sql.SQL("COPY segments ({}) FROM STDIN").format(columns)
        run = once(lambda: _copied(connection, copy, rows))
        connection.rollback()
        return run


def _copied(connection: psycopg.Connection, copy: sql.Composed, rows: list[tuple[object, ...]]) -> int:
    with connection.cursor().copy(copy) as copying:
        for row in rows:
            copying.write_row(row)
    return len(rows)


def _sqlite(database: Database) -> Run:
    connection = sqlite3.connect(database.native, isolation_level=None)
    columns, marks = ", ".join(NAMES), ", ".join("?" * len(NAMES))
    rows = connection.execute(f"SELECT {columns} FROM segments").fetchall()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM segments")
    insert = f"INSERT INTO segments ({columns}) VALUES ({marks})"
    run = once(lambda: connection.executemany(insert, rows).rowcount)
    connection.execute("ROLLBACK")
    connection.close()
    return run
