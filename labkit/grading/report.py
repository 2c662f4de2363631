"""What grading says: values, and the same as text and JSON."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from labkit.content.check import Check


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
    """A line of a report as text. `outcome` where it is one that says how a check stands."""

    text: str
    outcome: Outcome | None = None


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

    @classmethod
    def of(cls, check: Check, outcome: Outcome, **texts: str) -> "CheckResult":
        hint = check.hints[0] if check.hints and outcome is Outcome.NOT_YET else ""
        return cls(check.id, check.claim, outcome, check.points, hint=hint, **texts)

    def said(self, say: Callable[[str], str]) -> "CheckResult":
        """The same with each of its texts put through `say`."""
        names = ("claim", "expected", "found", "message", "why", "evidence", "hint")
        texts: dict[str, Any] = {name: say(getattr(self, name)) for name in names}
        return replace(self, **texts)

    @property
    def earned(self) -> int:
        return self.points if self.outcome is Outcome.PASSED else 0

    def to_json(self) -> dict[str, Any]:
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
        }


@dataclass(frozen=True)
class ExerciseResult:
    slug: str
    title: str
    checks: tuple[CheckResult, ...]

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)

    @property
    def earned(self) -> int:
        return sum(check.earned for check in self.checks)

    @property
    def done(self) -> bool:
        return self.earned == self.points

    def to_json(self) -> dict[str, Any]:
        return {
            "slug": self.slug,
            "title": self.title,
            "points": self.points,
            "earned": self.earned,
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True)
class Report:
    """The result of `grade`: a value."""

    labkit: str
    lab: str
    content: str
    time: str
    exercises: tuple[ExerciseResult, ...]

    @property
    def exit_code(self) -> int:
        """0 all passed, 1 not yet, 2 the lab or a check broke."""
        outcomes = {check.outcome for exercise in self.exercises for check in exercise.checks}
        return 2 if Outcome.ERROR in outcomes else 0 if outcomes <= {Outcome.PASSED} else 1

    @property
    def converging(self) -> bool:
        return any(check.outcome is Outcome.CONVERGING for exercise in self.exercises for check in exercise.checks)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": 1,
            "labkit": self.labkit,
            "lab": self.lab,
            "content": self.content,
            "time": self.time,
            "exercises": [exercise.to_json() for exercise in self.exercises],
        }

    def lines(self) -> list[Line]:
        """The report as text, line by line."""
        lines: list[Line] = []
        for exercise in self.exercises:
            title = f"{exercise.slug}  {exercise.title}  {exercise.earned}/{exercise.points} points"
            lines += [Line("")] if lines else []
            lines += [Line(visible(title)), *(line for check in exercise.checks for line in check_lines(check))]
        return lines

    def text(self) -> str:
        return "\n".join(line.text for line in self.lines())


def check_lines(check: CheckResult) -> list[Line]:
    """One check's result: the first line has its outcome, the others say more."""
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
    return lines


def visible(text: str) -> str:
    """Text with everything that could move a cursor or turn a line around shown as its code point."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
