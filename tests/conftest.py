"""What all tests share: both databases, a bot without a network, and time that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import Bot, start_bot
from tests.postgres import SCHEMA_FREE, needed, postgres_url

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.pg)]
NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind, gone afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'siyu.db'}"
        return
    needed()
    with SCHEMA_FREE.schema() as name:
        yield postgres_url(name)


@pytest.fixture
async def bot(database_url: str) -> AsyncIterator[Bot]:
    """The bot with its real writer, handlers, plays and texts on a real database; only the network is missing."""
    async with start_bot(database_url, NOON) as running:
        yield running
