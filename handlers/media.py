"""素材 what staff send to the AI bot: fetched outside the turn, kept, then named to them by a code, or by why not."""

from __future__ import annotations

from typing import Any, TypedDict

from bot import aibot
from bot.app_events import MessageReceived
from bot.events import Address, ApiAnswered
from bot.media import FETCH, LANE, LINK_LIFE, MOST_ITEMS
from bot.media_kinds import PICTURES
from bot.turn import Turn
from storage import media

MAY = "media.read"
WHY = {
    "address": "media/why_address", "inner": "media/why_address", "redirect": "media/why_address",
    "gone": "media/why_late", "too_big": "media/why_too_big", "broken": "media/why_broken", "kind": "media/why_kind",
}  # fmt: skip


class Item(TypedDict):
    """A link: `media` is image or file; without a key the door's own decrypts it."""

    media: str
    url: str
    aes_key: str | None


def linked(turn: Turn, event: MessageReceived, sender: Address, items: list[Item]) -> None:
    """Owe the fetching of what a message links to, while the links live."""
    if not items or turn.door is None:
        return
    if MAY not in turn.grants:
        turn.say(sender, "staff/nobody")
        return
    payload = {"items": items[:MOST_ITEMS], "door": turn.door, "userid": sender.external_id, "key": event.key}
    subject = f"{LANE}:{sender.external_id}"
    turn.owe(FETCH, payload, lane=LANE, subject=subject, answers=True, expires_at=event.at + LINK_LIFE)
    turn.say(sender, "media/looking")


def answered(turn: Turn, event: ApiAnswered) -> None:
    """What became of it, told where it was sent."""
    asked = event.request
    results = event.answer.get("results") if event.ok else None
    told = [_told(turn, asked, found) for found in results or [{"refused": "gone"}]]
    aibot.afterwards(turn, asked["door"], "\n".join(told))


def _told(turn: Turn, asked: dict[str, Any], found: dict[str, Any]) -> str:
    render = turn.texts.render
    if "refused" in found:
        return render("media/not_kept", why=render(WHY[found["refused"]]))
    kept, fresh = media.keep(turn.db, turn.ids, found, asked["userid"], asked["key"], turn.now)
    what = render("media/picture" if kept.kind in PICTURES else "media/file")
    return render("media/kept" if fresh else "media/kept_before", what=what, code=media.code(kept))
