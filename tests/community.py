"""A community group for tests: a shop whose members also speak in a group of another platform, and in private there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from bot.channels.onebot_translate import Ear, translate
from bot.events import Event
from bot.onebot_reach import SEND
from tests.shop import PLAYS, Shop, start_shop

SELF, GROUP = 10001, 777
GROUP_PLAYS = {**PLAYS, "coupons": {}, "flash_sale": {}, "linking": {}}


@dataclass
class Community:
    """What people there write, and what they read."""

    shop: Shop

    async def says(self, user_id: int, words: str, *, at: bool = True, ear: Ear | None = None) -> list[dict[str, Any]]:
        """Somebody writes in the group; the messages that are owed because of it."""
        message = [{"type": "at", "data": {"qq": str(SELF)}}] * at + [{"type": "text", "data": {"text": words}}]
        return await self.tells(message_type="group", sub_type="normal", group_id=GROUP, user_id=user_id,
                                message=message, ear=ear)  # fmt: skip

    async def whispers(self, user_id: int, words: str, **more: Any) -> str:
        """Somebody writes in private; what they read there then."""
        owed = await self.tells(message_type="private", sub_type="friend", user_id=user_id, message=words, **more)
        return "\n".join(row["text"] for row in owed if row.get("user_id") == str(user_id))

    async def joins(self, user_id: int) -> list[dict[str, Any]]:
        """Somebody joins the group."""
        return await self.tells(post_type="notice", notice_type="group_increase", sub_type="approve", group_id=GROUP,
                                user_id=user_id, operator_id=0)  # fmt: skip

    async def tells(self, ear: Ear | None = None, **frame: Any) -> list[dict[str, Any]]:
        """A frame from the platform."""
        number = next(self.shop.bot.numbers)
        told = {"time": int(self.shop.bot.clock.now().timestamp()), "self_id": SELF, "post_type": "message",
                "message_id": number + 1, "sender": {"nickname": f"群友{frame['user_id']}"}, **frame}  # fmt: skip
        event = translate(told, ear or Ear(), self.shop.bot.clock.now())
        assert isinstance(event, Event), event
        before = self.newest
        await self.shop.bot.writer.accept(event)
        return self.owed(before)

    @property
    def newest(self) -> int:
        """The latest outbox row."""
        return int(self.shop.one("SELECT coalesce(max(id), 0) FROM outbox"))

    def owed(self, since: int) -> list[dict[str, Any]]:
        """Messages owed to the community after a row."""
        rows = self.shop.bot.rows(
            "SELECT payload FROM outbox WHERE call = :call AND id > :id ORDER BY id", call=SEND, id=since
        )
        return [json.loads(row[0]) for row in rows]

    async def delivered(self) -> list[dict[str, Any]]:
        """Everything is sent; what was owed because of how it went."""
        before = self.newest
        await self.shop.bot.deliver()
        return self.owed(before)

    def member(self, user_id: int) -> int:
        """Which member an account is."""
        return int(self.shop.one(
            "SELECT member_id FROM identity WHERE channel = 'onebot' AND external_id = :who", who=f"{SELF}:{user_id}"
        ))  # fmt: skip


@contextlib.asynccontextmanager
async def start_community(url: str) -> AsyncIterator[Community]:
    """Every play, five members in WeCom, nobody yet in the group."""
    async with start_shop(url, GROUP_PLAYS) as shop:
        yield Community(shop)
