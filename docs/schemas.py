#!/usr/bin/env python3
"""Makes docs/observation.md and docs/report.md, and the JSON Schema beside each, from the types in the code.

    .venv/bin/python docs/schemas.py

A test compares the files with what is made.
"""

import ast
import inspect
import json
import re
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from labkit.grading.report import ReportData  # noqa: E402
from labkit.seen.observation import Observation  # noqa: E402

PAGES = {
    "observation": (
        Observation,
        "The observation",
        "What `labkit observe` prints: everything that was seen of a lab at one moment, in sections. You can save it, send it "
        "and grade it again: `labkit check --observation FILE`. `seal` is a digest of everything else: a change by accident "
        "or by hand is noticed, a recomputed seal is not. In a graded workshop `signature` says who observed, by a key that "
        "no learner has ([grading](grading.md)).\n\nObservations of older schemas are upgraded when they are read "
        "(`labkit/seen/versions.py`).",
    ),
    "report": (
        ReportData,
        "The report",
        "What `labkit check --json` prints: each exercise's checks, with what was expected, what was found, and why.",
    ),
}


def is_ours(kind: Any) -> bool:
    return isinstance(kind, type) and kind.__module__.startswith("labkit.") and hasattr(kind, "__annotations__")


def inner(kind: Any) -> list[Any]:
    """The types of ours that a type names, in order."""
    if is_ours(kind):
        return [kind]
    return [found for part in get_args(kind) for found in inner(part)]


def reached(kind: type) -> list[type]:
    """The type and every type of ours below it, from the top down."""
    found, todo = [], [kind]
    while todo:
        now = todo.pop(0)
        if now not in found:
            found.append(now)
            todo += [below for hint in get_type_hints(now).values() for below in inner(hint)]
    names = [one.__name__ for one in found]
    assert len(set(names)) == len(names), f"two types with one name: {sorted(names)}"
    return found


def spelled(kind: Any) -> str:
    """A type as people read it."""
    if is_ours(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join("null" if part is type(None) else spelled(part) for part in parts)
    if origin is dict:
        return f"object of {spelled(parts[1])}"
    if origin in (list, tuple):
        return f"array of {spelled(parts[0])}"
    return {str: "string", int: "integer", float: "number", bool: "boolean"}.get(kind, str(kind))


def meanings(kind: type) -> dict[str, str]:
    """The sentence below each field in the source."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0].body  # type: ignore[attr-defined]
    told = {}
    for field, text in pairwise(body):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and is_text:
            told[field.target.id] = " ".join(inspect.cleandoc(text.value.value).split())  # type: ignore[union-attr]
    return told


def section(kind: type) -> str:
    told = meanings(kind)
    rows = [
        f"| `{name}` | {spelled(hint)} | {told.get(name, '').replace('|', '&#124;')} |"
        for name, hint in get_type_hints(kind).items()
        if not name.startswith("_")
    ]
    about = re.sub(r"(?m)^(?=\S)", "", inspect.cleandoc(kind.__doc__ or ""))
    return "\n".join([f"## {kind.__name__}", "", about, "", "| field | type | |", "|---|---|---|", *rows])


def page(name: str) -> str:
    kind, title, about = PAGES[name]
    link = f"[{name}.schema.json]({name}.schema.json)"
    head = f"# {title}\n\n`docs/schemas.py` makes this page from the code. The same as JSON Schema: {link}.\n"
    return "\n".join([head, about, "", "\n\n".join(section(found) for found in reached(kind))]) + "\n"


def schema(name: str) -> str:
    kind, title, _ = PAGES[name]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps({**head, **msgspec.json.schema(kind)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def made() -> dict[Path, str]:
    """{file: its text}"""
    docs = ROOT / "docs"
    return {
        docs / f"{name}.{end}": make(name) for name in PAGES for end, make in (("md", page), ("schema.json", schema))
    }


if __name__ == "__main__":
    for file, text in made().items():
        file.write_text(text)
        print(f"wrote {file}")
