"""Marks as files from the app, and certificates: for the instructor from the page Marks, for learners their own."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from labkit.classroom.app.doors import INSTRUCTORS, LEARNERS, STAFF, Ask, door, go
from labkit.classroom.exports import certificate as certificates
from labkit.classroom.exports import documents, sheet
from labkit.classroom.exports.certificate import Certificate
from labkit.classroom.exports.sheet import By, Sheet
from labkit.classroom.gradebook import Gradebook
from labkit.classroom.nbgrader import students
from labkit.classroom.records import judging, people
from labkit.errors import LabError
from labkit.text import visible

PATIENCE = 120
"""Seconds for nbgrader."""

LONGEST = 100
"""Characters of an assignment's name."""

LIMITED = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (256_000_000,) * 2)
resource.setrlimit(resource.RLIMIT_AS, (4_000_000_000,) * 2)
runpy.run_module("labkit", run_name="__main__", alter_sys=True)
"""
"""Runs labkit with limits on files and memory: what a database's triggers and views do is up to whoever made it."""

MOODLE = {"email": By.EMAIL, "id-number": By.ID_NUMBER, "username": By.USERNAME}


@dataclass(frozen=True)
class Kind:
    """A file that marks can be had as."""

    title: str
    ending: str
    media: str
    write: Callable[[Gradebook], str]


CSV = "text/csv; charset=utf-8"
KINDS = {
    "csv": Kind("CSV, for spreadsheets", "csv", CSV, lambda book: sheet.people(book).text),
    "json": Kind("JSON, with what counts and the totals", "json", "application/json", documents.to_json),
    "junit": Kind("JUnit's XML, for CI servers", "xml", "application/xml", documents.junit),
    "html": Kind("A page (HTML)", "html", "text/html; charset=utf-8", documents.html),
    "gradebook": Kind(
        "The gradebook, for labkit export", "json", "application/json", lambda book: book.dump().decode()
    ),
}


def _book(ask: Ask) -> Gradebook:
    """The marks that the viewer may see: an assistant's are those of their section."""
    book = judging.gradebook(ask.session, ask.workshop)
    mine = {one.ident for one in people.learners(ask.session, ask.workshop, ask.me)}
    learners = tuple(one for one in book.learners if one.id in mine)
    marks = tuple(one for one in book.marks if one.learner in mine)
    reviews = tuple(one for one in book.reviews if one.learner in mine)
    return msgspec.structs.replace(book, learners=learners, marks=marks, reviews=reviews)


@door(STAFF)
def page(ask: Ask) -> Response:
    """What there is, and who could not be in which file."""
    book = _book(ask)
    found = [(name, by.value, sheet.moodle(book, by).left_out) for name, by in MOODLE.items()]
    return ask.page(
        "exports.html",
        kinds=KINDS,
        book=book,
        canvas=sheet.canvas(book).left_out,
        moodle=found,
        nbgrader=importlib.util.find_spec("nbgrader") is not None,
        confused=tuple(students.confused(book.learners).values()),
        settings=ask.workshop,
    )


@door(STAFF)
def download(ask: Ask) -> Response:
    kind = KINDS.get(ask.path["kind"])
    if kind is None:
        raise HTTPException(404, "There is no such file.")
    return _file(ask, f"marks.{kind.ending}", kind.media, kind.write(_book(ask)).encode())


@door(STAFF)
def canvas(ask: Ask) -> Response:
    """`number-EXERCISE` of the address is Canvas's own number of the assignment."""
    book, numbers = _book(ask), {}
    for item in book.items:
        if number := ask.request.query_params.get(f"number-{item.exercise}", "").strip():
            if not (number.isascii() and number.isdigit()):
                raise LabError(f"{number[:50]!r} is no number of an assignment.", "look at its address in Canvas")
            numbers[item.exercise] = number
    return _sheet(ask, "canvas.csv", sheet.canvas(book, numbers))


@door(STAFF)
def moodle(ask: Ask) -> Response:
    by = MOODLE.get(ask.request.query_params.get("by", "email"))
    if by is None:
        raise HTTPException(404, "Moodle finds learners by email, id-number or username.")
    return _sheet(ask, "moodle.csv", sheet.moodle(_book(ask), by))


def _sheet(ask: Ask, name: str, made: Sheet) -> Response:
    return _file(ask, name, CSV, made.text.encode())


@door(INSTRUCTORS, writes=False)
def nbgrader(ask: Ask) -> Response:
    """nbgrader's gradebook.db as it was uploaded, with the marks in it; a new one where nothing was."""
    assignment = ask.form.get("assignment", "").strip() or "registry-lab"
    if not assignment.isprintable() or len(assignment) > LONGEST:
        raise LabError("This cannot be an assignment's name.", f"use at most {LONGEST} letters, digits and hyphens")
    with tempfile.TemporaryDirectory(prefix="labkit-nbgrader-") as folder:
        file, book = Path(folder) / "gradebook.db", Path(folder) / "gradebook.json"
        book.write_bytes(_book(ask).dump())
        if given := ask.files.get("gradebook"):
            file.write_bytes(given)
        _written(book, file, assignment)
        return _file(ask, "gradebook.db", "application/vnd.sqlite3", file.read_bytes())


def _written(book: Path, file: Path, assignment: str) -> None:
    """In a process of its own: it reads a file that somebody uploaded, with libraries that change their process. Raises
    LabError."""
    words = [sys.executable, "-c", LIMITED, "export", "nbgrader-marks", f"--assignment={assignment}"]
    with subprocess.Popen(
        [*words, str(book), str(file)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as done:
        try:
            _, said = done.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise LabError("nbgrader did not end.", "use the command instead: labkit export nbgrader-marks") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(done.pid, signal.SIGKILL)  # nbgrader has another program change tables: it would go on
    if done.returncode or not file.is_file():
        told = next((line for line in said.splitlines() if line.strip()), "it said nothing")
        raise LabError(
            f"nbgrader could not write into this file: {visible(told)[:300]}", "upload nbgrader's own gradebook.db"
        )


def _file(ask: Ask, name: str, media: str, content: bytes) -> Response:
    """A file to be kept: no browser shows it as a page of ours."""
    whole = f"{ask.workshop.name}-{name}"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(whole)}"}
    return Response(content, media_type=media, headers=headers)


# ── certificates ─────────────────────────────────────────────────────────────────────────────────────────────────────


@door(INSTRUCTORS)
def certify(ask: Ask) -> Response:
    """Turns certificates on from a share of the total, or off."""
    text = ask.form.get("percent", "").strip() or "0"
    if not (text.isascii() and text.isdigit() and int(text) <= 100):
        raise LabError(f"{text[:50]!r} cannot be the percent for a certificate.", "give a whole number from 0 to 100")
    ask.workshop.certificate_percent = int(text)
    ask.note("settings", f"{ask.me.ident} set certificates to {text} percent")
    return go("/workshop", "kept")


@door(LEARNERS)
def certificate(ask: Ask) -> Response:
    """The learner's own. Nobody else's can be asked for."""
    kind = ask.path["kind"]
    if kind not in ("json", "pdf"):
        raise HTTPException(404, "There is no such file.")
    made = _signed(ask, ask.room.clock())
    if kind == "json":
        return _file(ask, "certificate.json", "application/json", made.dump())
    try:
        from labkit.classroom.exports import paper

        return _file(ask, "certificate.pdf", "application/pdf", paper.pdf(made))
    except ImportError as error:
        raise LabError("fpdf2 is not installed here.", "take the JSON, and tell your instructor") from error


def _signed(ask: Ask, moment: datetime) -> Certificate:
    """Raises LabError where the workshop gives none, or there is not enough for one."""
    book, key = judging.book_of(ask.session, ask.workshop, ask.me), ask.room.key
    if book.certificate is None or ask.me.role == people.TRIAL:
        raise LabError("This workshop gives no certificates.", "ask your instructor")
    earned = certificates.earned(book, ask.me.ident, moment.replace(microsecond=0), key.public.public)
    return certificates.signed(earned, key.sign)


ROUTES = [
    Route("/marks/export", page),
    Route("/marks/export/canvas", canvas),
    Route("/marks/export/moodle", moodle),
    Route("/marks/export/nbgrader", nbgrader, methods=["POST"]),
    Route("/marks/export/{kind}", download),
    Route("/workshop/certificate", certify, methods=["POST"]),
    Route("/certificate/{kind}", certificate),
]
