"""Imports: birthdays, consent and custom fields of a line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    for name in ("birthday", "consent"):
        op.add_column("import_row", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.add_column("import_row", sa.Column("birth_year", sa.BigInteger(), nullable=True))
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "import_field",
        sa.Column("run_id", key, autoincrement=False, nullable=False),
        sa.Column("line", key, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "line", "name"),
    )
