"""活动时刻表 timetables: a drive that comes back, from its draft to its end. Its products are checked as those of any
campaign; what all its sessions may cost together decides whether a second person must agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import Field

from bot.router import CampaignKind, Problem
from bot.texts import yuan
from bot.turn import Turn
from handlers.approving import second
from handlers.broadcast_bodies import Given
from handlers.campaigns import lint
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from handlers.signing import Override, baited, money, settle
from scenarios import timetables as steps
from scenarios.timetables import Times
from storage import timetables
from storage.tables import Timetable

Answer = tuple[int, dict[str, Any]]
STEPS = {
    "publish": (("draft", "paused"), "published"),
    "pause": (("published",), "paused"),
    "end": (("draft", "published", "paused"), "ended"),
}


class NewTimetable(Times):
    """A timetable; `items` are configs of `kind`, one for each product."""

    kind: str
    name: str = Field(min_length=1, max_length=40)
    items: list[dict[str, Any]] = Field(min_length=1, max_length=10)
    made_by: str = Field(default="api", max_length=64)
    override: Override | None = None


class Act(Given):
    """Which one, and who acts."""

    id: int
    by: str = Field(default="api", max_length=64)


def new_timetable(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """A draft, checked already."""
    given: NewTimetable = read(turn, NewTimetable, body)
    kind = _kind(turn, given.kind, plays)
    field, text = steps.wrong(given)
    if text:
        refuse(turn, field, text)
    coming = steps.count(given, turn.now)
    if not coming:
        refuse(turn, "last", "campaigns/no_session")
    items, worst, found = _checked(turn, kind, given.items)
    found += baited(turn, {"name": given.name})
    warnings = settle(turn, found, given.override, given.made_by, None)
    times = Times(**given.model_dump(include={*Times.model_fields}))
    row = timetables.rows.add(turn.db, Timetable(
        id=turn.ids.next(), kind=given.kind, name=given.name, status="draft", times=times.model_dump_json(),
        items=json.dumps(items, ensure_ascii=False), worst_fen=worst * coming if worst >= 0 else -1,
        made_by=given.made_by, approved_by="", created_at=turn.now,
    ))  # fmt: skip
    turn.audit(given.made_by, "timetable.made", f"timetable:{row.id}", sessions=coming, worst_fen=row.worst_fen)
    return 201, {"id": row.id, "sessions": coming, **money(row.worst_fen), "warnings": warnings}


def _kind(turn: Turn, name: str, plays: Plays) -> CampaignKind:
    timed = {of: kind for of, kind in plays.campaigns.items() if kind.timed}
    if name not in timed:
        known = turn.texts.render("common/comma").join(timed)
        raise Refused(422, "wrong_value", turn.texts.render("admin/no_kind", known=known), "kind")
    return timed[name]


def _checked(
    turn: Turn, kind: CampaignKind, configs: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], int, list[Problem]]:
    """The configs whole, what one session of all can cost (-1 = without bound), and what is wrong with them."""
    items, worst, found = [], 0, []
    for place, config in enumerate(configs):
        under = f"items.{place}"
        rules = read(turn, kind.config, config, under)
        costs, problems = lint(turn, kind, rules, under)
        worst = worst + costs if min(worst, costs) >= 0 else -1
        found += problems
        items.append(json.loads(rules.model_dump_json()))
    return items, worst, found


def step(name: str) -> Callable[[Turn, dict[str, Any], Plays], Answer]:
    """Publish, pause or end: taken again without a change when it was taken before."""
    before, after = STEPS[name]

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
        given: Act = read(turn, Act, body)
        row = timetables.rows.one(turn.db, id=given.id)
        if row is None:
            raise Refused(404, "not_found", turn.texts.render("campaigns/no_timetable"), "id")
        if row.status != after:
            if row.status not in before:
                raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=row.status))
            signer = _may_publish(turn, row, given.by, plays) if after == "published" else row.approved_by
            change = {"status": after, "approved_by": signer}
            timetables.rows.change(turn.db, change, id=row.id, status=row.status)
            turn.audit(given.by, f"timetable.{after}", f"timetable:{row.id}")
            _follow(turn, row.id, after)
        return 200, {"id": row.id, "status": after}

    return act


def _may_publish(turn: Turn, row: Timetable, by: str, plays: Plays) -> str:
    """Who approves. Prices and stock may have changed since the draft was made: it is looked at once more."""
    times = Times.model_validate_json(row.times)
    coming = steps.count(times, turn.now)
    if not coming:
        refuse(turn, "last", "campaigns/no_session")
    _, worst, found = _checked(turn, _kind(turn, row.kind, plays), json.loads(row.items))
    settle(turn, [problem for problem in found if problem.level == "block"], None, by, None)
    if 0 <= worst * coming <= plays.approve_above_fen:
        return by
    if worst < 0:
        return second(turn, row.made_by, by, turn.texts.render("campaigns/costly_unbounded", name=row.name))
    says = turn.texts.render("campaigns/costly", name=row.name, most=yuan(worst * coming))
    return second(turn, row.made_by, by, says)


def _follow(turn: Turn, timetable_id: int, after: str) -> None:
    """The next sessions are made at once; with the timetable those end that are planned or running."""
    row = timetables.rows.one(turn.db, id=timetable_id)
    assert row is not None
    if after == "published":
        steps.make(turn, row)
    elif after == "ended":
        for session in timetables.sessions.all(turn.db, timetable_id=row.id, status="planned"):
            steps.skip(turn, session, "ended")
        for session in timetables.sessions.all(turn.db, timetable_id=row.id, status="open"):
            steps.over(turn, session)


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "timetables": new_timetable,
    **{f"timetables/{name}": step(name) for name in STEPS},
}
