"""Writes an nbgrader course: one assignment for the workshop, one notebook for each exercise, one graded cell in it.

No lab runs where nbgrader grades, so a learner hands in an observation that the workshop's key has signed (`labkit observe` of
a guest), and the cell grades that. What it must hold (time, whose it is) lies in SETTINGS, the public key in KEY, at the
course's root: learners neither get these nor hand them in.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from labkit.classroom.gradebook import Moment
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.seen.signature import Public

SETTINGS, KEY = "registry-lab.json", "workshop.pub"
OBSERVATION = "observation.json"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}", re.ASCII)
"""An assignment's name: a folder's, and nbgrader allows no "+"."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an observation must be to count."""

    since: Moment | None = None
    until: Moment | None = None
    learners: dict[str, str] = {}
    """{nbgrader's student: the learner's name in the lab}, where the two differ."""

    def learner(self, student: str) -> str:
        return self.learners.get(student, student)


CONFIG = '''"""Made by `labkit export nbgrader`. nbgrader needs labkit beside it: pip install 'labkit[nbgrader]'"""

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader import preprocessors as steps

from labkit.classroom.nbgrader.only_ours import OnlyOurs

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = {course}
# Learners hand in an observation, and no code of theirs is run: OnlyOurs takes away cells and files that are not the course's.
c.Autograde.sanitize_preprocessors = [
    steps.ClearOutput,
    steps.DeduplicateIds,
    steps.OverwriteKernelspec,
    steps.OverwriteCells,
    OnlyOurs,
    steps.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    OnlyOurs,
    steps.Execute,
    steps.IgnorePattern,
    ClearMetadataPreprocessor,
    steps.LimitOutput,
    steps.SaveAutoGrades,
    steps.AssignLatePenalties,
    steps.CheckCellMetadata,
]
'''

CELL = """import sys, warnings
sys.path[:] = [place for place in sys.path if place not in ("", ".")]
warnings.simplefilter("ignore")
from labkit.classroom.nbgrader.cells import mark
mark({exercise}, {points})"""
"""Output on standard error costs all points, and so do warnings. What lies beside the notebook is not imported."""

TEXT = """# {title}

1. Work through the lesson in your lab, until `labkit check {slug}` passes.
2. Save what your lab holds, beside this notebook: `labkit observe > observation.json`. The workshop's owner signs it.
3. Run the cell below, to see what it is worth. Then submit the assignment."""


def write(
    folder: Path,
    assignment: str,
    exercises: Sequence[Exercise],
    settings: Settings,
    signed_by: Public,
    course: str = "registry-lab",
) -> list[Path]:
    """Writes the course into a folder that has none yet: the files. Raises LabError."""
    if not NAME.fullmatch(assignment):
        raise LabError(
            f"{assignment!r} can be no assignment's name.", "use letters, digits, points, hyphens, e.g. spring-2027"
        )
    files: Mapping[str, str] = {
        "nbgrader_config.py": CONFIG.format(course=repr(course)),
        SETTINGS: msgspec.json.format(msgspec.json.encode(settings), indent=1).decode() + "\n",
        KEY: msgspec.json.encode(signed_by).decode() + "\n",
        **{
            f"source/{assignment}/{one.slug}.ipynb": json.dumps(notebook(one), indent=1, ensure_ascii=False) + "\n"
            for one in exercises
        },
    }
    if there := [name for name in files if (folder / name).exists()]:
        raise LabError(f"{folder / there[0]} is there already.", "choose a new folder, or remove it")
    written = []
    for name, text in files.items():
        file = folder / name
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        except OSError as error:
            raise LabError(f"{file} could not be written: {error.strerror}.", "choose another folder") from error
        written.append(file)
    return written


def notebook(exercise: Exercise) -> dict[str, Any]:
    """With nbgrader's metadata, schema 3 (https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html)."""
    points = exercise.points
    about = {"schema_version": 3, "locked": True, "solution": False, "task": False}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "id": "text",
                "cell_type": "markdown",
                "metadata": {"nbgrader": {**about, "grade": False, "grade_id": f"{exercise.slug}-text"}},
                "source": TEXT.format(title=exercise.title, slug=exercise.slug),
            },
            {
                "id": "mark",
                "cell_type": "code",
                "execution_count": None,
                "outputs": [],
                "metadata": {"nbgrader": {**about, "grade": True, "grade_id": exercise.slug, "points": points}},
                "source": CELL.format(exercise=repr(exercise.slug), points=points),
            },
        ],
    }


def settings_above(place: Path) -> tuple[Path, Settings] | None:
    """The course that this folder is in; None where it is in none, as a learner's. Raises LabError for a damaged file."""
    for folder in place.parents:  # what lies beside the notebook was handed in
        file = folder / SETTINGS
        if file.is_file():
            try:
                return folder, msgspec.json.decode(file.read_bytes(), type=Settings)
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                raise LabError(f"{file} cannot be read: {error}.", "make the course anew") from error
    return None
