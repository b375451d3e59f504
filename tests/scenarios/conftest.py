"""A shop that sells, on each database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shop import Shop, start_shop

REFERRAL = {"points": {"per_yuan": 0}, "referral": {"velocity_per_hour": 5}}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """A bot with the promotion plays; the invariants are checked when it ends."""
    async with start_shop(database_url) as shop:
        yield shop


@pytest.fixture
async def club(database_url: str) -> AsyncIterator[Shop]:
    """A shop where members bring members; the five who are there are old customers, a month after they came."""
    async with start_shop(database_url, REFERRAL) as shop:
        await shop.passes(days=30)
        yield shop
