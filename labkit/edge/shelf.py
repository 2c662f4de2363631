"""What the store holds, read from its folder: asking the registry for 10,000 tags one by one would take seconds.

The layout is Distribution's (registry/storage/paths.go in distribution/distribution): repositories/NAME/_manifests/tags/
TAG/current/link holds a digest, _manifests/revisions/sha256/abcd…/link lies there for each manifest, tagged or not, and
blobs/sha256/ab/abcd…/data holds the bytes.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .garbage import Repository
from .grammar import is_digest, is_repository
from .summary import (
    LARGEST,
    Summaries,
    Summary,
    config_of,
    fingerprint,
    incomplete,
    parse,
    parts_of,
    summary,
    unknown,
    weight,
)

__all__ = ["Shelf", "fingerprint"]

Tags = dict[str, dict[str, str]]
"""{repository: {tag: digest}}"""


HEAVY = 8 * 1024
"""Bytes from which on a summary counts as heavy: one of an honest image has some hundreds."""

ROOM = 8 * 1024**2
"""Bytes that all heavy summaries of one look may have together; of what goes beyond only the kind is told, as unknown."""

PARTS = ("_manifests", "_layers", "_uploads")
"""What a repository is made of; beside these lie the repositories below it."""


@dataclass(frozen=True)
class Layer:
    """A blob: the digest under which the store has it, and its place below the store's folder (nginx.conf: /blobs/)."""

    digest: str
    place: str


class Shelf:
    """The store's folder. May be read by several threads."""

    def __init__(self, root: Path) -> None:
        self.folder = root
        self._root = f"{root}/docker/registry/v2"
        self._aside = root / "edge" / "removed"
        self._summaries = Summaries()

    def exists(self, registry: str, name: str) -> bool:
        """Whether the repository has a tag."""
        try:
            with os.scandir(f"{self._root}/repositories/{registry}/{name}/_manifests/tags") as tags:
                return any(tags)
        except OSError:
            return False

    def tags(self, registry: str, name: str) -> dict[str, str]:
        """{tag: digest} of a repository; empty where there is none."""
        return dict(_tags(f"{self._root}/repositories/{registry}/{name}"))

    def tag(self, registry: str, name: str, tag: str) -> str:
        """The digest that a tag of a repository leads to, "" for none: one file, however many tags there are."""
        digest = _link(f"{self._root}/repositories/{registry}/{name}/_manifests/tags/{tag}/current/link")
        return digest if is_digest(digest) else ""

    def is_there(self, registry: str, name: str) -> bool:
        """Whether a manifest was ever pushed to the repository, tagged or not."""
        return os.path.isdir(f"{self._root}/repositories/{registry}/{name}/_manifests")  # noqa: PTH112

    def has_manifest(self, registry: str, name: str, digest: str) -> bool:
        """Whether the repository has a manifest of this digest, tagged or not."""
        return os.path.exists(f"{self._root}/repositories/{registry}/{name}/{_revision(digest)}/link")  # noqa: PTH110

    def subject(self, digest: str) -> str:
        """The digest of the manifest that this one refers to, "" for none."""
        made = self._summaries.get(digest) or self._made(digest)
        return str(made[0]["subject"]) if made else ""

    def referrers(self, registry: str, name: str, digest: str) -> list[tuple[str, bytes]]:
        """The manifests of this repository, by digest, that refer to this one."""
        folder = f"{self._root}/repositories/{registry}/{name}"
        found = [revision for revision in _revisions(folder) if self.subject(revision) == digest]
        return [(revision, data) for revision in found if (data := self._read(revision)) is not None]

    def holds(self, registry: str) -> bool:
        """Whether anything was ever pushed to the registry."""
        return os.path.isdir(f"{self._root}/repositories/{registry}")  # noqa: PTH112

    def layer(self, registry: str, name: str, digest: str) -> Layer | None:
        """A layer or config that the repository has; None where it has none of that digest, or its bytes are gone."""
        algorithm, _, value = digest.partition(":")
        held = _link(f"{self._root}/repositories/{registry}/{name}/_layers/{algorithm}/{value}/link")
        if not is_digest(held) or not os.path.isfile(path := self._path(held)):  # noqa: PTH113
            return None
        return Layer(held, path.removeprefix(self._root))

    def repositories(self, registry: str) -> Tags:
        """{repository: {tag: digest}} of those that have a tag."""
        return {name: tags for name, folder in self._folders(registry) if (tags := dict(_tags(folder)))}

    def holdings(self, registry: str) -> tuple[Tags, set[str]]:
        """The repositories that have a tag, and the digests of manifests that have none in their repository."""
        repositories: Tags = {}
        untagged: set[str] = set()
        for name, folder in self._folders(registry):
            tags = dict(_tags(folder))
            if tags:
                repositories[name] = tags
            untagged.update(_revisions(folder, set(tags.values())))
        return repositories, untagged

    def stored(self) -> list[Repository]:
        """Every repository that a garbage collection looks at, of whichever registry, with the manifests that are there."""
        found = []
        for path, folder in sorted(_walk(f"{self._root}/repositories", "")):
            registry, _, name = path.partition("/")
            if os.path.isdir(f"{folder}/_layers"):  # noqa: PTH112
                there = tuple(digest for digest in _revisions(folder) if self.has(digest))
                found.append(Repository(registry, name, there, frozenset(dict(_tags(folder)).values())))
        return found

    def blobs(self) -> dict[str, int]:
        """{digest: bytes} of every blob, whether anything needs it or not."""
        found = {}
        top = f"{self._root}/blobs"
        for algorithm in _names(top):
            for start in _names(f"{top}/{algorithm}"):
                for value in _names(f"{top}/{algorithm}/{start}"):
                    digest = f"{algorithm}:{value}"
                    with contextlib.suppress(OSError):
                        if is_digest(digest):
                            found[digest] = os.stat(self._path(digest)).st_size  # noqa: PTH116
        return found

    def _folders(self, registry: str) -> list[tuple[str, str]]:
        return sorted(_walk(f"{self._root}/repositories/{registry}", ""))

    def manifests(self, tagged: Iterable[str], untagged: Iterable[str] = ()) -> dict[str, Summary]:
        """Summaries by digest: of what tags lead to, of what these list, and of those without a tag that refer to any of them.

        What a tag leads to is told even where it is not there, as incomplete; everything else only where it is.
        """
        look = _Look(self)
        found = {digest: look.manifest(digest) or incomplete(unknown()) for digest in sorted(set(tagged))}
        _add_listed(found, list(found), look)
        rest = {digest: held for digest in untagged if digest not in found and (held := look.manifest(digest))}
        while referring := [digest for digest, held in rest.items() if held["subject"] in found]:
            found |= {digest: rest.pop(digest) for digest in referring}
            _add_listed(found, referring, look)
        return dict(sorted(found.items()))

    def revisions(self, registry: str, name: str) -> dict[str, float]:
        """When each manifest of a repository, tagged or not, was pushed, in seconds since 1970."""
        folder = f"{self._root}/repositories/{registry}/{name}"
        found = {}
        for digest in _revisions(folder):
            with contextlib.suppress(OSError):
                found[digest] = os.stat(f"{folder}/{_revision(digest)}/link").st_mtime  # noqa: PTH116
        return found

    def parts(self, registry: str, top: str) -> set[str]:
        """The digests of all blobs and manifests of the repositories below `top`, whatever needs them."""
        found = set()
        for folder, names, _ in os.walk(f"{self._root}/repositories/{registry}/{top}"):
            held = [f"{folder}/{part}" for part in ("_layers", "_manifests/revisions") if part.split("/")[0] in names]
            names[:] = [name for name in names if not name.startswith("_")]
            found.update(digest for inside in held for digest in _linked(inside))
        return found

    def content(self, digest: str) -> bytes | None:
        """The bytes of a manifest; None where it is not there."""
        return self._read(digest)

    def size(self, digest: str) -> int:
        """The bytes of a blob, 0 where it is not there."""
        try:
            return os.stat(self._path(digest)).st_size if is_digest(digest) else 0  # noqa: PTH116
        except OSError:
            return 0

    def untag(self, registry: str, name: str, tag: str) -> None:
        """Takes a tag away; what it led to stays. `tag` has the form of one."""
        self._put_aside(f"{self._root}/repositories/{registry}/{name}/_manifests/tags/{tag}")

    def drop(self, registry: str, name: str, digest: str) -> None:
        """Takes a manifest away that no tag leads to. `digest` has the form of one."""
        self._put_aside(f"{self._root}/repositories/{registry}/{name}/{_revision(digest)}")

    def let_go(self, registry: str, name: str, digest: str) -> None:
        """Takes a layer or config from a repository, which no manifest of it needs. `digest` has the form of one."""
        self._put_aside(f"{self._root}/repositories/{registry}/{name}/_layers/{digest.replace(':', '/')}")

    def _put_aside(self, path: str) -> None:
        self._aside.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            os.rename(path, self._aside / secrets.token_hex(8))  # noqa: PTH104

    def has(self, digest: str) -> bool:
        """Whether the store has the bytes of this digest, now."""
        return os.path.exists(self._path(digest))  # noqa: PTH110

    def manifest(self, digest: str, has: Callable[[str], bool] | None = None) -> Summary | None:
        """The summary of a manifest; None where the store does not have it now, whatever it had before. `has` may answer
        for the store what was asked already."""
        has = has or self.has
        if not is_digest(digest) or not has(digest):
            return None
        made = self._summaries.get(digest) or self._made(digest)
        if made is None:
            return None
        held, parts = made
        return held if all(map(has, parts)) else incomplete(held)

    def _made(self, digest: str) -> tuple[Summary, list[str]] | None:
        """The summary of a manifest, with the parts that it needs; None where it is not there."""
        data = self._read(digest)
        if data is None:
            return None
        manifest = parse(data)
        config = config_of(manifest)
        described = self._read(config) if config else None
        made = summary(manifest, lambda _: None if described is None else parse(described)), parts_of(manifest)
        if described is not None or not config:  # a config that is missing may come back with the next push
            self._summaries.keep(digest, *made)
        return made

    def _path(self, digest: str) -> str:
        algorithm, _, value = digest.partition(":")
        return f"{self._root}/blobs/{algorithm}/{value[:2]}/{value}/data"

    def _read(self, digest: str) -> bytes | None:
        """A blob's bytes, as many as are read of any; None where it is not there."""
        if not is_digest(digest):
            return None
        try:
            with open(self._path(digest), "rb") as file:  # noqa: PTH123
                return file.read(LARGEST + 1)
        except OSError:
            return None

    def remove(self, registry: str, name: str) -> None:
        """Takes a repository away, at once and whole: what is left of it lies aside until `clear`. Repositories below it stay,
        and so do its blobs, unreachable, as after a delete in any registry before its next garbage collection. Raises
        ValueError where this is no repository's name."""
        if not is_repository(name):
            raise ValueError(f"{name!r} is no repository's name")
        folder = f"{self._root}/repositories/{registry}/{name}"
        for part in PARTS:
            self._put_aside(f"{folder}/{part}")
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106

    def clear(self) -> None:
        """Deletes what was removed: 10,000 tags are 30,000 folders, which take seconds. The folder for it stays: another may be
        putting something there."""
        with contextlib.suppress(OSError):
            for there in os.scandir(self._aside):
                shutil.rmtree(there, ignore_errors=True)


class _Look:
    """One look at the store: each blob is asked for once, and what is told together has bounded room."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._has: dict[str, bool] = {}
        self._room = ROOM

    def manifest(self, digest: str) -> Summary | None:
        held = self._shelf.manifest(digest, self.has)
        if held is None or (heavy := weight(held)) < HEAVY:
            return held
        self._room -= heavy
        return held if self._room >= 0 else unknown()

    def has(self, digest: str) -> bool:
        if digest not in self._has:
            self._has[digest] = self._shelf.has(digest)
        return self._has[digest]


def _add_listed(found: dict[str, Summary], digests: list[str], look: _Look) -> None:
    """Adds what these manifests list, what that lists, and so on."""
    todo = [child for digest in digests for child in found[digest]["manifests"]]
    while todo:
        digest = todo.pop()
        if digest not in found and (held := look.manifest(digest)):
            found[digest] = held
            todo += held["manifests"]


def _walk(folder: str, name: str) -> Iterator[tuple[str, str]]:
    """(repository, folder) of every repository below."""
    try:
        with os.scandir(folder) as found:
            entries = [entry.name for entry in found if entry.is_dir()]
    except OSError:
        return
    if "_manifests" in entries:
        yield name, folder
    for entry in entries:
        if not entry.startswith("_"):
            yield from _walk(f"{folder}/{entry}", f"{name}/{entry}".lstrip("/"))


def _tags(folder: str) -> Iterator[tuple[str, str]]:
    top = f"{folder}/_manifests/tags"
    for tag in _names(top):
        digest = _link(f"{top}/{tag}/current/link")
        if is_digest(digest):  # it is not while the tag is being written or removed
            yield tag, digest


def _link(path: str) -> str:
    """The digest in a link file, "" for none. Paths or files as objects would cost twice the time, for 10,000 tags."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, 256).decode("ascii", "replace").strip()
    finally:
        os.close(file)


def _revisions(folder: str, but: Collection[str] = ()) -> Iterator[str]:
    """The digests of a repository's manifests, but for these."""
    yield from _linked(f"{folder}/_manifests/revisions", but)


def _linked(top: str, but: Collection[str] = ()) -> Iterator[str]:
    """The digests that a folder has links to, but for these."""
    for algorithm in _names(top):
        for value in _names(f"{top}/{algorithm}"):
            digest = f"{algorithm}:{value}"
            # A manifest that was deleted leaves its folder behind, without the link.
            if digest not in but and is_digest(digest) and os.path.exists(f"{top}/{algorithm}/{value}/link"):  # noqa: PTH110
                yield digest


def _revision(digest: str) -> str:
    """Where a repository's folder says that this manifest is there."""
    return f"_manifests/revisions/{digest.replace(':', '/')}"


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []
