"""到达 reach: the way to a member: 微信客服 while its window is open, else the guide who follows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.app_events import MessageReceived
from bot.events import Address
from bot.texts import split_bytes
from storage import kf

if TYPE_CHECKING:
    from bot.turn import Turn

TEXT_LIMIT = 2048  # bytes of a text, as kf/send_msg takes it
ANSWERS, NEWS = kf.MOST, kf.MOST - 1  # the last message of a window is kept for an answer to words


def most(turn: Turn, to: Address) -> int:
    """How much of the window may be used: an answer to who just wrote may use all of it."""
    asked = isinstance(turn.event, MessageReceived) and turn.event.sender == to
    return ANSWERS if asked else NEWS


def by_kf(
    turn: Turn, member_id: int, text: str, menu: dict[str, Any] | None, most_of_window: int, here: str | None = None
) -> int:
    """Owe a member `text`, as `menu` where there is one, through an open window: the last outbox row of it, 0 when no
    window is open. `here`: the account that is tried first, else the one that was written to."""
    parts = [text] if menu else split_bytes(text, TEXT_LIMIT)
    here = here or getattr(turn.event, "open_kfid", None)
    talks = kf.of_member(turn.db, member_id, turn.now)
    for talk in sorted(talks, key=lambda talk: talk.open_kfid != here):
        if kf.take(turn.db, talk, len(parts), most_of_window, turn.now):
            return [
                _owe(turn, talk, member_id, menu or {"msgtype": "text", "text": {"content": part}}, part)
                for part in parts
            ][-1]
    return 0


def _owe(turn: Turn, talk: kf.Session, member_id: int, content: dict[str, Any], words: str) -> int:
    """What WeCom refuses comes back with the words, for the guide to pass on."""
    message = {"touser": talk.external_userid, "open_kfid": talk.open_kfid, **content}
    return turn.owe(
        kf.SEND, {"message": message, "words": words, "member_id": member_id}, subject=talk.subject,
        member_id=member_id, expires_at=talk.ends_at, answers=True,
    )  # fmt: skip
