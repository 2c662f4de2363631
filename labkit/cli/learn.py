"""`labkit hint`, `labkit answer` and `labkit explain`"""

import sys

import click

from labkit import session
from labkit.cli.complete import Answer, CheckName, ExerciseName
from labkit.cli.output import tell, tell_lines
from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import find


@click.command()
@click.argument("exercise", type=ExerciseName())
@click.argument("check", required=False, type=CheckName())
def hint(exercise: str, check: str | None) -> None:
    """Show the next hint of a check. Without a check, of the first one that you haven't passed.

    Example: labkit hint 03-push in_hub
    """
    lab = find.current()
    tell_lines(session.next_hint(lab.work, exercises.chosen([exercise])[0], check, lab.person))


@click.command()
@click.argument("exercise", type=ExerciseName())
@click.argument("answers", nargs=-1, metavar="[QUESTION=ANSWER]...", type=Answer())
def answer(exercise: str, answers: tuple[str, ...]) -> None:
    """Answer the questions of an exercise. Without answers, show the questions.

    Example: labkit answer 06-practice ci=a reflection="A registry …"
    """
    chosen = exercises.chosen([exercise])[0]
    if not answers:
        names = [f"{question['id']}=…" for question in chosen.quiz]
        written = ['reflection="…"'] if chosen.reflection else []
        if not names and not written:
            tell(f"{chosen.slug} has no questions.")
            return
        tell_lines(session.questions(chosen))
        tell_lines(f"\nAnswer with the letters: labkit answer {chosen.slug} {' '.join([*names, *written])}")
        return
    if wrong := [text for text in answers if "=" not in text]:
        raise LabError(
            f"{wrong[0]!r} is not of the form QUESTION=ANSWER.", f"labkit answer {chosen.slug} QUESTION=ANSWER"
        )
    session.keep_answers(find.current().work, chosen, dict(text.split("=", 1) for text in answers))
    tell(f"Saved. To see whether it is right: labkit check {chosen.slug}")


@click.command()
@click.argument("message", nargs=-1)
def explain(message: tuple[str, ...]) -> None:
    """Explain an error message of docker or a registry. Without words, it reads standard input.

    Example: labkit explain denied: requested access to the resource is denied
    """
    tell_lines(session.explained(" ".join(message) or sys.stdin.read()))
