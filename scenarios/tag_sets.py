"""现成的规则集 tag_sets: sets of tag rules from files, on by one word in config; read once, at the start.

A file is `scenarios/tag_sets/<name>.toml`, or lies in the folder that [scenarios.tagging] names. It lists `tags`, each
with its rule, or `rows` and `columns` whose every pair makes one. Play-neutral.
"""

from __future__ import annotations

import json
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bot.turn import Turn
from scenarios.tag_words import LONGEST, allowed
from storage import segment_rule, tag_groups, tag_rules
from storage.segment_rule import F_ORDERS, M_FEN, R_DAYS
from storage.tables import TagRule
from storage.tag_rules import ENDED, RUNNING

FOLDER = Path(__file__).with_name("tag_sets")
Edges = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=4, max_length=4)]


class Part(BaseModel):
    """A table of the file; keys it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


class Piece(Part):
    """A tag, or one half of its name and of its rule."""

    name: str = Field(min_length=1, max_length=LONGEST)
    rule: dict[str, Any]


class TagSet(Part):
    """A set: a group with its tags. `days` as of rules; `exclusive` and `corp`: of a group that is not there yet."""

    title: str = Field(min_length=1, max_length=40)
    group: str = Field(min_length=1, max_length=LONGEST)
    exclusive: bool = True
    corp: bool = False
    days: int = Field(default=0, ge=0, le=3650)
    joined_by: str = "·"
    tags: list[Piece] = Field(default=[], max_length=100)
    rows: list[Piece] = Field(default=[], max_length=20)
    columns: list[Piece] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _whole(self) -> TagSet:
        if bool(self.tags) == bool(self.rows and self.columns):
            raise ValueError("tags, or rows and columns: one of the two")
        for name, rule in self.made.items():
            if not allowed(self.group, name):
                raise ValueError(f"{name}: at most {LONGEST} characters, without , / ; +")
            try:
                segment_rule.read(rule)
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"{name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        return self

    @cached_property
    def made(self) -> dict[str, str]:
        """The rule of each tag, as it is kept, in order."""
        pairs = [
            Piece.model_construct(name=f"{row.name}{self.joined_by}{column.name}", rule={**row.rule, **column.rule})
            for row in self.rows for column in self.columns
        ]  # fmt: skip
        return {one.name: json.dumps(one.rule, ensure_ascii=False, sort_keys=True) for one in [*self.tags, *pairs]}


class Rules(Part):
    """[scenarios.tagging] of config.toml. `group`: where a new tag goes that names none; "" = it must name one. `sets`:
    ready sets of rules that are on; `folder`: where the shop's own lie.

    `rfm`: R, F and M are measured by the thresholds below, or by quintiles of the brand's own buyers, night by night.
    """

    group: str = Field(default="", max_length=LONGEST)
    sets: list[str] = Field(default=[], max_length=20)
    folder: str = ""
    rfm: Literal["thresholds", "quintiles"] = "thresholds"
    rfm_days: Edges = list(R_DAYS)
    rfm_orders: Edges = list(F_ORDERS)
    rfm_fen: Edges = list(M_FEN)

    @field_validator("rfm_days", "rfm_orders", "rfm_fen")
    @classmethod
    def _rise(cls, given: list[int]) -> list[int]:
        if sorted({*given}) != given:
            raise ValueError("four numbers, each larger than the one before")
        return given

    @model_validator(mode="after")
    def _readable(self) -> Rules:
        assert self.made is not None  # read at the start: what is wrong is said then
        return self

    @cached_property
    def made(self) -> dict[str, TagSet]:
        """The sets that are on, by name."""
        return {name: _read(name, Path(self.folder) if self.folder else None) for name in self.sets}


def _read(name: str, folder: Path | None) -> TagSet:
    places = [place / f"{name}.toml" for place in (folder, FOLDER) if place is not None]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise ValueError(f"sets: there is no {name}.toml; ready made are {there}")
    try:
        return TagSet(**tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file.name}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{file.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def install(turn: Turn, rules: Rules) -> bool:
    """Bring the rules of ready sets to what their files say; whether something changed. What people changed or
    paused of them stays; rules of a set, or of a tag, that is not there any more end."""
    changed = False
    for name, made in rules.made.items():
        tag_groups.make(turn.db, made.group, exclusive=made.exclusive, corp=made.corp, by=_by(name), now=turn.now)
        for place, (tag, rule) in enumerate(made.made.items()):
            changed |= _install(turn, name, made, tag, rule, place)
    for there in tag_rules.rules.all(turn.db, ended_at=None, origin__ne=""):
        origin = rules.made.get(there.origin)
        if origin is None or there.group_name != origin.group or there.name not in origin.made:
            changed |= tag_rules.switch(turn.db, there, ENDED, turn.now)
            turn.audit("rule:tagging", "tag_rule.ended", f"tag_rule:{there.id}", set=there.origin)
    return changed


def _install(turn: Turn, origin: str, made: TagSet, tag: str, rule: str, place: int) -> bool:
    there = tag_rules.of_tag(turn.db, made.group, tag)
    values: dict[str, Any] = {"rule": rule, "days": made.days, "place": place}
    if there is None:
        tag_rules.add(turn.db, TagRule(
            id=turn.ids.next(), group_name=made.group, name=tag, **values, status=RUNNING, version=1, origin=origin,
            made_by=_by(origin), made_at=turn.now, changed_at=turn.now, ended_at=None,
        ))  # fmt: skip
        turn.audit("rule:tagging", "tag_rule.made", f"tag:{made.group}/{tag}", set=origin)
        return True
    said = tag_rules.versions.one(turn.db, rule_id=there.id, version=there.version)
    as_before = {name: getattr(there, name) for name in values} == values
    if there.origin != origin or as_before or (said is not None and said.made_by != _by(origin)):
        return False
    tag_rules.change(turn.db, there, values, _by(origin), turn.now)
    turn.audit("rule:tagging", "tag_rule.changed", f"tag_rule:{there.id}", set=origin, version=there.version)
    return True


def _by(origin: str) -> str:
    return f"set:{origin}"
