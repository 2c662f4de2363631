"""Observes the Swarm, through its manager."""

import hashlib
import json
from typing import Any

from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.lab import Lab
from labkit.lab.lifecycle.swarm import hostname
from labkit.lab.looking import PATIENCE
from labkit.seen.lab import WORKSTATION
from labkit.seen.swarm import Member, Service, Swarm, Task

NO_SWARM = Swarm(active=False, members={}, services={})


def look(lab: Lab) -> Swarm:
    """Its nodes, services and tasks. Raises LabError or WireError if the manager does not answer."""
    with lab.wire(WORKSTATION, PATIENCE) as wire:
        try:
            nodes = {node["ID"]: node for node in wire.get("/nodes")}
        except WireError as error:
            if error.status == 503:  # "This node is not a swarm manager"
                return NO_SWARM
            raise
        names = {key: hostname(node) for key, node in nodes.items()}
        tasks = _tasks(wire, names)
        services = [_service(service, tasks) for service in wire.get("/services")]
    return Swarm(
        active=True,
        members={names[key]: _member(node) for key, node in nodes.items()},
        services={service.name: service for service in services},
    )


def _tasks(wire: Wire, names: dict[str, str]) -> dict[str, list[Task]]:
    """{service id: its tasks}, by slot and age."""
    tasks: dict[str, list[Task]] = {}
    for task in wire.get("/tasks"):
        tasks.setdefault(task["ServiceID"], []).append(_task(task, names))
    for found in tasks.values():
        found.sort(key=lambda task: (task.slot, task.created))
    return tasks


def _member(node: dict[str, Any]) -> Member:
    spec = node["Spec"]
    return Member(role=spec["Role"], availability=spec["Availability"], state=node["Status"]["State"])


def _service(service: dict[str, Any], tasks: dict[str, list[Task]]) -> Service:
    spec = service["Spec"]
    template, mode, update = spec["TaskTemplate"], spec["Mode"], service.get("UpdateStatus") or {}
    return Service(
        name=spec["Name"],
        image=template.get("ContainerSpec", {}).get("Image", ""),
        spec=_spec(template),
        stack=(spec.get("Labels") or {}).get("com.docker.stack.namespace", ""),
        mode=next(iter(mode), ""),
        replicas=mode.get("Replicated", {}).get("Replicas"),
        constraints=tuple(template.get("Placement", {}).get("Constraints") or ()),
        update_state=update.get("State", ""),
        update_message=update.get("Message", ""),
        tasks=tuple(tasks.get(service["ID"], ())),
    )


def _task(task: dict[str, Any], names: dict[str, str]) -> Task:
    status = task["Status"]
    return Task(
        id=task["ID"],
        slot=task.get("Slot") or 0,
        node=names.get(task.get("NodeID", ""), ""),
        image=task["Spec"].get("ContainerSpec", {}).get("Image", ""),
        spec=_spec(task["Spec"]),
        desired=task["DesiredState"],
        state=status["State"],
        message=status.get("Message", ""),
        error=status.get("Err", ""),
        exit_code=(status.get("ContainerStatus") or {}).get("ExitCode"),
        created=task["CreatedAt"],
        since=status["Timestamp"],
    )


SPEC = ("ContainerSpec", "Resources", "RestartPolicy", "LogDriver", "ForceUpdate")
"""The settings that a task is created from. Where it may run is not one of them: the Swarm keeps a task whose node still fits
(swarmkit, updater.go: isTaskDirty). A service names its runtime, its tasks do not."""


def _spec(template: dict[str, Any]) -> str:
    """A short form of the settings that a task is created from. If it differs from the service's, the task is from before an
    update."""
    told = json.dumps([template.get(key) for key in SPEC], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
