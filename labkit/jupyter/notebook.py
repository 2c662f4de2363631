"""What notebooks call. A foreseeable error is shown as a sentence, never as a traceback."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import __main__
from labkit import session
from labkit.content import exercises
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.grading.report import Report
from labkit.jupyter.kernel import Kernel
from labkit.jupyter.telling import Message

kernel = Kernel()
"""What this kernel remembers. Created here, and passed to the functions below."""


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
    """Grades these exercises, or all, and shows what passed, what didn't yet, and why: `check("03-push")`.

    `wait` is how many seconds to wait while the Swarm is still moving.
    """
    return _telling(lambda: Result(session.graded(names, wait, tries=True)))


def hint(name: str, check: str | None = None) -> Any:
    """Shows the next hint: `hint("03-push")`."""
    from labkit.lab import find

    def told() -> Message:
        lab = find.current()
        return Message(session.next_hint(lab.work, exercises.chosen([name])[0], check, lab.person))

    return _telling(told)


def panel(name: str | None = None, here: bool = False) -> Any:
    """The panel of an exercise: picture, checks, what happened, the course. `panel("03-push")`; without a name, that of this
    notebook, or of the first exercise that is not done. In JupyterLab it is beside the notebook, and `here=True` shows a
    copy under the cell."""
    from labkit.view import compose

    call = f"panel({name!r}, here=True)" if name else "panel(here=True)"
    return _panel(call, here, compose.EXERCISE, lambda: exercises.chosen([name])[0] if name else _here())


def start(here: bool = False) -> Any:
    """The start page: the course, the lab, and what was found on this machine."""
    from labkit.view import compose

    return _panel("start(here=True)", here, compose.START, lambda: None)


def quiz(name: str, here: bool = False) -> Any:
    """The questions of an exercise, to read, and to answer with `answer`. In JupyterLab you click the answers in the panel."""
    from labkit.view import compose

    return _panel(f"quiz({name!r}, here=True)", here, compose.QUIZ, lambda: exercises.chosen([name])[0])


def _panel(call: str, stays: bool, shown: tuple[str, ...], chosen: Callable[[], exercises.Exercise | None]) -> Any:
    from labkit.jupyter.panel import BESIDE, Panel, beside

    return _telling(lambda: Message(BESIDE.format(call)) if beside() and not stays else Panel(shown, chosen()))


def explain(message: str = "") -> Any:
    """Explains the error of the newest command that failed, or a message that you give."""
    return Message(explained(message))


def explained(message: str = "") -> str:
    """The same as text."""
    memory = kernel.memory
    return session.explained(message or memory.last(), mended=memory.mended and not message)


def here(names: Mapping[str, Any]) -> exercises.Exercise | None:
    """The exercise of this kernel's notebook, if there is one. Jupyter Server tells a kernel its notebook in the environment
    (jupyter_server, sessionmanager.py), VS Code among the cells' names."""
    notebook = Path(os.environ.get("JPY_SESSION_NAME") or str(names.get("__vsc_ipynb_file__", ""))).stem
    return exercises.load(notebook) if notebook in exercises.slugs() else None


def _here() -> exercises.Exercise:
    if mine := here(vars(__main__)):
        return mine
    from labkit.lab import find
    from labkit.lab.looking.observe import observe

    report = grade(exercises.every(), observe(find.current()))
    undone = [result.slug for result in report.exercises if not result.done]
    return exercises.load(undone[0] if undone else report.exercises[-1].slug)


def answer(name: str, **given: str) -> Any:
    """Saves your answers: `answer("06-practice", ci="a", reflection="…")`. Answer as often as you like."""

    from labkit.lab import find

    def keep() -> Message:
        exercise = exercises.chosen([name])[0]
        session.keep_answers(find.current().work, exercise, given)
        named = [name for name, text in given.items() if text.strip()]
        return Message(f"Kept: {', '.join(named) or 'nothing new'}. See how it stands: check({exercise.slug!r})")

    return _telling(keep)
