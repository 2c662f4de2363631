"""What the store holds, read from its folder: asking the registry for 10,000 tags one by one would take seconds.

The layout is Distribution's (registry/storage/paths.go in distribution/distribution): repositories/NAME/_manifests/tags/
TAG/current/link holds a digest, _manifests/revisions/sha256/abcd…/link lies there for each manifest, tagged or not, and
blobs/sha256/ab/abcd…/data holds the bytes.
"""

import contextlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .garbage import Repository
from .grammar import is_digest, is_repository
from .summary import LARGEST, Summaries, Summary, fingerprint, parse, summary, unknown

__all__ = ["Shelf", "fingerprint"]

Tags = dict[str, dict[str, str]]
"""{repository: {tag: digest}}"""


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

    def begun(self, registry: str, name: str) -> bool:
        """Whether anything was ever pushed to the repository, tagged or not."""
        return os.path.isdir(f"{self._root}/repositories/{registry}/{name}/_layers")  # noqa: PTH112

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
                there = tuple(digest for digest in _revisions(folder) if self._present(digest))
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

        What a tag leads to is told even where it is not there, as unknown; everything else only where it is.
        """
        found = {digest: self.manifest(digest) or unknown() for digest in tagged}
        self._add_listed(found, list(found))
        rest = {digest: held for digest in untagged if digest not in found and (held := self._present(digest))}
        while referring := [digest for digest, held in rest.items() if held["subject"] in found]:
            found |= {digest: rest.pop(digest) for digest in referring}
            self._add_listed(found, referring)
        return dict(sorted(found.items()))

    def _add_listed(self, found: dict[str, Summary], digests: list[str]) -> None:
        """Adds what these manifests list, what that lists, and so on."""
        todo = [child for digest in digests for child in found[digest]["manifests"]]
        while todo:
            digest = todo.pop()
            if digest not in found and (held := self._present(digest)):
                found[digest] = held
                todo += held["manifests"]

    def _present(self, digest: str) -> Summary | None:
        """The summary of a manifest that is there now: a garbage collection may have taken it since it was read."""
        return self.manifest(digest) if os.path.exists(self._path(digest)) else None  # noqa: PTH110

    def manifest(self, digest: str) -> Summary | None:
        """The summary of a manifest; None where the store does not have it."""
        if kept := self._summaries.get(digest):
            return kept
        data = self._read(digest)
        if data is None:
            return None
        absent = []

        def config(named: str) -> Any:
            described = self._read(named)
            absent.extend([named] if described is None else [])
            return None if described is None else parse(described)

        made = summary(parse(data), config)
        if not absent:  # a config that is missing may come back with the next push
            self._summaries.keep(digest, made)
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
        self._aside.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            with contextlib.suppress(OSError):
                os.rename(f"{folder}/{part}", self._aside / secrets.token_hex(8))  # noqa: PTH104
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106

    def clear(self) -> None:
        """Deletes what was removed: 10,000 tags are 30,000 folders, which take seconds."""
        shutil.rmtree(self._aside, ignore_errors=True)


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
    top = f"{folder}/_manifests/revisions"
    for algorithm in _names(top):
        for value in _names(f"{top}/{algorithm}"):
            digest = f"{algorithm}:{value}"
            # A manifest that was deleted leaves its folder behind, without the link.
            if digest not in but and is_digest(digest) and os.path.exists(f"{top}/{algorithm}/{value}/link"):  # noqa: PTH110
                yield digest


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except OSError:
        return []
