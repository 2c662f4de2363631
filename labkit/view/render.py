"""A view as HTML. Pure. Every text passes Jinja's escaping, and control and direction marks are shown as such."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labkit.grading.report import SYMBOLS, ExerciseResult, Report
from labkit.lab.engine.doctor import Finding
from labkit.text import visible
from labkit.view import drawing
from labkit.view.feed import Line
from labkit.view.picture import Picture

HERE = Path(__file__).parent

LABELS = {
    "notice": "State of the lab",
    "checks": "Checks of this exercise",
    "quiz": "Questions",
    "picture": "The live picture",
    "feed": "What happened",
    "tools": "Tools",
    "course": "The course",
    "lab": "The lab",
    "doctor": "This machine",
}


@dataclass(frozen=True)
class Work:
    """Something long that is being done: which step of how many, and for how long."""

    title: str
    step: str = ""
    done: int = 0
    steps: int = 1
    seconds: int = 0


@dataclass(frozen=True)
class Hints:
    taken: tuple[str, ...] = ()
    left: int = 0


@dataclass(frozen=True)
class CourseLine:
    """An exercise on the course's map. `seconds` of work, `state` in words."""

    slug: str
    title: str
    notebook: str
    points: int
    earned: int
    state: str
    seconds: float
    here: bool

    @property
    def spent(self) -> str:
        minutes = round(self.seconds / 60)
        return f"{minutes} min" if minutes else "under a minute" if self.seconds else "no time yet"


@dataclass(frozen=True)
class Explained:
    """What a message means. `here`: what the lab's own access log adds to it."""

    means: str
    next: str = ""
    line: str = ""
    here: str = ""


@dataclass(frozen=True)
class Question:
    """A question of a quiz with the learner's answer, and what is told about that."""

    id: str
    kind: str
    ask: str
    choices: dict[str, str]
    items: tuple[str, ...]
    order: str
    given: str
    right: bool
    told: str
    open: bool = False
    """Whether nobody has judged the answer yet: in a workshop only its owner can."""


@dataclass(frozen=True)
class Reflection:
    ask: str
    text: str
    words: int
    rubric: tuple[str, ...]


@dataclass(frozen=True)
class LabLine:
    """A line about a part of the lab."""

    name: str
    ok: bool
    found: str


@dataclass(frozen=True)
class View:
    """Everything that a panel shows at one moment. `state` is that of a Sight (lab/looking/sight.py)."""

    shown: tuple[str, ...]
    state: str = "up"
    problem: str = ""
    failed: str = ""
    inside: bool = False
    work: Work | None = None
    result: ExerciseResult | None = None
    hints: dict[str, Hints] = field(default_factory=dict)
    solution: str = ""
    next: str = ""
    picture: Picture | None = None
    feed: tuple[Line, ...] = ()
    course: tuple[CourseLine, ...] = ()
    explained: Explained | None = None
    machines: tuple[str, ...] = ()
    lab: tuple[LabLine, ...] = ()
    doctor: tuple[Finding, ...] = ()
    quiz: tuple[Question, ...] = ()
    reflection: Reflection | None = None


def _shown(value: Any) -> Any:
    """What Jinja is about to print: text with everything that could move a cursor or turn a line around made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    """Text of several lines."""
    return Markup("\n").join(visible(line) for line in text.splitlines())


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["block"] = _block
    environment.globals |= {"symbols": SYMBOLS, "width": drawing.WIDTH}
    return environment


def parts(view: View, live: bool = True) -> dict[str, str]:
    """{part: HTML} of what this view shows. Without `live` there is nothing to click."""
    values = {**vars(view), "live": live}
    values["drawings"] = drawing.drawings(view.picture) if view.picture and "picture" in view.shown else []
    return {name: _environment().get_template(f"{name}.html").render(values).strip() for name in view.shown}


def static(view: View) -> str:
    """One piece of HTML that needs neither a kernel nor JavaScript."""
    found = {name: Markup(html) for name, html in parts(view, live=False).items()}  # noqa: S704  (escaped by the templates)
    return _page(found, LABELS)


def report(graded: Report) -> str:
    """What `grade` says, as one such piece: each exercise looks as it does in its panel."""
    template = _environment().get_template("result.html")
    found = {}
    for result in graded.exercises:
        html = template.render(result=result, hints={}, live=False)
        found[result.slug] = Markup(html)  # noqa: S704  (escaped by the template)
    return _page(found, {result.slug: result.title for result in graded.exercises})


def _page(found: dict[str, Markup], labels: dict[str, str]) -> str:
    css = Markup((HERE / "panel.css").read_text())  # noqa: S704  (our own file)
    return _environment().get_template("panel.html").render(parts=found, css=css, labels=labels)
