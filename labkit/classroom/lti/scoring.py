"""When a score is sent to a platform, and what is sent: pure rules, each with what made it necessary.

Moodle and Canvas, from their sources (mod/lti/service/gradebookservices; app/controllers/lti/ims/scores_controller.rb):

- both rescale by `scoreMaximum`, so the raw points go with the exercise's maximum. A maximum of 0 cannot be rescaled: such an
  exercise has no score;
- everything but `FullyGraded` erases the mark that is there: nothing else is ever sent;
- Moodle refuses a timestamp that is not later than the last one in whole seconds (409), Canvas one that is earlier (400): each
  score of a learner and item is at least a whole second later than the one before, whatever this machine's clock does;
- Canvas counts every score as a new attempt, and refuses them at the limit (422), unless it is told `new_submission: false`;
- a comment is added each time it is sent: it goes once.
"""

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

PAUSE = 2.0
"""Seconds between two scores for the same learner and item. What changes in between is sent as one: the newest."""

LEASE = 60.0
"""Seconds that a score which is under way is left alone. After that it is taken for lost with its sender, and sent again."""

FIRST, LONGEST = 5.0, 3600.0
"""Seconds until a platform that did not answer is asked again: the first pause, which doubles, and the longest."""

DAY = 86_400.0
"""Seconds for which a platform that is away is tried again."""

FEWEST = 24
"""So often at least, too: a clock that jumps by a day ends nothing."""

HORIZON = LONGEST + LEASE
"""No score waits longer. One that seems to was kept by a clock that was ahead, and is due."""

LEAPS = (1, 60, 3600, 86_400, 7 * 86_400)
"""Seconds by which the next timestamp is later, each time a platform says that it has a later one: its clock or ours was wrong
once, or our memory of what was sent is gone. After the last of these it is left."""

SUBMISSION = "https://canvas.instructure.com/lti/submission"
"""Canvas's own claim. Others do not know it and leave it."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Whose score in which item of which platform."""

    issuer: str
    client: str
    item: str
    """The line item's URL."""
    user: str
    """The platform's id of the learner (`sub`)."""


class Answer(StrEnum):
    """What a platform made of a score."""

    TAKEN = "taken"
    LATER = "later"
    """It is away, busy, or does not know our token: try again."""
    EARLIER = "earlier"
    """It has one with a later timestamp."""
    REFUSED = "refused"
    """It will never take this."""


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The score of one learner in one item: the newest that is known, and how far it has come."""

    key: Key
    points: float
    maximum: float
    comment: str = ""
    version: int = 1
    """Rises with each change. What comes back for an older one says nothing about this one."""
    open: bool = True
    """Whether it has still to be sent."""
    next: float = 0.0
    """Not before then. Like all times here: seconds since 1970."""
    since: float = 0.0
    """When this was first to be sent."""
    tries: int = 0
    """Since the last success."""
    leaps: int = 0
    stamp: int = 0
    """The second that the last timestamp named."""
    told: str = ""
    """The comment that the platform has."""
    problem: str = ""
    """What came back last, if it was not taken."""

    @property
    def stuck(self) -> bool:
        """Whether it was given up."""
        return not self.open and bool(self.problem)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner's points in an item are now."""

    key: Key
    points: float
    maximum: float
    comment: str = ""


def put(before: Pending | None, key: Key, points: float, maximum: float, now: float, comment: str = "") -> Pending:
    """What is kept when a learner's points are these. The same again changes nothing, but one that was given up is tried anew.
    Raises ValueError for what is no score."""
    for number in (points, maximum):
        if isinstance(number, bool) or not math.isfinite(number) or number < 0:
            raise ValueError(f"{number!r} is no number of points")
    if maximum == 0:
        raise ValueError("an exercise without points has no score")
    if points > maximum:
        raise ValueError(f"{points:g} points of {maximum:g} are too many")
    if before is None:
        return Pending(key=key, points=points, maximum=maximum, comment=comment, next=now, since=now)
    if known(before, points, maximum, comment) and not before.stuck:
        return before
    return msgspec.structs.replace(
        before,
        points=points,
        maximum=maximum,
        comment=comment,
        version=before.version + 1,
        open=True,
        # What is under way, or was just sent, keeps its pause; a wait for a platform that is away does not start anew either.
        next=max(before.next, now),
        since=before.since if before.open else now,
        tries=before.tries if before.open else 0,
        leaps=before.leaps if before.open else 0,
        problem=before.problem if before.open else "",
    )


def known(before: Pending, points: float, maximum: float, comment: str) -> bool:
    """Whether there is nothing to send: the points are the same, and there is no other comment. One that was taken back is
    none: what a platform has shown stays there, and a score without it would change nothing."""
    return (before.points, before.maximum) == (points, maximum) and comment in ("", before.comment)


def again(pending: Pending, now: float) -> Pending:
    """The same, to be sent once more, whatever became of it."""
    return msgspec.structs.replace(
        pending,
        version=pending.version + 1,
        open=True,
        next=now + PAUSE,
        since=now,
        tries=0,
        leaps=0,
        problem="",
    )


def started(pending: Pending, now: float) -> Pending:
    """The same, as it is kept before it is sent: with a timestamp that is used up, and with a lease, so that nobody else sends
    it. If this process dies now, nothing is lost and no timestamp is used twice."""
    leap = LEAPS[pending.leaps] if pending.stamp else 0
    return msgspec.structs.replace(pending, stamp=max(int(now), pending.stamp + leap), next=now + LEASE)


def answered(pending: Pending, sent: Pending, answer: Answer, problem: str, now: float, wait: float = 0.0) -> Pending:
    """What is kept when a platform has answered to `sent`. `pending` is what is kept now: it may be newer. `wait` is how many
    seconds the platform asked us to wait."""
    if answer is Answer.TAKEN:
        told = sent.comment or pending.told
        newer = pending.version != sent.version
        return msgspec.structs.replace(
            pending, open=newer, next=now + PAUSE, since=now, tries=0, leaps=0, told=told, problem=""
        )
    if answer is Answer.EARLIER and pending.leaps + 1 < len(LEAPS):
        return msgspec.structs.replace(pending, next=now + PAUSE, leaps=pending.leaps + 1, problem=problem)
    if answer is Answer.LATER and (now - pending.since < DAY or pending.tries < FEWEST):
        pause = min(LONGEST, max(wait, FIRST * 2 ** min(pending.tries, 20)))
        return msgspec.structs.replace(pending, next=now + pause, tries=pending.tries + 1, problem=problem)
    newer = pending.version != sent.version and answer is Answer.REFUSED
    return msgspec.structs.replace(pending, open=newer, next=now + PAUSE, problem=problem)


def judged(status: int, body: str) -> Answer:
    """What an HTTP status means for a score. 0 is no answer at all."""
    if 200 <= status < 300:
        return Answer.TAKEN
    if status == 409 or (status == 400 and "before last updated timestamp" in body):
        return Answer.EARLIER
    # 401: the token is not known any more, and the next try brings a new one
    if status in (0, 401, 408, 425, 429) or status >= 500:
        return Answer.LATER
    return Answer.REFUSED


def body(sent: Pending) -> dict[str, Any]:
    """The score as the platform gets it."""
    told = {
        "userId": sent.key.user,
        "scoreGiven": sent.points,
        "scoreMaximum": sent.maximum,
        "activityProgress": "Submitted",  # and the learner can still go on
        "gradingProgress": "FullyGraded",
        "timestamp": stamp_text(sent.stamp),
        SUBMISSION: {"new_submission": False},
    }
    return told | {"comment": sent.comment} if sent.comment and sent.comment != sent.told else told


def stamp_text(second: int) -> str:
    """ISO 8601 with milliseconds and zone, as AGS wants it. As text: pylti1p3 cuts a datetime to seconds."""
    return datetime.fromtimestamp(second, UTC).isoformat(timespec="milliseconds")
