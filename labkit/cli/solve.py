"""`labkit solve` and `labkit reset`"""

import sys

import click

from labkit import __version__
from labkit.authoring import solutions
from labkit.cli.output import colored, progress, tell
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.report import Judge, Report
from labkit.lab import find
from labkit.lab.playing import reset as resets

HERE = Judge(__version__, "")


@click.command()
@click.argument("exercise")
@click.option("--show", is_flag=True, help="Only show the reference solution, once the exercise is done.")
def solve(exercise: str, show: bool) -> None:
    """Play the reference solution of an exercise, after those that it builds on.

    Example: labkit solve 03-push
    """
    chosen = exercises.chosen([exercise])[0]
    lab = find.current()
    if show:
        if not solutions.look(lab, chosen).done:
            raise LabError(
                f"{chosen.slug} is not done yet; its solution is for comparing.", f"labkit hint {chosen.slug}"
            )
        click.echo(lab.person.personal(exercises.solution(chosen.slug)), nl=False)
        return
    with progress() as say:
        say(f"playing the solution of {chosen.slug}")
        result = solutions.solve(lab, chosen)
    report = Report(lab.name, "", (result,), HERE, HERE)
    click.echo(colored(report))
    sys.exit(report.exit_code)


@click.command()
@click.argument("exercise", required=False)
def reset(exercise: str | None) -> None:
    """Bring an exercise back to before it was begun; without a name, the whole lab.

    Example: labkit reset 05-deploy
    """
    chosen = exercises.chosen([exercise]) if exercise else []
    lab = find.current()
    with progress() as say:
        if chosen:
            resets.reset(lab, chosen, say)
        else:
            resets.reset_all(lab, say)
    tell(f"{exercise or 'The lab'} is as it was before. Your attempts are kept.")
