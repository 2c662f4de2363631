"""A command on a machine, run through the engine that runs the lab (Engine API: exec)."""

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from labkit.errors import LabError
from labkit.lab.access import STDOUT, Terminal
from labkit.lab.engine.engines import Engine
from labkit.lab.engine.execute import WITHOUT
from labkit.lab.engine.wire import WireError

PATIENCE = 10.0
GRACE = 1.0
"""Seconds that a command gets to end by itself once nobody listens any more."""

LEADER = ("sh", "-c", 'echo "$$"; exec "$@"', "sh")
"""Prints its own process number first. Signals must be sent to that process: the engine forwards none, and its number for the
process is a different one."""

HEADER = 8
"""Bytes before each piece of output without a terminal: the stream, three zeros, the length."""

SIGNALS = ("INT", "TERM", "HUP", "KILL")


Piece = tuple[int, bytes]
"""A stream and some of its output; b"" at the end."""


def begin(read: Callable[[], Piece]) -> tuple[int, list[Piece]]:
    """The process number that LEADER prints, and the output that arrived by then: standard error may overtake it. Raises
    LabError."""
    told = b""
    others: list[Piece] = []
    while b"\n" not in told:
        kind, data = read()
        if not data:
            said = b"".join([told, *(piece for _, piece in others)]).decode(errors="replace").strip()
            raise LabError(f"The command could not be run: {said or 'it ended at once'}", "labkit status")
        if kind == STDOUT:
            told += data
        else:
            others.append((kind, data))
    number, _, rest = told.partition(b"\n")
    if not number.strip().isdigit():
        raise LabError(f"The command could not be run: {told.decode(errors='replace').strip()}", "labkit status")
    return int(number), [*others, *([(STDOUT, rest)] if rest else [])]


class EngineSession:
    """See labkit.lab.access.Session."""

    def __init__(self, engine: Engine, container: str, command: Sequence[str], terminal: Terminal | None) -> None:
        self._engine, self._container = engine, container
        self._framed, self._held, self._closed = terminal is None, b"", False
        body: dict[str, Any] = {
            "Cmd": [*LEADER, *command],
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "Tty": terminal is not None,
            "Env": [*WITHOUT, *([f"TERM={terminal.kind}"] if terminal else [])],
        }
        try:
            with engine.wire(PATIENCE) as wire:
                self._id: str = json.loads(wire.request("POST", f"/containers/{container}/exec", body))["Id"]
            start = {"Detach": False, "Tty": terminal is not None}
            self._stream = engine.wire(PATIENCE).stream(f"/exec/{self._id}/start", start)
        except WireError as error:
            raise LabError(f"The command could not be run: {error}", "labkit status") from error
        try:
            self._leader, self._first = begin(self._next)
        except LabError:
            self._stream.close()
            raise
        if terminal:
            self.resize(terminal.rows, terminal.columns)

    def read(self) -> Piece:
        return self._first.pop(0) if self._first else self._next()

    def _next(self) -> Piece:
        if not self._framed:
            return STDOUT, self._stream.read()
        while True:
            size = int.from_bytes(self._held[4:HEADER], "big") + HEADER if len(self._held) >= HEADER else 0
            if size and len(self._held) >= size:
                kind, data = self._held[0], self._held[HEADER:size]
                self._held = self._held[size:]
                if data:
                    return kind, data
                continue
            piece = self._stream.read()
            if not piece:
                return STDOUT, b""
            self._held += piece

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(data)

    def end_input(self) -> None:
        self._stream.end()

    def resize(self, rows: int, columns: int) -> None:
        with contextlib.suppress(WireError), self._engine.wire(PATIENCE) as wire:
            wire.request("POST", f"/exec/{self._id}/resize?h={int(rows)}&w={int(columns)}")

    def signal(self, name: str) -> None:
        if name not in SIGNALS:
            raise LabError(f"{name!r} is not a signal for a command on a machine.", f"one of {', '.join(SIGNALS)}")
        command = ["kill", f"-{name}", f"-{self._leader}"]
        with contextlib.suppress(WireError), self._engine.wire(PATIENCE) as wire:
            made = json.loads(wire.request("POST", f"/containers/{self._container}/exec", {"Cmd": command}))
            wire.request("POST", f"/exec/{made['Id']}/start", {"Detach": True})

    def status(self) -> int:
        try:
            status = self._ended(PATIENCE)  # its output ends a moment before it does
        except WireError as error:
            raise LabError(f"The command's exit status is unknown: {error}", "labkit status") from error
        if status is None:
            raise LabError("The command has closed its output but still runs.", "labkit shell MACHINE ps")
        return status

    def close(self) -> None:
        with contextlib.suppress(WireError):
            for name in ("HUP", "KILL"):
                if self._closed or self._ended(GRACE if name == "KILL" else 0) is not None:
                    break
                self.signal(name)
        self._closed = True
        self._stream.close()

    def _ended(self, patience: float) -> int | None:
        """Its exit status; None if it has not ended after `patience` seconds. Raises WireError."""
        deadline = time.monotonic() + patience
        while True:
            with self._engine.wire(PATIENCE) as wire:
                told = wire.get(f"/exec/{self._id}/json")
            if not told["Running"]:
                return int(told["ExitCode"] or 0)
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)
