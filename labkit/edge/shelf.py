"""What the store holds, read from its folder: asking the registry for 10,000 tags one by one would take seconds.

The layout is Distribution's (registry/storage/paths.go in distribution/distribution): repositories/NAME/_manifests/tags/
TAG/current/link holds a digest, blobs/sha256/ab/abcd…/data the bytes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFIG_LIMIT = 4 * 1024**2
"""No real config or manifest is larger; what is, is not read (Distribution's own limit for manifests)."""


class Shelf:
    """The store's folder. A manifest never changes under its digest, so each is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root / "docker" / "registry" / "v2"
        self._manifests: dict[str, dict[str, Any]] = {}

    def exists(self, registry: str, name: str) -> bool:
        """Whether the repository has a tag."""
        folder = self._folder(registry, name) / "_manifests" / "tags"
        return folder.is_dir() and bool(list(folder.iterdir()))

    def _folder(self, registry: str, name: str) -> Path:
        return self._root / "repositories" / registry / name

    def repositories(self, registry: str) -> dict[str, dict[str, str]]:
        """{repository: {tag: digest}} of those that have a tag."""
        top = self._root / "repositories" / registry
        found = {name: tags for name, folder in _walk(str(top), "") if (tags := dict(_tags(folder)))}
        return dict(sorted(found.items()))

    def manifests(self, digests: set[str]) -> dict[str, dict[str, Any]]:
        """What each of these manifests says, and those that they point at, by digest."""
        found: dict[str, dict[str, Any]] = {}
        todo = sorted(digests)
        while todo:
            digest = todo.pop()
            if digest not in found:
                found[digest] = self._manifest(digest)
                todo += found[digest].get("manifests", [])
        return dict(sorted(found.items()))

    def _manifest(self, digest: str) -> dict[str, Any]:
        if digest not in self._manifests:
            self._manifests[digest] = summary(self._json(digest), self._json)
        return self._manifests[digest]

    def _json(self, digest: str) -> Any:
        algorithm, _, value = digest.partition(":")
        try:
            path = self._root / "blobs" / algorithm / value[:2] / value / "data"
            return json.loads(path.read_bytes()) if path.stat().st_size <= CONFIG_LIMIT else None
        except (OSError, ValueError):
            return None

    def remove(self, registry: str, name: str) -> None:
        """Takes a repository away. Its blobs stay, unreachable, as after a delete in any registry before its next GC."""
        folder = self._folder(registry, name)
        if folder.resolve().is_relative_to(self._root.resolve()):
            shutil.rmtree(folder, ignore_errors=True)


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
    try:
        tags = sorted(os.listdir(top))  # noqa: PTH208  (10,000 tags: paths as objects cost twice the time)
    except OSError:
        return
    for tag in tags:
        try:
            with open(f"{top}/{tag}/current/link") as link:  # noqa: PTH123
                yield tag, link.read().strip()
        except OSError:
            continue  # being written or removed right now


def summary(manifest: Any, read: Any) -> dict[str, Any]:
    """What grading and the picture need of a manifest of any kind. `read(digest)` gives a blob as JSON, or None."""
    if not isinstance(manifest, dict):
        return {"kind": "unknown"}
    media = str(manifest.get("mediaType") or "")
    if isinstance(manifest.get("manifests"), list):
        children = [one for one in manifest["manifests"] if isinstance(one, dict)]
        return {
            "kind": "index",
            "media_type": media,
            "manifests": [str(one.get("digest")) for one in children],
            "platforms": [_platform(one.get("platform")) for one in children],
        }
    layers = [one for one in manifest.get("layers") or manifest.get("blobs") or [] if isinstance(one, dict)]
    config = manifest.get("config") if isinstance(manifest.get("config"), dict) else None
    described = read(str(config.get("digest"))) if config else None
    is_image = config is not None and "image" in str(config.get("mediaType")) and isinstance(described, dict)
    return {
        "kind": "image" if is_image else "artifact",
        "media_type": media,
        "artifact_type": str(manifest.get("artifactType") or (config or {}).get("mediaType") or ""),
        "config": str(config.get("digest")) if config else None,
        "layers": [str(one.get("digest")) for one in layers],
        "size": sum(one["size"] for one in layers if isinstance(one.get("size"), int)),
        "created": str(described.get("created") or "") if is_image else "",
        "platform": _platform(described) if is_image else "",
        "labels": _labels(described) if is_image else {},
        "content": content(_diff_ids(described), described.get("config")) if is_image else "",
    }


RUNS = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "StopSignal", "User", "Volumes", "WorkingDir")


def content(diff_ids: list[str], config: Any) -> str:
    """Names what is in an image and how it starts: the same, however it was packed, compressed and dated ("" for nothing).

    An image's own digests differ between formats; two images with the same content do the same.
    """
    held = config if isinstance(config, dict) else {}
    runs = {key: held[key] for key in RUNS if held.get(key)}
    told = json.dumps([diff_ids, runs], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest() if diff_ids else ""


def _diff_ids(config: dict[str, Any]) -> list[str]:
    """The digests of the layers' contents: the same for the same files, however they are packed."""
    rootfs = config.get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return [str(one) for one in found] if isinstance(found, list) else []


def _platform(data: Any) -> str:
    return f"{data.get('os', '?')}/{data.get('architecture', '?')}" if isinstance(data, dict) else "?"


def _labels(config: dict[str, Any]) -> dict[str, str]:
    inner = config.get("config")
    labels = inner.get("Labels") if isinstance(inner, dict) else None
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}
