"""企业群发 msg_template: tasks that staff confirm (92135, 93338, 97610, 97611)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from bot.wecom.answers import JSON
from bot.wecom.paging import pages
from bot.wecom.transport import Transport

ADD = "externalcontact/add_msg_template"
REMIND, CANCEL = "externalcontact/remind_groupmsg_send", "externalcontact/cancel_groupmsg_send"
LIST, TASK, RESULT = (
    "externalcontact/get_groupmsg_list_v2", "externalcontact/get_groupmsg_task",
    "externalcontact/get_groupmsg_send_result",
)  # fmt: skip
NOT_READY, REMINDED_ENOUGH = 41063, 41094
CONTACTS, GROUPS, ATTACHMENTS, TEXT_BYTES = 10_000, 2_000, 9, 4_000  # of one task
ROWS_A_PAGE, TASKS_A_PAGE = 1_000, 100
LONG_S = 30.0  # a task names ten thousand customers


class MsgTemplate:
    """Tasks and what became of them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def add(self, body: JSON) -> JSON:
        """{"msgid", "fail_list"}: nothing is sent before the sender confirms. WeCom takes no key: see `listed`."""
        return await self._transport.call(ADD, body, timeout_s=LONG_S)

    async def listed(self, chat_type: str, start: datetime, end: datetime) -> AsyncIterator[JSON]:
        """Every {"msgid", "create_time", "text", "attachments"} that the corp made within a month at most."""
        body = {
            "chat_type": chat_type, "start_time": int(start.timestamp()), "end_time": int(end.timestamp()),
            "filter_type": 0, "limit": TASKS_A_PAGE,
        }  # fmt: skip
        async for page in pages(self._transport, LIST, body):
            for item in page.get("group_msg_list") or []:
                yield item

    async def task(self, msgid: str, userid: str) -> JSON | None:
        """{"status": 0 or 2, "send_time"} of a sender; None when the task is not theirs."""
        async for page in pages(self._transport, TASK, {"msgid": msgid, "limit": ROWS_A_PAGE}):
            for item in page.get("task_list") or []:
                if str(item.get("userid")).casefold() == userid.casefold():
                    found: JSON = item
                    return found
        return None

    async def results(self, msgid: str, userid: str) -> AsyncIterator[list[JSON]]:
        """Pages of {"external_userid" or "chat_id", "status"}: 0 not yet, 1 sent, 2 no friend, 3 got enough already."""
        async for page in pages(self._transport, RESULT, {"msgid": msgid, "userid": userid, "limit": ROWS_A_PAGE}):
            yield page.get("send_list") or []

    async def remind(self, msgid: str) -> JSON:
        """Whoever has not confirmed is reminded; three times within 24 hours, then 41094."""
        return await self._transport.call(REMIND, {"msgid": msgid})

    async def cancel(self, msgid: str) -> JSON:
        """It can no longer be confirmed; what was sent stays sent. Again does no harm."""
        return await self._transport.call(CANCEL, {"msgid": msgid})
