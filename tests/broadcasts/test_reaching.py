"""Who is reached and who is not, asked when it is sent: refusals, caps, quiet hours, windows, guides who pass it on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.events import Address, TextReceived
from bot.sections import Outreach
from storage import consent
from tests.broadcasts.office import CAPS, QUICK, Office, opened

CAREFUL = Outreach(quiet="21:00-09:00", caps=CAPS)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A bot with quiet hours and one message a day; it is noon."""
    async with opened(database_url, QUICK.model_copy(update={"app_per_guide": 2}), CAREFUL) as running:
        yield running


def members(office: Office) -> dict[str, int]:
    """External id -> member."""
    return dict(office.bot.rows("SELECT external_id, member_id FROM identity WHERE channel = 'wecom'"))


async def refuses(office: Office, external_userid: str) -> None:
    """退订."""
    member_id = members(office)[external_userid]

    def say(work: Any) -> None:
        consent.record(work.db, work.ids, member_id, consent.Said(consent.OUT, "member", "kf"), work.cause, work.now)

    await office.bot.writer.call(say)


async def test_a_message_a_day_over_all_broadcasts(office: Office) -> None:
    people = await office.customers(2)
    await refuses(office, people[0])
    first, second = await office.launched(), await office.launched()
    assert office.tasks() == [people[1:]]
    assert office.reasons(first) == {("suppressed", "opted_out"): 1}
    assert office.reasons(second) == {("suppressed", "opted_out"): 1, ("suppressed", "capped"): 1}
    assert office.standing(second)["status"] == "done"


async def test_nobody_is_written_to_at_night(office: Office) -> None:
    await office.customers(2)
    await office.passes(hours=9.5)  # half past nine in the evening
    broadcast_id = await office.launched()
    assert (office.numbers_of(broadcast_id), office.tasks()) == ((2, 0, 0, 0, 0), [])
    await office.passes(hours=11)
    assert office.tasks() == []
    await office.passes(hours=0.6)
    assert office.numbers_of(broadcast_id) == (0, 0, 2, 0, 0)


async def test_who_refuses_while_a_task_waits_is_taken_out_of_it(office: Office) -> None:
    one, other, third = await office.customers(3)
    broadcast_id = await office.launched()
    await office.bot.writer.accept(TextReceived(
        key="wecom_kf:1", source="wecom_kf", at=office.bot.clock.now(), sender=Address("wecom", one), text="退订",
        msg_id="1",
    ))  # fmt: skip
    await office.settle()
    assert office.press() == 0
    await office.passes(minutes=6)
    await office.passes(minutes=6)
    assert office.tasks()[1:] == [[other, third]]
    assert office.press() == 1
    await office.passes(minutes=16)
    assert office.numbers_of(broadcast_id) == (0, 1, 0, 2, 0)
    assert (office.got(one), len(office.got(other))) == ([], 1)


async def test_a_refusal_that_nobody_passed_on_is_found_by_the_next_look(office: Office) -> None:
    one, other = await office.customers(2)
    broadcast_id = await office.launched()
    await refuses(office, one)
    for _ in range(6):
        await office.passes(minutes=6)
    office.press()
    await office.passes(minutes=31)
    assert office.numbers_of(broadcast_id) == (0, 1, 0, 1, 0)
    assert (office.got(one), len(office.got(other))) == ([], 1)


# -- 微信客服 -------------------------------------------------------------------------------------------------------


async def writes(office: Office, external_userid: str) -> None:
    """The member writes to 微信客服: a window of 48 hours, on both sides."""
    account = next(iter(office.sandbox.world.kf.accounts))
    office.sandbox.kf.say(account, external_userid, "在吗", None)
    await office.bot.writer.accept(TextReceived(
        key=f"kf:msg:{external_userid}:{next(office.numbers)}", source="wecom_kf", at=office.bot.clock.now(),
        sender=Address("wecom", external_userid), text="在吗", msg_id="1", open_kfid=account,
    ))  # fmt: skip
    await office.settle()


def heard(office: Office, external_userid: str) -> list[str]:
    """What 微信客服 said to a member of broadcasts."""
    (account,) = office.sandbox.world.kf.accounts.values()
    said = account.sessions[external_userid].messages
    return [line["text"] for line in said if line["from"] == "bot" and "积分" in str(line.get("text"))]


async def test_kf_reaches_who_has_an_open_window_each_with_words_of_their_own(office: Office) -> None:
    one, other, silent = await office.customers(3)
    await writes(office, one)
    await writes(office, other)
    broadcast_id = await office.launched(channel="kf", text="$name，您有 $points 积分，$guide 等您")
    assert office.reasons(broadcast_id) == {("suppressed", "window_closed"): 1}
    assert office.numbers_of(broadcast_id) == (0, 1, 0, 2, 0)
    assert heard(office, one) == [f"客户{one}，您有 0 积分，您的导购 等您"]
    assert silent not in _sessions(office)


def _sessions(office: Office) -> Any:
    (account,) = office.sandbox.world.kf.accounts.values()
    return account.sessions


async def test_what_kf_refuses_fails_and_counts_no_more_against_the_member(office: Office) -> None:
    (one,) = await office.customers(1)
    await writes(office, one)
    _sessions(office)[one].sent = 5
    broadcast_id = await office.launched(channel="kf", text="您有 $points 积分")
    assert office.reasons(broadcast_id) == {("failed", "errcode_95001"): 1}
    assert office.bot.count("touch", "kind = 'send' AND undone_at IS NULL") == 0
    assert not any("转告" in message["text"] for message in office.sandbox.world.guides["xiaomei"].inbox)


async def test_a_pause_takes_back_messages_that_wait(office: Office) -> None:
    (one,) = await office.customers(1)
    await writes(office, one)
    broadcast_id = await office.composed(channel="kf", text="您有 $points 积分")
    await office.asks("broadcasts/approve", id=broadcast_id, by="boss")
    await office.scheduler.sweep()
    lane = next(lane for lane in office.bot.delivery._lanes if lane.name == "broadcast")
    (drive,) = await office.bot.delivery._take(lane, 1)
    await office.bot.delivery._deliver(lane, drive)
    assert office.numbers_of(broadcast_id) == (0, 0, 1, 0, 0)
    sent = office.bot.rows("SELECT sent FROM kf_session")[0][0]
    await office.asks("broadcasts/pause", id=broadcast_id)
    await office.settle()
    assert (office.numbers_of(broadcast_id), heard(office, one)) == ((1, 0, 0, 0, 0), [])
    assert office.bot.rows("SELECT sent FROM kf_session")[0][0] == sent - 1
    await office.asks("broadcasts/resume", id=broadcast_id)
    await office.settle()
    assert len(heard(office, one)) == 1
    assert office.standing(broadcast_id)["status"] == "done"


# -- 导购转告 -------------------------------------------------------------------------------------------------------


async def test_guides_are_asked_to_pass_on_a_few_and_no_more(office: Office) -> None:
    await office.customers(3)
    broadcast_id = await office.launched(channel="app", text="$name，您有 $points 积分")
    inbox = [message["text"] for message in office.sandbox.world.guides["xiaomei"].inbox]
    passed = [text for text in inbox if "积分" in text and "请转告" in text]
    assert len(passed) == 2
    assert office.numbers_of(broadcast_id) == (0, 1, 0, 2, 0)
    assert office.reasons(broadcast_id) == {("suppressed", "guide_busy"): 1}
