"""Where tests find PostgreSQL: `SIYU_TEST_PG_URL`, or a server on this machine; each test gets a schema of its own."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from storage.engine import Database

URL = os.environ.get("SIYU_TEST_PG_URL", "postgresql://postgres@127.0.0.1:5432/test")


@functools.cache
def why_not() -> str:
    """Empty when the server answers, else the reason."""
    try:
        psycopg.connect(URL, connect_timeout=3).close()
    except psycopg.Error as error:
        return f"{URL.rpartition('@')[2]} does not answer ({str(error).strip().splitlines()[0]}); set SIYU_TEST_PG_URL"
    return ""


def needed() -> None:
    """Skip the test, and say why, where no server answers; in CI that is a failure."""
    if reason := why_not():
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL must run in CI: {reason}")
        pytest.skip(f"PostgreSQL not tested: {reason}")


def postgres_url(schema: str, called: str = "") -> str:
    """The test server's url with `schema` as its only search path, and as the name its connections go by, unless they
    are `called` otherwise.

    What is committed is seen by everybody at once; only the server's own crash could lose it, and no test crashes it.
    """
    options = f"options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff&application_name={called or schema}"
    return f"{URL}{'&' if '?' in URL else '?'}{options}"


@dataclass(frozen=True)
class Migrated:
    """A schema at the newest revision: its tables, and the rows that the migrations themselves put there.

    `keeper` looks at it and empties it through one connection as long as it is there: a new connection plans every
    check and learns every table anew, which takes longer than most tests.
    """

    name: str
    keeper: Database
    tables: tuple[str, ...]
    seeds: dict[str, list[tuple[Any, ...]]]
    guards: list[tuple[Any, ...]]


class Schemas:
    """Hands out schemas; several test processes never meet in one."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._free: list[Migrated] = []
        self._keepers: dict[str, Database] = {}

    @contextlib.contextmanager
    def schema(self) -> Iterator[str]:
        """A fresh schema without a table, dropped at the end."""
        name = f"t{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
            try:
                yield name
            finally:
                connection.execute(f"DROP SCHEMA {name} CASCADE")

    @contextlib.contextmanager
    def migrated(self) -> Iterator[str]:
        """A schema as `migrate` makes it, without a row of another test; emptied and kept for the next, unless the test
        took a guard away."""
        taken = self._free.pop() if self._free else self._make()
        try:
            yield taken.name
        finally:
            if _emptied(taken):
                self._free.append(taken)
            else:
                self._drop(taken)

    def looks(self, database: Database) -> Database:
        """Through whom a test should look at its database: the keeper, where its schema has one."""
        return self._keepers.get(str(database.url.query.get("application_name")), database)

    def close(self) -> None:
        """Drop what was kept."""
        while self._free:
            self._drop(self._free.pop())

    def _drop(self, schema: Migrated) -> None:
        del self._keepers[schema.name]
        schema.keeper.close()
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema.name} CASCADE")

    def _make(self) -> Migrated:
        name = f"t{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(URL, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        database = Database(postgres_url(name))
        database.migrate()
        database.close()
        with psycopg.connect(postgres_url(name)) as connection:
            found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [name])
            tables = tuple(row[0] for row in found)
            seeds = {table: connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
            guards = _guards(connection, name)
        keeper = self._keepers[name] = _keeper(name)
        return Migrated(name, keeper, tables, {table: rows for table, rows in seeds.items() if rows}, guards)


def _keeper(name: str) -> Database:
    """A schema through one connection that plans once what it is asked."""
    keeper = Database(postgres_url(name, "keeper"))
    with keeper.engine.connect() as kept:
        connection: Any = kept.connection.driver_connection
        connection.prepare_threshold, connection.prepared_max = 1, 1000
    return keeper


def _guards(connection: psycopg.Connection, name: str) -> list[tuple[Any, ...]]:
    """The constraints and indexes of a schema."""
    asked = "SELECT conname FROM pg_constraint WHERE connamespace = %(of)s::text::regnamespace UNION ALL " \
        "SELECT indexname FROM pg_indexes WHERE schemaname = %(of)s::text ORDER BY 1"  # fmt: skip
    return connection.execute(asked, {"of": name}).fetchall()


def _emptied(schema: Migrated) -> bool:
    """Make every table as the migrations left it, after the last connection of the test is gone (a killed process'
    too). False when the test changed more than rows."""
    with schema.keeper.engine.connect() as kept:
        connection: Any = kept.connection.driver_connection
        _end_connections(connection, schema.name)
        connection.commit()
        if _guards(connection, schema.name) != schema.guards:
            return False
        asked = " UNION ALL ".join(
            f"(SELECT '{table}', pg_relation_size('\"{table}\"') FROM \"{table}\" LIMIT 1)" for table in schema.tables
        )
        for table, size in connection.execute(asked).fetchall():
            # TRUNCATE makes new files, which costs more than the few rows that most tests leave.
            connection.execute(f'{"TRUNCATE" if size > 1 << 18 else "DELETE FROM"} "{table}"')
            for row in schema.seeds.get(table, []):
                values = sql.SQL(",").join(map(sql.Literal, row))
                connection.execute(sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(table), values))
        connection.commit()
    return True


def _end_connections(connection: psycopg.Connection, name: str) -> None:
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    while connection.execute(ending, [name]).fetchall():
        connection.commit()  # within one transaction the server would go on telling the same
        time.sleep(0.002)


SCHEMA_FREE = Schemas()
