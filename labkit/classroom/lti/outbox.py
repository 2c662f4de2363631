"""The scores that are still to be sent, in a file (SQLite): what is in it outlives the process, and the machine's failure. Two
processes may work on it; each score has one sender at a time.

The same file remembers which launches were used: none works twice.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from labkit.classroom.lti import scoring
from labkit.classroom.lti.scoring import Answer, Key, Pending, Score
from labkit.errors import LabError

TABLES = """
create table if not exists scores (key blob primary key, due real, kept blob not null) without rowid;
create index if not exists scores_due on scores (due) where due is not null;
create table if not exists used (nonce text primary key, until real not null) without rowid;
"""


class Outbox:
    """Every call is a transaction of its own. Raises LabError where the file cannot be used."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._open() as base:
            base.executescript(TABLES)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            base = sqlite3.connect(self._file, timeout=30, isolation_level=None)
            try:
                base.execute("pragma journal_mode=wal")
                base.execute("pragma synchronous=full")
                yield base
            finally:
                base.close()
        except sqlite3.Error as error:
            raise LabError(
                f"The scores in {self._file} cannot be read or kept: {error}.", "free some space, or check the file"
            ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as base:
            base.execute("begin immediate")
            try:
                yield base
            except BaseException:
                base.execute("rollback")
                raise
            base.execute("commit")

    def put(self, key: Key, points: float, maximum: float, now: float, comment: str = "") -> Pending:
        """Keeps a learner's newest points. Raises ValueError for what is no score."""
        with self._writing() as base:
            return _keep(base, scoring.put(_find(base, key), key, points, maximum, now, comment))

    def put_all(self, scores: Iterable[Score], now: float) -> int:
        """Keeps many at once: how many of them are new. Writes nothing where there are none. Raises ValueError."""
        with self._open() as base:
            news = [one for one in scores if _put(_find(base, one.key), one, now) is not None]
        if not news:
            return 0
        with self._writing() as base:
            for one in news:
                if made := _put(_find(base, one.key), one, now):
                    _keep(base, made)
        return len(news)

    def again(self, now: float) -> int:
        """Sends everything once more: how many scores."""
        with self._writing() as base:
            kept = [_read(row[0]) for row in base.execute("select kept from scores").fetchall()]
            for one in kept:
                _keep(base, scoring.again(one, now))
            return len(kept)

    def take(self, now: float) -> Pending | None:
        """The score that has waited longest, for the caller to send; None where none is due. It stays in the file until
        `answered`."""
        with self._writing() as base:
            row = base.execute(
                "select kept from scores where due is not null and not (? < due and due <= ?) order by due limit 1",
                (now, now + scoring.HORIZON),
            ).fetchone()
            return _keep(base, scoring.started(_read(row[0]), now)) if row else None

    def answered(self, sent: Pending, answer: Answer, problem: str, now: float, wait: float = 0.0) -> Pending:
        """Keeps what became of it. Where the platform is away, its other scores wait as long: each would wait for an answer,
        and other platforms' scores for that."""
        with self._writing() as base:
            pending = _find(base, sent.key) or sent
            made = _keep(base, scoring.answered(pending, sent, answer, problem, now, wait))
            if answer is Answer.LATER and made.open:
                _hold(base, made)
            return made

    def all(self) -> list[Pending]:
        with self._open() as base:
            return [_read(row[0]) for row in base.execute("select kept from scores order by key")]

    def find(self, key: Key) -> Pending | None:
        with self._open() as base:
            return _find(base, key)

    def next_due(self) -> float | None:
        """When there is something to do next."""
        with self._open() as base:
            found: float | None = base.execute("select min(due) from scores").fetchone()[0]
            return found

    def use(self, nonce: str, now: float, until: float) -> bool:
        """Remembers a launch until it has expired. False if it was used before."""
        with self._writing() as base:
            base.execute("delete from used where until < ?", (now,))
            return base.execute("insert or ignore into used values (?, ?)", (nonce, until)).rowcount == 1


def _hold(base: sqlite3.Connection, by: Pending) -> None:
    """The same platform's other scores are due no earlier than this one."""
    due = base.execute("select kept from scores where due is not null and due < ?", (by.next,)).fetchall()
    for one in (_read(row[0]) for row in due):
        if (one.key.issuer, one.key.client) == (by.key.issuer, by.key.client):
            _keep(base, msgspec.structs.replace(one, next=by.next))


def _put(before: Pending | None, one: Score, now: float) -> Pending | None:
    """What is to be kept; None where that is there already. One that was given up stays so until its points change, or somebody
    says *again*: marks are compared every few seconds."""
    if before is not None and scoring.known(before, one.points, one.maximum, one.comment):
        return None
    return scoring.put(before, one.key, one.points, one.maximum, now, one.comment)


def _find(base: sqlite3.Connection, key: Key) -> Pending | None:
    row = base.execute("select kept from scores where key = ?", (msgspec.json.encode(key),)).fetchone()
    return _read(row[0]) if row else None


def _keep(base: sqlite3.Connection, pending: Pending) -> Pending:
    due = pending.next if pending.open else None
    base.execute(
        "insert into scores values (?, ?, ?) on conflict (key) do update set due = excluded.due, kept = excluded.kept",
        (msgspec.json.encode(pending.key), due, msgspec.json.encode(pending)),
    )
    return pending


def _read(kept: bytes) -> Pending:
    return msgspec.json.decode(kept, type=Pending)
