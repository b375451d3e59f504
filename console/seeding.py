"""Seed: members for a first look, each by a real joining event; the same seed makes the same members."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.events import Address, ContactAdded
from bot.ids import SeededChance
from bot.runtime import Runtime

AT_ONCE = 256
CHANNELS = ("store-001", "store-002", "live-1111", "")
GUIDES = ("xiaomei", "aqiang")


async def plant(runtime: Runtime, members: int, seed: int) -> str:
    """Let `members` join over the last 90 days; what was done, in one line."""
    await asyncio.to_thread(runtime.database.migrate)
    runtime.writer.start()
    chance, now = SeededChance(seed), runtime.clock.now()
    try:
        for start in range(0, members, AT_ONCE):
            batch = []
            for number in range(start, min(start + AT_ONCE, members)):
                external_userid = f"wmSeed{seed}x{number}"
                event = ContactAdded(
                    key=f"seed:{seed}:{number}",
                    source="seed",
                    at=now - timedelta(days=90 * chance.fraction()),
                    sender=Address("wecom", external_userid),
                    userid=GUIDES[chance.bits(1)],
                    external_userid=external_userid,
                    state=CHANNELS[chance.bits(2)] or None,
                )
                batch.append(runtime.writer.accept(event))
            await asyncio.gather(*batch)
        done = runtime.writer.stats["events"]
    finally:
        await runtime.writer.stop()
        await runtime.wecom.close()
        runtime.database.close()
    return f"写入 {done} 位会员（--seed {seed}）；已经在的没有重复写"
