"""Where a text was written, and when it was marked."""

import sqlalchemy as sa
from alembic import op

revision = "texts"
down_revision = "overruled"


def upgrade() -> None:
    op.add_column("reflection", sa.Column("source", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("reflection", sa.Column("judged", sa.DateTime(timezone=True), nullable=True))
