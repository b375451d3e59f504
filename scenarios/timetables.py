"""活动时刻表 timetables: a drive that comes back by days of the week or by dates, at hours of its own zone.

Sessions are made two days ahead, each a campaign of its own under a unique key; a timer publishes it at its beginning
and another ends it. Whose campaigns may be repeated is said by `CampaignKind.timed`; the play hands its timers here.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import ZONE
from bot.events import TimerDue
from bot.turn import Turn
from storage import drives, shop, timetables
from storage.tables import Campaign, Timetable, TimetableSession

DAY, OPEN, OVER = "timetable_day", "timetable_open", "timetable_over"
DAILY = (0, 20)
AHEAD = timedelta(days=2)
LONGEST_DAYS = 366
FULL_DAY = 24 * 60


class Times(BaseModel):
    """When: on `weekdays` (1 = Monday) or on `dates`, from `first` to `last` (days, both included), at each of `times`
    for so many `minutes`, by the clocks of `zone`."""

    model_config = ConfigDict(extra="forbid")

    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = Field(default=[], max_length=7)
    dates: list[date] = Field(default=[], max_length=100)
    times: list[time] = Field(min_length=1, max_length=12)
    minutes: int = Field(ge=5, le=FULL_DAY)
    first: date
    last: date
    zone: str = str(ZONE)


def wrong(times: Times) -> tuple[str, str]:
    """What is wrong with the hours: the field and a text of prompts/; ("", "") when nothing is."""
    try:
        ZoneInfo(times.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return "zone", "campaigns/no_zone"
    if bool(times.weekdays) == bool(times.dates):
        return "weekdays", "campaigns/days_or_dates"
    if not 0 <= (times.last - times.first).days < LONGEST_DAYS:
        return "last", "campaigns/last_first"
    starts = sorted({one.hour * 60 + one.minute for one in times.times})
    if len(starts) < len(times.times) or any(one.second or one.tzinfo for one in times.times):
        return "times", "campaigns/odd_times"
    following = [*starts[1:], starts[0] + FULL_DAY]
    if any(after - begin < times.minutes for begin, after in zip(starts, following, strict=True)):
        return "minutes", "campaigns/sessions_meet"
    return "", ""


def sessions(times: Times, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """The sessions that begin from `since` on and before `until`, UTC. An hour that a day does not have (summer time
    begins) is taken as the hour after; one that it has twice, the first time."""
    zone, found = ZoneInfo(times.zone), []
    day = max(times.first, since.astimezone(zone).date() - timedelta(days=1))
    while day <= min(times.last, until.astimezone(zone).date() + timedelta(days=1)):
        if day in times.dates or day.isoweekday() in times.weekdays:
            starts = [datetime.combine(day, at, tzinfo=zone).astimezone(UTC) for at in sorted(times.times)]
            found += [(start, start + timedelta(minutes=times.minutes)) for start in starts if since <= start < until]
        day += timedelta(days=1)
    return found


def count(times: Times, now: datetime) -> int:
    """How many sessions are still to come."""
    return len(sessions(times, now, now + timedelta(days=2 * LONGEST_DAYS)))


# -- steps -------------------------------------------------------------------------------------------------------------


def due(turn: Turn, event: TimerDue, kind: str) -> None:
    """A day begins, a session begins, a session is over."""
    if event.name == DAY:
        for one in timetables.rows.all(turn.db, kind=kind, status="published"):
            make(turn, one)
    elif event.name in (OPEN, OVER):
        session = timetables.sessions.one(turn.db, id=event.payload["session_id"])
        assert session is not None
        (_open if event.name == OPEN else over)(turn, session)


def make(turn: Turn, timetable: Timetable) -> int:
    """Make the sessions of the next days, each once; how many were made."""
    made = 0
    for starts_at, ends_at in sessions(Times.model_validate_json(timetable.times), turn.now, turn.now + AHEAD):
        for place, config in enumerate(json.loads(timetable.items)):
            there = timetables.sessions.one(turn.db, timetable_id=timetable.id, place=place, starts_at=starts_at)
            if there is None:
                _session(turn, timetable, place, config, (starts_at, ends_at))
                made += 1
    if made:
        turn.audit("rule:timetables", "timetable.sessions", f"timetable:{timetable.id}", made=made)
    return made


def _session(
    turn: Turn, timetable: Timetable, place: int, config: dict[str, object], at: tuple[datetime, datetime]
) -> None:  # fmt: skip
    product = shop.products.one(turn.db, sku=str(config.get("sku", "")))
    title = turn.texts.render("campaigns/session", name=timetable.name, title=product.title if product else "")
    campaign = drives.campaigns.add(turn.db, Campaign(
        id=turn.ids.next(), kind=timetable.kind, name=title[:64], status="draft", starts_at=at[0], ends_at=at[1],
        config=json.dumps(config, ensure_ascii=False), worst_fen=-1, made_by=timetable.made_by, approved_by="",
        created_at=turn.now,
    ))  # fmt: skip
    row = timetables.sessions.add(turn.db, TimetableSession(
        id=turn.ids.next(), timetable_id=timetable.id, place=place, starts_at=at[0], ends_at=at[1],
        campaign_id=campaign.id, status="planned", why="", changed_at=turn.now,
    ))  # fmt: skip
    turn.at(at[0], OPEN, f"timetable:{row.id}:open", {"session_id": row.id})
    turn.at(at[1], OVER, f"timetable:{row.id}:over", {"session_id": row.id})


def _open(turn: Turn, session: TimetableSession) -> None:
    """Its moment has come: it is published, unless it was held or cannot be sold any more."""
    timetable = timetables.rows.one(turn.db, id=session.timetable_id)
    campaign = drives.campaigns.one(turn.db, id=session.campaign_id)
    assert timetable is not None
    assert campaign is not None
    product = shop.products.one(turn.db, sku=str(json.loads(campaign.config).get("sku", "")))
    if turn.now >= session.ends_at:
        skip(turn, session, "late")
    elif timetable.status != "published":
        skip(turn, session, timetable.status)
    elif product is None or product.status != "active":
        skip(turn, session, "off_shelf")
    elif _to(turn, session, "open", "planned"):
        change = {"status": "published", "approved_by": timetable.approved_by}
        drives.campaigns.change(turn.db, change, id=campaign.id, status="draft")
        turn.audit("rule:timetables", "campaign.published", f"campaign:{campaign.id}", timetable=timetable.id)


def over(turn: Turn, session: TimetableSession) -> None:
    """It has begun and is over: nobody buys at its price any more."""
    if _to(turn, session, "over", "open"):
        _end(turn, session.campaign_id)


def skip(turn: Turn, session: TimetableSession, why: str) -> None:
    """It is not held."""
    if _to(turn, session, "skipped", "planned", why):
        _end(turn, session.campaign_id)


def _to(turn: Turn, session: TimetableSession, status: str, was: str, why: str = "") -> bool:
    change = {"status": status, "why": why, "changed_at": turn.now}
    return timetables.sessions.change(turn.db, change, id=session.id, status=was) == 1


def _end(turn: Turn, campaign_id: int) -> None:
    if drives.campaigns.change(turn.db, {"status": "ended"}, id=campaign_id, status__ne="ended"):
        turn.audit("rule:timetables", "campaign.ended", f"campaign:{campaign_id}")


def coming(turn: Turn, kind: str, most: int) -> list[Campaign]:
    """The campaigns of the next sessions, as they will be held."""
    found = timetables.coming(turn.db, kind, turn.now, most)
    rows = [drives.campaigns.one(turn.db, id=campaign_id) for campaign_id in found]
    return [row for row in rows if row is not None]
