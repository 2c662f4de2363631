"""Plays the reference solutions, and observes a lab once it is at rest."""

import time
from pathlib import Path

from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult, Outcome
from labkit.lab.lab import Lab
from labkit.lab.lifecycle import provision
from labkit.lab.looking.observe import observe
from labkit.lab.playing.script import play
from labkit.seen.observation import Observation

SETTLING = 90.0
"""Seconds that a Swarm may take to come to rest."""


def settled(lab: Lab, exercise: Exercise) -> tuple[Observation, ExerciseResult]:
    """What the lab holds once the Swarm is at rest, in the sections that this exercise reads, and what the grader says about
    it."""
    deadline = time.monotonic() + SETTLING
    while True:
        observation = observe(lab, exercise.sees)
        result = grade_one(exercise, observation)
        moving = any(check.outcome is Outcome.CONVERGING for check in result.checks)
        if not moving or time.monotonic() > deadline:
            return observation, result
        time.sleep(0.2)


def look(lab: Lab, exercise: Exercise) -> ExerciseResult:
    """The exercise graded, once the Swarm is at rest."""
    return settled(lab, exercise)[1]


def equipped(lab: Lab, exercise: Exercise) -> Lab:
    """The lab, with the parts beyond the standard one that the exercise needs. Raises LabError."""
    for name in exercise.extras:
        if name not in lab.plan.extras:
            lab = provision.start_extra(lab, name, lambda _: None)
    return lab


def solve(lab: Lab, exercise: Exercise, folder: Path | None = None) -> ExerciseResult:
    """Plays the reference solution, and before it those of exercises that it builds on and that are not done. Starts what they
    need beyond the standard lab.

    Works in `folder`, by default the learner's own, or in the exercise's part of it. Raises LabError if a solution fails.
    """
    lab = equipped(lab, exercise)
    for slug in exercise.needs:
        needed = exercises.load(slug)
        if not look(lab, needed).done:
            solve(lab, needed, folder)
    _play(lab, exercise, folder or lab.work)
    return look(lab, exercise)


def _play(lab: Lab, exercise: Exercise, folder: Path) -> None:
    exercises.solution(exercise.slug)  # raises where there is none
    script = exercises.solutions(exercise.slug) / "solve.sh"
    place = folder / exercise.slug
    code, output = play(lab, script, place if place.is_dir() else folder)
    if code:
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        raise LabError(f"The solution of {exercise.slug} failed (exit status {code}): {last[0]}", f"look into {script}")
