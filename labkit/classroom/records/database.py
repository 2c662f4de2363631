"""The connection to the database: SQLite in a file, or PostgreSQL by URL. Brings the tables up to date when it is opened."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, NoSuchModuleError, TimeoutError
from sqlalchemy.orm import Session, sessionmaker

from labkit.classroom.records.models import Base
from labkit.errors import LabError

BUSY = 20_000
"""Milliseconds that a writer waits for another one (SQLite)."""

LOCK = 7_236_101
"""PostgreSQL's advisory lock while tables are changed: several classrooms may start at once."""

POOL = {"pool_size": 10, "max_overflow": 35, "pool_timeout": 10}
"""A connection for each thread in which requests are served (40), and a few more: nobody who has one waits for another."""


class Database:
    """A database with the newest tables."""

    def __init__(self, url: str) -> None:
        """Raises LabError that says why it cannot be used."""
        self.engine = _engine(url)
        self._make = sessionmaker(self.engine, expire_on_commit=False)
        server = self.engine.dialect.name != "sqlite"
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT") if server else self.engine
        try:
            upgrade(self.engine)
        except DBAPIError as error:
            self.engine.dispose()
            raise _told(self.engine, error) from error

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Never writes. On PostgreSQL there is no transaction around it, which would be two more questions: each statement
        sees what is committed, as it would in one."""
        with self._working(), self._make(bind=self._reader, autoflush=False) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """All of it, or nothing. Raises LabError where the database is away or full; IntegrityError passes."""
        with self._working(), self._make() as session:
            session.info["writes"] = True
            with session.begin():
                if self.engine.dialect.name == "sqlite":
                    # Take the lock now: who reads first and writes later fails at once where another wrote between.
                    session.execute(text("UPDATE workshop SET name = name WHERE id = -1"))
                yield session

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Around all of a session: a connection can break when it is given back, too."""
        try:
            yield
        except IntegrityError:
            raise
        except (DBAPIError, TimeoutError) as error:
            raise _told(self.engine, error) from error

    def close(self) -> None:
        self.engine.dispose()


def only_writer(session: Session, table: type[Base]) -> None:
    """Waits for all who write to this table, and lets nobody else do so before this transaction ends. SQLite has one writer
    anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"LOCK TABLE {table.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))


class DatabaseAway(LabError):
    """Nothing was kept. Asking again later may work."""

    def __init__(self, where: str, reason: str, public: str) -> None:
        self.public = f"The classroom's database did not do its work: {public}."
        """What a page says: not where the database is."""
        super().__init__(
            f"The classroom's database {where} did not do its work: {reason}.", "free some space, or start it again"
        )


def _told(engine: Engine, error: DBAPIError | TimeoutError) -> LabError:
    where = engine.url.render_as_string(hide_password=True)
    orig = str(getattr(error, "orig", "") or "").strip()
    reason = orig.splitlines()[0] if orig else type(error).__name__
    answered = getattr(getattr(error, "orig", None), "sqlstate", engine.dialect.name) is not None
    return DatabaseAway(where, reason, reason if answered else "it does not answer")


def _engine(url: str) -> Engine:
    try:
        place = make_url(url)
        if place.drivername in ("postgresql", "postgres"):
            place = place.set(drivername="postgresql+psycopg")
        if place.drivername.startswith("sqlite"):
            Path(place.database or "").parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            made = create_engine(place, connect_args={"timeout": BUSY / 1000}, **POOL)
            event.listen(made, "connect", _settings)
            return made
        return create_engine(place, pool_pre_ping=True, **POOL)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise LabError(
            f"This is no database that the classroom can use: {str(error).splitlines()[0]}.",
            "sqlite:////path/classroom.db or postgresql://user@host/name   (PostgreSQL needs psycopg)",
        ) from error


def _settings(connection: Any, _: Any) -> None:
    """Readers do not wait for a writer, foreign keys hold, and what was told to be kept is on the disk."""
    for line in ("journal_mode=WAL", "foreign_keys=ON", f"busy_timeout={BUSY}", "synchronous=FULL"):
        connection.execute(f"PRAGMA {line}")


def upgrade(engine: Engine) -> None:
    """Brings the tables up to date."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "heads")


__all__ = ["Database", "DatabaseAway", "DatabaseError", "only_writer", "upgrade"]
