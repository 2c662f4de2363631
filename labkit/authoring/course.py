"""A course that its author can change. The course inside the installed package must not be changed, so it is copied first."""

import os
import shutil
from pathlib import Path

from labkit import paths
from labkit.errors import LabError

PARTS = ("exercises", "solutions", "notebooks")


def own(here: Path) -> Path | None:
    """Makes this process use a course that can be changed: a copy of the installed one, in the folder `course` in `here`,
    created if it is not there. Returns that folder, or None if the course is the author's already. Raises LabError."""
    if not paths.packaged():
        return None
    copy = here / paths.COURSE
    for name in PARTS:
        if not (copy / name).is_dir():
            try:
                shutil.copytree(paths.course() / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            except (OSError, shutil.Error) as error:
                raise LabError(
                    f"The course could not be copied to {copy}: {error}.", "cd to a folder where you can write"
                ) from error
    os.environ["LABKIT_COURSE"] = str(copy)
    return copy


def check() -> None:
    """Raises LabError if the course is the installed one."""
    if paths.packaged():
        raise LabError(
            f"The installed course can't be changed: {paths.course()}.",
            "export LABKIT_COURSE=FOLDER, with a copy made by `labkit new`",
        )
