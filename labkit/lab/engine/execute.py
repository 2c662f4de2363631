"""Runs a command in one of the lab's containers, through the engine that runs the lab."""

import json
from typing import Any

from labkit.errors import LabError
from labkit.lab.engine.engines import Engine

PATIENCE = 60.0
"""Seconds that a command may take."""

WITHOUT = ("LAB_KEYS",)
"""The container's variables that commands do not get: only its servers need the keys. A name without a value removes the
variable (moby, container/env.go: ReplaceOrAppendEnvVars)."""


def execute(engine: Engine, container: str, command: list[str]) -> str:
    """Runs a command in a container of the lab and returns its output. Raises LabError if it fails."""
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
    """The output of a command that may misbehave: at most `most` bytes in `seconds`. Raises LabError, or
    WireError if there is more or if it takes longer."""
    with engine.wire(seconds) as wire:
        body = {"Cmd": command, "AttachStdout": True, "AttachStderr": True, "Tty": True, "Env": list(WITHOUT)}
        identifier = json.loads(wire.request("POST", f"/containers/{container}/exec", body))["Id"]
        output = wire.bounded("POST", f"/exec/{identifier}/start", {"Detach": False, "Tty": True}, most, seconds)
    return output.decode(errors="replace")


def told(engine: Engine, container: str, command: list[str], most: int, seconds: float) -> Any:
    """What a program of the lab's own tells: the value that its last line is in JSON. Raises as `printed` does, and ValueError
    for a line that is none."""
    return json.loads(printed(engine, container, command, most, seconds).strip().rpartition("\n")[2])
