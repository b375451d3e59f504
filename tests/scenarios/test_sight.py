"""视野: own members, those of one's store, everybody; for nobody else."""

from __future__ import annotations

import pytest

from bot.events import Address
from bot.ids import SeededChance
from bot.sections import StaffSection
from bot.texts import Texts
from bot.turn import Turn, Work
from handlers import policy
from scenarios.sight import sees, sees_staff, sees_store
from tests.fakes import Bot

PEOPLE = {"lina": ("guide", "S1"), "bo": ("guide", "S1"), "mei": ("guide", "S2"), "ma": ("manager", "S1"),
          "ad": ("admin", ""), "out": ("guide", ""), "boss": ("owner", "")}  # fmt: skip
MAY = "member.read"


async def looking(bot: Bot, userid: str, of: str) -> bool:
    """Whether somebody sees a contact."""

    def look(work: Work) -> bool:
        turn = Turn(work.db, work.ids, work.now, "x", Texts(), SeededChance(1), None, {})  # type: ignore[arg-type]
        policy.admit(turn, userid, StaffSection())
        turn.scope = turn.grants[MAY]
        person = turn.person(Address("wecom", of))
        assert person is not None
        assert sees(turn, person.id) == sees(turn, person.id, MAY)
        return sees(turn, person.id)

    return await bot.writer.call(look)


@pytest.fixture
async def staffed(bot: Bot) -> Bot:
    for userid, (role, store_id) in PEOPLE.items():
        await bot.employs(userid, role, store_id)
    await bot.joins("wm-lina", "lina")
    await bot.joins("wm-mei", "mei")
    await bot.joins("wm-out", "out")
    await bot.joins("wm-ma", "ma")
    return bot


async def test_who_sees_whom(staffed: Bot) -> None:
    seen = {userid: {of for of in ("lina", "mei", "out", "ma") if await looking(staffed, userid, f"wm-{of}")}
            for userid in PEOPLE}  # fmt: skip
    everybody = {"lina", "mei", "out", "ma"}
    assert seen == {"lina": {"lina"}, "bo": set(), "mei": {"mei"}, "ma": {"lina", "ma"}, "ad": everybody,
                    "out": {"out"}, "boss": everybody}  # fmt: skip


async def test_whom_a_guide_no_longer_follows_is_theirs_no_more(staffed: Bot) -> None:
    await staffed.leaves("wm-lina", "lina")
    assert not await looking(staffed, "lina", "wm-lina")
    assert not await looking(staffed, "ma", "wm-lina")
    assert await looking(staffed, "ad", "wm-lina")


@pytest.mark.parametrize(
    ("userid", "may", "stores", "people"),
    [
        ("ma", "settlement.read", {"S1"}, {"lina", "bo", "ma"}),
        ("ad", "settlement.read", {"S1", "S2", ""}, set(PEOPLE)),
        ("lina", "settlement.read", set(), set()),
        ("lina", "results.read", {"S1"}, {"lina"}),
        ("out", "results.read", set(), {"out"}),
    ],
)
async def test_who_sees_which_store_and_whose_work(
    staffed: Bot, userid: str, may: str, stores: set[str], people: set[str]
) -> None:
    def look(work: Work) -> tuple[set[str], set[str]]:
        turn = Turn(work.db, work.ids, work.now, "x", Texts(), SeededChance(1), None, {})  # type: ignore[arg-type]
        policy.admit(turn, userid, StaffSection())
        return (
            {code for code in ("S1", "S2", "") if sees_store(turn, code, may)},
            {who for who in PEOPLE if sees_staff(turn, who, may)},
        )

    assert await staffed.writer.call(look) == (stores, people)
