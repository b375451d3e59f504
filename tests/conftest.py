"""What all tests share: both databases, a bot without a network, and time that stands still."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import Bot, start_bot
from tests.files import sqlite_in
from tests.postgres import SCHEMA_FREE, needed, postgres_url

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)]
NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


# What tests and libraries import stays until the end, half a gigabyte of it: looking through it for garbage as often as
# Python likes to takes a fifth of a run.
gc.set_threshold(100_000, 50, 100)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind as `migrate` makes it, without a row, gone afterwards."""
    if request.param == "sqlite":
        yield sqlite_in(tmp_path)
        return
    needed()
    with SCHEMA_FREE.migrated() as name:
        yield postgres_url(name)


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: one more than there are cores, because many tests wait for programs that they have started."""
    return (os.cpu_count() or 1) + 1


def pytest_sessionfinish() -> None:
    """Leave no schema behind."""
    SCHEMA_FREE.close()


@pytest.fixture
async def bot(database_url: str) -> AsyncIterator[Bot]:
    """The bot with its real writer, handlers, plays and texts on a real database; only the network is missing."""
    async with start_bot(database_url, NOON) as running:
        yield running
