"""Prints the image registry.lab/pause:1 as `docker save` would: busybox that sleeps. Each pod has a container of it, which
holds the pod's network."""

import hashlib
import io
import json
import platform
import sys
import tarfile
from pathlib import Path

NAME = "registry.lab/pause:1"
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}


def _added(archive: tarfile.TarFile, path: str, content: bytes, mode: int = 0o644) -> None:
    about = tarfile.TarInfo(path)
    about.size, about.mode = len(content), mode
    archive.addfile(about, io.BytesIO(content))


def made(program: bytes) -> bytes:
    """The archive; `program` is busybox, linked statically."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _added(archive, "bin/busybox", program, 0o755)
    content = layer.getvalue()
    config = {
        "architecture": PROCESSORS.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": ["/bin/busybox", "sleep", "infinity"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]},
    }
    told = json.dumps(config).encode()
    name = f"{hashlib.sha256(told).hexdigest()}.json"
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        _added(archive, name, told)
        _added(archive, "layer.tar", content)
        _added(
            archive,
            "manifest.json",
            json.dumps([{"Config": name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]).encode(),
        )
    return whole.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(made(Path("/usr/bin/busybox").read_bytes()))
