"""What guides say is read tolerantly and always answered."""

from __future__ import annotations

import pytest

from tests.fakes import Bot


@pytest.mark.parametrize("said", ["帮助", "?", "？", " 帮 助".replace(" ", ""), "help", "HELP", "菜单"])
async def test_help_lists_what_can_be_said(bot: Bot, said: str) -> None:
    assert "1. 渠道统计" in await bot.says(said)


async def test_a_number_chooses_from_the_menu(bot: Bot) -> None:
    assert await bot.says("1") == await bot.says("渠道统计") == await bot.says("１")


async def test_a_slip_is_told_the_nearest_command(bot: Bot) -> None:
    assert "「渠道统计」" in await bot.says("渠道统记")


@pytest.mark.parametrize("said", ["随便说说", "99", "0", "🎉", "渠" * 2000])
async def test_what_is_not_understood_is_answered_with_the_menu(bot: Bot, said: str) -> None:
    answer = await bot.says(said)

    assert "渠道统计" in answer
    assert "帮助" in answer


async def test_the_same_question_twice_is_answered_twice(bot: Bot) -> None:
    await bot.joins("wm1")

    first, second = await bot.says("渠道统计"), await bot.says("渠道统计")

    assert first == second
    assert "live" in first
