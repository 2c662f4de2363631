"""What notebooks call. A foreseeable error is shown as a sentence, never as a traceback."""

import os
from html import escape
from pathlib import Path
from typing import Any

from labkit import session
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.grading.report import Report
from labkit.jupyter.kernel import Kernel
from labkit.text import lines

kernel = Kernel()
"""What this kernel holds, made here at the door: cells call the functions below, and keep nothing for them."""


class Message:
    """A sentence or two that shows itself in a notebook, and as text anywhere else."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return lines(self.text)

    def _repr_html_(self) -> str:
        return f'<div role="status" style="white-space:pre-wrap">{escape(lines(self.text))}</div>'


class Result:
    """A report that shows itself: as HTML in a notebook, as text anywhere else."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __repr__(self) -> str:
        return self.report.text()

    def _repr_html_(self) -> str:
        from labkit.view import render

        return render.report(self.report)


def _telling(call: Any) -> Any:
    try:
        return call()
    except LabError as error:
        return Message(f"✗ {error}")


def check(*names: str, wait: float = 0.0) -> Any:
    """Grades these exercises, or all, and shows what passed, what not yet, and why: `check("03-push")`.

    `wait` is how many seconds to wait while the Swarm is still moving.
    """
    return _telling(lambda: Result(session.graded(names, wait)))


def hint(name: str, check: str | None = None) -> Any:
    """Shows the next hint: `hint("03-push")`."""
    from labkit.lab import find

    def told() -> Message:
        lab = find.current()
        return Message(session.next_hint(lab.work, exercises.chosen([name])[0], check, lab.person))

    return _telling(told)


def panel(name: str | None = None) -> Any:
    """The learner's panel of an exercise: checks, live picture, what happened, the course. `panel("03-push")`; without a
    name, that of this notebook, or else of the first exercise that is not done."""
    from labkit.jupyter.panel import Panel
    from labkit.view import compose

    return _telling(lambda: Panel(kernel, compose.EXERCISE, exercises.chosen([name])[0] if name else _here()))


def start() -> Any:
    """The start page: the course's map, the lab and its buttons, and what was found of this machine."""
    from labkit.jupyter.panel import Panel
    from labkit.view import compose

    return Panel(kernel, compose.START)


def quiz(name: str) -> Any:
    """Shows the questions of an exercise: to click in JupyterLab, to read and answer with `answer` anywhere else."""
    from labkit.jupyter.panel import Panel
    from labkit.view import compose

    return _telling(lambda: Panel(kernel, compose.QUIZ, exercises.chosen([name])[0]))


def explain(message: str = "") -> Any:
    """What the last failed docker command's message means, or one that you give."""
    return Message(session.explained(message or kernel.memory.last()))


def _here() -> exercises.Exercise:
    notebook = Path(os.environ.get("JPY_SESSION_NAME", "")).stem
    if notebook in exercises.slugs():
        return exercises.load(notebook)
    from labkit.lab import find
    from labkit.lab.looking.observe import observe

    report = grade(exercises.every(), observe(find.current()))
    undone = [result.slug for result in report.exercises if not result.done]
    return exercises.load(undone[0] if undone else report.exercises[-1].slug)


def answer(name: str, **given: str) -> Any:
    """Keeps your answers: `answer("06-practice", ci="a", reflection="…")`. Answer as often as you like."""

    from labkit.lab import find

    def keep() -> Message:
        exercise = exercises.chosen([name])[0]
        session.keep_answers(find.current().work, exercise, given)
        named = [name for name, text in given.items() if text.strip()]
        return Message(f"Kept: {', '.join(named) or 'nothing new'}. See how it stands: check({exercise.slug!r})")

    return _telling(keep)
