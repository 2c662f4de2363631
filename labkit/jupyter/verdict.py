"""The quiet line under a cell that changed the lab: what the checks of the notebook's exercise now say."""

import threading
from typing import Any

from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.grading.grade import grade_one
from labkit.grading.report import CheckResult, ExerciseResult, Outcome
from labkit.lab.looking import watch
from labkit.seen.observation import Observation

PATIENCE = 5.0
"""Seconds that a cell waits for the look at the lab. If a machine takes longer, the panel says so."""

STATES = {Outcome.CONVERGING: "still moving", Outcome.ERROR: "could not be checked"}


def words(exercise: Exercise, before: ExerciseResult, now: ExerciseResult) -> str:
    """Which checks have changed, and what comes next. Pure."""
    passed, count = _passed(before), len(_passed(now))
    gained = [check.claim for check in now.checks if check.id in _passed(now) - passed]
    lost = [check.claim for check in now.checks if check.id in passed - _passed(now)]
    if now.done:
        following = exercises.following(exercise.slug)
        return "✓ Exercise complete." + (f" Next: {following.title}" if following else "")
    told = [*(f"✓ {claim}" for claim in gained), *(f"✗ No longer true: {claim}" for claim in lost)]
    told = told if len(told) == 1 else [f"{count} of {len(now.checks)} checks pass"]
    return " · ".join([*told, _next(now)])


def _passed(result: ExerciseResult) -> set[str]:
    return {check.id for check in result.checks if check.outcome is Outcome.PASSED}


def _next(result: ExerciseResult) -> str:
    first: CheckResult = next(check for check in result.checks if check.outcome is not Outcome.PASSED)
    return f"{STATES.get(first.outcome, 'next')}: {first.claim}"


def steady(seen: Observation) -> Any:
    """The part of an observation that does not change by itself: if two of them differ, somebody did something. Pure."""
    engines = {
        machine: (
            sorted((image.id, image.tags) for image in engine.images),
            sorted(container.name for container in engine.containers if not container.service),
        )
        for machine, engine in (seen.engines or {}).items()
    }
    services = {name: (one.spec, one.replicas) for name, one in (seen.swarm.services if seen.swarm else {}).items()}
    members = {name: (one.role, one.availability) for name, one in (seen.swarm.members if seen.swarm else {}).items()}
    return engines, services, members, seen.registries, seen.log, seen.sign_ins, seen.answers


class Verdict:
    """Looks at the lab once for each cell that ran a command."""

    def __init__(self) -> None:
        self.on = False
        self._last: Observation | None = None
        self._look: threading.Thread | None = None

    def begin(self) -> None:
        """Changes are reported from here on."""
        self.on = True
        self._look_again()

    def end(self) -> None:
        self.on = False

    def _look_again(self) -> None:
        """In another thread, while the kernel works."""
        self._look = threading.Thread(target=self._see, name="labkit-verdict", daemon=True)
        self._look.start()

    def after(self, exercise: Exercise, failed: bool) -> str:
        """The line about what a cell changed; "" if it changed nothing, or failed and changed no check."""
        if not self.on:
            return ""
        before = self._seen()
        self._look_again()
        now = self._seen()
        if before is None or now is None:
            return ""
        was, result = grade_one(exercise, before), grade_one(exercise, now)
        changed = [check.outcome for check in was.checks] != [check.outcome for check in result.checks]
        changed = changed or (not failed and steady(before) != steady(now))
        return words(exercise, was, result) if changed else ""

    def _seen(self) -> Observation | None:
        """What was seen last. None if the lab is down, or takes too long to answer."""
        if self._look:
            self._look.join(PATIENCE)
        return None if self._look is None or self._look.is_alive() else self._last

    def _see(self) -> None:
        self._last = watch.look().observation
