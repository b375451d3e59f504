"""企业客户标签的调用 tag senders: the corp's tags and who has them. WeCom refuses two changes of one contact's
tags at a time (45035), so one change is made after the other, in a lane of its own and behind one lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from bot.errors import WeComError
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

MARK, MAKE, LIST = "externalcontact/mark_tag", "externalcontact/add_corp_tag", "externalcontact/get_corp_tag_list"
NO_SUCH_TAG = 40068

Label = tuple[str, str]  # (group, tag)
Made = Callable[[dict[str, Any], Call], Awaitable[dict[str, Any]]]


class TagSenders:
    """Calls about tags, by their names; ids are looked up, and remembered while they are good."""

    def __init__(self, client: WeCom) -> None:
        self._client = client
        self._ids: dict[Label, str] = {}
        self._one_at_a_time = asyncio.Lock()

    def table(self) -> dict[str, Made]:
        """Every call by name."""
        return {MARK: self.mark, MAKE: self.make, LIST: self.listed}

    async def mark(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Tags by name (`add` and `remove`, each [group, tag]) put on a contact and taken off; twice changes nothing.

        A tag that WeCom does not have is made before it is put on; taken off it needs not be.
        """
        add, remove = _labels(payload)
        async with self._one_at_a_time:
            await self._look_up([*add, *remove])
            ids = [await self._id(label) for label in add]
            off = [self._ids[label] for label in remove if label in self._ids]
            change = {key: given for key, given in (("add_tag", ids), ("remove_tag", off)) if given}
            if not change:
                return {"errcode": 0, "no_such_tag": True}
            body = {"userid": payload["userid"], "external_userid": payload["external_userid"], **change}
            try:
                return await self._client.call(MARK, body)
            except WeComError as error:
                if error.errcode == NO_SUCH_TAG:  # one was deleted meanwhile: look them up anew next time
                    for label in (*add, *remove):
                        self._ids.pop(label, None)
                raise

    async def make(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """See that WeCom has a tag; the group, with it."""
        label = payload["group"], payload["tag"]
        async with self._one_at_a_time:
            made = await self._make(label)
        return {"errcode": 0, "tag_group": [made]}

    async def listed(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Tags or groups by id; of ids that are gone there is nothing."""
        body = {key: payload[key] for key in ("tag_id", "group_id") if payload.get(key)}
        try:
            return await self._client.call(LIST, body)
        except WeComError as error:
            if error.errcode != NO_SUCH_TAG:
                raise
            return {"errcode": 0, "tag_group": []}

    async def _look_up(self, labels: list[Label]) -> None:
        if any(label not in self._ids for label in labels):
            for group in (await self._client.call(LIST, {}))["tag_group"]:
                self._keep(group)

    async def _id(self, label: Label) -> str:
        if label not in self._ids:
            await self._make(label)
        return self._ids[label]

    async def _make(self, label: Label) -> dict[str, Any]:
        """WeCom gives a name that the group has already the tag that is there."""
        body = {"group_name": label[0], "tag": [{"name": label[1]}]}
        group: dict[str, Any] = (await self._client.call(MAKE, body))["tag_group"]
        self._keep(group)
        return group

    def _keep(self, group: dict[str, Any]) -> None:
        for tag in group["tag"]:
            if not tag.get("deleted"):
                self._ids[group["group_name"], tag["name"]] = tag["id"]


def _labels(payload: dict[str, Any]) -> tuple[list[Label], list[Label]]:
    """What is put on and taken off; calls owed by an older version name one tag."""
    if "tag" in payload:
        label = payload["group"], payload["tag"]
        return ([], [label]) if payload.get("remove") else ([label], [])
    return [(one[0], one[1]) for one in payload.get("add") or []], [
        (one[0], one[1]) for one in payload.get("remove") or []
    ]
