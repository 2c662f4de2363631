"""The newest look at each learner's lab, which a check that is mended later may judge anew."""

import sqlalchemy as sa
from alembic import op

revision = "newest"
down_revision = "links"


def upgrade() -> None:
    op.add_column("observation", sa.Column("state", sa.String(length=64), nullable=False, server_default=""))
    op.create_table(
        "newest",
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("exercise", sa.String(length=100), nullable=False),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("observation", sa.String(length=64), nullable=False),
        sa.Column("content", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_newest_member_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["observation"], ["observation.digest"], name=op.f("fk_newest_observation"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("member_id", "exercise", "origin", "late", name=op.f("pk_newest")),
    )
    op.create_index(op.f("ix_newest_observation"), "newest", ["observation"])
