"""微信客服 sessions: the table of who may move where, strict, and what servicers do in their client."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Desk
from tests.sandbox.kf_desk import BOT, ENDED, HOUR, HUMAN, NEW, POOL, Chat, new_chat

MAY = {(NEW, BOT), (NEW, POOL), (NEW, HUMAN), (BOT, BOT), (BOT, POOL), (BOT, HUMAN), (POOL, HUMAN), (HUMAN, HUMAN),
       (HUMAN, ENDED)}  # fmt: skip
UNLISTED = {(NEW, ENDED), (BOT, ENDED), (POOL, ENDED), (HUMAN, BOT), (HUMAN, POOL)}
EVERY = [(start, end) for start in (NEW, BOT, POOL, HUMAN, ENDED) for end in (NEW, BOT, POOL, HUMAN, ENDED)]


@pytest.fixture
async def chat(desk: Desk) -> Chat:
    """A customer who has just written."""
    chat = await new_chat(desk)
    await chat.say()
    return chat


async def put(chat: Chat, state: int) -> None:
    """The session comes to a state on an allowed way."""
    for step in {NEW: [], BOT: [BOT], POOL: [POOL], HUMAN: [HUMAN], ENDED: [HUMAN, ENDED]}[state]:
        assert (await chat.trans(step, "xiaomei"))["errcode"] == 0
    assert await chat.state() == state


@pytest.mark.parametrize(("start", "end"), EVERY)
async def test_the_table_is_strict(chat: Chat, start: int, end: int) -> None:
    await put(chat, start)
    errcode = (await chat.trans(end, "aqiang"))["errcode"]

    assert errcode == (0 if (start, end) in MAY else 95013 if start == ENDED else 95016)
    assert await chat.state() == (end if (start, end) in MAY else start)


@pytest.mark.parametrize(("start", "end"), EVERY)
async def test_a_switch_lets_through_what_the_table_does_not_name(chat: Chat, start: int, end: int) -> None:
    await chat.desk.do("faults", {"kf_lenient": True}, method="PUT")
    await put(chat, start)
    errcode = (await chat.trans(end, "aqiang"))["errcode"]

    assert errcode == (0 if (start, end) in MAY | UNLISTED else 95013 if start == ENDED else 95016)


@pytest.mark.parametrize(("state", "errcode"), [(NEW, 0), (BOT, 0), (POOL, 95018), (HUMAN, 95018), (ENDED, 95018)])
async def test_the_api_speaks_only_while_the_session_is_new_or_the_bots(chat: Chat, state: int, errcode: int) -> None:
    await put(chat, state)
    assert await chat.code() == errcode


async def test_a_session_that_never_began_is_ended(desk: Desk) -> None:
    chat = await new_chat(desk)
    assert await chat.state() == ENDED
    assert (await chat.trans(BOT))["errcode"] == 95013
    await chat.do("enter")
    assert await chat.state() == ENDED


@pytest.mark.parametrize(("state", "after"), [(BOT, BOT), (POOL, POOL), (HUMAN, HUMAN), (ENDED, NEW)])
async def test_a_customers_word_begins_anew_only_what_has_ended(chat: Chat, state: int, after: int) -> None:
    await put(chat, state)
    await chat.say("在吗")
    assert await chat.state() == after


@pytest.mark.parametrize("state", [NEW, BOT, POOL, HUMAN])
async def test_a_session_lasts_48_hours_from_the_last_word(chat: Chat, state: int) -> None:
    await put(chat, state)
    await chat.later(47 * HOUR)
    assert await chat.state() == state
    await chat.say("还在")
    await chat.later(47 * HOUR)
    assert await chat.state() == state
    await chat.later(2 * HOUR)
    assert await chat.state() == ENDED
    assert (await chat.trans(BOT))["errcode"] == 95013


async def test_a_humans_session_names_its_servicer(chat: Chat) -> None:
    body = {"open_kfid": chat.kfid, "external_userid": chat.customer}
    assert "servicer_userid" not in await chat.desk.api("kf/service_state/get", body)
    await chat.trans(HUMAN, "XIAOMEI")
    assert (await chat.desk.api("kf/service_state/get", body))["servicer_userid"] == "xiaomei"


async def test_a_servicer_must_be_one_and_must_receive(chat: Chat) -> None:
    await chat.desk.do("guides", {"userid": "lina", "name": "丽娜"})
    await chat.desk.do(f"kf/{chat.kfid}/servicer", {"userid": "aqiang", "status": 1})

    assert (await chat.trans(HUMAN))["errcode"] == 40058
    assert (await chat.trans(HUMAN, "ghost"))["errcode"] == 40003
    assert (await chat.trans(HUMAN, "lina"))["errcode"] == 95014
    assert (await chat.trans(HUMAN, "aqiang"))["errcode"] == 95019
    await chat.desk.do(f"kf/{chat.kfid}/servicer", {"userid": "aqiang", "status": 0})
    assert (await chat.trans(HUMAN, "aqiang"))["errcode"] == 0
    assert (await chat.trans(HUMAN, "aqiang"))["errcode"] == 95016


@pytest.mark.parametrize("state", [-1, 5, "3", None, True, 2.0])
async def test_a_state_is_one_of_five(chat: Chat, state: object) -> None:
    body = {"open_kfid": chat.kfid, "external_userid": chat.customer, "service_state": state}
    assert await chat.desk.code("kf/service_state/trans", body) == 40058


@pytest.mark.parametrize("path", ["get", "trans"])
async def test_each_unknown_one_has_a_code(chat: Chat, path: str) -> None:
    for kfid, customer, errcode in (
        (None, chat.customer, 95000),
        ("wkx", chat.customer, 95004),
        (chat.kfid, "x", 40096),
    ):
        body = {"open_kfid": kfid, "external_userid": customer, "service_state": 1}
        assert await chat.desk.code(f"kf/service_state/{path}", body) == errcode


async def test_the_apis_moves_ring_no_bell(chat: Chat) -> None:
    rung = len(await chat.bells())
    await put(chat, ENDED)
    assert len(await chat.bells()) == rung
    assert [message["msgtype"] for message in await chat.pull()] == ["text"]


# -- codes that come of a move ---------------------------------------------------------------------------------------


async def test_only_the_pool_being_taken_and_the_end_give_a_code(chat: Chat) -> None:
    assert "msg_code" not in await chat.trans(BOT)
    assert "msg_code" in await chat.trans(POOL)
    assert "msg_code" in await chat.trans(HUMAN, "xiaomei")
    assert "msg_code" not in await chat.trans(HUMAN, "aqiang")
    assert "msg_code" in await chat.trans(ENDED)


@pytest.mark.parametrize(("state", "lives"), [(POOL, 48 * HOUR), (HUMAN, 48 * HOUR), (ENDED, 20)])
async def test_a_code_lives_as_long_as_its_kind(chat: Chat, state: int, lives: int) -> None:
    if state == ENDED:
        await chat.trans(HUMAN, "xiaomei")
    early = (await chat.trans(state, "aqiang"))["msg_code"]
    await chat.later(lives - 15)
    assert await chat.answer(early, "请稍候") == 0
    assert await chat.answer(early, "请稍候") == 41051

    await chat.say()
    other = await new_chat(chat.desk, "王女士")
    await other.say()
    if state == ENDED:
        await other.trans(HUMAN, "xiaomei")
    late = (await other.trans(state, "aqiang"))["msg_code"]
    await other.later(lives + 5)
    assert await other.answer(late, "请稍候") == 41050


async def test_a_code_of_a_state_is_good_in_that_state_alone(chat: Chat) -> None:
    pool = (await chat.trans(POOL))["msg_code"]
    taken = (await chat.trans(HUMAN, "xiaomei"))["msg_code"]
    assert await chat.answer(pool) == 95018
    ended = (await chat.trans(ENDED))["msg_code"]
    assert await chat.answer(taken) == 95018
    assert await chat.answer(ended, msgtype="msgmenu", msgmenu={"head_content": "满意吗？"}) == 0
    assert [message["from"] for message in await chat.phone()] == ["customer", "bot"]


async def test_a_rating_comes_too_late_when_the_customer_writes_first(chat: Chat) -> None:
    await chat.trans(HUMAN, "xiaomei")
    ended = (await chat.trans(ENDED))["msg_code"]
    await chat.say("还有")
    assert await chat.answer(ended) == 95018


@pytest.mark.parametrize("state", [POOL, HUMAN])
async def test_the_pool_and_the_human_are_told_of_in_words_alone(chat: Chat, state: int) -> None:
    code = (await chat.trans(state, "xiaomei"))["msg_code"]
    assert await chat.answer(code, msgtype="msgmenu", msgmenu={"head_content": "稍候"}) == 95030
    assert await chat.answer(code) == 0


async def test_answers_to_events_are_not_counted_among_the_five(chat: Chat) -> None:
    for _ in range(5):
        await chat.code()
    assert await chat.answer((await chat.trans(POOL))["msg_code"]) == 0


# -- the servicer's client -------------------------------------------------------------------------------------------


async def test_taking_from_the_pool_is_told_with_a_code(chat: Chat) -> None:
    await chat.trans(POOL)
    await chat.pull()
    await chat.do("take", userid="xiaomei")
    (event,) = await chat.events()

    assert event.pop("msg_code")
    assert event == {"event_type": "session_status_change", "open_kfid": chat.kfid, "external_userid": chat.customer,
                     "change_type": 1, "new_servicer_userid": "xiaomei"}  # fmt: skip
    assert await chat.state() == HUMAN


async def test_moving_ending_and_opening_again_are_told(chat: Chat) -> None:
    await chat.trans(HUMAN, "xiaomei")
    await chat.pull()
    await chat.do("take", userid="aqiang")
    await chat.do("end", userid="aqiang")
    assert await chat.state() == ENDED
    await chat.do("servicer_say", userid="xiaomei", text="还有一事")
    moved, ended, reopened = await chat.events()

    assert (moved["change_type"], moved["old_servicer_userid"], moved["new_servicer_userid"]) == (
        2,
        "xiaomei",
        "aqiang",
    )
    assert (ended["change_type"], ended["old_servicer_userid"]) == (3, "aqiang")
    assert (reopened["change_type"], reopened["new_servicer_userid"]) == (4, "xiaomei")
    assert ["msg_code" in event for event in (moved, ended, reopened)] == [False, True, False]
    assert await chat.state() == HUMAN


async def test_what_a_servicer_opened_again_lasts_48_hours_though_the_customer_is_silent(chat: Chat) -> None:
    await put(chat, ENDED)
    await chat.later(60 * HOUR)
    await chat.do("servicer_say", userid="xiaomei", text="货到了")
    await chat.later(47 * HOUR)
    assert await chat.state() == HUMAN
    await chat.later(2 * HOUR)
    assert await chat.state() == ENDED


async def test_the_code_of_a_taking_pays_for_one_message(chat: Chat) -> None:
    await chat.trans(POOL)
    await chat.do("take", userid="xiaomei")
    (event,) = await chat.events()
    assert [await chat.answer(event["msg_code"]) for _ in range(2)] == [0, 41051]


async def test_a_servicers_words_are_read_with_their_name(chat: Chat) -> None:
    await chat.trans(HUMAN, "xiaomei")
    await chat.pull()
    await chat.do("servicer_say", userid="xiaomei", text="我来帮您")
    (message,) = await chat.pull()

    assert (message["origin"], message["servicer_userid"], message["text"]) == (5, "xiaomei", {"content": "我来帮您"})
    assert [one["from"] for one in await chat.phone()] == ["customer", "servicer"]


@pytest.mark.parametrize("state", [NEW, BOT, POOL])
async def test_a_servicer_writes_only_where_the_session_is_theirs(chat: Chat, state: int) -> None:
    await put(chat, state)
    await chat.do("servicer_say", userid="xiaomei", text="你好", status=409)
    if state != POOL:
        await chat.do("take", userid="xiaomei", status=409)
    await chat.do("end", userid="xiaomei", status=409)


async def test_a_colleague_a_stranger_and_one_who_stopped_may_not(chat: Chat) -> None:
    await chat.trans(HUMAN, "xiaomei")
    await chat.desk.do("guides", {"userid": "lina", "name": "丽娜"})
    await chat.desk.do(f"kf/{chat.kfid}/servicer", {"userid": "aqiang", "status": 1})

    await chat.do("servicer_say", userid="aqiang", text="你好", status=409)
    await chat.do("take", userid="lina", status=409)
    await chat.do("take", userid="aqiang", status=409)
    await chat.do("take", userid="xiaomei", status=409)


async def test_going_off_and_on_duty_is_told_once_each(chat: Chat) -> None:
    await chat.pull()
    for status in (1, 1, 0):
        await chat.desk.do(f"kf/{chat.kfid}/servicer", {"userid": "xiaomei", "status": status})

    common = {"event_type": "servicer_status_change", "servicer_userid": "xiaomei", "open_kfid": chat.kfid}
    assert await chat.events() == [{**common, "status": 2, "stop_type": 0}, {**common, "status": 1}]


async def test_a_recall_is_told_once(chat: Chat) -> None:
    msgid = await chat.say("打错了")
    await chat.pull()
    await chat.do("recall", msgid=msgid)
    await chat.do("recall", msgid=msgid, status=404)

    assert await chat.events() == [
        {"event_type": "user_recall_msg", "open_kfid": chat.kfid, "external_userid": chat.customer,
         "recall_msgid": msgid}
    ]  # fmt: skip


async def test_a_servicers_recall_names_the_servicer(chat: Chat) -> None:
    await chat.trans(HUMAN, "xiaomei")
    msgid = (await chat.do("servicer_say", userid="xiaomei", text="错了"))["msgid"]
    await chat.pull()
    await chat.do("recall", msgid=msgid)
    (event,) = await chat.events()
    assert (event["event_type"], event["servicer_userid"]) == ("servicer_recall_msg", "xiaomei")
