"""The way of an image, CI → registry → CD → Swarm, with what is there now. Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec

from labkit.seen import reference
from labkit.seen.engines import Engine, Image
from labkit.seen.lab import WORKSTATION, NotAsked, SeenLab, Unobserved
from labkit.seen.observation import Observation
from labkit.seen.registries import Registry
from labkit.seen.runs import SHORTEST, Run
from labkit.seen.swarm import ON_THE_WAY, Member, Service, Task

COLORS = 8
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MOST_ROWS = 8
"""The most rows in a box. With more, the whole picture would not fit above the checks."""

MOST_REGISTRIES = 3
"""With more, they stand side by side, each in few words."""

NO_TITLES: Mapping[str, str] = MappingProxyType({})
STILL_EMPTY = "still empty"
"""The title of the box that names the registries with nothing in them."""
COMMITS = 3
"""The newest commits that are shown, of those that were run."""

REPOSITORY = "repository"
"""The title of the box of the learner's git repository, where the lab has one."""

RUN_STATES = {
    "queued": "moving",
    "running": "moving",
    "success": "",
    "failure": "failed",
    "cancelled": "old",
    "timeout": "failed",
}
"""{a run's state: a row's}"""

STAGES = {
    "ci": ("CI", "builds and tests", "push"),
    "registry": ("Registry", "stores and serves", "pull"),
    "cd": ("CD", "deploys", "run"),
    "swarm": ("Swarm", "runs", ""),
}
"""{stage: (its name, what it does, the way from there to the next)}"""


@dataclass(frozen=True)
class Mark:
    """Stands for an image's content: the same letter and color wherever that content is."""

    letter: str
    color: int


@dataclass(frozen=True)
class Row:
    """One thing in a box. `state`: "", running, old (runs, but what the service was before its update), moving, failed."""

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

    @property
    def key(self) -> str:
        """Identifies the box, whatever else its title says at the moment."""
        return key(self.stage, self.title.partition(" · ")[0])

    @property
    def keyed(self) -> dict[str, Row]:
        """{what names the row in the whole picture: row}"""
        found: dict[str, Row] = {}
        for row in self.rows:
            same = sum(other.name == row.name for other in found.values())
            found[f"{self.key}/{row.name}" + (f" ({same + 1})" if same else "")] = row
        return found

    def words(self) -> str:
        inside = "; ".join(row.words() for row in self.rows) or self.empty
        return f"{self.title}: {inside}."


def key(stage: str, name: str) -> str:
    """Identifies a box: the machine or the registry, and its place on the way."""
    return f"{stage} {name}"


@dataclass(frozen=True)
class Picture:
    boxes: tuple[Box, ...]

    @property
    def keyed(self) -> dict[str, Row]:
        """{what names a row: the row}"""
        return {name: row for box in self.boxes for name, row in box.keyed.items()}

    def words(self) -> list[str]:
        """The same for people who can't see it: one sentence per box."""
        return [box.words() for box in self.boxes]

    @property
    def many(self) -> bool:
        """Whether there are more registries than stand one below the other in a narrow panel."""
        return len(self.stage("registry")) > MOST_REGISTRIES

    def stage(self, name: str) -> list[Box]:
        return [box for box in self.boxes if box.stage == name]


def picture(
    observation: Observation, registries: Collection[str] | None = None, titles: Mapping[str, str] = NO_TITLES
) -> Picture:
    """What is there. A part that did not answer is shown as such. Of the registries that come with the lab, only those with
    the keys in `registries` are shown, or all of them. `titles`, by key, are of those that are named while they are empty:
    nobody has used them yet, so the observation may not even have them."""
    lab = SeenLab(observation)
    fingerprints = _fingerprints(lab)
    boxes = [
        *_box(
            "ci",
            REPOSITORY,
            "no commit yet" if lab.observation.runs and lab.observation.runs.there else "",
            lambda: _commits(lab),
        ),
        *_box("ci", WORKSTATION, "no image yet", lambda: _images(lab, lab.workstation, tasks=False)),
        *_registries(lab, registries, titles),
        *_box("cd", "services", "no service yet", lambda: _services(lab)),
        *_swarm(lab, fingerprints),
    ]
    rows = [_known(row, fingerprints) for box in boxes for row in box.rows]
    marks = _marks({row.fingerprint for row in rows if row.fingerprint})
    return Picture(tuple(_marked(box, fingerprints, marks) for box in boxes))


def _known(row: Row, fingerprints: dict[str, str]) -> Row:
    """The row with the fingerprint of the image that its digest names, if a registry knows it."""
    return replace(row, fingerprint=fingerprints.get(row.fingerprint, row.fingerprint))


def _marked(box: Box, fingerprints: dict[str, str], marks: dict[str, Mark]) -> Box:
    rows = [replace(row, mark=marks.get(_known(row, fingerprints).fingerprint)) for row in box.rows]
    if len(rows) > MOST_ROWS:
        more = len(rows) - MOST_ROWS + 1
        rows = [*rows[: MOST_ROWS - 1], Row(f"and {more} more", "")]
    return replace(box, rows=tuple(rows))


def _silent(gap: Unobserved, not_asked: str = "was not looked at", away: str = "does not answer") -> str:
    """Why nothing is seen of a part: an observation that was made for one exercise has what that exercise looks at."""
    return not_asked if isinstance(gap, NotAsked) else f"{away} ({gap})"


def _box(stage: str, title: str, empty: str, look: Callable[[], Iterable[Row]]) -> list[Box]:
    try:
        rows = tuple(look())
    except Unobserved as gap:
        return [Box(stage, title, (), _silent(gap))]
    return [Box(stage, title, rows, empty)] if rows or empty else []


def _commits(lab: SeenLab) -> Iterable[Row]:
    """The newest commits that were pushed and run, each with the image that was built of it, so that it can be followed."""
    runs = lab.observation.runs
    images = built(lab)
    shown: dict[str, Run] = {}
    for run in reversed(runs.runs if runs else ()):
        shown.setdefault(run.commit, run)
    for run in list(shown.values())[:COMMITS]:
        step = next((one.step for one in run.stages if one.state == "running"), "")
        detail = f"run {run.number}: {step or run.state}"
        yield Row(
            f"commit {run.commit[:7]}", detail, RUN_STATES.get(run.state, ""), fingerprint=images.get(run.commit, "")
        )


def built(lab: SeenLab) -> dict[str, str]:
    """{commit that was run: the fingerprint of the image on the workstation that has its name for a tag}"""
    runs, engines = lab.observation.runs, lab.observation.engines or {}
    if not runs or WORKSTATION not in engines:
        return {}
    commits = {run.commit for run in runs.runs}
    found: dict[str, str] = {}
    for image in engines[WORKSTATION].images:
        tags = [name.tag for text in image.tags if (name := reference.parse(text)) and len(name.tag) >= SHORTEST]
        found |= {commit: image.fingerprint for commit in commits for tag in tags if commit.startswith(tag)}
    return found


def _images(lab: SeenLab, engine: Engine, tasks: bool) -> Iterable[Row]:
    seeded = _seeded(lab)
    for image in sorted(engine.images, key=lambda image: (_brought(image, seeded), image.tags)):
        names = image.tags or tuple(found.name for name in image.digests if (found := reference.parse(name)))
        for name in names if not tasks else names[:1]:
            yield Row(name, f"id {_short(image.id)}", fingerprint=image.fingerprint)


def _seeded(lab: SeenLab) -> set[tuple[str, str]]:
    """(registry, repository) of everything that came with the lab."""
    try:
        return {(registry.host, name) for registry in lab.registries.values() for name in registry.seeded}
    except Unobserved:
        return set()


def _brought(image: Image, seeded: set[tuple[str, str]]) -> bool:
    names = [found for tag in image.tags if (found := reference.parse(tag))]
    return any((name.registry, name.repository) in seeded for name in names)


def _registries(lab: SeenLab, shown: Collection[str] | None, titles: Mapping[str, str]) -> list[Box]:
    """A box for each registry; the first is always shown, another that is empty is only named, in one box with its like, or
    left out. One of the learner's own has its address for a key, and is shown whatever `shown` says."""
    try:
        registries = [
            registry
            for registry in lab.registries.values()
            if shown is None or registry.key in shown or registry.key == registry.host
        ]
    except Unobserved as gap:
        return [Box("registry", "registries", (), _silent(gap, "were not looked at", "do not answer"))]
    rows = {registry.key: tuple(_registry(registry)) for registry in registries}
    boxed = [registry for number, registry in enumerate(registries) if rows[registry.key] or not number]
    empty = [title for key, title in titles.items() if key not in {registry.key for registry in boxed}]
    boxes = [Box("registry", registry.title, rows[registry.key], "nothing yet") for registry in boxed]
    return [*boxes, Box("registry", STILL_EMPTY, (), ", ".join(empty))] if empty else boxes


def _registry(registry: Registry) -> Iterable[Row]:
    names = sorted(registry.repositories, key=lambda name: (name in registry.seeded, name))
    for name in names:
        for tag in registry.tags(name):
            digest = registry.repositories[name][tag]
            found = registry.fingerprints(digest)
            told = registry.name(name, tag).removeprefix(f"{registry.host}/")
            yield Row(told, f"digest {_short(digest)}", fingerprint=min(found) if found else digest)


def _services(lab: SeenLab) -> Iterable[Row]:
    for service in sorted(lab.swarm.services.values(), key=lambda service: service.name):
        wanted = service.replicas if service.replicas is not None else len({task.node for task in service.current})
        running = len(service.running)
        state = "running" if running >= wanted else "failed" if _failure(service) else "moving"
        detail = _update(service) or f"run · {service.asked.rpartition('/')[2]}"
        detail = f"{running} of {wanted} {detail}"
        yield Row(service.name, detail, state, fingerprint=service.digest or service.asked)


def _update(service: Service) -> str:
    """What runs while an update is not through: the new version, and of what else how many tasks. "" without an update."""
    left = [task for task in service.tasks if _is_old(service, task)]
    before = ", ".join(sorted({_tag(task.image) for task in left}))
    paused = " · update paused" if service.update_state in ("paused", "rollback_paused") else ""
    return f"{_tag(service.image)}, {len(left)} still {before}{paused}" if left else ""


def _is_old(service: Service, task: Task) -> bool:
    """Whether it still runs, as the service was before its update."""
    return (task.state, task.desired) == ("running", "running") and task not in service.current


def _tag(image: str) -> str:
    found = reference.parse(image)
    return (found.tag or "by digest") if found else image


def _failure(service: Service) -> Task | None:
    ended = [task for task in service.current if task.state in ("failed", "rejected")]
    return max(ended, key=lambda task: task.since, default=None)


def _swarm(lab: SeenLab, fingerprints: dict[str, str]) -> Iterable[Box]:
    try:
        swarm = lab.swarm
    except Unobserved as gap:
        yield Box("swarm", "Swarm", (), _silent(gap))
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
    """The newest task of each slot, and if it is only starting, why the one before it ended. During an update, an old
    task that runs until its successor does, too."""
    places: dict[object, list[Task]] = {}
    for task in sorted(service.tasks, key=lambda task: task.created, reverse=True):
        places.setdefault(task.place, []).append(task)
    shown = []
    for newest, *older in places.values():
        shown += [task for task in older if _is_old(service, task)]
        if newest.desired == "remove" or (newest.desired == "shutdown" and newest.state in ("shutdown", "orphaned")):
            continue
        before = next((task for task in older if task.state in ("failed", "rejected")), None)
        waits = newest.state in ON_THE_WAY and not newest.error
        why = f"the one before it: {before.reason}" if waits and before else newest.error
        shown.append(msgspec.structs.replace(newest, error=why))
    return sorted(shown, key=lambda task: (task.slot, task.node))


def _task(service: Service, task: Task) -> Row:
    state = "running" if task.state == "running" else "failed" if task.state in ("failed", "rejected") else "moving"
    state = "old" if _is_old(service, task) else state
    why = f": {task.error}" if task.error else ""
    name = f"{service.name}.{task.slot}" if task.slot else service.name
    image = reference.parse(task.image)
    word = {"running": "running", "old": "still"}.get(state)
    detail = f"{word} {_tag(task.image)}" if word and not why else f"{task.state}{why}"
    return Row(name, detail, state, fingerprint=(image.digest if image else "") or task.image)


def _fingerprints(lab: SeenLab) -> dict[str, str]:
    """{digest: fingerprint} for every manifest in the registries: what runs is named by a digest."""
    try:
        registries = list(lab.registries.values())
    except Unobserved:
        return {}
    held = [(registry, digest) for registry in registries[:1] for digest in registry.manifests]
    return {digest: min(found) for registry, digest in held if (found := registry.fingerprints(digest))}


def _short(digest: str) -> str:
    return digest.partition(":")[2][:7] or digest[:7]


def _marks(fingerprints: set[str]) -> dict[str, Mark]:
    """A letter and a color for each fingerprint: its own if free, so that they stay while others come and go."""
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
