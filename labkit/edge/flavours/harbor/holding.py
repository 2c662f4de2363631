"""What a repository of Harbor's holds, by artifact: a manifest with its tags. What belongs to another one (an image of an
index, a signature) is no artifact of its own until it has a tag (goharbor/harbor, src/controller/artifact)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...grammar import is_digest
from ...shelf import Shelf
from ...summary import parse, parts_of


@dataclass(frozen=True)
class Artifact:
    digest: str
    tags: tuple[str, ...]
    pushed: float
    """Seconds since 1970."""


@dataclass(frozen=True)
class Repository:
    """One repository as it lies on the shelf, looked at when it is asked."""

    shelf: Shelf
    key: str
    name: str

    def artifacts(self) -> list[Artifact]:
        """The newest first."""
        tags = self.shelf.tags(self.key, self.name)
        pushed = self.shelf.revisions(self.key, self.name)
        inside = {child for digest in pushed for child in self.children(digest)}
        inside |= {digest for digest in pushed if self.shelf.subject(digest) in pushed}
        tagged = set(tags.values())
        found = [
            Artifact(digest, tuple(tag for tag, led in tags.items() if led == digest), when)
            for digest, when in pushed.items()
            if digest in tagged or digest not in inside
        ]
        return sorted(found, key=lambda one: one.pushed, reverse=True)

    def find(self, reference: str) -> Artifact | None:
        """By a digest or a tag."""
        return next((one for one in self.artifacts() if reference == one.digest or reference in one.tags), None)

    def manifest(self, digest: str) -> dict[str, Any]:
        data = self.shelf.content(digest)
        told = None if data is None else parse(data)
        return told if isinstance(told, dict) else {}

    def children(self, digest: str) -> list[str]:
        """What an index lists."""
        listed = self.manifest(digest).get("manifests")
        found = [one.get("digest") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return [one for one in found if isinstance(one, str) and is_digest(one)]

    def size(self, digest: str) -> int:
        """Bytes, as Harbor counts them: a manifest and its parts, an index and its images."""
        parts = [digest, *parts_of(self.manifest(digest))]
        return sum(map(self.shelf.size, parts)) + sum(self.size(child) for child in self.children(digest)[:100])

    def is_inside(self, digest: str) -> bool:
        """Whether an index lists it."""
        return any(digest in self.children(other) for other in self.shelf.revisions(self.key, self.name))

    def remove(self, gone: Sequence[Artifact]) -> None:
        """Takes artifacts away, with their tags and what they alone need of this repository. Each manifest is read once."""
        named = [artifact.digest for artifact in gone]
        for tag in [tag for artifact in gone for tag in artifact.tags]:
            self.shelf.untag(self.key, self.name, tag)
        tagged = set(self.shelf.tags(self.key, self.name).values())
        left = {
            digest: (self.children(digest), parts_of(self.manifest(digest)))
            for digest in self.shelf.revisions(self.key, self.name)
        }
        parts: set[str] = set()
        while named:
            dropped = [left.pop(digest) for digest in named if digest in left]
            for digest in named:
                self.shelf.drop(self.key, self.name, digest)
            parts.update(part for _, needed in dropped for part in needed)
            kept = tagged | {child for listed, _ in left.values() for child in listed}
            named = [child for listed, _ in dropped for child in listed if child in left and child not in kept]
        for part in parts.difference(*(needed for _, needed in left.values())):
            self.shelf.let_go(self.key, self.name, part)
