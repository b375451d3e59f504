"""营销旅程 journey: the bot acts at the right time without being asked: a birthday, after an order, a long sleep.

What each journey does is a file (scenarios/journey_files.py); how people go along it is in journey_steps.py, who begins
by the clock in journey_begins.py. Here is what makes them begin by what happens, and what programs may ask.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from bot.events import ContactAdded, TimerDue
from bot.order_events import OrderEntered
from bot.own_events import BargainOpened, SalonAttended, TeamOpened, TierNoticed
from bot.router import Act, Refusal, Router
from bot.turn import Turn
from scenarios import journey_begins, journey_files, journey_steps
from scenarios.journey_begins import occasion
from scenarios.journey_files import Definition
from storage import journeys, member_stats
from storage.tables import JourneySwitch

router = Router("journey")

RESUME = "journey_resume"
AT_ONCE = 500  # who goes on after a pause, in one turn
router.dailies[journey_begins.DAY] = (9, 20)  # after the quiet hours, off the full hour's rush


class Rules(BaseModel):
    """[scenarios.journey] of config.toml: which journeys are on, and where the shop's own lie."""

    model_config = ConfigDict(extra="forbid")

    on: list[str] = Field(default=[], max_length=50)
    folder: str = ""
    _kept: dict[int, Definition] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _readable(self) -> Rules:
        assert self.made is not None  # read at the start: what is wrong is said then
        return self

    @property
    def kept(self) -> dict[int, Definition]:
        """Versions that this process has read, by their id: what a version says never changes."""
        return self._kept

    @cached_property
    def made(self) -> list[Definition]:
        """The journeys that are on."""
        return journey_files.load(self.on, self.folder)

    def by(self, *triggers: str) -> list[Definition]:
        """Those that begin so."""
        return [one for one in self.made if one.trigger in triggers]


@router.on(ContactAdded)
def joined(turn: Turn, event: ContactAdded) -> None:
    """Somebody new: once in their life, however often they come back."""
    assert event.sender is not None
    person = turn.person(event.sender)
    if person is not None:
        for made in turn.using(Rules).by("joined"):
            journey_steps.enter(turn, made, person.id, "")


@router.on(OrderEntered)
def ordered(turn: Turn, event: OrderEntered) -> None:
    """An order: some journeys end with it, some begin."""
    rules = turn.using(Rules)
    for made in rules.made:
        if made.exit_on_order:
            journey_steps.leave_for_order(turn, event.member_id, made)
    bought = member_stats.orders(turn.db, event.member_id)
    for made in rules.by("order", *(["first_order"] if event.first else [])):
        why = occasion(made, turn.now, f"order:{event.order_id}", bought)
        journey_steps.enter(turn, made, event.member_id, why)


@router.on(TierNoticed)
def tier_noticed(turn: Turn, event: TierNoticed) -> None:
    """A level is about to fall: the notice itself is said."""
    for made in turn.using(Rules).by("tier_notice"):
        journey_steps.enter(turn, made, event.member_id, f"tier:{int(event.until.timestamp())}")


@router.on(SalonAttended)
def salon_attended(turn: Turn, event: SalonAttended) -> None:
    """Somebody was at a salon: its own thanks, coupon and survey are said."""
    for made in turn.using(Rules).by("salon_attended"):
        journey_steps.enter(turn, made, event.member_id, f"salon:{event.salon_id}")


@router.on(TeamOpened)
def team_opened(turn: Turn, event: TeamOpened) -> None:
    """A team has begun to fill: look at it before its end."""
    for made in turn.using(Rules).by("team_short"):
        journey_begins.watch(turn, made, event)


@router.on(BargainOpened)
def bargain_opened(turn: Turn, event: BargainOpened) -> None:
    """A bargain has begun: look at it before its end."""
    for made in turn.using(Rules).by("bargain_open"):
        journey_begins.watch(turn, made, event)


@router.on(TimerDue)
def due(turn: Turn, event: TimerDue) -> None:
    """A morning, the rest of a morning's people, or the next step of somebody."""
    if event.name == journey_steps.TIMER:
        journey_steps.due(turn, event.payload["run_id"], turn.using(Rules).kept)
    elif event.name == RESUME:
        _go_on(turn, event.payload["name"], event.payload["after"])
    else:
        journey_begins.due(turn, event, turn.using(Rules).made)


# -- what programs may ask ---------------------------------------------------------------------------------------------


class Switch(BaseModel):
    """Which journey, and who says so."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=40)
    by: str = Field(default="api", max_length=64)


def pause(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
    """Nobody begins and nobody goes on, until it is resumed."""
    return _switch(turn, given, "paused")


def resume(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
    """Everybody goes on from where they are, a window of them at a time."""
    answer = _switch(turn, given, "running")
    if isinstance(answer, dict):
        _go_on(turn, given.name, 0)
    return answer


def _go_on(turn: Turn, name: str, after: int) -> None:
    """The next of those whose time came while the journey stood still, each by an event of their own."""
    waiting = journeys.waiting(turn.db, name, turn.now, after, AT_ONCE)
    for run_id, step in waiting:
        turn.at(turn.now, journey_steps.TIMER, f"journey:{run_id}:{step}:resumed:{turn.cause}", {"run_id": run_id})
    if len(waiting) == AT_ONCE:
        last = waiting[-1][0]
        turn.at(turn.now, RESUME, f"journey:{name}:resume:{last}:{turn.cause}", {"name": name, "after": last})


def stop(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
    """Over for everybody, for good: who is on it gets nothing more."""
    answer = _switch(turn, given, "stopped")
    if isinstance(answer, dict):
        change = {"status": "stopped", "why": "stopped", "next_at": None, "ended_at": turn.now}
        answer["runs"] = journeys.runs.change(turn.db, change, name=given.name, status="running")
    return answer


def _switch(turn: Turn, given: Switch, status: str) -> dict[str, Any] | Refusal:
    known = [*(one.name for one in turn.using(Rules).made)]
    if given.name not in known and not journeys.versions.all(turn.db, name=given.name, limit=1):
        shown = turn.texts.render("common/comma").join(known)
        return Refusal(404, "not_found", "journey/no_such", {"name": given.name, "known": shown})
    row = journeys.switches.one(turn.db, name=given.name)
    if row is not None and row.status == "stopped" and status != "stopped":
        return Refusal(409, "wrong_state", "journey/stopped", {"name": given.name})
    if row is None:
        row = JourneySwitch(name=given.name, status=status, changed_by=given.by, changed_at=turn.now)
        journeys.switches.add(turn.db, row)
    else:
        change = {"status": status, "changed_by": given.by, "changed_at": turn.now}
        journeys.switches.change(turn.db, change, name=given.name)
    turn.audit(given.by, f"journey.{status}", f"journey:{given.name}")
    return {"name": given.name, "status": status}


router.acts = {
    "journeys/pause": Act(Switch, pause, may="journey.manage"),
    "journeys/resume": Act(Switch, resume, may="journey.manage"),
    "journeys/stop": Act(Switch, stop, may="journey.manage"),
}
