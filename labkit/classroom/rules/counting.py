"""Which of a learner's results may count, and as done when. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

OBSERVED, SELF_REPORTED = "observed", "self-reported"
"""Where a result comes from: somebody with the workshop's key looked at the lab, or the learner's own machine says so."""

PASSED = "passed"
"""A check's outcome."""


@dataclass(frozen=True)
class Policy:
    """Which results count. What lateness costs, and which of several marks counts, says the gradebook."""

    attempts: int = 0
    """After so many steps that went wrong at an exercise, no more counts. 0: any number."""
    self_reported: bool = True
    """Whether what a learner's own machine sent counts."""
    offline: timedelta = timedelta(hours=2)
    """A laptop may send so much later. What comes later still counts as done when it came."""
    undone: frozenset[str] = frozenset()
    """Diagnoses that are no mistakes: what they name is still to be done."""


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
    begun: int = 0
    """The number of the access log's line with which the exercise was last reset; 0 for never."""
    last: int = 0
    """The number of the log's last line: it starts again only with the lab itself."""

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
    points: int | None = None
    """What the exercise was worth then, where that is known."""


def counted_at(result: Result, policy: Policy) -> datetime:
    """When a result counts as done."""
    return done_at(result.origin, result.taken, result.received, policy)


def done_at(origin: str, taken: datetime, received: datetime, policy: Policy) -> datetime:
    """When what was observed counts as done: then. A laptop that was away for too long is not believed."""
    return taken if origin == OBSERVED or received - taken <= policy.offline else received


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
    return found[: _tried(found, policy)] if policy.attempts else found


def _tried(found: Sequence[tuple[Result, datetime]], policy: Policy) -> int:
    """How many of these results count, where so many tries are allowed."""
    wrong = list(_wrong([one for one, _ in found], policy.undone))
    return wrong[policy.attempts - 1] + 1 if len(wrong) >= policy.attempts else len(found)


def tries(results: Iterable[Result], policy: Policy) -> int:
    """How many tries a learner has used up at one exercise."""
    everything = counting(results, replace(policy, attempts=0))
    return sum(1 for _ in _wrong([one for one, _ in everything], policy.undone))


def _wrong(found: Iterable[Result], undone: frozenset[str]) -> Iterator[int]:
    """The places of the results with which a step went wrong. Each origin is a lab of its own: it is compared with itself."""
    before: dict[str, Result] = {}
    for at, one in enumerate(found):
        last = before.get(one.origin)
        if last is not None and _went_wrong(last, one, undone):
            yield at
        before[one.origin] = one


def _went_wrong(last: Result, one: Result, undone: frozenset[str]) -> bool:
    """Whether a passed check is lost, or a real mistake is new, and nothing else explains it: a lab that was reset, or progress
    that lets a later check be judged for the first time."""
    if one.begun != last.begun or one.last < last.last:
        return False
    then = {check: (outcome, told) for check, outcome, told in last.checks}
    both = [(*then[check], outcome, told) for check, outcome, told in one.checks if check in then]
    if any(was == PASSED != outcome for was, _, outcome, _ in both):
        return True
    if any(was != PASSED == outcome for was, _, outcome, _ in both):
        return False
    return any(told and told != before and told not in undone for _, before, _, told in both)


def standing(said: Iterable[Overruling]) -> Overruling | None:
    """Of one learner's overrulings for one exercise the one that holds: the newest, where it was not taken back."""
    newest = max(said, key=lambda one: one.number, default=None)
    return newest if newest and newest.earned is not None else None
