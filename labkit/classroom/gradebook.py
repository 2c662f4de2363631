"""A workshop's marks as plain values: who takes part, what is marked, which mark counts, and what all of it is worth.

Pure: no file, no clock, no database. Everything that shows, exports or sends marks (`exports/`, `lti/`, `nbgrader/`, the
classroom's board) reads a `Gradebook` and nothing else.
"""

import functools
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from labkit.errors import LabError
from labkit.grading.report import ExerciseResult, Outcome

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment with its time zone. Without one, nobody could say whether a mark is late."""


def tidy(number: float) -> float:
    """Rounded to two places, the way people round: 0.125 becomes 0.13. A float's own last digits are nobody's points."""
    return math.floor(number * 100 + 0.5 + 1e-9) / 100


def plain(number: float) -> str:
    """A number for a cell: 3 and not 3.0, a point before the places, never an exponent."""
    return f"{tidy(number):.2f}".rstrip("0").rstrip(".")


LARGEST = 1e9
"""Of points, weights and seconds: what is larger is a mistake, and sums of it would have no end."""


def _amount(what: str, number: float) -> None:
    """Raises ValueError: NaN and Infinity would pass every comparison, and then every total with them."""
    if isinstance(number, bool) or not math.isfinite(number) or not 0 <= number <= LARGEST:
        raise ValueError(f"{what} must be a number from 0 to {LARGEST:,.0f}, not {number!r}")


def _once(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"the {what} {twice[0]!r} is there twice")


def _missing(name: str) -> Any:
    raise KeyError(name)


class Origin(StrEnum):
    """Who looked at the lab."""

    OBSERVED = "observed"
    """The owner of the lab (the broker), and signed it."""
    REPORTED = "self-reported"
    """The learner's own machine."""


class Ids(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a learner is in other systems; "" where they are not known there."""

    canvas: str = ""
    """Canvas: `ID`, its own number of the user."""
    sis_user: str = ""
    """Canvas: `SIS User ID`."""
    sis_login: str = ""
    """Canvas: `SIS Login ID`."""
    moodle: str = ""
    """Moodle: `ID number`."""
    username: str = ""
    """The name by which one signs in: Moodle's `Username`, nbgrader's and JupyterHub's user."""
    issuer: str = ""
    """LTI: the platform that knows the learner as `subject`."""
    subject: str = ""
    """LTI: the claim `sub`. It means somebody only together with `issuer`."""


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who takes part. Learners are told apart by `id` alone: names may be equal."""

    id: str
    name: str = ""
    email: str = ""
    section: str = ""
    ids: Ids = Ids()

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a learner needs an id")

    @property
    def shown(self) -> str:
        return self.name or self.id


def taken_for_one(learners: Iterable[Learner], known: Callable[[Learner], tuple[str, ...]]) -> dict[str, str]:
    """{learner's id: a sentence} for those whom another system would find in one user: it would keep the points of the last.
    `known` are the ids by which it finds somebody, "" for none. They are compared as Canvas and Moodle do, without regard to
    capitals."""
    having: dict[tuple[int, str], list[Learner]] = defaultdict(list)
    for learner in learners:
        for place, one in enumerate(known(learner)):
            if one.strip():
                having[place, one.strip().casefold()].append(learner)
    return {
        one.id: f"{one.shown} has the same id there as {', '.join(each.shown for each in found if each is not one)}."
        for found in having.values()
        if len(found) > 1
        for one in found
    }


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One column: an exercise with the points that it is worth. `weight` is its part of the total, relative to the others'. An
    item with weight 0, or with no points at all, is shown and does not count."""

    exercise: str
    title: str
    maximum: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        _amount("the maximum", self.maximum)
        _amount("the weight", self.weight)

    @property
    def counts(self) -> bool:
        return self.weight > 0 and self.maximum > 0


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How one check of the exercise stood."""

    id: str
    claim: str
    outcome: Outcome
    points: float
    message: str = ""
    """What the learner was told."""

    @property
    def earned(self) -> float:
        return self.points if self.outcome is Outcome.PASSED else 0.0


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner reached in one exercise at one moment. A learner may have many of them for an exercise:
    `Gradebook.counting` says which one counts. Raises ValueError for points that are no number, are negative, or are more than
    the maximum."""

    learner: str
    exercise: str
    points: float
    maximum: float
    at: Moment
    origin: Origin = Origin.REPORTED
    checks: tuple[Checked, ...] = ()
    observation: str = ""
    """What it was graded from: something that names the observation, for an appeal."""
    overruled: str = ""
    """Why the instructor set these points by hand; "" if the checks did."""
    comment: str = ""
    """What the instructor tells the learner."""

    def __post_init__(self) -> None:
        _amount("the maximum", self.maximum)
        _amount("the points", self.points)
        if self.points > self.maximum:
            raise ValueError(f"{self.points:g} points of {self.maximum:g} are too many")
        if self.at.tzinfo is None:
            raise ValueError("a mark's time needs a time zone")

    @property
    def share(self) -> float:
        """From 0 to 1. Nothing of nothing is nothing."""
        return self.points / self.maximum if self.maximum else 0.0

    def set_to(self, points: float, reason: str, at: datetime, comment: str = "") -> "Mark":
        """The instructor's mark in place of this one. Raises ValueError without a reason."""
        if not reason.strip():
            raise ValueError("a mark is overruled with a reason")
        return msgspec.structs.replace(
            self, points=points, overruled=reason.strip(), at=at, comment=comment or self.comment
        )


def mark(result: ExerciseResult, learner: str, at: datetime, origin: Origin, observation: str = "") -> Mark:
    """The mark for a graded exercise."""
    return Mark(
        learner=learner,
        exercise=result.slug,
        points=float(result.earned),
        maximum=float(result.points),
        at=at,
        origin=origin,
        observation=observation,
        checks=tuple(
            Checked(
                id=check.id,
                claim=check.claim,
                outcome=check.outcome,
                points=float(check.points),
                message=check.message,
            )
            for check in result.checks
        ),
    )


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What an instructor says of a text that a learner wrote for an exercise. It is no part of the points."""

    learner: str
    exercise: str
    at: Moment
    """When it was said."""
    rubric: tuple[tuple[str, bool], ...] = ()
    """(line of the rubric, whether the text meets it)"""
    feedback: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a review's time needs a time zone")

    @property
    def summary(self) -> str:
        """How much of the rubric is met. It is the same when a line of the rubric is written otherwise."""
        met = sum(is_met for _, is_met in self.rubric)
        return f"{met} of {len(self.rubric)} lines of the rubric are met." if self.rubric else ""

    @property
    def marks(self) -> str:
        """The same with the lines that are met, and those that are not."""
        met, missed = (
            [line.rstrip(".") for line, is_met in self.rubric if is_met is wanted] for wanted in (True, False)
        )
        lines = [f"{word}: {'; '.join(there)}." for word, there in (("Met", met), ("Not met", missed)) if there]
        return " ".join([self.summary, *lines]) if self.rubric else ""


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """What lateness costs. Without a deadline nothing is late."""

    deadline: Moment | None = None
    grace: float = 0.0
    """Seconds after the deadline that cost nothing."""
    per_day: float = 0.0
    """The part of the points that each day begun after that costs, from 0 to 1."""
    most: float = 1.0
    """The largest part that lateness alone can cost, from 0 to 1."""
    closed: Moment | None = None
    """From then on nothing counts any more."""

    def __post_init__(self) -> None:
        _amount("grace", self.grace)
        for what, part in (("per_day", self.per_day), ("most", self.most)):
            _amount(what, part)
            if part > 1:
                raise ValueError(f"{what} is a part of the points, from 0 to 1, not {part:g}")

    def factor(self, at: datetime) -> float:
        """By which points are multiplied that were reached then: 1 in time, 0 once it is closed."""
        if self.closed is not None and at >= self.closed:
            return 0.0
        if self.deadline is None:
            return 1.0
        late = (at - self.deadline) - timedelta(seconds=self.grace)
        if late <= timedelta(0):
            return 1.0
        days = math.ceil(late / timedelta(days=1))
        return 1.0 - min(self.most, self.per_day * days)


class Counts(StrEnum):
    """Which of several marks for an exercise counts, once lateness is taken off."""

    BEST = "best"
    NEWEST = "newest"


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """The mark that counts for a learner and an item, and what it is worth."""

    mark: Mark
    points: float
    """After lateness, in the item's own points: never more than its maximum."""
    maximum: float
    """The item's."""
    late: float = 1.0
    """The factor for lateness."""

    @property
    def given(self) -> tuple[float, float]:
        """Points and maximum for whoever rescales by the maximum: of a mark set by hand what was given, so that it is the same
        whatever the exercise is worth later."""
        by_hand = self.mark.overruled and self.mark.maximum
        return (self.mark.points, self.mark.maximum) if by_hand else (self.points, self.maximum)

    @property
    def by_hand(self) -> str:
        """Why an instructor set the points, and what they gave where the exercise is worth something else by now; "" if nobody
        did."""
        mark = self.mark
        then = f"{plain(mark.points)} of {plain(mark.maximum)}: " if mark.maximum != self.maximum else ""
        return f"{then}{mark.overruled}" if mark.overruled else ""

    @property
    def share(self) -> float:
        return self.points / self.maximum if self.maximum else 0.0


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What everything a learner did is worth."""

    points: float
    maximum: float
    share: float
    """From 0 to 1, by the items' weights. What has no mark counts as 0."""
    marked: int
    """How many of the counting items have a mark."""
    of: int

    @property
    def percent(self) -> float:
        """From 0 to 100, rounded to two places."""
        return tidy(self.share * 100)


class Gradebook(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A workshop's marks. Raises ValueError where a learner or an exercise is there twice, or where a mark is of nobody or of
    nothing."""

    workshop: str
    learners: tuple[Learner, ...] = ()
    items: tuple[Item, ...] = ()
    marks: tuple[Mark, ...] = ()
    reviews: tuple[Review, ...] = ()
    late: Late = Late()
    counts: Counts = Counts.BEST
    certificate: float | None = None
    """The share of the total, above 0 and at most 1, from which a learner gets a certificate. None: nobody gets one."""

    def __post_init__(self) -> None:
        if self.certificate is not None and not 0 < self.certificate <= 1:
            raise ValueError(f"a certificate needs a share above 0 and at most 1, not {self.certificate:g}")
        _once("learner", (learner.id for learner in self.learners))
        _once("exercise", (item.exercise for item in self.items))
        learners = {learner.id for learner in self.learners}
        exercises = {item.exercise for item in self.items}
        for what, all_ in (("mark", self.marks), ("review", self.reviews)):
            for one in all_:
                if one.learner not in learners:
                    raise ValueError(f"a {what} is of {one.learner!r}, who is no learner of this workshop")
                if one.exercise not in exercises:
                    raise ValueError(f"a {what} is of {one.exercise!r}, which is no exercise of this workshop")

    def learner(self, name: str) -> Learner:
        """Raises KeyError."""
        return next(iter(found for found in self.learners if found.id == name), None) or _missing(name)

    def item(self, exercise: str) -> Item:
        """Raises KeyError."""
        return next(iter(found for found in self.items if found.exercise == exercise), None) or _missing(exercise)

    def of(self, learner: str, exercise: str) -> tuple[Mark, ...]:
        """All marks of a learner for an exercise, the oldest first."""
        return self._of.get((learner, exercise), ())

    @functools.cached_property
    def _of(self) -> dict[tuple[str, str], tuple[Mark, ...]]:
        """{(learner, exercise): marks in their order}, found once: pages and files ask for every pair."""
        found: dict[tuple[str, str], list[Mark]] = {}
        for mark in sorted(self.marks, key=lambda mark: mark.at):
            found.setdefault((mark.learner, mark.exercise), []).append(mark)
        return {pair: tuple(marks) for pair, marks in found.items()}

    def review(self, learner: str, exercise: str) -> Review | None:
        """The newest."""
        return self._reviews.get((learner, exercise))

    @functools.cached_property
    def _reviews(self) -> dict[tuple[str, str], Review]:
        return {(one.learner, one.exercise): one for one in sorted(self.reviews, key=lambda one: one.at)}

    def said(self, learner: str, exercise: str, brief: bool = False) -> tuple[str, ...]:
        """What an instructor tells the learner about an exercise, in parts: of the mark, the rubric, the text. `brief` leaves
        out the rubric's lines."""
        scored, review = self.counting(learner, exercise), self.review(learner, exercise)
        told = [scored.mark.comment] if scored else []
        told += [review.summary if brief else review.marks, review.feedback] if review else []
        return tuple(part for part in told if part)

    def counting(self, learner: str, exercise: str) -> Scored | None:
        """The mark that counts: the newest that an instructor set by hand, else the best or the newest after lateness. Of equal
        ones the earliest. None without a mark. Points are in the item's scale, even if the exercise was worth another number
        of points when the mark was made."""
        item = self.item(exercise)
        mine = self.of(learner, exercise)
        by_hand = [mark for mark in mine if mark.overruled]
        if by_hand:
            return self._scored(by_hand[-1], item)
        scored = [self._scored(mark, item) for mark in mine]
        if not scored:
            return None
        return scored[-1] if self.counts is Counts.NEWEST else max(scored, key=lambda one: one.points)

    def _scored(self, mark: Mark, item: Item) -> Scored:
        late = 1.0 if mark.overruled else self.late.factor(mark.at)
        points = min(item.maximum, tidy(mark.share * late * item.maximum))
        return Scored(mark=mark, points=points, maximum=item.maximum, late=late)

    def total(self, learner: str) -> Total:
        found = [(item, self.counting(learner, item.exercise)) for item in self.items if item.counts]
        weights = sum(item.weight for item, _ in found)
        share = sum(item.weight * scored.share for item, scored in found if scored)
        return Total(
            points=tidy(sum(scored.points for _, scored in found if scored)),
            maximum=tidy(sum(item.maximum for item, _ in found)),
            share=min(1.0, share / weights) if weights else 0.0,
            marked=sum(1 for _, scored in found if scored),
            of=len(found),
        )

    def vouched(self) -> "Gradebook":
        """The same with the marks alone that somebody vouches for: observed, or set by an instructor."""
        kept = tuple(mark for mark in self.marks if mark.overruled or mark.origin is Origin.OBSERVED)
        return msgspec.structs.replace(self, marks=kept)

    def with_marks(self, marks: Iterable[Mark]) -> "Gradebook":
        """The same workshop with these marks more. The same mark twice is one."""
        return msgspec.structs.replace(self, marks=tuple(dict.fromkeys((*self.marks, *marks))))

    def dump(self) -> bytes:
        """As JSON, which `parse` reads."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @classmethod
    def parse(cls, text: bytes | str) -> "Gradebook":
        """Raises LabError that says what is wrong."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise LabError(f"This is not a gradebook: {error}.", "labkit marks --help   (makes one)") from error
