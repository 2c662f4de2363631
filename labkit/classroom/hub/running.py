"""Runs JupyterHub and its proxy beside the classroom: starts them, starts again what dies, and ends them with the classroom.

Which processes these are is written down, with the moment when each was started. So the next start ends what a classroom left
that was killed, and never another process that has got its number.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
import psutil

from labkit.classroom.hub import config, users
from labkit.classroom.hub.config import Secrets, Settings
from labkit.classroom.hub.install import Proxy
from labkit.errors import LabError
from labkit.lab.engine import processes
from labkit.work import keeping

Say = Callable[[str], None]

PATIENCE = 60.0
"""Seconds that JupyterHub may take to start."""
BEAT = 0.5
ENDING = 40.0
"""Seconds that JupyterHub may take to end: it ends the learners' servers first."""
QUICK, TIMES = 20.0, 3
"""A process that dies so many times, each time within so many seconds, is not started again."""


@dataclass
class _Child:
    """One of the two."""

    title: str
    command: list[str]
    log: Path
    environ: Mapping[str, str]
    process: "subprocess.Popen[bytes] | None" = None
    born: float = 0.0
    quick: int = 0
    """How often it has died soon, one time after the other."""

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.log.chmod(0o600)
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is the classroom's: it ends them in order
            )
        self.born = time.monotonic()

    @property
    def dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self, patience: float) -> None:
        """Politely, and then not; only this process: what it started is its own to end."""
        if self.process is None or self.dead:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
            return
        self.process.kill()
        self.process.wait(5)


@dataclass
class Running:
    """JupyterHub and its proxy."""

    settings: Settings
    kept: Secrets
    proxy: Proxy
    say: Say = lambda _: None
    """Told what died and what becomes of it."""
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        return Path(self.settings.folder)

    def children(self) -> tuple[_Child, _Child]:
        folder = self.folder
        node = [self.proxy.node, self.proxy.script, str(folder / config.SETTINGS), str(folder / config.SECRETS)]
        file = Path(__file__).with_name("jupyterhub_config.py")
        hub = [sys.executable, "-P", "-m", "jupyterhub", "-f", str(file)]
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTERHUB_", "CONFIGPROXY_"))
        }
        return (
            _Child("JupyterHub's proxy", node, folder / "proxy.log", plain),
            _Child("JupyterHub", hub, folder / "hub.log", {**plain, "LABKIT_HUB": str(folder)}),
        )


@contextlib.contextmanager
def _unhurried() -> Iterator[None]:
    """A second Ctrl-C would leave the proxy behind, with the port that the next start needs. Each step in here has its end."""
    if threading.current_thread() is not threading.main_thread():  # signals are not its business
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def beside(running: Running, say: Say) -> Iterator[None]:
    """Runs both while the block runs. Raises LabError with the last words of one that does not start."""
    folder = running.folder
    write(running.settings, running.kept)
    end_leftovers(folder)
    users.end_all(running.settings.realm)  # JupyterHub has ended them, where it could
    proxy, hub = children = running.children()
    thread = threading.Thread(target=_watch, args=(running, children), name="labkit-hub", daemon=True)
    try:
        say("starting JupyterHub")
        for one in children:
            one.start()
        _note(folder, children)
        _wait(running, children)
        thread.start()
        yield
    finally:
        with _unhurried():
            running._over.set()
            if thread.ident is not None:
                thread.join()
            hub.end(ENDING)
            proxy.end(5)
            users.end_all(running.settings.realm)
            (folder / config.RUNNING).unlink(missing_ok=True)


def write(settings: Settings, kept: Secrets) -> None:
    """What both read when they start. Raises LabError."""
    folder = Path(settings.folder)
    with keeping.writing("JupyterHub's folder", "free some space, or choose another one: --folder"):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        told = msgspec.structs.asdict(settings) | {"hub": settings.hub}
        keeping.write_whole(folder / config.SETTINGS, msgspec.json.encode(told), mode=0o600)
        keeping.write_whole(folder / config.SECRETS, msgspec.json.encode(kept), mode=0o600)


def _wait(running: Running, children: tuple[_Child, _Child]) -> None:
    """Until both answer. Raises LabError."""
    deadline = time.monotonic() + PATIENCE
    while not (_answers(f"{running.settings.hub}/hub/api") and _listens(running.settings)):
        for one in children:
            if one.dead or time.monotonic() > deadline:
                raise LabError(f"{one.title} did not start: {processes.last_words(one.log)}", f"read {one.log}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310  (this machine's own loopback)
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _listens(settings: Settings) -> bool:
    import socket

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    try:
        with socket.create_connection((host, settings.port), 2):
            return True
    except OSError:
        return False


def _watch(running: Running, children: tuple[_Child, _Child]) -> None:
    """Starts again what dies. The proxy forgets the way to the servers: JupyterHub tells it again within seconds."""
    given_up: list[_Child] = []
    while not running._over.wait(BEAT):
        for one in children:
            if not one.dead or one in given_up:
                continue
            one.quick = one.quick + 1 if time.monotonic() - one.born < QUICK else 1
            if one.quick > TIMES:
                given_up.append(one)
                running.say(f"{one.title} ends again and again: {processes.last_words(one.log)} Read {one.log}")
                continue
            running.say(f"{one.title} has ended: it is started again.")
            one.start()
            _note(running.folder, children)


# ── what was left ────────────────────────────────────────────────────────────────────────────────────────────────────


def _note(folder: Path, children: tuple[_Child, ...]) -> None:
    told = []
    for one in children:
        with contextlib.suppress(psutil.Error):
            assert one.process is not None
            told.append((one.process.pid, psutil.Process(one.process.pid).create_time()))
    keeping.write_whole(folder / config.RUNNING, msgspec.json.encode(told), mode=0o600)


def end_leftovers(folder: Path) -> int:
    """Ends what a killed classroom has left running, and returns how many these were. JupyterHub ends the learners' servers."""
    left = _left(folder)
    for process in reversed(left):  # JupyterHub before its proxy
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(ENDING)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(5)
    (folder / config.RUNNING).unlink(missing_ok=True)
    return len(left)


def runs(folder: Path) -> bool:
    """Whether something of this hub's runs."""
    return bool(_left(folder))


def _left(folder: Path) -> list[psutil.Process]:
    def parsed(content: bytes) -> list[tuple[int, float]]:
        return msgspec.json.decode(content, type=list[tuple[int, float]])

    found = []
    nothing: list[tuple[int, float]] = []
    for pid, born in keeping.load(folder / config.RUNNING, parsed, nothing):
        with contextlib.suppress(psutil.Error):
            if processes.same(pid, born):
                found.append(psutil.Process(pid))
    return found
