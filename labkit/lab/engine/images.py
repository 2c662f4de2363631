"""The lab image: one recipe (labkit/lab/image, labkit/edge) on a base that is pulled or built from Debian's packages."""

import functools
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit.errors import LabError
from labkit.lab.engine import bases, sdk, wheels
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.engine.wire import WireError

PACKAGE = Path(__file__).parents[2]
RECIPE = PACKAGE / "lab" / "image"
EDGE = PACKAGE / "edge"
ROOM = 2 * 1024**3
"""Bytes for the image, its base and a lab on the engine's disk, with some to spare."""


def _files() -> list[tuple[str, Path]]:
    """The recipe's files by their paths in the checkout, where Docker Compose builds it."""
    paths = [path for folder in (RECIPE, EDGE) for path in folder.rglob("*") if path.is_file()]
    found = [(f"labkit/{path.relative_to(PACKAGE)}", path) for path in paths]
    return sorted(one for one in found if "__pycache__" not in one[0])


@functools.cache
def name() -> str:
    """The lab image's name. Its tag is a hash of the recipe: after a change of the recipe the image is missing."""
    return f"registry-lab:{hashed((path, file.read_bytes()) for path, file in _files())}"


def hashed(files: Iterable[tuple[str, bytes]], *words: str) -> str:
    """A tag that identifies what an image is built from: [(path, content)] and further words."""
    digest = hashlib.sha256("".join(f"{word}\0" for word in words).encode())
    for path, content in files:
        digest.update(f"{path}\0".encode() + content + b"\0")
    return digest.hexdigest()[:12]


def exists(engine: Engine) -> bool:
    """Whether the engine has the lab image."""
    return sdk.has_image(engine, name())


def ensure(engine: Engine, say: Say) -> str:
    """The lab image's name; builds the image if it is missing. Raises LabError."""
    if not exists(engine):
        build(engine, say)
    return name()


def build(engine: Engine, say: Say) -> str:
    """Builds the lab image. Raises LabError with the last lines of the failed step."""
    check_room(engine)
    base = bases.ensure(engine, say)
    say(
        "building the lab image: installing Docker, the registry and the edge (the first of two steps that take a while)"
    )
    context = packed([(path, file.read_bytes()) for path, file in _files()])
    made_from(engine, context, "labkit/lab/image/Dockerfile", name(), base, say, "the lab image", target="machine")
    with sdk.client(engine) as docker:
        _remove_leftovers(docker.api)
    return name()


def made_from(
    engine: Engine, context: io.BytesIO, dockerfile: str, tag: str, base: str, say: Say, what: str, target: str = ""
) -> None:
    """Builds an image from these files on a base, on the host's network. Raises LabError with the failed step's last lines."""
    last: list[str] = []
    with sdk.client(engine) as docker:
        stream = docker.api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            target=target,
            tag=tag,
            buildargs={"BASE": base},
            network_mode="host",
            rm=True,
            forcerm=True,
            decode=True,
        )
        for line in stream:
            if "error" in line:
                tail = " | ".join("\n".join(last).splitlines()[-5:])
                raise LabError(
                    f"{what[0].upper()}{what[1:]} could not be built: {line['error']} {tail}", "labkit doctor"
                )
            text = line.get("stream", "").strip()
            if text:
                last = [*last[-4:], text]
                if text.startswith("Step "):
                    say(f"building {what}: {text}")


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


def packed(files: list[tuple[str, bytes]]) -> io.BytesIO:
    """A build context: [(path in it, content)]."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files:
            info = tarfile.TarInfo(path)
            info.size = len(content)
            info.mode = 0o644
            archive.addfile(info, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def check_room(engine: Engine) -> None:
    """Raises LabError if the engine's disk is nearly full. Does nothing if the disk is not visible from here (a VM)."""
    room = free_bytes(engine)
    if room is not None and room < ROOM:
        raise LabError(
            f"The disk of the Docker Engine is nearly full: {room / 1024**3:.1f} GB free, but the lab needs "
            f"{ROOM / 1024**3:.0f} GB.",
            "free some space: docker system df shows what Docker uses",
        )


def free_bytes(engine: Engine) -> int | None:
    with engine.wire() as wire:
        root = Path(wire.get("/info")["DockerRootDir"])
    return shutil.disk_usage(root).free if root.is_dir() else None


def save(engine: Engine, file: Path, say: Say, packages: bool = True, more: Iterable[str] = ()) -> None:
    """Writes the lab image to `file`, with `more` images that stand on it, and with the Python packages that labkit needs.
    Raises LabError."""
    ensure(engine, say)
    say(f"writing the lab image to {file}")
    partial = file.with_name(file.name + ".partial")
    names = "&".join(f"names={quote(image, safe='')}" for image in (name(), *more))
    try:
        with partial.open("wb") as out, engine.wire(timeout=None) as wire:
            for piece in wire.pieces(
                f"/images/get?{names}"
            ):  # in one archive, so layers that several have are in it once
                out.write(piece)
        if packages:
            say(f"adding the Python packages to {file}")
            wheels.add(partial)
        partial.replace(file)
    except OSError as error:
        raise LabError(f"{file} could not be written: {error.strerror}.", "choose another folder") from error
    except WireError as error:
        raise LabError(f"The engine did not give its images: {error}.", "labkit image build") from error
    finally:
        partial.unlink(missing_ok=True)


def load(engine: Engine, file: Path) -> list[str]:
    """Loads the images from `file`, which `save` wrote. Returns their names, the lab image's first. Raises LabError."""
    import docker

    if not file.is_file():
        raise LabError(f"There is no file {file}.", "on a machine that has the image: labkit image save lab.tar")
    try:
        with file.open("rb") as content, sdk.client(engine) as api:
            tags = [tag for image in api.images.load(content) for tag in image.tags]
            loaded = [tag for tag in tags if tag.startswith("registry-lab")]  # people may have given them other names
    except (docker.errors.APIError, docker.errors.ImageLoadError, OSError) as error:
        raise LabError(f"{file} does not contain an image: {_reason(error)}", "labkit image build") from error
    if name() not in loaded:
        raise LabError(
            f"{file} contains {', '.join(loaded) or 'no image'}, but this labkit needs {name()}.",
            "save the image with this version of labkit, or build it here: labkit image build",
        )
    return [name(), *sorted(one for one in loaded if one != name())]


def _reason(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    try:
        return str(json.loads(explanation)["message"]) if explanation else str(error)
    except (ValueError, KeyError, TypeError):
        return str(explanation or error)
