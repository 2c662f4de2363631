"""`labkit solve` and `labkit reset`"""

import sys

import click

from labkit import __version__
from labkit.authoring import solutions
from labkit.cli.complete import ExerciseName
from labkit.cli.output import progress, tell, tell_report
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.report import Judge, Report
from labkit.lab import find
from labkit.lab.playing import reset as resets

HERE = Judge(__version__, "")


@click.command()
@click.argument("exercise", type=ExerciseName())
@click.option("--show", is_flag=True, help="Only show the reference solution. You must have finished the exercise.")
def solve(exercise: str, show: bool) -> None:
    """Play the reference solution of an exercise, after those that it builds on.

    Example: labkit solve 03-push
    """
    chosen = exercises.chosen([exercise])[0]
    lab = find.current()
    if show:
        if not solutions.look(lab, chosen).done:
            raise LabError(
                f"{chosen.slug} is not done yet. You see its solution once it is.", f"labkit hint {chosen.slug}"
            )
        click.echo(lab.person.personal(exercises.solution(chosen.slug)), nl=False)
        return
    with progress() as say:
        say(f"playing the solution of {chosen.slug}")
        result = solutions.solve(lab, chosen)
    report = Report(lab.name, "", (result,), HERE, HERE)
    tell_report(report.lines())
    sys.exit(report.exit_code)


@click.command()
@click.argument("exercise", required=False, type=ExerciseName())
@click.option("--all", "everything", is_flag=True, help="Reset the whole lab without asking.")
def reset(exercise: str | None, everything: bool) -> None:
    """Put an exercise back to the start, or the whole lab.

    Without a name it asks first, since it clears all images, services and sign-ins.

    Example: labkit reset 05-deploy
    """
    if exercise and everything:
        raise LabError("Name an exercise or use --all, not both.", f"labkit reset {exercise}")
    chosen = exercises.chosen([exercise]) if exercise else []
    lab = find.current()
    if not chosen and not everything and not _agreed():
        tell("Nothing was changed.")
        return
    with progress() as say:
        if chosen:
            resets.reset(lab, chosen, say)
        else:
            resets.reset_all(lab, say)
    tell(f"{chosen[0].slug if chosen else 'The lab'} was reset. Your attempts are kept.")


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _agreed() -> bool:
    """Whether the person wants to clear the whole lab. Raises LabError if nobody can be asked."""
    if not _is_terminal():
        raise LabError("This would clear the whole lab, and there is nobody to ask.", "labkit reset --all")
    return click.confirm("Clear the whole lab: all images, services and sign-ins?")
