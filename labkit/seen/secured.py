"""The section `secured`: a registry of the learner's own, how sign-ins are kept, the shop's images on Harbor, its robots, and
the last trial of the learner's deploy.sh.

A trial runs deploy.sh with images of the grader's (labkit/lab/playing/deploying.py). It keeps what was seen after each of
them, so it can be judged later as everything else that was seen.
"""

from enum import StrEnum

import msgspec

KINDS = ("unsigned", "other-key", "signed", "moved")
"""What deploy.sh is given in a trial, in this order: an image that nobody signed; one that another key signed; the learner's
own; and that one under a tag that is moved to another image as soon as it was verified."""


class Answer(StrEnum):
    """What an engine that has no sign-in gets from a registry."""

    SIGN_IN = "sign-in"
    OPEN = "open"
    """It serves everybody."""
    HTTP = "http"
    """It speaks no TLS, and the engine insists on it."""
    UNTRUSTED = "untrusted"
    """The engine does not trust who signed its certificate."""
    OTHER_NAME = "other-name"
    """Its certificate is for another name."""
    EXPIRED = "expired"
    """Its certificate is not valid now."""
    SILENT = "silent"


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine's engine gets from a registry. `said` is the engine's own message."""

    answer: str
    said: str = ""
    insecure: bool = False
    """Whether this engine was told not to check the registry's certificate (`insecure-registries`)."""


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """A registry that is none of the lab's own."""

    machine: str = ""
    """Where a container answers at its port, or ""."""
    image: str = ""
    """That container's image."""
    probes: dict[str, Probe] = {}
    """By machine."""

    def answering(self, answer: str) -> list[str]:
        """The machines that get this answer."""
        return [machine for machine, probe in self.probes.items() if probe.answer == answer]


class Leak(msgspec.Struct, frozen=True, kw_only=True):
    """Where a secret is in an image. `place`: history, environment, label, command, file, "removed later"; `name`: the file's
    or the variable's."""

    place: str
    name: str = ""


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """An image of the shop on Harbor."""

    digest: str
    leaks: tuple[Leak, ...] = ()
    whole: bool = True
    """Whether it has the price list."""
    signed: str = ""
    """good: by the key of the learner's cosign.pub; other: by another key; "": not at all."""


class ShopRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository of the shop's on Harbor."""

    tags: dict[str, Built] = {}
    signed: tuple[str, ...] = ()
    """Digests that have a signature, by whatever key, whether a tag leads to them or not."""


class Robot(msgspec.Struct, frozen=True, kw_only=True):
    """An account for programs on Harbor. `rights`: repository:pull, repository:push, …"""

    name: str
    rights: tuple[str, ...]
    disabled: bool = False

    @property
    def only_pulls(self) -> bool:
        return set(self.rights) <= {"repository:pull", "repository:list", "artifact:read", "tag:list"}


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """One run of deploy.sh in a trial, and what the Swarm held once it was at rest."""

    kind: str
    good: str
    """The digest that the learner signed."""
    bad: str
    """The digest of the grader's image."""
    status: int
    """deploy.sh's exit status; -1 where it took too long."""
    said: str
    """The end of what it printed."""
    moved: bool
    """Whether the tag was moved after a verification."""
    before: str
    """The image of the service shop before; "" without one."""
    service: str
    """The same afterwards."""
    services: tuple[str, ...]
    """{name image} of every other service."""


class DeployTrial(msgspec.Struct, frozen=True, kw_only=True):
    """The last trial of deploy.sh."""

    script: str
    """Which deploy.sh and cosign.pub it was (Secured.script)."""
    digest: str
    """The signed image that it was played with."""
    taken: str
    runs: tuple[Deployed, ...]

    def of(self, kind: str) -> Deployed | None:
        return next((one for one in self.runs if one.kind == kind), None)


class Secured(msgspec.Struct, frozen=True, kw_only=True):
    """Empty in a lab without the machine `tools`."""

    own: dict[str, Own] = {}
    """By address, as in images' names."""
    kept: dict[str, str] = {}
    """{registry: how the sign-in on `tools` is kept}: plain (in config.json), helper, or both."""
    images: dict[str, ShopRepository] = {}
    """The repositories of Harbor's whose last part is shop."""
    robots: dict[str, Robot] = {}
    script: str = ""
    """Identifies the learner's deploy.sh and cosign.pub; "" without a deploy.sh."""
    key: str = ""
    """Identifies the learner's cosign.pub; "" without one."""
    trial: DeployTrial | None = None
