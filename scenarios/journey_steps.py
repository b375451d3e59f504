"""旅程的步骤: how somebody begins a journey, goes on and leaves it. What was not done for them is noted with why.

Whoever began stays on the version they began with. What is granted hangs on a right of its own (journey, member,
occasion and step); a message that may not be sent is noted, one of the quiet hours waits until they are over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from string import Template

from bot.turn import Retry, Turn
from scenarios import journey_causes as causes
from scenarios import outreach, rewards, vouchers
from scenarios.journey_files import Definition, Guard, Step
from scenarios.rewards import Pack
from storage import coupons, follows, grants, journeys, member_stats, oneid, points, shop, tasks
from storage.members import Person
from storage.tables import Journey, JourneyNote, JourneyRun

TIMER = "journey"
TASK_WITHIN = timedelta(days=1)


def version(turn: Turn, made: Definition) -> Journey:
    """The version that a definition is, kept the first time it is met."""
    found = journeys.version_of(turn.db, made.name, made.digest)
    if found is None:
        found = journeys.versions.add(turn.db, Journey(
            id=turn.ids.next(), name=made.name, version=journeys.next_version(turn.db, made.name), digest=made.digest,
            definition=made.model_dump_json(), made_at=turn.now,
        ))  # fmt: skip
    return found


def in_control(made: Definition, member_id: int, occasion: str) -> bool:
    """Whether somebody is of those who get nothing: the same answer whenever it is asked."""
    drawn = hashlib.sha256(f"{made.name}:{member_id}:{occasion}".encode()).digest()
    return int.from_bytes(drawn[:4], "big") % 100 < made.control


def meant(turn: Turn, guard: Guard, person: Person) -> bool:
    """Whether a guard means somebody, as they stand now."""
    bought = member_stats.orders(turn.db, person.id)
    return (not guard.tiers or person.tier in guard.tiers) and guard.orders_least <= bought <= guard.orders_most


def enter(turn: Turn, made: Definition, member_id: int, occasion: str) -> JourneyRun | None:
    """Begin, once for an occasion; None when somebody may not or did before."""
    person = oneid.current(turn.db, member_id)
    if person is None or journeys.status(turn.db, made.name) != "running" or not meant(turn, made.guard, person):
        return None
    mine = oneid.same(turn.db, person.id)
    if causes.look(turn, occasion, person).over:
        return None
    key = f"{made.name}:{person.id}:{occasion}"
    if any(journeys.runs.one(turn.db, key=f"{made.name}:{one}:{occasion}") is not None for one in mine):
        return None
    control = in_control(made, person.id, occasion)
    run = journeys.runs.add(turn.db, JourneyRun(
        id=turn.ids.next(), key=key, name=made.name, journey_id=version(turn, made).id, member_id=person.id,
        occasion=occasion, step=0, status="control" if control else "running", why="", began_at=turn.now,
        next_at=None if control else turn.now, ended_at=turn.now if control else None,
    ))  # fmt: skip
    if not control:
        go_on(turn, run, made)
    return run


def due(turn: Turn, run_id: int, kept: dict[int, Definition]) -> None:
    """A run's time has come; one that is paused waits where it is. `kept`: versions that were read before."""
    run = journeys.runs.one(turn.db, id=run_id)
    if run is None or run.status != "running" or run.next_at is None or run.next_at > turn.now:
        return
    if journeys.status(turn.db, run.name) == "running":
        if run.journey_id not in kept:
            kept[run.journey_id] = definition(turn, run)
        go_on(turn, run, kept[run.journey_id])


def definition(turn: Turn, run: JourneyRun) -> Definition:
    """What the version says that somebody began with."""
    version = journeys.versions.one(turn.db, id=run.journey_id)
    assert version is not None
    return Definition.model_validate_json(version.definition)


def go_on(turn: Turn, run: JourneyRun, made: Definition) -> None:
    """Step by step until something has to wait, or the end: that of the journey, or of what it is about."""
    person = oneid.current(turn.db, run.member_id)
    while person is not None and run.step < len(made.steps):
        cause = causes.look(turn, run.occasion, person)
        if cause.over:
            end(turn, run, "left", cause.over)
            return
        until = _do(turn, run, made, person, cause.values)
        if until is not None:
            _change(turn, run, next_at=until)
            turn.at(until, TIMER, f"journey:{run.id}:{run.step}:{until.isoformat()}", {"run_id": run.id})
            return
    end(turn, run, "done" if person is not None else "left", "" if person is not None else "nobody")


def _do(
    turn: Turn, run: JourneyRun, made: Definition, person: Person, values: Mapping[str, object]
) -> datetime | None:  # fmt: skip
    """One step, and the run stands behind it. A moment: it goes on then, not before."""
    here, step = run.step, made.steps[run.step]
    following, why = here + 1, ""
    if step.do == "wait":
        _change(turn, run, step=following)
        return turn.now + timedelta(days=step.days, hours=step.hours)
    if step.do == "branch":
        why = "on" if meant(turn, step.only, person) else "otherwise"
        following = following if why == "on" else (step.otherwise or len(made.steps) + 1) - 1
    elif step.do == "end":
        following = len(made.steps)
    elif step.do == "send":
        stopped = _send(turn, run, made, person, values)
        if stopped.until is not None:
            _note(turn, run, here, "send", stopped.reason)
            return stopped.until
        why = stopped.reason
    elif step.do == "grant":
        why = _grant(turn, run, step, person)
    else:
        why = _task(turn, run, step, person, values)
    if step.do != "end":
        _note(turn, run, here, step.do, why)
    _change(turn, run, step=following)
    return None


def _send(
    turn: Turn, run: JourneyRun, made: Definition, person: Person, values: Mapping[str, object]
) -> outreach.Stopped:  # fmt: skip
    """Say a step's text, if it may be said now; why not, "" when it was."""
    text = made.steps[run.step].text
    known = {**_known(turn, person, run), **values}
    if not known["code"] and {"coupon", "code"} & {*Template(text).get_identifiers()}:
        return outreach.Stopped("no_coupon")  # it would praise a coupon that was not given
    if made.marketing:
        stopped = outreach.may_reach(turn, person.id, f"journey:{run.name}:{run.id}:{run.step}")
        if stopped is not None:
            return stopped
    turn.tell(person.id, "journey/said", text=Template(text).safe_substitute(known))
    return outreach.Stopped("")


def _known(turn: Turn, person: Person, run: JourneyRun) -> dict[str, object]:
    """What a text may say of somebody: their name, their points, the coupon this journey gave last."""
    got = grants.of_member(turn.db, person.id)
    mine = {one.id for one in got if one.occurrence.startswith(f"journey:{run.name}:{run.occasion}:")}
    usable = coupons.usable(turn.db, person.id, turn.now)
    coupon = next((one for one in reversed(usable) if one.grant_id in mine), None)
    return {
        "name": person.name or turn.texts.render("common/unnamed"), "points": points.held(turn.db, person.id),
        "coupon": coupon.template if coupon else "", "code": coupon.code if coupon else "",
    }  # fmt: skip


def _grant(turn: Turn, run: JourneyRun, step: Step, person: Person) -> str:
    """Points or a coupon, once; why not, "" when it was given."""
    occurrence = f"journey:{run.name}:{run.occasion}:{run.step}"
    if step.points:
        grant_id = grants.claim(turn.db, turn.ids, person, f"journey:{run.name}", occurrence, "", turn.cause, turn.now)
        if grant_id is None:
            return "again"
        rewards.give(turn, person, grant_id, Pack(points=step.points), "journey")
        return ""
    template = shop.templates.one(turn.db, name=step.coupon)
    got = vouchers.issue(turn, person, template, occurrence) if template is not None else "no_template"
    return got if isinstance(got, str) else ""


def _task(turn: Turn, run: JourneyRun, step: Step, person: Person, values: Mapping[str, object]) -> str:
    userid = follows.guide_of(turn.db, person.id)
    if userid is None:
        return "no_guide"
    text = Template(step.text).safe_substitute({**_known(turn, person, run), **values})
    tasks.add(turn.db, turn.ids, userid, "journey", text, turn.now + TASK_WITHIN, f"journey:{run.id}:{run.step}",
              f"rule:journey:{run.name}", turn.now, person.id)  # fmt: skip
    return ""


def leave_for_order(turn: Turn, member_id: int, made: Definition) -> None:
    """Somebody bought: the journey that was to bring them to it is over for them."""
    for run in journeys.runs.all(turn.db, member_id__in=oneid.same(turn.db, member_id), name=made.name):
        if run.status == "running":
            end(turn, run, "left", "ordered")


def end(turn: Turn, run: JourneyRun, status: str, why: str) -> None:
    """Nothing more happens to somebody on this journey."""
    _change(turn, run, status=status, why=why, next_at=None, ended_at=turn.now)


def _change(turn: Turn, run: JourneyRun, **values: object) -> None:
    if not journeys.runs.change(turn.db, values, id=run.id, step=run.step, status=run.status):
        raise Retry(f"journey run {run.id}")
    for name, value in values.items():
        setattr(run, name, value)


def _note(turn: Turn, run: JourneyRun, step: int, what: str, why: str) -> None:
    journeys.notes.add(
        turn.db, JourneyNote(id=turn.ids.next(), run_id=run.id, step=step, what=what, why=why, at=turn.now)
    )
