"""Loads exercises: a folder with lesson.md, checks.py, exercise.toml, and files/ where a learner needs some."""

import functools
import hashlib
import importlib.util
import os
import sys
import tomllib
import traceback
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.content.check import Check
from labkit.errors import LabError, nearest
from labkit.seen.observation import sections

STANDARD = ("hub", "private")
"""The registries of an exercise that names none."""
FIRST = "00-start.ipynb"
"""The start page's notebook: what a learner opens."""


@dataclass(frozen=True)
class Exercise:
    """One exercise. `needs` names exercises whose result this one builds on, `sees` the sections of an observation that its
    checks read, `extras` the parts that it needs beyond the standard lab (`lab = ["registry"]` in exercise.toml)."""

    slug: str
    title: str
    learn: str
    """What one learns here, as the end of a sentence: "how a registry knows you"."""
    folder: Path
    checks: tuple[Check, ...]
    needs: tuple[str, ...]
    sees: tuple[str, ...]
    asks: tuple[str, ...]
    """Services whose apps are asked for their page (the section `pages`)."""
    registries: tuple[str, ...]
    """Keys of the registries that this is about (labkit/edge/registries.json): the picture shows them and no others."""
    extras: tuple[str, ...]
    trial: tuple[str, ...]
    """What a trial brings: of a pipeline, the files of the exercise that its commits bring (labkit/lab/playing/trial.py), of a
    retention script, its name (retention.py); none where nothing is tried."""
    reset: dict[str, Any]
    quiz: tuple[dict[str, Any], ...]
    reflection: dict[str, Any]
    """`ask`, and the `rubric` that an instructor reads it by; empty where nothing is to be written."""

    @property
    def points(self) -> int:
        """What can be earned in every lab."""
        return sum(check.points for check in self.checks if check.missing is None)

    def check(self, name: str) -> Check:
        """The check with that id. Raises LabError that names the near one."""
        for check in self.checks:
            if check.id == name.replace("-", "_"):
                return check
        known = [check.id for check in self.checks]
        raise LabError(f"{self.slug} has no check {name!r}: {nearest(name, known)}", f"labkit check {self.slug}")


def folder() -> Path:
    return paths.course() / "exercises"


def solutions(slug: str) -> Path:
    """Folder with the solve.sh and wrong-*.sh of an exercise."""
    return paths.course() / "solutions" / slug


def solution(slug: str) -> str:
    """The reference solution. Raises LabError where it does not lie here."""
    file = solutions(slug) / "solve.sh"
    try:
        return file.read_text()
    except OSError as error:
        kept = paths.home().guest
        raise LabError(
            f"The solution of {slug} is kept by the workshop's owner." if kept else f"{slug} has no solve.sh.",
            "compare with the others, once you are done" if kept else f"write {file}",
        ) from error


def slugs() -> list[str]:
    return sorted(file.parent.name for file in folder().glob("*/checks.py"))


def load(slug: str) -> Exercise:
    """Raises LabError where there is no such exercise, or where it cannot be read."""
    # Asked for often: one folder is listed, and one file looked for. A name that is listed is no path to elsewhere.
    if slug not in {place.name for place in folder().glob("*")} or not (folder() / slug / "checks.py").is_file():
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
        learn=settings.get("learn", ""),
        folder=place,
        checks=_checks(place / "checks.py"),
        needs=tuple(settings.get("needs", ())),
        sees=_sees(settings, place),
        asks=tuple(settings.get("asks", ())),
        registries=tuple(settings.get("registries", STANDARD)),
        extras=tuple(settings.get("lab", ())),
        trial=tuple(settings.get("trial", ())),
        reset=settings.get("reset", {}),
        quiz=tuple(settings.get("quiz", ())),
        reflection=settings.get("reflection", {}),
    )


def _sees(settings: dict[str, Any], place: Path) -> tuple[str, ...]:
    named = tuple(settings.get("sees", ()))
    if unknown := [name for name in named if name not in sections()]:
        known = ", ".join(sections())
        raise LabError(
            f"{place.name} sees {unknown[0]!r}, which is not a section.", f"known: {known} ({place}/exercise.toml)"
        )
    return named


def seen_by(exercises: Iterable[Exercise]) -> tuple[str, ...]:
    """The sections that these exercises' checks read, in order."""
    named = {name for exercise in exercises for name in exercise.sees}
    return tuple(name for name in sections() if name in named)


def asked() -> tuple[str, ...]:
    """The services whose apps some exercise has asked for their page."""
    return tuple(sorted({name for exercise in every() for name in exercise.asks}))


def _checks(file: Path) -> tuple[Check, ...]:
    name = f"labkit_exercise_{file.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        told = f"{file}{_line(file, error)} cannot be loaded: {type(error).__name__}: {error}"
        raise LabError(told, f"python {file}") from error
    found = sorted((check for check in vars(module).values() if isinstance(check, Check)), key=lambda check: check.line)
    known = {check.id for check in found}
    for check in found:
        if unknown := [need for need in check.needs if need not in known]:
            raise LabError(
                f"{file}: {check.id} needs {unknown[0]!r}, which is not one of its checks.", f"look into {file}"
            )
    return tuple(found)


def _line(file: Path, error: Exception) -> str:
    """ ", line 12" where the error names a line of this file."""
    inside = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if isinstance(error, SyntaxError) and error.filename == str(file):
        inside.append(error.lineno)
    return f", line {inside[-1]}," if inside and inside[-1] else ""


def every() -> list[Exercise]:
    return [load(slug) for slug in slugs()]


def following(slug: str, among: Collection[str] = ()) -> Exercise | None:
    """The exercise that comes after this one, of all or of those among which it must be; None after the last. Raises LabError
    where it cannot be read."""
    return next((load(other) for other in slugs() if other > slug and (not among or other in among)), None)


def chosen(names: tuple[str, ...] | list[str]) -> list[Exercise]:
    """The named exercises, or all. A number or the start of a name will do. Raises LabError."""
    known = slugs()
    found = []
    for name in names:
        wanted = name.rstrip("/").rsplit("/", 1)[-1]
        fitting = [slug for slug in known if slug == wanted or slug.split("-")[0] == wanted.zfill(2)]
        found.append(load(fitting[0] if fitting else wanted))
    return found or every()


JUDGES = ("content/*.py", "content/facts/*.py", "content/diagnoses/en.toml", "seen/*.py", "grading/grade.py")
"""What decides about points and words beside the exercises' own files: the checks' tools, the reading of what was seen, the
judge, and the sentences."""


def stamp() -> tuple[tuple[str, int, int, int], ...]:
    """Differs when a file of an exercise is another one than before, or has changed: (path, inode, size, time in ns) of each.
    It reads none of them."""
    told = []
    for place in os.scandir(folder()):
        if place.is_dir():
            for file in os.scandir(place):
                if file.name.endswith(FILES):
                    one = file.stat()
                    told.append((file.path, one.st_ino, one.st_size, one.st_mtime_ns))
    return tuple(sorted(told))


FILES = (".py", ".toml", ".md")
"""How an exercise's own files end."""


MADE_FROM = "made-from"
"""In the exercises of a workshop's learners (sealed.py): the version of the content that they were made from."""


@functools.cache
def version() -> str:
    """Names the content: a hash of every file that judges. Kept with each attempt, observation and report."""
    if (made := folder() / MADE_FROM).is_file():
        return made.read_text()
    package = Path(__file__).parents[1]
    files = [file for pattern in JUDGES for file in sorted(package.glob(pattern))]
    files += [file for file in sorted(folder().glob("*/*")) if file.suffix in (".py", ".toml")]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.parent.name}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
