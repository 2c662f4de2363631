"""What a registry is but for its vendor: a Flavour, and the small values that it judges by. Knows no HTTP: the front asks it.

A vendor is a module beside this one with a class that says what is different there (docs/flavours.md).
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ..facts import Facts
from ..shelf import Shelf
from .kept import KEY, Kept
from .pulls import Pulls
from .routes import Routes

PASSWORD, ACCESS_TOKEN, ROBOT = "password", "access token", "robot"
SHORT_LIVED, SERVICE_KEY = "short-lived token", "service key"
"""Kinds of accounts, by what is typed for a password."""

NOT_SIGNED_IN, FOREIGN, NO_NAMESPACE = "not-signed-in", "foreign-namespace", "no-namespace"
NO_REPOSITORY, STILL_TAGGED, UNSUPPORTED = "no-such-repository", "still-tagged", "unsupported"
WRONG_PASSWORD, UNKNOWN_USER, EXPIRED = "wrong-password", "unknown-user", "expired"
NO_PROJECT, FEWER_RIGHTS, RATE_LIMIT = "no-such-project", "fewer-rights", "rate-limit"
IMMUTABLE, LOCKED, PRIVATE, QUOTA = "immutable", "locked", "private", "quota"
"""Reasons, as the access log has them (labkit/seen/log.py)."""

REAL = re.compile(
    r"dckr_[op]at_[\w-]{20,}"  # Docker Hub's access tokens
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"  # AWS's keys
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}"
    r"|\"datakey\"\s*:\s*\""  # a password of Amazon ECR's, decoded; the stand-in's have no such field
    r"|[\w~.-]{3}[78]Q~[\w~.-]{31,34}|(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}"  # Azure's
    r"|(?<=[A-Za-z0-9+/]{42})\+ACR[A-D][A-Za-z0-9+/]{5}"  # an admin user's at Azure Container Registry
    r"|ya29\.[\w-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"  # Google's
    r"|AIza[\w-]{35}|GOCSPX-[\w-]{20,}|(?<!\w)1//0[\w-]{30,}"
)
"""The forms of real credentials. Each is found in a time that grows with the text alone."""

A_REAL_ONE = (
    "this registry is a stand-in in a lab and takes no real credential: change the one that you typed, if it is in use"
)


@dataclass(frozen=True)
class Refusal:
    """What is answered instead of doing what was asked, in the vendor's own words. `reason` is for the access log, "" where
    there is nothing to note. `problem` is the `error` of a challenge (RFC 6750), for clients that print it. `unless` is the
    digest of a manifest that may be pushed all the same: it lies there already, under this very tag."""

    status: int
    code: str
    message: str
    reason: str = ""
    problem: str = ""
    detail: object = None
    unless: str = ""


@dataclass(frozen=True)
class Account:
    """One way to sign in. `ends` is in seconds of the registry's date, None for never. `scope` says, in the vendor's words, to
    which of the rights of its name it is limited, "" for all. The secret itself is not kept."""

    name: str
    mark: str
    kind: str = PASSWORD
    ends: float | None = None
    scope: str = ""

    def opens(self, secret: str) -> bool:
        return hmac.compare_digest(self.mark, marked(secret))


def marked(secret: str) -> str:
    """What is kept of a secret, by which it is known again."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def looks_real(text: str) -> bool:
    """Whether a real credential stands in the text as it was typed, in what it is the base64 of, or in either's JSON."""
    plain = (text, out_of_base64(text))
    return any(REAL.search(form) for one in plain for form in (one, _out_of_json(one)))


def out_of_base64(text: str) -> str:
    """What this is the base64 of, with or without line breaks; "" where it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _out_of_json(text: str) -> str:
    """JSON with nothing in it escaped that need not be; "" for what is none."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False) if text.lstrip()[:1] in ("{", "[", '"') else ""
    except (ValueError, RecursionError):
        return ""


@dataclass(frozen=True)
class View:
    """A repository of this registry as it lies on the shelf, looked at when a rule asks. `other` is the name under which it
    lies there, where that is not its own."""

    shelf: Shelf
    key: str
    name: str
    other: str = ""

    @property
    def place(self) -> str:
        return self.other or self.name

    @property
    def exists(self) -> bool:
        """Whether it has a tag."""
        return self.shelf.exists(self.key, self.place)

    @property
    def tags(self) -> dict[str, str]:
        """{tag: digest}"""
        return self.shelf.tags(self.key, self.place)

    def kind(self, reference: str) -> str:
        """The kind of the manifest that this tag or digest means here (summary.py), "" where there is none."""
        digest = reference if ":" in reference else self.shelf.tag(self.key, self.place, reference)
        if not digest or not self.shelf.has_manifest(self.key, self.place, digest):
            return ""
        held = self.shelf.manifest(digest)
        return str(held["kind"]) if held else ""

    def has(self, reference: str) -> bool:
        """Whether it has a manifest under this tag or digest."""
        return self.shelf.has_manifest(self.key, self.place, reference) if ":" in reference else reference in self.tags


@dataclass(frozen=True)
class Asked:
    """A request about a repository. `action` is pull, push or delete, `kind` what stands in the path (manifests, blobs, tags,
    referrers) and `rest` what comes last there. `user` is None for nobody in particular, `signed` whether a token came.
    `client` is the address that it came from, `head` whether it only asks about a thing.

    `size` is what it would add, in bytes: a manifest, or an upload that is finished, whose `digest` is told then ("" else)."""

    view: View
    action: str
    kind: str
    rest: str
    user: str | None = None
    signed: bool = True
    client: str = ""
    head: bool = False
    size: int = 0
    digest: str = ""


class Clock:
    """A registry's time: `now` for what ends with the edge and never goes back, `date` for what is kept. A lesson may move both
    on, which is kept too: what has expired stays so."""

    def __init__(
        self, kept: Kept, now: Callable[[], float] = time.monotonic, date: Callable[[], float] = time.time
    ) -> None:
        self._kept, self._now, self._date = kept, now, date

    def now(self) -> float:
        return self._now() + self._moved

    def date(self) -> float:
        return self._date() + self._moved

    def move(self, seconds: float) -> None:
        """Raises OSError."""
        self._kept.said["moved"] = self._moved + seconds
        self._kept.save()

    @property
    def _moved(self) -> float:
        found = self._kept.said.get("moved", 0.0)
        return float(found) if isinstance(found, (int, float)) else 0.0


class Flavour:
    """A registry. What a vendor does in another way it says by a value or a method of its own."""

    scheme: ClassVar[str] = "Bearer"
    """How a client signs in: by a token that it fetches (Bearer), or with each request (Basic)."""
    takes_basic: ClassVar[bool] = False
    """Whether a request may sign in by itself, beside or in place of a token."""
    realm: ClassVar[str]
    service: ClassVar[str]
    token_path: ClassVar[str] = "/token"  # noqa: S105
    refreshes: ClassVar[str] = ""
    """The account whose password may come as a refresh token of OAuth 2; "" where none is taken."""
    lifetime: ClassVar[int] = 300
    """Seconds for which a token is valid."""
    longest: ClassVar[int] = lifetime
    """Seconds after which everything has expired here that ever does."""
    read: ClassVar[str] = "anyone"
    write: ClassVar[str] = "owner"
    delete: ClassVar[str] = "owner"
    """Who may: anyone, signed-in, or the owner of the namespace."""
    lists: ClassVar[bool] = False
    """Whether it tells who is signed in of all its repositories (_catalog)."""
    routes: ClassVar[Routes] = Routes()
    """The vendor's own API."""
    others: ClassVar[Mapping[str, str]] = {}
    """Names under which another repository of this registry, which comes with the lab, can be pulled too."""
    serves: ClassVar[bool] = True
    """Whether images are pushed and pulled here; else it has an API only."""
    unsigned: ClassVar[Refusal] = Refusal(401, "UNAUTHORIZED", "authentication required")
    """What is answered to who has not signed in."""

    def __init__(self, facts: Facts, accounts: dict[str, str], kept: Kept, clock: Clock) -> None:
        """`accounts` are the lesson's: passwords by user name."""
        self.facts, self.kept, self.clock = facts, kept, clock
        self.pulls: Pulls | None = None
        """The limit of pulls, where there is one."""
        people = {**accounts, **dict(facts.accounts)}
        self._people = tuple(Account(name, marked(secret)) for name, secret in people.items())

    @property
    def key(self) -> str:
        return self.facts.key

    @property
    def in_use(self) -> bool:
        """Whether somebody has made something here beside images. What the parts of a product keep is the product's."""
        made = (value for name, value in self.kept.said.items() if name != KEY)
        return self.facts.product in ("", self.key) and any(made)

    def holder(self, shelf: Shelf, name: str, kind: str = "", rest: str = "") -> str:
        """The key of the registry in which what this name means here lies; `kind` and `rest` as in Asked."""
        return self.key

    # ── signing in ──

    def accounts(self) -> Iterable[Account]:
        """Every way to sign in here."""
        return self._people

    def sign_in(self, name: str, secret: str) -> Account | Refusal:
        """Who it is, or why not. For every registry: what looks real is refused before a vendor looks at it."""
        named = name in self.facts.users or any(account.name == name for account in self.accounts())
        if looks_real(secret) or looks_real(name):
            return Refusal(401, "UNAUTHORIZED", A_REAL_ONE, WRONG_PASSWORD if named else UNKNOWN_USER)
        fitting = list(self.opened(name, secret))
        if not fitting:
            return self.unknown(named)
        valid = [account for account in fitting if account.ends is None or account.ends > self.clock.date()]
        return valid[0] if valid else self.expired(fitting[0])

    def opened(self, name: str, secret: str) -> Iterable[Account]:
        """The accounts that this opens, also those that have ended."""
        return (account for account in self.accounts() if account.name == name and account.opens(secret))

    def unknown(self, named: bool) -> Refusal:
        """`named`: there is an account of that name."""
        reason = WRONG_PASSWORD if named else UNKNOWN_USER
        return Refusal(401, "UNAUTHORIZED", "incorrect username or password", reason)

    def expired(self, account: Account) -> Refusal:
        """What was typed was right once."""
        return replace(self.unknown(True), reason=EXPIRED)

    def challenge(self, scope: str = "", problem: str = "", sent: str = "") -> str:
        """The WWW-Authenticate header of an answer that asks to sign in (RFC 6750, section 3). `sent` is the Authorization
        header that came."""
        parts = [f'realm="{self.realm}"', f'service="{self.service}"']
        parts += [f'scope="{scope}"'] if scope and self.scheme == "Bearer" else []
        parts += [f'error="{problem}"'] if problem else []
        return f"{self.scheme} {','.join(parts)}"

    # ── rights ──

    def allowed(self, user: str | None, view: View) -> set[str]:
        """The actions, out of pull, push and delete, that this user (None: not signed in) has on a repository. Until it
        has a tag, its owner alone may look into it: nobody is told whether another's repository exists."""
        owner = user is not None and view.name.startswith(f"{user}/")
        grants = {
            "owner": lambda: owner,
            "signed-in": lambda: user is not None,
            "anyone": lambda: owner or view.exists,
        }
        rules = (("pull", self.read), ("push", self.write), ("delete", self.delete))
        return {action for action, rule in rules if grants[rule]()}

    def granted(self, wanted: set[str], user: str | None, view: View) -> set[str]:
        """What a token is given of the actions that are asked for; `*` asks for all (distribution, docs/spec/auth/scope.md)."""
        may = self.allowed(user, view)
        given = may if "*" in wanted else wanted & may
        # Who is to write may also look what is there already, as a push does before it sends a layer.
        looks = "push" in given and not wanted.isdisjoint({"pull", "*"})
        return given | {"pull"} if looks else given

    def withheld(self, wanted: set[str], account: Account | None, view: View) -> Refusal | None:
        """Refuses a token for these actions, where the vendor does not give one for fewer of them instead. `account` is how
        somebody signed in (None: nobody did), as it may have less than all rights of its name. For a repository that only
        layers would be mounted from, the token is given without it: then the push sends its own layers."""
        return None

    def may_list(self, user: str | None) -> bool:
        return self.lists and user is not None

    def listed(self, user: str, names: Iterable[str]) -> Iterator[str]:
        """Those of these repositories that _catalog tells this user of."""
        yield from names

    # ── refusals ──

    def misnamed(self, name: str) -> Refusal | None:
        """Refuses a repository's name that is sound but has no meaning here."""
        return None

    def denied(self, asked: Asked) -> Refusal:
        """What is answered to a request without the right to what it asks."""
        problem = "insufficient_scope" if asked.signed else ""
        return Refusal(401, "UNAUTHORIZED", "authentication required", self.why(asked), problem)

    def why(self, asked: Asked) -> str:
        """The reason of such a refusal; "" where it is only the token that was not asked to allow it."""
        if asked.action in self.allowed(asked.user, asked.view):
            return ""
        if asked.action == "pull" and not asked.view.exists:
            return NO_REPOSITORY
        if asked.user is None:
            return NOT_SIGNED_IN
        return FOREIGN if "/" in asked.view.name else NO_NAMESPACE

    def missing(self, asked: Asked) -> Refusal | None:
        """What is answered instead of the store's own words where a manifest is not there."""
        return None

    def forbids(self, asked: Asked) -> Refusal | None:
        """Refuses what somebody has the right to, and the registry does not do: a tag that is immutable, a quota."""
        return None

    def begins(self, asked: Asked) -> Refusal | None:
        """Counts what is about to be done, or refuses it because a limit is reached. Asked last, and once for each request."""
        return None

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """What the answer to a request for a manifest tells beside the manifest. Asked once the answer is there."""
        return {}

    # ── the lab's own wishes ──

    def last_end(self) -> float:
        """Seconds after which all has expired that was given out here, and ever does."""
        return self.longest

    def passed(self, shelf: Shelf) -> None:
        """The lesson has moved the clock on: what the vendor does by itself in time is done now. Raises OSError."""

    def change(self, name: str, wishes: Mapping[str, Any]) -> None:
        """Sets what is kept of a repository, as its owner does on the vendor's page. Raises ValueError with a sentence where
        the vendor has no such thing; OSError."""
        raise ValueError(f"{self.facts.title} has no settings of a repository that labkit changes")

    def private(self) -> list[str]:
        """The repositories that only their owners may pull from, where that is said of single ones."""
        return []

    def immutable(self) -> dict[str, list[str]]:
        """Patterns of the tags that are immutable, by repository, where that is said of single ones."""
        return {}

    def gone(self, name: str) -> None:
        """The lab has taken this repository away: what is kept of it goes too. Raises OSError."""

    def forget(self) -> None:
        """All is as in a lab that has just started, but for the images. Raises OSError."""
        self.kept.forget()
        if self.pulls:
            self.pulls.forget()
