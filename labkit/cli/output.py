"""What the commands share: how they print, and what they take."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from labkit.errors import LabError
from labkit.text import dumps, lines, visible

if TYPE_CHECKING:
    from labkit.grading.report import Report


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A length of time: 90s, 30m, 8h, or plain seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if not match:
            self.fail(f"{value!r} is no length of time; try 90s, 30m or 8h", param, ctx)
        return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A moment: ISO 8601, local time where it says no zone."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return value if isinstance(value, datetime) else datetime.fromisoformat(str(value)).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no moment; try 2027-03-05T14:00", param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")

progress_option = click.option(
    "--progress",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to tell the steps: text for people, or a line of JSON each, on standard output.",
)


def tell(text: object, err: bool = False) -> None:
    """Prints a line for people. It may name what others named: control characters, newlines and what turns a line around are
    shown as text."""
    click.echo(visible(str(text)), err=err)


def tell_lines(text: str) -> None:
    """The same of text that has lines of its own."""
    click.echo(lines(text))


def tell_json(data: Any) -> None:
    """Prints JSON for machines, which a person's terminal takes too."""
    click.echo(dumps(data, indent=2))


def typed(text: str) -> str:
    """The text with the command as this person types it: `./lab` says so by LABKIT_COMMAND."""
    return re.sub(r"\blabkit (?=[a-z])", f"{os.environ.get('LABKIT_COMMAND', 'labkit')} ", text)


def complain(error: LabError) -> None:
    """One clear sentence, and the next command."""
    click.secho(f"✗ {visible(error.what)}", fg="red", err=True)
    if error.fix:
        tell(f"  → {typed(visible(error.fix))}", err=True)


COLORS = {"passed": "green", "not_yet": "yellow", "converging": "blue", "blocked": "bright_black", "error": "red"}


def colored(report: "Report") -> str:
    """The report's text, each line with an outcome in its color; the symbol and the word say the same without it."""
    return "\n".join(
        click.style(line.text, fg=COLORS[line.outcome]) if line.outcome else line.text for line in report.lines()
    )


Say = Callable[[str], None]


@contextlib.contextmanager
def progress(form: str = "text", steps: int = 1) -> Iterator[Say]:
    """Tells what is being done and how long it has taken, on standard error: in place on a terminal, else in lines.

    With `form` "json" it is a line of JSON each on standard output, {"step": 1, "of": 3, "text": "starting 5 machines",
    "seconds": 0.4}, where `of` is about how many `steps` there will be; and where it fails {"error": …, "fix": …}, with exit
    status 2.
    """
    start = time.monotonic()
    if form == "json":
        with _errors_as_json():
            yield _JsonSteps(start, steps)
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as status:
            yield lambda text: status.update(f"[{time.monotonic() - start:3.0f} s] {escape(_short(visible(text)))}")
    else:
        yield lambda text: tell(f"[{time.monotonic() - start:3.0f} s] {visible(text)}", err=True)


def _short(text: str) -> str:
    return text if len(text) < 100 else text[:99] + "…"


class _JsonSteps:
    def __init__(self, start: float, of: int) -> None:
        self._start, self._of, self._step = start, of, 0

    def __call__(self, text: str) -> None:
        self._step += 1
        seconds = round(time.monotonic() - self._start, 1)
        _print_json({"step": self._step, "of": max(self._of, self._step), "text": text, "seconds": seconds})


@contextlib.contextmanager
def _errors_as_json() -> Iterator[None]:
    try:
        yield
    except LabError as error:
        _print_json({"error": error.what, "fix": error.fix})
        sys.exit(2)


def _print_json(data: dict[str, Any]) -> None:
    print(dumps(data), flush=True)
