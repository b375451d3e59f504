"""对账 reconcile: callbacks are hints and may be lost; this walk brings what WeCom knows and what we know together.

It runs at every start and once a night, as an outbox call of the slow lane, so that only one runs at a time and a
process killed in the middle of it is followed by one that begins anew. It writes nothing itself: every difference
becomes an event.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.clock import Clock
from bot.errors import WeComError
from bot.events import Address, Event
from bot.group_numbers import GroupNumbers
from bot.own_events import ContactFound, ContactGone, GroupChatSeen
from bot.tag_reconcile import TagReconcile
from bot.turn import Work
from bot.wecom.group_chat import GroupChat as GroupChatApi
from bot.writer import Writer
from storage import contact_ways, follows, group_chats
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

SOURCE = CALL = "reconcile"
YOUNG = timedelta(seconds=60)  # a callback may still be on its way, with its retries
USERS_A_CALL, CONTACTS_A_PAGE = 100, 100  # the most that batch/get_by_user takes
OWNERS_A_CALL, NEEDS_OWNERS = 100, 81017
NO_RELATION, NOBODY_LICENSED, NOT_A_CUSTOMER_GROUP = 84061, 701008, 90501


class Reconcile:
    """Compares contacts with their tags, customer groups and contact ways with WeCom."""

    def __init__(
        self, client: WeCom, writer: Writer, clock: Clock, first: Callable[[Work], None] = lambda _: None
    ) -> None:
        """`first` runs before the walk, in a transaction: what else has to be looked at because callbacks get lost."""
        self._client, self._writer, self._clock, self._first = client, writer, clock, first
        self._tags = TagReconcile(client, writer, clock)
        self.stats: Counter[str] = Counter()

    async def run(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """One whole comparison; a sender like any other."""
        found: Counter[str] = Counter()
        await self._writer.call(self._first)
        await self._tags.catalogue()
        users = (await self._client.call("externalcontact/get_follow_user_list")).get("follow_user", [])
        for start in range(0, len(users), USERS_A_CALL):
            await self._contacts(users[start : start + USERS_A_CALL], found)
        await self._groups(users, found)
        await self._ways()
        await GroupNumbers(self._client, self._writer, self._clock).yesterday()
        if found["young"]:
            await self._writer.call(
                lambda work: work.owe(CALL, {}, lane="slow", subject=CALL, not_before=work.now + YOUNG)
            )
        self.stats.update(found)
        logger.bind(action="reconciled").info("users={} {}", len(users), dict(found))
        return dict(found)

    # -- contacts -------------------------------------------------------------------------------------------------

    async def _contacts(self, users: list[str], found: Counter[str]) -> None:
        began = self._clock.now()
        seen: dict[str, set[str]] = {userid: set() for userid in users}
        async for asked_at, page in self._pages(users):
            pairs = [(entry["external_contact"], entry["follow_info"]) for entry in page]
            found["tags"] += await self._tags.marks(pairs, asked_at)
            for contact, follow in pairs:
                seen.setdefault(follow["userid"], set()).add(contact["external_userid"])
            await self._missing(pairs, found)
        for userid in users:
            gone = await self._writer.call(partial(_no_longer, userid, seen[userid], began))
            for external_userid in gone:
                found["gone"] += 1
                await self._happen(_gone(userid, external_userid, began))

    async def _pages(self, users: list[str]) -> Any:
        cursor = ""
        while True:
            body = {"userid_list": users, "cursor": cursor, "limit": CONTACTS_A_PAGE}
            asked_at = self._clock.now()
            try:
                answer = await self._client.call("externalcontact/batch/get_by_user", body)
            except WeComError as error:
                if error.errcode in (NO_RELATION, NOBODY_LICENSED):
                    return
                raise
            yield asked_at, answer.get("external_contact_list", [])
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return

    async def _missing(self, pairs: list[tuple[dict[str, Any], dict[str, Any]]], found: Counter[str]) -> None:
        keys = [(contact["external_userid"], follow["userid"]) for contact, follow in pairs]
        known = await self._writer.call(lambda work: follows.open_pairs(work.db, [key[0] for key in keys]))
        for contact, follow in pairs:
            if (contact["external_userid"], follow["userid"]) in known:
                continue
            event = _found(contact, follow)
            if self._clock.now() - event.at < YOUNG:
                found["young"] += 1
                continue
            found["found"] += 1
            await self._happen(event)

    # -- groups and ways ------------------------------------------------------------------------------------------

    async def _groups(self, users: list[str], found: Counter[str]) -> None:
        for chat_id in await self._chat_ids(users):
            await self._group(chat_id, found)

    async def _chat_ids(self, users: list[str]) -> list[str]:
        """Every group there is. A corp of more than 1,000 people is asked by owner: whoever follows customers, and
        whoever we know to own one."""
        lists = GroupChatApi(self._client)
        try:
            return [entry["chat_id"] async for entry in lists.list_groupchat()]
        except WeComError as error:
            if error.errcode != NEEDS_OWNERS:
                raise
        owners = sorted({*users, *await self._writer.call(lambda work: group_chats.owners(work.db))})
        chat_ids: dict[str, None] = {}
        for start in range(0, len(owners), OWNERS_A_CALL):
            async for entry in lists.list_groupchat(owners[start : start + OWNERS_A_CALL]):
                chat_ids[entry["chat_id"]] = None
        return list(chat_ids)

    async def _group(self, chat_id: str, found: Counter[str]) -> None:
        asked_at = self._clock.now()
        try:
            group = (await self._client.call("externalcontact/groupchat/get", {"chat_id": chat_id, "need_name": 1}))[
                "group_chat"
            ]
        except WeComError as error:
            if not error.permanent:
                raise
            logger.bind(action="group_unreadable").warning("chat_id={} error={}", chat_id, error)
            return
        version = str(group.get("member_version") or "")
        held = await self._writer.call(lambda work: group_chats.version(work.db, chat_id))
        if held == version and version:
            return
        found["groups"] += 1
        key = f"{SOURCE}:group:{chat_id}:{version}:{int(self._clock.now().timestamp())}"
        await self._happen(GroupChatSeen(key=key, source=SOURCE, at=asked_at, group_chat=group))

    async def _ways(self) -> None:
        cursor = ""
        while True:
            answer = await self._client.call("externalcontact/list_contact_way", {"cursor": cursor, "limit": 1000})
            for entry in answer.get("contact_way", []):
                body = {"config_id": entry["config_id"]}
                way = (await self._client.call("externalcontact/get_contact_way", body))["contact_way"]
                await self._writer.call(partial(_keep_way, way))
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return

    async def _happen(self, event: Event) -> None:
        await self._writer.accept(event)


def _found(contact: dict[str, Any], follow: dict[str, Any]) -> ContactFound:
    """The pair's own beginning makes the key: found again after an end, it is a new event."""
    external_userid, userid, began = contact["external_userid"], follow["userid"], int(follow.get("createtime") or 0)
    return ContactFound(
        key=f"{SOURCE}:{external_userid}:{userid}:{began}",
        source=SOURCE,
        at=datetime.fromtimestamp(began, UTC),
        sender=Address("wecom", external_userid),
        userid=userid,
        external_userid=external_userid,
        state=follow.get("state") or None,
    )


def _gone(userid: str, external_userid: str, at: datetime) -> ContactGone:
    return ContactGone(
        key=f"{SOURCE}:gone:{external_userid}:{userid}:{int(at.timestamp())}",
        source=SOURCE,
        at=at,
        sender=Address("wecom", external_userid),
        userid=userid,
        external_userid=external_userid,
    )


def _no_longer(userid: str, seen: Iterable[str], began: datetime, work: Work) -> list[str]:
    """Contacts we believe the guide follows, known since before the walk began, whom WeCom did not list."""
    return sorted(follows.open_contacts(work.db, userid, began) - set(seen))


def _keep_way(way: dict[str, Any], work: Work) -> None:
    contact_ways.keep(
        work.db, way["config_id"], str(way.get("state") or ""), str(way.get("remark") or ""),
        json.dumps(way.get("user") or []), str(way.get("qr_code") or ""), work.now,
    )  # fmt: skip
