"""What grading says: values, and the same as text, HTML and JSON."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
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

    def personal(self, say: Callable[[str], str]) -> "CheckResult":
        """The same with the lesson's own texts, claim and hint, put through `say`; what was found stays as it is."""
        return replace(self, claim=say(self.claim), hint=say(self.hint))

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
        return sum(one.points for one in self.checks)

    @property
    def earned(self) -> int:
        return sum(one.earned for one in self.checks)

    @property
    def done(self) -> bool:
        return self.earned == self.points

    def to_json(self) -> dict[str, Any]:
        return {
            "slug": self.slug,
            "title": self.title,
            "points": self.points,
            "earned": self.earned,
            "checks": [one.to_json() for one in self.checks],
        }


@dataclass(frozen=True)
class Judge:
    """A version of labkit, and of its content (labkit/content/exercises.py: version)."""

    labkit: str
    content: str


@dataclass(frozen=True)
class Report:
    """The result of `grade`. In a notebook it shows itself as HTML, anywhere else as text."""

    labkit: str
    lab: str
    content: str
    time: str
    exercises: tuple[ExerciseResult, ...]
    seen_by: Judge
    """Who looked at the lab; `labkit` and `content` name who graded, which is another one where an observation is graded
    again."""

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
            "seen_by": {"labkit": self.seen_by.labkit, "content": self.seen_by.content},
            "graded_by": {"labkit": self.labkit, "content": self.content},
            "exercises": [one.to_json() for one in self.exercises],
        }

    def text(self) -> str:
        return "\n\n".join(_text(one) for one in self.exercises)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return "".join(_html(one) for one in self.exercises)


def _text(exercise: ExerciseResult) -> str:
    title = visible(f"{exercise.slug}  {exercise.title}  {exercise.earned}/{exercise.points} points")
    return "\n".join([title, *(check_text(check) for check in exercise.checks)])


def check_text(check: CheckResult) -> str:
    """One check's result as lines of text."""
    symbol, word = SYMBOLS[check.outcome]
    lines = [f"  {symbol} {word:<10} {check.claim}  [{check.id}, {check.earned}/{check.points}]"]
    lines += [f"      {text}" for text in _details(check)]
    return "\n".join(map(visible, lines))


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


STYLE = {
    Outcome.PASSED: "#1a7f37",
    Outcome.NOT_YET: "#b35900",
    Outcome.CONVERGING: "#0969da",
    Outcome.BLOCKED: "#6e7781",
    Outcome.ERROR: "#cf222e",
}


def _html(exercise: ExerciseResult) -> str:
    rows = "".join(_html_row(check) for check in exercise.checks)
    title = escape(visible(f"{exercise.title}: {exercise.earned} of {exercise.points} points"))
    return f'<section aria-label="{title}"><h4>{title}</h4><ul style="list-style:none;padding-left:0">{rows}</ul></section>'


def _html_row(check: CheckResult) -> str:
    symbol, word = SYMBOLS[check.outcome]
    details = "".join(f"<div>{escape(visible(line))}</div>" for line in _details(check) if not line.startswith("why: "))
    why = f"<details><summary>Why?</summary>{escape(visible(check.why))}</details>" if check.why else ""
    return (
        f'<li style="border-left:4px solid {STYLE[check.outcome]};padding-left:.6em;margin:.5em 0">'
        f"<strong>{symbol} {word}</strong> {escape(visible(check.claim))} <small>({check.earned}/{check.points})</small>"
        f"{details}{why}</li>"
    )
