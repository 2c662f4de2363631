"""The course as learners of a graded workshop get it: without the right answers to the quizzes, and without the solutions.
Pure, except that it reads the course."""

import json
import tomllib
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.content import exercises
from labkit.content.quiz import SECRET

GIVEN = ("lesson.md", "*.py", "diagnoses.toml", "files/**/*")
"""The parts of an exercise's folder that learners get as they are; everything else stays."""


def course() -> dict[str, bytes]:
    """{path below the course's folder: content}. Raises LabError if the course cannot be read."""
    root = paths.course()
    found = [*root.glob("notebooks/*.ipynb"), *root.glob("exercises/*.md")]
    files: dict[str, bytes] = {f"exercises/{exercises.MADE_FROM}": exercises.version().encode()}
    for slug in exercises.slugs():
        place = exercises.load(slug).folder
        files[f"exercises/{slug}/exercise.toml"] = settings(place / "exercise.toml").encode()
        found += [file for pattern in GIVEN for file in place.glob(pattern)]
    return files | {str(file.relative_to(root)): file.read_bytes() for file in sorted(found) if file.is_file()}


def settings(file: Path) -> str:
    """An exercise's settings as TOML, without anything that gives away a right answer."""
    told = tomllib.loads(file.read_text())
    if "quiz" in told:
        told["quiz"] = [{key: value for key, value in one.items() if key not in SECRET} for one in told["quiz"]]
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in told.items())
    assert tomllib.loads(text) == told, f"{file} contains a value that cannot be written back"
    return text


def _value(value: Any) -> str:
    """A TOML value: JSON's own, but for tables, which stand in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    return _value(key)
