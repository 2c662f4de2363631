"""Reads a roster: a CSV file with a header. Pure.

`id` (or `learner`, `name` where there is no id) is what a learner is known by, in their lab too. `name`, `email` and `section`
may be left out, and so may the columns that say who the learner is elsewhere (gradebook.Ids). Comma, semicolon or tab; UTF-8
with or without a mark, UTF-16 with one.
"""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass, field

from labkit.classroom.gradebook import Ids
from labkit.errors import LabError
from labkit.text import visible

MOST_BYTES = 2_000_000
MOST_LINES = 5_000
LONGEST = 200
"""Characters of a name, an id or an address. A longer one is a mistake in the file."""

NAMES = {
    "id": ("id", "learner", "username", "user", "login", "sis_user_id", "sis user id", "student id"),
    "name": ("name", "full name", "display name", "student"),
    "email": ("email", "e-mail", "mail", "email address"),
    "section": ("section", "group", "class"),
}
"""What a column may be called, in lowercase."""

ELSEWHERE = tuple(Ids.__struct_fields__)
"""Columns that are called as they are."""


@dataclass(frozen=True)
class Entry:
    """A line of a roster."""

    ident: str
    name: str
    email: str = ""
    section: str = ""
    ids: Ids = field(default_factory=Ids)


@dataclass(frozen=True)
class Roster:
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]
    """What was left out and why, in sentences."""


def read(content: bytes) -> Roster:
    """Raises LabError for a file that is no roster. A line that cannot be used is left out, with a note."""
    rows = _rows(_text(content))
    columns = _columns(rows[0])
    entries: dict[str, Entry] = {}
    notes: list[str] = []
    for number, row in enumerate(rows[1:], 2):
        cells = {name: clean(row[at]) if at < len(row) else "" for name, at in columns.items()}
        ident = cells.get("id") or cells.get("name", "")
        if not same(ident):
            if any(cell.strip() for cell in row):
                notes.append(f"Line {number} was left out: it names nobody.")
            continue
        if long := [name for name, cell in cells.items() if len(cell) > LONGEST]:
            notes.append(f"Line {number} was left out: its {long[0]} has more than {LONGEST} characters.")
            continue
        ids = Ids(**{name: cells[name] for name in ELSEWHERE if name in cells})
        entry = Entry(ident, cells.get("name") or ident, cells.get("email", ""), cells.get("section", ""), ids)
        if before := entries.get(same(ident)):
            told = "twice" if before == entry else "twice, and not the same; the first one counts"
            notes.append(f"Line {number} was left out: {visible(ident)} is in the file {told}.")
            continue
        entries[same(ident)] = entry
    if not entries:
        raise LabError(
            "The roster names nobody.", "a first line like: id,name,email,section   and then a line for each learner"
        )
    return Roster(tuple(entries.values()), tuple(notes))


def same(ident: str) -> str:
    """Ids that look the same to people are the same: case, width, accents' forms and marks that nobody sees do not tell
    learners apart."""
    seen = UNSEEN.sub("", unicodedata.normalize("NFKC", clean(ident)))
    return unicodedata.normalize("NFKC", seen.casefold()).strip()


UNSEEN = re.compile(
    "[\u2800\U0001d159\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that Unicode lets nobody see (Default_Ignorable_Code_Point), and blank signs: Python calls them printable.
What it does not call so, `clean` makes a space."""


def clean(cell: str) -> str:
    """A cell as it is kept: composed, one line, no control or direction marks, no spaces around it."""
    kept = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", cell))
    return " ".join(kept.split())


def _text(content: bytes) -> str:
    fix = "save it as CSV in UTF-8 (in Excel: Save As, CSV UTF-8)"
    if len(content) > MOST_BYTES:
        raise LabError(f"The roster has more than {MOST_BYTES:,} bytes.", "is this the right file?")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise LabError("The roster is not text in UTF-8.", fix) from error


def _rows(text: str) -> list[list[str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    mark = max(",;\t", key=first.count)
    csv.field_size_limit(MOST_BYTES)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=mark))
    except csv.Error as error:
        raise LabError(f"The roster cannot be read as CSV: {error}.", "save it as CSV in UTF-8") from error
    while rows and not any(cell.strip() for cell in rows[0]):
        del rows[0]
    if len(rows) > MOST_LINES:
        raise LabError(f"The roster has more than {MOST_LINES:,} lines.", "is this the right file?")
    if not rows:
        raise LabError("The roster is empty.", "a first line like: id,name,email,section")
    return rows


def _columns(header: list[str]) -> dict[str, int]:
    """{what: column}. Raises LabError where nothing says who the learners are."""
    heads = [clean(cell).casefold() for cell in header]
    found = {}
    for what, names in NAMES.items():
        if places := [heads.index(name) for name in names if name in heads]:
            found[what] = places[0]
    found |= {name: heads.index(name) for name in ELSEWHERE if name in heads}
    if not {"id", "name"} & set(found):
        raise LabError(
            f"The roster's first line has no column “id” or “name”. It says: {visible(', '.join(header))[:200]}.",
            "a first line like: id,name,email,section",
        )
    return found
