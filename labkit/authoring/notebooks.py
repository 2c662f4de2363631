"""Builds the notebooks from the lessons."""

import base64
import json
import re
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError

FENCE = re.compile(r"^```(try|do|python)(?: on (\w+))?[ \t]*\n(.*?)^```[ \t]*\n", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"^!\[([^\]]+)\]\(([\w.-]+\.svg)\)[ \t]*$", re.MULTILINE)
"""A picture on a line of its own: what it shows, in words, and its file beside the lesson."""

EXERCISES = "<!-- the exercises -->"
"""In the start page: the table of all exercises goes here."""

TYPE_HERE = "# Type on the empty line below, then press Shift+Enter."


def notebook(lesson: str, slug: str, folder: Path) -> dict[str, Any]:
    """A lesson as a notebook without outputs (nbformat 4.5). Raises LabError where a picture is missing in `folder`.

    A fence marked `try` becomes a cell that runs as it is; `do` becomes the learner's own, with an empty line to type on;
    `python` stays Python; `on MACHINE` after the first two has the cell run on that machine. Everything else is text.
    """
    cells: list[dict[str, Any]] = []

    def add(kind: str, source: str) -> None:
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": f"{slug}-{len(cells)}",
            "metadata": {},
            "source": _lines(source),
        }
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        cells.append(cell)

    end = 0
    for fence in FENCE.finditer(lesson):
        for text in _texts(lesson[end : fence.start()], folder):
            add("markdown", text)
        add("code", _code(fence[1], fence[2] or "", fence[3].rstrip("\n")))
        end = fence.end()
    for text in _texts(lesson[end:], folder):
        add("markdown", text)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _texts(text: str, folder: Path) -> list[str]:
    """The cells that a text becomes. A picture gets a cell of its own, so that its bytes are in nobody's way."""
    found, end = [], 0
    for picture in PICTURE.finditer(text):
        found += [text[end : picture.start()], _embedded(folder / picture[2], picture[1])]
        end = picture.end()
    return [part.strip() for part in (*found, text[end:]) if part.strip()]


def _embedded(file: Path, alt: str) -> str:
    """A picture as HTML that needs no file beside the notebook. See docs/decisions/0022."""
    try:
        data = base64.b64encode(file.read_bytes()).decode()
    except OSError as error:
        raise LabError(f"A lesson shows a picture that cannot be read: {error}.", f"draw {file}") from error
    return f'<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def _code(kind: str, machine: str, source: str) -> str:
    if kind == "python":
        return source
    magic = f"%%on {machine}" if machine else "%%bash"
    if kind == "do":
        return f"{magic}\n{source or TYPE_HERE}\n"
    return f"!{source}" if "\n" not in source and not machine else f"{magic}\n{source}"


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def every() -> dict[str, str]:
    """{file name: content} of every notebook, built from the lessons."""
    lessons = {f"{slug}.ipynb": (exercises.folder() / slug / "lesson.md", slug) for slug in exercises.slugs()}
    lessons[exercises.FIRST] = (exercises.folder() / "start.md", "start")
    return {
        name: json.dumps(notebook(_whole(path), slug, path.parent), indent=1, ensure_ascii=False) + "\n"
        for name, (path, slug) in sorted(lessons.items())
    }


def _whole(file: Path) -> str:
    text = file.read_text()
    return text.replace(EXERCISES, table(exercises.every())) if EXERCISES in text else text


def table(every_one: Iterable[Exercise]) -> str:
    """The course as a table, made from the exercises' folders."""
    rows = [
        f"| {one.slug.partition('-')[0]} | [{one.title}]({one.slug}.ipynb) | {one.learn} | {one.points} |"
        for one in every_one
    ]
    return "\n".join(["| | Exercise | You learn | Points |", "|---|---|---|---|", *rows])


def write(say: Callable[[str], None]) -> None:
    folder = paths.course() / "notebooks"
    folder.mkdir(exist_ok=True)
    for name, content in every().items():
        (folder / name).write_text(content)
        say(f"wrote {folder / name}")
