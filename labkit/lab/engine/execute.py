"""Runs a command in one of the lab's containers, through the engine that carries it."""

import json

from labkit.errors import LabError
from labkit.lab.engine.engines import Engine

PATIENCE = 60.0
"""Seconds that a command may take."""

WITHOUT = ("LAB_KEYS",)
"""Variables of the container that no command there is given: only its servers need the keys. A name alone takes it away (moby,
container/env.go: ReplaceOrAppendEnvVars)."""


def execute(engine: Engine, container: str, command: list[str]) -> str:
    """Runs a command in a container of the lab and returns what it printed. Raises LabError where it fails."""
    with engine.wire(timeout=PATIENCE) as wire:
        body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True, "Tty": True, "Env": list(WITHOUT)}
        identifier = json.loads(wire.request("POST", f"/containers/{container}/exec", body))["Id"]
        output = wire.request("POST", f"/exec/{identifier}/start", {"Detach": False, "Tty": True})
    with engine.wire() as wire:
        code = wire.get(f"/exec/{identifier}/json")["ExitCode"]
    text = output.decode(errors="replace").strip()
    if code:
        raise LabError(f"In the lab, `{' '.join(command)}` failed: {text}", "labkit up   (it repairs the lab)")
    return text


def printed(engine: Engine, container: str, command: list[str], most: int, seconds: float) -> str:
    """What a command in a container prints, of whom nobody knows what it does: `most` bytes, in as many `seconds`. Raises
    LabError, or WireError where there is more or it takes longer."""
    with engine.wire(seconds) as wire:
        body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True, "Tty": True, "Env": list(WITHOUT)}
        identifier = json.loads(wire.request("POST", f"/containers/{container}/exec", body))["Id"]
        output = wire.bounded("POST", f"/exec/{identifier}/start", {"Detach": False, "Tty": True}, most, seconds)
    return output.decode(errors="replace")
