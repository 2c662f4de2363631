"""The access log: who did what, in the order in which it happened. Evidence for grading, and the lab's event feed.

A line of it is an event, or a reset: "these exercises begin anew here". Both are JSON objects, in the form of
labkit/seen/log.py (Event, with the client's address as `client` in place of the machine; Reset). What no longer counts is left
out whenever the log has grown, in memory and in its file (evidence.py, docs/decisions/0016-the-log-keeps-evidence.md).
"""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from . import evidence
from .grammar import LONGEST_NAME, clean

ROOM = 400
"""Entries from which on the log is looked through for what no longer counts. A lesson makes fewer."""

STEP = 200
"""Entries that it has to grow by before it is looked through again."""

MOST_RESETS = 500

LONGEST = {"agent": 300, "user": 64, "repository": LONGEST_NAME, "reference": 144, "digest": 144}
"""Letters that are kept of the texts of an entry: a digest of sha512 has 135, a tag 128, an engine's name up to 200."""

LONGEST_OTHER = 128
"""Letters that are kept of any other text."""

LONGEST_LINE = 64 * 1024
"""Bytes of a kept line that are read."""

HIGHEST = 2**53
"""What a `seq` never reaches; a kept line with a higher one is none of the edge's."""

ACTIONS = ("login", "head", "pull", "blob", "push", "delete")

Entry = dict[str, Any]


class AccessLog:
    """JSON lines. `seq` counts from 1 and never goes back, so order does not hang on any clock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.events: list[Entry] = []
        self.resets: list[Entry] = []
        self._last: Entry = {"seq": 0}
        self._room = ROOM
        self._readers: set[asyncio.Queue[Entry]] = set()
        for entry in _read(path):
            self._keep(entry)
        if path.exists():
            self._write_anew()  # a line that was torn must not swallow the next one
        self._file = path.open("a", buffering=1)

    def add(
        self,
        action: str,
        registry: str,
        client: str | None,
        agent: str,
        user: str | None,
        status: int,
        repository: str = "",
        reference: str = "",
        digest: str = "",
        reason: str = "",
    ) -> Entry:
        """Adds an event and returns it, with its number and time (seconds since 1970). A refusal that repeats the last entry
        is dropped: an engine asks once a layer."""
        event = _texts(
            {
                "action": action,
                "registry": registry,
                "client": client,
                "agent": agent,
                "user": user,
                "repository": repository,
                "reference": reference,
                "digest": digest,
                "reason": reason,
            }
        ) | {"status": status}
        if status >= 400 and all(self._last.get(key) == value for key, value in event.items()):
            return self._last
        return self._append(event)

    def reset(self, exercises: list[str]) -> Entry:
        """Adds the line which says that these exercises begin anew here, and returns it."""
        return self._append({"exercises": [_text("", slug) for slug in exercises]})

    def _append(self, entry: Entry) -> Entry:
        whole = {"seq": self._last["seq"] + 1, "time": round(time.time(), 3), **entry}
        self._file.write(json.dumps(whole) + "\n")
        if entry.get("status", 0) < 400:  # a refusal earns nothing, and there may be many
            os.fsync(self._file.fileno())
        if self._keep(whole):
            self._shorten()
        for reader in self._readers:
            reader.put_nowait(whole)
        return whole

    def _keep(self, entry: Entry) -> bool:
        """Takes an entry up. Whether others were left out for it."""
        self._last = entry
        (self.events if "action" in entry else self.resets).append(entry)
        if len(self.events) + len(self.resets) <= self._room:
            return False
        self.resets = evidence.latest(self.resets, MOST_RESETS)
        self.events = evidence.kept(self.events, self.resets)
        self._room = max(ROOM, len(self.events) + len(self.resets) + STEP)
        return True

    def _shorten(self) -> None:
        with contextlib.suppress(OSError):  # without room for it the file goes on as it is
            self._write_anew()
            self._file.close()
            self._file = self._path.open("a", buffering=1)

    def _write_anew(self) -> None:
        """Writes the file with what is kept, all of it or nothing. Raises OSError."""
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            for entry in sorted((*self.events, *self.resets), key=lambda entry: int(entry["seq"])):
                file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)

    async def follow(self) -> AsyncIterator[Entry]:
        """Every entry from now on, as it is written."""
        queue: asyncio.Queue[Entry] = asyncio.Queue()
        self._readers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._readers.discard(queue)

    def close(self) -> None:
        self._file.close()


def _text(field: str, value: Any) -> str:
    return clean(value, LONGEST.get(field, LONGEST_OTHER))


def _texts(entry: Entry) -> Entry:
    """The texts of an event, each bounded. `user` may be None."""
    return {field: None if field == "user" and value is None else _text(field, value) for field, value in entry.items()}


def _read(path: Path) -> Iterator[Entry]:
    """The kept entries, by number. What is no entry is passed over: a line may have been torn when the machine went off."""
    if not path.exists():
        return
    newest = 0
    with path.open("rb") as file:
        whole = True
        while line := file.readline(LONGEST_LINE):
            begins, whole = whole, line.endswith(b"\n")
            try:
                entry = _entry(json.loads(line)) if begins else None  # else the rest of a line that is too long
            except (ValueError, RecursionError):
                continue
            if entry and entry["seq"] > newest:
                newest = entry["seq"]
                yield entry


def _entry(line: Any) -> Entry | None:
    """A kept line as an event or a reset; None for what is neither."""
    if not isinstance(line, dict):
        return None
    seq, moment, status, exercises = (line.get(key) for key in ("seq", "time", "status", "exercises"))
    if type(seq) is not int or not 0 < seq < HIGHEST or type(moment) not in (int, float):
        return None
    if isinstance(exercises, list):
        return {"seq": seq, "time": moment, "exercises": [_text("", slug) for slug in exercises]}
    if line.get("action") not in ACTIONS or type(status) is not int:
        return None
    texts = ("action", "registry", "client", "agent", "user", "repository", "reference", "digest", "reason")
    return {"seq": seq, "time": moment, **_texts({key: line.get(key) for key in texts}), "status": status}
