"""Stops a lab's machines and keeps what is in them. `provision.up` brings it back, the Swarm included."""

from functools import partial

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import WireError
from labkit.lab.lab import Instance
from labkit.lab.lifecycle import sweep
from labkit.lab.lifecycle.steps import Step, run

GRACE = 10
"""Seconds for a machine to stop by itself. An engine needs them for its containers."""

PATIENCE = 60.0


def machines(engine: Engine, name: str, say: Say) -> None:
    """Stops all machines of that lab that run, all at the same time. Raises LabError."""
    running = [
        part for each in find.containers(engine, name) if (part := find.instance(each)).state in ("running", "paused")
    ]
    if running:
        say("stopping the lab's machines")
    run([Step(part.id, partial(_stop, engine, part)) for part in running], say)


def _stop(engine: Engine, part: Instance) -> None:
    """Raises LabError."""
    if part.role == "node" and part.state == "running":
        sweep.thaw(engine, part.id)
    try:
        with engine.wire(timeout=PATIENCE) as wire:
            if part.state == "paused":
                wire.request("POST", f"/containers/{part.id}/unpause")
            wire.request("POST", f"/containers/{part.id}/stop?t={GRACE}")
    except WireError as error:
        if error.status == 404:
            return  # somebody has removed it
        raise LabError(f"The machine {part.machine} could not be stopped: {error}.", "labkit classroom labs") from error
