"""素材清理: old files that nothing names go, with their rows; whatever is used, sent again or the newest stays."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.events import TimerDue
from bot.media_sweep import SWEEP, MediaSweep
from bot.sections import Media
from storage import media, tables
from tests.fakes import Bot
from tests.rows import put


async def keep(bot: Bot, folder: Path, name: str, userid: str = "lina") -> Path:
    """Somebody sends a file."""
    data = name.encode()
    digest = hashlib.sha256(data).hexdigest()
    file = folder / digest[:2] / f"{digest}.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(data)
    at = bot.clock.now().timestamp()
    os.utime(file, (at, at))
    found: dict[str, Any] = {"sha256": digest, "kind": "csv", "size": len(data), "width": 0, "height": 0,
                             "path": f"{digest[:2]}/{digest}.csv"}  # fmt: skip
    await bot.writer.call(lambda work: media.keep(work.db, work.ids, found, userid, "e", work.now))
    return file


async def sweep(bot: Bot, folder: Path, days: int = 180) -> None:
    """The night comes, and what it owes is done."""
    bot.delivery._senders |= MediaSweep(Media(folder=str(folder), keep_days=days), bot.writer, bot.clock).table()
    key = f"timer:{next(bot.numbers)}"
    await bot.writer.accept(TimerDue(key=key, source="timer", at=bot.clock.now(), timer_id=1, name=SWEEP, payload={}))
    await bot.deliver()


def codes(bot: Bot) -> list[int]:
    return [row[0] for row in bot.rows("SELECT seq FROM media ORDER BY seq")]


async def test_old_files_that_nothing_names_go(bot: Bot, tmp_path: Path) -> None:
    names = ("gone", "in a broadcast", "in the knowledge", "sent again", "P1 is not P15")
    gone, used, told, again, _ = [await keep(bot, tmp_path, name) for name in names]
    with bot.database.engine.begin() as connection:
        draft = {"id": 900, "status": "drafted", "channel": "contact", "rule": "{}", "senders": "[]", "chat_ids": "[]"}
        put(connection, tables.Broadcast, **draft, attachments='[{"msgtype": "file", "file": {"code": "p2"}}]')
        put(connection, tables.KnowledgeChunk, id=901, article_id=902, text="菜单见 P3，不是 P15")
    bot.clock.advance(timedelta(days=181).total_seconds())
    await keep(bot, tmp_path, "sent again")
    await sweep(bot, tmp_path)

    assert codes(bot) == [2, 3, 4, 5]  # the newest keeps its number from being given twice
    assert [file.exists() for file in (gone, used, told, again)] == [False, True, True, True]
    assert bot.count("media_sender") == 4
    assert bot.count("audit_log", "action = 'media.swept'") == 1
    await sweep(bot, tmp_path)
    assert codes(bot) == [2, 3, 4, 5]
    with bot.database.engine.begin() as connection:
        for table in ("broadcast", "knowledge_chunk"):
            connection.exec_driver_sql(f"DELETE FROM {table}")


async def test_nothing_goes_before_its_time_or_when_all_is_kept(bot: Bot, tmp_path: Path) -> None:
    await keep(bot, tmp_path, "a")
    await keep(bot, tmp_path, "b")
    bot.clock.advance(timedelta(days=179).total_seconds())
    await sweep(bot, tmp_path)
    bot.clock.advance(timedelta(days=9_000).total_seconds())
    await sweep(bot, tmp_path, days=0)
    assert codes(bot) == [1, 2]
    await sweep(bot, tmp_path)
    assert codes(bot) == [2]


async def test_a_file_put_away_again_in_this_very_moment_stays(bot: Bot, tmp_path: Path) -> None:
    """Its row goes, and comes back with the message that brought it."""
    file = await keep(bot, tmp_path, "a")
    await keep(bot, tmp_path, "b")
    bot.clock.advance(timedelta(days=181).total_seconds())
    at = bot.clock.now().timestamp()
    os.utime(file, (at, at))
    await sweep(bot, tmp_path)

    assert (codes(bot), file.exists()) == ([2], True)
