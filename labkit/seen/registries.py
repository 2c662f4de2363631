"""The sections `registries` and `store`: what each registry of the lab holds, and what lies below."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

import msgspec

from labkit.seen.log import Action, Event
from labkit.seen.reference import Reference


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says, of whatever kind: image, index, artifact, incomplete (a part of it is not there) or unknown."""

    kind: str
    config: str | None = None
    layers: tuple[str, ...] = ()
    size: int = 0
    """Bytes of its layers, compressed."""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    artifact_type: str = ""
    subject: str = ""
    """The digest of the manifest that this one refers to (a signature, an SBOM), "" for none."""
    manifests: tuple[str, ...] = ()
    """What an index lists."""
    created: str = ""
    fingerprint: str = ""
    """Names what is in the image and how it starts, as `Image.fingerprint`. "" for what is no image."""


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """One registry: what people call it, where it answers, and what it holds."""

    title: str
    host: str
    """What stands before a repository in an image's name: docker.io (which may be left out), registry.lab:5000."""
    hosts: tuple[str, ...]
    """Every host name that leads to it, without ports."""
    repositories: dict[str, dict[str, str]]
    """{repository: {tag: digest}} of those that have a tag."""
    seeded: tuple[str, ...] = ()
    """Repositories that the lab brought along."""


class Registries(msgspec.Struct, frozen=True, kw_only=True):
    known: dict[str, Holdings]
    """By key."""
    manifests: dict[str, Manifest]
    """By digest: those that a tag leads to, what they list, and what refers to them."""
    sample: str
    """The fingerprint of the sample app."""


class Garbage(msgspec.Struct, frozen=True, kw_only=True):
    """Blobs that a garbage collection frees, and their bytes."""

    digests: tuple[str, ...]
    size: int


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the store below the registries' names."""

    revisions: dict[str, dict[str, tuple[str, ...]]]
    """{registry: {repository: digests of all of its manifests, tagged or not}}"""
    manifests: dict[str, Manifest]
    blobs: dict[str, int]
    """{digest: bytes}"""
    garbage: Garbage
    """What no manifest needs."""
    garbage_untagged: Garbage
    """What is freed where manifests without a tag go too (`registry garbage-collect --delete-untagged`)."""

    def untagged(self, registry: str, repository: str, tags: dict[str, str]) -> list[str]:
        """Digests of the manifests of a repository that none of these tags names."""
        found = self.revisions.get(registry, {}).get(repository, ())
        return [digest for digest in found if digest not in tags.values()]


@dataclass(frozen=True)
class Registry:
    """A registry as checks read it: what it holds, and what was done to it."""

    key: str
    title: str
    host: str
    hosts: tuple[str, ...]
    repositories: dict[str, dict[str, str]]
    seeded: tuple[str, ...]
    manifests: dict[str, Manifest]

    def answers_to(self, host: str) -> bool:
        """Whether this host name, with or without a port, leads here."""
        return host.lower() == self.host or host.lower().rsplit(":", 1)[0] in self.hosts

    def tags(self, repository: str) -> list[str]:
        return sorted(self.repositories.get(repository, {}))

    def digest(self, wanted: Reference) -> str | None:
        """What the tag, or the digest, of this reference names here; None where it names nothing."""
        tags = self.repositories.get(wanted.repository, {})
        if wanted.digest:
            return wanted.digest if wanted.digest in self.manifests and tags else None
        return tags.get(wanted.version)

    def name(self, repository: str, tag: str = "", digest: str = "") -> str:
        """As a person types it."""
        return str(Reference(self.host, repository, tag, digest))

    def leaves(self, digest: str) -> list[Manifest]:
        """The manifest and, of an index, those that it lists and that are here."""
        manifest = self.manifests.get(digest)
        if manifest is None:
            return []
        return [manifest, *(self.manifests[child] for child in manifest.manifests if child in self.manifests)]

    def fingerprints(self, digest: str) -> set[str]:
        """What is in the image that this digest names: one for each platform of an index."""
        return {leaf.fingerprint for leaf in self.leaves(digest) if leaf.fingerprint}

    def image_ids(self, digest: str) -> set[str]:
        """The ids that an engine may give to what this digest names: one, or one a platform of an index."""
        return {leaf.config for leaf in self.leaves(digest) if leaf.config}

    def referrers(self, digest: str) -> dict[str, Manifest]:
        """Manifests, by digest, that refer to this one: signatures, SBOMs, …"""
        return {key: manifest for key, manifest in self.manifests.items() if manifest.subject == digest}

    def pulls(self, events: Iterable[Event], repository: str) -> list[Event]:
        """Successful pulls of a repository that somebody asked for, each with the tag or digest that was asked for.

        An engine asks for a tag's digest (head) and then for the manifest by digest (pull), unless it has that already:
        “up to date”. `docker service create` looks at an image in the same way, without an account, and then at its config
        only: that is no pull.
        """
        found = []
        asked = [event for event in events if event.registry == self.key and event.repository == repository]
        asked = [event for event in asked if event.ok and event.by_person]
        for source in sorted({(event.machine, event.agent) for event in asked}):
            mine = [event for event in asked if (event.machine, event.agent) == source and event.action != Action.PUSH]
            for index, event in enumerate(mine):
                if event.action == Action.HEAD and event.from_engine and not _fetched(mine[index + 1 :], event):
                    found.append(event)
                elif event.action == Action.PULL and not self._only_looked(mine[index:]):
                    tag = mine[index - 1] if index and _fetched(mine[index:], mine[index - 1]) else None
                    found.append(replace_reference(event, tag.reference) if tag else event)
        return sorted(found, key=lambda event: event.seq)

    def _only_looked(self, events: list[Event]) -> bool:
        """Whether the pull that these events begin with was no pull: a look at the manifest and the config, unnamed."""
        pull, manifest = events[0], self.manifests.get(events[0].digest)
        blobs = [event.digest for event in takewhile(lambda event: event.action == Action.BLOB, events[1:])]
        return pull.user is None and manifest is not None and blobs == [manifest.config]


def replace_reference(event: Event, reference: str) -> Event:
    return msgspec.structs.replace(event, reference=reference)


def _fetched(events: list[Event], head: Event) -> bool:
    """Whether the engine went on to fetch the manifest that it had asked about."""
    asked, got = head.action == Action.HEAD, events[0] if events else None
    return asked and got is not None and got.action == Action.PULL and got.digest == head.digest


def of_holdings(key: str, held: Holdings, manifests: dict[str, Manifest]) -> Registry:
    return Registry(key, held.title, held.host, held.hosts, held.repositories, held.seeded, manifests)
