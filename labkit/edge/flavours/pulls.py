"""A limit of pulls: so many manifests in so much time, for each address, and for each account that has signed in.

Counted in memory, from the first pull on, and no longer than the edge lives. What a lesson sets in place of the vendor's
numbers is kept. Knows no vendor and no words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .kept import Kept

KEY = "limit"
"""Under which the numbers of a lesson are kept."""

MOST = 4096
"""Addresses and accounts that are counted; the one that began first makes place for another."""

HIGHEST = 1_000_000
"""Pulls that a lesson may allow."""


@dataclass(frozen=True)
class Allowed:
    """How many pulls in how many seconds."""

    anonymous: int
    signed_in: int
    window: int


class Pulls:
    """Counts the pulls of a registry. `vendors` are the vendor's numbers, `now` gives seconds that never go back."""

    def __init__(self, kept: Kept, now: Callable[[], float], vendors: Allowed) -> None:
        self.vendors = vendors
        self._kept, self._now = kept, now
        self._counted: dict[str, tuple[float, int]] = {}

    @property
    def allowed(self) -> Allowed:
        said = self._kept.said.get(KEY)
        numbers = said if isinstance(said, list) else []
        if len(numbers) != 2 or not all(type(number) is int and 0 <= number <= HIGHEST for number in numbers):
            return self.vendors
        return Allowed(*numbers, self.vendors.window)

    def change(self, allowed: Allowed | None) -> None:
        """Sets other numbers, or with None the vendor's, and begins to count anew. Raises OSError."""
        self._counted.clear()
        if allowed is None:
            self._kept.said.pop(KEY, None)
        else:
            self._kept.said[KEY] = [allowed.anonymous, allowed.signed_in]
        self._kept.save()

    def forget(self) -> None:
        """Begins to count anew."""
        self._counted.clear()

    def limit(self, user: str | None) -> int:
        return self.allowed.anonymous if user is None else self.allowed.signed_in

    def left(self, client: str, user: str | None) -> int:
        return max(0, self.limit(user) - self._count(_source(client, user))[1])

    def take(self, client: str, user: str | None) -> bool:
        """Counts a pull. Whether there was one left."""
        if not self.left(client, user):
            return False
        began, count = self._count(source := _source(client, user))
        self._counted[source] = (began, count + 1)
        if len(self._counted) > MOST:
            del self._counted[min(self._counted, key=lambda one: self._counted[one][0])]
        return True

    def headers(self, client: str, user: str | None) -> dict[str, str]:
        """As docs.docker.com has them, "Docker Hub pull usage and limits"."""
        window = f"w={self.allowed.window}"
        return {
            "ratelimit-limit": f"{self.limit(user)};{window}",
            "ratelimit-remaining": f"{self.left(client, user)};{window}",
            "docker-ratelimit-source": user or client,
        }

    def told(self) -> dict[str, Any]:
        """For people: the numbers, whether they are a lesson's, and who has used how many of them."""
        allowed = self.allowed
        counted = {source: self._count(source)[1] for source in list(self._counted)}
        return {
            "pulls": allowed.anonymous,
            "signed_in": allowed.signed_in,
            "window": allowed.window,
            "changed": allowed != self.vendors,
            "used": {source.partition(" ")[2]: count for source, count in counted.items() if count},
        }

    def _count(self, source: str) -> tuple[float, int]:
        """When its time began, and the pulls since then."""
        began, count = self._counted.get(source, (self._now(), 0))
        return (began, count) if self._now() < began + self.allowed.window else (self._now(), 0)


def _source(client: str, user: str | None) -> str:
    """No account can be taken for an address, whatever its name."""
    return f"address {client}" if user is None else f"account {user}"
