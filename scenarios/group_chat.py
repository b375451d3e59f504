"""客户群 customer groups: what a guide can ask about the groups they own. No API speaks inside of them."""

from __future__ import annotations

import json

from bot.clock import end_of_day, local_day
from bot.events import Address, Event
from bot.router import Router
from bot.turn import Turn
from storage import group_chats, group_days
from storage.tables import GroupChat, GroupDay, GroupOwnerDay

router = Router("group_chat")

INVITORS = 3  # named in a line


def share(part: int, whole: int) -> int:
    """Percent, rounded down; 0 of nothing."""
    return part * 100 // whole if whole > 0 else 0


@router.words("群数据", "我的群", audience="guide", may="group.read", public=True)
def numbers(turn: Turn, event: Event) -> None:
    """Today and yesterday of every group the guide owns, and how many spoke as far as WeCom tells."""
    assert event.sender is not None
    mine = group_chats.owned(turn.db, event.sender.external_id)
    if not mine:
        turn.say(event.sender, "group_chat/none")
        return
    lines = [_lines(turn, chat) for chat in mine]
    spoke = _spoke(turn, group_days.last_owner_day(turn.db, mine[0].owner))
    turn.say(event.sender, "group_chat/numbers", lines="\n".join(lines), spoke=spoke)


def _lines(turn: Turn, chat: GroupChat) -> str:
    today = group_days.count(
        turn.db, chat, local_day(turn.now), end_of_day(turn.now, -1), end_of_day(turn.now), turn.now
    )
    before = group_days.days.one(turn.db, chat_id=chat.chat_id, day=local_day(end_of_day(turn.now, -2)))
    name = chat.name or turn.texts.render("group_chat/unnamed")
    head = turn.texts.render(
        "group_chat/line", name=name, members=today.members, contacts=today.contacts, joined=today.joined,
        left=today.left, net=f"{today.joined - today.left:+d}",
    )  # fmt: skip
    return "\n".join([head, *_invited(turn, chat, today), *_yesterday(turn, before)])


def _invited(turn: Turn, chat: GroupChat, day: GroupDay) -> list[str]:
    """Who brought how many today, the busiest first."""
    by = list(json.loads(day.invited).items())[:INVITORS]
    if not by:
        return []
    names = [
        turn.texts.render("group_chat/invitor", name=_name(turn, chat, person), count=count) for person, count in by
    ]
    return [turn.texts.render("group_chat/invited", names=turn.texts.render("common/comma").join(names))]


def _name(turn: Turn, chat: GroupChat, person: str) -> str:
    """As the group knows them, else as we do."""
    seat = group_chats.members.one(turn.db, chat_id=chat.chat_id, person=person)
    known = turn.person(Address("wecom", person))
    return (seat.name if seat else "") or (known.name if known else "") or person


def _yesterday(turn: Turn, day: GroupDay | None) -> list[str]:
    if day is None:
        return []
    text = "group_chat/yesterday" if day.whole else "group_chat/yesterday_partly"
    net = f"{day.joined - day.left:+d}"
    return [turn.texts.render(text, joined=day.joined, left=day.left, net=net)]


def _spoke(turn: Turn, day: GroupOwnerDay | None) -> str:
    """WeCom counts an owner's groups together and only the days that are over."""
    if day is None:
        return turn.texts.render("group_chat/no_spoke")
    return turn.texts.render(
        "group_chat/spoke", day=day.day[5:], active=day.members_active, members=day.members,
        share=share(day.members_active, day.members), messages=day.messages,
    )  # fmt: skip
