"""What grading and the picture need of a manifest of any kind: its summary, a plain value of one form.

Whatever a manifest or a config holds, the summary has the form of labkit/seen/registries.py, Manifest, and making it raises
nothing. Size and depth are bounded where JSON is read (`parse`), texts where they are told on.
"""

import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

from .grammar import clean, is_digest

LARGEST = 4 * 1024**2
"""Bytes of a manifest or a config; what is larger is not read. Distribution takes no larger manifest (registry/handlers/
manifests.go: maxManifestBodySize)."""

DEEPEST = 64
"""Levels of JSON in JSON. A manifest has five, a config four."""

LONGEST_TEXTS = 64 * 1024
"""Letters of all labels, or all annotations, together; what goes beyond is left out."""

LARGEST_SIZE = 2**53
"""Bytes that a descriptor may claim: the largest number that every reader of JSON keeps whole (RFC 8259, section 6)."""

Summary = dict[str, Any]
Read = Callable[[str], Any]

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")

MOST_LISTED = 1000
"""Layers, or manifests of an index, that are told; where there are more the manifest is told as unknown. Docker takes 127
layers (moby, layer/layer_store.go: maxLayerDepth), an index has a manifest for each platform."""

UNKNOWN = "unknown"
INCOMPLETE = "incomplete"
"""The kind of a manifest of which a part is not there: its own bytes, its config or a layer. Nobody gets it whole."""

RUNS = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "StopSignal", "User", "Volumes", "WorkingDir")
"""The parts of a config that say how an image starts."""


def parse(data: bytes) -> Any:
    """JSON of bounded size and depth. None for what is none, or is too large or too deep."""
    if len(data) > LARGEST:
        return None
    try:
        value = json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if _is_flat(value) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _is_flat(value: Any) -> bool:
    """Whether lists and objects lie in each other no deeper than DEEPEST."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        if not level:
            return True
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (dict, list))]
    return not level


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def summary(manifest: Any, read: Read) -> Summary:
    """The summary of a manifest, given as `parse` reads it. `read(digest)` gives a blob in the same way, or None."""
    if not isinstance(manifest, dict):
        return unknown()
    told = _index(manifest) if _is_index(manifest) else _image(manifest, read)
    subject = manifest.get("subject")
    return {
        **unknown(),
        **told,
        "annotations": _texts(manifest.get("annotations")),
        "subject": _digest(subject),
        "kind": told["kind"] if subject is None or _digest(subject) else UNKNOWN,
    }


def unknown() -> Summary:
    """The summary of what cannot be read."""
    return {
        "kind": UNKNOWN,
        "config": None,
        "layers": [],
        "size": 0,
        "labels": {},
        "annotations": {},
        "artifact_type": "",
        "subject": "",
        "manifests": [],
        "created": "",
        "fingerprint": "",
    }


def _is_index(manifest: dict[str, Any]) -> bool:
    """OCI leaves the media type out where the form tells."""
    media = manifest.get("mediaType")
    return media in INDEXES or (media not in IMAGES and isinstance(manifest.get("manifests"), list))


def _index(manifest: dict[str, Any]) -> Summary:
    children, sound = _descriptors(manifest.get("manifests"))
    return {
        "kind": "index" if sound else UNKNOWN,
        "artifact_type": _word(manifest.get("artifactType")),
        "manifests": [child["digest"] for child in children],
    }


def _image(manifest: dict[str, Any], read: Read) -> Summary:
    # An artifact manifest of OCI 1.1's release candidates has `blobs` in place of layers and no config.
    layers, sound = _descriptors(manifest.get("layers") or manifest.get("blobs"))
    config = manifest.get("config")
    named = _digest(config)
    told = {
        "kind": "artifact" if sound and (named or (layers and config is None)) else UNKNOWN,
        "config": named or None,
        "layers": [layer["digest"] for layer in layers],
        "size": min(sum(_size(layer) for layer in layers), LARGEST_SIZE),
        "artifact_type": _word(manifest.get("artifactType")) or _media_type(config),
    }
    if not _is_image(manifest):
        return told
    described = read(named) if named else None
    if not isinstance(described, dict):
        return {**told, "kind": UNKNOWN}
    runs = described.get("config")
    return {
        **told,
        "kind": "image" if told["kind"] != UNKNOWN else UNKNOWN,
        "labels": _texts(runs.get("Labels")) if isinstance(runs, dict) else {},
        "created": _word(described.get("created")),
        "fingerprint": fingerprint(_diff_ids(described), runs),
    }


def _is_image(manifest: dict[str, Any]) -> bool:
    """Whether it says that it is an image; an artifact may have the config of one (image specification, "artifactType")."""
    return "image" in _media_type(manifest.get("config")) and not manifest.get("artifactType")


def config_of(manifest: Any) -> str:
    """The digest of the config that a summary of this manifest asks for, "" for none."""
    if not isinstance(manifest, dict) or _is_index(manifest) or not _is_image(manifest):
        return ""
    return _digest(manifest.get("config"))


def parts_of(manifest: Any) -> list[str]:
    """The digests of the blobs that a registry must have for this manifest: its config and its layers, but for those that are
    fetched elsewhere (image specification, "Descriptors": urls)."""
    if not isinstance(manifest, dict) or _is_index(manifest):
        return []
    layers, _ = _descriptors(manifest.get("layers") or manifest.get("blobs"))
    parts = [manifest.get("config"), *(layer for layer in layers if not layer.get("urls"))]
    return list(dict.fromkeys(digest for part in parts if (digest := _digest(part))))


def incomplete(held: Summary) -> Summary:
    """The summary of a manifest of which a part is not there: no image, though it names what it should have."""
    return {**held, "kind": INCOMPLETE, "fingerprint": ""}


def fingerprint(diff_ids: list[str], config: Any) -> str:
    """Names what is in an image and how it starts: the same, however it was packed, compressed and dated ("" for nothing).

    `diff_ids` are the digests of its layers' contents, `config` is its config's `config`, as a registry's blob or an engine
    has it. An image's own digests differ between formats; two images with the same content have the same fingerprint.
    """
    held = config if isinstance(config, dict) else {}
    runs = {key: held[key] for key in RUNS if held.get(key)}
    told = json.dumps([diff_ids, runs], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest() if diff_ids else ""


def _diff_ids(config: dict[str, Any]) -> list[str]:
    """The digests of the layers' contents: the same for the same files, however they are packed."""
    rootfs = config.get("rootfs")
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return found if isinstance(found, list) and all(map(is_digest, found)) else []


def _descriptors(value: Any) -> tuple[list[dict[str, Any]], bool]:
    """Those descriptors of a list that name a digest, and whether that was all of it. Go writes an empty list as null."""
    if not isinstance(value, list):
        return [], value is None
    found = [entry for entry in value[:MOST_LISTED] if _digest(entry)]
    return found, len(found) == len(value)


def _digest(descriptor: Any) -> str:
    """The digest that a descriptor names, "" for none."""
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return digest if is_digest(digest) else ""


def _media_type(descriptor: Any) -> str:
    return _word(descriptor.get("mediaType")) if isinstance(descriptor, dict) else ""


def _word(value: Any) -> str:
    """A media type (RFC 6838: two names of at most 127 letters) or a time."""
    return clean(value, 255)


def _size(descriptor: dict[str, Any]) -> int:
    size = descriptor.get("size")
    return size if type(size) is int and 0 <= size <= LARGEST_SIZE else 0


def _texts(value: Any) -> dict[str, str]:
    """Labels or annotations, of bounded size. What has no text for a value is left out."""
    found: dict[str, str] = {}
    room = LONGEST_TEXTS
    for key, text in value.items() if isinstance(value, dict) else ():
        if isinstance(text, str):
            name, told = clean(key), clean(text)
            room -= len(name) + len(told)
            if room < 0:
                break
            found[name] = told
    return found


def weight(held: Summary) -> int:
    """About as many bytes as a summary takes as JSON."""
    texts = sum(len(key) + len(text) for field in ("labels", "annotations") for key, text in held[field].items())
    return 500 + texts + 75 * (len(held["layers"]) + len(held["manifests"]))


class Summaries:
    """Summaries by digest, each with the digests of the parts that it needs; the newest that were made, in bounded room. A
    manifest never changes under its digest, so each is made once."""

    def __init__(self, room: int = 16 * 1024**2) -> None:
        """`room` in bytes, as `weight` tells them."""
        self._kept: dict[str, tuple[Summary, list[str]]] = {}
        self._room = room
        self._lock = threading.Lock()

    def get(self, digest: str) -> tuple[Summary, list[str]] | None:
        return self._kept.get(digest)

    def keep(self, digest: str, summary: Summary, parts: list[str]) -> None:
        with self._lock:
            self._forget(digest)
            self._kept[digest] = summary, parts
            self._room -= self._weight(digest)
            while self._room < 0:
                self._forget(next(iter(self._kept)))

    def _forget(self, digest: str) -> None:
        if digest in self._kept:
            self._room += self._weight(digest)
            del self._kept[digest]

    def _weight(self, digest: str) -> int:
        held, parts = self._kept[digest]
        return weight(held) + 75 * len(parts)
