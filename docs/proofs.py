#!/usr/bin/env python3
"""Makes the tables of docs/security.md and docs/reliability.md from the tests that are marked `attack` and `fault`.

    .venv/bin/python docs/proofs.py

A test compares the pages with what is made. The tests are imported and not run: that takes a second.
"""

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
KINDS = {
    "protocol": "The registry's protocol",
    "identity": "Somebody else's name or key",
    "evidence": "Evidence that is forged",
    "files": "Files and images that are crafted",
    "terminals": "What a terminal would obey",
    "pages": "What a page would run",
    "classroom": "What the classroom is sent",
}
"""What an attack goes at, and its heading."""
CELLS = {"attack": 3, "fault": 2}
"""How many texts each marker takes."""


class Proof(NamedTuple):
    """One marked test, or one attempt of it: the marker's texts, and where it is."""

    texts: tuple[str, ...]
    file: Path
    test: str


def module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"proofs.{file.parent.name}.{file.stem}", file)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def marks_of(test: Any) -> Iterator[Any]:
    """The marks of a test function and those of its parameters, in order."""
    for mark in reversed(getattr(test, "pytestmark", [])):
        if mark.name == "parametrize":
            for parameter in mark.args[1]:
                yield from getattr(parameter, "marks", ())
        else:
            yield mark


def proofs(marker: str) -> list[Proof]:
    """All that carry the marker, in the order of the files and in them. Raises ValueError for one that makes no row."""
    paths = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["pythonpath"]
    sys.path[:0] = [str(path) for path in map(ROOT.joinpath, paths) if str(path) not in sys.path]
    found = []
    for file in sorted(TESTS.glob("*/test_*.py")):
        if f"mark.{marker}" not in file.read_text():
            continue  # it need not be imported
        made = module(file)
        tests = {name: one for name, one in vars(made).items() if name.startswith("test_")}
        for name, test in tests.items():
            if getattr(test, "__module__", "") != made.__name__:
                continue  # imported there, and told where it is
            for mark in marks_of(test):
                if mark.name == marker:
                    found.append(Proof(checked(marker, mark.args, f"{file.name}: {name}"), file, name))
    return found


def checked(marker: str, texts: tuple[str, ...], place: str) -> tuple[str, ...]:
    if len(texts) != CELLS[marker] or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f"{place}: @pytest.mark.{marker} takes {CELLS[marker]} texts, not {texts!r}")
    if marker == "attack" and texts[0] not in KINDS:
        raise ValueError(f"{place}: no kind of attack {texts[0]!r}: one of {', '.join(KINDS)}")
    return texts


def table(head: tuple[str, str], rows: list[Proof]) -> list[str]:
    def cell(text: str) -> str:
        return " ".join(text.split()).replace("|", "&#124;").replace("<", "&lt;")

    lines = [f"| | {head[0]} | {head[1]} | test |", "|---|---|---|---|"]
    for number, (texts, file, _) in enumerate(rows, 1):
        link = f"[{file.stem}](../{file.relative_to(ROOT)})"
        lines.append(f"| {number} | {cell(texts[-2])} | {cell(texts[-1])} | {link} |")
    return lines


def attacks() -> str:
    found = proofs("attack")
    parts = [f"{len(found)} attempts.\n"]
    for kind, heading in KINDS.items():
        rows = [one for one in found if one.texts[0] == kind]
        if rows:
            parts += [f"### {heading}\n", *table(("what is tried", "what comes of it"), rows), ""]
    return "\n".join(parts)


def faults() -> str:
    found = proofs("fault")
    return "\n".join([f"{len(found)} faults.\n", *table(("what happens", "what holds"), found), ""])


TABLES = {"security": attacks, "reliability": faults}
BEGIN, END = "<!-- made by docs/proofs.py -->\n", "<!-- end -->"


def made() -> dict[Path, str]:
    """{page: its text, with the table anew between the two marks}"""
    pages = {}
    for name, make in TABLES.items():
        page = ROOT / "docs" / f"{name}.md"
        before, _, rest = page.read_text().partition(BEGIN)
        pages[page] = f"{before}{BEGIN}\n{make()}\n{END}{rest.partition(END)[2]}"
    return pages


if __name__ == "__main__":
    for page, text in made().items():
        page.write_text(text)
        print(f"wrote {page}")
