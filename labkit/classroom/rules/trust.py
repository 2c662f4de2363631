"""Whether an observation that was handed in is the learner's own, and from when. Pure: what is refused is a LabError."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from labkit.classroom.rules.counting import OBSERVED, SELF_REPORTED
from labkit.errors import LabError
from labkit.seen.observation import Observation
from labkit.seen.person import Person
from labkit.text import visible

SLACK = timedelta(seconds=5)
"""What two clocks may differ while a message is on its way."""

FEWEST, SHARE = 3, 0.1
"""So many lines of an access log, and such a part of it, are nobody else's by chance: their times have milliseconds."""

MOST_LINES = 2000
"""Of a log, the newest ones are compared."""


@dataclass(frozen=True)
class Claim:
    """Who hands in, and what is known of them."""

    learner: str
    person: Person
    """The learner's own values in this workshop."""
    signed: bool
    """Whether the workshop's key signed the observation."""
    received: datetime
    sent: datetime | None = None
    """What the sender's clock said then."""
    since: datetime | None = None
    """When this machine joined."""
    newest: datetime | None = None
    """When the newest observation from this machine was taken."""


@dataclass(frozen=True)
class Taken:
    """An observation that is taken, and how."""

    origin: str
    at: datetime
    """When the lab was observed, by the classroom's clock."""


def taken(seen: Observation, claim: Claim) -> Taken:
    """Raises LabError that says why it is refused."""
    whose = seen.lab.person
    if whose.learner != claim.learner:
        found = visible(whose.learner) or "a lab without a learner's name"
        raise LabError(
            f"This observation is from {found}, not from your lab.", "hand in what your own lab shows: labkit observe"
        )
    if whose != claim.person:
        raise LabError(
            "This observation is not from this workshop: your lab has other personal values.",
            "start the lab with what the classroom gave you",
        )
    moment = _moment(seen.taken)
    if claim.signed:
        if moment > claim.received + SLACK:
            raise LabError("This observation was taken in the future.", "set the clock of the machine that observed")
        return Taken(OBSERVED, moment)
    # A laptop's clock may be wrong by a day. What counts is how long before the sending it was.
    try:
        at = moment + (claim.received - claim.sent if claim.sent else timedelta())
    except OverflowError as error:
        raise LabError(
            "This observation's times are out of range.", "set your machine's clock and observe again"
        ) from error
    if at > claim.received + SLACK:
        raise LabError("This observation was taken after it was sent.", "set your machine's clock and observe again")
    # What lies in the future was written down while the classroom's own clock was wrong: nothing is measured by it.
    if claim.since and at < claim.since - SLACK and claim.since <= claim.received + SLACK:
        raise LabError("This observation was taken before this machine joined the classroom.", "observe your lab again")
    if claim.newest and at < claim.newest - SLACK and claim.newest <= claim.received + SLACK:
        raise LabError(
            "This observation is older than one that this machine has sent already.", "observe your lab again"
        )
    return Taken(SELF_REPORTED, min(at, claim.received))


def traces(seen: Observation) -> frozenset[str]:
    """Names of the lines of its access log, without whose they are: the same in a copy that changes names and order, or has a
    part of the log only."""
    events = seen.log.events if seen.log else ()
    told = (f"{event.time:.3f} {event.action} {event.status}" for event in events[-MOST_LINES:])
    return frozenset(hashlib.sha256(line.encode(errors="replace")).hexdigest()[:16] for line in told)


def copied(lines: int, shared: int) -> bool:
    """Whether a log with so many lines is a copy, if so many of them are in one other learner's."""
    return shared >= FEWEST and shared >= SHARE * lines


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LabError(
            f"This observation has no valid time: {visible(text)[:100]!r}.", "observe your lab again"
        ) from error
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise LabError("This observation's time is out of range.", "observe your lab again") from error
