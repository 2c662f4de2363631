"""Out of how many points a mark was overruled: an exercise's maximum changes when checks are added."""

import sqlalchemy as sa
from alembic import op

revision = "overruled"
down_revision = "tries"


def upgrade() -> None:
    op.add_column("overruling", sa.Column("points", sa.Integer(), nullable=True))
