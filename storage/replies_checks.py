"""回复审计: the invariants of drafts; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from storage import tables
from storage.kf import SEND

t: Any = tables


def sent_oddly(_: datetime) -> Select[Any]:
    """What was sent has a message of its own; what was not has none."""
    d, o = t.Draft, t.Outbox
    carried = select(o.id).where(o.id == d.sent_row, o.call == SEND).correlate(d).exists()
    shared = select(d.sent_row).where(d.sent_row.is_not(None)).group_by(d.sent_row).having(func.count() > 1)
    return select(d.id, d.status, d.sent_row).where(
        or_(
            and_(d.status == "sent", ~carried),
            and_(d.status != "sent", d.sent_row.is_not(None)),
            d.sent_row.in_(shared),
        )
    )


def waits_for_nobody(_: datetime) -> Select[Any]:
    """A question that waits for a guide has one suggestion that the guide looks at."""
    c, d = t.Conversation, t.Draft
    same = and_(d.open_kfid == c.open_kfid, d.external_userid == c.external_userid, d.closed_at.is_(None))
    shown = select(func.count()).select_from(d).where(same).correlate(c).scalar_subquery()
    return select(c.open_kfid, c.external_userid, shown.label("drafts")).where(
        or_(shown > 1, and_(c.waits == "guide", shown == 0))
    )


REPLIES = (
    ("replies: what was sent has its one message", sent_oddly),
    ("replies: what waits for a guide is shown once", waits_for_nobody),
)
