"""Half uploads: what was begun and never finished is deleted after an hour without a byte.

Distribution's own purging (uploadpurging) goes by an upload's age, begins at a time that chance chooses, and would take away a
push that is going on.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

IDLE = 3600.0
"""Seconds without a change after which nobody goes on with an upload. nginx ends one whose client is silent long before."""

PERIOD = 600.0
"""Seconds between two looks."""

State = tuple[int, int]
"""Time of the last change, and bytes."""


class Uploads:
    """What was seen of the uploads at the last look."""

    def __init__(self, root: Path, now: Callable[[], float] = time.monotonic) -> None:
        """`root` is the store's folder, `now` a clock that is never set."""
        self._repositories = f"{root}/docker/registry/v2/repositories"
        self._now = now
        self._seen: dict[str, tuple[State, float]] = {}

    def purge(self) -> list[str]:
        """Deletes the uploads that have not changed for IDLE seconds, as far as was looked. Returns their folders."""
        seen, now = {}, self._now()
        for folder in _uploads(self._repositories):
            state = _state(folder)
            before, since = self._seen.get(folder, (state, now))
            seen[folder] = (state, since if state == before else now)
        idle = [folder for folder, (_, since) in seen.items() if now - since >= IDLE]
        for folder in idle:
            shutil.rmtree(folder, ignore_errors=True)
        self._seen = {folder: held for folder, held in seen.items() if folder not in idle}
        return idle


async def keep_purged(uploads: Uploads) -> None:
    """Looks every PERIOD seconds, until it is cancelled."""
    while True:
        await asyncio.to_thread(uploads.purge)
        await asyncio.sleep(PERIOD)


def _uploads(folder: str) -> Iterator[str]:
    """The folder of each upload of the repositories below."""
    for path in _folders(folder):
        name = path.rpartition("/")[2]
        if name == "_uploads":
            yield from _folders(path)
        elif not name.startswith("_"):
            yield from _uploads(path)


def _folders(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as found:
            return [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _state(folder: str) -> State:
    for path in (f"{folder}/data", folder):
        try:
            found = os.stat(path)  # noqa: PTH116
        except OSError:
            continue
        return found.st_mtime_ns, found.st_size
    return 0, 0
