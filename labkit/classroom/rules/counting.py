"""Which of a learner's results may count, and as done when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

OBSERVED, SELF_REPORTED = "observed", "self-reported"
"""Where a result comes from: somebody with the workshop's key looked at the lab, or the learner's own machine says so."""


@dataclass(frozen=True)
class Policy:
    """Which results count. What lateness costs, and which of several marks counts, says the gradebook."""

    attempts: int = 0
    """Only so many changes of an exercise's result count, the first ones. 0: all of them."""
    self_reported: bool = True
    """Whether what a learner's own machine sent counts."""
    offline: timedelta = timedelta(hours=2)
    """A laptop may send so much later. What comes later still counts as done when it came."""


@dataclass(frozen=True)
class Result:
    """A change of an exercise's result, as it was graded once."""

    number: int
    """In the order in which the classroom learned of it."""
    learner: int
    exercise: str
    observation: str
    """The observation's digest."""
    origin: str
    taken: datetime
    """When the lab was observed, by the classroom's clock."""
    received: datetime
    earned: int
    points: int
    checks: tuple[tuple[str, str, str], ...]
    """(check, outcome, diagnosis)"""
    content: str = ""

    @property
    def done(self) -> bool:
        return self.points > 0 and self.earned == self.points


@dataclass(frozen=True)
class Overruling:
    """An instructor's word about an exercise. `earned` None takes an earlier one back."""

    number: int
    learner: int
    exercise: str
    earned: float | None
    reason: str
    by: str
    time: datetime


def counted_at(result: Result, policy: Policy) -> datetime:
    """When a result counts as done: when the lab was observed. A laptop that was away for too long is not believed."""
    if result.origin == OBSERVED or result.received - result.taken <= policy.offline:
        return result.taken
    return result.received


def latest_gradings(results: Iterable[Result]) -> list[Result]:
    """Of gradings of the same observation only the newest, in the place of the first: grading again replaces a result."""
    found: dict[tuple[int, str, str], Result] = {}
    for result in sorted(results, key=lambda one: one.number):
        found[result.learner, result.exercise, result.observation] = result
    return list(found.values())


def counting(results: Iterable[Result], policy: Policy) -> list[tuple[Result, datetime]]:
    """One learner's results for one exercise that may count, each with when it counts as done, the oldest first."""
    found = [
        (one, counted_at(one, policy))
        for one in latest_gradings(results)
        if policy.self_reported or one.origin == OBSERVED
    ]
    found.sort(key=lambda pair: (pair[1], pair[0].number))
    return found[: policy.attempts] if policy.attempts else found


def standing(said: Iterable[Overruling]) -> Overruling | None:
    """Of one learner's overrulings for one exercise the one that holds: the newest, where it was not taken back."""
    newest = max(said, key=lambda one: one.number, default=None)
    return newest if newest and newest.earned is not None else None
