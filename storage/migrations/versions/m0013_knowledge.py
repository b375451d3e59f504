"""Knowledge: articles with their versions, the pieces that are searched and their index, what went unanswered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The index holds no texts of its own: it reads those of the table, and the triggers tell it of every change.
_FTS5 = (
    "CREATE VIRTUAL TABLE knowledge_index USING fts5("
    "head, body, content='knowledge_chunk', content_rowid='id', tokenize='ascii')",
    "CREATE TRIGGER knowledge_chunk_in AFTER INSERT ON knowledge_chunk BEGIN "
    "INSERT INTO knowledge_index(rowid, head, body) VALUES (new.id, new.head, new.body); END",
    "CREATE TRIGGER knowledge_chunk_out AFTER DELETE ON knowledge_chunk BEGIN "
    "INSERT INTO knowledge_index(knowledge_index, rowid, head, body) "
    "VALUES ('delete', old.id, old.head, old.body); END",
    "CREATE TRIGGER knowledge_chunk_new AFTER UPDATE OF head, body ON knowledge_chunk BEGIN "
    "INSERT INTO knowledge_index(knowledge_index, rowid, head, body) "
    "VALUES ('delete', old.id, old.head, old.body); "
    "INSERT INTO knowledge_index(rowid, head, body) VALUES (new.id, new.head, new.body); END",
)
# fastupdate would keep what is new in a list that every lookup reads from end to end.
# The words are stored beside the text: read from it for each row, they would cost a hundred times what a lookup does.
_GIN = (
    "ALTER TABLE knowledge_chunk ADD COLUMN knowledge_index_words tsvector "
    "GENERATED ALWAYS AS (to_tsvector('simple', head || ' ' || body)) STORED",
    "CREATE INDEX knowledge_index ON knowledge_chunk USING gin (knowledge_index_words) WITH (fastupdate = off)",
)


def upgrade() -> None:
    """Make the change."""
    _articles()
    _chunks()
    op.create_table(
        "question",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("key", "text", "asked_by")],
        sa.Column("times", sa.BigInteger(), nullable=False),
        *[sa.Column(name, storage.types.UtcDateTime(), nullable=False) for name in ("first_at", "last_at")],
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", storage.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="question_key"),
        sa.CheckConstraint("status IN ('open', 'linked', 'ignored')", name="question_status"),
        sa.CheckConstraint("(status = 'linked') = (article_id IS NOT NULL)", name="question_linked"),
    )
    op.create_index("question_last", "question", ["status", "last_at"])
    for statement in _FTS5 if op.get_bind().dialect.name == "sqlite" else _GIN:
        op.execute(statement)


def _articles() -> None:
    op.create_table(
        "knowledge_article",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        *[
            sa.Column(name, sa.String(), nullable=False)
            for name in ("source", "key", "kind", "audience", "title", "category", "store")
        ],
        *[sa.Column(name, sa.Text(), nullable=False) for name in ("asks", "learned")],
        *[sa.Column(name, storage.types.UtcDateTime(), nullable=True) for name in ("valid_from", "valid_until")],
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("status", "changed_by")],
        *[sa.Column(name, storage.types.UtcDateTime(), nullable=False) for name in ("created_at", "changed_at")],
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "key", name="knowledge_article_key"),
        sa.CheckConstraint("kind IN ('faq', 'doc', 'script')", name="knowledge_article_kind"),
        sa.CheckConstraint("audience IN ('all', 'staff')", name="knowledge_article_audience"),
        sa.CheckConstraint("kind <> 'script' OR audience = 'staff'", name="knowledge_article_script"),
        sa.CheckConstraint("status IN ('live', 'withdrawn')", name="knowledge_article_status"),
    )
    op.create_table(
        "knowledge_version",
        sa.Column("article_id", _ID, autoincrement=False, nullable=False),
        sa.Column("version", _ID, autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "version"),
    )


def _chunks() -> None:
    op.create_table(
        "knowledge_chunk",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in ("article_id", "place")],
        sa.Column("heading", sa.String(), nullable=False),
        *[sa.Column(name, sa.Text(), nullable=False) for name in ("text", "head", "body")],
        sa.Column("reading", sa.BigInteger(), nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("audience", "store")],
        *[sa.Column(name, storage.types.UtcDateTime(), nullable=True) for name in ("valid_from", "valid_until")],
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("article_id", "place", name="knowledge_chunk_place"),
    )
    op.create_table(
        "knowledge_term",
        sa.Column("term", sa.String(), nullable=False),
        sa.Column("chunks", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("term"),
    )
