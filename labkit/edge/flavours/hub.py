"""Docker Hub's stand-in: public and private repositories, immutable tags, access tokens beside the password, and a limit of
pulls. Its own API, at hub.docker.com: hub_api.py. Where each behaviour was read: docs/flavours.md.
"""

import secrets
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ..facts import Facts
from ..grammar import is_repository
from ..tokens import Tokens
from . import hub_api
from .base import (
    ACCESS_TOKEN,
    EXPIRED,
    FEWER_RIGHTS,
    IMMUTABLE,
    PRIVATE,
    RATE_LIMIT,
    STILL_TAGGED,
    UNSUPPORTED,
    Account,
    Asked,
    Clock,
    Flavour,
    Refusal,
    View,
    marked,
)
from .hub_api import ADMIN, PUBLIC_READ, SCOPES, Full
from .kept import Kept
from .patterns import compiled
from .pulls import Allowed, Pulls

LIMIT = Allowed(anonymous=100, signed_in=200, window=6 * 3600)
"""Of an address, and of an account of the plan Personal (docs.docker.com, "Docker Hub pull usage and limits")."""

USED_UP = (
    "You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: "
    "https://www.docker.com/increase-rate-limits"
)
FIXED = (
    "requested access to the resource is denied - This tag is already assigned to an image in this repository and cannot be "
    "updated due to immutability settings. To push this image, use a different tag."
)

FORM = "labpat_"
"""What an access token of the lab begins with. A real one's form, dckr_pat_…, is refused (base.py)."""

MOST = 200
"""Repositories with settings, and access tokens."""

MOST_RULES = 20

EVERY = [".*"]
"""The rules of a repository all of whose tags are immutable, as the Hub tells them."""

PLAIN: dict[str, Any] = {"private": False, "immutable": False, "rules": EVERY, "made": 0.0, "about": ""}
"""The settings of a repository that was made by a push."""

BEARER = 600
"""Seconds for which a token of the API is valid; the Hub says "short-lived" and no number."""


class Hub(Flavour):
    """A public repository can be pulled by everybody, and only its owner pushes to it."""

    realm = "https://auth.docker.io/token"
    service = "registry.docker.io"
    others: ClassVar[Mapping[str, str]] = {"ratelimitpreview/test": "library/busybox"}
    """The image by which Docker's documentation has people ask for what is left to them."""
    routes = hub_api.ROUTES

    def __init__(self, facts: Facts, accounts: dict[str, str], kept: Kept, clock: Clock) -> None:
        super().__init__(facts, accounts, kept, clock)
        self.pulls: Pulls = Pulls(kept, clock.now, LIMIT)
        self.bearers = Tokens(BEARER, clock.now)

    # ── what is kept ──

    @property
    def repositories(self) -> dict[str, Any]:
        """Settings by the repository's name."""
        return self.kept.table("repositories")

    @property
    def tokens(self) -> dict[str, Any]:
        """Access tokens by their uuid."""
        return self.kept.table("tokens")

    def setting(self, name: str) -> dict[str, Any]:
        return {**PLAIN, **self.repositories.get(name, {})}

    def private(self) -> list[str]:
        return sorted(name for name in self.repositories if self.setting(name)["private"])

    def immutable(self) -> dict[str, list[str]]:
        found = {name: self.setting(name) for name in sorted(self.repositories)}
        return {name: said["rules"] for name, said in found.items() if said["immutable"]}

    def change(self, name: str, wishes: Mapping[str, Any]) -> None:
        """`private`, `immutable` (true or false), `rules` (patterns of tags), `about`. Raises ValueError, Full, OSError."""
        namespace, _, rest = name.partition("/")
        if not is_repository(name) or not rest or not any(account.name == namespace for account in self._people):
            raise ValueError(f"{name} is no repository of an account of this Docker Hub")
        if odd := [key for key in wishes if key not in PLAIN or key == "made"]:
            raise ValueError(f"a repository has no setting {odd[0]!r}")
        if not all(type(value) is type(PLAIN[key]) for key, value in wishes.items()):
            raise ValueError("private and immutable are true or false, rules a list of patterns")
        rules = wishes.get("rules", EVERY) or EVERY
        if len(rules) > MOST_RULES or not all(isinstance(rule, str) for rule in rules):
            raise ValueError(f"rules are patterns of tags, at most {MOST_RULES}")
        for rule in rules:
            compiled(rule)
        if name not in self.repositories and len(self.repositories) >= MOST:
            raise Full
        made = {"made": self.clock.date()} if name not in self.repositories else {}
        told = {**wishes, **({"rules": rules} if "rules" in wishes else {})}
        self.repositories[name] = {**self.setting(name), **made, **told}
        self.kept.save()

    def gone(self, name: str) -> None:
        if self.repositories.pop(name, None) is not None:
            self.kept.save()

    def give(self, owner: str, label: str, scope: str, ends: float | None) -> tuple[str, str]:
        """Makes an access token. Returns its uuid, and the token itself, which is not kept. Raises Full, OSError."""
        if len(self.tokens) >= MOST:
            raise Full
        key, token = str(uuid.uuid4()), FORM + secrets.token_urlsafe(20)
        self.tokens[key] = {
            "owner": owner,
            "label": label,
            "scope": scope,
            "mark": marked(token),
            "ends": ends,
            "active": True,
            "made": self.clock.date(),
        }
        self.kept.save()
        return key, token

    def last_end(self) -> float:
        ends = [said["ends"] - self.clock.date() for said in self.tokens.values() if said["ends"] is not None]
        return max(self.longest, *ends, 0)

    # ── signing in ──

    def accounts(self) -> Iterable[Account]:
        yield from super().accounts()
        for said in self.tokens.values():
            if said["active"]:
                yield Account(said["owner"], said["mark"], ACCESS_TOKEN, said["ends"], said["scope"])

    def expired(self, account: Account) -> Refusal:
        return Refusal(401, "UNAUTHORIZED", "personal access token is expired", EXPIRED)

    # ── rights ──

    def allowed(self, user: str | None, view: View) -> set[str]:
        may = super().allowed(user, view)
        if view.name in self.repositories and not (user is not None and view.name.startswith(f"{user}/")):
            # One that was created is there before its first tag, for who may know of it.
            may = may - {"pull"} if self.setting(view.name)["private"] else may | {"pull"}
        return may

    def why(self, asked: Asked) -> str:
        reason = super().why(asked)
        hidden = reason and asked.action == "pull" and self.setting(asked.view.name)["private"]
        return PRIVATE if hidden else reason

    def withheld(self, wanted: set[str], account: Account | None, view: View) -> Refusal | None:
        """An access token may have less than all rights of its owner."""
        if account is None or not account.scope:
            return None
        asked = set(SCOPES[ADMIN]) if "*" in wanted else wanted
        hidden = account.scope == PUBLIC_READ and self.setting(view.name)["private"]
        if asked <= SCOPES[account.scope] and not hidden:
            return None
        return Refusal(401, "UNAUTHORIZED", "access token has insufficient scopes", FEWER_RIGHTS)

    # ── refusals ──

    def forbids(self, asked: Asked) -> Refusal | None:
        """As Docker Hub, which answers 403 for what a tag leads to (docs.docker.com, Registry API: DeleteImageManifest)."""
        if asked.action == "push" and asked.kind == "manifests":
            held = asked.view.shelf.tag(asked.view.key, asked.view.place, asked.rest) if ":" not in asked.rest else ""
            fixed = held and self.is_immutable(asked.view.name, asked.rest)
            return Refusal(403, "DENIED", FIXED, IMMUTABLE, unless=held) if fixed else None
        if asked.action != "delete":
            return None
        if asked.kind != "manifests":
            return Refusal(405, "UNSUPPORTED", "the operation is unsupported", UNSUPPORTED)
        tags = asked.view.tags
        if asked.rest in tags or asked.rest in tags.values():
            return Refusal(403, "DENIED", "the manifest is still referenced by a tag", STILL_TAGGED)
        return None

    def is_immutable(self, name: str, tag: str) -> bool:
        """Whether this tag, once it is there, stays what it is."""
        said = self.setting(name)
        return said["immutable"] and any(compiled(rule)(tag) for rule in said["rules"])

    # ── the limit of pulls ──

    def begins(self, asked: Asked) -> Refusal | None:
        if not _pulls(asked) or self.pulls.take(asked.client, asked.user):
            return None
        return Refusal(429, "TOOMANYREQUESTS", USED_UP, RATE_LIMIT)

    def headers(self, asked: Asked) -> Mapping[str, str]:
        if asked.kind != "manifests" or asked.action != "pull":
            return {}
        return self.pulls.headers(asked.client, asked.user)


def _pulls(asked: Asked) -> bool:
    """Whether it counts: a manifest that is there and is fetched, not only looked at. An index is fetched for the sake of the
    images that it lists, and each of those counts."""
    if asked.kind != "manifests" or asked.action != "pull" or asked.head:
        return False
    kind = asked.view.kind(asked.rest)
    return kind not in ("", "index")
