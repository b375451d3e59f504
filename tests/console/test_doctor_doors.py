"""The doctor's lines for the AI bot and the robots: none when off, the remedy when something is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from console.doctor_doors import examine_doors, missing_for_aibot
from console.serving import refuse_to_serve
from sandbox.app import Options, Sandbox
from tests.chaos.processes import free_port
from tests.doors.house import serving

GOOD_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


def settings(aibot: dict[str, Any] | None = None, webhook: dict[str, Any] | None = None) -> Settings:
    app = {"agent_id": 1, "secret": "s", "token": "t", "encoding_aes_key": GOOD_KEY}
    wecom = {"corp_id": "ww1", "app": app, "aibot": aibot or {}, "webhook": webhook or {}}
    return Settings.model_validate({**Settings().model_dump(), "wecom": wecom})


async def test_what_is_off_is_not_spoken_of() -> None:
    assert await examine_doors(settings()) == []
    assert refuse_to_serve(settings(), 1) == ""


@pytest.mark.parametrize(
    ("aibot", "said"),
    [
        ({"mode": "callback", "encoding_aes_key": GOOD_KEY}, "AIBOT__TOKEN"),
        ({"mode": "callback", "token": "t", "encoding_aes_key": GOOD_KEY[1:]}, "有 42 个字符"),
        ({"mode": "websocket", "secret": "s"}, "bot_id"),
        ({"mode": "websocket", "bot_id": "b"}, "AIBOT__SECRET"),
        ({"mode": "websocket", "bot_id": "b", "secret": "s", "ws_url": "https://x"}, "wss://"),
    ],
)
async def test_what_is_missing_is_named_and_stops_the_start(aibot: dict[str, Any], said: str) -> None:
    findings = await examine_doors(settings(aibot))

    assert [finding.ok for finding in findings] == [False]
    assert said in findings[0].says
    assert refuse_to_serve(settings(aibot), 1) == findings[0].says == missing_for_aibot(settings(aibot))[0]


async def test_a_good_callback_and_good_robots_pass() -> None:
    bot = {"mode": "callback", "token": "t", "encoding_aes_key": GOOD_KEY}
    findings = await examine_doors(settings(bot, {"alerts": "693a91f6-7aaa", "daily": "no key at all"}))

    assert [(finding.name, finding.ok) for finding in findings] == [
        ("智能机器人", True), ("素材", True), ("群机器人 alerts", True), ("群机器人 daily", False),
    ]  # fmt: skip


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    bot = {"mode": "callback", "token": "t", "encoding_aes_key": GOOD_KEY}
    for folder, good in ((tmp_path / "new" / "media", True), (tmp_path / "file" / "media", False)):
        chosen = settings(bot)
        chosen.media.folder = str(folder)
        found = (await examine_doors(chosen))[1]
        assert (found.name, found.ok) == ("素材", good)
        assert good or "media.folder" in found.says
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # looking makes nothing


async def test_looking_takes_the_connection_from_nobody() -> None:
    port = free_port()
    sandbox = Sandbox(Options(port=port))
    bot = {"mode": "websocket", "bot_id": "aib0sandbox", "secret": "s", "ws_url": f"ws://127.0.0.1:{port}/"}
    async with serving(sandbox.app(), port):
        reached = await examine_doors(settings(bot))
    away = await examine_doors(settings(bot))

    assert (reached[0].ok, away[0].ok) == (True, False)
    assert not any(entry["type"] == "frame" for entry in sandbox.journal.entries)
