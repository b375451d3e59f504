"""A shop that sells, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, start_shop


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A bot with the promotion plays; the invariants are checked when it ends."""
    async with start_shop(database_url) as shop:
        yield shop
