"""`labkit check` and `labkit observe`"""

import sys
import time
from datetime import datetime
from pathlib import Path

import click

from labkit import session
from labkit.cli.output import Moment, Seconds, colored, json_option, tell_json, tell_lines, typed
from labkit.errors import LabError
from labkit.grading.report import Report
from labkit.lab.looking.observe import observe as look

PAUSE = 1.0
"""Seconds between two looks of `--watch`."""


@click.command()
@click.argument("exercise", nargs=-1)
@json_option
@click.option("--watch", is_flag=True, help="Look again every second, print what changed, and end when all is passed.")
@click.option("--wait", type=Seconds(), default="0", help="While the Swarm is still moving, wait this long, e.g. 60s.")
@click.option(
    "--observation", type=click.Path(path_type=Path), help="Grade what `labkit observe` printed; needs no lab."
)
@click.option("--learner", default="", help="With --observation: it must be of this learner's lab.")
@click.option("--workshop", default="", help="With --learner: the workshop's seed.")
@click.option(
    "--signed-by",
    type=click.Path(path_type=Path),
    help="With --observation: it must be signed by the workshop of this public key, FILE.pub.",
)
@click.option(
    "--since", type=Moment(), help="With --observation: it must have been taken since, e.g. 2027-03-05T14:00."
)
@click.option("--until", type=Moment(), help="With --observation: it must have been taken until then.")
def check(
    exercise: tuple[str, ...],
    as_json: bool,
    watch: bool,
    wait: float,
    observation: Path | None,
    learner: str,
    workshop: str,
    signed_by: Path | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    """Grade exercises: what passed, what not yet, and why. Without names, all of them.

    Example: labkit check 03-push
    """
    if observation:
        asked = session.Asked(learner, workshop, signed_by, since, until)
        report = session.regraded(exercise, observation, asked)
        _show(report, as_json)
        sys.exit(report.exit_code)
    if learner or workshop or signed_by or since or until:
        raise LabError(
            "--learner, --workshop, --signed-by, --since and --until ask something of a kept observation.",
            "labkit check --observation FILE …",
        )
    told = None
    while True:
        report = session.graded(exercise, wait)
        if told != (told := report.to_json() | {"time": ""}):
            _show(report, as_json)
            if not as_json and (done := [graded.slug for graded in report.exercises if graded.done]):
                tell_lines(typed(f"\nCompare with the reference solution: labkit solve {done[-1]} --show"))
        if not watch or report.exit_code == 0:
            sys.exit(report.exit_code)
        time.sleep(PAUSE)


def _show(report: Report, as_json: bool) -> None:
    tell_json(report.to_json()) if as_json else click.echo(colored(report))


@click.command()
def observe() -> None:
    """Print what the lab holds now as JSON, to keep it or to grade it again.

    Example: labkit observe > observation.json && labkit check --observation observation.json
    """
    click.echo(look().dump(), nl=False)
