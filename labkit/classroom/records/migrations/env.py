"""Alembic's entrance. `database.upgrade` hands it the connection; there is no alembic.ini."""

from typing import Any, Literal

from alembic import context

from labkit.classroom.records.models import Base, Utc


def _item(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """How a new migration names our own type of a column: a migration must not depend on what the models say later."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, Utc) else False


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=_item)
with context.begin_transaction():
    context.run_migrations()
