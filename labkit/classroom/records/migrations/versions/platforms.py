"""Courses of learning platforms (LTI), who a learner is elsewhere, and from which share a certificate is earned."""

import sqlalchemy as sa
from alembic import op

revision = "platforms"
down_revision = "first"


def upgrade() -> None:
    with op.batch_alter_table("workshop", schema=None) as batch_op:
        batch_op.add_column(sa.Column("certificate_percent", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ids", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "lti_course",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("client", sa.String(length=500), nullable=False),
        sa.Column("context", sa.String(length=500), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshop.id"], name=op.f("fk_lti_course_workshop_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lti_course")),
        sa.UniqueConstraint("workshop_id", "issuer", "client", "context", name=op.f("uq_lti_course_workshop_id")),
    )
    op.create_table(
        "lti_column",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("course_number", sa.Integer(), nullable=False),
        sa.Column("exercise", sa.String(length=100), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["course_number"], ["lti_course.number"], name=op.f("fk_lti_column_course_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lti_column")),
        sa.UniqueConstraint("course_number", "exercise", name=op.f("uq_lti_column_course_number")),
    )
    op.create_table(
        "lti_user",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("client", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_lti_user_member_id")),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshop.id"], name=op.f("fk_lti_user_workshop_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lti_user")),
        sa.UniqueConstraint("workshop_id", "issuer", "client", "subject", name=op.f("uq_lti_user_workshop_id")),
        sa.UniqueConstraint("member_id", "issuer", "client", name=op.f("uq_lti_user_member_id")),
    )
    op.create_table(
        "lti_participant",
        sa.Column("course_number", sa.Integer(), nullable=False),
        sa.Column("user_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["course_number"], ["lti_course.number"], name=op.f("fk_lti_participant_course_number")
        ),
        sa.ForeignKeyConstraint(["user_number"], ["lti_user.number"], name=op.f("fk_lti_participant_user_number")),
        sa.PrimaryKeyConstraint("course_number", "user_number", name=op.f("pk_lti_participant")),
    )


def downgrade() -> None:
    for table in ("lti_participant", "lti_user", "lti_column", "lti_course"):
        op.drop_table(table)
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.drop_column("ids")
    with op.batch_alter_table("workshop", schema=None) as batch_op:
        batch_op.drop_column("certificate_percent")
