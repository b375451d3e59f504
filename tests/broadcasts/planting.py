"""A shop of any size, made by a few statements: members who follow the guides of a sandbox's crowd. Everything follows
from a member's number: one in fifty refused marketing, one in a hundred is followed by nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from storage.engine import Database
from storage.types import to_microseconds

PREFIX = "wmC"
REFUSED, ALONE = (50, 7), (100, 13)  # (of so many, the one with this number)

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) ",
    "postgresql": "WITH n(i) AS (SELECT generate_series(0, :count - 1)) ",
}
NAME = {"sqlite": "printf('%s%08d', '{p}', i)", "postgresql": "'{p}' || to_char(i, 'FM00000000')"}
GUIDE = {"sqlite": "printf('%s-%04d', '{g}', i % :guides)", "postgresql": "'{g}-' || to_char(i % :guides, 'FM0000')"}
STATEMENTS = (
    "INSERT INTO member (id, name, avatar, gender, tier, merged_into, referrer_id, created_at) {numbers}"
    "SELECT :base + i, '会员' || i, '', 0, 'basic', NULL, NULL, :now FROM n",
    "INSERT INTO identity (id, channel, external_id, member_id, evidence, created_at) {numbers}"
    "SELECT :base + :count + i, 'wecom', {name}, :base + i, 'planted', :now FROM n",
    "INSERT INTO follow (id, member_id, external_userid, userid, state, status, remark, followed_at, changed_at) "
    "{numbers}SELECT :base + 2 * :count + i, :base + i, {name}, {guide}, '', 'active', '', :now, :now FROM n "
    "WHERE i % {alone} <> {alone_one}",
    "INSERT INTO consent_act (id, member_id, topic, state, made_by, channel, text_version, cause, made_at) {numbers}"
    "SELECT :base + 3 * :count + i, :base + i, 'marketing', 'out', 'member', 'kf', '', 'planted', :now FROM n "
    "WHERE i % {refused} = {refused_one}",
    "INSERT INTO consent (member_id, topic, state, act_id, changed_at) {numbers}"
    "SELECT :base + i, 'marketing', 'out', :base + 3 * :count + i, :now FROM n WHERE i % {refused} = {refused_one}",
    "INSERT INTO touch (member_id, seq, kind, topic, source, rule_id, day, minute, at, undone_at, moved_at) {numbers}"
    "SELECT :base + i, 1, 'out', 'marketing', 'consent:' || (:base + 3 * :count + i), 0, 0, 0, :now, NULL, NULL FROM n "
    "WHERE i % {refused} = {refused_one}",
)


def plant(url: str, count: int, guides: int) -> None:
    """So many members; and the nightly comparison, which reads a million contacts, is owed for tomorrow."""
    database = Database(url)
    database.migrate()
    kind, now = database.dialect, datetime.now(UTC)
    words = {
        "numbers": NUMBERS[kind], "name": NAME[kind].format(p=PREFIX), "guide": GUIDE[kind].format(g=PREFIX.lower()),
        "alone": ALONE[0], "alone_one": ALONE[1], "refused": REFUSED[0], "refused_one": REFUSED[1],
    }  # fmt: skip
    with database.engine.begin() as connection:
        taken = text("UPDATE sequence SET next = next + :n WHERE name = 'id' RETURNING next")
        base = int(connection.execute(taken, {"n": 5 * count + 1}).scalar_one()) - 5 * count
        began = now - timedelta(days=100)
        moment = to_microseconds(began) if kind == "sqlite" else began
        given = {"base": base, "count": count, "guides": guides, "now": moment}
        for statement in STATEMENTS:
            sql = statement.format(**words)
            connection.execute(text(sql), {name: value for name, value in given.items() if f":{name}" in sql})
        later = now + timedelta(days=1)
        connection.execute(
            text(
                "INSERT INTO outbox (id, call, lane, subject, payload, answers, status, attempts, faults, cause, "
                "created_at, not_before) VALUES (:id, 'reconcile', 'slow', 'reconcile', '{}', 0, 'pending', 0, 0, "
                "'planted', :now, :later)"
            ),
            {"id": base + 5 * count - 1, "now": moment, "later": to_microseconds(later) if kind == "sqlite" else later},
        )
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")
    database.close()


def refuses(number: int) -> bool:
    """Whether a member said no."""
    return number % REFUSED[0] == REFUSED[1]


def alone(number: int) -> bool:
    """Whether nobody follows a member."""
    return number % ALONE[0] == ALONE[1]
