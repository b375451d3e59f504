"""客户群: whatever the order, whatever is lost or told twice, what we hold ends as what is true."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from bot.delivery import Delivery
from bot.events import Event, GroupChatCreated, GroupChatDismissed, GroupChatEdited, GroupMemberJoined, GroupMemberLeft
from bot.ids import SeededChance
from bot.own_events import GroupChatSeen
from storage.outbox import Call
from tests.fakes import Bot

LAG_S = 2.0  # the platform's own
STORY = ("create", "join wmA", "join wmB", "leave wmA", "rename")


@dataclass
class Platform:
    """A group as WeCom has it; `groupchat/get` shows what was true two seconds ago."""

    bot: Bot
    chat_id: str
    told: list[Event] = field(default_factory=list)
    past: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    number: int = 0
    asked: int = 0

    def live(self, story: Sequence[str] = STORY, apart_s: float = 0.7) -> None:
        """Let the story happen, one act after the other; nobody has been told yet."""
        members, name, at = {"lina": at0(self.bot)}, "", at0(self.bot)
        for act in story:
            at += timedelta(seconds=apart_s)
            last = f"v{self.number}"
            what, _, who = act.partition(" ")
            if what in ("join", "leave"):
                self.number += 1
            members = {**members, who: at} if what == "join" else {key: t for key, t in members.items() if key != who}
            name = "新名字" if what == "rename" else name
            self.past.append((at, self._shown(members, name)))
            self.told.append(self._event(what, who, at, last))

    def _event(self, what: str, who: str, at: datetime, last: str) -> Event:
        base: dict[str, Any] = {
            "key": f"wecom_app:sha256:{self.chat_id}-{len(self.told)}", "source": "wecom_app", "at": at,
            "chat_id": self.chat_id,
        }  # fmt: skip
        new: dict[str, Any] = {"members": (who,), "last_mem_ver": last, "cur_mem_ver": f"v{self.number}"}
        match what:
            case "create":
                return GroupChatCreated(**base)
            case "join":
                return GroupMemberJoined(**base, **new, join_scene=0)
            case "leave":
                return GroupMemberLeft(**base, **new, quit_scene=0)
            case "dismiss":
                return GroupChatDismissed(**base)
            case _:
                return GroupChatEdited(**base, detail="change_name")

    def _shown(self, members: dict[str, datetime], name: str) -> dict[str, Any]:
        return {
            "chat_id": self.chat_id, "name": name, "owner": "lina", "member_version": f"v{self.number}",
            "member_list": [
                {"userid": who, "type": 1 if who == "lina" else 2, "join_time": int(at.timestamp()), "join_scene": 1,
                 "invitor": {"userid": "lina"}, "state": "poster"}
                for who, at in members.items()
            ],
        }  # fmt: skip

    def get(self) -> dict[str, Any]:
        """What WeCom shows now."""
        self.asked += 1
        visible = self.bot.clock.now() - timedelta(seconds=LAG_S)
        shown = [state for at, state in self.past if at <= visible] or [self.past[0][1]]
        return {"errcode": 0, "group_chat": shown[-1], "asked_at": self.bot.clock.now().isoformat()}

    def held(self) -> tuple[set[str], str, str]:
        """What the bot holds: people, version, name."""
        inside = self.bot.rows("SELECT person FROM group_member WHERE chat_id = :id", id=self.chat_id)
        chat = self.bot.rows("SELECT member_version, name FROM group_chat WHERE chat_id = :id", id=self.chat_id)[0]
        return {row[0] for row in inside}, chat[0], chat[1]

    def true(self) -> tuple[set[str], str, str]:
        """What is so."""
        last = self.past[-1][1]
        return {member["userid"] for member in last["member_list"]}, last["member_version"], last["name"]


def at0(bot: Bot) -> datetime:
    """Now."""
    return bot.clock.now()


@dataclass
class Town:
    """Many groups of one corp, and the bot that looks at them."""

    bot: Bot
    groups: dict[str, Platform] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bot.delivery = Delivery(
            self.bot.writer, {"externalcontact/groupchat/get": self}, self.bot.clock, SeededChance(8)
        )

    async def __call__(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """groupchat/get."""
        return self.groups[payload["chat_id"]].get()

    def found(self) -> Platform:
        """A new group in which the story happens."""
        group = Platform(self.bot, f"wr{len(self.groups)}")
        self.groups[group.chat_id] = group
        group.live()
        return group

    async def tell(self, groups: list[tuple[Platform, list[Event]]]) -> None:
        """Each group's events in their given order, none before it happened; looks are made as they are due."""
        for place in range(max(len(events) for _, events in groups)):
            now = [(group, events[place]) for group, events in groups if place < len(events)]
            latest = max(event.at for _, event in now)
            self.bot.clock.advance(max(0.0, (latest - self.bot.clock.now()).total_seconds()) + 0.05)
            for _, event in now:
                await self.bot.writer.accept(event)
            await self.bot.deliver()

    async def rest(self, seconds: int = 70) -> None:
        """Time goes by until nothing is due."""
        for _ in range(seconds * 2):
            self.bot.clock.advance(0.5)
            await self.bot.deliver()

    async def compare(self) -> None:
        """The daily walk reads every group."""
        for group in self.groups.values():
            now = self.bot.clock.now()
            key = f"reconcile:{group.chat_id}"
            await self.bot.writer.accept(
                GroupChatSeen(key=key, source="reconcile", at=now, group_chat=group.get()["group_chat"])
            )


def again(event: Event) -> Event:
    """The same happening with other bytes: the inbox cannot know it."""
    return dataclasses.replace(event, key=f"{event.key}-again")


@pytest.mark.parametrize("how", ["as they are", "every one twice", "one after a pause"])
async def test_all_orders_of_a_story_end_in_the_truth(bot: Bot, how: str) -> None:
    town, told = Town(bot), []
    for number, order in enumerate(permutations(range(len(STORY)))):
        group = town.found()
        events = [group.told[place] for place in order]
        if how == "every one twice":
            events = [copy for event in events for copy in (event, again(event))]
        if how == "one after a pause":
            events.append(again(events.pop(number % len(events))))
        told.append((group, events))
    await town.tell(told)
    await town.rest()

    assert [group.chat_id for group in town.groups.values() if group.held() != group.true()] == []
    assert max(group.asked for group in town.groups.values()) < 25
    assert bot.rows("SELECT person FROM group_left WHERE person <> 'wmA'") == []
    assert bot.rows("SELECT chat_id FROM group_left GROUP BY chat_id HAVING count(*) > 1") == []


async def test_whatever_is_lost_the_daily_walk_brings_back(bot: Bot) -> None:
    town, told = Town(bot), []
    for number, order in enumerate(permutations(range(len(STORY)))):
        group = town.found()
        told.append((group, [group.told[place] for place in order if place != number % len(order)]))
    await town.tell(told)
    await town.rest(5)
    await town.compare()
    await town.rest(5)

    assert [group.chat_id for group in town.groups.values() if group.held() != group.true()] == []


async def test_a_loss_in_the_middle_is_noticed_by_the_next_event(bot: Bot) -> None:
    town = Town(bot)
    group = town.found()
    await town.tell([(group, [group.told[0]])])
    await town.rest(5)
    await town.tell([(group, [group.told[1], group.told[3]])])
    await town.rest(5)

    assert group.held() == group.true()


async def test_who_invited_whom_is_learned_within_a_minute(bot: Bot) -> None:
    town = Town(bot)
    group = Platform(bot, "wrOne")
    town.groups["wrOne"] = group
    group.live(STORY[:1])
    await town.tell([(group, group.told)])
    await town.rest(5)
    group.live(["join wmZ"])
    await town.tell([(group, group.told[1:])])
    seat = "SELECT invitor, state, scene FROM group_member WHERE person = 'wmZ'"
    assert bot.rows(seat) == [("", "", "invited")]
    asked = group.asked
    await town.rest(65)

    assert bot.rows(seat) == [("lina", "poster", "invited")]
    assert group.asked == asked + 1
    assert bot.count("member") == 0  # in a group, not of the shop


async def test_a_look_into_the_past_undoes_nothing(bot: Bot) -> None:
    town = Town(bot)
    group = Platform(bot, "wrOne")
    town.groups["wrOne"] = group
    group.live(STORY[:1])
    await town.tell([(group, group.told)])
    await town.rest(5)
    group.live(["rename"], apart_s=0.0)
    group.live(["join wmZ"], apart_s=2.0)
    await town.tell([(group, group.told[1:])])  # the rename's look comes a second after the join: it shows none yet
    for _ in range(20):
        await town.rest(1)
        assert group.held()[0] == {"lina", "wmZ"}

    assert group.held()[1] == "v1"
    assert bot.count("group_left") == 0


async def test_a_dismissed_group_is_not_brought_back_by_what_comes_late(bot: Bot) -> None:
    town = Town(bot)
    group = town.found()
    group.live(["dismiss"])
    *before, end = group.told
    await town.tell([(group, [*before[:2], end, *before[2:]])])
    await town.rest(5)

    assert bot.rows("SELECT status FROM group_chat") == [("dismissed",)]
