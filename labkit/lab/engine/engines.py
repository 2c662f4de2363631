"""The Docker Engine that runs the lab: the one in use on this machine, or one of the lab's own."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError
from labkit.lab.engine.wire import Wire, WireError
from labkit.paths import Home

Say = Callable[[str], None]
"""Called with a few words about what is happening now."""

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Engine:
    """An engine that answered. `own`: it is the lab's own."""

    url: str
    own: bool = False

    def wire(self, timeout: float | None = 10) -> Wire:
        return Wire(self.url, _tls(self.url), timeout)


def own_url(home: Home) -> str:
    return f"unix://{home.engine_run}/docker.sock"


def chosen(home: Home) -> tuple[str, str] | None:
    """The address of the engine that the docker CLI would use, and what set it; None if nothing sets it.

    LABKIT_ENGINE comes first: in the lab's environment DOCKER_HOST is unset and the context is the workstation's.
    """
    if home.engine:
        return home.engine, "LABKIT_ENGINE"
    if url := os.environ.get("DOCKER_HOST"):
        return url, "DOCKER_HOST"
    folder = _config_folder(home)
    if (name := _context_name(folder)) and (found := _context_url(folder, name)):
        return found, f"Docker context {name}"
    return None


def _config_folder(home: Home) -> Path:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    return Path.home() / ".docker" if folder.is_relative_to(home.state) else folder


def _context_name(folder: Path) -> str | None:
    if name := os.environ.get("DOCKER_CONTEXT"):
        return name
    try:
        name = json.loads((folder / "config.json").read_text())["currentContext"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if name == "default" else str(name)


def _context_url(folder: Path, name: str) -> str | None:
    for meta in folder.glob("contexts/meta/*/meta.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(meta.read_text())
            if data["Name"] == name:
                return str(data["Endpoints"]["docker"]["Host"])
    return None


def _tls(url: str):  # type: ignore[no-untyped-def]
    from labkit.lab.engine.wire import tls_context

    folder = os.environ.get("DOCKER_CERT_PATH")
    return tls_context(Path(folder)) if url.startswith("tcp://") and folder else None


def ping(url: str, timeout: float = 5) -> None:
    """Returns when the engine answers. Raises a LabError that says why it does not."""
    if url.startswith("ssh://"):
        raise LabError(
            f"The Docker Engine in use is on another machine ({url}). The lab's machines answer only on loopback.",
            "run labkit on that machine, or use an engine on this one: docker context use default",
        )
    try:
        with Wire(url, _tls(url), timeout) as wire:
            wire.request("GET", "/_ping")
    except WireError as error:
        raise _unreachable(url, error, timeout) from error


def _unreachable(url: str, error: WireError, timeout: float) -> LabError:
    match error.cause:
        case PermissionError():
            return LabError(
                f"You may not use the Docker Engine at {url}: permission denied.",
                "sudo usermod -aG docker $USER   (then log out and in again)",
            )
        case TimeoutError():
            return LabError(
                f"The Docker Engine at {url} accepted the connection but did not answer within {timeout:g} s.",
                "sudo systemctl restart docker   (Docker Desktop: restart it)",
            )
        case _:
            return LabError(f"No Docker Engine answers at {url}: {error}.", "sudo systemctl start docker")


def own_only(home: Home) -> None:
    """Raises LabError for a guest of somebody else's lab."""
    if home.guest:
        raise LabError(
            "You are a guest of this lab: its Docker Engine belongs to the owner.",
            "for a lab of your own, open a new shell without LABKIT_GUEST",
        )


def running(home: Home) -> Iterator[Engine]:
    """The engines that answer now, the most likely one first. LABKIT_ENGINE limits them to one. Raises LabError for a guest,
    who has none."""
    own_only(home)
    seen: set[str] = set()
    choice, own = chosen(home), own_url(home)
    for url in [home.engine] if home.engine else [own, choice[0] if choice else DEFAULT_SOCKET, DEFAULT_SOCKET]:
        if url in seen or (url.startswith("unix://") and not Path(url.removeprefix("unix://")).exists()):
            continue
        seen.add(url)
        with contextlib.suppress(LabError):
            ping(url, timeout=3)
            yield Engine(url, own=url == own)


def find(home: Home) -> Engine:
    """The engine in use. Raises LabError if there is none, if the chosen one does not answer, or for a guest."""
    own_only(home)
    choice, own = chosen(home), own_url(home)
    if choice and choice[0] != own:
        url, source = choice
        try:
            ping(url)
        except LabError as error:
            raise LabError(f"{error.what} ({source} chose it.)", error.fix) from error
        return Engine(url)
    if Path(own.removeprefix("unix://")).exists():
        with contextlib.suppress(LabError):
            ping(own)
            return Engine(own, own=True)
    ping(DEFAULT_SOCKET)
    return Engine(DEFAULT_SOCKET)


def ensure(home: Home, say: Say) -> Engine:
    """The engine in use, or the lab's own, installed from the distribution's packages if it is missing.

    Raises LabError; for a guest, always.
    """
    from labkit.lab.engine import own

    own_only(home)
    try:
        return find(home)
    except LabError:
        socket = Path(DEFAULT_SOCKET.removeprefix("unix://"))
        choice = chosen(home)
        if (choice and choice[0] != own_url(home)) or _answers_badly(socket) or not own.can_start():
            raise
    return own.start(home, say)


def _answers_badly(socket: Path) -> bool:
    """Whether something listens there: a broken engine must be repaired, not replaced."""
    if not socket.exists():
        return False
    try:
        ping(f"unix://{socket}")
    except LabError as error:
        return not isinstance(error.__cause__ and getattr(error.__cause__, "cause", None), ConnectionRefusedError)
    return True
