"""The lab image: one recipe (labkit/lab/image, labkit/edge), whose base is pulled, or made from Debian's packages."""

import functools
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.lab.engine import bases, sdk
from labkit.lab.engine.engines import Engine, Say

PACKAGE = Path(__file__).parents[2]
RECIPE = PACKAGE / "lab" / "image"
EDGE = PACKAGE / "edge"
ROOM = 2 * 1024**3
"""Bytes that the image, its base and a lab take on the engine's disk, with some to spare."""


def _files() -> list[tuple[str, Path]]:
    """What the recipe is made of, by the path that it has in the checkout: Docker Compose builds it from there."""
    paths = [path for folder in (RECIPE, EDGE) for path in folder.rglob("*") if path.is_file()]
    found = [(f"labkit/{path.relative_to(PACKAGE)}", path) for path in paths]
    return sorted(one for one in found if "__pycache__" not in one[0])


@functools.cache
def name() -> str:
    """The lab image's name; its tag is a hash of the recipe, so a changed recipe is a missing image."""
    digest = hashlib.sha256()
    for path, file in _files():
        digest.update(f"{path}\0".encode() + file.read_bytes() + b"\0")
    return f"registry-lab:{digest.hexdigest()[:12]}"


def exists(engine: Engine) -> bool:
    """Whether the engine has the lab image."""
    return sdk.has_image(engine, name())


def ensure(engine: Engine, say: Say) -> str:
    """The lab image's name; builds it where it is missing. Raises LabError."""
    if not exists(engine):
        build(engine, say)
    return name()


def build(engine: Engine, say: Say) -> str:
    """Builds the lab image. Raises LabError with the last lines of what failed."""
    check_room(engine)
    base = bases.ensure(engine, say)
    say("building the lab image: installing Docker, the registry and the edge (1 of 2 steps that take a while)")
    last: list[str] = []
    with sdk.client(engine) as docker:
        stream = docker.api.build(
            fileobj=_context(),
            custom_context=True,
            dockerfile="labkit/lab/image/Dockerfile",
            target="machine",
            tag=name(),
            buildargs={"BASE": base},
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        for line in stream:
            if "error" in line:
                tail = " | ".join("\n".join(last).splitlines()[-5:])
                raise LabError(f"The lab image could not be built: {line['error']} {tail}", "labkit doctor")
            text = line.get("stream", "").strip()
            if text:
                last = [*last[-4:], text]
                if text.startswith("Step "):
                    say(f"building the lab image: {text}")
        _remove_leftovers(docker.api)
    return name()


def _remove_leftovers(api: Any) -> None:
    """Stages of the build and images of older recipes, where nothing uses them."""
    import docker

    ours = (name(), "registry-lab:compose")
    old = [image for image in api.images("registry-lab") if not set(image["RepoTags"] or ()) & set(ours)]
    for image in [one["Id"] for one in old]:
        try:
            api.remove_image(image)
        except docker.errors.APIError:
            continue  # a lab that runs still uses it


def _context() -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, file in _files():
            info = tarfile.TarInfo(path)
            content = file.read_bytes()
            info.size = len(content)
            info.mode = 0o644
            archive.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def check_room(engine: Engine) -> None:
    """Raises LabError where the engine's disk is nearly full. Silent where the disk cannot be seen from here (a VM)."""
    room = free_bytes(engine)
    if room is not None and room < ROOM:
        raise LabError(
            f"The disk of the Docker Engine is nearly full: {room / 1024**3:.1f} GB free, the lab needs "
            f"{ROOM / 1024**3:.0f} GB.",
            "free some: docker system df shows what Docker itself holds",
        )


def free_bytes(engine: Engine) -> int | None:
    with engine.wire() as wire:
        root = Path(wire.get("/info")["DockerRootDir"])
    return shutil.disk_usage(root).free if root.is_dir() else None


def save(engine: Engine, file: Path, say: Say) -> None:
    """Writes the lab image to `file`. Raises LabError."""
    ensure(engine, say)
    say(f"writing {file}")
    partial = file.with_name(file.name + ".partial")
    try:
        with partial.open("wb") as out, sdk.client(engine) as docker:
            for chunk in docker.api.get_image(name()):
                out.write(chunk)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise LabError(f"{file} could not be written: {error.strerror}.", "choose another place") from error


def load(engine: Engine, file: Path) -> str:
    """Loads the lab image from `file`, which `save` wrote. Returns its name. Raises LabError."""
    import docker

    if not file.is_file():
        raise LabError(f"There is no file {file}.", "labkit image save lab.tar writes one where the image is")
    try:
        with file.open("rb") as content, sdk.client(engine) as api:
            loaded = [tag for image in api.images.load(content) for tag in image.tags]
    except (docker.errors.APIError, docker.errors.ImageLoadError, OSError) as error:
        raise LabError(f"{file} does not hold an image: {_reason(error)}", "labkit image build") from error
    if name() not in loaded:
        raise LabError(
            f"{file} holds {', '.join(loaded) or 'no image'}, this labkit needs {name()}.",
            "save the image with the same version of labkit, or build it: labkit image build",
        )
    return name()


def _reason(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    try:
        return str(json.loads(explanation)["message"]) if explanation else str(error)
    except (ValueError, KeyError, TypeError):
        return str(explanation or error)
