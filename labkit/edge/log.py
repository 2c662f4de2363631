"""The access log: who did what, in the order in which it happened. Evidence for grading, and the lab's event feed.

A line of it is an event, or a reset: "these exercises begin anew here". Both are JSON objects, in the form of
labkit/seen/log.py (Event, with the client's address as `client` in place of the machine; Reset).
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from .grammar import clean

MOST = 20_000
"""Entries that are kept; a lab makes a few hundred."""

LONGEST = 300
"""Letters of each text of an entry."""

HIGHEST = 2**53
"""What a `seq` never reaches; a kept line with a higher one is none of the edge's."""

ACTIONS = ("login", "head", "pull", "blob", "push", "delete")

Entry = dict[str, Any]


class AccessLog:
    """Append-only JSON lines. `seq` counts from 1 and never goes back, so order does not hang on any clock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = _read(path)
        self.events: list[Entry] = [entry for entry in entries if "action" in entry][-MOST:]
        self.resets: list[Entry] = [entry for entry in entries if "exercises" in entry][-MOST:]
        self._last: Entry = entries[-1] if entries else {"seq": 0}
        self._file = path.open("a", buffering=1)
        self._readers: set[asyncio.Queue[Entry]] = set()
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write("\n")  # a line that was torn must not swallow the next one

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
        event: Entry = {
            "action": action,
            "registry": registry,
            "client": _text(client),
            "agent": _text(agent),
            "user": None if user is None else _text(user),
            "repository": _text(repository),
            "reference": _text(reference),
            "digest": _text(digest),
            "status": status,
            "reason": reason,
        }
        if status >= 400 and all(self._last.get(key) == value for key, value in event.items()):
            return self._last
        return self._append(self.events, event)

    def reset(self, exercises: list[str]) -> Entry:
        """Adds the line which says that these exercises begin anew here, and returns it."""
        return self._append(self.resets, {"exercises": [_text(slug) for slug in exercises]})

    def _append(self, kept: list[Entry], entry: Entry) -> Entry:
        self._last = whole = {"seq": self._last["seq"] + 1, "time": round(time.time(), 3), **entry}
        kept.append(whole)
        del kept[:-MOST]
        self._file.write(json.dumps(whole) + "\n")
        os.fsync(self._file.fileno())
        for reader in self._readers:
            reader.put_nowait(whole)
        return whole

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


def _text(value: Any) -> str:
    return clean(value, LONGEST)


def _read(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    entries: list[Entry] = []
    for line in path.read_text(errors="replace").split("\n"):
        try:
            entry = _entry(json.loads(line))
        except (ValueError, RecursionError):
            continue  # torn when the machine was switched off
        if entry and entry["seq"] > (entries[-1]["seq"] if entries else 0):
            entries.append(entry)
    return entries


def _entry(line: Any) -> Entry | None:
    """A kept line as an event or a reset; None for what is neither."""
    if not isinstance(line, dict):
        return None
    seq, moment, status, exercises = (line.get(key) for key in ("seq", "time", "status", "exercises"))
    if type(seq) is not int or not 0 < seq < HIGHEST or type(moment) not in (int, float):
        return None
    if isinstance(exercises, list):
        return {"seq": seq, "time": moment, "exercises": [_text(slug) for slug in exercises]}
    if line.get("action") not in ACTIONS or type(status) is not int:
        return None
    texts = ("action", "registry", "client", "agent", "repository", "reference", "digest", "reason")
    user = line.get("user")
    told = {"seq": seq, "time": moment, **{key: _text(line.get(key)) for key in texts}}
    return {**told, "user": None if user is None else _text(user), "status": status}
