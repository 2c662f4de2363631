"""What every door does: look at the lab, grade, keep the attempt. Notebook, command and pytest all come through here."""

import time
from pathlib import Path

from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.content.personal import person
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.grading.report import Report
from labkit.seen.observation import Observation
from labkit.seen.person import Person
from labkit.work import attempts as progress

DEFAULT = Person()


def graded(names: tuple[str, ...] | list[str], wait: float = 0.0) -> Report:
    """Looks at the running lab and grades these exercises, or all. While the Swarm converges it looks again, for at most
    `wait` seconds. Keeps the attempt. Raises LabError."""
    from labkit.lab import find
    from labkit.lab.looking.observe import observe

    chosen = exercises.chosen(names)
    lab = find.current()
    deadline = time.monotonic() + wait
    report = grade(chosen, observe(lab, exercises.seen_by(chosen)))
    while report.converging and time.monotonic() < deadline:
        time.sleep(0.3)
        report = grade(chosen, observe(lab, exercises.seen_by(chosen)))
    progress.keep_attempt(lab.work, report)
    return report


def regraded(names: tuple[str, ...] | list[str], file: Path, learner: str = "", workshop: str = "") -> Report:
    """Grades a stored observation; needs no lab. With a `learner` it must be of that person's lab. Raises LabError."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise LabError(f"{file} cannot be read: {reason}.", "labkit observe > observation.json") from error
    observation = Observation.parse(text)
    if learner and observation.lab.person != person(learner, workshop):
        whose = observation.lab.person.learner or "a lab without a learner's name"
        raise LabError(
            f"This observation is not of {learner}'s lab in this workshop: it is of {whose}.",
            "ask for the observation of the right lab, or compare the workshop's seed",
        )
    return grade(exercises.chosen(names), observation)


def next_hint(work: Path, exercise: Exercise, check: str | None, whose: Person = DEFAULT) -> str:
    """The next hint of a check, counted; without a check, of the first one that is not passed. Raises LabError."""
    if check is None:
        from labkit.lab import find
        from labkit.lab.looking.observe import observe

        result = grade([exercise], observe(find.current())).exercises[0]
        if result.done:
            return f"{exercise.slug} is done: there is nothing left to hint at."
        check = next(one.id for one in result.checks if one.earned < one.points)
    chosen = exercise.check(check)
    taken = progress.hints_taken(work, exercise.slug, chosen.id)
    if not chosen.hints:
        return f"{chosen.claim} (There is no hint for this one.)"
    number = min(taken + 1, len(chosen.hints))
    if taken < len(chosen.hints):
        progress.keep_hint(work, exercise.slug, chosen.id, number)
    return whose.swap(f"{chosen.claim}\nHint {number} of {len(chosen.hints)}: {chosen.hints[number - 1]}")
