"""How labkit's own files are kept: one writer at a time, each file whole or as it was before, and what is damaged set aside."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from labkit.errors import LabError

T = TypeVar("T")

FOLDER = ".labkit"
"""In the learner's folder: what labkit keeps there."""

PATIENCE = 10.0
"""Seconds to wait for another writer, who needs some milliseconds."""


@contextlib.contextmanager
def lock(work: Path) -> Iterator[None]:
    """One writer at a time in this learner's folder, of all threads and processes: panels, commands and pytest write side by
    side. Not to be taken twice. Raises LabError where the folder cannot be written, or another holds the lock for long."""
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
    """Writes a file that readers find whole, the old or the new, even where the disk is full or the machine goes off; what need
    not outlive that is not `lasting`, and sooner written.

    `mode` is that of a new file, less the umask. Raises OSError; then the file is as it was.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}.partial")
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
    """Adds a line and has the disk keep it. A line that was torn when the machine went off does not swallow it. Raises OSError;
    nothing that was there is lost by that."""
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
    """What to tell where a file of the learner's folder could not be written."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LabError(f"{file} could not be kept: {reason}.", f"make room, or check {file.parent}")


ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a damaged file raises, whatever is in it."""


def load(file: Path, parse: Callable[[bytes], T], otherwise: T) -> T:
    """What `parse` makes of a file of labkit's own; `otherwise` where it cannot be read. One that `parse` finds odd is set
    aside, which is told, so that whoever writes it next makes it anew."""
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
    """Renames a damaged file, or folder, to NAME.damaged-TIME, and tells so. Raises OSError."""
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
    """The name that it gets: one that is free."""
    name = f"{path.name}.damaged-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    taken = sum(1 for _ in path.parent.glob(f"{name}*"))
    return path.with_name(f"{name}-{taken + 1}" if taken else name)


def tell(path: Path, kept: Path, why: str) -> None:
    """Through logging, which prints it to standard error where nobody has chosen otherwise: it is told in commands, notebooks
    and the keeper's log alike, and spoils no answer in JSON."""
    import logging

    logging.getLogger("labkit").warning("! %s is damaged (%s). It is kept as %s and made anew.", path, why, kept.name)


def _reason(content: bytes, error: Exception) -> str:
    """Says nothing of what is in it: that may be anything."""
    if not content.strip():
        return "it is empty"
    return "it is nested too deep" if isinstance(error, RecursionError) else "it is not what labkit writes there"


class Unwritable(LabError):
    """A folder of labkit's own cannot be written: the disk is full, or it is not ours."""


@contextlib.contextmanager
def writing(what: str, fix: str) -> Iterator[None]:
    """Has an OSError in here told as Unwritable, which names the file. `what` is what is written, as a sentence begins."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise Unwritable(f"{what} could not be written: {error.strerror or error}{where}.", fix) from error
