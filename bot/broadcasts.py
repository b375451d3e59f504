"""群发 broadcasts: the calls by which tasks are made, looked after and called off; and the two long walks: driving a
broadcast on, one transaction a step, and asking WeCom what became of it.

WeCom takes no key for a task, so a second try looks for the first one's task before it makes another: two tasks of
one chunk would send everybody in it the message twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.broadcast_matching import Wanted, same_content
from bot.clock import Clock
from bot.errors import Action, WeComError, WeComUnreachable
from bot.media_upload import MediaUploads
from bot.own_events import BroadcastStep
from bot.pacing import Pace
from bot.senders import Sender
from bot.turn import Work
from bot.wecom.msg_template import ADD, CANCEL, REMIND
from bot.writer import Writer
from storage import broadcasts, outbox
from storage.broadcasts import GROUP, MAKING, SENDING, Order
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

DRIVE = "broadcast/drive"
APP_SEND = "message/broadcast"  # one message of a broadcast to a guide; it shares the limits of message/send
LANE = "broadcast"
NO_MEDIA = 40007  # the media_id has expired, or was never one
CALLED_OFF, GONE = -3, -4  # ours: the broadcast was paused or stopped; the task is settled already
SETTLE_S = 2.0  # a call whose answer was lost may still be on its way
EARLIER = timedelta(minutes=10)  # our clock and WeCom's may differ


def owe_drive(work: Work, broadcast_id: int) -> None:
    """Let a broadcast go on; one drive that has not begun is enough."""
    subject = f"broadcast:{broadcast_id}:drive"
    if not outbox.is_waiting(work.db, subject):
        work.owe(DRIVE, {"broadcast": broadcast_id}, lane=LANE, subject=subject, answers=True)


class BroadcastSenders:
    """Senders of what a broadcast owes to the outside, and of its own long work."""

    def __init__(
        self, client: WeCom, writer: Writer, clock: Clock, message: Sender, media: MediaUploads,
        settle_s: float = SETTLE_S,
    ) -> None:  # fmt: skip
        """`message` is the app's own sender of messages, `media` uploads files of ours."""
        self._client, self._writer, self._clock, self._settle_s = client, writer, clock, settle_s
        self._message, self._media = message, media
        self.stats: Counter[str] = Counter()

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        return {ADD: self.make, REMIND: self.remind, CANCEL: self.cancel, DRIVE: self.drive, APP_SEND: self.tell}

    # -- tasks --------------------------------------------------------------------------------------------------------

    async def make(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """The task of a payload {"task", "text"}, once: {"msgid", "fail_list"}."""
        task_id = int(payload["task"])
        order, names = await self._writer.call(partial(_order, task_id))
        if order is None or order.task_status != MAKING:
            raise WeComError(GONE, "settled already", ADD, action=Action.DROP)
        body = _body(order, str(payload["text"]), names)
        if row.attempts > 1:
            await asyncio.sleep(self._settle_s)
            made = await self._made_before(order, body, row)
            if made is not None:
                self.stats["found"] += 1
                logger.bind(action="broadcast_found").info("task={} msgid={}", task_id, made["msgid"])
                return made
        return await self._add(order, body)

    async def _add(self, order: Order, body: dict[str, Any]) -> dict[str, Any]:
        """Make it, with files of ours uploaded; once more with new uploads where WeCom has lost the old ones: a task
        that is refused was not made."""
        ours = body.get("attachments") or []
        for last in (False, True):
            named = {**body, "attachments": await self._media.named(ours)} if ours else body
            if await self._writer.call(partial(_status, order.broadcast_id)) != SENDING:
                raise WeComError(CALLED_OFF, "paused or stopped", ADD, action=Action.DROP)
            try:
                answer = await _plainly(self._client.msg_template.add(named))
            except WeComError as error:
                if last or error.errcode != NO_MEDIA or not await self._media.forget(ours):
                    raise
            else:
                self.stats["made"] += 1
                return answer
        raise AssertionError("the second try returns or raises")

    async def _made_before(self, order: Order, body: dict[str, Any], row: Call) -> dict[str, Any] | None:
        """The answer that an earlier try would have had, if it made a task. At most one of a sender's tasks is unknown
        at a time: their calls are made one after the other."""
        wanted = Wanted(order.userid, body)
        start, end = row.created_at - EARLIER, self._clock.now() + EARLIER
        kind = GROUP if order.channel == GROUP else "single"
        listed = [item async for item in self._client.msg_template.listed(kind, start, end)]
        alike = [str(item["msgid"]) for item in listed if same_content(item, body)]
        known = await self._writer.call(lambda work: broadcasts.known(work.db, alike))
        for msgid in alike:
            left_out = await self._left_out(msgid, wanted) if msgid not in known else None
            if left_out is not None:
                return {"msgid": msgid, "fail_list": left_out}
        return None

    async def _left_out(self, msgid: str, wanted: Wanted) -> list[str] | None:
        """Whom WeCom did not take into a task, None when it is not the one: another sender's, or for others. Of groups
        it names only those that got it."""
        if await self._client.msg_template.task(msgid, wanted.userid) is None:
            return None
        if wanted.receivers is None:
            return []
        taken: set[str] = set()
        async for page in self._client.msg_template.results(msgid, wanted.userid):
            taken.update(str(item.get("external_userid")) for item in page)
            if not taken <= wanted.receivers:
                return None
        return sorted(wanted.receivers - taken) if taken else None

    async def tell(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A message to a guide about one member."""
        return await self._message(payload["message"], row)

    async def remind(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Remind a task's sender."""
        return await _plainly(self._client.msg_template.remind(payload["msgid"]))

    async def cancel(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Call a task off."""
        return await _plainly(self._client.msg_template.cancel(payload["msgid"]))

    # -- going on -----------------------------------------------------------------------------------------------------

    async def drive(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """One step after the other until nothing is left to do now: {"until": when there may be more, or ""}."""
        place, until, number, pace = "", "", 0, Pace(self._writer, self._clock)
        while True:
            key = f"broadcast:{payload['broadcast']}:{row.id}:{row.attempts}:{number}"
            answer = await pace.step(partial(self._step, key, int(payload["broadcast"]), place))
            if answer is None:
                raise WeComUnreachable(DRIVE, "a step was not done", ambiguous=False)
            told = json.loads(answer)
            until = min(filter(None, (until, told["until"])), default="")
            if told["place"] is None:
                return {"until": until, "steps": number + 1}
            if told["wait_s"]:
                await asyncio.sleep(told["wait_s"])
            place, number = told["place"], number + 1

    def _step(self, key: str, broadcast_id: int, place: str, most: int) -> Awaitable[str | None]:
        at = self._clock.now()
        return self._writer.accept(
            BroadcastStep(key=key, source="broadcast", at=at, broadcast_id=broadcast_id, place=place, most=most)
        )


def _order(task_id: int, work: Work) -> tuple[Order | None, list[str]]:
    order = broadcasts.order(work.db, task_id)
    if order is None:
        return None, []
    return order, list(broadcasts.receivers(work.db, order.channel, order.broadcast_id, task_id))


def _status(broadcast_id: int, work: Work) -> str:
    found = broadcasts.rows.one(work.db, id=broadcast_id)
    return found.status if found else ""


def _body(order: Order, text: str, names: list[str]) -> dict[str, Any]:
    """A task as WeCom takes it."""
    content: dict[str, Any] = {"text": {"content": text}} if text else {}
    if attachments := json.loads(order.attachments):
        content["attachments"] = attachments
    if order.channel == GROUP:
        return {"chat_type": "group", "sender": order.userid, "chat_id_list": names, **content}
    chosen = {"allow_select": True} if order.allow_select else {}
    return {"chat_type": "single", "sender": order.userid, "external_userid": names, **chosen, **content}


async def _plainly(call: Any) -> dict[str, Any]:
    """What the corp or one sender has no right for stops nothing else."""
    try:
        answer: dict[str, Any] = await call
    except WeComError as error:
        if error.action is not Action.CONFIG:
            raise
        raise WeComError(error.errcode, error.errmsg, error.path, action=Action.DROP, hint=error.hint) from None
    return answer
