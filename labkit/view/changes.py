"""What the last command changed in the picture. Pure."""

from dataclasses import dataclass

from labkit.view.picture import Picture

PAUSE = 10.0
"""After this many seconds without a change, the next one belongs to another command: tasks keep moving for some time."""


@dataclass(frozen=True)
class Changes:
    """The picture before and after the last command, and when it last changed (in seconds, by any clock)."""

    before: Picture | None = None
    now: Picture | None = None
    at: float = 0.0

    def seen(self, picture: Picture, at: float) -> "Changes":
        """The same with this picture, seen at that moment."""
        if self.now is None:
            return Changes(picture, picture, at)
        if picture == self.now:
            return self
        return Changes(self.before if at - self.at < PAUSE else self.now, picture, at)

    @property
    def rows(self) -> frozenset[str]:
        """The keys of the rows that are new or different."""
        before = self.before.keyed if self.before else {}
        now = self.now.keyed if self.now else {}
        return frozenset(key for key, row in now.items() if before.get(key) != row)
