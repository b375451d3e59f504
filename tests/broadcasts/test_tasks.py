"""群发任务: composed, approved, made into tasks, confirmed by staff, and known to the last receiver."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from scenarios import broadcast_planning
from tests.broadcasts.office import ADD, QUICK, Office, opened


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A bot and the sandbox."""
    async with opened(database_url, QUICK) as running:
        yield running


async def ready(office: Office) -> None:
    """The platform's results are there, and were asked for; half an hour is the longest between two questions."""
    await office.passes(minutes=15)
    await office.passes(minutes=16)


async def test_a_broadcast_waits_for_the_guide_and_then_knows_what_became_of_everybody(office: Office) -> None:
    mine, his = await office.customers(3), await office.customers(2, "aqiang")
    broadcast_id = await office.launched()
    assert office.standing(broadcast_id)["status"] == "sending"
    assert office.numbers_of(broadcast_id) == (0, 0, 5, 0, 0)
    assert sorted(office.tasks()) == sorted([mine, his])
    assert office.got(mine[0]) == []

    assert office.press("xiaomei") == 1
    await ready(office)
    assert office.numbers_of(broadcast_id) == (0, 0, 2, 3, 0)
    assert office.got(mine[0]) == ["今晚 8 点见"]
    office.press("aqiang")
    await ready(office)
    assert office.standing(broadcast_id) == {
        "status": "done", "total": 5, "left": 0, "suppressed": 0, "tasked": 0, "sent": 5, "failed": 0
    }  # fmt: skip


async def test_nobody_is_written_to_by_two_tasks_when_answers_are_lost(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast_planning, "CONTACTS", 2)
    people = await office.customers(5)
    for fault in ("commit_then_drop", "timeout_before", "commit_then_drop", "malformed"):
        office.sandbox.faults.add_next({"path": ADD, "fault": fault})
    broadcast_id = await office.launched()
    for _ in range(8):
        await office.passes(70)
    assert sorted(name for task in office.tasks() for name in task) == people
    assert [len(task) for task in office.tasks()] == [2, 2, 1]
    assert office.bot.count("broadcast_task", "status = 'made'") == 3
    assert office.bot.rows("SELECT count(DISTINCT msgid) FROM broadcast_task")[0][0] == 3
    office.press()
    await ready(office)
    assert office.numbers_of(broadcast_id) == (0, 0, 0, 5, 0)


async def test_a_lost_answer_is_not_mistaken_for_another_broadcast_with_the_same_words(office: Office) -> None:
    people = await office.customers(2)
    first = await office.launched(rule=None)
    office.sandbox.faults.add_next({"path": ADD, "fault": "timeout_before"})
    second = await office.launched()
    await office.passes(70)
    msgids = office.bot.rows("SELECT broadcast_id, msgid FROM broadcast_task ORDER BY broadcast_id")
    assert [row[0] for row in msgids] == [first, second]
    assert len({row[1] for row in msgids}) == 2
    assert office.tasks() == [people, people]


async def test_every_reason_of_the_platform_is_kept(office: Office) -> None:
    friend, leaving = await office.customers(2)
    (unknown,) = await office.customers(1, only="bot")
    capped = (await office.customers(1))[0]
    office.sandbox.world.broadcasts.cap = "day"
    office.sandbox.world.broadcasts.got[capped] = [(office.bot.clock.now().date() - _EPOCH).days]
    broadcast_id = await office.launched()
    del office.sandbox.world.customers[leaving].relations["xiaomei"]
    office.press()
    await ready(office)
    assert office.numbers_of(broadcast_id) == (0, 0, 0, 1, 3)
    assert office.reasons(broadcast_id) == {
        ("failed", "not_contact"): 1, ("failed", "no_friend"): 1, ("failed", "platform_quota"): 1
    }  # fmt: skip
    assert (office.got(friend), office.got(capped)) == (["今晚 8 点见"], [])
    undone = office.bot.rows("SELECT count(*) FROM touch WHERE undone_at IS NOT NULL")[0][0]
    assert undone == 3
    assert unknown


async def test_who_the_guide_leaves_out_is_known_after_a_while(office: Office) -> None:
    await office.customers(4)
    broadcast_id = await office.launched(allow_select=True)
    office.press(percent=50)
    await office.passes(60)
    assert office.numbers_of(broadcast_id) == (0, 0, 2, 2, 0)
    await office.passes(minutes=30)
    assert office.numbers_of(broadcast_id) == (0, 0, 0, 2, 2)
    assert office.reasons(broadcast_id) == {("failed", "left_out"): 2}
    assert office.standing(broadcast_id)["status"] == "done"


async def test_a_task_that_nobody_confirms_is_called_off_when_its_time_is_over(office: Office) -> None:
    await office.customers(2)
    broadcast_id = await office.launched(expire_h=1)
    await office.passes(hours=1)
    await ready(office)
    assert office.numbers_of(broadcast_id) == (0, 0, 0, 0, 2)
    assert office.reasons(broadcast_id) == {("failed", "expired"): 2}
    assert office.standing(broadcast_id)["status"] == "done"
    assert [task.cancelled for task in office.sandbox.world.broadcasts.tasks.values()] == [True]


async def test_a_stop_calls_off_what_nobody_confirmed_and_keeps_what_was_sent(office: Office) -> None:
    await office.customers(2)
    waiting = await office.customers(3, "aqiang")
    broadcast_id = await office.launched()
    office.press("xiaomei")
    told = await office.asks("broadcasts/stop", id=broadcast_id, by="boss")
    assert told["status"] == "stopped"
    await ready(office)
    assert office.numbers_of(broadcast_id) == (0, 3, 0, 2, 0)
    assert office.reasons(broadcast_id) == {("suppressed", "stopped"): 3}
    assert office.press("aqiang") == 0
    assert office.got(waiting[0]) == []
    assert (await office.asks("broadcasts/resume", id=broadcast_id))["status"] == "stopped"


async def test_a_guide_who_was_faster_than_the_stop_has_sent_it(office: Office) -> None:
    await office.customers(2)
    broadcast_id = await office.launched()
    await office.asks("broadcasts/stop", id=broadcast_id)
    office.press()  # before WeCom hears of it
    await ready(office)
    assert office.numbers_of(broadcast_id) == (0, 0, 0, 2, 0)


async def test_what_is_not_made_yet_waits_through_a_pause_and_is_made_once_afterwards(office: Office) -> None:
    people = await office.customers(3)
    broadcast_id = await office.composed()
    await office.asks("broadcasts/approve", id=broadcast_id, by="boss")
    await office.scheduler.sweep()
    lane = next(lane for lane in office.bot.delivery._lanes if lane.name == "broadcast")
    (drive,) = await office.bot.delivery._take(lane, 1)
    await office.bot.delivery._deliver(lane, drive)  # frozen and planned; the task itself is owed
    assert office.numbers_of(broadcast_id) == (0, 0, 3, 0, 0)
    assert (await office.asks("broadcasts/pause", id=broadcast_id))["status"] == "paused"
    await office.settle()
    assert office.tasks() == []
    assert office.numbers_of(broadcast_id) == (3, 0, 0, 0, 0)
    assert (await office.asks("broadcasts/resume", id=broadcast_id))["status"] == "sending"
    await office.settle()
    assert office.tasks() == [people]
    assert office.bot.count("touch", "undone_at IS NULL") == 3


@pytest.mark.parametrize("decision", ["pause", "stop"])
async def test_a_task_that_may_have_been_made_is_looked_for_before_it_is_given_up(
    office: Office, decision: str
) -> None:
    people = await office.customers(2)
    office.sandbox.faults.add_next({"path": ADD, "fault": "commit_then_drop"})
    broadcast_id = await office.launched()
    assert office.bot.count("broadcast_task", "status = 'making'") == 1
    await office.asks(f"broadcasts/{decision}", id=broadcast_id)
    await office.passes(70)
    await ready(office)
    assert office.tasks() == [people]
    (task,) = office.sandbox.world.broadcasts.tasks.values()
    assert task.cancelled == (decision == "stop")
    expected = {"pause": (0, 0, 2, 0, 0), "stop": (0, 2, 0, 0, 0)}
    assert office.numbers_of(broadcast_id) == expected[decision]


async def test_a_sender_whom_wecom_refuses_spoils_it_for_nobody_else(office: Office) -> None:
    mine = await office.customers(2)
    await office.bot.joins("wmGHOST", "nobody")
    broadcast_id = await office.launched()
    assert office.tasks() == [mine]
    assert office.reasons(broadcast_id) == {("failed", "errcode_40003"): 1}
    assert office.bot.rows("SELECT error FROM broadcast_task WHERE status = 'refused'") == [("errcode_40003",)]


async def test_reminders_go_to_who_has_not_pressed_send_three_times_a_day(office: Office) -> None:
    await office.customers(1)
    await office.customers(1, "aqiang")
    broadcast_id = await office.launched()
    office.press("aqiang")
    await ready(office)
    counts = [(await office.asks("broadcasts/remind", id=broadcast_id))["reminded"] for _ in range(4)]
    await office.settle()
    assert counts == [1, 1, 1, 0]
    (waiting,) = office.sandbox.world.broadcasts.open_tasks()
    assert len(waiting.reminded) == 3
    inbox = office.sandbox.world.guides["xiaomei"].inbox
    assert [message["msgtype"] for message in inbox].count("reminded") == 3
    assert any("还没发的群发" in message["text"] for message in inbox)
    assert not any("还没发的群发" in message["text"] for message in office.sandbox.world.guides["aqiang"].inbox)


async def test_guides_are_told_once_and_find_it_among_their_tasks_until_they_pressed_send(office: Office) -> None:
    await office.customers(2)
    await office.launched()
    told = [message["text"] for message in office.sandbox.world.guides["xiaomei"].inbox]
    assert [text for text in told if "等你点" in text] == [
        "有一条群发等你点「发送」：《双11》，2 位客户。在企业微信「客户联系 · 群发助手」里确认后才会发出。"
    ]
    assert office.bot.count("guide_task", "status = 'open'") == 1
    office.press()
    await ready(office)
    assert office.bot.rows("SELECT status, done_by FROM guide_task") == [("done", "xiaomei")]


async def test_who_has_no_guide_is_left_out_with_the_reason(office: Office) -> None:
    await office.customers(1)
    (lost,) = await office.customers(1)
    await office.bot.leaves(lost, "xiaomei")
    broadcast_id = await office.launched()
    assert office.numbers_of(broadcast_id) == (0, 1, 1, 0, 0)
    assert office.reasons(broadcast_id) == {("suppressed", "no_guide"): 1}


async def test_a_schedule_waits_for_its_time(office: Office) -> None:
    await office.customers(1)
    at = (office.bot.clock.now() + _HOUR).isoformat()
    broadcast_id = await office.launched(scheduled_at=at)
    assert (office.standing(broadcast_id)["status"], office.tasks()) == ("approved", [])
    await office.passes(hours=1)
    assert (office.standing(broadcast_id)["status"], len(office.tasks())) == ("sending", 1)


async def test_a_text_may_name_its_sender(office: Office) -> None:
    mine, his = await office.customers(1), await office.customers(1, "aqiang")
    await office.bot.employs("aqiang", "guide")
    await office.launched(text="我是$guide，今晚 8 点见")
    office.press("xiaomei"), office.press("aqiang")
    assert (office.got(mine[0]), office.got(his[0])) == (["我是您的导购，今晚 8 点见"], ["我是aqiang，今晚 8 点见"])


async def test_groups_are_sent_to_by_their_owners_with_the_platforms_quota(office: Office) -> None:
    first, second, third = [office.sandbox.story.groups.open(f"群{n}", "xiaomei", quiet=True) for n in range(3)]
    foreign = office.sandbox.story.groups.open("阿强的群", "aqiang", quiet=True)
    for group in (first, second, third, foreign):
        await _knows(office, group)
    third.dismissed = True
    broadcast_id = await office.launched(channel="group", chat_ids=[first.chat_id, third.chat_id, foreign.chat_id])
    assert sorted(map(sorted, office.tasks())) == sorted([[foreign.chat_id], [first.chat_id]])
    office.press("xiaomei")
    await ready(office)
    rows = office.bot.rows("SELECT status, reason FROM audience_chat ORDER BY status, reason")
    assert rows == [("failed", "not_contact"), ("sent", ""), ("tasked", "")]
    assert office.numbers_of(broadcast_id) == (0, 0, 1, 1, 1)
    assert [post["text"] for post in first.posts] == ["今晚 8 点见"]
    assert second.posts == []


async def _knows(office: Office, group: Any) -> None:
    """The bot has met a group."""
    from storage import group_chats

    def meet(work: Any) -> None:
        group_chats.meet(work.db, group.chat_id, work.now)
        group_chats.chats.change(work.db, {"owner": group.owner, "name": group.name}, chat_id=group.chat_id)

    await office.bot.writer.call(meet)


_EPOCH = __import__("datetime").date(1970, 1, 1)
_HOUR = __import__("datetime").timedelta(hours=1)
