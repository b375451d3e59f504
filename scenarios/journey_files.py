"""旅程文件: what a journey's file may say, and what is wrong with one that says otherwise. Read once, at the start.

A file is `scenarios/journeys/<name>.toml`, or lies in the folder that [scenarios.journey] names. Its texts are the
shop's own; `$name`, `$points`, `$coupon` and `$code` are filled in.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = Path(__file__).with_name("journeys")
KNOWN = frozenset({"name", "points", "coupon", "code"})
BYTES_MOST = 2_000  # of one message, with room for a name


class Part(BaseModel):
    """A table of the file; keys it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Guard(Part):
    """Who is meant: members of these tiers (none named: of any) with so many orders."""

    tiers: tuple[str, ...] = ()
    orders_least: int = Field(default=0, ge=0)
    orders_most: int = Field(default=1_000_000, ge=0)


class Step(Part):
    """One step. `wait` days and hours; `send` a text; `grant` points or a coupon; `branch`: on for whom `only` means,
    `otherwise` (a later step, 0 = the end) for the rest; `task`: a guide should do what the text says."""

    do: Literal["wait", "send", "grant", "branch", "task"]
    days: int = Field(default=0, ge=0, le=366)
    hours: int = Field(default=0, ge=0, le=23)
    text: str = ""
    points: int = Field(default=0, ge=0, le=100_000)
    coupon: str = Field(default="", max_length=40)
    only: Guard = Guard()
    otherwise: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> Step:
        needs = {
            "wait": self.days + self.hours > 0, "send": bool(self.text), "task": bool(self.text),
            "grant": bool(self.points) != bool(self.coupon), "branch": True,
        }  # fmt: skip
        remedy = {"wait": "days or hours", "send": "text", "task": "text", "grant": "points or coupon, one of them"}
        if not needs[self.do]:
            raise ValueError(f"{self.do}: needs {remedy[self.do]}")
        if not Template(self.text).is_valid() or not set(Template(self.text).get_identifiers()) <= KNOWN:
            raise ValueError(f"text: only ${', $'.join(sorted(KNOWN))} can be filled in; write $$ for a dollar sign")
        if len(self.text.encode()) > BYTES_MOST:
            raise ValueError(f"text: at most {BYTES_MOST} bytes")
        return self


class Definition(Part):
    """A whole journey.

    `trigger`: joined, order, first_order, birthday, asleep (nothing bought for `asleep_days`). `again`: never, yearly,
    or each time. `control`: of a hundred, how many get nothing, to compare with. `exit_on_order`: who buys leaves it.
    `marketing`: false for what somebody expects (thanks for their order): caps and quiet hours do not hold it then.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    title: str = Field(min_length=1, max_length=40)
    trigger: Literal["joined", "order", "first_order", "birthday", "asleep"]
    asleep_days: int = Field(default=60, ge=1, le=730)
    again: Literal["never", "yearly", "each"] = "never"
    control: int = Field(default=0, ge=0, le=50)
    exit_on_order: bool = False
    marketing: bool = True
    guard: Guard = Guard()
    steps: tuple[Step, ...] = Field(min_length=1, max_length=30)

    @model_validator(mode="after")
    def _forward(self) -> Definition:
        for place, step in enumerate(self.steps, 1):
            if step.do == "branch" and step.otherwise and not place < step.otherwise <= len(self.steps):
                raise ValueError(
                    f"steps.{place - 1}.otherwise: a later step (up to {len(self.steps)}), or 0 for the end"
                )
        return self

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
        raise ValueError(f"on: there is no {name}.toml; ready made are {there}")
    try:
        made = Definition(**tomllib.loads(file.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file.name}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{file.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if made.name != name:
        raise ValueError(f"{file.name}: name: must be {name}, as the file is called")
    return made
