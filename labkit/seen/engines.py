"""The section `engines`: what each machine's Docker Engine holds."""

import msgspec

from labkit.seen import reference
from labkit.seen.reference import Reference


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image on a machine."""

    id: str
    """The digest of its config, as in a manifest."""
    tags: tuple[str, ...]
    """Its names with a tag, as docker shows them: myusername/myapp:v1.0.0"""
    digests: tuple[str, ...]
    """Its names with a digest: myusername/myapp@sha256:…"""
    labels: dict[str, str]
    fingerprint: str
    """Identifies the image's files and how it starts, no matter how it was packed (labkit/edge/summary.py). "" for an empty
    image."""


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container on a machine. `state` is Docker's word: running, exited, …"""

    name: str
    image: str
    state: str
    service: str
    """The Swarm's service that it belongs to, or ""."""
    task: str = ""
    """The ID of its Swarm task."""
    unhealthy: bool = False
    """Whether its health check failed, even if it has ended since."""


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine's Docker Engine."""

    images: tuple[Image, ...]
    containers: tuple[Container, ...]

    def image(self, wanted: Reference) -> Image | None:
        """The image that this name means on this machine, by tag or by digest."""
        found = (image for image in self.images if any(_means(name, wanted) for name in _names(image, wanted)))
        return min(found, key=lambda image: image.id, default=None)

    @property
    def tags(self) -> list[str]:
        """Every name with a tag, sorted."""
        return sorted(tag for image in self.images for tag in image.tags)

    @property
    def names(self) -> list[Reference]:
        """The same as references, in the same order."""
        return [found for tag in self.tags if (found := reference.parse(tag))]


def _names(image: Image, wanted: Reference) -> tuple[str, ...]:
    return image.digests if wanted.digest else image.tags


def _means(name: str, wanted: Reference) -> bool:
    found = reference.parse(name)
    if found is None or not found.same_repository(wanted):
        return False
    return found.digest == wanted.digest if wanted.digest else found.version == wanted.version
