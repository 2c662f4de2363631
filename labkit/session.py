"""What every door does: observe the lab, grade, record the attempt, give hints, answer, explain.

The notebook, the command and pytest all use this.
"""

import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import reporting
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.content.personal import person
from labkit.errors import LabError, nearest
from labkit.grading.grade import grade
from labkit.grading.report import Report
from labkit.seen.observation import Observation
from labkit.seen.person import Person
from labkit.work import answers, attempts

if TYPE_CHECKING:
    from labkit.lab.lab import Lab

DEFAULT = Person()

Tell = Callable[[str], None]


def warn(text: str) -> None:
    """Prints on standard error what is worth knowing besides an answer."""
    print(f"! {text}", file=sys.stderr)


def graded(
    names: tuple[str, ...] | list[str],
    wait: float = 0.0,
    tell: Tell = warn,
    tries: bool = False,
    only: tuple[str, ...] = (),
) -> Report:
    """Looks at the running lab and grades these exercises, or all. With `tries`, what a named exercise asks to be tried is
    tried first, or `only` these parts of it, unless the last trial shows that all is well; else the last trial counts. While
    the Swarm converges it looks again, for at most `wait` seconds. Records an attempt if the result changed; if it can't be
    saved, it says so and returns the result all the same. Raises LabError."""
    from labkit.lab import find
    from labkit.lab.looking.observe import observe

    chosen = exercises.chosen(names)
    lab = find.current()
    for exercise in chosen if names and tries else ():
        if exercise.trial:
            tried(lab, exercise, tell, only)
    deadline = time.monotonic() + wait
    report = grade(chosen, observe(lab, exercises.seen_by(chosen)))
    while report.converging and time.monotonic() < deadline:
        time.sleep(0.3)
        report = grade(chosen, observe(lab, exercises.seen_by(chosen)))
    try:
        if attempts.keep_attempt(lab.work, report):
            reporting.changed(lab.work)
    except LabError as error:
        tell(f"This attempt could not be saved. {error}")
    return report


def tried(lab: "Lab", exercise: Exercise, tell: Tell, only: tuple[str, ...] = ()) -> None:
    """Has an exercise's trial played, unless the last one was of the same commit and every check passes: it would show the same
    again. Raises LabError."""
    from labkit.lab.looking.observe import observe

    if only or not grade([exercise], observe(lab, exercises.seen_by([exercise]))).exercises[0].done:
        lab.access.trial(lab, exercise.slug, tell, only)


@dataclass(frozen=True)
class Asked:
    """What a saved observation must match; whatever is left out may be anything."""

    learner: str = ""
    workshop: str = ""
    """The seed that the learner's values come from, if no workshop signs."""
    signed_by: Path | None = None
    """The workshop's public key."""
    since: datetime | None = None
    until: datetime | None = None


ANYTHING = Asked()


def regraded(names: tuple[str, ...] | list[str], file: Path, asked: Asked = ANYTHING) -> Report:
    """Grades a saved observation; needs no lab. Raises LabError if it is not what was asked for."""
    by = None
    if asked.signed_by:
        from labkit.lab.owner import workshop

        by = workshop.public(asked.signed_by)
    observation = Observation.parse(content(file), by)
    _compare(observation, asked)
    return grade(exercises.chosen(names), observation, f"{by.workshop} ({by.public})" if by else "")


def _compare(seen: Observation, asked: Asked) -> None:
    """Raises LabError."""
    whose = seen.lab.person
    # A workshop's values are under its signature, and come from a key that whoever grades need not have.
    wanted = whose.learner == asked.learner if asked.signed_by else whose == person(asked.learner, asked.workshop)
    if asked.learner and not wanted:
        found = whose.learner or "a lab without a learner's name"
        raise LabError(
            f"This observation is not from {asked.learner}'s lab in this workshop. It is from {found}.",
            "ask for an observation of the right lab, or check the workshop's seed",
        )
    if not (asked.since or asked.until):
        return
    try:
        taken = datetime.fromisoformat(seen.taken)
    except ValueError as error:
        raise LabError(f"This observation has no valid time: {seen.taken!r}.", "ask for a new observation") from error
    taken = taken if taken.tzinfo else taken.replace(tzinfo=UTC)
    for limit, wrong, word in ((asked.since, "too old", "after"), (asked.until, "too late", "before")):
        if limit and (taken < limit if word == "after" else taken > limit):
            raise LabError(
                f"This observation is {wrong}: it was taken at {seen.taken}, but must be taken {word} {limit.isoformat()}.",
                "ask for an observation from that time",
            )


LARGEST = 64 * 1024 * 1024
"""Reads at most this many bytes. The observation of a lab with 200 repositories of 50 tags has 3 million."""


def content(file: Path, fix: str = "labkit observe > observation.json") -> bytes:
    """Reads a regular file: never waits for a pipe. Raises LabError."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as source:
            about = os.fstat(source.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise LabError(f"{file} cannot be read: it is not a file.", fix)
            if about.st_size > LARGEST:
                raise LabError(
                    f"{file} cannot be read: it has {about.st_size:,} bytes, and at most {LARGEST:,} are allowed.", fix
                )
            return source.read(LARGEST)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LabError(f"{file} cannot be read: {reason}.", fix) from error


def next_hint(work: Path, exercise: Exercise, check: str | None, whose: Person = DEFAULT) -> str:
    """Records the next hint of a check and returns it. Without a check: of the first one that has not passed. Raises
    LabError."""
    if check is None:
        from labkit.lab import find
        from labkit.lab.looking.observe import observe

        result = grade([exercise], observe(find.current())).exercises[0]
        if result.done:
            return f"{exercise.slug} is complete: you need no more hints."
        check = next(judged.id for judged in result.checks if judged.earned < judged.points)
    chosen = exercise.check(check)
    taken = attempts.hints_taken(work, exercise.slug, chosen.id)
    if not chosen.hints:
        return f"{chosen.claim} (This check has no hints.)"
    number = min(taken + 1, len(chosen.hints))
    if taken < len(chosen.hints):
        try:
            attempts.keep_hint(work, exercise.slug, chosen.id, number)
        except LabError as error:
            warn(f"This hint could not be recorded. {error}")
    return whose.personal(f"{chosen.claim}\nHint {number} of {len(chosen.hints)}: {chosen.hints[number - 1]}")


def questions(exercise: Exercise) -> str:
    """An exercise's questions with the learner's answers."""
    from labkit.lab.looking import watch
    from labkit.view import compose, plain

    return plain.text(compose.view(("quiz",), exercise, watch.look()))


def quiz_text(exercise: Exercise) -> str:
    """The same, with how to answer them in a notebook."""
    names = ", ".join(f'{question["id"]}="…"' for question in exercise.quiz)
    words = ', reflection="…"' if exercise.reflection else ""
    return f'{questions(exercise)}\n\nAnswer with the letters: answer("{exercise.slug}", {names}{words})'


def keep_answers(work: Path, exercise: Exercise, given: dict[str, str]) -> None:
    """Saves answers in the learner's folder. Raises LabError for an unknown question."""
    known = [*(question["id"] for question in exercise.quiz), "reflection"]
    for question in given:
        if question not in known:
            raise LabError(
                f"{exercise.slug} has no question {question!r}: {nearest(question, known)}", "use the question's name"
            )
    answers.save(work, exercise.slug, given)


def explained(output: str, mended: bool = False) -> str:
    """What the error at the end of an output means, and what the lab's access log adds to it. `mended`: the same command has
    worked since, so no advice is given."""
    from labkit.lab.looking import watch
    from labkit.view import compose, plain

    if mended:
        told = replace(compose.explain(output), next="")
        return f"{plain.explained(told)}\nYour newest command of this kind worked, so there is nothing left to do about it."
    return plain.explained(compose.explain(output, watch.look().observation))
