"""A terminal on a machine of a learner's lab that others see too, if the learner allows it: to watch first, to type later.

The learner's own seat reads and types. Anybody else may do what the learner has allowed them by name, from the moment of the
allowing to its end. Nothing is allowed at first.
"""

import queue
import threading
from collections.abc import Callable
from enum import IntEnum

from labkit.errors import LabError
from labkit.lab.access import Session

KEPT = 64 * 1024
"""Bytes of output that whoever comes later gets to see."""

BEHIND = 256
"""Pieces of output that a seat may be behind; then it is closed, so that nobody has to wait for it."""


class May(IntEnum):
    NOTHING = 0
    WATCH = 1
    TYPE = 2


class Seat:
    """One person at a shared terminal. One thread may read while another one writes."""

    def __init__(self, terminal: "Shared", who: str, before: bytes) -> None:
        self._terminal, self.who = terminal, who
        self._queue: queue.Queue[bytes] = queue.Queue(BEHIND)
        self._ended = False
        if before:
            self._queue.put_nowait(before)

    def read(self) -> bytes:
        """What was printed next; b"" at the end."""
        if self._ended and self._queue.empty():
            return b""
        return self._queue.get()

    def write(self, data: bytes) -> None:
        """Types this. Raises LabError where the learner does not allow it."""
        self._terminal.type(self.who, data)

    def leave(self) -> None:
        self._terminal.leave(self)

    def printed(self, data: bytes) -> bool:
        """Whether the seat keeps up."""
        try:
            self._queue.put_nowait(data)
        except queue.Full:
            return False
        return True

    def end(self) -> None:
        """Its reader gets what is still there, and then the end."""
        self._ended = True
        while True:
            try:
                self._queue.put_nowait(b"")
                return
            except queue.Full:
                self._queue.get_nowait()


class Shared:
    """The session, everybody who sees it, and what each of them may do."""

    def __init__(self, session: Session, learner: str, told: Callable[[str, May], None] = lambda *_: None) -> None:
        """`told` is called with each change of who may do what: a record of the consent."""
        self.learner = learner
        self._session, self._told = session, told
        self._allowed: dict[str, May] = {learner: May.TYPE}
        self._seats: list[Seat] = []
        self._kept = b""
        self._lock = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._pump, name="labkit-shared", daemon=True)
        self._thread.start()

    def allow(self, by: str, who: str, may: May) -> None:
        """The learner allows somebody this much, and takes back the rest. Raises LabError for anybody else."""
        if by != self.learner:
            raise LabError(f"Only {self.learner} can share this terminal.", "ask the learner")
        if who == self.learner:
            raise LabError("It is your own terminal.", "close it to end it")
        with self._lock:
            self._allowed[who] = may
            gone = [seat for seat in self._seats if seat.who == who] if may is May.NOTHING else []
            self._seats = [seat for seat in self._seats if seat not in gone]
        for seat in gone:
            seat.end()
        self._told(who, may)

    def join(self, who: str) -> Seat:
        """A seat with the output so far. Raises LabError where the learner does not allow it."""
        with self._lock:
            if self._allowed.get(who, May.NOTHING) < May.WATCH:
                raise LabError(f"{self.learner} has not shared this terminal with you.", "ask the learner to share it")
            seat = Seat(self, who, self._kept)
            if self._over:
                seat.end()
            else:
                self._seats.append(seat)
            return seat

    def type(self, who: str, data: bytes) -> None:
        """Raises LabError where the learner does not allow it."""
        with self._lock:
            may = self._allowed.get(who, May.NOTHING)
        if may < May.TYPE:
            raise LabError(
                f"You may watch {self.learner}'s terminal, and not type in it.", "ask the learner to allow it"
            )
        self._session.write(data)

    def resize(self, who: str, rows: int, columns: int) -> None:
        """The terminal is as large as the learner's: others see it in their own window."""
        if who == self.learner:
            self._session.resize(rows, columns)

    def leave(self, seat: Seat) -> None:
        with self._lock:
            self._seats = [one for one in self._seats if one is not seat]
        seat.end()

    def close(self) -> None:
        """Ends the command and every seat."""
        self._session.close()
        self._thread.join()

    @property
    def over(self) -> bool:
        return self._over

    def _pump(self) -> None:
        try:
            while data := self._session.read()[1]:
                with self._lock:
                    self._kept = (self._kept + data)[-KEPT:]
                    slow = [seat for seat in self._seats if not seat.printed(data)]
                    self._seats = [seat for seat in self._seats if seat not in slow]
                for seat in slow:
                    seat.end()
        finally:
            with self._lock:
                self._over = True
                seats, self._seats = self._seats, []
            for seat in seats:
                seat.end()
