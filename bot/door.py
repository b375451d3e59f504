"""门 door: where a question came in, so that its answer leaves by the same one. Kept in the event, as JSON."""

from __future__ import annotations

from typing import Literal, TypedDict


class Door(TypedDict):
    """A chat with the AI bot (智能机器人).

    `chat` is the group's chatid, or the userid in a single chat. `req_id` answers over the WebSocket; `url` is the
    response_url, good once and for an hour.
    """

    via: Literal["callback", "websocket"]
    kind: Literal["message", "enter_chat", "card"]
    userid: str
    chat: str
    group: bool
    req_id: str
    url: str
