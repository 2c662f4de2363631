"""Sends what is in the outbox, one score after the other, and waits in between."""

import threading
import time
from collections.abc import Callable

from labkit.classroom.gradebook import Gradebook
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.scoring import HORIZON, Answer, Key, Pending

Post = Callable[[Pending], tuple[Answer, str, float]]

LOOK = 1.0
"""Seconds after which it looks for what another process put in."""


def fill(outbox: Outbox, book: Gradebook, items: dict[str, str], issuer: str, client: str, now: float) -> int:
    """Puts a gradebook's counting marks into the outbox, for the learners whom that platform knows: how many. `items` is
    {exercise: the URL of its line item}. What was sent already is not sent again. An exercise without points has no score."""
    count = 0
    for learner in book.learners:
        if learner.ids.issuer != issuer or not learner.ids.subject:
            continue
        for item in book.items:
            scored = book.counting(learner.id, item.exercise)
            if scored is None or item.maximum == 0 or item.exercise not in items:
                continue
            key = Key(issuer=issuer, client=client, item=items[item.exercise], user=learner.ids.subject)
            outbox.put(key, scored.points, scored.maximum, now, scored.mark.comment)
            count += 1
    return count


def step(outbox: Outbox, post: Post, clock: Callable[[], float] = time.time) -> Pending | None:
    """Sends the score that has waited longest, if one is due: how it then stands."""
    sent = outbox.take(clock())
    if sent is None:
        return None
    answer, problem, wait = post(sent)
    return outbox.answered(sent, answer, problem, clock(), wait)


def run(outbox: Outbox, post: Post, stop: threading.Event) -> None:
    """Sends until it is told to stop."""
    while not stop.is_set():
        if step(outbox, post) is None:
            due = outbox.next_due()
            pause = LOOK if due is None else min(LOOK, abs(due - time.time()), HORIZON)
            stop.wait(max(0.05, pause))
