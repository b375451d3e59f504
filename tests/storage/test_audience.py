"""The audience's counts follow its rows, and a row that came to its end stays there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from storage import audience, audience_freeze, consent, follows, members, oneid
from storage.audience import FAILED, LEFT, SENT, SUPPRESSED, TASKED
from storage.consent import IN, OUT, Said
from storage.db import Db
from storage.faults import Conflict
from storage.ids import Ids
from storage.rows import Rows
from storage.tables import Audience, Broadcast, BroadcastTask
from tests.storage.conftest import NOW

rows = Rows(Audience)


def said(db: Db, status: str, people: int = 0, **more: Any) -> Broadcast:
    """A broadcast of so many members, all still to be sent."""
    values: dict[str, Any] = {
        "id": 1, "name": "双11", "status": status, "channel": "contact", "topic": "marketing", "text": "今晚 8 点",
        "attachments": "[]", "segment_id": None, "rule": "{}", "senders": "[]", "scheduled_at": None, "made_by": "test",
        "made_at": NOW, "approved_by": "", "approved_at": None, "cursor": 0, "frozen_at": None, "total": people,
        "left": people, "suppressed": 0, "tasked": 0, "sent": 0, "failed": 0, "changed_at": NOW,
    }  # fmt: skip
    return audience.broadcasts.add(db, Broadcast(**(values | more)))


def broadcast(db: Db, people: int, userid: str = "lina") -> int:
    """A frozen audience of so many members, all still to be sent."""
    said(db, "sending", people, frozen_at=NOW, topic="service")
    for member_id in range(1, people + 1):
        rows.add(db, Audience(broadcast_id=1, member_id=member_id, external_userid=f"wm{member_id}", userid=userid,
                              status=LEFT, reason="", task_id=None, changed_at=NOW))  # fmt: skip
    return 1


def a_task(db: Db, task_id: int, size: int, **more: Any) -> None:
    """A task of lina's that WeCom has."""
    audience.tasks.add(db, BroadcastTask(
        id=task_id, broadcast_id=1, userid="lina", chunk=1, msgid=f"msg{task_id}", status="made", error="", size=size,
        reminded=0, reminded_at=None, made_at=NOW, confirmed_at=None, polled_at=None, outbox_id=0, **more,
    ))  # fmt: skip


def counts(db: Db) -> tuple[int, ...]:
    of = audience.broadcasts.one(db, id=1)
    assert of is not None
    return of.left, of.suppressed, of.tasked, of.sent, of.failed


def test_rows_move_with_the_counts_and_only_once(db: Db) -> None:
    broadcast(db, 5)
    assert audience.senders(db, 1) == [("lina", 5)]
    assert audience.next_of(db, 1, "lina", 2, 2) == [(3, "wm3"), (4, "wm4")]
    assert audience.move(db, 1, [5], LEFT, SUPPRESSED, NOW, reason="opted_out") == 1
    assert audience.move(db, 1, [1, 2, 3, 4, 5], LEFT, TASKED, NOW, task_id=7) == 4
    assert audience.move(db, 1, [1, 2], LEFT, TASKED, NOW, task_id=8) == 0
    assert counts(db) == (0, 1, 4, 0, 0)
    assert audience.open_tasks_of(db, 2) == [(1, 7)]

    assert audience.settle(db, 1, 7, ["wm1", "wm2", "wm5"], SENT, "", NOW) == 2
    assert audience.settle(db, 1, 7, ["wm1"], FAILED, "not_friend", NOW) == 0
    assert audience.settle(db, 1, 7, ["wm3"], FAILED, "not_friend", NOW) == 1
    assert audience.settle_rest(db, 1, 7, LEFT, "", NOW) == 1
    assert counts(db) == (1, 1, 0, 2, 1)
    assert audience.reasons(db, 1) == [(FAILED, "not_friend", 1), (SUPPRESSED, "opted_out", 1)]
    a_task(db, 7, 4, sent=2, failed=1)
    db.commit()


@pytest.mark.parametrize(("was", "to"), [(SENT, LEFT), (FAILED, SENT), (SUPPRESSED, TASKED), (LEFT, SENT)])
def test_no_row_goes_where_none_may_go(db: Db, was: str, to: str) -> None:
    broadcast(db, 1)
    with pytest.raises(ValueError, match="never goes"):
        audience.move(db, 1, [1], was, to, NOW)
    db.rollback()


def follow(db: Db, ids: Ids, name: str, userids: list[str]) -> int:
    """A member whom these guides follow, one after the other; the last is theirs."""
    person = members.create(db, ids, ("wecom", name), "test", NOW)
    for later, userid in enumerate(userids):
        follows.opened(db, ids, person, name, userid, "active", "", NOW + timedelta(hours=later))
    return person.id


def test_windows_freeze_everyone_once_with_exact_counts(db: Db, ids: Ids) -> None:
    whole = [follow(db, ids, f"wm{n}", ["wang", "lina"]) for n in range(5)]
    alone, refused = follow(db, ids, "wm5", []), follow(db, ids, "wm6", ["lina"])
    consent.record(db, ids, refused, Said(OUT, "member", "kf"), "test", NOW)
    oneid.merge(db, ids, whole[0], whole[1], "test", "test", NOW)
    frozen = said(db, "freezing")

    seen = []
    while not audience_freeze.window(db, frozen, 2, NOW):
        of = audience.broadcasts.one(db, id=1)
        assert of is not None
        assert of.total == of.left + of.suppressed == len(rows.all(db, order="member_id", broadcast_id=1))
        seen.append(of.cursor)
    assert len(seen) == len(set(seen)) == 4
    assert [(row.member_id, row.external_userid, row.userid, row.status, row.reason)
            for row in rows.all(db, order="member_id", broadcast_id=1)] == [
        (whole[0], "wm1", "lina", LEFT, ""), (whole[2], "wm2", "lina", LEFT, ""), (whole[3], "wm3", "lina", LEFT, ""),
        (whole[4], "wm4", "lina", LEFT, ""), (alone, "", "", SUPPRESSED, "no_guide"),
        (refused, "wm6", "lina", SUPPRESSED, "opted_out"),
    ]  # fmt: skip
    db.commit()


def test_a_freeze_that_was_stopped_or_overtaken_goes_no_further(db: Db, ids: Ids) -> None:
    for n in range(3):
        follow(db, ids, f"wm{n}", ["lina"])
    first = said(db, "freezing")
    second = audience.broadcasts.one(db, id=1)
    assert second is not None
    assert not audience_freeze.window(db, first, 2, NOW)
    with pytest.raises(Conflict):
        audience_freeze.window(db, second, 2, NOW)
    audience.broadcasts.change(db, {"status": "paused"}, id=1)
    with pytest.raises(Conflict):
        audience_freeze.window(db, first, 2, NOW)
    db.commit()


def test_only_the_chosen_send_and_only_who_said_yes_where_that_is_asked(db: Db, ids: Ids) -> None:
    yes, other = follow(db, ids, "wm1", ["wang", "lina"]), follow(db, ids, "wm2", ["wang"])
    consent.record(db, ids, yes, Said(IN, "member", "kf"), "test", NOW)
    frozen = said(db, "freezing", senders='["wang"]')
    audience_freeze.window(db, frozen, 10, NOW, require_opt_in=True)
    assert [(row.member_id, row.userid, row.reason) for row in rows.all(db, order="member_id", broadcast_id=1)] == [
        (yes, "wang", ""), (other, "wang", "no_consent")
    ]  # fmt: skip
    db.commit()


def test_reasons_are_counted_without_those_who_have_none(db: Db) -> None:
    """Asked of the planner: an index of the few, not a million rows, whatever the broadcast."""
    broadcast(db, 200)
    audience.move(db, 1, [3], LEFT, SUPPRESSED, NOW, reason="opted_out")
    db.commit()
    db.begin()
    plan = audience._REASONS.on(db.dialect)
    cursor = db.connection.cursor()
    cursor.execute(
        f"{'EXPLAIN QUERY PLAN' if db.dialect == 'sqlite' else 'EXPLAIN'} {plan.text}", plan.values({"of": 1})
    )

    assert "audience_reason" in " ".join(str(row) for row in cursor.fetchall())
    db.commit()


def test_a_row_that_may_not_be_undoes_the_whole_transaction(db: Db) -> None:
    """A statement over thousands of rows keeps nothing to undo it alone: who raises takes everything back."""
    broadcast(db, 3)
    db.commit()
    db.begin()
    audience.move(db, 1, [1], LEFT, SUPPRESSED, NOW, reason="opted_out")
    with pytest.raises(Exception, match="audience_status"):
        db.run(audience._MOVE, of=1, ids=[2, 3], was=LEFT, to="lost", why="", task=None, now=NOW)
    db.rollback()
    db.begin()
    assert counts(db) == (3, 0, 0, 0, 0)
    assert audience.senders(db, 1) == [("lina", 3)]
    assert audience.move(db, 1, [1], LEFT, SUPPRESSED, NOW, reason="opted_out") == 1
    db.commit()
