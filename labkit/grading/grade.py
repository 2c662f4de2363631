"""grade(exercise, observation) → report. Pure: the same two values always give the same report."""

from typing import Any

import labkit
from labkit.content import diagnoses
from labkit.content.check import Check, Converging, Evidence, NotYet
from labkit.content.exercises import Exercise
from labkit.grading.report import CheckResult, ExerciseResult, Outcome, Report
from labkit.seen.observation import Observation, Unobserved


def grade(exercises: list[Exercise], observation: Observation) -> Report:
    """Judges every check of these exercises. Never raises for what the observation holds."""
    return Report(
        labkit=labkit.__version__,
        lab=observation.data["lab"]["name"],
        content=observation.data["content"],
        time=observation.taken,
        exercises=tuple(grade_one(one, observation) for one in exercises),
    )


def grade_one(exercise: Exercise, observation: Observation) -> ExerciseResult:
    results: dict[str, CheckResult] = {}
    scope = Scope(exercise, observation.impersonal)
    for check in exercise.checks:
        results[check.id] = _blocked(check, results) or judge(check, scope)
    swap = observation.person.swap
    return ExerciseResult(exercise.slug, swap(exercise.title), tuple(one.said(swap) for one in results.values()))


class Scope:
    """What a check gets: the observation, and the exercise that it is judged for."""

    def __init__(self, exercise: Exercise, observation: Observation) -> None:
        self._observation = observation
        self.quiz = exercise.quiz
        self.start = observation.started(exercise.slug)
        self.given = observation.answers(exercise.slug)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._observation, name)


def _blocked(check: Check, results: dict[str, CheckResult]) -> CheckResult | None:
    for need in check.needs:
        if results[need].outcome is not Outcome.PASSED:
            message = f"Needs “{results[need].claim}” first."
            return CheckResult.of(check, Outcome.BLOCKED, message=message)
    return None


def judge(check: Check, scope: Scope) -> CheckResult:
    """One check's result. A check that breaks is an error of the lab, and costs no one points."""
    texts = diagnoses.catalogue()
    try:
        saw = check.judge(scope)
    except NotYet as miss:
        known = texts.get(miss.diagnosis)
        if known is None:
            return CheckResult.of(check, Outcome.ERROR, message=f"The catalogue lacks the diagnosis {miss.diagnosis}.")
        values = {"expected": miss.expected, "found": _words(miss.found), **miss.values}
        return CheckResult.of(
            check,
            Outcome.NOT_YET,
            expected=_words(miss.expected),
            found=_words(miss.found),
            diagnosis=miss.diagnosis,
            message=known.message(values),
            why=known.reason(values),
        )
    except Converging as move:
        since = f" (since {move.since})" if move.since else ""
        return CheckResult.of(
            check, Outcome.CONVERGING, found=_words(move.found), message=f"Still moving{since}: {move.what}."
        )
    except Unobserved as gap:
        return CheckResult.of(
            check, Outcome.ERROR, message=f"The lab could not be looked at: {gap} Repair it with: labkit up"
        )
    except Exception as error:
        return CheckResult.of(check, Outcome.ERROR, message=f"The check itself broke: {type(error).__name__}: {error}")
    evidence = saw if isinstance(saw, Evidence) else Evidence(str(saw or ""))
    note = texts[evidence.note].message({}) if evidence.note in texts else ""
    return CheckResult.of(check, Outcome.PASSED, message=note, evidence=evidence.saw)


def _words(value: Any) -> str:
    """A value as people read it, whole."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, set)):
        return ", ".join(sorted(map(str, value)) if isinstance(value, set) else map(str, value)) or "nothing"
    return str(value)
