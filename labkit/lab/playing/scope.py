"""What a reset undoes, as a value. An exercise's comes from its exercise.toml; the whole lab's says "everything"."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.seen import reference

STACK = "com.docker.stack.namespace"


@dataclass(frozen=True)
class Scope:
    """What to undo. Texts are patterns of names (`*` matches anything), applied on every machine and in every registry."""

    services: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    """Including their services, networks, secrets and configs."""
    secrets: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    """Patterns of names with their tag, or of names alone."""
    repositories: tuple[str, ...] = ()
    """Patterns of a repository's last part, in any namespace and registry."""
    registries: tuple[str, ...] = ()
    """Keys of registries to empty: their images and whatever else they store (projects, tokens, rules)."""
    sign_out: bool = False
    nodes: bool = False
    """Make every node available for tasks and remove its labels."""
    mirrors: bool = False
    """Make every engine stop using registry mirrors, and put the machine `mirror`, if there is one, back to its start."""
    limits: bool = False
    """Set each registry's pull limit back to its vendor's, with nothing used."""
    pipeline: bool = False
    """Remove the repository on `ci`, its runs and its trials."""
    tools: bool = False
    """What was done on the machine `tools`, and which certificates and names of registries the nodes were told."""
    depot: bool = False
    """The machine `depot`, where there is one, as at its start: its registry, its files, and the trials of a script."""
    manifests: bool = False
    """The learner's files on the machine `kubernetes`, and what its cluster runs."""
    machines: bool = False
    """Put the machines themselves back: Swarm, build cache, plugins, files, and anything that no pattern names."""
    exercises: tuple[str, ...] = ()
    """Exercises whose evidence in the access log starts again."""
    answers: tuple[str, ...] = ()
    """Exercises whose answers are deleted."""

    def __or__(self, other: "Scope") -> "Scope":
        """What either of them undoes."""
        return Scope(**{one.name: _join(getattr(self, one.name), getattr(other, one.name)) for one in fields(self)})

    def takes(self, kind: str, name: str, labels: dict[str, str] | None = None) -> bool:
        """Whether to remove a thing of that kind ("services", "networks", …), by its own name or by its stack's."""
        stack = (labels or {}).get(STACK, "")
        return fits(name, getattr(self, kind)) or bool(stack and fits(stack, self.stacks))

    def takes_image(self, name: str) -> bool:
        """Whether to remove the image with this name (repository:tag or repository@digest)."""
        return fits(name, self.images) or fits(_repository(name), self.images)


PATTERNS = (
    *("services", "stacks", "secrets", "configs", "containers", "networks", "volumes", "images", "repositories"),
    "registries",
)
FLAGS = ("sign_out", "nodes", "mirrors", "limits", "pipeline", "tools", "depot", "manifests")


def everything(slugs: Iterable[str]) -> Scope:
    """Puts the whole lab back to how it was right after its start; `slugs` are its exercises."""
    every = tuple(slugs)
    patterns: dict[str, Any] = dict.fromkeys(PATTERNS, ("*",))
    flags: dict[str, Any] = dict.fromkeys(FLAGS, True)
    return Scope(**patterns, **flags, machines=True, exercises=every, answers=every)


def of(exercise: Exercise) -> Scope:
    """What that exercise's `[reset]` names. Raises LabError if it names something unknown."""
    settings = dict(exercise.reset)
    file = exercise.folder / "exercise.toml"
    answers = settings.pop("answers", False)
    told: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in (*PATTERNS, *FLAGS):
            raise LabError(
                f"{file}: [reset] has no setting {key!r}.", f"one of {', '.join((*PATTERNS, *FLAGS, 'answers'))}"
            )
        told[key] = tuple(map(str, value)) if key in PATTERNS and isinstance(value, list) else value
        if not isinstance(told[key], tuple if key in PATTERNS else bool):
            shape = "a list of patterns" if key in PATTERNS else "true or false"
            raise LabError(f"{file}: {key} in [reset] must be {shape}.", f"edit {file}")
    return Scope(**told, exercises=(exercise.slug,), answers=(exercise.slug,) if answers else ())


def fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _repository(image: str) -> str:
    found = reference.parse(image)
    return found.name if found else image


def _join(one: Any, other: Any) -> Any:
    return one or other if isinstance(one, bool) else tuple(dict.fromkeys((*one, *other)))
