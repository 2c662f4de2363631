"""Delivers what a broker on another machine has observed: from a queue on its disk (labkit/classroom/queue.py), in order, again
and again until the classroom has taken it.
"""

import logging
import threading
from pathlib import Path

from labkit.classroom import queue
from labkit.errors import LabError
from labkit.seen.observation import Observation

LOG = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds until the next try after one, two, … in vain."""


class Outbox:
    """Sends in a thread of its own while it is used as a context manager. What was put in stays on the disk until then."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._deliver, name="labkit-outbox", daemon=True)

    def __enter__(self) -> "Outbox":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it; one request may still be waited for."""
        self._over.set()
        self._wake.set()
        self._thread.join()

    def put(self, learner: str, seen: Observation) -> None:
        """On the disk when this returns. Raises LabError where it cannot be written."""
        queue.put(self._work, seen.dump(), learner=learner)
        self._wake.set()

    def _deliver(self) -> None:
        vain = 0
        while not self._over.is_set():
            self._wake.clear()
            try:
                sent = queue.send(self._work)
                why = sent.away
                for refused in sent.refused:
                    LOG.warning("The classroom did not take an observation: %s", refused)
            except (LabError, OSError) as error:
                why = str(error)
            if not why:
                vain = 0
                self._wake.wait()
            else:
                if not vain:
                    LOG.warning("What was observed waits for the classroom: %s", why)
                self._over.wait(PAUSES[min(vain, len(PAUSES) - 1)])
                vain += 1
