"""The section `depot`: a registry that the learner cleans up, and the last trial of the learner's retention script.

A trial runs the script on throw-away registries (labkit/lab/image/depot/trial.py) and keeps what was there before and after.
"""

from collections.abc import Iterable

import msgspec

NAMES = ("plain", "shared", "indexes", "busy")
"""The registries of a trial, each of which may be asked for."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest that was pushed or deleted, or that somebody tried to, by the registry's log."""

    time: float
    """Seconds since 1970."""
    action: str
    """push or delete"""
    repository: str
    reference: str
    """The tag or digest that was named."""
    status: int

    @property
    def ok(self) -> bool:
        return self.status < 400


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An image of a registry of a trial, before the script ran."""

    digest: str
    tags: tuple[str, ...]
    lists: tuple[str, ...]
    """The manifests that an index lists."""
    created: str


class PushedMeanwhile(msgspec.Struct, frozen=True, kw_only=True):
    """What was pushed as soon as the script began to delete."""

    digest: str
    tags: tuple[str, ...]


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the script, and what was there afterwards."""

    code: int
    """Its exit status; negative for a signal."""
    seconds: float
    why: str
    """Why it was ended, or was not even begun: time, output, start; "" for one that ended by itself."""
    output: str
    """The end of what it printed."""
    deleted: int
    """Manifests that the registry deleted at its wish."""
    refused: tuple[str, ...]
    """Some of the deletions that the registry refused."""
    gone: tuple[str, ...]
    """Digests of the images that are not there any more."""
    untagged: tuple[str, ...]
    """Tags that lead elsewhere or nowhere, though their image is there."""
    pushed: bool
    """Whether the push has happened."""

    @property
    def ended(self) -> bool:
        """Whether it ran, and ended by itself."""
        return not self.why

    @property
    def well(self) -> bool:
        return self.ended and self.code == 0


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """A registry of a trial. `second` is None where the script ran once: after a push, or after a run that was ended."""

    name: str
    images: tuple[Held, ...]
    deployed: tuple[str, ...]
    """Digests."""
    page: int
    """Tags that it tells at once; 0 for all of them."""
    pushed: PushedMeanwhile | None
    first: Ran
    second: Ran | None


class RetentionTrial(msgspec.Struct, frozen=True, kw_only=True):
    """The last trial. `script` is the hash of the script that was tried, "" where there was none."""

    script: str
    taken: str
    registries: tuple[Tried, ...]


class Depot(msgspec.Struct, frozen=True, kw_only=True):
    """The machine `depot` and its registry, as its folder is."""

    there: bool = False
    """Whether the lab has the machine `depot`, and it runs."""
    running: bool = False
    """Whether its registry answers."""
    cached: bool = False
    """Whether it was started with a cache of what blobs it has (storage.cache)."""
    repositories: dict[str, dict[str, str]] = {}
    """{repository: {tag: digest}}"""
    revisions: dict[str, tuple[str, ...]] = {}
    """{repository: the digests of its manifests}, with a tag or without."""
    manifests: dict[str, tuple[str, ...]] = {}
    """{digest: the digests that it refers to} of these manifests, and of those that an index lists, whose bytes are there."""
    blobs: dict[str, int] = {}
    """{digest: bytes}"""
    broken_off: str = ""
    """The digest of a layer that came with the lab and belongs to no image: the rest of a push that broke off."""
    changes: tuple[Change, ...] = ()
    """The oldest first, since the machine started or was reset."""
    script: str = ""
    """The hash of /srv/retention, "" without one."""
    trial: RetentionTrial | None = None

    @property
    def size(self) -> int:
        """Bytes of all blobs."""
        return sum(self.blobs.values())

    def tags(self, repository: str) -> dict[str, str]:
        return self.repositories.get(repository, {})

    def has(self, digest: str) -> bool:
        """Whether a repository has the manifest, with a tag or without."""
        return any(digest in found for found in self.revisions.values())

    @property
    def deleted(self) -> set[str]:
        """The digests that were deleted through the registry."""
        return {one.reference for one in self.changes if one.action == "delete" and one.ok and ":" in one.reference}

    def lacking(self, digest: str) -> list[str]:
        """What the image with this digest needs, itself and the parts of an index included, and is not there."""
        return sorted(self._reached([digest]) - self.blobs.keys())

    def _reached(self, digests: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(digests)
        while waiting:
            digest = waiting.pop()
            if digest not in found:
                found.add(digest)
                waiting += self.manifests.get(digest, ())
        return found
