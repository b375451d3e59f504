"""智能机器人 the AI bot's chats and what of them may still be answered: plain values, so that it can be saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class AiBotWorld:
    """By req_id what was asked (`requests`), by response_code the same (`codes`), by task_id where a card is shown."""

    chats: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    streams: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    recent: dict[str, list[float]] = field(default_factory=dict)
    last_number: int = 0

    def next_number(self) -> int:
        """For ids: never the same again."""
        self.last_number += 1
        return self.last_number

    def chat(self, userid: str, chatid: str = "", name: str = "") -> dict[str, Any]:
        """A chat with the bot: an internal group when there is a chatid, else the single chat of `userid`."""
        key = chatid or userid
        if key not in self.chats:
            kind = "group" if chatid else "single"
            self.chats[key] = {"chatid": key, "chattype": kind, "name": name or key, "members": [], "messages": []}
        found = self.chats[key]
        if userid not in found["members"]:
            found["members"].append(userid)
        return found


def restored(saved: dict[str, Any]) -> AiBotWorld:
    """A saved one. Streams and cards show up in the chats: what they point at is found there again."""
    world = AiBotWorld(**saved)
    for known in (*world.streams.values(), *world.cards.values()):
        for chat in world.chats.values():
            known["message"] = next((one for one in chat["messages"] if one == known["message"]), known["message"])
    return world
