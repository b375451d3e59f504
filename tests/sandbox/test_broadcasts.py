"""企业群发 in the sandbox: nothing is sent before staff confirm; limits, caps, results, and how staff behave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.app import Options, Sandbox
from tests.sandbox.conftest import Desk

ADD = "externalcontact/add_msg_template"
TASK = "externalcontact/get_groupmsg_task"
RESULT = "externalcontact/get_groupmsg_send_result"
LIST = "externalcontact/get_groupmsg_list_v2"
REMIND = "externalcontact/remind_groupmsg_send"
CANCEL = "externalcontact/cancel_groupmsg_send"
READY_S = 3


def body(*external_userids: str, **more: Any) -> dict[str, Any]:
    """A broadcast of a text."""
    return {"sender": "xiaomei", "external_userid": list(external_userids), "text": {"content": "今晚上新"}, **more}


async def passes(desk: Desk, **moved: Any) -> None:
    """Time passes; the token may not outlive it."""
    await desk.do("clock", moved)
    desk.token = ""


async def made(desk: Desk, *external_userids: str, **more: Any) -> str:
    """A task by the API; its msgid, once its results may be asked for."""
    told = await desk.api(ADD, body(*external_userids, **more))
    assert told["errcode"] == 0, told
    await desk.do("clock", {"advance_s": READY_S})
    return str(told["msgid"])


async def results(desk: Desk, msgid: str, userid: str = "xiaomei") -> dict[str, int]:
    """Receiver -> status."""
    told = await desk.api(RESULT, {"msgid": msgid, "userid": userid})
    return {one.get("external_userid") or one["chat_id"]: one["status"] for one in told["send_list"]}


async def chats(desk: Desk, external_userid: str) -> list[str]:
    """What a customer's phone shows of broadcasts."""
    state = await desk.do("state", method="GET")
    found = next(one for one in state["customers"] if one["external_userid"] == external_userid)
    return [chat["text"] for chat in found["chats"] if chat.get("broadcast")]


async def test_nothing_arrives_before_the_member_of_staff_presses_send(desk: Desk) -> None:
    (one, _), (other, _) = await desk.joined(), await desk.joined(name="李雷")
    msgid = await made(desk, one, other)
    assert await chats(desk, one) == []
    assert (await desk.api(TASK, {"msgid": msgid}))["task_list"] == [{"userid": "xiaomei", "status": 0}]
    assert await results(desk, msgid) == {one: 0, other: 0}
    await desk.do(f"broadcasts/{msgid}/confirm", {"userid": "xiaomei"})
    assert await chats(desk, one) == ["今晚上新"]
    assert await results(desk, msgid) == {one: 1, other: 1}
    task = (await desk.api(TASK, {"msgid": msgid}))["task_list"][0]
    assert task["status"] == 2
    assert task["send_time"] > 0
    await desk.do(f"broadcasts/{msgid}/confirm", {"userid": "xiaomei"}, status=409)


async def test_who_is_no_friend_is_named_at_once_and_who_left_since_is_seen_in_the_result(desk: Desk) -> None:
    (friend, _), (leaving, _), (foreign, _) = await desk.joined(), await desk.joined(), await desk.joined("aqiang")
    told = await desk.api(ADD, body(friend, leaving, foreign, "wmNOBODY"))
    assert told["fail_list"] == [foreign, "wmNOBODY"]
    await desk.do(f"customers/{leaving}/delete_guide", {"userid": "xiaomei"})
    await desk.do(f"broadcasts/{told['msgid']}/confirm", {"userid": "xiaomei"})
    await desk.do("clock", {"advance_s": READY_S})
    assert await results(desk, told["msgid"]) == {friend: 1, leaving: 2}
    assert await desk.code(ADD, body("wmNOBODY")) == 84061


async def test_without_a_sender_each_customer_is_sent_to_by_who_follows_them(desk: Desk) -> None:
    (mine, _), (his, _) = await desk.joined(), await desk.joined("aqiang")
    told = await desk.api(ADD, {"external_userid": [mine, his], "text": {"content": "好"}})
    tasks = (await desk.api(TASK, {"msgid": told["msgid"], "limit": 1}))["task_list"]
    await desk.do("clock", {"advance_s": READY_S})
    assert [one["userid"] for one in tasks] == ["xiaomei"]
    assert await results(desk, told["msgid"], "aqiang") == {his: 0}


async def test_the_cap_of_the_month_the_week_or_the_day_is_told_as_status_three(desk: Desk) -> None:
    one, _ = await desk.joined()
    await desk.do("guides/xiaomei/habit", {"kind": "at_once"})
    await desk.do("broadcasts/rules", {"cap": "day"})
    first, second = await made(desk, one), await made(desk, one)
    assert await results(desk, first) == {one: 1}
    assert await results(desk, second) == {one: 3}
    await passes(desk, advance_s=86_400)
    third = await made(desk, one)
    assert await results(desk, third) == {one: 1}
    await desk.do("broadcasts/rules", {"cap": "month"})
    await passes(desk, now="2027-02-01T00:00:10+08:00")
    months = [await made(desk, one) for _ in range(29)]
    assert [(await results(desk, msgid))[one] for msgid in months] == [1] * 28 + [3]


async def test_what_the_documents_forbid_is_refused_with_their_codes(desk: Desk) -> None:
    one, _ = await desk.joined()
    chat_id = (await desk.do("state", method="GET"))["groups"][0]["chat_id"]
    wrong: list[tuple[dict[str, Any], int]] = [
        (body(*[f"wm{n}" for n in range(10_001)]), 40058),
        (body(one, text={"content": "好" * 1334}), 45002),
        (body(one, text={}), 40063),
        (body(one, attachments=[{"msgtype": "link", "link": {"title": "t", "url": "https://a"}}] * 10), 40058),
        (body(one, attachments=[{"msgtype": "image", "image": {"media_id": "3gone"}}]), 40007),
        (body(one, attachments=[{"msgtype": "link", "link": {"title": "t"}}]), 40058),
        (body(one, sender="nobody"), 40003),
        ({"text": {"content": "好"}}, 40058),
        ({"chat_type": "group", "chat_id_list": [chat_id], "text": {"content": "好"}}, 40058),
        (body(chat_type="group", chat_id_list=["wr"] * 2_001), 40058),
        (body(chat_type="group", chat_id_list=[chat_id], sender="aqiang"), 90501),
        (body(one, chat_type="both"), 40058),
    ]
    assert [await desk.code(ADD, given) for given, _ in wrong] == [code for _, code in wrong]
    assert await desk.code(ADD, body(*[f"wm{n}" for n in range(9_999)], one)) == 0


async def test_results_are_not_there_right_after_the_task_was_made_and_come_in_pages(desk: Desk) -> None:
    customers = [(await desk.joined())[0] for _ in range(3)]
    msgid = (await desk.api(ADD, body(*customers)))["msgid"]
    asked = {"msgid": msgid, "userid": "xiaomei", "limit": 2}
    assert await desk.code(RESULT, asked) == 41063
    await desk.do("clock", {"advance_s": READY_S})
    first = await desk.api(RESULT, asked)
    second = await desk.api(RESULT, {**asked, "cursor": first["next_cursor"]})
    found = [one["external_userid"] for one in first["send_list"] + second["send_list"]]
    assert (found, second["next_cursor"]) == (customers, "")
    assert await desk.code(RESULT, {**asked, "cursor": "!!"}) == 50100
    assert await desk.code(RESULT, {**asked, "limit": 1_001}) == 40058


async def test_of_groups_only_those_that_got_it_are_listed(desk: Desk) -> None:
    first = (await desk.do("state", method="GET"))["groups"][0]["chat_id"]
    second = (await desk.do("groups", {"name": "新群", "owner": "xiaomei"}))["chat_id"]
    told = await desk.api(ADD, {**body(), "chat_type": "group", "chat_id_list": [first, second, "wrNONE"]})
    assert told["fail_list"] == ["wrNONE"]
    await desk.do("clock", {"advance_s": READY_S})
    assert await results(desk, told["msgid"]) == {}
    await desk.do(f"groups/{second}/dismiss", {})
    await desk.do(f"broadcasts/{told['msgid']}/confirm", {"userid": "xiaomei"})
    assert await results(desk, told["msgid"]) == {first: 1}
    shown = (await desk.do("state", method="GET"))["groups"][0]["posts"]
    assert [post["text"] for post in shown] == ["今晚上新"]


async def test_three_reminders_a_day_and_a_forgetful_guide_wakes_by_one(desk: Desk) -> None:
    one, _ = await desk.joined()
    await desk.do("guides/xiaomei/habit", {"kind": "forgets", "wakes_after": 2})
    msgid = await made(desk, one)
    assert [await desk.code(REMIND, {"msgid": msgid}) for _ in range(4)] == [0, 0, 0, 41094]
    assert await results(desk, msgid) == {one: 1}
    await passes(desk, advance_s=86_400)
    assert await desk.code(REMIND, {"msgid": msgid}) == 0
    inbox = (await desk.do("state", method="GET"))["guides"][0]["inbox"]
    assert [message["msgtype"] for message in inbox] == ["reminded"] * 2


async def test_a_cancelled_task_can_no_longer_be_sent(desk: Desk) -> None:
    one, _ = await desk.joined()
    msgid = await made(desk, one)
    assert [await desk.code(CANCEL, {"msgid": msgid}) for _ in range(2)] == [0, 0]
    await desk.do(f"broadcasts/{msgid}/confirm", {"userid": "xiaomei"}, status=409)
    assert await results(desk, msgid) == {one: 0}


async def test_staff_confirm_later_or_a_part_or_refuse(desk: Desk) -> None:
    one, other = (await desk.joined())[0], (await desk.joined())[0]
    await desk.do("guides/xiaomei/habit", {"kind": "after", "minutes": 30})
    later = await made(desk, one)
    await desk.do("clock", {"advance_s": 29 * 60})
    assert await results(desk, later) == {one: 0}
    await desk.do("clock", {"advance_s": 61})
    assert await results(desk, later) == {one: 1}
    await desk.do("guides/xiaomei/habit", {"kind": "part", "percent": 50})
    part, whole = await made(desk, one, other, allow_select=True), await made(desk, one, other)
    assert await results(desk, part) == {one: 1, other: 0}
    assert await results(desk, whole) == {one: 1, other: 1}
    await desk.do("guides/*/habit", {"kind": "refuses"})
    refused = await made(desk, one)
    await desk.do(f"broadcasts/{refused}/refuse", {"userid": "xiaomei"})
    assert (await desk.api(TASK, {"msgid": refused}))["task_list"] == [{"userid": "xiaomei", "status": 0}]
    await desk.do("guides/xiaomei/habit", {"kind": "sulks"}, status=422)


async def test_the_list_shows_a_months_tasks_newest_first_without_saying_who_they_are_for(desk: Desk) -> None:
    one, _ = await desk.joined()
    first, second = await made(desk, one), await made(desk, one, text={"content": "第二条"})
    now = int(desk.sandbox.clock.time())
    asked = {"chat_type": "single", "start_time": now - 60, "end_time": now + 60, "limit": 1}
    page = await desk.api(LIST, asked)
    rest = await desk.api(LIST, {**asked, "cursor": page["next_cursor"]})
    listed = page["group_msg_list"] + rest["group_msg_list"]
    assert [item["msgid"] for item in listed] == [second, first]
    assert set(listed[0]) == {"msgid", "create_time", "create_type", "text", "attachments"}
    assert (await desk.api(LIST, {**asked, "filter_type": 1}))["group_msg_list"] == []
    assert await desk.code(LIST, {**asked, "start_time": now - 32 * 86_400}) == 40058


async def test_a_task_that_was_made_without_an_answer_is_in_the_list(desk: Desk) -> None:
    one, _ = await desk.joined()
    await desk.do("faults/next", {"path": ADD, "fault": "commit_then_drop"})
    with pytest.raises(aiohttp.ClientError):
        await desk.api(ADD, body(one))
    now = int(desk.sandbox.clock.time())
    listed = await desk.api(LIST, {"chat_type": "single", "start_time": now - 60, "end_time": now + 60})
    assert len(listed["group_msg_list"]) == 1


async def test_a_crowd_follows_its_guides_in_turn_and_is_nobody_until_something_happens(desk: Desk) -> None:
    made_crowd = await desk.do("crowds", {"prefix": "wmC", "count": 25, "guides": 2})
    guides = made_crowd["userids"]
    listed = (await desk.api("externalcontact/list", userid=guides[1]))["external_userid"]
    assert (len(listed), listed[0]) == (12, "wmC00000001")
    pages: list[str] = []
    cursor = ""
    while True:
        asked = {"userid_list": guides, "limit": 10, "cursor": cursor}
        told = await desk.api("externalcontact/batch/get_by_user", asked)
        pages += [one["external_contact"]["external_userid"] for one in told["external_contact_list"]]
        cursor = told["next_cursor"]
        if not cursor:
            break
    assert sorted(pages) == [f"wmC{n:08d}" for n in range(25)]
    await desk.do("guides/*/habit", {"kind": "at_once"})
    await desk.do("customers/wmC00000001/delete_guide", {"userid": guides[1]})
    told = await desk.api(ADD, {**body(*listed), "sender": guides[1]})
    await desk.do("clock", {"advance_s": READY_S})
    assert told["fail_list"] == ["wmC00000001"]
    assert len(await results(desk, told["msgid"], guides[1])) == 11
    assert len(desk.sandbox.world.customers) == 4


async def test_tasks_habits_and_crowds_outlive_a_restart(desk: Desk, tmp_path: Path) -> None:
    one, _ = await desk.joined()
    await desk.do("crowds", {"prefix": "wmC", "count": 3, "guides": 1})
    await desk.do("guides/xiaomei/habit", {"kind": "after", "minutes": 5})
    msgid = await made(desk, one)
    file = tmp_path / "world.json"
    file.write_text(json.dumps({"world": desk.sandbox.world.dump(), "offset_s": 0.0}), encoding="utf-8")
    again = Sandbox(Options(state=file))
    assert again.world.broadcasts == desk.sandbox.world.broadcasts
    assert again.world.broadcasts.tasks[msgid].shares["xiaomei"].receivers == [one]
    assert again.world.crowds == desk.sandbox.world.crowds


async def test_the_journal_keeps_the_head_of_a_long_list(desk: Desk) -> None:
    one, _ = await desk.joined()
    await desk.api(ADD, body(one, *[f"wm{n}" for n in range(300)]))
    entry = [item for item in desk.sandbox.journal.entries if item.get("path") == ADD][-1]
    assert entry["body"]["external_userid"][-1] == "… 301 in all"
    assert len(entry["body"]["external_userid"]) == 21
