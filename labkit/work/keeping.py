"""How the learner's folder is written: one writer at a time, and each file whole or as it was before."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from labkit.errors import LabError

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


def write_whole(file: Path, text: str, mode: int = 0o666) -> None:
    """Writes a file that readers find whole, the old or the new, even where the disk is full or the machine goes off.

    `mode` is that of a new file, less the umask. Raises OSError; then the file is as it was.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
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
        out.write(line.encode() + b"\n")
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
