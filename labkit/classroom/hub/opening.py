"""Joins JupyterHub to a classroom that is opened, and not served yet."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from labkit import reaching
from labkit.classroom.app import serve
from labkit.classroom.app.hub import Hub, back, issue_pass
from labkit.classroom.app.serve import Place
from labkit.classroom.hub import config, install, naming, running, users, workplace
from labkit.classroom.hub.config import Secrets, Settings
from labkit.classroom.hub.running import Say
from labkit.classroom.opening import Opened, folder_of
from labkit.errors import LabError
from labkit.lab.owner import workshop as keys
from labkit.work import keeping

FOLDER = "hub"
"""In a classroom's folder."""


@dataclass(frozen=True)
class Wanted:
    """How learners get JupyterLab."""

    port: int | None = None
    """For browsers; None for the one after the classroom's, or a free one where that is one; 0 for a free one."""
    homes: Path = workplace.HOMES
    memory: int = workplace.MEMORY
    processes: int = workplace.PROCESSES
    idle: float = 3600.0
    """Seconds after which a JupyterLab in which nothing happens is stopped; 0 for never."""


@contextlib.contextmanager
def beside(opened: Opened, wanted: Wanted, cache: Path, say: Say, told: Say) -> Iterator[Hub]:
    """Installs what is missing, and runs JupyterHub while the block runs. `say` hears of progress, `told` of what goes wrong
    later. Serve the room inside. Raises LabError."""
    room = opened.room
    say("looking at what JupyterHub needs")
    install.check(sys.executable, config.for_learners())
    proxy = install.proxy(cache, say)
    realm = naming.realm(room.key.public.public)
    here = replace(opened.place, port=_port(opened, wanted))
    chain, key = here.shown
    free = [_free() for _ in range(2)]
    with room.database.writing() as session:
        secrets = Secrets(issue_pass(session, room, room.workshop(session)))
    outside = opened.socket.getsockname()[1]
    host = "127.0.0.1" if opened.place.host in serve.EVERYWHERE else opened.place.host
    settings = Settings(
        host=here.host,
        port=here.port,
        classroom=f"https://{host}:{outside}",
        classroom_port=outside,
        ca=str(here.keys / "ca.pem"),
        back=back(room),
        realm=realm,
        folder=str((opened.folder / FOLDER).absolute()),
        homes=str((wanted.homes / realm).absolute()),
        tls_certificate=str(chain.absolute()),
        tls_key=str(key.absolute()),
        hub_port=free[0],
        proxy_api=free[1],
        memory=wanted.memory,
        processes=wanted.processes,
        python=sys.executable,
        idle=wanted.idle,
        own_name=reaching.NAME,
        own_certificate=str((here.keys / "server.pem").absolute()),
        own_key=str((here.keys / "server-key.pem").absolute()),
    )
    with running.beside(running.Running(settings, secrets, proxy, told), say):
        room.hub = Hub(here.port, f"{settings.hub}/hub/api", realm, secrets.service)
        room.jupyter = lambda _: "/jupyter"
        yield room.hub


def forget_users(folder: Path, name: str) -> list[str]:
    """Removes the system users of a workshop's learners, with their homes. Returns their names. Raises LabError where the
    workshop's JupyterHub runs."""
    place = folder_of(folder, name) / FOLDER
    if not place.is_dir():
        return []
    if running.runs(place):
        raise LabError(
            f"JupyterHub of the workshop {name} is running.", "end the classroom first: Ctrl-C where it runs"
        )
    known = keeping.load(place / config.SETTINGS, config.parsed, None)
    return users.forget(known.realm) if known else []


def forget_users_of_broker(root: Path) -> list[str]:
    """The same on a broker's server. Raises LabError where the broker runs."""
    from labkit.classroom.broker import jupyters

    key = root / "workshop.key"
    if not key.is_file():
        return []
    return jupyters.forget(root, naming.realm(keys.read(key).public.public))


def _port(opened: Opened, wanted: Wanted) -> int:
    """The port for browsers, if it is free. Raises LabError."""
    asked = wanted.port
    if asked is None:
        asked = opened.place.port + 1 if opened.place.port else 0
    try:
        with contextlib.closing(serve.listen(Place(opened.place.host, asked, opened.place.keys))) as probe:
            return int(probe.getsockname()[1])
    except LabError as error:
        raise LabError(
            f"JupyterHub cannot listen on {opened.place.host}, port {asked}.", "choose another port: --hub-port 8500"
        ) from error


def _free() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
