"""Tables of salons: what is held when and where, and who has which seat."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Salon(SQLModel, table=True):
    """会员沙龙: an event with seats. Its seats are the stock `salon:<id>`; `no` is what people call it by (S12).

    `zone` is where it is held: its reminders are in that zone's days. `points` and `sku` are what a seat costs (0, ""
    = nothing; the product `sku` is sold at its list price). `who`, `remind` and `follow` are the rules it was made
    with, as JSON; `version` counts the changes that people were told of, `queue` everybody who ever signed up: whoever
    counts it up goes before whoever comes next, in whatever process.
    """

    __tablename__ = "salon"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("no", name="salon_no"),
        UniqueConstraint("check_code", name="salon_check_code"),
        CheckConstraint("status IN ('open', 'cancelled', 'done')", name="salon_status"),
        CheckConstraint("seats > 0", name="salon_seats"),
        CheckConstraint("points >= 0", name="salon_points"),
        CheckConstraint("ends_at > starts_at", name="salon_times"),
        some_rows("salon_open", "starts_at", where="settled_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    no: int = Field(sa_column=number("no"))
    title: str = Field(sa_column=words("title"))
    store: str = Field(sa_column=words("store"))
    place: str = Field(sa_column=words("place"))
    intro: str = Field(sa_column=words("intro"))
    starts_at: datetime = Field(sa_column=moment("starts_at"))
    ends_at: datetime = Field(sa_column=moment("ends_at"))
    zone: str = Field(sa_column=words("zone"))
    seats: int = Field(sa_column=number("seats"))
    points: int = Field(sa_column=number("points"))
    sku: str = Field(sa_column=words("sku"))
    who: str = Field(sa_column=json_text("who"))
    remind: str = Field(sa_column=json_text("remind"))
    accept_minutes: int = Field(sa_column=number("accept_minutes"))
    follow: str = Field(sa_column=json_text("follow"))
    check_code: str = Field(sa_column=words("check_code"))
    version: int = Field(sa_column=number("version"))
    queue: int = Field(sa_column=number("queue"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    created_at: datetime = Field(sa_column=moment("created_at"))
    settled_at: datetime | None = Field(sa_column=moment("settled_at", null=True))


class SalonSeat(SQLModel, table=True):
    """报名: a member and a salon. `place` orders those who wait; who signs up anew queues anew.

    waiting -> offered -> confirmed | waiting's end; held: a seat waits for payment; confirmed -> attended | absent.
    `token` is unguessable: it checks the member in and opens their calendar file.
    """

    __tablename__ = "salon_seat"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("salon_id", "member_id", name="salon_seat_once"),
        UniqueConstraint("token", name="salon_seat_token"),
        CheckConstraint(
            "status IN ('waiting', 'offered', 'held', 'confirmed', 'attended', 'absent', 'cancelled', 'lapsed')",
            name="salon_seat_status",
        ),
        CheckConstraint("points >= 0", name="salon_seat_points"),
        Index("salon_seat_queue", "salon_id", "status", "place"),
        Index("salon_seat_member", "member_id"),
        some_rows("salon_seat_checkout", "checkout_id", where="checkout_id IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    salon_id: int = Field(sa_column=number("salon_id"))
    member_id: int = Field(sa_column=number("member_id"))
    status: str = Field(sa_column=words("status"))
    place: int = Field(sa_column=number("place"))
    token: str = Field(sa_column=words("token"))
    points: int = Field(sa_column=number("points"))
    paid_key: str = Field(sa_column=words("paid_key"))
    checkout_id: int | None = Field(sa_column=number("checkout_id", null=True))
    by: str = Field(sa_column=words("by"))
    offered_until: datetime | None = Field(sa_column=moment("offered_until", null=True))
    made_at: datetime = Field(sa_column=moment("made_at"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))
    attended_at: datetime | None = Field(sa_column=moment("attended_at", null=True))
