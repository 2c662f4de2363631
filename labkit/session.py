"""What every door does: look at the lab, grade, keep the attempt, hint, answer, explain.

Notebook, command and pytest all come through here.
"""

import sys
import time
from collections.abc import Callable
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
