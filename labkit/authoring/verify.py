"""Proves exercises on a running lab: `labkit verify`."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.authoring import attempts, soundness
from labkit.authoring.attempts import Attempt
from labkit.authoring.solutions import equipped, look, solve
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.report import ExerciseResult, Outcome
from labkit.lab.lab import Lab
from labkit.lab.playing.reset import reset_all

FEWEST = 3
"""The fewest wrong ways that an author writes."""


@dataclass(frozen=True)
class Proof:
    """One sentence that `verify` tested: it holds, or `problem` says what was seen instead."""

    exercise: str
    claim: str
    problem: str = ""

    def line(self) -> str:
        return f"{'✗' if self.problem else '✓'} {self.exercise:<12} {self.claim}{': ' + self.problem if self.problem else ''}"


def verify(lab: Lab, chosen: list[Exercise], wrong_ways: bool = True) -> Iterator[Proof]:
    """Proves the content of these exercises on a real lab, which is cleared for it again and again.

    First comes what needs no lab (soundness.py). Unsolved, no check passes and none is an error; the solution passes all;
    solving twice changes nothing; each wrong way gets exactly what its first line says. Without `wrong_ways` these are
    counted and not played, for the tests, which play them with the corpus.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-verify-") as scratch:
        for exercise in chosen:
            for claim, problem in soundness.problems(exercise).items():
                yield Proof(exercise.slug, claim, problem)
            lab = equipped(reset_all(lab), exercise)
            yield from _solution(lab, exercise, _scratch(Path(scratch), exercise))
            ways = attempts.of_author(exercise.slug)
            few = "" if len(ways) >= FEWEST else f"it has {len(ways)}"
            yield Proof(exercise.slug, "has at least three wrong ways", few)
            for way in ways if wrong_ways else ():
                lab, proof = _wrong(lab, way)
                yield proof
    reset_all(lab)


def _scratch(scratch: Path, exercise: Exercise) -> Path:
    place = scratch / exercise.slug
    files = exercise.folder / "files"
    if files.is_dir():
        shutil.copytree(files, place, dirs_exist_ok=True)
    place.mkdir(exist_ok=True)
    return scratch


def _solution(lab: Lab, exercise: Exercise, folder: Path) -> Iterator[Proof]:
    for slug in exercise.needs:
        solve(lab, exercises.load(slug), folder)
    yield Proof(exercise.slug, "unsolved: no check passes", _closed(look(lab, exercise)))
    for run, claim in RUNS.items():
        problem = _solved(lab, exercise, folder)
        yield Proof(exercise.slug, claim, f"{run}: {problem}" if problem else "")
        if problem:
            return


RUNS = {"the first run": "solved: every check passes", "the second run": "solved twice: the same"}
"""{which run of the solution: what it proves}"""


def _closed(result: ExerciseResult) -> str:
    """Why these checks are wrong "unsolved"."""
    found = []
    for check in result.checks:
        if check.outcome is Outcome.PASSED:
            found.append(f"{check.id} passes in a cleared lab: it needs a check that does not ({GONE})")
        elif check.outcome not in (Outcome.NOT_YET, Outcome.BLOCKED):
            found.append(f"{check.id} {check.outcome} {check.message}".rstrip())
    return "; ".join(found)


GONE = "docs/authoring.md, “What must be gone”"


def _solved(lab: Lab, exercise: Exercise, folder: Path) -> str:
    """Plays the solution; says which checks do not pass then, or why it could not be played."""
    try:
        return _open(solve(lab, exercise, folder))
    except LabError as error:
        return error.what


def _wrong(lab: Lab, way: Attempt) -> tuple[Lab, Proof]:
    if problem := soundness.header_problem(way):  # looked at first: a wrong first line must not cost the playing
        return lab, Proof(way.slug, f"{way.file.name} says what it must get", problem)
    expected = way.diagnosis
    played = attempts.play(lab, way)
    problem = way.problem(attempts.verdicts(played.result))
    return played.lab, Proof(way.slug, f"{way.file.name} is told as {expected}", problem)


def _open(result: ExerciseResult) -> str:
    return "; ".join(
        f"{check.id}: {check.outcome} {check.message}" for check in result.checks if check.earned < check.points
    )
