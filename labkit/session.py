"""What every door does: look at the lab, grade, keep the attempt, hint, answer, explain.

Notebook, command and pytest all come through here.
"""

import os
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.content.personal import person
from labkit.errors import LabError, nearest
from labkit.grading.grade import grade
from labkit.grading.report import Report
from labkit.seen.observation import Observation
from labkit.seen.person import Person
from labkit.work import answers, attempts

DEFAULT = Person()

Tell = Callable[[str], None]


def warn(text: str) -> None:
    """Tells on standard error what is worth knowing beside an answer."""
    print(f"! {text}", file=sys.stderr)


def graded(names: tuple[str, ...] | list[str], wait: float = 0.0, tell: Tell = warn) -> Report:
    """Looks at the running lab and grades these exercises, or all. While the Swarm converges it looks again, for at most
    `wait` seconds. Keeps the attempt where the verdict changed; where it cannot be kept, that is told, and the verdict is as
    good. Raises LabError."""
    from labkit.lab import find
    from labkit.lab.looking.observe import observe

    chosen = exercises.chosen(names)
    lab = find.current()
    deadline = time.monotonic() + wait
    report = grade(chosen, observe(lab, exercises.seen_by(chosen)))
    while report.converging and time.monotonic() < deadline:
        time.sleep(0.3)
        report = grade(chosen, observe(lab, exercises.seen_by(chosen)))
    try:
        attempts.keep_attempt(lab.work, report)
    except LabError as error:
        tell(f"This attempt is not kept. {error}")
    return report


@dataclass(frozen=True)
class Asked:
    """What a stored observation must be; what is left out may be anything."""

    learner: str = ""
    workshop: str = ""
    """The seed that the learner's values come from, where no workshop signs."""
    signed_by: Path | None = None
    """The workshop's public key."""
    since: datetime | None = None
    until: datetime | None = None


ANYTHING = Asked()


def regraded(names: tuple[str, ...] | list[str], file: Path, asked: Asked = ANYTHING) -> Report:
    """Grades a stored observation; needs no lab. Raises LabError where it is not what was asked for."""
    by = None
    if asked.signed_by:
        from labkit.lab.owner import workshop

        by = workshop.public(asked.signed_by)
    observation = Observation.parse(_read(file), by)
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
            f"This observation is not of {asked.learner}'s lab in this workshop: it is of {found}.",
            "ask for the observation of the right lab, or compare the workshop's seed",
        )
    if not (asked.since or asked.until):
        return
    try:
        taken = datetime.fromisoformat(seen.taken)
    except ValueError as error:
        raise LabError(f"This observation says no moment: {seen.taken!r}.", "ask for another") from error
    taken = taken if taken.tzinfo else taken.replace(tzinfo=UTC)
    for limit, wrong, word in ((asked.since, "too old", "since"), (asked.until, "too late", "until")):
        if limit and (taken < limit if word == "since" else taken > limit):
            raise LabError(
                f"This observation is {wrong}: it was taken at {seen.taken}, and counts {word} {limit.isoformat()}.",
                "ask for one of that time",
            )


LARGEST = 64 * 1024 * 1024
"""Bytes of an observation that are read; one of a lab with 200 repositories of 50 tags has 3 million."""


def _read(file: Path) -> bytes:
    """A file that is one, and ends: no pipe is waited for. Raises LabError."""
    fix = "labkit observe > observation.json"
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as source:
            about = os.fstat(source.fileno())
            if not stat.S_ISREG(about.st_mode):
                raise LabError(f"{file} cannot be read: it is no file.", fix)
            if about.st_size > LARGEST:
                raise LabError(f"{file} cannot be read: it has {about.st_size:,} bytes, at most {LARGEST:,} are.", fix)
            return source.read(LARGEST)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise LabError(f"{file} cannot be read: {reason}.", fix) from error


def next_hint(work: Path, exercise: Exercise, check: str | None, whose: Person = DEFAULT) -> str:
    """The next hint of a check, counted; without a check, of the first one that is not passed. Raises LabError."""
    if check is None:
        from labkit.lab import find
        from labkit.lab.looking.observe import observe

        result = grade([exercise], observe(find.current())).exercises[0]
        if result.done:
            return f"{exercise.slug} is done: there is nothing left to hint at."
        check = next(judged.id for judged in result.checks if judged.earned < judged.points)
    chosen = exercise.check(check)
    taken = attempts.hints_taken(work, exercise.slug, chosen.id)
    if not chosen.hints:
        return f"{chosen.claim} (There is no hint for this one.)"
    number = min(taken + 1, len(chosen.hints))
    if taken < len(chosen.hints):
        try:
            attempts.keep_hint(work, exercise.slug, chosen.id, number)
        except LabError as error:
            warn(f"That this hint was taken is not kept. {error}")
    return whose.personal(f"{chosen.claim}\nHint {number} of {len(chosen.hints)}: {chosen.hints[number - 1]}")


def quiz_text(exercise: Exercise) -> str:
    """The questions of an exercise with the learner's answers, and how to answer them by typing."""
    from labkit.lab.looking import watch
    from labkit.view import compose, plain

    questions = plain.text(compose.view(("quiz",), exercise, watch.look()))
    names = ", ".join(f'{question["id"]}="…"' for question in exercise.quiz)
    words = ', reflection="…"' if exercise.reflection else ""
    return f'{questions}\n\nAnswer with the letters: answer("{exercise.slug}", {names}{words})'


def keep_answers(work: Path, exercise: Exercise, given: dict[str, str]) -> None:
    """Keeps answers in the learner's folder. Raises LabError for an unknown question."""
    known = [*(question["id"] for question in exercise.quiz), "reflection"]
    for question in given:
        if question not in known:
            raise LabError(
                f"{exercise.slug} has no question {question!r}: {nearest(question, known)}", "answer it by its name"
            )
    answers.save(work, exercise.slug, given)


def explained(output: str) -> str:
    """What the error that an output ends with means, and what the lab's access log adds to it."""
    from labkit.lab.looking import watch
    from labkit.view import compose, plain

    return plain.explained(compose.explain(output, watch.look().observation))
