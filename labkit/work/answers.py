"""A learner's answers to the quizzes, and free text, kept in the learner's folder."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.errors import LabError

FILE = ".labkit/answers.json"


def load(work: Path) -> dict[str, dict[str, str]]:
    """{exercise: {question: answer}}; empty where nothing was answered or the file is damaged."""
    try:
        data = json.loads((work / FILE).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {str(slug): _texts(one) for slug, one in data.items() if isinstance(one, dict)}


def _texts(data: dict[Any, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in data.items()}


def save(work: Path, slug: str, given: dict[str, str]) -> None:
    """Keeps these answers beside the earlier ones; an empty one leaves what was there. Raises LabError."""
    with _lock(work):
        data = load(work)
        data[slug] = {**data.get(slug, {}), **{name: text for name, text in given.items() if text.strip()}}
        _write(work, data)


def forget(work: Path, slug: str) -> None:
    """Takes the answers to an exercise away. Raises LabError."""
    if slug in load(work):
        with _lock(work):
            data = load(work)
            data.pop(slug, None)
            _write(work, data)


@contextlib.contextmanager
def _lock(work: Path) -> Iterator[None]:
    """One writer at a time: a panel keeps several answers side by side."""
    file = work / FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file.with_name("answers.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unkept(work, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _unkept(work: Path, error: OSError) -> LabError:
    return LabError(
        f"Your answers could not be kept in {work / FILE}: {error.strerror}.", f"make room, or check {work}"
    )


def _write(work: Path, data: dict[str, dict[str, str]]) -> None:
    file = work / FILE
    partial = file.with_name(file.name + ".partial")
    try:
        partial.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        partial.replace(file)
    except OSError as error:
        raise _unkept(work, error) from error
