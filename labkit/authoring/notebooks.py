"""Builds the notebooks from the lessons."""

import json
import re
from collections.abc import Callable
from typing import Any

from labkit import paths
from labkit.content import exercises

FENCE = re.compile(r"^```(try|do|python)[ \t]*\n(.*?)^```[ \t]*\n", re.MULTILINE | re.DOTALL)


def notebook(lesson: str, slug: str) -> dict[str, Any]:
    """A lesson as a notebook without outputs (nbformat 4.5).

    A fence marked `try` becomes a cell that runs as it is; `do` becomes the learner's own, empty but for its text; `python`
    stays Python. Everything else is text.
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
        if text := lesson[end : fence.start()].strip():
            add("markdown", text)
        add("code", _code(fence[1], fence[2].rstrip("\n")))
        end = fence.end()
    if text := lesson[end:].strip():
        add("markdown", text)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _code(kind: str, source: str) -> str:
    if kind == "python":
        return source
    if kind == "do":
        return f"%%bash\n{source or '# Type your commands below this line, then run the cell: Shift+Enter'}"
    return f"!{source}" if "\n" not in source else f"%%bash\n{source}"


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def every() -> dict[str, str]:
    """{file name: content} of every notebook, built from the lessons."""
    lessons = {f"{slug}.ipynb": (exercises.folder() / slug / "lesson.md", slug) for slug in exercises.slugs()}
    lessons["00-start.ipynb"] = (exercises.folder() / "start.md", "start")
    return {
        name: json.dumps(notebook(path.read_text(), slug), indent=1, ensure_ascii=False) + "\n"
        for name, (path, slug) in sorted(lessons.items())
    }


def write(say: Callable[[str], None]) -> None:
    folder = paths.course() / "notebooks"
    folder.mkdir(exist_ok=True)
    for name, content in every().items():
        (folder / name).write_text(content)
        say(f"wrote {folder / name}")
