"""客户群: customer groups and who is in them, by the platform's member versions; stays that are over are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete

from storage.db import Db
from storage.ids import Ids
from storage.rows import Rows
from storage.sql import Sql, any_of
from storage.tables import GroupChat, GroupLeft, GroupMember

ACTIVE, DISMISSED, UNREADABLE = "active", "dismissed", "unreadable"
SAME_STAY = timedelta(minutes=5)  # an event's time and the platform's join_time may differ by moments

chats, members, stays = Rows(GroupChat, "nothing"), Rows(GroupMember, "nothing"), Rows(GroupLeft)
_M = GroupMember.__table__  # type: ignore[attr-defined]
_REMOVE = Sql(delete(_M).where(_M.c.chat_id == bindparam("of"), any_of(_M.c.person, "people")))


@dataclass(frozen=True, slots=True)
class Seat:
    """Someone in a group; `kind` is `staff` or `contact`, `scene` invited, link, qr or ""."""

    person: str
    kind: str
    name: str
    state: str
    invitor: str
    joined_at: datetime
    scene: str = ""


def find(db: Db, chat_id: str) -> GroupChat | None:
    """What we hold of a group."""
    return chats.one(db, chat_id=chat_id)


def version(db: Db, chat_id: str) -> str | None:
    """The member version we hold, None for a group we have not read."""
    chat = find(db, chat_id)
    return chat.member_version or None if chat else None


def meet(db: Db, chat_id: str, now: datetime) -> GroupChat:
    """The group, remembered from now on though nothing is known of it yet."""
    chat = find(db, chat_id)
    if chat is None:
        chat = GroupChat(
            chat_id=chat_id, name="", owner="", member_version="", status=ACTIVE, seen_at=now, met_at=now,
            heard_at=None, look_at=None,
        )  # fmt: skip
        chats.add(db, chat)
    return chat


def look(db: Db, chat_id: str, at: datetime) -> None:
    """A look at the group is owed at this moment."""
    chats.change(db, {"look_at": at}, chat_id=chat_id)


def replace(
    db: Db, ids: Ids, held: GroupChat, name: str, owner: str, member_version: str, seats: list[Seat], now: datetime
) -> bool:
    """Take over a group as the platform shows it; False when another process changed what we held meanwhile.

    A group that was dismissed stays dismissed.
    """
    chat_id, shown_as = held.chat_id, {"name": name, "owner": owner, "member_version": member_version, "seen_at": now}
    if not chats.change(db, shown_as, chat_id=chat_id, member_version=held.member_version):
        return False
    chats.change(db, {"status": ACTIVE}, chat_id=chat_id, status=UNREADABLE)
    there = {row.person: row for row in members.all(db, order="person", chat_id=chat_id)}
    shown = {seat.person for seat in seats}
    returned = [
        seat.person for seat in seats
        if seat.person in there and seat.joined_at - there[seat.person].joined_at > SAME_STAY
    ]  # fmt: skip
    remove(db, ids, chat_id, sorted(there.keys() - shown) + returned, now, "found")
    add(db, chat_id, [seat for seat in seats if seat.person not in there or seat.person in returned])
    for seat in seats:
        if seat.person in there and seat.person not in returned:
            _learn(db, there[seat.person], seat)
    return True


def _learn(db: Db, row: GroupMember, seat: Seat) -> None:
    """An event tells who came, only the platform's list tells by whom and by which way."""
    told = {
        "name": seat.name, "state": seat.state, "invitor": seat.invitor, "scene": seat.scene or row.scene,
        "joined_at": seat.joined_at,
    }  # fmt: skip
    if any(getattr(row, key) != value for key, value in told.items()):
        members.change(db, told, chat_id=row.chat_id, person=row.person)


def add(db: Db, chat_id: str, seats: list[Seat]) -> None:
    """Let people into a group; who is in stays as he is."""
    for seat in seats:
        members.add(db, GroupMember(
            chat_id=chat_id, person=seat.person, kind=seat.kind, name=seat.name, state=seat.state,
            invitor=seat.invitor, joined_at=seat.joined_at, scene=seat.scene,
        ))  # fmt: skip


def remove(db: Db, ids: Ids, chat_id: str, people: list[str], at: datetime, how: str) -> None:
    """Take people out of a group and keep their stays; who is not in is passed over."""
    if not people:
        return
    for row in members.all(db, order="person", chat_id=chat_id, person__in=people):
        stays.add(db, GroupLeft(
            id=ids.next(), chat_id=chat_id, person=row.person, kind=row.kind, state=row.state, invitor=row.invitor,
            joined_at=row.joined_at, left_at=at, how=how,
        ))  # fmt: skip
    db.run(_REMOVE, of=chat_id, people=people)


def applied(db: Db, chat_id: str, last: str, member_version: str, now: datetime) -> bool:
    """The change that leads from version `last` to this one is applied; False when another process did it."""
    values = {"member_version": member_version, "heard_at": now, "seen_at": now}
    return chats.change(db, values, chat_id=chat_id, member_version=last) == 1


def end(db: Db, chat_id: str, status: str, now: datetime) -> None:
    """The group is no more, or not ours to read; its history stays."""
    chats.change(db, {"status": status, "seen_at": now}, chat_id=chat_id)


def owned(db: Db, userid: str) -> list[GroupChat]:
    """A guide's own groups that are there, by name; WeCom spells userids in any case."""
    mine = [chat for chat in chats.all(db, order="name", status=ACTIVE) if chat.owner.lower() == userid.lower()]
    return [chat for chat in mine if chat.member_version]


def owners(db: Db) -> set[str]:
    """Whoever owns a group that is there."""
    return {chat.owner for chat in chats.all(db, order="chat_id", status=ACTIVE) if chat.owner}
