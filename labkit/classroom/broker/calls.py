"""What a classroom asks of a broker on another machine, as plain values: by name, and what each is answered with."""

from collections.abc import Callable
from typing import Any

import msgspec

from labkit.classroom.broker.labs import Jupyters, Server
from labkit.classroom.broker.standing import Standing
from labkit.errors import LabError
from labkit.lab.engine.engines import Say
from labkit.lab.looking.observe import EVERYTHING
from labkit.seen.claims import Claims


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the calls take; each takes the part that it knows."""

    learner: str = ""
    sections: tuple[str, ...] = EVERYTHING
    said: Claims | None = None
    exercises: tuple[str, ...] | None = None
    seconds: float = 0.0
    environment: dict[str, str] = {}
    """What JupyterHub tells this JupyterLab. There are secrets in it."""
    hub: int = 0
    """The port of JupyterHub's proxy."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All labs of a server."""

    alive: bool
    """Whether its engine answers."""
    room: int
    """How many labs fit altogether."""
    labs: tuple[Standing, ...]


def _all(labs: Server, asked: Asked, say: Say) -> Overview:
    return Overview(alive=labs.alive, room=labs.room, labs=labs.all())


def jupyters(labs: Server) -> Jupyters:
    """Raises LabError where there are none."""
    if labs.jupyters is None:
        raise LabError("This broker runs no JupyterLabs.", "start it with: labkit classroom broker")
    return labs.jupyters


CALLS: dict[str, Callable[[Server, Asked, Say], Any]] = {
    "all": _all,
    "status": lambda labs, asked, say: labs.status(asked.learner),
    "start": lambda labs, asked, say: labs.start(asked.learner, say),
    "observe": lambda labs, asked, say: labs.observe(asked.learner, asked.sections, asked.said).data(),
    "reset": lambda labs, asked, say: labs.reset(asked.learner, asked.exercises, say),
    "stop": lambda labs, asked, say: labs.stop(asked.learner),
    "remove": lambda labs, asked, say: labs.remove(asked.learner),
    "extend": lambda labs, asked, say: labs.extend(asked.learner, asked.seconds),
    "touch": lambda labs, asked, say: labs.touch(asked.learner),
    "jupyter": lambda labs, asked, say: jupyters(labs).start(asked.learner, asked.environment, asked.hub, say),
    "jupyterruns": lambda labs, asked, say: jupyters(labs).runs(asked.learner),
    "jupyterend": lambda labs, asked, say: jupyters(labs).end(asked.learner),
    "teach": lambda labs, asked, say: labs.teach(asked.exercises or ()),
}


def answer(labs: Server, name: str, request: Any, say: Say) -> Any:
    """Does what is asked, and returns a value for JSON. Raises LabError."""
    try:
        call, asked = CALLS[name], msgspec.convert(request, Asked)
    except (KeyError, msgspec.ValidationError) as error:
        raise LabError(f"This broker does not know the call {name}: {error}.", "compare labkit --version") from error
    return msgspec.to_builtins(call(labs, asked, say))
