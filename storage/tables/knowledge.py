"""Tables of knowledge: what the shop answers, every version of it, the pieces that are searched, and what nobody could
answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import KEY, json_text, moment, number, row_id, words


class KnowledgeArticle(SQLModel, table=True):
    """知识条目: one question with its answer, one document, or one script; `source` and `key` name it for ever.

    `audience` all: members may read it; staff: nobody else may. `asks` (JSON) are other ways to ask for it, as its
    file has them; `learned` those that staff linked to it. `digest` tells whether a file says something new.
    """

    __tablename__ = "knowledge_article"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("source", "key", name="knowledge_article_key"),
        CheckConstraint("kind IN ('faq', 'doc', 'script')", name="knowledge_article_kind"),
        CheckConstraint("audience IN ('all', 'staff')", name="knowledge_article_audience"),
        CheckConstraint("kind <> 'script' OR audience = 'staff'", name="knowledge_article_script"),
        CheckConstraint("status IN ('live', 'withdrawn')", name="knowledge_article_status"),
    )
    id: int = Field(sa_column=row_id())
    source: str = Field(sa_column=words("source"))
    key: str = Field(sa_column=words("key"))
    kind: str = Field(sa_column=words("kind"))
    audience: str = Field(sa_column=words("audience"))
    title: str = Field(sa_column=words("title"))
    category: str = Field(sa_column=words("category"))
    store: str = Field(sa_column=words("store"))
    asks: str = Field(sa_column=json_text("asks"))
    learned: str = Field(sa_column=json_text("learned"))
    valid_from: datetime | None = Field(sa_column=moment("valid_from", null=True))
    valid_until: datetime | None = Field(sa_column=moment("valid_until", null=True))
    digest: str = Field(sa_column=words("digest"))
    version: int = Field(sa_column=number("version"))
    status: str = Field(sa_column=words("status"))
    changed_by: str = Field(sa_column=words("changed_by"))
    created_at: datetime = Field(sa_column=moment("created_at"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class KnowledgeVersion(SQLModel, table=True):
    """版本: what an article said from `made_at` on; `content` is the draft as JSON. Never changed."""

    __tablename__ = "knowledge_version"
    article_id: int = Field(sa_column=Column("article_id", KEY, primary_key=True, autoincrement=False))
    version: int = Field(sa_column=Column("version", KEY, primary_key=True, autoincrement=False))
    content: str = Field(sa_column=json_text("content"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class KnowledgeChunk(SQLModel, table=True):
    """片段: a piece of a live article that is searched and shown. `head` and `body` are its words as `storage.bigrams`
    reads them (`head`: one way to ask after the other, parted by `|`), `reading` which state of it. Who may read it
    where and when is its article's, copied: a search sorts out before it looks up.

    The full-text index (`knowledge_index`) lies over `head` and `body`: FTS5 kept by triggers, or GIN.
    """

    __tablename__ = "knowledge_chunk"
    __table_args__: tuple[SchemaItem, ...] = (UniqueConstraint("article_id", "place", name="knowledge_chunk_place"),)
    id: int = Field(sa_column=row_id())
    article_id: int = Field(sa_column=number("article_id"))
    place: int = Field(sa_column=number("place"))
    heading: str = Field(sa_column=words("heading"))
    text: str = Field(sa_column=json_text("text"))
    head: str = Field(sa_column=json_text("head"))
    body: str = Field(sa_column=json_text("body"))
    reading: int = Field(sa_column=number("reading"))
    audience: str = Field(sa_column=words("audience"))
    store: str = Field(sa_column=words("store"))
    valid_from: datetime | None = Field(sa_column=moment("valid_from", null=True))
    valid_until: datetime | None = Field(sa_column=moment("valid_until", null=True))


class KnowledgeTerm(SQLModel, table=True):
    """词频: in how many chunks a word stands, and (with `bigrams.TITLED` before it) in how many of their titles; the
    empty word stands in all of them."""

    __tablename__ = "knowledge_term"
    term: str = Field(sa_column=words("term", key=True))
    chunks: int = Field(sa_column=number("chunks"))


class Question(SQLModel, table=True):
    """没答上的问题: asked `times` in words that mean the same (`key`), masked. `linked`: `article_id` answers it."""

    __tablename__ = "question"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="question_key"),
        CheckConstraint("status IN ('open', 'linked', 'ignored')", name="question_status"),
        CheckConstraint("(status = 'linked') = (article_id IS NOT NULL)", name="question_linked"),
        Index("question_last", "status", "last_at"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    text: str = Field(sa_column=words("text"))
    asked_by: str = Field(sa_column=words("asked_by"))
    times: int = Field(sa_column=number("times"))
    first_at: datetime = Field(sa_column=moment("first_at"))
    last_at: datetime = Field(sa_column=moment("last_at"))
    status: str = Field(sa_column=words("status"))
    article_id: int | None = Field(sa_column=number("article_id", null=True))
    decided_by: str = Field(sa_column=words("decided_by"))
    decided_at: datetime | None = Field(sa_column=moment("decided_at", null=True))
