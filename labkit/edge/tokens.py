"""The tokens that a registry gives out. Nothing is kept of them: each says itself whose it is, under the edge's signature.

So no number of them costs memory or makes another one invalid. They end with the edge that gave them out, at the latest.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

GRACE = 10
"""Seconds for which one is taken beyond its lifetime: clients count from when they got it, and use it until the last moment."""

LARGEST = 4096
"""Letters of a token. A header has room for 8,190, in most servers' and clients' hands."""


@dataclass(frozen=True)
class Token:
    """What a bearer of the token is, at the registry of that service: a user, or nobody in particular, with actions by
    repository."""

    service: str
    user: str | None
    access: dict[str, set[str]] = field(default_factory=dict)


class Tokens:
    """Issues and reads one registry's tokens. `lifetime` is how many seconds one is valid, as its answer says (`expires_in`).
    `clock` gives seconds that never go back, whatever becomes of the machine's time."""

    def __init__(self, lifetime: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.lifetime = lifetime
        self._key = secrets.token_bytes(32)
        self._clock = clock

    def issue(self, token: Token) -> str:
        """The token as text. Of one that would be too large the last repositories are left out."""
        access = {name: sorted(actions) for name, actions in token.access.items()}
        while True:
            text = json.dumps([self._clock() + self.lifetime, token.service, token.user, access], separators=(",", ":"))
            value = f"{_encoded(text.encode())}.{_encoded(self._signature(text.encode()))}"
            if len(value) <= LARGEST or not access:
                return value
            access = dict(list(access.items())[: len(access) // 2])

    def read(self, value: str) -> Token | None:
        """What the token says; None for one that is not the edge's own, was altered, or has expired."""
        said, _, signature = value.partition(".")
        try:
            text = _decoded(said)
            if not hmac.compare_digest(_decoded(signature), self._signature(text)):
                return None
        except ValueError:
            return None
        ends, service, user, access = json.loads(text)
        if self._clock() > ends + GRACE:
            return None
        return Token(service, user, {name: set(actions) for name, actions in access.items()})

    def _signature(self, text: bytes) -> bytes:
        return hmac.digest(self._key, text, hashlib.sha256)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    """Raises ValueError for what is none."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
