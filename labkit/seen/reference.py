"""The name of an image: its registry, repository, and tag or digest.

The rules are those of distribution's reference grammar (distribution/reference: reference.go, normalize.go, regexp.go), which
the docker CLI and the engines use.
"""

import re
from dataclasses import dataclass, replace

HUB = "docker.io"
"""The registry of a name without an address (normalize.go: defaultDomain)."""

OFFICIAL = "library"
"""The namespace there of a name without one (normalize.go: officialRepoPrefix)."""

LATEST = "latest"
"""The tag of a name without tag and digest."""

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
MOST = 255
"""The most characters of a name, registry and repository together (reference.go: RepositoryNameTotalLengthMax)."""


class NoReference(ValueError):
    """A text is not the name of an image; says why."""


@dataclass(frozen=True, order=True)
class Reference:
    """`registry` is a host with its port, in lowercase; `repository` is complete ("library/busybox"). Without `tag` and
    `digest` the name means `latest`, as in docker."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """`[registry/]repository[:tag][@digest]`, as a person types it. Raises NoReference."""
        if _IDENTIFIER.fullmatch(text):
            raise NoReference(f"{text!r} is an image's ID, not a name")
        rest, at, digest = text.partition("@")
        if at and not _DIGEST.fullmatch(digest):
            raise NoReference(f"{digest!r} is not a digest")
        name, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag:
            name, tag = rest, ""
        elif not _TAG.fullmatch(tag):
            raise NoReference(f"{tag!r} is not a tag")
        registry, repository = _split(name)
        if not _HOST.fullmatch(registry):
            raise NoReference(f"{registry!r} is not a registry's address")
        if not _PATH.fullmatch(repository):
            raise NoReference(f"{repository!r} is not a valid repository name")
        if len(registry) + 1 + len(repository) > MOST:
            raise NoReference(f"the name has more than {MOST} characters")
        return cls(registry, repository, tag, digest)

    @property
    def name(self) -> str:
        """Without tag and digest, as docker shows it: without Docker Hub's host and its library/."""
        if self.registry != HUB:
            return f"{self.registry}/{self.repository}"
        namespace, slash, rest = self.repository.partition("/")
        return rest if slash and namespace == OFFICIAL and "/" not in rest else self.repository

    @property
    def namespace(self) -> str:
        """The first part of the repository, or "" if it has only one part."""
        return self.repository.partition("/")[0] if "/" in self.repository else ""

    @property
    def app(self) -> str:
        """The last part of the repository."""
        return self.repository.rpartition("/")[2]

    @property
    def version(self) -> str:
        """The tag that the name means: latest if there is neither a tag nor a digest."""
        return self.tag or ("" if self.digest else LATEST)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{'@' if self.digest else ''}{self.digest}"

    @property
    def full(self) -> str:
        """As docker shows it, always with the tag."""
        return str(self) if self.digest else f"{self.name}:{self.version}"

    def at(self, digest: str) -> "Reference":
        """The same repository by digest, without a tag."""
        return replace(self, tag="", digest=digest)

    def tagged(self, tag: str) -> "Reference":
        """The same repository with another tag, without a digest."""
        return replace(self, tag=tag, digest="")

    def same_repository(self, other: "Reference") -> bool:
        return (self.registry, self.repository) == (other.registry, other.repository)

    def same_tag(self, other: "Reference") -> bool:
        """Whether both mean the same tag of the same repository, no matter how they were typed."""
        return self.same_repository(other) and self.version == other.version and self.digest == other.digest


def parse(text: str) -> Reference | None:
    """The reference, or None if the text is not one."""
    try:
        return Reference.parse(text)
    except NoReference:
        return None


def _split(name: str) -> tuple[str, str]:
    """Registry and repository (normalize.go: splitDockerDomain)."""
    first, slash, rest = name.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    registry, repository = (first.lower(), rest) if is_host else (HUB, name)
    if registry == f"index.{HUB}":
        registry = HUB
    if registry == HUB and "/" not in repository:
        repository = f"{OFFICIAL}/{repository}"
    return registry, repository
