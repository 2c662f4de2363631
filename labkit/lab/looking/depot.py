"""Observes the machine `depot`: what it says of its registry, and of the last trial of a retention script (lab/image/depot)."""

import msgspec

from labkit.edge.grammar import clean
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Lab
from labkit.lab.looking import PATIENCE
from labkit.lab.plan import DEPOT
from labkit.seen.depot import Depot, Ran
from labkit.seen.registries import Holdings, Registries

ADDRESS = f"{DEPOT}:5000"
"""Where its registry answers in the lab's network."""

LONGEST = 1500
"""Letters that are kept of what a script printed."""


def look(lab: Lab) -> Depot:
    """A lab without one is told as such. Raises LabError, WireError, or msgspec.ValidationError for another kind of answer."""
    if lab.state(DEPOT) != "running":
        return Depot()
    try:
        with lab.wire(DEPOT, PATIENCE) as wire:
            told = msgspec.convert({"there": True, **wire.get("/")}, Depot)
    except WireError as error:
        if isinstance(error.cause, ConnectionRefusedError):
            return Depot()  # it has ended since the lab was found
        raise
    if told.trial is None:
        return told
    tried = tuple(
        msgspec.structs.replace(one, first=_clean(one.first), second=one.second and _clean(one.second))
        for one in told.trial.registries
    )
    return msgspec.structs.replace(told, trial=msgspec.structs.replace(told.trial, registries=tried))


def beside(registries: Registries, depot: Depot) -> Registries:
    """The registries, with the depot's as one more where it runs."""
    if not depot.running:
        return registries
    held = Holdings(title=ADDRESS, host=ADDRESS, hosts=(DEPOT,), repositories=depot.repositories)
    return msgspec.structs.replace(registries, known={**registries.known, ADDRESS: held})


def _clean(ran: Ran) -> Ran:
    """With texts that can be kept and sent."""
    output = "\n".join(clean(line, LONGEST) for line in ran.output[-LONGEST:].split("\n"))
    return msgspec.structs.replace(ran, output=output, refused=tuple(clean(one, 300) for one in ran.refused))
