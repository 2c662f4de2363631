"""The sections `registries` and `store`: what each registry of the lab holds, and what is in the store below them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile

import msgspec

from labkit.seen.log import Action, Event
from labkit.seen.reference import Reference


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest's content, of any kind: image, index, artifact, incomplete (a part of it is missing) or unknown."""

    kind: str
    config: str | None = None
    layers: tuple[str, ...] = ()
    size: int = 0
    """Bytes of its layers, compressed."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    artifact_type: str = ""
    subject: str = ""
    """The digest of the manifest that this one refers to (a signature, an SBOM), or ""."""
    manifests: tuple[str, ...] = ()
    """The manifests that an index lists."""
    created: str = ""
    fingerprint: str = ""
    """Identifies the image's files and how it starts, like `Image.fingerprint`. "" if it is not an image."""


SOON = 60
"""Seconds in which an engine that has looked at a manifest asks for it, at the most (evidence.py has the same)."""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """One registry: its name for people, its addresses, and what it holds."""

    title: str
    host: str
    """What comes before the repository in an image's name: docker.io (which may be left out), registry.lab:5000."""
    hosts: tuple[str, ...]
    """Every host name that leads to it, without ports."""
    repositories: dict[str, dict[str, str]]
    """{repository: {tag: digest}}, for repositories that have a tag."""
    seeded: tuple[str, ...] = ()
    """Repositories that come with the lab."""
    private: tuple[str, ...] = ()
    """Repositories that only their owners may pull from. Told of Docker Hub's."""
    immutable: dict[str, tuple[str, ...]] = {}
    """{repository: patterns (RE2) of the tags that are immutable}. Told of Docker Hub's."""


class Registries(msgspec.Struct, frozen=True, kw_only=True):
    known: dict[str, Holdings]
    """By key."""
    manifests: dict[str, Manifest]
    """By digest: the manifests that have a tag, those that they list, and those that refer to them."""
    sample: str
    """The fingerprint of the sample app."""


class Garbage(msgspec.Struct, frozen=True, kw_only=True):
    """Blobs that a garbage collection would remove, and their bytes."""

    digests: tuple[str, ...]
    size: int


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the store, below the registries' names."""

    revisions: dict[str, dict[str, tuple[str, ...]]]
    """{registry: {repository: digests of all its manifests, tagged or not}}"""
    manifests: dict[str, Manifest]
    blobs: dict[str, int]
    """{digest: bytes}"""
    garbage: Garbage
    """What no manifest uses."""
    garbage_untagged: Garbage
    """What is freed if untagged manifests are removed too (`registry garbage-collect --delete-untagged`)."""

    def untagged(self, registry: str, repository: str, tags: dict[str, str]) -> list[str]:
        """Digests of a repository's manifests that none of these tags points at."""
        found = self.revisions.get(registry, {}).get(repository, ())
        return [digest for digest in found if digest not in tags.values()]


ATTACHED = re.compile(r"(sha256)-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?")


def attached_to(tag: str) -> str:
    """The digest of the image that a tag of this form belongs to: cosign's signatures, attestations and SBOMs
    (sigstore/cosign, pkg/oci/remote: SignatureTag), and the referrers of a registry that has no API for them (OCI distribution
    specification 1.1, "Referrers Tag Schema"). "" for any other tag, which is an image's."""
    found = ATTACHED.fullmatch(tag)
    return f"{found[1]}:{found[2]}" if found else ""


@dataclass(frozen=True)
class Registry:
    """A registry as checks read it: what it holds, and what was done with it."""

    key: str
    title: str
    host: str
    hosts: tuple[str, ...]
    repositories: dict[str, dict[str, str]]
    seeded: tuple[str, ...]
    manifests: dict[str, Manifest]
    private: tuple[str, ...] = ()
    """Repositories that only their owners may pull from."""
    immutable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Patterns of immutable tags by repository."""

    def answers_to(self, host: str) -> bool:
        """Whether this host name, with or without a port, leads to this registry."""
        return host.lower() == self.host or host.lower().rsplit(":", 1)[0] in self.hosts

    def tags(self, repository: str) -> list[str]:
        """The tags of images; not those of what is attached to one."""
        return sorted(tag for tag in self.repositories.get(repository, {}) if not attached_to(tag))

    def digest(self, wanted: Reference) -> str | None:
        """The digest that this reference's tag or digest names here, or None."""
        tags = self.repositories.get(wanted.repository, {})
        if wanted.digest:
            return wanted.digest if wanted.digest in self.manifests and tags else None
        return tags.get(wanted.version)

    def name(self, repository: str, tag: str = "", digest: str = "") -> str:
        """As a person types it."""
        return str(Reference(self.host, repository, tag, digest))

    def leaves(self, digest: str) -> list[Manifest]:
        """The manifest; for an index, the listed manifests that are here."""
        manifest = self.manifests.get(digest)
        if manifest is None:
            return []
        return [manifest, *(self.manifests[child] for child in manifest.manifests if child in self.manifests)]

    def fingerprints(self, digest: str) -> set[str]:
        """The fingerprint of the image with this digest: one per platform if it is an index."""
        return {leaf.fingerprint for leaf in self.leaves(digest) if leaf.fingerprint}

    def image_ids(self, digest: str) -> set[str]:
        """The IDs that an engine may give this image: one, or one per platform if it is an index."""
        return {leaf.config for leaf in self.leaves(digest) if leaf.config}

    def referrers(self, digest: str) -> dict[str, Manifest]:
        """Digests of the manifests that refer to this one: signatures, SBOMs, …"""
        return {key: manifest for key, manifest in self.manifests.items() if manifest.subject == digest}

    def pulls(self, events: Iterable[Event], repository: str) -> list[Event]:
        """Successful pulls of a repository by a person, each with the tag or digest that was requested.

        An engine asks for a tag's digest (head) and then for the manifest by digest (pull), unless it has that already: “up to
        date”. A registry whose limit is used up answers the first and refuses the second: that is no pull. Nor is it one when
        `docker service create` looks at an image in the same way, without an account, and then only at its config.
        """
        found = []
        asked = [event for event in events if event.registry == self.key and event.repository == repository]
        asked = [event for event in asked if (event.ok or event.action == Action.PULL) and event.by_person]
        for source in sorted({(event.machine, event.agent) for event in asked}):
            mine = [event for event in asked if (event.machine, event.agent) == source and event.action != Action.PUSH]
            for index, event in enumerate(mine):
                after = mine[index + 1 :]
                if (
                    event.action == Action.HEAD
                    and event.from_engine
                    and not (_fetched(after, event) or _refused(after, event))
                ):
                    found.append(event)
                elif event.action == Action.PULL and event.ok and not self._only_looked(mine[index:]):
                    tag = mine[index - 1] if index and _fetched(mine[index:], mine[index - 1]) else None
                    found.append(replace_reference(event, tag.reference) if tag else event)
        return sorted(found, key=lambda event: event.seq)

    def _only_looked(self, events: list[Event]) -> bool:
        """Whether the pull that starts these events was not a pull, but an anonymous look at the manifest and the config."""
        pull, manifest = events[0], self.manifests.get(events[0].digest)
        blobs = [event.digest for event in takewhile(lambda event: event.action == Action.BLOB, events[1:])]
        return pull.user is None and manifest is not None and blobs == [manifest.config]


def replace_reference(event: Event, reference: str) -> Event:
    return msgspec.structs.replace(event, reference=reference)


def _fetched(events: list[Event], head: Event) -> bool:
    """Whether the engine went on to download the manifest that it had asked about."""
    asked, got = head.action == Action.HEAD, events[0] if events else None
    return asked and got is not None and got.ok and got.action == Action.PULL and got.digest == head.digest


def _refused(events: list[Event], head: Event) -> bool:
    """Whether the engine was refused the manifest that it had asked about, a moment later."""
    for event in events:
        if event.action == Action.HEAD and event.digest == head.digest:
            return False
        if not event.ok and event.action == Action.PULL and event.reference == head.digest:
            return event.time - head.time <= SOON
    return False


def of_holdings(key: str, held: Holdings, manifests: dict[str, Manifest]) -> Registry:
    return Registry(
        key, held.title, held.host, held.hosts, held.repositories, held.seeded, manifests, held.private, held.immutable
    )
