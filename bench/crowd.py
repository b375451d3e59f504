"""A shop's members in any number, made by a few statements: who follows them, tags, orders, birthdays, refusals.

Every second member has a tag of 兴趣, two in five have orders, three in five a birthday; one in thirty said no to
marketing, one in fifty is followed by nobody. Everything follows from the member's number.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from storage.engine import Database
from storage.types import to_microseconds

GUIDES = 200
DAY_US = 86_400 * 1_000_000
MEMBERS = """INSERT INTO member (id, name, avatar, gender, tier, merged_into, referrer_id, created_at)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
SELECT :base + n, 'm' || n, '', 0, CASE n % 10 WHEN 0 THEN 'gold' WHEN 1 THEN 'silver' ELSE 'basic' END, NULL, NULL,
{moment} FROM numbers"""
FOLLOWS = """INSERT INTO follow (id, member_id, external_userid, userid, state, status, remark, followed_at, changed_at)
SELECT :base + :count + m.id - :base, m.id, {name}, 'guide' || (m.id % {guides}),
CASE m.id % 4 WHEN 0 THEN 'live' WHEN 1 THEN 'store' ELSE '' END, 'active', '', m.created_at, m.created_at
FROM member m WHERE m.id > :base AND m.id <= :base + :count AND m.id % 50 <> 7"""
NAMES = """INSERT INTO identity (id, channel, external_id, member_id, evidence, created_at)
SELECT f.id + :count, 'wecom', f.external_userid, f.member_id, 'bench', f.followed_at FROM follow f
WHERE f.member_id > :base AND f.member_id <= :base + :count"""
TAGS = """INSERT INTO member_tag (member_id, group_name, name, source, "by", tagged_at, expires_at)
SELECT m.id, '兴趣', CASE m.id % 6 WHEN 0 THEN '茶' WHEN 2 THEN '咖啡' ELSE '酒' END, 'import', '', m.created_at, NULL
FROM member m WHERE m.id > :base AND m.id <= :base + :count AND m.id % 2 = 0"""
ORDERS = """INSERT INTO shop_order (id, source, order_no, member_id, amount_fen, refunded_fen, items, store,
checkout_id, paid_at, created_at)
SELECT :base + 3 * :count + (m.id - :base) * 3 + k.k, 'bench', 'o' || m.id || '-' || k.k, m.id,
(m.id % 97 + 1) * 1000, 0, '[]', 's' || (m.id % 50), NULL,
{paid}, {paid}
FROM member m JOIN (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2) k ON k.k <= m.id % 5
WHERE m.id > :base AND m.id <= :base + :count AND m.id % 5 < 2"""
STATS = """INSERT INTO member_stats (member_id, orders, spend_fen, first_paid_at, last_paid_at)
SELECT member_id, count(*), sum(amount_fen - refunded_fen), min(paid_at), max(paid_at) FROM shop_order
WHERE refunded_fen < amount_fen AND member_id > :base AND member_id <= :base + :count GROUP BY member_id"""
PROFILES = """INSERT INTO member_profile (member_id, birthday, birth_year, zone, source, changed_at)
SELECT m.id, {birthday}, NULL, NULL, 'bench',
m.created_at FROM member m WHERE m.id > :base AND m.id <= :base + :count AND m.id % 5 > 1"""
SAID = """INSERT INTO consent_act (id, member_id, topic, state, made_by, channel, text_version, cause, made_at)
SELECT :base + 9 * :count + m.id - :base, m.id, 'marketing', 'out', 'member', 'kf', '', 'bench', m.created_at
FROM member m WHERE m.id > :base AND m.id <= :base + :count AND m.id % 30 = 11"""
STANDS = """INSERT INTO consent (member_id, topic, state, act_id, changed_at)
SELECT member_id, topic, state, id, made_at FROM consent_act WHERE member_id > :base AND member_id <= :base + :count"""
HEARD = """INSERT INTO touch (member_id, seq, kind, topic, source, rule_id, day, minute, at, undone_at, moved_at)
SELECT member_id, 1, state, topic, 'consent:' || id, 0, 0, 0, made_at, NULL, NULL FROM consent_act
WHERE member_id > :base AND member_id <= :base + :count"""
WORDS = {
    "sqlite": {
        "moment": ":began + (n % 700) * :day", "name": "'wm' || lower(hex(randomblob(15)))",
        "paid": "m.created_at + (m.id % 97 + k.k * 7) * :day",
        "birthday": "printf('%02d-%02d', m.id % 12 + 1, m.id % 28 + 1)",
    },
    "postgresql": {
        "moment": "to_timestamp(:began / 1000000.0) + (n % 700) * interval '1 day'",
        "name": "'wm' || left(md5(random()::text || m.id), 30)",
        "paid": "m.created_at + (m.id % 97 + k.k * 7) * interval '1 day'",
        "birthday": "to_char(m.id % 12 + 1, 'FM00') || '-' || to_char(m.id % 28 + 1, 'FM00')",
    },
}  # fmt: skip


def plant(database: Database, count: int, now: datetime | None = None) -> int:
    """So many members and all that is theirs; the id before their first. ANALYZE at the end, as a database that lived
    would have done."""
    began = (now or datetime.now(UTC)) - timedelta(days=700)
    words = {"guides": GUIDES, **WORDS[database.dialect]}
    with database.engine.begin() as connection:
        base = _ids(connection, 10 * count + 1)
        given = {"base": base, "count": count, "began": to_microseconds(began), "day": DAY_US}
        for statement in (MEMBERS, FOLLOWS, NAMES, TAGS, ORDERS, STATS, PROFILES, SAID, STANDS, HEARD):
            sql = statement.format(**words)
            connection.execute(text(sql), {name: value for name, value in given.items() if f":{name}" in sql})
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    return base


def _ids(connection: Connection, count: int) -> int:
    """A block of row ids; the number before its first."""
    taken = text("UPDATE sequence SET next = next + :count WHERE name = 'id' RETURNING next")
    return int(connection.execute(taken, {"count": count}).scalar_one()) - count
