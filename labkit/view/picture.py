"""The way of an image, CI → registry → CD → Swarm, with what is there now: values, and where they stand in a drawing. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labkit.content.facts import split
from labkit.seen.observation import Image, Member, Node, Observation, Registry, Service, Task, Unobserved

COLORS = 8
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MOST_ROWS = 8


@dataclass(frozen=True)
class Mark:
    """What stands for an image's content: the same letter and color wherever that content is."""

    letter: str
    color: int


@dataclass(frozen=True)
class Row:
    """One thing in a box. `state`: "", running, moving, failed."""

    name: str
    detail: str
    state: str = ""
    content: str = ""
    mark: Mark | None = None

    def words(self) -> str:
        mark = f" (image {self.mark.letter})" if self.mark else ""
        return f"{self.name}{mark}: {self.detail}" if self.detail else f"{self.name}{mark}"


@dataclass(frozen=True)
class Box:
    """A machine or a registry. `stage`: ci, registry, cd or swarm."""

    stage: str
    title: str
    rows: tuple[Row, ...]
    empty: str

    def words(self) -> str:
        inside = "; ".join(row.words() for row in self.rows) or self.empty
        return f"{self.title}: {inside}."


@dataclass(frozen=True)
class Picture:
    boxes: tuple[Box, ...]

    def words(self) -> list[str]:
        """The same for people who do not see it: a sentence a box."""
        return [box.words() for box in self.boxes]

    def stage(self, name: str) -> list[Box]:
        return [box for box in self.boxes if box.stage == name]


def picture(lab: Observation) -> Picture:
    """What is there. A part that did not answer is told as such."""
    contents = _contents(lab)
    boxes = [
        *_box("ci", "workstation", "no image yet", lambda: _images(lab.workstation, tasks=False)),
        *_box("registry", "Docker Hub", "nothing yet", lambda: _registry(lab.hub)),
        *_box("registry", "registry.lab:5000", "", lambda: _registry(lab.private)),
        *_box("cd", "services", "no service yet", lambda: _services(lab)),
        *_swarm(lab, contents),
    ]
    rows = [replace(row, content=contents.get(row.content, row.content)) for box in boxes for row in box.rows]
    marks = _marks({row.content for row in rows if row.content})
    return Picture(tuple(_marked(box, contents, marks) for box in boxes))


def _marked(box: Box, contents: dict[str, str], marks: dict[str, Mark]) -> Box:
    rows = [replace(row, mark=marks.get(contents.get(row.content, row.content))) for row in box.rows]
    if len(rows) > MOST_ROWS:
        more = len(rows) - MOST_ROWS + 1
        rows = [*rows[: MOST_ROWS - 1], Row(f"and {more} more", "")]
    return replace(box, rows=tuple(rows))


def _box(stage: str, title: str, empty: str, look: Callable[[], Iterable[Row]]) -> list[Box]:
    try:
        rows = tuple(look())
    except Unobserved as gap:
        return [Box(stage, title, (), f"does not answer ({gap})")]
    return [Box(stage, title, rows, empty)] if rows or empty else []


def _images(node: Node, tasks: bool) -> Iterable[Row]:
    for image in sorted(node.images, key=lambda one: (_brought(one), one.tags)):
        names = image.tags or tuple(one.partition("@")[0] for one in image.digests)
        for name in names if not tasks else names[:1]:
            yield Row(name, f"id {_short(image.id)}", content=image.content)


def _brought(image: Image) -> bool:
    return any(tag.startswith("busybox") for tag in image.tags)


def _registry(registry: Registry) -> Iterable[Row]:
    names = sorted(registry.repositories, key=lambda name: (name.startswith("library/"), name))
    for name in names:
        for tag, digest in sorted(registry.repositories[name].items()):
            contents = registry.contents(digest)
            content = min(contents) if contents else digest
            yield Row(f"{name.removeprefix('library/')}:{tag}", f"digest {_short(digest)}", content=content)


def _services(lab: Observation) -> Iterable[Row]:
    for service in sorted(lab.swarm.services.values(), key=lambda one: one.name):
        wanted = service.replicas if service.replicas is not None else len({one.node for one in service.current})
        running = len(service.running)
        state = "running" if running >= wanted else "failed" if _failure(service) else "moving"
        detail = f"{running} of {wanted} run · {service.reference.rpartition('/')[2]}"
        yield Row(service.name, detail, state, content=service.digest or service.reference)


def _failure(service: Service) -> Task | None:
    ended = [one for one in service.current if one.state in ("failed", "rejected")]
    return max(ended, key=lambda one: one.since, default=None)


def _swarm(lab: Observation, contents: dict[str, str]) -> Iterable[Box]:
    try:
        swarm = lab.swarm
    except Unobserved as gap:
        yield Box("swarm", "Swarm", (), f"does not answer ({gap})")
        return
    if not swarm.active:
        yield Box("swarm", "Swarm", (), "no Swarm: the manager left it")
        return
    tasks: dict[str, list[Row]] = {}
    for service in sorted(swarm.services.values(), key=lambda one: one.name):
        for task in _shown(service):
            tasks.setdefault(task.node, []).append(_task(service, task))
    order = sorted(swarm.members.values(), key=lambda one: (one.role != "manager", one.name))
    for member in order:
        pulled: list[Row] = []
        title = f"{member.name} · {_part(member)}"
        if member.role != "manager":
            try:
                used = {contents.get(row.content) for row in tasks.get(member.name, [])}
                held = _images(lab.node(member.name), tasks=True)
                pulled = [replace(row, name=f"has {row.name}") for row in held if row.content not in used]
            except Unobserved:
                title = f"{member.name} · does not answer"
        yield Box("swarm", title, (*tasks.get(member.name, []), *pulled), "no task")
    if waiting := tasks.get("", []):
        yield Box("swarm", "on no node yet", tuple(waiting), "")


def _part(member: Member) -> str:
    if member.state != "ready":
        return member.state
    return member.role if member.availability == "active" else f"{member.role}, {member.availability}"


def _shown(service: Service) -> list[Task]:
    """The newest task of each slot, and where that is only on its way, why the one before it ended."""
    slots: dict[object, list[Task]] = {}
    for task in sorted(service.tasks, key=lambda one: one.created, reverse=True):
        slots.setdefault(task.slot or task.node, []).append(task)
    shown = []
    for tasks in slots.values():
        newest = tasks[0]
        if newest.desired == "remove" or (newest.desired == "shutdown" and newest.state in ("shutdown", "orphaned")):
            continue
        before = next((one for one in tasks[1:] if one.state in ("failed", "rejected")), None)
        if newest.state not in ("running", "failed", "rejected") and before and not newest.error:
            newest = replace(newest, error=f"before: {before.error or before.message}")
        shown.append(newest)
    return sorted(shown, key=lambda one: (one.slot, one.node))


def _task(service: Service, task: Task) -> Row:
    state = "running" if task.state == "running" else "failed" if task.state in ("failed", "rejected") else "moving"
    why = f": {task.error}" if task.error else ""
    name = f"{service.name}.{task.slot}" if task.slot else service.name
    image = task.image.partition("@")[2] or task.image
    tag = split(task.image.partition("@")[0])[1]
    return Row(name, f"{task.state}{why}" if why or state != "running" else f"running {tag}", state, content=image)


def _contents(lab: Observation) -> dict[str, str]:
    """{digest: content} for every manifest that the registries hold: what runs is named by a digest."""
    try:
        return {digest: min(found) for digest in lab.hub.manifests if (found := lab.hub.contents(digest))}
    except Unobserved:
        return {}


def _short(digest: str) -> str:
    return digest.partition(":")[2][:7] or digest[:7]


def _marks(contents: set[str]) -> dict[str, Mark]:
    """A letter and a color for each content: its own where that is free, so that it keeps them while others come and go."""
    marks: dict[str, Mark] = {}
    letters, colors = set(LETTERS), set(range(COLORS))
    for content in sorted(contents):
        number = int(hashlib.sha256(content.encode(errors="replace")).hexdigest()[:8], 16)
        letter = _free(LETTERS, number, letters) if letters else LETTERS[number % len(LETTERS)]
        color = _free(range(COLORS), number, colors) if colors else number % COLORS
        letters.discard(letter)
        colors.discard(color)
        marks[content] = Mark(letter, color)
    return marks


def _free(every: Sequence[Any], start: int, free: set[Any]) -> Any:
    return next(one for step in range(len(every)) if (one := every[(start + step) % len(every)]) in free)
