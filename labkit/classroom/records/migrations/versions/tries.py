"""What tells a reset lab from a mistake: a limit of tries counts the one and not the other."""

import sqlalchemy as sa
from alembic import op

revision = "tries"
down_revision = "newest"


def upgrade() -> None:
    for name in ("begun", "last"):
        op.add_column("result", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
