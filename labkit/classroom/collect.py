"""Makes a gradebook from a roster and saved observations, with no classroom running. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from labkit.classroom.gradebook import Gradebook, Item, Learner, Mark, Origin, mark
from labkit.classroom.rules import entries
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade
from labkit.seen.observation import Observation
from labkit.seen.signature import Public


def roster(content: bytes) -> tuple[tuple[Learner, ...], tuple[str, ...]]:
    """Learners, and a sentence for each line of the file that names none. Raises LabError for what is no roster."""
    read = entries.read(content)
    return tuple(
        Learner(id=one.ident, name=one.name, email=one.email, section=one.section, ids=one.ids) for one in read.entries
    ), read.notes


def gradebook(
    workshop: str,
    learners: tuple[Learner, ...],
    exercises: Sequence[Exercise],
    observations: Iterable[tuple[str, bytes]],
    by: Public,
    unsigned: bool = False,
    since: datetime | None = None,
) -> tuple[Gradebook, list[str]]:
    """The gradebook, and a sentence for each observation that is not in it. Each observation comes with its file's name. One
    that the workshop's key has signed is observed; with `unsigned`, another one is taken as self-reported. Equal times and
    results count once."""
    marks: list[Mark] = []
    notes = []
    by_name = {learner.name: learner.id for learner in learners if learner.name} | {one.id: one.id for one in learners}
    for file, text in observations:
        try:
            found = _marks(text, by_name, exercises, by, unsigned)
            if since and found and found[0].at < since:
                raise LabError(f"It is from {found[0].at.isoformat()}, before the workshop.")
            marks += found
        except LabError as error:
            notes.append(f"{file}: {error.what}")
    items = tuple(Item(exercise=one.slug, title=one.title, maximum=float(one.points)) for one in exercises)
    return Gradebook(workshop=workshop, learners=learners, items=items).with_marks(marks), notes


def _marks(
    text: bytes, by_name: dict[str, str], exercises: Sequence[Exercise], by: Public, unsigned: bool
) -> list[Mark]:
    """Raises LabError."""
    origin, signed_by = Origin.OBSERVED, f"{by.workshop} ({by.public})"
    try:
        seen = Observation.parse(text, by)
    except LabError:
        if not unsigned:
            raise
        seen = Observation.parse(text)
        origin, signed_by = Origin.REPORTED, ""
    whose = by_name.get(seen.lab.person.learner)
    if whose is None:
        raise LabError(f"It is of {seen.lab.person.learner or 'nobody'!r}, who is not in the roster.")
    try:
        at = datetime.fromisoformat(seen.taken)
    except ValueError as error:
        raise LabError(f"It has no valid time: {seen.taken!r}.") from error
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    report = grade(list(exercises), seen, signed_by)
    return [mark(result, whose, at, origin, seen.signature.value[:16]) for result in report.exercises]
