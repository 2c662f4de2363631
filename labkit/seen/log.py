"""The section `log`: the edge's access log. It says who did what in which registry, in order."""

from enum import StrEnum

import msgspec


class Action(StrEnum):
    """The kind of request. `head` asks for a manifest's digest, `pull` for the manifest itself, `blob` for a layer or a
    config."""

    LOGIN = "login"
    HEAD = "head"
    PULL = "pull"
    BLOB = "blob"
    PUSH = "push"
    DELETE = "delete"


LOOKER = "labkit-grader"
"""The agent of labkit's own programs."""

READS = (Action.HEAD, Action.PULL, Action.BLOB)


def is_look(action: str, agent: str) -> bool:
    """Whether a line of the access log is a look of labkit's own at a registry, and nothing that anybody did."""
    return agent == LOOKER and action in READS


class Reason(StrEnum):
    """Why the edge refused a request, in whichever registry (labkit/edge/front.py, labkit/edge/flavours/)."""

    WRONG_PASSWORD = "wrong-password"  # noqa: S105  (a reason)
    UNKNOWN_USER = "unknown-user"
    EXPIRED = "expired"
    """What was typed was right once."""
    NOT_SIGNED_IN = "not-signed-in"
    FOREIGN_NAMESPACE = "foreign-namespace"
    NO_NAMESPACE = "no-namespace"
    NO_SUCH_PROJECT = "no-such-project"
    FEWER_RIGHTS = "fewer-rights"
    """The account's role, or this token of it, does not include that."""
    IMMUTABLE = "immutable"
    """The tag is there and stays what it is."""
    LOCKED = "locked"
    PRIVATE = "private"
    """Only its owner may pull from the repository."""
    RATE_LIMIT = "rate-limit"
    STILL_TAGGED = "still-tagged"
    UNSUPPORTED = "unsupported"
    NO_SUCH_REPOSITORY = "no-such-repository"
    NOT_FOUND = "not-found"
    REFUSED_BY_STORE = "refused-by-store"
    QUOTA = "quota"
    """There is no room left for it."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the access log."""

    seq: int
    """Counts up from 1 and never goes back, so the order does not depend on any clock."""
    time: float
    """Seconds since 1970."""
    action: str
    """An Action, or a word that this labkit does not know."""
    registry: str
    """The registry's key."""
    machine: str
    """The lab's machine that sent the request, or "" for any other."""
    user: str | None
    repository: str = ""
    reference: str = ""
    """The tag or digest that was requested."""
    digest: str = ""
    """What the registry answered with, or the blob's digest."""
    status: int
    reason: str = ""
    """A Reason, or ""."""
    agent: str
    """The client's User-Agent."""

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def from_engine(self) -> bool:
        """Whether a Docker Engine sent the request, and not a tool that talks to the registry itself."""
        return self.agent.startswith("docker/")

    @property
    def by_person(self) -> bool:
        """Whether a person caused the request: an engine that pulls for the Swarm names no client."""
        return not self.from_engine or "UpstreamClient" in self.agent


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A line which says that these exercises begin again here."""

    seq: int
    time: float
    exercises: tuple[str, ...]


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Both sorted by `seq`, oldest first."""

    events: tuple[Event, ...]
    resets: tuple[Reset, ...]

    def begun(self, slug: str) -> int:
        """The number after which an exercise's evidence counts: its last reset, or 0 if there was none."""
        return max((reset.seq for reset in self.resets if slug in reset.exercises), default=0)
