"""What a guest may ask of a lab's owner: plain values in and out. Whatever carries them over a network (service.py; a
classroom) only has to know for which lab they are.

Withholds what a guest must not have: the workshop's seed and key, the right answers, the owner's folder, and machines that
grading relies on.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from labkit.content import exercises, quiz
from labkit.errors import LabError
from labkit.lab.access import Session, Terminal
from labkit.lab.engine.engines import Say
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.lab import Instance, Lab
from labkit.lab.plan import CI, KEY, OWNER, WORK, WORKSHOP
from labkit.seen.claims import NOTHING, Claims
from labkit.seen.observation import Observation, sections
from labkit.seen.person import Person
from labkit.seen.trials import PARTS

KEPT_BACK = (WORK, WORKSHOP, KEY, OWNER)
"""Labels of the plan that a guest does not see."""

OPEN = ("node", "registry", "mirror", "depot", "kubernetes")
"""Roles of the machines on which a guest may run commands: the others hold what is graded."""


PUSHING = ("git receive-pack", "git upload-pack")
REPOSITORY = "/srv/app/shop.git"
"""All that a guest may run on `ci`: what `git push` and `git fetch` talk with, for the learner's own repository."""

WISHES = {("POST", "/expire"), ("GET", "/limit"), ("POST", "/limit"), ("POST", "/repository")}
"""What a guest may ask of the registries' desk: what a lesson has one type. The rest of it is the grader's."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a guest must know about the lab."""

    labels: dict[str, str]
    """The plan's labels, without KEPT_BACK."""
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
        raise LabError(f"The request does not say what to observe: {error}.", "compare labkit --version") from error
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


def desk(lab: Lab, request: Any) -> Any:
    """What the registries' desk answers to a Wish. Settings of a repository are the guest's own repositories' only. Raises
    LabError."""
    try:
        wish = msgspec.convert(request, Wish)
    except msgspec.ValidationError as error:
        raise LabError(f"This is not a wish for a registry: {error}.", "labkit limit --help") from error
    path = wish.path.partition("?")[0]
    if (wish.method, path) not in WISHES:
        raise LabError(f"Only the owner may ask the registries for {path}.", "labkit limit --help")
    repository = str((wish.body or {}).get("repository", ""))
    if path == "/repository" and not repository.startswith(f"{lab.person.username}/"):
        raise LabError(f"The repository {repository} is not yours.", f"name one of yours: {lab.person.username}/myapp")
    try:
        return lab.access.desk(lab, wish.method, wish.path, wish.body)
    except WireError as error:
        raise LabError(f"{error}.", "labkit limit --help" if error.status == 400 else "labkit status") from error


def reset(lab: Lab, slugs: Sequence[str] | None, say: Say) -> None:
    """Brings machines and registries back to before these exercises, or all of them (None), were begun. Raises LabError."""
    lab.access.reset(lab, None if slugs is None else [each.slug for each in exercises.chosen(list(slugs))], say)


def trial(lab: Lab, request: Any, say: Say) -> bool:
    """Plays the trial of an exercise: {"exercise": slug, "only": [part, …]}. Returns whether there was anything to try. Raises
    LabError."""
    try:
        asked = msgspec.convert(request, Try)
    except msgspec.ValidationError as error:
        raise LabError(f"The request does not say what to try: {error}.", "labkit check 10-pipeline") from error
    (exercise,) = exercises.chosen([asked.exercise])
    if not exercise.trial or not set(asked.only) <= {*PARTS}:
        raise LabError(f"There is no such trial: {asked.exercise} {' '.join(asked.only)}.", "labkit check 10-pipeline")
    return lab.access.trial(lab, exercise.slug, say, asked.only)


def session(lab: Lab, machine: str, request: Any) -> Session:
    """Runs {"command": [word, …], "terminal": null or {"rows", "columns", "kind"}} on a machine. Raises LabError."""
    try:
        asked = msgspec.convert(request, Command)
    except msgspec.ValidationError as error:
        raise LabError(f"This is not a command for a machine: {error}.", "labkit shell worker1") from error
    part = lab.running(machine)
    if part.role not in OPEN and not _pushes(part.role, asked):
        raise LabError(f"Only the owner may run commands on {machine}.", "labkit shell worker1")
    return lab.access.session(lab, machine, asked.command, asked.terminal)


def _pushes(role: str, asked: "Command") -> bool:
    """Whether it is git's own side of a push or a fetch, word by word: an option would be somebody's program."""
    wanted = {(*pair.split(), REPOSITORY) for pair in PUSHING}
    return role == CI and asked.terminal is None and asked.command in wanted


class Try(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exercise: str
    only: tuple[str, ...] = ()


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sections: tuple[str, ...]
    said: Claims = NOTHING


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: str
    path: str
    body: dict[str, Any] | None = None


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    command: tuple[str, ...]
    terminal: Terminal | None = None
