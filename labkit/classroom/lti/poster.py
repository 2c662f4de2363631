"""Sends what is in the outbox, one score after the other, and waits in between."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set

import msgspec

from labkit.classroom.gradebook import Gradebook, Scored
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.scoring import HORIZON, Answer, Key, Pending, Score
from labkit.errors import LabError

Post = Callable[[Pending], tuple[Answer, str, float]]

LOOK = 1.0
"""Seconds after which it looks for what another process put in."""


def fill(outbox: Outbox, book: Gradebook, items: Mapping[str, str], issuer: str, client: str, now: float) -> int:
    """Puts a gradebook's counting marks into the outbox, for the learners whom that platform knows: how many are new. `items`
    is {exercise: its line item's URL}. What was sent already is not sent again. An exercise without points has no score."""
    return outbox.put_all(scores(book, items, issuer, client, {one.key for one in outbox.all()}), now)


def scores(book: Gradebook, items: Mapping[str, str], issuer: str, client: str, sent: Set[Key]) -> Iterator[Score]:
    """What the platform is to know. A mark that was taken back, after the platform had it, counts nothing: the platform is told
    so, since it would keep the old one."""
    marks = defaultdict(list)
    for mark in book.marks:
        marks[mark.learner].append(mark)
    reviews = defaultdict(list)
    for review in book.reviews:
        reviews[review.learner].append(review)
    for learner in book.learners:
        if learner.ids.issuer != issuer or not learner.ids.subject:
            continue
        # a gradebook looks through all of its marks for each one that it is asked for: with a large class that is a second
        own = msgspec.structs.replace(
            book, learners=(learner,), marks=tuple(marks[learner.id]), reviews=tuple(reviews[learner.id])
        )
        for item in book.items:
            if item.maximum == 0 or item.exercise not in items:
                continue
            key = Key(issuer=issuer, client=client, item=items[item.exercise], user=learner.ids.subject)
            scored = own.counting(learner.id, item.exercise)
            if scored:
                points, maximum = scored.given
                comment = _comment(scored, own.said(learner.id, item.exercise, brief=True))
                yield Score(key=key, points=points, maximum=maximum, comment=comment)
            elif key in sent:
                yield Score(key=key, points=0.0, maximum=item.maximum, comment="The mark was taken back.")


def _comment(scored: Scored, said: tuple[str, ...]) -> str:
    """What people said, and nothing that changes by itself: each other text is a score more that is sent."""
    by_hand = f"Set by hand: {scored.mark.overruled}" if scored.mark.overruled and not scored.mark.comment else ""
    return "\n".join([by_hand, *said] if by_hand else said)[:LONGEST]


LONGEST = 10_000
"""Characters of a comment. All of it is in the classroom."""


def step(outbox: Outbox, post: Post, clock: Callable[[], float] = time.time) -> Pending | None:
    """Sends the score that has waited longest, if one is due: how it then stands."""
    sent = outbox.take(clock())
    if sent is None:
        return None
    answer, problem, wait = post(sent)
    return outbox.answered(sent, answer, problem, clock(), wait)


def run(outbox: Outbox, post: Post, stop: threading.Event, clock: Callable[[], float] = time.time) -> None:
    """Sends until it is told to stop. A disk that is full for a while ends nothing."""
    while not stop.is_set():
        try:
            sent = step(outbox, post, clock)
            due = None if sent else outbox.next_due()
        except LabError:
            stop.wait(LOOK)
            continue
        if sent is None:
            pause = LOOK if due is None else min(LOOK, abs(due - clock()), HORIZON)
            stop.wait(max(0.05, pause))
