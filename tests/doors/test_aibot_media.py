"""Pictures and files sent to the AI bot, in both modes: kept once, named by a code, or refused with the reason."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sections import Media
from console.media_reads import media
from console.refusals import Refused
from console.sight import Sight
from sandbox.aibot_media import _sample
from storage.checks import CHECKS
from storage.media import by_code
from tests.doors.house import House, standing

PNG, CSV = _sample("image"), "门店,人数\n南山🏬,3\n".encode()


@pytest.fixture(params=["callback", "websocket"])
async def house(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[House]:
    async with standing(database_url, request.param) as made:
        yield made
        with made.runtime.database.engine.connect() as connection:
            now = made.runtime.clock.now()
            assert [found for check in CHECKS for found in check.violations(connection, now)] == []


PAIRED = pytest.mark.parametrize(
    ("house", "database_url"),
    [("callback", "sqlite"), pytest.param("websocket", "postgresql", marks=pytest.mark.pg)],
    indirect=True,
)


async def sends(house: House, data: bytes | None = None, userid: str = "xiaomei", **more: Any) -> str:
    """Somebody sends a file; what the bot has to say about it in the end."""
    before = len(house.answers(userid))
    given = {} if data is None else {"data": base64.b64encode(data).decode()}
    await house.do("aibot/say", {"userid": userid, "msgtype": "image", "text": "", **given, **more})
    answers = await house.until(lambda: len(house.answers(userid)) == before + 2 and house.answers(userid))
    assert "正在取回" in answers[-2]["text"]
    return str(answers[-1]["text"])


def files(house: House) -> list[Path]:
    folder = Path(house.runtime.settings.media.folder)
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_picture_gets_a_code_and_the_same_one_again_gets_the_same(house: House) -> None:
    assert await sends(house, PNG) == "图片已收到，编号 P1。"
    assert await sends(house, CSV, msgtype="file") == "文件已收到，编号 P2。"
    assert await sends(house, PNG) == "图片之前收到过，编号还是 P1。"
    assert await sends(house, PNG, userid="aqiang") == "图片之前收到过，编号还是 P1。"

    assert sorted(path.read_bytes() for path in files(house)) == sorted([PNG, CSV])
    assert house.sandbox.world.guides["xiaomei"].inbox == []  # the app's chat stays quiet
    kept = await house.runtime.writer.call(lambda work: by_code(work.db, " p1 "))
    assert kept is not None
    assert (Path(house.runtime.settings.media.folder) / kept.path).read_bytes() == PNG


@PAIRED
async def test_what_is_kept_can_be_listed_by_whoever_may_see_it(house: House) -> None:
    await sends(house, PNG)
    await sends(house, CSV, msgtype="file", userid="aqiang")

    def seen(query: dict[str, str], sight: Sight | None = None) -> list[tuple[Any, ...]]:
        with house.runtime.database.engine.connect() as connection:
            items = media(connection, query, *([sight] if sight else []))["items"]
        return [(one["code"], one["kind"], [sender["userid"] for sender in one["senders"]]) for one in items]

    both = [("P2", "csv", ["aqiang"]), ("P1", "png", ["xiaomei"])]
    assert seen({}) == both
    assert seen({"code": "p2"}) == seen({"kind": "csv"}) == seen({"userid": "aqiang"}) == both[:1]
    assert seen({}, Sight("own", "xiaomei")) == both[1:]
    assert seen({"userid": "aqiang"}, Sight("own", "xiaomei")) == []
    for wrong in ({"code": "x"}, {"kind": "exe"}):
        with pytest.raises(Refused):
            seen(wrong)


@PAIRED
async def test_what_cannot_be_kept_says_why(house: House) -> None:
    for data, more, why in (
        (b"<svg onload='a()'>a,b</svg>", {}, "只收图片"), (CSV, {}, "只收图片"),
        (b"MZ\x90\x00,", {"msgtype": "file"}, "只收图片"), (PNG + b"\0" * (1 << 20), {}, "太大"),
        (None, {"url": "https://example.invalid/p"}, "不在允许的主机上"),
        (None, {"url": "http://127.0.0.1:1/p"}, "不在允许的主机上"), (None, old_link(house), "过了五分钟"),
    ):  # fmt: skip
        house.runtime.settings.media.most_mb = 1
        told = await sends(house, data, **more)
        assert told.startswith("没有收下：")
        assert why in told
    await house.say("", msgtype="video")
    answers = await house.until(lambda: len(house.answers()) == 15 and house.answers())
    assert "视频收不下" in answers[-1]["text"]
    assert files(house) == []


def old_link(house: House) -> dict[str, Any]:
    """A link whose five minutes are over."""
    door = house.sandbox.aibot
    link = door.media.link("image", {"data": base64.b64encode(PNG).decode()}, door.story.mode)
    house.sandbox.clock.advance(301)
    return link


@PAIRED
async def test_words_among_pictures_are_heard_and_the_pictures_kept(house: House) -> None:
    parts = [{"msgtype": "image", "data": base64.b64encode(PNG).decode()},
             {"msgtype": "text", "text": {"content": "@运营助手 帮助"}},
             {"msgtype": "image", "data": base64.b64encode(_sample("image")).decode()},
             {"msgtype": "image", "data": base64.b64encode(CSV).decode()}]  # fmt: skip
    await house.do("aibot/say", {"userid": "xiaomei", "chatid": "wrk1", "msgtype": "mixed", "mixed": parts})
    first, second = await house.until(lambda: len(house.answers("wrk1")) == 2 and house.answers("wrk1"))

    assert "渠道统计" in first["text"]
    assert second["text"].splitlines()[0] == "图片已收到，编号 P1。"
    assert second["text"].splitlines()[1] == "图片已收到，编号 P2。"
    assert second["text"].splitlines()[2].startswith("没有收下")


@pytest.mark.parametrize(("house", "database_url"), [("callback", "sqlite")], indirect=True)
async def test_a_repeated_callback_fetches_nothing_twice(house: House) -> None:
    house.sandbox.faults.put({"callback": {"duplicate": 1.0}})
    await sends(house, PNG)
    await house.until(lambda: not house.rows("SELECT id FROM outbox WHERE done_at IS NULL"))
    assert house.rows("SELECT count(*) FROM outbox WHERE call = 'media/fetch'")[0][0] == 1


def test_a_wrong_network_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="networks"):
        Media(networks=["10.0.0.0/99"])
