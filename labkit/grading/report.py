"""The result of grading: as values, as text and as JSON."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypedDict

from labkit.content.check import Check
from labkit.text import visible


class Outcome(StrEnum):
    PASSED = "passed"
    NOT_YET = "not_yet"
    CONVERGING = "converging"
    BLOCKED = "blocked"
    ERROR = "error"


SYMBOLS = {
    Outcome.PASSED: ("✓", "passed"),
    Outcome.NOT_YET: ("✗", "not yet"),
    Outcome.CONVERGING: ("…", "converging"),
    Outcome.BLOCKED: ("–", "blocked"),
    Outcome.ERROR: ("!", "error"),
}


@dataclass(frozen=True)
class Line:
    """A line of a report as text. `outcome` is set on the line that says how a check stands."""

    text: str
    outcome: Outcome | None = None


SCHEMA = 1
"""The version of the report's JSON. New fields may be added without a new version."""


class CheckData(TypedDict):
    """One check's result."""

    id: str
    claim: str
    """The statement about the lab that is true when the check passes."""
    outcome: str
    """passed, not_yet (the learner is not done), converging (the Swarm is still working), blocked (another check comes first),
    error (the lab or the check broke)"""
    points: int
    earned: int
    expected: str
    found: str
    diagnosis: str
    """The ID of the known mistake (labkit/content/diagnoses), or ""."""
    message: str
    """What is wrong and what to do next. For a passed check: a note, or nothing."""
    why: str
    evidence: str
    """What a passed check saw."""
    hint: str
    claimed: list[str]
    """Only with a workshop's signature: the parts of the observation that this check needed to pass and that rest on the
    learner's own word: answers, or sign_ins/here. Empty if everything was seen, or if nobody signed."""


class ExerciseData(TypedDict):
    """One exercise's result: the sums of its checks, and the checks."""

    slug: str
    title: str
    points: int
    earned: int
    checks: list[CheckData]
    not_asked: list[str]
    """What this lab lacks, in one sentence each: checks that need it are left out, with their points."""


class JudgeData(TypedDict):
    """Who observed, or who graded."""

    labkit: str
    """A version of labkit."""
    content: str
    """A hash of every file that takes part in grading."""


class WitnessData(JudgeData):
    """Who observed, and who vouches for it."""

    learner: str
    """Whose lab it was, or "" for a lab without a learner's name."""
    signed_by: str
    """The workshop that signed, checked with its key. "" means that no signature was checked: then the observation is only what
    the person who handed it in says."""


class ReportData(TypedDict):
    """The results of one grading."""

    schema: int
    labkit: str
    """As in `graded_by`."""
    lab: str
    content: str
    """As in `graded_by`."""
    time: str
    """When the lab was observed: ISO 8601, UTC."""
    seen_by: WitnessData
    graded_by: JudgeData
    exercises: list[ExerciseData]


@dataclass(frozen=True)
class CheckResult:
    id: str
    claim: str
    outcome: Outcome
    points: int
    expected: str = ""
    found: str = ""
    diagnosis: str = ""
    message: str = ""
    why: str = ""
    evidence: str = ""
    hint: str = ""
    claimed: tuple[str, ...] = ()

    @classmethod
    def of(cls, check: Check, outcome: Outcome, **texts: Any) -> "CheckResult":
        hint = check.hints[0] if check.hints and outcome is Outcome.NOT_YET else ""
        return cls(check.id, check.claim, outcome, check.points, hint=hint, **texts)

    def personal(self, say: Callable[[str], str]) -> "CheckResult":
        """The same, with the lesson's own texts (claim and hint) passed through `say`. What was found stays as it is."""
        return replace(self, claim=say(self.claim), hint=say(self.hint))

    @property
    def earned(self) -> int:
        return self.points if self.outcome is Outcome.PASSED else 0

    def to_json(self) -> CheckData:
        return {
            "id": self.id,
            "claim": self.claim,
            "outcome": self.outcome.value,
            "points": self.points,
            "earned": self.earned,
            "expected": self.expected,
            "found": self.found,
            "diagnosis": self.diagnosis,
            "message": self.message,
            "why": self.why,
            "evidence": self.evidence,
            "hint": self.hint,
            "claimed": list(self.claimed),
        }


@dataclass(frozen=True)
class ExerciseResult:
    slug: str
    title: str
    checks: tuple[CheckResult, ...]
    not_asked: tuple[str, ...] = ()
    """What this lab lacks for checks that are left out, in one sentence each."""

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)

    @property
    def earned(self) -> int:
        return sum(check.earned for check in self.checks)

    @property
    def done(self) -> bool:
        return self.earned == self.points

    def to_json(self) -> ExerciseData:
        return {
            "slug": self.slug,
            "title": self.title,
            "points": self.points,
            "earned": self.earned,
            "checks": [check.to_json() for check in self.checks],
            "not_asked": list(self.not_asked),
        }


@dataclass(frozen=True)
class Judge:
    """A version of labkit and of its content (labkit/content/exercises.py: version)."""

    labkit: str
    content: str

    def to_json(self) -> JudgeData:
        return {"labkit": self.labkit, "content": self.content}


@dataclass(frozen=True)
class Report:
    """The result of `grade`: a value."""

    lab: str
    time: str
    exercises: tuple[ExerciseResult, ...]
    seen_by: Judge
    """Who observed the lab."""
    graded_by: Judge
    """Differs from `seen_by` if the observation was graded again later."""
    learner: str = ""
    """Whose lab it was."""
    signed_by: str | None = None
    """The workshop that vouches for the observation; "" for a saved observation without a signature; None if the lab was
    observed right now."""

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 not yet, 2 the lab or a check broke."""
        outcomes = {check.outcome for exercise in self.exercises for check in exercise.checks}
        return 2 if Outcome.ERROR in outcomes else 0 if outcomes <= {Outcome.PASSED} else 1

    @property
    def converging(self) -> bool:
        return any(check.outcome is Outcome.CONVERGING for exercise in self.exercises for check in exercise.checks)

    def to_json(self) -> ReportData:
        return {
            "schema": SCHEMA,
            "labkit": self.graded_by.labkit,
            "lab": self.lab,
            "content": self.graded_by.content,
            "time": self.time,
            "seen_by": {**self.seen_by.to_json(), "learner": self.learner, "signed_by": self.signed_by or ""},
            "graded_by": self.graded_by.to_json(),
            "exercises": [exercise.to_json() for exercise in self.exercises],
        }

    def lines(self) -> list[Line]:
        """The report as text, line by line."""
        lines: list[Line] = []
        for exercise in self.exercises:
            title = f"{exercise.slug}  {exercise.title}  {exercise.earned}/{exercise.points} points"
            lines += [Line("")] if lines else []
            lines += [Line(visible(title)), *(line for check in exercise.checks for line in check_lines(check))]
            lines += [Line(visible(f"  {sentence}")) for sentence in exercise.not_asked]
        if self.seen_by != self.graded_by:
            seen, graded = (
                f"labkit {judge.labkit}, content {judge.content}" for judge in (self.seen_by, self.graded_by)
            )
            lines += [Line(""), Line(visible(f"Seen by {seen}; graded by {graded}."))]
        if self.signed_by is not None:
            lines += [Line(""), Line(visible(self._vouched()))]
        return lines

    def _vouched(self) -> str:
        whose = f"{self.learner}'s lab" if self.learner else "a lab without a learner's name"
        if self.signed_by:
            return f"This is {whose} at {self.time}, signed by the workshop {self.signed_by}."
        return (
            f"This is {whose} at {self.time}. No workshop's signature was checked, so the file could have been changed."
        )

    def text(self) -> str:
        return "\n".join(line.text for line in self.lines())


def check_lines(check: CheckResult) -> list[Line]:
    """One check's result: the first line has the outcome, the others the details."""
    symbol, word = SYMBOLS[check.outcome]
    first = f"  {symbol} {word:<10} {check.claim}  [{check.id}, {check.earned}/{check.points}]"
    return [Line(visible(first), check.outcome), *(Line(visible(f"      {text}")) for text in _details(check))]


def check_text(check: CheckResult) -> str:
    """The same as text of several lines."""
    return "\n".join(line.text for line in check_lines(check))


def _details(check: CheckResult) -> list[str]:
    lines = []
    if check.message:
        lines.append(check.message)
    if check.outcome is Outcome.NOT_YET:
        lines += [f"expected: {check.expected}", f"found:    {check.found}"]
        lines += [f"why: {check.why}"] if check.why else []
    if check.outcome is Outcome.PASSED and check.evidence:
        lines.append(f"seen: {check.evidence}")
    if check.claimed:
        lines.append(f"by the learner's own word, not observed: {', '.join(check.claimed)}")
    return lines
