"""Connects this process's terminal, or its pipes, with a command on a machine."""

import contextlib
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from typing import Any

from labkit.lab.access import Session


def attach(session: Session, terminal: bool) -> int:
    """Returns the exit status. With a terminal every key goes to the command; without one, Ctrl-C is passed on as a signal."""
    threading.Thread(target=_type, args=(session,), name="labkit-keys", daemon=True).start()
    try:
        with _raw(session) if terminal else contextlib.nullcontext():
            while True:
                try:
                    kind, data = session.read()
                    if not data:
                        return session.status()
                    _print(kind, data)
                except KeyboardInterrupt:
                    session.signal("INT")
    finally:
        session.close()


def _type(session: Session) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(sys.stdin.fileno(), 65536):
            session.write(data)
    session.end_input()


def _print(file: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


@contextlib.contextmanager
def _raw(session: Session) -> Iterator[None]:
    """The terminal without its own line editing and signals. A change of its size is passed on."""
    before = termios.tcgetattr(sys.stdin)

    def resized(*_: Any) -> None:
        columns, rows = os.get_terminal_size()
        session.resize(rows, columns)

    handler = signal.signal(signal.SIGWINCH, resized)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, handler)
