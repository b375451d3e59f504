"""双生 twins: two houses that hear the same words at the same time with the same dice. One has a model that answers
whatever it is made to, the other has none. Whatever is kept beyond words must be the same in both."""

from __future__ import annotations

import asyncio
import contextlib
import re
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import text

from bot.sections import Llm
from bot.settings import load
from bot.texts import Texts
from storage.engine import Database
from tests.bot.model.vendor import Vendor, section, vendor
from tests.files import sqlite_in
from tests.kf import DESK, Desk, start_desk
from tests.machines.twin_scenes import GUIDE, furnish
from tests.postgres import SCHEMA_FREE, postgres_url

FIRST_ID = 9_000_000_000_000  # no price, no stock and no clock here is such a number: an id is known by its size
_ID = re.compile(r"(?<![0-9])9[0-9]{12}(?![0-9])")

# What a model may change, and why that is no more than words. Everything else must be the same in both houses.
WORDS = {
    "inbox": "events, among them the model's answers",
    "audit_link": "the chain over the audit",
    "audit_head": "its head",
    "sequence": "numbers of rows, words among them",
    "dialogue": "the choices shown last: a miss shows some, a model's answer none",
    "card": "cards of guides: drafts with their buttons",
    "draft": "suggested words, read by a guide before they are said",
    "conversation": "where a talk stands: what was asked last, who is waited for",
    "kf_session": "who has the talk: a model may call for people, as the member may (转人工)",
    "kf_account": "how far the log of an account was read",
    "question": "what nobody could answer: a model that answers makes it shorter",
    "model_call": "the model's own calls and tokens",
}
ONLY: dict[str, str] = {  # of these tables the rest is compared
    "stock": "name NOT LIKE 'model:%'",  # the model's budget of tokens
    "timer": "name NOT IN ('reply_quiet', 'reply_waits', 'reply_model')",  # when a talk is looked at again
    "audit_log": "action NOT LIKE 'reply.%'",  # that words were refused, or a draft was sent by a guide
    "guide_task": "kind <> 'wanted' AND kind <> 'reply'",  # that people are wanted: a hand-over's own task
    "outbox": "call NOT LIKE 'kf/%' AND call NOT IN ('message/send', 'message/update_template_card', 'model/chat')",
    # ^ words, who has a talk, how far its log was read; refunds, tags, groups, codes and every other call are compared
}  # fmt: skip
UNTOLD = {"outbox": {"error", "lease_until", "done_at", "attempts", "faults", "not_before"}}
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
}


def digest(database: Database) -> dict[str, Counter[tuple[Any, ...]]]:
    """Every row beyond words, with ids called by their table and place: `coupon#2`, whatever the number is."""
    found: dict[str, tuple[list[str], list[Any]]] = {}
    with database.engine.connect() as connection:
        for (name,) in connection.execute(text(_TABLES[database.dialect])).all():
            if name in WORDS or name == "alembic_version" or name.startswith("knowledge"):
                continue
            where = f" WHERE {ONLY[name]}" if name in ONLY else ""
            selected = connection.execute(text(f'SELECT * FROM "{name}"{where}'))
            found[name] = list(selected.keys()), list(selected.all())
    called: dict[int, str] = {}
    for name, (keys, rows) in found.items():
        if "id" in keys:
            ids = sorted(row[keys.index("id")] for row in rows)
            called |= {number: f"{name}#{place}" for place, number in enumerate(ids) if number >= FIRST_ID}
    return {
        name: Counter(
            tuple(_called(value, called) for key, value in zip(keys, row, strict=True)
                  if key not in UNTOLD.get(name, ()))
            for row in rows
        )
        for name, (keys, rows) in found.items()
    }  # fmt: skip


def _called(value: Any, called: dict[int, str]) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return called.get(value, value)
    if isinstance(value, str):
        return _ID.sub(lambda match: called.get(int(match[0]), match[0]), value)
    return value


def differences(one: Database, other: Database) -> list[str]:
    """What one house keeps and the other does not."""
    left, right = digest(one), digest(other)
    return [
        f"{name}: {sign}{row}"
        for name in sorted(left)
        for sign, rows in (("+", left[name] - right[name]), ("-", right[name] - left[name]))
        for row in rows
    ]  # fmt: skip


def said_in_dialogue(database: Database) -> list[Any]:
    """The choices that numbers mean now, ids by place: a number means the same where these are the same."""
    with database.engine.connect() as connection:
        rows = connection.execute(text("SELECT channel, external_id, choices FROM dialogue ORDER BY 1, 2")).all()
    return [tuple(_ID.sub("id", str(value)) for value in row) for row in rows]


class Twins:
    """Both houses on a loop of their own; `hostile` has the model, `plain` has none."""

    def __init__(self, kind: str, mode: str) -> None:
        self._runner = asyncio.Runner()
        self._stack = contextlib.AsyncExitStack()
        self.kind, self.numbers = kind, 0
        self.model: Vendor
        self.hostile: Desk
        self.plain: Desk
        self.run(self._open(mode))

    def run(self, act: Any) -> Any:
        """Something that takes time, to its end."""
        return self._runner.run(act)

    def close(self) -> None:
        """Both houses end; the books of each are looked at."""
        try:
            self.run(self._stack.aclose())
        finally:
            self._runner.close()

    async def _open(self, mode: str) -> None:
        settings = load(Texts(), environ={})
        plays = {name: settings.play_tables.get(name, {}) for name in settings.plays if name != "sign_up"}
        plays["replies"] = {**plays["replies"], "mode": mode}
        self._stack.enter_context(mock.patch("bot.model.gateway.PAUSE_S", 0.0))  # nobody here needs a rest
        self.model = await self._stack.enter_async_context(vendor())
        llm = section(
            self.model.url, deadline_s=60, breaker_failures=100, daily_tokens=10**9, member_daily_tokens=10**8
        )
        self.hostile = await self._house(plays, llm)
        self.plain = await self._house(plays, None)

    async def _house(self, plays: dict[str, Any], llm: Llm | None) -> Desk:
        url = self._stack.enter_context(_database(self.kind))
        database = Database(url)
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE sequence SET next = :first WHERE name = 'id'"), {"first": FIRST_ID})
        database.close()
        desk = await self._stack.enter_async_context(start_desk(url, plays, cards=True, llm=llm))
        desk.kf.servicers = {GUIDE: 0}
        await furnish(desk)
        return desk

    # -- what happens in both ------------------------------------------------------------------------------------------

    def both(self, act: Callable[[Desk], Awaitable[Any]]) -> None:
        """The same in one house and in the other, a minute later; then every talk is the bot's again."""

        async def run() -> None:
            for desk in (self.hostile, self.plain):
                await act(desk)
            await self._quiet()

        self.run(run())

    def only_hostile(self, act: Callable[[Desk], Awaitable[Any]]) -> None:
        """In the house with the model alone: what is done there may be words and nothing else."""

        async def run() -> None:
            await act(self.hostile)
            await self._quiet()

        self.run(run())

    async def _quiet(self) -> None:
        """A minute goes by; people end the talks that either house gave them, so that the bot hears the next words."""
        houses = (self.hostile, self.plain)
        for desk in houses:
            await desk.passes(minutes=1)
            await desk.bot.deliver()
        taken = sorted({pair for desk in houses for pair, state in desk.kf.state.items() if state})
        for desk in houses:
            for open_kfid, who in taken:
                desk.kf.state.pop((open_kfid, who), None)
                desk.kf.happens("session_status_change", external_userid=who, change_type=3)
            await desk.settles(DESK)
        assert self.hostile.bot.clock.now() == self.plain.bot.clock.now()

    def differences(self) -> list[str]:
        """What the model did beyond words."""
        return differences(self.hostile.bot.database, self.plain.bot.database)

    # -- what there is -------------------------------------------------------------------------------------------------

    def one(self, sql: str) -> str:
        """The newest of something, as it is called."""
        rows = self.hostile.bot.rows(sql)
        return str(rows[0][0]) if rows else "AAAA-BBBB-CCCC-DDDD"

    def filled(self, words: str) -> str:
        """Words with what exists put in."""
        for name, sql in EXISTING.items():
            if f"{{{name}}}" in words:
                words = words.replace(f"{{{name}}}", self.one(sql))
        return words


EXISTING = {
    "coupon": "SELECT code FROM coupon ORDER BY id DESC LIMIT 1",
    "checkout": "SELECT code FROM checkout ORDER BY id DESC LIMIT 1",
    "bargain": "SELECT code FROM bargain ORDER BY id DESC LIMIT 1",
    "team": "SELECT code FROM team ORDER BY id DESC LIMIT 1",
    "invite": "SELECT code FROM referral_code ORDER BY member_id DESC LIMIT 1",
    "member": "SELECT id FROM member ORDER BY id LIMIT 1",
    "draft": "SELECT id FROM draft ORDER BY id DESC LIMIT 1",
}


@contextlib.contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="siyu-twin-") as folder:
            yield sqlite_in(Path(folder))
    else:
        with SCHEMA_FREE.migrated() as name:
            yield postgres_url(name)
