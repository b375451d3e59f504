"""对账客户群: a corp of more than 1,000 people is asked by owner, a hundred a call, and no group is missed."""

from __future__ import annotations

from typing import Any

from sandbox.world import Group, Guide
from tests.bot.test_tag_sync import Town, town_of

LIST = "externalcontact/groupchat/list"


def people(town: Town, count: int) -> None:
    """So many more guides; each hundredth owns a group."""
    for number in range(count):
        userid = f"g{number:04}"
        town.sandbox.world.guides[userid] = Guide(userid, userid)
        if number % 100 == 0:
            chat_id = f"wr{number:04}"
            town.sandbox.world.groups[chat_id] = Group(chat_id, f"群{number}🎉", userid, 0, "v1")


async def asked(town: Town) -> list[int]:
    """How many owners each question for groups named, in one comparison."""
    journal = town.sandbox.journal.entries
    before = len(journal)
    row: Any = None
    await town.reconcile.run({}, row)
    calls = [entry for entry in list(journal)[before:] if entry.get("path") == LIST]
    return [len((entry["body"].get("owner_filter") or {}).get("userid_list") or []) for entry in calls]


def held(town: Town) -> int:
    return town.bot.count("group_chat", "status = 'active'")


async def test_a_small_corp_is_asked_once(database_url: str) -> None:
    async with town_of(database_url) as town:
        people(town, 300)
        assert await asked(town) == [0]
        assert held(town) == 3


async def test_a_large_corp_is_asked_by_its_owners(database_url: str) -> None:
    async with town_of(database_url) as town:
        people(town, 1_050)  # with lina and mei
        assert await asked(town) == [0, *[100] * 10, 52]
        assert held(town) == 11
