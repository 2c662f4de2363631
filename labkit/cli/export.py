"""`labkit marks`, `labkit export`, `labkit certificate` and `labkit lti`"""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit.cli.complete import ExerciseName
from labkit.cli.output import Moment, tell
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.classroom.gradebook import Gradebook

READ = click.Path(path_type=Path, dir_okay=False)
BOOK = click.argument("gradebook", type=READ)
INTO = click.option("--output", "-o", type=READ, help="Write it there. [default: standard output]")
SIGNED = click.option("--signed-by", type=READ, required=True, help="The workshop's public key (FILE.pub).")


@click.command()
@click.argument("roster", type=READ)
@click.argument("observations", nargs=-1, type=READ)
@SIGNED
@INTO
@click.option("--exercise", "names", multiple=True, type=ExerciseName(), help="Only these. [default: all]")
@click.option("--since", type=Moment(), help="What is older is left out, e.g. 2027-03-05T14:00.")
@click.option("--deadline", type=Moment(), help="What comes later is late, e.g. 2027-03-05T16:00.")
@click.option(
    "--late",
    "per_day",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="The part that each day late costs.",
)
@click.option("--unsigned", is_flag=True, help="Take what nobody signed too, as self-reported.")
@click.option("--certificate", type=click.FloatRange(0, 1, min_open=True), help="The share that earns a certificate.")
def marks(
    roster: Path,
    observations: tuple[Path, ...],
    signed_by: Path,
    output: Path | None,
    names: tuple[str, ...],
    since: datetime | None,
    deadline: datetime | None,
    per_day: float,
    unsigned: bool,
    certificate: float | None,
) -> None:
    """Make a gradebook from a roster (CSV: id,name,email,section) and saved observations. Needs no lab.

    Example: labkit marks roster.csv observations/*.json --signed-by spring.key.pub -o gradebook.json
    """
    import msgspec

    from labkit.classroom import collect
    from labkit.classroom.gradebook import Late
    from labkit.content import exercises
    from labkit.lab.owner import workshop

    by = workshop.public(signed_by)
    learners, skipped = collect.roster(_text(roster))
    texts = [(str(file), _text(file)) for file in observations]
    book, notes = collect.gradebook(by.workshop, learners, exercises.chosen(names), texts, by, unsigned, since)
    late = Late(deadline=deadline, per_day=per_day)
    for note in (*skipped, *(f"Left out: {note}" for note in notes)):
        tell(note, err=True)
    _write(output, msgspec.structs.replace(book, late=late, certificate=certificate).dump())


@click.group()
def export() -> None:
    """Write a gradebook's marks for spreadsheets, Canvas, Moodle, CI servers or nbgrader, or make an nbgrader course.

    Example: labkit export canvas gradebook.json -o canvas.csv
    """


@export.command()
@BOOK
@INTO
def csv(gradebook: Path, output: Path | None) -> None:
    """A table for people and spreadsheets."""
    from labkit.classroom.exports import sheet

    _write(output, sheet.people(_book(gradebook)).text.encode())


@export.command()
@BOOK
@INTO
def json(gradebook: Path, output: Path | None) -> None:
    """Everything, with what counts and the totals."""
    from labkit.classroom.exports import documents

    _write(output, documents.to_json(_book(gradebook)).encode())


@export.command()
@BOOK
@INTO
def junit(gradebook: Path, output: Path | None) -> None:
    """JUnit's XML: a suite for each learner and exercise."""
    from labkit.classroom.exports import documents

    _write(output, documents.junit(_book(gradebook)).encode())


@export.command()
@BOOK
@INTO
def html(gradebook: Path, output: Path | None) -> None:
    """A page for people."""
    from labkit.classroom.exports import documents

    _write(output, documents.html(_book(gradebook)).encode())


@export.command()
@BOOK
@INTO
@click.option(
    "--assignment", "numbers", multiple=True, metavar="EXERCISE=NUMBER", help="Canvas's own number of an assignment."
)
def canvas(gradebook: Path, output: Path | None, numbers: tuple[str, ...]) -> None:
    """A file for Canvas: Grades, Import.

    Example: labkit export canvas gradebook.json --assignment 03-push=4711 -o canvas.csv
    """
    from labkit.classroom.exports import sheet

    book = _book(gradebook)
    known = [item.exercise for item in book.items]
    for told in numbers:
        exercise, _, number = told.partition("=")
        if exercise not in known or not (number.isascii() and number.isdigit()):
            raise LabError(
                f"{told!r} is not of the form EXERCISE=NUMBER.", f"--assignment {known[0] if known else '03-push'}=4711"
            )
    made = sheet.canvas(book, dict(told.split("=", 1) for told in numbers))
    _write(output, made.text.encode(), made.left_out)


@export.command()
@BOOK
@INTO
@click.option(
    "--by",
    type=click.Choice(["email", "id-number", "username"]),
    default="email",
    help="How Moodle finds a learner. [default: email]",
)
@click.option("--no-feedback", is_flag=True, help="Points alone.")
def moodle(gradebook: Path, output: Path | None, by: str, no_feedback: bool) -> None:
    """A file for Moodle: Grades, Import, CSV file."""
    from labkit.classroom.exports import sheet

    how = {"email": sheet.By.EMAIL, "id-number": sheet.By.ID_NUMBER, "username": sheet.By.USERNAME}[by]
    made = sheet.moodle(_book(gradebook), how, not no_feedback)
    _write(output, made.text.encode(), made.left_out)


@export.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("exercise", nargs=-1, type=ExerciseName())
@SIGNED
@click.option("--assignment", default="registry-lab", help="The assignment's name. [default: registry-lab]")
@click.option("--since", type=Moment(), help="An observation must not be older than this.")
@click.option("--until", type=Moment(), help="An observation must not be newer than this.")
@click.option("--roster", type=READ, help="CSV: whose lab (id) belongs to which student of nbgrader (username).")
def nbgrader(
    folder: Path,
    exercise: tuple[str, ...],
    signed_by: Path,
    assignment: str,
    since: datetime | None,
    until: datetime | None,
    roster: Path | None,
) -> None:
    """An nbgrader course that grades signed observations. Without exercises, all of them.

    Example: labkit export nbgrader course 03-push 04-pull --signed-by spring.key.pub
    """
    from labkit.classroom import collect
    from labkit.classroom.nbgrader import course, students
    from labkit.content import exercises
    from labkit.lab.owner import workshop

    learners, skipped = collect.roster(_text(roster)) if roster else ((), ())
    for note in skipped:
        tell(note, err=True)
    if confused := students.confused(learners):
        told = next(iter(confused.values()))
        raise LabError(f"Two learners would be one student of nbgrader: {told}", f"correct the user names in {roster}")
    known = {one.ids.username: one.id for one in learners if one.ids.username}
    settings = course.Settings(since=since, until=until, learners=known)
    course.write(folder, assignment, exercises.chosen(exercise), settings, workshop.public(signed_by))
    tell(f"Wrote the course into {folder}. Next: cd {folder} && nbgrader generate_assignment {assignment}")


@export.command("nbgrader-marks")
@BOOK
@click.argument("database", type=READ)
@click.option("--assignment", default="registry-lab", help="The assignment's name. [default: registry-lab]")
def nbgrader_marks(gradebook: Path, database: Path, assignment: str) -> None:
    """Write marks into nbgrader's gradebook.

    Example: labkit export nbgrader-marks gradebook.json course/gradebook.db
    """
    from labkit.classroom.nbgrader import marks as into
    from labkit.classroom.nbgrader import students

    book = _book(gradebook)
    count = into.write(book, database, assignment)
    _tell_left_out(students.confused(book.learners).values())
    tell(f"Wrote {count} marks into {database}.")


@click.group()
def certificate() -> None:
    """Make certificates of completion, or check one.

    Example: labkit certificate make gradebook.json ada --key spring.key
    """


@certificate.command()
@BOOK
@click.argument("learner")
@click.option("--key", type=READ, required=True, help="The workshop's key, which signs.")
@click.option("--font", "fonts", multiple=True, type=READ, help="A font for letters that no other has.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="[default: here]")
def make(gradebook: Path, learner: str, key: Path, fonts: tuple[Path, ...], folder: Path) -> None:
    """Make a learner's certificate: a PDF, and JSON that the workshop signs.

    Example: labkit certificate make gradebook.json ada --key spring.key
    """
    from labkit.classroom.exports import certificate as certificates
    from labkit.classroom.exports import paper
    from labkit.lab.owner import workshop

    owner = workshop.read(key)
    earned = certificates.earned(
        _book(gradebook), learner, datetime.now(UTC).replace(microsecond=0), owner.public.public
    )
    made = certificates.signed(earned, owner.sign)
    try:
        page = paper.pdf(made, fonts)
    except ImportError as error:
        raise LabError("fpdf2 is not installed here.", "pip install 'labkit[certificate]'") from error
    stem = _stem(learner)
    for ending, content in (("json", made.dump()), ("pdf", page)):
        _write(folder / f"certificate-{stem}.{ending}", content)
        tell(f"Wrote {folder / f'certificate-{stem}.{ending}'}")


@certificate.command()
@click.argument("file", type=READ)
@SIGNED
def verify(file: Path, signed_by: Path) -> None:
    """Check that a workshop signed a certificate, and that nobody changed it since.

    Example: labkit certificate verify certificate-ada.json --signed-by spring.key.pub
    """
    from labkit.classroom.exports import certificate as certificates
    from labkit.classroom.gradebook import plain
    from labkit.lab.owner import workshop

    found = certificates.verified(_text(file), workshop.public(signed_by))
    tell(
        f"The workshop {found.workshop} signed this on {found.issued:%Y-%m-%d}: {found.name} reached"
        f" {plain(found.share * 100)} percent."
    )


@click.group()
def lti() -> None:
    """Make the keys by which a learning platform knows this tool (LTI 1.3), and try a registration.

    \b
    Example: labkit lti key lti-keys
             labkit lti check platforms.toml --keys lti-keys
    """


@lti.command("key")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def lti_key(folder: Path) -> None:
    """Make a key that signs from now on. Those that are there stay published.

    Example: labkit lti key lti-keys
    """
    with _lti_installed():
        from labkit.classroom.lti.platforms import Keys
    tell(f"Wrote {Keys(folder).new()}: keep the folder to yourself.")


@lti.command("check")
@click.argument("file", type=READ)
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The folder with the tool's keys: lti-keys in the classroom's folder.",
)
def lti_check(file: Path, keys: Path) -> None:
    """Try what a file says about platforms: are their addresses there, and do they know this tool?

    It changes nothing there.

    Example: labkit lti check platforms.toml --keys ~/.local/state/registry-classroom/spring/lti-keys
    """
    with _lti_installed():
        from labkit.classroom.lti import checking, platforms
    wrong = 0
    for one in platforms.read(file).platform:
        tell(f"{one.name} ({one.issuer}, client {one.client})")
        for found in checking.check(one, platforms.Keys(keys)):
            tell(f"  {'✓' if found.good else '✗'} {found.what}")
            if found.fix:
                tell(f"    → {found.fix}")
            wrong += not found.good
    sys.exit(1 if wrong else 0)


@contextlib.contextmanager
def _lti_installed() -> Iterator[None]:
    """Raises LabError where the libraries for LTI are missing."""
    try:
        yield
    except ImportError as error:
        raise LabError("pylti1p3next is not installed here.", "pip install 'labkit[lti]'") from error


def _stem(learner: str) -> str:
    """A file's name for a learner: another one for each, in letters that any system takes."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in learner)
    return plain if plain == learner else f"{plain.strip('-') or 'learner'}-{sha256(learner.encode()).hexdigest()[:8]}"


def _book(file: Path) -> "Gradebook":
    from labkit.classroom.gradebook import Gradebook

    return Gradebook.parse(_text(file))


def _text(file: Path) -> bytes:
    """Raises LabError."""
    from labkit import session

    return session.content(file, "give the path of a file")


def _tell_left_out(left_out: Iterable[str]) -> None:
    for told in left_out:
        tell(f"Left out: {told}", err=True)


def _write(output: Path | None, content: bytes, left_out: tuple[str, ...] = ()) -> None:
    _tell_left_out(left_out)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise LabError(f"{output} could not be written: {error.strerror}.", "choose another place") from error
