"""App messages over WeCom's limits: dropped, cut or doubled without a word, and only unknown people are named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Desk

CHECKED: dict[str, Any] = {"enable_duplicate_check": 1}


async def send(desk: Desk, content: str = "你好", touser: str = "xiaomei", **more: Any) -> dict[str, Any]:
    """A text message, sent; the answer, which is always a success."""
    body = {"touser": touser, "msgtype": "text", "agentid": 1000002, "text": {"content": content}, **more}
    answer = await desk.api("message/send", body)
    assert answer["errcode"] == 0, answer
    return answer


async def phone(desk: Desk, userid: str = "xiaomei") -> list[str]:
    """The texts on a guide's phone."""
    state = await desk.do("state", method="GET")
    (inbox,) = [guide["inbox"] for guide in state["guides"] if guide["userid"] == userid]
    return [message["text"] for message in inbox]


async def effects(desk: Desk) -> list[str]:
    """What became of each send, by the log."""
    items = (await desk.do("log?limit=5000", method="GET"))["items"]
    return [item["effect"] for item in items if item.get("path") == "message/send"]


async def test_the_thirty_first_message_of_a_minute_is_gone_and_the_answer_does_not_tell(desk: Desk) -> None:
    answers = [await send(desk, f"第{number}条") for number in range(33)]

    assert await phone(desk) == [f"第{number}条" for number in range(30)]
    assert {tuple(sorted(answer)) for answer in answers} == {tuple(sorted(answers[0]))}
    assert len({answer["msgid"] for answer in answers}) == 33
    assert await effects(desk) == ["delivered"] * 30 + ["dropped"] * 3
    assert (await desk.do("state", method="GET"))["counters"]["silent_drops"] == 3


async def test_each_receiver_has_a_minute_of_their_own(desk: Desk) -> None:
    for _ in range(30):
        await send(desk)
    await send(desk, "两位", "xiaomei|aqiang")

    assert "两位" not in await phone(desk)
    assert await phone(desk, "aqiang") == ["两位"]


async def test_after_the_minute_messages_arrive_again(desk: Desk) -> None:
    for _ in range(31):
        await send(desk, "早")
    await desk.do("clock", {"advance_s": 61})
    await send(desk, "晚")

    assert await phone(desk) == ["早"] * 30 + ["晚"]


async def test_the_minute_slides(desk: Desk) -> None:
    for content, seconds in (("一", 40), ("二", 30), ("三", 0)):
        for _ in range(20):
            await send(desk, content)
        await desk.do("clock", {"advance_s": seconds})

    assert [(await phone(desk)).count(content) for content in "一二三"] == [20, 10, 20]


async def test_the_thousandth_message_of_an_hour_is_the_last(desk: Desk) -> None:
    await desk.do("faults", {"silent_after": 5000}, method="PUT")
    for _ in range(1003):
        await send(desk)
    assert (await effects(desk)).count("dropped") == 3
    await desk.do("clock", {"advance_s": 3601})
    await send(desk, "下一小时")

    assert (await phone(desk))[-1] == "下一小时"


async def test_the_limit_can_be_lowered_for_a_demo(desk: Desk) -> None:
    await desk.do("faults", {"silent_after": 2}, method="PUT")
    for _ in range(4):
        await send(desk)
    assert len(await phone(desk)) == 2


async def test_the_same_request_twice_arrives_once(desk: Desk) -> None:
    for _ in range(3):
        await send(desk, **CHECKED)
    assert (await effects(desk), len(await phone(desk))) == (["delivered", "duplicate", "duplicate"], 1)


@pytest.mark.parametrize("other", [{"content": "再见"}, {"touser": "aqiang|xiaomei"}, {"safe": 1}])
async def test_another_request_is_no_duplicate(desk: Desk, other: dict[str, Any]) -> None:
    await send(desk, **CHECKED)
    await send(desk, **{**CHECKED, **other})
    assert len(await phone(desk)) == 2


async def test_without_the_check_the_same_arrives_as_often_as_it_is_sent(desk: Desk) -> None:
    unchecked: list[dict[str, Any]] = [{}, {}, {"enable_duplicate_check": 0}]
    for more in unchecked:
        await send(desk, **more)
    assert len(await phone(desk)) == 3


@pytest.mark.parametrize(("named", "lasts"), [(None, 1800), (60, 60), (4 * 3600, 4 * 3600), (9 * 3600, 4 * 3600)])
async def test_the_check_lasts_as_named_but_four_hours_at_most(desk: Desk, named: int | None, lasts: int) -> None:
    desk.sandbox.world.expires_in = 10 * 3600
    checked = {**CHECKED, "duplicate_check_interval": named} if named else CHECKED
    await send(desk, **checked)
    await desk.do("clock", {"advance_s": lasts - 5})
    await send(desk, **checked)
    assert len(await phone(desk)) == 1
    await desk.do("clock", {"advance_s": 6})
    await send(desk, **checked)
    assert len(await phone(desk)) == 2


@pytest.mark.parametrize(
    ("content", "arrives"),
    [("a" * 2048, "a" * 2048), ("a" * 2049, "a" * 2048), ("好" * 682, "好" * 682), ("好" * 683, "好" * 682),
     ("a" + "🎉" * 512, "a" + "🎉" * 511)],
    ids=["fits", "one byte over", "fits in characters of three bytes", "cut before a character", "cut before an emoji"],
)  # fmt: skip
async def test_a_text_is_cut_at_2048_bytes_between_characters(desk: Desk, content: str, arrives: str) -> None:
    await send(desk, content)
    assert await phone(desk) == [arrives]


async def test_markdown_is_cut_as_well(desk: Desk) -> None:
    await send(desk, msgtype="markdown", markdown={"content": "# " + "好" * 1000})
    (text,) = await phone(desk)
    assert 2045 < len(text.encode()) <= 2048


@pytest.mark.parametrize(
    ("touser", "invalid"),
    [("xiaomei", ""), ("xiaomei|ghost", "ghost"), ("Ghost|XIAOMEI|nobody", "ghost|nobody"), ("|xiaomei|", ""),
     ("@all", "")],
)  # fmt: skip
async def test_the_answer_names_whom_it_does_not_know_in_lower_case(desk: Desk, touser: str, invalid: str) -> None:
    answer = await send(desk, touser=touser)
    assert (answer["invaliduser"], answer["invalidparty"], answer["invalidtag"]) == (invalid, "", "")
    assert await phone(desk) == ["你好"]


async def test_all_means_every_guide(desk: Desk) -> None:
    await desk.do("guides", {"userid": "lina", "name": "丽娜"})
    await send(desk, touser="@all")
    assert [await phone(desk, userid) for userid in ("xiaomei", "aqiang", "lina")] == [["你好"]] * 3
