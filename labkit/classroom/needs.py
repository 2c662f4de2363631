"""What the classroom needs beyond labkit, and a clear error where it is not installed."""

import importlib.util

from labkit.errors import LabError

PACKAGES = ("sqlalchemy", "alembic", "starlette", "uvicorn", "wsproto", "python_multipart")
"""The modules of `labkit[classroom]` that the classroom cannot start without. PostgreSQL needs psycopg too."""


def check(*more: str) -> None:
    """Raises LabError that says how to install what is missing. Imports nothing."""
    missing = [name for name in (*PACKAGES, *more) if importlib.util.find_spec(name) is None]
    if missing:
        raise LabError(
            f"The classroom needs Python packages that are not installed here: {', '.join(missing)}.",
            "pip install 'labkit[classroom]'   (in a checkout: .venv/bin/python -m pip install -e '.[classroom]')",
        )
