"""Whatever can be asked of the bot is in the tests that walk through all of it: nothing is let in unlooked at."""

from __future__ import annotations

import re

from sqlalchemy import CheckConstraint

from bot.router import load_plays
from bot.settings import Settings
from console.routes import POSTS, READS, SPECIAL, parted
from handlers import admin, policy
from handlers.plays import Plays
from storage import tables
from tests.console.acts import STORY
from tests.console.everybody import every_play
from tests.console.objects import TOUCHED, VISIBLE

VALUE = re.compile(r".*_fen|amount|points|remaining|reserved|taken|total|stock|held|paid|size|seats")
# Staged lines are checked before they enter the books; statistics are sums of what is checked elsewhere.
COUNTED_ELSEWHERE = {"import_row", "member_stats"}


def plays() -> Plays:
    """As config.toml has them, and those that it leaves off."""
    return Plays(load_plays(every_play(), Settings().play_tables))


def test_every_act_has_a_route_and_a_line_in_the_story() -> None:
    acts = {*admin.ACTS, *plays().acts}
    assert acts == set(POSTS.values())
    assert acts == set(STORY), "tests/console/acts.py: how is it asked for?"


def test_every_read_of_a_part_is_looked_at() -> None:
    parts = {path for path, reading in READS.items() if parted(reading)}
    assert set(VISIBLE) - {path for _, path in SPECIAL} == parts, "tests/console/objects.py: whose is it?"


def test_every_act_on_a_part_is_looked_at() -> None:
    there = plays()
    parts = {act for act in POSTS.values() if admin.scoped(act, there)}
    assert set(TOUCHED) == parts, "tests/console/objects.py: on whose?"


def test_every_permission_is_of_use_or_planned() -> None:
    """A name that was mistyped would be a row of its own."""
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", may) for may in policy.TABLE)


def test_no_column_of_money_or_stock_is_without_a_guard() -> None:
    bare = []
    for table in [getattr(tables, name).__table__ for name in tables.__all__]:
        guards = " ".join(str(c.sqltext) for c in table.constraints if isinstance(c, CheckConstraint))
        bare += [
            f"{table.name}.{column.name}"
            for column in table.columns
            if VALUE.fullmatch(column.name) and not re.search(rf"\b{column.name}\b", guards)
            and table.name not in COUNTED_ELSEWHERE
        ]  # fmt: skip
    assert bare == []
