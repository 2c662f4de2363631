"""Runs a cell's commands in bash, on this side or on a machine of the lab, and prints their output as it comes."""

import codecs
import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO, Any

import psutil

from labkit.jupyter.failures import INTERRUPTED, MOST, Ran
from labkit.jupyter.progress import Progress
from labkit.lab.access import STDERR, STDOUT, Session

SCRIPT = ("bash", "-c", 'eval "$(cat)"')
"""Reads the cell from standard input, so that it appears in no process list, and no command in it can read the rest of the
cell."""

HARDER = {"TERM": 3.0, "KILL": 6.0}
"""What follows an interrupt that has no effect, after this many seconds."""

TICK = 0.1
"""Seconds to wait for the end of a line."""

STUCK = 15.0
"""Seconds after which a cell stops waiting for a service whose progress says nothing new: its app may crash again and again,
and docker would wait forever."""

STUCK_STATUS = 124
"""The exit status of a cell that stopped waiting, like that of the program `timeout`."""

GIVEN_UP = """\
→ No progress for {:.0f} seconds, so this cell stops waiting. The Swarm keeps trying. To see why: docker service ps NAME
"""


class Here:
    """A command on this side; see labkit.lab.access.Session. It stays in the kernel's process group, and ends with it."""

    def __init__(self, command: Sequence[str]) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)
        self._pieces: queue.Queue[tuple[int, bytes]] = queue.Queue(64)
        self._open = 2
        for kind, stream in ((STDOUT, self._process.stdout), (STDERR, self._process.stderr)):
            threading.Thread(target=self._listen, args=(kind, stream), name="labkit-cell", daemon=True).start()

    def _listen(self, kind: int, stream: IO[bytes]) -> None:
        with stream:
            while data := stream.read(65536):
                self._pieces.put((kind, data))
        self._pieces.put((kind, b""))

    def read(self) -> tuple[int, bytes]:
        while self._open:
            kind, data = self._pieces.get()
            if data:
                return kind, data
            self._open -= 1
        return STDOUT, b""

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(data)

    def end_input(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def resize(self, rows: int, columns: int) -> None:
        """It has no terminal."""

    def signal(self, name: str) -> None:
        with contextlib.suppress(psutil.Error):
            bash = psutil.Process(self._process.pid)
            for one in [*bash.children(recursive=True), bash]:
                with contextlib.suppress(psutil.Error):
                    one.send_signal(signal.Signals[f"SIG{name}"])

    def status(self) -> int:
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def close(self) -> None:
        if self._process.poll() is None:
            self.signal("KILL")
            self._process.wait()


def here(script: str) -> Ran:
    """Runs a script in bash on this side."""
    return _run(Here(SCRIPT), script)


def on(machine: str, script: str) -> Ran:
    """Runs a script in bash on that machine. Raises LabError."""
    from labkit.lab import find

    lab = find.current()
    machines = [part.machine for part in lab.parts.values() if part.role != "edge"]
    if machine not in machines:
        raise lab.lacks(machine, machines, "%%on worker1")
    return _run(lab.access.session(lab, machine, SCRIPT), script)


class _Screen:
    """Prints what a command prints, and keeps the end of it."""

    def __init__(self) -> None:
        self.kept = {STDOUT: "", STDERR: ""}
        self.progress = Progress()
        decoder = codecs.getincrementaldecoder("utf-8")
        self._text = {kind: decoder(errors="replace") for kind in self.kept}

    def show(self, kind: int, data: bytes) -> None:
        text = self._text[kind].decode(data)
        self.kept[kind] = (self.kept[kind] + text)[-MOST:]
        if kind == STDERR:
            self.rest()
            self._print(sys.stderr, text)
        else:
            self._print(sys.stdout, self.progress.feed(text, time.monotonic()))

    def rest(self) -> None:
        self._print(sys.stdout, self.progress.rest())

    def stuck(self) -> bool:
        since = self.progress.waits_since
        return since is not None and time.monotonic() - since > STUCK

    @staticmethod
    def _print(stream: Any, text: str) -> None:
        if text:
            stream.write(text)
            stream.flush()


def _run(session: Session, script: str) -> Ran:
    """Runs it to the end. An interrupt is passed on to it."""
    screen = _Screen()
    pieces: queue.Queue[tuple[int, bytes] | BaseException] = queue.Queue(64)
    ending: list[threading.Timer] = []
    given_up: list[bool] = []

    def listen() -> None:
        try:
            while (piece := session.read())[1]:
                pieces.put(piece)
            pieces.put(piece)
        except BaseException as error:  # told in the cell's own thread
            pieces.put(error)

    def interrupt() -> None:
        session.signal("INT")
        if not ending:
            ending.extend(threading.Timer(after, session.signal, [name]) for name, after in HARDER.items())
            for timer in ending:
                timer.start()

    def end() -> int:
        """Prints everything until the command has ended; returns its exit status."""
        told = False
        while True:
            try:
                piece = pieces.get(timeout=TICK)
            except queue.Empty:
                screen.rest()
            else:
                if isinstance(piece, BaseException):
                    raise piece
                if not piece[1]:
                    screen.rest()
                    return session.status() or (STUCK_STATUS if given_up else 0)
                screen.show(*piece)
            if screen.stuck() and not told:
                given_up.append(True)
                sys.stdout.write(GIVEN_UP.format(STUCK))
                session.signal("INT")
            told = screen.stuck()

    try:
        session.write(script.encode())
        session.end_input()
        threading.Thread(target=listen, name="labkit-cell-output", daemon=True).start()
        while True:
            try:
                status = end()
                break
            except KeyboardInterrupt:
                interrupt()
    finally:
        for timer in ending:
            timer.cancel()
        session.close()
    return Ran(script, screen.kept[STDOUT], screen.kept[STDERR], INTERRUPTED if ending else status)
