"""The way of an image, CI → registry → CD → Swarm, with what is there now: values, and where they stand in a drawing. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from labkit.seen import reference
from labkit.seen.engines import Engine, Image
from labkit.seen.lab import WORKSTATION, SeenLab, Unobserved
from labkit.seen.observation import Observation
from labkit.seen.registries import Registry
from labkit.seen.swarm import ON_THE_WAY, Member, Service, Task

COLORS = 8
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MOST_ROWS = 8


@dataclass(frozen=True)
class Mark:
    """What stands for what is in an image: the same letter and color wherever that is."""

    letter: str
    color: int


@dataclass(frozen=True)
class Row:
    """One thing in a box. `state`: "", running, moving, failed."""

    name: str
    detail: str
    state: str = ""
    fingerprint: str = ""
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


def picture(observation: Observation) -> Picture:
    """What is there. A part that did not answer is told as such."""
    lab = SeenLab(observation)
    fingerprints = _fingerprints(lab)
    boxes = [
        *_box("ci", WORKSTATION, "no image yet", lambda: _images(lab, lab.workstation, tasks=False)),
        *_registries(lab),
        *_box("cd", "services", "no service yet", lambda: _services(lab)),
        *_swarm(lab, fingerprints),
    ]
    rows = [_known(row, fingerprints) for box in boxes for row in box.rows]
    marks = _marks({row.fingerprint for row in rows if row.fingerprint})
    return Picture(tuple(_marked(box, fingerprints, marks) for box in boxes))


def _known(row: Row, fingerprints: dict[str, str]) -> Row:
    """The row with the fingerprint of the image that its digest names, where a registry knows it."""
    return replace(row, fingerprint=fingerprints.get(row.fingerprint, row.fingerprint))


def _marked(box: Box, fingerprints: dict[str, str], marks: dict[str, Mark]) -> Box:
    rows = [replace(row, mark=marks.get(_known(row, fingerprints).fingerprint)) for row in box.rows]
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


def _images(lab: SeenLab, engine: Engine, tasks: bool) -> Iterable[Row]:
    seeded = _seeded(lab)
    for image in sorted(engine.images, key=lambda image: (_brought(image, seeded), image.tags)):
        names = image.tags or tuple(found.name for name in image.digests if (found := reference.parse(name)))
        for name in names if not tasks else names[:1]:
            yield Row(name, f"id {_short(image.id)}", fingerprint=image.fingerprint)


def _seeded(lab: SeenLab) -> set[tuple[str, str]]:
    """(registry, repository) of what the lab brought along."""
    try:
        return {(registry.host, name) for registry in lab.registries.values() for name in registry.seeded}
    except Unobserved:
        return set()


def _brought(image: Image, seeded: set[tuple[str, str]]) -> bool:
    names = [found for tag in image.tags if (found := reference.parse(tag))]
    return any((name.registry, name.repository) in seeded for name in names)


def _registries(lab: SeenLab) -> list[Box]:
    """A box for each registry; one that lies aside and is empty is left out."""
    try:
        registries = list(lab.registries.values())
    except Unobserved as gap:
        return [Box("registry", "registries", (), f"do not answer ({gap})")]
    rows = [(registry, tuple(_registry(registry))) for registry in registries]
    return [
        Box("registry", registry.title, held, "nothing yet")
        for number, (registry, held) in enumerate(rows)
        if held or not number
    ]


def _registry(registry: Registry) -> Iterable[Row]:
    names = sorted(registry.repositories, key=lambda name: (name in registry.seeded, name))
    for name in names:
        for tag, digest in sorted(registry.repositories[name].items()):
            found = registry.fingerprints(digest)
            told = registry.name(name, tag).removeprefix(f"{registry.host}/")
            yield Row(told, f"digest {_short(digest)}", fingerprint=min(found) if found else digest)


def _services(lab: SeenLab) -> Iterable[Row]:
    for service in sorted(lab.swarm.services.values(), key=lambda service: service.name):
        wanted = service.replicas if service.replicas is not None else len({task.node for task in service.current})
        running = len(service.running)
        state = "running" if running >= wanted else "failed" if _failure(service) else "moving"
        detail = f"{running} of {wanted} run · {service.asked.rpartition('/')[2]}"
        yield Row(service.name, detail, state, fingerprint=service.digest or service.asked)


def _failure(service: Service) -> Task | None:
    ended = [task for task in service.current if task.state in ("failed", "rejected")]
    return max(ended, key=lambda task: task.since, default=None)


def _swarm(lab: SeenLab, fingerprints: dict[str, str]) -> Iterable[Box]:
    try:
        swarm = lab.swarm
    except Unobserved as gap:
        yield Box("swarm", "Swarm", (), f"does not answer ({gap})")
        return
    if not swarm.active:
        yield Box("swarm", "Swarm", (), "no Swarm: the manager left it")
        return
    tasks: dict[str, list[Row]] = {}
    for service in sorted(swarm.services.values(), key=lambda service: service.name):
        for task in _shown(service):
            tasks.setdefault(task.node, []).append(_task(service, task))
    for name, member in sorted(swarm.members.items(), key=lambda item: (item[1].role != "manager", item[0])):
        pulled: list[Row] = []
        title = f"{name} · {_part(member)}"
        if member.role != "manager":
            try:
                used = {fingerprints.get(row.fingerprint) for row in tasks.get(name, [])}
                held = _images(lab, lab.engine(name), tasks=True)
                pulled = [replace(row, name=f"has {row.name}") for row in held if row.fingerprint not in used]
            except Unobserved:
                title = f"{name} · does not answer"
        yield Box("swarm", title, (*tasks.get(name, []), *pulled), "no task")
    if waiting := tasks.get("", []):
        yield Box("swarm", "on no node yet", tuple(waiting), "")


def _part(member: Member) -> str:
    if member.state != "ready":
        return member.state
    return member.role if member.availability == "active" else f"{member.role}, {member.availability}"


def _shown(service: Service) -> list[Task]:
    """The newest task of each slot, and where that is only on its way, why the one before it ended."""
    places: dict[object, list[Task]] = {}
    for task in sorted(service.tasks, key=lambda task: task.created, reverse=True):
        places.setdefault(task.place, []).append(task)
    shown = []
    for newest, *older in places.values():
        if newest.desired == "remove" or (newest.desired == "shutdown" and newest.state in ("shutdown", "orphaned")):
            continue
        before = next((task for task in older if task.state in ("failed", "rejected")), None)
        waits = newest.state in ON_THE_WAY and not newest.error
        why = f"before: {before.error or before.message}" if waits and before else newest.error
        shown.append(msgspec.structs.replace(newest, error=why))
    return sorted(shown, key=lambda task: (task.slot, task.node))


def _task(service: Service, task: Task) -> Row:
    state = "running" if task.state == "running" else "failed" if task.state in ("failed", "rejected") else "moving"
    why = f": {task.error}" if task.error else ""
    name = f"{service.name}.{task.slot}" if task.slot else service.name
    image = reference.parse(task.image)
    tag = (image.tag or "by digest") if image else task.image
    detail = f"{task.state}{why}" if why or state != "running" else f"running {tag}"
    return Row(name, detail, state, fingerprint=(image.digest if image else "") or task.image)


def _fingerprints(lab: SeenLab) -> dict[str, str]:
    """{digest: fingerprint} for every manifest that the registries hold: what runs is named by a digest."""
    try:
        registries = list(lab.registries.values())
    except Unobserved:
        return {}
    held = [(registry, digest) for registry in registries[:1] for digest in registry.manifests]
    return {digest: min(found) for registry, digest in held if (found := registry.fingerprints(digest))}


def _short(digest: str) -> str:
    return digest.partition(":")[2][:7] or digest[:7]


def _marks(fingerprints: set[str]) -> dict[str, Mark]:
    """A letter and a color for each fingerprint: its own where that is free, so that it keeps them while others come and go."""
    marks: dict[str, Mark] = {}
    letters, colors = set(LETTERS), set(range(COLORS))
    for fingerprint in sorted(fingerprints):
        number = int(hashlib.sha256(fingerprint.encode(errors="replace")).hexdigest()[:8], 16)
        letter = _free(LETTERS, number, letters) if letters else LETTERS[number % len(LETTERS)]
        color = _free(range(COLORS), number, colors) if colors else number % COLORS
        letters.discard(letter)
        colors.discard(color)
        marks[fingerprint] = Mark(letter, color)
    return marks


def _free(every: Sequence[Any], start: int, free: set[Any]) -> Any:
    return next(found for step in range(len(every)) if (found := every[(start + step) % len(every)]) in free)
