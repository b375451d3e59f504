"""Tables of reaching out: who may be reached, who was, and what is known of people for choosing among them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import KEY, json_text, moment, number, row_id, some_rows, words

_LIVE = text("archived_at IS NULL")
CLUSTERED = {"sqlite_with_rowid": False}  # the rows lie in the key's own order: one B-tree instead of two


def _member() -> Column[int]:
    return Column("member_id", BigInteger, primary_key=True, autoincrement=False)


class Segment(SQLModel, table=True):
    """人群: a rule (JSON of `storage.segments.Rule`) by which members are chosen; one name among those not archived."""

    __tablename__ = "segment"
    __table_args__: tuple[SchemaItem, ...] = (
        Index("segment_name", "name", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    rule: str = Field(sa_column=json_text("rule"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    archived_at: datetime | None = Field(sa_column=moment("archived_at", null=True))


class ConsentAct(SQLModel, table=True):
    """同意与退订: what a member said, append-only: by whom it was entered, where, and which text they had read.

    `text_version` names the prompt that was shown (empty: none was).
    """

    __tablename__ = "consent_act"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("state IN ('in', 'out')", name="consent_act_state"),
        Index("consent_act_member", "member_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    member_id: int = Field(sa_column=number("member_id"))
    topic: str = Field(sa_column=words("topic"))
    state: str = Field(sa_column=words("state"))
    made_by: str = Field(sa_column=words("made_by"))
    channel: str = Field(sa_column=words("channel"))
    text_version: str = Field(sa_column=words("text_version"))
    cause: str = Field(sa_column=words("cause"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class Consent(SQLModel, table=True):
    """How a member stands to a topic: what their last `consent_act` says. No row: they never said anything."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("state IN ('in', 'out')", name="consent_state"),
        Index("consent_state_of", "topic", "state", "member_id"),
        CLUSTERED,
    )
    member_id: int = Field(sa_column=_member())
    topic: str = Field(sa_column=words("topic", key=True))
    state: str = Field(sa_column=words("state"))
    act_id: int = Field(sa_column=number("act_id"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class OutreachRule(SQLModel, table=True):
    """A version of `[outreach]` under which members were reached; `quiet_from` and `quiet_to` are minutes of the
    member's day, both null = no quiet hours. Its caps are `OutreachCap` rows."""

    __tablename__ = "outreach_rule"
    __table_args__: tuple[SchemaItem, ...] = (UniqueConstraint("digest", name="outreach_rule_digest"),)
    id: int = Field(sa_column=row_id())
    digest: str = Field(sa_column=words("digest"))
    require_opt_in: int = Field(sa_column=number("require_opt_in"))
    quiet_from: int | None = Field(sa_column=number("quiet_from", null=True))
    quiet_to: int | None = Field(sa_column=number("quiet_to", null=True))
    made_at: datetime = Field(sa_column=moment("made_at"))


class OutreachCap(SQLModel, table=True):
    """At most `most` marketing messages to a person on `days` days, today among them."""

    __tablename__ = "outreach_cap"
    rule_id: int = Field(sa_column=Column("rule_id", KEY, primary_key=True, autoincrement=False))
    days: int = Field(sa_column=Column("days", KEY, primary_key=True, autoincrement=False))
    most: int = Field(sa_column=number("most"))


class Touch(SQLModel, table=True):
    """触达: one person's history of marketing, numbered by `seq`: messages (`send`) and their own words (`in`, `out`).
    Two processes that would both write the next number cannot both: that is what makes the caps and a
    refusal exact.

    `source` says what reached them (`broadcast:12`, `coupon_reminder`), `day` is the shops' day as
    `date.toordinal()`, `minute` the minute of the member's own day. `undone_at`: it was never delivered, so it counts
    no more. `moved_at`: it came by a merge.
    """

    __tablename__ = "touch"
    __table_args__ = (
        CheckConstraint("kind IN ('send', 'in', 'out')", name="touch_kind"),
        CheckConstraint("seq > 0", name="touch_seq"),
        CLUSTERED,
    )
    member_id: int = Field(sa_column=_member())
    seq: int = Field(sa_column=Column("seq", BigInteger, primary_key=True, autoincrement=False))
    kind: str = Field(sa_column=words("kind"))
    topic: str = Field(sa_column=words("topic"))
    source: str = Field(sa_column=words("source"))
    rule_id: int = Field(sa_column=number("rule_id"))
    day: int = Field(sa_column=number("day"))
    minute: int = Field(sa_column=number("minute"))
    at: datetime = Field(sa_column=moment("at"))
    undone_at: datetime | None = Field(sa_column=moment("undone_at", null=True))
    moved_at: datetime | None = Field(sa_column=moment("moved_at", null=True))


class MemberProfile(SQLModel, table=True):
    """What members told of themselves: `birthday` as MM-DD (02-29 stays 02-29; by the moon as storage/lunar.py keeps
    it), `birth_year` when they gave it, `zone` when they do not live by the shops' clock."""

    __tablename__ = "member_profile"
    __table_args__: tuple[SchemaItem, ...] = (
        some_rows("member_profile_birthday", "birthday", "member_id", where="birthday IS NOT NULL"),
        some_rows("member_profile_zone", "zone", where="zone IS NOT NULL"),
    )
    member_id: int = Field(sa_column=row_id("member_id"))
    birthday: str | None = Field(sa_column=words("birthday", null=True))
    birth_year: int | None = Field(sa_column=number("birth_year", null=True))
    zone: str | None = Field(sa_column=words("zone", null=True))
    source: str = Field(sa_column=words("source"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class MemberField(SQLModel, table=True):
    """自定义字段: what a brand's own files say of a member."""

    __tablename__ = "member_field"
    __table_args__ = (Index("member_field_value", "name", "value", "member_id"), CLUSTERED)
    member_id: int = Field(sa_column=_member())
    name: str = Field(sa_column=words("name", key=True))
    value: str = Field(sa_column=words("value"))
    source: str = Field(sa_column=words("source"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class MemberStats(SQLModel, table=True):
    """消费统计: a member's orders of which something stands (paid and not refunded whole); who has none has no row.

    Kept in the turn that records an order or a refund; `spend_fen` is what was paid and stayed paid.
    """

    __tablename__ = "member_stats"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("orders > 0", name="member_stats_orders"),
        Index("member_stats_last", "last_paid_at", "member_id"),
    )
    member_id: int = Field(sa_column=row_id("member_id"))
    orders: int = Field(sa_column=number("orders"))
    spend_fen: int = Field(sa_column=number("spend_fen"))
    first_paid_at: datetime = Field(sa_column=moment("first_paid_at"))
    last_paid_at: datetime = Field(sa_column=moment("last_paid_at"))
