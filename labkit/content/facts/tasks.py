"""Whether a service's tasks stay, judged by what became of those before them in the same place."""

import contextlib
from collections.abc import Sequence
from typing import Any

from labkit.content.check import fail, wait_for
from labkit.content.scope import Scope
from labkit.seen.lab import Unobserved
from labkit.seen.swarm import BY_THEMSELVES, Service, Swarm, Task, seconds_between

OUTSIDE = (137, 143, 255)
"""Exit codes of a task that was ended from outside: killed, asked to end, or found dead when its engine started again."""

UNHEALTHY = "unhealthy container"
"""What a task's error says when its health check failed (moby, daemon/cluster/executor/container/errors.go)."""

NO_IMAGE = ("no such image", "pull access denied", "not found: manifest")

SOON = 10.0
"""Seconds: a task that ends sooner was never of use, and one such end is told at once."""

PATIENCE = 60.0
"""Seconds after which a single end of the task before is forgotten, however long that one had lived."""


def unhealthy(lab: Scope) -> set[str]:
    """Ids of the tasks whose container's health check failed, on the machines that answer. The Swarm itself says so only where
    the app does not end well when it is told to."""
    found = set()
    for machine in lab.machines:
        with contextlib.suppress(Unobserved):
            found |= {container.task for container in lab.engine(machine).containers if container.unhealthy}
    return found


def out_of_reach(lab: Scope, task: Task) -> bool:
    """Whether a task's node does not answer, so that nobody knows whether it still runs: its engine was asked and was silent,
    or the manager misses it."""
    member = lab.swarm.members.get(task.node)
    return task.node in lab.silent or (member is not None and member.state != "ready")


def explain_ends(lab: Scope, service: Service, values: dict[str, Any]) -> None:
    """Fails, or waits, where a task ended and what came after it has not yet shown that it stays: it has run for twice as
    long as the longest before it.

    Ends that somebody caused from outside happen: the first in each place is forgiven. The latest cause first.
    """
    places = [place for place in service.places.values() if _ends(place)]
    for tasks in sorted(places, key=lambda place: _ends(place)[0].since, reverse=True):
        newest, ends = tasks[0], _ends(tasks)
        if newest.state == "running":  # what kept those before it from starting is over
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
                told = f"a task ended after {longest:.0f} s; the next one has run for {max(age, 0):.0f} s"
                wait_for(told, found=told, since=newest.since)
        elif len(counted) == 1 and longest >= SOON and newest not in ends:
            continue  # another one is on its way
        _fail_ends(counted, _sick(lab, counted), values)


def _ends(tasks: Sequence[Task]) -> list[Task]:
    """Those that ended, or could not begin, without the Swarm having asked for it; the newest first."""
    return [task for task in tasks if task.state in BY_THEMSELVES]


def _counted(ends: list[Task]) -> list[Task]:
    """The ends without the first that came from outside."""
    outside = [task for task in ends if task.exit_code in OUTSIDE and UNHEALTHY not in task.error]
    return [task for task in ends if task is not outside[-1]] if outside else ends


def _started(task: Task) -> bool:
    return task.state != "rejected" and "starting container failed" not in task.error


def _fail_for_good(end: Task, values: dict[str, Any]) -> None:
    """Fails where a task did not start for a reason that waiting does not mend."""
    found = f"{end.error or end.message} ({end.node})"
    if any(text in end.error.lower() for text in NO_IMAGE):
        fail("task-image-missing", found=found, **values)
    if not _started(end):
        fail("task-failed", found=found, **values)


def _sick(lab: Scope, ends: list[Task]) -> bool:
    """Whether the health check ended one of these."""
    return any(UNHEALTHY in task.error for task in ends) or not {task.id for task in ends}.isdisjoint(unhealthy(lab))


def _fail_ends(ends: list[Task], sick: bool, values: dict[str, Any]) -> None:
    last = ends[0]
    if sick:
        fail("task-unhealthy", found=f"{last.error or UNHEALTHY} ({last.node})", **values)
    code = f"exit code {last.exit_code}, " if last.exit_code is not None else ""
    times = f"; ended {len(ends)} times, after {_lifetimes(ends)}" if len(ends) > 1 else ""
    found = f"{code}{last.error or last.message} ({last.node}){times}"
    fail("task-crashing" if last.exit_code is not None else "task-failed", found=found, **values)


def _lifetimes(ends: list[Task]) -> str:
    return ", ".join(f"{task.lifetime:.0f} s" for task in reversed(ends))


def explain_missing(swarm: Swarm, service: Service, values: dict[str, Any]) -> None:
    """Fails where no node can run the tasks that are missing."""
    if stuck := [task for task in service.tasks if task.state == "pending" and task.error]:
        fail("task-no-node", found=stuck[0].error, **values)
    down = sorted(
        f"{name} is {member.state if member.state != 'ready' else member.availability}"
        for name, member in swarm.members.items()
        if member.state != "ready" or member.availability != "active"
    )
    if down and not any(task.on_the_way for task in service.tasks):
        fail("task-node-down", found=down, **values)
