"""The tokens that the edge gave out."""

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Token:
    """What a bearer of the token is: a user, or nobody in particular, with actions by repository."""

    registry: str
    user: str | None
    access: dict[str, set[str]] = field(default_factory=dict)


class Tokens:
    """The newest thousand. They are opaque: who issues them also reads them."""

    def __init__(self, most: int = 1000) -> None:
        self._tokens: dict[str, Token] = {}
        self._most = most

    def issue(self, token: Token) -> str:
        value = secrets.token_urlsafe(24)
        self._tokens[value] = token
        while len(self._tokens) > self._most:
            del self._tokens[next(iter(self._tokens))]
        return value

    def read(self, value: str) -> Token | None:
        return self._tokens.get(value)
