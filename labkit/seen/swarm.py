"""The section `swarm`: nodes, services and tasks as the manager tells them."""

from datetime import datetime

import msgspec

from labkit.seen import reference

BY_THEMSELVES = ("failed", "complete", "rejected")
"""States of a task that ended, or could not begin, without the Swarm having asked for it (docs: "Swarm task states")."""

ON_THE_WAY = ("new", "allocated", "pending", "assigned", "accepted", "ready", "preparing", "starting")
"""States of a task that does not run yet."""

UPDATING = ("updating", "rollback_started")
"""States of an update at which the Swarm still works (moby, api/types/swarm: UpdateState)."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a service: what the Swarm wants of it (`desired`) and what it is (`state`)."""

    id: str
    slot: int
    """The replica's number; 0 in a global service, which has one task a node."""
    node: str
    """"" while no node was found for it."""
    image: str
    spec: str
    """What it is made from, in short (labkit/lab/looking/swarm.py). "" in an observation from before labkit noted it."""
    desired: str
    state: str
    error: str
    message: str
    exit_code: int | None
    created: str
    since: str
    """When its state last changed; both ISO 8601."""

    @property
    def place(self) -> int | str:
        """What the Swarm fills again with another task when this one ends: a slot, or a node."""
        return self.slot or self.node

    @property
    def on_the_way(self) -> bool:
        return self.state in ON_THE_WAY and self.desired in ("running", "ready")

    @property
    def lifetime(self) -> float:
        """Seconds from its making to its last change of state."""
        return seconds_between(self.created, self.since)


class Service(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    image: str
    """As it was asked for, with the digest that the manager added."""
    spec: str
    """What its tasks are made from, in short."""
    stack: str
    """The stack that it was deployed with, "" without one: Docker puts its name before the service's."""
    mode: str
    """Replicated, Global, …"""
    replicas: int | None
    constraints: tuple[str, ...]
    update_state: str
    update_message: str
    tasks: tuple[Task, ...]
    """Those that the manager remembers, by slot and age."""

    @property
    def asked(self) -> str:
        """The image as it was asked for, without the digest that the manager added to a tag."""
        found = reference.parse(self.image)
        return self.image.removesuffix(f"@{found.digest}") if found and found.tag and found.digest else self.image

    @property
    def digest(self) -> str:
        """What the manager found the tag to be, or what was asked for by digest; "" where neither."""
        found = reference.parse(self.image)
        return found.digest if found else ""

    @property
    def current(self) -> list[Task]:
        """Tasks of what the service now asks for: those of before an update say nothing about it."""
        return [task for task in self.tasks if (task.image, task.spec) == (self.image, self.spec)]

    @property
    def moving(self) -> bool:
        """Whether the Swarm is still working on it: it updates, a task is on its way or ends, or one ended and comes back."""
        rest = {("running", "running")}
        open_tasks = [task for task in self.tasks if task.desired in ("running", "ready")]
        return self.update_state in UPDATING or any((task.desired, task.state) not in rest for task in open_tasks)

    @property
    def running(self) -> list[Task]:
        """Tasks that run what the service now asks for."""
        return [task for task in self.current if task.state == "running" == task.desired]

    @property
    def places(self) -> dict[int | str, list[Task]]:
        """{slot or node: its tasks of what the service now asks for, the newest first}."""
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
    """`active` is False where the workstation is no manager of a Swarm."""

    active: bool
    members: dict[str, Member]
    """By host name."""
    services: dict[str, Service]
    """By name."""

    @property
    def moving(self) -> bool:
        """Whether what is there will be otherwise soon."""
        return any(service.moving for service in self.services.values())


def seconds_between(earlier: str, later: str) -> float:
    """Seconds between two moments (ISO 8601)."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
