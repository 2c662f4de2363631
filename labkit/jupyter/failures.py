"""Remembers what cells printed, so that the last failed docker command can be explained."""

from collections import deque
from typing import Any

from labkit.content import messages

MOST = 32_000
"""Letters of each cell's output that are remembered: the end of it, where the error stands."""

CELLS = 30


class Memory:
    """The ends of the last cells' outputs."""

    def __init__(self) -> None:
        self._cells: deque[str] = deque(maxlen=CELLS)
        self._now: list[str] = []
        self._docker = False

    def begin(self, source: str) -> None:
        self._now, self._docker = [], "docker" in source

    def heard(self, text: str) -> None:
        if self._docker:
            self._now.append(text)
            if len(self._now) > 200:
                self._now = ["".join(self._now)[-MOST:]]

    def end(self) -> None:
        if self._docker:
            self._cells.append("".join(self._now)[-MOST:])
        self._docker = False

    def last(self) -> str:
        """The output of the last cell with a docker command in it that printed an error; "" where none did."""
        for output in reversed(self._cells):
            if messages.find(output) or messages.complaint(output):
                return output
        return ""


class Tee:
    """Stands before a stream of the kernel's, lets everything through and remembers it."""

    def __init__(self, stream: Any, memory: Memory) -> None:
        self._stream, self._memory = stream, memory

    def write(self, text: str) -> Any:
        self._memory.heard(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
