"""A learner's answers to the questions, and free text, saved in the learner's folder."""

import json
from pathlib import Path
from typing import Any

from labkit.work import keeping

FILE = f"{keeping.FOLDER}/answers.json"


def load(work: Path) -> dict[str, dict[str, str]]:
    """{exercise: {question: answer}}; empty if nothing was answered. A damaged file is set aside."""
    return keeping.load(work / FILE, _parsed, {})


def _parsed(content: bytes) -> dict[str, dict[str, str]]:
    """Raises one of keeping.ODD."""
    return {slug: _texts(given) for slug, given in json.loads(content).items()}


def _texts(given: dict[str, Any]) -> dict[str, str]:
    return {question: _plain(str(answer)) for question, answer in given.items()}


def _plain(text: str) -> str:
    """Without halves of characters (U+D800), which JSON allows but nothing can write or show."""
    return text.encode(errors="replace").decode()


def save(work: Path, slug: str, given: dict[str, str]) -> None:
    """Saves these answers next to the earlier ones; an empty answer changes nothing. Raises LabError."""
    with keeping.lock(work):
        data = load(work)
        said = {question: _plain(text) for question, text in given.items() if text.strip()}
        data[slug] = {**data.get(slug, {}), **said}
        _write(work, data)


def forget(work: Path, slug: str) -> None:
    """Removes the answers to an exercise. Raises LabError."""
    if slug in load(work):
        with keeping.lock(work):
            data = load(work)
            data.pop(slug, None)
            _write(work, data)


def _write(work: Path, data: dict[str, dict[str, str]]) -> None:
    file = work / FILE
    try:
        keeping.write_whole(file, json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise keeping.unkept(file, error) from error
