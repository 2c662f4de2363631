"""The section `swarm`: nodes, services and tasks, as the manager reports them."""

from datetime import datetime

import msgspec

from labkit.seen import reference

BY_THEMSELVES = ("failed", "complete", "rejected")
"""States of a task that ended or could not start, and that the Swarm did not stop itself (docs: "Swarm task states")."""

ON_THE_WAY = ("new", "allocated", "pending", "assigned", "accepted", "ready", "preparing", "starting")
"""States of a task that does not run yet."""

UPDATING = ("updating", "rollback_started")
"""States of an update that the Swarm is still working on (moby, api/types/swarm: UpdateState)."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a service: what the Swarm wants it to be (`desired`) and what it is (`state`)."""

    id: str
    slot: int
    """The replica's number; 0 in a global service, which has one task per node."""
    node: str
    """"" until the Swarm has found a node for it."""
    image: str
    spec: str
    """A short form of the settings that the task was created from (labkit/lab/looking/swarm.py). "" in old observations."""
    desired: str
    state: str
    error: str
    message: str
    exit_code: int | None
    created: str
    since: str
    """When its state last changed. Both are ISO 8601."""

    @property
    def place(self) -> int | str:
        """The place where the Swarm starts another task when this one ends: a slot, or a node."""
        return self.slot or self.node

    @property
    def on_the_way(self) -> bool:
        return self.state in ON_THE_WAY and self.desired in ("running", "ready")

    @property
    def reason(self) -> str:
        """Why it ended or does not start: the exit code where docker says nothing else, or docker's words."""
        if self.exit_code is not None and self.error in ("", f"task: non-zero exit ({self.exit_code})"):
            return f"exit code {self.exit_code}"
        return self.error or self.message

    @property
    def lifetime(self) -> float:
        """Seconds from its creation to its last change of state."""
        return seconds_between(self.created, self.since)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    image: str
    """The image that was asked for, with the digest that the manager added."""
    spec: str
    """A short form of the settings that its tasks are created from."""
    stack: str
    """The stack that it belongs to, or "". Docker puts the stack's name before the service's."""
    mode: str
    """Replicated, Global, …"""
    replicas: int | None
    constraints: tuple[str, ...]
    update_state: str
    update_message: str
    tasks: tuple[Task, ...]
    """The tasks that the manager remembers, by slot and age."""

    @property
    def asked(self) -> str:
        """The image as it was asked for, without the digest that the manager added to a tag."""
        found = reference.parse(self.image)
        return self.image.removesuffix(f"@{found.digest}") if found and found.tag and found.digest else self.image

    @property
    def digest(self) -> str:
        """The digest that the manager found for the tag, or the digest that was asked for; "" if neither."""
        found = reference.parse(self.image)
        return found.digest if found else ""

    @property
    def current(self) -> list[Task]:
        """Tasks of the service as it is now: tasks from before an update say nothing about it."""
        return [task for task in self.tasks if (task.image, task.spec) == (self.image, self.spec)]

    @property
    def moving(self) -> bool:
        """Whether the Swarm is still working on it: it is updating, or a task is starting, ending or coming back."""
        rest = {("running", "running")}
        open_tasks = [task for task in self.tasks if task.desired in ("running", "ready")]
        return self.update_state in UPDATING or any((task.desired, task.state) not in rest for task in open_tasks)

    @property
    def through(self) -> bool:
        """Whether all that should run does, as the service is now. Of an update only the time is left for which the Swarm
        watches the last task (update-monitor, 5 seconds), so `moving` may still be true."""
        given = [task for task in self.tasks if task.desired in ("running", "ready")]
        wanted = len({task.node for task in given}) if self.replicas is None else self.replicas
        return len(given) == len(self.running) == wanted

    @property
    def running(self) -> list[Task]:
        """Running tasks of the service as it is now."""
        return [task for task in self.current if task.state == "running" == task.desired]

    @property
    def places(self) -> dict[int | str, list[Task]]:
        """{slot or node: its tasks of the service as it is now, newest first}."""
        places: dict[int | str, list[Task]] = {}
        for task in sorted(self.current, key=lambda task: task.created, reverse=True):
            places.setdefault(task.place, []).append(task)
        return places


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A node as the manager sees it."""

    role: str
    availability: str
    state: str


class Swarm(msgspec.Struct, frozen=True, kw_only=True):
    """`active` is False if the workstation is not a manager of a Swarm."""

    active: bool
    members: dict[str, Member]
    """By host name."""
    services: dict[str, Service]
    """By name."""

    @property
    def moving(self) -> bool:
        """Whether its state will change soon."""
        return any(service.moving for service in self.services.values())


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two moments (ISO 8601)."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
