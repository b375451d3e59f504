"""投递: in order, within the platform's limits, tried again by the rule of each error, never twice."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.delivery import Delivery
from bot.errors import Action, NotStored, WeComError, WeComUnreachable
from bot.ids import SeededChance
from bot.limits import HOUR, MINUTE, Buckets, Rate
from storage import outbox
from storage.outbox import Call
from tests.fakes import Bot


async def owe(bot: Bot, text: str = "hi", userid: str = "lina", **more: object) -> int:
    payload = {"touser": userid, "msgtype": "text", "text": {"content": text}}
    return await bot.writer.call(
        lambda work: work.owe("message/send", payload, subject=f"staff:{userid}", **more)  # type: ignore[arg-type]
    )


async def run_for(bot: Bot, seconds: int, step: int = 1) -> list[int]:
    """Let time pass; how many calls were made in each step."""
    made = []
    for _ in range(0, seconds, step):
        before = len(bot.wecom.calls)
        await bot.deliver()
        made.append(len(bot.wecom.calls) - before)
        bot.clock.advance(step)
    return made


def statuses(bot: Bot) -> Counter[str]:
    return Counter(row[0] for row in bot.rows("SELECT status FROM outbox"))


async def test_hundred_messages_to_one_guide_never_reach_the_silent_limit(bot: Bot) -> None:
    for number in range(100):
        await owe(bot, str(number))

    made = await run_for(bot, 420)

    assert sum(made) == 100
    assert max(sum(made[at : at + 60]) for at in range(len(made))) <= 20
    assert bot.wecom.said_to("lina") == [str(number) for number in range(100)]


async def test_a_window_counts_from_the_arrival_of_what_took_long_to_send(bot: Bot) -> None:
    """The platform counts from when it hears a message: one sent as our own window ends would come too early."""
    arrived = []

    async def slow(payload: dict[str, Any], row: Call) -> dict[str, Any]:
        bot.clock.advance(9)
        arrived.append(bot.clock.now())
        return {}

    one = Rate(1, MINUTE)
    delivery = Delivery(bot.writer, {"message/send": slow}, bot.clock, SeededChance(3), member_rates=(one,))
    await owe(bot, "first")
    await owe(bot, "second")
    while len(arrived) < 2:
        await delivery.drain()
        bot.clock.advance(1)

    assert arrived[1] - arrived[0] >= timedelta(minutes=1, seconds=9)


async def test_one_guides_crowd_does_not_hold_up_another(bot: Bot) -> None:
    for number in range(50):
        await owe(bot, str(number))
    await owe(bot, "me too", userid="meng")

    await bot.deliver()

    assert bot.wecom.said_to("meng") == ["me too"]


async def test_a_restart_does_not_forget_who_was_told_how_much(bot: Bot) -> None:
    for number in range(30):
        await owe(bot, str(number))
    await bot.deliver()
    assert len(bot.wecom.said_to("lina")) == 20

    again = Delivery(bot.writer, bot.delivery._senders, bot.clock, SeededChance(3))
    await again.start()
    await again.drain()
    await again.stop()

    assert len(bot.wecom.said_to("lina")) == 20


@pytest.mark.parametrize(
    ("error", "wait_s"),
    [
        (WeComUnreachable("message/send", "timeout", ambiguous=True), 2),
        (WeComError(-1, "busy", "message/send", action=Action.RETRY), 2),
        (WeComError(45009, "too often", "message/send", action=Action.WAIT, wait_s=60), 61),
        (WeComError(60020, "not your ip", "message/send", action=Action.CONFIG), 61),
    ],
)
async def test_what_may_heal_is_tried_again_after_its_own_wait(bot: Bot, error: WeComError, wait_s: int) -> None:
    bot.wecom.answers["message/send"] = [error]
    await owe(bot)
    await bot.deliver()
    assert statuses(bot) == {"pending": 1}
    assert await run_for(bot, 1) == [0]

    bot.clock.advance(wait_s)
    await bot.deliver()

    assert statuses(bot) == {"sent": 1}
    assert bot.delivery.halted is None


async def test_what_can_never_succeed_is_dead_with_its_reason(bot: Bot) -> None:
    bot.wecom.answers["message/send"] = [WeComError(40058, "bad field", "message/send", action=Action.BUG)]
    await owe(bot)

    await run_for(bot, 300, 10)

    assert bot.rows("SELECT status, error FROM outbox") == [("dead", "message/send: 40058 bad field")]
    assert len(bot.wecom.calls) == 1


async def test_a_wrong_secret_stops_the_sending_and_says_so(bot: Bot) -> None:
    bot.wecom.answers["message/send"] = [WeComError(40001, "wrong secret", "gettoken", action=Action.STOP)]
    await owe(bot)
    await bot.deliver()

    assert bot.delivery.halted == "gettoken: 40001 wrong secret"
    assert statuses(bot) == {"pending": 1}


async def test_a_message_whose_time_is_over_is_not_sent_and_says_why(bot: Bot) -> None:
    await owe(bot, expires_at=bot.clock.now() + timedelta(seconds=20))
    bot.clock.advance(20)
    await bot.deliver()

    assert bot.rows("SELECT status, error FROM outbox") == [("suppressed", "late")]
    assert bot.wecom.calls == []


async def test_a_row_that_breaks_our_own_code_is_set_aside_after_five_tries(bot: Bot) -> None:
    bot.delivery._senders["broken"] = _broken
    await bot.writer.call(lambda work: work.owe("broken", {}))
    await owe(bot)

    await run_for(bot, 600, 10)

    assert bot.rows("SELECT status, faults, error FROM outbox WHERE call = 'broken'") == [
        ("dead", 4, "KeyError: 'no such field'")
    ]
    assert bot.wecom.said_to("lina") == ["hi"]


async def _broken(_payload: object, _row: object) -> dict[str, object]:
    raise KeyError("no such field")


async def test_rows_leased_by_a_process_that_died_are_sent_by_the_next(bot: Bot) -> None:
    await owe(bot)
    now = bot.clock.now()
    taken = await bot.writer.call(lambda work: outbox.lease(work.db, "default", now, now + timedelta(seconds=30), 5))
    assert len(taken) == 1
    await bot.deliver()
    assert bot.wecom.calls == []

    again = Delivery(bot.writer, bot.delivery._senders, bot.clock, SeededChance(3))
    await again.start()
    await again.drain()
    await again.stop()

    assert bot.wecom.said_to("lina") == ["hi"]
    assert statuses(bot) == {"sent": 1}


def test_windows_slide_and_idle_keys_are_forgotten() -> None:
    buckets = Buckets(Rate(2, MINUTE), Rate(3, HOUR))
    buckets.hit("a", 0)
    buckets.hit("a", 10)

    assert buckets.wait("a", 20) == 40
    assert buckets.wait("b", 20) == 0
    buckets.hit("a", 60)
    assert buckets.wait("a", 61) == HOUR - 61
    assert buckets.forget_idle(61 + HOUR) == 0


async def test_a_row_whose_outcome_was_not_stored_is_tried_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise NotStored

    await owe(bot, "hello")
    with monkeypatch.context() as patch:
        patch.setattr(bot.delivery, "_end", refuse)
        await bot.deliver()
    assert bot.count("outbox", "status = 'leased'") == 1

    await bot.delivery._put_back()
    await bot.deliver()
    assert bot.count("outbox", "status = 'sent'") == 1
