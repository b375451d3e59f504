"""Who may do what: one table; a word or an act without a row of it stops the start; a refusal says so."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from bot.errors import ConfigError
from bot.router import Act, Play, Router
from bot.sections import StaffSection
from handlers import policy
from handlers.dispatch import Dispatcher
from tests.fakes import Bot, start_bot

NOON = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)


def _play(may: str, audience: str = "guide") -> list[Play]:
    router = Router("odd")
    router.words("怪话", audience=audience, may=may)(print)
    return [Play(router, None)]


@pytest.mark.parametrize("may", ["", "member.raed"])
def test_a_word_of_staff_without_a_known_permission_stops_the_start(may: str) -> None:
    with pytest.raises(ConfigError, match="怪话"):
        Dispatcher(_play(may))


def test_a_members_word_takes_no_permission() -> None:
    Dispatcher(_play("", "member"))
    with pytest.raises(ConfigError, match="怪话"):
        Dispatcher(_play("member.read", "member"))


@pytest.mark.parametrize("may", ["", "points.mvoe"])
def test_an_act_without_a_known_permission_stops_the_start(may: str) -> None:
    router = Router("odd")
    router.acts = {"odd/do": Act(BaseModel, dict, may=may)}
    with pytest.raises(ConfigError, match="odd/do"):
        Dispatcher([Play(router, None)])
    with pytest.raises(ConfigError, match="new-act"):
        policy.check([], ["new-act"])


def test_nobody_reaches_farther_than_the_role_above() -> None:
    reach = ["", "own", "store", "all"]
    for name, row in policy.TABLE.items():
        scopes = [reach.index(scope) for scope in row]
        assert scopes == sorted(scopes), name


async def test_who_is_disabled_is_refused_at_once(bot: Bot) -> None:
    assert "渠道" in await bot.says("帮助")
    await bot.employs("lina", "guide", status="disabled")
    assert await bot.says("帮助") == "你还没有登记为员工，这里的指令都不能用。请找负责人登记。"
    await bot.employs("lina", "guide")
    assert "渠道" in await bot.says("渠道")


async def test_a_stranger_may_nothing_where_strangers_are_nobody(database_url: str) -> None:
    section = StaffSection(owners=["boss"], default_role="")
    async with start_bot(database_url, NOON, staff_section=section) as bot:
        assert "登记" in await bot.says("渠道")
        assert "登记" not in await bot.says("渠道", "boss")


async def test_what_a_role_may_not_is_refused_and_not_offered(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(policy._GRANTS, "guide", {"task.read": "own"})
    assert await bot.says("渠道") == "「渠道统计」不在你的权限里，没有做。需要的话请找店长或负责人。"
    assert "渠道" not in await bot.says("帮助")
    assert "渠道" not in await bot.says("渠道统技")  # nor is it the nearest word
