"""Whether an observation that was handed in is the learner's own, and from when. Pure: what is refused is a LabError."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from labkit.classroom.rules.counting import OBSERVED, SELF_REPORTED
from labkit.errors import LabError
from labkit.seen.observation import Observation
from labkit.seen.person import Person
from labkit.text import visible

SLACK = timedelta(seconds=5)
"""What two clocks may differ while a message is on its way."""

FEWEST = 3
"""So many lines of an access log are nobody else's by chance: their times have microseconds."""


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
    at = moment + (claim.received - claim.sent if claim.sent else timedelta())
    if at > claim.received + SLACK:
        raise LabError("This observation was taken after it was sent.", "set your machine's clock and observe again")
    if claim.since and at < claim.since - SLACK:
        raise LabError("This observation was taken before this machine joined the classroom.", "observe your lab again")
    if claim.newest and at < claim.newest - SLACK:
        raise LabError(
            "This observation is older than one that this machine has sent already.", "observe your lab again"
        )
    return Taken(SELF_REPORTED, min(at, claim.received))


def twin(seen: Observation) -> str:
    """A digest of what happened in the lab, without whose it is: the same in a copy that only changes the names. "" where too
    little happened."""
    events = seen.log.events if seen.log else ()
    if len(events) < FEWEST:
        return ""
    told = json.dumps([[event.seq, event.time, event.action, event.status] for event in events])
    return hashlib.sha256(told.encode()).hexdigest()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise LabError(
            f"This observation has no valid time: {visible(text)[:100]!r}.", "observe your lab again"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
