"""标签规则的管理 tag_acts: what programs set up: groups, rules that tag, walks; and when rules are at work.

Play-neutral.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.events import TimerDue
from bot.router import Act, Refusal
from bot.turn import Turn
from scenarios import tag_catalogue, tag_sets, tag_walk
from scenarios.segment_words import Words
from scenarios.tag_sets import Rules
from scenarios.tag_words import LONGEST, allowed
from storage import segment_rule, tag_groups, tag_rules, tags
from storage.tables import TagGroup, TagRule
from storage.tag_rules import ENDED, PAUSED, RUNNING

START = "tagging.start"
MAY = "tag.manage"
Answer = dict[str, Any] | Refusal


class Body(BaseModel):
    """What is asked, and by whom; keys it does not know are refused."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="api", min_length=1, max_length=64)


class NewTag(Body):
    """A tag of the catalogue."""

    group: str = Field(min_length=1, max_length=LONGEST)
    name: str = Field(min_length=1, max_length=LONGEST)


class Group(Body):
    """标签组. `exclusive`: one tag of a member at most; `corp`: WeCom has it too. What is not said stays."""

    name: str = Field(min_length=1, max_length=LONGEST)
    exclusive: bool | None = None
    corp: bool | None = None


class NewRule(Body):
    """A rule. `rule` says who fits, as of segments; `days` 0: the tag stays while they fit; `exclusive` and `corp` are
    for a group that is not there yet."""

    group: str = Field(min_length=1, max_length=LONGEST)
    name: str = Field(min_length=1, max_length=LONGEST)
    rule: dict[str, Any]
    days: int = Field(default=0, ge=0, le=3650)
    place: int = Field(default=0, ge=0, le=10_000)
    exclusive: bool | None = None
    corp: bool | None = None


class Change(Body):
    """What of a rule changes."""

    id: int
    rule: dict[str, Any] | None = None
    days: int | None = Field(default=None, ge=0, le=3650)
    place: int | None = Field(default=None, ge=0, le=10_000)


class Which(Body):
    """Which rule."""

    id: int


def due(turn: Turn, event: TimerDue, rules: Rules) -> None:
    """The bot started, it is night, rules were changed, a window is next, somebody bought."""
    if event.name == START:
        tag_walk.measure(turn, rules)
        if tag_sets.install(turn, rules):
            tag_walk.soon(turn)
    elif event.name == tag_walk.NIGHT:
        tag_walk.night(turn, rules)
    elif event.name == tag_walk.ROUND:
        tag_walk.begin(turn, event.payload.get("name") or f"{event.at:%Y-%m-%dT%H:%M}")
    elif event.name == tag_walk.MORE:
        tag_walk.step(turn, event.payload["run"], event.payload["after"])
    elif event.name == tag_walk.ONE:
        tag_walk.look_at(turn, event.payload)
    elif event.name == tag_catalogue.WALK:
        tag_catalogue.walk(turn, event.payload)


def new_tag(turn: Turn, given: NewTag) -> Answer:
    """Make a tag, or open a closed one; one that is there stays."""
    if not allowed(given.group, given.name):
        return Refusal(422, "wrong_value", "tagging/wrong_name")
    if tags.make(turn.db, given.group, given.name, given.by, turn.now):
        tag_catalogue.ensure(turn, given.group, given.name)
        turn.audit(given.by, "tag.made", f"tag:{given.group}/{given.name}")
    return {"group": given.group, "name": given.name}


def group(turn: Turn, given: Group) -> Answer:
    """Set a group up, or otherwise."""
    if not allowed(given.name):
        return Refusal(422, "wrong_value", "tagging/wrong_name")
    there = tag_groups.of(turn.db, given.name)
    before = {"exclusive": bool(there and there.exclusive), "corp": there is None or bool(there.corp)}
    after = {"exclusive": _or(given.exclusive, before["exclusive"]), "corp": _or(given.corp, before["corp"])}
    if after["exclusive"] and not before["exclusive"] and tag_groups.used(turn.db, given.name):
        return Refusal(409, "in_use", "tagging/group_in_use", {"group": given.name})
    if there is None:
        tag_groups.make(turn.db, given.name, **after, by=given.by, now=turn.now)
    elif after != before:
        tag_groups.rows.change(turn.db, {name: int(value) for name, value in after.items()}, name=given.name)
    if there is None or after != before:
        turn.audit(given.by, "tag_group.set", f"tag_group:{given.name}", before=before, after=after)
    return {"name": given.name, **after}


def _or(given: bool | None, otherwise: bool) -> bool:
    return otherwise if given is None else given


def new(turn: Turn, given: NewRule) -> Answer:
    """A rule that is at work from its first walk on, a minute or two from now."""
    if not allowed(given.group, given.name):
        return Refusal(422, "wrong_value", "tagging/wrong_name")
    says = _says(turn, given.rule)
    if isinstance(says, Refusal):
        return says
    if tag_rules.of_tag(turn.db, given.group, given.name) is not None:
        return Refusal(409, "exists", "tagging/rule_exists", {"group": given.group, "tag": given.name})
    there = tag_groups.of(turn.db, given.group)
    if there is not None and not _as_said(there, given):
        return Refusal(409, "group_differs", "tagging/group_differs", {"group": given.group})
    if there is None and given.exclusive and tag_groups.used(turn.db, given.group):
        return Refusal(409, "in_use", "tagging/group_in_use", {"group": given.group})
    tag_groups.make(turn.db, given.group, exclusive=bool(given.exclusive), corp=bool(given.corp), by=given.by,
                    now=turn.now)  # fmt: skip
    row = TagRule(
        id=turn.ids.next(), group_name=given.group, name=given.name, rule=_kept(given.rule), days=given.days,
        place=given.place, status=RUNNING, version=1, origin="", made_by=given.by, made_at=turn.now,
        changed_at=turn.now, ended_at=None,
    )  # fmt: skip
    tag_rules.add(turn.db, row)
    tag_catalogue.ensure(turn, given.group, given.name)
    turn.audit(given.by, "tag_rule.made", f"tag_rule:{row.id}", tag=f"{given.group}/{given.name}", rule=given.rule,
               days=given.days)  # fmt: skip
    tag_walk.soon(turn)
    return {"id": row.id, "version": 1, "status": row.status, "says": says}


def _as_said(there: TagGroup, given: NewRule) -> bool:
    said = {"exclusive": given.exclusive, "corp": given.corp}
    return all(value is None or bool(getattr(there, name)) == value for name, value in said.items())


def _kept(rule: dict[str, Any]) -> str:
    return segment_rule.read(rule).model_dump_json(exclude_defaults=True)


def _says(turn: Turn, rule: dict[str, Any]) -> str | Refusal:
    """A rule in words, or what is wrong with it."""
    try:
        return Words(turn.texts).rule(segment_rule.read(rule))
    except ValidationError as error:
        field, remedy = Words(turn.texts).wrong(error)
        where = f"rule.{field}" if field else "rule"
        return Refusal(422, "wrong_rule", "tagging/wrong_rule", {"field": where, "remedy": remedy})


def change(turn: Turn, given: Change) -> Answer:
    """What a rule says from now on; its next walk holds it against everybody."""
    row = tag_rules.rules.one(turn.db, id=given.id, ended_at=None)
    if row is None:
        return Refusal(404, "not_found", "tagging/no_rule")
    says = _says(turn, given.rule) if given.rule is not None else ""
    if isinstance(says, Refusal):
        return says
    asked = {"rule": None if given.rule is None else _kept(given.rule), "days": given.days, "place": given.place}
    values = {name: value for name, value in asked.items() if value is not None and value != getattr(row, name)}
    if values:
        before = {name: getattr(row, name) for name in values}
        if not tag_rules.change(turn.db, row, values, given.by, turn.now):
            return Refusal(409, "changed", "tagging/rule_changed")
        turn.audit(given.by, "tag_rule.changed", f"tag_rule:{row.id}", before=before, after=values, version=row.version)
        tag_walk.soon(turn)
    return {"id": row.id, "version": row.version, "status": row.status,
            "says": says or Words(turn.texts).rule(segment_rule.read(row.rule))}  # fmt: skip


def _switch(status: str, action: str) -> Callable[[Turn, Which], Answer]:
    def step(turn: Turn, given: Which) -> Answer:
        row = tag_rules.rules.one(turn.db, id=given.id, ended_at=None)
        if row is None:
            return Refusal(404, "not_found", "tagging/no_rule")
        if status == ENDED and row.origin:
            return Refusal(409, "of_a_set", "tagging/of_a_set", {"set": row.origin})
        if row.status != status and tag_rules.switch(turn.db, row, status, turn.now):
            turn.audit(given.by, action, f"tag_rule:{row.id}", before=row.status)
            if status != PAUSED:
                tag_walk.soon(turn)
        return {"id": row.id, "version": row.version, "status": status}

    step.__name__ = action.replace(".", "_")
    return step


def run(turn: Turn, given: Body) -> Answer:
    """A walk now, in the place of one that is on its way."""
    name = f"{turn.now.isoformat()}"
    turn.audit(given.by, "tags.run", "tags")
    tag_walk.begin(turn, name)
    return {"run": name}


ACTS = {
    "tags": Act(NewTag, new_tag, may=MAY),
    "tag-groups": Act(Group, group, may=MAY),
    "tag-rules": Act(NewRule, new, may=MAY),
    "tag-rules/change": Act(Change, change, may=MAY),
    "tag-rules/pause": Act(Which, _switch(PAUSED, "tag_rule.paused"), may=MAY),
    "tag-rules/resume": Act(Which, _switch(RUNNING, "tag_rule.resumed"), may=MAY),
    "tag-rules/end": Act(Which, _switch(ENDED, "tag_rule.ended"), may=MAY),
    "tag-rules/run": Act(Body, run, may=MAY),
}
