"""What a garbage collection of the store would free: the mark and sweep of Distribution 2.8, without its reading of files.

Facts (registry/storage/garbagecollect.go at v2.8.3, MarkAndSweep):

* A blob stays where a mark names it. Marks come from manifests alone: each manifest of a repository marks itself and what it
  refers to, which is config and layers of an image, the manifests of an index. That a layer is linked in a repository
  (_layers), or that another manifest has a `subject`, marks nothing.
* With --delete-untagged a manifest marks only where a tag of its own repository leads to it. What an index lists is marked
  then, but not what *that* refers to: the layers of an image that only an index names are freed (distribution issue 3178).
* Repositories are those with a _layers folder. One without tags has its manifests deleted too, although the real one gives up
  where its tags folder was never made.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .summary import Summary


@dataclass(frozen=True)
class Repository:
    """A repository of the store: the digests of its manifests, and of those that a tag leads to."""

    registry: str
    name: str
    revisions: tuple[str, ...]
    tagged: frozenset[str]


def garbage(
    repositories: Iterable[Repository],
    blobs: dict[str, int],
    read: Callable[[str], Summary | None],
    delete_untagged: bool = False,
) -> dict[str, Any]:
    """{"digests": what is freed, "size": its bytes}. `blobs` are the bytes of each blob of the store, `read` gives a
    manifest's summary."""
    marked: set[str] = set()
    for repository in repositories:
        for digest in repository.revisions:
            if not delete_untagged or digest in repository.tagged:
                marked |= {digest, *_references(read(digest))}
    freed = sorted(blobs.keys() - marked)
    return {"digests": freed, "size": sum(blobs[digest] for digest in freed)}


def _references(manifest: Summary | None) -> Iterable[str]:
    if manifest is None:
        return ()
    config = [manifest["config"]] if manifest["config"] else []
    return [*config, *manifest["layers"], *manifest["manifests"]]
