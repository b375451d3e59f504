"""对照 mutants: starts the real bot with ONE guard taken out, to prove that the checker would see it missing.

`python -m tests.chaos.mutants NAME AHEAD_S serve`: NAME is a guard or `none`, AHEAD_S shifts the bot's clock. All of
it is done from outside, by patching: the product has no hook for it. Pauses make windows that a crash would meet once
in a thousand kills wide enough for a short run; a guard that stands makes them harmless.
"""

from __future__ import annotations

import asyncio
import contextlib
import runpy
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from bot import batch, clock, writer
from storage import grants, inbox, outbox
from storage.db import Db
from storage.engine import Database
from storage.sql import Sql
from storage.tables import Grant, Inbox

ROOT = Path(__file__).parents[2]
WINDOW_S = 0.05


def _open_table(table: str, constraint: str) -> None:
    """Take a unique key off a table before the bot opens it."""
    opened = Database.writer_db

    def without(self: Database) -> Db:
        with self.engine.begin() as connection:
            if self.dialect == "postgresql":
                connection.execute(text(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS {constraint}'))
            else:
                for statement in (
                    f'CREATE TABLE "{table}_bare" AS SELECT * FROM "{table}"',
                    f'DROP TABLE "{table}"',
                    f'ALTER TABLE "{table}_bare" RENAME TO "{table}"',
                ):
                    connection.execute(text(statement))
        return opened(self)

    Database.writer_db = without  # type: ignore[method-assign]


def inbox_unique() -> None:
    """The same event may be stored, and run, any number of times."""
    _open_table("inbox", "inbox_key")
    nothing = Inbox.__table__.c  # type: ignore[attr-defined]
    none = Sql(select(nothing.key, nothing.answer).where(nothing.id < 0))
    inbox.asking = lambda keys: (none, {})


def grant_key() -> None:
    """The same right may be used any number of times."""
    _open_table("grant", "grant_key")
    grants.used = lambda *_: False
    nothing = Grant.__table__.c.id  # type: ignore[attr-defined]
    grants._FIND = Sql(select(nothing).where(nothing < 0))


def outbox_outside_tx() -> None:
    """What is owed is written after the commit, by a transaction of its own."""
    begin, commit, rollback, add = Db.begin, Db.commit, Db.rollback, outbox.add
    databases: list[Database] = []
    opened = Database.writer_db
    late: list[Any] = []

    def remember(self: Database) -> Db:
        databases.append(self)
        return opened(self)

    def keep(db: Db, call: Any) -> None:
        late.append(call)
        db.touched["outbox"] = db.touched.get("outbox", 0) + 1

    def commit_then_owe(self: Db) -> None:
        commit(self)
        rows, late[:] = list(late), []
        if not rows:
            return
        time.sleep(WINDOW_S)
        other = opened(databases[-1])
        begin(other)
        for row in rows:
            add(other, row)
        commit(other)
        other.close()

    def forget(self: Db) -> None:
        late.clear()
        rollback(self)

    Database.writer_db = remember  # type: ignore[method-assign]
    Db.commit, Db.rollback = commit_then_owe, forget  # type: ignore[method-assign]
    outbox.add = keep


def ack_before_commit() -> None:
    """WeCom is answered as soon as an event is queued; it will not send it again."""
    commit, tasks = Db.commit, set()

    def slow_commit(self: Db) -> None:
        time.sleep(WINDOW_S)
        commit(self)

    async def answer_at_once(self: writer.Writer, event: Any) -> None:
        task = asyncio.create_task(self._submit(batch.Job(event)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    Db.commit = slow_commit  # type: ignore[method-assign]
    writer.Writer.accept = answer_at_once  # type: ignore[method-assign]


GUARDS: dict[str, Callable[[], None]] = {
    guard.__name__: guard for guard in (inbox_unique, grant_key, outbox_outside_tx, ack_before_commit)
}


def _ahead(seconds: float) -> None:
    """The bot's clock runs ahead, as the sandbox's does."""
    made = clock.SystemClock.__init__

    def shifted(self: clock.SystemClock) -> None:
        made(self)
        self.offset = timedelta(seconds=seconds)

    clock.SystemClock.__init__ = shifted  # type: ignore[method-assign]


def main(name: str, ahead_s: str, *words: str) -> None:
    """Patch, then run the real command line."""
    if float(ahead_s):
        _ahead(float(ahead_s))
    if name != "none" and words[:1] == ("serve",):
        GUARDS[name]()
    sys.argv = ["run.py", *words]
    sys.path.insert(0, str(ROOT))
    with contextlib.suppress(KeyboardInterrupt):
        runpy.run_path(str(ROOT / "run.py"), run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
