"""标签审计: the invariants of tags: groups, rules and their walks, what WeCom shows; part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, literal, or_, select

from storage import tables
from storage.tag_rules import BY

t: Any = tables
_TEXT = t.Inbox.__table__.c.key.type


def two_of_an_exclusive_group(now: Any) -> Select[Any]:
    """A member has one tag of an exclusive group at most."""
    m, g = t.MemberTag, t.TagGroup
    return (
        select(m.member_id, m.group_name, func.count(func.distinct(m.name)))
        .join(g, g.name == m.group_name)
        .where(g.exclusive == 1, or_(m.expires_at.is_(None), m.expires_at > now))
        .group_by(m.member_id, m.group_name)
        .having(func.count(func.distinct(m.name)) > 1)
    )


def of_no_rule(_: datetime) -> Select[Any]:
    """A tag that a rule has put on is the tag of that rule."""
    m, r = t.MemberTag, t.TagRule
    by = literal(BY) + r.id.cast(_TEXT)
    whose = select(r.id).where(by == m.by, r.group_name == m.group_name, r.name == m.name)
    return select(m.member_id, m.group_name, m.name, m.by).where(m.by.like(f"{BY}%"), ~whose.exists())


def by_rule_as_another(_: datetime) -> Select[Any]:
    """What a rule puts on is of the source `rule`, never somebody else's."""
    m = t.MemberTag
    return select(m.member_id, m.group_name, m.name, m.source).where(m.by.like(f"{BY}%"), m.source != "rule")


def past_its_time(overdue: Any) -> Select[Any]:
    """No tag stays days beyond its end."""
    m = t.MemberTag
    return select(m.member_id, m.group_name, m.name).where(m.expires_at.is_not(None), m.expires_at <= overdue)


def rule_without_its_version(_: datetime) -> Select[Any]:
    """A rule says what its newest version says; versions are counted without a gap."""
    r, v = t.TagRule, t.TagRuleVersion
    said = select(v.rule_id).where(
        v.rule_id == r.id, v.version == r.version, v.rule == r.rule, v.days == r.days, v.place == r.place
    )
    count = select(func.count()).select_from(v).where(v.rule_id == r.id).scalar_subquery()
    return select(r.id, r.version).where(or_(~said.exists(), count != r.version))


def rule_in_no_group(_: datetime) -> Select[Any]:
    """A rule's group was set up."""
    r, g = t.TagRule, t.TagGroup
    return select(r.id, r.group_name).where(~select(g.name).where(g.name == r.group_name).exists())


def walk_stands_still(overdue: Any) -> Select[Any]:
    """A walk is through, on its way since lately, or its next window is still to come."""
    u, i = t.TagRun, t.Timer
    key = literal("tagging.more:") + u.id.cast(_TEXT) + literal(":") + u.cursor.cast(_TEXT)
    coming = select(i.id).where(i.key == key, i.fired_at.is_(None))
    old = select(u.id, u.name, u.cursor).where(u.status == "running", u.began_at <= overdue)
    return old.where(~coming.exists())


def mark_on_its_way(overdue: Any) -> Select[Any]:
    """What WeCom was asked to show is answered, or a call of it is still owed."""
    c, o = t.CorpMark, t.Outbox
    owed = select(o.id).where(
        o.subject == literal("pair:") + c.userid + literal(":") + c.external_userid, o.done_at.is_(None)
    )
    asked = and_(or_(c.state == "asked_on", c.state == "asked_off"), c.changed_at <= overdue)
    return select(c.external_userid, c.userid, c.group_name, c.name, c.state).where(asked, ~owed.exists())


def scale_falls(_: datetime) -> Select[Any]:
    """Edges of the scale of R, F and M rise."""
    s = t.RfmScale
    rises = and_(*(
        getattr(s, f"{letter}{n}") < getattr(s, f"{letter}{n + 1}") for letter in "rfm" for n in (1, 2, 3)
    ))  # fmt: skip
    return select(s.id).where(~rises)


TAGS = (
    ("tags: one of an exclusive group at most", two_of_an_exclusive_group),
    ("tags: a rule's tag is of that rule", of_no_rule),
    ("tags: rules put on nothing in another's name", by_rule_as_another),
    ("tags: none stays past its time", past_its_time),
    ("tags: a rule says what its newest version says", rule_without_its_version),
    ("tags: a rule's group was set up", rule_in_no_group),
    ("tags: walks come to their end", walk_stands_still),
    ("tags: what WeCom was asked for is answered", mark_on_its_way),
    ("tags: the scale of RFM rises", scale_falls),
)
