"""Tables of imports: files on their way in. Nothing else reads them; a run that never ended is dropped."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import KEY, moment, number, row_id, words


class ImportRun(SQLModel, table=True):
    """导入: one file; `done` once, in the transaction in which all its rows entered the books."""

    __tablename__ = "import_run"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("kind IN ('members', 'products', 'orders')", name="import_run_kind"),
        CheckConstraint("status IN ('staging', 'done', 'dropped')", name="import_run_status"),
    )
    id: int = Field(sa_column=row_id())
    kind: str = Field(sa_column=words("kind"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    done_at: datetime | None = Field(sa_column=moment("done_at", null=True))


class ImportRow(SQLModel, table=True):
    """One checked line of a file that is not in the books yet. What a kind has no use for is empty.

    `base_id` is the first of `storage.imports.WIDTH` ids kept for what the line becomes; `member_id` equal to it means
    that the line makes a member. `amount`: points, price or payment (fen); `code`: sku or order number; `tail`: the
    last four digits of the phone; `sought`: the name as it is searched.
    """

    __tablename__ = "import_row"
    __table_args__: tuple[SchemaItem, ...] = (Index("import_row_member", "run_id", "member_id"),)
    run_id: int = Field(sa_column=Column("run_id", KEY, primary_key=True, autoincrement=False))
    line: int = Field(sa_column=Column("line", KEY, primary_key=True, autoincrement=False))
    base_id: int = Field(sa_column=number("base_id"))
    member_id: int = Field(sa_column=number("member_id"))
    unionid: str = Field(sa_column=words("unionid"))
    wecom: str = Field(sa_column=words("wecom"))
    phone: str = Field(sa_column=words("phone"))
    name: str = Field(sa_column=words("name"))
    tier: str = Field(sa_column=words("tier"))
    code: str = Field(sa_column=words("code"))
    source: str = Field(sa_column=words("source"))
    place: str = Field(sa_column=words("place"))
    amount: int = Field(sa_column=number("amount"))
    cost_fen: int = Field(sa_column=number("cost_fen"))
    stock: int | None = Field(sa_column=number("stock", null=True))
    at: datetime = Field(sa_column=moment("at"))
    tail: str = Field(sa_column=words("tail"))
    sought: str = Field(sa_column=words("sought"))
    birthday: str = Field(sa_column=words("birthday"))
    birth_year: int | None = Field(sa_column=number("birth_year", null=True))
    consent: str = Field(sa_column=words("consent"))


class ImportTag(SQLModel, table=True):
    """A tag of a line."""

    __tablename__ = "import_tag"
    run_id: int = Field(sa_column=Column("run_id", KEY, primary_key=True, autoincrement=False))
    line: int = Field(sa_column=Column("line", KEY, primary_key=True, autoincrement=False))
    group_name: str = Field(sa_column=words("group_name", key=True))
    name: str = Field(sa_column=words("name", key=True))


class ImportField(SQLModel, table=True):
    """A custom field of a line."""

    __tablename__ = "import_field"
    run_id: int = Field(sa_column=Column("run_id", KEY, primary_key=True, autoincrement=False))
    line: int = Field(sa_column=Column("line", KEY, primary_key=True, autoincrement=False))
    name: str = Field(sa_column=words("name", key=True))
    value: str = Field(sa_column=words("value"))
