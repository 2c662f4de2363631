"""The Python packages that labkit needs, for a machine without a package index: they travel in the lab image's archive.

The script `./lab` takes them from there. `docker load` passes over them, so the archive is still an image's."""

import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from importlib import metadata
from pathlib import Path

import labkit
from labkit.errors import LabError

FOLDER = "wheels"
"""The folder in the archive."""

MADE_FOR = "made-for"
"""The file in that folder that tells people which Python and machine the packages fit."""

BUILD = ("hatchling", "editables")
"""What pip needs beside labkit's own packages to install a checkout."""


def add(archive: Path) -> None:
    """Adds the packages that this labkit runs with to an archive. Raises LabError, OSError."""
    with tempfile.TemporaryDirectory(prefix="labkit-wheels-") as folder:
        fetch(Path(folder) / FOLDER)
        with tarfile.open(archive, "a") as out:
            out.add(Path(folder) / FOLDER, FOLDER)


def fetch(folder: Path) -> None:
    """Puts the packages into a folder, each as a wheel, in the versions that run here. Raises LabError, OSError."""
    folder.mkdir()
    pins = folder.with_name("pins.txt")
    pins.write_text("".join(f"{line}\n" for line in _pip("freeze").splitlines() if "==" in line))
    _pip("wheel", "--wheel-dir", str(folder), "--constraint", str(pins), *_wanted(), *BUILD)
    made = f"Python {sys.version_info.major}.{sys.version_info.minor} on {sysconfig.get_platform()}"
    (folder / MADE_FOR).write_text(made + "\n")


def _wanted() -> list[str]:
    """What to pass to pip: the checkout with its requirements, or labkit's requirements if it was installed otherwise."""
    checkout = Path(labkit.__file__).parents[1]
    if (checkout / "pyproject.toml").is_file():
        return [str(checkout)]
    return [one for one in metadata.requires("labkit") or [] if "extra ==" not in one]


def _pip(*words: str) -> str:
    """What pip prints. Raises LabError with its last words."""
    command = [sys.executable, "-m", "pip", words[0], "--quiet", "--disable-pip-version-check", *words[1:]]
    ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if ran.returncode:
        said = (ran.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise LabError(f"The Python packages could not be fetched: {said}", "labkit image save --image-only FILE")
    return ran.stdout
