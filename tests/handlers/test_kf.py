"""微信客服: members are greeted, answered, handed to people and left alone with them; nothing said is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Action, WeComError
from bot.kf_events import KfAccountsChanged, KfEntered, KfRang
from bot.router import Play, Router
from bot.sections import Kf as Door
from bot.turn import Turn
from bot.wecom.answers import refusal
from console.reads import channels
from handlers.dispatch import Dispatcher
from storage import kf
from tests.kf import DESK, Desk, start_desk, words


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A bot behind one account; lina follows wm1."""
    async with start_desk(database_url) as running:
        yield running


def passed_on(desk: Desk) -> list[str]:
    """What lina was asked to pass on."""
    return [text for text in desk.bot.wecom.said_to("lina") if text.startswith("请转告")]


def state(desk: Desk, who: str = "wm1") -> int:
    return int(desk.session(who).state)


async def says(desk: Desk, text: str) -> list[str]:
    """wm1 writes a minute later."""
    await desk.passes(minutes=1)
    return await desk.hears("wm1", text)


# -- words ----------------------------------------------------------------------------------------------------------


async def test_help_is_a_menu_and_a_click_is_the_word_itself(desk: Desk) -> None:
    await desk.hears("wm1", "帮助")
    menu = desk.kf.said[0]["msgmenu"]
    click = menu["list"][0]["click"]
    desk.kf.writes("wm1", "text", {"content": click["content"], "menu_id": click["id"]})
    await desk.settles()

    assert (menu["head_content"], menu["tail_content"]) == ("可以对我说：", "回复「帮助」随时再看一遍。")
    assert click["content"] == "1. 我的积分"
    assert "可用积分：0" in desk.kf.texts("wm1")[1]


async def test_who_writes_for_the_first_time_is_a_member_with_a_name(desk: Desk) -> None:
    await desk.hears("wmNEW", "积分")
    found = desk.bot.rows(
        "SELECT m.name, i.evidence FROM identity i JOIN member m ON m.id = i.member_id WHERE i.external_id = 'wmNEW'"
    )
    assert [tuple(row) for row in found] == [("小美", "wecom kf")]
    await desk.hears("wmNEW", "积分")
    assert len(desk.kf.asked("kf/customer/batchget")) == 1


async def test_what_was_written_before_the_bot_came_is_not_answered(desk: Desk) -> None:
    desk.kf.writes("wm1", "text", {"content": "积分"})
    await desk.passes(minutes=11)
    await desk.settles()
    assert desk.kf.said == []
    assert len(await desk.hears("wm1", "积分")) == 1


async def test_a_picture_is_answered_once_in_a_while(desk: Desk) -> None:
    for minutes in (0, 1, 60 * 6):
        await desk.passes(minutes=minutes)
        desk.kf.writes("wm1", "image", {"media_id": "M"})
        await desk.settles()
    read = desk.kf.texts("wm1")
    assert len(read) == 2
    assert "看不懂文字以外的消息" in read[0]
    assert "我的积分" in read[0]


# -- coming in ------------------------------------------------------------------------------------------------------


def comes_in(desk: Desk, code: str | None = "WC", **fields: Any) -> None:
    if code:
        desk.kf.codes[code] = desk.bot.clock.now().timestamp() + 20
        fields["welcome_code"] = code
    desk.kf.happens("enter_session", external_userid="wmNEW", **fields)


async def test_who_opens_a_link_is_greeted_and_the_scene_is_kept(desk: Desk) -> None:
    comes_in(desk, scene="poster", scene_param="INV-1")
    await desk.settles()

    (welcome,) = desk.kf.said
    assert welcome["code"] == "WC"
    assert welcome["msgid"]
    assert words(welcome) == "你好，欢迎！可以对我说：\n1. 我的积分\n需要人工请回复「转人工」。"
    assert (desk.session("wmNEW").scene, desk.session("wmNEW").scene_param) == ("poster", "INV-1")
    assert desk.session("wmNEW").sent == 0
    await desk.settles()
    assert len(desk.kf.said) == 1


async def test_links_into_customer_service_are_channels_too(desk: Desk) -> None:
    comes_in(desk, scene="poster")
    for who, scene in (("wmA", "poster"), ("wmB", "poster"), ("wmB", "live"), ("wmC", "")):
        desk.kf.happens("enter_session", external_userid=who, scene=scene)
    await desk.settles()
    await desk.hears("wmA", "我的积分")

    told = await desk.bot.says("渠道统计")
    assert "客服链接 poster：进来 2 人，开口 1 人" in told  # the latest link counts
    assert "客服链接 live：进来 1 人，开口 0 人" in told
    assert "live：添加 1 人" in told
    with desk.bot.database.engine.connect() as connection:
        assert channels(connection, {})["kf"] == [
            {"scene": "live", "entered": 1, "wrote": 0}, {"scene": "poster", "entered": 2, "wrote": 1},
        ]  # fmt: skip


async def test_a_welcome_that_is_too_late_is_not_sent(desk: Desk) -> None:
    comes_in(desk)
    desk.bot.clock.advance(20)
    await desk.settles()
    assert desk.kf.asked("kf/send_msg_on_event") == []


@pytest.mark.parametrize(("tries", "status"), [(1, "suppressed"), (2, "sent")])
async def test_a_used_code_after_a_lost_answer_is_a_welcome_sent(desk: Desk, tries: int, status: str) -> None:
    busy = WeComError(-1, "busy", "kf/send_msg_on_event", action=Action.RETRY)
    used = refusal("kf/send_msg_on_event", 41051, "used")
    script: list[dict[str, Any] | Exception] = [busy, used]
    desk.kf.scripted["kf/send_msg_on_event"] = script[2 - tries :]
    comes_in(desk)
    for _ in range(3):
        await desk.settles()
        desk.bot.clock.advance(2)
    assert desk.bot.count("outbox", f"call = 'kf/send_msg_on_event' AND status = '{status}'") == 1


async def test_no_code_no_welcome(desk: Desk) -> None:
    comes_in(desk, code=None)
    await desk.settles()
    assert desk.kf.said == []
    assert desk.bot.count("kf_session") == 1


async def test_plays_hear_who_came_in_by_what(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[KfEntered] = []
    router = Router("listener")

    @router.on(KfEntered)
    def listen(turn: Turn, event: KfEntered) -> None:
        assert turn.person(event.sender) is not None if event.sender else False
        heard.append(event)

    monkeypatch.setattr(desk.bot.writer._batch, "_dispatch", Dispatcher([Play(router, None)]))
    comes_in(desk, scene="poster", scene_param="INV-1")
    await desk.settles()
    assert [(event.external_userid, event.open_kfid, event.scene, event.scene_param) for event in heard] == [
        ("wmNEW", DESK, "poster", "INV-1")
    ]


async def test_the_door_can_be_shut_and_the_welcome_left_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.bot.writer._batch, "_dispatch", Dispatcher([], Door(welcome=False)))
    comes_in(desk)
    await desk.settles()
    assert desk.kf.said == []
    monkeypatch.setattr(desk.bot.writer._batch, "_dispatch", Dispatcher([], Door(enabled=False)))
    await desk.settles()
    assert len(desk.kf.asked("kf/sync_msg")) == 1


async def test_accounts_come_and_go(desk: Desk) -> None:
    def change(key: str, **fields: tuple[str, ...]) -> KfAccountsChanged:
        given: dict[str, Any] = {"added": (), "removed": (), **fields}
        return KfAccountsChanged(key=key, source="wecom_app", at=desk.bot.clock.now(), **given)

    await desk.accept(change("c1", added=("wkA", "wkB")))
    await desk.bot.deliver()
    await desk.accept(change("c2", removed=("wkA",)))
    assert sorted(body["open_kfid"] for body in desk.kf.asked("kf/sync_msg")) == ["wkA", "wkB"]
    assert await desk.bot.writer.call(lambda work: kf.active_accounts(work.db)) == ["wkB"]


# -- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["转人工", "人工", " 转 人工 ", "人工客服"])
async def test_the_guide_on_duty_takes_over(desk: Desk, said: str) -> None:
    desk.kf.servicers = {"lina": 0}
    assert await desk.hears("wm1", said) == ["好的，正在为你转接人工，请稍候。"]
    assert desk.kf.state[(DESK, "wm1")] == kf.HUMAN
    assert (state(desk), desk.session("wm1").servicer) == (kf.HUMAN, "lina")


@pytest.mark.parametrize("servicers", [{}, {"lina": 1}, {"meng": 0}])
async def test_else_the_pool_does(desk: Desk, servicers: dict[str, int]) -> None:
    desk.kf.servicers = servicers
    await desk.hears("wm1", "转人工")
    assert desk.kf.state[(DESK, "wm1")] == kf.POOL
    assert state(desk) == kf.POOL


@pytest.mark.parametrize("errcode", [95014, 95019, 60030])
async def test_a_guide_who_cannot_after_all_leaves_it_to_the_pool(desk: Desk, errcode: int) -> None:
    desk.kf.servicers = {"lina": 0}
    desk.kf.scripted["kf/service_state/trans"] = [refusal("kf/service_state/trans", errcode, "no")]
    await desk.hears("wm1", "转人工")
    assert state(desk) == kf.POOL


@pytest.mark.parametrize("errcode", [95013, 95016, 95018])
async def test_a_session_that_is_elsewhere_already_is_found_there(desk: Desk, errcode: int) -> None:
    desk.kf.scripted["kf/service_state/trans"] = [refusal("kf/service_state/trans", errcode, "no")]
    desk.kf.scripted["kf/service_state/get"] = [{"errcode": 0, "service_state": 3, "servicer_userid": "meng"}]
    await desk.hears("wm1", "转人工")
    assert (state(desk), desk.session("wm1").servicer) == (kf.HUMAN, "meng")


async def test_when_nobody_can_the_guide_hears_of_it(desk: Desk) -> None:
    desk.kf.pool_open = False
    read = await desk.hears("wm1", "转人工")
    assert read[1:] == ["人工客服暂时接不上，已经告诉你的导购，会尽快联系你。"]
    assert any("在微信客服里找人工" in text for text in desk.bot.wecom.said_to("lina"))
    assert state(desk) == kf.NEW


async def test_when_nobody_can_and_nobody_follows_they_are_told(desk: Desk) -> None:
    desk.kf.pool_open = False
    assert (await desk.hears("wmNEW", "转人工"))[1:] == ["人工客服暂时接不上，请稍后再发「转人工」试试。"]


async def test_with_people_the_bot_is_silent_until_they_end_it(desk: Desk) -> None:
    await desk.hears("wm1", "转人工")
    assert await says(desk, "积分") == []
    desk.kf.state[(DESK, "wm1")] = kf.HUMAN
    desk.kf.happens("session_status_change", external_userid="wm1", change_type=1, new_servicer_userid="meng")
    assert await says(desk, "积分") == []
    desk.kf.writes("wm1", "image", {"media_id": "M"})
    await desk.settles()
    assert (state(desk), desk.session("wm1").servicer) == (kf.HUMAN, "meng")

    await desk.passes(minutes=1)
    desk.kf.state[(DESK, "wm1")] = kf.ENDED
    desk.kf.happens("session_status_change", external_userid="wm1", change_type=3, old_servicer_userid="meng")
    await desk.settles()
    assert state(desk) == kf.ENDED
    assert len(await says(desk, "积分")) == 1
    assert passed_on(desk) == []
    assert desk.kf.refused == []


@pytest.mark.parametrize(("change", "after"), [(1, kf.HUMAN), (2, kf.HUMAN), (3, kf.ENDED), (4, kf.HUMAN), (9, kf.NEW)])
async def test_every_change_of_a_session_is_known(desk: Desk, change: int, after: int) -> None:
    await desk.hears("wm1", "积分")
    desk.kf.happens("session_status_change", external_userid="wm1", change_type=change, new_servicer_userid="meng")
    await desk.settles()
    assert state(desk) == after


async def test_a_servicer_who_writes_has_the_session(desk: Desk) -> None:
    await desk.hears("wm1", "积分")
    desk.kf.put({
        "open_kfid": DESK, "external_userid": "wm1", "origin": 5, "servicer_userid": "meng", "msgtype": "text",
        "text": {"content": "你好"},
    })  # fmt: skip
    await desk.settles()
    assert (state(desk), desk.session("wm1").servicer) == (kf.HUMAN, "meng")
    assert len(desk.kf.texts("wm1")) == 1


async def test_an_end_that_nobody_told_of_is_found_by_looking(desk: Desk) -> None:
    await desk.hears("wm1", "转人工")
    desk.kf.state[(DESK, "wm1")] = kf.NEW
    await desk.passes(minutes=61)
    assert await desk.hears("wm1", "积分") == []
    assert len(desk.kf.asked("kf/service_state/get")) == 1
    assert len(await says(desk, "积分")) == 1


# -- what does not arrive -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("errcode", [95001, 95002, 95013, 95018, 95031, 95023, 48007, 40096, 99999])
async def test_what_wecom_refuses_goes_the_guides_way(desk: Desk, errcode: int) -> None:
    desk.kf.scripted["kf/send_msg"] = [refusal("kf/send_msg", errcode, "no")]
    assert await desk.hears("wm1", "积分") == []
    (told,) = passed_on(desk)
    assert "可用积分：0" in told
    assert desk.bot.delivery.halted is None


async def test_after_a_refusal_the_window_is_as_wecom_sees_it(desk: Desk) -> None:
    desk.kf.scripted["kf/send_msg"] = [refusal("kf/send_msg", 95001, "no")]
    await desk.hears("wm1", "积分")
    assert desk.session("wm1").sent == 5
    desk.kf.scripted["kf/send_msg"] = [refusal("kf/send_msg", 95018, "no")]
    desk.kf.state[(DESK, "wm1")] = kf.HUMAN
    await says(desk, "积分")
    assert state(desk) == kf.HUMAN
    assert len(passed_on(desk)) == 2


@pytest.mark.parametrize(
    ("fail_type", "passed", "after"),
    [(0, 1, (0, 1)), (4, 1, (0, 5)), (5, 1, (4, 1)), (6, 1, (0, 5)), (10, 0, (0, 1)), (11, 1, (0, 1)), (13, 0, (0, 1))],
)
async def test_what_did_not_arrive_is_noted_and_passed_on(
    desk: Desk, fail_type: int, passed: int, after: tuple[int, int]
) -> None:
    await desk.hears("wm1", "积分")
    msgid = desk.kf.said[0]["msgid"]
    desk.kf.happens("msg_send_fail", external_userid="wm1", fail_msgid=msgid, fail_type=fail_type)
    await desk.settles()
    await desk.settles()

    assert len(passed_on(desk)) == passed
    assert (state(desk), desk.session("wm1").sent) == after
    assert desk.bot.count("outbox", f"error = 'msg_send_fail {fail_type}' AND status = 'sent'") == 1


@pytest.mark.parametrize("msgid", ["r-1", "1-ffff", "nobody's"])
async def test_a_failure_of_somebody_elses_message_is_only_kept(desk: Desk, msgid: str) -> None:
    desk.kf.happens("msg_send_fail", external_userid="wm1", fail_msgid=msgid, fail_type=0)
    await desk.settles()
    assert passed_on(desk) == []
    assert desk.bot.count("inbox", "kind = 'KfSendFailed' AND status = 'done'") == 1


async def test_what_is_only_told_is_kept(desk: Desk) -> None:
    desk.kf.happens("servicer_status_change", servicer_userid="lina", status=2)
    desk.kf.happens("user_recall_msg", external_userid="wm1", recall_msgid="m0")
    desk.kf.happens("brand_new", external_userid="wm1")
    await desk.settles()
    kinds = {row[0] for row in desk.bot.rows("SELECT kind FROM inbox WHERE source = 'wecom_kf' AND status = 'done'")}
    assert kinds == {"KfServicerStatusChanged", "KfRecalled", "UnknownReceived"}
    assert desk.kf.said == []


async def test_a_bell_comes_through_the_front_door_as_an_event(desk: Desk) -> None:
    event = KfRang(
        key="k", source="wecom_app", at=desk.bot.clock.now() - timedelta(minutes=1), open_kfid=DESK, token=""
    )
    await desk.accept(event)
    await desk.bot.deliver()
    assert "token" not in desk.kf.asked("kf/sync_msg")[0]
