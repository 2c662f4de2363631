"""A certificate as a PDF, with fpdf2: it is kept well, is small, embeds of a font only what is used, goes on to the next for a
letter that the first one lacks, shapes and orders scripts that need it, and attaches files. With reportlab, all but the first
would be ours to write.

The PDF itself is not signed. The signed JSON is attached to it.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from labkit.classroom.exports.certificate import Certificate
from labkit.classroom.gradebook import plain
from labkit.errors import LabError

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/Library/Fonts")

PREFERRED = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf")
"""Fonts with many letters, which look alike in all of them."""

CORE = "helvetica"
"""Every reader of PDFs has it; it has the letters of Western Europe."""


def pdf(certificate: Certificate, fonts: tuple[Path, ...] = ()) -> bytes:
    """One page, A4. With `fonts`, these come first. Raises LabError where no font on this machine has the letters."""
    from fpdf import FPDF

    texts = _texts(certificate)
    page = FPDF(orientation="landscape", format="A4")
    page.set_creation_date(certificate.issued)
    page.set_title(f"Certificate: {certificate.workshop}")
    page.set_lang("en")
    page.set_auto_page_break(False)
    page.add_page()
    family = _family(page, "".join(text for text, _ in texts), fonts)
    page.set_line_width(1.2)
    page.rect(10, 10, page.w - 20, page.h - 20)
    page.set_margins(28, 10)
    page.set_y(34)
    for text, size in texts:
        page.set_font(family, size=size)
        page.multi_cell(0, size * 0.6, text, align="C", new_x="LMARGIN", new_y="NEXT")
    page.embed_file(basename="certificate.json", bytes=certificate.dump(), desc="The signed certificate", compress=True)
    return bytes(page.output())


MOST = 16
"""Exercises that fit on the page; more are told as a number."""


def _texts(certificate: Certificate) -> list[tuple[str, int]]:
    """(text, size in points), from the top."""
    parts = [_one_line(f"{part.title}: {plain(part.points)} of {plain(part.maximum)}") for part in certificate.parts]
    more = [f"and {len(parts) - MOST} more"] if len(parts) > MOST else []
    return [
        ("Registry Lab", 14),
        ("Certificate of completion", 30),
        (" ", 10),
        (_one_line(certificate.name), 26),
        (" ", 10),
        (
            _one_line(f"completed the workshop {certificate.workshop} with {plain(certificate.share * 100)} percent."),
            14,
        ),
        (" ", 10),
        (" · ".join([*parts[:MOST], *more]) or " ", 9),
        (" ", 10),
        (f"{certificate.issued:%d %B %Y}", 12),
        (" ", 10),
        (
            "The signed text is attached to this file as certificate.json. To check it, with the workshop's public key:",
            8,
        ),
        ("labkit certificate verify certificate.json --signed-by WORKSHOP.key.pub", 8),
        (f"Key: {certificate.key}", 8),
    ]


LONGEST = 120


def _one_line(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."


def _family(page: Any, text: str, chosen: tuple[Path, ...]) -> str:
    """Loads the fonts that the text needs, and names the first. Raises LabError."""
    letters = {char for char in text if not char.isspace()}
    if not chosen and all(ord(char) < 0x100 for char in letters):
        return CORE
    needed = _needed(letters, chosen)
    for number, file in enumerate(needed):
        page.add_font(f"font{number}", fname=str(file))
    page.set_fallback_fonts([f"font{number}" for number in range(1, len(needed))])
    page.set_text_shaping(True)
    return "font0"


def _needed(letters: set[str], chosen: tuple[Path, ...]) -> list[Path]:
    """Fonts that together have these letters: as few as come first."""
    found, missing = [], set(letters)
    for file in (*chosen, *_installed()):
        if has := missing & _letters(file):
            found.append(file)
            missing -= has
        if not missing:
            return found
    raise LabError(
        f"No font on this machine has the letters {' '.join(sorted(missing)[:10])!r}.",
        "apt-get install fonts-noto-core fonts-noto-cjk   (or give one: --font FILE.ttf)",
    )


def _installed() -> Iterable[Path]:
    files = [file for folder in FOLDERS for file in sorted(Path(folder).expanduser().rglob("*.[to]tf"))]
    return sorted(files, key=lambda file: PREFERRED.index(file.name) if file.name in PREFERRED else len(PREFERRED))


@cache
def _letters(file: Path) -> frozenset[str]:
    """What a font can show; nothing where it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(file, lazy=True) as font:
            return frozenset(map(chr, font.getBestCmap() or {}))
    except (OSError, TTLibError, KeyError, AssertionError):
        return frozenset()
