"""Which versions of an app ran in a service's places, one after another, as far as the Swarm remembers."""

from dataclasses import dataclass

from labkit.content.facts.tasks import OUTSIDE
from labkit.seen import reference
from labkit.seen.reference import Reference
from labkit.seen.swarm import BY_THEMSELVES, Service, Task

REMEMBERED = 5
"""Tasks of one place that a Swarm remembers (docker swarm init: --task-history-limit)."""

RAN = ("running", "shutdown")
"""States of a task that runs, or that ran until the Swarm stopped it."""


@dataclass(frozen=True)
class Version:
    """A version of an app: its name, and the digest that the registry has for it now."""

    name: Reference
    digest: str

    def is_in(self, image: str) -> bool:
        """Whether a service or a task with this image has this version: by its own tag, whatever that meant then, or by the
        digest alone. Another tag of the same image is another name: it may mean something else tomorrow."""
        found = reference.parse(image)
        if found is None or not found.same_repository(self.name):
            return False
        return found.tag == self.name.tag if found.tag else found.digest == self.digest


def went(service: Service, *versions: Version) -> int:
    """In how many places of the service these versions ran one after another, whatever ran in between.

    A version that kept stopping by itself did not run. Where the Swarm has begun to forget, the first version may be missing.
    """
    places: dict[int | str, list[Task]] = {}
    for task in sorted(service.tasks, key=lambda task: task.created):
        places.setdefault(task.place, []).append(task)
    return sum(_ran(service, tasks, versions) for tasks in places.values())


def _ran(service: Service, tasks: list[Task], versions: tuple[Version, ...]) -> bool:
    ended = {(task.image, task.spec) for task in tasks if _stopped_by_itself(task)}
    ended.discard((service.image, service.spec))  # whether the service as it is now keeps running is asked apart
    images = iter([task.image for task in tasks if task.state in RAN and (task.image, task.spec) not in ended])
    wanted = versions[1:] if len(tasks) >= REMEMBERED else versions
    return all(any(version.is_in(image) for image in images) for version in wanted)


def _stopped_by_itself(task: Task) -> bool:
    return task.state in BY_THEMSELVES and task.exit_code not in OUTSIDE
