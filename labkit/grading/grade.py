"""grade(exercises, observation) → report. Pure: the same values always give the same report."""

from dataclasses import replace
from typing import Any

import labkit
from labkit.content import diagnoses
from labkit.content.check import Check, Converging, Evidence, NotYet, where_it_broke
from labkit.content.exercises import Exercise, version
from labkit.content.scope import Scope
from labkit.errors import nearest
from labkit.grading.report import CheckResult, ExerciseResult, Judge, Outcome, Report
from labkit.seen.claims import SECTIONS
from labkit.seen.lab import NotAsked, Unobserved
from labkit.seen.observation import Observation


def grade(exercises: list[Exercise], observation: Observation, signed_by: str | None = None) -> Report:
    """Judges every check of these exercises. Never raises, whatever the observation holds. `signed_by` is for the report: the
    workshop whose signature is valid. With it, the report marks what rests on the learner's own word."""
    return Report(
        lab=observation.lab.name,
        time=observation.taken,
        exercises=tuple(grade_one(exercise, observation, bool(signed_by)) for exercise in exercises),
        seen_by=Judge(observation.labkit, observation.content),
        graded_by=Judge(labkit.__version__, version()),
        learner=observation.lab.person.learner,
        signed_by=signed_by,
    )


def grade_one(exercise: Exercise, observation: Observation, signed: bool = False) -> ExerciseResult:
    results: dict[str, CheckResult] = {}
    scope = Scope(observation, exercise.slug, exercise.quiz)
    personal = scope.person.personal
    lacks = {check.id: _missing(check, scope) for check in exercise.checks}
    asked = [check for check in exercise.checks if not lacks[check.id]]
    for check in asked:
        results[check.id] = (_blocked(check, results) or judge(check, scope)).personal(personal)
    if signed:
        results = {check.id: _told_apart(check, results[check.id], exercise, observation) for check in asked}
    not_asked = tuple(dict.fromkeys(why for why in lacks.values() if why))
    return ExerciseResult(exercise.slug, personal(exercise.title), tuple(results.values()), not_asked)


def _missing(check: Check, scope: Scope) -> str:
    """What the lab lacks for this check, "" for nothing. What was not seen may be there: then the check itself says so."""
    try:
        return check.missing(scope) if check.missing else ""
    except Exception:
        return ""


def _told_apart(check: Check, result: CheckResult, exercise: Exercise, observation: Observation) -> CheckResult:
    """The result with the claims that it rests on: without them it would not have passed."""
    if result.outcome is not Outcome.PASSED:
        return result
    scopes = {claim: Scope(observation.without(claim), exercise.slug, exercise.quiz) for claim in SECTIONS}
    rests = [claim for claim, scope in scopes.items() if judge(check, scope).outcome is not Outcome.PASSED]
    return replace(result, claimed=tuple(rests))


def _blocked(check: Check, results: dict[str, CheckResult]) -> CheckResult | None:
    for need in check.needs:
        if results[need].outcome is not Outcome.PASSED:
            message = f"First: “{results[need].claim}”"
            return CheckResult.of(check, Outcome.BLOCKED, message=message)
    return None


def judge(check: Check, scope: Scope) -> CheckResult:
    """One check's result. A check that breaks is the lab's error, not the learner's."""
    try:
        return _judge(check, scope)
    except NotAsked as gap:
        return CheckResult.of(
            check, Outcome.ERROR, message=f"The check reads a part of the lab that was not observed: {gap}."
        )
    except Unobserved as gap:
        message = f"The lab could not be checked: {gap} Repair it with: labkit up"
        return CheckResult.of(check, Outcome.ERROR, message=message)
    except Exception as error:
        place = where_it_broke(check.judge, error)
        message = f"The check itself broke: {type(error).__name__}: {error} ({place})"
        return CheckResult.of(check, Outcome.ERROR, message=message)


def _judge(check: Check, scope: Scope) -> CheckResult:
    try:
        saw = check.judge(scope)
    except NotYet as miss:
        return _not_yet(check, miss)
    except Converging as move:
        since = f" (since {move.since})" if move.since else ""
        message = f"Still moving{since}: {move.what}."
        return CheckResult.of(check, Outcome.CONVERGING, found=_words(move.found), message=message)
    evidence = saw if isinstance(saw, Evidence) else Evidence(saw or "")
    note = diagnoses.catalogue()[evidence.note].message({}) if evidence.note else ""
    return CheckResult.of(check, Outcome.PASSED, message=note, evidence=evidence.saw)


def _not_yet(check: Check, miss: NotYet) -> CheckResult:
    """Raises LookupError if the catalogue has no such diagnosis, or if the check does not give a value that its text names."""
    known = diagnoses.catalogue().get(miss.diagnosis)
    if known is None:
        raise LookupError(f"{miss.diagnosis!r} is no diagnosis: {nearest(miss.diagnosis, list(diagnoses.catalogue()))}")
    values = {"expected": _words(miss.expected), "found": _words(miss.found), **miss.values}
    return CheckResult.of(
        check,
        Outcome.NOT_YET,
        expected=values["expected"],
        found=values["found"],
        diagnosis=miss.diagnosis,
        message=known.message(values),
        why=known.reason(values),
    )


def _words(value: Any) -> str:
    """A value as people read it, unshortened."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, set)):
        return ", ".join(sorted(map(str, value)) if isinstance(value, set) else map(str, value)) or "nothing"
    return str(value)
