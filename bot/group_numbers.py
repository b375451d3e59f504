"""群数据 group numbers: once a day, what yesterday brought to each group.

Who came and went we count ourselves. How many spoke only WeCom knows, and it tells per owner, never per group.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.clock import Clock, end_of_day, local_day
from bot.errors import WeComError
from bot.turn import Work
from bot.writer import Writer
from storage import group_chats, group_days
from storage.tables import GroupOwnerDay

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

OWNERS_A_CALL, ITEMS_A_PAGE = 100, 1000  # 92133


class GroupNumbers:
    """Counts and asks; counting a day again corrects it."""

    def __init__(self, client: WeCom, writer: Writer, clock: Clock) -> None:
        self._client, self._writer, self._clock = client, writer, clock

    async def yesterday(self) -> None:
        """Store the shops' last whole day of every group, then what WeCom counted for their owners."""
        now = self._clock.now()
        since, until = end_of_day(now, -2), end_of_day(now, -1)
        groups = await self._writer.call(_known)
        for chat_id, _ in groups:
            await self._writer.call(partial(_count, chat_id, since, until))
        owners = sorted({owner for _, owner in groups if owner})
        for start in range(0, len(owners), OWNERS_A_CALL):
            try:
                await self._ask(owners[start : start + OWNERS_A_CALL], since)
            except WeComError as error:
                if not error.permanent:
                    raise
                logger.bind(action="group_statistic_refused").warning("{}", error)
                return

    async def _ask(self, owners: list[str], since: datetime) -> None:
        body: dict[str, Any] = {
            "day_begin_time": int(since.timestamp()), "day_end_time": int(since.timestamp()),
            "owner_filter": {"userid_list": owners}, "offset": 0, "limit": ITEMS_A_PAGE,
        }  # fmt: skip
        while True:
            answer = await self._client.call("externalcontact/groupchat/statistic", body)
            items = answer.get("items") or []
            await self._writer.call(partial(_keep, items, local_day(since)))
            following = int(answer.get("next_offset") or 0)
            if not items or following <= body["offset"] or following >= int(answer.get("total") or 0):
                return
            body["offset"] = following


def _known(work: Work) -> list[tuple[str, str]]:
    """(chat_id, owner) of every group that is there and was read."""
    found = group_chats.chats.all(work.db, order="chat_id", status=group_chats.ACTIVE)
    return [(chat.chat_id, chat.owner) for chat in found if chat.member_version]


def _count(chat_id: str, since: datetime, until: datetime, work: Work) -> None:
    chat = group_chats.find(work.db, chat_id)
    if chat is not None:
        group_days.keep(work.db, group_days.count(work.db, chat, local_day(since), since, until, work.now))


def _keep(items: list[dict[str, Any]], day: str, work: Work) -> None:
    for item in items:
        data = item.get("data") or {}
        group_days.keep_owner(work.db, GroupOwnerDay(
            owner=str(item["owner"]), day=day, groups=int(data.get("chat_total") or 0),
            groups_active=int(data.get("chat_has_msg") or 0), members=int(data.get("member_total") or 0),
            members_active=int(data.get("member_has_msg") or 0), messages=int(data.get("msg_total") or 0),
            made_at=work.now,
        ))  # fmt: skip
