"""A view as HTML and as text. Pure. Every text passes Jinja's escaping, and control and direction marks are shown as such."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labkit.grading.report import SYMBOLS, ExerciseResult, Report, check_text, visible
from labkit.lab.engine.doctor import Finding
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


def text(view: View) -> str:
    """The same as lines of text."""
    blocks = [_TEXTS[name](view) for name in view.shown if name in _TEXTS]
    return "\n\n".join("\n".join(block) for block in map(list, blocks) if block)


def _notice(view: View) -> Iterable[str]:
    if view.state != "up":
        yield visible(f"✗ {view.problem}") + "\n  → labkit up"


def _checks(view: View) -> Iterable[str]:
    if view.result is None:
        return
    yield visible(f"{view.result.slug}  {view.result.title}  {view.result.earned}/{view.result.points} points")
    for check in view.result.checks:
        yield check_text(check)
        for hint in view.hints.get(check.id, Hints()).taken:
            yield visible(f"      hint: {hint}")


def _picture(view: View) -> Iterable[str]:
    if view.picture:
        yield "What is where (CI → registry → CD → Swarm)"
        yield from (visible(f"  {line}") for line in view.picture.words())


def _feed(view: View) -> Iterable[str]:
    if view.feed:
        yield "What happened, the newest first"
        for line in view.feed:
            reason = f": {line.reason}" if line.reason else ""
            yield visible(f"  {line.clock} {'✓' if line.ok else '✗'} {line.text}{reason}")


def _course(view: View) -> Iterable[str]:
    yield "The course"
    for one in view.course:
        yield visible(f"  {one.slug} {one.title}: {one.earned}/{one.points} points, {one.state}, {one.spent}")


def _lab(view: View) -> Iterable[str]:
    yield "The lab"
    yield from (visible(f"  {'✓' if one.ok else '✗'} {one.name}  {one.found}") for one in view.lab)


def _doctor(view: View) -> Iterable[str]:
    yield "This machine"
    yield from (f"  {one.line()}" for one in view.doctor)


def _tools(view: View) -> Iterable[str]:
    if view.explained:
        yield explained(view.explained)


def explained(one: Explained) -> str:
    lines = [one.line, one.means, f"Here: {one.here}" if one.here else "", f"Next: {one.next}" if one.next else ""]
    return "\n".join(visible(line) for line in lines if line)


def _quiz(view: View) -> Iterable[str]:
    from labkit.content import quiz

    for number, one in enumerate(view.quiz, 1):
        yield visible(f"{number}. {one.id}: {one.ask}")
        yield from (visible(f"   - {item}") for item in one.items)
        yield from (visible(f"   {letter}) {choice}") for letter, choice in one.choices.items())
        yield f"   ({quiz.how({'kind': one.kind})})"
        if one.given:
            yield visible(f"   your answer: {one.given}: {'right.' if one.right else 'not right yet.'} {one.told}")
    if view.reflection:
        yield visible(f"reflection: {view.reflection.ask}")
        yield from (visible(f"   your instructor looks for: {one}") for one in view.reflection.rubric)
        if view.reflection.text:
            yield f"   kept: {view.reflection.words} words"


_TEXTS = {
    "notice": _notice,
    "checks": _checks,
    "quiz": _quiz,
    "picture": _picture,
    "feed": _feed,
    "tools": _tools,
    "course": _course,
    "lab": _lab,
    "doctor": _doctor,
}
