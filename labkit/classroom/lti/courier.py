"""Carries marks from the records to the platforms while the classroom is open: one thread looks for marks that have changed,
another one sends them. What is still to be sent is in the outbox, so it goes on where it stopped."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from labkit.classroom.gradebook import Gradebook
from labkit.classroom.lti import poster
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.services import Services
from labkit.classroom.records import courses, judging
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Course as Row
from labkit.classroom.records.models import Workshop
from labkit.errors import LabError

LOOK = 5.0
"""Seconds after which the records are looked at although nobody said that they changed: another server may have written."""

GATHER = 0.5
"""Seconds in which changes are gathered."""

FIRST, LONGEST = 30.0, 3600.0
"""Seconds until a course's line items are asked for again, where some are missing: the first pause, which doubles, and the
longest."""

ENDING = 5.0
"""Seconds that a score under way may take at the end. Afterwards it counts as not sent, and goes again at the next start."""


@dataclass(frozen=True)
class Looked:
    """When a course's line items are asked for next, and what was wrong last."""

    next: float = 0.0
    pause: float = FIRST
    problem: str = ""


class Courier:
    """`clock` is the classroom's."""

    def __init__(
        self, database: Database, workshop: int, outbox: Outbox, services: Services, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._workshop, self._outbox, self._services = database, workshop, outbox, services
        self._clock = clock
        self._stop, self._news = threading.Event(), threading.Event()
        self._moved: tuple[object, ...] = ()
        self._looked: dict[int, Looked] = {}
        self.problem = ""
        """Why the records could not be looked at, last; "" where they could."""

    def wake(self) -> None:
        """Something may have changed."""
        self._news.set()

    def again(self) -> int:
        """Asks for line items anew, and sends everything once more: how many scores."""
        self._looked.clear()
        self._moved = ()
        count = self._outbox.again(self._now())
        self.wake()
        return count

    def problems(self) -> dict[int, str]:
        """{course's number: what is wrong with its line items}"""
        return {number: one.problem for number, one in dict(self._looked).items() if one.problem}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._look_on, name="lti-marks", daemon=True),
            threading.Thread(
                target=poster.run,
                args=(self._outbox, self._services.post, self._stop, self._now),
                name="lti-scores",
                daemon=True,
            ),
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._news.set()
            for thread in threads:
                thread.join(ENDING)

    def _now(self) -> float:
        return self._clock().timestamp()

    def _look_on(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
                self.problem = ""
            except LabError as error:
                self.problem = error.what
            except Exception as error:  # whatever it is, other marks must not wait for ever: it is told on the page
                self.problem = f"{type(error).__name__}: {error}"
            self._news.wait(LOOK)
            self._stop.wait(GATHER)
            self._news.clear()

    def look(self) -> None:
        """Puts what has changed into the outbox. Raises LabError."""
        with self._database.reading() as session:
            workshop = session.get_one(Workshop, self._workshop)
            rows = courses.all_(session, workshop)
            lacking = [one for one in rows if self._due(one.number)]
            moved = courses.moved(session, workshop)
            if moved == self._moved and not lacking:
                return
            book = judging.gradebook(session, workshop)
            have = {one.number: courses.columns(session, one) for one in lacking}
        for one in lacking:
            self._columns(one, book, have[one.number])
        with self._database.reading() as session:
            for one in rows:
                urls = courses.columns(session, one)
                known = courses.seen_by(session, one, book)
                poster.fill(self._outbox, known, urls, one.issuer, one.client, self._now())
        self._moved = moved

    def _due(self, number: int) -> bool:
        looked = self._looked.get(number)
        # A time that lies far ahead was kept by a clock that has gone back since.
        return looked is None or not self._now() < looked.next <= self._now() + LONGEST

    def _columns(self, one: Row, book: Gradebook, have: dict[str, str]) -> None:
        """Asks the platform for the line items that we do not know yet."""
        looked, course = self._looked.get(one.number, Looked()), courses.value(one)
        problem, found = "", have
        try:
            found = self._services.line_items(course, book.items, book.workshop, have)
            if found != have:
                self._keep(one, found)
        except LabError as error:
            problem = error.what
        wanted = {item.exercise for item in book.items if item.maximum > 0}
        missing = not wanted <= set(found)
        wait, after = (looked.pause, min(LONGEST, looked.pause * 2)) if missing or problem else (LONGEST, FIRST)
        self._looked[one.number] = Looked(self._now() + wait, after, problem)

    def _keep(self, one: Row, found: dict[str, str]) -> None:
        with contextlib.suppress(IntegrityError), self._database.writing() as session:
            courses.set_columns(session, session.get_one(Row, one.number), found)

    def revisit(self, number: int) -> None:
        """A teacher came from this course: it may let us do more now."""
        self._looked.pop(number, None)
        self.wake()
