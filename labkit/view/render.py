"""A view as HTML. Pure. Every text passes Jinja's escaping, and control and direction marks are shown as such."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from labkit.grading.report import SYMBOLS, ExerciseResult, Report
from labkit.lab.engine.doctor import Finding
from labkit.seen.runs import Run
from labkit.text import visible
from labkit.view.feed import Line
from labkit.view.picture import STAGES, Picture

HERE = Path(__file__).parent

LABELS = {
    "notice": "State of the lab",
    "help": "Help from your instructor",
    "checks": "Checks of this exercise",
    "quiz": "Questions",
    "picture": "Where your images are",
    "runs": "Runs of your workflow",
    "feed": "What happened",
    "tools": "Tools",
    "course": "The course",
    "lab": "The lab",
    "doctor": "This machine",
}


STATES = {"": "", "running": "✓", "old": "✓", "moving": "…", "failed": "✗"}
"""The sign of a row's state."""


UNREAD = 3
"""So many messages are shown open."""

RUNS = {"queued": "…", "running": "…", "success": "✓", "failure": "✗", "cancelled": "–", "timeout": "✗"}
"""The sign of a run's state, and of a stage's."""


@dataclass(frozen=True)
class Work:
    """Long work in progress: which step of how many, and for how long."""

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
    learn: str
    """What one learns there, as the end of a sentence; "" if its author does not say."""
    notebook: str
    points: int
    earned: int
    state: str
    seconds: float
    here: bool

    @property
    def number(self) -> str:
        return self.slug.partition("-")[0]

    @property
    def complete(self) -> bool:
        return self.state in ("done", "done before")

    @property
    def status(self) -> str:
        return f"{self.state} · {spent(self.seconds)}" if self.seconds else self.state


def spent(seconds: float) -> str:
    """A time of work, in words."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes else "under a minute"


FOLLOWING = (
    "Try it with an app of your own: put it and its Dockerfile into your folder, then build, tag, push and deploy it here.",
    "On a real registry you type the same commands. Sign in with an access token, and keep it off the command line.",
    "Take your workflow to a project of your own: it is in the format of GitHub Actions.",
    "When you are done, stop the lab on the start page.",
)
"""What comes after the course."""


@dataclass(frozen=True)
class Summary:
    """What the learner sees at the end of the last exercise, or of any once all are done."""

    course: tuple[CourseLine, ...]

    @property
    def open(self) -> list[CourseLine]:
        """Exercises that are not complete."""
        return [line for line in self.course if not line.complete]

    @property
    def sums(self) -> str:
        earned, points = sum(line.earned for line in self.course), sum(line.points for line in self.course)
        seconds = sum(line.seconds for line in self.course)
        return f"{earned} of {points} points" + (f" · {spent(seconds)} of work" if seconds else "")

    @property
    def learned(self) -> list[str]:
        return [line.learn or line.title for line in self.course]

    following = FOLLOWING


@dataclass(frozen=True)
class Explained:
    """What a message means. `here`: what the lab's own access log adds to it."""

    means: str
    next: str = ""
    line: str = ""
    here: str = ""
    at: tuple[object, ...] = ()
    """What had been achieved when it was explained (compose.achieved). Later achievements may make it out of date."""


@dataclass(frozen=True)
class Question:
    """A quiz question with the learner's answer, and what the learner is told about it."""

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
    """Whether the answer has not been judged yet: in a workshop only the owner can."""
    column: str = ""
    """What this question is in the table that several of them make up."""
    lines: tuple[bool | None, ...] = ()
    """For each item whether its answer is right; None where that is not known."""

    def cell(self, number: int) -> str:
        """What the learner chose for an item, with a sign that says whether it is right; "" for nothing."""
        choice = self.choices.get(self.given[number : number + 1], "")
        known = self.lines[number] if number < len(self.lines) else None
        return f"{choice} {SIGNS[known]}".strip() if choice else ""


SIGNS = {True: "✓", False: "✗", None: ""}


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
class App:
    """A service whose page can be opened, and where."""

    name: str
    address: str


@dataclass(frozen=True)
class Said:
    """A message or a hint of the instructor's. `clock` is HH:MM here."""

    number: int
    clock: str
    by: str
    text: str
    to_all: bool = False


@dataclass(frozen=True)
class Help:
    """What the classroom says, if the learner takes part in one (labkit/talking.py)."""

    there: bool = False
    """Whether there is a classroom."""
    page: str = ""
    """The address of the learner's page."""
    taught: tuple[str, ...] = ()
    """The exercises that its workshop has."""
    hand: str = ""
    """Since when the hand is raised, HH:MM; "" where it is not."""
    said: str = ""
    """With it."""
    messages: tuple[Said, ...] = ()
    """The newest first."""
    asked: tuple[str, ...] = ()
    """Who asks to see the learner's terminal."""
    sees: tuple[tuple[str, bool], ...] = ()
    """Who sees it, and whether they may type there."""
    away: str = ""
    """Why nothing new is heard."""

    def after(self, number: int) -> tuple[Said, ...]:
        """The messages after this one."""
        return tuple(one for one in self.messages if one.number > number)


NO_HELP = Help()


@dataclass(frozen=True)
class View:
    """Everything that a panel shows at one moment. `state` is that of a Sight (lab/looking/sight.py)."""

    shown: tuple[str, ...]
    state: str = "up"
    problem: str = ""
    failed: str = ""
    inside: bool = False
    """Whether the reader can neither start nor end the lab: it belongs to Docker Compose, or to somebody else."""
    guest: bool = False
    work: Work | None = None
    result: ExerciseResult | None = None
    hints: dict[str, Hints] = field(default_factory=dict)
    solution: str = ""
    next: str = ""
    """The next exercise's notebook, and its title."""
    next_title: str = ""
    picture: Picture | None = None
    changed: frozenset[str] = frozenset()
    """Keys of the rows of the picture that the last command changed."""
    runs: tuple[Run, ...] = ()
    """The newest first."""
    feed: tuple[Line, ...] = ()
    course: tuple[CourseLine, ...] = ()
    others: int = 0
    """Exercises that the classroom does not teach."""
    explained: Explained | None = None
    machines: tuple[str, ...] = ()
    apps: tuple[App, ...] = ()
    lab: tuple[LabLine, ...] = ()
    doctor: tuple[Finding, ...] = ()
    quiz: tuple[Question, ...] = ()
    reflection: Reflection | None = None
    checked: str = ""
    """The answer to the last Check."""
    ends: float = 0.0
    """When the lab's time is over, 0 if it has no limit."""
    help: Help = NO_HELP
    read: int = 0
    """The number of the newest message that the learner has put away."""

    @property
    def unread(self) -> tuple[Said, ...]:
        """The newest messages that the learner has not put away."""
        return self.help.after(self.read)[:UNREAD]

    @property
    def earlier(self) -> tuple[Said, ...]:
        """All other messages."""
        return tuple(one for one in self.help.messages if one not in self.unread)

    @property
    def at_start(self) -> bool:
        """Whether this is the start page, not an exercise's page."""
        return "lab" in self.shown

    @property
    def whole(self) -> str:
        """What all of its exercises are together."""
        return "the workshop" if self.others else "the course"

    @property
    def begin(self) -> CourseLine | None:
        """The exercise to continue with; None if all are complete."""
        return next((line for line in self.course if not line.complete), None)

    @property
    def begun(self) -> bool:
        return any(line.earned or line.complete for line in self.course)

    @property
    def summary(self) -> Summary | None:
        last = not self.next or all(line.complete for line in self.course)
        return Summary(self.course) if self.result and self.result.done and last and self.course else None

    @property
    def machine(self) -> str:
        """What was found on this machine, in a few words."""
        if not self.doctor:
            return "not examined yet"
        bad = [finding.name for finding in self.doctor if finding.state == "broken"]
        notes = sum(finding.state == "warning" for finding in self.doctor)
        if bad:
            return f"✗ broken: {', '.join(bad)}"
        return f"✓ ready, {notes} note{'' if notes == 1 else 's'}" if notes else "✓ ready"

    @property
    def table(self) -> tuple[Question, ...]:
        """The questions that are columns of one table; its rows are their items."""
        return tuple(question for question in self.quiz if question.column)

    @property
    def questions(self) -> str:
        """How far the learner is with the questions, in a few words."""
        right = sum(question.right for question in self.quiz)
        asked = [f"{right} of {len(self.quiz)} right"] if self.quiz else []
        if self.reflection:
            asked.append(f"your text: {self.reflection.words} words" if self.reflection.text else "a text to write")
        return f"Questions · {', '.join(asked)}"


def _shown(value: Any) -> Any:
    """What Jinja is about to print: characters that could move a cursor or reverse a line are made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _block(text: str) -> Markup:
    """Text of several lines."""
    return Markup("\n").join(visible(line) for line in text.splitlines())


def _halves(name: str) -> tuple[str, str]:
    """An image's name before its tag, and the tag: if there is no room, the first is cut."""
    head, colon, tag = name.rpartition(":")
    return (head, f":{tag}") if colon and "/" not in tag else (name, "")


def templates(folder: Path) -> Environment:
    """What makes HTML from the templates in a folder: every text is escaped, and control and direction marks are shown."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@functools.cache
def _environment() -> Environment:
    environment = templates(HERE / "templates")
    environment.filters["block"] = _block
    environment.filters["halves"] = _halves
    environment.globals |= {"symbols": SYMBOLS, "stages": STAGES, "states": STATES, "run_signs": RUNS}
    return environment


def parts(view: View, live: bool = True) -> dict[str, str]:
    """{part: HTML} of what this view shows. Without `live` there is nothing to click."""
    values = {**vars(view), "view": view, "live": live}
    return {name: _environment().get_template(f"{name}.html").render(values).strip() for name in view.shown}


def static(view: View) -> str:
    """One piece of HTML that needs neither a kernel nor JavaScript."""
    found = {name: Markup(html) for name, html in parts(view, live=False).items()}  # noqa: S704  (escaped by the templates)
    return _page(found, LABELS)


def report(graded: Report) -> str:
    """What `grade` says, as one piece of HTML: each exercise looks as it does in its panel."""
    template = _environment().get_template("result.html")
    found = {}
    for result in graded.exercises:
        html = template.render(result=result, hints={}, live=False)
        found[result.slug] = Markup(html)  # noqa: S704  (escaped by the template)
    return _page(found, {result.slug: result.title for result in graded.exercises})


def css() -> str:
    """The style sheet of the parts."""
    return (HERE / "panel.css").read_text()


def _page(found: dict[str, Markup], labels: dict[str, str]) -> str:
    style = Markup(css())  # noqa: S704  (our own file)
    return _environment().get_template("panel.html").render(parts=found, css=style, labels=labels)
