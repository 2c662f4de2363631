"""The learners' JupyterLabs on a broker's server, for a JupyterHub elsewhere: starts each as a system user of its own, as a
guest of the learner's lab, and ends it.

The classroom says whose, and tells it what JupyterHub tells its servers; the rest is decided here: which user that is, what
runs (labkit/classroom/hub/single.py and nothing else), where, and with how much of the machine. Each listens on a socket in a
folder that only its user can open, and is reached through the broker only.

Which processes these are is written down: a broker that was restarted finds them again. One after which the classroom has not
asked for long is ended: its learner has another one elsewhere, or nobody has it any more.
"""

import asyncio
import contextlib
import logging
import pwd
import secrets
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psutil

from labkit.classroom.broker import naming as labs_naming
from labkit.classroom.broker.labs import Labs
from labkit.classroom.hub import config, limits, naming, pipes, users, workplace
from labkit.errors import LabError
from labkit.lab.engine import processes
from labkit.lab.engine.engines import Say
from labkit.work import keeping

LOG = logging.getLogger(__name__)

BEAT = 5.0
"""Seconds between two looks at all of them."""
LEASE = 600.0
"""Seconds without a question of the classroom's after which a JupyterLab is ended."""
PATIENCE = 120.0
"""Seconds that one may take until it listens."""
POLITELY = 3.0
"""Seconds that one has to end its kernels."""

FILE, LOGS = "jupyters.json", "jupyter"
"""In the broker's folder: which run, and what each has printed."""

PORT = 8888
"""A number without a meaning: JupyterHub wants one, and Jupyter takes a socket only together with its usual one."""


@dataclass(frozen=True)
class Settings:
    """How a broker runs them."""

    root: Path
    """The broker's folder."""
    realm: str
    """The workshop's, in its users' comment (hub/naming.py)."""
    classroom: str
    """https://HOST:PORT, where this server reaches the classroom. The Hub is at another port of it."""
    ca: str
    """The classroom's authority, as PEM."""
    python: str
    homes: Path = workplace.HOMES
    """Learners' homes are made there, in a folder for each workshop."""
    memory: int = workplace.MEMORY
    processes: int = workplace.PROCESSES
    missing: LabError | None = None
    """Why there can be none here."""
    patience: float = PATIENCE
    lease: float = LEASE


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A JupyterLab as it is written down."""

    name: str
    """The user's."""
    pid: int
    born: float
    """When that process was started (psutil): its number may be another one's by now."""
    listens: str
    """The file of its socket."""

    @property
    def alive(self) -> bool:
        return processes.same(self.pid, self.born)


@dataclass
class _Kept:
    ran: Ran
    asked: float = field(default_factory=time.monotonic)
    """When the classroom last asked after it."""
    child: "subprocess.Popen[bytes] | None" = None
    """None where an earlier broker started it."""

    @property
    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        return self.ran.alive


class Jupyters:
    """See labs.py: Jupyters. Use it as a context manager; the JupyterLabs go on when it ends, as the labs do."""

    def __init__(self, settings: Settings, labs: Labs) -> None:
        self.settings, self._labs = settings, labs
        self._file = settings.root / FILE
        self._table = threading.RLock()
        self._kept: dict[str, _Kept] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="labkit-jupyters", daemon=True)

    def __enter__(self) -> "Jupyters":
        """Finds those of an earlier broker again."""
        nothing: dict[str, Ran] = {}
        for learner, ran in keeping.load(self._file, msgspec.json.Decoder(dict[str, Ran]).decode, nothing).items():
            self._kept[learner] = _Kept(ran)
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    # What the classroom asks for

    def start(self, learner: str, environment: Mapping[str, str], hub: int, say: Say = lambda _: None) -> None:
        """Starts the learner's, in the place of one that may run, and waits until it listens. `hub`: the port of JupyterHub's
        proxy. Raises LabError, also where the learner has no lab here."""
        name = naming.learner(self.settings.realm, labs_naming.check_learner(learner))
        if missing := self.settings.missing:
            raise LabError(missing.what, missing.fix)
        workplace.check_told(environment, name)
        if not 0 < hub < 65536:
            raise LabError(f"{hub} is no port of a JupyterHub.", "compare labkit --version")
        with self._turn(learner):
            self.end(learner)
            say("making your place on this server")
            home = users.ensure(name, self.settings.realm, self.settings.homes / self.settings.realm)
            users.end_processes(name)  # a start that was cut off with its broker has left no note
            self._labs.access(learner, home / workplace.LAB, name)
            say("starting JupyterLab")
            kept, log = self._run(learner, name, environment, hub)
            try:
                self._wait(kept, log)
            except BaseException:
                self.end(learner)
                raise

    def runs(self, learner: str) -> bool:
        with self._table:
            kept = self._kept.get(learner)
            if kept:
                kept.asked = time.monotonic()
            return bool(kept and kept.alive)

    def end(self, learner: str) -> None:
        """Ends it with all that its user runs here; "" for all of them."""
        with self._table:
            ending = {learner: self._kept.get(learner)} if learner else dict(self._kept)
        with ThreadPoolExecutor(16, "labkit-jupyters") as pool:
            list(pool.map(lambda one: self._end(*one), [(each, kept) for each, kept in ending.items() if kept]))

    async def connect(self, learner: str) -> pipes.End:
        """A connection to the learner's JupyterLab, and to nothing else: whoever listens there has to be that user. Raises
        LabError."""
        with self._table:
            kept = self._kept.get(learner)
        if kept is None:
            raise LabError(f"{learner} has no JupyterLab here.", "start it")
        try:
            there = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            there.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(there, kept.ran.listens)
                _check(there, kept.ran.name)
                return pipes.Streams(*await asyncio.open_unix_connection(sock=there))
            except BaseException:
                there.close()
                raise
        except (OSError, KeyError) as error:
            raise LabError(f"{learner}'s JupyterLab does not answer: {error}.", "start it again") from error

    # How it is done

    @contextlib.contextmanager
    def _turn(self, learner: str) -> Iterator[None]:
        """One start at a time for each learner."""
        with self._table:
            lock = self._turns.setdefault(learner, threading.Lock())
        with lock:
            yield

    def _run(self, learner: str, name: str, environment: Mapping[str, str], hub: int) -> tuple[_Kept, Path]:
        settings, folder = self.settings, users.runtime(name)
        for old in folder.glob("lab-*.sock"):
            with contextlib.suppress(OSError):
                old.unlink()
        listens = folder / f"lab-{secrets.token_hex(4)}.sock"
        group = limits.open_(name, settings.memory, settings.processes)
        environ = {
            **config.for_learners(),
            **environment,
            **workplace.places(name),
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{PORT}{environment.get(workplace.PREFIX, '/')}",
            workplace.SOCKET: str(listens),
            workplace.HUB_AT: hub_at(settings.classroom, hub),
            workplace.HUB_CA: settings.ca,
        }
        log = settings.root / LOGS / f"{name}.log"
        with keeping.writing("What JupyterLabs print", "free some space on that disk"):
            log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with log.open("wb") as out:
                log.chmod(0o600)
                child = subprocess.Popen(
                    workplace.command(settings.python),
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=workplace.become(name, group),  # noqa: PLW1509  (nothing in there waits for a thread)
                )
        born = psutil.Process(child.pid).create_time()  # it is our child: it is there until we ask how it ended
        kept = _Kept(Ran(name=name, pid=child.pid, born=born, listens=str(listens)), child=child)
        with self._table:
            self._kept[learner] = kept
            self._write()
        return kept, log

    def _wait(self, kept: _Kept, log: Path) -> None:
        """Until it listens. Raises LabError with its last words."""
        deadline = time.monotonic() + self.settings.patience
        while not _listens(kept.ran):
            if not kept.alive or time.monotonic() > deadline:
                raise LabError(
                    f"JupyterLab did not start: {processes.last_words(log)}",
                    f"tell your instructor: all of it is on the broker's server, in {log}",
                )
            time.sleep(0.1)

    def _end(self, learner: str, kept: _Kept) -> None:
        if kept.alive:
            with contextlib.suppress(psutil.Error):
                psutil.Process(kept.ran.pid).send_signal(signal.SIGINT)
            deadline = time.monotonic() + POLITELY
            while kept.alive and time.monotonic() < deadline:
                time.sleep(0.05)
        users.end_processes(kept.ran.name)
        limits.close(kept.ran.name)
        with contextlib.suppress(OSError):
            Path(kept.ran.listens).unlink()
        with self._table:
            if self._kept.get(learner) is kept:
                del self._kept[learner]
                self._write()

    def _write(self) -> None:
        with keeping.writing("Which JupyterLabs run", "free some space on that disk"):
            told = {learner: kept.ran for learner, kept in self._kept.items()}
            keeping.write_whole(self._file, msgspec.json.encode(told), mode=0o600)

    def _tend(self) -> None:
        while not self._over.wait(BEAT):
            self._look()

    def _look(self) -> None:
        """Ends what is left of those that have ended, and those that nobody has asked after."""
        with self._table:
            known = dict(self._kept)
        for learner, kept in known.items():
            if not kept.alive or time.monotonic() > kept.asked + self.settings.lease:
                try:
                    self._end(learner, kept)
                except LabError as error:
                    LOG.warning("%s", error)


def forget(root: Path, realm: str) -> list[str]:
    """Removes the system users of that workshop on this server, with their homes, and returns their names. Raises LabError
    where the broker of that folder has JupyterLabs running."""
    nothing: dict[str, Ran] = {}
    if any(
        one.alive for one in keeping.load(root / FILE, msgspec.json.Decoder(dict[str, Ran]).decode, nothing).values()
    ):
        raise LabError("JupyterLabs of this workshop run here.", "end the classroom first: Ctrl-C where it runs")
    return users.forget(realm)


def hub_at(classroom: str, port: int) -> str:
    """The Hub's address: the classroom's, at another port."""
    host = urlsplit(classroom).hostname or ""
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def _listens(ran: Ran) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1)
        try:
            probe.connect(ran.listens)
            _check(probe, ran.name)
        except (OSError, KeyError):
            return False
    return True


def _check(connection: socket.socket, name: str) -> None:
    """Whether that user listens at the other side: whoever owns the folder can put something else there, such as a link to the
    engine's socket. Raises PermissionError."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, owner, _ = struct.unpack("3i", told)
    if owner != pwd.getpwnam(name).pw_uid:
        raise PermissionError("another user's program listens there")
