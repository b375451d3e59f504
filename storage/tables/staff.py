"""Tables of staff: who works here in which role, tokens for programs, second persons, the chain of the audit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Staff(SQLModel, table=True):
    """员工: a WeCom userid and what it is here; `store_id` is a store's code, empty = none."""

    __tablename__ = "staff"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("role IN ('guide', 'manager', 'admin', 'owner')", name="staff_role"),
        CheckConstraint("status IN ('active', 'disabled')", name="staff_status"),
        CheckConstraint("role <> 'manager' OR store_id <> ''", name="staff_managers_store"),
        Index("staff_store", "store_id"),
    )
    userid: str = Field(sa_column=words("userid", key=True))
    name: str = Field(sa_column=words("name"))
    role: str = Field(sa_column=words("role"))
    store_id: str = Field(sa_column=words("store_id"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class ApiToken(SQLModel, table=True):
    """接口令牌: lets a program act as a member of staff. Only the SHA-256 of the token is kept."""

    __tablename__ = "api_token"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("hash", name="api_token_hash"),
        Index("api_token_userid", "userid"),
    )
    id: int = Field(sa_column=row_id())
    userid: str = Field(sa_column=words("userid"))
    name: str = Field(sa_column=words("name"))
    hash: str = Field(sa_column=words("hash"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    expires_at: datetime | None = Field(sa_column=moment("expires_at", null=True))
    last_used_at: datetime | None = Field(sa_column=moment("last_used_at", null=True))
    revoked_at: datetime | None = Field(sa_column=moment("revoked_at", null=True))


class Approval(SQLModel, table=True):
    """审批: what waits for a second person. `may` is the permission that decides; `payload` is what will be done."""

    __tablename__ = "approval"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="approval_key"),
        CheckConstraint("status IN ('waiting', 'approved', 'rejected', 'expired')", name="approval_status"),
        CheckConstraint("status IN ('waiting', 'expired') OR decided_by <> ''", name="approval_decided"),
        CheckConstraint("decided_by <> made_by OR status <> 'approved'", name="approval_second_person"),
        some_rows("approval_open", "id", where="decided_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    kind: str = Field(sa_column=words("kind"))
    subject: str = Field(sa_column=words("subject"))
    member_id: int | None = Field(sa_column=number("member_id", null=True))
    store_id: str = Field(sa_column=words("store_id"))
    may: str = Field(sa_column=words("may"))
    says: str = Field(sa_column=words("says"))
    payload: str = Field(sa_column=json_text("payload"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    expires_at: datetime = Field(sa_column=moment("expires_at"))
    decided_by: str = Field(sa_column=words("decided_by"))
    decided_at: datetime | None = Field(sa_column=moment("decided_at", null=True))
    reason: str = Field(sa_column=words("reason"))


class AuditHead(SQLModel, table=True):
    """审计链头: the newest link; rows from `from_id` on must be linked when a person made them."""

    __tablename__ = "audit_head"
    name: str = Field(sa_column=words("name", key=True))
    seq: int = Field(sa_column=number("seq"))
    hash: str = Field(sa_column=words("hash"))
    from_id: int = Field(sa_column=number("from_id"))


class AuditLink(SQLModel, table=True):
    """审计链: link `seq` holds the hash over the link before it and the audit row it stands for."""

    __tablename__ = "audit_link"
    __table_args__: tuple[SchemaItem, ...] = (UniqueConstraint("audit_id", name="audit_link_row"),)
    seq: int = Field(sa_column=row_id("seq"))
    audit_id: int = Field(sa_column=number("audit_id"))
    hash: str = Field(sa_column=words("hash"))
