"""Delivers what a broker on another machine has observed: from a queue on its disk (labkit/classroom/queue.py), in order, again
and again until the classroom has taken it. Keeps the broker's token from running out.
"""

import logging
import threading
import time
from pathlib import Path

import msgspec

from labkit.classroom import queue
from labkit.classroom.broker.joining import FULL, Renewal, Renewed
from labkit.errors import LabError
from labkit.seen.observation import Observation
from labkit.work import keeping

LOG = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds until the next try after one, two, … in vain."""

RENEWS = 12 * 3600.0
"""Seconds between two questions for a new token."""


def renew(work: Path) -> None:
    """Takes a new token where the classroom has one for this broker, and lets the old one end. Wherever this is broken off, the
    token that is kept opens the classroom. Raises LabError."""
    held = queue.joined(work)
    token = _renewed(held)
    if held.before:
        held = _kept(work, msgspec.structs.replace(held, before=""))  # the classroom has heard of it
    if token:
        held = _kept(work, msgspec.structs.replace(held, token=token, before=held.token))
        _renewed(held)
        _kept(work, msgspec.structs.replace(held, before=""))


def _renewed(held: queue.Joined) -> str:
    asked = msgspec.to_builtins(Renewal(before=held.before))
    status, told = queue.ask(held.address, held.ca, "POST", "/api/brokers/token", asked, held.token)
    if status == 404:
        return ""  # a classroom of an older labkit
    if status != 200:
        raise queue.refusal(told, "The classroom does not know this broker.")
    return msgspec.convert(told, Renewed).token


def _kept(work: Path, held: queue.Joined) -> queue.Joined:
    with keeping.writing("The broker's token", FULL):
        queue.keep(work, held)
    return held


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
        vain, renews = 0, time.monotonic()
        while not self._over.is_set():
            self._wake.clear()
            try:
                if time.monotonic() >= renews:
                    renew(self._work)
                    renews = time.monotonic() + RENEWS
                sent = queue.send(self._work)
                why = sent.away
                for refused in sent.refused:
                    LOG.warning("The classroom did not take an observation: %s", refused)
            except (LabError, OSError, msgspec.ValidationError) as error:
                why = str(error)
            if not why:
                vain = 0
                self._wake.wait(RENEWS)
            else:
                if not vain:
                    LOG.warning("What was observed waits for the classroom: %s", why)
                self._over.wait(PAUSES[min(vain, len(PAUSES) - 1)])
                vain += 1
