"""Who may do what in which registry. Values only: no network, no clock."""

import json
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
"""A repository's name (OCI distribution specification 1.1, "Pulling manifests")."""


@dataclass(frozen=True)
class Registry:
    """A registry of the lesson. `read` and `write` say who may: anyone, owner (of the namespace), signed-in."""

    key: str
    title: str
    hosts: tuple[str, ...]
    realm: str
    service: str
    read: str
    write: str
    catalog: bool

    def allowed(self, user: str | None, name: str, exists: bool) -> set[str]:
        """The actions, out of pull and push, that this user (None: not signed in) has on a repository."""
        owner = user is not None and name.split("/", maxsplit=1)[0] == user and "/" in name
        grants = {"anyone": exists, "signed-in": user is not None, "owner": owner}
        return {action for action, rule in (("pull", self.read), ("push", self.write)) if grants[rule]}

    def challenge(self, scope: str = "", error: str = "") -> str:
        """The WWW-Authenticate header of an answer that asks for a token (RFC 6750, section 3)."""
        parts = [f'realm="{self.realm}"', f'service="{self.service}"']
        parts += [f'scope="{scope}"'] if scope else []
        parts += [f'error="{error}"'] if error else []
        return "Bearer " + ",".join(parts)


def registries() -> dict[str, Registry]:
    """Every registry by its key."""
    data = json.loads((HERE / "registries.json").read_text())
    return {key: Registry(key=key, **{**one, "hosts": tuple(one["hosts"])}) for key, one in data.items()}


def accounts(learner: str = "") -> dict[str, str]:
    """Passwords by user name: those that the lesson prints. In a personal lab the learner's name stands for the first."""
    known = dict(json.loads((HERE / "accounts.json").read_text()))
    default = next(iter(known))
    return {learner or default: known.pop(default), **known}


@dataclass(frozen=True)
class Token:
    """What a bearer of the token is: a user, or nobody in particular, with actions by repository."""

    registry: str
    user: str | None
    access: dict[str, set[str]] = field(default_factory=dict)


class Tokens:
    """The tokens that were given out, the newest thousand. They are opaque: who issues them also reads them."""

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


def parse_scope(scope: str) -> tuple[str, set[str]] | None:
    """`repository:NAME:pull,push` as (NAME, actions); None for what is no scope of a repository."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind.split("(")[0] != "repository" or not name:
        return None
    return name, set(actions.split(","))
