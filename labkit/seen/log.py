"""The section `log`: the edge's access log, who did what in which registry, in the order in which it happened."""

from enum import StrEnum

import msgspec


class Action(StrEnum):
    """What was asked for. `head` is a look at a manifest's digest, `pull` the manifest itself, `blob` a layer or a config."""

    LOGIN = "login"
    HEAD = "head"
    PULL = "pull"
    BLOB = "blob"
    PUSH = "push"
    DELETE = "delete"


class Reason(StrEnum):
    """Why the edge refused (labkit/edge/front.py)."""

    WRONG_PASSWORD = "wrong-password"  # noqa: S105  (a reason)
    UNKNOWN_USER = "unknown-user"
    NOT_SIGNED_IN = "not-signed-in"
    FOREIGN_NAMESPACE = "foreign-namespace"
    NO_NAMESPACE = "no-namespace"
    STILL_TAGGED = "still-tagged"
    UNSUPPORTED = "unsupported"
    NO_SUCH_REPOSITORY = "no-such-repository"
    NOT_FOUND = "not-found"
    REFUSED_BY_STORE = "refused-by-store"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the access log."""

    seq: int
    """Counts from 1 and never goes back: order does not hang on any clock."""
    time: float
    """Seconds since 1970."""
    action: str
    """An Action, or a word that labkit does not know."""
    registry: str
    """The registry's key."""
    machine: str
    """The lab's machine that asked, "" for another."""
    user: str | None
    repository: str = ""
    reference: str = ""
    """The tag or the digest that was asked for."""
    digest: str = ""
    """What the registry answered with, or the blob's digest."""
    status: int
    reason: str = ""
    """A Reason, "" for none."""
    agent: str
    """The client's User-Agent."""

    @property
    def ok(self) -> bool:
        return self.status < 400

    @property
    def from_engine(self) -> bool:
        """Whether a Docker Engine asked, and not a tool that speaks to the registry by itself."""
        return self.agent.startswith("docker/")

    @property
    def by_person(self) -> bool:
        """Whether somebody asked for it: an engine that pulls for the Swarm names no client behind it."""
        return not self.from_engine or "UpstreamClient" in self.agent


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A line which says that these exercises begin anew here."""

    seq: int
    time: float
    exercises: tuple[str, ...]


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """Both by `seq`, the oldest first."""

    events: tuple[Event, ...]
    resets: tuple[Reset, ...]

    def begun(self, slug: str) -> int:
        """The number after which an exercise counts: where it was last reset, 0 where never."""
        return max((reset.seq for reset in self.resets if slug in reset.exercises), default=0)
