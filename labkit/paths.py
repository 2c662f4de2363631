"""Where things are on the learner's machine. Nothing here creates a folder, and importing this reads nothing."""

import functools
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

JUPYTER_FILES = ("jupyter", "jupyter.log")
"""In `state`: what a running JupyterLab and its kernels need. It may outlive the lab, and exist before the next one."""

COURSE = "course"
"""In a guest's folder: the course as a graded workshop gives it to learners (labkit/content/sealed.py)."""

ENDED = "ended"
"""In `state`: when the last lab's time ended, if that is what ended it (labkit/lab/limit.py)."""

PACKAGED = Path(__file__).parent / "_course"
"""The course in an installed package; a checkout does not have it."""

PARTIAL = ".partial"
"""How the name of a file ends that is being written (labkit/work/keeping.py: write_whole)."""

DOCKER = "docker"
"""In `state`: the lab's Docker configuration. It outlives the lab: without it, a shell with `labkit env` would use the
learner's own engine (labkit/lab/contexts.py: close)."""


@functools.cache
def user() -> str:
    """The user who runs this process, by name, or by number if the system has no name for it."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def usual_name() -> str:
    """The name of a lab that nobody named. It differs by user, since users may share an engine; root's is the plain one."""
    if os.geteuid() == 0:
        return "registry-lab"
    plain = re.sub(r"[^a-z0-9_.-]+", "-", user().lower())
    return f"registry-lab-{plain}" if plain == user() else f"registry-lab-{plain}-{os.geteuid()}"


@dataclass(frozen=True)
class Home:
    """The places of one lab on this side. Made from an environment at a door, and passed down from there."""

    name: str
    """The lab's name: label value, network name and prefix of every container and volume."""
    state: Path
    """What a running lab needs on this side: keys, Docker contexts, JupyterLab's runtime files. After `down` only DOCKER is
    left, and after the end of its time also ENDED."""
    work: Path
    """The learner's folder: notebooks, files and attempts. It is never removed and never overwritten."""
    cache: Path
    """What belongs to the installation and outlives a lab: the lock of `up` and `down`."""
    engine_run: Path = Path("/run/registry-lab")
    """Socket, pid file and log of the lab's own engine. They are gone when that engine has ended."""
    engine_data: Path = Path("/var/lib/registry-lab/engine")
    """Data folder of that engine, used if the machine has no Docker Engine; it keeps the lab image."""
    engine: str = ""
    """The address of the one engine to look at; "" for the engine that the docker CLI would use."""
    inside: bool = False
    """Whether this side is a container on the lab's network (docker-compose.lab.yml)."""
    guest: bool = False
    """Whether the lab belongs to somebody else, and `state` is what they wrote for a guest (labkit invite)."""
    said_owner: str = ""
    """LABKIT_OWNER, which replaces `owner`."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Home":
        """The home that these variables name, with defaults."""
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
        """The owner of the labs that are started from here: USER@HOST:STATE FOLDER. It is stored in the labels of a lab, and
        stays the same if the state folder is lost (docs/decisions/0017-whose-lab.md)."""
        import socket

        return self.said_owner or f"{user()}@{socket.gethostname().partition('.')[0]}:{self.state.absolute()}"

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The variables that must be added to `environ` so that a process there has this home."""
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
        """Whether a lab keeps anything on this side, apart from what outlives it, and from a file that is being written: ENDED
        is, when the lab is gone."""
        return self.state.is_dir() and any(
            path.name not in (DOCKER, ENDED) and path.suffix != PARTIAL for path in self.state.iterdir()
        )

    def clear_state(self, keep: tuple[str, ...] = JUPYTER_FILES) -> None:
        """Removes what a lab kept on this side, except for these names and DOCKER."""
        for path in self.state.iterdir() if self.state.is_dir() else ():
            if path.name in (DOCKER, *keep):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def home() -> Home:
    """The home that this process's environment names. Only doors call this."""
    return Home.of(os.environ)


def course() -> Path:
    """The folder with exercises/, solutions/ and notebooks/: what a workshop's owner gave a guest, the checkout, or the copy
    inside the installed package."""
    if chosen := os.environ.get("LABKIT_COURSE"):
        return Path(chosen).absolute()
    if (guest := os.environ.get("LABKIT_GUEST")) and (given := Path(guest).absolute() / COURSE).is_dir():
        return given
    return PACKAGED if PACKAGED.is_dir() else PACKAGED.parents[1]


def packaged() -> bool:
    """Whether the course is the copy inside the installed package."""
    return course() == PACKAGED
