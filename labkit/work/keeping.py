"""How labkit saves its own files: one writer at a time, each file complete or unchanged, and damaged files set aside."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from labkit.errors import LabError
from labkit.paths import PARTIAL

T = TypeVar("T")

FOLDER = ".labkit"
"""Where labkit keeps its files in the learner's folder."""

PATIENCE = 10.0
"""Seconds to wait for another writer, who needs only milliseconds."""


@contextlib.contextmanager
def lock(work: Path) -> Iterator[None]:
    """One writer at a time in this learner's folder, across all threads and processes: panel, commands and pytest write at the
    same time. Do not nest. Raises LabError if the folder cannot be written, or if another process holds the lock for long."""
    from filelock import FileLock, Timeout

    file = work / FOLDER / "lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(file, timeout=PATIENCE)
        held.acquire()
    except Timeout:
        raise LabError(f"Another labkit has been writing in {work} for {PATIENCE:.0f} s.", "try again") from None
    except (OSError, NotImplementedError) as error:  # the second: the file system knows no locks
        raise unkept(file, error) from error
    try:
        yield
    finally:
        held.release()


def write_whole(file: Path, text: str | bytes, mode: int = 0o666, lasting: bool = True) -> None:
    """Writes a file so that readers find it complete, old or new, even if the disk is full or the machine loses power. A
    file that need not survive that is not `lasting`, and is written faster. `mode` is that of a new file, less the umask.
    Raises OSError; then the file is unchanged.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}{PARTIAL}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as out:
            out.write(text.encode() if isinstance(text, str) else text)
            out.flush()
            if lasting:
                os.fsync(out.fileno())
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def append_line(file: Path, line: str) -> None:
    """Appends a line and makes sure that it is on the disk. If an earlier line was cut off when the machine went down, this one
    is not lost with it. Raises OSError, and then nothing is lost."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as out:
        if out.tell() and not _ends_with_newline(file):
            out.write(b"\n")
        out.write(line.encode(errors="replace") + b"\n")
        out.flush()
        os.fsync(out.fileno())


def _ends_with_newline(file: Path) -> bool:
    with file.open("rb") as content:
        content.seek(-1, os.SEEK_END)
        return content.read(1) == b"\n"


def unkept(file: Path, error: Exception) -> LabError:
    """The error to show if a file in the learner's folder could not be written."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LabError(
        f"{file} could not be saved: {reason}.", f"free some space, or check the permissions of {file.parent}"
    )


ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a damaged file can raise, whatever it contains."""


def load(file: Path, parse: Callable[[bytes], T], otherwise: T) -> T:
    """What `parse` makes of one of labkit's own files; `otherwise` if it cannot be read. A file that `parse` finds odd is
    set aside, with a message, so that the next writer creates it again."""
    try:
        content = file.read_bytes()
    except OSError:
        return otherwise
    try:
        return parse(content)
    except ODD as error:
        with contextlib.suppress(OSError):
            if file.read_bytes() == content:  # nobody has made it anew meanwhile
                set_aside(file, _reason(content, error))
    return otherwise


def set_aside(path: Path, why: str) -> Path:
    """Renames a damaged file or folder to NAME.damaged-TIME and says so. Raises OSError."""
    kept = aside(path)
    path.rename(kept)
    tell(path, kept, why)
    return kept


def make_anew(file: Path, text: str | bytes, why: str) -> None:
    """Sets a damaged file aside and puts this text in its place, or does neither. Raises OSError."""
    fresh = file.with_name(f".{file.name}.anew")
    write_whole(fresh, text)
    set_aside(file, why)
    fresh.replace(file)


def aside(path: Path) -> Path:
    """A free name for the damaged file."""
    name = f"{path.name}.damaged-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    taken = sum(1 for _ in path.parent.glob(f"{name}*"))
    return path.with_name(f"{name}-{taken + 1}" if taken else name)


def tell(path: Path, kept: Path, why: str) -> None:
    """Goes through logging, which by default prints to standard error: so it appears in commands, notebooks and the keeper's
    log alike, and does not spoil JSON on standard output."""
    import logging

    logging.getLogger("labkit").warning(
        "! %s is damaged (%s). It was renamed to %s, and a new one takes its place.", path, why, kept.name
    )


def _reason(content: bytes, error: Exception) -> str:
    """Says nothing about the content, which could be anything."""
    if not content.strip():
        return "it is empty"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "labkit did not write it like this"


class Unwritable(LabError):
    """One of labkit's own folders cannot be written: the disk is full, or it belongs to somebody else."""


@contextlib.contextmanager
def writing(what: str, fix: str) -> Iterator[None]:
    """Turns an OSError in here into Unwritable, which names the file. `what` is the subject of the sentence."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Unwritable(f"{what} could not be written: {error.strerror or error}{where}.", fix) from error
