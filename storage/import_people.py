"""导入的会员资料: birthdays, custom fields and consent of an import's lines, set by set.

What members told us stays: a birthday fills what was empty. A custom field is the brand's own and follows the newest
file. A refusal in a file counts; a yes counts only for who never said anything, so no old file brings back marketing
to somebody who refused it since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, literal, null, or_, select, update

from storage.consent import IN, MARKETING, OUT
from storage.db import Db
from storage.segment_sql import table_of
from storage.sql import Sql
from storage.tables import Consent, ConsentAct, ImportField, ImportRow, MemberField, MemberProfile, Touch

_R, _F, _P, _V = map(table_of, (ImportRow, ImportField, MemberProfile, MemberField))
_C, _A, _T = map(table_of, (Consent, ConsentAct, Touch))
CONSENT = 6  # which of a line's ids is its word of consent (see storage.imports)
_MINE = _R.c.run_id == bindparam("run")
_NOW = bindparam("now", type_=_P.c.changed_at.type)
_SOURCE = literal("import")
_BORN = (_MINE, _R.c.birthday != "")
_THERE = select(_P.c.member_id).where(_P.c.member_id == _R.c.member_id).exists()
_OWN = select(_R.c.member_id).where(*_BORN, _R.c.member_id == _P.c.member_id)
_PROFILES = [
    Sql(
        insert(_P).from_select(
            ["member_id", "birthday", "birth_year", "zone", "source", "changed_at"],
            select(_R.c.member_id, _R.c.birthday, _R.c.birth_year, null(), _SOURCE, _NOW).where(*_BORN, ~_THERE),
        )
    ),
    Sql(
        update(_P)
        .where(_P.c.birthday.is_(None), _OWN.exists())
        .values(
            birthday=_OWN.with_only_columns(_R.c.birthday).scalar_subquery(),
            birth_year=_OWN.with_only_columns(_R.c.birth_year).scalar_subquery(),
            changed_at=_NOW,
        )
    ),
]
_LINES = _R.join(_F, and_(_F.c.run_id == _R.c.run_id, _F.c.line == _R.c.line))
_SAID_NOW = select(_R.c.member_id).select_from(_LINES).where(
    _MINE, _R.c.member_id == _V.c.member_id, _F.c.name == _V.c.name
)  # fmt: skip
_FIELDS = [
    Sql(delete(_V).where(_SAID_NOW.exists())),
    Sql(
        insert(_V).from_select(
            ["member_id", "name", "value", "source", "changed_at"],
            select(_R.c.member_id, _F.c.name, _F.c.value, _SOURCE, _NOW).select_from(_LINES).where(_MINE),
        )
    ),
]


def _stands(state: str | None) -> Any:
    said = select(_C.c.member_id).where(_C.c.member_id == _R.c.member_id, _C.c.topic == MARKETING)
    return (said if state is None else said.where(_C.c.state == state)).exists()


_NEWS = (_MINE, or_(and_(_R.c.consent == OUT, ~_stands(OUT)), and_(_R.c.consent == IN, ~_stands(None))))
_ACT = _R.c.base_id + literal(CONSENT, _R.c.base_id.type)
_LAST = select(func.coalesce(func.max(_T.c.seq), 0)).where(_T.c.member_id == _R.c.member_id).scalar_subquery()
_ZERO = literal(0, _T.c.seq.type)
_CHANGED = select(_ACT).where(_MINE, _R.c.consent == OUT, _R.c.member_id == _C.c.member_id)
_CONSENT = [
    Sql(
        insert(_A).from_select(
            [column.name for column in _A.columns],
            select(_ACT, _R.c.member_id, literal(MARKETING), _R.c.consent, _SOURCE, _SOURCE, literal(""),
                   bindparam("cause", type_=_A.c.cause.type), _NOW).where(*_NEWS),
        )
    ),
    Sql(
        insert(_T).from_select(
            [column.name for column in _T.columns],
            select(_R.c.member_id, _LAST + 1, _R.c.consent, literal(MARKETING),
                   literal("consent:") + _ACT.cast(_T.c.source.type), _ZERO, _ZERO, _ZERO, _NOW, null(), null())
            .where(*_NEWS),
        )
    ),
    Sql(
        update(_C)
        .where(_C.c.state == IN, _C.c.topic == MARKETING, _CHANGED.exists())
        .values(state=OUT, act_id=_CHANGED.scalar_subquery(), changed_at=_NOW)
    ),
    Sql(
        insert(_C).from_select(
            ["member_id", "topic", "state", "act_id", "changed_at"],
            select(_R.c.member_id, literal(MARKETING), _R.c.consent, _ACT, _NOW)
            .where(_MINE, _R.c.consent != "", ~_stands(None)),
        )
    ),
]  # fmt: skip


def take_in(db: Db, run_id: int, now: datetime) -> None:
    """Enter what an import's lines say of their members."""
    for sql in (*_PROFILES, *_FIELDS, *_CONSENT):
        db.run(sql, run=run_id, now=now, cause=f"import:{run_id}")
