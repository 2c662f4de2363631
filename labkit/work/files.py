"""The learner's folder: their own copy of the notebooks and of the files that exercises bring."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from labkit import paths
from labkit.content.personal import LABEL
from labkit.errors import LabError
from labkit.seen.person import Person
from labkit.work import keeping

DEFAULT = Person()
MARK_LINE = "<!-- the mark of a personal lab -->"
"""In a lesson: a personal lab's label is shown here. In other labs nothing is."""

ANYBODY = Person(learner="?", username="?", version="?", secret="?")  # noqa: S106
"""A person with values that appear nowhere: if a text changes with them, it contains a learner's own names."""

NAME = re.compile(r"[a-zA-Z0-9]{1,64}")
"""A user name of a lab."""

RECORD = Path(keeping.FOLDER) / "course.json"
"""In the learner's folder: what was written into it, to tell files that the learner changed from files that nobody changed."""


class Made(msgspec.Struct, frozen=True):
    """A file as it was written: the hash of its content, and the user name that it was made for."""

    content: str
    whose: str = DEFAULT.username


@dataclass(frozen=True)
class Prepared:
    """What was done to the learner's folder: names of files in it."""

    added: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    """Files that nobody had changed, created again: for this learner, or from a newer course."""
    kept: dict[str, str] = field(default_factory=dict)
    """Files that somebody had changed, created again for this learner, and the name under which the changed one is kept."""

    def told(self) -> list[str]:
        """The same in sentences. Added files are not mentioned."""
        lines = [f"Updated, as you had not changed them: {', '.join(self.renewed)}."] if self.renewed else []
        kept = [
            f"{name} is new, with your values. The one that was there is now {aside}."
            for name, aside in self.kept.items()
        ]
        return lines + kept


def prepare(work: Path, person: Person = DEFAULT, up: bool = False) -> Prepared:
    """Copies what is missing, and updates what nobody changed. What somebody changed stays as it is; if it was made for
    another learner, it is kept beside a new one for this learner. Raises LabError.

    An empty file counts as not there: a full disk leaves such. In a personal lab the notebooks show the learner's own names.
    A lab that is `up` is bound to its folder: another one takes another lab.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        with keeping.lock(work):
            return _prepared(work, person)
    except OSError as error:
        raise _unprepared(work, error.strerror or str(error), up) from error
    except LabError as error:  # the lock
        raise _unprepared(work, error.what, up) from error


def _prepared(work: Path, person: Person) -> Prepared:
    added, renewed, kept = [], [], {}
    nothing: dict[str, Made] = {}
    before = keeping.load(work / RECORD, _record, nothing)
    made = dict(before)
    for source, target in _wanted(work):
        raw, name = source.read_text(), str(target.relative_to(work))
        text = _personal(raw, person)
        if not target.exists() or (text and not target.stat().st_size):
            target.parent.mkdir(parents=True, exist_ok=True)
            keeping.write_whole(target, text)
            added.append(name)
        elif (content := target.read_bytes()) != text.encode():
            was = before.get(name) or Made(_hash(_personal(raw, DEFAULT).encode()))
            if _hash(content) == was.content:
                keeping.write_whole(target, text)
                renewed.append(name)
            elif was.whose != person.username and _personal(raw, ANYBODY) != raw:
                kept[name] = _beside(target, was.whose, text)
            else:
                continue
        made[name] = Made(_hash(text.encode()), person.username)
    if made != before:
        keeping.write_whole(work / RECORD, msgspec.json.encode(made))
    return Prepared(tuple(added), tuple(renewed), kept)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _record(content: bytes) -> dict[str, Made]:
    """Raises one of keeping.ODD."""
    made = msgspec.json.decode(content, type=dict[str, Made])
    if not all(NAME.fullmatch(one.whose) for one in made.values()):  # it becomes part of a file's name
        raise ValueError
    return made


def _beside(target: Path, whose: str, text: str) -> str:
    """Replaces a file with a text and renames the old file, or does neither. Returns the old file's new name."""
    taken, number = target.with_name(f"{target.stem}.{whose}{target.suffix}"), 2
    while taken.exists():
        taken, number = target.with_name(f"{target.stem}.{whose}-{number}{target.suffix}"), number + 1
    fresh = target.with_name(f".{target.name}.anew")
    keeping.write_whole(fresh, text)
    target.rename(taken)
    fresh.replace(target)
    return taken.name


def _unprepared(work: Path, why: str, up: bool) -> LabError:
    again = "labkit down && " if up else ""
    fix = f"make room there, or take another disk: {again}LABKIT_WORK=/elsewhere labkit up"
    return LabError(f"Your folder {work} could not be prepared: {why.rstrip('.')}.", fix)


def _personal(text: str, person: Person) -> str:
    mark = f"- `LABEL {LABEL}={person.secret}`: the mark of your own lab; your image must carry it;"
    return person.personal(text.replace(MARK_LINE, mark) if person.secret else text)


def _wanted(work: Path) -> list[tuple[Path, Path]]:
    course = paths.course()
    pairs = [(notebook, work / notebook.name) for notebook in sorted((course / "notebooks").glob("*.ipynb"))]
    for folder in sorted((course / "exercises").glob("*/files")):
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        pairs += [(file, work / folder.parent.name / file.relative_to(folder)) for file in files]
    return pairs
