"""`labkit hint`, `labkit answer` and `labkit explain`"""

import sys

import click

from labkit import session
from labkit.cli.output import tell, tell_lines, typed
from labkit.content import exercises
from labkit.errors import LabError
from labkit.lab import find


@click.command()
@click.argument("exercise")
@click.argument("check", required=False)
def hint(exercise: str, check: str | None) -> None:
    """Show the next hint of a check; without a check, of the first one that is not passed.

    Example: labkit hint 03-push in-hub
    """
    lab = find.current()
    tell_lines(session.next_hint(lab.work, exercises.chosen([exercise])[0], check, lab.person))


@click.command()
@click.argument("exercise")
@click.argument("answers", nargs=-1, metavar="[QUESTION=ANSWER]...")
def answer(exercise: str, answers: tuple[str, ...]) -> None:
    """Answer the quiz of an exercise; without answers, show the questions.

    Example: labkit answer 06-practice ci=a reflection="A registry …"
    """
    chosen = exercises.chosen([exercise])[0]
    if not answers:
        tell_lines(session.quiz_text(chosen))
        return
    if wrong := [text for text in answers if "=" not in text]:
        raise LabError(f"{wrong[0]!r} is no answer.", f"labkit answer {chosen.slug} QUESTION=ANSWER")
    session.keep_answers(find.current().work, chosen, dict(text.split("=", 1) for text in answers))
    tell("Kept.")


@click.command()
@click.argument("message", nargs=-1)
def explain(message: tuple[str, ...]) -> None:
    """Say what a message of docker or a registry means here. Without words it is read from standard input.

    Example: labkit explain denied: requested access to the resource is denied
    """
    tell_lines(typed(session.explained(" ".join(message) or sys.stdin.read())))
