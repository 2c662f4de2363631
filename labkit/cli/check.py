"""`labkit check` and `labkit observe`"""

import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from labkit import session
from labkit.cli.complete import ExerciseName
from labkit.cli.output import Moment, Seconds, json_option, tell_json, tell_lines, tell_report
from labkit.errors import LabError
from labkit.grading.report import Report
from labkit.lab.looking.observe import observe as look
from labkit.seen.trials import PARTS

PAUSE = 1.0
"""Seconds between two looks with `--watch`."""


@click.command()
@click.argument("exercise", nargs=-1, type=ExerciseName())
@json_option
@click.option("--watch", is_flag=True, help="Look again every second and show what changes, until all is passed.")
@click.option(
    "--wait", type=Seconds(), default="0", help="Wait up to this long while the Swarm is still busy, e.g. 60s."
)
@click.option(
    "--observation", type=click.Path(path_type=Path), help="Grade what `labkit observe` printed. Needs no lab."
)
@click.option("--learner", default="", help="With --observation: it must come from this learner's lab.")
@click.option("--workshop", default="", help="With --learner: the workshop's seed.")
@click.option(
    "--signed-by",
    type=click.Path(path_type=Path),
    help="With --observation: the workshop with this public key (FILE.pub) must have signed it.",
)
@click.option(
    "--since", type=Moment(), help="With --observation: it must not be older than this, e.g. 2027-03-05T14:00."
)
@click.option(
    "--try",
    "only",
    multiple=True,
    type=click.Choice(PARTS),
    help="Of a trial, play only this part: of 08-secure and 10-pipeline beside the good one, of 09-cleanup this registry.",
)
@click.option("--until", type=Moment(), help="With --observation: it must not be newer than this.")
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
    only: tuple[str, ...],
) -> None:
    """Grade exercises: what passed, what didn't yet, and why. Without names, all of them.

    Example: labkit check 03-push
    """
    if observation:
        asked = session.Asked(learner, workshop, signed_by, since, until)
        report = session.regraded(exercise, observation, asked)
        _show(report, as_json)
        sys.exit(report.exit_code)
    if learner or workshop or signed_by or since or until:
        raise LabError(
            "--learner, --workshop, --signed-by, --since and --until need an observation.",
            "labkit check --observation FILE …",
        )
    before: Report | None = None
    while True:
        report = session.graded(exercise, wait, tries=before is None, only=only)
        if before is None or _lasting(before) != _lasting(report):
            _show_change(report, before, as_json)
        if not watch or report.exit_code == 0:
            if not as_json and (done := [graded.slug for graded in report.exercises if graded.done]):
                tell_lines(f"\nCompare with the reference solution: labkit solve {done[-1]} --show")
            sys.exit(report.exit_code)
        before = report
        time.sleep(PAUSE)


def _show(report: Report, as_json: bool) -> None:
    tell_json(report.to_json()) if as_json else tell_report(report.lines())


def _show_change(report: Report, before: Report | None, as_json: bool) -> None:
    """On a terminal, the whole report in place of the last one; elsewhere only the new lines."""
    if before is None or as_json:
        _show(report, as_json)
    elif sys.stdout.isatty():
        click.clear()
        _show(report, as_json)
    else:
        known = set(before.lines())
        tell_report(line for line in report.lines() if line not in known)


def _lasting(report: Report) -> Report:
    """A report without what changes by itself: its time."""
    return replace(report, time="")


@click.command()
def observe() -> None:
    """Print what the lab holds now as JSON, to keep it or to grade it later.

    Example: labkit observe > observation.json && labkit check --observation observation.json
    """
    click.echo(look().dump(), nl=False)
