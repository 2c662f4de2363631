"""Writes images straight into a registry's folder, and reads what lies there, in the layout of CNCF Distribution
(registry/storage/paths.go).

Sixty images take milliseconds, where sixty pushes would take seconds. Runs on the machine `depot`.
"""

import gzip
import hashlib
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"

MANIFEST_SIZE = 4 * 1024 * 1024
"""Bytes that a manifest has at the most: a registry takes no larger one."""

Blobs = dict[str, bytes]
"""{digest: its bytes}"""


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(word: str, size: int) -> bytes:
    """A layer with one file of so many bytes, which no compression makes smaller; always the same for the same word."""
    content = random.Random(word).randbytes(size)  # noqa: S311  (it stands for an app's files)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        about = tarfile.TarInfo(f"app/{word}")
        about.size = size
        archive.addfile(about, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), 1, mtime=0)


class Image:
    """A manifest with the blobs that it refers to."""

    def __init__(self, manifest: dict[str, Any], blobs: Blobs, lists: tuple[str, ...] = (), created: str = "") -> None:
        self.body = json.dumps(manifest).encode()
        self.digest = sha256(self.body)
        self.kind = str(manifest["mediaType"])
        self.blobs, self.lists, self.created = blobs, lists, created


def image(layers: list[bytes], created: str, architecture: str = "amd64") -> Image:
    told = {
        "architecture": architecture,
        "os": "linux",
        "created": created,
        "config": {"Cmd": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [sha256(gzip.decompress(one)) for one in layers]},
    }
    config = json.dumps(told).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _described(CONFIG, config),
        "layers": [_described(LAYER, one) for one in layers],
    }
    return Image(manifest, {sha256(one): one for one in (config, *layers)}, created=created)


def index(images: dict[str, Image], created: str) -> Image:
    """An index of images: {architecture: image}."""
    listed = [
        {
            "mediaType": each.kind,
            "digest": each.digest,
            "size": len(each.body),
            "platform": {"architecture": architecture, "os": "linux"},
        }
        for architecture, each in images.items()
    ]
    about = {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}
    return Image(about, {}, tuple(each.digest for each in images.values()), created)


def signature(digest: str, created: str) -> Image:
    """What `cosign sign` pushes under the tag sha256-….sig: an image whose layer says which digest is signed."""
    claim = json.dumps({"critical": {"image": {"docker-manifest-digest": digest}, "type": "cosign"}}).encode()
    config = json.dumps({"architecture": "", "os": "", "created": created, "rootfs": {"type": "layers"}}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _described(CONFIG, config),
        "layers": [{**_described(SIGNATURE, claim), "annotations": {"dev.cosignproject.cosign/signature": "…"}}],
    }
    return Image(manifest, {sha256(one): one for one in (config, claim)}, created=created)


def signs(tag: str) -> str:
    """The digest that a signature with this tag is of, or ""."""
    return f"sha256:{tag[7:-4]}" if tag.startswith("sha256-") and tag.endswith(".sig") and len(tag) == 75 else ""


def signing(digest: str) -> str:
    """The tag of a digest's signature."""
    return f"{digest.replace(':', '-')}.sig"


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": sha256(data), "size": len(data)}


def archived(image: Image, name: str) -> bytes:
    """The image as an OCI archive, as `skopeo copy … oci-archive:FILE` writes it."""
    described = {
        **_described(image.kind, image.body),
        "annotations": {"org.opencontainers.image.ref.name": name},
    }
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [described]}).encode(),
        **{f"blobs/sha256/{digest[7:]}": data for digest, data in {**image.blobs, image.digest: image.body}.items()},
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, data in files.items():
            about = tarfile.TarInfo(path)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return packed.getvalue()


class Shelf:
    """A registry's folder: the one that its configuration calls rootdirectory."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "docker" / "registry" / "v2"

    def _blob(self, digest: str) -> Path:
        plain = digest.partition(":")[2]
        return self.top / "blobs" / "sha256" / plain[:2] / plain / "data"

    def _of(self, repository: str) -> Path:
        return self.top / "repositories" / repository

    def keep_blob(self, repository: str, digest: str, data: bytes) -> None:
        if not (place := self._blob(digest)).exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        _link(self._of(repository) / "_layers" / "sha256" / digest.partition(":")[2] / "link", digest)

    def keep(self, repository: str, image: Image, *tags: str) -> None:
        for digest, data in image.blobs.items():
            self.keep_blob(repository, digest, data)
        place = self._blob(image.digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(image.body)
        manifests, plain = self._of(repository) / "_manifests", image.digest.partition(":")[2]
        _link(manifests / "revisions" / "sha256" / plain / "link", image.digest)
        for tag in tags:
            _link(manifests / "tags" / tag / "index" / "sha256" / plain / "link", image.digest)
            _link(manifests / "tags" / tag / "current" / "link", image.digest)

    # ── what lies there ──────────────────────────────────────────────────────────────────────────────────────────────

    def repositories(self) -> list[str]:
        top = self.top / "repositories"
        return sorted(str(place.parent.relative_to(top)) for place in top.glob("**/_manifests"))

    def tags(self, repository: str) -> dict[str, str]:
        """{tag: digest}"""
        links = (self._of(repository) / "_manifests" / "tags").glob("*/current/link")
        return {link.parents[1].name: link.read_text().strip() for link in sorted(links)}

    def revisions(self, repository: str) -> list[str]:
        """The digests of its manifests, whether a tag leads to them or not."""
        links = (self._of(repository) / "_manifests" / "revisions" / "sha256").glob("*/link")
        return sorted(link.read_text().strip() for link in links)

    def blobs(self) -> dict[str, int]:
        """{digest: bytes}"""
        found = (self.top / "blobs" / "sha256").glob("*/*/data")
        return {f"sha256:{place.parent.name}": place.stat().st_size for place in sorted(found)}

    def references(self, digest: str) -> list[str]:
        """The digests that a manifest refers to; none where it is gone, or is no manifest."""
        try:
            place = self._blob(digest)
            told = json.loads(place.read_bytes()) if place.stat().st_size < MANIFEST_SIZE else {}
            parts = [*filter(None, [told.get("config")]), *told.get("layers", []), *told.get("manifests", [])]
            return [str(part["digest"]) for part in parts]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []

    def manifests(self, digests: set[str]) -> dict[str, list[str]]:
        """{digest: what it refers to} of these manifests, and of those that they list, whose bytes are there."""
        found: dict[str, list[str]] = {}
        waiting = list(digests)
        while waiting:
            digest = waiting.pop()
            if digest not in found and (references := self.references(digest)):
                found[digest] = references
                waiting += references
        return found


def _link(place: Path, digest: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(digest)
