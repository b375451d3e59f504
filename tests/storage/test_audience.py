"""The audience's counts follow its rows, and a row that came to its end stays there."""

from __future__ import annotations

import pytest

from storage import audience
from storage.audience import FAILED, LEFT, SENT, SUPPRESSED, TASKED
from storage.db import Db
from storage.rows import Rows
from storage.tables import Audience, Broadcast
from tests.storage.conftest import NOW

rows = Rows(Audience)


def broadcast(db: Db, people: int, userid: str = "lina") -> int:
    """A broadcast of so many members, all still to be sent."""
    audience.broadcasts.add(db, Broadcast(
        id=1, name="双11", status="sending", channel="contact", topic="marketing", text="今晚 8 点", attachments="[]",
        segment_id=None, rule="{}", senders="[]", scheduled_at=None, made_by="test", made_at=NOW, approved_by="",
        approved_at=None, cursor=people, frozen_at=NOW, total=people, left=people, suppressed=0, tasked=0, sent=0,
        failed=0, changed_at=NOW,
    ))  # fmt: skip
    for member_id in range(1, people + 1):
        rows.add(db, Audience(broadcast_id=1, member_id=member_id, external_userid=f"wm{member_id}", userid=userid,
                              status=LEFT, reason="", task_id=None, changed_at=NOW))  # fmt: skip
    return 1


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
    assert audience.reasons(db, 1) == [
        (FAILED, "not_friend", 1), (LEFT, "", 1), (SENT, "", 2), (SUPPRESSED, "opted_out", 1)
    ]  # fmt: skip
    db.commit()


@pytest.mark.parametrize(("was", "to"), [(SENT, LEFT), (FAILED, SENT), (SUPPRESSED, TASKED), (LEFT, SENT)])
def test_no_row_goes_where_none_may_go(db: Db, was: str, to: str) -> None:
    broadcast(db, 1)
    with pytest.raises(ValueError, match="never goes"):
        audience.move(db, 1, [1], was, to, NOW)
    db.rollback()
