"""Cells of a table that spreadsheets and learning platforms read alike.

A spreadsheet runs a cell that begins with =, +, - or @ as a formula, also after a tab, a line break or a space, and some take
the full-width forms of these signs for them (OWASP, CSV Injection: https://owasp.org/www-community/attacks/CSV_Injection).
Learners choose their names, so such a cell gets an apostrophe in front, which spreadsheets read as "this is text". Where the
system's list separator is a semicolon, a spreadsheet splits at that instead of at commas: so what follows one is treated alike.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

from labkit.text import visible

SIGNS = ("=", "+", "-", "@", "|", "%")
"""What may begin a formula, in every form that Unicode calls compatible. "|" and "%" begin one in some versions of LibreOffice
and Lotus."""

MINUS = "\N{MINUS SIGN}"

SPLIT = re.compile(r'(?<=;)[\s"]*')
"""What may stand between a semicolon and the next cell's text."""

LONGEST = 32_000
"""Characters of a cell. Excel takes 32,767 and cuts what is longer in silence."""


def risky(text: str) -> bool:
    """Whether a spreadsheet could take this for a formula."""
    first = text.lstrip()[:1]
    return unicodedata.normalize("NFKC", first) in (*SIGNS, MINUS) or text[:1] in ("\t", "\r", "\n")


def cell(text: str) -> str:
    """The text as one line of a cell that runs nothing. Line breaks become spaces: Canvas looks at the first three lines of a
    file to find the delimiter, and a line break within a cell misleads it (canvas-lms, lib/gradebook_importer.rb:
    semicolon_delimited?)."""
    line = visible(" ".join(text.split()))
    shown = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    plain = SPLIT.sub(lambda gap: f"{gap[0]}'" if risky(shown[gap.end() :]) else gap[0], shown)
    return f"'{plain}" if risky(plain) else plain


def table(rows: Iterable[Sequence[str]]) -> str:
    """CSV by RFC 4180: commas, quotes where they are needed, CRLF. The cells are as given."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
