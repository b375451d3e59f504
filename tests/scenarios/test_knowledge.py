"""话术: a guide asks, chooses, and gets a text to forward; members never see it; what is missing is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.turn import Work
from storage import articles
from storage.articles import Draft, Section
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

SCRIPTS = [
    Draft("1", "script", "退货安抚", (Section("", "真不好意思，我马上帮您登记退货。🌸"),), audience="staff"),
    Draft("2", "script", "破损道歉", (Section("", "请拍一下破损的地方发我。"),), audience="staff"),
    Draft("3", "faq", "怎么申请退货", (Section("", "七天内联系导购。"),), ("能退货吗",)),
    Draft("4", "doc", "导购手册", (Section("退货权限", "超过退货期先问店长。"),), audience="staff"),
    Draft(
        "5", "script", "春节问候", (Section("", "新年好！"),), audience="staff", valid_until=NOON + timedelta(days=1)
    ),
]


@pytest.fixture
async def bot(database_url: str) -> AsyncIterator[Bot]:
    """A bot whose guides can ask for scripts."""
    async with start_bot(database_url, NOON, None, {"knowledge": {}}) as running:
        yield running


@pytest.fixture
async def taught(bot: Bot) -> Bot:
    """It, with something to say."""

    def teach(work: Work) -> None:
        articles.replace(work.db, work.ids, "话术.csv", SCRIPTS, "test", work.now)

    await bot.writer.call(teach)
    return bot


async def test_the_best_are_shown_and_a_number_gives_the_text(taught: Bot) -> None:
    shown = await taught.says("话术 退货")
    assert shown.index("1. 退货安抚") < shown.index("问答：怎么申请退货")
    assert "文档：导购手册 · 退货权限" in shown

    assert await taught.says("1") == "真不好意思，我马上帮您登记退货。🌸"
    assert await taught.says("１") == "真不好意思，我马上帮您登记退货。🌸"


async def test_what_fits_alone_is_given_at_once(taught: Bot) -> None:
    assert await taught.says("话术 破损") == "请拍一下破损的地方发我。"
    assert await taught.says("找话术　東西破損了") == "请拍一下破损的地方发我。"


async def test_what_is_for_staff_alone_says_so(taught: Bot) -> None:
    answer = await taught.says("话术 导购手册退货权限")
    if "1." in answer:
        answer = await taught.says(answer[answer.index("导购手册") - 6])
    assert answer.split("\n")[0].startswith("⚠️")
    assert answer.endswith("超过退货期先问店长。")


async def test_what_nobody_wrote_is_written_down_once(taught: Bot) -> None:
    for _ in range(2):
        assert "没有" in await taught.says("话术 香港邮寄 13800138000")
    assert taught.rows("SELECT text, asked_by, times, status FROM question") == [("香港邮寄 ***", "guide", 2, "open")]


async def test_a_text_that_is_gone_says_so(taught: Bot) -> None:
    await taught.says("话术 退货")
    await taught.writer.call(lambda work: articles.replace(work.db, work.ids, "话术.csv", [], "test", work.now))
    assert "撤下" in await taught.says("1")
    assert "没有内容" in await taught.says("话术")


async def test_a_text_that_is_over_is_not_given(taught: Bot) -> None:
    assert await taught.says("话术 春节") == "新年好！"
    taught.clock.advance(86_400)
    assert "新年好" not in await taught.says("话术 春节")


@pytest.mark.parametrize("said", ["话术", "话术 #1", "话术 #99999999999999999999", "话术 ？？", '话术 " OR NEAR('])
async def test_strange_words_are_answered(bot: Bot, said: str) -> None:
    assert await bot.says(said)


async def test_a_member_gets_no_script(taught: Bot) -> None:
    from storage import knowledge

    def seen(work: Work) -> set[str]:
        asked = ("退货", "退货安抚", "破损", "导购手册", "春节问候")
        hits = [hit for text in asked for hit in knowledge.search(work.db, text, 9, now=work.now)]
        pieces = [work.db.connection.execute("SELECT id FROM knowledge_chunk").fetchall()]
        given = [knowledge.piece(work.db, row[0], now=work.now) for row in pieces[0]]
        return {hit.audience for hit in hits} | {hit.audience for hit in given if hit is not None}

    assert await taught.writer.call(seen) == {"all"}
