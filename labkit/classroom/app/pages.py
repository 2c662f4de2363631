"""Pages as HTML. Every text is escaped, and control and direction marks are shown as such, as in the panel."""

import functools
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from labkit.classroom.app.room import Viewer
from labkit.classroom.gradebook import plain
from labkit.classroom.rules import standing
from labkit.grading.report import SYMBOLS, Outcome
from labkit.text import visible
from labkit.view.render import templates

HERE = Path(__file__).parent

STATES = {
    standing.State.AWAY: ("○", "not here"),
    standing.State.IDLE: ("–", "idle"),
    standing.State.READING: ("·", "not begun"),
    standing.State.WORKING: ("▸", "working"),
    standing.State.STUCK: ("!", "stuck"),
    standing.State.DONE: ("✓", "done"),
}
"""A sign and a word for each: never color alone."""

NAMES = "names=shown"
"""What an address says where names are shown. Links of such a page say it too."""

SIGNS = {outcome.value: sign for outcome, sign in SYMBOLS.items()}
"""{outcome: (sign, word)}, as everywhere in labkit."""


def _block(text: str) -> Markup:
    return Markup("\n").join(visible(line.expandtabs(4)) for line in text.splitlines())


def _typed(text: str) -> Markup:
    """A text in the field in which it is changed: as it is."""
    return Markup("\n") + escape(text)  # HTML drops a newline that a textarea begins with


def _moment(value: datetime | None) -> Markup:
    if value is None:
        return Markup("")
    told = value.astimezone()
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), f"{told:%Y-%m-%d %H:%M:%S}")


@functools.cache
def _environment() -> Environment:
    made = templates(HERE / "templates")
    made.filters |= {"block": _block, "moment": _moment, "typed": _typed, "points": plain}
    made.globals |= {"states": STATES, "signs": SIGNS, "ago": standing.ago, "Outcome": Outcome}
    return made


def html(template: str, **values: Any) -> str:
    """Names of learners are hidden unless `names` says otherwise: a page may be on a projector."""
    values = {"names": False, **values}
    values["named"] = f"?{NAMES}" if values["names"] else ""
    return _environment().get_template(template).render(values).strip()


def page(template: str, viewer: Viewer | None, workshop: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(html(template, viewer=viewer, workshop=workshop, **values), status)
