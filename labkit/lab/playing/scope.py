"""What a reset brings back: a value. An exercise's stands in its exercise.toml; the whole lab's says "everything"."""

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
    """What to bring back. Texts are patterns of names (`*` is any), looked for on every machine and in every registry."""

    services: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    """With their services, networks, secrets and configs."""
    secrets: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    """Of a name with its tag, or of the name alone."""
    repositories: tuple[str, ...] = ()
    """Of a repository's last part, whatever its namespace and registry."""
    sign_out: bool = False
    nodes: bool = False
    """Every node open for tasks and without labels."""
    machines: bool = False
    """The machines themselves: Swarm, build cache, plugins, files, and what else no pattern names."""
    exercises: tuple[str, ...] = ()
    """Whose evidence in the access log begins anew."""
    answers: tuple[str, ...] = ()
    """Exercises whose answers are forgotten."""

    def __or__(self, other: "Scope") -> "Scope":
        """What either of them brings back."""
        return Scope(**{one.name: _join(getattr(self, one.name), getattr(other, one.name)) for one in fields(self)})

    def takes(self, kind: str, name: str, labels: dict[str, str] | None = None) -> bool:
        """Whether a thing of that kind ("services", "networks", …) goes: by its name, or by its stack's."""
        stack = (labels or {}).get(STACK, "")
        return fits(name, getattr(self, kind)) or bool(stack and fits(stack, self.stacks))

    def takes_image(self, name: str) -> bool:
        """Whether the image goes that has this name: repository:tag or repository@digest."""
        return fits(name, self.images) or fits(_repository(name), self.images)


PATTERNS = ("services", "stacks", "secrets", "configs", "containers", "networks", "volumes", "images", "repositories")
FLAGS = ("sign_out", "nodes")


def everything(slugs: Iterable[str]) -> Scope:
    """The whole lab as it was when it had just started; `slugs` are its exercises."""
    every = tuple(slugs)
    patterns: dict[str, Any] = dict.fromkeys(PATTERNS, ("*",))
    return Scope(**patterns, sign_out=True, nodes=True, machines=True, exercises=every, answers=every)


def of(exercise: Exercise) -> Scope:
    """What that exercise's `[reset]` names. Raises LabError where it says what no reset knows."""
    settings = dict(exercise.reset)
    file = exercise.folder / "exercise.toml"
    answers = settings.pop("answers", False)
    told: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in (*PATTERNS, *FLAGS):
            raise LabError(
                f"{file}: [reset] does not know {key!r}.", f"one of {', '.join((*PATTERNS, *FLAGS, 'answers'))}"
            )
        told[key] = tuple(map(str, value)) if key in PATTERNS and isinstance(value, list) else value
        if not isinstance(told[key], tuple if key in PATTERNS else bool):
            shape = "a list of patterns" if key in PATTERNS else "true or false"
            raise LabError(f"{file}: {key} in [reset] is {shape}.", f"look into {file}")
    return Scope(**told, exercises=(exercise.slug,), answers=(exercise.slug,) if answers else ())


def fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _repository(image: str) -> str:
    found = reference.parse(image)
    return found.name if found else image


def _join(one: Any, other: Any) -> Any:
    return one or other if isinstance(one, bool) else tuple(dict.fromkeys((*one, *other)))
