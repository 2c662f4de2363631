"""Loads exercises: a folder with lesson.md, checks.py, exercise.toml, and files/ where a learner needs some."""

import functools
import hashlib
import importlib.util
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.content.check import Check
from labkit.errors import LabError, nearest


@dataclass(frozen=True)
class Exercise:
    """One exercise. `needs` names exercises whose result this one builds on."""

    slug: str
    title: str
    folder: Path
    checks: tuple[Check, ...]
    needs: tuple[str, ...]
    reset: dict[str, Any]
    quiz: tuple[dict[str, Any], ...]
    reflection: dict[str, Any]
    """`ask`, and the `rubric` that an instructor reads it by; empty where nothing is to be written."""

    @property
    def points(self) -> int:
        return sum(check.points for check in self.checks)

    def check(self, name: str) -> Check:
        """The check with that id. Raises LabError that names the near one."""
        for one in self.checks:
            if one.id == name.replace("_", "-"):
                return one
        known = [one.id for one in self.checks]
        raise LabError(f"{self.slug} has no check {name!r}: {nearest(name, known)}", f"labkit check {self.slug}")


def folder() -> Path:
    return paths.course() / "exercises"


def solutions(slug: str) -> Path:
    """Folder with the solve.sh and wrong-*.sh of an exercise."""
    return paths.course() / "solutions" / slug


def slugs() -> list[str]:
    return sorted(one.parent.name for one in folder().glob("*/checks.py"))


def load(slug: str) -> Exercise:
    """Raises LabError where there is no such exercise, or where it cannot be read."""
    if slug not in slugs():
        raise LabError(
            f"There is no exercise {slug!r}: {nearest(slug, slugs())}", "labkit check   (grades all of them)"
        )
    return read(folder() / slug)


@functools.cache
def read(place: Path) -> Exercise:
    """The exercise in that folder. Raises LabError that says which file is at fault."""
    try:
        settings = tomllib.loads((place / "exercise.toml").read_text())
        title = next(line for line in (place / "lesson.md").read_text().splitlines() if line.startswith("# "))
    except (OSError, tomllib.TOMLDecodeError, StopIteration) as error:
        what = "lesson.md has no title (# …)" if isinstance(error, StopIteration) else str(error)
        raise LabError(f"The exercise {place.name} cannot be read: {what}", f"look into {place}") from error
    return Exercise(
        slug=place.name,
        title=title.removeprefix("# ").strip(),
        folder=place,
        checks=_checks(place / "checks.py"),
        needs=tuple(settings.get("needs", ())),
        reset=settings.get("reset", {}),
        quiz=tuple(settings.get("quiz", ())),
        reflection=settings.get("reflection", {}),
    )


def _checks(file: Path) -> tuple[Check, ...]:
    name = f"labkit_exercise_{file.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LabError(f"{file} cannot be loaded: {type(error).__name__}: {error}", f"python {file}") from error
    found = sorted((one for one in vars(module).values() if isinstance(one, Check)), key=lambda one: one.line)
    known = {one.id for one in found}
    for one in found:
        if unknown := [need for need in one.needs if need not in known]:
            raise LabError(f"{file}: {one.id} needs {unknown[0]!r}, which is no check of it.", f"look into {file}")
    return tuple(found)


def every() -> list[Exercise]:
    return [load(slug) for slug in slugs()]


def chosen(names: tuple[str, ...] | list[str]) -> list[Exercise]:
    """The named exercises, or all. A number or the start of a name will do. Raises LabError."""
    known = slugs()
    found = []
    for name in names:
        wanted = name.rstrip("/").rsplit("/", 1)[-1]
        fitting = [slug for slug in known if slug == wanted or slug.split("-")[0] == wanted.zfill(2)]
        found.append(load(fitting[0] if fitting else wanted))
    return found or every()


@functools.cache
def version() -> str:
    """Names the content: a hash of every file that decides about points. Kept with each attempt and observation."""
    digest = hashlib.sha256()
    for place in sorted(folder().glob("*/*")):
        if place.suffix in (".py", ".toml"):
            digest.update(f"{place.parent.name}/{place.name}\0".encode() + place.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
