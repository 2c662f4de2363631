"""Remembers the newest command that failed in a cell, so that it can be explained."""

import subprocess
from dataclasses import dataclass

from labkit.content import messages

MOST = 32_000
"""How many characters of each stream are remembered: its end, which has the error."""

INTERRUPTED = 130

GROUPS = {
    "builder",
    "container",
    "context",
    "image",
    "network",
    "node",
    "secret",
    "service",
    "stack",
    "swarm",
    "volume",
}
"""Words of docker that need a second one to say what is done."""


@dataclass(frozen=True)
class Ran:
    """What a cell ran, what it printed last, and how it ended."""

    source: str
    out: str = ""
    err: str = ""
    status: int = 0

    @property
    def error(self) -> str:
        """The part of its output that has an error, "" if all went well. If the cell succeeded, standard error counts, as
        bash ends with the status of its last command, and of standard output what such a command may have answered."""
        if self.status:
            return self.err if messages.find(self.err) or not messages.find(self.out) else self.out
        if messages.find(self.err):
            return self.err
        return self.out if messages.find(self.out, shown=True) else ""

    @property
    def failed(self) -> bool:
        return bool(self.status or self.error)

    @property
    def interrupted(self) -> bool:
        return self.status == INTERRUPTED

    @property
    def done(self) -> set[str]:
        """What it was meant to do, in docker's words: {"tag", "service create"}."""
        words = [line.split() for line in self.source.splitlines()]
        return {
            " ".join(line[1 : 3 if line[1] in GROUPS else 2])
            for line in words
            if len(line) > 1 and not line[0].startswith("#")
        }


class Failed(subprocess.CalledProcessError):
    """A cell's command failed. It is raised, so that Run All stops there; magics.py shows it, never as a traceback."""

    def __init__(self, ran: Ran, told: bool = False) -> None:
        super().__init__(ran.status, "the cell's command")
        self.ran, self.told = ran, told
        """Whether it has been explained."""

    def __str__(self) -> str:
        return f"exit status {self.returncode}"


class Memory:
    """The newest failure, and whether the same command has worked since."""

    def __init__(self) -> None:
        self.newest: Ran | None = None
        self.mended = False

    def add(self, ran: Ran) -> None:
        if ran.interrupted:
            return
        if ran.failed:
            self.newest, self.mended = ran, False
        elif self.newest and self.newest.done <= ran.done:
            self.mended = True

    def last(self) -> str:
        """The output of the newest command that failed, "" if none did."""
        return (self.newest.error.strip() or f"exit status {self.newest.status}") if self.newest else ""
