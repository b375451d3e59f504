"""旅程文件: what a journey's file may say, and what is wrong with one that says otherwise. Read once, at the start.

A file is `scenarios/journeys/<name>.toml`, or lies in the folder that [scenarios.journey] names. Its texts are the
shop's own; `$name`, `$points`, `$coupon`, `$code` and what its trigger knows (`TRIGGERS`) are filled in.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from scenarios.journey_wrong import Wrong, texts, told

FOLDER = Path(__file__).with_name("journeys")
KNOWN = frozenset({"name", "points", "coupon", "code"})
BYTES_MOST = 2_000  # of one message, with room for a name

# What else a text may name, by trigger. Those that are here are about one thing (a coupon, a team): once for each.
TRIGGERS: dict[str, frozenset[str]] = {
    "coupon_ending": frozenset({"until"}),
    "tier_notice": frozenset({"tier", "missing", "until"}),
    "team_short": frozenset({"team", "missing", "paid", "until"}),
    "bargain_open": frozenset({"bargain", "price", "left", "missing", "until"}),
    "salon_attended": frozenset({"salon"}),
}
# Settings that only these triggers read.
ONLY = {
    "asleep_days": ("asleep",), "days_before": ("coupon_ending",), "hours_before": ("team_short", "bargain_open"),
    "lacks_most": ("team_short",), "tell": ("team_short",),
}  # fmt: skip
NEEDS = {
    "wait": "journey/needs_wait", "send": "journey/needs_text", "task": "journey/needs_text",
    "grant": "journey/needs_grant",
}  # fmt: skip


class Part(BaseModel):
    """A table of the file; keys it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Guard(Part):
    """Who is meant: members of these tiers (none named: of any) with so many orders."""

    tiers: tuple[str, ...] = ()
    orders_least: int = Field(default=0, ge=0)
    orders_most: int = Field(default=1_000_000, ge=0)

    @model_validator(mode="after")
    def _somebody(self) -> Guard:
        if self.orders_least > self.orders_most:
            raise Wrong("orders_most", "journey/wrong_least", least=self.orders_least)
        return self


class Step(Part):
    """One step. `wait` days and hours; `send` a text; `grant` points or a coupon; `branch`: on for whom `only` means,
    `otherwise` (a later step, 0 = the end) for the rest; `task`: a guide should do what the text says; `end`: no step
    after this one."""

    do: Literal["wait", "send", "grant", "branch", "task", "end"]
    days: int = Field(default=0, ge=0, le=366)
    hours: int = Field(default=0, ge=0, le=23)
    text: str = ""
    points: int = Field(default=0, ge=0, le=100_000)
    coupon: str = Field(default="", max_length=40)
    only: Guard = Guard()
    otherwise: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> Step:
        whole = {
            "wait": self.days + self.hours > 0, "send": bool(self.text), "task": bool(self.text),
            "grant": bool(self.points) != bool(self.coupon),
        }.get(self.do, True)  # fmt: skip
        if not whole:
            raise Wrong("", NEEDS[self.do], do=self.do)
        if len(self.text.encode()) > BYTES_MOST:
            raise Wrong("text", "journey/wrong_bytes", most=BYTES_MOST)
        return self


class Definition(Part):
    """A whole journey.

    `trigger`: joined, order, first_order, birthday, asleep (nothing bought for `asleep_days`), coupon_ending (unused,
    `days_before` its end), tier_notice (told that the level will fall), team_short (a group-buy lacks people
    `hours_before` its end, at most `lacks_most`, 0 = however many; `tell` who joined or the leader alone),
    bargain_open (the price is above its floor `hours_before` the end), salon_attended. `again`: never, yearly, each
    time, or nth (once for each number of orders). `control`: of a hundred, how many get nothing, to compare with.
    `exit_on_order`: who buys leaves it. `marketing`: false for what somebody expects (thanks for their order): caps
    and quiet hours do not hold it then.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str = Field(min_length=1, max_length=40)
    trigger: Literal[
        "joined", "order", "first_order", "birthday", "asleep", "coupon_ending", "tier_notice", "team_short",
        "bargain_open", "salon_attended",
    ]  # fmt: skip
    asleep_days: int = Field(default=60, ge=1, le=730)
    days_before: int = Field(default=3, ge=1, le=30)
    hours_before: int = Field(default=3, ge=1, le=72)
    lacks_most: int = Field(default=0, ge=0, le=99)
    tell: Literal["joined", "leader"] = "joined"
    again: Literal["never", "yearly", "each", "nth"] = "never"
    control: int = Field(default=0, ge=0, le=50)
    exit_on_order: bool = False
    marketing: bool = True
    guard: Guard = Guard()
    steps: tuple[Step, ...] = Field(min_length=1, max_length=30)

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Definition:
        for setting, triggers in ONLY.items() if info.context else ():  # what is kept names every setting
            if setting in self.model_fields_set and self.trigger not in triggers:
                raise Wrong(setting, "journey/wrong_setting", triggers=", ".join(triggers), trigger=self.trigger)
        if self.about_one and self.again != "each":
            raise Wrong("again", "journey/wrong_again_each", trigger=self.trigger)
        if self.again == "nth" and self.trigger != "order":
            raise Wrong("again", "journey/wrong_again_nth")
        for place, step in enumerate(self.steps):
            self._fits(place, step)
        return self

    def _fits(self, place: int, step: Step) -> None:
        """A step that can be done after this trigger and in this place. Raises Wrong."""
        if step.do == "branch" and step.otherwise and not place + 1 < step.otherwise <= len(self.steps):
            raise Wrong(f"steps.{place}.otherwise", "journey/wrong_otherwise", most=len(self.steps))
        known = KNOWN | TRIGGERS.get(self.trigger, frozenset())
        text = Template(step.text)
        if not text.is_valid() or not set(text.get_identifiers()) <= known:
            raise Wrong(
                f"steps.{place}.text", "journey/wrong_variable", known=", ".join(f"${k}" for k in sorted(known))
            )

    @property
    def about_one(self) -> bool:
        """Whether it is about one thing, and over when that is."""
        return self.trigger in TRIGGERS

    @cached_property
    def digest(self) -> str:
        """What tells two versions apart."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:32]


def load(names: list[str], folder: str) -> list[Definition]:
    """The journeys that are on. Raises ValueError that names the file, the field and the remedy."""
    return [_read(name, Path(folder) if folder else None) for name in names]


def _read(name: str, folder: Path | None) -> Definition:
    places = [place / f"{name}.toml" for place in (folder, FOLDER) if place is not None]
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.toml")))
        raise ValueError(texts().render("journey/no_file", name=name, known=there))
    try:
        made = Definition.model_validate(tomllib.loads(file.read_text(encoding="utf-8")), context={"file": file.name})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(texts().render("journey/wrong_toml", file=file.name, why=error)) from None
    except ValidationError as error:
        raise ValueError(told(file.name, error, _fields)) from None
    if made.name != name:
        why = texts().render("journey/wrong_called", name=name)
        raise ValueError(texts().render("journey/wrong_file", file=file.name, field="name", why=why))
    return made


def _fields(place: tuple[int | str, ...]) -> list[str]:
    """The keys that are known in a table of the file."""
    part = Guard if {"guard", "only"} & {*place[:-1]} else Step if place[0] == "steps" else Definition
    return [*part.model_fields]
