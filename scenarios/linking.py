"""绑定社群 linking: a one-time code, told in private on one side and typed in private on the other, makes one member
of two identities."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.events import Event
from bot.ids import code, read_code
from bot.onebot_events import CHANNEL
from bot.router import Router
from bot.turn import Turn
from storage import community, oneid, stock

router = Router("linking")

SYMBOLS = 8  # 40 bits, for ten minutes, against five tries an hour
HOUR_S = 3_600


class Rules(BaseModel):
    """[scenarios.linking] of config.toml. `minutes` a code lives; `tries` of codes an account has in an hour."""

    model_config = ConfigDict(extra="forbid")

    minutes: int = Field(default=10, ge=1, le=60)
    tries: int = Field(default=5, ge=1, le=20)


def well_formed(typed: str) -> bool:
    """Whether it could be a code of ours at all."""
    return len(read_code(typed).replace("-", "")) == SYMBOLS and read_code(typed).isascii()


@router.words("绑定社群")
def new_code(turn: Turn, event: Event) -> None:
    """Give a code to a member who is known elsewhere; an earlier one of theirs is void."""
    assert event.sender is not None
    if event.sender.channel == CHANNEL:
        turn.say(event.sender, "linking/other_side")
        return
    person = turn.ensure_person(event.sender, "word")
    minutes, typed = turn.using(Rules).minutes, code(turn.chance, SYMBOLS)
    until = turn.now + timedelta(minutes=minutes)
    community.open_code(turn.db, turn.ids.next(), typed, person.id, until, turn.now)
    turn.say(event.sender, "linking/code", code=typed, minutes=minutes)


@router.words("绑定", arg="绑定码", menu=False)
def link(turn: Turn, event: Event, typed: str) -> None:
    """Use a code, once: the two identities are one member from now on."""
    assert event.sender is not None
    if event.sender.channel != CHANNEL:
        turn.say(event.sender, "linking/here_is_wrong")
        return
    if not well_formed(typed):
        turn.say(event.sender, "linking/no_code", typed=typed)
        return
    if getattr(event, "chat", None) is not None:  # everybody in the group has read it
        community.void_code(turn.db, read_code(typed), turn.now)
        turn.say(event.sender, "linking/not_in_group")
        return
    tries = f"linking:{event.sender.external_id}:{int(turn.now.timestamp()) // HOUR_S}"
    if not stock.take_or_open(turn.db, tries, turn.using(Rules).tries):
        turn.say(event.sender, "linking/too_often")
        return
    used = community.use_code(turn.db, read_code(typed), event.sender.external_id, turn.now)
    if used is None:
        turn.say(event.sender, "linking/wrong")
        return
    _join(turn, event, used)


def _join(turn: Turn, event: Event, used: community.Used) -> None:
    """Merge, with the code's row as evidence; both sides hear of it."""
    assert event.sender is not None
    owner = oneid.current(turn.db, used.member_id)
    assert owner is not None
    here = turn.person(event.sender)
    if here is not None and here.id == owner.id:
        turn.say(event.sender, "linking/already")
        return
    name, evidence = (event.sender.channel, event.sender.external_id), f"link code {used.id}"
    merged = oneid.link(turn.db, turn.ids, owner, name, evidence, turn.cause, turn.now)
    turn.forget_people()
    turn.say(event.sender, "linking/linked")
    turn.tell(merged.id, "linking/told")
