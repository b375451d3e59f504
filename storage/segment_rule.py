"""人群规则 the rule of a segment: what must hold of a member, as declarative JSON. What is not said does not matter;
all that is said must hold at once; each of `exclude` takes out whoever fits all that it says.

Words with a meaning of ours:
- stages, each member in exactly one: `new` (never bought, joined within NEW_DAYS), `prospect` (never bought, joined
  earlier), `first` (one order), `repeat` (two and more), `sleeping` (bought, the last order over SLEEPING_DAYS ago),
  `lost` (over LOST_DAYS ago);
- an order counts while something of it is not refunded; spend is what stayed paid;
- RFM looks at the last RFM_DAYS only, each of r, f, m from 1 (weakest) to 5: days since the last order, number of
  orders, spend; where cells begin is below, unless `storage.rfm` was told otherwise. Who bought nothing then is in no
  cell;
- the type of a member's store is that of the store of their last order that names one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

NEW_DAYS, SLEEPING_DAYS, LOST_DAYS, RFM_DAYS = 30, 90, 365, 365
R_DAYS = (30, 60, 90, 180)  # within so many days: 5, 4, 3, 2; later: 1
F_ORDERS = (2, 3, 5, 10)  # so many orders: 2, 3, 4, 5; fewer: 1
M_FEN = (10_000, 50_000, 100_000, 300_000)  # so much spent: 2, 3, 4, 5; less: 1
MOST_WORDS = 100

Word = Annotated[str, Field(min_length=1, max_length=64)]
Words = Annotated[list[Word], Field(min_length=1, max_length=MOST_WORDS)]
Days = Annotated[int, Field(ge=0, le=3650)]
Cell = Annotated[list[Annotated[int, Field(ge=1, le=5)]], Field(min_length=1, max_length=5)]
Stage = Literal["new", "prospect", "first", "repeat", "sleeping", "lost"]


class Wrong(ValueError):
    """A rule that contradicts itself: the field, and which of prompts/segments/ says what to do about it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field, self.text = field, text


class Part(BaseModel):
    """A piece of a rule; keys it does not know are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def _ordered(self, low: str, high: str) -> None:
        least, most = getattr(self, low), getattr(self, high)
        if least is not None and most is not None and least > most:
            raise Wrong(high, "least_above_most")

    def _says_something(self) -> None:
        if not self.model_fields_set:
            raise Wrong("", "says_nothing")


class Tags(Part):
    """Any of these tags of one group."""

    group: Word
    any: Words


class Named(Part):
    """Any of these values of one custom field."""

    name: Word
    any: Words


class Span(Part):
    """When something was: within the last so many days, not within them (but before), from and until a moment."""

    within_days: Days | None = None
    not_within_days: Days | None = None
    since: Annotated[datetime | None, Field(strict=False)] = None
    until: Annotated[datetime | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._says_something()
        for field in ("since", "until"):
            moment = getattr(self, field)
            if moment is not None and moment.tzinfo is None:
                raise Wrong(field, "no_zone")
        if self.within_days is not None and self.not_within_days is not None:
            self._ordered("not_within_days", "within_days")
        self._ordered("since", "until")
        return self


class Amount(Part):
    """A number with its bounds, both included; with `within_days` only what happened in so many days counts."""

    least: Annotated[int | None, Field(ge=0)] = None
    most: Annotated[int | None, Field(ge=0)] = None
    within_days: Annotated[int | None, Field(ge=1, le=3650)] = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.least is None and self.most is None:
            raise Wrong("least", "no_bound")
        self._ordered("least", "most")
        return self


class Points(Part):
    """Points held, both bounds included."""

    least: Annotated[int | None, Field(ge=0)] = None
    most: Annotated[int | None, Field(ge=0)] = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.least is None and self.most is None:
            raise Wrong("least", "no_bound")
        self._ordered("least", "most")
        return self


class Rfm(Part):
    """Cells of R, F and M; what is not named may be any."""

    r: Cell | None = None
    f: Cell | None = None
    m: Cell | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._says_something()
        return self


class Birthday(Part):
    """In one of these months, or within so many days from today (0: today). Who was born on 29 February is met on the
    28th in a year without one."""

    months: Annotated[list[Annotated[int, Field(ge=1, le=12)]] | None, Field(min_length=1, max_length=12)] = None
    within_days: Annotated[int | None, Field(ge=0, le=365)] = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.months is None) == (self.within_days is None):
            raise Wrong("months", "one_birthday")
        return self


class Facts(Part):
    """What may be asked of a member."""

    tags: Annotated[list[Tags], Field(max_length=20)] = []
    tiers: Words | None = None
    stages: Annotated[list[Stage] | None, Field(min_length=1, max_length=6)] = None
    last_order: Span | None = None
    orders: Amount | None = None
    spend_fen: Amount | None = None
    rfm: Rfm | None = None
    stores: Words | None = None
    store_types: Words | None = None
    channels: Words | None = None
    guides: Words | None = None
    birthday: Birthday | None = None
    points: Points | None = None
    coupons: Words | None = None
    fields: Annotated[list[Named], Field(max_length=20)] = []
    joined: Span | None = None
    consent: Literal["in", "out", "none"] | None = None


class Rule(Facts):
    """Who is chosen: everyone of whom all this holds, without those of whom all of one of `exclude` holds.

    `within_store`: of all those only whom somebody of this store follows; what a store manager chooses among.
    """

    within_store: Word | None = None
    exclude: Annotated[list[Facts], Field(max_length=10)] = []

    @model_validator(mode="after")
    def _excludes_somebody(self) -> Self:
        if Facts() in self.exclude:
            raise Wrong("exclude", "excludes_all")
        return self


def read(given: dict[str, Any] | str) -> Rule:
    """A rule from its JSON. Raises pydantic's ValidationError."""
    return Rule.model_validate_json(given) if isinstance(given, str) else Rule.model_validate(given)
