"""Cells of a table that spreadsheets and learning platforms read alike.

A spreadsheet runs a cell that begins with =, +, - or @ as a formula, also after a tab, a line break or a space, and some take
the full-width forms of these signs for them (OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection).
Learners choose their names, so such a cell gets an apostrophe in front, which spreadsheets read as "this is text".
"""

import csv
import io
from collections.abc import Iterable, Sequence

from labkit.text import visible

SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")
"""What may begin a formula. "|" and "%" begin one in some versions of LibreOffice and Lotus."""

LONGEST = 32_000
"""Characters of a cell. Excel takes 32,767 and cuts what is longer in silence."""


def risky(text: str) -> bool:
    """Whether a spreadsheet could take this for a formula."""
    return text.lstrip().startswith(SIGNS) or text[:1] in ("\t", "\r", "\n")


def cell(text: str) -> str:
    """The text as one line of a cell that runs nothing. Line breaks become spaces: Canvas looks at the first three lines of a
    file to find the delimiter, and a line break within a cell misleads it (canvas-lms, lib/gradebook_importer.rb:
    semicolon_delimited?)."""
    line = visible(" ".join(text.split()))
    shown = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return f"'{shown}" if risky(shown) else shown


def table(rows: Iterable[Sequence[str]]) -> str:
    """CSV by RFC 4180: commas, quotes where they are needed, CRLF. The cells are as given."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
