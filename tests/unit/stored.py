"""Writes what pushes leave in the store's folder, for rules that look there."""

import hashlib
import json
import os
import time

HELD = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Store:
    """The store's folder, as one registry has pushed to it."""

    def __init__(self, root, key):
        self.root, self.key = root / "docker/registry/v2", key

    def blob(self, data, name=""):
        """A descriptor of these bytes, as a layer of a repository where one is named."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        value = digest[7:]
        self._write(self.root / f"blobs/sha256/{value[:2]}/{value}/data", data)
        if name:
            self._write(self.root / f"repositories/{self.key}/{name}/_layers/sha256/{value}/link", digest.encode())
        return {"digest": digest, "size": len(data)}

    def manifest(self, name, told, *tags, ago=0):
        digest = self.blob(json.dumps(told).encode())["digest"]
        folder = self.root / f"repositories/{self.key}/{name}/_manifests"
        link = folder / f"revisions/sha256/{digest[7:]}/link"
        for file in (link, *(folder / f"tags/{tag}/current/link" for tag in tags)):
            self._write(file, digest.encode())
        os.utime(link, (time.time() - ago,) * 2)
        return digest

    def image(self, name, text, *tags, ago=0, **more):
        config = {**self.blob(b"{}", name), "mediaType": "application/vnd.oci.image.config.v1+json"}
        layer = {**self.blob(text.encode(), name), "mediaType": "application/vnd.oci.image.layer.v1.tar"}
        told = {"schemaVersion": 2, "mediaType": HELD, "config": config, "layers": [layer], **more}
        return self.manifest(name, told, *tags, ago=ago)

    def index(self, name, digests, *tags, ago=0):
        listed = [{"digest": digest, "mediaType": HELD, "size": 1} for digest in digests]
        return self.manifest(name, {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}, *tags, ago=ago)

    @staticmethod
    def _write(file, data):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
