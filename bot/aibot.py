"""智能机器人 how a turn's answers leave by the AI bot: what a callback is answered with, what the outbox owes.

Callback mode answers in the callback's own response, which the inbox keeps, so a repeated callback gets it again;
what cannot go there (a later part, a text beside a card, a turn that ran late) goes to the response_url. Over the
WebSocket everything is an outbox row.
"""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

from bot.door import Door
from bot.texts import clip_bytes, split_bytes
from bot.turn import Turn

REPLY, WELCOME, UPDATE, SEND, RESPONSE = "aibot/reply", "aibot/welcome", "aibot/update", "aibot/send", "aibot/response"
LANE = "aibot"
STREAM_BYTES = 20_480  # the same for a stream and for markdown
WELCOME_BYTES = 2_048
QUICK = timedelta(seconds=5)  # a welcome, a card's update
REPLY_LIFE = timedelta(hours=24)
URL_LIFE = timedelta(hours=1)
MARKDOWN_LIFE = timedelta(hours=24)

Body = dict[str, Any]


def close(turn: Turn, *, late: bool) -> None:
    """The turn has run: let what it said to whoever asked leave by the door it was asked by.

    `late`: this is another try of a turn that raised; its callback was answered long ago.
    """
    door = turn.door
    if door is None:
        return
    texts = ([turn.answer] if turn.answer else []) + turn.replies
    if len(turn.asked) > 1 or (texts and turn.asked and door["via"] == "callback"):
        texts += [asked.content for asked in turn.asked]  # one answer has room for one card
        turn.asked.clear()
    text = harmless("\n\n".join(texts))
    turn.answer = None
    if door["via"] == "callback":
        _by_callback(turn, door, text, late)
    else:
        _by_websocket(turn, door, text, late)


def afterwards(turn: Turn, door: Door, text: str) -> None:
    """What a question's answer still lacked when it was answered: by its response_url, which is good once, or as a
    message of its own in the same chat; else in the app's."""
    parts = split_bytes(harmless(text), STREAM_BYTES)
    if door["via"] == "websocket":
        _push(turn, door, parts)
        return
    if door["url"]:
        payload = {"url": door["url"], "body": markdown(parts.pop(0))}
        turn.owe(RESPONSE, payload, lane=LANE, subject=subject(door), expires_at=turn.since(URL_LIFE.total_seconds()))
    for part in parts:
        turn.to_staff(door["userid"], part)


def harmless(text: str) -> str:
    """A name must not become a mention of somebody, nor hide what follows as thoughts of a model."""
    return text.replace("<@", "＜@").replace("<think", "＜think")


# -- what is said -------------------------------------------------------------------------------------------------


def stream(cause: str, text: str) -> Body:
    """A whole reply at once. Its id is the event's, so that sending it again changes nothing."""
    made = f"s{sha256(cause.encode()).hexdigest()[:31]}"
    return {
        "msgtype": "stream",
        "stream": {"id": made, "finish": True, "content": text, "feedback": {"id": made}},
    }


def markdown(text: str) -> Body:
    """A message that answers nothing."""
    return {"msgtype": "markdown", "markdown": {"content": text}}


def question(card: Body) -> Body:
    """A card with buttons."""
    return {"msgtype": "template_card", "template_card": card}


def welcome(text: str, card: Body | None) -> Body:
    """The first message of the day."""
    if card is not None:
        return question(card)
    return {"msgtype": "text", "text": {"content": clip_bytes(text, WELCOME_BYTES)}}


def update(card: Body) -> Body:
    """A card in the place of the one that was clicked."""
    return {"response_type": "update_template_card", "template_card": card}


# -- callback mode ------------------------------------------------------------------------------------------------


def _by_callback(turn: Turn, door: Door, text: str, late: bool) -> None:
    parts = split_bytes(text, STREAM_BYTES) if text else []
    if not late:
        parts = _passive(turn, door, parts)
    elif door["kind"] == "enter_chat":
        parts = []
    if turn.asked and (door["group"] or not door["url"]):  # a response_url takes cards in single chats only
        parts += [turn.asked.pop().content]
    if (parts or turn.asked) and door["url"]:
        body = question(turn.asked[0].card) if turn.asked else markdown(parts.pop(0))
        payload = {"url": door["url"], "body": body}
        turn.owe(RESPONSE, payload, lane=LANE, subject=subject(door), expires_at=turn.event.at + URL_LIFE)
    for part in parts:
        turn.to_staff(door["userid"], part)


def _passive(turn: Turn, door: Door, parts: list[str]) -> list[str]:
    """Put what fits into the callback's own answer; what is left."""
    body: Body | None
    if door["kind"] == "message" and turn.asked:
        body, left = question(turn.asked.pop().card), parts
    elif door["kind"] == "message":
        body, left = (stream(turn.event.key, parts[0]) if parts else None), parts[1:]
    elif door["kind"] == "enter_chat":
        body, left = (welcome("\n".join(parts), turn.card) if parts or turn.card else None), []
    else:
        body, left = (update(turn.card) if turn.card else None), parts
    turn.answer = json.dumps(body, ensure_ascii=False) if body else None
    return left


# -- WebSocket mode -----------------------------------------------------------------------------------------------


def _by_websocket(turn: Turn, door: Door, text: str, late: bool) -> None:
    parts = split_bytes(text, STREAM_BYTES) if text else []
    if door["kind"] == "message" and parts:
        head = parts.pop(0)
        payload = {**_to(door), "req_id": door["req_id"], "body": stream(turn.event.key, head), "text": head}
        turn.owe(REPLY, payload, lane=LANE, subject=subject(door), expires_at=turn.since(REPLY_LIFE.total_seconds()))
    elif door["kind"] == "enter_chat":
        if parts or turn.card:
            _quickly(turn, door, WELCOME, welcome("\n".join(parts), turn.card), late)
        parts = []
    elif door["kind"] == "message" and turn.asked:
        card, content = turn.asked.pop()
        payload = {**_to(door), "req_id": door["req_id"], "body": question(card), "text": harmless(content)}
        turn.owe(REPLY, payload, lane=LANE, subject=subject(door), expires_at=turn.since(REPLY_LIFE.total_seconds()))
    elif turn.card:
        _quickly(turn, door, UPDATE, update(turn.card), late)
    _push(turn, door, parts)


def _push(turn: Turn, door: Door, parts: list[str]) -> None:
    life = turn.since(MARKDOWN_LIFE.total_seconds())
    for part in parts:
        turn.owe(SEND, {**_to(door), "text": part}, lane=LANE, subject=subject(door), expires_at=life)
    for card, content in turn.asked:
        payload = {**_to(door), "text": harmless(content), "body": question(card)}
        turn.owe(SEND, payload, lane=LANE, subject=subject(door), expires_at=life)


def _quickly(turn: Turn, door: Door, call: str, body: Body, late: bool) -> None:
    """Within five seconds or not at all; no subject, so that nothing older stands before it."""
    if not late:
        turn.owe(call, {"req_id": door["req_id"], "body": body}, lane=LANE, expires_at=turn.now + QUICK)


def subject(door: Door) -> str:
    """What stays in order and under one limit: a chat."""
    return f"aibot:{door['chat']}"


def _to(door: Door) -> Body:
    return {"chat": door["chat"], "group": door["group"], "userid": door["userid"]}
