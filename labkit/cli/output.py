"""What the commands share: how they print, and which options they take."""

import contextlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from labkit.cli.commands import COMMANDS
from labkit.errors import LabError
from labkit.text import dumps, lines, visible

if TYPE_CHECKING:
    from labkit.grading.report import Line


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A length of time: 90s, 30m, 8h, or plain seconds."""

    name = "time"

    def __init__(self, least: float = 0) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if not match:
            self.fail(f"{value!r} is not a length of time. Try 90s, 30m or 8h", param, ctx)
        seconds = float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
        if seconds < self.least:
            self.fail(f"{value} is too short. Try 90s, 30m or 8h", param, ctx)
        return seconds


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A date and time in ISO 8601; local time if it names no zone."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return value if isinstance(value, datetime) else datetime.fromisoformat(str(value)).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a date and time. Try 2027-03-05T14:00", param, ctx)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")

progress_option = click.option(
    "--progress",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Show the steps as text for people, or as lines of JSON on standard output.",
)


def tell(text: object, err: bool = False) -> None:
    """Prints a line for people, with commands as they type them. It may contain names that others chose: control characters,
    newlines and direction marks are shown as text."""
    click.echo(typed(visible(str(text))), err=err)


def ask_secret(name: str) -> str:
    """What is typed after that name, and not shown; or the first line of what is piped in."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, err=True))
    return sys.stdin.readline()


def tell_lines(text: str) -> None:
    """The same for text with lines of its own."""
    click.echo(typed(lines(text)))


def tell_json(data: Any) -> None:
    """Prints JSON for programs; it is safe on a person's terminal too."""
    click.echo(dumps(data, indent=2))


def command() -> str:
    """What this person types for `labkit`: the script `./lab` sets LABKIT_COMMAND."""
    return os.environ.get("LABKIT_COMMAND") or "labkit"


TYPED = re.compile(rf"\blabkit (?=(?:{'|'.join(COMMANDS)}|--help|…)(?![\w-]))")
"""Finds `labkit` as part of a command, not as the program's name."""


def typed(text: str) -> str:
    """The text with the command as this person types it."""
    return TYPED.sub(lambda _: f"{command()} ", text)


def complain(error: LabError) -> None:
    """One clear sentence, and the next command."""
    click.secho(f"✗ {typed(visible(error.what))}", fg="red", err=True)
    if error.fix:
        tell(f"  → {visible(error.fix)}", err=True)


COLORS = {"passed": "green", "not_yet": "yellow", "converging": "blue", "blocked": "bright_black", "error": "red"}


def colored(report: "Iterable[Line]") -> str:
    """Lines of a report, each in its outcome's color; symbol and word say the same without color."""
    return "\n".join(click.style(line.text, fg=COLORS[line.outcome]) if line.outcome else line.text for line in report)


def tell_report(report: "Iterable[Line]") -> None:
    """Prints lines of a report; names that others chose are safe in it already."""
    click.echo(colored(report))


Say = Callable[[str], None]


@contextlib.contextmanager
def progress(form: str = "text", steps: int = 1) -> Iterator[Say]:
    """Shows each step and the time so far on standard error: in place on a terminal, else line by line.

    With `form` "json" each step is a line of JSON on standard output, {"step": 1, "of": 3, "text": "starting 5 machines",
    "seconds": 0.4}, where `of` is about how many `steps` there will be. A failure is {"error": …, "fix": …}, with exit
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
