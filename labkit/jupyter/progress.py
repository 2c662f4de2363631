"""What docker prints while it waits for a service: the same lines over and over. Here each line comes once. Pure."""

import re

PROGRESS = re.compile(r"\d+/\d+:|overall progress: |verify: |rollback: |service rolled back")
FIRST = "overall progress: "
EMPTY = re.compile(r"\d+/\d+:\s*$")
COUNTED = re.compile(r"Waiting \d+ second")
RUNNING = re.compile(r"overall progress: (\d+) out of")
LONGEST = 1000
"""A line with more characters than this is not a line of progress, and is printed before its end has come."""

CONVERGED = re.compile(r"verify: Service \S+ converged")


class Progress:
    """What a command prints, without progress lines of a service that were printed before."""

    def __init__(self) -> None:
        self._line = ""
        """The beginning of a line whose end has not come yet."""
        self._begun = False
        """Whether the beginning of this line has been printed."""
        self._printed: set[str] = set()
        self._most = 0
        self.waits_since: float | None = None
        """When a service last made progress: its progress said something new, and not only that fewer tasks run than before.
        None if nothing waits for a service."""

    def feed(self, text: str, now: float) -> str:
        """The part of this that must be printed. The beginning of a line waits for its end, unless the line is overwritten."""
        *lines, self._line = (self._line + text).split("\n")
        told = "".join(self._whole(f"{line}\n", now) for line in lines)
        return told + self.rest() if "\r" in self._line or len(self._line) > LONGEST else told

    def rest(self) -> str:
        """The beginning of a line that still waits for its end."""
        told, self._line = self._line, ""
        self._begun = self._begun or bool(told)
        return told

    def _whole(self, line: str, now: float) -> str:
        begun, self._begun = self._begun, False
        if begun:
            return line
        inside = self.waits_since is not None
        if not (line.startswith(FIRST) or (inside and PROGRESS.match(line))):
            self._printed.clear()
            self._most, self.waits_since = 0, None
            return line
        key = COUNTED.sub("Waiting", line.strip())
        if EMPTY.match(line) or key in self._printed:
            return ""
        self._printed.add(key)
        count = RUNNING.match(line)
        if not inside or count is None or int(count[1]) > self._most:
            self.waits_since = now
        self._most = max(self._most, int(count[1]) if count else 0)
        if CONVERGED.match(line):
            self.waits_since = None
        return line
