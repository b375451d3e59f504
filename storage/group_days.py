"""群数据: what a day brought to a group, counted from its members and the stays that are over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from storage.db import Db
from storage.group_chats import members, stays
from storage.rows import Rows
from storage.tables import GroupChat, GroupDay, GroupLeft, GroupMember, GroupOwnerDay

days, owner_days = Rows(GroupDay, "nothing"), Rows(GroupOwnerDay, "nothing")


def count(db: Db, chat: GroupChat, day: str, since: datetime, until: datetime, now: datetime) -> GroupDay:
    """A group's numbers between two moments; who came and went on the same day counts on both sides."""
    inside = members.all(db, order="person", chat_id=chat.chat_id, joined_at__lt=until)
    over = stays.all(db, chat_id=chat.chat_id, left_at__gte=since)
    there: list[GroupMember | GroupLeft] = [*inside, *[one for one in over if one.joined_at < until <= one.left_at]]
    known: list[GroupMember | GroupLeft] = [*inside, *over]
    came = [one for one in known if one.kind == "contact" and since <= one.joined_at < until]
    went = [stay for stay in over if stay.kind == "contact" and since <= stay.left_at < until]
    return GroupDay(
        chat_id=chat.chat_id, day=day, members=len(there), contacts=sum(one.kind == "contact" for one in there),
        joined=len(came), left=len(went), invited=_invited(one.invitor for one in came),
        whole=int(chat.met_at is None or chat.met_at <= since), made_at=now,
    )  # fmt: skip


def _invited(invitors: Iterable[str]) -> str:
    return json.dumps(dict(Counter(name for name in invitors if name).most_common()), ensure_ascii=False)


def keep(db: Db, row: GroupDay) -> None:
    """Remember a day; counted again, it is corrected."""
    values = row.model_dump(exclude={"chat_id", "day"})
    if not days.change(db, values, chat_id=row.chat_id, day=row.day):
        days.add(db, row)


def keep_owner(db: Db, row: GroupOwnerDay) -> None:
    """Remember what WeCom counted for an owner's day."""
    values = row.model_dump(exclude={"owner", "day"})
    if not owner_days.change(db, values, owner=row.owner, day=row.day):
        owner_days.add(db, row)


def last_owner_day(db: Db, userid: str) -> GroupOwnerDay | None:
    """The latest numbers WeCom gave for an owner."""
    found = owner_days.all(db, order="-day", limit=1, owner=userid)
    return found[0] if found else None
