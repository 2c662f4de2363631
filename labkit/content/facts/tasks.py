"""Whether a service's tasks keep running, judged by what happened to earlier tasks in the same place."""

import contextlib
from collections.abc import Sequence
from typing import Any

from labkit.content.check import fail, wait_for
from labkit.content.scope import Scope
from labkit.seen.lab import Unobserved
from labkit.seen.swarm import BY_THEMSELVES, Service, Swarm, Task, seconds_between

OUTSIDE = (137, 143, 255)
"""Exit codes of a task that was stopped from outside: killed, asked to stop, or found dead when its engine restarted."""

UNHEALTHY = "unhealthy container"
"""A task's error says this when its health check failed (moby, daemon/cluster/executor/container/errors.go)."""

NO_IMAGE = ("no such image", "pull access denied", "not found: manifest")

SOON = 10.0
"""Seconds. A task that ends sooner than this was never useful, so even one such end is reported at once."""

PATIENCE = 60.0
"""Seconds after which one single end no longer counts, no matter how long that task had run."""


def unhealthy(lab: Scope) -> set[str]:
    """IDs of the tasks whose container failed its health check, on the machines that answer. The Swarm itself reports this only
    if the app does not stop cleanly when asked to."""
    found = set()
    for machine in lab.machines:
        with contextlib.suppress(Unobserved):
            found |= {container.task for container in lab.engine(machine).containers if container.unhealthy}
    return found


def out_of_reach(lab: Scope, task: Task) -> bool:
    """Whether a task's node does not answer, so that nobody knows whether the task still runs: its engine did not answer, or
    the manager has lost the node."""
    member = lab.swarm.members.get(task.node)
    return task.node in lab.silent or (member is not None and member.state != "ready")


def explain_ends(lab: Scope, service: Service, values: dict[str, Any]) -> None:
    """Fails, or waits, if a task ended and its successor has not yet proved itself: it must run twice as long as the longest
    before it.

    Some ends are caused from outside: the first one in each place is forgiven. The latest cause comes first.
    """
    places = [place for place in service.places.values() if _ends(place)]
    for tasks in sorted(places, key=lambda place: _ends(place)[0].since, reverse=True):
        newest, ends = tasks[0], _ends(tasks)
        if newest.state == "running":  # whatever kept the earlier ones from starting is over
            ends = [task for task in ends if _started(task)]
        else:
            _fail_for_good(ends[0], values)
        counted = _counted(ends)
        if not counted:
            continue
        longest = max(task.lifetime for task in counted)
        if newest.state == "running":
            age = seconds_between(newest.since, lab.taken)
            enough = 2 * longest if len(counted) > 1 else min(2 * longest, PATIENCE)
            if age > enough:
                continue
            if len(counted) == 1 and longest >= SOON:
                told = f"a task stopped after {longest:.0f} s; the next one has run for {max(age, 0):.0f} s"
                wait_for(told, found=told, since=newest.since)
        elif len(counted) == 1 and longest >= SOON and newest not in ends:
            continue  # another one is on its way
        _fail_ends(counted, _sick(lab, counted), values)


def _ends(tasks: Sequence[Task]) -> list[Task]:
    """Tasks that ended or could not start, and that the Swarm did not stop itself; the newest first."""
    return [task for task in tasks if task.state in BY_THEMSELVES]


def _counted(ends: list[Task]) -> list[Task]:
    """All ends except the first one that came from outside."""
    outside = [task for task in ends if task.exit_code in OUTSIDE and UNHEALTHY not in task.error]
    return [task for task in ends if task is not outside[-1]] if outside else ends


def _started(task: Task) -> bool:
    return task.state != "rejected" and "starting container failed" not in task.error


def _fail_for_good(end: Task, values: dict[str, Any]) -> None:
    """Fails if a task did not start for a reason that waiting does not fix."""
    found = f"{end.error or end.message} ({end.node})"
    if any(text in end.error.lower() for text in NO_IMAGE):
        fail("task-image-missing", found=found, **values)
    if not _started(end):
        fail("task-failed", found=found, **values)


def _sick(lab: Scope, ends: list[Task]) -> bool:
    """Whether one of these tasks failed its health check."""
    return any(UNHEALTHY in task.error for task in ends) or not {task.id for task in ends}.isdisjoint(unhealthy(lab))


def _fail_ends(ends: list[Task], sick: bool, values: dict[str, Any]) -> None:
    last = ends[0]
    if sick:
        fail("task-unhealthy", found=f"{last.error or UNHEALTHY} ({last.node})", **values)
    code = f"exit code {last.exit_code}" if last.exit_code is not None else ""
    reason = last.reason if last.reason.startswith(code) else f"{code}, {last.reason}"
    times = f"; stopped {len(ends)} times, after {_lifetimes(ends)}" if len(ends) > 1 else ""
    found = f"{reason} ({last.node}){times}"
    fail("task-crashing" if last.exit_code is not None else "task-failed", found=found, **values)


def _lifetimes(ends: list[Task]) -> str:
    return ", ".join(f"{task.lifetime:.0f} s" for task in reversed(ends))


def explain_missing(swarm: Swarm, service: Service, values: dict[str, Any]) -> None:
    """Fails if no node can run the missing tasks."""
    if stuck := [task for task in service.tasks if task.state == "pending" and task.error]:
        fail("task-no-node", found=stuck[0].error, **values)
    down = sorted(
        f"{name} is {member.state if member.state != 'ready' else member.availability}"
        for name, member in swarm.members.items()
        if member.state != "ready" or member.availability != "active"
    )
    if down and not any(task.on_the_way for task in service.tasks):
        fail("task-node-down", found=down, **values)
