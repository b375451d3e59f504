"""微信客服: every message is stored once and no cursor gets ahead of one; every message of ours is sent once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot import kf as calls
from bot.errors import NotStored, WeComError, WeComUnreachable
from bot.events import TextReceived
from bot.kf import Kf, msgid, owe_pulls, row_of
from bot.reconcile import Reconcile
from bot.turn import Turn
from handlers import dispatch
from storage import kf, outbox
from tests.kf import DESK, Desk, start_desk


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A bot behind one account."""
    async with start_desk(database_url) as running:
        yield running


def pulls(desk: Desk) -> int:
    return len(desk.kf.asked("kf/sync_msg"))


def heard(desk: Desk) -> list[str]:
    """Texts in the inbox, in the order they were stored."""
    rows = desk.bot.rows("SELECT payload FROM inbox WHERE kind = 'TextReceived' ORDER BY id")
    return [json.loads(row[0])["text"] for row in rows]


def cursor(desk: Desk) -> str:
    return str(desk.bot.rows("SELECT cursor FROM kf_account WHERE open_kfid = :id", id=DESK)[0][0])


async def test_a_bell_pulls_with_its_token_and_the_next_from_where_the_last_ended(desk: Desk) -> None:
    await desk.hears("wm1", "帮助")
    await desk.hears("wm1", "帮助")

    first, second = desk.kf.asked("kf/sync_msg")
    assert first == {"open_kfid": DESK, "cursor": "", "limit": 100, "voice_format": 0, "token": "TOKEN"}
    assert second["cursor"] == "1"


async def test_many_bells_are_one_pull(desk: Desk) -> None:
    desk.kf.writes("wm1", "text", {"content": "帮助"})
    for _ in range(5):
        await desk.ring()
    await desk.bot.deliver()

    assert pulls(desk) == 1
    assert len(desk.kf.texts("wm1")) == 1


async def test_a_bell_during_a_pull_is_another_pull(desk: Desk) -> None:
    await desk.ring()
    leased = await desk.bot.writer.call(
        lambda work: outbox.lease(work.db, calls.LANE, work.now, work.now + timedelta(seconds=30), 5)
    )
    await desk.ring()

    assert len(leased) == 1
    assert desk.bot.count("outbox", "call = 'kf/sync_msg' AND done_at IS NULL") == 2


async def test_a_token_older_than_ten_minutes_is_not_used(desk: Desk) -> None:
    await desk.ring()
    await desk.passes(minutes=11)
    await desk.bot.deliver()

    assert "token" not in desk.kf.asked("kf/sync_msg")[0]


async def test_a_stale_token_is_left_out_the_second_time(desk: Desk) -> None:
    desk.kf.scripted["kf/sync_msg"] = [WeComError(95007, "stale", "kf/sync_msg")]
    assert await desk.hears("wm1", "帮助")
    assert ["token" in body for body in desk.kf.asked("kf/sync_msg")] == [True, False]


async def test_an_empty_page_with_more_to_come_is_not_the_end(desk: Desk) -> None:
    desk.kf.scripted["kf/sync_msg"] = [{"errcode": 0, "msg_list": [], "next_cursor": "0", "has_more": 1}]
    assert await desk.hears("wm1", "帮助")
    assert cursor(desk) == "1"


async def test_many_pages_are_read_to_the_end(desk: Desk) -> None:
    for number in range(250):
        desk.kf.writes(f"wm{number}", "text", {"content": f"话{number}"})
    await desk.ring()
    await desk.bot.deliver()

    assert heard(desk) == [f"话{number}" for number in range(250)]
    assert [body["cursor"] for body in desk.kf.asked("kf/sync_msg")] == ["", "100", "200"]
    assert cursor(desk) == "250"


async def test_the_same_cursor_with_more_to_come_does_not_loop(desk: Desk) -> None:
    again = {"errcode": 0, "msg_list": [], "next_cursor": "", "has_more": 1}
    desk.kf.scripted["kf/sync_msg"] = [again]
    await desk.ring()
    await desk.bot.deliver()
    assert pulls(desk) == 1
    await desk.passes(minutes=1)
    await desk.bot.deliver()
    assert pulls(desk) == 2


async def test_a_crash_after_a_page_was_fetched_loses_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any) -> Any:
        raise NotStored

    desk.kf.writes("wm1", "text", {"content": "帮助"})
    await desk.ring()
    with monkeypatch.context() as patch:
        patch.setattr(desk.bot.writer, "accept_page", refuse)
        await desk.bot.deliver()
    assert (heard(desk), cursor(desk)) == ([], "")

    await desk.passes(minutes=1)
    await desk.bot.deliver()
    assert (heard(desk), cursor(desk)) == (["帮助"], "1")


async def test_a_page_and_its_cursor_commit_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.ring()
    await desk.bot.deliver()
    for number in range(3):
        desk.kf.writes("wm1", "text", {"content": f"话{number}"})
    seen: list[tuple[int, str]] = []
    advance = calls._advance

    def look(*args: Any) -> bool:
        moved = advance(*args)
        seen.append((desk.bot.count("inbox", "kind = 'TextReceived'"), cursor(desk)))
        return moved

    monkeypatch.setattr(calls, "_advance", look)
    await desk.settles()
    assert seen == [(0, "0")]  # another connection sees neither page nor cursor before the commit
    assert (len(heard(desk)), cursor(desk)) == (3, "3")


async def test_a_cursor_that_fails_stays_behind_its_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> bool:
        raise RuntimeError("the process dies here")

    desk.kf.writes("wm1", "text", {"content": "帮助"})
    await desk.ring()
    with monkeypatch.context() as patch:
        patch.setattr(calls, "_advance", explode)
        await desk.bot.deliver()
    assert (heard(desk), cursor(desk)) == (["帮助"], "")

    await desk.passes(minutes=1)
    await desk.bot.deliver()
    assert (heard(desk), cursor(desk)) == (["帮助"], "1")
    assert len(desk.kf.texts("wm1")) == 1


async def test_repeated_messages_run_once(desk: Desk) -> None:
    desk.kf.writes("wm1", "text", {"content": "帮助"})
    desk.kf.log[DESK].append(dict(desk.kf.log[DESK][0]))
    await desk.settles()

    assert len(desk.kf.texts("wm1")) == 1
    assert cursor(desk) == "2"


@pytest.mark.parametrize("lost", ["refused", "gone"])
async def test_a_lost_cursor_begins_with_the_oldest_and_repeats_nothing(desk: Desk, lost: str) -> None:
    await desk.hears("wm1", "帮助")
    if lost == "refused":
        desk.kf.scripted["kf/sync_msg"] = [WeComError(50100, "bad cursor", "kf/sync_msg")]
    else:
        await desk.bot.writer.call(lambda work: kf.advance(work.db, DESK, "1", "", []))
    assert len(await desk.hears("wm1", "积分")) == 1

    assert heard(desk) == ["帮助", "积分"]
    assert cursor(desk) == "2"


async def test_a_culprit_in_a_page_is_kept_aside_and_holds_nobody_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dispatch.HANDLERS[TextReceived]

    def spoiled(turn: Turn, event: TextReceived, plays: Any) -> None:
        if event.text == "坏":
            raise RuntimeError("a bug in a play")
        real(turn, event, plays)

    monkeypatch.setitem(dispatch.HANDLERS, TextReceived, spoiled)
    for text in ("帮助", "坏", "积分"):
        desk.kf.writes("wm1", "text", {"content": text})
    await desk.settles()

    statuses = desk.bot.rows("SELECT status, count(*) FROM inbox WHERE kind = 'TextReceived' GROUP BY status")
    assert sorted(tuple(row) for row in statuses) == [("done", 2), ("failed", 1)]
    assert cursor(desk) == "3"
    monkeypatch.setitem(dispatch.HANDLERS, TextReceived, real)
    await desk.passes(seconds=10)
    assert desk.bot.count("inbox", "status = 'failed'") == 0


async def test_a_cursor_never_passes_a_message_that_is_not_stored(desk: Desk) -> None:
    await desk.ring()

    def advance(held: str, cursor: str, *keys: str) -> Any:
        return desk.bot.writer.call(lambda work: kf.advance(work.db, DESK, held, cursor, list(keys)))

    assert not await advance("", "9", "wecom_kf:msg:nowhere")
    assert await advance("", "9")
    assert not await advance("", "10")  # another puller moved it meanwhile


async def test_two_pullers_store_everything_once(desk: Desk) -> None:
    for number in range(30):
        desk.kf.writes("wm1", "text", {"content": f"话{number}"})
    await desk.ring()
    pullers = [Kf(desk.kf, desk.bot.writer, desk.bot.clock) for _ in range(2)]  # type: ignore[arg-type]
    row: Any = None
    done = await asyncio.gather(*[puller.sync({"open_kfid": DESK}, row) for puller in pullers], return_exceptions=True)

    assert len(heard(desk)) == 30
    assert cursor(desk) == "30"
    assert all(isinstance(one, dict | WeComUnreachable) for one in done)


async def test_every_known_account_is_pulled_at_start_and_each_night(desk: Desk) -> None:
    await desk.ring("wkSEEN")
    await desk.bot.deliver()
    before = pulls(desk)
    await desk.bot.writer.call(partial(owe_pulls, ["wkCONFIGURED"]))
    await desk.bot.writer.call(partial(owe_pulls, ["wkCONFIGURED"]))
    await desk.bot.deliver()
    assert sorted(body["open_kfid"] for body in desk.kf.asked("kf/sync_msg")[before:]) == ["wkCONFIGURED", "wkSEEN"]

    desk.kf.scripted["externalcontact/get_follow_user_list"] = [{"follow_user": []}]
    for path in ("groupchat/list", "list_contact_way", "get_corp_tag_list"):
        desk.kf.scripted[f"externalcontact/{path}"] = [{}]
    walk = Reconcile(desk.kf, desk.bot.writer, desk.bot.clock, partial(owe_pulls, []))  # type: ignore[arg-type]
    row: Any = None
    await walk.run({}, row)
    await desk.bot.deliver()
    assert pulls(desk) == before + 4


async def test_a_msgid_is_ours_alone_and_the_same_at_every_try(desk: Desk) -> None:
    desk.kf.scripted["kf/send_msg"] = [WeComUnreachable("kf/send_msg", "timeout", ambiguous=True)]
    assert await desk.hears("wm1", "帮助") == []
    await desk.passes(minutes=2)
    await desk.bot.deliver()

    first, second = [body["msgid"] for body in desk.kf.asked("kf/send_msg")]
    assert first == second
    row_id = row_of(first)
    assert row_id is not None
    row = await desk.bot.writer.call(lambda work: outbox.find(work.db, row_id))
    assert row is not None
    assert msgid(row) == first
    assert msgid(row._replace(cause="another")) != first
    assert len(first) <= 32


@pytest.mark.parametrize("odd", ["", "-", "zz-1", "消息"])
def test_a_msgid_of_somebody_else_is_no_row(odd: str) -> None:
    assert row_of(odd) is None


async def test_a_message_accepted_before_is_sent(desk: Desk) -> None:
    """The answer to the first try was lost on its way: WeCom has the message, and it is neither sent nor passed on
    again."""
    send = desk.kf._kf_send_msg

    def lost(asked: dict[str, Any]) -> dict[str, Any]:
        answer = send(asked)
        desk.kf._kf_send_msg = send  # type: ignore[method-assign]
        assert answer
        raise WeComUnreachable("kf/send_msg", "timeout", ambiguous=True)

    desk.kf._kf_send_msg = lost  # type: ignore[method-assign]
    await desk.hears("wm1", "帮助")
    await desk.passes(minutes=2)
    await desk.bot.deliver()

    assert desk.kf.refused == [95033]
    assert len(desk.kf.texts("wm1")) == 1
    assert desk.bot.count("outbox", "call = 'kf/send_msg' AND status = 'sent'") == 1
    assert not [text for text in desk.bot.wecom.said_to("lina") if "请转告" in text and "帮助" in text]
