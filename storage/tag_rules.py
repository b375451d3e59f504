"""标签规则: rules that tag by version, and their runs over all members."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import TagRule, TagRuleVersion, TagRun

RUNNING, PAUSED, ENDED = "running", "paused", "ended"
DONE, DROPPED = "done", "dropped"
BY = "tag_rule:"  # who put a tag on: the rule of this id

rules = Rows(TagRule)
versions = Rows(TagRuleVersion)
runs = Rows(TagRun)

_R: Any = TagRule.__table__  # type: ignore[attr-defined]
_U: Any = TagRun.__table__  # type: ignore[attr-defined]
_ANY = Sql(select(_R.c.id).where(_R.c.ended_at.is_(None), _R.c.status == RUNNING).limit(1))
_EVER = Sql(select(_R.c.id).limit(1))
_ADVANCE = Sql(
    update(_U)
    .where(_U.c.id == bindparam("of"), _U.c.status == RUNNING, _U.c.cursor == bindparam("after"))
    .values(
        cursor=bindparam("upto"), windows=_U.c.windows + 1,
        put=_U.c.put + bindparam("put_", type_=_U.c.put.type), off=_U.c.off + bindparam("off_", type_=_U.c.off.type),
    )
)  # fmt: skip


def in_order(db: Db) -> list[TagRule]:
    """The rules that have not ended, the first of an exclusive group first."""
    return sorted(rules.all(db, ended_at=None), key=lambda rule: (rule.group_name, rule.place, rule.id))


def any_running(db: Db) -> bool:
    """Whether a rule is at work."""
    return db.one(_ANY) is not None


def ever(db: Db) -> bool:
    """Whether there was ever a rule: what one has left behind is cleared up."""
    return db.one(_EVER) is not None


def of_tag(db: Db, group: str, name: str) -> TagRule | None:
    """The rule that puts a tag on."""
    return rules.one(db, group_name=group, name=name, ended_at=None)


def add(db: Db, rule: TagRule) -> None:
    """A new rule, with its first version."""
    rules.add(db, rule)
    _keep(db, rule, rule.made_by, rule.made_at)


def change(db: Db, rule: TagRule, values: dict[str, Any], by: str, now: datetime) -> bool:
    """What a rule says from now on: its next version. False when another change was faster."""
    after = rule.version + 1
    if not rules.change(db, {**values, "version": after, "changed_at": now}, id=rule.id, version=rule.version):
        return False
    for name, value in values.items():
        setattr(rule, name, value)
    rule.version = after
    _keep(db, rule, by, now)
    return True


def switch(db: Db, rule: TagRule, status: str, now: datetime) -> bool:
    """Pause, resume or end a rule; False when it stands otherwise meanwhile."""
    ended = now if status == ENDED else None
    values = {"status": status, "changed_at": now, "ended_at": ended}
    return rules.change(db, values, id=rule.id, status=rule.status) == 1


def rename(db: Db, before: tuple[str, str], after: tuple[str, str], now: datetime) -> None:
    """The tag of a rule is called otherwise; where another rule has that name already, this one ends."""
    rule = of_tag(db, *before)
    if rule is None:
        return
    if of_tag(db, *after) is not None:
        switch(db, rule, ENDED, now)
        return
    rules.change(db, {"group_name": after[0], "name": after[1], "changed_at": now}, id=rule.id)


def _keep(db: Db, rule: TagRule, by: str, now: datetime) -> None:
    versions.add(db, TagRuleVersion(
        rule_id=rule.id, version=rule.version, rule=rule.rule, days=rule.days, place=rule.place, made_by=by, made_at=now
    ))  # fmt: skip


# -- runs --------------------------------------------------------------------------------------------------------------


def begin(db: Db, row_id: int, name: str, now: datetime) -> TagRun | None:
    """A new walk, in the place of one that is still on its way; None when it began before."""
    if runs.one(db, name=name) is not None:
        return None
    runs.change(db, {"status": DROPPED, "ended_at": now}, status=RUNNING)
    run = TagRun(id=row_id, name=name, cursor=0, windows=0, put=0, off=0, status=RUNNING, began_at=now, ended_at=None)
    return runs.add(db, run)


def advance(db: Db, run: TagRun, upto: int, put: int, off: int) -> bool:
    """One more window is through; False when the walk was dropped, or another process was faster."""
    return db.run(_ADVANCE, of=run.id, after=run.cursor, upto=upto, put_=put, off_=off) == 1


def finish(db: Db, run: TagRun, now: datetime) -> bool:
    """Everybody was looked at."""
    return runs.change(db, {"status": DONE, "ended_at": now}, id=run.id, status=RUNNING) == 1
