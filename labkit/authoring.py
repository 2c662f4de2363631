"""For authors: proves an exercise on the running lab, starts a new one, builds the notebooks."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult, Outcome
from labkit.lab.lab import Lab
from labkit.lab.looking.observe import observe
from labkit.lab.playing.reset import reset_all
from labkit.lab.playing.script import play

SETTLING = 90.0
"""Seconds that a Swarm may take to come to rest."""


@dataclass(frozen=True)
class Proof:
    """One sentence that `verify` tried: it holds, or `problem` says what was seen instead."""

    exercise: str
    claim: str
    problem: str = ""

    def line(self) -> str:
        return f"{'✗' if self.problem else '✓'} {self.exercise:<12} {self.claim}{': ' + self.problem if self.problem else ''}"


def look(lab: Lab, exercise: Exercise) -> ExerciseResult:
    """The exercise graded, once the Swarm is at rest."""
    import time

    deadline = time.monotonic() + SETTLING
    while True:
        result = grade_one(exercise, observe(lab))
        moving = any(check.outcome is Outcome.CONVERGING for check in result.checks)
        if not moving or time.monotonic() > deadline:
            return result
        time.sleep(0.2)


def solve(lab: Lab, exercise: Exercise, folder: Path | None = None) -> ExerciseResult:
    """Plays the reference solution, and before it those of the exercises that it builds on and that are not done."""
    for slug in exercise.needs:
        needed = exercises.load(slug)
        if not look(lab, needed).done:
            solve(lab, needed, folder)
    run(lab, exercises.solutions(exercise.slug) / "solve.sh", exercise, folder)
    return look(lab, exercise)


def run(lab: Lab, script: Path, exercise: Exercise, folder: Path | None = None) -> str:
    """Plays a script in the folder of the exercise's files. Raises LabError where the reference solution fails."""
    if not script.exists():
        raise LabError(f"{exercise.slug} has no {script.name}.", f"write {script}")
    place = (folder or lab.work) / exercise.slug
    place = place if place.is_dir() else (folder or lab.work)
    code, output = play(lab, script, place)
    if code and script.name == "solve.sh":
        last = output.strip().splitlines()[-1:] or ["it printed nothing"]
        raise LabError(f"The solution of {exercise.slug} failed (exit status {code}): {last[0]}", f"look into {script}")
    return output


def verify(lab: Lab, chosen: list[Exercise]) -> Iterator[Proof]:
    """Proves the content of these exercises on a real lab, which is cleared for it again and again.

    Unsolved, no check passes and none is an error; the solution passes all; solving twice changes nothing; and each
    wrong way gets exactly the diagnosis that its first line names.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-verify-") as scratch:
        for exercise in chosen:
            folder = _scratch(Path(scratch), exercise)
            yield from _verify(lab, exercise, folder)
    reset_all(lab)


def _scratch(scratch: Path, exercise: Exercise) -> Path:
    place = scratch / exercise.slug
    files = exercise.folder / "files"
    if files.is_dir():
        shutil.copytree(files, place, dirs_exist_ok=True)
    place.mkdir(exist_ok=True)
    return scratch


def _verify(lab: Lab, exercise: Exercise, folder: Path) -> Iterator[Proof]:
    def proof(claim: str, problem: str = "") -> Proof:
        return Proof(exercise.slug, claim, problem)

    def begin() -> None:
        reset_all(lab)
        for slug in exercise.needs:
            solve(lab, exercises.load(slug), folder)

    begin()
    before = look(lab, exercise)
    bad = [f"{one.id} {one.outcome}" for one in before.checks if one.outcome not in (Outcome.NOT_YET, Outcome.BLOCKED)]
    yield proof("unsolved: no check passes", ", ".join(bad))
    solved = solve(lab, exercise, folder)
    yield proof("solved: every check passes", _open(solved))
    again = solve(lab, exercise, folder)
    yield proof("solved twice: the same", _open(again))
    wrong = sorted(exercises.solutions(exercise.slug).glob("wrong-*.sh"))
    yield proof("has at least three wrong ways", "" if len(wrong) >= 3 else f"it has {len(wrong)}")
    for script in wrong:
        expected = named_diagnosis(script)
        begin()
        run(lab, script, exercise, folder)
        result = look(lab, exercise)
        found = sorted({one.diagnosis for one in result.checks if one.diagnosis})
        broken = [one.message for one in result.checks if one.outcome is Outcome.ERROR]
        first = next((one.diagnosis for one in result.checks if one.diagnosis), "none")
        problem = (
            "" if first == expected and not broken else f"expected {expected}, found {found or 'none'} {broken or ''}"
        )
        yield proof(f"{script.name} is told as {expected}", problem)


def _open(result: ExerciseResult) -> str:
    return "; ".join(f"{one.id}: {one.outcome} {one.message}" for one in result.checks if one.earned < one.points)


def named_diagnosis(script: Path) -> str:
    """The diagnosis on the first line of a wrong way: `# diagnosis: <id>`. Raises LabError."""
    first = script.read_text().splitlines()[0] if script.stat().st_size else ""
    if match := re.fullmatch(r"# diagnosis: ([a-z0-9-]+)", first.strip()):
        return match[1]
    raise LabError(
        f"{script} does not begin with “# diagnosis: ID”.", "name the diagnosis that it must get on its first line"
    )


TEMPLATE: dict[str, str] = {
    "exercise.toml": 'needs = []\n\n[reset]\nimages = ["*/NAME"]\n',
    "lesson.md": '# TITLE\n\n```python\nfrom labkit import panel\npanel("SLUG")\n```\n\n'
    "What this is about, in a few sentences, and why it matters.\n\n```try\ndocker image ls\n```\n\n"
    "What to do.\n\n```do\n```\n",
    "checks.py": "from labkit.content.check import check, fail\n\n\n"
    '@check(points=1, hints=["Where to look.", "What to do.", "docker COMMAND …"])\n'
    "def is_there(lab):\n"
    '    """The workstation has an image named example."""\n'
    '    if lab.workstation.image("example:latest") is None:\n'
    '        fail("tag-none", expected="example:latest", found=lab.workstation.tags)\n',
}
SOLUTION = {
    "solve.sh": "docker tag myapp:latest example:latest\n",
    "wrong-other-name.sh": "# diagnosis: tag-none\ndocker tag myapp:latest something-else:latest\n",
    "wrong-nothing.sh": "# diagnosis: tag-none\ntrue\n",
    "wrong-other-tag.sh": "# diagnosis: tag-none\ndocker tag myapp:latest example:v2\n",
}


def new(slug: str) -> list[Path]:
    """Makes a new exercise's folders from a template that `verify` accepts. Raises LabError."""
    if not re.fullmatch(r"\d\d-[a-z0-9-]+", slug):
        raise LabError(f"{slug!r} is no name for an exercise.", "two digits and a word: labkit new 07-clean")
    if (exercises.folder() / slug).exists():
        raise LabError(f"The exercise {slug} is there already.", f"look into {exercises.folder() / slug}")
    title = slug.partition("-")[2].replace("-", " ").capitalize()
    made = []
    for folder, files in ((exercises.folder() / slug, TEMPLATE), (exercises.solutions(slug), SOLUTION)):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("TITLE", title).replace("SLUG", slug).replace("NAME", slug.partition("-")[2]))
            made.append(path)
    return made


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


def notebooks() -> dict[str, str]:
    """{file name: content} of every notebook, built from the lessons."""
    lessons = {f"{slug}.ipynb": (exercises.folder() / slug / "lesson.md", slug) for slug in exercises.slugs()}
    lessons["00-start.ipynb"] = (exercises.folder() / "start.md", "start")
    return {
        name: json.dumps(notebook(path.read_text(), slug), indent=1, ensure_ascii=False) + "\n"
        for name, (path, slug) in sorted(lessons.items())
    }


def write_notebooks(say: Callable[[str], None]) -> None:
    folder = paths.course() / "notebooks"
    folder.mkdir(exist_ok=True)
    for name, content in notebooks().items():
        (folder / name).write_text(content)
        say(f"wrote {folder / name}")
