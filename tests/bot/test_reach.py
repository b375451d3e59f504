"""到达: a member is written to while the window is open, five times at most; else the guide passes it on."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.errors import Action, WeComError
from bot.events import Address, TimerDue
from bot.turn import Turn
from handlers import dispatch
from handlers.plays import Plays
from tests.files import sqlite_in
from tests.kf import DESK, Desk, start_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A bot behind one account; lina follows wm1."""
    async with start_desk(database_url) as running:
        yield running


def passed_on(desk: Desk) -> list[str]:
    """What lina was asked to pass on."""
    return [text for text in desk.bot.wecom.said_to("lina") if text.startswith("请转告")]


async def news(desk: Desk) -> None:
    """Something happens of which wm1 is told."""

    def tell(turn: Turn, event: TimerDue, plays: Plays) -> None:
        person = turn.person(Address("wecom", "wm1"))
        assert person is not None
        turn.tell(person.id, "group_buy/you_lead", code="A")

    number = next(desk.kf.numbers)
    before, dispatch.HANDLERS[TimerDue] = dispatch.HANDLERS[TimerDue], tell
    try:
        await desk.accept(TimerDue(
            key=f"test:news:{number}", source="test", at=desk.bot.clock.now(), timer_id=number, name="x", payload={}
        ))  # fmt: skip
    finally:
        dispatch.HANDLERS[TimerDue] = before
    await desk.bot.deliver()


async def test_before_a_member_wrote_the_guide_passes_it_on(desk: Desk) -> None:
    await news(desk)
    assert desk.kf.said == []
    assert len(passed_on(desk)) == 1


async def test_after_they_wrote_they_are_told_themselves(desk: Desk) -> None:
    await desk.hears("wm1", "积分")
    await news(desk)
    assert len(desk.kf.texts("wm1")) == 2
    assert passed_on(desk) == []


async def test_the_fifth_is_kept_for_an_answer(desk: Desk) -> None:
    await desk.hears("wm1", "积分")
    for _ in range(5):
        await news(desk)

    assert len(desk.kf.texts("wm1")) == 4  # the answer and three pieces of news
    assert len(passed_on(desk)) == 2


async def test_48_hours_later_the_window_is_shut(desk: Desk) -> None:
    await desk.hears("wm1", "积分")
    await desk.passes(hours=47, minutes=59)
    await news(desk)
    assert len(desk.kf.texts("wm1")) == 2
    await desk.passes(minutes=1)
    await news(desk)
    assert len(desk.kf.texts("wm1")) == 2
    assert len(passed_on(desk)) == 1


async def test_a_new_word_opens_a_new_window(desk: Desk) -> None:
    await desk.hears("wm1", "积分")
    for _ in range(5):
        await news(desk)
    await desk.passes(minutes=1)
    assert len(await desk.hears("wm1", "积分")) == 1
    assert desk.session("wm1").sent == 1


async def test_what_was_sent_after_the_word_was_written_counts_in_its_window(desk: Desk) -> None:
    """The bell came late: WeCom counts from the writing, we learn of it afterwards."""
    await desk.hears("wm1", "积分")
    await desk.passes(minutes=1)
    desk.kf.writes("wm1", "text", {"content": "积分"})
    await desk.passes(seconds=5)
    for _ in range(3):
        await news(desk)
    await desk.settles()

    assert desk.session("wm1").sent == 4
    assert desk.kf.refused == []


async def test_a_text_of_three_parts_that_does_not_fit_goes_one_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.hears("wm1", "积分")
    long = "很长的一句话。" * 220  # 4,620 bytes: three parts
    monkeypatch.setattr("bot.texts.Texts.render", lambda *_, **__: long)
    await news(desk)
    parts = desk.kf.texts("wm1")[1:]
    assert len(parts) == 3
    assert "".join(parts) == long
    assert all(len(part.encode()) <= 2048 and part.endswith("。") for part in parts)

    await news(desk)
    assert len(desk.kf.texts("wm1")) == 4
    assert desk.session("wm1").sent == 4


async def test_news_that_waited_too_long_goes_the_guides_way(desk: Desk) -> None:
    await desk.hears("wm1", "积分")
    desk.kf.scripted["kf/send_msg"] = [WeComError(-1, "busy", "kf/send_msg", action=Action.RETRY)]
    await news(desk)
    desk.bot.clock.advance(48 * 3600)
    await desk.bot.deliver()

    assert len(desk.kf.texts("wm1")) == 1
    assert len(passed_on(desk)) == 1
    assert desk.bot.count("outbox", "call = 'kf/send_msg' AND error = 'late'") == 1


async def test_the_account_that_was_written_to_answers(desk: Desk) -> None:
    await desk.hears("wm1", "积分", "wkOTHER")
    await desk.passes(minutes=1)
    await desk.hears("wm1", "积分")
    await desk.passes(minutes=1)
    await desk.hears("wm1", "积分", "wkOTHER")
    assert [message["open_kfid"] for message in desk.kf.said] == ["wkOTHER", DESK, "wkOTHER"]


STEPS = st.lists(
    st.sampled_from(["word", "late word", "news", "three news", "pull", "minute", "minute", "day"]),
    min_size=30,
    max_size=60,
)


async def interleave(url: str, steps: list[str]) -> None:
    async with start_desk(url) as desk:
        for step in steps:
            if step == "word":
                await desk.hears("wm1", "积分")
            elif step == "late word":
                desk.kf.writes("wm1", "text", {"content": "帮助"})
            elif step.endswith("news"):
                for _ in range(3 if step == "three news" else 1):
                    await news(desk)
            elif step == "pull":
                await desk.settles()
            else:
                await desk.passes(**{"minute": {"minutes": 1}, "day": {"days": 1}}[step])
        await desk.settles()
        # The platform keeps its rules by itself: whatever we sent beyond them was refused and stands here.
        assert desk.kf.refused == []
        assert all(count <= 5 for count in desk.kf.sent.values())
        assert desk.bot.count("inbox", "status != 'done'") == 0


@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(STEPS)
def test_a_sixth_message_is_never_sent(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(interleave(sqlite_in(Path(folder)), steps))
