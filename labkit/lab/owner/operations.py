"""What a guest may ask of a lab's owner: plain values in and out. Whoever carries them over a network (service.py; a classroom)
only has to know for which lab they are asked.

What a guest must not have is kept back here: the workshop's seed and key, the right answers, the owner's folder, machines that
grading relies on.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from labkit.content import exercises, quiz
from labkit.errors import LabError
from labkit.lab.access import Session, Terminal
from labkit.lab.engine.engines import Say
from labkit.lab.engine.wire import Wire
from labkit.lab.lab import Instance, Lab
from labkit.lab.plan import KEY, OWNER, WORK, WORKSHOP
from labkit.seen.claims import NOTHING, Claims
from labkit.seen.observation import Observation, sections
from labkit.seen.person import Person

KEPT_BACK = (WORK, WORKSHOP, KEY, OWNER)
"""Labels of the plan that a guest is not told."""

OPEN = ("node", "registry")
"""Roles of the machines on which a guest may run commands: on the others lies what is graded."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a guest must know of the lab."""

    labels: dict[str, str]
    """The plan's, without KEPT_BACK."""
    person: Person
    machines: tuple[Instance, ...]


def told(lab: Lab) -> Told:
    labels = {key: value for key, value in lab.plan.labels().items() if key not in KEPT_BACK}
    return Told(labels=labels, person=lab.person, machines=tuple(lab.parts.values()))


def observe(lab: Lab, request: Any) -> Observation:
    """What the machines hold, as {"sections": [name, …], "said": Claims} asks: with what the guest's side says, and what is
    to be said of its answers. Raises LabError for a section that there is not, and for what is no such request."""
    try:
        asked = msgspec.convert(request, Look)
    except msgspec.ValidationError as error:
        raise LabError(f"This says not what to look at: {error}.", "compare labkit --version") from error
    wanted, said = asked.sections, asked.said
    for name in wanted:
        if name not in sections():
            raise LabError(f"An observation has no section {name!r}.", f"one of {', '.join(sections())}")
    judged = {each.slug: quiz.judged(each.quiz, (said.answers or {}).get(each.slug, {})) for each in exercises.every()}
    said = msgspec.structs.replace(said, judged={slug: told for slug, told in judged.items() if told})
    return lab.access.observe(lab, wanted, said)


def events(lab: Lab) -> Wire:
    """A connection whose `lines("/events")` come whenever something happens in the registries; what they say is the owner's. It
    goes on until the edge ends or it is cut. Raises LabError."""
    return lab.access.events(lab)


def reset(lab: Lab, slugs: Sequence[str] | None, say: Say) -> None:
    """Brings machines and registries back to before these exercises, or all of them (None), were begun. Raises LabError."""
    lab.access.reset(lab, None if slugs is None else [each.slug for each in exercises.chosen(list(slugs))], say)


def session(lab: Lab, machine: str, request: Any) -> Session:
    """Runs {"command": [word, …], "terminal": null or {"rows", "columns", "kind"}} on a machine. Raises LabError."""
    try:
        asked = msgspec.convert(request, Command)
    except msgspec.ValidationError as error:
        raise LabError(f"This is no command for a machine: {error}.", "labkit shell worker1") from error
    part = lab.running(machine)
    if part.role not in OPEN:
        raise LabError(f"The machine {machine} is the owner's.", "labkit shell worker1")
    return lab.access.session(lab, machine, asked.command, asked.terminal)


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sections: tuple[str, ...]
    said: Claims = NOTHING


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    command: tuple[str, ...]
    terminal: Terminal | None = None
