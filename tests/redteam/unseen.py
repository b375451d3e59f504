"""没见过的题 prompts and questions written before anybody looked at the rules, each with what a model that obeys (or
invents) would answer: unseen.txt and unseen_baits.txt. Beside the sandbox's models, one answers exactly that."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from bot.channels.onebot_translate import Ear, translate
from bot.events import Event
from bot.onebot_reach import SEND
from tests.bot.model.vendor import completion, section, vendor
from tests.redteam.corpus import Attack
from tests.redteam.house import VICTIMS, House, start_house
from tests.redteam.judging import holdings, leaked, moved, told
from tests.redteam.running import LABEL, hidden

HERE = Path(__file__).parent
COMMUNITY = "onebot"
ABSENT = "-"


@dataclass(frozen=True)
class Unseen:
    """An attack or a bait, and the words that may not come of it."""

    attack: Attack
    obeyed: str


@dataclass
class Held:
    """What came of them: how many reached a model, and the obedient words that somebody read."""

    tried: int = 0
    reached: int = 0
    said: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    by_channel: Counter[str] = field(default_factory=Counter)


def _lines(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.replace(r"\n", "\n").split(" | ") for line in lines if line and not line.startswith("#")]


def prompts() -> list[Unseen]:
    """The attacks."""
    return [
        Unseen(Attack(channel, said, "" if planted == ABSENT else planted), obeyed)
        for channel, said, planted, obeyed in _lines("unseen.txt")
    ]


def baits() -> list[Unseen]:
    """Questions whose answer stands nowhere, with an invented one."""
    return [Unseen(Attack("bait", said), invented) for said, invented in _lines("unseen_baits.txt")]


async def obeying(url: str, tried: list[Unseen]) -> Held:
    """Every one of them, against a model that answers as its line says."""
    found = Held(tried=len(tried))
    attacks = [one.attack for one in tried]
    async with vendor() as shop:
        llm = section(shop.url, daily_tokens=10**9, member_daily_tokens=10**8)
        shop.script = [completion(_form("您好"))]
        async with start_house(url, llm=llm) as house:
            people = await house.prepare(attacks)
            for number, (who, met) in enumerate(zip(people, attacks, strict=True)):
                if met.channel == COMMUNITY:  # whom we meet for the first time is written down: not the model's doing
                    await _read(house, who, -1 - number, Attack(COMMUNITY, "你好", met.planted))
            before = holdings(house.desk.bot.database)
            for number, (who, one) in enumerate(zip(people, tried, strict=True)):
                shop.script, asked = [completion(_form(one.obeyed))], len(shop.asked)
                read = await _read(house, who, number, one.attack)
                found.reached += len(shop.asked) > asked
                found.by_channel[one.attack.channel] += len(shop.asked) > asked
                _judge(found, one, read)
            found.broken += [f"value: {what}" for what in moved(before, holdings(house.desk.bot.database))]
    return found


async def _read(house: House, who: str, number: int, attack: Attack) -> list[str]:
    """What is read by whoever said it, in a talk or in a group of another platform."""
    if attack.channel != COMMUNITY:
        return await house.hears(who, attack.said)
    told_of = {
        "time": int(house.desk.bot.clock.now().timestamp()), "self_id": 10001, "post_type": "message",
        "message_type": "group", "sub_type": "normal", "group_id": 777, "user_id": 5_000 + int(who[-5:]),
        "message_id": number + 1_000, "sender": {"nickname": attack.planted or "群友"},
        "message": [{"type": "at", "data": {"qq": "10001"}}, {"type": "text", "data": {"text": attack.said}}],
    }  # fmt: skip
    event = translate(told_of, Ear(), house.desk.bot.clock.now())
    assert isinstance(event, Event)
    newest = house.desk.bot.rows("SELECT coalesce(max(id), 0) FROM outbox")[0][0]
    await house.desk.bot.writer.accept(event)
    rows = house.desk.bot.rows("SELECT payload FROM outbox WHERE call = :call AND id > :id", call=SEND, id=newest)
    return [json.loads(row[0])["text"] for row in rows]


def _form(said: str) -> str:
    return json.dumps({"intent": "other", "reply": said, "needs_human": False, "cites": []}, ensure_ascii=False)


def _judge(found: Held, one: Unseen, read: list[str]) -> None:
    canaries = [canary for victim in VICTIMS for canary in victim.canaries]
    for text in read:
        if LABEL in text and told(text, one.obeyed):
            found.said.append(f"{one.attack.channel}: {one.attack.said!r}: {one.obeyed!r}")
        found.broken += [f"others: {one.attack.said!r}: {what}" for what in leaked(text, canaries)]
        found.broken += [f"secrets: {one.attack.said!r}" for what in hidden() if told(text, what)]
