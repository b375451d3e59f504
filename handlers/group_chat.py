"""客户群 customer groups: joins and leaves are applied when their versions fit, otherwise the group is read again.

Versions are names, not numbers: none says which of two is newer. So what the platform shows is taken over only when it
was asked long enough after the last change we applied ourselves; before that it may show the past.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.events import ApiAnswered, GroupChatDismissed, GroupChatEvent, GroupMemberJoined, GroupMemberLeft
from bot.own_events import GroupChatSeen
from bot.turn import Retry, Turn
from handlers.plays import Plays
from storage import group_chats
from storage.group_chats import DISMISSED, UNREADABLE, Seat
from storage.tables import GroupChat

GET = "externalcontact/groupchat/get"
LAG = timedelta(seconds=2.5)  # the platform's details come up to two seconds after its event
GRID = timedelta(seconds=0.5)  # a burst of events is one look
DETAILS = timedelta(seconds=60)  # who invited whom and by which way is not urgent
READ_WITHIN = timedelta(days=1)
MOST_LOOKS = 3
STAFF_TYPE = 1
GONE, FOREIGN = 49008, 90501  # dismissed; not a customer group
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TOLD = {0: "invited", 3: "qr"}  # JoinScene of the event
_LISTED = {1: "invited", 2: "link", 3: "qr"}  # join_scene of the list
_LEFT = {0: "left", 1: "removed"}


def changed(turn: Turn, event: GroupChatEvent, plays: Plays) -> None:
    """A group was made or edited: read it."""
    read_again(turn, event.chat_id)


def read_again(
    turn: Turn, chat_id: str, want: str | None = None, tries: int = 0, within: timedelta = timedelta()
) -> None:
    """Owe a look at a group, unless one is owed already that comes late enough and not later than `within`.

    `want`: the version an event named; an older answer means that the platform lags behind.
    """
    chat = group_chats.meet(turn.db, chat_id, turn.now)
    earliest = turn.now + LAG
    due = _EPOCH - ((_EPOCH - earliest - within) // GRID) * GRID
    if chat.status == DISMISSED or (chat.look_at is not None and earliest <= chat.look_at <= due):
        return
    group_chats.look(turn.db, chat_id, due)
    payload = {"chat_id": chat_id, "need_name": 1, "want": want, "tries": tries}
    # What stands in one row of subjects waits for those before it: a look that may take its time has its own.
    subject = f"group-details:{chat_id}" if within else f"group:{chat_id}"
    turn.owe(GET, payload, answers=True, subject=subject, not_before=due, expires_at=due + READ_WITHIN)


def member_joined(turn: Turn, event: GroupMemberJoined, plays: Plays) -> None:
    """入群. Who comes is a member of the group, not of the shop: that takes a guide who was added."""
    if not _fits(turn, event):
        return
    scene = _TOLD.get(event.join_scene if event.join_scene is not None else -1, "")
    group_chats.add(
        turn.db,
        event.chat_id,
        [Seat(person, _kind(person), "", "", "", event.at, scene) for person in event.members],
    )
    read_again(turn, event.chat_id, within=DETAILS)


def member_left(turn: Turn, event: GroupMemberLeft, plays: Plays) -> None:
    """退群."""
    if _fits(turn, event):
        how = _LEFT.get(event.quit_scene if event.quit_scene is not None else -1, "left")
        group_chats.remove(turn.db, turn.ids, event.chat_id, list(event.members), event.at, how)


def _fits(turn: Turn, event: GroupMemberJoined | GroupMemberLeft) -> bool:
    """The version rule: apply only what follows on what we hold."""
    held, new = group_chats.version(turn.db, event.chat_id), event.cur_mem_ver
    if held is not None and event.members and new and held == event.last_mem_ver:
        if not group_chats.applied(turn.db, event.chat_id, held, new, turn.now):
            raise Retry
        return True
    if held is None or held != new:
        read_again(turn, event.chat_id, new)
    return False


def dismissed(turn: Turn, event: GroupChatDismissed, plays: Plays) -> None:
    """解散."""
    group_chats.meet(turn.db, event.chat_id, turn.now)
    group_chats.end(turn.db, event.chat_id, DISMISSED, turn.now)


def answered(turn: Turn, event: ApiAnswered) -> None:
    """A group as the platform shows it; still older than the event that made us look, it is read once more."""
    chat_id = str(event.request["chat_id"])
    chat = group_chats.meet(turn.db, chat_id, turn.now)
    if not event.ok:
        ends = {GONE: DISMISSED, FOREIGN: UNREADABLE}
        if event.errcode in ends:
            group_chats.end(turn.db, chat_id, ends[event.errcode], turn.now)
        return
    group = event.answer["group_chat"]
    want, tries = event.request.get("want"), int(event.request.get("tries") or 0)
    asked_at = datetime.fromisoformat(event.answer["asked_at"]) if "asked_at" in event.answer else event.at
    if want and group.get("member_version") == chat.member_version != want and tries < MOST_LOOKS:
        read_again(turn, chat_id, want, tries + 1)
    _take_over(turn, chat, group, asked_at)


def seen(turn: Turn, event: GroupChatSeen, plays: Plays) -> None:
    """The comparison read a group; `at` is when it asked."""
    _take_over(turn, group_chats.meet(turn.db, event.group_chat["chat_id"], turn.now), event.group_chat, event.at)


def _take_over(turn: Turn, chat: GroupChat, group: dict[str, Any], asked_at: datetime) -> None:
    version = str(group.get("member_version") or "")
    if version != chat.member_version and chat.heard_at is not None and asked_at < chat.heard_at + LAG:
        read_again(turn, chat.chat_id)
        return
    seats = [_seat(member) for member in group.get("member_list", [])]
    name, owner = str(group.get("name") or ""), str(group.get("owner") or "")
    if not group_chats.replace(turn.db, turn.ids, chat, name, owner, version, seats, turn.now):
        raise Retry


def _seat(member: dict[str, Any]) -> Seat:
    return Seat(
        person=str(member["userid"]),
        kind="staff" if member.get("type") == STAFF_TYPE else "contact",
        name=str(member.get("name") or member.get("group_nickname") or ""),
        state=str(member.get("state") or ""),
        invitor=str((member.get("invitor") or {}).get("userid") or ""),
        joined_at=datetime.fromtimestamp(int(member.get("join_time") or 0), UTC),
        scene=_LISTED.get(int(member.get("join_scene") or 0), ""),
    )


def _kind(person: str) -> str:
    """External ids start with wm or wo as WeCom documents it; everyone else is staff."""
    return "contact" if person.startswith(("wm", "wo")) else "staff"
