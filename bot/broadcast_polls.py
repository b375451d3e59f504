"""群发结果 polls: what WeCom tells of a broadcast's tasks: who pressed send, and what became of each receiver.

Pages are stored as they come, each in one transaction; asking again changes nothing.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.clock import Clock
from bot.errors import WeComError
from bot.senders import Sender
from bot.wecom.msg_template import NOT_READY
from bot.writer import Writer
from storage import broadcasts
from storage.broadcasts import CANCELLED, GROUP, Told
from storage.outbox import Call
from storage.tables import BroadcastTask

if TYPE_CHECKING:
    from bot.turn import Work
    from bot.wecom.client import WeCom

POLL = "broadcast/poll"
AT_ONCE = 4  # tasks asked for at the same time
CONFIRMED = 2  # get_groupmsg_task's status
DELIVERED = 1
FAILURES = {2: "no_friend", 3: "platform_quota"}  # get_groupmsg_send_result's status
GRACE = timedelta(minutes=10)  # after it was confirmed, what no result names was left out


class Polls:
    """The sender that asks."""

    def __init__(self, client: WeCom, writer: Writer, clock: Clock) -> None:
        self._client, self._writer, self._clock = client, writer, clock

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        return {POLL: self.poll}

    async def poll(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Ask for every open task of {"broadcast"}: {"news": how much, "returned": rows that may be sent anew}."""
        channel, tasks = await self._writer.call(partial(_open, int(payload["broadcast"])))
        gate = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*[self._one(gate, channel, task) for task in tasks], return_exceptions=True)
        failed = [one for one in found if isinstance(one, BaseException)]
        if failed:
            raise failed[0]
        pairs = [one for one in found if not isinstance(one, BaseException)]
        news, returned = sum(one[0] for one in pairs), sum(one[1] for one in pairs)
        logger.bind(action="broadcast_polled").info(
            "broadcast={} tasks={} news={}", payload["broadcast"], len(tasks), news
        )
        return {"news": news, "returned": returned, "asked": len(tasks)}

    async def _one(self, gate: asyncio.Semaphore, channel: str, task: BroadcastTask) -> tuple[int, int]:
        async with gate:
            try:
                return await self._look(channel, task)
            except WeComError as error:
                if error.errcode == NOT_READY:
                    return 0, 0
                raise

    async def _look(self, channel: str, task: BroadcastTask) -> tuple[int, int]:
        standing = await self._client.msg_template.task(task.msgid, task.userid)
        if standing is None or standing.get("status") != CONFIRMED:
            return await self._close(channel, task, over=task.status == CANCELLED)
        at = datetime.fromtimestamp(int(standing.get("send_time") or 0), UTC)
        at = at if standing.get("send_time") else self._clock.now()
        news = int(await self._writer.call(lambda work: broadcasts.confirm(work.db, task.id, at)))
        names = await self._writer.call(partial(_names, channel, task))
        async for page in self._client.msg_template.results(task.msgid, task.userid):
            told = _told(channel, page, names)
            if told.sent or told.failed:
                news += await self._writer.call(partial(_apply, channel, task, told))
        over = task.status == CANCELLED or self._clock.now() - at > GRACE
        more, returned = await self._close(channel, task, over=over)
        return news + more, returned

    async def _close(self, channel: str, task: BroadcastTask, *, over: bool) -> tuple[int, int]:
        ended, to = await self._writer.call(partial(_close, channel, task, over))
        return ended, ended if to == "left" else 0


def _open(broadcast_id: int, work: Work) -> tuple[str, list[BroadcastTask]]:
    found = broadcasts.rows.one(work.db, id=broadcast_id)
    return (found.channel, broadcasts.open_tasks(work.db, broadcast_id)) if found else ("", [])


def _names(channel: str, task: BroadcastTask, work: Work) -> dict[str, Any]:
    return broadcasts.receivers(work.db, channel, task.broadcast_id, task.id)


def _told(channel: str, page: list[dict[str, Any]], names: dict[str, Any]) -> Told:
    """A page by our keys; whom we do not wait for is left out."""
    told = Told([], {})
    failed: dict[str, list[Any]] = {}
    for item in page:
        key = names.get(str(item.get("chat_id" if channel == GROUP else "external_userid")))
        status = item.get("status")
        if key is None:
            continue
        if status == DELIVERED:
            told.sent.append(key)
        elif status in FAILURES:
            failed.setdefault(FAILURES[status], []).append(key)
    return told._replace(failed=failed)


def _apply(channel: str, task: BroadcastTask, told: Told, work: Work) -> int:
    return broadcasts.apply(work.db, channel, task, told, work.now)


def _close(channel: str, task: BroadcastTask, over: bool, work: Work) -> tuple[int, str]:
    return broadcasts.close(work.db, channel, task.id, over, work.now)
