"""Who may come in with links only; lines of access logs, by which copies are recognized."""

import sqlalchemy as sa
from alembic import op

revision = "links"
down_revision = "platforms"


def upgrade() -> None:
    op.add_column("workshop", sa.Column("links_only", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "trace",
        sa.Column("line", sa.String(length=16), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_trace_member_id")),
        sa.PrimaryKeyConstraint("line", "member_id", name=op.f("pk_trace")),
    )
    op.drop_index(op.f("ix_observation_twin"), table_name="observation")
    op.drop_column("observation", "twin")
