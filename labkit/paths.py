"""Where things lie on the learner's machine. Nothing here creates a folder."""

import os
import shutil
from pathlib import Path

LAB = os.environ.get("LABKIT_LAB", "registry-lab")
"""The name of this lab: label value, network name and prefix of every container and volume."""


def _xdg(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default)


def state() -> Path:
    """What a running lab needs on this side: keys, Docker contexts, JupyterLab's runtime files. Gone after `down`."""
    if chosen := os.environ.get("LABKIT_STATE"):
        return Path(chosen)
    return _xdg("XDG_STATE_HOME", ".local/state") / "registry-lab" / LAB


JUPYTER_FILES = ("jupyter", "jupyter.log")
"""In `state`: what a running JupyterLab and its kernels need. It may outlive the lab, and be there before the next."""


def clear_state(keep: tuple[str, ...] = JUPYTER_FILES) -> None:
    """Removes what a lab kept on this side, but for these names."""
    for one in state().iterdir() if state().is_dir() else ():
        if one.name in keep:
            continue
        if one.is_dir():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)


def cache() -> Path:
    """What belongs to the installation and outlives a lab: the base image's archive, the lock of `up` and `down`."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "registry-lab"


def engine_data() -> Path:
    """Data folder of the lab's own engine, used where the machine has no Docker Engine; it keeps the lab image."""
    return Path(os.environ.get("LABKIT_ENGINE_DATA", "/var/lib/registry-lab/engine"))


def engine_run() -> Path:
    """Socket, pid file and log of the lab's own engine. Gone when that engine has ended."""
    return Path(os.environ.get("LABKIT_ENGINE_RUN", "/run/registry-lab"))


def work() -> Path:
    """The learner's folder: notebooks, files and attempts. Never removed, never written over."""
    return Path(os.environ.get("LABKIT_WORK") or Path.home() / "registry-lab").absolute()


def course() -> Path:
    """Folder that holds exercises/, solutions/ and notebooks/: the checkout, or the copy inside the installed package."""
    if chosen := os.environ.get("LABKIT_COURSE"):
        return Path(chosen).absolute()
    package = Path(__file__).parent
    return package / "_course" if (package / "_course").is_dir() else package.parent
