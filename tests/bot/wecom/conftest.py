"""A server, a clock that stands still and a client between them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.clock import FrozenClock
from bot.wecom import transport
from bot.wecom.client import WeCom
from tests.bot.wecom.server import Wire, client_of, listening


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with listening() as running:
        yield running


@pytest.fixture
async def wecom(wire: Wire, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WeCom]:
    monkeypatch.setattr(transport, "BUSY_BACKOFF_S", 0.01)
    async with client_of(wire.base, clock) as client:
        yield client
