"""The learner's folder: their own copy of the notebooks and of the files that exercises bring."""

from pathlib import Path

from labkit import paths
from labkit.content.personal import LABEL
from labkit.errors import LabError
from labkit.seen.person import Person
from labkit.work import keeping

DEFAULT = Person()
MARK_LINE = "<!-- the mark of a personal lab -->"
"""In a lesson: here a personal lab's label is shown. Nothing is, elsewhere."""


def prepare(work: Path, person: Person = DEFAULT, up: bool = False) -> list[str]:
    """Copies what is not there yet, and never touches what is. Returns what was added. Raises LabError.

    An empty file counts as not there: a full disk leaves such. In a personal lab the notebooks show the learner's own names.
    A lab that is `up` is bound to its folder: another one takes another lab.
    """
    added = []
    try:
        work.mkdir(parents=True, exist_ok=True)
        with keeping.lock(work):
            for source, target in _wanted(work):
                text = _personal(source.read_text(), person)
                if not target.exists() or (text and not target.stat().st_size):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    keeping.write_whole(target, text)
                    added.append(str(target.relative_to(work)))
    except OSError as error:
        raise _unprepared(work, error.strerror or str(error), up) from error
    except LabError as error:  # the lock
        raise _unprepared(work, error.what, up) from error
    return added


def _unprepared(work: Path, why: str, up: bool) -> LabError:
    again = "labkit down && " if up else ""
    fix = f"make room there, or take another disk: {again}LABKIT_WORK=/elsewhere labkit up"
    return LabError(f"Your folder {work} could not be prepared: {why.rstrip('.')}.", fix)


def _personal(text: str, person: Person) -> str:
    mark = f"- `LABEL {LABEL}={person.secret}`: the mark of your own lab, which your image is to carry;"
    return person.personal(text.replace(MARK_LINE, mark) if person.secret else text)


def _wanted(work: Path) -> list[tuple[Path, Path]]:
    course = paths.course()
    pairs = [(notebook, work / notebook.name) for notebook in sorted((course / "notebooks").glob("*.ipynb"))]
    for folder in sorted((course / "exercises").glob("*/files")):
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        pairs += [(file, work / folder.parent.name / file.relative_to(folder)) for file in files]
    return pairs
