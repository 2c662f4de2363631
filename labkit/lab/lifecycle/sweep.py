"""Removes what carries a lab's label."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle.network import labelled
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import LABEL, ROLE

PATIENCE = 60.0
"""Seconds that a removal may take, however often it has to be asked for."""

THAW = """cd /sys/fs/cgroup/freezer 2>/dev/null || exit 0
grep -lrx FROZEN --include=freezer.state . | while read -r state; do echo THAWED > "$state"; done"""
"""Has every container on a node go on that was paused. Nothing to do with cgroups of version 2."""


def everything(engine: Engine, name: str, say: Say) -> int:
    """Removes every container, network and volume of that lab, each as soon as nothing uses it. Returns how many there were.
    Raises LabError."""
    found = find.containers(engine, name)
    steps = [Step(each["Id"], partial(_end, engine, each)) for each in found]
    volumes: dict[str, list[str]] = {each["Name"]: [] for each in labelled(engine, "volumes", name)}
    for each in found:
        for mount in each["Mounts"]:
            if (held := mount.get("Name")) in volumes:
                volumes[held].append(each["Id"])
    for volume, users in volumes.items():
        steps.append(Step(volume, partial(_remove, engine, f"/volumes/{volume}?force=1"), tuple(users)))
    containers = tuple(each["Id"] for each in found)
    for network in labelled(engine, "networks", name):
        steps.append(Step(network["Id"], partial(_remove_network, engine, network), containers))
    if found:
        say("removing the lab's machines")
    run(steps, say)
    # Whoever was told that it is being removed already has not waited for it.
    _until_gone(
        lambda: [
            *find.containers(engine, name),
            *labelled(engine, "volumes", name),
            *labelled(engine, "networks", name),
        ]
    )
    return len(steps)


def container(engine: Engine, name: str, identifier: str) -> None:
    """Removes one container of that lab and waits until it is gone. Raises LabError."""
    for each in find.containers(engine, name):
        if each["Id"] == identifier:
            _end(engine, each)
    _until_gone(lambda: [each for each in find.containers(engine, name) if each["Id"] == identifier])


def _end(engine: Engine, container: dict[str, Any]) -> None:
    """Removes a container. Raises LabError."""
    if container["Labels"].get(ROLE) == "node" and container["State"] == "running":
        # With cgroups of version 1 a process that is frozen cannot be killed, nor can what it is in: a learner's paused
        # container would keep its node ("tried to kill container, but did not receive an exit event").
        with contextlib.suppress(LabError, WireError):
            execute(engine, container["Id"], ["sh", "-c", THAW])
    _remove(engine, f"/containers/{container['Id']}?force=1&v=1")


def used_by_labs(engine: Engine) -> bool:
    """Whether any lab, of whatever name, is on this engine."""
    filters = quote(f'{{"label": ["{LABEL}"]}}')
    with engine.wire() as wire:
        return bool(wire.get(f"/containers/json?all=1&filters={filters}"))


def _remove(engine: Engine, path: str) -> None:
    """Removes what the path names, however often that takes: whoever looks into a container just then (a panel does) has its
    file system mounted, and the engine fails with "directory not empty". Raises LabError after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with engine.wire(timeout=PATIENCE) as wire:
            try:
                wire.request("DELETE", path)
            except WireError as error:
                if error.status in (404, 409):  # 409: somebody else is removing it right now
                    return
                if error.status != 500 or time.monotonic() > deadline:
                    raise LabError(f"A part of the lab could not be removed: {error}", "labkit down") from error
            else:
                return
        time.sleep(0.1)


def _remove_network(engine: Engine, network: dict[str, Any]) -> None:
    """Raises LabError, with the names of what is in it and not the lab's."""
    path = f"/networks/{network['Id']}"
    try:
        _remove(engine, path)
    except LabError as error:
        with engine.wire() as wire:
            others = sorted(each["Name"] for each in wire.get(path)["Containers"].values())
        if not others:
            raise
        leave = "; ".join(f"docker network disconnect {network['Name']} {other}" for other in others)
        told = f"The lab's network {network['Name']} is in use by what is not the lab's: {', '.join(others)}."
        raise LabError(told, f"{leave}; labkit down") from error


def _until_gone(left: Callable[[], list[dict[str, Any]]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while found := left():
        if time.monotonic() > deadline:
            names = ", ".join(str(each.get("Name") or each.get("Names")) for each in found)
            raise LabError(f"These parts of the lab could not be removed: {names}.", "labkit down   (once more)")
        time.sleep(0.05)
