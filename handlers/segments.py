"""人群 segments: rules by name, set up by admins and store managers. A rule that is wrong is refused by its field, with
the remedy; who fits is asked by reads (console/segment_reads.py), never in the writer.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from scenarios.segment_words import Words
from scenarios.sight import sees_staff
from storage import segment_rule
from storage.segment_rule import Rule
from storage.segments import segments, shared
from storage.tables import Segment


class NewSegment(BaseModel):
    """人群. `rule` is checked by itself."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    rule: dict[str, Any]
    made_by: str = Field(default="api", max_length=64)


class Change(BaseModel):
    """What of a segment changes; what was frozen by it before stays as it was."""

    model_config = ConfigDict(extra="forbid")

    id: int
    name: str | None = Field(default=None, min_length=1, max_length=64)
    rule: dict[str, Any] | None = None
    by: str = Field(default="api", max_length=64)


class Ending(BaseModel):
    """Which segment is put away, and by whom."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", max_length=64)


def rule_of(turn: Turn, given: dict[str, Any]) -> Rule:
    """A rule as it was given. Raises Refused with the field and the remedy."""
    try:
        return segment_rule.read(given)
    except ValidationError as error:
        field, remedy = Words(turn.texts).wrong(error)
        raise Refused(422, "wrong_rule", remedy, f"rule.{field}" if field else "rule") from None


def near(turn: Turn, rule: Rule, field: str = "rule.within_store") -> Rule:
    """The rule, kept within the store of somebody who sees no further. Raises Refused for another store."""
    if turn.scope == "all" or turn.staff is None:
        return rule
    store = turn.staff.store_id
    if rule.within_store not in (None, store):
        refuse(turn, field, "segments/store_only", store=store)
    return rule.model_copy(update={"within_store": store})


def seen(turn: Turn, segment_id: int) -> Segment | None:
    """A segment that is there for the speaker: the brand's, or of their own store."""
    row = segments.one(turn.db, id=segment_id, archived_at=None)
    there = row is not None and (_own(turn, row) or shared(turn.db, row))
    return row if there else None


def _own(turn: Turn, row: Segment) -> bool:
    return sees_staff(turn, row.made_by, "segment.manage")


def new(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """A segment under a name that no other has."""
    given: NewSegment = read(turn, NewSegment, body)
    rule = near(turn, rule_of(turn, given.rule))
    _free(turn, given.name)
    row = Segment(id=turn.ids.next(), name=given.name, rule=rule.model_dump_json(exclude_defaults=True),
                  made_by=given.made_by, made_at=turn.now, archived_at=None)  # fmt: skip
    segments.add(turn.db, row)
    turn.audit(given.made_by, "segment.made", f"segment:{row.id}", name=row.name)
    return 201, {"id": row.id, "says": Words(turn.texts).rule(rule)}


def change(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Another name, another rule."""
    given: Change = read(turn, Change, body)
    row = _there(turn, given.id)
    rule = near(turn, rule_of(turn, given.rule)) if given.rule is not None else Rule.model_validate_json(row.rule)
    if given.name is not None and given.name != row.name:
        _free(turn, given.name)
    after = {"name": given.name or row.name, "rule": rule.model_dump_json(exclude_defaults=True)}
    if after != {"name": row.name, "rule": row.rule}:
        segments.change(turn.db, after, id=row.id)
        turn.audit(given.by, "segment.changed", f"segment:{row.id}", before={"name": row.name, "rule": row.rule},
                   after=after)  # fmt: skip
    return 200, {"id": row.id, "name": after["name"], "says": Words(turn.texts).rule(rule)}


def archive(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Put a segment away; its name is free again. Broadcasts keep the rule they were made with."""
    given: Ending = read(turn, Ending, body)
    row = segments.one(turn.db, id=given.id)
    if row is None or row.archived_at is None or not _own(turn, row):
        row = _there(turn, given.id)
    if segments.change(turn.db, {"archived_at": turn.now}, id=row.id, archived_at=None):
        turn.audit(given.by, "segment.archived", f"segment:{row.id}", name=row.name)
    return 200, {"id": row.id, "archived": True}


def _there(turn: Turn, segment_id: int) -> Segment:
    """A segment to change. Raises Refused: what is not there, or not theirs."""
    row = seen(turn, segment_id)
    if row is None:
        raise Refused(404, "not_found", turn.texts.render("segments/no_segment"))
    if not _own(turn, row):
        raise Refused(403, "forbidden", turn.texts.render("segments/not_yours"), "id")
    return row


def _free(turn: Turn, name: str) -> None:
    if segments.one(turn.db, name=name, archived_at=None) is not None:
        refuse(turn, "name", "segments/name_taken", name=name)


ACTS = {"segments": new, "segments/change": change, "segments/archive": archive}
