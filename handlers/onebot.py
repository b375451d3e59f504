"""社群 community groups of other platforms: members there say the same words as in private; newcomers are welcomed."""

from __future__ import annotations

from datetime import timedelta

from bot import onebot_reach
from bot.event_base import Address
from bot.events import ApiAnswered
from bot.onebot_events import GROUP, OneBotJoined, OneBotLeft, OneBotSaid, numbers
from bot.router import normalize
from bot.turn import Turn
from handlers import talk
from handlers.plays import Plays
from storage import community, members


def said(turn: Turn, event: OneBotSaid, plays: Plays) -> None:
    """Somebody wrote. Group talk that is not meant for us is answered only where it is a word of ours."""
    assert event.sender is not None
    if not event.addressed:
        plays.hear(turn, event, talk.MEMBER.name, normalize(event.text))
        return
    person = turn.ensure_person(event.sender, "message")
    if event.nickname and not person.name:
        members.set_profile(turn.db, person, event.nickname, person.avatar, person.gender)
    talk.hear(turn, event, plays, event.sender, event.text, talk.MEMBER)


def joined(turn: Turn, event: OneBotJoined, plays: Plays) -> None:
    """入群: welcome the newcomer; when many come at once, one welcome is for all of them."""
    assert event.sender is not None
    settings = plays.onebot
    self_id, user_id = numbers(event.sender)
    if not settings.welcome or user_id == self_id:
        return
    before = turn.now - timedelta(seconds=settings.welcome_every_s)
    if community.may_welcome(turn.db, event.chat.external_id, before, turn.now):
        onebot_reach.in_group(turn, event.chat, turn.texts.render("onebot/welcome"), event.sender)


def left(turn: Turn, event: OneBotLeft, plays: Plays) -> None:
    """退群: what was earned stays; there is nothing to say."""


def answered(turn: Turn, event: ApiAnswered) -> None:
    """An answer went to whoever asked in a group, or could not: the group sees a short pointer, nothing of the
    answer."""
    asked_in = event.request.get("asked_in")
    if not asked_in:
        return
    # Without a retcode nobody refused it: it may have arrived.
    refused = not event.ok and event.errcode is not None
    text = turn.texts.render("onebot/befriend" if refused else "onebot/pointer")
    group = Address(GROUP, asked_in)
    onebot_reach.in_group(
        turn, group, text, Address("onebot", f"{event.request['self_id']}:{event.request['user_id']}")
    )
