"""The ground alone: an empty, migrated database, and writers on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from storage.checks import CHECKS
from storage.db import Db
from storage.engine import Database
from storage.ids import Ids

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database of each kind; whatever a test did must leave the invariants whole."""
    made = Database(database_url)
    made.migrate()
    yield made
    with made.engine.connect() as connection:
        assert [f"{check.name}: {row}" for check in CHECKS for row in check.violations(connection, NOW)] == []
    made.close()


@pytest.fixture
def writer(database: Database) -> Iterator[Callable[[], Db]]:
    """Makes connections of writers, each as a process of its own would have."""
    made: list[Db] = []

    def another() -> Db:
        made.append(database.writer_db())
        return made[-1]

    yield another
    for db in made:
        db.rollback()
        db.close()


@pytest.fixture
def db(writer: Callable[[], Db]) -> Db:
    """One writer in an open transaction."""
    made = writer()
    made.begin()
    return made


@pytest.fixture
def ids(db: Db) -> Ids:
    """The ids of that writer."""
    return Ids(db)
