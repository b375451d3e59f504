"""预览 preview: what a broadcast would be now: the message as somebody reads it, how many would get it, why the others
would not, in how many tasks, at what cost. Counted in one statement on a connection of its own; asked again when it is
really sent.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, case, func, literal, or_, select

from bot.clock import ZONE, quiet_until, read_quiet
from bot.sections import Broadcasts, Outreach
from bot.sizes import size
from bot.texts import Texts, yuan
from bot.wecom.msg_template import CONTACTS, GROUPS
from console.broadcast_reads import find
from console.sight import Sight
from handlers.broadcast_bodies import label
from handlers.plays import APPROVE_ABOVE_FEN
from scenarios import broadcast_texts
from storage import kf, segments, tables

# The declared classes, without the types that SQLModel gives their attributes (plain int and str, not columns).
t: Any = tables
SHOWN = 3


class Preview:
    """Answers for one broadcast; knows how people may be reached, as the sender does."""

    def __init__(
        self, outreach: Outreach | None = None, section: Broadcasts | None = None, above_fen: int = APPROVE_ABOVE_FEN
    ) -> None:
        self._outreach, self._broadcasts, self._above_fen = outreach or Outreach(), section or Broadcasts(), above_fen
        self._texts = Texts()

    def of(self, connection: Connection, broadcast_id: int, sight: Sight, now: datetime) -> dict[str, Any]:
        """The whole answer. Raises Refused when there is no such broadcast."""
        row = find(connection, broadcast_id, sight)
        count = self._groups if row.channel == "group" else self._members
        counted = count(connection, row, now)
        samples = self._samples(connection, row, now)
        return {
            "id": row.id, "name": row.name, "status": row.status, "channel": row.channel, "audience": counted,
            "samples": samples, "phone": _phone(samples[0]["text"], json.loads(row.attachments)),
            "variables": list(broadcast_texts.MAY[row.channel]), "cost": self._cost(connection, row, counted),
            "second_person": self._needs_second(connection, row, counted["matched"]),
        }  # fmt: skip

    # -- whom it reaches ----------------------------------------------------------------------------------------------

    def _members(self, connection: Connection, row: Any, now: datetime) -> dict[str, Any]:
        chosen = segments.compiled(row.rule)
        fits = chosen.ids.subquery("fits")
        source, reasons = self._reasons(fits, row, now)
        reason = case(*reasons, else_=literal(""))
        counted = select(reason.label("reason"), func.count()).select_from(source).group_by(reason)
        given = chosen.given(now)
        found = {line[0]: line[1] for line in connection.execute(counted, given)}
        ready = found.pop("", 0)
        quiet = self._quiet(connection, row, now)
        answer = {"matched": ready + sum(found.values()), "reachable": ready, "excluded": found, **quiet}
        return {**answer, "tasks": self._tasks(connection, row, now)} if row.channel == "contact" else answer

    def _reasons(self, fits: Any, row: Any, now: datetime) -> tuple[Any, list[Any]]:
        """The audience joined with all that keeps people out of it, and the reasons in their order."""
        c = t.Consent.__table__.alias("c")
        source = fits.outerjoin(c, and_(c.c.member_id == fits.c.id, c.c.topic == row.topic))
        reasons: list[Any] = [(c.c.state == "out", "opted_out")]
        if self._outreach.require_opt_in:
            reasons.append((func.coalesce(c.c.state, "") != "in", "no_consent"))
        if row.channel == "kf":
            reasons.append((~_window(fits.c.id, now), "window_closed"))
        else:
            reasons.append((~_followed(fits.c.id, json.loads(row.senders)), "no_guide"))
        history = self._history(now)
        source = source.outerjoin(history, history.c.member_id == fits.c.id)
        for place, (_, most) in enumerate(self._outreach.terms.caps):
            reasons.append((func.coalesce(history.c[f"n{place}"], 0) >= most, "capped"))
        if row.channel == "contact":
            reasons.append((func.coalesce(history.c.month, 0) >= days_of_month(now), "platform_quota"))
        return source, reasons

    def _history(self, now: datetime) -> Any:
        """How much marketing each member had, in the days of each cap, and from broadcasts this month."""
        x = t.Touch
        today, counts = now.astimezone(ZONE).date(), and_(x.kind == "send", x.undone_at.is_(None))
        caps = [
            func.sum(case((x.day > today.toordinal() - days, 1), else_=0)).label(f"n{place}")
            for place, (days, _) in enumerate(self._outreach.terms.caps)
        ]
        first = today.replace(day=1).toordinal()
        ours = and_(x.day >= first, x.source.like("broadcast:%"))
        month = func.sum(case((ours, 1), else_=0)).label("month")
        oldest = min([first, *[today.toordinal() - days + 1 for days, _ in self._outreach.terms.caps]])
        return select(x.member_id, *caps, month).where(counts, x.day >= oldest).group_by(x.member_id).subquery("had")

    def _quiet(self, connection: Connection, row: Any, now: datetime) -> dict[str, Any]:
        """Who would have to wait: until when, by the shops' clock, and in whose own zone it is night."""
        hours = read_quiet(self._outreach.quiet)
        until = quiet_until(now, hours)
        chosen, p = segments.compiled(row.rule), t.MemberProfile
        asked = select(p.zone, func.count()).where(p.zone.is_not(None), p.member_id.in_(chosen.ids))
        zones = connection.execute(asked.group_by(p.zone), chosen.given(now)).all()
        asleep = sum(count for zone, count in zones if quiet_until(now, hours, ZoneInfo(zone)) is not None)
        return {"quiet_until": until.isoformat() if until else None, "asleep_elsewhere": asleep}

    def _tasks(self, connection: Connection, row: Any, now: datetime) -> dict[str, int]:
        """In how many tasks of how many guides it would be sent, before anybody is left out."""
        chosen = segments.compiled(row.rule)
        fits, senders = chosen.ids.subquery("fits"), json.loads(row.senders)
        f, other = t.Follow.__table__.alias("f"), t.Follow.__table__.alias("other")
        latest = select(other.c.id).where(other.c.member_id == fits.c.id, other.c.status == "active")
        latest = latest.where(other.c.userid.in_(senders)) if senders else latest
        latest = latest.order_by(other.c.followed_at.desc(), other.c.id.desc()).limit(1).correlate(fits)
        per = (
            select(f.c.userid, func.count().label("size"))
            .select_from(fits.join(f, f.c.id == latest.scalar_subquery()))
            .group_by(f.c.userid)
        )
        sizes = [line[1] for line in connection.execute(per, chosen.given(now))]
        return {"guides": len(sizes), "tasks": sum(-(-count // CONTACTS) for count in sizes)}

    def _groups(self, connection: Connection, row: Any, now: datetime) -> dict[str, Any]:
        g, a = t.GroupChat, t.AudienceChat
        named, senders = json.loads(row.chat_ids), json.loads(row.senders)
        rows = select(g.chat_id, g.owner).where(g.status == "active")
        rows = rows.where(g.chat_id.in_(named)) if named else rows
        rows = rows.where(g.owner.in_(senders)) if senders else rows
        first = now.astimezone(ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        got = select(a.chat_id).where(a.status == "sent", a.changed_at >= first).group_by(a.chat_id)
        full = set(connection.execute(got.having(func.count() >= days_of_month(now))).scalars())
        found = connection.execute(rows).all()
        owners: dict[str, int] = {}
        for line in found:
            if line.owner and line.chat_id not in full:
                owners[line.owner] = owners.get(line.owner, 0) + 1
        excluded = {
            "no_guide": sum(1 for line in found if not line.owner),
            "platform_quota": sum(1 for line in found if line.owner and line.chat_id in full),
        }
        until = quiet_until(now, read_quiet(self._outreach.quiet))
        return {
            "matched": len(found), "reachable": sum(owners.values()),
            "excluded": {reason: count for reason, count in excluded.items() if count},
            "quiet_until": until.isoformat() if until else None,
            "tasks": {"guides": len(owners), "tasks": sum(-(-count // GROUPS) for count in owners.values())},
        }  # fmt: skip

    # -- what it looks like -------------------------------------------------------------------------------------------

    def _samples(self, connection: Connection, row: Any, now: datetime) -> list[dict[str, Any]]:
        """The message as some of its readers would read it; before there are any, by the sample values."""
        names = (*broadcast_texts.OF_MEMBER, *broadcast_texts.OF_SENDER)
        values = dict(zip(names, self._texts.render("broadcasts/samples").splitlines(), strict=True))
        brought = {"coupon": row.coupon} if row.coupon else {}
        people = [] if row.channel == "group" else self._people(connection, row, now)
        shown = [
            {"member_id": one.id, **self._read(row.text, values | _of_member(connection, one, now) | brought)}
            for one in people
        ]
        return shown or [{"member_id": None, **self._read(row.text, values | brought)}]

    def _people(self, connection: Connection, row: Any, now: datetime) -> list[Any]:
        chosen, m = segments.compiled(row.rule), t.Member
        fits = select(m.id, m.name, m.tier).where(m.id.in_(chosen.ids)).order_by(m.id).limit(SHOWN)
        return list(connection.execute(fits, chosen.given(now)).all())

    @staticmethod
    def _read(text: str, values: dict[str, str]) -> dict[str, Any]:
        words = broadcast_texts.fill(text, values)
        return {"text": words, "bytes": size(words)}

    # -- what it costs ------------------------------------------------------------------------------------------------

    def _cost(self, connection: Connection, row: Any, counted: dict[str, Any]) -> dict[str, Any] | None:
        """What the coupons may cost at most; None without any."""
        if not row.coupon:
            return None
        c = t.CouponTemplate
        each = connection.execute(select(c.liability_fen).where(c.name == row.coupon)).scalar_one_or_none() or 0
        most = each * counted["reachable"]
        return {"coupon": row.coupon, "each_fen": each, "most_fen": most, "most_yuan": yuan(most)}

    def _needs_second(self, connection: Connection, row: Any, matched: int) -> bool:
        cost = self._cost(connection, row, {"reachable": matched})
        return matched > self._broadcasts.approve_above or bool(cost and cost["most_fen"] > self._above_fen)


def days_of_month(now: datetime) -> int:
    """How many broadcasts WeCom lets one receiver have in this month."""
    first = now.astimezone(ZONE).replace(day=1)
    return ((first + timedelta(days=32)).replace(day=1) - first).days


def _followed(member_id: Any, senders: list[str]) -> Any:
    f = t.Follow
    rows = select(f.id).where(f.member_id == member_id, f.status == "active")
    return (rows.where(f.userid.in_(senders)) if senders else rows).exists()


def _window(member_id: Any, now: datetime) -> Any:
    """An open window of 微信客服 with room for one more."""
    s, i = t.KfSession, t.Identity
    return (
        select(s.open_kfid)
        .join(i, and_(i.channel == "wecom", i.external_id == s.external_userid))
        .where(
            i.member_id == member_id, s.heard_at > now - kf.WINDOW, s.sent < kf.MOST - 1,
            or_(s.state == kf.NEW, s.state == kf.BOT),
        )
        .exists()
    )  # fmt: skip


def _of_member(connection: Connection, person: Any, now: datetime) -> dict[str, str]:
    b, c = t.Balance, t.Coupon
    points = connection.execute(
        select(b.amount).where(b.account == f"member:{person.id}", b.asset == "points")
    ).scalar_one_or_none()
    coupon = connection.execute(
        select(c.template)
        .where(c.member_id == person.id, c.status == "active", c.expires_at > now)
        .order_by(c.expires_at, c.id)
        .limit(1)
    ).scalar_one_or_none()
    return {"name": person.name, "points": str(points or 0), "tier": person.tier, "coupon": coupon or ""}


def _phone(text: str, attachments: list[dict[str, Any]]) -> list[str]:
    """What a phone shows, line by line."""
    lines = text.splitlines()
    for item in attachments:
        lines.append(f"[{item['msgtype']}] {label(item)}".rstrip())
    return lines
