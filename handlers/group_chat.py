"""客户群 customer groups: joins and leaves are applied when their versions fit, otherwise the group is read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.events import ApiAnswered, GroupChatDismissed, GroupChatEvent, GroupMemberJoined, GroupMemberLeft
from bot.own_events import GroupChatSeen
from bot.turn import Turn
from handlers.plays import Plays
from storage import group_chats
from storage.group_chats import Seat

GET = "externalcontact/groupchat/get"
LAG = timedelta(seconds=2.5)  # the platform's details come up to two seconds after its event
READ_WITHIN = timedelta(days=1)
STAFF_TYPE = 1
_SCENES = {0: "invited", 3: "qr"}


def changed(turn: Turn, event: GroupChatEvent, plays: Plays) -> None:
    """A group was made or edited: read it."""
    read_again(turn, event.chat_id)


def read_again(turn: Turn, chat_id: str, want: str | None = None, tries: int = 0) -> None:
    """Owe a look at a group. `want`: the version an event named; an older answer means that the platform lags
    behind."""
    payload = {"chat_id": chat_id, "need_name": 1, "want": want, "tries": tries}
    turn.owe(
        GET,
        payload,
        answers=True,
        subject=f"group:{chat_id}",
        not_before=turn.now + LAG,
        expires_at=turn.now + READ_WITHIN,
    )


def member_joined(turn: Turn, event: GroupMemberJoined, plays: Plays) -> None:
    """入群."""
    if not _fits(turn, event):
        return
    scene = _SCENES.get(event.join_scene if event.join_scene is not None else -1, "")
    group_chats.add(
        turn.db, event.chat_id, [Seat(person, _kind(person), "", "", scene, event.at) for person in event.members]
    )


def member_left(turn: Turn, event: GroupMemberLeft, plays: Plays) -> None:
    """退群."""
    if _fits(turn, event):
        group_chats.remove(turn.db, event.chat_id, list(event.members))


def _fits(turn: Turn, event: GroupMemberJoined | GroupMemberLeft) -> bool:
    """The version rule: apply only what follows on what we hold."""
    held = group_chats.version(turn.db, event.chat_id)
    if held is not None and event.members and event.cur_mem_ver and held == event.last_mem_ver:
        group_chats.set_version(turn.db, event.chat_id, event.cur_mem_ver, turn.now)
        return True
    if held is None or held != event.cur_mem_ver:
        read_again(turn, event.chat_id, event.cur_mem_ver)
    return False


def dismissed(turn: Turn, event: GroupChatDismissed, plays: Plays) -> None:
    """解散."""
    group_chats.dismiss(turn.db, event.chat_id, turn.now)


def answered(turn: Turn, event: ApiAnswered) -> None:
    """A group as the platform shows it; still older than the event that made us look, it is read once more."""
    if not event.ok:
        return
    group = event.answer["group_chat"]
    want, tries = event.request.get("want"), int(event.request.get("tries") or 0)
    held = group_chats.version(turn.db, group["chat_id"])
    if want and group.get("member_version") == held != want and tries < 3:
        read_again(turn, group["chat_id"], want, tries + 1)
        return
    _take_over(turn, group)


def seen(turn: Turn, event: GroupChatSeen, plays: Plays) -> None:
    """The comparison read a group."""
    _take_over(turn, event.group_chat)


def _take_over(turn: Turn, group: dict[str, Any]) -> None:
    seats = [
        Seat(
            person=member["userid"],
            kind="staff" if member.get("type") == STAFF_TYPE else "contact",
            name=str(member.get("name") or member.get("group_nickname") or ""),
            state=str(member.get("state") or ""),
            invitor=str((member.get("invitor") or {}).get("userid") or ""),
            joined_at=datetime.fromtimestamp(int(member.get("join_time") or 0), UTC),
        )
        for member in group.get("member_list", [])
    ]
    version = str(group.get("member_version") or "")
    group_chats.replace(
        turn.db, group["chat_id"], str(group.get("name") or ""), str(group.get("owner") or ""), version, seats, turn.now
    )


def _kind(person: str) -> str:
    """External ids start with wm or wo as WeCom documents it; everyone else is staff."""
    return "contact" if person.startswith(("wm", "wo")) else "staff"
