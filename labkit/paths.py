"""Where things lie on the learner's machine. Nothing here creates a folder, and nothing is read when this is imported."""

import functools
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

JUPYTER_FILES = ("jupyter", "jupyter.log")
"""In `state`: what a running JupyterLab and its kernels need. It may outlive the lab, and be there before the next."""

COURSE = "course"
"""In a guest's folder: the course as a graded workshop gives it to learners (labkit/content/sealed.py)."""

DOCKER = "docker"
"""In `state`: the lab's Docker configuration. It outlives the lab: without it a shell with `labkit env` would speak to the
learner's own engine (labkit/lab/contexts.py: close)."""


@functools.cache
def user() -> str:
    """Who runs this process, as the system calls them; their number where it has no name for them."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def usual_name() -> str:
    """The name of a lab that was given none: another for each user, since they may share an engine. Root's is the plain one."""
    if os.geteuid() == 0:
        return "registry-lab"
    plain = re.sub(r"[^a-z0-9_.-]+", "-", user().lower())
    return f"registry-lab-{plain}" if plain == user() else f"registry-lab-{plain}-{os.geteuid()}"


@dataclass(frozen=True)
class Home:
    """Where one lab lies on this side. Made from an environment where a door is opened, and passed down from there."""

    name: str
    """The lab's name: label value, network name and prefix of every container and volume."""
    state: Path
    """What a running lab needs on this side: keys, Docker contexts, JupyterLab's runtime files. After `down` only DOCKER is
    left."""
    work: Path
    """The learner's folder: notebooks, files and attempts. Never removed, never written over."""
    cache: Path
    """What belongs to the installation and outlives a lab: the lock of `up` and `down`."""
    engine_run: Path = Path("/run/registry-lab")
    """Socket, pid file and log of an engine of the lab's own. Gone when that engine has ended."""
    engine_data: Path = Path("/var/lib/registry-lab/engine")
    """Data folder of that engine, used where the machine has no Docker Engine; it keeps the lab image."""
    engine: str = ""
    """The address of the one engine to look at; "" for the engine that the docker CLI would use."""
    inside: bool = False
    """Whether this side is a container on the lab's network (docker-compose.lab.yml)."""
    guest: bool = False
    """Whether the lab is somebody else's, and `state` what they wrote for a guest (labkit invite)."""
    said_owner: str = ""
    """What LABKIT_OWNER says instead of `owner`."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Home":
        """The home that these variables name, each with its default."""
        own = Path(environ.get("HOME") or Path.home())
        name = environ.get("LABKIT_LAB") or usual_name()
        state = Path(environ.get("XDG_STATE_HOME") or own / ".local/state")
        cache = Path(environ.get("XDG_CACHE_HOME") or own / ".cache")
        guest = environ.get("LABKIT_GUEST", "")
        return cls(
            name=name,
            state=Path(guest or environ.get("LABKIT_STATE") or state / "registry-lab" / name),
            work=Path(environ.get("LABKIT_WORK") or own / "registry-lab").absolute(),
            cache=Path(environ.get("LABKIT_CACHE") or cache / "registry-lab"),
            engine_run=Path(environ.get("LABKIT_ENGINE_RUN") or cls.engine_run),
            engine_data=Path(environ.get("LABKIT_ENGINE_DATA") or cls.engine_data),
            engine=environ.get("LABKIT_ENGINE", ""),
            inside=environ.get("LABKIT_INSIDE") == "1",
            guest=bool(guest),
            said_owner=environ.get("LABKIT_OWNER", ""),
        )

    @property
    def owner(self) -> str:
        """Whose the labs are that are started from here: USER@HOST:STATE FOLDER. It is kept in the labels of a lab, and is the
        same again where the state folder was lost (docs/decisions/0017-whose-lab.md)."""
        import socket

        return self.said_owner or f"{user()}@{socket.gethostname().partition('.')[0]}:{self.state.absolute()}"

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What must be set beside `environ` so that a process there has this home."""
        there = Home.of({**environ, "LABKIT_LAB": self.name})
        places = {
            "LABKIT_STATE": (self.state, there.state),
            "LABKIT_WORK": (self.work, there.work),
            "LABKIT_CACHE": (self.cache, there.cache),
            "LABKIT_ENGINE_RUN": (self.engine_run, there.engine_run),
            "LABKIT_ENGINE_DATA": (self.engine_data, there.engine_data),
        }
        owner = {"LABKIT_OWNER": self.said_owner} if self.said_owner != there.said_owner else {}
        return {
            "LABKIT_LAB": self.name,
            **{key: str(own) for key, (own, other) in places.items() if own != other},
            **owner,
        }

    @property
    def used(self) -> bool:
        """Whether a lab keeps anything on this side, beside the Docker configuration that outlives it."""
        return self.state.is_dir() and any(path.name != DOCKER for path in self.state.iterdir())

    def clear_state(self, keep: tuple[str, ...] = JUPYTER_FILES) -> None:
        """Removes what a lab kept on this side, but for these names and DOCKER."""
        for path in self.state.iterdir() if self.state.is_dir() else ():
            if path.name in (DOCKER, *keep):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def home() -> Home:
    """The home that this process's environment names: for doors."""
    return Home.of(os.environ)


def course() -> Path:
    """Folder that holds exercises/, solutions/ and notebooks/: what a workshop's owner gave a guest, the checkout, or the copy
    inside the installed package."""
    if chosen := os.environ.get("LABKIT_COURSE"):
        return Path(chosen).absolute()
    if (guest := os.environ.get("LABKIT_GUEST")) and (given := Path(guest).absolute() / COURSE).is_dir():
        return given
    package = Path(__file__).parent
    return package / "_course" if (package / "_course").is_dir() else package.parent
