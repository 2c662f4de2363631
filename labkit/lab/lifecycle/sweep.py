"""Removes everything with a lab's label, if it belongs to the caller."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.execute import execute
from labkit.lab.engine.wire import WireError
from labkit.lab.lifecycle.steps import Step, run
from labkit.lab.plan import LABEL, ROLE, START
from labkit.paths import Home

PATIENCE = 60.0
"""A removal may take this many seconds, with all its retries."""

THAW = """cd /sys/fs/cgroup/freezer 2>/dev/null || exit 0
grep -lrx FROZEN --include=freezer.state . | while read -r state; do echo THAWED > "$state"; done"""
"""Resumes every paused container on a node. Not needed with cgroups version 2."""


@dataclass(frozen=True)
class Parts:
    """Everything with a lab's label on one engine, as the Engine API lists it."""

    containers: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    networks: list[dict[str, Any]]

    @property
    def starts(self) -> set[str]:
        """Of which starts of the lab there is something."""
        return {(part["Labels"] or {}).get(START, "") for part in (*self.containers, *self.volumes, *self.networks)}


def parts(engine: Engine, home: Home) -> Parts:
    """What there is of the home's lab. Raises Foreign where any of it is somebody else's: an `up` that was killed leaves
    volumes and networks without a container."""
    name = home.name
    found = Parts(
        find.containers(engine, name), find.labelled(engine, "volumes", name), find.labelled(engine, "networks", name)
    )
    for part in (*found.containers, *found.volumes, *found.networks):
        find.check_owner(part["Labels"] or {}, home)
    return found


def everything(engine: Engine, home: Home, say: Say) -> int:
    """Removes every container, network and volume of the home's lab, each as soon as nothing uses it. Returns how many there
    were. Raises LabError; where the lab is somebody else's nothing is removed, and that is Foreign."""
    name, there = home.name, parts(engine, home)
    found = there.containers
    steps = [Step(each["Id"], partial(_end, engine, each)) for each in found]
    volumes: dict[str, list[str]] = {each["Name"]: [] for each in there.volumes}
    for each in found:
        for mount in each["Mounts"]:
            if (held := mount.get("Name")) in volumes:
                volumes[held].append(each["Id"])
    for volume, users in volumes.items():
        steps.append(Step(volume, partial(_remove, engine, f"/volumes/{volume}?force=1"), tuple(users)))
    containers = tuple(each["Id"] for each in found)
    for network in there.networks:
        steps.append(Step(network["Id"], partial(_remove_network, engine, network), containers))
    if found:
        say("removing the lab's machines")
    run(steps, say)
    # What the engine still made for an `up` that was killed is told, not left.
    _until_gone(
        lambda: [
            *find.containers(engine, name),
            *find.labelled(engine, "volumes", name),
            *find.labelled(engine, "networks", name),
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
        thaw(engine, container["Id"])
    _remove(engine, f"/containers/{container['Id']}?force=1&v=1")


def thaw(engine: Engine, node: str) -> None:
    """Called before a node's container is killed. With cgroups version 1, a frozen process cannot be killed, and so neither can
    the container around it: a learner's paused container would keep it alive ("tried to kill container, but did not receive an
    exit event")."""
    with contextlib.suppress(LabError, WireError):
        execute(engine, node, ["sh", "-c", THAW])


def used_by_labs(engine: Engine) -> bool:
    """Whether any lab, of whatever name, is on this engine."""
    filters = quote(f'{{"label": ["{LABEL}"]}}')
    with engine.wire() as wire:
        return bool(wire.get(f"/containers/json?all=1&filters={filters}"))


def _remove(engine: Engine, path: str) -> None:
    """Removes what the path names, however often that takes: whoever looks into a container just then (a panel does) has its
    file system mounted, and the engine fails with "directory not empty"; and somebody else's removal, which is in progress
    (409), may fail, as where a busy machine ends its processes too slowly. Raises LabError after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with engine.wire(timeout=PATIENCE) as wire:
            try:
                wire.request("DELETE", path)
            except WireError as error:
                if error.status == 404:
                    return
                if error.status not in (409, 500) or time.monotonic() > deadline:
                    raise LabError(f"A part of the lab could not be removed: {error}", "labkit down") from error
            else:
                return
        time.sleep(0.1)


def _remove_network(engine: Engine, network: dict[str, Any]) -> None:
    """Raises LabError with the names of containers in it that do not belong to the lab."""
    path = f"/networks/{network['Id']}"
    try:
        _remove(engine, path)
    except LabError as error:
        with engine.wire() as wire:
            others = sorted(each["Name"] for each in wire.get(path)["Containers"].values())
        if not others:
            raise
        leave = "; ".join(f"docker network disconnect {network['Name']} {other}" for other in others)
        told = f"The lab's network {network['Name']} is in use by other containers: {', '.join(others)}."
        raise LabError(told, f"{leave}; labkit down") from error


def _until_gone(left: Callable[[], list[dict[str, Any]]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while found := left():
        if time.monotonic() > deadline:
            names = ", ".join(str(each.get("Name") or each.get("Names")) for each in found)
            raise LabError(f"These parts of the lab could not be removed: {names}.", "labkit down   (again)")
        time.sleep(0.05)
